//! Events that no other event causes: first openings of pages, recurring events of an open tab, offline periods of
//! browsers.

use super::World;
use super::event::{Event, EventKind};
use super::observe::{Observer, Outside};
use crate::client::step::Input;
use crate::client::{Client, Store};
use crate::fleet::{FleetSpec, Tabs};
use crate::kernel::queue::Queue;
use crate::kernel::random::chance;
use crate::kernel::time::MAX_DURATION;
use crate::kernel::{Dist, Time};
use crate::plan::Acting;

impl<'a, C: Client, O: Observer, Q: Queue<Event>> World<'a, C, O, Q> {
    /// Schedules openings, scripted actions and revocations. Whatever the scenario puts at the horizon or later is not
    /// scheduled.
    pub(super) fn schedule_fleet(&mut self) {
        for (i, action) in self.plan.scenario.actions.iter().enumerate() {
            let Acting { users, .. } = &self.plan.acting[i];
            let nobody = users.start.max(self.users.start) >= users.end.min(self.users.end);
            if nobody || action.at >= self.plan.scenario.horizon {
                continue;
            }
            self.schedule(Time(action.at.0), EventKind::Scripted, 0, i as u32, 0);
        }
        for (i, fault) in self.plan.backend.faults.iter().enumerate() {
            if fault.strikes_sessions() && fault.from < self.plan.horizon {
                self.schedule(fault.from, EventKind::Revoke, 0, i as u32, 0);
            }
        }
        self.schedule_restarts();
        for user in self.users.clone() {
            let (fleet, draws) = (self.fleet_of(user), self.plan.draws_of_user(user));
            let mut at = Time(fleet.opens.sample(self.streams.arrival.bits(draws, 0)).0);
            for n in 0..self.tabs_of(user) {
                if n > 0 {
                    let bits = self.streams.arrival.bits(draws, u64::from(n));
                    at = at.after(fleet.further_tab_opens.sample(bits));
                }
                self.schedule(at, EventKind::Open, 0, self.plan.tabs.of(user).start + n, 0);
            }
            self.schedule_sleep(user);
            if let Some(offline) = &fleet.offline {
                let first = offline.every.sample(self.streams.offline.bits(draws, 0));
                self.schedule(Time(first.0), EventKind::Network, 0, user, 0);
            }
        }
    }

