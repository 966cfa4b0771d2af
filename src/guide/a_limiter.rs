//! How to simulate your own rate limit.
//!
//! **In a program**: implement [`Limit`](crate::backend::limiter::own::Limit), and name it where you read the scenario.
//!
//! ```ignore
#![doc = include_str!("../../examples/own_limiter.rs")]
//! ```
//!
//! **In the crate**: a file in `src/backend/limiter/` and a line in the registration of its `mod.rs`. The file has the keys of
//! the limit, as a struct whose fields have docs and an example, its state, and its law. The reference of keys, the JSON
//! Schema, the random scenarios of `verify` and the fuzz target take it from there. This is the whole file of a window that begins anew
//! after silence:
//!
//! ```ignore
#![doc = include_str!("../backend/limiter/idle_window.rs")]
//! ```
