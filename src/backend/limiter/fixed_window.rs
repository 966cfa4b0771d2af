//! Fixed window: needs `limit` and `window`.
//!
//! At most `limit` requests of a key pass in each window `[i W, (i + 1) W)`. Windows are aligned to the start of the
//! run. Around a boundary, up to twice the limit can pass within the length of a window (Cloudflare, "How we built rate
//! limiting capable of scaling to millions of domains", 2017). A limit of 0 refuses every request.

use super::{Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// At most `limit` requests in each window; windows are aligned to the start of the run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Most requests of a key that pass in a window; 0 refuses everything.
    #[schemars(example = 10, extend("x-unit" = "requests"))]
    pub limit: u32,
    /// Length of a window.
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub window: Dur,
}

/// One counter per key.
#[derive(Clone, Debug)]
pub(super) struct FixedWindow {
    limit: u32,
    window: u64,
    counters: Vec<Counter>,
}

/// Number of requests of a key that passed in the window `index`.
#[derive(Clone, Copy, Debug)]
struct Counter {
    index: u64,
    passed: u32,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<Counter>();
// At most, because some platforms align 64-bit numbers to 4 bytes.
const _: () = assert!(KEY_BYTES <= 16);

impl FixedWindow {
    /// The counter for the window that contains `now`.
    #[inline]
    fn counter(&self, key: usize, now: Time) -> Counter {
        let index = now.0 / self.window;
        let counter = self.counters[key];
        if counter.index == index { counter } else { Counter { index, passed: 0 } }
    }
}

impl Kind for FixedWindow {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        format!("of {} in {}", spec.limit, spec.window)
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        Some(Rate { count: spec.limit.into(), per: spec.window })
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> FixedWindow {
        let counters = vec![Counter { index: 0, passed: 0 }; keys as usize];
        FixedWindow { limit: spec.limit, window: spec.window.0, counters }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time) -> Verdict {
        let counter = self.counter(key, now);
        if counter.passed < self.limit {
            self.counters[key] = Counter { passed: counter.passed + 1, ..counter };
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now) }
        }
    }

    fn wait(&self, key: usize, now: Time) -> Dur {
        if self.limit == 0 {
            Dur(u64::MAX)
        } else if self.counter(key, now).passed < self.limit {
            Dur::ZERO
        } else {
            Dur(self.window - now.0 % self.window)
        }
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::FixedWindow(Spec { limit: pilot::count(spec.limit, share), window: spec.window })
    }

    fn draw(dice: &mut Dice, horizon_s: u64) -> Spec {
        Spec { limit: dice.small(1, 12), window: Dur::from_secs(dice.number(1, horizon_s / 4)) }
    }

    fn broken_law(spec: &Spec, admitted: &[Time]) -> Option<String> {
        law::aligned_windows(spec.limit, spec.window, admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    fn window(limit: u32, window: Dur) -> FixedWindow {
        FixedWindow::new(&Spec { limit, window }, 1)
    }

    #[test]
    fn a_window_passes_its_limit_and_the_next_one_starts_anew() {
        let mut limiter = window(2, Dur(10));
        for (now, passes) in [
            (0, true),
            (9, true),
            (9, false),
            (10, true),
            (10, true),
            (19, false),
            (40, true),
            (40, true),
            (40, false),
        ] {
            assert_eq!(admits(limiter.ask(0, Time(now))), passes, "at {now}");
        }
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        let mut limiter = window(1, Dur(10));
        assert!(admits(limiter.ask(0, Time(13))));
        assert_eq!(limiter.ask(0, Time(13)), Verdict::Refuse { wait: Dur(7) });
        assert_eq!(limiter.ask(0, Time(19)), Verdict::Refuse { wait: Dur(1) });
        assert!(admits(limiter.ask(0, Time(20))));
    }

    #[test]
    fn limit_zero_and_the_end_of_time() {
        assert_eq!(window(0, Dur(10)).ask(0, Time(3)), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut limiter = window(1, Dur(10));
        assert_eq!(admitted((0..3).map(|_| limiter.ask(0, Time::NEVER))), 1);
    }

    /// From the oracle synchronised_herd_fixed_window: (clients, limit, windows to drain, last success in s, requests).
    /// The window is 10 s. Clients retry exactly when `wait` says.
    const HERDS: [(usize, u32, usize, u64, usize); 3] =
        [(1000, 100, 10, 90, 5500), (60, 5, 12, 110, 390), (250, 100, 3, 20, 450)];

    #[test]
    fn a_synchronised_herd_drains_by_one_limit_a_window() {
        for (clients, limit, windows, last_success_s, requests) in HERDS {
            let mut limiter = window(limit, Dur::from_secs(10));
            let (mut now, mut left, mut rounds, mut sent) = (Time::ZERO, clients, 0, 0);
            let mut last_success = Time::ZERO;
            while left > 0 {
                rounds += 1;
                sent += left;
                let verdicts: Vec<Verdict> = (0..left).map(|_| limiter.ask(0, now)).collect();
                if verdicts.iter().any(|v| admits(*v)) {
                    last_success = now;
                }
                left = left.saturating_sub(admitted(verdicts.iter().copied()));
                if let Some(Verdict::Refuse { wait }) = verdicts.last() {
                    now = now.after(*wait);
                }
            }
            assert_eq!(
                (rounds, last_success, sent),
                (windows, Time::from_ms(last_success_s * 1000), requests)
            );
        }
    }
}
