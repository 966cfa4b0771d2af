//! Recordings in the form of `tests/recordings/README.md`.

use super::script::{RecordedAct, Rule};
use crate::backend::UpdatedAt;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One run of a published release in a browser.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// The release.
    pub client: String,
    /// Name of the recording.
    pub scenario: String,
    /// Subject of the recording.
    #[serde(default)]
    pub about: String,
    /// The server's script and the user's acts.
    pub config: Config,
    /// Every request.
    pub requests: Vec<RawRequest>,
    /// What the client did.
    #[serde(default)]
    pub events: Vec<Event>,
    /// How each tab ended.
    #[serde(rename = "final")]
    pub last: Vec<State>,
}

/// `config`
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Length of the run.
    pub duration_ms: u64,
    /// Fixed time from a request to its answer.
    pub rtt_ms: u64,
    /// The token inside /client and /touch answers.
    #[serde(default)]
    pub client_token: Option<crate::backend::ClientToken>,
    /// Touches on focus are not throttled.
    #[serde(default)]
    pub multi_session: bool,
    /// The server's script.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Acts of the user or the app.
    #[serde(default)]
    pub actions: Vec<RecordedAct>,
    /// What the app's code does on its own, in words.
    #[serde(default)]
    pub app_reaction: Option<String>,
    /// `setActive` navigates.
    #[serde(default)]
    pub set_active_redirects: bool,
    /// What `document.hasFocus()` says; absent for all tabs.
    #[serde(default)]
    pub has_focus: Option<HasFocus>,
    /// When the server revokes the session: GET /client and POST /touch answer without it from then on.
    #[serde(default)]
    pub revoke_at_ms: Option<u64>,
    /// When the server revokes the session: GET /client does not list it, and the others answer 401.
    #[serde(default)]
    pub revoked_at_ms: Option<u64>,
    /// `null`: every `setActive` of the script makes no session the active one.
    #[serde(default, deserialize_with = "said")]
    pub set_active_session: Option<Option<String>>,
    /// The session's `updated_at` in the server's answers.
    #[serde(default)]
    pub session_updated_at: Option<UpdatedAt>,
    /// A touch on focus is answered without the client.
    #[serde(default)]
    pub focus_touch_without_client: bool,
    /// Value of `Math.random`: this number every time. A seed (`{ "seed": n }`) cannot be used here.
    #[serde(default)]
    pub random: Option<serde_json::Value>,
    /// `immediate`: a request sent offline fails at once, not after the round-trip time.
    #[serde(default)]
    pub offline_fetch: Option<String>,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// The tabs that have focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HasFocus {
    /// All.
    All,
    /// The one that was opened or focused last.
    One,
    /// None.
    None,
}

/// A key that is present, with `null` as a value of its own.
fn said<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `[t, tab, endpoint, status, t_done]`
#[derive(Clone, Debug, Deserialize)]
pub struct RawRequest(pub u64, pub u32, pub Endpoint, pub Status, pub Option<u64>);

/// The endpoints of recordings.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// GET /environment
    Environment,
    /// GET /client
    Client,
    /// POST /tokens
    Tokens,
    /// POST /touch
    Touch,
}

/// How a request ended.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(untagged)]
pub enum Status {
    /// An HTTP status.
    Http(u16),
    /// `network_error`, `aborted` or `pending`.
    Word(String),
}

/// A request, on either side of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct Request {
    /// Time of sending, in ms.
    pub t: u64,
    /// Tab that sent it.
    pub tab: u32,
    /// Endpoint of the request.
    pub endpoint: Endpoint,
    /// Outcome; absent if the page was gone by then, which matches anything.
    pub status: Option<Status>,
    /// Time of the end, in ms.
    pub t_done: Option<u64>,
}

/// An entry of the unauthenticated flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct FlowEntry {
    /// Time, in ms.
    pub t: u64,
    /// Tab of the entry.
    pub tab: u32,
    /// Number of unsettled calls at its start, itself included.
    pub depth: u32,
    /// Whether a session existed.
    pub active: bool,
}

/// An error of a call that no code awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Rejection {
    /// Time, in ms.
    pub t: u64,
    /// Tab of the call.
    pub tab: u32,
    /// HTTP status; absent for an error without an answer.
    pub status: Option<u16>,
}

/// An event of the recording. For most kinds only time and tab matter here.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Time, in ms.
    pub t: u64,
    /// Tab of the event.
    #[serde(default)]
    pub tab: u32,
    /// Kind of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// The act; only for an action.
    #[serde(default)]
    pub label: Option<String>,
    /// Number of the call in the tab; only for `handleUnauthenticated` and its end.
    #[serde(default)]
    pub n: Option<u32>,
    /// Only for `handleUnauthenticated`.
    #[serde(default)]
    pub depth: Option<u32>,
    /// Only for `handleUnauthenticated`.
    #[serde(default)]
    pub active: Option<bool>,
    /// `iat` of the token, in seconds, only for a `cookie`; absent if the cookie is removed.
    #[serde(default)]
    pub iat: Option<u64>,
    /// HTTP status of the error; only for an `unhandledrejection`.
    #[serde(default)]
    pub status: Option<serde_json::Value>,
    /// Only for `handleUnauthenticated.end`.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// How a tab ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct State {
    /// Id of the session, absent without one; `undefined` before the client resource exists.
    pub session: Option<String>,
    /// Status of the session.
    pub status: String,
    /// The session cookie.
    #[serde(rename = "sessionCookie")]
    pub session_cookie: Option<Cookie>,
}

/// The session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Cookie {
    /// `iat` of the cookie's token, in seconds.
    pub iat: u64,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Recording, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    /// The recorded requests.
    pub fn recorded_requests(&self) -> Vec<Request> {
        self.requests
            .iter()
            .map(|RawRequest(t, tab, endpoint, status, t_done)| Request {
                t: *t,
                tab: *tab,
                endpoint: *endpoint,
                status: Some(status.clone()),
                t_done: *t_done,
            })
            .collect()
    }

    /// The recorded unhandled rejections.
    pub fn recorded_rejections(&self) -> Vec<Rejection> {
        let status = |event: &Event| event.status.as_ref()?.as_u64().and_then(|s| u16::try_from(s).ok());
        let rejections = self.events.iter().filter(|e| e.kind == "unhandledrejection");
        rejections.map(|e| Rejection { t: e.t, tab: e.tab, status: status(e) }).collect()
    }

    /// The recorded entries of the unauthenticated flow.
    pub fn recorded_entries(&self) -> Vec<FlowEntry> {
        self.events
            .iter()
            .filter(|e| e.kind == "handleUnauthenticated")
            .map(|e| FlowEntry {
                t: e.t,
                tab: e.tab,
                depth: e.depth.unwrap_or(1),
                active: e.active.unwrap_or(true),
            })
            .collect()
    }
}
