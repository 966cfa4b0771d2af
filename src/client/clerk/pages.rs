//! The pages of a world's users: tabs, browsers and tasks.

use super::browser::Browser;
use super::page::{Page, Scratch};
use super::release::Release;
use super::setup::Setup;
use super::tabs::TabStore;
use super::task::{Kind, Reply, Stage, Task};
use super::tasks::{TIMER_BYTES, Tasks};
use super::{Clerk, messages};
use crate::backend::Endpoint;
use crate::client::Reply as _;
use crate::client::TabNumbers;
use crate::client::app::{AppReaction, Reaction};
use crate::client::family::{Activity, Call, FinalTab, Look, MessageRow, Store, Who};
use crate::client::limit_states::LimitStates;
use crate::client::session_policy::SessionPolicy;
use crate::client::step::{Action, Input, Message, TaskId};
use crate::kernel::{Block, Time};
use crate::protocol::Failure;
use std::ops::Range;

/// Bytes of the client's side of a session with one idle tab: the tab, its poller and refresh, the browser.
pub(super) const IDLE_BYTES: usize = TabStore::IDLE_BYTES + 2 * TIMER_BYTES as usize + size_of::<Browser>();

/// Tasks, timers and pending events of a tab at the height of a storm.
const TASKS: u64 = 3;
const TIMERS: u64 = 4;
const EVENTS: u64 = 7;
/// Chains of calls by app code in a tab. Each begins with a focus, about once a minute, and lasts a few minutes.
const CHAINS: u64 = 2;

/// Bytes of a user with this many tabs: an upper bound for a quiet one, about right for a storm. An event takes `event`
/// bytes.
pub(super) fn bytes_per_user(setup: &Setup, tabs: u64, event: u64, round_trip_s: f64) -> u64 {
    let under_way = TASKS * size_of::<Task>() as u64 + TIMERS * TIMER_BYTES + EVENTS * event;
    let leaked = leaked_timers(setup.release, setup.reaction, setup.token_life_s, round_trip_s);
    let tab =
        (TabStore::IDLE_BYTES + TabStore::BUSY_BYTES) as u64 + under_way + leaked * (TIMER_BYTES + event);
    tabs * tab + (size_of::<Browser>() + size_of::<SessionPolicy>()) as u64
}

/// Refresh timers that are armed at once in a tab of a leaking release. Each new session object leaves one armed for
/// the life of a token. App code that reacts to each object brings another one every two round trips (`clerk-js.md`,
/// leak and loop G2), in [`CHAINS`] chains at once.
fn leaked_timers(release: Release, reaction: Reaction, token_life_s: u32, round_trip_s: f64) -> u64 {
    if !release.refresh_chain_leak || reaction.act == AppReaction::None {
        return 0;
    }
    let round_s = (2.0 * round_trip_s).max(1e-3);
    (f64::from(token_life_s) / round_s) as u64 * CHAINS
}

/// The pages of a range of users.
#[derive(Clone, Debug)]
pub struct Pages {
    numbers: TabNumbers,
    tabs: TabStore,
    browsers: Block<Browser>,
    /// The states of the policies' limits.
    limits: LimitStates,
    tasks: Tasks,
}

impl Pages {
    /// Closed pages.
    pub(super) fn new(users: Range<u32>, numbers: TabNumbers, limits: LimitStates) -> Pages {
        Pages {
            numbers,
            tabs: TabStore::new(numbers.of_users(users.clone())),
            browsers: Block::new(users, Browser::default()),
            limits,
            tasks: Tasks::default(),
        }
    }

    /// Gives a tab its input and appends the tab's actions to `out`.
    #[inline]
    pub(super) fn step(&mut self, who: &Who<'_, Clerk>, input: Input, now: Time, out: &mut Vec<Action>) {
        let (place, tab, rest) = self.tabs.borrow(who.tab);
        let mut page = Page {
            id: who.tab,
            within: self.numbers.within(who.tab, who.user),
            tab,
            rest,
            browser: &mut self.browsers[who.user as usize],
            limits: self.limits.of(who.rules.limits.as_ref(), who.user),
            tasks: &mut self.tasks,
            setup: who.setup,
            rules: who.rules,
            now,
            out,
            scratch: Scratch::default(),
        };
        page.step(input);
        self.tabs.give_back(who.tab, place);
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Whether a tab belongs to this user.
    pub(super) fn is_of(&self, tab: u32, user: u32) -> bool {
        self.numbers.user_of(tab) == user
    }

    /// Whether this is the tab's current page load, and the page is open.
    pub(super) fn is_open_page(&self, tab: u32, epoch: u16) -> bool {
        self.tabs.tab(tab).open() && self.tabs.tab(tab).epoch == epoch
    }

    fn is_left_over(&self, task: &Task) -> bool {
        task.epoch != self.tabs.tab(task.tab).epoch
    }
}

impl Store for Pages {
    type Reply = Reply;

    #[inline]
    fn warm(&self, tab: u32) -> u32 {
        self.tabs.warm(tab) ^ self.browsers[self.numbers.user_of(tab) as usize].lock
    }

