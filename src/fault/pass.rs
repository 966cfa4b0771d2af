//! Calls that later faults spare.

use super::{Effect, Kind};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lets calls pass, whatever later faults would do.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Pass {}

impl Kind for Pass {
    const HARMS: bool = false;

    fn in_words(&self, places: &str) -> String {
        format!("{places} spared")
    }

    #[inline]
    fn judge(&self, _: u8, _: Dur, _: u64) -> Effect {
        Effect::Spare
    }

    fn draw(_: &mut Dice) -> Pass {
        Pass {}
    }
}
