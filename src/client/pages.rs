//! The pages of a world's users: tabs, what their browsers keep, and the tasks under way.

use super::page::{Action, Browser, Input, Page, Passing, Rules, Setup, Status};
use super::session_policy::SessionPolicy;
use super::tabs::TabStore;
use super::task::{Reply, Stage, TIMER_BYTES, Task, TaskId, Tasks, Token};
use crate::backend::Endpoint;
use crate::kernel::{Block, Time};
use std::ops::Range;

/// What a session of one idle tab takes on the client's side: the tab, its poller and refresh, the browser.
pub(crate) const IDLE_BYTES: usize = TabStore::IDLE_BYTES + 2 * TIMER_BYTES as usize + size_of::<Browser>();

/// How a page stands at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalTab {
    /// The page is open.
    pub open: bool,
    /// It has a session.
    pub session: bool,
    /// Its status.
    pub status: Status,
    /// The client resource is there.
    pub client: bool,
    /// The browser's cookie.
    pub cookie: Option<Token>,
}

/// The pages of a range of users.
pub struct Pages<'a> {
    setup: &'a Setup,
    tabs_per_user: u32,
    tabs: TabStore,
    browsers: Block<Browser>,
    /// One per user where a policy limits the retries of a session; otherwise one that nobody looks at.
    limits: Block<SessionPolicy>,
    limited: bool,
    tasks: Tasks,
}

impl<'a> Pages<'a> {
    /// Pages that are not open yet. `limited`: some policy limits the retries of a session.
    pub fn new(setup: &'a Setup, users: Range<u32>, tabs_per_user: u32, limited: bool) -> Pages<'a> {
        Pages {
            setup,
            tabs_per_user,
            tabs: TabStore::new(users.start * tabs_per_user..users.end * tabs_per_user),
            browsers: Block::new(users.clone(), Browser::default()),
            limits: Block::new(if limited { users } else { 0..1 }, SessionPolicy::default()),
            limited,
            tasks: Tasks::default(),
        }
    }

    /// Gives a tab of this user its input; what the tab does is put into `out`.
    #[inline]
    pub fn step(
        &mut self,
        tab: u32,
        user: u32,
        rules: &Rules,
        input: Input,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let mut whole = self.tabs.get(tab);
        let mut page = Page {
            id: tab,
            tab: &mut whole,
            browser: &mut self.browsers[user as usize],
            limits: &mut self.limits[if self.limited { user as usize } else { 0 }],
            tasks: &mut self.tasks,
            setup: self.setup,
            rules,
            now,
            out,
            passing: Passing::default(),
        };
        page.step(input);
        self.tabs.put(tab, &whole);
    }

    /// Tasks of all tabs.
    #[inline]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Reads a little of what an event of this tab will need, so that its cache misses come early.
    #[inline]
    pub fn warm(&self, tab: u32) -> u32 {
        self.tabs.warm(tab) ^ self.browsers[(tab / self.tabs_per_user) as usize].lock
    }

    /// Whether the page is open.
    #[inline]
    pub fn open(&self, tab: u32) -> bool {
        self.tabs.open(tab)
    }

    /// Whether the page has a session.
    #[inline]
    pub fn session(&self, tab: u32) -> bool {
        self.tabs.session(tab)
    }

    /// How often the tab was opened.
    #[inline]
    pub fn visit(&self, tab: u32) -> u32 {
        self.tabs.visit(tab)
    }

    /// Whether a user's browser is offline.
    #[inline]
    pub fn offline(&self, user: u32) -> bool {
        self.browsers[user as usize].offline()
    }

    /// A user's browser loses the network, or has it again.
    pub fn set_offline(&mut self, user: u32, offline: bool) {
        self.browsers[user as usize].set_offline(offline);
    }

    /// A task sends a request to this endpoint. Returns which of several equal calls of one instant it is.
    #[inline]
    pub fn sends(&mut self, task: TaskId, endpoint: Endpoint) -> u8 {
        let task = &mut self.tasks[task];
        task.endpoint = endpoint;
        task.shed = false;
        task.ordinal
    }

    /// An answer is on the way to a task.
    #[inline]
    pub fn set_reply(&mut self, task: TaskId, reply: Reply) {
        self.tasks[task].set_reply(reply);
    }

    /// A full queue turns a task's request away.
    pub fn set_shed(&mut self, task: TaskId) {
        self.tasks[task].shed = true;
    }

    /// A task's request has ended: events that name the task are stale from now on. Returns the task as it was.
    #[inline]
    pub fn call_ended(&mut self, task: TaskId) -> Task {
        self.tasks.rearm(task);
        self.tasks[task]
    }

    /// Whether a task belongs to a page load that is over.
    #[inline]
    pub fn is_left_over(&self, task: &Task) -> bool {
        task.epoch != self.tabs.epoch(task.tab)
    }

    /// Every task in the order of ids, pollers and refreshes aside.
    pub fn under_way(&self) -> impl Iterator<Item = (TaskId, &Task)> {
        self.tasks.slots()
    }

    /// The tasks that wait for an answer.
    pub fn requesting(&self) -> Vec<TaskId> {
        self.tasks.slots().filter(|(_, task)| task.stage == Stage::Requesting).map(|(id, _)| id).collect()
    }

    /// Forgets all tasks, at the end of a run.
    pub fn forget_tasks(&mut self) {
        self.tasks = Tasks::default();
    }

    /// How every page stands, in the order of their numbers.
    pub fn final_tabs(&self) -> Vec<FinalTab> {
        let final_tab = |id: u32| {
            let tab = self.tabs.get(id);
            FinalTab {
                open: tab.open,
                session: tab.session,
                status: tab.status,
                client: tab.client,
                cookie: self.browsers[(id / self.tabs_per_user) as usize].cookie,
            }
        };
        self.tabs.range().map(final_tab).collect()
    }
}
