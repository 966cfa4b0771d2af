//! The parts of a profile that make a refresh a chain of requests, and the memory of a failure.

use super::profile::Profile;
use crate::kernel::Dur;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The request for the provider's metadata (`/.well-known/openid-configuration`). Each object of a client makes its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[discovery]")]
pub struct Discovery {
    /// A caller needs the metadata also to read the session. Otherwise only a refresh does.
    pub before_read: bool,
    /// Time for which an object keeps the metadata. Absent: as long as the object lives.
    #[schemars(example = "24h")]
    pub lasts: Option<Dur>,
}

/// A hidden iframe that opens the provider's authorization page (`prompt=none`). While the provider knows the user, the page
/// answers with a code, which the client exchanges at the token endpoint. A page with another status than 200 says nothing:
/// the client waits until the time-out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[iframe]")]
pub struct Iframe {
    /// When the client opens it.
    #[schemars(example = &"fallback")]
    pub when: IframeWhen,
    /// An iframe that has said nothing has failed after this time.
    #[schemars(extend("x-above-zero" = true), example = "60s")]
    pub timeout: Dur,
    /// The largest number of iframes of one refresh. Another one is opened if the token endpoint refuses the code with an
    /// answer of `opens-iframe`.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100), extend("x-unit" = "iframes"))]
    pub tries: u8,
}

fn one() -> u8 {
    1
}

/// When a client opens an iframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IframeWhen {
    /// Never, but an option of the client changes that.
    Never,
    /// For a refresh without a refresh token, and after an answer with `opens-iframe`.
    Fallback,
    /// For each refresh. The client has no refresh token.
    Always,
}

/// The memory of a failure.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[cooldown]")]
pub struct Cooldown {
    /// Time during which callers get the same failure without a request.
    #[schemars(example = "60s")]
    pub lasts: Dur,
    /// A refresh or a sign-in of another client object of the browser ends the memory.
    #[serde(default)]
    pub ended_by_news: bool,
    /// The place of the memory.
    #[serde(default, skip_serializing_if = "is_object")]
    pub kept_in: CooldownKeptIn,
    /// An HTTP error with `Retry-After` begins the cool-down, which then lasts as long as it asks for. Otherwise
    /// `Retry-After` has no effect on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub honours_retry_after: bool,
    /// The longest cool-down. Absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1h")]
    pub cap: Option<Dur>,
}

fn is_object(place: &CooldownKeptIn) -> bool {
    *place == CooldownKeptIn::Object
}

impl Profile {
    /// Whether a wait or the memory of a failure takes account of `Retry-After`.
    pub fn honours_retry_after(&self) -> bool {
        self.request.honours_retry_after
            || self.cooldown.as_ref().is_some_and(|cooldown| cooldown.honours_retry_after)
    }
}

/// The place where a client remembers a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CooldownKeptIn {
    /// In the object, for the refresh token that failed.
    #[default]
    Object,
    /// In the browser's storage, for all requests to the token endpoint. All tabs share it, and it survives a reload.
    Storage,
}
