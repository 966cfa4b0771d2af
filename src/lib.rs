//! authstorm: a deterministic discrete-event simulator for auth retry storms.

pub mod backend;
pub mod client;
pub mod conform;
pub mod experiment;
pub mod explain;
pub mod fault;
pub mod fleet;
pub mod kernel;
pub mod metrics;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod world;

pub use experiment::{Error, Study};
