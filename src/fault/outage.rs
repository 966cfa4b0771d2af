//! Calls whose connection fails.

use super::{Effect, Kind};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The connection fails: no HTTP answer, after the round-trip time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Outage {}

impl Kind for Outage {
    fn in_words(&self, places: &str) -> String {
        format!("{places} down")
    }

    fn failure(&self, _: u8) -> Option<Failure> {
        Some(Failure::NETWORK)
    }

    #[inline]
    fn judge(&self, _: u8, _: Dur, _: u64) -> Effect {
        Effect::Answer(Failure::NETWORK)
    }

    fn draw(_: &mut Dice) -> Outage {
        Outage {}
    }
}
