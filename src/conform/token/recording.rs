//! Recordings of token clients, schema `sdk-trace/1`, in the form of `tests/recordings/sdks/README.md`.

use crate::client::token::NO_USER;
use crate::conform::script::{RecordedAct, Rule};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One run of a published package in a browser.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// Short name of the SDK.
    pub sdk: String,
    /// Name of the package in its registry.
    pub package: String,
    /// Release of the package.
    pub version: String,
    /// Name of the recording.
    #[serde(default)]
    pub scenario: String,
    /// The server's script, and the acts of the app and the user.
    pub config: Config,
    /// Every request.
    pub requests: Vec<RawRequest>,
    /// Every call of the app.
    pub calls: Vec<RawCall>,
    /// What the SDK reported and wrote.
    #[serde(default)]
    pub events: Vec<RawEvent>,
    /// How each tab ended.
    #[serde(rename = "final")]
    pub last: Vec<State>,
    /// The distinct errors of the calls, in words.
    #[serde(default)]
    pub call_errors: BTreeMap<String, Value>,
}

/// `config`
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Length of the run.
    pub duration_ms: u64,
    /// Fixed time from a request to its answer.
    pub rtt_ms: u64,
    /// Lifetime of every access token.
    pub token_life_s: u64,
    /// How far the page's clock is ahead.
    #[serde(default)]
    pub client_skew_ms: i64,
    /// `rotate` or `none`.
    pub rotation: String,
    /// Time during which a used refresh token is accepted; -1 for never.
    pub reuse_ms: i64,
    /// The server's script.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Time at which the server ends the session, in ms. Recordings say it with a rule.
    #[serde(skip)]
    pub revoked_ms: Option<u64>,
    /// Whether the provider's page in an iframe knows no user. The script does not say it; the errors of the calls do.
    #[serde(skip)]
    pub no_user: bool,
    /// Token bucket on the token endpoint.
    #[serde(default)]
    pub limiter: Option<Bucket>,
    /// Times at which the app asks for a token.
    #[serde(default)]
    pub poll: Vec<Poll>,
    /// Acts of the user and the app at given times.
    #[serde(default)]
    pub actions: Vec<RecordedAct>,
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

/// A token bucket, full at the start.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Refill rate, in requests per second.
    pub rate_per_s: f64,
    /// Capacity, in requests.
    pub burst: u64,
}

/// Times at which the app asks for a token.
#[derive(Clone, Debug, Deserialize)]
pub struct Poll {
    /// Interval in ms.
    #[serde(default)]
    pub every: Option<u64>,
    /// Earliest time of the first call in a page.
    #[serde(default)]
    pub from: u64,
    /// Time of the last call, in ms; may lie far beyond the end.
    #[serde(default)]
    pub to: Option<f64>,
    /// Delay in tabs other than the first.
    #[serde(default)]
    pub stagger: u64,
    /// Asks again `gap` after an answer without a token, and 5 s after one with a token.
    #[serde(default)]
    pub eager: bool,
    /// As `eager`, `gap` after any answer.
    #[serde(default)]
    pub always: bool,
    /// Wait of `eager`, in ms.
    #[serde(default)]
    pub gap: u64,
    /// Whether the app asks on every event of the SDK.
    #[serde(default)]
    pub on_auth_event: bool,
    /// Whether the app puts its copy of the session back when it gets no session.
    #[serde(default, alias = "puts_back", alias = "restore", alias = "setSession", alias = "set_session")]
    pub put_back: bool,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// `[t, tab, endpoint, status, t_done]`
#[derive(Clone, Debug, Deserialize)]
pub struct RawRequest(pub u64, pub u32, pub String, pub Value, pub Option<u64>);

/// `[t, tab, label, outcome, t_done, exp]`
#[derive(Clone, Debug, Deserialize)]
pub struct RawCall(pub u64, pub u32, pub String, pub String, pub Option<u64>, pub Option<f64>);

/// Something that the SDK reported or wrote.
#[derive(Clone, Debug, Deserialize)]
pub struct RawEvent {
    /// Time, in ms.
    pub t: u64,
    /// Tab of the event.
    #[serde(default)]
    pub tab: u32,
    /// `auth`, `storage`, `broadcast`, `load.end`. Other kinds come from the recording script.
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
    /// `exp` of the session of an `auth` event, if the recording states it.
    #[serde(default, deserialize_with = "present")]
    pub exp: Option<Option<u64>>,
}

/// Distinguishes a key with the value `null` from an absent key.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::<u64>::deserialize(deserializer).map(Some)
}

/// How a tab ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
pub struct State {
    /// Number of the tab.
    pub tab: u32,
    /// Whether the SDK has a session.
    pub signed_in: bool,
    /// `exp` of the access token, in seconds since the start.
    pub token_exp: Option<u64>,
    /// Number of unanswered calls of the app.
    pub outstanding_calls: usize,
}

/// Whether a text claims to be a recording of this form: JSON whose `schema` begins with `sdk-trace/`.
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
    /// What is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Recording, String> {
        let mut recording: Recording = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let names = |error: &String| error.split('|').any(|part| part.trim() == NO_USER);
        recording.config.no_user = recording.call_errors.keys().any(names);
        Ok(recording)
    }

    /// Paths of configuration keys that this reader does not know. A recording with such a key cannot be replayed, because
    /// its client or server may have behaved differently.
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
