//! The page load: parallel requests to /environment and /client, and the fallbacks when they fail.
//!
//! Known from recordings in `clerk-js.md` (S12b, S12d, S12f). A 4xx to /client rejects the load. After a 5xx or a
//! network error the client uses the session in the cookie and fetches its token past the cache, while the poller is
//! stopped.

use super::browser::KeptEnvironment;
use super::messages;
use super::page::Page;
use super::release::ENVIRONMENT_KEPT;
use super::resource::Listeners;
use super::tab::{Rest, Tab};
use super::task::{Caller, Kind, NONE, flag};
use super::tasks::next_epoch;
use crate::client::app::AppReaction;
use crate::client::fact::{Fact, Status};
use crate::client::step::TaskId;
use crate::client::step::{Action, Message};
use crate::protocol::Failure;
use crate::protocol::Token;

impl Page<'_> {
    /// Opens or reloads the page. Everything that the old page was doing ends.
    pub(super) fn open(&mut self) {
        let visit = self.tab.visit + u32::from(!self.tab.open());
        if !self.tab.open() {
            self.take_focus();
        }
        self.leave();
        self.tab.set_open(true);
        self.tab.visit = visit;
        self.fact(Fact::Status(Status::Loading));
        self.start_polling();
        let load = self.start(Kind::Load, Caller::Parent, NONE, 0);
        let environment = self.start(Kind::LoadEnvironment, Caller::Parent, load, 0);
        let client = self.start(Kind::LoadClient, Caller::Parent, load, 0);
        self.tasks[load].attempt = 2;
        if self.setup.release.load_is_limited {
            self.limit_load(load, client);
        }
        self.request(environment);
        self.request(client);
    }

    /// Closes the page. This does not sign out: the cookie stays.
    pub(super) fn close(&mut self) {
        self.leave();
    }

    /// Ends the page: its tasks belong to an old page load from now on.
    fn leave(&mut self) {
        if self.tab.open() {
            self.forget_lock();
        }
        let (was_signed_in, app_calls) = (self.tab.session(), self.rest.app_calls);
        let (epoch, visit) = (next_epoch(self.tab.epoch), self.tab.visit);
        if epoch < self.tab.epoch {
            self.tasks.forget_pages(self.id);
        }
        *self.tab = Tab::default();
        *self.rest = Rest::default();
        self.tab.epoch = epoch;
        self.tab.visit = visit;
        if was_signed_in {
            self.fact(Fact::PageGone);
        }
        if app_calls > 0 {
            self.fact(Fact::AppLeft(app_calls));
        }
    }

    /// The request to /environment has ended. After a failure the page uses the environment that an earlier load kept,
    /// if any, and the load ends as `degraded`.
    pub(super) fn environment_loaded(&mut self, id: TaskId, failure: Option<Failure>) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        if failure.is_none() {
            self.environment_arrived();
            self.tab.set_throttled(!self.setup.multi_session);
            self.keep_environment();
        } else {
            self.tasks[load].flags |= flag::DEGRADED;
            if let Some(kept) = self.browser.environment().filter(|kept| self.now <= kept.until) {
                self.tab.set_throttled(kept.throttled);
            }
        }
        self.part_loaded(load);
    }

    /// The request to /environment got an empty answer, because the browser is offline. The client counts this as an
    /// answer and keeps the environment in force, its default, in place of one that an earlier load kept.
    pub(super) fn environment_answered_nothing(&mut self, id: TaskId) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        self.environment_arrived();
        self.keep_environment();
        self.part_loaded(load);
    }

    /// `EnvironmentUpdate`
    fn environment_arrived(&mut self) {
        if self.setup.release.environment_gets_token && self.tab.session() {
            self.get_token(Caller::Focus, NONE, 0, 0, 0);
        }
    }

    fn keep_environment(&mut self) {
        let until = self.now.after(ENVIRONMENT_KEPT);
        self.browser.keep_environment(KeptEnvironment { throttled: self.tab.throttled(), until });
    }

    /// The request to /client succeeded.
    pub(super) fn client_loaded(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        self.end_limit(load);
        self.client_arrives(token, listed, Listeners::Next, 0);
        self.part_loaded(load);
    }

    /// The request to /client failed. A 4xx ends the load; after any other failure the page uses the session in the
    /// cookie.
    pub(super) fn client_load_failed(&mut self, id: TaskId, failure: Failure) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        self.end_limit(load);
        if matches!(failure.status, 400..=499) {
            self.tasks[load].set_reply(super::task::Reply::Fail(failure));
            self.tasks[load].flags |= flag::CLIENT_DONE;
            return self.part_loaded(load);
        }
        if self.setup.release.load_is_limited {
            return self.load_by_cookie(load);
        }
        self.tasks[load].flags |= flag::DEGRADED;
        let cookie = self.browser.cookie;
        // `setActive` of app code that reacts to the client awaits a hook first, so the fetch is sent before it acts.
        let waits_for_hook = self.setup.reaction.act == AppReaction::SetActive;
        let listeners = if waits_for_hook { Listeners::Later } else { Listeners::SameTask };
        self.client_arrives(cookie, cookie.is_some(), listeners, 0);
        self.stop_polling();
        if self.tab.session() {
            self.get_token(Caller::Parent, load, flag::SKIP_CACHE | flag::DEGRADED, 0, 0);
            if waits_for_hook {
                self.emit(0);
            }
            self.forget_replaced_token();
        } else {
            // Without a session the poller is not restarted (the optional chain skips its `finally`).
            self.part_loaded(load);
        }
    }

    /// The fetch replaced the cookie's token before its cache entry could broadcast the token. The step has no other
    /// broadcast so far.
    fn forget_replaced_token(&mut self) {
        if self.setup.release.ignores_replaced_entries() {
            self.out.retain(|action| !matches!(action, Action::Tell(Message { kind: messages::TOKEN, .. })));
        }
    }

    /// The fetch of a token for the cookie's session has ended, with or without a token.
    pub(super) fn load_has_token(&mut self, load: TaskId, result: Result<Option<Token>, Failure>) {
        if self.setup.release.load_is_limited {
            return self.cookie_s_session_has_token(load, result);
        }
        self.start_polling();
        self.part_loaded(load);
    }

    pub(super) fn part_loaded(&mut self, load: TaskId) {
        self.tasks[load].attempt -= 1;
        if self.tasks[load].attempt > 0 {
            return;
        }
        let task = self.tasks[load];
        self.tasks.end(load);
        if task.flags & flag::CLIENT_DONE != 0 {
            if self.browser.offline() {
                // The load ends without an error, and the status stays.
                return self.fact(Fact::LoadEnd(self.tab.status()));
            }
            self.set_status(Status::Error);
            self.fact(Fact::LoadEnd(Status::Error));
            if let super::task::Reply::Fail(failure) = task.reply() {
                self.fact(Fact::AppError(failure));
            }
            return;
        }
        self.set_status(if task.flags & flag::DEGRADED == 0 { Status::Ready } else { Status::Degraded });
        self.fact(Fact::LoadEnd(self.tab.status()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{NEW, NOW, TestBench, facts, fine, sends, sent_to};
    use super::super::endpoints;
    use super::super::release::Model::{ClerkJs5_125_3, ClerkJs6_1_0, ClerkJs6_3_3};
    use super::*;
    use crate::client::app::Reaction;
    use crate::client::step::Input;
    use crate::kernel::Time;

    fn kept() -> Token {
        Token::known_by_iat(3)
    }

    /// A page load whose /client fails with a session in the cookie: S12d and S12f, and the published client for app
    /// code that reacts. Only releases that do not replace their entries at once broadcast the cookie's token.
    #[test]
    fn the_token_of_the_cookie_s_session_is_fetched_before_app_code_touches() {
        for (model, tells) in [(ClerkJs5_125_3, true), (ClerkJs6_1_0, true), (ClerkJs6_3_3, false)] {
            let mut bench = TestBench::new(model, NEW);
            bench.setup.reaction =
                Reaction { act: AppReaction::SetActive, from: Time::ZERO, to: Time::NEVER };
            bench.browser.cookie = Some(kept());
            let opened = bench.step(NOW, Input::Open);
            bench.answer(NOW, sent_to(&opened, endpoints::ENVIRONMENT), fine(None));
            let actions = bench.fail(NOW, sent_to(&opened, endpoints::CLIENT), 500);
            assert_eq!(sends(&actions), [(endpoints::TOKENS, false), (endpoints::TOUCH, true)], "{model:?}");
            let told = actions.contains(&Action::Tell(messages::token(kept())));
            assert_eq!(told, tells, "{model:?}: {actions:?}");
            assert_eq!(
                (bench.tab.session(), bench.tab.poll),
                (true, NONE),
                "the poller is stopped meanwhile"
            );
            let fetched = fine(Some(Token::issued(NOW)));
            let loaded = bench.answer(NOW, sent_to(&actions, endpoints::TOKENS), fetched);
            assert!(facts(&loaded).contains(&Fact::LoadEnd(Status::Degraded)), "{loaded:?}");
            assert_ne!(bench.tab.poll, NONE);
        }
    }

    /// S12b: a 4xx to /client rejects the load. S12d: without a cookie a 5xx ends in a page without a session, and the
    /// poller is not restarted.
    #[test]
    fn a_failed_client_request_rejects_the_load_or_ends_it_without_a_session() {
        for (status, end, error, polls) in [
            (429, Status::Error, true, true),
            (403, Status::Error, true, true),
            (500, Status::Degraded, false, false),
            (503, Status::Degraded, false, false),
        ] {
            let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
            let opened = bench.step(Time::ZERO, Input::Open);
            let client = bench.fail(Time::ZERO, sent_to(&opened, endpoints::CLIENT), status);
            assert!(
                !facts(&client).iter().any(|fact| matches!(fact, Fact::LoadEnd(_))),
                "one part is missing"
            );
            let told = facts(&bench.answer(Time::ZERO, sent_to(&opened, endpoints::ENVIRONMENT), fine(None)));
            assert!(told.contains(&Fact::LoadEnd(end)), "{status}: {told:?}");
            assert_eq!(told.contains(&Fact::AppError(Failure::status(status))), error, "{status}: {told:?}");
            assert_eq!((bench.tab.session(), bench.tab.poll != NONE), (false, polls), "{status}");
        }
    }

    /// An empty answer to /environment, offline: the load does not fail. The client's default, that of a multi-session
    /// app, replaces the environment that an earlier load kept.
    #[test]
    fn an_empty_environment_answer_replaces_the_kept_one() {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        assert_eq!(bench.browser.environment().map(|kept| kept.throttled), Some(true));
        let opened = bench.step(Time::from_ms(1), Input::Open);
        bench.browser.set_offline(true);
        bench.never_answer(Time::from_ms(1), sent_to(&opened, endpoints::ENVIRONMENT));
        assert_eq!(bench.browser.environment().map(|kept| kept.throttled), Some(false));
        assert!(!bench.tab.throttled());
        let client = sent_to(&opened, endpoints::CLIENT);
        let told = facts(&bench.answer(Time::from_ms(1), client, fine(Some(kept()))));
        assert!(told.contains(&Fact::LoadEnd(Status::Ready)), "{told:?}");
    }
}
