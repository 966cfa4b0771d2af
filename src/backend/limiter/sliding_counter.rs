//! Sliding counter: needs `limit` and `window`, takes `estimate`.
//!
//! The number of requests in the window before now is estimated from two fixed windows, which are aligned to the start
//! of the run: `estimate = previous * (W - elapsed) / W + current`. This assumes that the previous requests came evenly
//! (Cloudflare, "How we built rate limiting capable of scaling to millions of domains", 2017). There are two
//! conventions. `with-call` admits if `estimate + 1 <= limit`: the estimate including the request stays within the limit.
//! `before-call` admits if `estimate < limit`, so that the estimate may exceed the limit by less than one. Upstash's
//! `ratelimit` does the latter: it rounds the part of the previous window down and admits if the sum is below the limit
//! (`slidingWindowLimitScript`), which decides alike, because counts are whole. Only admitted requests count, unless
//! `counts` says otherwise; Kong's rate-limiting-advanced counts refused ones too unless `disable_penalty` is set. A
//! limit of 0 refuses every request.

use super::{Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The requests in the window before now are estimated from two fixed windows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Most requests of a key that pass in a window; 0 refuses everything.
    #[schemars(example = 10, extend("x-unit" = "requests"))]
    pub limit: u32,
    /// Length of a window.
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub window: Dur,
    /// How the estimate is compared with the limit.
    #[serde(default, skip_serializing_if = "Estimate::is_with_call")]
    pub estimate: Estimate,
}

/// How the estimate is compared with the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Estimate {
    /// The estimate with the call is at most the limit (Cloudflare).
    #[default]
    WithCall,
    /// The estimate before the call is below the limit; the part of the previous window is rounded down, which decides
    /// alike (Upstash).
    BeforeCall,
}

impl Estimate {
    fn is_with_call(&self) -> bool {
        *self == Estimate::WithCall
    }
}

/// Two counters per key.
#[derive(Clone, Debug)]
pub(super) struct SlidingCounter {
    limit: u32,
    window: u64,
    estimate: Estimate,
    counters: Vec<Counters>,
}

/// Numbers of requests of a key that passed in the window `index` and in the one before it.
#[derive(Clone, Copy, Debug)]
struct Counters {
    index: u64,
    previous: u32,
    current: u32,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<Counters>();
// At most, because some platforms align 64-bit numbers to 4 bytes.
const _: () = assert!(KEY_BYTES <= 16);

impl SlidingCounter {
    /// The counters for the window that contains `now`.
    #[inline]
    fn counters(&self, key: usize, now: Time) -> Counters {
        let index = now.0 / self.window;
        let counters = self.counters[key];
        match index.saturating_sub(counters.index) {
            0 => counters,
            1 => Counters { index, previous: counters.current, current: 0 },
            _ => Counters { index, previous: 0, current: 0 },
        }
    }

    /// Elapsed time of a window after which `previous` counts as at most `room`. At most the whole window: the window
    /// after it then begins with at most `room` counted for the previous one, and a request passes.
    fn enough_elapsed(&self, previous: u32, room: u32) -> u64 {
        if previous <= room {
            return 0;
        }
        let remaining = self.most(room) / u128::from(previous);
        self.window - u64::try_from(remaining).expect("less than a window, as room < previous")
    }

