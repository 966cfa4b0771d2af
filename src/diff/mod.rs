//! Compares two results: metrics with confidence intervals, and scenarios key by key.
//!
//! ```
//! use authstorm::Study;
//! use authstorm::diff::{Verdict, diff, headline};
//!
//! let run = |users: &str| {
//!     let users = format!("fleet.users={users}");
//!     let mut study = Study::load_with("scenarios/healthy.toml", &[users])?;
//!     study.replications(2)?.run()
//! };
//! let (fewer, more) = (run("50")?, run("100")?);
//! let found = diff(&fewer, &more);
//! assert!(found.rates.per_user, "totals are compared per user");
//! println!("{}", headline(&found));
//! for row in found.rows.iter().filter(|row| row.verdict == Verdict::Changed) {
//!     println!("{} of {}: {}", row.metric, row.policy, row.difference.mean);
//! }
//! # Ok::<(), authstorm::Error>(())
//! ```

mod csv;
mod headline;
mod json;
mod rates;
mod scenario;
mod text;

pub use csv::csv;
pub use headline::headline;
pub use json::{json, json_schema};
pub use rates::Rates;
pub use scenario::{Changed, NotToml, scenario_changes};
pub use text::{Shown, in_words};

use crate::results::{MetricValues, Results, measured};
use crate::stats::{
    CONFIDENCE, Estimate, each_of, fisher_exact, mean_ci, paired_difference, pairing_saves, welch_difference,
};

/// Method of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Paired t interval over replications. Used if seed and number of replications are equal, because both sides then
    /// share their random numbers.
    Paired,
    /// Welch's interval for two independent samples.
    Welch,
}

impl Method {
    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Method::Paired => "paired",
            Method::Welch => "welch",
        }
    }
}

/// Significance of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// All values are equal.
    Same,
    /// Zero lies outside the simultaneous interval of all comparisons (Bonferroni).
    Changed,
    /// Zero lies outside the 95% interval of this metric alone. With many metrics some do so by chance.
    Perhaps,
    /// Zero lies inside the 95% interval.
    Noise,
    /// A side has one replication, so there is no interval.
    Unknown,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Verdict; 5] =
        [Verdict::Same, Verdict::Changed, Verdict::Perhaps, Verdict::Noise, Verdict::Unknown];

    /// Name in the table and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Changed => "changed",
            Verdict::Perhaps => "perhaps",
            Verdict::Noise => "noise",
            Verdict::Unknown => "no interval",
        }
    }
}

/// Comparison of one metric of one policy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Compared {
    /// Name of the policy.
    pub policy: String,
    /// Name of the metric.
    pub metric: String,
    /// Unit of the values.
    pub unit: String,
    /// Mean in the first results.
    pub a: Mean,
    /// Mean in the second results.
    pub b: Mean,
    /// Second mean minus first mean, with the 95% interval of this metric alone. Without an interval both ends equal
    /// the difference.
    pub difference: Estimate,
    /// The difference with the simultaneous interval of all comparisons.
    pub together: Estimate,
    /// How many times as many runs would tell it as precisely without pairing; absent where nothing is paired or the
    /// differences have no spread.
    pub pairing: Option<f64>,
    /// Significance of the difference.
    pub verdict: Verdict,
}

/// Mean over replications.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// The mean; infinite if the value of any replication is.
    pub value: f64,
    /// Share of the replications whose value is infinite.
    pub never: f64,
    /// The mean in words, as printed.
    pub words: String,
}

impl Mean {
    fn of(values: &[f64]) -> Mean {
        let value = mean_ci(values, CONFIDENCE).mean;
        let never = measured::never(values) as f64 / values.len().max(1) as f64;
        Mean { value, never, words: measured::mean_in_words(value, values) }
    }

    /// Whether this mean is less than `other`. Two infinite means are compared by their share of infinite values.
    pub fn is_below(&self, other: &Mean) -> bool {
        (self.value, self.never) < (other.value, other.never)
    }
}

