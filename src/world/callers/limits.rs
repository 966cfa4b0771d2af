//! What callers tell the limits of their workloads.

use super::Callers;
use crate::client::resilience::{Cause, Ended};
use crate::client::session_policy::SessionPolicy;
use crate::client::workload::{Caller, Draw, Workload};
use crate::kernel::Time;
use crate::kernel::random::Stream;
use crate::plan::Plan;
use crate::protocol::Failure;

impl Callers {
    /// Gives each client of a workload with limits random numbers of its own.
    pub(in crate::world) fn seed(&mut self, plan: &Plan, generic: &Stream) {
        for workload in plan.workloads.iter().filter(|w| w.limits.is_some()) {
            for client in workload.first_client..workload.first_client + workload.clients {
                let bits = generic.bits(workload.draw(client, Draw::Throttle), 0);
                self.limits[client as usize].seed(bits);
            }
        }
    }

    /// The workload of a call, and the state of its limits.
    fn limits_of<'a>(&mut self, plan: &'a Plan, id: u32) -> (&'a Workload, &mut SessionPolicy) {
        let Caller { client, workload, .. } = self.places[id as usize];
        let workload = &plan.workloads[usize::from(workload)];
        let state = if workload.limits.is_some() { workload.holder(client) as usize } else { 0 };
        (workload, &mut self.limits[state])
    }

    /// Asks the limits of a workload about a try. One that they let through counts as sent.
    pub(super) fn let_through(&mut self, plan: &Plan, id: u32, now: Time) -> bool {
        let first = self.places[id as usize].attempt == 0;
        let (workload, state) = self.limits_of(plan, id);
        let Some(limits) = &workload.limits else { return true };
        if first {
            limits.first_attempt(state, now);
        }
        let passes = limits.lets_through(state, now);
        if passes {
            limits.sent(state);
        }
        passes
    }

    /// Why the try under way is made; `None` for a first try.
    pub(super) fn retries(&self, id: u32) -> Option<Cause> {
        let timed_out = self.timed_out.get(id as usize) == Some(&true);
        let cause = if timed_out { Cause::TimedOut } else { Cause::Failed };
        (self.places[id as usize].attempt > 0).then_some(cause)
    }

    /// Records why the next try of a call is made.
    pub(super) fn set_cause(&mut self, id: u32, cause: Cause) {
        let id = id as usize;
        if cause == Cause::TimedOut && self.timed_out.len() <= id {
            self.timed_out.resize(self.places.len(), false);
        }
        if let Some(timed_out) = self.timed_out.get_mut(id) {
            *timed_out = cause == Cause::TimedOut;
        }
    }

    /// Tells the limits of a workload, if any, how a try that was sent ended.
    #[inline(always)]
    pub(super) fn tell_end(&mut self, plan: &Plan, id: u32, failure: Option<Failure>, now: Time) {
        if self.are_limited {
            self.tell_limits(plan, id, failure, now);
        }
    }

    fn tell_limits(&mut self, plan: &Plan, id: u32, failure: Option<Failure>, now: Time) {
        let retries = self.retries(id);
        let (workload, state) = self.limits_of(plan, id);
        if let Some(limits) = &workload.limits {
            let retryable = failure.is_some_and(|failure| workload.retries(failure));
            limits.call_ended(state, &Ended { failure, retryable, retries }, now);
        }
    }

    /// Tells the limits of a workload, if any, that a retry is over.
    #[inline(always)]
    pub(super) fn retry_over(&mut self, plan: &Plan, id: u32) {
        if self.are_limited {
            self.tell_retry_over(plan, id);
        }
    }

    fn tell_retry_over(&mut self, plan: &Plan, id: u32) {
        if self.places[id as usize].attempt > 0 {
            let (workload, state) = self.limits_of(plan, id);
            if let Some(limits) = &workload.limits {
                limits.retry_over(state);
            }
        }
    }
}
