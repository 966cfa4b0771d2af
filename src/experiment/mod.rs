//! Runs of a scenario under several policies and replications, and what comes out of them.

pub mod results;
