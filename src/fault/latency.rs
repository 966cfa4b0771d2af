//! Calls answered later.

use super::{Effect, Kind};
use crate::kernel::dice::Dice;
use crate::kernel::random::second_word;
use crate::kernel::{Dist, Dur};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answers later.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Latency {
    /// Time added to the round-trip time of a call.
    #[schemars(example = "500ms")]
    pub add: Dist,
}

impl Kind for Latency {
    fn in_words(&self, places: &str) -> String {
        format!("{places} slow")
    }

    #[inline]
    fn judge(&self, _: u8, _: Dur, bits: u64) -> Effect {
        Effect::Slower(self.add.sample(second_word(bits)))
    }

    fn draw(dice: &mut Dice) -> Latency {
        Latency { add: Dist::draw(dice, 800) }
    }
}
