//! The pages of a world's users: tabs, browsers, and what is under way.

use super::rows;
use super::sessions::{Reply, SESSION_BYTES};
use super::setup::{Policed, Setup};
use super::tasks::{self, Kind, Sent, Tasks, Waiting};
use crate::backend::Endpoint;
use crate::client::Reply as _;
use crate::client::TabNumbers;
use crate::client::fact::Status;
use crate::client::family::{self, Activity, Call, FinalTab, Look, MessageRow};
use crate::client::limit_states::LimitStates;
use crate::client::step::{Message, TaskId};
use crate::client::token::browser::Browser;
use crate::client::token::pool::{NONE, Pool};
use crate::client::token::state::{Agent, Busy, Clock, Flight, Held, Op, Store, Task};
use crate::client::token::traits::Ready;
use crate::client::token::{self, Out, Timer};
use crate::kernel::Block;
use crate::protocol::{Failure, Token as SessionToken};
use std::ops::Range;

/// Bytes of the client's side of a session with one idle tab and one client object.
pub(super) const IDLE_BYTES: usize =
    size_of::<Tab>() + Pool::<Agent>::SLOT + size_of::<Clock>() + size_of::<Browser>();

/// Operations, waits and pending events of a client object at the height of a storm.
const OPERATIONS: u64 = 4;
const WAITS: u64 = 2;
const EVENTS: u64 = 6;

/// Bytes of a user with this many tabs: an upper bound for a quiet one, about right for a storm. An event takes `event`
/// bytes.
pub(super) fn bytes_per_user(setup: &Setup, tabs: u64, event: u64) -> u64 {
    let operation = Pool::<Task>::SLOT + Pool::<Flight>::SLOT + size_of::<Sent>();
    let busy = Pool::<Busy>::SLOT as u64
        + OPERATIONS * operation as u64
        + WAITS * Pool::<Waiting>::SLOT as u64
        + EVENTS * event;
    let object = (Pool::<Agent>::SLOT + size_of::<Clock>()) as u64 + busy;
    let tab = size_of::<Tab>() as u64 + u64::from(setup.objects) * object;
    tabs * tab + size_of::<Browser>() as u64
}

/// A tab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tab {
    /// The slot of the page's first client object, or [`NONE`] for a closed tab.
    pub object: u32,
    /// Number of times the tab was opened, doubled; one more while the page shows the user as signed in.
    visits: u32,
}

impl Tab {
    /// Number of times the tab was opened.
    pub(super) fn visit(self) -> u32 {
        self.visits >> 1
    }

    /// Counts an opening.
    pub(super) fn count_visit(&mut self) {
        self.visits += 2;
    }

    /// Whether the page shows the user as signed in.
    pub(super) fn session(self) -> bool {
        self.visits & 1 == 1
    }

    /// Sets whether the page shows the user as signed in, and returns whether it did.
    pub(super) fn set_session(&mut self, session: bool) -> bool {
        let before = self.session();
        self.visits = self.visits & !1 | u32::from(session);
        before
    }
}

/// The pages of a range of users.
#[derive(Clone, Debug)]
pub struct Pages {
    pub(super) numbers: TabNumbers,
    pub(super) first_user: u32,
    pub(super) tabs: Block<Tab>,
    pub(super) store: Store,
    pub(super) tasks: Tasks,
    /// The output of a step, empty between steps.
    pub(super) out: Out,
    life_s: u32,
}

impl Pages {
    pub(super) fn new(setup: &Setup, rules: &[Policed], users: Range<u32>, numbers: TabNumbers) -> Pages {
        let limits = rules.iter().map(|rules| rules.client.limits.as_deref());
        let limits = LimitStates::new(limits, users.clone());
        let mut store = Store { limits, ..Store::new() };
        for _ in users.clone() {
            store.add_browser(None, 0);
        }
        if setup.ignores_removals {
            store.ignore_removals();
        }
        let tabs = numbers.of_users(users.clone());
        let closed = Tab { object: NONE, visits: 0 };
        Pages {
            numbers,
            first_user: users.start,
            tabs: Block::new(tabs, closed),
            store,
            tasks: Tasks::default(),
            out: Out::default(),
            life_s: u32::try_from(setup.token_life.0 / crate::kernel::time::NS_PER_S).unwrap_or(u32::MAX),
        }
    }

