//! What a run exercised: the stimuli, whatever came of them. An expectation on what was never exercised says nothing.

use crate::backend::gateway::LimitTotals;
use crate::fault::FaultKind;
use crate::kernel::Time;
use crate::world::Plan;

/// Counts of the stimuli of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exercise {
    /// Pages opened by users.
    pub pages_opened: u64,
    /// Calls of `getToken` and `setActive` by app code, those open at the horizon included.
    pub app_calls: u64,
    /// Errors that app code saw.
    pub errors: u64,
    /// Calls of generic clients, each counted once with all its tries.
    pub generic_calls: u64,
    /// Of these, calls answered with success in the end.
    pub generic_served: u64,
    /// Of these, calls that their clients gave up.
    pub generic_gave_up: u64,
    /// Generic and app callers who wait or try at the horizon.
    pub callers_open: u64,
    /// Sessions that the server revoked.
    pub revoked: u64,
    /// Calls that each fault struck, in the scenario's order; of a revocation, the sessions.
    pub struck: Vec<u64>,
    /// How often each `[[action]]` found somebody to act on, in the scenario's order.
    pub acted: Vec<u64>,
    /// What each limit decided, in the scenario's order.
    pub limits: Vec<LimitTotals>,
    /// When the first failed call ended.
    pub first_failure: Option<Time>,
}

impl Exercise {
    /// Nothing yet.
    pub fn new(plan: &Plan) -> Exercise {
        Exercise {
            struck: vec![0; plan.backend.faults.len()],
            acted: vec![0; plan.scenario.actions.len()],
            limits: vec![LimitTotals::default(); plan.scenario.backend.limits.len()],
            ..Exercise::default()
        }
    }

    /// A call failed at this time.
    pub fn failure_at(&mut self, at: Time) {
        self.first_failure = Some(self.first_failure.map_or(at, |first| first.min(at)));
    }

    /// Callers that began: generic and app.
    pub fn callers(&self) -> u64 {
        self.generic_calls + self.app_calls
    }

    /// Whether this fault struck a call or a session.
    pub fn has_struck(&self, fault: usize) -> bool {
        self.struck.get(fault).is_some_and(|struck| *struck > 0)
    }

    /// Whether anything that the scenario sets against its clients did act: a fault that is no `pass`, a limit that was
    /// asked, an action.
    pub fn any_cause(&self, plan: &Plan) -> bool {
        let struck = plan.backend.faults.iter().zip(&self.struck);
        struck.into_iter().any(|(fault, struck)| fault.kind != FaultKind::Pass && *struck > 0)
            || self.limits.iter().any(|limit| limit.asked() > 0)
            || self.acted.iter().any(|acted| *acted > 0)
    }

    /// Adds what other sessions of the same run exercised.
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
