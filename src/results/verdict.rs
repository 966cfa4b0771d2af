//! Verdicts on expectations, as data.

use super::serial;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Judgement of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Judgement {
    /// It holds, and its stimulus was exercised.
    Passed,
    /// It does not hold.
    Failed,
    /// It holds, but nothing happened that could have made it fail.
    Vacuous,
    /// Its policy was not run, or its baseline is not known.
    NotJudged,
    /// The replications show neither that it holds nor that it does not, at the level of the file.
    NotDecided,
}

impl Judgement {
    /// All judgements.
    pub const ALL: [Judgement; 5] = [
        Judgement::Passed,
        Judgement::Failed,
        Judgement::Vacuous,
        Judgement::NotDecided,
        Judgement::NotJudged,
    ];
}

/// What the runs imply beyond the observations.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Assurance {
    /// Nothing: the expectation does not hold, or was not judged.
    None,
    /// Every run held. At 95% confidence, at most this share of runs violates the expectation (Clopper-Pearson, one-sided).
    ViolatedAtMost(f64),
    /// The 95% interval of the compared mean, or of the mean difference of the two sides of a relation; absent with one
    /// replication.
    Mean(Option<(f64, f64)>),
    /// How many runs meet the expectation, of an expectation on a share of runs.
    Runs(RunsMeeting),
}

/// The runs that meet an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunsMeeting {
    /// Runs that meet it.
    pub meet: u32,
    /// Those of them in which its stimulus was exercised. Only they count as evidence for it.
    pub shown: u32,
    /// All runs. The scenario says their number before the first.
    pub of: u32,
    /// At 95% confidence, at least this share of all runs is exercised and meets it (Clopper-Pearson, one-sided).
    pub at_least: f64,
    /// At 95% confidence, at most this share of all runs meets it (Clopper-Pearson, one-sided).
    pub at_most: f64,
    /// The value that the asked share of runs keeps; absent unless one value is compared with a number by an inequality, and
    /// where it is infinite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<RunsQuantile>,
}

/// A quantile over runs, with the interval of order statistics (David and Nagaraja 2003, section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunsQuantile {
    /// The share of runs whose values are at most the quantile, from 0 to 1.
    pub share: f64,
    /// The quantile of the replications.
    pub value: f64,
    /// Lower end of the 95% interval of the quantile of all runs; absent if the replications are too few for one.
    pub low: Option<f64>,
    /// Upper end; absent if the replications are too few for one.
    pub high: Option<f64>,
}

/// What statistics say of an expectation among those of its file that they decide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The probability, at least, that none of the expectations passes wrongly, and that none fails wrongly.
    pub confidence: f64,
    /// Number of expectations of the file that statistics decide.
    pub family: u32,
    /// The p-value for the expectation, adjusted for all of them (Holm): it passes at most at `1 - confidence`.
    pub p_holds: f64,
    /// The p-value against the expectation, adjusted in the same way: it fails at most at `1 - confidence`.
    pub p_fails: f64,
}

/// The verdict on one expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "VerdictText", into = "VerdictText")]
#[schemars(with = "VerdictText")]
#[non_exhaustive]
pub struct Verdict {
    /// The expression as written in the scenario.
    pub that: String,
    /// The policy of the expectation.
    pub policy: String,
    /// The judgement.
    pub judgement: Judgement,
    /// The observed value of the left side: the mean, or the worst replication's value; absent if it was not judged.
    pub observed: Option<f64>,
    /// The replication of the observed value; absent for a mean.
    pub replication: Option<u32>,
    /// Whether every replication has the observed value.
    pub same_in_all: bool,
    /// The value of the right side, where the observed value is: the number in the expression, unless it is a relation.
    pub bound: f64,
    /// Whether the expression relates values of runs on both sides, or a value to the number of users.
    pub is_relation: bool,
    /// Replications in which the stimulus was exercised.
    pub exercised: u32,
    /// What the runs imply beyond the observation.
    pub assurance: Assurance,
    /// What statistics decide; absent if the observation alone does.
    pub decision: Option<Decision>,
    /// Why it is vacuous or not judged; empty otherwise.
    pub reason: String,
    /// Whether the scenario permits the expectation to be vacuous.
    pub may_be_vacuous: bool,
}