    /// The habits of a user.
    #[inline]
    pub(super) fn fleet_of(&self, user: u32) -> &'a FleetSpec {
        &self.plan.cohorts[self.plan.cohort_of(user)].fleet
    }

    /// The habits of the user of a tab.
    #[inline]
    fn fleet_of_tab(&self, tab: u32) -> &'a FleetSpec {
        match &self.plan.cohorts[..] {
            [only] => &only.fleet,
            _ => self.fleet_of(self.plan.tabs.user_of(tab)),
        }
    }

    /// Sets the clocks of the users' browsers.
    pub(super) fn set_clocks(&mut self) {
        if self.plan.cohorts.iter().all(|cohort| cohort.fleet.clock_skew.is_none()) {
            return;
        }
        for user in self.users.clone() {
            let Some(skew) = &self.fleet_of(user).clock_skew else { continue };
            let draws = self.plan.draws_of_user(user);
            let draw = |n: u64| self.streams.clock.bits(draws, n);
            if chance(draw(0), skew.share) {
                // A clock that is wrong by more than 100 years is wrong by 100 years.
                let ns = |dist: &Dist, n| dist.sample(draw(n)).0.min(MAX_DURATION.0).cast_signed();
                self.pages.set_clock(user, ns(&skew.ahead, 1) - ns(&skew.behind, 2));
            }
        }
    }

    /// Number of tabs that this user opens without a scripted action.
    fn tabs_of(&self, user: u32) -> u32 {
        match &self.fleet_of(user).tabs {
            Tabs::Fixed(n) => u32::from(*n),
            Tabs::Shares(shares) => {
                let bits = self.streams.tabs.bits(self.plan.draws_of_user(user), 0);
                let mut up_to = 0.0;
                for share in shares {
                    up_to += share.share;
                    if chance(bits, up_to) {
                        return u32::from(share.tabs);
                    }
                }
                u32::from(shares.last().expect("a checked scenario has at least one share").tabs)
            }
        }
    }

    /// A page opens. Schedules the tab's first focus, app calls and reload, and its closing.
    pub(super) fn opened(&mut self, tab: u32) {
        if self.pages.open(tab) {
            return;
        }
        self.collector.exercise().pages_opened += 1;
        self.step(tab, Input::Open);
        for kind in [
            EventKind::Focus,
            EventKind::AppGetToken,
            EventKind::SetActive,
            EventKind::Reload,
            EventKind::Close,
        ] {
            self.schedule_round(kind, tab, 0);
        }
    }

    /// Handles one of a tab's recurring events. `round` is 0 for an event outside the rounds, otherwise the number of
    /// the next event.
    pub(super) fn round(&mut self, kind: EventKind, tab: u32, round: u32) {
        if round > 0 && !matches!(kind, EventKind::Close | EventKind::Blur) {
            self.schedule_round(kind, tab, round);
        }
        let fleet = self.fleet_of_tab(tab);
        let input = match kind {
            EventKind::Focus => Input::Focus,
            EventKind::Blur => Input::Blur,
            EventKind::Reload => Input::Open,
            EventKind::AppGetToken => match &fleet.app_get_token {
                Some(app) => Input::AppGetToken { callers: app.callers, skip_cache: app.skip_cache },
                None => unreachable!("calls are scheduled only if the scenario has them"),
            },
            EventKind::SetActive => {
                let navigate = fleet.set_active.as_ref().is_some_and(|s| s.navigate);
                Input::SetActive { navigate, no_session: false }
            }
            EventKind::Close => Input::Close,
            _ => unreachable!("only recurring events have rounds"),
        };
        self.step(tab, input);
        if kind == EventKind::Close
            && let Some(away) = &fleet.away
        {
            let visit = u64::from(self.pages.visit(tab));
            let after = away.sample(self.streams.visit.bits(self.plan.draws_of_tab(tab), 2 * visit + 1));
            self.schedule(self.now.after(after), EventKind::Open, 0, tab, 0);
        }
    }

    /// Schedules event number `round` of a visit. Its event carries the number of the next.
    fn schedule_round(&mut self, kind: EventKind, tab: u32, round: u32) {
        let fleet = self.fleet_of_tab(tab);
        let visit = self.pages.visit(tab);
        let mut at = u64::from(visit) << 32 | u64::from(round);
        let (every, stream) = match kind {
            EventKind::Focus => (fleet.focus_every.as_ref(), &self.streams.focus),
            EventKind::AppGetToken => (fleet.app_get_token.as_ref().map(|a| &a.every), &self.streams.app),
            EventKind::SetActive => (fleet.set_active.as_ref().map(|s| &s.every), &self.streams.set_active),
            EventKind::Reload => (fleet.reload_every.as_ref(), &self.streams.reload),
            EventKind::Close => {
                at = 2 * u64::from(visit);
                (fleet.stays.as_ref(), &self.streams.visit)
            }
            _ => unreachable!("only recurring events have rounds"),
        };
        let delay = every.map(|every| every.sample(stream.bits(self.plan.draws_of_tab(tab), at)));
        if kind == EventKind::Focus
            && let Some(lasts) = &fleet.focus_lasts
        {
            // A focus that lasts until the tab's next one goes on without a gap.
            let lasts = lasts.sample(self.streams.focus_lasts.bits(self.plan.draws_of_tab(tab), at));
            if delay.is_none_or(|delay| lasts < delay) {
                self.schedule_in_visit(self.now.after(lasts), EventKind::Blur, tab, 0);
            }
        }
        if let Some(delay) = delay {
            match round.checked_add(1) {
                Some(next) => self.schedule_in_visit(self.now.after(delay), kind, tab, next),
                None => self.guard.is_full(self.plan.tabs.user_of(tab), "rounds of one visit to a tab"),
            }
        }
    }

    /// Schedules an event of the current visit, unless it lies beyond the run.
    pub(super) fn schedule_in_visit(&mut self, at: Time, kind: EventKind, tab: u32, round: u32) {
        if at <= self.plan.horizon {
            let (generation, arg) = self.rounds.put(self.pages.visit(tab), round);
            self.schedule(at, kind, generation, tab, arg);
        }
    }

    /// A browser goes offline or comes online. `round` counts its offline periods.
    pub(super) fn network_changes(&mut self, user: u32, online: bool, round: u32) {
        self.set_offline(user, !online);
        let Some(offline) = &self.fleet_of(user).offline else { return };
        let draws = self.plan.draws_of_user(user);
        let draw = |n: u64| self.streams.offline.bits(draws, 2 * u64::from(round) + n);
        if !online {
            let until = self.now.after(offline.lasts.sample(draw(1)));
            return self.schedule(until, EventKind::Network, 1, user, round);
        }
        let next = self.now.after(offline.every.sample(draw(2)));
        match round.checked_add(1) {
            Some(round) => self.schedule(next, EventKind::Network, 0, user, round),
            None => self.guard.is_full(user, "offline periods of one browser"),
        }
    }

    /// Changes a browser's network state.
    pub(super) fn set_offline(&mut self, user: u32, offline: bool) {
        self.pages.set_offline(user, offline);
        self.tell_outside(user, if offline { Outside::Offline } else { Outside::Online });
    }
}
