//! What happens between a scenario file and a chart.
//!
//! 1. **Read.** [`Study::load`](crate::Study::load) reads a scenario. [`toml_text`](crate::toml_text) keeps the place of
//!    every value, and [`spec`](crate::spec) checks each value by the description that its type derives. An error names
//!    file, line, column, what was found and what is allowed.
//! 2. **Plan.** [`plan`](crate::plan) resolves names to indices and compiles the rules of each policy. Nothing is looked up
//!    by name during a run.
//! 3. **Run.** [`world`](crate::world) takes the earliest event from the queue of [`kernel`](crate::kernel), gives it to
//!    the state machine of a [`client`](crate::client), and carries out the actions that come back: it sends calls, sets
//!    timers, delivers messages. A call passes the faults, the limits and the queue of its endpoint in
//!    [`backend`](crate::backend). Its answer is another event.
//! 4. **Count.** Clients and backend report facts. [`metrics`](crate::metrics) counts them by bucket of time and by
//!    session, and computes the metrics of a replication from the counts.
//! 5. **Repeat.** [`experiment`](crate::experiment) runs every policy in every replication, several at a time, and adds the
//!    results in the order of the replications. Policies share their random numbers, so a difference between two policies
//!    is not an accident of the draw.
//! 6. **Judge and show.** [`results`](crate::results) holds means, intervals, verdicts and sentences. Files, the table,
//!    [`plot`](crate::plot) and [`page`](crate::page) take all numbers from there.
//!    [`explain`](crate::explain) runs a session again and tells its causes.
//!
//! # Why a run can be repeated
//!
//! A random number is a function of seed, replication, purpose and coordinates (which session, which call), computed by
//! ChaCha20. It does not depend on what was drawn before, so a change of policy does not shift the draws of others.
//! Simultaneous events come in the order in which they were scheduled. Logarithms, powers and cosines come from `libm`,
//! whose bits are the same on every platform. Sums of floats have a fixed order.
//!
//! # A run from a program
//!
//! ```
//! use authstorm::Study;
//!
//! let mut study = Study::load("scenarios/healthy.toml")?;
//! study.replications(1)?;
//! let results = study.run()?;
//! assert!(results.passes_check());
//! assert_eq!(results.policies[0].metric("false_sign_outs").mean, 0.0);
//! # Ok::<(), authstorm::Error>(())
//! ```
