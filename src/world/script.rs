//! Scripted actions and revocations.

use super::World;
use super::event::Event;
use super::observe::{Observer, Outside};
use crate::client::step::Input;
use crate::client::{Account, Client, Store};
use crate::kernel::queue::Queue;
use crate::kernel::random::chance;
use crate::scenario::{Act, ActionSpec, Users};
use std::ops::Range;

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Carries out a scripted action for every user that it selects.
    pub(super) fn scripted(&mut self, index: usize) {
        let action = &self.plan.scenario.actions[index];
        let whom = action.whom();
        let Range { start, end } = self.plan.acting[index].users;
        for user in start.max(self.users.start)..end.min(self.users.end) {
            let is_meant = match whom {
                Users::Share(share) => {
                    chance(self.streams.action.bits(self.plan.draws_of_user(user), 0), share)
                }
                Users::All | Users::Range(..) => true,
            };
            if is_meant {
                self.scripted_by(user, index, action);
            }
        }
    }

    fn scripted_by(&mut self, user: u32, index: usize, action: &ActionSpec) {
        let first = user * self.plan.tabs_per_user;
        let tab = first + u32::from(action.tab);
        // A scripted action has no effect on a page that is not open.
        let acts = match action.act {
            Act::Focus | Act::Blur | Act::SetActive | Act::GetToken => self.pages.open(tab),
            Act::OpenTab => (first..first + self.plan.tabs_per_user).any(|t| !self.pages.open(t)),
            Act::Reload | Act::Offline | Act::Online | Act::Revoke => true,
        };
        let exercise = self.collector.exercise();
        exercise.acted[index] += u64::from(acts);
        exercise.revoked += u64::from(action.act == Act::Revoke);
        match action.act {
            Act::Focus => self.step(tab, Input::Focus),
            Act::Blur => self.step(tab, Input::Blur),
            Act::SetActive => {
                let (navigate, no_session) = (action.navigate, action.no_session);
                self.step(tab, Input::SetActive { navigate, no_session });
            }
            Act::GetToken => {
                self.step(tab, Input::AppGetToken { callers: action.callers, skip_cache: action.skip_cache });
            }
            Act::OpenTab => {
                let next = (first..first + self.plan.tabs_per_user).find(|t| !self.pages.open(*t));
                if let Some(next) = next {
                    self.opened(next);
                }
            }
            Act::Reload => self.step(tab, Input::Open),
            Act::Offline => self.set_offline(user, true),
            Act::Online => self.set_offline(user, false),
            Act::Revoke => self.revoke_session(user),
        }
    }

    /// A revocation begins. Each session is revoked with the fault's share as probability.
    pub(super) fn revoke(&mut self, fault: usize) {
        let share = self.plan.backend.faults[fault].kind.share();
        let mut struck = 0;
        for user in self.users.clone() {
            if chance(self.streams.backend.faults[fault].bits(self.plan.draws_of_user(user), 0), share) {
                self.revoke_session(user);
                struck += 1;
            }
        }
        self.gateway.revoked(fault, struck);
        self.collector.exercise().revoked += struck;
    }

    fn revoke_session(&mut self, user: u32) {
        self.accounts.revoke(user);
        self.tell_outside(user, Outside::Revoked);
    }

    /// Notifies the observer of a change to a browser.
    pub(super) fn tell_outside(&mut self, user: u32, what: Outside) {
        if O::ACTIVE {
            self.observer.outside(self.now, user, what);
        }
    }
}
