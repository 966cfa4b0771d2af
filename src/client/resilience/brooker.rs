//! The token bucket and the circuit breaker of Brooker's retry simulator ("Fixing retries with token buckets and circuit
//! breakers", 2022).

use super::{Cause, Ended, Mechanism};
use crate::kernel::Time;
use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The adaptive retries of Brooker's retry simulator ("Fixing retries with token buckets and circuit breakers", 2022). Each
/// call adds `fill-rate` to a bucket, each retry takes 1. Unlike `retry-budget`, a retry needs more than 1.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "brooker-token-bucket")]
pub struct BrookerTokenBucket {
    /// What each call adds.
    #[schemars(range(min = 0.000_001), example = 0.1, extend("x-unit" = "retries per call"))]
    pub fill_rate: Decimal,
    /// The most of the bucket, which it begins with.
    #[schemars(range(min = 1), example = 5, extend("x-unit" = "retries"))]
    pub size: u32,
}

/// A retry, in units of the bucket.
const RETRY: u64 = 1_000_000;

impl Mechanism for BrookerTokenBucket {
    /// What has been taken from the full bucket.
    type State = u64;

    fn first_try(&self, taken: &mut u64, _: Time) {
        *taken = taken.saturating_sub(self.fill_rate.millionths);
    }

    fn affords(&self, taken: &mut u64, _: Cause, _: Time) -> bool {
        u64::from(self.size) * RETRY - *taken > RETRY
    }

    fn pays(&self, taken: &mut u64, _: Cause) {
        *taken += RETRY;
    }
}

/// The circuit breaker of Brooker's retry simulator ("Fixing retries with token buckets and circuit breakers", 2022). It
/// counts calls and failed tries from the start of the run. It stops retries, not first tries, while there are more failed
/// tries than `max-failure-rate` times the calls.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "brooker-breaker")]
pub struct BrookerBreaker {
    /// Failed tries per call, at most.
    #[schemars(range(min = 0.0, max = 1000.0), example = 0.1, extend("x-unit" = "failures per call"))]
    pub max_failure_rate: f64,
}

/// Calls and failed tries so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    calls: u64,
    failures: u64,
}

impl Mechanism for BrookerBreaker {
    type State = Counts;

    fn first_try(&self, state: &mut Counts, _: Time) {
        state.calls += 1;
    }

    fn ended(&self, state: &mut Counts, ended: &Ended, _: Time) {
        state.failures += u64::from(ended.failure.is_some());
    }

    fn affords(&self, state: &mut Counts, _: Cause, _: Time) -> bool {
        state.failures as f64 <= self.max_failure_rate * state.calls.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::failed;
    use super::*;

    /// From 5, four retries leave 1, which is not more than 1. One call more makes 1.1.
    #[test]
    fn a_retry_needs_more_than_one_token() {
        let bucket = BrookerTokenBucket { fill_rate: Decimal { millionths: 100_000 }, size: 5 };
        let mut taken = 0;
        let take = |taken: &mut u64| {
            let affords = bucket.affords(taken, Cause::Failed, Time::ZERO);
            if affords {
                bucket.pays(taken, Cause::Failed);
            }
            affords
        };
        assert_eq!((0..10).filter(|_| take(&mut taken)).count(), 4);
        bucket.first_try(&mut taken, Time::ZERO);
        assert!(take(&mut taken) && !take(&mut taken));
    }

    #[test]
    fn retries_stop_above_the_failure_rate() {
        let breaker = BrookerBreaker { max_failure_rate: 0.1 };
        let mut state = Counts::default();
        (0..19).for_each(|_| breaker.first_try(&mut state, Time::ZERO));
        breaker.ended(&mut state, &failed(500), Time::ZERO);
        assert!(breaker.affords(&mut state, Cause::Failed, Time::ZERO), "1 of 19");
        breaker.ended(&mut state, &failed(500), Time::ZERO);
        assert!(!breaker.affords(&mut state, Cause::Failed, Time::ZERO), "2 of 19");
        breaker.first_try(&mut state, Time::ZERO);
        assert!(breaker.affords(&mut state, Cause::Failed, Time::ZERO), "2 of 20");
    }
}
