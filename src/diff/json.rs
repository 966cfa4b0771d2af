//! A comparison as JSON.

use super::{Changed, Diff, Rates, Verdict, headline};
use crate::kernel::Dur;
use crate::results::Results;
use crate::spec::json::output_schema;
use crate::stats::Estimate;
use schemars::JsonSchema;
use serde::Serialize;

/// A comparison of two results. Every difference is b minus a.
#[derive(Serialize, JsonSchema)]
struct Comparison<'a> {
    /// Whether b is better or worse, by the gravest harm.
    finding: String,
    /// What to know when reading the differences; null when the results have one size.
    warning: Option<String>,
    /// What totals are divided by, because the results differ in size.
    rates: Rates,
    /// The first results.
    a: Side<'a>,
    /// The second results.
    b: Side<'a>,
    /// Keys of the scenario whose values differ.
    scenario_changes: &'a [Changed],
    /// The method of the intervals: `paired` over replications of equal seeds, otherwise `welch`.
    method: &'static str,
    /// Number of comparisons with an interval, which share the error of 5%.
    family: usize,
    /// How they share it.
    family_method: &'static str,
    /// Policies and metrics that only a has.
    only_a: &'a [String],
    /// Policies and metrics that only b has.
    only_b: &'a [String],
    /// Every metric that both have, policy by policy.
    metrics: Vec<Row<'a>>,
}

/// One of two results.
#[derive(Serialize, JsonSchema)]
struct Side<'a> {
    /// The scenario's name.
    scenario: &'a str,
    /// The version of authstorm that wrote them.
    version: &'a str,
    /// Hash of the scenario.
    scenario_hash: &'a str,
    /// The seed.
    seed: u64,
    /// Number of replications.
    replications: u32,
    /// Number of users.
    users: u32,
    /// Length of a run.
    horizon: Dur,
}

/// A metric of a policy in both results.
#[derive(Serialize, JsonSchema)]
struct Row<'a> {
    /// The policy.
    policy: &'a str,
    /// The metric.
    metric: &'a str,
    /// Unit of the values.
    unit: &'a str,
    /// Mean in a; null for infinity.
    #[schemars(with = "Option<f64>")]
    a: f64,
    /// Mean in b; null for infinity.
    #[schemars(with = "Option<f64>")]
    b: f64,
    /// Share of the replications of a in which the value is infinite.
    never_a: f64,
    /// The same of b.
    never_b: f64,
    /// Difference of the means; null where it is infinite.
    #[schemars(with = "Option<f64>")]
    difference: f64,
    /// 95% interval of the difference, of this metric alone; null without an interval.
    ci95: Option<[f64; 2]>,
    /// Simultaneous 95% interval of all comparisons; null without an interval.
    ci95_family: Option<[f64; 2]>,
    /// How many times as many runs would tell the difference as precisely without pairing; below 1 pairing hurt. Null where
    /// nothing is paired or the differences have no spread.
    pairing_saves: Option<f64>,
    /// What the difference says.
    says: Says,
}

/// What a difference says.
#[derive(Serialize, JsonSchema)]
struct Says(#[schemars(extend("enum" = Verdict::ALL.map(Verdict::name)))] &'static str);

/// The JSON Schema of a comparison, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Comparison>("A comparison of two results of authstorm"))
}

/// A comparison as JSON, with a newline at the end. Null stands for infinity, and for an interval that there is none of.
pub fn json(a: &Results, b: &Results, keys: &[Changed], found: &Diff) -> String {
    fn side(of: &Results) -> Side<'_> {
        Side {
            scenario: &of.scenario,
            version: &of.version,
            scenario_hash: &of.scenario_hash,
            seed: of.seed,
            replications: of.replications,
            users: of.users,
            horizon: of.horizon,
        }
    }
    let metrics = found.rows.iter().map(|r| {
        let interval = |e: Estimate| match r.verdict {
            Verdict::Unknown => None,
            _ => e.mean.is_finite().then_some([e.ci_low, e.ci_high]),
        };
        Row {
            policy: &r.policy,
            metric: &r.metric,
            unit: &r.unit,
            a: r.a.value,
            b: r.b.value,
            never_a: r.a.never,
            never_b: r.b.never,
            difference: r.difference.mean,
            ci95: interval(r.difference),
            ci95_family: interval(r.together),
            pairing_saves: r.pairing,
            says: Says(r.verdict.name()),
        }
    });
    let comparison = Comparison {
        finding: headline(found),
        warning: found.rates.warning(a, b),
        rates: found.rates,
        a: side(a),
        b: side(b),
        scenario_changes: keys,
        method: found.method.name(),
        family: found.family,
        family_method: "bonferroni",
        only_a: &found.only_a,
        only_b: &found.only_b,
        metrics: metrics.collect(),
    };
    let value = serde_json::to_value(&comparison).expect("numbers, texts and lists are JSON");
    format!("{value:#}\n")
}
