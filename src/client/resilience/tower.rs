//! tower's retry budget.

use super::finagle::{a_fifth, ten, ten_seconds};
use super::windowed::Windowed;
use super::{Cause, Ended, Mechanism};
use crate::kernel::{Dur, Time};
use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// tower's `TpsBudget`, used as its documentation does: each success deposits and each retry withdraws. Both are forgotten
/// after `ttl`, in slices of a tenth. A reserve of `ttl` times `min-per-sec` retries is always there.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "tower-retry-budget")]
pub struct TowerRetryBudget {
    /// How long deposits and withdrawals count: 1s to 60s; its whole seconds make the reserve.
    #[serde(default = "ten_seconds")]
    #[schemars(extend("x-above-zero" = true))]
    pub ttl: Dur,
    /// Retries per second for clients that make few calls.
    #[serde(default = "ten")]
    #[schemars(range(max = 1_000_000), extend("x-unit" = "retries per second"))]
    pub min_per_sec: u32,
    /// Retries per success, 0 to 1000.
    #[serde(default = "a_fifth")]
    #[schemars(range(min = 0), extend("x-unit" = "retries per success"))]
    pub retry_percent: Decimal,
}

impl TowerRetryBudget {
    /// What a deposit adds and what a withdrawal takes, with the single precision of the library.
    fn amounts(&self) -> (i64, i64) {
        let share = (self.retry_percent.millionths as f64 / 1e6) as f32;
        match self.retry_percent.millionths {
            0 => (0, 1),
            1..=1_000_000 => (1, (1.0 / share) as i64),
            _ => (1_000, (1_000.0 / share) as i64),
        }
    }

    fn turn(&self, state: &mut Windowed<10>, now: Time) {
        state.turn(now, Dur(self.ttl.0 / 10), |time, slice| time.div_ceil(slice) - 1);
    }
}

impl Mechanism for TowerRetryBudget {
    type State = Windowed<10>;

    fn ended(&self, state: &mut Windowed<10>, ended: &Ended, now: Time) {
        if ended.failure.is_none() {
            self.turn(state, now);
            state.add(self.amounts().0);
        }
    }

    fn affords(&self, state: &mut Windowed<10>, _: Cause, now: Time) -> bool {
        self.turn(state, now);
        let withdrawal = self.amounts().1;
        let seconds = (self.ttl.0 / crate::kernel::time::NS_PER_S) as i64;
        i64::from(self.min_per_sec) * seconds * withdrawal + state.sum() >= withdrawal
    }

    fn pays(&self, state: &mut Windowed<10>, _: Cause) {
        state.add(-self.amounts().1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::succeeded;
    use super::*;

    fn budget(min_per_sec: u32, millionths: u64) -> TowerRetryBudget {
        let retry_percent = Decimal { millionths };
        TowerRetryBudget { ttl: Dur::from_secs(1), min_per_sec, retry_percent }
    }

    fn withdraw(budget: &TowerRetryBudget, state: &mut Windowed<10>, ms: u64) -> bool {
        let affords = budget.affords(state, Cause::Failed, Time::from_ms(ms));
        if affords {
            budget.pays(state, Cause::Failed);
        }
        affords
    }

    /// The cases of tower's own tests: `tps_empty`, `tps_leaky`, `tps_slots` and `tps_reserve`.
    #[test]
    fn the_cases_of_tower_s_own_tests() {
        let deposit = |budget: &TowerRetryBudget, state: &mut Windowed<10>, ms: u64| {
            budget.ended(state, &succeeded(), Time::from_ms(ms));
        };
        let whole = budget(0, 1_000_000);
        assert!(!withdraw(&whole, &mut Windowed::default(), 0), "tps_empty");
        let mut state = Windowed::default();
        deposit(&whole, &mut state, 0);
        assert!(!withdraw(&whole, &mut state, 3_000), "tps_leaky");
        let half = budget(0, 500_000);
        let mut state = Windowed::default();
        deposit(&half, &mut state, 0);
        deposit(&half, &mut state, 0);
        assert!(withdraw(&half, &mut state, 901), "tps_slots: after 900 ms the deposits are still valid");
        deposit(&half, &mut state, 2_902);
        deposit(&half, &mut state, 3_203);
        deposit(&half, &mut state, 4_004);
        assert!(withdraw(&half, &mut state, 4_004), "tps_slots: the second and the third deposit");
        let reserve = budget(5, 1_000_000);
        let mut state = Windowed::default();
        let taken = (0..6).filter(|_| withdraw(&reserve, &mut state, 0)).count();
        assert_eq!(taken, 5, "tps_reserve");
    }

    /// The example of the documentation: at 0.1, ten deposits allow one retry; at 2.0, each allows two.
    #[test]
    fn a_deposit_pays_for_its_share() {
        for (millionths, deposits, expected) in [(100_000, 9, 0), (100_000, 10, 1), (2_000_000, 1, 2)] {
            let budget = budget(0, millionths);
            let mut state = Windowed::default();
            (0..deposits).for_each(|_| budget.ended(&mut state, &succeeded(), Time::ZERO));
            let taken = (0..10).filter(|_| withdraw(&budget, &mut state, 0)).count();
            assert_eq!(taken, expected, "{millionths} {deposits}");
        }
    }
}
