//! The simulated client: pure state machines after `clerk-js.md`.

pub mod policy;
