//! States of a small configuration and the steps between them.

use super::Start;
use crate::client::page::{Action, Browser, Fact, Input, Page, Rules, Setup, Tab};
use crate::client::session_policy::SessionPolicy;
use crate::client::task::{Kind, Reply, TaskId, Tasks, Token};
use crate::kernel::{Dur, Time};
use crate::protocol::Failure;

/// Round-trip time of every call.
const RTT: Dur = Dur::from_ms(100);
/// Statuses of failed answers; 0 is a network error.
const FAILURES: [u16; 6] = [401, 403, 422, 429, 500, 0];

/// A pending event.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Answer(TaskId, u32),
    Timer(TaskId, u32),
    Lock(TaskId, u32),
    Input(u32, Input),
}

/// A state: clients, their tasks, and the pending events.
#[derive(Clone)]
pub struct State {
    now: Time,
    tabs: Vec<Tab>,
    browsers: Vec<Browser>,
    limits: Vec<SessionPolicy>,
    tasks: Tasks,
    due: Vec<(Time, Event)>,
}

/// Counts of a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub states: u64,
    pub recursive: u64,
    pub unnamed: u64,
    pub named: u64,
    pub example: Vec<String>,
}

/// A search in progress.
pub struct Search<'a> {
    pub setup: &'a Setup,
    pub rules: &'a Rules,
    pub documented: bool,
    pub max_rounds: u32,
    /// Tabs per session.
    pub tabs: u32,
    /// Whether a recursive entry caused by a 429 or a 5xx is a violation.
    pub watch_recursion: bool,
    pub path: Vec<String>,
    pub found: Found,
    pub scratch: Vec<Action>,
}

impl State {
    /// All tabs are loaded and signed in, and the inputs of `start` are due at one time.
    pub(super) fn signed_in(search: &mut Search<'_>, start: Start) -> State {
        let (sessions, _) = start.sessions_and_tabs();
        let tabs = (sessions * search.tabs) as usize;
        let mut state = State {
            now: Time::ZERO,
            tabs: vec![Tab::default(); tabs],
            browsers: vec![Browser::default(); sessions as usize],
            limits: vec![SessionPolicy::default(); sessions as usize],
            tasks: Tasks::default(),
            due: Vec::new(),
        };
        for tab in 0..tabs as u32 {
            search.step(&mut state, tab, Input::Open, None);
        }
        // Runs the loads and their consequences with successful answers, until no event is due for a second.
        let calm = Time::from_ms(2_000);
        while let Some(next) = state.due.iter().map(|(at, _)| *at).filter(|at| *at < calm).min() {
            let i = state.due.iter().position(|(at, _)| *at == next).expect("the minimum is in the list");
            search.take(&mut state, i, None);
        }
        state.now = calm;
        let input_at = |tab: u32, input: Input| (calm, Event::Input(tab, input));
        let burst = Input::AppGetToken { callers: 1, skip_cache: true };
        match start {
            Start::Focus => state.due.push(input_at(0, Input::Focus)),
            Start::OneTab => state.due.extend([
                input_at(0, Input::Focus),
                input_at(0, burst),
                input_at(0, Input::SetActive { navigate: true }),
            ]),
            Start::TwoTabs | Start::TwoSessions => {
                state.due.extend([input_at(0, Input::Focus), input_at(1, burst), input_at(1, Input::Focus)]);
            }
        }
        search.found = Found::default();
        search.path.clear();
        state
    }
}

