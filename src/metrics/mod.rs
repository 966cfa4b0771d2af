//! What is counted, per bucket of time and per session, and what it is called.

pub mod collect;
pub mod definitions;
pub mod timeline;

pub use definitions::{Harm, Kind, METRICS, Metric, MetricDef};
pub use timeline::{Outcome, Timeline};
