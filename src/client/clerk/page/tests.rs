use super::super::bench::{LATE, OLD, TestBench, fine, sends, sent_to, sets_active};
use super::super::browser::KeptEnvironment;
use super::super::endpoints;
use super::super::release::Model::ClerkJs6_3_3;
use super::*;
use crate::kernel::Dur;

#[test]
fn a_closed_page_does_nothing_and_an_opening_is_a_visit() {
    let mut bench = TestBench::new(ClerkJs6_3_3, &[]);
    let session = fine(Some(Token::issued(Time::ZERO)));
    bench.load(Time::ZERO, fine(None), session);
    assert_eq!((bench.tab.open(), bench.tab.session(), bench.tab.visit), (true, true, 1));
    bench.load(Time(1), fine(None), session);
    assert_eq!((bench.tab.visit, bench.tab.epoch), (1, 2), "a reload does not count as a visit");
    assert_eq!(bench.step(Time(2), Input::Close), [Action::Fact(Fact::PageGone)]);
    assert_eq!((bench.tab.open(), bench.tab.session()), (false, false));
    for input in [Input::Focus, Input::SignIn { again: false }, sets_active(false)] {
        assert_eq!(bench.step(Time(3), input), [], "{input:?}");
    }
    bench.load(Time(4), fine(None), session);
    assert_eq!(bench.tab.visit, 2);
}

#[test]
fn a_request_that_a_failed_one_caused_is_not_a_first_one() {
    let mut bench = TestBench::new(ClerkJs6_3_3, &[]);
    assert_eq!(
        sends(&bench.step(Time::ZERO, Input::Open)),
        [(endpoints::ENVIRONMENT, true), (endpoints::CLIENT, true)]
    );
    bench.load(Time(1), fine(None), fine(None));
    for again in [false, true] {
        let actions = bench.step(Time(2), Input::SignIn { again });
        assert_eq!(sends(&actions), [(endpoints::SIGN_IN, !again)]);
        let Some(Action::Send { task, .. }) = actions.first() else { panic!("a request") };
        bench.tasks[*task].set_reply(Reply::Fail(Failure::status(500)));
        let ended = Fact::SignInEnded(Some(Failure::status(500)));
        assert_eq!(bench.step(Time(3), Input::Answer(*task)), [Action::Fact(ended)]);
    }
}

/// `SafeLocalStorage`: 24 hours.
#[test]
fn a_kept_environment_is_good_for_a_day() {
    // A whole number of days and of 256 ns.
    let begin = Time::from_ms(32);
    let end = begin.after(Dur::from_secs(86_400));
    let failing = Reply::Fail(Failure::status(500));
    for (now, throttled) in [(end, true), (end.after(Dur(1)), false)] {
        let mut bench = TestBench::new(ClerkJs6_3_3, &[]);
        bench.load(begin, fine(None), fine(None));
        let kept = KeptEnvironment { throttled: true, until: end };
        assert_eq!(bench.browser.environment(), Some(kept));
        bench.load(now, failing, fine(None));
        assert_eq!((bench.tab.throttled(), bench.tab.status()), (throttled, Status::Degraded), "{now}");
    }
}

/// A reload leaves requests in flight. Each answer ends its task and the tasks that wait for it, and has no other
/// effect.
#[test]
fn what_a_reload_left_behind_ends_with_its_answer() {
    let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
    let poller = bench.tab.poll;
    // Two calls of the app and one of a focus share a fetch; a touch of `setActive`; a flow in a touch's fetch layer.
    let calls = bench.step(LATE, Input::AppGetToken { callers: 2, skip_cache: false });
    let set_active = bench.step(LATE, sets_active(false));
    let focus = bench.step(LATE, Input::Focus);
    let flow = bench.fail(LATE, sent_to(&focus, endpoints::TOUCH), 401);
    assert_eq!(bench.tasks.live(), 1 + (2 + 1 + 1) + 2 + 2);
    let first = bench.step(LATE, Input::Open);
    assert_eq!(bench.tasks.live(), 9 + 4, "a poller, a load and its two requests");
    for (left_over, live) in [
        (sent_to(&calls, endpoints::TOKENS), 9),
        (sent_to(&set_active, endpoints::TOUCH), 7),
        (sent_to(&flow, endpoints::CLIENT), 5),
    ] {
        assert_eq!(bench.answer(LATE, left_over, fine(Some(Token::issued(LATE)))), []);
        assert_eq!(bench.tasks.live(), live);
    }
    assert_eq!(bench.step(LATE, Input::Timer(poller)), []);
    assert_eq!(bench.tasks.live(), 4);
    // A load waits for both its requests.
    bench.step(LATE, Input::Open);
    for (endpoint, live) in [(endpoints::ENVIRONMENT, 4 + 3), (endpoints::CLIENT, 4 + 1)] {
        assert_eq!(bench.fail(LATE, sent_to(&first, endpoint), 500), []);
        assert_eq!(bench.tasks.live(), live);
    }
    assert!(!bench.tab.session());
}

#[test]
fn a_sign_in_without_an_answer_has_failed() {
    let mut bench = TestBench::new(ClerkJs6_3_3, OLD);
    bench.load(Time::ZERO, fine(None), fine(None));
    for offline in [false, true] {
        let sent = bench.step(Time(1), Input::SignIn { again: false });
        bench.browser.set_offline(offline);
        let actions =
            bench.answer(Time(2), sent_to(&sent, endpoints::SIGN_IN), Reply::Fail(Failure::NETWORK));
        assert_eq!(actions, [Action::Fact(Fact::SignInEnded(Some(Failure::NETWORK)))]);
    }
}
