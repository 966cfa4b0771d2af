//! What a verdict on an expectation rests on, in words.

use super::{measured, number};
use crate::experiment::results::{Results, Verdict};
use crate::metrics::METRICS;
use crate::scenario::ExpectOf;
use crate::scenario::expect::parse_expectation;

/// The observed value and where it was observed: `observed 78,054, the worst of 5 replications (replication 3)`. Of a value
/// that no replication has, and of one replication, the value alone.
pub fn observed(results: &Results, verdict: &Verdict) -> String {
    let says = format!("observed {}", number::short(verdict.observed));
    let read = parse_expectation(&verdict.that, ExpectOf::Every).ok();
    let measured = read.and_then(|read| {
        let policy = results.policies.iter().find(|policy| policy.name == read.policy)?;
        Some(policy.metric(METRICS[read.metric].name))
    });
    let Some(measured) = measured.filter(|measured| measured.values.len() > 1) else { return says };
    let all = number::whole(measured.values.len() as u64);
    let is = |value: f64| value.to_bits() == verdict.observed.to_bits();
    if measured.values.iter().all(|value| is(*value)) {
        return format!("{says} in each of {all} replications");
    }
    // A mean that some replication happens to have is still the mean: the worst of several is above or below it.
    if is(measured.mean) {
        return format!("{says}, the mean of {all} replications");
    }
    match measured::replication(&measured.values, verdict.observed) {
        none if none.is_empty() => says,
        replication => format!("{says}, the worst of {all} replications{replication}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{set, storm};
    use super::*;
    use crate::metrics::Metric;

    #[test]
    fn a_verdict_says_of_which_replication_it_is() {
        let mut results = storm(&["old"], 60, 3);
        let said = |results: &Results, observed: f64| {
            let that = "old.requests_total < 5".to_owned();
            super::observed(results, &Verdict { that, observed, bound: 5.0, passed: false })
        };
        set(&mut results, 0, Metric::RequestsTotal, &[4.0, 6.0, 9.5]);
        assert_eq!(said(&results, 9.5), "observed 9.50, the worst of 3 replications (replication 2)");
        assert_eq!(said(&results, 6.5), "observed 6.50, the mean of 3 replications");
        set(&mut results, 0, Metric::RequestsTotal, &[7.0; 3]);
        assert_eq!(said(&results, 7.0), "observed 7 in each of 3 replications");
        set(&mut results, 0, Metric::RequestsTotal, &[7.0]);
        assert_eq!(said(&results, 7.0), "observed 7");
        assert_eq!(said(&results, f64::INFINITY), "observed never within the run");
    }
}
