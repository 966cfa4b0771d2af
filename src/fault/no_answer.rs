//! Calls without an answer.

use super::{Effect, Kind};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nothing comes back: the call ends with the client's time-out, or never.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct NoAnswer {}

impl Kind for NoAnswer {
    fn in_words(&self, places: &str) -> String {
        format!("{places} silent")
    }

    fn failure(&self, _: u8) -> Option<Failure> {
        Some(Failure::NETWORK)
    }

    #[inline]
    fn judge(&self, _: u8, _: Dur, _: u64) -> Effect {
        Effect::Silence
    }

    fn draw(_: &mut Dice) -> NoAnswer {
        NoAnswer {}
    }
}
