//! Comparison with recordings of the real client.
//!
//! A recording gives the server's script and what the user did; the simulated client runs against the same, and every
//! request, every entry of the unauthenticated flow and the final state must be the recording's. Within one instant,
//! order does not matter: a recording defines none.
//!
//! What a recording cannot fix, it gives: the random wait before a repeated GET of the network level is taken from the
//! recording when it lies within the bounds that the client's code allows, so bounds are compared, not draws. The
//! answer to a request of a page that was reloaded meanwhile is not compared: nobody was there to hear it.

mod compare;
mod recording;
mod replay;
pub mod token;

#[cfg(test)]
pub(crate) use compare::judge;
pub use compare::{Comparison, Divergence, Outcome, compare};
#[cfg(test)]
pub(crate) use recording::Cookie;
pub use recording::{Endpoint, FlowEntry, Recording, Request, State, Status};
#[cfg(test)]
pub(crate) use replay::setting;
pub use replay::{Replayed, replay};
