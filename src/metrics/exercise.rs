//! Stimuli of a run, independent of their effects. An expectation whose stimulus never occurred is vacuous.

use crate::backend::gateway::LimitTotals;
use crate::kernel::Time;
use crate::plan::Plan;
use serde::{Deserialize, Serialize};

/// Counts of the stimuli of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercise {
    /// Pages opened by users.
    pub pages_opened: u64,
    /// Calls of `getToken` and `setActive` by app code, including those open at the horizon.
    pub app_calls: u64,
    /// Errors that app code received.
    pub errors: u64,
    /// Calls of generic clients. All tries of a call count as one.
    pub generic_calls: u64,
    /// Calls of generic clients that succeeded in the end.
    pub generic_served: u64,
    /// Calls of generic clients that their clients gave up.
    pub generic_gave_up: u64,
    /// Generic and app callers that wait or retry at the horizon.
    pub callers_open: u64,
    /// Sessions that the server revoked.
    pub revoked: u64,
    /// Calls that each fault struck, in the scenario's order. A revocation counts sessions.
    pub struck: Vec<u64>,
    /// Times that each `[[action]]` found a user to act on, in the scenario's order.
    pub acted: Vec<u64>,
    /// Decisions of each limit, in the scenario's order.
    pub limits: Vec<LimitTotals>,
    /// Time at which the first failed call ended.
    pub first_failure: Option<Time>,
}

impl Exercise {
    /// All counts zero, with one entry per fault, action and limit of the plan.
    pub fn new(plan: &Plan) -> Exercise {
        Exercise {
            struck: vec![0; plan.backend.faults.len()],
            acted: vec![0; plan.scenario.actions.len()],
            limits: vec![LimitTotals::default(); plan.scenario.backend.limits.len()],
            ..Exercise::default()
        }
    }

    /// Records that a call failed at `at`.
    pub fn failure_at(&mut self, at: Time) {
        self.first_failure = Some(self.first_failure.map_or(at, |first| first.min(at)));
    }

    /// Generic and app callers that began.
    pub fn callers(&self) -> u64 {
        self.generic_calls + self.app_calls
    }

    /// Whether the fault struck a call or a session.
    pub fn has_struck(&self, fault: usize) -> bool {
        self.struck.get(fault).is_some_and(|struck| *struck > 0)
    }

    /// Whether any cause acted: a fault other than `pass` struck, a limit was asked, or an action found a user.
    pub fn any_cause(&self, plan: &Plan) -> bool {
        let struck = plan.backend.faults.iter().zip(&self.struck);
        struck.into_iter().any(|(fault, struck)| fault.kind.harms() && *struck > 0)
            || self.limits.iter().any(|limit| limit.asked() > 0)
            || self.acted.iter().any(|acted| *acted > 0)
    }

    /// Adds the stimuli of other sessions of the same run.
    pub fn add(&mut self, other: &Exercise) {
        self.pages_opened += other.pages_opened;
        self.app_calls += other.app_calls;
        self.errors += other.errors;
        self.generic_calls += other.generic_calls;
        self.generic_served += other.generic_served;
        self.generic_gave_up += other.generic_gave_up;
        self.callers_open += other.callers_open;
        self.revoked += other.revoked;
        self.struck.iter_mut().zip(&other.struck).for_each(|(mine, more)| *mine += more);
        self.acted.iter_mut().zip(&other.acted).for_each(|(mine, more)| *mine += more);
        self.limits.iter_mut().zip(&other.limits).for_each(|(mine, more)| mine.add(more));
        other.first_failure.into_iter().for_each(|at| self.failure_at(at));
    }
}
