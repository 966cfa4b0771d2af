//! A metric's values in words: mean, interval, and worst replication. Tables, sentences, charts and the page all use these
//! functions.
//!
//! Results of another version may lack a metric. It then has neither value nor words.

use super::{MetricValues, PolicyResults, Results};
use crate::client::workload::GENERIC;
use crate::metrics::{Metric, MetricDef, Needs};
use crate::stats::{CONFIDENCE, at_most, mean_ci};
use crate::text::number::{NEVER, counted, share, short, upper_share, whole};

impl MetricValues {
    /// The values of a metric, one per replication, with their mean and its interval.
    pub(crate) fn of(def: &MetricDef, values: Vec<f64>) -> MetricValues {
        let estimate = mean_ci(&values, CONFIDENCE).within(def.kind.range());
        MetricValues {
            name: def.name.to_owned(),
            unit: def.unit.to_owned(),
            values,
            mean: estimate.mean,
            ci_low: estimate.ci_low,
            ci_high: estimate.ci_high,
            exercised: None,
        }
    }
}

/// A policy's values of a metric; absent in results that do not have it.
pub fn of(policy: &PolicyResults, metric: Metric) -> Option<&MetricValues> {
    metric.names().find_map(|name| policy.get(name))
}

/// Whether a table shows a metric: the results have it, and the runs could move it. Metrics of users need users, and
/// metrics of generic clients need generic clients.
pub fn can_move(results: &Results, metric: Metric) -> bool {
    let generic = || results.policies.iter().any(|policy| happens(policy, Metric::Requests(GENERIC)));
    let has = match metric.def().needs {
        Needs::Nothing => true,
        Needs::Users | Needs::RefreshTokens => results.users > 0,
        Needs::Workloads => generic(),
    };
    has && results.policies.iter().any(|policy| of(policy, metric).is_some())
}

/// Whether app code called in a run of this policy. Otherwise it cannot see errors or wait.
pub fn app_called(policy: &PolicyResults) -> bool {
    [Metric::CallersBegun, Metric::ErrorsSurfacedToApp, Metric::AppWaitS]
        .into_iter()
        .any(|metric| happens(policy, metric))
}

/// Mean over the replications; infinite if any replication is, absent if the results do not have the metric.
pub fn mean(policy: &PolicyResults, metric: Metric) -> Option<f64> {
    of(policy, metric).map(|values| values.mean)
}

/// Whether a metric is known to be above 0.
pub fn happens(policy: &PolicyResults, metric: Metric) -> bool {
    mean(policy, metric).is_some_and(|mean| mean > 0.0)
}

/// The mean in words: `12.3`, or `never within the run in 2 of 5 replications`.
pub fn mean_words(values: &MetricValues) -> String {
    mean_in_words(values.mean, &values.values)
}

/// As [`mean_words`], for values of a metric that this version may not know.
pub fn mean_in_words(mean: f64, values: &[f64]) -> String {
    let (never, all) = (never(values), values.len());
    if mean.is_infinite() && all > 1 && never > 0 {
        return format!("{NEVER} in {} of {} replications", whole(never as u64), whole(all as u64));
    }
    short(mean)
}

/// Number of replications in which the run ends first.
pub fn never(values: &[f64]) -> usize {
    values.iter().filter(|value| value.is_infinite()).count()
}

/// The width of an interval, as a share of the mean, that rounding alone gives to replications of one value.
const ROUNDING: f64 = 1e-12;

/// Ends of the confidence interval of the mean in words. `None` with one replication, without spread, or for an infinite
/// mean.
pub fn interval(values: &MetricValues) -> Option<(String, String)> {
    let width = values.ci_high - values.ci_low;
    let is_one = width.is_finite() && width > ROUNDING * values.mean.abs();
    is_one.then(|| (short(values.ci_low), short(values.ci_high)))
}

