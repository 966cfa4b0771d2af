//! Recordings, as `tests/recordings/README.md` describes them.

use serde::Deserialize;
use std::collections::BTreeMap;

/// One run of a published release in a browser.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// The release.
    pub client: String,
    /// Its name.
    pub scenario: String,
    /// What it is about.
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
    /// What the user or the app does.
    #[serde(default)]
    pub actions: Vec<RecordedAction>,
    /// What the app's code does by itself, in words.
    #[serde(default)]
    pub app_reaction: Option<String>,
    /// `setActive` navigates.
    #[serde(default)]
    pub set_active_redirects: bool,
    /// What `Math.random` gave: always this number; a seed (`{ "seed": n }`) says nothing that could be used here.
    #[serde(default)]
    pub random: Option<serde_json::Value>,
    /// `immediate`: a request sent offline fails at once, not after the round-trip time.
    #[serde(default)]
    pub offline_fetch: Option<String>,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// One rule of the server's script: the first that matches wins, the default is 200.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// The endpoint, or `all`.
    #[serde(rename = "match")]
    pub endpoint: String,
    /// From when on, in ms.
    #[serde(default)]
    pub from: u64,
    /// Until when, in ms, excluded.
    #[serde(default)]
    pub to: Option<u64>,
    /// At most so many answers.
    #[serde(default)]
    pub count: Option<u64>,
    /// HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Error code.
    #[serde(default)]
    pub code: Option<String>,
    /// Headers; only `retry-after` means anything to the client.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// No HTTP answer.
    #[serde(default)]
    pub abort: bool,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// One act.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedAction {
    /// When, in ms.
    pub t: u64,
    /// What, in words.
    pub label: String,
    /// Which tab, where the recording says.
    #[serde(default)]
    pub tab: Option<u32>,
}

/// `[t, tab, endpoint, status, t_done]`
#[derive(Clone, Debug, Deserialize)]
pub struct RawRequest(pub u64, pub u32, pub Endpoint, pub Status, pub Option<u64>);

/// The endpoints of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum Status {
    /// An HTTP status.
    Http(u16),
    /// `network_error` or `pending`.
    Word(String),
}

/// A request, on either side of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Request {
    /// When it was sent, in ms.
    pub t: u64,
    /// By which tab.
    pub tab: u32,
    /// Where to.
    pub endpoint: Endpoint,
    /// How it ended; none when the page was gone by then, and anything matches.
    pub status: Option<Status>,
    /// When it ended, in ms.
    pub t_done: Option<u64>,
}

/// An entry of the unauthenticated flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct FlowEntry {
    /// When, in ms.
    pub t: u64,
    /// In which tab.
    pub tab: u32,
    /// Calls not yet settled when it starts, itself included.
    pub depth: u32,
    /// A session existed.
    pub active: bool,
}

/// An event of the recording; of most kinds only time and tab matter here.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// When, in ms.
    pub t: u64,
    /// In which tab.
    #[serde(default)]
    pub tab: u32,
    /// What kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of an action.
    #[serde(default)]
    pub label: Option<String>,
    /// Of `handleUnauthenticated` and its end: which call of the tab.
    #[serde(default)]
    pub n: Option<u32>,
    /// Of `handleUnauthenticated`.
    #[serde(default)]
    pub depth: Option<u32>,
    /// Of `handleUnauthenticated`.
    #[serde(default)]
    pub active: Option<bool>,
    /// Of a `cookie`: its token's `iat`, in seconds; none when it is removed.
    #[serde(default)]
    pub iat: Option<u64>,
    /// Of `handleUnauthenticated.end`.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// How a tab ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct State {
    /// The session's id, none, or `undefined` before the client resource is there.
    pub session: Option<String>,
    /// The status.
    pub status: String,
    /// The cookie.
    #[serde(rename = "sessionCookie")]
    pub session_cookie: Option<Cookie>,
}

/// The session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Cookie {
    /// Its token's `iat`, in seconds.
    pub iat: u64,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// What is wrong, with its line and column.
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
