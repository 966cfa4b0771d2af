//! Distributions of durations, as data: written in scenarios, sampled from 64 random bits at a time. One kind a file.

mod family;
#[cfg(test)]
mod tests;

use super::dice::Dice;
use super::time::{Dur, without_unit};
use family::distributions;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of distribution: what a scenario says of it, which is also all that it knows.
trait Distribution: Serialize + DeserializeOwned + JsonSchema {
    /// Why these parameters are not a distribution, when each is within its own bounds.
    fn misfit(&self) -> Option<String> {
        None
    }

    /// The sample that belongs to these random bits.
    fn sample(&self, bits: u64) -> Dur;

    /// The mean, in seconds.
    fn mean_s(&self) -> f64;

    /// Whether every sample is zero.
    fn is_zero(&self) -> bool;

    /// The distribution with every sample so many times as long.
    #[must_use]
    fn slower(&self, factor: f64) -> Self;

    /// Parameters around so many milliseconds, for scenarios that are drawn at random.
    fn draw(dice: &mut Dice, ms: u64) -> Self;
}

distributions! {
    uniform::Uniform = "uniform",
    exponential::Exponential = "exponential",
    log_normal::LogNormal = "log-normal",
    pareto::Pareto = "pareto",
    empirical::Empirical = "empirical",
}

impl Dist {
    /// Uniform over `[low, high]`, both included.
    pub const fn uniform(low: Dur, high: Dur) -> Dist {
        Dist::Uniform(Uniform { low, high })
    }

    /// The sample that belongs to the bits that `draw` gives. A constant needs none, so `draw` is not called for it.
    #[inline]
    pub fn sample_with(&self, draw: impl FnOnce() -> u64) -> Dur {
        match self {
            Dist::Constant(d) => *d,
            other => other.sample(draw()),
        }
    }

    /// Whether every sample is the same, so that no random bits need be drawn.
    #[inline]
    pub fn is_constant(&self) -> bool {
        matches!(self, Dist::Constant(_))
    }
}

impl Default for Dist {
    fn default() -> Dist {
        Dist::Constant(Dur::ZERO)
    }
}

/// Rounds a non-negative number of nanoseconds; what lies beyond 2^63 is cut there, far past any horizon.
#[inline]
fn round(ns: f64) -> Dur {
    const CAP: f64 = (1u64 << 63) as f64;
    Dur(if ns < CAP { (ns + 0.5) as u64 } else { 1 << 63 })
}
