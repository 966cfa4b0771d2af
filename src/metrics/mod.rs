//! Metrics: counts per bucket of time and per session, and their definitions.

pub mod collect;
pub mod definitions;
pub mod exercise;
mod filling;
pub mod flow;
pub mod grid;
pub mod groups;
pub mod latency;
pub mod numbers;
pub mod recovery;
pub mod seconds;
mod signed_out;
pub mod tables;
pub mod tally;
pub mod timeline;

pub use crate::protocol::Outcome;
pub use definitions::{Harm, Kind, Metric, MetricDef, Needs, Stimulus};
pub use exercise::Exercise;
pub use flow::FlowMetric;
pub use groups::{is_counted_by_group, is_counted_by_workload};
pub use numbers::{Label, NUMBERS, Number, NumberDef};
pub use tables::{all_metrics, metrics_of};
pub use timeline::Timeline;
