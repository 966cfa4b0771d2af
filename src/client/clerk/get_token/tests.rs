use super::super::bench::{
    BARE, LATE, NEW, NOW, OLD, PAST_CACHE, TestBench, facts, fine, sends, sent_to, sets_active,
};
use super::super::endpoints;
use super::super::messages;
use super::super::release::Model::{self, ClerkJs5_125_3, ClerkJs6_0_0, ClerkJs6_1_0, ClerkJs6_3_3};
use super::super::setup::Rules;
use super::super::task::Reply;
use super::*;
use crate::client::policy::{CircuitBreaker, Policy};
use crate::client::session_policy::SessionLimits;
use crate::client::step::{Action, Input};
use crate::kernel::{Dur, Time};
use crate::protocol::RetryIn;
use crate::scenario::policies::preset;
use proptest::prelude::*;

/// Nygard, *Release It!*, ch. 5: an open circuit fails at once and sends nothing.
#[test]
fn an_open_circuit_sends_nothing() {
    let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
    let breaker = CircuitBreaker { failures: 2, open: Dur::from_secs(30) };
    let policy = Policy { circuit_breaker: Some(breaker), ..preset("new").unwrap() };
    bench.rules.limits = SessionLimits::of(&policy);
    for failures in 0..2 {
        let fetch = sent_to(&bench.step(NOW, PAST_CACHE), endpoints::TOKENS);
        let actions = bench.fail(NOW, fetch, 429);
        assert!(facts(&actions).contains(&Fact::AppError(Failure::status(429))), "{failures}");
    }
    let refused = [Fact::AppAsked, Fact::AppWaited(Dur::ZERO), Fact::AppError(Failure::NETWORK)];
    let open = bench.step(NOW.after(Dur::from_ms(29_999)), PAST_CACHE);
    assert_eq!((sends(&open), facts(&open)), (vec![], refused.to_vec()));
    let probe = bench.step(NOW.after(Dur::from_secs(30)), PAST_CACHE);
    assert_eq!(sends(&probe), [(endpoints::TOKENS, true)]);
}

/// `clerk-js.md`: after a 422 to /tokens with the code `missing_expired_token` the client sends the request again with
/// its expired token. The second request is caused by a failure.
#[test]
fn an_expired_token_is_offered_once_and_by_an_object_that_has_one() {
    let missing = Failure { status: 422, code: 3, retry_after: RetryIn::NONE };
    let other = Failure { status: 422, code: 4, retry_after: RetryIn::NONE };
    let elsewhere = Failure { status: 403, code: 3, retry_after: RetryIn::NONE };
    for (failure, has_token, offers) in [
        (missing, true, true),
        (missing, false, false),
        (other, true, false),
        (elsewhere, true, false),
        (Failure::status(422), true, false),
    ] {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        bench.setup.missing_expired_token = 3;
        if !has_token {
            let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
            bench.answer(NOW, touch, BARE);
        }
        let fetch = sent_to(&bench.step(NOW, PAST_CACHE), endpoints::TOKENS);
        let mut actions = bench.answer(NOW, fetch, Reply::Fail(failure));
        if offers {
            assert_eq!((sends(&actions), facts(&actions)), (vec![(endpoints::TOKENS, false)], vec![]));
            actions = bench.answer(NOW, fetch, Reply::Fail(failure));
        }
        assert_eq!(sends(&actions), [], "{failure:?}");
        assert!(facts(&actions).contains(&Fact::AppError(failure)), "{failure:?}: {actions:?}");
    }
}

/// `clerk-js.md`, finding 2 (G2): a `setActive` that ends late makes its own, older session object current again. The
/// token is the one of that object's own fetch, not one that it shares with another object.
#[test]
fn an_older_session_object_comes_back_with_its_own_token() {
    let token = |ms| Token::issued(Time::from_ms(ms));
    for shares in [false, true] {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
        let earlier = shares.then(|| sent_to(&bench.step(LATE, PAST_CACHE), endpoints::TOKENS));
        let touch = sent_to(&bench.step(LATE, sets_active(false)), endpoints::TOUCH);
        let actions = bench.answer(LATE, touch, BARE);
        let fetch = earlier.unwrap_or_else(|| sent_to(&actions, endpoints::TOKENS));
        // A newer client resource arrives, and with it a newer object.
        let flow = sent_to(&bench.step(LATE, Input::Message(messages::SIGN_OUT)), endpoints::CLIENT);
        bench.answer(LATE, flow, fine(Some(token(57_000))));
        assert_eq!((bench.rest.object, bench.tab.last_token), (3, Some(token(57_000))));
        bench.answer(LATE, fetch, fine(Some(token(57_500))));
        let own = (!shares).then_some(token(57_500));
        assert_eq!((bench.rest.object, bench.tab.last_token), (2, own), "shares: {shares}");
        assert_eq!(bench.rest.newest_token, Some(token(57_000)), "which the newest object does not take");
    }
}

