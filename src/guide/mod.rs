//! The guide: how the simulator works, and how to add to it.
//!
//! | page | question |
//! | --- | --- |
//! | [`architecture`] | What happens between a scenario file and a chart? |
//! | [`a_client`] | How do I simulate my own SDK? |
//! | [`a_limiter`] | How do I simulate my own rate limit? |
//! | [`a_fault`] | How do I add a kind of fault? |
//! | [`a_distribution`] | How do I add a distribution of durations? |
//! | [`a_metric`] | How do I add a metric, or a key of a scenario? |
//!
//! Every example is a file that is compiled and tested.

pub mod a_client;
pub mod a_distribution;
pub mod a_fault;
pub mod a_limiter;
pub mod a_metric;
pub mod architecture;
