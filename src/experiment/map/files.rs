//! The data files of a map.

use super::{Map, Outcomes, StepSeen};
use crate::results::DataFile;
use crate::results::csv::{of_rows, text};

/// The file with a row for each policy and cell.
pub const CSV: &str = "map.csv";
/// The file with a row for each policy, cell and run, and for each load without a trigger.
pub const VALUES: &str = "values.csv";
/// The file with the map as data.
pub const JSON: &str = "map.json";

/// Columns of [`CSV`] after the keys.
const COLUMNS: [&str; 13] = [
    "outcome",
    "runs",
    "struck",
    "back_at_once",
    "back_later",
    "not_back",
    "within_s",
    "not_back_low",
    "not_back_high",
    "median_s",
    "median_low_s",
    "median_high_s",
    "kept_without_trigger",
];

/// The file with a row for each policy, replication and step of a ramp.
pub const RAMP: &str = "ramp.csv";

/// [`CSV`], [`VALUES`] and [`JSON`], and [`RAMP`] of a map that has a ramp.
pub fn write(map: &Map, outcomes: &[Outcomes]) -> Vec<DataFile> {
    let ramp = outcomes.last().filter(|last| !last.ramp.is_empty());
    let files = [
        DataFile::new(CSV, map.csv()),
        DataFile::new(VALUES, values(map, outcomes)),
        DataFile::new(JSON, map.json()),
    ];
    files.into_iter().chain(ramp.map(|last| DataFile::new(RAMP, ramp_rows(map, &last.ramp)))).collect()
}

/// Every step of every run of a ramp.
fn ramp_rows(map: &Map, seen: &[Vec<Vec<StepSeen>>]) -> Vec<u8> {
    let load = text(&map.load);
    let columns = ["policy", load.as_str(), "way", "replication", "from_s", "calls", "answered", "carries"];
    let mut rows = Vec::new();
    for (policy, runs) in map.policies.iter().zip(seen) {
        let steps = policy.ramp.iter().flat_map(|ramp| &ramp.steps);
        for (replication, run) in runs.iter().enumerate() {
            for (step, seen) in steps.clone().zip(run) {
                rows.push(vec![
                    text(&policy.name),
                    step.load.to_string(),
                    if step.rising { "up" } else { "down" }.to_owned(),
                    replication.to_string(),
                    step.from_s.to_string(),
                    seen.calls.to_string(),
                    seen.answered.to_string(),
                    seen.carries().to_string(),
                ]);
            }
        }
    }
    of_rows(&columns, &rows)
}

impl Map {
    /// The map as JSON. `authstorm schema --of map` describes it.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON") + "\n"
    }

    /// The map as CSV: a row for each policy and cell.
    pub fn csv(&self) -> Vec<u8> {
        let (load, trigger) = (text(&self.load), text(&self.trigger));
        let mut columns = vec!["policy", load.as_str(), trigger.as_str()];
        columns.extend(COLUMNS);
        let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut rows = Vec::new();
        for policy in &self.policies {
            for cell in &policy.cells {
                let alone = policy.loads.iter().find(|alone| alone.load == cell.load);
                let mut row = vec![text(&policy.name), text(&cell.load), text(&cell.trigger)];
                row.push(cell.kind.word().replace(' ', "-"));
                let counts = [cell.runs, cell.struck, cell.at_once, cell.later, cell.not_back];
                row.extend(counts.map(|count| count.to_string()));
                row.push(cell.within_s.to_string());
                row.extend([cell.not_back_low, cell.not_back_high].map(optional));
                row.extend([cell.median_s, cell.median_low_s, cell.median_high_s].map(optional));
                row.push(alone.map_or(String::new(), |alone| alone.kept.to_string()));
                rows.push(row);
            }
        }
        of_rows(&columns, &rows)
    }
}

/// Every run. The trigger of a run without one is empty, and the time of a run that is not back is infinite.
fn values(map: &Map, outcomes: &[Outcomes]) -> Vec<u8> {
    let (load, trigger) = (text(&map.load), text(&map.trigger));
    let columns = [
        "policy",
        load.as_str(),
        trigger.as_str(),
        "replication",
        "struck",
        "time_to_recover_s",
        "demand_exceeded",
    ];
    let mut rows = Vec::new();
    for (place, policy) in map.policies.iter().enumerate() {
        let cells = policy.cells.iter().map(|cell| [text(&cell.load), text(&cell.trigger)]);
        let loads = policy.loads.iter().map(|alone| [text(&alone.load), String::new()]);
        for ([load, trigger], outcome) in cells.chain(loads).zip(outcomes) {
            for (replication, run) in outcome.runs[place].iter().enumerate() {
                rows.push(vec![
                    text(&policy.name),
                    load.clone(),
                    trigger.clone(),
                    replication.to_string(),
                    run.struck.to_string(),
                    run.back.unwrap_or(f64::INFINITY).to_string(),
                    run.exceeds.to_string(),
                ]);
            }
        }
    }
    of_rows(&columns, &rows)
}