/// A `setActive` keeps its session object while it waits, and the object holds its last token. A token that another call
/// fetched for that object is there at the end, whether the two newer objects arrive before or after it. A touch on focus
/// sets the token of the object that it touches; the first touch is for the object of the `setActive`.
#[test]
fn a_waiting_set_active_has_what_another_call_fetched_for_its_object() {
    let token = |ms| Token::issued(Time::from_ms(ms));
    let (own_token, of_touch) = (Some(token(57_500)), Some(token(57_000)));
    for (by_focus, fetched_first, fails, expected) in [
        (false, true, false, own_token),
        (false, false, false, own_token),
        (false, false, true, None),
        (true, true, false, of_touch),
        (true, false, false, own_token),
        (true, false, true, of_touch),
    ] {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
        bench.tab.set_throttled(false);
        // The `setActive` shares a fetch of the object before its own.
        let shared = sent_to(&bench.step(LATE, PAST_CACHE), endpoints::TOKENS);
        let touch = sent_to(&bench.step(LATE, sets_active(false)), endpoints::TOUCH);
        assert_eq!(sends(&bench.answer(LATE, touch, BARE)), []);
        let own = sent_to(&bench.step(LATE, PAST_CACHE), endpoints::TOKENS);
        assert_eq!((bench.rest.object, bench.tasks[shared].object, bench.tasks[own].object), (2, 1, 2));
        let newer = |bench: &mut TestBench| {
            for ms in [57_000, 57_001] {
                let request = if by_focus {
                    sent_to(&bench.step(LATE, Input::Focus), endpoints::TOUCH)
                } else {
                    sent_to(&bench.step(LATE, Input::Message(messages::SIGN_OUT)), endpoints::CLIENT)
                };
                bench.answer(LATE, request, fine(Some(token(ms))));
            }
        };
        let fetched = |bench: &mut TestBench| match fails {
            true => bench.fail(LATE, own, 400),
            false => bench.answer(LATE, own, fine(Some(token(57_500)))),
        };
        if fetched_first {
            fetched(&mut bench);
            newer(&mut bench);
        } else {
            newer(&mut bench);
            fetched(&mut bench);
        }
        assert_eq!((bench.rest.object, bench.tab.shown_object), (4, 4));
        bench.answer(LATE, shared, fine(Some(token(57_600))));
        let case = format!("by focus {by_focus}, fetched first {fetched_first}, fails {fails}");
        assert_eq!((bench.rest.object, bench.tab.last_token), (2, expected), "{case}");
    }
}

/// A token that another tab broadcasts during a fetch is compared with the fetched token.
#[test]
fn a_token_heard_during_a_fetch_counts_when_it_is_newer() {
    let fetched = Token::issued(NOW);
    for (heard_s, fails, kept) in [
        (9, false, fetched),
        (10, false, fetched),
        (11, false, Token::known_by_iat(11)),
        (9, true, Token::known_by_iat(9)),
    ] {
        let mut bench = TestBench::signed_in(ClerkJs6_1_0, NEW);
        let fetch = sent_to(&bench.step(NOW, PAST_CACHE), endpoints::TOKENS);
        bench.step(NOW, Input::Message(messages::token(Token::known_by_iat(heard_s))));
        let actions =
            if fails { bench.fail(NOW, fetch, 429) } else { bench.answer(NOW, fetch, fine(Some(fetched))) };
        let told = actions.contains(&Action::Tell(messages::token(fetched)));
        assert_eq!(told, !fails, "what is fetched is told, what is heard is not");
        let next = bench.step(NOW, Input::AppGetToken { callers: 1, skip_cache: false });
        assert_eq!(sends(&next), [], "{heard_s}: it is cached");
        assert_eq!(bench.browser.cookie, Some(kept), "heard {heard_s} s, fails: {fails}");
    }
}