    #[inline]
    fn open(&self, tab: u32) -> bool {
        self.tabs.tab(tab).open()
    }

    #[inline]
    fn session(&self, tab: u32) -> bool {
        self.tabs.tab(tab).session()
    }

    #[inline]
    fn visit(&self, tab: u32) -> u32 {
        self.tabs.tab(tab).visit
    }

    #[inline]
    fn offline(&self, user: u32) -> bool {
        self.browsers[user as usize].offline()
    }

    fn set_offline(&mut self, user: u32, offline: bool) {
        self.browsers[user as usize].set_offline(offline);
    }

    fn seed(&mut self, bits: &dyn Fn(u32) -> u64) {
        self.limits.seed(bits);
    }

    fn set_clock(&mut self, _: u32, _: i64) {
        unreachable!("a scenario of this family sets no clocks")
    }

    #[inline]
    fn tab(&self, task: TaskId) -> u32 {
        self.tasks.tab(task)
    }

    #[inline]
    fn generation(&self, task: TaskId) -> u32 {
        self.tasks.generation(task)
    }

    fn draws(&self, task: TaskId) -> (u8, u8) {
        let task = self.tasks.get(task);
        (task.kind as u8, task.ordinal)
    }

    #[inline]
    fn sends(&mut self, task: TaskId, endpoint: Endpoint) -> u8 {
        let task = &mut self.tasks[task];
        task.endpoint = endpoint;
        task.shed = false;
        task.ordinal
    }

    #[inline]
    fn word(&self, _: TaskId) -> u32 {
        0
    }

    #[inline]
    fn set_reply(&mut self, task: TaskId, reply: Reply) {
        self.tasks[task].set_reply(reply);
    }

    fn set_shed(&mut self, task: TaskId) {
        self.tasks[task].shed = true;
    }

    #[inline]
    fn call(&self, task: TaskId) -> Call {
        let task = &self.tasks[task];
        Call {
            tab: task.tab,
            endpoint: task.endpoint,
            sent: task.since,
            failure: task.reply().failure(),
            shed: task.shed,
            left_over: self.is_left_over(task),
        }
    }

    #[inline]
    fn end_call(&mut self, task: TaskId) {
        self.tasks.rearm(task);
    }

    fn requesting(&self) -> Vec<TaskId> {
        self.tasks.slots().filter(|(_, task)| task.stage == Stage::Requesting).map(|(id, _)| id).collect()
    }

    fn forget_tasks(&mut self) {
        self.tasks = Tasks::default();
    }

    fn final_tabs(&self) -> Vec<FinalTab> {
        let final_tab = |id: u32| {
            let tab = self.tabs.tab(id);
            FinalTab {
                open: tab.open(),
                session: tab.session(),
                status: tab.status(),
                client: tab.client(),
                cookie: self.browsers[self.numbers.user_of(id) as usize].cookie,
            }
        };
        self.tabs.range().map(final_tab).collect()
    }
}

impl Look for Pages {
    fn doing(&self, task: TaskId) -> Activity {
        let task = self.tasks.get(task);
        Activity {
            task: task.kind.row(),
            caller: task.caller.row(),
            attempt: task.attempt.into(),
            levels: if task.kind == Kind::Flow { task.levels } else { 0 },
            endpoint: task.endpoint,
        }
    }

    fn failure(&self, task: TaskId) -> Option<Failure> {
        self.tasks[task].reply().failure()
    }

    fn message(&self, message: Message) -> &'static MessageRow {
        &messages::ROWS[usize::from(message.kind)]
    }

    fn broken_law(&self, user: u32) -> Option<String> {
        self.pollers_break_the_lock(user)
    }
}

#[cfg(test)]
mod tests {
    use super::super::release::{MODELS, Model};
    use super::*;
    use crate::client::app::DocumentFocus;

    /// The leak of 6.1.0 with reacting app code. The repaired release needs no more memory than without app code.
    #[test]
    fn a_leaking_release_needs_more_where_the_app_reacts() {
        let bytes = |model: Model, act: AppReaction| {
            let setup = Setup {
                release: Release::of(model, 1),
                token_life_s: 60,
                reaction: Reaction { act, from: Time::ZERO, to: Time::NEVER },
                apps: 1,
                first_user: 0,
                multi_session: false,
                focus: DocumentFocus::All,
                updated_at_moves: false,
                focus_touch_lacks_client: false,
                missing_expired_token: 0,
                not_taken_for_a_lost_session: [0; 2],
            };
            bytes_per_user(&setup, 1, 18, 0.1)
        };
        let (leaking, repaired) = (Model::ClerkJs6_1_0, Model::ClerkJs6_3_3);
        assert!(bytes(leaking, AppReaction::SetActive) > 4 * bytes(repaired, AppReaction::SetActive));
        assert_eq!(bytes(leaking, AppReaction::None), bytes(repaired, AppReaction::SetActive));
        assert_eq!(MODELS.len(), Model::ALL.len());
    }
}
