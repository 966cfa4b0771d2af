//! Servers that restart: a deploy, a crash.

use super::{Effect, Kind, Strikes};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The servers restart at `from`: every call under way, whether it waits, is in service, or its answer is on the way,
/// loses its connection. A call that was served stays served: only its answer is lost. A pool with `slow-start` begins
/// it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Restart {}

impl Kind for Restart {
    const STRIKES: Strikes = Strikes::Connections;
    const IS_DRAWN: bool = false;
    const STEADY: bool = false;

    fn in_words(&self, places: &str) -> String {
        format!("restart of {places}")
    }

    /// A restart strikes connections, so it judges no new call.
    fn judge(&self, _: u8, _: Dur, _: u64) -> Effect {
        Effect::None
    }

    fn draw(_: &mut Dice) -> Restart {
        Restart {}
    }
}
