//! Recordings of token clients, schema `sdk-trace/1`: `tests/recordings/sdks/README.md` describes the form.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One run of a published package in a browser.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// Short name of the SDK.
    pub sdk: String,
    /// The package, as its registry names it.
    pub package: String,
    /// The release.
    pub version: String,
    /// Name of the recording.
    #[serde(default)]
    pub scenario: String,
    /// The server's script, what the app and the user do.
    pub config: Config,
    /// Every request.
    pub requests: Vec<RawRequest>,
    /// Every call of the app.
    pub calls: Vec<RawCall>,
    /// What the SDK told and wrote.
    #[serde(default)]
    pub events: Vec<RawEvent>,
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
    /// Life of every access token.
    pub token_life_s: u64,
    /// The page's clock is so far ahead.
    #[serde(default)]
    pub client_skew_ms: i64,
    /// `rotate` or `none`.
    pub rotation: String,
    /// For how long a used refresh token is accepted; -1: never.
    pub reuse_ms: i64,
    /// The server's script.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Token bucket on the token endpoint.
    #[serde(default)]
    pub limiter: Option<Bucket>,
    /// When the app asks for a token.
    #[serde(default)]
    pub poll: Vec<Poll>,
    /// What the user and the app do at a given time.
    #[serde(default)]
    pub actions: Vec<RawAction>,
    /// Options of the SDK or of the app.
    #[serde(default)]
    pub options: BTreeMap<String, Value>,
    /// `immediate`: a request sent offline fails at once, not after the round-trip time.
    #[serde(default)]
    pub offline_fetch: Option<String>,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
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
    /// Headers of the answer. No profile's client reads one.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// No HTTP answer.
    #[serde(default)]
    pub abort: bool,
    /// No answer for ever.
    #[serde(default)]
    pub hang: bool,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A token bucket, full at the start.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Requests per second that it gains.
    pub rate_per_s: f64,
    /// Requests that it holds.
    pub burst: u64,
}

/// When the app asks for a token.
#[derive(Clone, Debug, Deserialize)]
pub struct Poll {
    /// Every so many ms.
    #[serde(default)]
    pub every: Option<u64>,
    /// First in a page, at the earliest.
    #[serde(default)]
    pub from: u64,
    /// Last, in ms; may lie far beyond the end.
    #[serde(default)]
    pub to: Option<f64>,
    /// So much later in tabs other than the first.
    #[serde(default)]
    pub stagger: u64,
    /// Asks again `gap` after an answer without a token, 5 s after one with.
    #[serde(default)]
    pub eager: bool,
    /// As `eager`, `gap` after any answer.
    #[serde(default)]
    pub always: bool,
    /// The wait of `eager`, in ms.
    #[serde(default)]
    pub gap: u64,
    /// Asks on every event of the SDK.
    #[serde(default)]
    pub on_auth_event: bool,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// One act.
#[derive(Clone, Debug, Deserialize)]
pub struct RawAction {
    /// When, in ms.
    pub t: u64,
    /// What: `hidden`, `visible`, `offline`, `online`, `openTab`, `reload`, `getToken`, `20x getToken`.
    pub label: String,
    /// Which tab; absent: the first.
    #[serde(default)]
    pub tab: Option<u32>,
}

/// `[t, tab, endpoint, status, t_done]`
#[derive(Clone, Debug, Deserialize)]
pub struct RawRequest(pub u64, pub u32, pub String, pub Value, pub Option<u64>);

/// `[t, tab, label, outcome, t_done, exp]`
#[derive(Clone, Debug, Deserialize)]
pub struct RawCall(pub u64, pub u32, pub String, pub String, pub Option<u64>, pub Option<f64>);

/// Something the SDK told or wrote.
#[derive(Clone, Debug, Deserialize)]
pub struct RawEvent {
    /// When, in ms.
    pub t: u64,
    /// Where.
    #[serde(default)]
    pub tab: u32,
    /// `auth`, `storage`, `broadcast`, `load.end`; others are the script's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of an `auth` event.
    #[serde(default)]
    pub event: Option<String>,
    /// `set`, `remove` or `remove-ignored`.
    #[serde(default)]
    pub op: Option<String>,
    /// Name of a broadcast event.
    #[serde(default)]
    pub msg: Option<String>,
    /// Whether the load succeeded.
    #[serde(default)]
    pub ok: Option<bool>,
    /// `exp` of the session that an `auth` event carries, where the recording says.
    #[serde(default, deserialize_with = "present")]
    pub exp: Option<Option<u64>>,
}

/// A key that is there with `null` is told from one that is absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::<u64>::deserialize(deserializer).map(Some)
}

/// How a tab ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
pub struct State {
    /// The tab.
    pub tab: u32,
    /// The SDK has a session.
    pub signed_in: bool,
    /// `exp` of its access token, in seconds since the start.
    pub token_exp: Option<u64>,
    /// Calls of the app without an answer.
    pub outstanding_calls: usize,
}

/// Whether a text is a recording of this form, whole or not: JSON whose `schema` begins with `sdk-trace/`.
pub fn is_recording(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    serde_json::from_str::<Schema>(text).is_ok_and(|s| s.schema.starts_with("sdk-trace/"))
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// What is wrong, with its line and column.
    pub fn parse(text: &str) -> Result<Recording, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    /// What of the configuration this reader does not know, as paths. A recording with such a key cannot be replayed:
    /// its client or server may have done something else.
    pub fn unknown(&self) -> Vec<String> {
        let keys = |what: &str, keys: &BTreeMap<String, Value>| -> Vec<String> {
            keys.keys().map(|k| format!("{what}{k}")).collect()
        };
        let mut all = keys("config.", &self.config.other);
        all.extend(self.config.rules.iter().flat_map(|r| keys("config.rules.", &r.other)));
        all.extend(self.config.poll.iter().flat_map(|p| keys("config.poll.", &p.other)));
        all
    }
}
