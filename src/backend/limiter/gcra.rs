//! Generic cell rate algorithm: needs `rate` and `burst`.
//!
//! ITU-T I.371 annex A, virtual scheduling, with T = 1 / rate and tau = (burst - 1) T. A request before TAT - tau is
//! refused. Any other request sets TAT to max(TAT, now) + T. The decisions equal those of a token bucket of the same
//! rate and burst, with one number per key. A rate of 0 refuses every request once the burst is used. A burst of 0
//! refuses every request.

use super::Verdict;
use super::pace::Pace;
use crate::backend::spec::Rate;
use crate::kernel::{Dur, Time};

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
pub(super) const KEY_BYTES: usize = size_of::<u128>();
const _: () = assert!(KEY_BYTES <= 16);

impl Gcra {
    /// A limiter that no key has asked.
    pub(super) fn new(rate: Rate, burst: u32, keys: u32) -> Gcra {
        let pace = Pace::new(rate);
        Gcra { pace, reach: pace.units_of(burst), arrivals: vec![0; keys as usize] }
    }

    /// The theoretical arrival time after this request, if it is admitted.
    ///
    /// Comparing this value with now + tau + T is equivalent to comparing the old one with now + tau. It avoids
    /// negative numbers for a burst of 0, where tau = -T.
    #[inline]
    fn next_arrival(&self, key: usize, now: u128) -> u128 {
        self.arrivals[key].max(now) + u128::from(self.pace.cost)
    }

    /// Decides on a request.
    #[inline]
    pub(super) fn ask(&mut self, key: usize, now: Time) -> Verdict {
        let scaled_now = self.pace.units_at(now);
        let next = self.next_arrival(key, scaled_now);
        if next <= scaled_now + self.reach {
            self.arrivals[key] = next;
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now) }
        }
    }

    /// Time after `now` at which a request would pass if no other request came.
    pub(super) fn wait(&self, key: usize, now: Time) -> Dur {
        if self.reach == 0 {
            return Dur(u64::MAX);
        }
        let scaled_now = self.pace.units_at(now);
        self.pace.time_for(self.next_arrival(key, scaled_now).saturating_sub(scaled_now + self.reach))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

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
            let mut gcra = Gcra::new(Rate { count: 1, per: Dur(100) }, 6, 1);
            let verdicts: Vec<u8> =
                arrivals.iter().map(|t| u8::from(admits(gcra.ask(0, Time(*t))))).collect();
            assert_eq!(verdicts, conforming);
        }
    }

    #[test]
    fn a_burst_spaced_below_t_has_the_stated_length() {
        // I.371: 1 + floor(tau / (T - d)) requests pass at spacing d < T; with T = 100 and tau = 500.
        for (spacing, longest) in [(0, 6), (10, 6), (50, 11), (90, 51), (95, 101)] {
            let mut gcra = Gcra::new(Rate { count: 1, per: Dur(100) }, 6, 1);
            let run = (0..1000).take_while(|i| admits(gcra.ask(0, Time(i * spacing)))).count();
            assert_eq!(run, longest, "spacing {spacing}");
        }
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        for rate in ["1/7ns", "3/10ns", "1800/1h", "999999999989/36500d"] {
            let mut gcra = Gcra::new(Rate::parse(rate).unwrap(), 1, 1);
            assert!(admits(gcra.ask(0, Time(5))));
            let Verdict::Refuse { wait } = gcra.ask(0, Time(5)) else { panic!("{rate}: the burst is used") };
            assert!(!admits(gcra.ask(0, Time(5 + wait.0 - 1))), "{rate}");
            assert!(admits(gcra.ask(0, Time(5 + wait.0))), "{rate}");
        }
    }

    #[test]
    fn rate_zero_passes_the_burst_only_and_burst_zero_nothing() {
        let mut dry = Gcra::new(Rate::parse("0/s").unwrap(), 2, 1);
        assert_eq!(admitted((0..10).map(|i| dry.ask(0, Time(i << 60)))), 2);
        assert_eq!(dry.ask(0, Time::NEVER), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut closed = Gcra::new(Rate::parse("5/s").unwrap(), 0, 1);
        assert_eq!(closed.ask(0, Time::NEVER), Verdict::Refuse { wait: Dur(u64::MAX) });
    }
}