/// Result of [`diff`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// Method of the intervals.
    pub method: Method,
    /// Number of comparisons with an interval or a test, which share the error probability of 5%.
    pub family: usize,
    /// Divisors of totals, for results of different size.
    pub rates: Rates,
    /// Comparisons of every metric that both sides have, policy by policy.
    pub rows: Vec<Compared>,
    /// Present only in the first results: policies, and metrics of common policies as `policy.metric`.
    pub only_a: Vec<String>,
    /// Present only in the second results.
    pub only_b: Vec<String>,
}

/// A metric's values, one per replication, as they are compared.
#[derive(Clone, Debug)]
struct Series {
    metric: String,
    unit: String,
    values: Vec<f64>,
}

impl Series {
    fn of(metric: &MetricValues) -> Series {
        Series { metric: metric.name.clone(), unit: metric.unit.clone(), values: metric.values.clone() }
    }
}

/// Compares two results. Differences are second minus first.
pub fn diff(a: &Results, b: &Results) -> Diff {
    let paired = a.seed == b.seed && a.replications == b.replications;
    let method = if paired { Method::Paired } else { Method::Welch };
    let (mut both, mut only_a, mut only_b) = (Vec::new(), Vec::new(), Vec::new());
    for policy in &a.policies {
        let name = &policy.name;
        let Some(other) = b.policy(name) else {
            only_a.push(name.clone());
            continue;
        };
        for metric in &policy.metrics {
            match other.get(&metric.name) {
                Some(other) => both.push((name, metric, other)),
                None => only_a.push(format!("{name}.{}", metric.name)),
            }
        }
        let missing = other.metrics.iter().filter(|metric| policy.get(&metric.name).is_none());
        only_b.extend(missing.map(|metric| format!("{name}.{}", metric.name)));
    }
    let missing = b.policies.iter().filter(|policy| a.policy(&policy.name).is_none());
    only_b.extend(missing.map(|policy| policy.name.clone()));

    let rates = Rates::between(a, b);
    let both: Vec<(&String, Series, Series)> = both
        .into_iter()
        .map(|(name, x, y)| (name, rates.applied(Series::of(x), a), rates.applied(Series::of(y), b)))
        .collect();
    let judged = |x: &Series, y: &Series| x.values.len() > 1 && y.values.len() > 1;
    let family = both.iter().filter(|(_, x, y)| judged(x, y)).count();
    // Bonferroni: k comparisons, each with confidence 1 - 0.05 / k, hold together with 95%.
    let each = each_of(family, CONFIDENCE);
    let interval = |x: &Series, y: &Series, confidence| match method {
        Method::Paired => paired_difference(&y.values, &x.values, confidence),
        Method::Welch => welch_difference(&y.values, &x.values, confidence),
    };
    let rows = both.iter().map(|(policy, x, y)| {
        let difference = interval(x, y, CONFIDENCE);
        let together = interval(x, y, each);
        let differs = |e: Estimate, confidence: f64| match never(x, y) {
            // An infinite value has no interval, so Fisher's test compares how often it occurs.
            Some(chance) => chance < 1.0 - confidence,
            None => e.ci_low > 0.0 || e.ci_high < 0.0,
        };
        let verdict = match () {
            () if paired && x.values == y.values => Verdict::Same,
            () if !judged(x, y) => Verdict::Unknown,
            () if differs(together, each) => Verdict::Changed,
            () if differs(difference, CONFIDENCE) => Verdict::Perhaps,
            () => Verdict::Noise,
        };
        Compared {
            policy: (*policy).clone(),
            metric: x.metric.clone(),
            unit: x.unit.clone(),
            a: Mean::of(&x.values),
            b: Mean::of(&y.values),
            difference,
            together,
            pairing: paired.then(|| pairing_saves(&x.values, &y.values)).flatten(),
            verdict,
        }
    });
    Diff { method, family, rates, rows: rows.collect(), only_a, only_b }
}

/// p-value of Fisher's exact test on the numbers of infinite values; `None` if there is none.
fn never(x: &Series, y: &Series) -> Option<f64> {
    let count = |s: &Series| (measured::never(&s.values) as u32, s.values.len() as u32);
    let ((a, of_a), (b, of_b)) = (count(x), count(y));
    (a + b > 0).then(|| fisher_exact(a, of_a, b, of_b))
}

impl Diff {
    /// Number of comparisons with this significance.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    /// Name of a policy, and its metrics with one value per replication.
    type Policy<'a> = (&'a str, &'a [(&'a str, &'a [f64])]);