    /// The most that a number of requests, times the window, may be to count as at most `requests`.
    #[inline]
    fn most(&self, requests: u32) -> u128 {
        let window = u128::from(self.window);
        match self.estimate {
            Estimate::WithCall => u128::from(requests) * window,
            Estimate::BeforeCall => (u128::from(requests) + 1) * window - 1,
        }
    }
}

impl Kind for SlidingCounter {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        match spec.estimate {
            Estimate::WithCall => format!("of {} in {}", spec.limit, spec.window),
            Estimate::BeforeCall => {
                format!("of {} in {}, estimated before the call", spec.limit, spec.window)
            }
        }
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        Some(Rate { count: spec.limit.into(), per: spec.window })
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        Some(super::fixed_window::by_clock(spec.limit, spec.window))
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> SlidingCounter {
        let counters = vec![Counters { index: 0, previous: 0, current: 0 }; keys as usize];
        SlidingCounter { limit: spec.limit, window: spec.window.0, estimate: spec.estimate, counters }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        let counters = self.counters(key, now);
        let remaining = self.window - now.0 % self.window;
        // The condition multiplied by W: integers below 2^98.
        let with_call = u128::from(counters.previous) * u128::from(remaining)
            + (u128::from(counters.current) + u128::from(cost)) * u128::from(self.window);
        if with_call <= self.most(self.limit) {
            // The current window alone is within the limit.
            self.counters[key] = Counters { current: counters.current + cost, ..counters };
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
        let counters = self.counters(key, now);
        let elapsed = now.0 % self.window;
        let Some(at_most) = self.limit.checked_sub(cost) else { return Dur(u64::MAX) };
        match at_most.checked_sub(counters.current) {
            Some(room) => Dur(self.enough_elapsed(counters.previous, room).saturating_sub(elapsed)),
            // This window is full. The next one decides, with this window's count as the previous one.
            None => Dur(self.enough_elapsed(counters.current, at_most).saturating_add(self.window - elapsed)),
        }
    }

    fn count(&mut self, key: usize, now: Time, cost: u32) {
        let counters = self.counters(key, now);
        self.counters[key] = Counters { current: counters.current.saturating_add(cost), ..counters };
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::SlidingCounter(Spec { limit: pilot::count(spec.limit, share), ..spec.clone() })
    }

    fn draw(dice: &mut Dice, horizon_s: u64) -> Spec {
        let (limit, window) = (dice.small(1, 12), Dur::from_secs(dice.number(1, horizon_s / 4)));
        Spec { limit, window, estimate: Estimate::WithCall }
    }

    fn vary(spec: &mut Spec, dice: &mut Dice) {
        if dice.yes(0.4) {
            spec.estimate = Estimate::BeforeCall;
        }
    }

    fn broken_law(spec: &Spec, admitted: &[Time]) -> Option<String> {
        law::aligned_windows(spec.limit, spec.window, admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    fn counter(limit: u32, window: Dur) -> SlidingCounter {
        SlidingCounter::new(&Spec { limit, window, estimate: Estimate::WithCall }, 1)
    }

    /// The numbers of the golden estimate, 49.5, under the other convention: 49.5 < 50 admits, floor(31.5) + 18 = 49 < 50
    /// does, and then 50.5 refuses until the estimate is below 50: 42 (60 - e) / 60 < 31 later than e = 15.714285714 s.
    #[test]
    fn the_other_convention_compares_the_estimate_before_the_call() {
        let spec = Spec { limit: 50, window: Dur::from_secs(60), estimate: Estimate::BeforeCall };
        let mut limiter = SlidingCounter::new(&spec, 1);
        limiter.counters[0] = Counters { index: 1, previous: 42, current: 18 };
        let now = Time::from_ms(75_000);
        assert!(admits(limiter.ask(0, now, 1)));
        assert_eq!(limiter.ask(0, now, 1), Verdict::Refuse { wait: Dur(714_285_715) });
        let closed = Spec { limit: 0, ..spec };
        assert_eq!(SlidingCounter::new(&closed, 1).ask(0, now, 1), Verdict::Refuse { wait: Dur(u64::MAX) });
    }

    /// Refused calls that count keep the estimate above the limit: a client of 2 a window under 1 a window never passes
    /// again.
    #[test]
    fn counted_refusals_lock_a_client_out_of_a_sliding_counter() {
        let mut limiter = counter(1, Dur(10));
        let mut passed = 0;
        for n in 0..40 {
            match limiter.ask(0, Time(5 * n), 1) {
                Verdict::Admit { .. } => passed += 1,
                Verdict::Refuse { .. } => limiter.count(0, Time(5 * n), 1),
            }
        }
        assert_eq!(passed, 1);
    }

    /// From the oracle sliding_window_counter_golden (Cloudflare 2017): 42 in the previous window, 18 in this one, 15 s
    /// of 60 s elapsed. The estimate is 49.5. A limit of 50 refuses, because 50.5 > 50.
    #[test]
    fn golden_estimate_and_convention() {
        let second = |s: u64| Time::from_ms(s * 1000);
        for (limit, passes) in [(50, false), (51, true)] {
            let mut limiter = counter(limit, Dur::from_secs(60));
            limiter.counters[0] = Counters { index: 1, previous: 42, current: 18 };
            assert_eq!(admits(limiter.ask(0, second(75), 1)), passes, "limit {limit}");
        }
        let mut limiter = counter(50, Dur::from_secs(60));
        limiter.counters[0] = Counters { index: 1, previous: 42, current: 18 };
        // 42 (60 - e) / 60 <= 31 from e = 60 (1 - 31/42) s = 15.714285714... s on.
        assert_eq!(limiter.ask(0, second(75), 1), Verdict::Refuse { wait: Dur(714_285_715) });
    }

    #[test]
    fn the_previous_window_fades_evenly() {
        let mut limiter = counter(4, Dur(100));
        assert_eq!(admitted([0, 0, 99, 99, 99].map(|t| limiter.ask(0, Time(t), 1))), 4);
        for (now, passes) in
            [(100, false), (124, false), (125, true), (149, false), (150, true), (174, false)]
        {
            assert_eq!(admits(limiter.ask(0, Time(now), 1)), passes, "at {now}");
        }
        // After a whole window without requests, the count is zero.
        assert_eq!(admitted((0..9).map(|_| limiter.ask(0, Time(300), 1))), 4);
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        for (limit, window) in [(1, 1), (1, 100), (2, 3), (3, 7), (50, 1_000_003)] {
            let mut limiter = counter(limit, Dur(window));
            assert_eq!(admitted((0..99).map(|_| limiter.ask(0, Time(0), 1))), limit as usize);
            let Verdict::Refuse { wait } = limiter.ask(0, Time(0), 1) else { panic!("the limit is used") };
            assert!(!admits(limiter.ask(0, Time(wait.0 - 1), 1)), "{limit} in {window}");
            assert!(admits(limiter.ask(0, Time(wait.0), 1)), "{limit} in {window}");
        }
    }

    #[test]
    fn limit_zero_and_the_end_of_time() {
        assert_eq!(counter(0, Dur(10)).ask(0, Time(3), 1), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut limiter = counter(u32::MAX, Dur(u64::MAX));
        limiter.counters[0] = Counters { index: 0, previous: u32::MAX, current: u32::MAX };
        assert_eq!(limiter.ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur(4_294_967_297) });
    }
}
