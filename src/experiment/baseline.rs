//! Comparison with earlier results: `baseline(..)` in a condition.

use super::observe::Observed;
use super::{Error, Study};
use crate::results::Results;
use crate::scenario::expect::{Expectation, Quantity};
use std::fmt;
use std::sync::Arc;

/// Why results are no baseline for a study.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadBaseline {
    /// The seeds differ, so replications are no pairs.
    Seed {
        /// The seed of the baseline.
        there: u64,
        /// The seed of the study.
        here: u64,
    },
    /// The baseline has fewer replications.
    Replications {
        /// Replications of the baseline.
        there: u32,
        /// Replications of the study.
        here: u32,
    },
    /// No expectation of the scenario names the baseline.
    NotNamed,
}

impl fmt::Display for BadBaseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadBaseline::Seed { there, here } => write!(
                f,
                "the baseline has seed {there}, and this scenario {here}: replications are compared in pairs of one seed; \
                 allowed: a baseline with seed {here}"
            ),
            BadBaseline::Replications { there, here } => write!(
                f,
                "the baseline has {there} replications, and this scenario {here}; allowed: a baseline with {here} or more"
            ),
            BadBaseline::NotNamed => f.write_str(
                "no [[expect]] of the scenario names a baseline; add one with its margin, such as that = \
                 \"new.requests_total <= 1.05 * baseline(new.requests_total)\" and of = \"mean\"",
            ),
        }
    }
}

impl Study {
    /// Gives the results of an earlier run, such as those of the last release, for the expectations that name
    /// `baseline(..)`. Each replication is paired with the one of the same number: both have the same random numbers.
    ///
    /// An expectation on something that the baseline does not hold, such as a new policy, is not judged.
    ///
    /// ```
    /// use authstorm::Study;
    ///
    /// let text = r#"
    ///     version = 1
    ///     name = "pollers"
    ///     horizon = "5m"
    ///     replications = 30
    ///     policies = ["new"]
    ///     [[workload]]
    ///     name = "pollers"
    ///     clients = 10
    ///     every = { exponential = "10s" }
    ///     [[expect]]
    ///     that = "new.requests_total <= 1.05 * baseline(new.requests_total)"
    ///     of = "mean"
    /// "#;
    /// let before = Study::parse("pollers.toml", text)?.run()?;
    /// Study::parse("pollers.toml", text)?.baseline(before.clone())?.run()?.check()?;
    /// let more = text.replace("clients = 10", "clients = 12");
    /// let failed = Study::parse("pollers.toml", &more)?.baseline(before)?.run()?.check().unwrap_err();
    /// assert_eq!(failed.failed.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the seeds differ, the baseline has fewer replications, or no expectation names it.
    pub fn baseline(&mut self, results: Results) -> Result<&mut Study, Error> {
        let scenario = &self.loaded.scenario;
        let bad = if !self.loaded.expectations.iter().any(Expectation::needs_baseline) {
            Some(BadBaseline::NotNamed)
        } else if results.seed != scenario.seed {
            Some(BadBaseline::Seed { there: results.seed, here: scenario.seed })
        } else if results.replications < scenario.replications {
            Some(BadBaseline::Replications { there: results.replications, here: scenario.replications })
        } else {
            None
        };
        if let Some(bad) = bad {
            return Err(Error::Baseline(bad));
        }
        self.baseline = Some(Arc::new(results));
        Ok(self)
    }

    /// What the baseline holds of the quantities that expectations name of it.
    pub(super) fn recorded(&self) -> Vec<Observed> {
        let of_baseline = |quantity: &&Quantity| quantity.of_baseline;
        let mut all: Vec<Observed> = Vec::new();
        for quantity in self.quantities().filter(of_baseline) {
            let values = self.baseline.as_ref().and_then(|results| results.values_of(quantity));
            if let Some(values) = values.filter(|_| !all.iter().any(|observed| observed.is_of(quantity))) {
                all.push(Observed::recorded(quantity, values));
            }
        }
        all
    }
}
