//! The empirical distribution.

use super::Distribution;
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::kernel::random::below;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of these durations, each as likely as the others.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(example = vec!["10ms", "12ms", "90ms"])]
pub struct Empirical(#[schemars(length(min = 1, max = 100_000))] pub Vec<Dur>);

impl Distribution for Empirical {
    fn misfit(&self) -> Option<String> {
        let what = "empty list; an empirical distribution needs at least one duration";
        self.0.is_empty().then(|| what.to_owned())
    }

    #[inline]
    fn sample(&self, bits: u64) -> Dur {
        self.0[below(bits, self.0.len() as u64) as usize]
    }

    fn mean_s(&self) -> f64 {
        self.0.iter().map(|d| d.as_secs_f64()).sum::<f64>() / self.0.len() as f64
    }

    fn is_zero(&self) -> bool {
        self.0.iter().all(|d| *d == Dur::ZERO)
    }

    fn slower(&self, factor: f64) -> Empirical {
        Empirical(self.0.iter().map(|d| d.times(factor)).collect())
    }

    fn draw(_: &mut Dice, ms: u64) -> Empirical {
        Empirical([ms / 3, ms, ms * 4].map(Dur::from_ms).to_vec())
    }
}
