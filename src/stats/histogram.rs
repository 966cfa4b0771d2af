//! A histogram of durations with classes of bounded relative width.
//!
//! A class is at most a sixteenth of its times wide, so a percentile is at most 3.2% from the exact one. Counts are
//! integers, so that parts of a run add up in any order.

use crate::kernel::Dur;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// log2 of the number of classes in which the time doubles.
const FINE: u32 = 4;
/// log2 of the width of the first classes, in nanoseconds.
const LEAST: u32 = 10;
/// Number of classes, for times up to 2^64 ns.
const CLASSES: usize = ((64 - LEAST - FINE + 1) as usize) << FINE;

/// Counts of durations by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Counts by class. Empty before the first duration.
    counts: Vec<u64>,
}

/// The counts above zero, each after the number of its class.
impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.counts.iter().enumerate().filter(|(_, count)| **count > 0))
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Histogram, D::Error> {
        let mut histogram = Histogram::default();
        for (class, count) in Vec::<(usize, u64)>::deserialize(deserializer)? {
            if histogram.counts.is_empty() {
                histogram.counts = vec![0; CLASSES];
            }
            let place = histogram.counts.get_mut(class);
            *place.ok_or_else(|| D::Error::custom("a class that no histogram has"))? = count;
        }
        Ok(histogram)
    }
}

impl Histogram {
    /// Size of the counts, in bytes, at most.
    pub const MOST_BYTES: u64 = (CLASSES * size_of::<u64>()) as u64;

    /// Counts a duration.
    #[inline]
    pub fn record(&mut self, time: Dur) {
        if self.counts.is_empty() {
            self.counts = vec![0; CLASSES];
        }
        self.counts[class(time.0)] += 1;
    }

    /// Adds the counts of another part of a run, or of another run.
    pub fn add(&mut self, other: &Histogram) {
        if self.counts.is_empty() {
            self.counts = other.counts.clone();
        } else {
            self.counts.iter_mut().zip(&other.counts).for_each(|(mine, more)| *mine += more);
        }
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The time that this many percent of the durations do not exceed: the middle of the class of that duration. Zero
    /// without durations.
    pub fn percentile(&self, percent: u64) -> Dur {
        let wanted = u128::from(self.count()) * u128::from(percent);
        let mut so_far = 0u128;
        for (class, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            so_far += u128::from(*count) * 100;
            if so_far >= wanted {
                return Dur(middle(class));
            }
        }
        Dur::ZERO
    }
}

/// The class of a time.
#[inline]
fn class(ns: u64) -> usize {
    let scaled = ns >> LEAST;
    let doublings = (63 - (scaled | 1).leading_zeros()).saturating_sub(FINE);
    // Below the first doubling a class is one step wide. Above, its leading bits choose it.
    (u64::from(doublings) << FINE) as usize + (scaled >> doublings) as usize
}

/// The middle of a class, in nanoseconds.
fn middle(class: usize) -> u64 {
    let doublings = ((class >> FINE) as u32).saturating_sub(1);
    let steps = class as u64 - (u64::from(doublings) << FINE);
    let begin = (steps << doublings) << LEAST;
    begin + ((1 << doublings) << LEAST) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_in_order_narrow_and_hold_every_time() {
        let mut last = 0;
        let times = (0..64)
            .flat_map(|bit| (0..64).map(move |step| (1u64 << bit).saturating_add((1u64 << bit) / 64 * step)));
        for ns in std::iter::once(0).chain(times).chain([u64::MAX]) {
            let found = class(ns);
            assert!(found >= last && found < CLASSES, "{ns}: {found} after {last}");
            last = found;
            // Half of a sixteenth, or half of the width of the first classes.
            let error = middle(found).abs_diff(ns);
            assert!(error <= (ns / 32).max(1 << (LEAST - 1)) + 1, "{ns}: {} in class {found}", middle(found));
        }
        assert_eq!(last, CLASSES - 1);
    }

    /// The reference family quantile_ci_histogram: the bucket of a percentile is the one that holds the value of rank `ceil(n p)`. Edges
    /// in milliseconds, counts, percent, bucket. Intervals are not of one histogram: each run has its own percentile, and the interval is
    /// over runs.
    #[test]
    fn the_class_of_a_percentile_holds_the_value_of_its_rank() {
        type Case = (&'static [u64], &'static [u64], u64, [u64; 2]);
        let cases: [Case; 3] = [
            (&[0, 1, 2, 4, 8], &[10, 20, 30, 40], 50, [2, 4]),
            (&[0, 10, 100, 1_000], &[500, 490, 10], 99, [10, 100]),
            (&[0, 5, 10], &[0, 7], 50, [5, 10]),
        ];
        for (edges, counts, percent, [low, high]) in cases {
            let mut all = Histogram::default();
            for (ends, count) in edges.windows(2).zip(counts) {
                (0..*count).for_each(|_| all.record(Dur(500_000 * (ends[0] + ends[1]))));
            }
            let found = all.percentile(percent);
            assert!(Dur::from_ms(low) < found && found < Dur::from_ms(high), "{counts:?}: {found}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_durations() {
        let mut all = Histogram::default();
        let mut part = Histogram::default();
        assert_eq!(all.percentile(50), Dur::ZERO);
        for ms in 1..=100u64 {
            let half = if ms % 2 == 0 { &mut all } else { &mut part };
            half.record(Dur::from_ms(ms));
        }
        all.add(&part);
        assert_eq!(all.count(), 100);
        for (percent, ms) in [(50, 50u64), (95, 95), (100, 100)] {
            let exact = Dur::from_ms(ms).0;
            assert!(all.percentile(percent).0.abs_diff(exact) <= exact / 31, "{percent}");
        }
    }
}
