//! The only place that knows all parts: it schedules, asks the backend, draws, and tells the observer.
//!
//! One run is one contender (a policy or a mix) in one replication. What a client does is in [`crate::client`], what the
//! backend answers in `backend.rs`; this file moves their words to and fro in the order of virtual time.

mod backend;
mod control;
mod generic;
mod guard;
mod memory;
mod observe;
mod plan;
mod rounds;
mod stopped;
mod totals;

pub use control::Control;
pub use memory::{MemoryEstimate, memory_estimate};
pub use observe::{Observer, Outside, Silent};
pub use plan::{Contender, Fault, MISSING_EXPIRED_TOKEN, Plan};
pub use stopped::{StopReason, Stopped, StoppedRun};
pub use totals::{LimitTotals, Snapshot, StationTotals, WorkloadTotals};

use crate::backend::Endpoint;
use crate::client::page::{Action, Browser, Fact, Input, Page, Rules};
use crate::client::session_policy::SessionPolicy;
use crate::client::tabs::TabStore;
use crate::client::task::{Reply, Stage, TIMER_BYTES, TaskId, Tasks, Token};
use crate::fleet::Tabs;
use crate::kernel::queue::{Calendar, Due, Opposite, Queue};
use crate::kernel::random::{Purpose, Stream, chance};
use crate::kernel::{Block, Dist, Dur, Time};
use crate::metrics::Outcome;
use crate::metrics::collect::{Collector, RunMetrics, SESSION_BYTES};
use crate::scenario::{Act, ActionSpec, Users};
use backend::Backend;
use generic::Generic;
use guard::Guard;
use rounds::Rounds;
use std::ops::Range;

/// What is scheduled. What `generation` and `arg` say depends on the kind; 0 where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Event {
    kind: EventKind,
    generation: u16,
    id: u32,
    arg: u32,
}

const _: () = assert!(size_of::<Event>() == 12);
// Less where 64 bits need no alignment of 8 bytes.
const _: () = assert!(size_of::<Due<Event>>() <= 24);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum EventKind {
    /// A task's timer; `id` task, `arg` its generation: the event is stale when the task has moved on.
    #[default]
    Timer,
    /// A task's answer; as [`EventKind::Timer`].
    Answer,
    /// The client's patience with a call ends; as [`EventKind::Timer`].
    CallTimeout,
    /// The cross-tab lock is a poller's; as [`EventKind::Timer`].
    Lock,
    /// A page opens; `id` tab.
    Open,
    /// A page is loaded anew; `id` tab, `generation` and `arg` the visit and which time: see [`Rounds`].
    Reload,
    /// A page is closed; as [`EventKind::Reload`].
    Close,
    /// A tab gains focus; as [`EventKind::Reload`].
    Focus,
    /// The app calls `getToken`; as [`EventKind::Reload`].
    AppGetToken,
    /// The app calls `setActive`; as [`EventKind::Reload`].
    SetActive,
    /// A browser goes offline; `id` user, `arg` which time.
    Offline,
    /// A browser is online again; `id` user, `arg` which time.
    Online,
    /// Another tab made a token known; `id` tab, `arg` the token.
    TokenBroadcast,
    /// Another tab signed out; `id` tab.
    SignOutBroadcast,
    /// A signed-out user fills in the sign-in page; `id` tab, `arg` which time.
    SignIn,
    /// A scripted action; `id` its number.
    Scripted,
    /// A revocation; `id` the fault.
    Revoke,
    /// A delayed call comes out of the leaky bucket; `id` call.
    Admitted,
    /// A worker has served a call; `id` call, `arg` endpoint.
    Served,
    /// A call no longer counts as being answered; `id` user, `arg` endpoint.
    Release,
    /// A generic client begins a call of its own accord; `id` client, `arg` which time.
    GenericArrival,
    /// A generic caller tries; `id` caller.
    GenericTry,
    /// A generic call is answered with success; `id` caller.
    GenericAnswer,
    /// A generic call is answered otherwise; `id` caller, `generation` and `arg` the failure.
    GenericFailed,
    /// A generic client gives a call up; `id` caller, `generation` its own, `arg` 1 if the outcome is still to be
    /// counted.
    GenericTimeout,
    /// The observer looks at the totals.
    Sample,
}

/// Events between two looks at the clock on the wall, so to speak: progress and interruption cost nothing per event.
pub(crate) const EVENTS_BETWEEN_LOOKS: u32 = 1 << 16;

