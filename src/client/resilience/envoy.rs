//! Envoy's retry budget.

use super::{Cause, Ended, Mechanism};
use crate::kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Envoy's retry budget (`config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget`): a limit on the retries under way. A
/// retry counts from the failure that causes it to its own end, its wait included. The failed try counts no longer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "envoy-retry-budget")]
pub struct EnvoyRetryBudget {
    /// Retries under way, at most, in percent of the calls under way.
    #[serde(default = "twenty")]
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    pub budget_percent: f64,
    /// Retries that may be under way in any case.
    #[serde(default = "three")]
    #[schemars(extend("x-unit" = "retries"))]
    pub min_retry_concurrency: u32,
}

fn twenty() -> f64 {
    20.0
}

fn three() -> u32 {
    3
}

/// Calls and retries under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UnderWay {
    calls: u32,
    retries: u32,
}

impl Mechanism for EnvoyRetryBudget {
    type State = UnderWay;

    fn sent(&self, state: &mut UnderWay) {
        state.calls += 1;
    }

    fn ended(&self, state: &mut UnderWay, _: &Ended, _: Time) {
        state.calls = state.calls.saturating_sub(1);
    }

    fn abandoned(&self, state: &mut UnderWay) {
        state.calls = state.calls.saturating_sub(1);
    }

    fn affords(&self, state: &mut UnderWay, _: Cause, _: Time) -> bool {
        let share = (self.budget_percent / 100.0 * f64::from(state.calls)) as u32;
        state.retries < share.max(self.min_retry_concurrency)
    }

    fn pays(&self, state: &mut UnderWay, _: Cause) {
        state.retries += 1;
    }

    fn retry_over(&self, state: &mut UnderWay) {
        state.retries = state.retries.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::failed;
    use super::*;

    /// The defaults of Envoy: 20% of the calls under way, and 3 in any case.
    #[test]
    fn retries_are_a_share_of_the_calls_under_way() {
        let budget = EnvoyRetryBudget { budget_percent: twenty(), min_retry_concurrency: three() };
        for (calls, expected) in [(1, 3), (14, 3), (15, 3), (19, 3), (20, 4), (24, 4), (25, 5), (100, 20)] {
            let mut state = UnderWay::default();
            // One call more, which fails.
            (0..=calls).for_each(|_| budget.sent(&mut state));
            budget.ended(&mut state, &failed(503), Time::ZERO);
            let mut taken = 0;
            while budget.affords(&mut state, Cause::Failed, Time::ZERO) {
                budget.pays(&mut state, Cause::Failed);
                taken += 1;
            }
            assert_eq!(taken, expected, "{calls} under way");
            budget.retry_over(&mut state);
            assert!(budget.affords(&mut state, Cause::Failed, Time::ZERO), "a retry that ends makes room");
        }
    }
}
