//! A comparison as JSON.

use super::{Changed, Diff, Verdict, headline};
use crate::results::Results;
use crate::stats::Estimate;
use serde_json::{Value, json};

/// A comparison as JSON, with a newline at the end. Null stands for infinity, and for an interval that there is none of.
pub fn json(a: &Results, b: &Results, keys: &[Changed], found: &Diff) -> String {
    let of = |s: &Results| {
        json!({ "scenario": s.scenario, "version": s.version, "scenario_hash": s.scenario_hash, "seed": s.seed,
            "replications": s.replications, "users": s.users, "horizon": s.horizon })
    };
    let keys: Vec<Value> = keys.iter().map(|k| json!({ "key": k.key, "a": k.a, "b": k.b })).collect();
    let rows: Vec<Value> = found
        .rows
        .iter()
        .map(|r| {
            let interval = |e: Estimate| match r.verdict {
                Verdict::Unknown => Value::Null,
                _ if !e.mean.is_finite() => Value::Null,
                _ => json!([e.ci_low, e.ci_high]),
            };
            json!({ "policy": r.policy, "metric": r.metric, "unit": r.unit, "a": r.a.value, "b": r.b.value,
                "never_a": r.a.never, "never_b": r.b.never,
                "difference": r.difference.mean, "ci95": interval(r.difference),
                "ci95_family": interval(r.together), "says": r.verdict.name() })
        })
        .collect();
    let rates = json!({ "per_user": found.rates.per_user, "per_hour": found.rates.per_hour });
    let value = json!({ "finding": headline(found), "warning": found.rates.warning(a, b), "rates": rates, "a": of(a),
        "b": of(b), "scenario_changes": keys, "method": found.method.name(), "family": found.family,
        "family_method": "bonferroni", "only_a": found.only_a, "only_b": found.only_b, "metrics": rows });
    format!("{value:#}\n")
}
