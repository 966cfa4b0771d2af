//! Touches on focus, and `setActive` (`clerk-js.md`: focus, "The policies").

use super::page::Page;
use super::release::TOUCH_THROTTLE;
use super::resource::Listeners;
use super::task::{Caller, Kind, NONE, Reply, flag};
use crate::client::fact::{Fact, Judgement};
use crate::client::policy::TouchErrors;
use crate::client::step::TaskId;
use crate::protocol::Failure;
use crate::protocol::Token;

impl Page<'_> {
    /// The tab gains focus. It touches unless throttled, and calls `getToken` outside the poller's lock.
    pub(super) fn focus(&mut self) {
        if !self.tab.session {
            return;
        }
        // The token listener registers before the touch listener, so it runs first.
        self.get_token(Caller::Focus, NONE, 0, 0, 0);
        if !self.tab.session || (self.tab.throttled && self.tab.touch_after > self.now) {
            return;
        }
        self.tab.touch_after = self.now.after(TOUCH_THROTTLE);
        let touch = self.start(Kind::Touch, Caller::Focus, NONE, 0);
        self.request(touch);
    }

    /// `setActive` with a session object: the current one, or an older one that app code holds.
    pub(super) fn set_active(&mut self, navigate: bool, object: u32, depth: u32) {
        if !self.tab.client {
            return self.fact(Fact::AppError(Failure::NETWORK));
        }
        if !self.tab.session {
            // `setActive({ session: null })`: there is nothing to touch, and the cookie is removed.
            self.set_cookie(None);
            return;
        }
        let id = self.start(Kind::SetActive, Caller::App, NONE, depth);
        self.app_asks();
        let touch = self.start(Kind::Touch, Caller::Parent, id, depth);
        self.tasks[touch].object = object;
        if navigate {
            self.tasks[id].flags |= flag::NAVIGATE;
            self.tasks[touch].flags |= flag::NAVIGATE;
        }
        self.request(touch);
    }

    /// The touch was answered. The client resource in the answer takes effect.
    pub(super) fn touched(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let touch = self.tasks[id];
        // `setActive` with navigation tells listeners only at its end.
        let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
        let listeners = if by_navigation { Listeners::Later } else { Listeners::SameTask };
        self.client_arrives(token, listed, listeners, touch.depth);
        // The touched object also takes the session of the answer.
        self.set_object_token(touch.object, token);
        // The code that writes the cookie after an empty answer (recording O6) writes it after any answer, even for a
        // tab that has signed out meanwhile.
        if token.is_some() && !by_navigation {
            self.set_cookie(token);
        }
        self.tasks.end(id);
        self.touch_ended(touch.parent, Ok(()));
    }

    /// The touch got an empty answer, because the browser is offline.
    pub(super) fn touched_nothing(&mut self, id: TaskId) {
        let touch = self.tasks[id];
        let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
        if let Some(token) = self.tab.last_token
            && !by_navigation
        {
            self.set_cookie(Some(token));
        }
        self.tasks.end(id);
        self.touch_ended(touch.parent, Ok(()));
    }

    /// The touch failed. The policy decides.
    pub(super) fn touch_failed(&mut self, id: TaskId, failure: Failure) {
        let touch = self.tasks[id];
        self.tasks.end(id);
        let result = if self.rules.enters.contains(failure) {
            self.fact(Fact::Judged { failure, verdict: Judgement::EnterFlow });
            self.enter_flow(NONE, true, touch.depth, Some(failure));
            Ok(())
        } else {
            let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
            if by_navigation || self.rules.touch_errors == TouchErrors::Surface {
                self.fact(Fact::Judged { failure, verdict: Judgement::Surface });
                Err(failure)
            } else {
                self.fact(Fact::Judged { failure, verdict: Judgement::Swallow });
                Ok(())
            }
        };
        self.touch_ended(touch.parent, result);
    }

    fn touch_ended(&mut self, parent: TaskId, result: Result<(), Failure>) {
        match (parent, result) {
            (NONE, Ok(())) => {}
            // No code awaits a touch on focus, so its error is an unhandled rejection.
            (NONE, Err(failure)) => self.fact(Fact::AppError(failure)),
            (set_active, Ok(())) if self.tab.listed => {
                // From here on `setActive` works on the client's own object and makes it current at the end.
                let object = self.tab.newest_object;
                self.wait_for_token(set_active, object);
                let depth = self.tasks[set_active].depth;
                self.get_token_of(object, Caller::Parent, set_active, 0, depth, 0);
            }
            (set_active, Ok(())) => {
                self.set_cookie(None);
                self.set_active_ends(set_active, false);
            }
            (set_active, Err(failure)) => self.set_active_throws(set_active, failure),
        }
    }

    /// The `getToken` of a `setActive` has ended.
    pub(super) fn set_active_has_token(&mut self, id: TaskId, result: Result<Option<Token>, Failure>) {
        self.waits_no_more(id);
        match result {
            Ok(token) => {
                if token.is_none() {
                    self.set_cookie(None);
                }
                self.set_active_ends(id, true);
            }
            Err(Failure::OFFLINE) => self.set_active_ends(id, true),
            Err(failure) => self.set_active_throws(id, failure),
        }
    }

    fn set_active_ends(&mut self, id: TaskId, session: bool) {
        let task = self.tasks[id];
        self.tasks.end(id);
        self.app_hears(task.since);
        if task.flags & flag::NAVIGATE != 0 {
            // `setTransitiveState`: during navigation, listeners are told that there is no session.
            self.tab.shown = false;
        }
        if let Reply::Ok { token, .. } = task.reply()
            && session
            && task.object != self.tab.object
        {
            // Another answer brought a newer object meanwhile. The older object becomes current again, with the token
            // that was fetched for it since.
            self.tab.object = task.object;
            self.tab.last_token = token;
        }
        self.set_session(session);
        self.emit(task.depth);
    }

    fn set_active_throws(&mut self, id: TaskId, failure: Failure) {
        let since = self.tasks[id].since;
        self.tasks.end(id);
        self.app_hears(since);
        self.fact(Fact::AppError(failure));
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{BARE, LATE, NEW, NOW, OLD, TestBench, facts, fine, sends, sent_to, waits};
    use super::super::endpoints;
    use super::super::messages;
    use super::super::release::Model::{ClerkJs5_125_3, ClerkJs6_0_0, ClerkJs6_3_3};
    use super::super::task::Task;
    use super::*;
    use crate::client::app::AppReaction;
    use crate::client::app::Reaction;
    use crate::client::step::{Action, Input};
    use crate::kernel::{Dur, Time};

    /// `clerk-js.md`, "The policies": the handling of a failed touch at each call site.
    #[test]
    fn a_failed_touch_enters_the_flow_is_thrown_or_is_swallowed() {
        use Judgement::{EnterFlow, Surface, Swallow};
        let navigating = Input::SetActive { navigate: true };
        let staying = Input::SetActive { navigate: false };
        for (model, policy, input, status, verdict) in [
            (ClerkJs6_0_0, OLD, navigating, 429, EnterFlow),
            (ClerkJs6_0_0, OLD, navigating, 503, Surface),
            (ClerkJs6_3_3, NEW, navigating, 422, EnterFlow),
            (ClerkJs6_3_3, NEW, navigating, 429, Surface),
            (ClerkJs6_3_3, NEW, navigating, 503, Surface),
            (ClerkJs6_0_0, OLD, staying, 429, EnterFlow),
            (ClerkJs6_0_0, OLD, staying, 503, Swallow),
            (ClerkJs6_3_3, NEW, staying, 422, EnterFlow),
            (ClerkJs6_3_3, NEW, staying, 429, Surface),
            (ClerkJs6_3_3, NEW, staying, 503, Surface),
            (ClerkJs6_0_0, OLD, Input::Focus, 429, EnterFlow),
            (ClerkJs6_0_0, OLD, Input::Focus, 503, Swallow),
            (ClerkJs6_3_3, NEW, Input::Focus, 422, EnterFlow),
            (ClerkJs6_3_3, NEW, Input::Focus, 429, Surface),
            (ClerkJs6_3_3, NEW, Input::Focus, 503, Surface),
            // This release touches the same way with and without navigation: see `Release::navigation_touch`.
            (ClerkJs5_125_3, OLD, navigating, 429, EnterFlow),
            (ClerkJs5_125_3, OLD, navigating, 503, Swallow),
            (ClerkJs5_125_3, OLD, staying, 503, Swallow),
        ] {
            let case = format!("{model:?} {policy:?} {input:?} {status}");
            let mut bench = TestBench::signed_in(model, policy);
            let touch = sent_to(&bench.step(NOW, input), endpoints::TOUCH);
            let actions = bench.fail(NOW, touch, status);
            let failure = Failure::status(status);
            let told = facts(&actions);
            assert_eq!(told[0], Fact::Judged { failure, verdict }, "{case}");
            assert_eq!(told.contains(&Fact::AppError(failure)), verdict == Surface, "{case}: {told:?}");
            let flow = if verdict == EnterFlow { vec![(endpoints::CLIENT, false)] } else { vec![] };
            assert_eq!(sends(&actions), flow, "{case}");
            let waited = told.contains(&Fact::AppWaited(Dur::ZERO));
            assert_eq!(waited, input != Input::Focus, "{case}: {told:?}");
            assert!(bench.tab.session, "{case}");
        }
    }

    /// `clerk-js.md`, focus: a touch at most once in 5 s, unless the app has several sessions.
    #[test]
    fn touches_on_focus_are_throttled() {
        for (multi_session, after, touches) in [(false, 4_999, 0), (false, 5_000, 1), (true, 1, 1)] {
            let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
            bench.setup.multi_session = multi_session;
            bench.load(Time::ZERO, fine(None), fine(Some(Token::issued(Time::ZERO))));
            assert_eq!(sends(&bench.step(NOW, Input::Focus)), [(endpoints::TOUCH, true)]);
            let again = sends(&bench.step(NOW.after(Dur::from_ms(after)), Input::Focus));
            assert_eq!(again.len(), touches, "{multi_session} {after}");
        }
    }

    /// App code that reacts to a session object is told at once of the one in an answer to /touch. For a `setActive`
    /// with navigation it is told only at the end, after that call's own `getToken`, which has to fetch here.
    #[test]
    fn listeners_hear_of_a_navigation_at_its_end() {
        for (model, navigate, at_once) in [
            (ClerkJs6_3_3, false, true),
            (ClerkJs6_3_3, true, false),
            (ClerkJs6_0_0, true, false),
            (ClerkJs5_125_3, true, true),
        ] {
            let mut bench = TestBench::signed_in(model, NEW);
            bench.setup.reaction =
                Reaction { act: AppReaction::GetToken, from: Time::from_ms(1), to: Time::NEVER };
            let calls = |bench: &TestBench| {
                let by_app = |t: &Task| t.kind == Kind::GetToken && t.caller == Caller::App;
                bench.tasks.slots().filter(|(_, task)| by_app(task)).count()
            };
            let touch = sent_to(&bench.step(LATE, Input::SetActive { navigate }), endpoints::TOUCH);
            let actions = bench.answer(LATE, touch, BARE);
            assert_eq!(calls(&bench), usize::from(at_once), "{model:?} {navigate}");
            let fetch = sent_to(&actions, endpoints::TOKENS);
            let ended = bench.answer(LATE, fetch, fine(Some(Token::issued(LATE))));
            // App code's calls: `setActive`, and its own `getToken`.
            assert_eq!((waits(&ended), calls(&bench)), (2, 0), "{model:?} {navigate}: {ended:?}");
        }
    }

    /// Offline an empty answer does not change the session. A touch on focus or without navigation writes the cookie of
    /// the known token. From 6.0.0 on `setActive` ignores an offline error of its `getToken`.
    #[test]
    fn an_empty_answer_to_a_touch_writes_the_cookie_unless_it_navigates() {
        for (model, input, writes) in [
            (ClerkJs6_3_3, Input::Focus, true),
            (ClerkJs6_3_3, Input::SetActive { navigate: false }, true),
            (ClerkJs6_3_3, Input::SetActive { navigate: true }, false),
        ] {
            let mut bench = TestBench::signed_in(model, NEW);
            bench.rules.touch_errors = TouchErrors::Surface;
            let touch = sent_to(&bench.step(LATE, input), endpoints::TOUCH);
            bench.browser.cookie = None;
            bench.browser.set_offline(true);
            let actions = bench.answer(LATE, touch, Reply::Fail(Failure::NETWORK));
            let token = Token::issued(Time::ZERO);
            let written = actions.contains(&Action::Fact(Fact::Cookie(Some(token))));
            assert_eq!(written, writes, "{model:?} {input:?}: {actions:?}");
            let errors = facts(&actions).iter().filter(|fact| matches!(fact, Fact::AppError(_))).count();
            assert_eq!((errors, bench.tab.session), (0, true), "{model:?} {input:?}");
        }
    }

    /// A tab that signs out during its touch on focus writes the cookie again when the touch is answered.
    #[test]
    fn a_touch_writes_the_cookie_of_a_tab_that_has_signed_out() {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
        let flow = sent_to(&bench.step(NOW, Input::Message(messages::SIGN_OUT)), endpoints::CLIENT);
        bench.answer(NOW, flow, fine(None));
        assert_eq!((bench.tab.session, bench.browser.cookie), (false, None));
        let token = Some(Token::issued(NOW));
        bench.answer(NOW, touch, fine(token));
        assert_eq!((bench.tab.session, bench.browser.cookie), (false, token));
    }

    /// The server no longer lists the session. `setActive` ends without a session and without a call of `getToken`.
    #[test]
    fn set_active_ends_signed_out_where_the_session_is_not_listed() {
        for navigate in [false, true] {
            let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
            let touch = sent_to(&bench.step(LATE, Input::SetActive { navigate }), endpoints::TOUCH);
            let actions = bench.answer(LATE, touch, fine(None));
            assert_eq!(sends(&actions), []);
            assert!(facts(&actions).contains(&Fact::SignedOut), "{actions:?}");
            assert_eq!((bench.tab.session, bench.browser.cookie), (false, None));
        }
    }

    /// A `setActive` with navigation shows no session during navigation. Listeners are then told of the object again,
    /// as they are of an object that differs from the known one.
    #[test]
    fn a_navigation_hides_the_session_while_it_lasts() {
        for navigate in [false, true] {
            let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
            let shown = bench.tab.shown_object;
            // The answer contains the token that listeners know, so they treat it as the same object.
            let same = fine(bench.tab.last_token);
            let touch = sent_to(&bench.step(NOW, Input::SetActive { navigate }), endpoints::TOUCH);
            bench.answer(NOW, touch, same);
            let newest = bench.tab.newest_object;
            assert_ne!(newest, shown);
            let expected = if navigate { newest } else { shown };
            assert_eq!((bench.tab.shown, bench.tab.shown_object), (true, expected), "{navigate}");
        }
    }

    /// The calls of `setActive` of a page may end in any order. Those that still wait get the tokens of their own objects.
    #[test]
    fn every_waiting_set_active_gets_the_tokens_of_its_own_object() {
        let token = |object: u32| Some(Token::issued(Time::from_ms(u64::from(object))));
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 0, 3], [2, 0, 3, 1]] {
            let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
            bench.at(NOW, |page| {
                let mut waiting = [1, 2, 2, 4].map(|object| {
                    let id = page.start(Kind::SetActive, Caller::App, NONE, 0);
                    page.wait_for_token(id, object);
                    Some((id, object))
                });
                for ends in order {
                    let bare = Reply::Ok { token: None, listed: true };
                    waiting.iter().flatten().for_each(|(id, _)| page.tasks[*id].set_reply(bare));
                    (0..6).for_each(|object| page.tell_set_active(object, token(object)));
                    for (id, object) in waiting.iter().flatten() {
                        let own = Reply::Ok { token: token(*object), listed: true };
                        assert_eq!(page.tasks[*id].reply(), own, "{order:?}");
                    }
                    let (id, _) = waiting[ends].take().expect("each ends once");
                    page.waits_no_more(id);
                    page.tasks.end(id);
                }
                assert_eq!(page.tab.set_active, NONE);
            });
        }
    }

    /// `setActive` of a page without a session has nothing to touch. The cookie is removed.
    #[test]
    fn set_active_without_a_session_removes_the_cookie() {
        let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
        bench.step(Time::ZERO, Input::Open);
        let early = bench.step(NOW, Input::SetActive { navigate: false });
        assert_eq!(early, [Action::Fact(Fact::AppError(Failure::NETWORK))], "the client is not there yet");
        let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
        bench.load(Time::ZERO, fine(None), fine(None));
        bench.browser.cookie = Some(Token::issued(Time::ZERO));
        let actions = bench.step(NOW, Input::SetActive { navigate: false });
        assert_eq!(actions, [Action::Fact(Fact::Cookie(None))]);
    }
}
