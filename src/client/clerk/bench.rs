//! A test bench with a single tab and no world around it.

use super::browser::Browser;
use super::endpoints;
use super::page::{Page, Scratch};
use super::release::Model;
use super::release::{NETWORK_TRIES_ONLINE, Release};
use super::setup::{Rules, Setup};
use super::tab::{Rest, Tab};
use super::task::Reply;
use super::tasks::Tasks;
use crate::backend::Endpoint;
use crate::client::app::{AppReaction, DocumentFocus, Reaction};
use crate::client::backoff::Backoff;
use crate::client::fact::Fact;
use crate::client::policy::{FailureSet, TouchErrors};
use crate::client::session_policy::SessionPolicy;
use crate::client::step::TaskId;
use crate::client::step::{Action, Input};
use crate::kernel::Time;
use crate::protocol::Failure;
use crate::protocol::Token;

/// Failures that enter the flow under the old policy and under the new one (`clerk-js.md`, "The policies").
pub(super) const OLD: &[&str] = &["4xx"];
pub(super) const NEW: &[&str] = &["401", "422"];
/// A time after a page load at the start of the run.
pub(super) const NOW: Time = Time::from_ms(10_500);
/// A time at which the token of that page load is unusable.
pub(super) const LATE: Time = Time::from_ms(58_000);
/// App code calls `getToken` once and skips the cache.
pub(super) const PAST_CACHE: Input = Input::AppGetToken { callers: 1, skip_cache: true };
/// App code calls `setActive` with the session.
pub(super) const fn sets_active(navigate: bool) -> Input {
    Input::SetActive { navigate, no_session: false }
}
/// 200 with the session, but no token.
pub(super) const BARE: Reply = Reply::Ok { token: None, listed: true };
/// Maximum rounds of the documented flow in these tests.
pub(super) const MAX_ROUNDS: u32 = 3;

pub(super) struct TestBench {
    pub tab: Tab,
    pub rest: Rest,
    pub browser: Browser,
    pub limits: SessionPolicy,
    pub tasks: Tasks,
    pub setup: Setup,
    pub rules: Rules,
}

impl TestBench {
    /// A closed tab under a policy without retries. The old policy drops touch errors; the new one passes them to the
    /// app.
    pub(super) fn new(model: Model, enters: &[&str]) -> TestBench {
        let retry = "on = []\ninitial = '1s'\nfactor = 2\ncap = '5s'\nretries = 0";
        TestBench {
            tab: Tab::default(),
            rest: Rest::default(),
            browser: Browser::default(),
            limits: SessionPolicy::default(),
            tasks: Tasks::default(),
            setup: Setup {
                release: Release::of(model, MAX_ROUNDS),
                token_life_s: 60,
                multi_session: false,
                reaction: Reaction { act: AppReaction::None, from: Time::ZERO, to: Time::ZERO },
                apps: 1,
                first_user: 0,
                focus: DocumentFocus::All,
                updated_at_moves: false,
                focus_touch_lacks_client: false,
                missing_expired_token: 0,
                not_taken_for_a_lost_session: [0; 2],
            },
            rules: Rules {
                enters: FailureSet::parse(enters).unwrap().compile(&[]),
                retries: FailureSet::default().compile(&[]),
                backoff: Backoff::new(&toml::from_str(retry).unwrap()),
                touch_errors: if enters == OLD { TouchErrors::Swallow } else { TouchErrors::Surface },
                limits: None,
            },
        }
    }

    /// A tab that was loaded at the start of the run with a token of that instant. Its poller waits between two ticks.
    pub(super) fn signed_in(model: Model, enters: &[&str]) -> TestBench {
        let mut bench = TestBench::new(model, enters);
        bench.load(Time::ZERO, fine(None), fine(Some(Token::issued(Time::ZERO))));
        bench
    }

    /// Runs `act` on the page and returns the actions of that step.
    pub(super) fn at(&mut self, now: Time, act: impl FnOnce(&mut Page<'_>)) -> Vec<Action> {
        let mut out = Vec::new();
        act(&mut Page {
            id: 0,
            within: 0,
            tab: &mut self.tab,
            rest: &mut self.rest,
            browser: &mut self.browser,
            limits: &mut self.limits,
            tasks: &mut self.tasks,
            setup: &self.setup,
            rules: &self.rules,
            now,
            out: &mut out,
            scratch: Scratch::default(),
        });
        out
    }

    pub(super) fn step(&mut self, now: Time, input: Input) -> Vec<Action> {
        self.at(now, |page| page.step(input))
    }

    /// Opens the page and answers both its requests.
    pub(super) fn load(&mut self, now: Time, environment: Reply, client: Reply) {
        for action in self.step(now, Input::Open) {
            let Action::Send { task, endpoint, .. } = action else { continue };
            let reply = if endpoint == endpoints::ENVIRONMENT { environment } else { client };
            self.answer(now, task, reply);
        }
    }

    /// Answers a task's request.
    pub(super) fn answer(&mut self, now: Time, task: TaskId, reply: Reply) -> Vec<Action> {
        self.tasks[task].set_reply(reply);
        self.step(now, Input::Answer(task))
    }

    /// Answers a task's request with a status only.
    pub(super) fn fail(&mut self, now: Time, task: TaskId, status: u16) -> Vec<Action> {
        self.answer(now, task, Reply::Fail(Failure::status(status)))
    }

    /// Leaves a GET that was sent online without an answer, together with its network-level repeats. Returns the
    /// actions after the last.
    pub(super) fn never_answer(&mut self, now: Time, task: TaskId) -> Vec<Action> {
        for _ in 1..NETWORK_TRIES_ONLINE {
            let actions = self.answer(now, task, Reply::Fail(Failure::NETWORK));
            let [Action::Wait { task, .. }] = actions[..] else { panic!("a wait: {actions:?}") };
            self.step(now, Input::Timer(task));
        }
        self.answer(now, task, Reply::Fail(Failure::NETWORK))
    }
}

/// A 200 answer, which lists the session if there is a token.
pub(super) fn fine(token: Option<Token>) -> Reply {
    Reply::Ok { token, listed: token.is_some() }
}

/// The endpoints of the sent requests, and whether each request is original (not caused by a failed answer).
pub(super) fn sends(actions: &[Action]) -> Vec<(Endpoint, bool)> {
    let send = |action: &Action| match action {
        Action::Send { endpoint, first, .. } => Some((*endpoint, *first)),
        _ => None,
    };
    actions.iter().filter_map(send).collect()
}

/// The task whose request went to this endpoint.
pub(super) fn sent_to(actions: &[Action], to: Endpoint) -> TaskId {
    let task = |action: &Action| match action {
        Action::Send { task, endpoint, .. } if *endpoint == to => Some(*task),
        _ => None,
    };
    let mut tasks = actions.iter().filter_map(task);
    let found = tasks.next().unwrap_or_else(|| panic!("no request to {to:?}: {actions:?}"));
    assert_eq!(tasks.next(), None, "one request to {to:?}");
    found
}

/// The facts, except those about the cookie.
pub(super) fn facts(actions: &[Action]) -> Vec<Fact> {
    let fact = |action: &Action| match action {
        Action::Fact(Fact::Cookie(_)) => None,
        Action::Fact(fact) => Some(*fact),
        _ => None,
    };
    actions.iter().filter_map(fact).collect()
}

/// The number of app calls that ended in these actions.
pub(super) fn waits(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Fact(Fact::AppWaited(_)))).count()
}
