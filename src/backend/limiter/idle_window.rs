//! Idle window: needs `limit` and `window`.
//!
//! A key's count starts at its first request. It is reset only by a request that comes later than `window` after the
//! last one that counted: that passed, or, where refused calls count too, that came at all. Until then at most `limit` requests pass. So a key that keeps asking below "`limit` in a
//! `window`" is still refused until it has been refused for a whole window (better-auth issue 6035: "1000 an hour"
//! refuses a client of 900 an hour). A limit of 0 refuses every request.

use super::{Kind, LimitKind, Verdict, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// At most `limit` requests until none has passed for a `window`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Most requests of a key that pass before the count is forgotten; 0 refuses everything.
    #[schemars(example = 10, extend("x-unit" = "requests"))]
    pub limit: u32,
    /// Time without a request that passes after which the count is forgotten.
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub window: Dur,
}

/// A count per key.
#[derive(Clone, Debug)]
pub(super) struct IdleWindow {
    limit: u32,
    window: Dur,
    counts: Vec<Count>,
}

/// Requests of a key that have passed, and the time of the last.
#[derive(Clone, Copy, Debug)]
struct Count {
    passed: u32,
    last: Time,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<Count>();
const _: () = assert!(KEY_BYTES <= 16);

impl IdleWindow {
    /// Requests that count at `now`.
    #[inline]
    fn counted(&self, key: usize, now: Time) -> u32 {
        let Count { passed, last } = self.counts[key];
        if now.since(last) > self.window { 0 } else { passed }
    }

    /// Whether so many more requests pass.
    #[inline]
    fn fits(&self, counted: u32, cost: u32) -> bool {
        u64::from(counted) + u64::from(cost) <= u64::from(self.limit)
    }
}

impl Kind for IdleWindow {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        format!("of {} until idle for {}", spec.limit, spec.window)
    }

    fn rate(_: &Spec) -> Option<Rate> {
        None
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        Some(super::fixed_window::by_clock(spec.limit, spec.window))
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> IdleWindow {
        let counts = vec![Count { passed: 0, last: Time::ZERO }; keys as usize];
        IdleWindow { limit: spec.limit, window: spec.window, counts }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        let counted = self.counted(key, now);
        if self.fits(counted, cost) {
            self.counts[key] = Count { passed: counted + cost, last: now };
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
        if self.limit < cost {
            Dur(u64::MAX)
        } else if self.fits(self.counted(key, now), cost) {
            Dur::ZERO
        } else {
            Dur((self.window.0 - now.since(self.counts[key].last).0).saturating_add(1))
        }
    }

    fn count(&mut self, key: usize, now: Time, cost: u32) {
        self.counts[key] = Count { passed: self.counted(key, now).saturating_add(cost), last: now };
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::IdleWindow(Spec { limit: pilot::count(spec.limit, share), window: spec.window })
    }

    fn draw(dice: &mut Dice, horizon_s: u64) -> Spec {
        Spec { limit: dice.small(1, 12), window: Dur::from_secs(dice.number(1, horizon_s / 4)) }
    }

    /// Law: at most `limit` requests pass one after another at distances of less than a window.
    fn broken_law(spec: &Spec, admitted: &[Time]) -> Option<String> {
        let (mut run, mut last) = (0, None::<Time>);
        for &at in admitted {
            run = if last.is_some_and(|last| at.since(last) <= spec.window) { run + 1 } else { 1 };
            if run > spec.limit {
                return Some(format!(
                    "{run} without a pause of {}, limit {}, at {at}",
                    spec.window, spec.limit
                ));
            }
            last = Some(at);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    fn window(limit: u32, window: Dur) -> IdleWindow {
        IdleWindow::new(&Spec { limit, window }, 1)
    }

    #[test]
    fn the_count_is_forgotten_after_a_window_without_a_request_that_passes() {
        let mut limiter = window(2, Dur(10));
        let asked =
            [(0, true), (9, true), (18, false), (19, false), (20, true), (30, true), (40, false), (41, true)];
        for (now, passes) in asked {
            assert_eq!(admits(limiter.ask(0, Time(now), 1)), passes, "at {now}");
        }
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        let mut limiter = window(1, Dur(10));
        assert!(admits(limiter.ask(0, Time(13), 1)));
        assert_eq!(limiter.ask(0, Time(13), 1), Verdict::Refuse { wait: Dur(11) });
        assert_eq!(limiter.ask(0, Time(22), 1), Verdict::Refuse { wait: Dur(2) });
        assert!(admits(limiter.ask(0, Time(24), 1)));
        assert_eq!(window(0, Dur(10)).ask(0, Time(3), 1), Verdict::Refuse { wait: Dur(u64::MAX) });
    }

    /// better-auth issue 6035: 900 requests an hour under "1000 an hour". 1000 pass, then 900 are refused for an hour.
    /// In the 21,600 requests of a day there are 11 such rounds of 1900, and 700 more.
    #[test]
    fn nine_hundred_an_hour_under_a_thousand_an_hour_lose_almost_half_a_day() {
        let mut limiter = window(1_000, Dur::from_secs(3_600));
        let day = (0..21_600).map(|n| limiter.ask(0, Time::from_ms(4_000 * n), 1));
        assert_eq!(admitted(day), 11_700);
    }

    #[test]
    fn the_law_is_kept_at_its_edge_and_broken_just_beyond() {
        let spec = Spec { limit: 2, window: Dur(10) };
        assert_eq!(IdleWindow::broken_law(&spec, &[0, 10, 21, 31].map(Time)), None);
        assert!(IdleWindow::broken_law(&spec, &[0, 10, 20].map(Time)).is_some());
    }
}
