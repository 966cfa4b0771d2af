//! The Pareto distribution.

use super::{Distribution, round};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::kernel::random::open_unit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pareto: never below `least`, and above it with a tail that falls as a power: longer than `x` with probability
/// `(least / x)^shape`. Latencies with a heavy tail.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pareto")]
pub struct Pareto {
    /// Least value.
    #[schemars(example = "20ms")]
    pub least: Dur,
    /// How fast the tail falls. The mean is finite above 1, which is the least shape here.
    #[schemars(range(min = 1.01, max = 100.0), example = 2.5)]
    pub shape: f64,
}

impl Distribution for Pareto {
    fn misfit(&self) -> Option<String> {
        let allowed = (1.01..=100.0).contains(&self.shape);
        (!allowed).then(|| format!("shape out of range; got {}; allowed: 1.01 to 100", self.shape))
    }

    /// Inverse transform (Devroye 1986, II.2.1): `least * u^(-1/shape)`, by libm's logarithm and exponential, which have the
    /// same bits on every platform.
    #[inline]
    fn sample(&self, bits: u64) -> Dur {
        round(self.least.0 as f64 * libm::exp(-libm::log(open_unit(bits)) / self.shape))
    }

    fn mean_s(&self) -> f64 {
        self.least.as_secs_f64() * self.shape / (self.shape - 1.0)
    }

    fn is_zero(&self) -> bool {
        self.least == Dur::ZERO
    }

    fn slower(&self, factor: f64) -> Pareto {
        Pareto { least: self.least.times(factor), shape: self.shape }
    }

    fn draw(_: &mut Dice, ms: u64) -> Pareto {
        Pareto { least: Dur::from_ms(ms / 2), shape: 2.5 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Dist;
    use crate::kernel::random::{Purpose, Stream};

    /// Longer than `x` with probability `(least / x)^shape`; the mean is `least * shape / (shape - 1)`.
    #[test]
    fn shares_beyond_a_time_and_the_mean_are_those_of_the_closed_form() {
        let stream = Stream::new(8, 0, Purpose::Latency, 0);
        let pareto = Pareto { least: Dur::from_ms(20), shape: 3.0 };
        let n = 200_000u64;
        let samples: Vec<f64> = (0..n).map(|i| pareto.sample(stream.bits(i, 0)).as_secs_f64()).collect();
        assert!(samples.iter().all(|x| *x >= 0.02));
        for (times, share) in [(1.5, 8.0 / 27.0), (2.0, 1.0 / 8.0), (4.0, 1.0 / 64.0)] {
            let beyond = samples.iter().filter(|x| **x > 0.02 * times).count() as f64 / n as f64;
            // Six standard errors of a share.
            let tolerance = 6.0 * libm::sqrt(share * (1.0 - share) / n as f64);
            assert!((beyond - share).abs() < tolerance, "beyond {times} of the least: {beyond}, not {share}");
        }
        // The variance of shape 3 is 3/4 of the least squared: least^2 * 3 / (4 * 1).
        let (mean, tolerance) =
            (samples.iter().sum::<f64>() / n as f64, 6.0 * 0.02 * libm::sqrt(0.75 / n as f64));
        assert!((pareto.mean_s() - 0.03).abs() < 1e-12);
        assert!((mean - 0.03).abs() < tolerance, "{mean}");
    }

    #[test]
    fn what_is_written_reads_back_and_a_shape_without_a_mean_is_refused() {
        let text = r#"{"pareto":{"least":"20ms","shape":2.5}}"#;
        let dist: Dist = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&dist).unwrap(), text);
        let message = serde_json::from_str::<Dist>(r#"{"pareto":{"least":"20ms","shape":1.0}}"#).unwrap_err();
        assert!(message.to_string().contains("shape out of range"), "{message}");
    }
}
