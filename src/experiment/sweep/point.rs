//! What a sweep finds, as data: sweep.json.

use super::super::vary::VARY;
use super::design::{Axis, Kind};
use crate::kernel::Dur;
use crate::results::MetricValues;
use crate::results::serial::{Named, by_name, hex};
use crate::spec::json::output_schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A sweep: sweep.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Sweep {
    /// Version of authstorm.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario, without the values of the points.
    pub scenario_hash: String,
    /// Seed of the scenario.
    pub seed: u64,
    /// Replications of each policy at each point.
    pub replications: u32,
    /// Length of a run of the scenario, if no key changes it.
    pub horizon: Dur,
    /// `factorial`: every combination of the keys' values, those of the last key change first. `lhs`: a Latin hypercube.
    pub design: String,
    /// The keys and their values.
    pub keys: Vec<AxisValues>,
    /// Number of points.
    pub count: u64,
    /// The policies, in the scenario's order.
    pub policies: Vec<String>,
    /// Confidence of each interval.
    pub confidence: f64,
    /// `pointwise`: an interval holds for its own point, policy and metric, not all intervals together.
    pub intervals: String,
    /// Whether all points have the same random numbers. Differences between points are then sharp, and their errors are common:
    /// all of a map may lie high or low together.
    pub common_random_numbers: bool,
    /// The points, in order.
    pub points: Vec<Point>,
}

/// A key of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AxisValues {
    /// The key.
    pub key: String,
    /// Whether neighbouring values were asked to have the same ratio.
    pub log: bool,
    /// Its values, as a scenario writes them: of a factorial design each once, of a Latin hypercube one for each point.
    pub values: Vec<String>,
    /// The values as numbers: of a rate its requests, of a duration its seconds. Absent where they are words.
    pub numbers: Option<Vec<f64>>,
}

impl AxisValues {
    pub(super) fn of(axis: &Axis) -> AxisValues {
        AxisValues {
            key: axis.key.clone(),
            log: axis.log,
            values: axis.values.iter().map(|(text, _)| text.clone()).collect(),
            numbers: axis.values.iter().map(|(_, number)| *number).collect(),
        }
    }
}

/// What happens at a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Point {
    /// Number of the point, from 0.
    pub point: u64,
    /// The value of each key, as a scenario writes it.
    pub values: Vec<String>,
    /// Hash of the scenario with these values.
    pub scenario_hash: String,
    /// Events of all runs, reference runs included.
    pub events: u64,
    /// Hash over all events of all runs in their order, as in summary.json.
    #[serde(with = "hex")]
    #[schemars(with = "String")]
    pub fingerprint: u64,
    /// What each policy does.
    #[serde(with = "by_name")]
    #[schemars(with = "BTreeMap<String, PolicyPoint>")]
    pub policies: Vec<PolicyPoint>,
}

/// What a policy does at a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyPoint {
    /// The policy's name.
    #[serde(skip)]
    pub name: String,
    /// Every metric by name, as in summary.json. Null stands for what does not happen within the run.
    #[serde(with = "by_name")]
    #[schemars(with = "BTreeMap<String, MetricValues>")]
    pub metrics: Vec<MetricValues>,
}

impl PolicyPoint {
    /// The values of a metric; absent if the policy's client does not have it.
    pub fn get(&self, metric: &str) -> Option<&MetricValues> {
        self.metrics.iter().find(|values| values.name == metric)
    }
}

impl Named for PolicyPoint {
    fn name(&self) -> &str {
        &self.name
    }

    fn named(self, name: String) -> Self {
        PolicyPoint { name, ..self }
    }
}

/// The JSON Schema of sweep.json, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Sweep>("The map of authstorm sweep"))
}

impl Kind {
    /// Reads `factorial` or `lhs:N`.
    ///
    /// # Errors
    /// What is allowed, if the text is another.
    pub fn parse(text: &str) -> Result<Kind, String> {
        let points = || text.strip_prefix("lhs:")?.parse::<u32>().ok();
        match (text, points()) {
            ("factorial", _) => Ok(Kind::Factorial),
            (_, Some(points)) => Ok(Kind::LatinHypercube(points)),
            _ => Err("allowed: factorial, or lhs:N with a number of points, such as lhs:100".to_owned()),
        }
    }
}

/// The word of sweep.json for points that are every combination of the keys' values, or not.
pub(super) fn design_in_words(crossed: bool) -> &'static str {
    if crossed { "factorial" } else { "lhs" }
}

impl Sweep {
    /// Whether the points are every combination of the keys' values.
    pub fn is_factorial(&self) -> bool {
        self.design == design_in_words(true)
    }

    /// The points of the design.
    pub fn placed(&self) -> super::Points {
        let axis = |axis: &AxisValues| {
            let number = |i: usize| axis.numbers.as_ref().map(|numbers| numbers[i]);
            let values = axis.values.iter().enumerate().map(|(i, text)| (text.clone(), number(i))).collect();
            Axis { option: VARY, key: axis.key.clone(), log: axis.log, values }
        };
        super::Points { axes: self.keys.iter().map(axis).collect(), crossed: self.is_factorial() }
    }
}
