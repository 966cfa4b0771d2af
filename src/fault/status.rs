//! Calls answered with a status instead of being served.

use super::{Effect, Kind};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::protocol::{Failure, RetryIn};
use crate::spec::leaf::ErrorCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answers with a status instead of serving the call.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// HTTP status of the answer.
    #[schemars(range(min = 400, max = 599), example = 429)]
    pub status: u16,
    /// Error code in the answer; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ErrorCode>")]
    pub code: Option<String>,
    /// `Retry-After` header of the answer; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 10, extend("x-unit" = "seconds"))]
    pub retry_after_s: Option<u32>,
}

impl Status {
    fn retry_after(&self) -> RetryIn {
        self.retry_after_s.map_or(RetryIn::NONE, RetryIn::seconds)
    }
}

impl Kind for Status {
    fn in_words(&self, places: &str) -> String {
        format!("{places} {}", self.status)
    }

    fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    fn failure(&self, code: u8) -> Option<Failure> {
        Some(Failure { status: self.status, code, retry_after: self.retry_after() })
    }

    #[inline]
    fn judge(&self, code: u8, _: Dur, _: u64) -> Effect {
        Effect::Answer(Failure { status: self.status, code, retry_after: self.retry_after() })
    }

    fn draw(dice: &mut Dice) -> Status {
        let status = [400, 401, 403, 404, 422, 429, 500, 503][dice.number(0, 7) as usize];
        let retry_after_s = (status == 429 && dice.yes(0.5)).then(|| dice.small(1, 30));
        Status { status, code: None, retry_after_s }
    }
}
