//! The retry quota of the AWS SDKs.

use super::{Cause, Ended, Mechanism};
use crate::kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The retry quota of the AWS SDKs in standard mode (AWS SDKs and Tools Reference Guide, "Retry behavior"; botocore,
/// `retries/standard.py`). A retry takes its cost from the quota. A success of a retry gives the cost of that retry back, a
/// success of a first try gives `no-retry-increment`. Standard mode also has 3 attempts and full jitter over
/// `min(20s, 2^i s)`: `retry = { initial = "1s", factor = 2, cap = "20s", retries = 2, jitter = "full" }`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "aws-retry-quota")]
pub struct AwsRetryQuota {
    /// The most of the quota, which it begins with.
    #[schemars(range(min = 1))]
    pub capacity: u32,
    /// Cost of a retry.
    pub retry_cost: u32,
    /// Cost of a retry after a time-out, in generic clients and token clients; in other clients a time-out costs `retry-cost`.
    pub timeout_retry_cost: u32,
    /// What the success of a first try gives.
    pub no_retry_increment: u32,
}

impl Default for AwsRetryQuota {
    /// The numbers of botocore: `_RETRY_COST`, `_TIMEOUT_RETRY_REQUEST`, `_NO_RETRY_INCREMENT`, and `initial_capacity`.
    fn default() -> AwsRetryQuota {
        AwsRetryQuota { capacity: 500, retry_cost: 5, timeout_retry_cost: 10, no_retry_increment: 1 }
    }
}

impl AwsRetryQuota {
    fn cost(&self, cause: Cause) -> u32 {
        match cause {
            Cause::Failed => self.retry_cost,
            Cause::TimedOut => self.timeout_retry_cost,
        }
    }
}

impl Mechanism for AwsRetryQuota {
    /// What has been taken.
    type State = u32;

    fn ended(&self, taken: &mut u32, ended: &Ended, _: Time) {
        if ended.failure.is_none() {
            let given = ended.retries.map_or(self.no_retry_increment, |cause| self.cost(cause));
            *taken = taken.saturating_sub(given);
        }
    }

    fn affords(&self, taken: &mut u32, cause: Cause, _: Time) -> bool {
        self.capacity - *taken >= self.cost(cause)
    }

    fn pays(&self, taken: &mut u32, cause: Cause) {
        *taken += self.cost(cause);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::succeeded;
    use super::*;

    fn spend(quota: &AwsRetryQuota, taken: &mut u32, cause: Cause) -> u32 {
        let mut retries = 0;
        while quota.affords(taken, cause, Time::ZERO) {
            quota.pays(taken, cause);
            retries += 1;
        }
        retries
    }

    /// 500 tokens pay for 100 retries of 5, or 50 after time-outs of 10.
    #[test]
    fn a_quota_pays_for_a_hundred_retries() {
        let quota = AwsRetryQuota::default();
        assert_eq!(spend(&quota, &mut 0, Cause::Failed), 100);
        assert_eq!(spend(&quota, &mut 0, Cause::TimedOut), 50);
    }

    #[test]
    fn a_success_gives_back_the_cost_of_its_retry_or_one() {
        let quota = AwsRetryQuota::default();
        for (retries, given) in [(None, 1), (Some(Cause::Failed), 5), (Some(Cause::TimedOut), 10)] {
            let mut taken = 500;
            quota.ended(&mut taken, &Ended { retries, ..succeeded() }, Time::ZERO);
            assert_eq!(500 - taken, given, "{retries:?}");
        }
        let mut full = 0;
        quota.ended(&mut full, &succeeded(), Time::ZERO);
        assert_eq!(full, 0, "the quota holds no more than its capacity");
    }
}
