//! Charts, pages, CSV and JSON: everything made from a result.
//!
//! Every function here is pure: results in, text or bytes out, the same on every machine. A chart is a file of its
//! own, drawn as SVG through [`canvas`] alone; [`png`] draws that SVG again as pixels.

pub mod amplification;
pub mod axis;
pub mod canvas;
pub mod columns;
mod compare;
pub mod csv;
pub mod end_label;
pub mod entries;
pub mod finding;
pub mod flow;
pub mod frame;
pub mod json;
pub mod labels;
pub mod lanes;
pub mod levels;
pub mod lines;
pub mod measured;
pub mod number;
mod overlaid;
pub mod page;
pub mod palette;
pub mod png;
pub mod read;
pub mod requests;
pub mod series;
pub mod sign_outs;
pub mod strip;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;
pub mod told;
pub mod typeface;
pub mod verdicts;

pub use amplification::amplification;
pub use entries::entries_per_session;
pub use finding::finding;
pub use flow::flow;
pub use levels::{stale_tokens, waiting};
pub use overlaid::{Overlaid, overlaid};
pub use png::{PngError, to_png};
pub use requests::requests;
pub use sign_outs::sign_outs;

use crate::experiment::results::Results;
use crate::metrics::Metric;
use columns::Columns;

/// A picture and the name its files get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The file's name without its extension.
    pub file_stem: &'static str,
    /// The picture.
    pub svg: String,
}

/// A chart: what it shows is nothing where all of these metrics are 0, and how it is drawn.
struct Drawn(&'static [Metric], fn(&Results, Columns) -> Chart);

/// Every chart of results alone, in the order in which they tell the story.
const CHARTS: [Drawn; 7] = [
    Drawn(&[Metric::RequestsTotal], requests::requests_in),
    Drawn(&[Metric::FalseSignOuts, Metric::TrueSignOuts], sign_outs::sign_outs_in),
    Drawn(&[Metric::StaleTokenSessionS], levels::stale_tokens_in),
    Drawn(&[Metric::UnauthenticatedEvents], flow::flow_in),
    Drawn(&[Metric::AppWaitS], levels::waiting_in),
    Drawn(&[Metric::Amplification], |results, _| amplification(results)),
    Drawn(&[Metric::UnauthenticatedEvents], |results, _| entries_per_session(results)),
];

/// The charts of the results alone, in the order in which they tell the story. A chart that would show nothing is left
/// out: the [`finding()`] says that nothing happened.
pub fn charts(results: &Results) -> Vec<Chart> {
    charts_in(results, Columns::of(results))
}

/// The same, with time cut into these columns.
pub fn charts_in(results: &Results, columns: Columns) -> Vec<Chart> {
    let shown = CHARTS.iter().filter(|Drawn(metrics, _)| happens(results, metrics));
    shown.map(|Drawn(_, draw)| draw(results, columns)).collect()
}

/// Whether one of these metrics is more than 0 under some policy.
pub fn happens(results: &Results, metrics: &[Metric]) -> bool {
    results.policies.iter().any(|policy| metrics.iter().any(|metric| measured::mean(policy, *metric) > 0.0))
}
