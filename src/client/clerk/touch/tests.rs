//! Tests of touches and `setActive`.

use super::super::bench::{
    BARE, LATE, NEW, NOW, OLD, TestBench, facts, fine, sends, sent_to, sets_active, waits,
};
use super::super::endpoints;
use super::super::messages;
use super::super::release::Model::{ClerkJs5_125_3, ClerkJs6_0_0, ClerkJs6_3_3, ClerkJs6_40_0};
use super::super::tab::Tab;
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
    let navigating = sets_active(true);
    let staying = sets_active(false);
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
        // This release catches the error of a touch on focus.
        (ClerkJs6_40_0, NEW, Input::Focus, 429, Swallow),
        (ClerkJs6_40_0, NEW, Input::Focus, 422, EnterFlow),
        (ClerkJs6_40_0, NEW, staying, 429, Surface),
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
        // No code awaits a touch on focus.
        let error =
            if input == Input::Focus { Fact::UnhandledRejection(failure) } else { Fact::AppError(failure) };
        assert_eq!(told.contains(&error), verdict == Surface, "{case}: {told:?}");
        let flow = if verdict == EnterFlow { vec![(endpoints::CLIENT, false)] } else { vec![] };
        assert_eq!(sends(&actions), flow, "{case}");
        let waited = told.contains(&Fact::AppWaited(Dur::ZERO));
        assert_eq!(waited, input != Input::Focus, "{case}: {told:?}");
        assert!(bench.tab.session(), "{case}");
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
        let touch = sent_to(&bench.step(LATE, sets_active(navigate)), endpoints::TOUCH);
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
        (ClerkJs6_3_3, sets_active(false), true),
        (ClerkJs6_3_3, sets_active(true), false),
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
        assert_eq!((errors, bench.tab.session()), (0, true), "{model:?} {input:?}");
    }
}

/// A tab that signs out during its touch on focus writes the cookie again when the touch is answered.
#[test]
fn a_touch_writes_the_cookie_of_a_tab_that_has_signed_out() {
    let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
    let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
    let flow = sent_to(&bench.step(NOW, Input::Message(messages::SIGN_OUT)), endpoints::CLIENT);
    bench.answer(NOW, flow, fine(None));
    assert_eq!((bench.tab.session(), bench.browser.cookie), (false, None));
    let token = Some(Token::issued(NOW));
    bench.answer(NOW, touch, fine(token));
    assert_eq!((bench.tab.session(), bench.browser.cookie), (false, token));
}

/// The server no longer lists the session. `setActive` ends without a session and without a call of `getToken`.
#[test]
fn set_active_ends_signed_out_where_the_session_is_not_listed() {
    for navigate in [false, true] {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        let touch = sent_to(&bench.step(LATE, sets_active(navigate)), endpoints::TOUCH);
        let actions = bench.answer(LATE, touch, fine(None));
        assert_eq!(sends(&actions), []);
        assert!(facts(&actions).contains(&Fact::SignedOut), "{actions:?}");
        assert_eq!((bench.tab.session(), bench.browser.cookie), (false, None));
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
        let touch = sent_to(&bench.step(NOW, sets_active(navigate)), endpoints::TOUCH);
        bench.answer(NOW, touch, same);
        let newest = bench.tab.newest_object;
        assert_ne!(newest, shown);
        let expected = if navigate { newest } else { shown };
        assert_eq!((bench.tab.shown(), bench.tab.shown_object), (true, expected), "{navigate}");
    }
}

/// The calls of `setActive` of a page may end in any order. Those that still wait get the tokens of their own objects.
#[test]
fn every_waiting_set_active_gets_the_tokens_of_its_own_object() {
    let token = |object: u32| Some(Token::issued(Time::from_ms(u64::from(object))));
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 0, 3], [2, 0, 3, 1]] {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        bench.at(NOW, |page| {
            page.tab.newest_object = 6;
            let mut waiting = [1, 2, 2, 4].map(|object| {
                let id = page.start(Kind::SetActive, Caller::App, NONE, 0);
                page.wait_for_token(id, object);
                Some((id, object))
            });
            for ends in order {
                let bare = Reply::Ok { token: None, listed: true };
                waiting.iter().flatten().for_each(|(id, _)| page.tasks[*id].set_reply(bare));
                (0..6).for_each(|object| page.set_object_token(object, token(object)));
                for (id, object) in waiting.iter().flatten() {
                    let own = Reply::Ok { token: token(*object), listed: true };
                    assert_eq!(page.tasks[*id].reply(), own, "{order:?}");
                }
                let (id, _) = waiting[ends].take().expect("each ends once");
                page.waits_no_more(id);
                page.tasks.end(id);
            }
            assert_eq!(page.rest.set_active, NONE);
        });
    }
}

/// `setActive` of a page without a session has nothing to touch. The cookie is removed.
#[test]
fn set_active_without_a_session_removes_the_cookie() {
    let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
    bench.step(Time::ZERO, Input::Open);
    let early = bench.step(NOW, sets_active(false));
    assert_eq!(early, [Action::Fact(Fact::AppError(Failure::NETWORK))], "the client is not there yet");
    let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
    bench.load(Time::ZERO, fine(None), fine(None));
    bench.browser.cookie = Some(Token::issued(Time::ZERO));
    let actions = bench.step(NOW, sets_active(false));
    assert_eq!(actions, [Action::Fact(Fact::Cookie(None))]);
}

/// A `setActive` waits with an object that is neither current nor known to listeners, and a touch of that object is
/// answered meanwhile. The object keeps the `updated_at` of the answer when it becomes current.
#[test]
fn the_object_of_a_waiting_set_active_keeps_the_updated_at_of_its_touch() {
    for touched in [false, true] {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        bench.setup.updated_at_moves = true;
        bench.at(NOW, |page| {
            page.tab.newest_object = 6;
            page.make_current(5, None);
            let id = page.start(Kind::SetActive, Caller::App, NONE, 0);
            page.app_asks();
            page.wait_for_token(id, 3);
            if touched {
                page.note_touched(3, true);
            }
            page.set_active_has_token(id, Ok(None));
            let newest = if touched { 6 } else { 3 };
            assert_eq!((page.rest.object, page.rest.object_age), (3, Tab::age_of(newest)));
        });
    }
}
