//! Finagle's retry budget.

use super::windowed::Windowed;
use super::{Cause, Mechanism};
use crate::kernel::{Dur, Time};
use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a deposit adds: `TokenRetryBudget.ScaleFactor`.
const DEPOSIT: i64 = 1_000;

/// Finagle's `RetryBudget`. Each call deposits and each retry withdraws; both are forgotten after `ttl`, in ten slices. A
/// reserve of `ttl` times `min-retries-per-sec` retries is always there. Without both shares there is no retry at all.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "finagle-retry-budget")]
pub struct FinagleRetryBudget {
    /// How long deposits and withdrawals count: 1s to 60s; its whole seconds make the reserve.
    #[serde(default = "ten_seconds")]
    #[schemars(extend("x-above-zero" = true))]
    pub ttl: Dur,
    /// Retries per second for clients that make few calls.
    #[serde(default = "ten")]
    #[schemars(range(max = 1_000_000), extend("x-unit" = "retries per second"))]
    pub min_retries_per_sec: u32,
    /// Share of the calls that may be retried, 0 to 1000.
    #[serde(default = "a_fifth")]
    #[schemars(range(min = 0), extend("x-unit" = "retries per call"))]
    pub percent_can_retry: Decimal,
}

pub(super) fn ten_seconds() -> Dur {
    Dur::from_secs(10)
}

pub(super) fn ten() -> u32 {
    10
}

pub(super) fn a_fifth() -> Decimal {
    Decimal { millionths: 200_000 }
}

impl FinagleRetryBudget {
    /// What a withdrawal takes: `(ScaleFactor / percentCanRetry).toInt`.
    fn withdrawal(&self) -> i64 {
        match self.percent_can_retry.millionths {
            0 => 1,
            millionths => DEPOSIT * 1_000_000 / millionths as i64,
        }
    }

    fn turn(&self, state: &mut Windowed<9>, now: Time) {
        state.turn(now, Dur(self.ttl.0 / 10), |time, slice| (time / slice).saturating_sub(1));
    }
}

impl Mechanism for FinagleRetryBudget {
    type State = Windowed<9>;

    fn first_try(&self, state: &mut Windowed<9>, now: Time) {
        if self.percent_can_retry.millionths > 0 {
            self.turn(state, now);
            state.add(DEPOSIT);
        }
    }

    fn affords(&self, state: &mut Windowed<9>, _: Cause, now: Time) -> bool {
        if (self.min_retries_per_sec, self.percent_can_retry.millionths) == (0, 0) {
            return false;
        }
        self.turn(state, now);
        let seconds = (self.ttl.0 / crate::kernel::time::NS_PER_S) as i64;
        let reserve = i64::from(self.min_retries_per_sec) * seconds * self.withdrawal();
        reserve + state.sum() >= self.withdrawal()
    }

    fn pays(&self, state: &mut Windowed<9>, _: Cause) {
        state.add(-self.withdrawal());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(ttl: u64, min_retries_per_sec: u32, millionths: u64) -> FinagleRetryBudget {
        let percent_can_retry = Decimal { millionths };
        FinagleRetryBudget { ttl: Dur::from_secs(ttl), min_retries_per_sec, percent_can_retry }
    }

    /// Retries of calls at once, each of which fails and asks for one.
    fn retried(budget: &FinagleRetryBudget, calls: u32) -> u32 {
        let mut state = Windowed::default();
        let mut retried = 0;
        for _ in 0..calls {
            budget.first_try(&mut state, Time::ZERO);
            if budget.affords(&mut state, Cause::Failed, Time::ZERO) {
                budget.pays(&mut state, Cause::Failed);
                retried += 1;
            }
        }
        retried
    }

    /// The cases of Finagle's own `RetryBudgetTest`: of 10,000 calls the share may be retried, and the reserve, give or take
    /// one retry.
    #[test]
    fn the_cases_of_finagle_s_own_test() {
        for millionths in [100_000, 500_000, 250_000, 750_000, 990_000, 999_000, 999_900, 10_000, 1_000, 100]
        {
            let expected = millionths / 100;
            let found = u64::from(retried(&budget(60, 0, millionths), 10_000));
            assert!(found.abs_diff(expected) <= 1, "{millionths}: {found}");
        }
        for (ttl, min, millionths, expected) in
            [(1, 10, 0, 10), (2, 5, 0, 10), (1, 10, 100_000, 1_010), (2, 5, 500_000, 5_010)]
        {
            let found = retried(&budget(ttl, min, millionths), 10_000);
            assert!(u32::abs_diff(found, expected) <= 1, "{ttl} {min} {millionths}: {found}");
        }
        assert_eq!(retried(&budget(10, 0, 0), 1_000), 0, "RetryBudget.Empty");
    }

    /// Deposits count for about `ttl`: in the slice under way and nine closed ones.
    #[test]
    fn a_deposit_expires() {
        let budget = budget(10, 0, 1_000_000);
        for (later_s, expected) in [(0, true), (5, true), (9, true), (10, false), (30, false)] {
            let mut state = Windowed::default();
            budget.first_try(&mut state, Time::ZERO);
            for t in 1..=later_s {
                budget.turn(&mut state, Time::from_ms(t * 1_000));
            }
            let now = Time::from_ms(later_s * 1_000);
            assert_eq!(budget.affords(&mut state, Cause::Failed, now), expected, "after {later_s} s");
        }
        let mut state = Windowed::default();
        budget.first_try(&mut state, Time::ZERO);
        assert!(!budget.affords(&mut state, Cause::Failed, Time::from_ms(11_000)), "no look in between");
    }
}
