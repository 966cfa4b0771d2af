//! Faults: verdicts over calls and sessions in windows of time. A fault is asked; it cannot reach the world.

use crate::backend::Endpoint;
use crate::kernel::{Dist, Dur};
use serde::{Deserialize, Serialize};

/// `[[fault]]` of a scenario. Which optional keys a kind takes is checked when the scenario is read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultSpec {
    /// Its name on charts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it does.
    pub kind: FaultKind,
    /// The endpoints it hits; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// When it begins, from the start of the run.
    #[serde(default)]
    pub from: Dur,
    /// When it ends, that instant excluded; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Dur>,
    /// How likely it hits a call of the window: 0 to 1. Default 1.
    #[serde(default = "one")]
    pub probability: f64,
    /// It hits at most so many calls, over the whole run; without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// `status`: the HTTP status answered, 400 to 599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `status`: the error code answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `status`: `Retry-After` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// `latency`: what is added to the round-trip time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<Dist>,
    /// `revocation`: which share of the sessions is revoked at `from`, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

fn one() -> f64 {
    1.0
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Answers with a status instead of serving the call.
    Status,
    /// Answers later.
    Latency,
    /// The connection fails: no HTTP answer, after the round-trip time.
    Outage,
    /// Nothing comes back at all: the call ends with the client's time-out, or never.
    NoAnswer,
    /// Revokes a share of the sessions at `from`.
    Revocation,
    /// Lets calls pass, whatever later faults would do.
    Pass,
}

impl FaultSpec {
    /// What it does, for charts: `/touch 429`, `outage of /tokens`.
    pub fn in_words(&self) -> String {
        let places = if self.endpoints.is_empty() {
            "every endpoint".to_owned()
        } else {
            self.endpoints.iter().map(|e| format!("/{e}")).collect::<Vec<_>>().join(", ")
        };
        match self.kind {
            FaultKind::Status => format!("{places} {}", self.status.unwrap_or(0)),
            FaultKind::Latency => format!("{places} slow"),
            FaultKind::Outage => format!("{places} down"),
            FaultKind::NoAnswer => format!("{places} silent"),
            FaultKind::Revocation => "sessions revoked".to_owned(),
            FaultKind::Pass => format!("{places} spared"),
        }
    }
}
