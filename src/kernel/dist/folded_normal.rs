//! The folded normal distribution.

use super::{Distribution, round};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::kernel::random::{open_unit, second_word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Folded normal: the size of a normal variable, `|mean + sd * Z|` with Z standard normal, since no duration is negative
/// (Leone, Nelson and Nottingham 1961). With `mean = "0s"` it is half-normal; far above `sd` it is normal.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "folded-normal")]
pub struct FoldedNormal {
    /// Mean of the normal variable.
    #[schemars(example = "10ms")]
    pub mean: Dur,
    /// Standard deviation of the normal variable.
    #[schemars(example = "2ms")]
    pub sd: Dur,
}

impl Distribution for FoldedNormal {
    const IS_DRAWN: bool = false;

    /// Box and Muller 1958, the cosine branch.
    #[inline]
    fn sample(&self, bits: u64) -> Dur {
        let radius = libm::sqrt(-2.0 * libm::log(open_unit(bits)));
        let angle = 2.0 * std::f64::consts::PI * open_unit(second_word(bits));
        round(libm::fabs(self.mean.0 as f64 + self.sd.0 as f64 * radius * libm::cos(angle)))
    }

    /// `sd * sqrt(2 / pi) * exp(-mean^2 / (2 sd^2)) + mean * erf(mean / (sd * sqrt(2)))`.
    fn mean_s(&self) -> f64 {
        let (mean, sd) = (self.mean.as_secs_f64(), self.sd.as_secs_f64());
        if self.sd == Dur::ZERO {
            return mean;
        }
        let x = mean / (sd * std::f64::consts::SQRT_2);
        sd * libm::sqrt(2.0 / std::f64::consts::PI) * libm::exp(-x * x) + mean * libm::erf(x)
    }

    fn is_zero(&self) -> bool {
        self.mean == Dur::ZERO && self.sd == Dur::ZERO
    }

    fn slower(&self, factor: f64) -> FoldedNormal {
        FoldedNormal { mean: self.mean.times(factor), sd: self.sd.times(factor) }
    }

    fn draw(dice: &mut Dice, ms: u64) -> FoldedNormal {
        FoldedNormal { mean: Dur::from_ms(ms), sd: Dur::from_ms(dice.number(0, ms)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Purpose, Stream};

    /// A half-normal variable with sd 1 has mean sqrt(2 / pi) and is below 1 with probability 0.682689 (Abramowitz and
    /// Stegun 26.2).
    #[test]
    fn without_a_mean_it_is_half_normal() {
        let dist = FoldedNormal { mean: Dur::ZERO, sd: Dur::from_secs(1) };
        assert!((dist.mean_s() - 0.797_884_560_8).abs() < 1e-9);
        let stream = Stream::new(8, 0, Purpose::Latency, 0);
        let n = 100_000u64;
        let below = (0..n).filter(|i| dist.sample(stream.bits(*i, 0)) < Dur::from_secs(1)).count() as f64;
        assert!((below / n as f64 - 0.682_689).abs() < 6.0 * 0.5 / (n as f64).sqrt(), "{below}");
    }
}
