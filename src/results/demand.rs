//! Offered against served: does the system carry its own load?

use crate::kernel::Dur;
use serde::{Deserialize, Serialize};

/// Calls in flight and turned away that a place may have without a word, as a share of what it is offered.
const SLACK: f64 = 0.05;
/// And standard deviations of a Poisson count on top.
const DEVIATIONS: f64 = 5.0;

/// What an endpoint or a limit was offered before the first fault, and what of that it served or admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Demand {
    /// The endpoint or the limit, in words.
    pub place: String,
    /// Length of the time before the first fault.
    pub time: Dur,
    /// Calls sent to it in this time.
    pub offered: f64,
    /// Calls that it answered with 2xx, or admitted.
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

    /// Whether more is offered than is served, beyond what chance and calls in flight explain.
    pub fn exceeds(&self) -> bool {
        self.offered - self.served > SLACK * self.offered + DEVIATIONS * self.offered.sqrt()
    }
}
