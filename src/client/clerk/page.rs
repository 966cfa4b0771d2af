//! A browser tab as a pure state machine: (state, input, now) -> actions.
//!
//! The rules come from `clerk-js.md`. The files beside this one hold one part each: the token cache, `getToken`,
//! touches and `setActive`, the unauthenticated flow, the poller, the page load. The page does not know the event
//! queue, the backend or the random streams. A wait names its bounds, and the world draws its length.

#[cfg(test)]
mod tests;

use super::browser::Browser;
use super::endpoints;
use super::messages;
use super::release::network_wait;
use super::setup::{Rules, Setup};
use super::tab::{Rest, Tab};
use super::task::{Caller, Kind, NONE, Reply, Stage, Task, flag};
use super::tasks::Tasks;
use crate::client::app::DocumentFocus;
use crate::client::backoff::Wait;
use crate::client::fact::{Fact, Status};
use crate::client::session_policy::SessionPolicy;
use crate::client::step::{Action, Input, Message, TaskId};
use crate::kernel::Time;
use crate::protocol::Failure;
use crate::protocol::Token;

/// A page during a step: its state, its browser's state, and the list of its actions.
pub(super) struct Page<'a> {
    /// The tab's number.
    pub id: u32,
    /// The tab's number within its browser.
    pub within: u32,
    /// The tab's state.
    pub tab: &'a mut Tab,
    /// What an idle tab does not have.
    pub rest: &'a mut Rest,
    /// State shared with the browser's other tabs.
    pub browser: &'a mut Browser,
    /// The state of the limits of the session or its process. Used only when the policy has limits.
    pub limits: &'a mut SessionPolicy,
    /// Tasks of all tabs.
    pub tasks: &'a mut Tasks,
    /// Data shared by all pages.
    pub setup: &'a Setup,
    /// The user's policy.
    pub rules: &'a Rules,
    /// Time of the step.
    pub now: Time,
    /// The actions of the step, in order.
    pub out: &'a mut Vec<Action>,
    /// State of this step only.
    pub scratch: Scratch,
}

/// State that a page needs during one step only.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scratch {
    /// While the callers of one fetch get its failure: calls of the flow without a session, which overlap.
    pub(super) overlapping: Option<u32>,
    /// The cached token arrived in the current task of the page, so the cache does not know its age yet.
    pub(super) untimed: bool,
}