    /// The browser of a user.
    pub(super) fn browser_of(&self, user: u32) -> u32 {
        user - self.first_user
    }

    /// The endpoint and the answer of a request.
    pub(super) fn answer_to(&self, task: TaskId) -> Option<(token::Endpoint, Reply)> {
        let (kind, index) = tasks::parts(task);
        (kind == Kind::Call).then(|| {
            let sent = self.tasks.sent(index);
            (rows::machine(sent.endpoint), sent.reply)
        })
    }

    /// The session token of a stored session, for counts of time without a valid one: it names the second of its issue.
    pub(super) fn token(&self, held: Held) -> SessionToken {
        SessionToken::known_by_iat(held.exp_s.saturating_sub(self.life_s))
    }

    /// Whether the page of an open tab has loaded and shows a session.
    pub(super) fn shows_session(&self, object: u32, place: token::Place) -> bool {
        let agent = self.store.agents.at(object);
        agent.traits.ready() != Ready::No && self.store.held(self.store.agents.key(object), place).is_some()
    }

    /// The tab of a client object's slot. The first tab for a free slot, whose events are all stale.
    fn tab_of_slot(&self, slot: u32) -> u32 {
        self.store.agents.in_slot(slot).map_or(self.tabs.range().start, |agent| agent.page)
    }
}

/// The generation of a task.
#[inline]
pub(super) fn generation(store: &Store, tasks: &Tasks, task: TaskId) -> u32 {
    match tasks::parts(task) {
        (Kind::Call, index) => tasks.generation(index),
        (Kind::Wait, index) => tasks.waits.key(index).generation.get(),
        (Kind::Tick | Kind::FirstTick, slot) => store.clocks[slot as usize].tick,
        (Kind::Alarm, slot) => store.clocks[slot as usize].alarm,
        (Kind::Expiry, slot) => store.checked[slot as usize].expiry,
    }
}

impl family::Store for Pages {
    type Reply = Reply;

    #[inline(always)]
    fn warm(&self, tab: u32) -> u32 {
        let object = self.tabs[tab as usize].object;
        self.store.agents.in_slot(object).map_or(0, |agent| agent.busy)
            ^ self.store.browser(self.browser_of(self.numbers.user_of(tab))).lock()
    }

    #[inline]
    fn open(&self, tab: u32) -> bool {
        self.tabs[tab as usize].object != NONE
    }

    #[inline]
    fn session(&self, tab: u32) -> bool {
        self.tabs[tab as usize].session()
    }

    #[inline]
    fn visit(&self, tab: u32) -> u32 {
        self.tabs[tab as usize].visit()
    }

    #[inline]
    fn offline(&self, user: u32) -> bool {
        self.store.browser(self.browser_of(user)).is_offline()
    }

    fn set_offline(&mut self, user: u32, offline: bool) {
        let browser = self.browser_of(user);
        self.store.set_offline(browser, offline);
    }

    fn seed(&mut self, bits: &dyn Fn(u32) -> u64) {
        self.store.limits.seed(bits);
    }

    fn set_clock(&mut self, user: u32, ahead_ns: i64) {
        let browser = self.browser_of(user);
        self.store.browser_mut(browser).set_skew(ahead_ns);
    }

    #[inline]
    fn tab(&self, task: TaskId) -> u32 {
        match tasks::parts(task) {
            (Kind::Call, index) => self.tasks.sent(index).tab,
            (Kind::Wait, index) => {
                self.tasks.waits.in_slot(index).map_or(self.tabs.range().start, |wait| wait.tab)
            }
            (Kind::Tick | Kind::FirstTick | Kind::Alarm | Kind::Expiry, slot) => self.tab_of_slot(slot),
        }
    }

    #[inline]
    fn generation(&self, task: TaskId) -> u32 {
        generation(&self.store, &self.tasks, task)
    }

    fn draws(&self, task: TaskId) -> (u8, u8) {
        let (kind, index) = tasks::parts(task);
        let ordinal = match kind {
            Kind::Call => self.tasks.sent(index).ordinal,
            Kind::Wait => self.tasks.waits.in_slot(index).map_or(0, |wait| wait.ordinal),
            Kind::Tick | Kind::FirstTick | Kind::Alarm | Kind::Expiry => 0,
        };
        (kind as u8, ordinal)
    }

