//! `[[expect]]` and `[check]`: what a file says.

use super::{Doc, ExpectOf, Expectation, Source};
use crate::spec::leaf::Reference;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A condition on metrics of runs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[expect]]")]
pub struct ExpectSpec {
    /// The condition: two sums, and `==`, `!=`, `<`, `<=`, `>` or `>=` between them. A term of a sum is a number, `users`, or
    /// `policy.metric`, with numbers as factors: `new.false_sign_outs <= 0.0005 * users`,
    /// `new.requests_total <= 1.2 * old.requests_total`. A metric may have labels: `new.requests_total{cohort=office}`,
    /// `new.answer_time_s{endpoint=touch, quantile=p99}`; `authstorm metrics` lists them. `baseline(new.requests_total)` is
    /// the value of the same replication in the results that `check --baseline` names. The last dot separates policy and
    /// metric. `+` and `-` have spaces on both sides.
    #[schemars(example = "new.false_sign_outs == 0")]
    pub that: String,
    /// Of which runs the condition is to hold: of `every` replication; of the `mean` over all runs; or of a share of all runs,
    /// such as `95% of runs`. The last two are decided by statistics: they pass or fail if the replications show it at the
    /// level of `[check]`, and are else not decided. In a file without `[check]`, the mean of one metric that is compared
    /// with a number is the observed one.
    #[serde(default)]
    #[schemars(example = "95% of runs")]
    pub of: ExpectOf,
    /// The cohort whose users are counted; without it, all users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reference", example = &"office")]
    pub cohort: Option<String>,
    /// Whether `check` passes when nothing in the run could have broken the expectation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_vacuous: bool,
}

/// How the verdicts of a file are decided.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "[check]")]
pub struct CheckSpec {
    /// The probability, at least, that no expectation of the file that is decided by statistics passes wrongly, and that none
    /// fails wrongly, each by Holm's method. In a file with `[check]`, every expectation `of` a mean or of a share of runs
    /// is decided by statistics.
    #[schemars(range(min = 0.5, max = 0.999_999))]
    pub confidence: f64,
}

impl Default for CheckSpec {
    fn default() -> CheckSpec {
        CheckSpec { confidence: crate::stats::CONFIDENCE }
    }
}

/// Line and column of each of these expectations in a file. Absent where the file does not say the expectation at its place,
/// because an override gives it, and where the file cannot be read.
pub fn places(file: &Path, expectations: &[Expectation]) -> Vec<Option<(usize, usize)>> {
    let source = Source::read(&file.display().to_string(), file).ok();
    let doc = source.as_ref().and_then(|source| Doc::parse(source).ok());
    let place = |(i, expectation): (usize, &Expectation)| {
        let (source, (doc, _)) = source.as_ref().zip(doc.as_ref())?;
        let path = format!("expect[{i}].that");
        let says = doc.node(&path)?.get_ref().as_str() == Some(expectation.text.as_str());
        says.then(|| source.place(doc.at(&path).start))
    };
    expectations.iter().enumerate().map(place).collect()
}
