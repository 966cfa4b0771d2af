//! What app code does by itself.

use crate::kernel::Time;
use serde::{Deserialize, Serialize};

/// What the app's code does by itself with a new session object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppReaction {
    /// Nothing.
    #[default]
    None,
    /// Calls `setActive` with it.
    SetActive,
    /// Calls `getToken` of it.
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
