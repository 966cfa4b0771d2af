//! Rate limiters: pure state machines from (state, key, now) to a verdict, exact in whole numbers.
//!
//! One kind a file; what a kind means and which keys of the scenario it needs is said in its file, with how its numbers are
//! cut down for a pilot, how they are drawn at random, and the law that bounds what passes. Every decision is that of real
//! arithmetic: rates are never rounded to whole nanoseconds per request. Times must not go back; a limiter does not see
//! calls, only when a request of a key asks.

mod family;
pub mod law;
mod pace;
mod penalty;
mod pilot;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::backend::spec::{LimitSpec, RetryAfter};
use crate::kernel::dice::Dice;
use crate::kernel::time::NS_PER_S;
use crate::kernel::{Dur, Time};
use family::limiters;
use penalty::Penalty;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

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

/// A kind of limiter: its state for every key.
trait Kind: Clone + fmt::Debug {
    /// What a scenario says of it besides what it says of every limit.
    type Spec: Serialize + DeserializeOwned + JsonSchema;
    /// Whether an admitted call must be given back by [`Kind::release`] once it is answered.
    const NEEDS_RELEASE: bool = false;

    /// Its numbers, as a person would name them: `of 5/10s, burst 5`.
    fn in_words(spec: &Self::Spec) -> String;

    /// A value that the kind cannot compute with exactly.
    fn inexact(_: &Self::Spec) -> Option<Inexact> {
        None
    }

    /// Memory that one key takes, in bytes.
    fn key_bytes(spec: &Self::Spec) -> u64;

    /// The limiter for keys `0..keys`, none of which has asked yet.
    fn new(spec: &Self::Spec, keys: u32) -> Self;

    /// The verdict on a request.
    fn ask(&mut self, key: usize, now: Time) -> Verdict;

    /// How long after `now` a request passes if nothing else comes; from then on one would pass at any time.
    fn wait(&self, key: usize, now: Time) -> Dur;

    /// An admitted call has been answered.
    fn release(&mut self, _key: usize) {}

    /// The limit for this share of those who share it: a pilot has so many fewer sessions.
    fn scaled(spec: &Self::Spec, share: f64) -> LimitKind;

    /// A limit drawn at random, for a run of so many seconds.
    fn draw(dice: &mut Dice, horizon_s: u64) -> Self::Spec;

    /// In which way these times, at which requests of one key were admitted, break the law of the kind.
    fn broken_law(spec: &Self::Spec, admitted: &[Time]) -> Option<String>;
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
}

/// A value of a limit that its kind cannot compute with exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexact {
    /// The key, as a scenario writes it.
    pub key: &'static str,
    /// What is wrong, in words.
    pub what: String,
    /// What is allowed.
    pub allowed: &'static str,
}

/// A rate limiter with its state for every key.
#[derive(Clone, Debug)]
pub struct Limiter {
    kind: State,
    penalty: Option<Penalty>,
}

impl Limiter {
    /// The limiter that `spec` describes, for keys `0..keys`, none of which has asked yet.
    ///
    /// # Panics
    /// When [`LimitKind::inexact`] says so, or when there is no memory for [`Limiter::bytes_per_key`] times `keys`.
    pub fn new(spec: &LimitSpec, keys: u32) -> Limiter {
        let penalty = spec.penalty.map(|length| Penalty::new(length, keys));
        Limiter { kind: State::new(&spec.kind, keys), penalty }
    }

    /// Memory that one key takes, in bytes: multiply by the keys before building what might not fit.
    pub fn bytes_per_key(spec: &LimitSpec) -> u64 {
        spec.kind.key_bytes() + if spec.penalty.is_some() { penalty::KEY_BYTES as u64 } else { 0 }
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

    /// Gives the place of an admitted call back. Only a kind that counts calls under way takes notice.
    ///
    /// # Panics
    /// When no call of this key is in progress at a concurrency limit.
    #[inline]
    pub fn release(&mut self, key: u32, _now: Time) {
        self.kind.release(key as usize);
    }

    /// Whether an admitted call must be given back by [`Limiter::release`] once it is answered.
    pub fn needs_release(&self) -> bool {
        self.kind.needs_release()
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
