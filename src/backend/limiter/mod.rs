//! Rate limiters: pure state machines from (state, key, now) to a verdict, exact in whole numbers.
//!
//! One kind a file; what a kind means and which keys of the scenario it needs is said at the head of its file. Every
//! decision is that of real arithmetic: rates are never rounded to whole nanoseconds per request. Times must not go
//! back; a limiter does not see calls, only when a request of a key asks.

mod check;
mod concurrency;
mod fixed_window;
mod gcra;
mod leaky_bucket;
mod pace;
mod penalty;
mod sliding_counter;
mod sliding_log;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token_bucket;

pub use check::{Inexact, check};

use crate::backend::spec::{LimitKind, LimitSpec, RetryAfter};
use crate::kernel::time::NS_PER_S;
use crate::kernel::{Dur, Time};
use concurrency::Concurrency;
use fixed_window::FixedWindow;
use gcra::Gcra;
use leaky_bucket::LeakyBucket;
use penalty::Penalty;
use sliding_counter::SlidingCounter;
use sliding_log::SlidingLog;
use token_bucket::TokenBucket;

/// What a limiter says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Admit {
        /// After this long it leaves the shaper; zero for every kind but the leaky bucket. The maximum of
        /// [`Dur`] means that or later.
        delay: Dur,
    },
    /// It does not.
    Refuse {
        /// How long until a request of this key would pass if nothing else came: refused one nanosecond earlier,
        /// admitted exactly then. The maximum of [`Dur`] means never. A concurrency limit does not know and says
        /// zero, or what is left of its penalty.
        wait: Dur,
    },
}

/// A rate limiter with its state for every key.
#[derive(Clone, Debug)]
pub struct Limiter {
    kind: Kind,
    penalty: Option<Penalty>,
}

#[derive(Clone, Debug)]
enum Kind {
    TokenBucket(TokenBucket),
    Gcra(Gcra),
    FixedWindow(FixedWindow),
    SlidingLog(SlidingLog),
    SlidingCounter(SlidingCounter),
    LeakyBucket(LeakyBucket),
    Concurrency(Concurrency),
}

impl Limiter {
    /// The limiter that `spec` describes, for keys `0..keys`, none of which has asked yet.
    ///
    /// # Panics
    /// When a key that the kind needs is missing, when [`check`] refuses the spec, or when there is no memory for [`Limiter::bytes_per_key`] times `keys`.
    pub fn new(spec: &LimitSpec, keys: u32) -> Limiter {
        const CHECKED: &str = "checked: the kind's keys are there";
        let rate = || (spec.rate.expect(CHECKED), spec.burst.expect(CHECKED));
        let limit = || spec.limit.expect(CHECKED);
        let window = || (limit(), spec.window.expect(CHECKED));
        let kind = match spec.kind {
            LimitKind::TokenBucket => {
                let (rate, burst) = rate();
                Kind::TokenBucket(TokenBucket::new(rate, burst, keys))
            }
            LimitKind::Gcra => {
                let (rate, burst) = rate();
                Kind::Gcra(Gcra::new(rate, burst, keys))
            }
            LimitKind::FixedWindow => {
                let (limit, window) = window();
                Kind::FixedWindow(FixedWindow::new(limit, window, keys))
            }
            LimitKind::SlidingLog => {
                let (limit, window) = window();
                Kind::SlidingLog(SlidingLog::new(limit, window, spec.logs_refused, keys))
            }
            LimitKind::SlidingCounter => {
                let (limit, window) = window();
                Kind::SlidingCounter(SlidingCounter::new(limit, window, keys))
            }
            LimitKind::LeakyBucket => {
                let (rate, burst) = rate();
                Kind::LeakyBucket(LeakyBucket::new(rate, burst, keys))
            }
            LimitKind::Concurrency => Kind::Concurrency(Concurrency::new(limit(), keys)),
        };
        Limiter { kind, penalty: spec.penalty.map(|length| Penalty::new(length, keys)) }
    }

