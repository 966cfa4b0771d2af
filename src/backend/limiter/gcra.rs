//! Generic cell rate algorithm: needs `rate` and `burst`.
//!
//! ITU-T I.371 annex A, virtual scheduling, with T = 1 / rate and tau = (burst - 1) T. A request before TAT - tau is
//! refused. Any other request sets TAT to max(TAT, now) + T. The decisions equal those of a token bucket of the same
//! rate and burst, with one number per key. A rate of 0 refuses every request once the burst is used. A burst of 0
//! refuses every request.

use super::pace::Pace;
use super::{Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// ITU-T I.371 virtual scheduling with T = 1/rate and tau = (burst - 1) T.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Rate at which requests pass in the long run; 0 refuses everything once the burst is used.
    pub rate: Rate,
    /// Requests that may come at once: 1 + tau/T.
    #[schemars(range(min = 1), example = 10, extend("x-unit" = "requests"))]
    pub burst: u32,
}

/// One theoretical arrival time per key.
#[derive(Clone, Debug)]
pub(super) struct Gcra {
    pace: Pace,
    /// tau + T, in scaled time.
    reach: u128,
    /// Theoretical arrival times (TAT), in scaled time: nanoseconds times [`Pace::per_ns`]. In scaled time T is the
    /// integer [`Pace::cost`], even if 1 / rate is not a whole number of nanoseconds.
    arrivals: Vec<u128>,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<u128>();
const _: () = assert!(KEY_BYTES <= 16);

impl Gcra {
    /// The theoretical arrival time after a call that counts as `cost` requests, if it is admitted.
    ///
    /// Comparing this value with now + tau + T is equivalent to comparing the old one with now + tau. It avoids
    /// negative numbers for a burst of 0, where tau = -T.
    #[inline]
    fn next_arrival(&self, key: usize, now: u128, cost: u32) -> u128 {
        self.arrivals[key].max(now) + self.pace.units_of(cost)
    }
}

impl Kind for Gcra {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        format!("of {}, burst {}", spec.rate, spec.burst)
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        Some(spec.rate)
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        Some(LimitKind::Gcra(Spec { rate: spec.rate, burst: spec.burst }))
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> Gcra {
        let pace = Pace::new(spec.rate);
        Gcra { pace, reach: pace.units_of(spec.burst), arrivals: vec![0; keys as usize] }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        let scaled_now = self.pace.units_at(now);
        let next = self.next_arrival(key, scaled_now, cost);
        if next <= scaled_now + self.reach {
            self.arrivals[key] = next;
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
        if self.reach < self.pace.units_of(cost) {
            return Dur(u64::MAX);
        }
        let scaled_now = self.pace.units_at(now);
        self.pace.time_for(self.next_arrival(key, scaled_now, cost).saturating_sub(scaled_now + self.reach))
    }

    /// Beyond tau + T nothing is left to take: the bucket of the same decisions is empty.
    fn count(&mut self, key: usize, now: Time, cost: u32) {
        let scaled_now = self.pace.units_at(now);
        self.arrivals[key] = self.next_arrival(key, scaled_now, cost).min(scaled_now + self.reach);
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::Gcra(Spec { rate: pilot::rate(spec.rate, share), burst: pilot::count(spec.burst, share) })
    }

    fn draw(dice: &mut Dice, _: u64) -> Spec {
        let rate = Rate { count: dice.number(1, 9), per: Dur::from_secs(dice.number(1, 13)) };
        Spec { rate, burst: dice.small(1, 8) }
    }

    fn broken_law(spec: &Spec, admitted: &[Time]) -> Option<String> {
        law::envelope(spec.rate, spec.burst, admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    fn gcra(rate: &str, burst: u32) -> Gcra {
        Gcra::new(&Spec { rate: Rate::parse(rate).unwrap(), burst }, 1)
    }

    /// From the oracle gcra_golden_vectors (ITU-T I.371 annex A; ATM Forum UNI 3.1), T = 100 and tau = 500.
    const GOLDEN: [(&[u64], &[u8]); 2] = [
        (
            &[0, 100, 110, 120, 130, 140, 150, 160, 170, 180, 1000, 1010],
            &[1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1],
        ),
        (
            &[
                0, 10, 20, 300, 310, 320, 600, 610, 620, 800, 810, 820, 1000, 1010, 1020, 1200, 1210, 1220,
                1400, 1410, 1420, 1600, 1610, 1620,
            ],
            &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0],
        ),
    ];

    #[test]
    fn golden_vectors() {
        for (arrivals, conforming) in GOLDEN {
            let mut gcra = gcra("1/100ns", 6);
            let verdicts: Vec<u8> =
                arrivals.iter().map(|t| u8::from(admits(gcra.ask(0, Time(*t), 1)))).collect();
            assert_eq!(verdicts, conforming);
        }
    }

    #[test]
    fn a_burst_spaced_below_t_has_the_stated_length() {
        // I.371: 1 + floor(tau / (T - d)) requests pass at spacing d < T; with T = 100 and tau = 500.
        for (spacing, longest) in [(0, 6), (10, 6), (50, 11), (90, 51), (95, 101)] {
            let mut gcra = gcra("1/100ns", 6);
            let run = (0..1000).take_while(|i| admits(gcra.ask(0, Time(i * spacing), 1))).count();
            assert_eq!(run, longest, "spacing {spacing}");
        }
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        for rate in ["1/7ns", "3/10ns", "1800/1h", "999999999989/36500d"] {
            let mut gcra = gcra(rate, 1);
            assert!(admits(gcra.ask(0, Time(5), 1)));
            let Verdict::Refuse { wait } = gcra.ask(0, Time(5), 1) else {
                panic!("{rate}: the burst is used")
            };
            assert!(!admits(gcra.ask(0, Time(5 + wait.0 - 1), 1)), "{rate}");
            assert!(admits(gcra.ask(0, Time(5 + wait.0), 1)), "{rate}");
        }
    }

    #[test]
    fn rate_zero_passes_the_burst_only_and_burst_zero_nothing() {
        let mut dry = gcra("0/s", 2);
        assert_eq!(admitted((0..10).map(|i| dry.ask(0, Time(i << 60), 1))), 2);
        assert_eq!(dry.ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut closed = gcra("5/s", 0);
        assert_eq!(closed.ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur(u64::MAX) });
    }
}
