//! States of a small configuration and the steps between them.

use super::Start;
use crate::backend::BackendSpec;
use crate::client::TabNumbers;
use crate::client::fact::Fact;
use crate::client::family::{Users, Who};
use crate::client::step::{Action, Input, TaskId};
use crate::client::{Account, Client, Prepared, Store};
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
pub(super) struct State<C: Client> {
    now: Time,
    pages: C::Store,
    accounts: C::Account,
    due: Vec<(Time, Event)>,
}

/// Counts of a search.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub states: u64,
    pub recursive: u64,
    pub unnamed: u64,
    pub named: u64,
    pub example: Vec<String>,
}

/// A search in progress.
pub(super) struct Search<'a, C: Client> {
    pub client: &'a Prepared<C>,
    /// Tabs per session.
    pub tabs: u32,
    /// Whether a recursive entry caused by a 429 or a 5xx is a violation.
    pub watch_recursion: bool,
    pub path: Vec<String>,
    pub found: Found,
    pub scratch: Vec<Action>,
}

impl<C: Client> State<C> {
    /// All tabs are loaded and signed in, and the inputs of `start` are due at one time.
    pub(super) fn signed_in(search: &mut Search<'_, C>, start: Start) -> State<C> {
        let (sessions, _) = start.sessions_and_tabs();
        let users = Users { range: 0..sessions, tabs: TabNumbers::new(search.tabs), arm_of: &|_| 0 };
        let mut state = State {
            now: Time::ZERO,
            pages: C::store(&search.client.setups, &search.client.rules, &users),
            accounts: C::account(&search.client.rules, &BackendSpec::default(), &users),
            due: Vec::new(),
        };
        for tab in 0..sessions * search.tabs {
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
                input_at(0, Input::SetActive { navigate: true, no_session: false }),
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

impl<C: Client> Search<'_, C> {
    /// Visits every order of simultaneous events and every outcome, `depth` steps deep.
    pub(super) fn follow(&mut self, state: &State<C>, depth: u32) {
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
    fn take(&mut self, state: &mut State<C>, i: usize, outcome: Option<u16>) {
        let (at, event) = state.due.remove(i);
        state.now = at;
        match event {
            Event::Input(tab, input) => self.step(state, tab, input, None),
            Event::Timer(task, _) => self.step(state, state.pages.tab(task), Input::Timer(task), None),
            Event::Lock(task, _) => self.step(state, state.pages.tab(task), Input::Lock(task), None),
            Event::Answer(task, _) => {
                let call = state.pages.call(task);
                state.pages.end_call(task);
                let reply = match outcome {
                    None => {
                        let word = state.pages.word(task);
                        state.accounts.answer(call.tab / self.tabs, 0, call.endpoint, word, at)
                    }
                    Some(status) => Failure::status(status).into(),
                };
                state.pages.set_reply(task, reply);
                self.step(state, call.tab, Input::Answer(task), Some(task));
            }
        }
        let pages = &state.pages;
        state.due.retain(|(_, event)| match event {
            Event::Answer(task, generation)
            | Event::Timer(task, generation)
            | Event::Lock(task, generation) => pages.generation(*task) == *generation,
            Event::Input(..) => true,
        });
    }

    fn step(&mut self, state: &mut State<C>, tab: u32, input: Input, answered: Option<TaskId>) {
        let Prepared { setups, rules } = self.client;
        let (setup, rules) = (&setups[0], &rules[0]);
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
                state.due.push((now.after(RTT), Event::Answer(task, generation(state, task))));
            }
            Action::Wait { task, generation, wait } => {
                state.due.push((now.after(wait.of(wait.low)), Event::Timer(task, generation)));
            }
            Action::Grant { task } => state.due.push((now, Event::Lock(task, generation(state, task)))),
            Action::Tell(message) => self.to_others(state, tab, Input::Message(message)),
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
            Action::Abort { .. } | Action::Of { .. } => {
                unreachable!("only families with policies of their own are explored")
            }
        }
    }

    fn record_example(&mut self) {
        if self.found.example.is_empty() {
            self.found.example = self.path.clone();
        }
    }

    fn to_others(&self, state: &mut State<C>, tab: u32, input: Input) {
        let first = tab / self.tabs * self.tabs;
        for other in first..first + self.tabs {
            if other != tab && state.pages.open(other) {
                state.due.push((state.now, Event::Input(other, input)));
            }
        }
    }
}
