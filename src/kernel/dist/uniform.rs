//! The uniform distribution.

use super::Distribution;
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::kernel::random::below;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Uniform from the first duration to the second, both included, on the grid of nanoseconds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(from = "[Dur; 2]", into = "[Dur; 2]")]
#[schemars(example = vec!["50ms", "150ms"])]
pub struct Uniform {
    /// Least value.
    pub low: Dur,
    /// The most.
    pub high: Dur,
}

impl From<[Dur; 2]> for Uniform {
    fn from([low, high]: [Dur; 2]) -> Uniform {
        Uniform { low, high }
    }
}

impl From<Uniform> for [Dur; 2] {
    fn from(uniform: Uniform) -> [Dur; 2] {
        [uniform.low, uniform.high]
    }
}

impl Distribution for Uniform {
    fn misfit(&self) -> Option<String> {
        let Uniform { low, high } = self;
        (low > high).then(|| format!("uniform from {low} to {high}: the lower end comes first"))
    }

    #[inline]
    fn sample(&self, bits: u64) -> Dur {
        Dur(self.low.0 + below(bits, (self.high.0 - self.low.0).saturating_add(1)))
    }

    fn mean_s(&self) -> f64 {
        (self.low.as_secs_f64() + self.high.as_secs_f64()) / 2.0
    }

    fn is_zero(&self) -> bool {
        self.high == Dur::ZERO
    }

    fn slower(&self, factor: f64) -> Uniform {
        Uniform { low: self.low.times(factor), high: self.high.times(factor) }
    }

    fn draw(_: &mut Dice, ms: u64) -> Uniform {
        Uniform { low: Dur::from_ms(ms / 2), high: Dur::from_ms(ms * 3 / 2) }
    }
}
