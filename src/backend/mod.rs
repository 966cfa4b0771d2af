//! The authentication backend: endpoints, rate limits, queues, and a call's way through them. Pure state machines with the time passed in.

pub mod gateway;
pub mod keys;
pub mod layout;
pub mod limiter;
pub mod rate;
pub mod spec;
pub mod station;

pub use crate::protocol::Endpoint;
pub use spec::{BackendSpec, ClientToken, EndpointSpec, LimitSpec};
