//! Simulated clients: pure state machines, told what happens and answering with what they do.
//!
//! A client family is a folder with a type that implements [`Client`], and its line in the registration below. What
//! families share stands beside the folders: policies, back-off, limits on retries, the words of a step.

pub mod app;
pub mod backoff;
pub mod clerk;
pub mod fact;
pub mod family;
pub mod policy;
mod registry;
pub mod session_policy;
pub mod step;
pub mod token;
pub mod workload;

use crate::protocol::EndpointRow;
pub use family::{Account, Client, Reply, Store};
pub use registry::{ForFamily, Model, Prepared};

/// The most calls that one session or one generic client may make; a run is stopped there. So 32 bits hold whatever a
/// session counts no more than once a call.
pub const MOST_CALLS: u32 = 4_000_000_000;

registry::families! {
    Clerk = clerk::Clerk;
}
