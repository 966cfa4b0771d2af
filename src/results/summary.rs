//! `summary.json`: the results without timelines, sessions and stories, and values derived from them.

use super::{PolicyResults, Results, finding};
use crate::stats::{CONFIDENCE, paired_difference};
use serde_json::{Map, Value, json};

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
        metrics: policy.metrics.clone(),
        entries_distribution: policy.entries_distribution.clone(),
        demand: policy.demand.clone(),
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
    let compared = |other: &PolicyResults| -> Map<String, Value> {
        let metrics = other.metrics.iter().filter_map(|metric| {
            let e = paired_difference(&metric.values, &first.get(&metric.name)?.values, CONFIDENCE);
            Some((metric.name.clone(), json!({ "mean": e.mean, "ci_low": e.ci_low, "ci_high": e.ci_high })))
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
