//! States of the small world and the steps between them.

use super::Start;
use crate::backend::BackendSpec;
use crate::client::fact::Fact;
use crate::client::family::Who;
use crate::client::step::{Action, Input, TaskId};
use crate::client::{Account, Client, Prepared, Store};
use crate::kernel::{Dur, Time};
use crate::protocol::Failure;

/// Every answer takes this long.
const RTT: Dur = Dur::from_ms(100);
/// Statuses that a call may be answered with; 0 is a network error.
const FAILURES: [u16; 6] = [401, 403, 422, 429, 500, 0];

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Answer(TaskId, u32),
    Timer(TaskId, u32),
    Lock(TaskId, u32),
    Give(u32, Input),
}

/// A state: clients, what they are in the middle of, and what is due.
#[derive(Clone)]
pub struct State<C: Client> {
    now: Time,
    pages: C::Store,
    accounts: C::Account,
    due: Vec<(Time, What)>,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub states: u64,
    pub recursive: u64,
    pub unnamed: u64,
    pub named: u64,
    pub example: Vec<String>,
}

/// A search under way.
pub struct Search<'a, C: Client> {
    pub client: &'a Prepared<C>,
    /// Tabs of a session.
    pub tabs: u32,
    /// Whether a recursive entry because of a 429 or 5xx is a violation.
    pub watch_recursion: bool,
    pub path: Vec<String>,
    pub found: Found,
    pub scratch: Vec<Action>,
}

impl<C: Client> State<C> {
    /// All tabs loaded and signed in, and at one instant as much of what pages do as happens together.
    pub(super) fn signed_in(search: &mut Search<'_, C>, start: Start) -> State<C> {
        let (sessions, _) = start.sessions_and_tabs();
        let mut state = State {
            now: Time::ZERO,
            pages: C::store(&search.client.rules[0], 0..sessions, search.tabs),
            accounts: C::account(&BackendSpec::default(), 0..sessions),
            due: Vec::new(),
        };
        for tab in 0..sessions * search.tabs {
            search.step(&mut state, tab, Input::Open, None);
        }
        // The load and what follows from it, all well, until nothing is due for a second.
        let calm = Time::from_ms(2_000);
        while let Some(next) = state.due.iter().map(|(at, _)| *at).filter(|at| *at < calm).min() {
            let i = state.due.iter().position(|(at, _)| *at == next).expect("the minimum is in the list");
            search.take(&mut state, i, None);
        }
        state.now = calm;
        let give = |tab: u32, input: Input| (calm, What::Give(tab, input));
        let burst = Input::AppGetToken { callers: 1, skip_cache: true };
        match start {
            Start::Focus => state.due.push(give(0, Input::Focus)),
            Start::OneTab => state.due.extend([
                give(0, Input::Focus),
                give(0, burst),
                give(0, Input::SetActive { navigate: true }),
            ]),
            Start::TwoTabs | Start::TwoSessions => {
                state.due.extend([give(0, Input::Focus), give(1, burst), give(1, Input::Focus)]);
            }
        }
        search.found = Found::default();
        search.path.clear();
        state
    }
}

impl<C: Client> Search<'_, C> {
    /// Follows every order and every outcome, so many steps deep.
    pub fn follow(&mut self, state: &State<C>, depth: u32) {
        self.found.states += 1;
        if depth == 0 {
            return;
        }
        let Some(next) = state.due.iter().map(|(at, _)| *at).min() else { return };
        for i in 0..state.due.len() {
            let (at, what) = state.due[i];
            if at != next {
                continue;
            }
            let failures = if matches!(what, What::Answer(..)) { &FAILURES[..] } else { &[] };
            let outcomes = std::iter::once(None).chain(failures.iter().map(|status| Some(*status)));
            for outcome in outcomes {
                let mut child = state.clone();
                self.path.push(format!("{at}: {what:?} {outcome:?}"));
                self.take(&mut child, i, outcome);
                self.follow(&child, depth - 1);
                self.path.pop();
            }
        }
    }

    /// Lets the event of this place happen; a call is answered with success or with this status.
    fn take(&mut self, state: &mut State<C>, i: usize, outcome: Option<u16>) {
        let (at, what) = state.due.remove(i);
        state.now = at;
        match what {
            What::Give(tab, input) => self.step(state, tab, input, None),
            What::Timer(task, _) => self.step(state, state.pages.tab(task), Input::Timer(task), None),
            What::Lock(task, _) => self.step(state, state.pages.tab(task), Input::Lock(task), None),
            What::Answer(task, _) => {
                let call = state.pages.call(task);
                state.pages.end_call(task);
                let reply = match outcome {
                    None => state.accounts.answer(call.tab / self.tabs, call.endpoint, at),
                    Some(status) => Failure::status(status).into(),
                };
                state.pages.set_reply(task, reply);
                self.step(state, call.tab, Input::Answer(task), Some(task));
            }
        }
        let pages = &state.pages;
        state.due.retain(|(_, what)| match what {
            What::Answer(task, generation) | What::Timer(task, generation) | What::Lock(task, generation) => {
                pages.generation(*task) == *generation
            }
            What::Give(..) => true,
        });
    }

    fn step(&mut self, state: &mut State<C>, tab: u32, input: Input, answered: Option<TaskId>) {
        let Prepared { setup, rules } = self.client;
        let rules = &rules[0][0];
        let named = answered.is_some_and(|task| C::names_sign_out(&state.pages, setup, rules, task));
        let mut actions = std::mem::take(&mut self.scratch);
        let who = Who { tab, user: tab / self.tabs, setup, rules };
        C::step(&mut state.pages, who, input, state.now, &mut actions);
        for action in actions.drain(..) {
            self.act(state, tab, action, named);
        }
        self.scratch = actions;
    }

    fn act(&mut self, state: &mut State<C>, tab: u32, action: Action, named: bool) {
        let now = state.now;
        let generation = |state: &State<C>, task: TaskId| state.pages.generation(task);
        match action {
            Action::Send { task, endpoint, .. } => {
                state.pages.sends(task, endpoint);
                state.due.push((now.after(RTT), What::Answer(task, generation(state, task))));
            }
            Action::Wait { task, generation, wait } => {
                state.due.push((now.after(wait.of(wait.low)), What::Timer(task, generation)));
            }
            Action::Grant { task } => state.due.push((now, What::Lock(task, generation(state, task)))),
            Action::Tell(message) => self.to_others(state, tab, Input::Message(message)),
            Action::Fact(Fact::FlowEntered { active: true, depth, cause: Some(cause), .. }) => {
                if depth > 1 && (cause.status == 429 || cause.status >= 500) {
                    self.found.recursive += 1;
                    if self.watch_recursion {
                        self.keep_example();
                    }
                }
            }
            Action::Fact(Fact::SignedOut) if named => self.found.named += 1,
            Action::Fact(Fact::SignedOut) => {
                self.found.unnamed += 1;
                self.keep_example();
            }
            Action::Fact(_) => {}
        }
    }

    fn keep_example(&mut self) {
        if self.found.example.is_empty() {
            self.found.example = self.path.clone();
        }
    }

    fn to_others(&self, state: &mut State<C>, tab: u32, input: Input) {
        let first = tab / self.tabs * self.tabs;
        for other in first..first + self.tabs {
            if other != tab && state.pages.open(other) {
                state.due.push((state.now, What::Give(other, input)));
            }
        }
    }
}
