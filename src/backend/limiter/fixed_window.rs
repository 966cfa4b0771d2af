//! Fixed window: needs `limit` and `window`, takes `begins`.
//!
//! At most `limit` requests of a key pass in each window of length W. By the clock, windows are `[i W, (i + 1) W)` from
//! the start of the run, for all keys alike. From the first call, a key's window begins with the first request that
//! counts after its last window has ended (a counter with an expiry: Redis, "INCR", pattern rate limiter). Around a boundary, up to twice the limit can pass within the length of a window (Cloudflare, "How we built rate
//! limiting capable of scaling to millions of domains", 2017). A limit of 0 refuses every request.

use super::{Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// At most `limit` requests in each window.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Most requests of a key that pass in a window; 0 refuses everything.
    #[schemars(example = 10, extend("x-unit" = "requests"))]
    pub limit: u32,
    /// Length of a window.
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub window: Dur,
    /// Where a window begins.
    #[serde(default, skip_serializing_if = "Begins::is_by_clock")]
    pub begins: Begins,
}

/// Where a window begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// At each whole multiple of its length from the start of the run, for all keys alike.
    #[default]
    Clock,
    /// With the first request of a key that counts after its last window.
    FirstCall,
}

impl Begins {
    fn is_by_clock(&self) -> bool {
        *self == Begins::Clock
    }
}

/// One counter per key.
#[derive(Clone, Debug)]
pub(super) struct FixedWindow {
    limit: u32,
    window: u64,
    begins: Begins,
    counters: Vec<Counter>,
}

/// Number of requests of a key that count in a window: the window of this index by the clock, otherwise the one that
/// begins at this nanosecond.
#[derive(Clone, Copy, Debug)]
struct Counter {
    window: u64,
    passed: u32,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<Counter>();
// At most, because some platforms align 64-bit numbers to 4 bytes.
const _: () = assert!(KEY_BYTES <= 16);

/// At most `limit` requests in each window by the clock.
pub(super) fn by_clock(limit: u32, window: Dur) -> LimitKind {
    LimitKind::FixedWindow(Spec { limit, window, begins: Begins::Clock })
}

impl FixedWindow {
    /// The counter for the window that contains `now`.
    #[inline]
    fn counter(&self, key: usize, now: Time) -> Counter {
        let counter = self.counters[key];
        let (window, is_same) = match self.begins {
            Begins::Clock => {
                let index = now.0 / self.window;
                (index, counter.window == index)
            }
            Begins::FirstCall => (now.0, counter.passed > 0 && now.0 - counter.window < self.window),
        };
        if is_same { counter } else { Counter { window, passed: 0 } }
    }

    /// Whether so many more requests fit into the window of this counter.
    #[inline]
    fn fits(&self, counter: Counter, cost: u32) -> bool {
        u64::from(counter.passed) + u64::from(cost) <= u64::from(self.limit)
    }
}

impl Kind for FixedWindow {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        match spec.begins {
            Begins::Clock => format!("of {} in {}", spec.limit, spec.window),
            Begins::FirstCall => format!("of {} in {} from the first call", spec.limit, spec.window),
        }
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        Some(Rate { count: spec.limit.into(), per: spec.window })
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        Some(by_clock(spec.limit, spec.window))
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> FixedWindow {
        let counters = vec![Counter { window: 0, passed: 0 }; keys as usize];
        FixedWindow { limit: spec.limit, window: spec.window.0, begins: spec.begins, counters }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        let counter = self.counter(key, now);
        if self.fits(counter, cost) {
            self.counters[key] = Counter { passed: counter.passed + cost, ..counter };
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
        let counter = self.counter(key, now);
        if self.limit < cost {
            Dur(u64::MAX)
        } else if self.fits(counter, cost) {
            Dur::ZERO
        } else {
            match self.begins {
                Begins::Clock => Dur(self.window - now.0 % self.window),
                Begins::FirstCall => Dur(self.window - (now.0 - counter.window)),
            }
        }
    }

    fn count(&mut self, key: usize, now: Time, cost: u32) {
        let counter = self.counter(key, now);
        self.counters[key] = Counter { passed: counter.passed.saturating_add(cost), ..counter };
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::FixedWindow(Spec { limit: pilot::count(spec.limit, share), ..spec.clone() })
    }

    fn draw(dice: &mut Dice, horizon_s: u64) -> Spec {
        let (limit, window) = (dice.small(1, 12), Dur::from_secs(dice.number(1, horizon_s / 4)));
        Spec { limit, window, begins: Begins::Clock }
    }

    fn vary(spec: &mut Spec, dice: &mut Dice) {
        if dice.yes(0.4) {
            spec.begins = Begins::FirstCall;
        }
    }

    fn broken_law(spec: &Spec, counted: &[Time]) -> Option<String> {
        match spec.begins {
            Begins::Clock => law::aligned_windows(spec.limit, spec.window, counted),
            Begins::FirstCall => law::windows_from_first(spec.limit, spec.window, counted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    fn window(limit: u32, window: Dur) -> FixedWindow {
        FixedWindow::new(&Spec { limit, window, begins: Begins::Clock }, 1)
    }

    /// A window by the clock would pass a third request at 10. From the first call, at 3, it ends at 13; the next one
    /// begins with the request at 17.
    #[test]
    fn a_window_from_the_first_call_ends_one_length_after_it() {
        let mut limiter = FixedWindow::new(&Spec { limit: 2, window: Dur(10), begins: Begins::FirstCall }, 1);
        for (now, passes) in
            [(3, true), (9, true), (10, false), (12, false), (17, true), (20, true), (26, false), (27, true)]
        {
            assert_eq!(admits(limiter.ask(0, Time(now), 1)), passes, "at {now}");
        }
        assert!(admits(limiter.ask(0, Time(30), 1)));
        assert_eq!(limiter.ask(0, Time(31), 1), Verdict::Refuse { wait: Dur(6) });
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
            assert_eq!(admits(limiter.ask(0, Time(now), 1)), passes, "at {now}");
        }
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        let mut limiter = window(1, Dur(10));
        assert!(admits(limiter.ask(0, Time(13), 1)));
        assert_eq!(limiter.ask(0, Time(13), 1), Verdict::Refuse { wait: Dur(7) });
        assert_eq!(limiter.ask(0, Time(19), 1), Verdict::Refuse { wait: Dur(1) });
        assert!(admits(limiter.ask(0, Time(20), 1)));
    }

    #[test]
    fn limit_zero_and_the_end_of_time() {
        assert_eq!(window(0, Dur(10)).ask(0, Time(3), 1), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut limiter = window(1, Dur(10));
        assert_eq!(admitted((0..3).map(|_| limiter.ask(0, Time::NEVER, 1))), 1);
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
                let verdicts: Vec<Verdict> = (0..left).map(|_| limiter.ask(0, now, 1)).collect();
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
