//! How to add a metric, or a key of a scenario.
//!
//! **A metric** that follows from existing counts is a row in `src/metrics/definitions.rs`: what a run must have for it, what
//! can move it, its harm, its scale, its name, unit and definition, and its formula. The table,
//! the files, the page, the expectations and the reference take it from there. A new count is a field of the counts, and a
//! line where the fact that moves it is counted.
//!
//! **A key** is a field of the struct that it describes, such as [`FleetSpec`](crate::fleet::FleetSpec). Its docs are its entry
//! in `authstorm keys`, its type has the range, and `#[schemars(example = ..)]` the example. A key that some values of
//! another key exclude says so with an extension (`x-only`, `x-never`, `x-unless`), which the checker and the schema
//! both obey. `verify` sets every key to each of its bounds.
