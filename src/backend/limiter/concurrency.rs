//! Concurrency: needs `limit`.
//!
//! A key has at most `limit` calls in progress. The caller reports the end of each admitted call by `release`. The
//! limiter does not know when a call in progress will end. A refusal therefore gives a wait of zero, which means
//! "unknown". A limit of 0 gives "never".

use super::{Kind, LimitKind, Verdict, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// At most `limit` calls are being answered at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Most calls of a key that are being answered at once; 0 refuses everything.
    #[schemars(example = 10, extend("x-unit" = "requests"))]
    pub limit: u32,
}

/// A count of calls in progress per key.
#[derive(Clone, Debug)]
pub(super) struct Concurrency {
    limit: u32,
    in_progress: Vec<u32>,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<u32>();

impl Kind for Concurrency {
    type Spec = Spec;
    const NEEDS_RELEASE: bool = true;
    const COUNTS_CALLS: bool = false;

    fn in_words(spec: &Spec) -> String {
        format!("of {}", spec.limit)
    }

    fn rate(_: &Spec) -> Option<Rate> {
        None
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> Concurrency {
        Concurrency { limit: spec.limit, in_progress: vec![0; keys as usize] }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        if self.in_progress[key] < self.limit {
            self.in_progress[key] += 1;
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, _: usize, _: Time, _: u32) -> Dur {
        if self.limit == 0 { Dur(u64::MAX) } else { Dur::ZERO }
    }

    #[inline]
    fn release(&mut self, key: usize) {
        let left = self.in_progress[key].checked_sub(1);
        self.in_progress[key] = left.expect("a call is released once, after it was admitted");
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::Concurrency(Spec { limit: pilot::count(spec.limit, share) })
    }

    fn draw(dice: &mut Dice, _: u64) -> Spec {
        Spec { limit: dice.small(1, 4) }
    }

    /// The law bounds calls under way, not calls in a window. The limiter panics when it loses count.
    fn broken_law(_: &Spec, _: &[Time]) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    #[test]
    fn a_released_place_is_taken_again() {
        let mut limiter = Concurrency::new(&Spec { limit: 2 }, 2);
        assert_eq!(admitted((0..5).map(|_| limiter.ask(0, Time::ZERO, 1))), 2);
        assert_eq!(limiter.ask(0, Time::ZERO, 1), Verdict::Refuse { wait: Dur::ZERO });
        assert!(admits(limiter.ask(1, Time::ZERO, 1)), "keys do not share places");
        limiter.release(0);
        assert_eq!(admitted((0..5).map(|_| limiter.ask(0, Time::ZERO, 1))), 1);
    }

    #[test]
    fn limit_zero_never_passes() {
        assert_eq!(
            Concurrency::new(&Spec { limit: 0 }, 1).ask(0, Time::ZERO, 1),
            Verdict::Refuse { wait: Dur(u64::MAX) }
        );
    }

    #[test]
    #[should_panic(expected = "released once")]
    fn a_release_without_a_call_in_progress_panics() {
        Concurrency::new(&Spec { limit: 2 }, 1).release(0);
    }
}
