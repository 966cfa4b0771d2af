//! Charts, drawn from results.
//!
//! Every function here is pure: equal results give equal bytes on every machine. A chart is a file of its own, drawn as
//! SVG through [`canvas`] only. [`png`] renders that SVG as pixels.
//!
//! ```
//! use authstorm::{Study, plot};
//!
//! let mut study = Study::load("scenarios/healthy.toml")?;
//! study.replications(1)?;
//! let results = study.run()?;
//! let charts = plot::charts(&results);
//! assert_eq!(charts[0].file_stem, "requests");
//! assert!(charts[0].svg.starts_with("<svg"));
//! # Ok::<(), authstorm::Error>(())
//! ```

pub mod amplification;
pub mod axis;
pub mod canvas;
pub mod columns;
mod compare;
pub mod end_label;
pub mod entries;
pub mod flow;
pub mod frame;
pub mod labels;
mod lane_panel;
pub mod lanes;
pub mod levels;
pub mod lines;
mod map;
mod overlaid;
pub mod palette;
mod pass_rates;
pub mod png;
mod rank;
pub mod requests;
mod retry_schedule;
pub mod series;
pub mod sign_outs;
pub mod strip;
mod sweep;
#[cfg(test)]
mod tests;
pub mod titles;
pub mod typeface;

pub use amplification::amplification;
pub use entries::entries_per_session;
pub use flow::flow;
pub use levels::{stale_tokens, waiting};
pub use map::map;
pub use overlaid::{Overlaid, overlaid};
pub use pass_rates::pass_rates;
pub use png::{PngError, to_png};
pub use rank::ranking;
pub use requests::requests;
pub use retry_schedule::retry_schedule;
pub use sign_outs::sign_outs;
pub use sweep::{axis_places, metric_scale, sweep};

use crate::metrics::Metric;
use crate::results::Results;
use crate::results::measured;
use columns::Columns;

/// A picture and the name of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The file's name without its extension.
    pub file_stem: &'static str,
    /// The picture.
    pub svg: String,
}

/// Metrics without which a chart shows nothing, the least number of users whose chart shows more than a sentence does, and
/// the function that draws the chart.
struct Drawn(&'static [Metric], u32, fn(&Results, Columns) -> Chart);

/// Every chart of results alone, in the order of the story.
const CHARTS: [Drawn; 7] = [
    Drawn(&[Metric::RequestsTotal], 0, requests::requests_in),
    Drawn(&[Metric::FalseSignOuts, Metric::TrueSignOuts], 0, sign_outs::sign_outs_in),
    Drawn(&[Metric::StaleTokenSessionS], 0, levels::stale_tokens_in),
    Drawn(&[Metric::FlowEntries], 0, flow::flow_in),
    Drawn(&[Metric::AppWaitS], 0, levels::waiting_in),
    Drawn(&[Metric::Amplification], 0, |results, _| amplification(results)),
    // A share of the sessions of one user is all or nothing.
    Drawn(&[Metric::FlowEntries], 2, |results, _| entries_per_session(results)),
];

/// The charts of the results alone, in the order of the story. A chart that would show nothing is left out: the
/// [finding](crate::results::finding()) says that nothing happened.
pub fn charts(results: &Results) -> Vec<Chart> {
    charts_in(results, Columns::of(results))
}

/// As [`charts`], with these columns.
pub fn charts_in(results: &Results, columns: Columns) -> Vec<Chart> {
    let shown =
        CHARTS.iter().filter(|Drawn(metrics, users, _)| results.users >= *users && happens(results, metrics));
    shown.map(|Drawn(_, _, draw)| draw(results, columns)).collect()
}

/// Whether one of these metrics is above 0 under some policy.
pub fn happens(results: &Results, metrics: &[Metric]) -> bool {
    results.policies.iter().any(|policy| metrics.iter().any(|metric| measured::happens(policy, *metric)))
}