/// Random streams, one per purpose; faults have one each, by its name. What generic workloads draw is told apart by its
/// coordinates, which begin at the workload's [origin](crate::client::generic::Workload::origin).
struct Streams {
    arrival: Stream,
    tabs: Stream,
    rollout: Stream,
    focus: Stream,
    latency: Stream,
    service: Stream,
    jitter: Stream,
    app: Stream,
    set_active: Stream,
    reload: Stream,
    offline: Stream,
    sign_in: Stream,
    generic: Stream,
    visit: Stream,
    action: Stream,
    faults: Vec<Stream>,
}

impl Streams {
    fn new(seed: u64, replication: u32, faults: &[Fault]) -> Streams {
        let of_fault = |fault: &Fault| Stream::named(seed, replication, Purpose::Fault, &fault.stream);
        let one = |purpose| Stream::new(seed, replication, purpose, 0);
        Streams {
            arrival: one(Purpose::Arrival),
            tabs: one(Purpose::Tabs),
            rollout: one(Purpose::Rollout),
            focus: one(Purpose::Focus),
            latency: one(Purpose::Latency),
            service: one(Purpose::Service),
            jitter: one(Purpose::Jitter),
            app: one(Purpose::App),
            set_active: one(Purpose::SetActive),
            reload: one(Purpose::Reload),
            offline: one(Purpose::Offline),
            sign_in: one(Purpose::SignIn),
            generic: one(Purpose::Generic),
            visit: one(Purpose::Visit),
            action: one(Purpose::Action),
            faults: faults.iter().map(of_fault).collect(),
        }
    }
}

/// What the server knows of a user's browser session.
#[derive(Clone, Copy, Debug, Default)]
struct ServerSession {
    /// The newest token, shifted left by one; then whether the session is revoked.
    state: u64,
}

const _: () = assert!(size_of::<ServerSession>() == 8);
// What a session of one idle tab takes: the tab, its poller and refresh, the browser, what the server knows, the counts.
// The events that wait for it, about 17 bytes each, come on top.
const _: () = assert!(
    TabStore::IDLE_BYTES
        + 2 * TIMER_BYTES as usize
        + size_of::<Browser>()
        + size_of::<ServerSession>()
        + SESSION_BYTES
        <= 144
);

impl ServerSession {
    fn revoked(self) -> bool {
        self.state & 1 != 0
    }

    fn revoke(&mut self) {
        self.state |= 1;
    }

    fn newest(self) -> Option<Token> {
        Token::from_bits(self.state >> 1)
    }

    fn set_newest(&mut self, token: Token) {
        self.state = token.bits() << 1 | self.state & 1;
    }
}

/// A world of one contender in one replication.
struct World<'a, O: Observer, Q: Queue<Event>> {
    plan: &'a Plan,
    rules: &'a [Rules],
    shares: Vec<f64>,
    streams: Streams,
    queue: Q,
    /// Messages and locks on their way between the tabs of a browser.
    at_once: std::collections::VecDeque<Event>,
    now: Time,
    /// The users of this world: all, or a part that has nothing to do with the others.
    users: Range<u32>,
    /// One in how many parts of the run.
    parts: u64,
    tabs: TabStore,
    browsers: Block<Browser>,
    server: Block<ServerSession>,
    limits: Block<SessionPolicy>,
    /// Some policy limits the retries of a session.
    limited: bool,
    tasks: Tasks,
    backend: Backend,
    generic: Generic,
    collector: Collector,
    guard: Guard,
    rounds: Rounds,
    actions: Vec<Action>,
    observer: O,
}

/// What a run leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its metrics.
    pub metrics: RunMetrics,
    /// Events processed.
    pub events: u64,
    /// A hash of (time, entity, kind) of every event, in order.
    pub fingerprint: u64,
    /// Exact totals of queues, limits and generic workloads.
    pub totals: Snapshot,
}

/// How a page stands at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalTab {
    /// The page is open.
    pub open: bool,
    /// It has a session.
    pub session: bool,
    /// Its status.
    pub status: crate::client::page::Status,
    /// The client resource is there.
    pub client: bool,
    /// The browser's cookie.
    pub cookie: Option<Token>,
}

/// Runs one contender in one replication, for the users of one of the plan's [parts](Plan::parts).
///
/// # Errors
/// When a guard stops the run: too many events in all, of one session at one instant, or of all at one instant.
pub fn run(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
) -> Result<Run, Stopped> {
    observed_part(plan, contender, replication, users, control, Silent).map(|(run, _, _)| run)
}

