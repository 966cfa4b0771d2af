//! The authentication backend: endpoints, rate limits, queues, and the way of a call through them. All state machines
//! are pure and get the time as a parameter.

pub mod endpoints;
pub mod gateway;
pub mod keys;
pub mod layout;
pub mod limit;
mod limit_words;
pub mod limiter;
pub mod pool;
pub mod preset;
pub mod rate;
pub mod spec;
pub mod station;

pub use crate::protocol::Endpoint;
pub use spec::{BackendSpec, ClientToken, EndpointSpec, LimitSpec, RevokedSession, UpdatedAt};
