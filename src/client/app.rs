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

/// The tabs whose document has focus, as `document.hasFocus()` says. A client may do more in such a tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentFocus {
    /// Every tab, at all times.
    #[default]
    All,
    /// At most one tab of a browser: the one that was opened or gained focus last, until it loses focus.
    One,
    /// No tab, even when focus events come.
    None,
}

impl DocumentFocus {
    /// Whether every tab has focus.
    pub(crate) fn is_all(&self) -> bool {
        *self == DocumentFocus::All
    }
}

/// The reaction of app code to new session objects, in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The call that it makes for each new session object.
    pub act: AppReaction,
    /// Start of the window.
    pub from: Time,
    /// End of the window, excluded.
    pub to: Time,
}
