//! Token bucket: needs `rate` and `burst`.
//!
//! A key's bucket starts full with `burst` tokens and refills continuously at `rate`. A request takes a token, or is
//! refused and takes none. A call that costs n takes n tokens or is refused. Where refused calls count too, one takes
//! what is left. In any closed window of length w at most `burst + rate * w` requests pass (Le Boudec and
//! Thiran, Network Calculus, 2001, section 1.2). A rate of 0 refuses every request once the burst is used. A burst of 0
//! refuses every request.

use super::pace::Pace;
use super::{Inexact, Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens come continuously at `rate`, up to `burst`; a request takes one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Rate at which requests pass in the long run; 0 refuses everything once the burst is used.
    pub rate: Rate,
    /// Tokens of a full bucket, which is what a key starts with.
    #[schemars(range(min = 1), example = 10, extend("x-unit" = "requests"))]
    pub burst: u32,
}

/// One bucket per key.
#[derive(Clone, Debug)]
pub(super) struct TokenBucket {
    pace: Pace,
    /// Credit of a full bucket, in units.
    capacity: u64,
    buckets: Vec<Bucket>,
}

/// Credit of a key at a time. A request costs [`Pace::cost`] units.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    credit: u64,
    at: Time,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<Bucket>();
// At most, because some platforms align 64-bit numbers to 4 bytes.
const _: () = assert!(KEY_BYTES <= 16);

/// Credit of a full bucket, in units; `None` if it exceeds 64 bits.
pub(super) fn capacity(rate: Rate, burst: u32) -> Option<u64> {
    u64::try_from(Pace::new(rate).units_of(burst)).ok()
}

impl TokenBucket {
    /// Credit of the key at `now`. Saturation is exact, because a sum beyond 64 bits also exceeds the capacity.
    #[inline]
    fn credit(&self, key: usize, now: Time) -> u64 {
        let bucket = self.buckets[key];
        let inflow = now.since(bucket.at).0.saturating_mul(self.pace.per_ns);
        bucket.credit.saturating_add(inflow).min(self.capacity)
    }
}

impl Kind for TokenBucket {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        format!("of {}, burst {}", spec.rate, spec.burst)
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        Some(spec.rate)
    }

    fn inexact(spec: &Spec) -> Option<Inexact> {
        let Spec { rate, burst } = *spec;
        capacity(rate, burst).is_none().then(|| Inexact {
            key: "burst",
            what: format!("a burst of {burst} at {rate} is beyond exact 64-bit credit"),
            allowed: "burst times the rate's duration, both of the rate in lowest terms, below 2^64 ns; a rounder rate, \
                      a smaller burst or the kind gcra, which decides alike",
        })
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        Some(LimitKind::Gcra(super::gcra::Spec { rate: spec.rate, burst: spec.burst }))
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> TokenBucket {
        let capacity = capacity(spec.rate, spec.burst).expect("the capacity was checked to fit 64 bits");
        let full = Bucket { credit: capacity, at: Time::ZERO };
        TokenBucket { pace: Pace::new(spec.rate), capacity, buckets: vec![full; keys as usize] }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        let credit = self.credit(key, now);
        let price = self.pace.units_of(cost);
        if u128::from(credit) >= price {
            // The price is no more than the credit, which has 64 bits.
            self.buckets[key] = Bucket { credit: credit - price as u64, at: now };
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
        let price = self.pace.units_of(cost);
        if u128::from(self.capacity) < price {
            return Dur(u64::MAX);
        }
        self.pace.time_for(price.saturating_sub(u128::from(self.credit(key, now))))
    }

    fn count(&mut self, key: usize, now: Time, cost: u32) {
        let credit = u128::from(self.credit(key, now)).saturating_sub(self.pace.units_of(cost));
        self.buckets[key] = Bucket { credit: credit as u64, at: now };
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        let scaled = Spec { rate: pilot::rate(spec.rate, share), burst: pilot::count(spec.burst, share) };
        // The scaled rate may need more than 64 bits. GCRA then makes the same decisions.
        match TokenBucket::inexact(&scaled) {
            None => LimitKind::TokenBucket(scaled),
            Some(_) => LimitKind::Gcra(super::gcra::Spec { rate: scaled.rate, burst: scaled.burst }),
        }
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

    fn bucket(rate: &str, burst: u32) -> TokenBucket {
        TokenBucket::new(&Spec { rate: Rate::parse(rate).unwrap(), burst }, 1)
    }

    #[test]
    fn a_full_bucket_passes_its_burst_and_then_the_rate() {
        let mut bucket = bucket("3/10ns", 2);
        // Tokens are complete at 10/3, 20/3 and 10 ns. No rounding occurs.
        let expected =
            [(0, true), (0, true), (3, false), (4, true), (6, false), (7, true), (9, false), (10, true)];
        for (now, passes) in expected {
            assert_eq!(admits(bucket.ask(0, Time(now), 1)), passes, "at {now}");
        }
    }

    #[test]
    fn refused_just_before_allowed_exactly_then() {
        for rate in ["1/7ns", "3/10ns", "1800/1h", "7/1d"] {
            let mut bucket = bucket(rate, 1);
            assert!(admits(bucket.ask(0, Time(5), 1)));
            let Verdict::Refuse { wait } = bucket.ask(0, Time(5), 1) else {
                panic!("{rate}: the bucket is empty")
            };
            assert!(!admits(bucket.ask(0, Time(5 + wait.0 - 1), 1)), "{rate}");
            assert!(admits(bucket.ask(0, Time(5 + wait.0), 1)), "{rate}");
        }
    }

    #[test]
    fn rate_zero_passes_the_burst_only_and_burst_zero_nothing() {
        let mut dry = bucket("0/s", 2);
        assert_eq!(admitted((0..10).map(|i| dry.ask(0, Time(i << 60), 1))), 2);
        assert_eq!(dry.ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur(u64::MAX) });
        assert_eq!(bucket("5/s", 0).ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur(u64::MAX) });
    }

    /// From the oracle token_bucket_window_bound (Le Boudec and Thiran 2001, section 1.2): (rate, burst, window in s,
    /// most).
    const WINDOW_BOUNDS: [(&str, u32, u64, usize); 3] =
        [("1800/1h", 30, 60, 60), ("100/s", 100, 1, 200), ("4/s", 4, 1, 8)];

    #[test]
    fn a_greedy_client_reaches_the_window_bound_and_never_passes_it() {
        for (rate, burst, window_s, most) in WINDOW_BOUNDS {
            let mut bucket = bucket(rate, burst);
            let window = Dur::from_secs(window_s).0;
            let step = window / 250;
            let mut passed: Vec<u64> = Vec::new();
            for now in (0..4 * window).step_by(usize::try_from(step).unwrap()) {
                while admits(bucket.ask(0, Time(now), 1)) {
                    passed.push(now);
                }
            }
            let in_window =
                |first: usize| passed[first..].iter().filter(|t| **t <= passed[first] + window).count();
            assert_eq!((0..passed.len()).map(in_window).max(), Some(most), "{rate}, burst {burst}");
        }
    }
}
