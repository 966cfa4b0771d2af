//! The authentication backend: endpoints, rate limits, queues. Pure state machines with the time passed in.

pub mod limiter;
pub mod rate;
pub mod spec;
pub mod station;

pub use spec::{BackendSpec, ClientToken, Endpoint, EndpointSpec, LimitSpec};
