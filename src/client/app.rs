//! What app code does by itself.

use crate::kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the app's code does by itself when it gets a new session object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppReaction {
    /// Nothing.
    #[default]
    None,
    /// It calls `setActive` with the session.
    SetActive,
    /// It calls `getToken` of the session.
    GetToken,
}

/// What app code does by itself in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What, with each new session object.
    pub act: AppReaction,
    /// When it begins.
    pub from: Time,
    /// When it ends, that instant excluded.
    pub to: Time,
}