/// Mean with interval: `12.3 ± 0.40`, or `0.20 (0 to 0.76)` where the metric's range cuts the interval.
pub fn with_interval(values: &MetricValues) -> String {
    let mean = mean_words(values);
    let Some((low, high)) = interval(values) else { return mean };
    let range = values.def().map(|def| def.kind.range());
    let (least, most) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    if values.ci_low > least && values.ci_high < most {
        let half = (values.ci_high - values.ci_low) / 2.0;
        // An interval has a width, however small.
        let shown = Some(short(half)).filter(|shown| shown != "0");
        format!("{mean} ± {}", shown.unwrap_or_else(|| format!("{half:.0e}")))
    } else {
        format!("{mean} ({low} to {high})")
    }
}

/// Greatest value of any replication, for a metric that counts.
pub fn greatest(values: &MetricValues) -> u64 {
    // A negative or undefined value, which no counting metric has, becomes 0.
    values.values.iter().copied().fold(0.0, f64::max) as u64
}

/// The first replication with this value: ` (replication 3)`, counted from 0 as everywhere. Empty if all replications have
/// the value.
pub fn replication(values: &[f64], value: f64) -> String {
    let has = |other: &f64| other.to_bits() == value.to_bits();
    match values.iter().position(has) {
        Some(first) if !values.iter().all(has) => format!(" (replication {first})"),
        _ => String::new(),
    }
}

/// [`greatest`] with its replication; absent if the results do not have the metric.
pub fn worst(policy: &PolicyResults, metric: Metric) -> Option<(u64, String)> {
    let values = of(policy, metric)?;
    let most = greatest(values);
    Some((most, replication(&values.values, most as f64)))
}

/// Says that an event happens in no replication, and how often it may happen nevertheless: `in none of 5 replications (95%
/// bound: at most 45.1% of runs)`. The bound is [`at_most`], rounded up.
pub fn none_of(replications: u32) -> String {
    let all = counted(replications.into(), "replication", "replications");
    format!(
        "in none of {all} ({} bound: at most {} of runs)",
        share(CONFIDENCE),
        upper_share(at_most(replications))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(metric: Metric, values: &[f64]) -> MetricValues {
        MetricValues::of(metric.def(), values.to_vec())
    }

    #[test]
    fn a_mean_says_its_interval_and_what_never_ends() {
        // Half widths by hand: t of two values is 12.7062, and their standard error is half their distance. t of five
        // values is 2.7764, and four zeros and a five have the standard error 1.
        let never = f64::INFINITY;
        for (metric, values, said) in [
            (Metric::RequestsTotal, &[100.0][..], "100"),
            (Metric::RequestsTotal, &[100.0, 100.0], "100"),
            (Metric::RequestsTotal, &[99.0, 101.0], "100 ± 12.7"),
            (Metric::Goodput, &[12.1, 12.1 + 1e-11], "12.1 ± 6e-11"),
            (Metric::Goodput, &[12.1, 12.1 + 4e-15], "12.1"),
            (Metric::RequestsTotal, &[0.0, 0.0, 0.0, 0.0, 5.0], "1 (0 to 3.78)"),
            (Metric::TimeToRecoverCensored, &[0.0, 1.0, 1.0, 1.0, 1.0], "0.80 (0.24 to 1)"),
            (Metric::TimeToRecoverS, &[never], "never within the run"),
            (Metric::TimeToRecoverS, &[never, 1.0], "never within the run in 1 of 2 replications"),
        ] {
            assert_eq!(with_interval(&measured(metric, values)), said, "{values:?}");
        }
    }

    #[test]
    fn the_replication_of_a_value_is_named_where_they_differ() {
        assert_eq!(replication(&[1.0, 7.0, 7.0], 7.0), " (replication 1)");
        assert_eq!(replication(&[7.0, 7.0], 7.0), "");
        assert_eq!(replication(&[7.0], 7.0), "");
        assert_eq!(replication(&[1.0, 3.0], 2.0), "");
    }

    #[test]
    fn no_event_in_a_few_replications_gives_a_bound() {
        // 1 - 0.05^(1/5) is 0.45072 and 1 - 0.05^(1/59) is 0.04950. The bound is rounded up.
        assert_eq!(none_of(5), "in none of 5 replications (95% bound: at most 45.1% of runs)");
        assert_eq!(none_of(59), "in none of 59 replications (95% bound: at most 5% of runs)");
        assert_eq!(none_of(1), "in none of 1 replication (95% bound: at most 95% of runs)");
    }
}
