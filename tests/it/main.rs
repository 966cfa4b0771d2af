//! Integration tests, in one binary to link once and to use all cores.
//!
//! Each subject has a module, and `common` contains shared helpers. `cargo test --test it kill::` runs one module.

mod common;

mod allocations;
mod assumptions;
mod bad_inputs;
mod bounds;
mod browser;
mod check;
mod check_files;
mod check_library;
mod cli;
mod clients;
mod cohorts;
mod conformance;
mod counters;
mod determinism;
mod docs;
mod estimate;
mod examples;
mod explain;
mod explain_against;
mod explain_window;
mod faults;
mod field;
mod field_limits;
mod find;
mod first_minutes;
mod golden;
mod kept_results;
mod keys;
mod kill;
mod limits;
mod one_number;
mod output_edge;
mod page;
mod parts;
mod places;
mod public_api;
mod relations;
mod scenario_load;
mod schemas;
mod sdks;
mod settings;
mod supply;
mod tidy;
mod timers;
mod token_harms;
mod token_policies;
mod token_profiles;
mod token_world;
mod verdicts;
mod verify;
