//! A comparison as CSV.

use super::{Diff, Verdict};
use crate::results::csv::{of, text};
use crate::stats::Estimate;

/// Every metric of every policy: a row each. Cells of an interval are empty where there is none.
pub fn csv(found: &Diff) -> Vec<u8> {
    let columns = ["policy", "metric", "unit", "a", "b", "difference", "ci_low", "ci_high", "says"];
    let rows = found.rows.iter().map(|row| {
        let of = |value: f64, e: Estimate| match row.verdict {
            Verdict::Unknown => String::new(),
            _ if !e.mean.is_finite() => String::new(),
            _ => value.to_string(),
        };
        let e = row.difference;
        [
            text(&row.policy),
            text(&row.metric),
            text(&row.unit),
            row.a.value.to_string(),
            row.b.value.to_string(),
            e.mean.to_string(),
            of(e.ci_low, e),
            of(e.ci_high, e),
            row.verdict.name().to_owned(),
        ]
    });
    let rows: Vec<[String; 9]> = rows.collect();
    of(&columns, &rows)
}
