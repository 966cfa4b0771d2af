//! What a client is prone to: fixed small trials, run by the rig that replays recordings.
//!
//! Each trial changes one thing of the same setting ([`SETTING`]). A client's numbers under a condition stand beside its own
//! numbers in the healthy trial.

mod conditions;
mod page;
mod report;
mod write;

pub use conditions::{CALL_EVERY_S, FROM_MIN, LENGTH_MIN, SETTING, TRIALS, Trial};
pub use page::page;
pub use report::{ClientReport, SignedOut, SignedOutKind, TrialResult, json_schema, report};