    #[inline]
    fn sends(&mut self, task: TaskId, _: Endpoint) -> u8 {
        self.tasks.sent(tasks::parts(task).1).ordinal
    }

    #[inline]
    fn word(&self, task: TaskId) -> u32 {
        self.tasks.sent(tasks::parts(task).1).refresh
    }

    #[inline]
    fn set_reply(&mut self, task: TaskId, reply: Reply) {
        self.tasks.sent_mut(tasks::parts(task).1).reply = reply;
    }

    fn set_shed(&mut self, task: TaskId) {
        self.tasks.sent_mut(tasks::parts(task).1).shed = true;
    }

    #[inline]
    fn call(&self, task: TaskId) -> Call {
        let sent = self.tasks.sent(tasks::parts(task).1);
        Call {
            tab: sent.tab,
            endpoint: sent.endpoint,
            sent: sent.sent,
            failure: sent.reply.failure(),
            shed: sent.shed,
            left_over: self.store.agents.get(sent.agent).is_none(),
        }
    }

    #[inline]
    fn end_call(&mut self, task: TaskId) {
        self.tasks.end(tasks::parts(task).1);
    }

    fn requesting(&self) -> Vec<TaskId> {
        self.tasks.requesting().map(|index| tasks::id(Kind::Call, index)).collect()
    }

    fn forget_tasks(&mut self) {
        self.tasks = Tasks::default();
    }

    fn final_tabs(&self) -> Vec<FinalTab> {
        let final_tab = |tab: u32| {
            let it = self.tabs[tab as usize];
            let agent = self.store.agents.in_slot(it.object);
            let loaded = agent.is_some_and(|agent| agent.traits.ready() != Ready::No);
            let stored = self.store.browser(self.browser_of(self.numbers.user_of(tab))).stored;
            FinalTab {
                open: agent.is_some(),
                session: it.session(),
                status: if loaded { Status::Ready } else { Status::Loading },
                client: loaded,
                cookie: stored.map(|held| self.token(held)),
            }
        };
        self.tabs.range().map(final_tab).collect()
    }
}

impl Look for Pages {
    fn doing(&self, task: TaskId) -> Activity {
        let clock = |task, op| Activity {
            task,
            caller: rows::caller(op),
            attempt: 0,
            levels: 0,
            endpoint: rows::TOKEN,
        };
        match tasks::parts(task) {
            (Kind::Call, index) => {
                let sent = self.tasks.sent(index);
                let row = match rows::machine(sent.endpoint) {
                    token::Endpoint::Token => &rows::REFRESH,
                    token::Endpoint::Discovery => &rows::METADATA,
                    token::Endpoint::Authorize => &rows::IFRAME,
                    token::Endpoint::Lookup | token::Endpoint::User => &rows::ACCOUNT,
                };
                Activity { attempt: sent.attempt, endpoint: sent.endpoint, ..clock(row, sent.op) }
            }
            (Kind::Wait, index) => match self.tasks.waits.in_slot(index) {
                None => clock(&rows::RETRY, Op::Call),
                Some(wait) => {
                    let row = match wait.timer {
                        Timer::TimeOut(_) => &rows::TIME_OUT,
                        Timer::LockWait(_) => &rows::LOCK,
                        Timer::Retry(_) | Timer::Tick { .. } | Timer::Alarm(_) | Timer::Expiry(_) => {
                            &rows::RETRY
                        }
                    };
                    Activity { attempt: wait.attempt, ..clock(row, wait.op) }
                }
            },
            (Kind::Tick | Kind::FirstTick, _) => clock(&rows::TICKER, Op::Tick),
            (Kind::Alarm, _) => clock(&rows::TIMER, Op::Alarm),
            (Kind::Expiry, _) => clock(&rows::EXPIRY, Op::Alarm),
        }
    }

    fn failure(&self, task: TaskId) -> Option<Failure> {
        self.answer_to(task).and_then(|(_, reply)| reply.failure())
    }

    fn message(&self, _: Message) -> &'static MessageRow {
        unreachable!("the tabs of this family send no messages through the world")
    }

    fn broken_law(&self, _: u32) -> Option<String> {
        None
    }
}

/// With the counts of a session, 144 bytes.
const _: () = assert!(SESSION_BYTES + IDLE_BYTES <= 104);
