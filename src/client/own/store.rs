//! The pages of a world's users: tabs, browsers, and what is under way.

use super::tasks::{Request, State, Task, Tasks, Timer};
use super::words;
use crate::backend::Endpoint;
use crate::client::Reply as _;
use crate::client::TabNumbers;
use crate::client::fact::Status;
use crate::client::family::{self, Activity, Call, FinalTab, Look, MessageRow};
use crate::client::step::{Message, TaskId};
use crate::client::token::pool::{NONE, Pool, Slots};
use crate::client::token::{ServerReply as Reply, TOKEN, rows};
use crate::kernel::{Block, Time};
use crate::protocol::{Failure, Token};
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::ops::Range;

/// Requests, timers and pending events of a tab at the height of a storm.
const REQUESTS: u64 = 2;
const TIMERS: u64 = 2;
const EVENTS: u64 = 4;

/// A session in a browser's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Number of the refresh token.
    pub refresh: NonZeroU32,
    /// The access token's `exp`: whole seconds of server time since the start of the run.
    pub exp_s: u32,
}

/// A browser of one user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Browser {
    pub stored: Option<Stored>,
    /// Nanoseconds by which the local clock is ahead of the server's.
    pub skew: i64,
    pub offline: bool,
    /// One of its pages has been opened.
    pub opened: bool,
}

/// A tab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tab {
    /// Number of times the tab was opened.
    pub visit: u32,
    /// The first of its requests, or [`NONE`].
    pub requests: u32,
    /// The first of its timers, or [`NONE`].
    pub timers: u32,
    /// The newest group of its waiting callers, or [`NONE`].
    pub callers: u32,
    pub open: bool,
    /// Whether the page shows the user as signed in.
    pub session: bool,
}

/// What does not depend on the SDK.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub numbers: TabNumbers,
    pub tabs: Block<Tab>,
    pub browsers: Block<Browser>,
    pub tasks: Tasks,
    pub token_life_s: u32,
}

/// The pages of a range of users, with the state `S` of the SDK in each tab.
#[derive(Clone, Debug)]
pub struct Pages<S> {
    pub(super) core: Core,
    pub(super) sdks: Block<S>,
}

impl<S: Clone + Default> Pages<S> {
    /// Bytes of the client's side of a session with one idle tab.
    pub(super) const IDLE_BYTES: usize = size_of::<S>() + size_of::<Tab>() + size_of::<Browser>();

    pub(super) fn new(token_life_s: u32, users: Range<u32>, numbers: TabNumbers) -> Pages<S> {
        let tabs = numbers.of_users(users.clone());
        let closed =
            Tab { visit: 0, requests: NONE, timers: NONE, callers: NONE, open: false, session: false };
        let browser = Browser { stored: None, skew: 0, offline: false, opened: false };
        Pages {
            core: Core {
                numbers,
                tabs: Block::new(tabs.clone(), closed),
                browsers: Block::new(users, browser),
                tasks: Tasks::default(),
                token_life_s,
            },
            sdks: Block::new(tabs, S::default()),
        }
    }

    /// Bytes of a user with this many tabs: an upper bound for a quiet one, about right for a storm.
    pub(super) fn bytes_per_user(tabs: u64, event: u64) -> u64 {
        let tab = (size_of::<S>() + size_of::<Tab>()) as u64
            + REQUESTS * Slots::<Request>::SLOT as u64
            + TIMERS * Pool::<Timer>::SLOT as u64
            + EVENTS * event;
        tabs * tab + size_of::<Browser>() as u64
    }
}

impl Core {
    /// The user of a tab.
    pub(super) fn user_of(&self, tab: u32) -> u32 {
        self.numbers.user_of(tab)
    }

    /// The session token that a browser stores, for counts of time without a valid one: it names the second of its issue.
    pub(super) fn token(&self, user: u32) -> Option<Token> {
        let stored = self.browsers[user as usize].stored?;
        Some(Token::known_by_iat(stored.exp_s.saturating_sub(self.token_life_s)))
    }

    /// Number of other requests of a tab that were sent at this instant and are not answered.
    pub(super) fn sent_with(&self, tab: u32, now: Time, own: u32) -> u8 {
        let (mut next, mut count) = (self.tabs[tab as usize].requests, 0u8);
        while next != NONE {
            let request = self.tasks.request(next);
            if next != own && request.state == State::Sent && request.since == now {
                count = count.saturating_add(1);
            }
            next = request.next;
        }
        count
    }

    /// Removes a request from its tab and frees its place.
    pub(super) fn remove_request(&mut self, tab: u32, index: u32) {
        let after = self.tasks.request(index).next;
        let first = self.tabs[tab as usize].requests;
        if first == index {
            self.tabs[tab as usize].requests = after;
        } else {
            let mut before = first;
            while self.tasks.request(before).next != index {
                before = self.tasks.request(before).next;
            }
            self.tasks.request_mut(before).next = after;
        }
        self.tasks.remove(index);
    }

    /// Removes a timer from its tab, and returns it.
    pub(super) fn take_timer(&mut self, slot: u32) -> Timer {
        let key = self.tasks.timers.key(slot);
        let timer = self.tasks.timers.remove(key).expect("a timer is due once");
        let first = self.tabs[timer.tab as usize].timers;
        if first == slot {
            self.tabs[timer.tab as usize].timers = timer.next;
        } else {
            let mut before = first;
            while self.tasks.timers.at(before).next != slot {
                before = self.tasks.timers.at(before).next;
            }
            self.tasks.timers.at_mut(before).next = timer.next;
        }
        timer
    }