impl Page<'_> {
    /// Handles an input.
    pub(super) fn step(&mut self, input: Input) {
        match input {
            Input::Open => self.open(),
            Input::Answer(task) | Input::Timer(task) if self.is_left_over(task) => self.discard(task),
            Input::Lock(task) if self.is_left_over(task) => {
                self.release_lock(task);
                self.discard(task);
            }
            Input::Lock(task) => self.hold_lock(task),
            Input::Answer(task) => self.answered(task),
            Input::Timer(task) => self.timer(task),
            _ if !self.tab.open() => {}
            Input::Close => self.close(),
            Input::SignIn { again } => self.sign_in(again),
            Input::Focus => self.focus(),
            Input::Blur => self.blur(),
            Input::AppGetToken { callers, skip_cache } => self.app_get_token(callers, skip_cache),
            Input::SetActive { navigate, no_session: false } => {
                self.set_active(navigate, self.rest.object, 0);
            }
            Input::SetActive { navigate, no_session: true } => self.set_none_active(navigate),
            Input::Message(Message { kind: messages::TOKEN, word }) => {
                self.token_broadcast(Token::known_by_iat(word));
            }
            Input::Message(_) => {
                self.enter_flow(NONE, false, 0, None);
            }
        }
    }

    /// Whether the task belongs to an earlier page load.
    fn is_left_over(&self, task: TaskId) -> bool {
        self.tasks.epoch(task) != self.tab.epoch
    }

    /// Ends a task of a page that is gone, and all tasks that wait for it.
    pub(super) fn discard(&mut self, task: TaskId) {
        let Task { kind, parent, levels: last, stage, .. } = self.tasks.get(task);
        if let Some(limits) = &self.rules.limits
            && (kind, stage) == (Kind::TokenFetch, Stage::Requesting)
        {
            limits.abandoned(self.limits);
        }
        if kind == Kind::GetToken {
            self.retry_over(task);
        }
        self.tasks.end(task);
        if kind == Kind::TokenFetch && last != NONE {
            let mut waiter = self.tasks[last].next;
            loop {
                let next = self.tasks[waiter].next;
                self.discard(waiter);
                if waiter == last {
                    break;
                }
                waiter = next;
            }
        }
        // A load waits for two requests. It ends with the second of them.
        if parent != NONE && self.tasks.kind(parent) == Kind::Load {
            let load = &mut self.tasks[parent];
            load.attempt -= 1;
            if load.attempt > 0 {
                return;
            }
        }
        if parent != NONE {
            self.discard(parent);
        }
    }

    fn answered(&mut self, task: TaskId) {
        if self.tasks[task].kind == Kind::LoadClient && self.tasks[task].flags & flag::ABORTED != 0 {
            return self.client_load_aborted(task);
        }
        match self.tasks[task].reply() {
            Reply::Ok { token, listed } => self.succeeded(task, token, listed),
            Reply::Fail(failure) => self.request_failed(task, failure),
        }
    }

    fn timer(&mut self, task: TaskId) {
        match self.tasks.kind(task) {
            Kind::Refresh => self.refresh_due(task),
            Kind::Poll => self.poll_timer(task),
            Kind::GetToken => {
                self.tasks[task].waits_until(self.now);
                self.try_token(task);
            }
            Kind::LoadEnvironment | Kind::LoadClient | Kind::LoadAgain | Kind::Flow => self.request(task),
            Kind::LoadLimit => self.load_limit_due(task),
            Kind::TokenFetch | Kind::Touch | Kind::SetActive | Kind::Load | Kind::SignIn => {
                unreachable!("tasks of these kinds set no timer")
            }
        }
    }

    /// Starts a task of this tab.
    pub(super) fn start(&mut self, kind: Kind, caller: Caller, parent: TaskId, depth: u32) -> TaskId {
        let id = self.tasks.start(kind, self.id, self.tab.epoch, caller, self.now);
        let task = &mut self.tasks[id];
        task.parent = parent;
        task.depth = depth;
        task.object = self.rest.object;
        id
    }

    /// Sends the request of this task.
    pub(super) fn request(&mut self, id: TaskId) {
        let offline = self.browser.offline();
        let task = &mut self.tasks[id];
        let endpoint = match task.kind {
            Kind::LoadEnvironment => endpoints::ENVIRONMENT,
            Kind::LoadClient | Kind::LoadAgain => endpoints::CLIENT,
            Kind::SignIn => endpoints::SIGN_IN,
            Kind::TokenFetch => endpoints::TOKENS,
            Kind::Touch => endpoints::TOUCH,
            Kind::Flow => match self.setup.release.flow {
                super::release::Flow::Touch { .. } => endpoints::TOUCH,
                super::release::Flow::Client => endpoints::CLIENT,
            },
            Kind::Load | Kind::LoadLimit | Kind::Poll | Kind::Refresh | Kind::GetToken | Kind::SetActive => {
                unreachable!("tasks of these kinds send no request of their own")
            }
        };
        if task.attempt == 0 && offline {
            task.flags |= flag::STARTED_OFFLINE;
        }
        task.stage = Stage::Requesting;
        task.since = self.now;
        let caused = task.flags & (flag::EXPIRED_TOKEN | flag::DEGRADED) != 0;
        let first = task.attempt == 0 && task.depth == 0 && !caused;
        self.out.push(Action::Send { task: id, endpoint, first });
    }

    /// A request failed. The fetch layer handles the failure first: it repeats a GET, or enters the flow after a 401.
    fn request_failed(&mut self, id: TaskId, failure: Failure) {
        let task = self.tasks[id];
        let is_get = match task.kind {
            Kind::LoadEnvironment | Kind::LoadClient | Kind::LoadAgain => true,
            Kind::Flow => self.setup.release.flow == super::release::Flow::Client,
            _ => false,
        };
        if failure == Failure::NETWORK {
            // `fapiClient` counts tries from the start of the request. The number allowed depends on whether it started
            // online.
            let tries = if task.flags & flag::STARTED_OFFLINE == 0 {
                super::release::NETWORK_TRIES_ONLINE
            } else {
                super::release::NETWORK_TRIES_OFFLINE
            };
            if is_get && task.attempt + 1 < tries {
                self.tasks[id].attempt += 1;
                self.tasks[id].stage = Stage::Timer;
                self.wait(id, network_wait(task.attempt));
                return;
            }
            if self.browser.offline() {
                // `Base._baseFetch` answers null when the browser is offline: neither data nor an error.
                return self.answered_nothing(id);
            }
        }
        if self.setup.is_session_lost(failure) {
            if task.kind == Kind::Flow {
                return self.flow_recurses(id, failure);
            }
            self.tasks[id].set_reply(Reply::Fail(failure));
            if self.enter_flow(id, true, task.depth, Some(failure)) {
                self.tasks[id].stage = Stage::Waiting;
                return;
            }
        }
        self.failed(id, failure);
    }

    /// The flow that a 401 entered in the fetch layer has settled. The flow's error replaces the 401.
    pub(super) fn fetch_layer_resumes(&mut self, id: TaskId, error: Option<Failure>) {
        let Reply::Fail(own) = self.tasks[id].reply() else {
            unreachable!("only a failed request enters the flow")
        };
        self.failed(id, error.unwrap_or(own));
    }

    fn succeeded(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        match self.tasks[id].kind {
            Kind::TokenFetch => self.token_fetched(id, token),
            Kind::Touch => self.touched(id, token, listed),
            Kind::Flow => self.flow_answered(id, token, listed),
            Kind::LoadEnvironment => self.environment_loaded(id, None),
            Kind::LoadClient => self.client_loaded(id, token, listed),
            Kind::LoadAgain => self.client_loaded_again(id, token, listed),
            Kind::SignIn => self.sign_in_ended(id, None),
            _ => unreachable!("tasks of these kinds send no request"),
        }
    }

    fn failed(&mut self, id: TaskId, failure: Failure) {
        match self.tasks[id].kind {
            Kind::TokenFetch => self.token_fetch_failed(id, failure),
            Kind::Touch => self.touch_failed(id, failure),
            Kind::Flow => self.flow_failed(id, failure),
            Kind::LoadEnvironment => self.environment_loaded(id, Some(failure)),
            Kind::LoadClient => self.client_load_failed(id, failure),
            // Nobody hears of its failure.
            Kind::LoadAgain => self.tasks.end(id),
            Kind::SignIn => self.sign_in_ended(id, Some(failure)),
            _ => unreachable!("tasks of these kinds send no request"),
        }
    }

    fn answered_nothing(&mut self, id: TaskId) {
        match self.tasks[id].kind {
            Kind::TokenFetch => self.token_fetched(id, None),
            Kind::Touch => self.touched_nothing(id),
            Kind::Flow => self.flow_answered_nothing(id),
            Kind::LoadEnvironment => self.environment_answered_nothing(id),
            Kind::LoadClient => self.client_loaded(id, None, false),
            Kind::LoadAgain => self.client_answered_nothing_again(id),
            Kind::SignIn => self.sign_in_ended(id, Some(Failure::NETWORK)),
            _ => unreachable!("tasks of these kinds send no request"),
        }
    }

    fn sign_in(&mut self, again: bool) {
        if self.tab.session() {
            return;
        }
        let id = self.start(Kind::SignIn, Caller::App, NONE, 0);
        self.tasks[id].attempt = u16::from(again);
        self.request(id);
    }

    fn sign_in_ended(&mut self, id: TaskId, failure: Option<Failure>) {
        self.tasks.end(id);
        self.fact(Fact::SignInEnded(failure));
    }

    /// Sets a task's timer.
    pub(super) fn wait(&mut self, task: TaskId, wait: Wait) {
        let generation = self.tasks.generation(task);
        self.out.push(Action::Wait { task, generation, wait });
    }

    /// Reports a fact.
    pub(super) fn fact(&mut self, fact: Fact) {
        self.out.push(Action::Fact(fact));
    }

    /// App code makes a call and waits for its end.
    pub(super) fn app_asks(&mut self) {
        self.rest.app_calls += 1;
        self.fact(Fact::AppAsked);
    }

    /// A call by app code that has waited since this time ends.
    pub(super) fn app_hears(&mut self, since: Time) {
        self.rest.app_calls -= 1;
        self.fact(Fact::AppWaited(self.now.since(since)));
    }

    /// `document.hasFocus()`
    #[inline]
    pub(super) fn has_focus(&self) -> bool {
        match self.setup.focus {
            DocumentFocus::All => true,
            DocumentFocus::One => self.browser.focus() == Some(self.within),
            DocumentFocus::None => false,
        }
    }

    /// `TokenUpdate`: writes the token to the cookie, or removes the cookie. A tab without focus does so only if the
    /// active context is its own (`updateSessionCookie`).
    pub(super) fn set_cookie(&mut self, token: Option<Token>) {
        if self.setup.focus != DocumentFocus::All {
            let named = self.tab.session();
            if !named && self.browser.names_session() && !self.has_focus() {
                return;
            }
            self.browser.name_session(named);
        }
        self.write_cookie(token);
    }

    /// `handleSignOut`: removes the session cookie and that of the active context.
    pub(super) fn remove_cookies(&mut self) {
        self.browser.name_session(false);
        self.write_cookie(None);
    }

    fn write_cookie(&mut self, token: Option<Token>) {
        if self.browser.cookie != token {
            self.browser.cookie = token;
            self.fact(Fact::Cookie(token));
        }
    }

    /// Sets the status, and reports a change.
    pub(super) fn set_status(&mut self, status: Status) {
        if self.tab.status() != status {
            self.tab.set_status(status);
            self.fact(Fact::Status(status));
        }
    }

    /// Sets whether there is a session, and reports a change.
    pub(super) fn set_session(&mut self, session: bool) {
        if self.tab.session() != session {
            self.tab.set_session(session);
            self.fact(if session { Fact::SignedIn } else { Fact::SignedOut });
        }
    }
}
