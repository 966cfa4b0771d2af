//! Metrics: counts per bucket of time and per session, and their definitions.

pub mod collect;
pub mod definitions;
pub mod exercise;
pub mod grid;
pub mod recovery;
pub mod seconds;
pub mod timeline;

pub use crate::protocol::Outcome;
pub use definitions::{Harm, Kind, METRICS, Metric, MetricDef};
pub use exercise::Exercise;
pub use timeline::Timeline;
