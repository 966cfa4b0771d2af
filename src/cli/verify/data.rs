//! The outcome of a verification as data: JSON with its schema, and rows for CSV.

use super::Outcome;
use authstorm::results::csv;
use authstorm::spec::json::output_schema;
use authstorm::verify::exhaust::Explored;
use authstorm::verify::{Check, FAMILY_WISE_ERROR, Kind, LEFT_OUT, families};
use schemars::JsonSchema;
use serde::Serialize;

/// What `verify` found.
#[derive(Serialize, JsonSchema)]
struct Found {
    /// Whether every check passed.
    passed: bool,
    /// The probability that any interval of the whole suite misses a correct value.
    family_wise_error: f64,
    /// Number of intervals in the whole suite.
    intervals: usize,
    /// Confidence of each interval.
    confidence: f64,
    /// Simulated events of the checks.
    events: u64,
    /// The checks against exact values.
    checks: Vec<OfCheck>,
    /// What no check compares, and why.
    left_out: Vec<LeftOut>,
    /// The random scenarios that the judges watched. Empty with `--family`.
    swarm: Vec<OfDraw>,
    /// Laws that are broken at the bounds of keys.
    bounds: Vec<String>,
    /// The corners of the exhaustive search. Empty with `--family`.
    search: Vec<Corner>,
}

/// A check against an exact value.
#[derive(Serialize, JsonSchema)]
struct OfCheck {
    /// The family of closed forms.
    family: String,
    /// The paper, book or standard that the exact value comes from.
    source: String,
    /// The scenario and the measure.
    check: String,
    /// How the values are compared.
    kind: OfKind,
    /// The simulated value.
    ours: f64,
    /// Lower end of its simultaneous confidence interval; null for an exact check.
    low: Option<f64>,
    /// Upper end of the interval; null for an exact check.
    high: Option<f64>,
    /// The exact value; of a check that rejects, the value of a model that is 5% wrong.
    exact: f64,
    /// Whether the check passed.
    passed: bool,
}

/// How a check compares.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OfKind {
    /// The exact value must lie in the interval.
    Interval,
    /// The values must be equal, but for a stated tolerance.
    Exact,
    /// The value of a model that is 5% wrong must lie outside of the interval.
    Rejects,
}

impl OfKind {
    fn of(check: &Check) -> OfKind {
        match check.kind {
            Kind::Interval => OfKind::Interval,
            Kind::Exact => OfKind::Exact,
            Kind::Rejects => OfKind::Rejects,
        }
    }

    fn name(self) -> &'static str {
        match self {
            OfKind::Interval => "interval",
            OfKind::Exact => "exact",
            OfKind::Rejects => "rejects",
        }
    }
}

/// A family that no check compares.
#[derive(Serialize, JsonSchema)]
struct LeftOut {
    /// Its name.
    family: String,
    /// Why.
    why: String,
}

/// A random scenario under the judges.
#[derive(Serialize, JsonSchema)]
struct OfDraw {
    /// The seed that it is drawn from.
    seed: u64,
    /// Events of all its runs.
    events: u64,
    /// Calls of all its runs.
    calls: u64,
    /// Whether a guard stopped one of its runs, which was then not judged to its end.
    stopped: bool,
    /// Relations between runs that held.
    relations: u64,
    /// Calls that the second simulation makes in the same way.
    calls_of_both: u64,
    /// Violations of laws, and relations that did not hold.
    violations: Vec<String>,
    /// The command that reproduces it.
    command: String,
}

/// A corner of the exhaustive search.
#[derive(Serialize, JsonSchema)]
struct Corner {
    /// The client model.
    model: String,
    /// The policy.
    policy: String,
    /// Number of sessions.
    sessions: u32,
    /// Tabs of each session.
    tabs: u32,
    /// Inputs at the start.
    start: String,
    /// Whether app code calls `setActive` with each new session object.
    app_reacts: bool,
    /// Greatest number of steps.
    depth: u32,
    /// Visited states.
    states: u64,
    /// Recursive entries caused by a 429 or a 5xx.
    recursive: u64,
    /// Sign-outs that no rule names.
    sign_outs_unnamed: u64,
    /// Sign-outs that a rule names.
    sign_outs_named: u64,
    /// Whether the assertions hold.
    passed: bool,
    /// The events that led to the first violation; empty without one.
    example: Vec<String>,
}

impl Corner {
    fn of(e: &Explored) -> Corner {
        Corner {
            model: e.model.to_owned(),
            policy: e.policy.to_owned(),
            sessions: e.sessions,
            tabs: e.tabs,
            start: e.start.to_owned(),
            app_reacts: e.reacts,
            depth: e.depth,
            states: e.states,
            recursive: e.recursive,
            sign_outs_unnamed: e.unnamed,
            sign_outs_named: e.named,
            passed: e.passed(),
            example: e.example.clone(),
        }
    }
}

