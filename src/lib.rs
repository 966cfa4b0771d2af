//! authstorm: a deterministic discrete-event simulator for auth retry storms.
//!
//! [`Study`] is the way in: it loads a scenario, runs every policy it lists on common random numbers, and gives
//! [`results::Results`]. The [`guide`] says how it works and how to add to it.
//!
//! # The map
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`kernel`] | virtual time, the event queue, random streams, distributions; no domain word |
//! | [`text`], [`toml_text`] | how text is written; TOML texts with places, edits and pictures of errors |
//! | [`spec`] | how the parts of a file describe themselves, by their types; checker, reference and schema |
//! | [`protocol`] | the words that clients and the backend share: endpoints, tokens, failures and outcomes of calls |
//! | [`client`] | client families: browser tabs as pure state machines, and the server's side of each; policies |
//! | [`backend`] | a call's way through faults, rate limits and queues; what a scenario says of endpoints |
//! | [`fault`], [`fleet`] | what goes wrong; who calls |
//! | [`scenario`] | scenario files: read, checked, with errors that point at the text |
//! | [`plan`] | a scenario made ready to run: names resolved to indices, rules compiled |
//! | [`world`] | the only module that knows all of the above: it schedules, draws, and moves their words to and fro |
//! | [`metrics`], [`stats`] | what is counted; what counts say |
//! | [`experiment`] | replications, comparison, expectations; the search for a value, maps of several, their ranking, and where a system comes back |
//! | [`results`] | what runs come to: written, read, judged, in words |
//! | [`plot`], [`page`] | charts; the page of a run or of a sweep; from results alone |
//! | [`diff`] | what changed between two results |
//! | [`explain`] | the story of one session |
//! | `cli` | the command, for `main` and for packages that bring the command with them |
//! | [`conform`] | comparison with recordings of the real client |
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `cli` (default) | the command, and the features below |
//! | `charts` | [`plot`] and [`page`]: charts and the page |
//! | `parallel` | replications and policies on all cores, and [`verify`] |
//!
//! Without features the library runs, judges, explains, writes, reads and compares. It needs neither threads nor a terminal, and
//! compiles for `wasm32-unknown-unknown`, where directories ([`results::dir`]) are absent.
//!
//! # Invariants
//!
//! - Time never goes back, and events of one time come in the order of their scheduling.
//! - A random number depends on seed, replication, purpose and coordinates, never on what was drawn before.
//! - A call ends in exactly one [`metrics::Outcome`].
//! - Nothing that reaches a result depends on a clock, a hash order, a thread or the platform's mathematics.

// The command names the library as other programs do.
#[cfg(feature = "cli")]
extern crate self as authstorm;

pub mod backend;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod conform;
pub mod diff;
pub mod experiment;
pub mod explain;
pub mod fault;
pub mod fleet;
pub mod guide;
pub mod kernel;
pub mod metrics;
#[cfg(feature = "charts")]
pub mod page;
mod parallel;
pub mod plan;
#[cfg(feature = "charts")]
pub mod plot;
pub mod protocol;
pub mod results;
pub mod scenario;
pub mod spec;
pub mod stats;
pub mod text;
pub mod toml_text;
#[cfg(feature = "parallel")]
pub mod verify;
pub mod world;

pub use experiment::{Error, Study};
pub use results::Results;
pub use scenario::{Extensions, Settings};
pub use world::Control;

/// The README's example, as a test.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../README.md")]
struct Readme;