/// Runs one contender in one replication, all users in one world, with somebody looking on.
///
/// # Errors
/// As [`run`].
pub fn observed<O: Observer>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    control: &Control,
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    observed_part(plan, contender, replication, 0..plan.scenario.fleet.users, control, observer)
}

/// Runs the users of one part, with somebody looking on.
///
/// # Errors
/// As [`run`].
pub fn observed_part<O: Observer>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    on_queue::<O, Calendar<Event>>(plan, contender, replication, users, control, observer)
}

/// Runs all users in one world, with ties between simultaneous events of different sessions broken the other way round:
/// see [`Opposite`]. Slow, for it sorts every instant.
///
/// # Errors
/// As [`run`].
pub fn run_in_opposite_order(
    plan: &Plan,
    contender: usize,
    replication: u32,
    control: &Control,
) -> Result<Run, Stopped> {
    let users = 0..plan.scenario.fleet.users;
    on_queue::<Silent, Opposite<Event>>(plan, contender, replication, users, control, Silent)
        .map(|(run, _, _)| run)
}

fn on_queue<O: Observer, Q: Queue<Event>>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    // A study has runs that have not begun: stopped, they do not.
    if control.is_stopped() {
        return Err(Stopped::interrupted(Time::ZERO));
    }
    let mut world = World::<O, Q>::new(plan, contender, replication, users, observer);
    world.go(control)?;
    Ok(world.finish())
}