    fn side(seed: u64, policies: &[Policy]) -> Results {
        let names: Vec<&str> = policies.iter().map(|(name, _)| *name).collect();
        let mut results = synthetic::empty(&names);
        results.seed = seed;
        results.replications = policies[0].1[0].1.len() as u32;
        for (policy, (_, metrics)) in results.policies.iter_mut().zip(policies) {
            let metric = |(metric, values): &(&str, &[f64])| MetricValues {
                name: (*metric).to_owned(),
                unit: "users".to_owned(),
                mean: 0.0,
                ci_low: 0.0,
                ci_high: 0.0,
                values: values.to_vec(),
                exercised: None,
            };
            policy.metrics = metrics.iter().map(metric).collect();
        }
        results
    }

    #[test]
    fn paired_intervals_find_a_change_that_welch_intervals_miss() {
        let noisy: &[f64] = &[10.0, 200.0, 3_000.0, 40.0];
        let moved: &[f64] = &[11.0, 201.1, 3_000.9, 41.0];
        let a = side(1, &[("old", &[("x", noisy)])]);
        let paired = diff(&a, &side(1, &[("old", &[("x", moved)])]));
        assert_eq!((paired.method, paired.rows[0].verdict), (Method::Paired, Verdict::Changed));
        let welch = diff(&a, &side(2, &[("old", &[("x", moved)])]));
        assert_eq!((welch.method, welch.rows[0].verdict), (Method::Welch, Verdict::Noise));
        assert_eq!(welch.rows[0].difference, welch_difference(moved, noisy, CONFIDENCE));
    }

    #[test]
    fn simultaneous_intervals_are_wider() {
        // The half width of the 95% interval is 4.303 * 0.5774. A difference of 3 lies outside it, but inside the
        // simultaneous interval of 20 comparisons.
        let (x, y): (&[f64], &[f64]) = (&[0.0, 0.0, 0.0], &[2.0, 3.0, 4.0]);
        let names: Vec<String> = (0..20).map(|i| format!("m{i}")).collect();
        let all = |values| names.iter().map(|n| (n.as_str(), values)).collect::<Vec<(&str, &[f64])>>();
        let of = |n: usize| {
            diff(&side(1, &[("p", &all(x)[..n])]), &side(1, &[("p", &all(y)[..n])])).rows[0].verdict
        };
        assert_eq!((of(1), of(20)), (Verdict::Changed, Verdict::Perhaps));
    }

    #[test]
    fn special_values_and_missing_metrics() {
        let says = |x: &[f64], y: &[f64], seed| {
            diff(&side(1, &[("p", &[("m", x)])]), &side(seed, &[("p", &[("m", y)])])).rows[0].verdict
        };
        assert_eq!(says(&[1.0], &[2.0], 1), Verdict::Unknown, "one replication");
        assert_eq!(says(&[1.0], &[1.0], 1), Verdict::Same);
        assert_eq!(says(&[5.0, 5.0], &[3.0, 3.0], 1), Verdict::Changed, "no variance");
        assert_eq!(says(&[5.0, 5.0], &[5.0, 5.0], 2), Verdict::Noise, "other seeds are no identity");
        // Fisher's exact test: 3 of 3 against 0 of 3 has 2 of 20 tables; 5 of 5 against 0 of 5 has 2 of 252.
        let (never, some) = ([f64::INFINITY; 5], [1.0; 5]);
        assert_eq!(says(&never[..3], &some[..3], 1), Verdict::Noise);
        assert_eq!(says(&never, &some, 1), Verdict::Changed);
        assert_eq!(says(&never, &never, 1), Verdict::Same);
        assert_eq!(says(&never, &never, 2), Verdict::Noise);
        let a = side(1, &[("p", &[("m", &[1.0]), ("gone", &[1.0])]), ("q", &[("m", &[1.0])])]);
        let b = side(1, &[("p", &[("m", &[1.0]), ("new", &[1.0])]), ("r", &[("m", &[1.0])])]);
        let both = diff(&a, &b);
        assert_eq!(both.only_a, ["p.gone", "q"]);
        assert_eq!(both.only_b, ["p.new", "r"]);
    }
}
