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
pub mod number;
mod overlaid;
pub mod page;
pub mod palette;
pub mod png;
pub mod read;
pub mod requests;
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
pub use overlaid::{Overlaid, overlaid};
pub use png::{PngError, to_png};
pub use requests::requests;
pub use sign_outs::sign_outs;

use crate::experiment::results::Results;

/// A picture and the name its files get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The file's name without its extension.
    pub file_stem: &'static str,
    /// The picture.
    pub svg: String,
}

/// Every chart of the results alone, in the order in which they tell the story.
pub fn charts(results: &Results) -> Vec<Chart> {
    charts_in(results, columns::Columns::of(results))
}

/// The same, with time cut into these columns.
pub fn charts_in(results: &Results, columns: columns::Columns) -> Vec<Chart> {
    vec![
        requests::requests_in(results, columns),
        sign_outs::sign_outs_in(results, columns),
        flow::flow_in(results, columns),
        amplification(results),
        entries_per_session(results),
    ]
}
