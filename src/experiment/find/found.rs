//! The answer to a question, as data.

use crate::spec::json::output_schema;
use schemars::JsonSchema;
use serde::Serialize;

/// What a search found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// One value is shown to be enough, another shown not to be. What lies between is not decided.
    Bracket,
    /// As `Bracket`, and no value lies between the two.
    Neighbours,
    /// The target is met at the end of the range at which it is hardest to meet.
    Everywhere,
    /// The target is not met at the end of the range at which it is easiest to meet.
    Nowhere,
    /// One of the two claims could not be shown.
    NotDecided,
    /// The share of runs that meet the target rises and falls with the key, so no search can answer.
    NotMonotone,
    /// The target is met, but in too few of the runs something happened that could have broken it.
    Vacuous,
}

/// A claim about a value, with the fresh runs that show it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Claim {
    /// The value as a scenario writes it.
    pub value: String,
    /// The value as a number: of a rate its requests, of a duration its seconds.
    pub number: f64,
    /// Fresh runs at this value.
    pub runs: u64,
    /// Those that meet the target.
    pub meet: u64,
    /// The e-value of these runs.
    pub evidence: f64,
    /// What the e-value had to reach.
    pub needed: f64,
}

/// The runs at one value.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Rate {
    /// The value as a scenario writes it.
    pub value: String,
    /// The value as a number.
    pub number: f64,
    /// Runs that showed a claim or looked beyond the claims: a fair sample of the runs at this value.
    pub fresh: u64,
    /// Those of them that meet the target.
    pub fresh_meet: u64,
    /// Lower end of the 95% interval of the share of all runs that meets it, from the fresh runs. It holds for this value alone,
    /// however many runs the search chose to look at (Robbins 1970; Lai 1976). Absent without fresh runs.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// Runs that explored. The search came here because of what these runs did elsewhere, so they are no fair sample.
    pub explored: u64,
    /// Those of them that meet the target.
    pub explored_meet: u64,
    /// The share of a curve that does not fall towards values that meet the target (isotonic regression of the fresh runs). Absent
    /// without fresh runs.
    pub fitted: Option<f64>,
}

/// The answer to a [`Question`](super::Question).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// Version of authstorm.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario, without the varied key's value.
    pub scenario_hash: String,
    /// Seed of the scenario.
    pub seed: u64,
    /// The key.
    pub key: String,
    /// The first and the last value that were allowed.
    pub range: [String; 2],
    /// Number of values that were allowed.
    pub values: u64,
    /// Whether these are all values of the range. Otherwise none between them is judged.
    pub every_value: bool,
    /// The target.
    pub target: String,
    /// Whether the largest value was looked for.
    pub largest: bool,
    /// The share of runs that is to meet the target.
    pub share: f64,
    /// The probability that the whole answer is right, all looks together.
    pub confidence: f64,
    /// How much of the begin of each run does not count for the rates of the target, a sentence without full stop. Absent where
    /// all of a run counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<String>,
    /// What was found out.
    pub verdict: Verdict,
    /// The value that is shown to be enough.
    pub enough: Option<Claim>,
    /// The value that is shown not to be enough.
    pub not_enough: Option<Claim>,
    /// A value beyond the two that contradicts them.
    pub contradiction: Option<Claim>,
    /// Of the runs at `enough`, those in which something could have broken the target. `None` if `not-enough` is shown, where
    /// it is broken.
    pub exercised: Option<u64>,
    /// Number of values between neighbouring values that were looked at for a contradiction: beyond `not-enough`, beyond
    /// `enough`. A narrower dip is not seen. 0 where no value lies beyond.
    pub guard_spacing: [u64; 2],
    /// Runs with the same random numbers that were compared at several values.
    pub compared: u32,
    /// Those of them that meet the target at a value and not at one that should be easier.
    pub reversals: u32,
    /// How alike the outcomes of one run are at neighbouring values: 1 if every run has one threshold, 0 if neighbours say
    /// nothing of each other. `None` if it could not be measured.
    pub likeness: Option<f64>,
    /// All runs, by value in ascending order. The curve is exploratory: only the two claims are shown.
    pub rates: Vec<Rate>,
    /// Number of runs, without reference runs.
    pub runs: u64,
    /// Number of events, of reference runs too.
    pub events: u64,
}

/// The JSON Schema of an answer, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Found>("The answer of authstorm find"))
}

impl Found {
    /// The answer as JSON. `authstorm schema --of find` describes it.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON") + "\n"
    }
}
