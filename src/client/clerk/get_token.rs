//! `getToken`: the cache, the shared fetch, retries with back-off (`clerk-js.md`: getToken retry, concurrent getToken).

#[cfg(test)]
mod tests;

use super::cache::Cached;
use super::page::Page;
use super::task::{Caller, Kind, NONE, Stage, Task, flag};
use crate::client::backoff::Wait;
use crate::client::fact::{Fact, Judgement, Status};
use crate::client::resilience::{Cause, Ended};
use crate::client::step::TaskId;
use crate::protocol::Failure;
use crate::protocol::Token;

impl Page<'_> {
    /// The app makes this many calls of `getToken` at once.
    pub(super) fn app_get_token(&mut self, callers: u8, skip_cache: bool) {
        if !self.tab.session() {
            return;
        }
        let flags = if skip_cache { flag::SKIP_CACHE } else { 0 };
        for ordinal in 0..callers {
            self.get_token(Caller::App, NONE, flags, 0, ordinal);
        }
    }

    /// Begins a call of `getToken` of the current session object.
    pub(super) fn get_token(&mut self, caller: Caller, parent: TaskId, flags: u8, depth: u32, ordinal: u8) {
        self.get_token_of(self.rest.object, caller, parent, flags, depth, ordinal);
    }

    /// Begins a call of a session object's `getToken`. Returns its task, which may have ended.
    pub(super) fn get_token_of(
        &mut self,
        object: u32,
        caller: Caller,
        parent: TaskId,
        flags: u8,
        depth: u32,
        ordinal: u8,
    ) -> TaskId {
        let id = self.start(Kind::GetToken, caller, parent, depth);
        self.tasks[id].object = object;
        self.tasks[id].flags |= flags;
        self.tasks[id].ordinal = ordinal;
        if caller == Caller::App {
            self.app_asks();
        }
        if let Some(limits) = &self.rules.limits {
            limits.first_attempt(self.limits, self.now);
        }
        self.try_token(id);
        id
    }

    /// Makes one attempt of a call.
    pub(super) fn try_token(&mut self, id: TaskId) {
        let task = self.tasks[id];
        if task.flags & flag::SKIP_CACHE == 0 {
            match self.cached() {
                Cached::Token(token) => {
                    self.set_cookie(Some(token));
                    return self.got_token(id, Some(token));
                }
                Cached::Pending(fetch) => return self.wait_for_fetch(id, fetch),
                Cached::Nothing => {}
            }
        }
        if self.browser.offline() && self.setup.release.offline_checks_first {
            return self.attempt_failed(id, Failure::NETWORK);
        }
        if let Some(limits) = &self.rules.limits
            && !limits.lets_through(self.limits, self.now)
        {
            return self.attempt_failed(id, Failure::NETWORK);
        }
        let fetch = self.start_fetch(task.object, task.depth, task.caller);
        let fetching = &mut self.tasks[fetch];
        fetching.attempt = task.attempt;
        fetching.ordinal = task.ordinal;
        fetching.flags |= task.flags & flag::DEGRADED;
        self.cache_pending(fetch);
        self.wait_for_fetch(id, fetch);
        self.request(fetch);
    }

    /// Begins a POST /tokens of a session object. The object's current last active token is the expired token that the
    /// client can send if the backend asks for one.
    pub(super) fn start_fetch(&mut self, object: u32, depth: u32, caller: Caller) -> TaskId {
        let fetch = self.start(Kind::TokenFetch, caller, NONE, depth);
        self.tasks[fetch].object = object;
        if self.object_has_token(object) {
            self.tasks[fetch].flags |= flag::HAD_TOKEN;
        }
        if let Some(limits) = &self.rules.limits {
            limits.sent(self.limits);
        }
        fetch
    }

    fn wait_for_fetch(&mut self, id: TaskId, fetch: TaskId) {
        // The waiting tasks form a ring in the order of their calls. The fetch links to the last, and the last links to
        // the first.
        let last = self.tasks[fetch].levels;
        let first = if last == NONE { id } else { std::mem::replace(&mut self.tasks[last].next, id) };
        self.tasks[id].stage = Stage::Waiting;
        self.tasks[id].next = first;
        self.tasks[fetch].levels = id;
    }

    /// POST /tokens was answered: with a token, or with an empty answer because the browser is offline.
    pub(super) fn token_fetched(&mut self, id: TaskId, token: Option<Token>) {
        let fetch = self.tasks[id];
        let background = fetch.caller == Caller::Background;
        if background {
            self.tab.set_refreshing(false);
        }
        self.fetch_ended(id, token.is_none().then_some(Failure::NETWORK));
        let Some(token) = token else {
            if self.setup.release.empty_token_is_an_error {
                self.cache_fetch_failed(id);
                return self.wake_waiters(id, Err(Failure::NETWORK));
            }
            if background {
                self.cache_empty();
            } else {
                self.cache_fetch_failed(id);
            }
            self.set_cookie(None);
            return self.wake_waiters(id, Ok(None));
        };
        if background {
            self.cache_token(token, Some(fetch.object), true);
        } else {
            self.cache_fetched(id, token);
        }
        self.set_cookie(Some(token));
        self.set_object_token(fetch.object, Some(token));
        self.emit(fetch.depth);
        self.wake_waiters(id, Ok(Some(token)));
    }

    /// POST /tokens failed for good.
    pub(super) fn token_fetch_failed(&mut self, id: TaskId, failure: Failure) {
        let fetch = self.tasks[id];
        let asks_for_expired = failure.status == 422
            && failure.code != 0
            && failure.code == self.setup.missing_expired_token
            && fetch.flags & flag::EXPIRED_TOKEN == 0;
        if asks_for_expired && fetch.flags & flag::HAD_TOKEN != 0 {
            self.tasks[id].flags |= flag::EXPIRED_TOKEN;
            return self.request(id);
        }
        if fetch.caller == Caller::Background {
            self.tab.set_refreshing(false);
        }
        self.fetch_ended(id, Some(failure));
        self.cache_fetch_failed(id);
        self.wake_waiters(id, Err(failure));
    }

    /// Tells the policy's limits how a POST /tokens ended. To this client a time-out is a connection that failed.
    fn fetch_ended(&mut self, id: TaskId, failure: Option<Failure>) {
        if let Some(limits) = &self.rules.limits {
            let retryable = failure.is_some_and(|failure| self.rules.retries.contains(failure));
            let retries = (self.tasks[id].attempt > 0).then_some(Cause::Failed);
            limits.call_ended(self.limits, &Ended { failure, retryable, retries }, self.now);
        }
    }

    /// Tells the policy's limits that a retry of this call is over, if its last try was one.
    pub(super) fn retry_over(&mut self, id: TaskId) {
        if let Some(limits) = &self.rules.limits
            && self.tasks[id].attempt > 0
        {
            limits.retry_over(self.limits);
        }
    }

    fn wake_waiters(&mut self, id: TaskId, result: Result<Option<Token>, Failure>) {
        let Task { levels: last, next: heard, .. } = self.tasks[id];
        self.tasks.end(id);
        self.weigh_heard(heard, result.ok().flatten());
        if last == NONE {
            return;
        }
        // The call that began the fetch gets the result last, because it waits for more than the shared promise.
        let first = self.tasks[last].next;
        let mut waiter = self.tasks[first].next;
        self.scratch.overlapping = Some(0);
        loop {
            let next = self.tasks[waiter].next;
            match result {
                // The answer has written the cookie for the call that began the fetch.
                Ok(token) if waiter == first => self.call_ends(waiter, token),
                Ok(token) => self.got_token(waiter, token),
                Err(failure) => self.attempt_failed(waiter, failure),
            }
            if waiter == first {
                break;
            }
            waiter = next;
        }
        self.scratch.overlapping = None;
    }

    /// An attempt failed. The call is retried later, or ends.
    fn attempt_failed(&mut self, id: TaskId, failure: Failure) {
        self.retry_over(id);
        let task = self.tasks[id];
        let retry = u32::from(task.attempt) + 1;
        let offline = self.browser.offline() && self.setup.release.offline_aware;
        let allowed = self.rules.retries.contains(failure)
            && self.rules.backoff.allows(retry, offline)
            && self.take_retry();
        if allowed {
            let wait: Wait = self.rules.backoff.wait(retry, task.waited(), failure.retry_after);
            let task = &mut self.tasks[id];
            task.attempt += 1;
            task.stage = Stage::Timer;
            task.waits_from(self.now);
            self.fact(Fact::Judged { failure, verdict: Judgement::Retry });
            self.wait(id, wait);
            return;
        }
        let hidden = self.setup.release.offline_hides_answers || failure.status == 0;
        self.gives_up(id, if offline && hidden { Failure::OFFLINE } else { failure });
    }

    fn take_retry(&mut self) -> bool {
        let limits = self.rules.limits.as_ref();
        limits.is_none_or(|limits| limits.take_retry(self.limits, Cause::Failed, self.now))
    }

    /// A call of `getToken` ends with an error.
    fn gives_up(&mut self, id: TaskId, failure: Failure) {
        let task = self.tasks[id];
        self.tasks.end(id);
        match task.caller {
            Caller::Poller => {
                self.poll_ended(task.parent);
                self.judge_token_error(failure, task.depth);
            }
            Caller::Focus => self.judge_token_error(failure, task.depth),
            Caller::App => {
                self.app_hears(task.since);
                self.fact(Fact::AppError(failure));
            }
            Caller::Parent => self.parent_has_token(task.parent, Err(failure)),
            Caller::Background => unreachable!("a background refresh does not call getToken"),
        }
    }

    /// A call gets the token of the cache or of a fetch that it shares.
    fn got_token(&mut self, id: TaskId, token: Option<Token>) {
        if token.is_some() {
            self.set_cookie(token);
        }
        self.call_ends(id, token);
    }

    /// A call of `getToken` ends with a token, or with an empty answer because the browser is offline.
    fn call_ends(&mut self, id: TaskId, token: Option<Token>) {
        self.retry_over(id);
        let task = self.tasks[id];
        if token.is_none() && self.browser.offline() && self.setup.release.offline_aware {
            return self.gives_up(id, Failure::OFFLINE);
        }
        self.tasks.end(id);
        match task.caller {
            Caller::Poller => self.poll_ended(task.parent),
            // `refreshTokenOnFocus` writes the cookie itself.
            Caller::Focus if token.is_some() => self.set_cookie(token),
            Caller::Focus => {}
            Caller::App => self.app_hears(task.since),
            Caller::Parent => self.parent_has_token(task.parent, Ok(token)),
            Caller::Background => unreachable!("a background refresh does not call getToken"),
        }
    }

    fn parent_has_token(&mut self, parent: TaskId, result: Result<Option<Token>, Failure>) {
        if parent == NONE {
            // The page load has gone on without the call.
            return;
        }
        match self.tasks.kind(parent) {
            Kind::SetActive => self.set_active_has_token(parent, result),
            Kind::Load => self.load_has_token(parent, result),
            _ => unreachable!("only setActive and the page load call getToken for themselves"),
        }
    }

    /// `handleGetTokenError`: the policy decides between the unauthenticated flow and status `degraded`.
    fn judge_token_error(&mut self, failure: Failure, depth: u32) {
        if self.rules.enters.contains(failure) {
            self.fact(Fact::Judged { failure, verdict: Judgement::EnterFlow });
            self.enter_flow(NONE, true, depth, Some(failure));
        } else {
            self.fact(Fact::Judged { failure, verdict: Judgement::Degrade });
            self.set_status(Status::Degraded);
        }
    }
}
