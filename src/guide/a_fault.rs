//! How to add a kind of fault.
//!
//! A file in `src/fault/` and a line in the registration of its `mod.rs`. A fault only judges a call: it cannot change the
//! world. The window, the endpoints and the share that it strikes are read for every kind. This is the whole file of
//! connections that fail again and again:
//!
//! ```ignore
#![doc = include_str!("../fault/flapping.rs")]
//! ```
