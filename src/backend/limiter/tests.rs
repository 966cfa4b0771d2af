//! Compares every kind with the naive model, and tests properties across kinds.

#[path = "../../../tests/it/common/corpus.rs"]
mod corpus;

use super::testing::{
    ALL_KINDS, KEYS, Name, Numbers, Requests, TIMED_KINDS, admits, agrees_with_the_model, judge, numbers,
    succeeds,
};
use super::*;
use crate::backend::rate::Rate;
use proptest::prelude::*;

/// Limits with small numbers on a coarse or fine time grid, and requests near the edges of the grid: equal times, gaps
/// of a few grid steps, and times one nanosecond off. They begin at the start of the run or near the end of time.
fn cases(kinds: &'static [Name]) -> impl Strategy<Value = (Numbers, Requests)> {
    let numbers = (0..5u64, 1..12u64, 0..5u32, 0..5u32, 1..15u64);
    let flags = (prop::sample::select(kinds), any::<bool>(), prop::option::of(0..20u64));
    let grid = prop::sample::select(vec![1, 1_000_000_007, 10_000_000_000_000_000u64]);
    let begin = prop::sample::select(vec![0, 12_345, u64::MAX - 400]);
    let gap = prop_oneof![2 => Just(0), 3 => 0..4u64, 1 => 4..30u64];
    let steps = prop::collection::vec((0..KEYS, gap, 0..2u64), 1..80);
    let counts = prop_oneof![
        3 => Just(Counts::Admitted),
        1 => Just(Counts::All),
        1 => Just(Counts::Failures),
        1 => Just(Counts::Successes),
    ];
    let options = (counts, prop_oneof![3 => Just(1), 1 => 1..4u32], any::<bool>());
    (numbers, flags, options, grid, begin, steps).prop_map(|(numbers, flags, options, grid, begin, steps)| {
        let (count, per, burst, limit, window) = numbers;
        let (kind, other, penalty) = flags;
        let (counts, cost, prolonged) = options;
        let (rate, window) = (Rate { count, per: Dur(per * grid) }, Dur(window * grid));
        let penalty = penalty.map(|p| Dur(p * grid));
        let limit = Numbers { kind, rate, burst, limit, window, counts, cost, other, penalty, prolonged };
        let mut now = begin;
        let requests = steps.into_iter().map(|(key, gap, off)| {
            now = now.saturating_add(gap * grid + off).min(u64::MAX - 1);
            (key, Time(now))
        });
        let requests = requests.collect();
        (limit, requests)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_verdict_equals_the_naive_model_s((spec, requests) in cases(TIMED_KINDS)) {
        prop_assert_eq!(spec.kind().inexact(), None);
        agrees_with_the_model(&spec, &requests);
    }

    /// With T = 1 / rate and tau = (burst - 1) T, GCRA and a token bucket have the same verdicts and waits.
    #[test]
    fn gcra_and_a_token_bucket_give_the_same_verdicts((mut spec, requests) in cases(&[Name::TokenBucket])) {
        let mut bucket = spec.limiter(KEYS);
        spec.kind = Name::Gcra;
        let mut gcra = spec.limiter(KEYS);
        for (number, (key, now)) in requests.into_iter().enumerate() {
            let verdict = bucket.ask(key, now, spec.cost());
            prop_assert_eq!(verdict, gcra.ask(key, now, spec.cost()), "at {}", now.0);
            if admits(verdict) {
                bucket.settle(key, now, spec.cost(), succeeds(number));
                gcra.settle(key, now, spec.cost(), succeeds(number));
            }
        }
    }

    /// A shaper with a queue of `burst` admits the same requests as a bucket of `burst + 1`, and spaces them.
    #[test]
    fn a_shaper_admits_as_a_bucket_with_one_token_more((mut spec, requests) in cases(&[Name::LeakyBucket])) {
        prop_assume!(spec.rate.count > 0);
        let mut shaper = spec.limiter(KEYS);
        spec.kind = Name::Gcra;
        spec.counts = Counts::Admitted;
        spec.burst += 1;
        let mut gcra = spec.limiter(KEYS);
        for (key, now) in requests {
            match (shaper.ask(key, now, 1), gcra.ask(key, now, 1)) {
                (Verdict::Admit { .. }, Verdict::Admit { .. }) => {}
                (a, b) => prop_assert_eq!(a, b, "at {}", now.0),
            }
        }
    }

    /// No window of any length contains more requests than the bound of the kind.
    #[test]
    fn hard_bounds_hold_in_every_window((mut spec, requests) in cases(TIMED_KINDS)) {
        if spec.counts.is_settled() {
            // What does not count is not bounded.
            spec.counts = Counts::Admitted;
        }
        let mut limiter = spec.limiter(KEYS);
        let mut passed: Vec<Vec<i128>> = vec![Vec::new(); KEYS as usize];
        for (key, now) in requests {
            if let Verdict::Admit { delay } = limiter.ask(key, now, spec.cost()) {
                passed[key as usize].push(i128::from(now.0) + i128::from(delay.0));
            }
        }
        let limit = i128::from(spec.limit);
        let window = i128::from(spec.window.0);
        for times in passed {
            for (first, from) in times.iter().enumerate() {
                for (last, to) in times.iter().enumerate().skip(first) {
                    let within = (last - first + 1) as i128;
                    let span = to - from;
                    match (spec.kind, spec.rate) {
                        (Name::TokenBucket | Name::Gcra, rate) => {
                            let beyond_burst = (within - i128::from(spec.burst)) * i128::from(rate.per.0);
                            prop_assert!(beyond_burst <= i128::from(rate.count) * span);
                        }
                        // Returned departures are up to a nanosecond late, so the distance of two may be a nanosecond
                        // shorter.
                        (Name::LeakyBucket, rate) => {
                            let spaced = (within - 1) * i128::from(rate.per.0);
                            prop_assert!(spaced < i128::from(rate.count) * (span + 1));
                        }
                        (Name::SlidingLog, _) => prop_assert!(span >= window || within <= limit),
                        (_, _) => {
                            let aligned = spec.kind != Name::FixedWindow || !spec.other;
                            prop_assert!(!aligned || from / window != to / window || within <= limit);
                            prop_assert!(span >= window || within <= 2 * limit);
                        }
                    }
                }
            }
        }
    }

    /// A concurrency limit admits exactly while fewer than `limit` calls are in progress. A refusal starts the penalty.
    #[test]
    fn concurrency_counts_calls_in_progress(
        limit in 0..4u32,
        penalty in prop::option::of(0..10u64),
        steps in prop::collection::vec((0..KEYS, 0..4u64, any::<bool>()), 1..120),
    ) {
        let spec = Numbers { limit, penalty: penalty.map(Dur), ..numbers(Name::Concurrency) };
        let mut limiter = spec.limiter(KEYS);
        prop_assert!(limiter.needs_release());
        let mut in_progress = [0; KEYS as usize];
        let mut blocked_until = [0; KEYS as usize];
        let mut now = 0;
        for (key, gap, releases) in steps {
            now += gap;
            let at = key as usize;
            if releases && in_progress[at] > 0 {
                in_progress[at] -= 1;
                limiter.release(key, Time(now));
            } else {
                let is_blocked = now < blocked_until[at];
                let passes = !is_blocked && in_progress[at] < limit;
                if passes {
                    in_progress[at] += 1;
                } else if !is_blocked {
                    blocked_until[at] = now + penalty.unwrap_or(0);
                }
                let left = blocked_until[at].saturating_sub(now);
                let expected = match (passes, limit) {
                    (true, _) => Verdict::Admit { delay: Dur::ZERO },
                    (false, 0) => Verdict::Refuse { wait: Dur(u64::MAX) },
                    (false, _) => Verdict::Refuse { wait: Dur(left) },
                };
                prop_assert_eq!(limiter.ask(key, Time(now), 1), expected, "at {}", now);
            }
        }
    }
}

#[test]
fn the_corpus_agrees_with_the_model() {
    corpus::each("limiter", 30, judge);
}

#[test]
fn a_herd_of_equal_times_passes_the_burst_or_the_limit() {
    for (kind, passes) in ALL_KINDS.into_iter().zip([2, 2, 4, 4, 4, 4, 3, 4]) {
        let mut limiter = numbers(kind).limiter(2);
        for key in 0..2 {
            let herd = (0..1000).filter(|_| admits(limiter.ask(key, Time(77), 1))).count();
            assert_eq!(herd, passes, "{kind:?}, key {key}");
        }
    }
}

#[test]
fn only_concurrency_takes_notice_of_a_release() {
    for kind in ALL_KINDS {
        let mut limiter = numbers(kind).limiter(1);
        assert_eq!(limiter.needs_release(), kind == Name::Concurrency);
        while admits(limiter.ask(0, Time(77), 1)) {}
        limiter.release(0, Time(77));
        assert_eq!(admits(limiter.ask(0, Time(77), 1)), kind == Name::Concurrency, "{kind:?}");
    }
}

#[test]
fn a_penalty_hides_requests_from_the_log_and_is_not_extended() {
    let log = Numbers { limit: 1, window: Dur(10), counts: Counts::All, ..numbers(Name::SlidingLog) };
    let mut strict = Numbers { penalty: Some(Dur(25)), ..log };
    let mut limiter = strict.limiter(1);
    assert!(admits(limiter.ask(0, Time(0), 1)));
    // Refused and logged at 5. The block until 30 outlasts the log entry until 15.
    assert_eq!(limiter.ask(0, Time(5), 1), Verdict::Refuse { wait: Dur(25) });
    assert_eq!(limiter.ask(0, Time(29), 1), Verdict::Refuse { wait: Dur(1) });
    assert!(
        admits(limiter.ask(0, Time(30), 1)),
        "the request at 29 is not logged and does not extend the block"
    );
    // The window outlasts the block: refused at 31, blocked until 33, in the log until 41.
    strict.penalty = Some(Dur(2));
    let mut limiter = strict.limiter(1);
    assert!(admits(limiter.ask(0, Time(30), 1)));
    assert_eq!(limiter.ask(0, Time(31), 1), Verdict::Refuse { wait: Dur(10) });
    assert_eq!(limiter.ask(0, Time(32), 1), Verdict::Refuse { wait: Dur(9) });
}

#[test]
fn memory_per_key_is_as_stated() {
    let mut bytes: Vec<u64> =
        ALL_KINDS.iter().map(|kind| Limiter::bytes_per_key(&numbers(*kind).spec())).collect();
    assert_eq!(bytes, [16, 16, 16, 8 + 4 * 8, 16, 16, 16, 4]);
    let strict = Numbers { penalty: Some(Dur(1)), ..numbers(Name::Gcra) };
    bytes = vec![Limiter::bytes_per_key(&strict.spec())];
    assert_eq!(bytes, [24]);
}

#[test]
fn retry_after_is_whole_seconds() {
    for (wait, seconds, too_small) in [
        (Dur::ZERO, 0, 0),
        (Dur(1), 1, 0),
        (Dur::from_secs(1), 1, 0),
        (Dur(NS_PER_S + 1), 2, 1),
        (Dur::from_secs(7), 7, 3),
        (Dur::from_secs(65_535), 65_535, 32_767),
        (Dur::from_secs(86_400), 86_400, 43_200),
        (Dur(crate::kernel::time::MAX_DURATION.0), 3_153_600_000, 1_576_800_000),
        (Dur(u64::MAX), u32::MAX - 1, u32::MAX / 2),
    ] {
        let of = |mode| retry_after(&LimitSpec { retry_after: mode, ..numbers(Name::Gcra).spec() }, wait);
        assert_eq!(of(RetryAfter::Seconds).get(), Some(seconds), "{wait}");
        assert_eq!(of(RetryAfter::TooSmall).get(), Some(too_small), "{wait}");
        assert_eq!(of(RetryAfter::None), RetryIn::NONE, "{wait}");
    }
}

/// 7 divides no power of ten: a day is 8.64e13 units a request, 213_503 of which fit 64 bits.
#[test]
fn credit_beyond_64_bits_is_refused() {
    let rate = Rate::parse("7/1d").unwrap();
    let limit =
        |kind, burst| Numbers { rate, burst, ..numbers(kind) }.kind().inexact().map(|wrong| wrong.key);
    assert_eq!(limit(Name::TokenBucket, 213_503), None);
    assert_eq!(limit(Name::TokenBucket, 213_504), Some("burst"));
    assert_eq!(limit(Name::Gcra, 213_504), None);
}

/// Verdicts of a limiter keep its law. One more request breaks it.
#[test]
fn every_kind_keeps_its_law_and_the_law_can_be_broken() {
    for &kind in TIMED_KINDS {
        let limit = numbers(kind);
        let mut limiter = limit.limiter(1);
        let times = (0..400u64).map(|n| Time(n * 100_000_000));
        let mut admitted: Vec<Time> = times.filter(|now| admits(limiter.ask(0, *now, 1))).collect();
        assert!(admitted.len() > 8, "{kind:?}");
        assert_eq!(limit.kind().broken_law(&admitted), None, "{kind:?}");
        // Five in an instant are more than any of the limits lets pass at once.
        let first = admitted[0];
        admitted.splice(0..1, [first; 5]);
        assert!(limit.kind().broken_law(&admitted).is_some(), "{kind:?}");
    }
}

/// Names in scenarios, and values that a text gives read back.
#[test]
fn limits_read_back_as_they_are_written() {
    for kind in ALL_KINDS {
        let spec = numbers(kind).spec();
        let json = serde_json::to_value(&spec).unwrap();
        assert_eq!(json["kind"], spec.kind.name());
        assert_eq!(serde_json::from_value::<LimitSpec>(json).unwrap(), spec);
        let written = toml::to_string(&spec).unwrap();
        assert_eq!(toml::from_str::<LimitSpec>(&written).unwrap(), spec, "{written}");
    }
}

/// go-retryablehttp issue 170: the header says 4 of 4.999 s, and then 0. lore-weave issue 261: always 60.
#[test]
fn retry_after_may_be_rounded_down_or_constant() {
    let of = |spec: LimitSpec, ns| retry_after(&spec, Dur(ns)).get();
    let down = LimitSpec { retry_after: RetryAfter::RoundedDown, ..numbers(Name::Gcra).spec() };
    assert_eq!(
        [4_999_000_000, 4_000_000_000, 999_999_999, 0].map(|ns| of(down.clone(), ns)),
        [4, 4, 0, 0].map(Some)
    );
    let constant = LimitSpec {
        retry_after: RetryAfter::Constant,
        retry_after_s: Some(60),
        ..numbers(Name::Gcra).spec()
    };
    assert_eq!([0, 1, 1_000_000_000_000].map(|ns| of(constant.clone(), ns)), [Some(60); 3]);
}

/// Each call counts twice: half as many pass.
#[test]
fn a_call_that_costs_two_takes_two_places() {
    for kind in ALL_KINDS.into_iter().filter(|kind| numbers(*kind).kind().counts_calls()) {
        let twice = Numbers { cost: 2, ..numbers(kind) };
        let mut limiter = twice.limiter(1);
        let passed = (0..9).filter(|_| admits(limiter.ask(0, Time(77), 2))).count();
        let whole = if matches!(kind, Name::TokenBucket | Name::Gcra) { 2 } else { 4 };
        assert_eq!(passed, whole / 2, "{kind:?}");
        let Verdict::Refuse { wait } = limiter.ask(0, Time(77), 9) else { panic!("9 never fit: {kind:?}") };
        assert_eq!(wait, Dur(u64::MAX), "{kind:?}");
    }
}
