//! Comparison with recordings of the real client.
//!
//! A recording contains the server's script and the user's acts. The simulated client runs against the same script. Every
//! request, every entry of the unauthenticated flow, every unhandled rejection and the final state must equal the
//! recording's. Order within one
//! instant does not matter, since a recording does not define it.
//!
//! Random values come from the recording. The random wait before a repeated GET of the network level is taken from the
//! recording if it lies within the bounds of the client's code, so bounds are compared, not draws. The answer to a request
//! of a page that was reloaded meanwhile is not compared, because no page received it.

mod compare;
mod recording;
mod replay;
mod script;
mod setting;
pub mod token;
pub mod trials;

#[cfg(test)]
pub(crate) use compare::judge;
pub use compare::{Comparison, Divergence, Outcome, compare};
#[cfg(test)]
pub(crate) use recording::Cookie;
pub use recording::{Endpoint, FlowEntry, Recording, Rejection, Request, State, Status};
pub use replay::{Replayed, replay};
#[cfg(test)]
pub(crate) use setting::setting;
