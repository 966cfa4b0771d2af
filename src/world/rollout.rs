//! A rollout during the run: each user changes the policy at a time of their own.

use super::World;
use super::event::{Event, EventKind};
use super::observe::Observer;
use crate::client::step::Input;
use crate::client::{Client, Store};
use crate::kernel::queue::Queue;

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Schedules the reloads of pages with which users get the new policy.
    pub(super) fn schedule_rollout(&mut self) {
        let plan = self.plan;
        if plan.contenders[self.contender].rollout.is_none_or(|rollout| !rollout.reload) {
            return;
        }
        for user in self.users.clone() {
            if let Some((at, _)) = plan.shipped_to(self.contender, &self.streams.rollout, user) {
                self.schedule(at, EventKind::PolicyShipped, 0, user, 0);
            }
        }
    }

    /// The open pages of a user reload, with the new policy.
    pub(super) fn policy_shipped(&mut self, user: u32) {
        for tab in self.plan.tabs.of(user) {
            if self.pages.open(tab) {
                self.step(tab, Input::Open);
            }
        }
    }
}
