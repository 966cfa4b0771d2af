//! How long answers take: counts of answers by endpoint and by classes of their time.
//!
//! A class is at most a sixteenth of its times wide, so a percentile is at most 3.2% from the exact one. Counts are integers,
//! so that parts of a run add up in any order.

use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::protocol::Outcome;

/// log2 of the number of classes in which the time doubles.
const FINE: u32 = 4;
/// log2 of the width of the first classes, in nanoseconds.
const LEAST: u32 = 10;
/// Number of classes, for times up to 2^64 ns.
const CLASSES: usize = ((64 - LEAST - FINE + 1) as usize) << FINE;

/// Counts of the answers of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// Counts by endpoint and class; empty for endpoints that the run does not call.
    counts: [Vec<u64>; Endpoint::COUNT],
}

impl Latencies {
    /// Size of the largest counts, in bytes.
    pub(crate) const MOST_BYTES: u64 = (Endpoint::COUNT * CLASSES * size_of::<u64>()) as u64;

    /// Counts for these endpoints, all zero. Recording an answer of another endpoint panics.
    pub fn new(called: [bool; Endpoint::COUNT]) -> Latencies {
        Latencies { counts: called.map(|called| vec![0; if called { CLASSES } else { 0 }]) }
    }

    /// Records the end of a call after this time. Calls without an answer are not counted.
    #[inline]
    pub fn ended(&mut self, endpoint: Endpoint, outcome: Outcome, after: Dur) {
        let unanswered = matches!(
            outcome,
            Outcome::NetworkError | Outcome::Timeout | Outcome::Dropped | Outcome::InFlight
        );
        if !unanswered {
            self.counts[endpoint.index()][class(after.0)] += 1;
        }
    }

    /// Adds the answers of other sessions, or of other runs.
    pub fn add(&mut self, other: &Latencies) {
        for (mine, more) in self.counts.iter_mut().zip(&other.counts) {
            mine.iter_mut().zip(more).for_each(|(mine, more)| *mine += more);
        }
    }

    /// Number of answers of an endpoint.
    pub fn answers(&self, endpoint: Endpoint) -> u64 {
        self.counts[endpoint.index()].iter().sum()
    }

    /// The time within which this many percent of the answers of an endpoint come: the middle of the class of that answer.
    /// Zero without answers.
    pub fn percentile(&self, endpoint: Endpoint, percent: u64) -> Dur {
        let counts = &self.counts[endpoint.index()];
        let wanted = u128::from(self.answers(endpoint)) * u128::from(percent);
        let mut so_far = 0u128;
        for (class, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
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

    #[test]
    fn percentiles_count_answers_alone() {
        let endpoint = Endpoint::known("touch");
        let mut all = Latencies::new([true; Endpoint::COUNT]);
        let mut part = all.clone();
        // 1 to 100 ms, and calls without an answer.
        for ms in 1..=100u64 {
            let half = if ms % 2 == 0 { &mut all } else { &mut part };
            half.ended(
                endpoint,
                if ms > 50 { Outcome::TooManyRequests } else { Outcome::Ok },
                Dur::from_ms(ms),
            );
            half.ended(endpoint, Outcome::Timeout, Dur::from_secs(10));
            half.ended(endpoint, Outcome::InFlight, Dur::from_secs(10));
        }
        all.add(&part);
        assert_eq!(all.answers(endpoint), 100);
        for (percent, ms) in [(50, 50u64), (90, 90), (99, 99), (100, 100)] {
            let found = all.percentile(endpoint, percent).0;
            let exact = Dur::from_ms(ms).0;
            assert!(found.abs_diff(exact) <= exact / 31, "{percent}: {found}");
        }
        assert_eq!(Latencies::new([false; Endpoint::COUNT]).percentile(endpoint, 50), Dur::ZERO);
    }
}