impl Verdict {
    /// Whether the verdict fails a check.
    pub fn fails_check(&self) -> bool {
        match self.judgement {
            Judgement::Failed | Judgement::NotDecided => true,
            Judgement::Vacuous => !self.may_be_vacuous,
            Judgement::Passed | Judgement::NotJudged => false,
        }
    }
}

/// JSON form of a verdict.
#[derive(Serialize, Deserialize, JsonSchema)]
struct VerdictText {
    /// The expression as written in the scenario.
    that: String,
    /// The policy of the expectation.
    policy: String,
    /// The judgement.
    judgement: Judgement,
    /// For readers that need only yes or no.
    passed: bool,
    /// The observed value: the mean, or the worst replication's value. Null for infinity, and if it was not judged.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    observed: f64,
    /// The value of the right side: the bound in the expression, unless it is a relation; null for infinity.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    bound: f64,
    /// Whether the observed value is a mean.
    of_mean: bool,
    /// The replication of the observed value; null for a mean.
    replication: Option<u32>,
    /// Whether every replication has the observed value.
    same_in_all: bool,
    /// Replications in which the stimulus was exercised.
    exercised: u32,
    /// At 95% confidence, at most this share of runs violates the expectation (Clopper-Pearson, one-sided); null unless every
    /// run held.
    violated_at_most: Option<f64>,
    /// The 95% interval of the compared mean; null for a single value, and with one replication.
    mean_interval: Option<(f64, f64)>,
    /// Why it is vacuous or not judged; empty otherwise.
    reason: String,
    /// Whether the scenario permits the expectation to be vacuous.
    may_be_vacuous: bool,
    /// Whether the expression relates values of runs on both sides, or a value to the number of users. `mean_interval` is then
    /// that of the mean difference of the sides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_relation: bool,
    /// How many runs meet the expectation; absent unless it is on a share of runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runs: Option<RunsMeeting>,
    /// What statistics decide; absent if the observation alone does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

impl From<Verdict> for VerdictText {
    fn from(v: Verdict) -> VerdictText {
        let (violated_at_most, mean_interval, runs) = match v.assurance {
            Assurance::None => (None, None, None),
            Assurance::ViolatedAtMost(share) => (Some(share), None, None),
            Assurance::Mean(interval) => (None, interval, None),
            Assurance::Runs(runs) => (None, None, Some(runs)),
        };
        VerdictText {
            that: v.that,
            policy: v.policy,
            judgement: v.judgement,
            passed: v.judgement == Judgement::Passed,
            observed: v.observed.unwrap_or(f64::NAN),
            bound: v.bound,
            of_mean: v.replication.is_none(),
            replication: v.replication,
            same_in_all: v.same_in_all,
            exercised: v.exercised,
            violated_at_most,
            mean_interval,
            reason: v.reason,
            may_be_vacuous: v.may_be_vacuous,
            is_relation: v.is_relation,
            runs,
            decision: v.decision,
        }
    }
}

impl From<VerdictText> for Verdict {
    fn from(v: VerdictText) -> Verdict {
        let is_judged = v.judgement != Judgement::NotJudged;
        Verdict {
            assurance: match (v.violated_at_most, v.runs) {
                (_, Some(runs)) => Assurance::Runs(runs),
                (Some(share), None) => Assurance::ViolatedAtMost(share),
                (None, None) if v.of_mean && is_judged && v.judgement != Judgement::Vacuous => {
                    Assurance::Mean(v.mean_interval)
                }
                (None, None) => Assurance::None,
            },
            observed: is_judged.then_some(v.observed),
            that: v.that,
            policy: v.policy,
            judgement: v.judgement,
            replication: v.replication,
            same_in_all: v.same_in_all,
            bound: v.bound,
            exercised: v.exercised,
            reason: v.reason,
            may_be_vacuous: v.may_be_vacuous,
            is_relation: v.is_relation,
            decision: v.decision,
        }
    }
}
