//! Compares a replay with its recording.

use super::recording::{RawCall, RawEvent, Recording, State};
use super::replay::{Called, Replayed, Reported, Sent, replay};
use crate::client::token::Profile;
use std::fmt::Debug;

/// A recording and the outcome of its comparison.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Comparison {
    /// Short name of the SDK.
    pub sdk: String,
    /// Release of the SDK.
    pub version: String,
    /// Name of the recording.
    pub scenario: String,
    /// Match, divergence, or why it could not be compared.
    pub outcome: Outcome,
}

/// Outcome of a comparison.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every request, call and event, and the final state, equal those of the recording.
    Match {
        /// Number of requests compared.
        requests: usize,
        /// Number of calls of the app compared.
        calls: usize,
        /// Number of events compared.
        events: usize,
    },
    /// The replay differs from the recording.
    Diverged(Divergence),
    /// The recording cannot be set up, with the reason.
    Impossible(String),
}

/// The first difference.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Divergence {
    /// Time of the difference, in ms of virtual time.
    pub at_ms: u64,
    /// Kind of the difference: `requests`, `calls`, `events` or `final state`.
    pub what: &'static str,
    /// The first few entries that only the recording has.
    pub only_recorded: Vec<String>,
    /// The first few entries that only the simulated client has.
    pub only_simulated: Vec<String>,
}

/// Replays a recording with a profile and compares. Order within an instant does not matter, since a recording does not
/// define it.
pub fn compare(recording: &Recording, profile: &Profile) -> Comparison {
    let outcome = match replay(recording, profile) {
        Err(why) => Outcome::Impossible(why),
        Ok(replayed) => part(recording, &replayed),
    };
    Comparison {
        sdk: recording.sdk.clone(),
        version: recording.version.clone(),
        scenario: recording.scenario.clone(),
        outcome,
    }
}

fn part(recording: &Recording, replayed: &Replayed) -> Outcome {
    let (requests, calls, events) = (sent(recording), called(recording), told(recording));
    let states = |name: &str| {
        let of_name = |e: &&RawEvent| e.event.as_deref() == Some(name);
        recording.events.iter().filter(of_name).any(|e| e.exp.is_some())
    };
    let mut simulated = replayed.events.clone();
    for event in simulated.iter_mut().filter(|e| !states(&e.3)) {
        event.4 = None;
    }
    let first = [
        differ("requests", &requests, &replayed.requests, |r| r.0),
        differ("calls", &calls, &replayed.calls, |c| c.0),
        differ("events", &events, &simulated, |e| e.0),
        differ("final state", &last(recording), &replayed.last, |_| recording.config.duration_ms),
    ];
    match first.into_iter().flatten().min_by_key(|d| d.at_ms) {
        Some(divergence) => Outcome::Diverged(divergence),
        None => Outcome::Match { requests: requests.len(), calls: calls.len(), events: events.len() },
    }
}

/// The most differing entries that a divergence shows.
const SHOWN: usize = 5;

fn differ<T: Ord + Clone + Debug>(
    what: &'static str,
    recorded: &[T],
    simulated: &[T],
    at: impl Fn(&T) -> u64,
) -> Option<Divergence> {
    let (mut a, mut b) = (recorded.to_vec(), simulated.to_vec());
    a.sort();
    b.sort();
    let (mut only_a, mut only_b) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x == y => (i, j) = (i + 1, j + 1),
            (Some(x), Some(y)) if x < y => {
                only_a.push(x);
                i += 1;
            }
            (Some(x), None) => {
                only_a.push(x);
                i += 1;
            }
            (_, Some(y)) => {
                only_b.push(y);
                j += 1;
            }
            (None, None) => break,
        }
    }
    let at_ms = only_a.iter().chain(&only_b).map(|x| at(x)).min()?;
    let show = |list: &[&T]| list.iter().take(SHOWN).map(|x| format!("{x:?}")).collect();
    Some(Divergence { at_ms, what, only_recorded: show(&only_a), only_simulated: show(&only_b) })
}

fn sent(recording: &Recording) -> Vec<Sent> {
    let status = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    recording.requests.iter().map(|r| (r.0, r.1, r.2.clone(), status(&r.3), r.4)).collect()
}

fn called(recording: &Recording) -> Vec<Called> {
    // The expiry of an answer without a token is that of a token that the caller does not get.
    let exp = |c: &RawCall| c.5.filter(|_| c.3 == "token").map(|e| e as u64);
    recording.calls.iter().map(|c| (c.0, c.1, c.3.clone(), c.4, exp(c))).collect()
}

/// How the tabs ended. A tab without a session has no token; some recordings give the expiry of its last one.
fn last(recording: &Recording) -> Vec<State> {
    let state = |s: &State| State { token_exp: s.token_exp.filter(|_| s.signed_in), ..*s };
    recording.last.iter().map(state).collect()
}

fn told(recording: &Recording) -> Vec<Reported> {
    let mut told = Vec::new();
    for event in &recording.events {
        let name = match event.kind.as_str() {
            "auth" => event.event.clone(),
            "storage" => event.op.clone(),
            // Of a message without a name, the recording says only that an object was sent.
            "broadcast" if event.msg.as_deref() == Some("object") => continue,
            "broadcast" => event.msg.clone(),
            "load.end" => Some(event.ok.unwrap_or(true).to_string()),
            _ => continue,
        };
        told.push((event.t, event.tab, event.kind.clone(), name.unwrap_or_default(), event.exp.flatten()));
    }
    told
}
