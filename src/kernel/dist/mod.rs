//! Distributions of durations, described by data of scenarios. A sample uses 64 random bits. Each kind has a file.

mod family;
#[cfg(test)]
mod tests;

use super::dice::Dice;
use super::time::{Dur, without_unit};
use family::distributions;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of distribution, which is also its description in a scenario.
trait Distribution: Serialize + DeserializeOwned + JsonSchema {
    /// Whether random scenarios draw it. A kind that was added later would change what every seed draws.
    const IS_DRAWN: bool = true;

    /// The error of parameters that are each within their own bounds but together describe no distribution.
    fn misfit(&self) -> Option<String> {
        None
    }

    /// The sample for these random bits.
    fn sample(&self, bits: u64) -> Dur;

    /// The mean, in seconds.
    fn mean_s(&self) -> f64;

    /// Whether every sample is zero.
    fn is_zero(&self) -> bool;

    /// The distribution of the samples times a factor.
    #[must_use]
    fn slower(&self, factor: f64) -> Self;

    /// Random parameters around this many milliseconds.
    fn draw(dice: &mut Dice, ms: u64) -> Self;
}

distributions! {
    uniform::Uniform = "uniform",
    exponential::Exponential = "exponential",
    log_normal::LogNormal = "log-normal",
    pareto::Pareto = "pareto",
    folded_normal::FoldedNormal = "folded-normal",
    empirical::Empirical = "empirical",
}

impl Dist {
    /// Uniform over `[low, high]`, both included.
    pub const fn uniform(low: Dur, high: Dur) -> Dist {
        Dist::Uniform(Uniform { low, high })
    }

    /// The sample for the bits that `draw` returns. A constant does not call `draw`.
    #[inline]
    pub fn sample_with(&self, draw: impl FnOnce() -> u64) -> Dur {
        match self {
            Dist::Constant(d) => *d,
            other => other.sample(draw()),
        }
    }

    /// Whether every sample is the same, so that a sample needs no random bits.
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

/// Rounds a non-negative number of nanoseconds. Values above 2^63, far past any horizon, are cut to 2^63.
#[inline]
fn round(ns: f64) -> Dur {
    const CAP: f64 = (1u64 << 63) as f64;
    // A conversion to a signed number takes fewer instructions. Just below 2^63 floats are 1,024 apart, so the sum is below it too.
    Dur(if ns < CAP { ((ns + 0.5) as i64) as u64 } else { 1 << 63 })
}
