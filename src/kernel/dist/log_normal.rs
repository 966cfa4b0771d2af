//! The log-normal distribution.

use super::{Distribution, round};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::kernel::random::{open_unit, second_word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Log-normal: the median times `exp(sigma * Z)` with Z standard normal.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "log-normal")]
pub struct LogNormal {
    /// Median: half of the values are below it.
    #[schemars(example = "80ms")]
    pub median: Dur,
    /// Standard deviation of the logarithm.
    #[schemars(range(min = 0.0, max = 10.0), example = 0.5)]
    pub sigma: f64,
}

impl Distribution for LogNormal {
    fn misfit(&self) -> Option<String> {
        let allowed = (0.0..=10.0).contains(&self.sigma);
        (!allowed).then(|| format!("sigma out of range; got {}; allowed: 0 to 10", self.sigma))
    }

    /// Box and Muller 1958, the cosine branch.
    #[inline]
    fn sample(&self, bits: u64) -> Dur {
        let radius = libm::sqrt(-2.0 * libm::log(open_unit(bits)));
        let angle = 2.0 * std::f64::consts::PI * open_unit(second_word(bits));
        round(self.median.0 as f64 * libm::exp(self.sigma * radius * libm::cos(angle)))
    }

    fn mean_s(&self) -> f64 {
        self.median.as_secs_f64() * libm::exp(self.sigma * self.sigma / 2.0)
    }

    fn is_zero(&self) -> bool {
        self.median == Dur::ZERO
    }

    fn slower(&self, factor: f64) -> LogNormal {
        LogNormal { median: self.median.times(factor), sigma: self.sigma }
    }

    fn draw(_: &mut Dice, ms: u64) -> LogNormal {
        LogNormal { median: Dur::from_ms(ms), sigma: 0.5 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Purpose, Stream};

    /// The sign of the cosine decides the side of the median.
    #[test]
    fn a_sample_is_above_its_median_where_the_cosine_is_positive() {
        let stream = Stream::new(7, 0, Purpose::Latency, 0);
        let dist = LogNormal { median: Dur::from_secs(1), sigma: 0.5 };
        for i in 0..1_000 {
            let bits = stream.bits(i, 0);
            let turn = open_unit(second_word(bits));
            assert_eq!(dist.sample(bits) >= dist.median, !(0.25..0.75).contains(&turn), "{bits:x}");
        }
    }
}
