//! `summary.json`: the results without their timelines, for programs, and for `report` to read back.

use super::finding;
use crate::experiment::results::{MetricValues, PolicyResults, Results};
use serde_json::{Map, Value, json};

/// Mean of the paired differences of two equally long series, and the ends of its 95% confidence interval:
/// `(mean, low, high)` of the first minus the second.
pub type PairedInterval = fn(&[f64], &[f64]) -> (f64, f64, f64);

/// Pretty-printed, keys in a fixed order, with a newline at the end. Null stands for infinity, which JSON has no word for:
/// what never happens within the run.
pub fn summary(results: &Results, paired: PairedInterval) -> String {
    let policies: Map<String, Value> = results
        .policies
        .iter()
        .map(|policy| {
            let finding = finding::of_policy(results, policy);
            let metrics: Map<String, Value> =
                policy.metrics.iter().map(|m| (m.def.name.to_owned(), metric(m))).collect();
            let distribution = &policy.entries_distribution;
            let value =
                json!({ "metrics": metrics, "finding": finding, "entries_distribution": distribution });
            (policy.name.clone(), value)
        })
        .collect();
    let comparisons: Map<String, Value> = match results.policies.split_first() {
        None => Map::new(),
        Some((first, others)) => others
            .iter()
            .map(|other| (format!("{} - {}", other.name, first.name), comparison(other, first, paired)))
            .collect(),
    };
    let expectations: Vec<Value> = results
        .expectations
        .iter()
        .map(|v| json!({ "that": v.that, "observed": v.observed, "bound": v.bound, "passed": v.passed }))
        .collect();
    let faults: Vec<Value> = results
        .faults
        .iter()
        .map(|f| json!({ "name": f.name, "from": f.from.to_string(), "to": f.to.to_string() }))
        .collect();
    let summary = json!({
        "scenario": results.scenario,
        "about": results.about,
        "client_model": results.client_model,
        "version": env!("CARGO_PKG_VERSION"),
        "seed": results.seed,
        "replications": results.replications,
        "scenario_hash": results.scenario_hash,
        "users": results.users,
        "horizon": results.horizon.to_string(),
        "bucket": results.policies.iter().find_map(|p| p.timelines.first()).map(|t| t.bucket.to_string()),
        "faults": faults,
        "engine": {
            "events": results.events,
            "fingerprint": format!("{:016x}", results.fingerprint),
            "parts": results.parts,
        },
        "policies": policies,
        "comparisons": comparisons,
        "expectations": expectations,
    });
    format!("{summary:#}\n")
}

fn metric(m: &MetricValues) -> Value {
    json!({ "unit": m.def.unit, "mean": m.mean, "ci_low": m.ci_low, "ci_high": m.ci_high, "values": m.values })
}

fn comparison(other: &PolicyResults, first: &PolicyResults, paired: PairedInterval) -> Value {
    let metrics: Map<String, Value> = other
        .metrics
        .iter()
        .map(|metric| {
            let (mean, low, high) = paired(&metric.values, &first.metric(metric.def.name).values);
            (metric.def.name.to_owned(), json!({ "mean": mean, "ci_low": low, "ci_high": high }))
        })
        .collect();
    Value::Object(metrics)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn mean_only(a: &[f64], b: &[f64]) -> (f64, f64, f64) {
        let sum: f64 = a.iter().zip(b).map(|(a, b)| a - b).sum();
        let mean = sum / a.len().max(1) as f64;
        (mean, mean - 1.0, mean + 1.0)
    }

    #[test]
    fn keys_keep_their_order_and_numbers_their_bits() {
        let results = synthetic::storm(&["old", "new"], 60, 3);
        let text = summary(&results, mean_only);
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
                let read = &read["policies"][&policy.name]["metrics"][metric.def.name];
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
            let read: Result<Value, _> = serde_json::from_str(&summary(&results, mean_only));
            assert!(read.is_ok(), "{case}");
        }
    }
}
