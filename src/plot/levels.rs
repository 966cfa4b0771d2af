//! How many are in a bad state over the run: signed-in sessions without a valid token, and waiting app callers. A line per
//! policy. The area below the line is the metric of that name.

use super::columns::Columns;
use super::lines::{Line, Lines};
use super::series::{Series, WAITING, WITHOUT_TOKEN};
use super::{Chart, titles};
use crate::results::Results;

/// Draws the sessions without a valid token.
pub fn stale_tokens(results: &Results) -> Chart {
    stale_tokens_in(results, Columns::of(results))
}

/// As [`stale_tokens`], with these columns.
pub fn stale_tokens_in(results: &Results, columns: Columns) -> Chart {
    let note = "signed-in sessions without a valid token, mean of each column";
    let (title, nothing) = (titles::stale_tokens(results), "every signed-in session has a valid token");
    level(results, columns, &WITHOUT_TOKEN, title, note, nothing, "stale-tokens")
}

/// Draws the app callers that wait.
pub fn waiting(results: &Results) -> Chart {
    waiting_in(results, Columns::of(results))
}

/// As [`waiting`], with these columns.
pub fn waiting_in(results: &Results, columns: Columns) -> Chart {
    let note = "app callers of getToken and setActive that wait, mean of each column";
    level(results, columns, &WAITING, titles::waiting(results), note, "no app code waits", "waiting")
}

fn level(
    results: &Results,
    columns: Columns,
    series: &Series,
    title: String,
    note: &str,
    nothing: &'static str,
    file_stem: &'static str,
) -> Chart {
    let mut notes = vec![note.to_owned()];
    if results.replications > 1 {
        notes.push(series.aggregate.note().to_owned());
    }
    notes.extend(columns.note("mean of"));
    let lines = (0..results.policies.len()).map(|p| Line::of(results, columns, p, series, false)).collect();
    Lines { results, columns, title, notes, lines, nothing, stepped: true, file_stem }.draw()
}
