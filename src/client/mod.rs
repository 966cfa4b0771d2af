//! The simulated client: pure state machines after `clerk-js.md`.

pub mod account;
pub mod backoff;
mod cache;
#[cfg(test)]
mod desk;
mod flow;
pub mod generic;
mod get_token;
mod load;
pub mod page;
pub mod pages;
pub mod policy;
mod poll;
pub mod release;
pub mod session_policy;
pub mod tabs;
pub mod task;
mod touch;
mod workload;
