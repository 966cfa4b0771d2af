//! How long answers take: counts of answers by endpoint and by classes of their time.

use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::protocol::Outcome;
use crate::stats::Histogram;
use serde::{Deserialize, Serialize};

/// Counts of the answers of one run, by endpoint. An endpoint that gives no answer takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies([Histogram; Endpoint::COUNT]);

impl Latencies {
    /// Size of the largest counts, in bytes.
    pub(crate) const MOST_BYTES: u64 = Endpoint::COUNT as u64 * Histogram::MOST_BYTES;

    /// Records the end of a call after this time. Calls without an answer are not counted.
    #[inline]
    pub fn ended(&mut self, endpoint: Endpoint, outcome: Outcome, after: Dur) {
        let unanswered = matches!(
            outcome,
            Outcome::NetworkError | Outcome::Timeout | Outcome::Dropped | Outcome::InFlight
        );
        if !unanswered {
            self.0[endpoint.index()].record(after);
        }
    }

    /// Adds the answers of other sessions, or of other runs.
    pub fn add(&mut self, other: &Latencies) {
        for (mine, more) in self.0.iter_mut().zip(&other.0) {
            mine.add(more);
        }
    }

    /// Number of answers of an endpoint.
    pub fn answers(&self, endpoint: Endpoint) -> u64 {
        self.0[endpoint.index()].count()
    }

    /// The time within which this many percent of the answers of an endpoint come. Zero without answers.
    pub fn percentile(&self, endpoint: Endpoint, percent: u64) -> Dur {
        self.0[endpoint.index()].percentile(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_count_answers_alone() {
        let endpoint = Endpoint::known("touch");
        let mut all = Latencies::default();
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
        assert_eq!(Latencies::default().percentile(endpoint, 50), Dur::ZERO);
    }
}
