//! Scripted actions and revocations.

use super::World;
use super::event::{Event, EventKind};
use super::observe::{Observer, Outside};
use crate::client::step::Input;
use crate::client::{Account, Client, Store};
use crate::kernel::queue::Queue;
use crate::kernel::random::chance;
use crate::scenario::{Act, Users};
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
            if !is_meant {
                continue;
            }
            match &action.spread {
                None => self.scripted_by(user, index),
                Some(spread) => {
                    // Draws below 2^32 select the users, addresses and apps of a share.
                    let bits =
                        self.streams.action.bits(self.plan.draws_of_user(user), (1 << 32) + index as u64);
                    let at = self.now.after(spread.sample(bits));
                    self.schedule(at, EventKind::ScriptedByUser, 0, user, index as u32);
                }
            }
        }
    }

    /// Carries out a scripted action for one user.
    pub(super) fn scripted_by(&mut self, user: u32, index: usize) {
        let action = &self.plan.scenario.actions[index];
        let mut tabs = self.plan.tabs.of(user);
        let tab = tabs.start + u32::from(action.tab);
        // A scripted action has no effect on a page that is not open.
        let acts = match action.act {
            Act::Focus | Act::Blur | Act::SetActive | Act::GetToken => self.pages.open(tab),
            Act::OpenTab => tabs.clone().any(|t| !self.pages.open(t)),
            Act::Reload | Act::Offline | Act::Online | Act::Revoke => true,
            Act::Sleep => !self.devices.sleeps(user),
            Act::Wake => self.devices.sleeps(user),
        };
        // Nobody acts on a device that sleeps.
        let at_page =
            !matches!(action.act, Act::Offline | Act::Online | Act::Revoke | Act::Sleep | Act::Wake);
        if at_page && self.devices.sleeps(user) {
            return;
        }
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
                let next = tabs.find(|t| !self.pages.open(*t));
                if let Some(next) = next {
                    self.opened(next);
                }
            }
            Act::Reload => self.step(tab, Input::Open),
            Act::Offline => self.set_offline(user, true),
            Act::Online => self.set_offline(user, false),
            Act::Sleep => self.set_asleep(user, true),
            Act::Wake if self.devices.may_sleep() => self.set_asleep(user, false),
            Act::Wake => {}
            Act::Revoke => self.revoke_session(user),
        }
    }

    /// A revocation begins. Each session is revoked with the fault's share as probability. `number` counts repetitions.
    pub(super) fn revoke(&mut self, index: usize, number: u32) {
        let fault = &self.plan.backend.faults[index];
        let share = fault.kind.share();
        let mut struck = 0;
        for user in self.users.clone() {
            let draws = self.plan.draws_of_user(user);
            let family = self.family_of(user);
            if chance(self.streams.backend.fault_of(index, family).bits(draws, number.into()), share) {
                self.revoke_session(user);
                struck += 1;
            }
        }
        self.gateway.revoked(index, struck);
        self.collector.exercise().revoked += struck;
        if let Some(next) = fault.next_begin(self.now).filter(|next| *next < self.plan.horizon) {
            self.schedule(next, EventKind::Revoke, 0, index as u32, number + 1);
        }
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