/// The JSON Schema of the outcome, draft 2020-12, as text.
pub(in crate::cli) fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Found>("What `verify --json` prints"))
}

/// The outcome as JSON.
pub(super) fn json(outcome: &Outcome) -> String {
    let sources: std::collections::BTreeMap<_, _> = families().iter().map(|f| (f.name, f.source)).collect();
    let check = |c: &Check| OfCheck {
        family: c.family.to_owned(),
        source: sources.get(c.family).copied().unwrap_or_default().to_owned(),
        check: c.name.clone(),
        kind: OfKind::of(c),
        ours: c.ours,
        low: c.interval.map(|interval| interval.0),
        high: c.interval.map(|interval| interval.1),
        exact: c.exact,
        passed: c.passed,
    };
    let draws = outcome.draws.iter().map(|d| OfDraw {
        seed: d.seed,
        events: d.events,
        calls: d.calls,
        stopped: d.stopped,
        relations: d.relations,
        calls_of_both: d.calls_of_both,
        violations: d.violations.clone(),
        command: d.command(),
    });
    let left_out =
        LEFT_OUT.iter().map(|(family, why)| LeftOut { family: (*family).into(), why: (*why).into() });
    let found = Found {
        passed: outcome.passed(),
        family_wise_error: FAMILY_WISE_ERROR,
        intervals: outcome.report.intervals,
        confidence: outcome.report.confidence(),
        events: outcome.report.events,
        checks: outcome.report.checks.iter().map(check).collect(),
        left_out: left_out.collect(),
        swarm: draws.collect(),
        bounds: outcome.bounds.clone(),
        search: outcome.explored.iter().map(Corner::of).collect(),
    };
    format!("{:#}\n", serde_json::json!(found))
}

/// Columns of the CSV.
const COLUMNS: [&str; 9] =
    ["family", "check", "kind", "ours", "low", "high", "exact", "passed", "violations"];

/// The outcome as CSV: a row for each check, then for each random scenario, for the bounds of keys, and for each corner of the
/// search.
pub(super) fn csv(outcome: &Outcome) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let of_check = |c: &Check| {
        let (low, high) = (c.interval.map(|i| i.0), c.interval.map(|i| i.1));
        let values = [Some(c.ours), low, high, Some(c.exact)].map(number);
        let [ours, low, high, exact] = values;
        let kind = OfKind::of(c).name().to_owned();
        [
            c.family.to_owned(),
            c.name.clone(),
            kind,
            ours,
            low,
            high,
            exact,
            c.passed.to_string(),
            String::new(),
        ]
    };
    let judged = |family: &str, check: String, violations: &[String], passed: bool| {
        let none = String::new;
        let said = violations.join("; ");
        let kind = "judged".to_owned();
        [family.to_owned(), check, kind, none(), none(), none(), none(), passed.to_string(), said]
    };
    let mut rows: Vec<[String; 9]> = outcome.report.checks.iter().map(of_check).collect();
    rows.extend(outcome.draws.iter().map(|draw| {
        judged("judges", format!("seed {}", draw.seed), &draw.violations, draw.violations.is_empty())
    }));
    if !outcome.draws.is_empty() {
        let at = "every key at its bounds".to_owned();
        rows.push(judged("bounds", at, &outcome.bounds, outcome.bounds.is_empty()));
    }
    rows.extend(outcome.explored.iter().map(|e| {
        let reacts = if e.reacts { ", app reacts" } else { "" };
        let (sessions, tabs) = (e.sessions, e.tabs);
        let name = format!("{} {} {sessions}x{tabs} {}{reacts}", e.model, e.policy, e.start);
        judged("search", name, &e.example, e.passed())
    }));
    String::from_utf8_lossy(&csv::of(&COLUMNS, &rows)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use authstorm::verify::exhaust::exhaust;
    use authstorm::verify::swarm::judge;
    use authstorm::verify::{Options, verify};

    #[test]
    fn the_csv_has_a_row_for_each_check_scenario_and_corner_and_says_what_fails() {
        let family = Some("finite_source_retrial".to_owned());
        let mut draw = judge(1);
        draw.violations.push("a law".to_owned());
        let outcome = Outcome {
            report: verify(&Options { fast: true, family, seed: 1 }),
            draws: vec![judge(1), draw],
            explored: exhaust(1),
            bounds: Vec::new(),
        };
        let csv = csv(&outcome);
        let rows = outcome.report.checks.len() + 2 + 1 + outcome.explored.len();
        assert_eq!(csv.lines().count(), 1 + rows, "{csv}");
        assert_eq!(csv.lines().filter(|line| line.ends_with(",false,a law")).count(), 1, "{csv}");
        let json: serde_json::Value = serde_json::from_str(&json(&outcome)).expect("JSON");
        assert_eq!(json["passed"], false);
        assert_eq!(json["swarm"][1]["violations"][0], "a law");
        assert_eq!(json["search"].as_array().map(Vec::len), Some(outcome.explored.len()));
    }
}
