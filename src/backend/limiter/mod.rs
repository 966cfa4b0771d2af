//! Rate limiters: pure state machines from (state, key, now) to a verdict, exact in integers.
//!
//! Each kind has a file. The file defines the kind's meaning, the scenario keys that it needs, its scaling for a pilot,
//! its random parameters, and the law that bounds what passes. Decisions are those of real arithmetic: rates are never
//! rounded to whole nanoseconds per request. Times must not decrease. A limiter sees only the keys and times of
//! requests.

mod family;
pub mod law;
mod pace;
mod penalty;
mod pilot;
pub mod report;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::backend::rate::Rate;
use crate::backend::spec::{Counts, LimitSpec, RetryAfter};
use crate::kernel::dice::Dice;
use crate::kernel::time::NS_PER_S;
use crate::kernel::{Dur, Time};
use crate::protocol::RetryIn;
use family::limiters;
use penalty::Penalty;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A limiter's answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request passes.
    Admit {
        /// The request leaves the shaper after this delay; zero for every kind but the leaky bucket. The maximum of
        /// [`Dur`] means that or later.
        delay: Dur,
    },
    /// The request is refused.
    Refuse {
        /// Time until a request of this key would pass if no other came: refused one nanosecond earlier, admitted
        /// exactly then. The maximum of [`Dur`] means never. A concurrency limit does not know the time, and gives zero
        /// or the rest of its penalty.
        wait: Dur,
    },
}

/// A kind of limiter, with its state for every key.
trait Kind: Clone + fmt::Debug {
    /// The kind's own settings in a scenario.
    type Spec: Serialize + DeserializeOwned + JsonSchema;
    /// Whether an admitted call must be released by [`Kind::release`] once it is answered.
    const NEEDS_RELEASE: bool = false;
    /// Whether random scenarios have the kind.
    const IS_DRAWN: bool = true;
    /// Whether the kind counts calls, so that a scenario can say which calls count, and how much each.
    const COUNTS_CALLS: bool = true;

    /// The numbers in words: `of 5/10s, burst 5`.
    fn in_words(spec: &Self::Spec) -> String;

    /// The rate at which one key's requests pass in the long run if there are more than enough of them; `None` for a kind
    /// that bounds no rate.
    fn rate(spec: &Self::Spec) -> Option<Rate>;

    /// What the limit promises a key: see [`LimitKind::promise`].
    fn promise(_: &Self::Spec) -> Option<LimitKind> {
        None
    }

    /// A value that the kind cannot compute with exactly.
    fn inexact(_: &Self::Spec) -> Option<Inexact> {
        None
    }

    /// Memory of one key, in bytes.
    fn key_bytes(spec: &Self::Spec) -> u64;

    /// A limiter for keys `0..keys` without any requests so far.
    fn new(spec: &Self::Spec, keys: u32) -> Self;

    /// Judges a call that counts as `cost` requests, and counts it if it passes.
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict;

    /// Time from `now` until such a call passes if no other comes. A call at any later time also passes.
    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur;

    /// Counts a call without judging it: a refused one, or one whose answer is decided.
    fn count(&mut self, _key: usize, _now: Time, _cost: u32) {
        unreachable!("the kind does not count calls")
    }

    /// Releases an admitted call that has been answered.
    fn release(&mut self, _key: usize) {}

    /// The limit for this share of its callers. A pilot runs this share of the sessions.
    fn scaled(spec: &Self::Spec, share: f64) -> LimitKind;

    /// A random limit, for a run of this many seconds.
    fn draw(dice: &mut Dice, horizon_s: u64) -> Self::Spec;

    /// Draws the kind's younger options: see [`LimitKind::vary`].
    fn vary(_spec: &mut Self::Spec, _dice: &mut Dice) {}

    /// How the times of one key's counted requests break the kind's law: see [`LimitKind::broken_law`].
    fn broken_law(spec: &Self::Spec, counted: &[Time]) -> Option<String>;
}

limiters! {
    token_bucket::TokenBucket = "token-bucket",
    gcra::Gcra = "gcra",
    fixed_window::FixedWindow = "fixed-window",
    idle_window::IdleWindow = "idle-window",
    sliding_log::SlidingLog = "sliding-log",
    sliding_counter::SlidingCounter = "sliding-counter",
    leaky_bucket::LeakyBucket = "leaky-bucket",
    concurrency::Concurrency = "concurrency",
    block::Block = "block",
    own::Own = "own",
}

/// A value of a limit that its kind cannot compute with exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexact {
    /// The key, as a scenario writes it.
    pub key: &'static str,
    /// The problem, in words.
    pub what: String,
    /// The values allowed.
    pub allowed: &'static str,
}