    /// Memory that one key takes, in bytes: multiply by the keys before building what might not fit.
    pub fn bytes_per_key(spec: &LimitSpec) -> u64 {
        let kind = match spec.kind {
            LimitKind::TokenBucket => token_bucket::KEY_BYTES as u64,
            LimitKind::Gcra => gcra::KEY_BYTES as u64,
            LimitKind::FixedWindow => fixed_window::KEY_BYTES as u64,
            LimitKind::SlidingLog => sliding_log::key_bytes(spec.limit.unwrap_or(0)),
            LimitKind::SlidingCounter => sliding_counter::KEY_BYTES as u64,
            LimitKind::LeakyBucket => leaky_bucket::KEY_BYTES as u64,
            LimitKind::Concurrency => concurrency::KEY_BYTES as u64,
        };
        kind + if spec.penalty.is_some() { penalty::KEY_BYTES as u64 } else { 0 }
    }

    /// The verdict on a request of this key at `now`, which is not before any earlier `now` and before [`Time::NEVER`].
    ///
    /// # Panics
    /// When `key` is not below the number of keys.
    #[inline]
    pub fn ask(&mut self, key: u32, now: Time) -> Verdict {
        let key = key as usize;
        let Some(penalty) = &mut self.penalty else { return self.kind.ask(key, now) };
        let left = penalty.left(key, now);
        if left > Dur::ZERO {
            return Verdict::Refuse { wait: left.max(self.kind.wait(key, now)) };
        }
        let verdict = self.kind.ask(key, now);
        let Verdict::Refuse { wait } = verdict else { return verdict };
        penalty.start(key, now);
        Verdict::Refuse { wait: wait.max(penalty.left(key, now)) }
    }

    /// Gives the place of an admitted call back. Only a concurrency limit takes notice.
    ///
    /// # Panics
    /// When no call of this key is in progress at a concurrency limit.
    #[inline]
    pub fn release(&mut self, key: u32, _now: Time) {
        if let Kind::Concurrency(limiter) = &mut self.kind {
            limiter.release(key as usize);
        }
    }

    /// Whether an admitted call must be given back by [`Limiter::release`] once it is answered.
    pub fn needs_release(&self) -> bool {
        matches!(self.kind, Kind::Concurrency(_))
    }
}

impl Kind {
    #[inline]
    fn ask(&mut self, key: usize, now: Time) -> Verdict {
        match self {
            Kind::TokenBucket(limiter) => limiter.ask(key, now),
            Kind::Gcra(limiter) => limiter.ask(key, now),
            Kind::FixedWindow(limiter) => limiter.ask(key, now),
            Kind::SlidingLog(limiter) => limiter.ask(key, now),
            Kind::SlidingCounter(limiter) => limiter.ask(key, now),
            Kind::LeakyBucket(limiter) => limiter.ask(key, now),
            Kind::Concurrency(limiter) => limiter.ask(key),
        }
    }

    /// How long after `now` a request passes if nothing else comes; from then on one would pass at any time.
    fn wait(&self, key: usize, now: Time) -> Dur {
        match self {
            Kind::TokenBucket(limiter) => limiter.wait(key, now),
            Kind::Gcra(limiter) => limiter.wait(key, now),
            Kind::FixedWindow(limiter) => limiter.wait(key, now),
            Kind::SlidingLog(limiter) => limiter.wait(key, now),
            Kind::SlidingCounter(limiter) => limiter.wait(key, now),
            Kind::LeakyBucket(limiter) => limiter.wait(key, now),
            Kind::Concurrency(limiter) => limiter.wait(),
        }
    }
}

/// The whole seconds a 429 names in `Retry-After` (RFC 9110, section 10.2.3); 0 means that it names none.
///
/// `Seconds` rounds up, so that a client which obeys does not come too early. A wait of more than 136 years, which lies
/// beyond every run, says 4294967295.
/// `TooSmall` is half of that, rounded down. An unknown wait of zero stays 0.
pub fn retry_after_s(mode: RetryAfter, wait: Dur) -> u32 {
    let seconds = u32::try_from(wait.0.div_ceil(NS_PER_S)).unwrap_or(u32::MAX);
    match mode {
        RetryAfter::None => 0,
        RetryAfter::Seconds => seconds,
        RetryAfter::TooSmall => seconds / 2,
    }
}
