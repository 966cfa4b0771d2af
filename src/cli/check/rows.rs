//! The verdicts of all files as one table of comma-separated values.

use super::Checked;
use authstorm::results::{Judgement, Results, Verdict, csv, verdicts};
use serde_json::Value;

/// Columns. A cell is empty where it does not apply.
const COLUMNS: [&str; 11] = [
    "file",
    "line",
    "scenario",
    "expectation",
    "policy",
    "verdict",
    "passes",
    "observed",
    "bound",
    "replication",
    "detail",
];

/// A row for each expectation of each file; for a file whose run was stopped, a row with the verdict `stopped` and the reason.
pub(super) fn csv(all: &[Checked]) -> String {
    let rows: Vec<[String; 11]> = all.iter().flat_map(of_file).collect();
    String::from_utf8_lossy(&csv::of(&COLUMNS, &rows)).into_owned()
}

fn of_file(checked: &Checked) -> Vec<[String; 11]> {
    let (file, scenario) = (csv::text(&checked.path), csv::text(&checked.scenario));
    let results = match &checked.outcome {
        Ok(results) => results,
        Err(error) => {
            let mut row: [String; 11] = Default::default();
            [row[0], row[2]] = [file, scenario];
            row[5] = "stopped".to_owned();
            row[6] = false.to_string();
            row[10] = csv::text(error);
            return vec![row];
        }
    };
    let places = checked.places.iter().copied().chain(std::iter::repeat(None));
    let of = |(verdict, place): (&Verdict, Option<(usize, usize)>)| {
        let line = place.map_or(String::new(), |(line, _)| line.to_string());
        let [observed, bound, replication, detail] = found(verdict, results);
        [
            file.clone(),
            line,
            scenario.clone(),
            csv::text(&verdict.that),
            csv::text(&verdict.policy),
            word(verdict.judgement),
            (!verdict.fails_check()).to_string(),
            observed,
            bound,
            replication,
            detail,
        ]
    };
    results.expectations.iter().zip(places).map(of).collect()
}

/// The judgement in the word that it has in JSON.
fn word(judgement: Judgement) -> String {
    match serde_json::to_value(judgement) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The observed value, the bound, the replication of the worst value, and the sentence.
fn found(verdict: &Verdict, results: &Results) -> [String; 4] {
    let observed = verdict.observed.map_or(String::new(), |value| value.to_string());
    let is_judged = verdict.judgement != Judgement::NotJudged;
    let bound = if is_judged { verdict.bound.to_string() } else { String::new() };
    let replication = verdict.replication.map_or(String::new(), |number| number.to_string());
    [observed, bound, replication, csv::text(&verdicts::detail(verdict, results.replications))]
}