impl<'a, O: Observer, Q: Queue<Event>> World<'a, O, Q> {
    fn new(
        plan: &'a Plan,
        contender: usize,
        replication: u32,
        users: Range<u32>,
        observer: O,
    ) -> World<'a, O, Q> {
        let rules = &plan.rules[contender];
        let limited = rules.iter().any(|r| r.limits.is_some());
        let tabs = users.start * plan.tabs_per_user..users.end * plan.tabs_per_user;
        let mut world = World {
            plan,
            rules,
            shares: plan.contenders[contender].parts.iter().map(|(_, share)| *share).collect(),
            streams: Streams::new(plan.scenario.seed, replication, &plan.faults),
            queue: Q::default(),
            at_once: std::collections::VecDeque::new(),
            now: Time::ZERO,
            parts: u64::from(plan.scenario.fleet.users).div_ceil(users.len().max(1) as u64).max(1),
            tabs: TabStore::new(tabs),
            browsers: Block::new(users.clone(), Browser::default()),
            server: Block::new(users.clone(), ServerSession::default()),
            limits: Block::new(if limited { users.clone() } else { 0..1 }, SessionPolicy::default()),
            limited,
            tasks: Tasks::default(),
            backend: Backend::new(plan, &users),
            generic: Generic::new(plan),
            collector: Collector::new(plan, users.clone()),
            guard: Guard::new(plan, users.len() as u32),
            users,
            rounds: Rounds::default(),
            actions: Vec::new(),
            observer,
        };
        world.schedule_fleet();
        world.schedule_workloads();
        if let Some(every) = world.observer.sample_every() {
            world.schedule(Time(every.0), EventKind::Sample, 0, 0, 0);
        }
        world
    }

    /// Puts into the queue what comes from outside: openings, actions, revocations. What the scenario does at the horizon
    /// or later it does not do.
    fn schedule_fleet(&mut self) {
        let fleet = &self.plan.scenario.fleet;
        for (i, action) in self.plan.scenario.actions.iter().enumerate() {
            if action.whom().among(&self.users).is_empty() || action.at >= self.plan.scenario.horizon {
                continue;
            }
            self.schedule(Time(action.at.0), EventKind::Scripted, 0, i as u32, 0);
        }
        for (i, fault) in self.plan.faults.iter().enumerate() {
            if fault.kind == crate::fault::FaultKind::Revocation && fault.from < self.plan.horizon {
                self.schedule(fault.from, EventKind::Revoke, 0, i as u32, 0);
            }
        }
        for user in self.users.clone() {
            let mut at = Time(fleet.opens.sample(self.streams.arrival.bits(u64::from(user), 0)).0);
            for n in 0..self.tabs_of(user) {
                if n > 0 {
                    let bits = self.streams.arrival.bits(u64::from(user), u64::from(n));
                    at = at.after(fleet.further_tab_opens.sample(bits));
                }
                self.schedule(at, EventKind::Open, 0, user * self.plan.tabs_per_user + n, 0);
            }
            if let Some(offline) = &fleet.offline {
                let first = offline.every.sample(self.streams.offline.bits(u64::from(user), 0));
                self.schedule(Time(first.0), EventKind::Offline, 0, user, 0);
            }
        }
    }

    /// How many tabs this user opens without being told to.
    fn tabs_of(&self, user: u32) -> u32 {
        match &self.plan.scenario.fleet.tabs {
            Tabs::Fixed(n) => u32::from(*n),
            Tabs::Shares(shares) => {
                let bits = self.streams.tabs.bits(u64::from(user), 0);
                let mut up_to = 0.0;
                for share in shares {
                    up_to += share.share;
                    if chance(bits, up_to) {
                        return u32::from(share.tabs);
                    }
                }
                u32::from(shares.last().expect("checked: at least one share").tabs)
            }
        }
    }

    fn schedule(&mut self, at: Time, kind: EventKind, generation: u16, id: u32, arg: u32) {
        if at <= self.plan.horizon {
            self.queue.push(at, Event { kind, generation, id, arg });
        }
    }

    fn schedule_task(&mut self, delay: Dur, kind: EventKind, task: TaskId) {
        let generation = self.tasks.generation(task);
        self.schedule(self.now.after(delay), kind, 0, task, generation);
    }

    fn go(&mut self, control: &Control) -> Result<(), Stopped> {
        loop {
            let (from, events) = (self.now, self.guard.events());
            let goes_on = self.go_on(EVENTS_BETWEEN_LOOKS)?;
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

    /// Handles at most so many events; whether there are more.
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
            if O::EACH_EVENT {
                self.observer.event(self.guard.events(), time, session, &event.kind);
            }
            self.handle(event);
        }
        Ok(true)
    }

    /// What passes between the tabs of a browser takes no time, so it comes before anything else of the same instant.
    fn next_event(&mut self) -> Option<(Time, Event)> {
        match self.at_once.pop_front() {
            Some(event) => Some((self.now, event)),
            None => {
                let World { queue, plan, tasks, tabs, browsers, backend, collector, generic, .. } = self;
                let owner = |event| session_of(event, plan, tasks, backend, generic);
                // Reads a little of what the events of a day will need. These reads do not depend on each other, so their
                // cache misses overlap; event after event they would wait for one another.
                queue.pop(plan.horizon, owner, |day| {
                    let per_user = plan.tabs_per_user;
                    let mut read = 0u32;
                    for due in day {
                        let id = due.event.id;
                        let tab = match due.event.kind {
                            EventKind::Timer
                            | EventKind::Answer
                            | EventKind::CallTimeout
                            | EventKind::Lock => tasks.tab(id),
                            EventKind::Focus | EventKind::Open | EventKind::AppGetToken => id,
                            EventKind::GenericTry
                            | EventKind::GenericAnswer
                            | EventKind::GenericFailed
                            | EventKind::GenericTimeout => {
                                read ^= generic.client_of(id);
                                continue;
                            }
                            _ => continue,
                        };
                        let user = tab / per_user;
                        read ^= tabs.warm(tab) ^ browsers[user as usize].lock ^ collector.requests_of(user);
                    }
                    std::hint::black_box(read);
                })
            }
        }
    }

    fn session_of(&self, event: Event) -> u32 {
        session_of(event, self.plan, &self.tasks, &self.backend, &self.generic)
    }

    fn handle(&mut self, event: Event) {
        let Event { kind, generation, id, arg } = event;
        match kind {
            EventKind::Timer | EventKind::Answer | EventKind::CallTimeout | EventKind::Lock => {
                if self.tasks.generation(id) == arg {
                    self.handle_task(kind, id);
                }
            }
            EventKind::Open => self.opened(id),
            EventKind::Close
            | EventKind::Reload
            | EventKind::Focus
            | EventKind::AppGetToken
            | EventKind::SetActive => {
                // The rounds of a visit end with it.
                let (visit, round) = self.rounds.take(generation, arg);
                if self.tabs.open(id) && self.tabs.visit(id) == visit {
                    self.round(kind, id, round);
                }
            }
            EventKind::Offline => self.go_offline(id, arg),
            EventKind::Online => self.go_online(id, arg),
            EventKind::TokenBroadcast => {
                self.step(id, Input::TokenBroadcast(Token::known_by_iat(arg)));
            }
            EventKind::SignOutBroadcast => self.step(id, Input::SignOutBroadcast),
            EventKind::SignIn => self.step(id, Input::SignIn { again: arg > 0 }),
            // In the recordings an act comes after the timers of its instant: it goes to the end of the line once.
            EventKind::Scripted if arg == 0 => self.schedule(self.now, kind, 0, id, 1),
            EventKind::Scripted => self.scripted(id as usize),
            EventKind::Revoke => self.revoke(id as usize),
            EventKind::Admitted => self.admitted(id),
            EventKind::Served => self.served(id, arg),
            EventKind::Release => self.backend.release(self.plan, Endpoint::ALL[arg as usize], id, self.now),
            EventKind::GenericArrival => self.generic_arrives(id, arg),
            EventKind::GenericTry => self.generic_tries(id),
            EventKind::GenericAnswer => self.generic_answered(id),
            EventKind::GenericFailed => self.generic_failed(id, generic::unpack(generation, arg)),
            EventKind::GenericTimeout => self.generic_times_out(id, generation, arg == 1),
            EventKind::Sample => self.sample(),
        }
    }

    fn handle_task(&mut self, kind: EventKind, id: TaskId) {
        let input = match kind {
            EventKind::Timer => Input::Timer(id),
            EventKind::Lock => Input::Lock(id),
            _ => {
                let task = self.tasks[id];
                self.tasks.rearm(id);
                if kind == EventKind::CallTimeout {
                    self.tasks[id].set_reply(Reply::Fail(crate::client::policy::Failure::NETWORK));
                }
                let left_over = task.epoch != self.tabs.epoch(task.tab);
                let outcome = match (left_over, kind, task.reply()) {
                    (true, ..) => Outcome::Dropped,
                    (_, EventKind::CallTimeout, _) => Outcome::Timeout,
                    (_, _, Reply::Ok { .. }) => Outcome::Ok,
                    (_, _, Reply::Fail(_)) if task.shed => Outcome::Shed,
                    (_, _, Reply::Fail(failure)) => Outcome::of_status(failure.status),
                };
                self.call_ended(id, outcome);
                Input::Answer(id)
            }
        };
        self.step(self.tasks.tab(id), input);
    }

    fn call_ended(&mut self, id: TaskId, outcome: Outcome) {
        let task = &self.tasks[id];
        let endpoint = task.endpoint;
        self.collector.call_ended(endpoint, outcome, task.since, self.now);
        self.observer.call_ended(self.now, task.tab, id, endpoint, task.since, task.reply(), outcome);
    }

    /// Gives a tab its input and carries out what it does.
    fn step(&mut self, tab: u32, input: Input) {
        let user = tab / self.plan.tabs_per_user;
        if O::ACTIVE {
            self.observer.input(self.now, tab, input, &self.tasks);
        }
        if self.guard.is_close() {
            self.guard.describe(observe::in_words(input, &self.tasks));
        }
        let rules = self.rules_of(user);
        let mut actions = std::mem::take(&mut self.actions);
        let limits = if self.limited { user as usize } else { 0 };
        let mut whole = self.tabs.get(tab);
        let mut page = Page {
            id: tab,
            tab: &mut whole,
            browser: &mut self.browsers[user as usize],
            limits: &mut self.limits[limits],
            tasks: &mut self.tasks,
            setup: &self.plan.setup,
            rules,
            now: self.now,
            out: &mut actions,
            passing: Default::default(),
        };
        page.step(input);
        self.tabs.put(tab, &whole);
        for action in &actions {
            self.act(tab, user, *action);
        }
        actions.clear();
        self.actions = actions;
    }

    fn rules_of(&self, user: u32) -> &'a Rules {
        if self.rules.len() == 1 {
            return &self.rules[0];
        }
        let bits = self.streams.rollout.bits(u64::from(user), 0);
        let mut up_to = 0.0;
        for (rules, share) in self.rules.iter().zip(&self.shares) {
            up_to += share;
            if chance(bits, up_to) {
                return rules;
            }
        }
        self.rules.last().expect("a contender has at least one policy")
    }

    fn act(&mut self, tab: u32, user: u32, action: Action) {
        match action {
            Action::Send { task, endpoint, first } => self.send(tab, user, task, endpoint, first),
            Action::Wait { task, generation, .. } if self.tasks.generation(task) != generation => {}
            Action::Wait { task, wait, .. } => {
                let delay = match self.observer.given_wait(self.now, tab, &self.tasks.get(task), wait) {
                    Some(given) => given,
                    None if wait.is_exact() => wait.of(wait.low),
                    None => {
                        let t = &self.tasks[task];
                        let bits =
                            self.streams.jitter.bits(coordinates(tab, t.kind as u8, t.ordinal), self.now.0);
                        wait.of(Dist::Uniform(wait.low, wait.high).sample(bits))
                    }
                };
                if O::ACTIVE {
                    self.observer.waits(self.now, tab, task, &self.tasks.get(task), delay);
                }
                self.schedule_task(delay, EventKind::Timer, task);
            }
            Action::GrantLock { task } => {
                let generation = self.tasks.generation(task);
                self.at_once.push_back(Event {
                    kind: EventKind::Lock,
                    generation: 0,
                    id: task,
                    arg: generation,
                });
            }
            Action::BroadcastToken(token) => {
                self.post_to_other_tabs(tab, user, EventKind::TokenBroadcast, token.iat());
            }
            Action::BroadcastSignOut => self.post_to_other_tabs(tab, user, EventKind::SignOutBroadcast, 0),
            Action::Fact(fact) => {
                if O::ACTIVE {
                    self.observer.fact(self.now, tab, fact);
                }
                self.take_note(tab, user, fact);
            }
        }
    }

    /// A message to the browser's other tabs: a task of its own, as `BroadcastChannel` has it.
    fn post_to_other_tabs(&mut self, tab: u32, user: u32, kind: EventKind, arg: u32) {
        let first = user * self.plan.tabs_per_user;
        for other in first..first + self.plan.tabs_per_user {
            if other != tab && self.tabs.open(other) {
                self.at_once.push_back(Event { kind, generation: 0, id: other, arg });
            }
        }
    }

    fn take_note(&mut self, tab: u32, user: u32, fact: Fact) {
        let within = tab % self.plan.tabs_per_user;
        let revoked = fact == Fact::SignedOut && self.server[user as usize].revoked();
        let signed_out = self.collector.fact(user, within, fact, revoked, self.now);
        match fact {
            Fact::SignInEnded(None) => {
                self.server[user as usize] = ServerSession::default();
                self.step_later(tab);
            }
            Fact::SignInEnded(Some(_)) => self.plan_sign_in(tab, user, true),
            Fact::SignedOut if signed_out => self.plan_sign_in(tab, user, false),
            _ => {}
        }
    }

    /// A user who has signed in again is sent to the app: a page load in every tab that shows the sign-in page.
    fn step_later(&mut self, tab: u32) {
        let first = tab / self.plan.tabs_per_user * self.plan.tabs_per_user;
        for other in first..first + self.plan.tabs_per_user {
            if self.tabs.open(other) && !self.tabs.session(other) {
                self.schedule_in_visit(self.now, EventKind::Reload, other, 0);
            }
        }
    }

    fn plan_sign_in(&mut self, tab: u32, user: u32, again: bool) {
        let Some(spec) = &self.plan.scenario.fleet.sign_in_again else { return };
        let will = self.streams.sign_in.bits(u64::from(user), u64::MAX);
        if !chance(will, spec.share) {
            return;
        }
        let after = spec.after.sample(self.streams.sign_in.bits(u64::from(user), self.now.0));
        self.schedule(self.now.after(after), EventKind::SignIn, 0, tab, u32::from(again));
    }

    /// A page opens; with it begin the tab's own rounds of focus, app calls and reloads, and its stay.
    fn opened(&mut self, tab: u32) {
        if self.tabs.open(tab) {
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

    /// One of a tab's recurring events; `round` is 0 for one outside the rounds, else the number of the next.
    fn round(&mut self, kind: EventKind, tab: u32, round: u32) {
        if round > 0 && kind != EventKind::Close {
            self.schedule_round(kind, tab, round);
        }
        let fleet = &self.plan.scenario.fleet;
        let input = match kind {
            EventKind::Focus => Input::Focus,
            EventKind::Reload => Input::Open,
            EventKind::AppGetToken => match &fleet.app_get_token {
                Some(app) => Input::AppGetToken { callers: app.callers, skip_cache: app.skip_cache },
                None => unreachable!("rounds are scheduled where the scenario asks for them"),
            },
            EventKind::SetActive => {
                Input::SetActive { navigate: fleet.set_active.as_ref().is_some_and(|s| s.navigate) }
            }
            EventKind::Close => Input::Close,
            _ => unreachable!("these do not recur"),
        };
        self.step(tab, input);
        if kind == EventKind::Close
            && let Some(away) = &fleet.away
        {
            let visit = u64::from(self.tabs.visit(tab));
            let after = away.sample(self.streams.visit.bits(u64::from(tab), 2 * visit + 1));
            self.schedule(self.now.after(after), EventKind::Open, 0, tab, 0);
        }
    }

    /// Round number `round` of a visit ends with the event; events carry the number of the next.
    fn schedule_round(&mut self, kind: EventKind, tab: u32, round: u32) {
        let fleet = &self.plan.scenario.fleet;
        let visit = self.tabs.visit(tab);
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
            _ => unreachable!("these do not recur"),
        };
        if let Some(every) = every {
            let delay = every.sample(stream.bits(u64::from(tab), at));
            match round.checked_add(1) {
                Some(next) => self.schedule_in_visit(self.now.after(delay), kind, tab, next),
                None => self.guard.is_full(tab / self.plan.tabs_per_user, "rounds of one visit to a tab"),
            }
        }
    }

    /// Schedules an event that ends with the visit under way, unless it lies beyond the run.
    fn schedule_in_visit(&mut self, at: Time, kind: EventKind, tab: u32, round: u32) {
        if at <= self.plan.horizon {
            let (generation, arg) = self.rounds.put(self.tabs.visit(tab), round);
            self.schedule(at, kind, generation, tab, arg);
        }
    }

    fn go_offline(&mut self, user: u32, round: u32) {
        self.browsers[user as usize].set_offline(true);
        self.tell_outside(user, Outside::Offline);
        if let Some(offline) = &self.plan.scenario.fleet.offline {
            let bits = self.streams.offline.bits(u64::from(user), 2 * u64::from(round) + 1);
            let until = self.now.after(offline.lasts.sample(bits));
            self.schedule(until, EventKind::Online, 0, user, round);
        }
    }

    fn go_online(&mut self, user: u32, round: u32) {
        self.browsers[user as usize].set_offline(false);
        self.tell_outside(user, Outside::Online);
        if let Some(offline) = &self.plan.scenario.fleet.offline {
            let bits = self.streams.offline.bits(u64::from(user), 2 * u64::from(round) + 2);
            let next = self.now.after(offline.every.sample(bits));
            match round.checked_add(1) {
                Some(round) => self.schedule(next, EventKind::Offline, 0, user, round),
                None => self.guard.is_full(user, "offline periods of one browser"),
            }
        }
    }

    fn scripted(&mut self, index: usize) {
        let action = &self.plan.scenario.actions[index];
        let whom = action.whom();
        for user in whom.among(&self.users) {
            let is_meant = match whom {
                Users::Share(share) => chance(self.streams.action.bits(u64::from(user), 0), share),
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
        // An action on a page that is not open acts on nobody.
        let acts = match action.act {
            Act::Focus | Act::SetActive | Act::GetToken => self.tabs.open(tab),
            Act::OpenTab => (first..first + self.plan.tabs_per_user).any(|t| !self.tabs.open(t)),
            Act::Reload | Act::Offline | Act::Online | Act::Revoke => true,
        };
        let exercise = self.collector.exercise();
        exercise.acted[index] += u64::from(acts);
        exercise.revoked += u64::from(action.act == Act::Revoke);
        match action.act {
            Act::Focus => self.step(tab, Input::Focus),
            Act::SetActive => self.step(tab, Input::SetActive { navigate: action.navigate }),
            Act::GetToken => {
                self.step(tab, Input::AppGetToken { callers: action.callers, skip_cache: action.skip_cache });
            }
            Act::OpenTab => {
                let next = (first..first + self.plan.tabs_per_user).find(|t| !self.tabs.open(*t));
                if let Some(next) = next {
                    self.opened(next);
                }
            }
            Act::Reload => self.step(tab, Input::Open),
            Act::Offline => {
                self.browsers[user as usize].set_offline(true);
                self.tell_outside(user, Outside::Offline);
            }
            Act::Online => {
                self.browsers[user as usize].set_offline(false);
                self.tell_outside(user, Outside::Online);
            }
            Act::Revoke => {
                self.server[user as usize].revoke();
                self.tell_outside(user, Outside::Revoked);
            }
        }
    }

    fn revoke(&mut self, fault: usize) {
        let share = self.plan.faults[fault].share;
        let mut struck = 0;
        for user in self.users.clone() {
            if chance(self.streams.faults[fault].bits(u64::from(user), 0), share) {
                self.server[user as usize].revoke();
                struck += 1;
                self.tell_outside(user, Outside::Revoked);
            }
        }
        self.backend.revoked(fault, struck);
        self.collector.exercise().revoked += struck;
    }

    fn tell_outside(&mut self, user: u32, what: Outside) {
        if O::ACTIVE {
            self.observer.outside(self.now, user, what);
        }
    }

    fn final_tabs(&self) -> Vec<FinalTab> {
        let final_tab = |id: u32| {
            let tab = self.tabs.get(id);
            FinalTab {
                open: tab.open,
                session: tab.session,
                status: tab.status,
                client: tab.client,
                cookie: self.browsers[(id / self.plan.tabs_per_user) as usize].cookie,
            }
        };
        self.tabs.range().map(final_tab).collect()
    }

    /// Closes the books; how the pages stand is for an observer alone.
    fn finish(mut self) -> (Run, O, Vec<FinalTab>) {
        let horizon = self.plan.horizon;
        let mut open_calls = Vec::new();
        for (id, task) in self.tasks.slots() {
            let left_over = task.epoch != self.tabs.epoch(task.tab);
            if task.stage == Stage::Requesting {
                open_calls.push(id);
            } else if !left_over {
                self.collector.waiting_at_end(task, horizon);
            }
        }
        self.now = horizon;
        for id in open_calls {
            self.call_ended(id, Outcome::InFlight);
        }
        let tabs = if O::ACTIVE { self.final_tabs() } else { Vec::new() };
        // What is no longer needed makes room for the results.
        self.queue = Q::default();
        self.tasks = Tasks::default();
        self.generic_in_flight();
        let totals = self.totals(horizon);
        let exercise = self.collector.exercise();
        exercise.struck = self.backend.struck().to_vec();
        exercise.limits = totals.limits.clone();
        exercise.generic_calls = totals.workloads.iter().map(|w| w.calls).sum();
        exercise.generic_served = totals.workloads.iter().map(|w| w.answered).sum();
        exercise.generic_gave_up = totals.workloads.iter().map(|w| w.gave_up).sum();
        exercise.callers_open += totals.workloads.iter().map(|w| w.under_way()).sum::<u64>();
        let revoked = self.server.iter().map(|s| s.revoked());
        let metrics = self.collector.finish(self.plan, revoked);
        let (events, fingerprint) = (self.guard.events(), self.guard.fingerprint());
        let run = Run { metrics, events, fingerprint, totals };
        (run, self.observer, tabs)
    }
}

/// The user that an event belongs to; `u32::MAX` for none, as of an event that has become stale.
#[inline]
fn session_of(event: Event, plan: &Plan, tasks: &Tasks, backend: &Backend, generic: &Generic) -> u32 {
    let tabs = plan.tabs_per_user;
    match event.kind {
        EventKind::Timer | EventKind::Answer | EventKind::CallTimeout | EventKind::Lock => {
            // A task that has moved on may have left its slot to another tab: where it lay must not show.
            let stale = tasks.generation(event.id) != event.arg;
            if stale { u32::MAX } else { tasks.tab(event.id) / tabs }
        }
        EventKind::Open
        | EventKind::Reload
        | EventKind::Close
        | EventKind::Focus
        | EventKind::AppGetToken
        | EventKind::SetActive
        | EventKind::TokenBroadcast
        | EventKind::SignOutBroadcast
        | EventKind::SignIn => event.id / tabs,
        EventKind::Offline | EventKind::Online | EventKind::Release => event.id,
        EventKind::Scripted => plan.scenario.actions[event.id as usize].user.unwrap_or(u32::MAX),
        EventKind::Admitted | EventKind::Served => backend.call(event.id).user(tabs),
        EventKind::GenericArrival => plan.scenario.fleet.users + event.id,
        EventKind::GenericTry
        | EventKind::GenericAnswer
        | EventKind::GenericFailed
        | EventKind::GenericTimeout => plan.scenario.fleet.users + generic.client_of(event.id),
        EventKind::Revoke | EventKind::Sample => u32::MAX,
    }
}

/// One coordinate for a draw that concerns a tab: the tab, what it is doing, and which of several at once.
fn coordinates(tab: u32, what: u8, ordinal: u8) -> u64 {
    u64::from(tab) << 16 | u64::from(what) << 8 | u64::from(ordinal)
}
