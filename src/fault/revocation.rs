//! Sessions that are revoked at once.

use super::{Effect, Kind, Strikes};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::spec::leaf::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Revokes a share of the sessions at `from`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Revocation {
    /// Share of the sessions that are revoked at `from`.
    #[schemars(with = "Share", example = 0.1)]
    pub share: f64,
}

impl Kind for Revocation {
    const STRIKES: Strikes = Strikes::Sessions;

    fn in_words(&self, _: &str) -> String {
        "sessions revoked".to_owned()
    }

    /// A revocation strikes no calls, so it judges none.
    fn judge(&self, _: u8, _: Dur, _: u64) -> Effect {
        Effect::None
    }

    fn share(&self) -> f64 {
        self.share
    }

    fn draw(_: &mut Dice) -> Revocation {
        Revocation { share: 0.5 }
    }
}
