//! Simulated clients: pure state machines, told what happens and answering with what they do.
//!
//! A client family is a folder with a type that implements [`Client`] and a line in the registration below. The registration also
//! makes the family of several families beside each other ([`mixed_family`]). Code that families share is in the files beside the folders: policies, back-off, retry limits, inputs and actions.

pub mod app;
pub(crate) mod as_is;
pub mod backoff;
pub mod clerk;
pub mod fact;
mod failures;
pub mod families;
pub mod family;
pub mod limit_states;
mod mixed;
pub mod own;
pub mod policy;
mod registry;
pub mod resilience;
mod rows;
pub mod session_policy;
pub mod step;
mod tab_numbers;
pub mod token;
pub mod workload;

use crate::protocol::EndpointRow;
pub use as_is::AsIs;
pub use families::Families;
pub use family::{Account, Client, Reply, Store};
pub use registry::{ArmSpec, FamilyTables, ForFamily, Model, ModelName, Prepared};
pub use tab_numbers::TabNumbers;

/// The most calls that one session or one generic client may make. The run stops at this number, so 32 bits hold every
/// count of a session that grows at most once per call.
pub const MOST_CALLS: u32 = 4_000_000_000;

registry::families! {
    clerk: Clerk = crate::client::clerk::Clerk;
    token: Token = crate::client::token::Token;
}

// A million idle sessions of a token client fit where as many of Clerk's do.
const _: () = assert!(<token::Token as Client>::IDLE_BYTES <= <clerk::Clerk as Client>::IDLE_BYTES);
