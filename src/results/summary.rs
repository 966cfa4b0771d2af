//! `summary.json`: the results without timelines, sessions and stories, and values derived from them.

use super::{Comparisons, PolicyResults, Results, finding};
use crate::spec::json::output_schema;
use crate::stats::{CONFIDENCE, paired_difference};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The text of summary.json: keys in a fixed order, a newline at the end. Null stands for infinity, that is for what never
/// happens within the run.
pub fn summary(results: &Results) -> String {
    let mut value =
        serde_json::to_value(without_details(results)).expect("numbers, texts, lists and maps are JSON");
    for policy in &results.policies {
        let sentence = finding::of_policy(results, policy);
        insert_after(&mut value["policies"][&policy.name], "metrics", "finding", sentence.into());
    }
    insert_after(&mut value, "policies", "comparisons", comparisons(results).into());
    format!("{value:#}\n")
}

/// The difference of a metric from the first policy, in `comparisons`.
#[derive(Serialize, JsonSchema)]
struct Difference {
    /// Mean difference over the replications, each paired with the same replication of the first policy; null where either
    /// is infinite.
    #[schemars(with = "Option<f64>")]
    mean: f64,
    /// Lower end of its 95% interval.
    #[schemars(with = "Option<f64>")]
    ci_low: f64,
    /// Upper end of the interval.
    #[schemars(with = "Option<f64>")]
    ci_high: f64,
    /// The interval that holds together with those of all comparisons of the scenario's metrics, with 95% (Bonferroni). Absent
    /// for a metric that the scenario cannot move, and where either mean is infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<[f64; 2]>,
    /// How many times as many runs with random numbers of their own tell the difference as precisely; below 1 pairing hurt. Absent
    /// where the differences have no spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pairing_saves: Option<f64>,
}

/// The JSON Schema of summary.json, draft 2020-12, as text.
pub fn json_schema() -> String {
    let mut schema = output_schema::<Results>("The summary of results of authstorm");
    let differences = output_schema::<BTreeMap<String, BTreeMap<String, Difference>>>("");
    schema["$defs"]["Difference"] = differences["$defs"]["Difference"].clone();
    let comparisons = json!({
        "description": "Differences of each policy from the first, as `other - first`, by metric.",
        "type": "object",
        "additionalProperties": differences["additionalProperties"],
    });
    let finding = json!({ "description": "What the policy does, in a sentence.", "type": "string" });
    require(&mut schema, "policies", "comparisons", comparisons);
    require(&mut schema["$defs"]["PolicyResults"], "metrics", "finding", finding);
    format!("{schema:#}\n")
}

/// Adds a required property to the schema of an object.
fn require(schema: &mut Value, before: &str, name: &str, property: Value) {
    insert_after(&mut schema["properties"], before, name, property);
    if let Some(required) = schema["required"].as_array_mut() {
        required.push(name.into());
    }
}

fn insert_after(object: &mut Value, before: &str, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        let at = object.keys().position(|key| key == before).map_or(object.len(), |at| at + 1);
        object.shift_insert(at, key.to_owned(), value);
    }
}

/// Removes what other files hold. Serde skips the emptied fields.
fn without_details(results: &Results) -> Results {
    let without_details = |policy: &PolicyResults| PolicyResults {
        name: policy.name.clone(),
        unrecorded: policy.unrecorded.clone(),
        metrics: policy.metrics.clone(),
        entries_distribution: policy.entries_distribution.clone(),
        demand: policy.demand.clone(),
        answers: policy.answers.clone(),
        groups: policy.groups.clone(),
        limits: policy.limits.clone(),
        servers: policy.servers.clone(),
        named: policy.named.clone(),
        not_exercised: policy.not_exercised.clone(),
        timelines: Vec::new(),
        sessions: Vec::new(),
    };
    Results {
        scenario: results.scenario.clone(),
        about: results.about.clone(),
        client_model: results.client_model.clone(),
        version: results.version.clone(),
        scenario_hash: results.scenario_hash.clone(),
        faults: results.faults.clone(),
        precision: results.precision.clone(),
        warm_up: results.warm_up.clone(),
        engine: results.engine.clone(),
        policies: results.policies.iter().map(without_details).collect(),
        expectations: results.expectations.clone(),
        all_sessions: false,
        scenario_text: String::new(),
        policy_files: Vec::new(),
        stories: Vec::new(),
        gaps: Vec::new(),
        ..*results
    }
}

/// Compares every policy with the first, metric by metric: the paired difference with its 95% interval.
fn comparisons(results: &Results) -> Map<String, Value> {
    let Some((first, others)) = results.policies.split_first() else { return Map::new() };
    let Some(all) = Comparisons::of(results) else { return Map::new() };
    let compared = |other: &PolicyResults| -> Map<String, Value> {
        let metrics = other.metrics.iter().filter_map(|metric| {
            let e = paired_difference(&metric.values, &first.get(&metric.name)?.values, CONFIDENCE);
            let found = metric.def().and_then(|def| all.get(&other.name, def.metric));
            let found = found.filter(|one| one.together.mean.is_finite());
            let difference = Difference {
                mean: e.mean,
                ci_low: e.ci_low,
                ci_high: e.ci_high,
                together: found.map(|one| [one.together.ci_low, one.together.ci_high]),
                pairing_saves: found.and_then(|one| one.pairing),
            };
            Some((metric.name.clone(), json!(difference)))
        });
        metrics.collect()
    };
    let name = |other: &PolicyResults| format!("{} - {}", other.name, first.name);
    others.iter().map(|other| (name(other), compared(other).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn keys_keep_their_order_and_numbers_their_bits() {
        let results = synthetic::storm(&["old", "new"], 60, 3);
        let text = summary(&results);
        assert!(text.ends_with("}\n"));
        let read: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<&String> = read.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "scenario",
                "about",
                "client_model",
                "version",
                "seed",
                "replications",
                "scenario_hash",
                "users",
                "horizon",
                "bucket",
                "faults",
                "engine",
                "policies",
                "comparisons",
                "expectations"
            ]
        );
        for policy in &results.policies {
            for metric in &policy.metrics {
                let read = &read["policies"][&policy.name]["metrics"][&metric.name];
                assert_eq!(read["mean"].as_f64().unwrap().to_bits(), metric.mean.to_bits());
                assert_eq!(read["values"].as_array().unwrap().len(), 3);
            }
        }
        let difference = &read["comparisons"]["new - old"]["amplification"];
        assert!(difference["mean"].as_f64().unwrap() < 0.0);
        assert_eq!(read["expectations"][1]["passed"], Value::Bool(false));
    }

    #[test]
    fn every_case_is_json() {
        for (case, results) in synthetic::table() {
            let read: Result<Value, _> = serde_json::from_str(&summary(&results));
            assert!(read.is_ok(), "{case}");
        }
    }
}