/// Requests of a recording to one endpoint: send time and answer time in milliseconds, and the status.
fn recorded(name: &str, endpoint: &str) -> Vec<(u64, u64, u64)> {
    let path = format!("{}/tests/recordings/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let recording: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let requests = recording["requests"].as_array().unwrap().iter();
    let number = |request: &serde_json::Value, at: usize| request[at].as_u64().unwrap();
    requests.filter(|r| r[2] == endpoint).map(|r| (number(r, 0), number(r, 4), number(r, 3))).collect()
}

/// The waits of a `getToken` that keeps failing, from the poller's calls in 6.1.0-S1. The background refresh comes
/// first and is not retried. Nine tries follow.
fn recorded_waits() -> Vec<u64> {
    let calls = recorded("6.1.0-S1-tokens429", "tokens");
    let first = calls.iter().position(|call| call.2 == 429).unwrap() + 1;
    calls[first..first + 9].windows(2).map(|pair| pair[1].0 - pair[0].1).collect()
}

/// A naive model of the cache with one token: `clerk-js.md`, Timers and finding 9.
struct NaiveCache {
    life_s: u64,
    /// A token with less than this left is unusable, in seconds.
    least_s: u64,
    by_receipt: bool,
    /// The token's `iat`, and the second from which its age counts.
    held: Option<(u64, u64)>,
    /// The second at which the fetch began.
    fetching: Option<u64>,
    heard: Option<u64>,
}

impl NaiveCache {
    /// The model after a page load at the start of the run.
    fn new(model: Model) -> NaiveCache {
        let by_receipt = model == ClerkJs5_125_3;
        let least_s = if by_receipt { 15 } else { 6 };
        NaiveCache { life_s: 60, least_s, by_receipt, held: Some((0, 0)), fetching: None, heard: None }
    }

    /// The token that a call at this second gets.
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

/// The naive cache and a poller make the requests of recordings in which only the poller fetches: 5.125.3 (S0), and
/// 6.1.0 after its background refresh has failed (S1).
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
    /// For any retried failure and any answer time, the waits between tries are the recorded ones, the ninth failure is
    /// the last, and the caller waits until then.
    #[test]
    fn the_waits_between_tries_are_the_recorded_ones(
        begin in 0..100_000_u64,
        rtts in prop::collection::vec(0..3_000_u64, 9),
        statuses in prop::collection::vec(prop::sample::select(vec![0_u16, 429, 500, 503]), 9),
        failures in 0..=9_usize,
    ) {
        let waits = recorded_waits();
        let mut bench = TestBench::signed_in(ClerkJs6_1_0, NEW);
        bench.rules = Rules::of(&preset("new").unwrap(), &[], (1, 0));
        let began = Time::from_ms(begin);
        let mut now = began;
        let mut actions = bench.step(now, PAST_CACHE);
        for at in 0..9 {
            let fetch = sent_to(&actions, endpoints::TOKENS);
            now = now.after(Dur::from_ms(rtts[at]));
            if at == failures {
                actions = bench.answer(now, fetch, fine(Some(Token::issued(now))));
                break;
            }
            actions = bench.fail(now, fetch, statuses[at]);
            let timers: Vec<_> = actions.iter().filter_map(|action| match action {
                Action::Wait { task, wait, .. } => Some((*task, *wait)),
                _ => None,
            }).collect();
            if at < 8 {
                let wait = Dur::from_ms(waits[at]);
                prop_assert_eq!(timers.len(), 1);
                prop_assert_eq!((timers[0].1.low, timers[0].1.high), (wait, wait));
                now = now.after(wait);
                actions = bench.step(now, Input::Timer(timers[0].0));
            } else {
                prop_assert!(timers.is_empty());
            }
        }
        let told = facts(&actions);
        prop_assert!(told.contains(&Fact::AppWaited(now.since(began))), "{:?}", told);
        let error = Fact::AppError(Failure::status(statuses[8]));
        prop_assert_eq!(told.contains(&error), failures == 9);
    }

    /// For any order of calls, answers and other tabs' tokens, the cache requests and returns a token exactly when the
    /// naive cache does.
    #[test]
    fn the_cache_agrees_with_the_naive_model(
        model in prop::sample::select(vec![ClerkJs5_125_3, ClerkJs6_0_0, ClerkJs6_1_0, ClerkJs6_3_3]),
        steps in prop::collection::vec((0..5_u8, 0..30_000_u64, 0..70_u64), 1..60),
    ) {
        let mut bench = TestBench::signed_in(model, NEW);
        let mut naive = NaiveCache::new(model);
        let mut fetch = None;
        let mut ms = 0;
        for (what, gap, age) in steps {
            ms += gap;
            let (now, second) = (Time::from_ms(ms), ms / 1_000);
            match (what, fetch) {
                (0..2, _) => {
                    let actions = bench.step(now, Input::AppGetToken { callers: 1, skip_cache: false });
                    prop_assert_eq!(!sends(&actions).is_empty(), naive.asked(second), "at {} ms", ms);
                    if !sends(&actions).is_empty() {
                        fetch = Some(sent_to(&actions, endpoints::TOKENS));
                    } else if fetch.is_none() {
                        let served = bench.browser.cookie.map(|token| u64::from(token.iat()));
                        prop_assert_eq!(served, naive.usable(second), "at {} ms", ms);
                    }
                }
                (2, Some(task)) => {
                    bench.answer(now, task, fine(Some(Token::issued(now))));
                    naive.answered(Some(second));
                    fetch = None;
                }
                (3, Some(task)) => {
                    bench.answer(now, task, Reply::Fail(Failure::status(400)));
                    naive.answered(None);
                    fetch = None;
                }
                (4, _) => {
                    let iat = second.saturating_sub(age);
                    bench.step(now, Input::Message(messages::token(Token::known_by_iat(iat as u32))));
                    naive.hears(iat, second);
                }
                _ => {}
            }
        }
    }
}