impl Search<'_> {
    /// Visits every order of simultaneous events and every outcome, `depth` steps deep.
    pub fn follow(&mut self, state: &State, depth: u32) {
        self.found.states += 1;
        if depth == 0 {
            return;
        }
        let Some(next) = state.due.iter().map(|(at, _)| *at).min() else { return };
        for i in 0..state.due.len() {
            let (at, event) = state.due[i];
            if at != next {
                continue;
            }
            let failures = if matches!(event, Event::Answer(..)) { &FAILURES[..] } else { &[] };
            let outcomes = std::iter::once(None).chain(failures.iter().map(|status| Some(*status)));
            for outcome in outcomes {
                let mut child = state.clone();
                self.path.push(format!("{at}: {event:?} {outcome:?}"));
                self.take(&mut child, i, outcome);
                self.follow(&child, depth - 1);
                self.path.pop();
            }
        }
    }

    /// Takes the event at index `i`. `outcome` is the status of a failed answer, or `None` for success.
    fn take(&mut self, state: &mut State, i: usize, outcome: Option<u16>) {
        let (at, event) = state.due.remove(i);
        state.now = at;
        match event {
            Event::Input(tab, input) => self.step(state, tab, input, None),
            Event::Timer(task, _) => self.step(state, state.tasks.tab(task), Input::Timer(task), None),
            Event::Lock(task, _) => self.step(state, state.tasks.tab(task), Input::Lock(task), None),
            Event::Answer(task, _) => {
                state.tasks.rearm(task);
                state.tasks[task].set_reply(match outcome {
                    None => Reply::Ok { token: Some(Token::issued(at)), listed: true },
                    Some(status) => Reply::Fail(Failure::status(status)),
                });
                self.step(state, state.tasks[task].tab, Input::Answer(task), Some(task));
            }
        }
        let tasks = &state.tasks;
        state.due.retain(|(_, event)| match event {
            Event::Answer(task, generation)
            | Event::Timer(task, generation)
            | Event::Lock(task, generation) => tasks.generation(*task) == *generation,
            Event::Input(..) => true,
        });
    }

    fn step(&mut self, state: &mut State, tab: u32, input: Input, answered: Option<TaskId>) {
        let named = answered.is_some_and(|task| self.rules_name(state, task));
        let user = (tab / self.tabs) as usize;
        let mut actions = std::mem::take(&mut self.scratch);
        let mut page = Page {
            id: tab,
            tab: &mut state.tabs[tab as usize],
            browser: &mut state.browsers[user],
            limits: &mut state.limits[user],
            tasks: &mut state.tasks,
            setup: self.setup,
            rules: self.rules,
            now: state.now,
            out: &mut actions,
            passing: Default::default(),
        };
        page.step(input);
        for action in actions.drain(..) {
            self.act(state, tab, action, named);
        }
        self.scratch = actions;
    }

    /// Whether the rules name the answer to this task as a reason to sign out (`clerk-js.md`, "The unauthenticated
    /// flow" and "The documented cascade").
    fn rules_name(&self, state: &State, task: TaskId) -> bool {
        let task = &state.tasks[task];
        let Reply::Fail(failure) = task.reply() else { return false };
        if task.kind != Kind::Flow {
            return false;
        }
        if self.documented {
            let last_round = task.levels >= self.max_rounds;
            matches!(failure.status, 401 | 422) || (last_round && self.rules.enters.contains(failure))
        } else {
            matches!(failure.status, 403 | 500)
        }
    }

    fn act(&mut self, state: &mut State, tab: u32, action: Action, named: bool) {
        let now = state.now;
        let generation = |state: &State, task: TaskId| state.tasks.generation(task);
        match action {
            Action::Send { task, endpoint, .. } => {
                state.tasks[task].endpoint = endpoint;
                state.due.push((now.after(RTT), Event::Answer(task, generation(state, task))));
            }
            Action::Wait { task, generation, wait } => {
                state.due.push((now.after(wait.of(wait.low)), Event::Timer(task, generation)));
            }
            Action::GrantLock { task } => state.due.push((now, Event::Lock(task, generation(state, task)))),
            Action::BroadcastToken(token) => {
                self.to_others(state, tab, Input::TokenBroadcast(Token::known_by_iat(token.iat())));
            }
            Action::BroadcastSignOut => self.to_others(state, tab, Input::SignOutBroadcast),
            Action::Fact(Fact::FlowEntered { active: true, depth, cause: Some(cause), .. }) => {
                if depth > 1 && (cause.status == 429 || cause.status >= 500) {
                    self.found.recursive += 1;
                    if self.watch_recursion {
                        self.record_example();
                    }
                }
            }
            Action::Fact(Fact::SignedOut) if named => self.found.named += 1,
            Action::Fact(Fact::SignedOut) => {
                self.found.unnamed += 1;
                self.record_example();
            }
            Action::Fact(_) => {}
        }
    }

    fn record_example(&mut self) {
        if self.found.example.is_empty() {
            self.found.example = self.path.clone();
        }
    }

    fn to_others(&self, state: &mut State, tab: u32, input: Input) {
        let first = tab / self.tabs * self.tabs;
        for other in first..first + self.tabs {
            if other != tab && state.tabs[other as usize].open {
                state.due.push((state.now, Event::Input(other, input)));
            }
        }
    }
}
