//! How to add a distribution of durations.
//!
//! A file in `src/kernel/dist/` and a line in the registration of its `mod.rs`. A sample uses 64 random bits and the functions
//! of `libm`. This is the whole file of the Pareto distribution:
//!
//! ```ignore
#![doc = include_str!("../kernel/dist/pareto.rs")]
//! ```
