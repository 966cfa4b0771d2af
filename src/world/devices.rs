//! Devices that sleep, and timers that run late.
//!
//! A sleeping device runs nothing. Timers of its pages that come due meanwhile run when it wakes, in the order in which they were
//! due, and so does what its users and its app's code would have done. An answer that comes meanwhile is lost: the browser
//! ends the request as a network error when the device wakes (Chrome: `net::ERR_NETWORK_IO_SUSPENDED`).

use super::World;
use super::event::{Event, EventKind};
use super::observe::{Observer, Outside};
use super::streams::coordinates;
use crate::client::step::TaskId;
use crate::client::{Client, Store};
use crate::fleet::Sleep;
use crate::kernel::queue::Queue;
use crate::kernel::{Dur, Time};
use crate::plan::Plan;
use crate::scenario::Act;
use std::collections::BTreeMap;
use std::ops::Range;

/// [`Event::generation`] of an answer that was lost while the device slept.
pub(super) const LOST: u16 = 2;

/// The sleeping devices of a world.
pub(super) struct Devices {
    /// Whether any device may sleep. Otherwise nothing here is looked at.
    sleep: bool,
    /// Whether timers of any cohort run late.
    late: bool,
    first_user: u32,
    /// By user; empty when no device may sleep.
    asleep: Vec<bool>,
    /// Events that wait until a user's device wakes.
    held: BTreeMap<u32, Vec<Event>>,
}

impl Devices {
    pub(super) fn new(plan: &Plan, users: &Range<u32>) -> Devices {
        let sleep = plan.cohorts.iter().any(|cohort| cohort.fleet.sleep.is_some())
            || plan.scenario.actions.iter().any(|action| action.act == Act::Sleep);
        Devices {
            sleep,
            late: plan.cohorts.iter().any(|cohort| cohort.fleet.timers_late.is_some()),
            first_user: users.start,
            asleep: if sleep { vec![false; users.len()] } else { Vec::new() },
            held: BTreeMap::new(),
        }
    }

    /// Whether any device may sleep.
    #[inline]
    pub(super) fn may_sleep(&self) -> bool {
        self.sleep
    }

    /// Whether a user's device sleeps.
    pub(super) fn sleeps(&self, user: u32) -> bool {
        self.sleep && self.asleep[(user - self.first_user) as usize]
    }
}

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Schedules the first sleep of a user's device.
    pub(super) fn schedule_sleep(&mut self, user: u32) {
        if let Some(sleep) = &self.fleet_of(user).sleep {
            self.schedule_period(user, sleep, 0);
        }
    }

    /// Schedules the begin of a period's sleep, at once if it lies in the past.
    fn schedule_period(&mut self, user: u32, sleep: &Sleep, period: u32) {
        let (from, _) = self.period(user, sleep, period);
        self.schedule(from.max(self.now), EventKind::Sleep, 0, user, period);
    }

    /// Begin and end of the sleep of a period.
    fn period(&self, user: u32, sleep: &Sleep, period: u32) -> (Time, Time) {
        let begin = Time(sleep.every.map_or(0, |every| every.0.saturating_mul(period.into())));
        let draws = self.plan.draws_of_user(user);
        let draw = |n: u64| self.streams.sleep.bits(draws, 2 * u64::from(period) + n);
        (begin.after(sleep.from.sample(draw(0))), begin.after(sleep.to.sample(draw(1))))
    }

    /// A device goes to sleep in this period, or wakes. A period whose end precedes its begin has no sleep.
    pub(super) fn sleep_changes(&mut self, user: u32, wakes: bool, period: u32) {
        let Some(sleep) = &self.fleet_of(user).sleep else { return };
        let (_, to) = self.period(user, sleep, period);
        if !wakes && to > self.now {
            self.set_asleep(user, true);
            return self.schedule(to, EventKind::Sleep, 1, user, period);
        }
        if wakes {
            self.set_asleep(user, false);
        }
        if sleep.every.is_some() {
            match period.checked_add(1) {
                Some(next) => self.schedule_period(user, sleep, next),
                None => self.guard.is_full(user, "sleeps of one device"),
            }
        }
    }

    /// Sends a device to sleep, or wakes it: what came due meanwhile happens now.
    pub(super) fn set_asleep(&mut self, user: u32, asleep: bool) {
        let place = (user - self.devices.first_user) as usize;
        if self.devices.asleep[place] == asleep {
            return;
        }
        self.devices.asleep[place] = asleep;
        self.tell_outside(user, if asleep { Outside::Asleep } else { Outside::Awake });
        if !asleep {
            let held = self.devices.held.remove(&user).unwrap_or_default();
            self.at_once.extend(held);
        }
    }

    /// Holds back an event of a sleeping device. Returns whether it does.
    #[cold]
    pub(super) fn holds_back(&mut self, event: Event) -> bool {
        let user = if event.kind.is_of_a_page() { self.session_of(event) } else { u32::MAX };
        if user == u32::MAX || !self.devices.sleeps(user) {
            return false;
        }
        let is_answer = event.kind == EventKind::Answer;
        let generation = if is_answer { LOST } else { event.generation };
        self.devices.held.entry(user).or_default().push(Event { generation, ..event });
        true
    }

    /// The length of a wait with the time by which the browser runs its timer late. A wait of zero is no timer.
    pub(super) fn with_lateness(&self, tab: u32, task: TaskId, delay: Dur) -> Dur {
        if !self.devices.late || delay == Dur::ZERO {
            return delay;
        }
        let Some(late) = &self.fleet_of(self.plan.tabs.user_of(tab)).timers_late else { return delay };
        let (what, ordinal) = self.pages.draws(task);
        let at = coordinates(self.plan.draws_of_tab(tab), what, ordinal);
        Dur(delay.0.saturating_add(late.sample(self.streams.late.bits(at, self.now.0)).0))
    }
}
