//! The tokens that generic clients hold.

use super::{Callers, Observer, World};
use crate::client::Client;
use crate::kernel::Time;
use crate::kernel::queue::Queue;
use crate::plan::Plan;
use crate::world::event::Event;

/// The token of a client.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::world) struct Held {
    /// When it expires; the start of the run for none.
    until: Time,
    /// Fetches under way.
    fetches: u32,
    /// Calls that wait for a fetch under way.
    waiting: u32,
}

/// No token of any client.
pub(super) fn none(plan: &Plan) -> Vec<Held> {
    let any = plan.workloads.iter().any(|workload| workload.token.is_some());
    vec![Held::default(); if any { plan.backend.keys.all_clients() as usize } else { 0 }]
}

impl Callers {
    /// Whether clients of any workload hold tokens.
    #[inline]
    pub(super) fn hold_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Whether a call that begins must fetch a token. A fetch is recorded.
    pub(super) fn fetches(&mut self, plan: &Plan, id: u32, now: Time) -> bool {
        let caller = self.places[id as usize];
        let Some(token) = &plan.workloads[usize::from(caller.workload)].token else { return true };
        let held = &mut self.tokens[caller.client as usize];
        if now.after(token.lead) < held.until || token.single_flight && held.fetches > 0 {
            self.totals[usize::from(caller.workload)].unsent += 1;
            return false;
        }
        held.fetches += 1;
        true
    }

    /// Whether a call that fetches nothing waits for the fetch of another call. It is recorded.
    pub(super) fn waits_for_token(&mut self, plan: &Plan, id: u32, now: Time) -> bool {
        let caller = self.places[id as usize];
        let Some(token) = &plan.workloads[usize::from(caller.workload)].token else { return false };
        let held = &mut self.tokens[caller.client as usize];
        let waits = now.after(token.lead) >= held.until;
        held.waiting += u32::from(waits);
        waits
    }

    /// A fetch is over: with a token, or given up. So are the calls that wait for it.
    #[inline]
    pub(super) fn fetch_ended(&mut self, plan: &Plan, id: u32, answered: bool, now: Time) {
        if self.hold_tokens() {
            self.end_fetch(plan, id, answered, now);
        }
    }

    fn end_fetch(&mut self, plan: &Plan, id: u32, answered: bool, now: Time) {
        let caller = self.places[id as usize];
        let Some(token) = &plan.workloads[usize::from(caller.workload)].token else { return };
        let held = &mut self.tokens[caller.client as usize];
        held.fetches -= 1;
        if answered {
            held.until = now.after(token.life);
        }
        let waited = u64::from(std::mem::take(&mut held.waiting));
        let totals = &mut self.totals[usize::from(caller.workload)];
        *(if answered { &mut totals.answered } else { &mut totals.gave_up }) += waited;
        totals.ended_at += u128::from(waited) * u128::from(now.0);
    }
}

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// A call finds a token, or waits for the fetch of another call.
    pub(super) fn caller_needs_no_fetch(&mut self, id: u32) {
        if self.callers.waits_for_token(self.plan, id, self.now) {
            return self.callers.put_back(id);
        }
        self.caller_is_done(id, true);
    }
}
