//! Tabs that nobody sees. A browser runs their timers late: at whole seconds, and chained timers of a tab that has been hidden
//! for some minutes once a minute (Chrome for Developers, "Heavy throttling of chained JS timers beginning in Chrome 88"). The
//! seconds and minutes count from when the tab was hidden. A tab that becomes visible runs at once what is due.

use super::World;
use super::event::{Event, EventKind};
use super::observe::Observer;
use crate::client::app::DocumentFocus;
use crate::client::backoff::Wait;
use crate::client::step::{Input, TaskId};
use crate::client::{Client, Store};
use crate::fleet::{FleetSpec, HiddenTimers};
use crate::kernel::queue::Queue;
use crate::kernel::{Dur, Time};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::ops::Range;

/// [`Event::generation`] of a timer that the browser runs now: a continuation without a wait, or a timer that was held back. The
/// timer's chain is below.
const RUNS: u16 = 1 << 8;
/// Timers in a chain from which on Chrome throttles the next one more.
const CHAINED: u16 = 5;

/// The hidden tabs of a world.
pub(super) struct HiddenTabs {
    /// Whether the timers of any tab are throttled. Otherwise nothing here is looked at.
    throttles: bool,
    first_tab: u32,
    /// Since when a tab is hidden, by tab; [`Time::NEVER`] for one that is visible. Empty when no timer is throttled.
    since: Vec<Time>,
    /// Timers that are due and wait for their tab's next tick, with the time of that tick, by tab.
    held: BTreeMap<u32, Vec<(Time, Event)>>,
    /// Of timers that look at the clock: how long after its second a look on time sees it, by the timer's task and its generation.
    looks: BTreeMap<(TaskId, u32), Dur>,
    /// Timers in the chain to which the current event belongs: 0 for an event that is no timer.
    chain: u16,
}

impl HiddenTabs {
    pub(super) fn new(plan: &Plan, users: &Range<u32>) -> HiddenTabs {
        let throttles = plan.cohorts.iter().any(|cohort| cohort.fleet.hidden_timers.is_some());
        let tabs = if throttles { plan.tabs.of_users(users.clone()).len() } else { 0 };
        HiddenTabs {
            throttles,
            first_tab: plan.tabs.of(users.start).start,
            since: vec![Time::NEVER; tabs],
            held: BTreeMap::new(),
            looks: BTreeMap::new(),
            chain: 0,
        }
    }

    /// Whether the timers of any tab are throttled.
    #[inline]
    pub(super) fn throttle(&self) -> bool {
        self.throttles
    }

    /// The `generation` of the event of a wait that begins now and that the page makes of this many timers.
    #[inline]
    pub(super) fn generation(&self, delay: Dur, links: u8) -> u16 {
        match (self.throttles, delay) {
            (false, _) => 0,
            (true, Dur::ZERO) => self.chain | RUNS,
            (true, _) => (self.chain + u16::from(links)).min(CHAINED),
        }
    }

    /// The place of a tab in `since`.
    fn place(&self, tab: u32) -> usize {
        (tab - self.first_tab) as usize
    }
}

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Time until the event of a wait of this length. That of a timer that looks at the clock comes with its second, because a
    /// browser that runs the looks less often decides which look sees it.
    #[cold]
    pub(super) fn until_looked_at(&mut self, task: TaskId, wait: Wait, delay: Dur) -> Dur {
        if wait.links == 1 || wait.low >= delay {
            return delay;
        }
        let looks = Dur(delay.0 - wait.low.0);
        self.hidden.looks.insert((task, self.pages.generation(task)), looks);
        wait.low
    }

    /// An event begins. Returns whether it is a timer that waits for the next tick of its hidden tab, or for its next look at
    /// the clock.
    #[cold]
    pub(super) fn waits_for_tick(&mut self, event: Event) -> bool {
        let is_timer = event.kind == EventKind::Timer;
        self.hidden.chain = if is_timer { event.generation & !RUNS } else { 0 };
        if !is_timer || event.generation & RUNS != 0 {
            return false;
        }
        let look = self.hidden.looks.remove(&(event.id, event.arg));
        if self.pages.generation(event.id) != event.arg {
            return false;
        }
        let tab = self.pages.tab(event.id);
        let since = self.hidden.since[self.hidden.place(tab)];
        let timers = self.fleet_of(self.plan.tabs.user_of(tab)).hidden_timers.as_ref();
        let timers = timers.filter(|_| since != Time::NEVER);
        let is_heavy =
            |timers: &HiddenTimers| self.now.since(since) >= timers.after && self.hidden.chain >= CHAINED;
        let heavily = timers.is_some_and(is_heavy);
        if let Some(look) = look
            && !heavily
        {
            self.schedule(self.now.after(look), EventKind::Timer, event.generation, event.id, event.arg);
            return true;
        }
        let Some(timers) = timers else { return false };
        let hidden_for = self.now.since(since);
        let every = if heavily { timers.chained_every } else { timers.every };
        let ticks = hidden_for.0.div_ceil(every.0);
        let tick = since.after(Dur(ticks.saturating_mul(every.0)));
        if tick == self.now {
            return false;
        }
        let held = self.hidden.held.entry(tab).or_default();
        if held.iter().all(|(other, _)| *other != tick) && tick <= self.plan.horizon {
            self.schedule(tick, EventKind::Tick, 0, tab, 0);
        }
        self.hidden.held.entry(tab).or_default().push((tick, event));
        true
    }

    /// A tick of a hidden tab: the timers that waited for it run.
    pub(super) fn ticks(&mut self, tab: u32) {
        self.run_held(tab, self.now);
    }

    /// Runs the timers of a tab that wait for a tick until this time, in the order in which they were due.
    fn run_held(&mut self, tab: u32, until: Time) {
        let Some(held) = self.hidden.held.get_mut(&tab) else { return };
        let (due, later): (Vec<_>, Vec<_>) = held.drain(..).partition(|(tick, _)| *tick <= until);
        *held = later;
        if held.is_empty() {
            self.hidden.held.remove(&tab);
        }
        let run = |(_, event): (Time, Event)| Event { generation: event.generation | RUNS, ..event };
        self.at_once.extend(due.into_iter().map(run));
    }

    /// What an input changes in the visibility of the user's tabs.
    #[cold]
    pub(super) fn changes_visibility(&mut self, tab: u32, input: Input) {
        let user = self.plan.tabs.user_of(tab);
        let FleetSpec { document_focus, .. } = self.fleet_of(user);
        let opens = matches!(input, Input::Open) && !self.pages.open(tab);
        match input {
            Input::Close => {
                self.hidden.held.remove(&tab);
            }
            Input::Blur => self.hide(tab),
            _ if !opens && !matches!(input, Input::Focus) => {}
            _ if *document_focus == DocumentFocus::None => self.hide(tab),
            _ => {
                let place = self.hidden.place(tab);
                self.hidden.since[place] = Time::NEVER;
                self.run_held(tab, Time::NEVER);
                if *document_focus == DocumentFocus::One {
                    let others = self.plan.tabs.of(user).filter(|other| *other != tab);
                    others.for_each(|other| self.hide(other));
                }
            }
        }
    }

    /// Nobody sees a tab from now on. One that is hidden already has been so since it was.
    fn hide(&mut self, tab: u32) {
        let place = self.hidden.place(tab);
        let since = &mut self.hidden.since[place];
        if *since == Time::NEVER {
            *since = self.now;
        }
    }
}
