//! The simulated world. It schedules events, asks the backend, draws random numbers and notifies the observer. No other
//! module knows all parts.
//!
//! One run is one contender (a policy or a mix) in one replication. [`crate::client`] decides what a client does, and
//! [`crate::backend::gateway`] decides the outcome of its calls. This file holds the loop over events in the order of
//! virtual time. The files beside it handle the kinds of events.

mod books;
mod callers;
mod calls;
mod control;
mod devices;
mod erased;
mod event;
mod guard;
mod habits;
mod hidden;
mod memory;
mod observe;
mod own;
mod restart;
mod rollout;
mod rounds;
mod run;
mod script;
mod steps;
mod stopped;
mod streams;
#[cfg(test)]
mod tests;
mod totals;

pub use crate::client::family::FinalTab;
pub use crate::plan::{Contender, Plan};
pub use control::Control;
pub use memory::{MemoryEstimate, memory_estimate};
pub use observe::{Observer, Outside, Silent};
pub use run::{Run, observed, observed_part, run, run_in_opposite_order};
pub use stopped::{StopReason, Stopped, StoppedRun};
pub use totals::{Snapshot, WorkloadTotals};

use crate::backend::Endpoint;
use crate::backend::gateway::Gateway;
use crate::client::family::Users;
use crate::client::step::{Action, Input, Message, TaskId};
use crate::client::{Client, Prepared, Store};
use crate::kernel::queue::Queue;
use crate::kernel::{Dur, Time};
use crate::metrics::collect::{Collector, SESSION_BYTES};
use crate::protocol::Failure;
use callers::Callers;
use devices::{Devices, LOST};
use event::{Event, EventKind};
use guard::Guard;
use hidden::HiddenTabs;
use restart::SlowStarts;
use rounds::Rounds;
use std::collections::VecDeque;
use std::ops::Range;
use streams::Streams;

/// Events between two updates of progress and checks for cancellation, so that these cost almost nothing per event.
pub(crate) const EVENTS_BETWEEN_LOOKS: u32 = 1 << 16;
/// Events between two checks for room, in a process with a limit on memory.
const EVENTS_BETWEEN_ROOM_CHECKS: u32 = 1 << 10;
const _: () = assert!(EVENTS_BETWEEN_LOOKS.is_multiple_of(EVENTS_BETWEEN_ROOM_CHECKS));

/// Bytes of a session with one idle tab, at most: its page and tasks, the browser, the server's state, the counts.
/// Pending events, about 17 bytes each, come on top. Each family asserts a smaller bound of its own.
const MOST_IDLE_BYTES: usize = 192;

/// The world of one contender in one replication.
struct World<'a, C: Client, O: Observer, Q: Queue<Event>> {
    plan: &'a Plan,
    client: &'a Prepared<C>,
    /// Index of the contender.
    contender: usize,
    /// The rules of the contender's arms.
    rules: &'a [C::Rules],
    streams: Streams,
    queue: Q,
    /// Events of the current instant that come before all others: messages and lock grants between the tabs of a
    /// browser.
    at_once: VecDeque<Event>,
    now: Time,
    /// The users of this world: all users, or one independent part of them.
    users: Range<u32>,
    /// Number of parts of the run.
    parts: u64,
    pages: C::Store,
    accounts: C::Account,
    gateway: Gateway<'a>,
    callers: Callers,
    collector: Collector,
    guard: Guard,
    devices: Devices,
    hidden: HiddenTabs,
    rounds: Rounds,
    slow_starts: SlowStarts,
    actions: Vec<Action>,
    observer: O,
}

