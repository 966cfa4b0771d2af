//! `getToken`: the cache, the shared fetch, retries with back-off (`clerk-js.md`: getToken retry, concurrent getToken).

use super::backoff::Wait;
use super::cache::Cached;
use super::page::{Fact, Judgement, Page, Status};
use super::task::{Caller, Kind, NONE, Reply, Stage, Task, TaskId, Token, flag};
use crate::protocol::Failure;

impl Page<'_> {
    /// The app calls `getToken`, so many at once.
    pub(super) fn app_get_token(&mut self, callers: u8, skip_cache: bool) {
        if !self.tab.session {
            return;
        }
        let flags = if skip_cache { flag::SKIP_CACHE } else { 0 };
        for ordinal in 0..callers {
            self.get_token(Caller::App, NONE, flags, 0, ordinal);
        }
    }

    /// Begins a call of `getToken` of the current session object.
    pub(super) fn get_token(&mut self, caller: Caller, parent: TaskId, flags: u8, depth: u32, ordinal: u8) {
        self.get_token_of(self.tab.object, caller, parent, flags, depth, ordinal);
    }

    /// Begins a call of a session object's `getToken`.
    pub(super) fn get_token_of(
        &mut self,
        object: u32,
        caller: Caller,
        parent: TaskId,
        flags: u8,
        depth: u32,
        ordinal: u8,
    ) {
        let id = self.start(Kind::GetToken, caller, parent, depth);
        self.tasks[id].object = object;
        self.tasks[id].flags |= flags;
        self.tasks[id].ordinal = ordinal;
        if let Some(limits) = self.rules.limits {
            limits.first_attempt(self.limits);
        }
        self.try_token(id);
    }

    /// One attempt.
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
        if let Some(limits) = self.rules.limits
            && !limits.lets_through(self.limits, self.now)
        {
            return self.attempt_failed(id, Failure::NETWORK);
        }
        let fetch = self.start_fetch(task.object, task.depth, task.caller);
        let fetching = &mut self.tasks[fetch];
        (fetching.attempt, fetching.ordinal) = (task.attempt, task.ordinal);
        fetching.flags |= task.flags & flag::DEGRADED;
        self.cache_pending(fetch);
        self.wait_for_fetch(id, fetch);
        self.request(fetch);
    }

    /// Begins a POST /tokens of a session object. What that has for a last active token now is what it can offer should
    /// the backend ask for an expired one.
    pub(super) fn start_fetch(&mut self, object: u32, depth: u32, caller: Caller) -> TaskId {
        let fetch = self.start(Kind::TokenFetch, caller, NONE, depth);
        self.tasks[fetch].object = object;
        if self.object_has_token(object) {
            self.tasks[fetch].flags |= flag::HAD_TOKEN;
        }
        fetch
    }

    fn wait_for_fetch(&mut self, id: TaskId, fetch: TaskId) {
        // Those who wait stand in a ring, in the order in which they asked: the fetch knows the last, the last the first.
        let last = self.tasks[fetch].levels;
        let first = if last == NONE { id } else { std::mem::replace(&mut self.tasks[last].next, id) };
        self.tasks[id].stage = Stage::Waiting;
        self.tasks[id].next = first;
        self.tasks[fetch].levels = id;
    }

    /// POST /tokens was answered: with a token, or with nothing because the browser is offline.
    pub(super) fn token_fetched(&mut self, id: TaskId, token: Option<Token>) {
        let fetch = self.tasks[id];
        let background = fetch.caller == Caller::Background;
        if background {
            self.tab.refreshing = false;
        }
        if let Some(limits) = self.rules.limits {
            limits.call_ended(self.limits, token.is_some(), self.now);
        }
        let Some(token) = token else {
            if self.setup.release.offline_checks_first {
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
            self.tab.refreshing = false;
        }
        if let Some(limits) = self.rules.limits {
            limits.call_ended(self.limits, false, self.now);
        }
        self.cache_fetch_failed(id);
        self.wake_waiters(id, Err(failure));
    }

    fn wake_waiters(&mut self, id: TaskId, result: Result<Option<Token>, Failure>) {
        let Task { levels: last, next: heard, object, .. } = self.tasks[id];
        self.tasks.end(id);
        self.weigh_heard(heard, result.ok().flatten());
        if last == NONE {
            return;
        }
        // The call that began the fetch hears of it last: it waits for more than the shared promise.
        let first = self.tasks[last].next;
        let mut waiter = self.tasks[first].next;
        self.passing.overlapping = Some(0);
        loop {
            let next = self.tasks[waiter].next;
            let parent = self.tasks[waiter].parent;
            if let Ok(token @ Some(_)) = result
                && parent != NONE
                && self.tasks.kind(parent) == Kind::SetActive
                && self.tasks[parent].object == object
            {
                self.tasks[parent].set_reply(Reply::Ok { token, listed: true });
            }
            match result {
                Ok(token) => self.got_token(waiter, token),
                Err(failure) => self.attempt_failed(waiter, failure),
            }
            if waiter == first {
                break;
            }
            waiter = next;
        }
        self.passing.overlapping = None;
    }

    /// An attempt failed: again later, or for good.
    fn attempt_failed(&mut self, id: TaskId, failure: Failure) {
        let task = self.tasks[id];
        let retry = u32::from(task.attempt) + 1;
        let offline = self.browser.offline() && self.setup.release.offline_aware;
        let allowed = self.rules.retries.contains(failure)
            && self.rules.backoff.allows(retry, offline)
            && self.rules.limits.is_none_or(|limits| limits.take_retry(self.limits, self.now));
        if allowed {
            let wait: Wait = self.rules.backoff.wait(retry, task.waited(), failure.retry_after_s);
            let task = &mut self.tasks[id];
            task.attempt += 1;
            task.stage = Stage::Timer;
            task.waits_from(self.now);
            self.fact(Fact::Judged { failure, verdict: Judgement::Retry });
            self.wait(id, wait);
            return;
        }
        self.gives_up(id, if offline { Failure::OFFLINE } else { failure });
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
                self.fact(Fact::AppWaited(self.now.since(task.since)));
                self.fact(Fact::AppError(failure));
            }
            Caller::Parent => self.parent_has_token(task.parent, Err(failure)),
            Caller::Background => unreachable!("a background refresh does not call getToken"),
        }
    }

    fn got_token(&mut self, id: TaskId, token: Option<Token>) {
        let task = self.tasks[id];
        if token.is_none() && self.browser.offline() && self.setup.release.offline_aware {
            return self.gives_up(id, Failure::OFFLINE);
        }
        if token.is_some() {
            self.set_cookie(token);
        }
        self.tasks.end(id);
        match task.caller {
            Caller::Poller => self.poll_ended(task.parent),
            Caller::Focus => {}
            Caller::App => self.fact(Fact::AppWaited(self.now.since(task.since))),
            Caller::Parent => self.parent_has_token(task.parent, Ok(token)),
            Caller::Background => unreachable!("a background refresh does not call getToken"),
        }
    }

    fn parent_has_token(&mut self, parent: TaskId, result: Result<Option<Token>, Failure>) {
        match self.tasks.kind(parent) {
            Kind::SetActive => self.set_active_has_token(parent, result),
            Kind::Load => self.load_has_token(parent),
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

#[cfg(test)]
mod tests {
    use super::super::desk::{BARE, Desk, LATE, NEW, NOW, OLD, PAST_CACHE, facts, fine, sends, sent_to};
    use super::super::page::{Action, Input, Rules};
    use super::super::task::Reply;
    use super::*;
    use crate::backend::Endpoint;
    use crate::client::policy::{CircuitBreaker, Policy};
    use crate::client::session_policy::SessionLimits;
    use crate::kernel::{Dur, Time};
    use crate::scenario::ClientModel::{self, ClerkJs5_125_3, ClerkJs6_0_0, ClerkJs6_1_0, ClerkJs6_3_3};
    use crate::scenario::policies::preset;
    use proptest::prelude::*;

    /// Nygard, *Release It!*, ch. 5: an open circuit fails at once, and nothing is sent.
    #[test]
    fn an_open_circuit_sends_nothing() {
        let mut desk = Desk::signed_in(ClerkJs6_3_3, NEW);
        let breaker = CircuitBreaker { failures: 2, open: Dur::from_secs(30) };
        let policy = Policy { circuit_breaker: Some(breaker), ..preset("new").unwrap() };
        desk.rules.limits = SessionLimits::of(&policy);
        for failures in 0..2 {
            let fetch = sent_to(&desk.step(NOW, PAST_CACHE), Endpoint::Tokens);
            let actions = desk.fail(NOW, fetch, 429);
            assert!(facts(&actions).contains(&Fact::AppError(Failure::status(429))), "{failures}");
        }
        let refused = [Fact::AppWaited(Dur::ZERO), Fact::AppError(Failure::NETWORK)];
        let open = desk.step(NOW.after(Dur::from_ms(29_999)), PAST_CACHE);
        assert_eq!((sends(&open), facts(&open)), (vec![], refused.to_vec()));
        let probe = desk.step(NOW.after(Dur::from_secs(30)), PAST_CACHE);
        assert_eq!(sends(&probe), [(Endpoint::Tokens, true)]);
    }

    /// `clerk-js.md` knows 422 as an answer to /tokens; with the code `missing_expired_token` the client asks once more,
    /// with the token it has. That request is a failure's consequence.
    #[test]
    fn an_expired_token_is_offered_once_and_by_an_object_that_has_one() {
        let missing = Failure { status: 422, code: 3, retry_after_s: 0 };
        let other = Failure { status: 422, code: 4, retry_after_s: 0 };
        let elsewhere = Failure { status: 403, code: 3, retry_after_s: 0 };
        for (failure, has_token, offers) in [
            (missing, true, true),
            (missing, false, false),
            (other, true, false),
            (elsewhere, true, false),
            (Failure::status(422), true, false),
        ] {
            let mut desk = Desk::signed_in(ClerkJs6_3_3, NEW);
            desk.setup.missing_expired_token = 3;
            if !has_token {
                let touch = sent_to(&desk.step(NOW, Input::Focus), Endpoint::Touch);
                desk.answer(NOW, touch, BARE);
            }
            let fetch = sent_to(&desk.step(NOW, PAST_CACHE), Endpoint::Tokens);
            let mut actions = desk.answer(NOW, fetch, Reply::Fail(failure));
            if offers {
                assert_eq!((sends(&actions), facts(&actions)), (vec![(Endpoint::Tokens, false)], vec![]));
                actions = desk.answer(NOW, fetch, Reply::Fail(failure));
            }
            assert_eq!(sends(&actions), [], "{failure:?}");
            assert!(facts(&actions).contains(&Fact::AppError(failure)), "{failure:?}: {actions:?}");
        }
    }

    /// `clerk-js.md`, finding 2 (G2): a `setActive` that ends late makes its own, older session object the current one
    /// again, with the token that this object knows: of a fetch of its own, not of one for another object that it shares.
    #[test]
    fn an_older_session_object_comes_back_with_its_own_token() {
        let token = |ms| Token::issued(Time::from_ms(ms));
        for shares in [false, true] {
            let mut desk = Desk::signed_in(ClerkJs6_3_3, OLD);
            let earlier = shares.then(|| sent_to(&desk.step(LATE, PAST_CACHE), Endpoint::Tokens));
            let touch = sent_to(&desk.step(LATE, Input::SetActive { navigate: false }), Endpoint::Touch);
            let actions = desk.answer(LATE, touch, BARE);
            let fetch = earlier.unwrap_or_else(|| sent_to(&actions, Endpoint::Tokens));
            // A client resource that has come meanwhile: a newer object.
            let focus = sent_to(&desk.step(LATE, Input::Focus), Endpoint::Touch);
            desk.answer(LATE, focus, fine(Some(token(57_000))));
            assert_eq!((desk.tab.object, desk.tab.last_token), (3, Some(token(57_000))));
            desk.answer(LATE, fetch, fine(Some(token(57_500))));
            let own = (!shares).then_some(token(57_500));
            assert_eq!((desk.tab.object, desk.tab.last_token), (2, own), "shares: {shares}");
            assert_eq!(desk.tab.newest_token, Some(token(57_000)), "which the newest object does not take");
        }
    }

    /// Another tab's token that comes during a fetch is weighed against what the fetch brings.
    #[test]
    fn a_token_heard_during_a_fetch_counts_when_it_is_newer() {
        let fetched = Token::issued(NOW);
        for (heard_s, fails, kept) in [
            (9, false, fetched),
            (10, false, fetched),
            (11, false, Token::known_by_iat(11)),
            (9, true, Token::known_by_iat(9)),
        ] {
            let mut desk = Desk::signed_in(ClerkJs6_1_0, NEW);
            let fetch = sent_to(&desk.step(NOW, PAST_CACHE), Endpoint::Tokens);
            desk.step(NOW, Input::TokenBroadcast(Token::known_by_iat(heard_s)));
            let actions =
                if fails { desk.fail(NOW, fetch, 429) } else { desk.answer(NOW, fetch, fine(Some(fetched))) };
            let told = actions.contains(&Action::BroadcastToken(fetched));
            assert_eq!(told, !fails, "what is fetched is told, what is heard is not");
            let next = desk.step(NOW, Input::AppGetToken { callers: 1, skip_cache: false });
            assert_eq!(sends(&next), [], "{heard_s}: it is cached");
            assert_eq!(desk.browser.cookie, Some(kept), "heard {heard_s} s, fails: {fails}");
        }
    }

    /// Requests of a recording to one endpoint: when it was sent, when it was answered, in milliseconds, and the status.
    fn recorded(name: &str, endpoint: &str) -> Vec<(u64, u64, u64)> {
        let path = format!("{}/tests/recordings/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let recording: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let requests = recording["requests"].as_array().unwrap().iter();
        let number = |request: &serde_json::Value, at: usize| request[at].as_u64().unwrap();
        requests.filter(|r| r[2] == endpoint).map(|r| (number(r, 0), number(r, 4), number(r, 3))).collect()
    }

    /// The waits of a `getToken` that fails again and again, from the poller's calls in 6.1.0-S1: the background refresh
    /// comes first and is not retried; then come nine tries.
    fn recorded_waits() -> Vec<u64> {
        let calls = recorded("6.1.0-S1-tokens429", "tokens");
        let first = calls.iter().position(|call| call.2 == 429).unwrap() + 1;
        calls[first..first + 9].windows(2).map(|pair| pair[1].0 - pair[0].1).collect()
    }

    /// A cache of one token that knows all it was told and nothing else: `clerk-js.md`, Timers and finding 9.
    struct NaiveCache {
        life_s: u64,
        /// Unusable when less than this remains, in seconds.
        least_s: u64,
        by_receipt: bool,
        /// `iat`, and the second from which the age counts.
        held: Option<(u64, u64)>,
        /// The second at which a fetch began.
        fetching: Option<u64>,
        heard: Option<u64>,
    }

    impl NaiveCache {
        /// After a page load at the start of the run.
        fn new(model: ClientModel) -> NaiveCache {
            let by_receipt = model == ClerkJs5_125_3;
            let least_s = if by_receipt { 15 } else { 6 };
            NaiveCache { life_s: 60, least_s, by_receipt, held: Some((0, 0)), fetching: None, heard: None }
        }

        /// The token that serves a call at this second.
        fn usable(&self, second: u64) -> Option<u64> {
            self.held.filter(|held| held.1 + self.life_s >= second + self.least_s).map(|held| held.0)
        }

        /// Whether a call at this second makes a request.
        fn asked(&mut self, second: u64) -> bool {
            if self.fetching.is_some() || self.usable(second).is_some() {
                return false;
            }
            (self.held, self.fetching) = (None, Some(second));
            true
        }

        fn answered(&mut self, iat: Option<u64>) {
            let began = self.fetching.take().unwrap();
            self.held = iat.map(|iat| (iat, if self.by_receipt { began } else { iat }));
            if let Some(heard) = self.heard.take()
                && iat.is_none_or(|iat| iat < heard)
            {
                self.held = Some((heard, heard));
            }
        }

        fn hears(&mut self, iat: u64, second: u64) {
            if self.fetching.is_some() {
                self.heard = Some(iat);
            } else if self.usable(second).is_none_or(|own| own < iat) {
                self.held = Some((iat, iat));
            }
        }
    }

    /// The naive cache under a poller makes the requests of the recordings, in which that is all that fetches: 5.125.3
    /// (S0), and 6.1.0 once its background refresh has failed (S1).
    #[test]
    fn the_naive_cache_fetches_when_the_recordings_do() {
        let calls = recorded("5.125.3-S0-healthy", "tokens");
        let mut cache = NaiveCache::new(ClerkJs5_125_3);
        let (mut tick, mut fetches) = (0, Vec::new());
        while tick < 300_000 {
            let asks = cache.asked(tick / 1_000);
            if asks {
                fetches.push((tick, tick + 100, 200));
                cache.answered(Some(tick / 1_000));
                tick += 100;
            }
            tick += 5_000;
        }
        assert_eq!(fetches, calls);

        let calls = recorded("6.1.0-S1-tokens429", "tokens");
        let mut cache = NaiveCache::new(ClerkJs6_1_0);
        cache.held = Some((calls[0].0 / 1_000, calls[0].0 / 1_000));
        let first = (0..).step_by(5_000).find(|tick| cache.asked(tick / 1_000));
        assert_eq!(first, Some(calls[2].0), "the refresh at {} ms has failed", calls[1].0);
    }

    proptest! {
        /// Whatever is retried, however long each answer takes: the waits between tries are the recorded ones, the
        /// ninth failure is the last, and the caller waits for all of it.
        #[test]
        fn tries_are_as_far_apart_as_in_the_recording(
            begin in 0..100_000_u64,
            rtts in prop::collection::vec(0..3_000_u64, 9),
            statuses in prop::collection::vec(prop::sample::select(vec![0_u16, 429, 500, 503]), 9),
            failures in 0..=9_usize,
        ) {
            let waits = recorded_waits();
            let mut desk = Desk::signed_in(ClerkJs6_1_0, NEW);
            desk.rules = Rules::of(&preset("new").unwrap(), &[]);
            let began = Time::from_ms(begin);
            let mut now = began;
            let mut actions = desk.step(now, PAST_CACHE);
            for at in 0..9 {
                let fetch = sent_to(&actions, Endpoint::Tokens);
                now = now.after(Dur::from_ms(rtts[at]));
                if at == failures {
                    actions = desk.answer(now, fetch, fine(Some(Token::issued(now))));
                    break;
                }
                actions = desk.fail(now, fetch, statuses[at]);
                let timers: Vec<_> = actions.iter().filter_map(|action| match action {
                    Action::Wait { task, wait, .. } => Some((*task, *wait)),
                    _ => None,
                }).collect();
                if at < 8 {
                    let wait = Dur::from_ms(waits[at]);
                    prop_assert_eq!(timers.len(), 1);
                    prop_assert_eq!((timers[0].1.low, timers[0].1.high), (wait, wait));
                    now = now.after(wait);
                    actions = desk.step(now, Input::Timer(timers[0].0));
                } else {
                    prop_assert!(timers.is_empty());
                }
            }
            let told = facts(&actions);
            prop_assert!(told.contains(&Fact::AppWaited(now.since(began))), "{:?}", told);
            let error = Fact::AppError(Failure::status(statuses[8]));
            prop_assert_eq!(told.contains(&error), failures == 9);
        }

        /// Calls, answers and other tabs' tokens in any order: the cache asks for a token, and serves one, exactly when
        /// the naive cache does.
        #[test]
        fn the_cache_is_the_naive_cache(
            model in prop::sample::select(vec![ClerkJs5_125_3, ClerkJs6_0_0, ClerkJs6_1_0, ClerkJs6_3_3]),
            steps in prop::collection::vec((0..5_u8, 0..30_000_u64, 0..70_u64), 1..60),
        ) {
            let mut desk = Desk::signed_in(model, NEW);
            let mut naive = NaiveCache::new(model);
            let mut fetch = None;
            let mut ms = 0;
            for (what, gap, age) in steps {
                ms += gap;
                let (now, second) = (Time::from_ms(ms), ms / 1_000);
                match (what, fetch) {
                    (0..2, _) => {
                        let actions = desk.step(now, Input::AppGetToken { callers: 1, skip_cache: false });
                        prop_assert_eq!(!sends(&actions).is_empty(), naive.asked(second), "at {} ms", ms);
                        if !sends(&actions).is_empty() {
                            fetch = Some(sent_to(&actions, Endpoint::Tokens));
                        } else if fetch.is_none() {
                            let served = desk.browser.cookie.map(|token| u64::from(token.iat()));
                            prop_assert_eq!(served, naive.usable(second), "at {} ms", ms);
                        }
                    }
                    (2, Some(task)) => {
                        desk.answer(now, task, fine(Some(Token::issued(now))));
                        naive.answered(Some(second));
                        fetch = None;
                    }
                    (3, Some(task)) => {
                        desk.answer(now, task, Reply::Fail(Failure::status(400)));
                        naive.answered(None);
                        fetch = None;
                    }
                    (4, _) => {
                        let iat = second.saturating_sub(age);
                        desk.step(now, Input::TokenBroadcast(Token::known_by_iat(iat as u32)));
                        naive.hears(iat, second);
                    }
                    _ => {}
                }
            }
        }
    }
}
