//! What both forms of recordings say of the server's script and of the acts of the user and the app.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One rule of the server's script: the first that matches wins, the default is 200.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// The endpoint, or `all`.
    #[serde(rename = "match")]
    pub endpoint: String,
    /// First time at which the rule applies, in ms.
    #[serde(default)]
    pub from: u64,
    /// Time at which the rule ends, in ms, exclusive.
    #[serde(default)]
    pub to: Option<u64>,
    /// The most answers of the rule.
    #[serde(default)]
    pub count: Option<u64>,
    /// HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Error code.
    #[serde(default)]
    pub code: Option<String>,
    /// Headers of the answer. Clients read at most `retry-after`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// No HTTP answer.
    #[serde(default)]
    pub abort: bool,
    /// Whether the request is never answered. Recordings of token clients only.
    #[serde(default)]
    pub hang: bool,
    /// Keys that this reader does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// One act of the user or the app.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedAct {
    /// Time, in ms.
    pub t: u64,
    /// The act, in words: `focus`, `hidden`, `openTab`, `20x getToken`.
    pub label: String,
    /// Tab, if the recording states it.
    #[serde(default)]
    pub tab: Option<u32>,
}