impl<'a, C: Client, O: Observer, Q: Queue<Event>> World<'a, C, O, Q> {
    fn new(
        plan: &'a Plan,
        client: &'a Prepared<C>,
        contender: usize,
        replication: u32,
        users: Range<u32>,
        observer: O,
    ) -> World<'a, C, O, Q> {
        const { assert!(C::IDLE_BYTES + SESSION_BYTES <= MOST_IDLE_BYTES) };
        let rules = &client.rules[..];
        let streams = Streams::new(plan.scenario.seed, replication, &plan.backend.faults);
        let of = Users {
            range: users.clone(),
            tabs: plan.tabs,
            arm_of: &|user| plan.arm_at(contender, &streams.rollout, user, Time::ZERO),
        };
        let mut world = World {
            plan,
            client,
            contender,
            rules,
            queue: Q::default(),
            at_once: VecDeque::new(),
            now: Time::ZERO,
            parts: u64::from(plan.backend.keys.users).div_ceil(users.len().max(1) as u64).max(1),
            pages: C::store(&client.setups, rules, &of),
            accounts: C::account(rules, &plan.scenario.backend, &of),
            streams,
            gateway: Gateway::new(&plan.backend, &users),
            callers: Callers::new(plan),
            collector: Collector::new(plan, contender, users.clone()),
            guard: Guard::new(plan, users.len() as u32),
            devices: Devices::new(plan, &users),
            hidden: HiddenTabs::new(plan, &users),
            users,
            rounds: Rounds::default(),
            slow_starts: SlowStarts::default(),
            actions: Vec::new(),
            observer,
        };
        let throttle = world.streams.throttle;
        world.pages.seed(&|user| throttle.bits(plan.draws_of_user(user), 0));
        world.callers.seed(plan, &world.streams.generic);
        world.set_clocks();
        world.schedule_fleet();
        world.schedule_workloads();
        world.schedule_rollout();
        if let Some(every) = world.observer.sample_every() {
            world.schedule(Time(every.0), EventKind::Sample, 0, 0, 0);
        }
        world
    }

    fn schedule(&mut self, at: Time, kind: EventKind, generation: u16, id: u32, arg: u32) {
        if at <= self.plan.horizon {
            self.queue.push(at, Event { kind, generation, id, arg });
        }
    }

    fn schedule_task(&mut self, delay: Dur, kind: EventKind, generation: u16, task: TaskId) {
        let arg = self.pages.generation(task);
        self.schedule(self.now.after(delay), kind, generation, task, arg);
    }

    fn go(&mut self, control: &Control) -> Result<(), Stopped> {
        loop {
            let (from, events) = (self.now, self.guard.events());
            let goes_on = match control.room() {
                None => self.go_on(EVENTS_BETWEEN_LOOKS)?,
                Some(has_room) => self.go_on_with_room(has_room)?,
            };
            control.advance(self.guard.events() - events, self.now.since(from).0 / self.parts);
            self.observer.chunk(self.guard.events(), self.guard.fingerprint());
            if !goes_on {
                return Ok(());
            }
            if control.is_stopped() {
                return Err(Stopped::interrupted(self.now));
            }
        }
    }

    /// Handles at most [`EVENTS_BETWEEN_LOOKS`] events and stops when memory may not grow. Returns whether more are left.
    #[cold]
    fn go_on_with_room(&mut self, has_room: fn() -> bool) -> Result<bool, Stopped> {
        for _ in 0..EVENTS_BETWEEN_LOOKS / EVENTS_BETWEEN_ROOM_CHECKS {
            if !has_room() {
                return Err(Stopped::without_room(self.now));
            }
            if !self.go_on(EVENTS_BETWEEN_ROOM_CHECKS)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Handles at most this many events. Returns whether more are left.
    fn go_on(&mut self, events: u32) -> Result<bool, Stopped> {
        for _ in 0..events {
            let Some((time, event)) = self.next_event() else {
                return self.guard.ended(self.plan).map(|()| false);
            };
            self.now = time;
            let session = self.session_of(event);
            if let Err(limit) = self.guard.count(time, session, event.kind as u8) {
                return Err(self.guard.explain(limit, self.plan));
            }
            if O::ACTIVE {
                self.observer.event(self.guard.events(), time, session, &event.kind);
            }
            self.handle(event, session == NOBODY);
        }
        Ok(true)
    }

    /// Messages and lock grants between the tabs of a browser take no time, so they precede other events of the same
    /// instant.
    fn next_event(&mut self) -> Option<(Time, Event)> {
        match self.at_once.pop_front() {
            Some(event) => Some((self.now, event)),
            None => {
                let World { queue, plan, pages, gateway, collector, callers, .. } = self;
                let owner = |event| session_of(event, plan, pages, gateway, callers);
                // Reads a little of the state that the events of a day need. The reads are independent, so their cache
                // misses overlap. Without them each event would wait for its own miss.
                queue.pop(plan.horizon, owner, |day| {
                    let mut read = 0u32;
                    for due in day {
                        let id = due.event.id;
                        let tab = match due.event.kind {
                            EventKind::Timer | EventKind::Answer | EventKind::Lock => pages.tab(id),
                            EventKind::Focus | EventKind::Open | EventKind::AppGetToken => id,
                            EventKind::CallerTries
                            | EventKind::CallerAnswered
                            | EventKind::CallerTimesOut => {
                                read ^= callers.client_of(id);
                                continue;
                            }
                            _ => continue,
                        };
                        read ^= pages.warm(tab) ^ collector.requests_of(plan.tabs.user_of(tab));
                    }
                    std::hint::black_box(read);
                })
            }
        }
    }

    #[inline(always)]
    fn session_of(&self, event: Event) -> u32 {
        session_of(event, self.plan, &self.pages, &self.gateway, &self.callers)
    }

    /// Handles an event. The event of a task, which `is_stale` if it belongs to nobody, has then no effect.
    fn handle(&mut self, event: Event, is_stale: bool) {
        if self.devices.may_sleep() && self.holds_back(event) {
            return;
        }
        if self.hidden.throttle() && self.waits_for_tick(event) {
            return;
        }
        let Event { kind, generation, id, arg } = event;
        match kind {
            EventKind::Timer | EventKind::Answer | EventKind::Lock => {
                if !is_stale {
                    if generation == LOST && kind == EventKind::Answer {
                        self.pages.set_reply(id, Failure::NETWORK.into());
                    }
                    self.handle_task(kind, id, generation == 1);
                }
            }
            EventKind::Open => self.opened(id),
            EventKind::Close
            | EventKind::Reload
            | EventKind::Focus
            | EventKind::Blur
            | EventKind::AppGetToken
            | EventKind::SetActive => {
                // The recurring events of a visit end with the visit.
                let (visit, round) = self.rounds.take(generation, arg);
                if self.pages.open(id) && self.pages.visit(id) == visit {
                    self.round(kind, id, round);
                }
            }
            EventKind::Network => self.network_changes(id, generation > 0, arg),
            EventKind::Message => {
                self.step(id, Input::Message(Message { kind: generation, word: arg }));
            }
            EventKind::SignIn => self.step(id, Input::SignIn { again: arg > 0 }),
            // In the recordings a scripted action follows the timers of its instant, so it is scheduled once more at
            // the same instant.
            EventKind::Scripted if arg == 0 => self.schedule(self.now, kind, 0, id, 1),
            EventKind::Scripted => self.scripted(id as usize),
            EventKind::ScriptedByUser if generation == 0 => self.schedule(self.now, kind, 1, id, arg),
            EventKind::ScriptedByUser => self.scripted_by(id, arg as usize),
            EventKind::PolicyShipped => self.policy_shipped(id),
            EventKind::Revoke => self.revoke(id as usize, arg),
            EventKind::Restart => self.restart(id as usize),
            EventKind::OutageEnds => self.outage_ends(id as usize),
            EventKind::SlowStart => self.slow_start_goes_on(id as usize, arg),
            EventKind::Admitted | EventKind::Served if self.gateway.was_lost(id) => {}
            EventKind::Admitted => {
                let pending = self.gateway.queue(id, &self.streams.backend, self.now, &mut self.observer);
                self.goes_on(pending);
            }
            EventKind::Served => self.served(id),
            EventKind::Release => self.gateway.release(Endpoint::ALL[arg as usize], id, self.now),
            EventKind::CallerArrives => self.caller_arrives(id, arg),
            EventKind::CallerTries => self.caller_tries(id),
            EventKind::CallerAnswered => self.caller_answered(id, callers::unpack(generation, arg)),
            EventKind::CallerTimesOut => self.caller_times_out(id, generation, arg == 1),
            EventKind::Sample => self.sample(),
            EventKind::Tick => self.ticks(id),
            EventKind::Sleep => self.sleep_changes(id, generation > 0, arg),
        }
    }
}

/// The session of an event that belongs to no user.
const NOBODY: u32 = u32::MAX;

/// The user that an event belongs to; [`NOBODY`] for none, for example for a stale event.
#[inline(always)]
fn session_of<S: Store>(event: Event, plan: &Plan, pages: &S, gateway: &Gateway, callers: &Callers) -> u32 {
    let (tabs, users) = (plan.tabs, plan.backend.keys.users);
    match event.kind {
        EventKind::Timer | EventKind::Answer | EventKind::Lock => {
            // A stale event must not count for the user whose task reused the slot.
            if pages.generation(event.id) == event.arg { tabs.user_of(pages.tab(event.id)) } else { NOBODY }
        }
        EventKind::Open
        | EventKind::Reload
        | EventKind::Close
        | EventKind::Focus
        | EventKind::Blur
        | EventKind::AppGetToken
        | EventKind::SetActive
        | EventKind::Message
        | EventKind::Tick
        | EventKind::SignIn => tabs.user_of(event.id),
        EventKind::Network
        | EventKind::Release
        | EventKind::ScriptedByUser
        | EventKind::PolicyShipped
        | EventKind::Sleep => event.id,
        EventKind::Scripted => plan.acting[event.id as usize].one.unwrap_or(NOBODY),
        EventKind::Admitted | EventKind::Served => gateway.call(event.id).user,
        EventKind::CallerArrives => users + event.id,
        EventKind::CallerTries | EventKind::CallerAnswered | EventKind::CallerTimesOut => {
            users + callers.client_of(event.id)
        }
        EventKind::Revoke
        | EventKind::Sample
        | EventKind::Restart
        | EventKind::OutageEnds
        | EventKind::SlowStart => NOBODY,
    }
}