/// A rate limiter with its state for every key.
#[derive(Clone, Debug)]
pub struct Limiter {
    kind: State,
    counts: Counts,
    penalty: Option<Penalty>,
    /// Whether the kind alone decides: it counts what it admits, and there is no penalty.
    plain: bool,
}

impl Limiter {
    /// Builds the limiter that `spec` describes, for keys `0..keys` without any requests so far.
    ///
    /// # Panics
    /// When [`LimitKind::inexact`] refuses the values, or when memory for [`Limiter::bytes_per_key`] times `keys` is
    /// not available.
    pub fn new(spec: &LimitSpec, keys: u32) -> Limiter {
        let penalty = spec.penalty.map(|length| Penalty::new(length, spec.penalty_prolonged, keys));
        let counts = spec.counted();
        let plain = penalty.is_none() && counts == Counts::Admitted;
        Limiter { kind: State::new(&spec.kind, keys), counts, penalty, plain }
    }

    /// Memory of one key, in bytes. Multiply by the number of keys before building a limiter that might not fit.
    pub fn bytes_per_key(spec: &LimitSpec) -> u64 {
        spec.kind.key_bytes() + if spec.penalty.is_some() { penalty::KEY_BYTES as u64 } else { 0 }
    }

    /// Judges a call of this key that counts as `cost` requests at `now`, which must not be before any earlier `now` and
    /// must be before [`Time::NEVER`].
    ///
    /// # Panics
    /// When `key` is not below the number of keys.
    #[inline]
    pub fn ask(&mut self, key: u32, now: Time, cost: u32) -> Verdict {
        if self.plain {
            return self.kind.ask(key as usize, now, cost);
        }
        self.ask_by_rules(key as usize, now, cost)
    }

    fn ask_by_rules(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        if let Some(penalty) = &mut self.penalty
            && let Some(left) = penalty.called(key, now)
        {
            return Verdict::Refuse { wait: left.max(self.kind.wait(key, now, cost)) };
        }
        let verdict = match self.counts {
            Counts::Admitted => self.kind.ask(key, now, cost),
            Counts::All => match self.kind.ask(key, now, cost) {
                Verdict::Refuse { .. } => {
                    self.kind.count(key, now, cost);
                    // Computed after counting, because the refusal itself may make the next wait longer.
                    Verdict::Refuse { wait: self.kind.wait(key, now, cost) }
                }
                admitted => admitted,
            },
            Counts::Failures | Counts::Successes => match self.kind.wait(key, now, cost) {
                Dur::ZERO => Verdict::Admit { delay: Dur::ZERO },
                wait => Verdict::Refuse { wait },
            },
        };
        let Verdict::Refuse { wait } = verdict else { return verdict };
        let Some(penalty) = &mut self.penalty else { return verdict };
        penalty.start(key, now);
        Verdict::Refuse { wait: wait.max(penalty.left(key, now)) }
    }

    /// The answer to an admitted call is decided at `now`. Returns whether the call counts because of that.
    pub fn settle(&mut self, key: u32, now: Time, cost: u32, success: bool) -> bool {
        let counts = match self.counts {
            Counts::Admitted | Counts::All => false,
            Counts::Failures => !success,
            Counts::Successes => success,
        };
        if counts {
            self.kind.count(key as usize, now, cost);
        }
        counts
    }

    /// Releases the place of an admitted call. Only kinds that count calls under way use it.
    ///
    /// # Panics
    /// When no call of this key is in progress at a concurrency limit.
    #[inline]
    pub fn release(&mut self, key: u32, _now: Time) {
        self.kind.release(key as usize);
    }

    /// Whether an admitted call must be released by [`Limiter::release`] once it is answered.
    pub fn needs_release(&self) -> bool {
        self.kind.needs_release()
    }
}

/// The whole seconds in a refusal's `Retry-After` (RFC 9110, section 10.2.3).
///
/// `Seconds` rounds up, so that a client which obeys does not come too early. A wait of more than 136 years, beyond
/// every run, gives 4294967294. `TooSmall` is half of that, rounded down. An unknown wait of zero stays 0.
pub fn retry_after(spec: &LimitSpec, wait: Dur) -> RetryIn {
    let whole = |seconds: u64| u32::try_from(seconds).unwrap_or(u32::MAX);
    let seconds = whole(wait.0.div_ceil(NS_PER_S));
    match spec.retry_after {
        RetryAfter::None => RetryIn::NONE,
        RetryAfter::Seconds => RetryIn::seconds(seconds),
        RetryAfter::TooSmall => RetryIn::seconds(seconds / 2),
        RetryAfter::RoundedDown => RetryIn::seconds(whole(wait.0 / NS_PER_S)),
        RetryAfter::Constant => RetryIn::seconds(spec.retry_after_s.unwrap_or(0)),
    }
}