    /// Stops the timers of a tab that a condition selects.
    pub(super) fn remove_timers(&mut self, tab: u32, is_meant: impl Fn(&Timer) -> bool) {
        let mut next = self.tabs[tab as usize].timers;
        while next != NONE {
            let slot = next;
            next = self.tasks.timers.at(slot).next;
            if is_meant(self.tasks.timers.at(slot)) {
                self.take_timer(slot);
            }
        }
    }

    fn answered(&self, id: TaskId) -> &Request {
        match Task::of(id) {
            Task::Request(index) => self.tasks.request(index),
            Task::Timer(_) => unreachable!("a timer has no answer"),
        }
    }

    fn answered_mut(&mut self, id: TaskId) -> &mut Request {
        match Task::of(id) {
            Task::Request(index) => self.tasks.request_mut(index),
            Task::Timer(_) => unreachable!("a timer has no answer"),
        }
    }
}

impl<S: Clone + Debug> family::Store for Pages<S> {
    type Reply = Reply;

    #[inline]
    fn warm(&self, tab: u32) -> u32 {
        self.core.tabs[tab as usize].visit
            ^ u32::from(self.core.browsers[self.core.user_of(tab) as usize].offline)
    }

    #[inline]
    fn open(&self, tab: u32) -> bool {
        self.core.tabs[tab as usize].open
    }

    #[inline]
    fn session(&self, tab: u32) -> bool {
        self.core.tabs[tab as usize].session
    }

    #[inline]
    fn visit(&self, tab: u32) -> u32 {
        self.core.tabs[tab as usize].visit
    }

    #[inline]
    fn offline(&self, user: u32) -> bool {
        self.core.browsers[user as usize].offline
    }

    fn set_offline(&mut self, user: u32, offline: bool) {
        self.core.browsers[user as usize].offline = offline;
    }

    fn set_clock(&mut self, user: u32, ahead_ns: i64) {
        self.core.browsers[user as usize].skew = ahead_ns;
    }

    #[inline]
    fn tab(&self, id: TaskId) -> u32 {
        match Task::of(id) {
            Task::Request(index) => self.core.tasks.request(index).tab,
            // Every event of a timer that is no longer set is stale.
            Task::Timer(slot) => {
                self.core.tasks.timers.in_slot(slot).map_or(self.core.tabs.range().start, |timer| timer.tab)
            }
        }
    }

    #[inline]
    fn generation(&self, id: TaskId) -> u32 {
        self.core.tasks.generation(Task::of(id))
    }

    fn draws(&self, id: TaskId) -> (u8, u8) {
        match Task::of(id) {
            Task::Request(index) => (0, self.core.tasks.request(index).ordinal),
            Task::Timer(_) => (1, 0),
        }
    }

    #[inline]
    fn sends(&mut self, id: TaskId, _: Endpoint) -> u8 {
        self.core.answered(id).ordinal
    }

    #[inline]
    fn word(&self, id: TaskId) -> u32 {
        self.core.answered(id).refresh
    }

    #[inline]
    fn set_reply(&mut self, id: TaskId, reply: Reply) {
        self.core.answered_mut(id).reply = reply;
    }

    fn set_shed(&mut self, id: TaskId) {
        self.core.answered_mut(id).shed = true;
    }

    #[inline]
    fn call(&self, id: TaskId) -> Call {
        let request = self.core.answered(id);
        Call {
            tab: request.tab,
            endpoint: TOKEN,
            sent: request.since,
            failure: request.reply.failure(),
            shed: request.shed,
            left_over: request.left_over,
        }
    }

    #[inline]
    fn end_call(&mut self, id: TaskId) {
        if let Task::Request(index) = Task::of(id) {
            self.core.tasks.requests.turn(index);
            self.core.tasks.request_mut(index).state = State::Answered;
        }
    }

    fn requesting(&self) -> Vec<TaskId> {
        self.core.tasks.sent().map(|index| Task::Request(index).id()).collect()
    }

    fn forget_tasks(&mut self) {
        self.core.tasks = Tasks::default();
    }

    fn final_tabs(&self) -> Vec<FinalTab> {
        let final_tab = |tab: u32| {
            let Tab { open, session, .. } = self.core.tabs[tab as usize];
            FinalTab {
                open,
                session,
                status: if open { Status::Ready } else { Status::Loading },
                client: open,
                cookie: self.core.token(self.core.user_of(tab)),
            }
        };
        self.core.tabs.range().map(final_tab).collect()
    }
}

impl<S> Look for Pages<S> {
    fn doing(&self, id: TaskId) -> Activity {
        match Task::of(id) {
            Task::Request(index) => {
                let request = self.core.tasks.request(index);
                let task = if request.state == State::Waits { &rows::RETRY } else { &rows::REFRESH };
                let caller = words::caller(request.cause);
                Activity { task, caller, attempt: request.failures, levels: 0, endpoint: TOKEN }
            }
            Task::Timer(_) => {
                let caller = words::caller(super::page::Cause::Timer);
                Activity { task: &words::TIMER, caller, attempt: 0, levels: 0, endpoint: TOKEN }
            }
        }
    }

    fn failure(&self, id: TaskId) -> Option<Failure> {
        match Task::of(id) {
            Task::Request(index) => self.core.tasks.request(index).reply.failure(),
            Task::Timer(_) => None,
        }
    }

    fn message(&self, message: Message) -> &'static MessageRow {
        &words::MESSAGES[usize::from(message.kind == words::SIGNED_OUT)]
    }

    fn broken_law(&self, _: u32) -> Option<String> {
        None
    }
}
