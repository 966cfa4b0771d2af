//! The check of results: an error in words for what does not hold.

use super::{Judgement, Results, Verdict, verdicts};
use crate::text::{clean, number};
use std::fmt;

/// The expectations of results that fail a check. As text, it says the same of each as `authstorm check`.
#[derive(Clone, PartialEq)]
pub struct CheckFailed {
    /// Name of the scenario.
    pub scenario: String,
    /// The seed of the runs.
    pub seed: u64,
    /// Replications of each policy.
    pub replications: u32,
    /// Number of expectations.
    pub expectations: usize,
    /// The verdicts that fail the check, in the scenario's order. Empty if no expectation is judged at all.
    pub failed: Vec<Verdict>,
    /// How statistics decide, if they do; in words.
    pub level: Option<String>,
}

impl Results {
    /// Checks the expectations, as `authstorm check` does: each that is judged must be decided and hold, none may be vacuous
    /// unless the scenario permits it, and at least one must be judged if there are any.
    ///
    /// ```
    /// use authstorm::Study;
    ///
    /// let mut study = Study::load("scenarios/healthy.toml")?;
    /// study.replications(1)?;
    /// study.run()?.check()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The verdicts that fail the check. Their text is for people:
    ///
    /// ```
    /// # use authstorm::Study;
    /// let results = Study::parse("storm.toml", r#"
    ///     version = 1
    ///     name = "storm"
    ///     horizon = "1m"
    ///     policies = ["new"]
    ///     [[workload]]
    ///     name = "pollers"
    ///     clients = 10
    ///     every = "10s"
    ///     until = "55s"
    ///     [[expect]]
    ///     that = "new.requests_total <= 0.5 * new.callers_begun"
    /// "#)?.run()?;
    /// let failed = results.check().unwrap_err();
    /// // Six calls of ten clients, and half of them.
    /// assert!(failed.to_string().contains("FAIL new.requests_total <= 0.5 * new.callers_begun: observed 60 against 30"));
    /// # Ok::<(), authstorm::Error>(())
    /// ```
    pub fn check(&self) -> Result<(), CheckFailed> {
        if self.passes_check() {
            return Ok(());
        }
        Err(CheckFailed {
            scenario: self.scenario.clone(),
            seed: self.seed,
            replications: self.replications,
            expectations: self.expectations.len(),
            failed: self.expectations.iter().filter(|verdict| verdict.fails_check()).cloned().collect(),
            level: verdicts::level(self),
        })
    }
}

impl fmt::Display for CheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = number::counted(self.expectations as u64, "expectation", "expectations");
        let (scenario, seed) = (clean(&self.scenario), self.seed);
        if self.failed.is_empty() {
            return write!(f, "none of {all} of {scenario} is judged, with seed {seed}");
        }
        write!(f, "{} of {all} of {scenario} fail the check, with seed {seed}", self.failed.len())?;
        for verdict in &self.failed {
            write!(f, "\n{}", verdicts::line(verdict, self.replications))?;
        }
        self.level.iter().try_for_each(|level| write!(f, "\n{level}"))
    }
}

/// The same as the text, which a test shows where it unwraps the error.
impl fmt::Debug for CheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for CheckFailed {}

impl CheckFailed {
    /// The first verdict that a run of its policy can explain.
    pub fn first_failed(&self) -> Option<&Verdict> {
        self.failed.iter().find(|verdict| verdict.judgement != Judgement::Vacuous)
    }
}
