//! The exponential distribution.

use super::{Distribution, round};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::kernel::random::open_unit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Exponential with this mean.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(example = "80ms")]
pub struct Exponential(pub Dur);

impl Distribution for Exponential {
    /// Inverse transform (Devroye 1986, II.2.1); libm's logarithm has the same bits on every platform.
    #[inline]
    fn sample(&self, bits: u64) -> Dur {
        round(-libm::log(open_unit(bits)) * self.0.0 as f64)
    }

    fn mean_s(&self) -> f64 {
        self.0.as_secs_f64()
    }

    fn is_zero(&self) -> bool {
        self.0 == Dur::ZERO
    }

    fn slower(&self, factor: f64) -> Exponential {
        Exponential(self.0.times(factor))
    }

    fn draw(_: &mut Dice, ms: u64) -> Exponential {
        Exponential(Dur::from_ms(ms))
    }
}
