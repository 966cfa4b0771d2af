//! Compares offered and served load, to tell whether the system carries its own load.

use crate::kernel::Dur;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Share of the offered calls that a place may leave unserved before it counts as overloaded: calls in flight and calls
/// turned away.
const SLACK: f64 = 0.05;
/// Number of standard deviations of a Poisson count that a place may leave unserved besides.
const DEVIATIONS: f64 = 5.0;

/// Calls that an endpoint or a limit was offered before the first fault, and calls that it served or admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Demand {
    /// Name of the endpoint or the limit.
    pub place: String,
    /// Duration of the time before the first fault.
    pub time: Dur,
    /// Calls sent to it in this time.
    pub offered: f64,
    /// Calls answered with 2xx, or admitted, in this time.
    pub served: f64,
}

impl Demand {
    /// Calls offered per second.
    pub fn offered_per_s(&self) -> f64 {
        self.offered / self.time.as_secs_f64()
    }

    /// Calls served per second.
    pub fn served_per_s(&self) -> f64 {
        self.served / self.time.as_secs_f64()
    }

    /// Whether offered load exceeds served load by more than chance and calls in flight explain.
    pub fn exceeds(&self) -> bool {
        self.offered - self.served > SLACK * self.offered + DEVIATIONS * self.offered.sqrt()
    }
}
