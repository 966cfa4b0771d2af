//! The data files of a sweep, written point by point.

use super::{Metrics, Point, Sweep};
use crate::results::csv::{VALUE_COLUMNS, text};
use crate::results::measured;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The file with a row for each point, policy and metric.
pub const CSV: &str = "sweep.csv";
/// The file with a row for each point, policy, metric and replication.
pub const VALUES: &str = "values.csv";
/// The file with everything.
pub const JSON: &str = "sweep.json";

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The metrics.
    pub metrics: Metrics,
    /// Events of all points.
    pub events: u64,
}

/// Writes [`CSV`], [`VALUES`] and [`JSON`] into a directory, in one pass over the points. No more than a point is in memory.
///
/// # Errors
/// If a file cannot be written, or `read` does not give a point.
pub fn write(
    dir: &Path,
    head: &Sweep,
    mut read: impl FnMut(u64) -> io::Result<Point>,
) -> io::Result<Written> {
    let create = |name: &str| Ok::<_, io::Error>(BufWriter::new(File::create(dir.join(name))?));
    let keys: Vec<String> = head.keys.iter().map(|axis| text(&axis.key)).collect();
    let columns = |ours: &[&str]| -> Vec<String> {
        let point = std::iter::once("point".to_owned());
        point.chain(keys.iter().cloned()).chain(ours.iter().map(|name| (*name).to_owned())).collect()
    };
    let mut cells = ::csv::Writer::from_writer(create(CSV)?);
    let mut values = ::csv::Writer::from_writer(create(VALUES)?);
    let mut json = create(JSON)?;
    cells.write_record(columns(&[
        "policy",
        "metric",
        "unit",
        "mean",
        "ci_low",
        "ci_high",
        "replications",
        "not_within",
        "exercised",
    ]))?;
    values.write_record(columns(&VALUE_COLUMNS))?;
    let before = serde_json::to_string_pretty(head).expect("texts, numbers and lists are JSON");
    json.write_all(before.trim_end_matches("]\n}").as_bytes())?;
    let mut written = Written { metrics: Metrics::default(), events: 0 };
    for number in 0..head.count {
        let point = read(number)?;
        let begin: Vec<String> =
            std::iter::once(number.to_string()).chain(point.values.iter().map(|value| text(value))).collect();
        for policy in &point.policies {
            for metric in &policy.metrics {
                let of = [text(&policy.name), text(&metric.name), text(&metric.unit)];
                let exercised = metric.exercised.map(|runs| runs.to_string()).unwrap_or_default();
                let cell = [
                    metric.mean.to_string(),
                    metric.ci_low.to_string(),
                    metric.ci_high.to_string(),
                    metric.values.len().to_string(),
                    measured::never(&metric.values).to_string(),
                    exercised,
                ];
                cells.write_record(begin.iter().chain(&of).chain(&cell))?;
                for (replication, value) in metric.values.iter().enumerate() {
                    let cell = [replication.to_string(), value.to_string()];
                    values.write_record(begin.iter().chain(&of).chain(&cell))?;
                }
            }
        }
        let line = serde_json::to_string(&point).expect("texts, numbers and maps are JSON");
        let between = if number == 0 { "" } else { "," };
        write!(json, "{between}\n    {line}")?;
        written.metrics.add(&point);
        written.events += point.events;
    }
    json.write_all(b"\n  ]\n}\n")?;
    for file in [
        cells.into_inner().map_err(|error| error.into_error())?,
        values.into_inner().map_err(|error| error.into_error())?,
        json,
    ] {
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    }
    Ok(written)
}
