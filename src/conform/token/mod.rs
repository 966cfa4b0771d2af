//! Comparison with recordings of token clients. The recordings run published packages in a browser against a scripted server.

mod app;
mod compare;
mod due;
mod last;
mod network;
mod options;
mod recording;
mod replay;
mod server;
pub mod trials;

pub use compare::{Comparison, Divergence, Outcome, compare};
pub use recording::{Recording, State, is_recording};
pub use replay::{Called, MOST_EVENTS, Replayed, Reported, Sent, SignOut, replay};
