//! The data files of a ranking.

use super::{Outcomes, Ranking};
use crate::experiment::sweep::Points;
use crate::results::DataFile;
use crate::results::csv::{VALUE_COLUMNS, of_rows, text};

/// The file with a row for each policy and key.
pub const CSV: &str = "rank.csv";
/// The file with a row for each point, policy and replication.
pub const VALUES: &str = "values.csv";
/// The file with the ranking as data.
pub const JSON: &str = "rank.json";

/// Columns of [`CSV`].
const COLUMNS: [&str; 21] = [
    "policy",
    "metric",
    "unit",
    "rank",
    "key",
    "low",
    "high",
    "scale",
    "mu",
    "mu_star",
    "mu_star_low",
    "mu_star_high",
    "sigma",
    "noise_floor",
    "matters",
    "first",
    "first_low",
    "first_high",
    "total",
    "total_low",
    "total_high",
];

/// [`CSV`], [`VALUES`] and [`JSON`]. `stages` are the points of both stages.
pub fn write(ranking: &Ranking, stages: &[Points], outcomes: &[Outcomes]) -> Vec<DataFile> {
    vec![
        DataFile::new(CSV, ranking.csv()),
        DataFile::new(VALUES, values(ranking, stages, outcomes)),
        DataFile::new(JSON, ranking.json()),
    ]
}

impl Ranking {
    /// The ranking as JSON. `authstorm schema --of rank` describes it.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON") + "\n"
    }

    /// The ranking as CSV: a row for each policy and key, from the key that matters most.
    pub fn csv(&self) -> Vec<u8> {
        let mut rows = Vec::new();
        for policy in &self.policies {
            for (place, ranked) in policy.ranked().into_iter().enumerate() {
                let key = ranked.screened;
                let range = self.keys.iter().find(|range| range.key == key.key);
                let range = range.expect("every key that is ranked has a range");
                let shares = ranked.explained.map_or([None; 6], |share| {
                    let end = |ends: Option<[f64; 2]>, at: usize| ends.map(|ends| ends[at]);
                    [
                        Some(share.first),
                        end(share.first_interval, 0),
                        end(share.first_interval, 1),
                        Some(share.total),
                        end(share.total_interval, 0),
                        end(share.total_interval, 1),
                    ]
                });
                let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
                let mut row = vec![
                    text(&policy.name),
                    text(&self.metric),
                    text(&self.unit),
                    (place + 1).to_string(),
                    text(&key.key),
                    text(&range.low),
                    text(&range.high),
                    if range.log { "log" } else { "linear" }.to_owned(),
                ];
                let effects = [key.mu, key.mu_star, key.mu_star_low, key.mu_star_high, key.sigma];
                row.extend(effects.map(|value| value.to_string()));
                row.push(optional(key.noise_floor));
                row.push(key.matters.to_string());
                row.extend(shares.map(optional));
                rows.push(row);
            }
        }
        of_rows(&COLUMNS, &rows)
    }
}

/// Every value. A key that a stage does not move has no value there.
fn values(ranking: &Ranking, stages: &[Points], outcomes: &[Outcomes]) -> Vec<u8> {
    let keys: Vec<String> = ranking.keys.iter().map(|key| text(&key.key)).collect();
    let mut columns = vec!["stage", "point"];
    columns.extend(keys.iter().map(String::as_str));
    columns.extend(VALUE_COLUMNS);
    let mut rows = Vec::new();
    let mut first = 0;
    for (stage, points) in stages.iter().enumerate() {
        for point in 0..points.count() {
            let outcome = &outcomes[(first + point) as usize];
            let set = points.values(point);
            let value_of = |key: &super::RankedKey| {
                let place = points.axes.iter().position(|axis| axis.key == key.key);
                place.map_or(String::new(), |place| text(set[place]))
            };
            let mut begin = vec![["screening", "sharing"][stage].to_owned(), (first + point).to_string()];
            begin.extend(ranking.keys.iter().map(value_of));
            for (policy, values) in ranking.policies.iter().zip(&outcome.values) {
                for (replication, value) in values.iter().enumerate() {
                    let value = value.unwrap_or(f64::INFINITY).to_string();
                    let mut row = begin.clone();
                    row.extend([text(&policy.name), text(&ranking.metric), text(&ranking.unit)]);
                    row.extend([replication.to_string(), value]);
                    rows.push(row);
                }
            }
        }
        first += points.count();
    }
    of_rows(&columns, &rows)
}
