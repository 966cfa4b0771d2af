//! Compares a replay with its recording.

use super::recording::{FlowEntry, Recording, Rejection, Request, State};
use super::replay::{Replayed, replay};

/// A recording and the outcome of its comparison.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Comparison {
    /// The release.
    pub client: String,
    /// The recording's name.
    pub scenario: String,
    /// Match, divergence, or why it could not be compared.
    pub outcome: Outcome,
    /// Facts that the recording's configuration lacks and where they were taken from instead.
    pub notes: Vec<String>,
}

/// Outcome of a comparison.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every request, every entry of the flow and the final state equal those of the recording.
    Match {
        /// Number of requests compared.
        requests: usize,
        /// Number of entries of the unauthenticated flow compared.
        entries: usize,
    },
    /// The replay differs from the recording.
    Diverged(Box<Divergence>),
    /// The recording cannot be set up, with the reason.
    Impossible(String),
}

/// The first difference.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Divergence {
    /// Time of the difference, in ms of virtual time.
    pub at_ms: u64,
    /// Kind of the difference: requests, entries of the flow, or final state.
    pub what: &'static str,
    /// The recording's next five requests from that time on.
    pub recorded: Vec<Request>,
    /// The simulated client's next five requests from that time on.
    pub simulated: Vec<Request>,
    /// The differing entries or states; empty for requests.
    pub detail: String,
}

/// Replays a recording and compares the replay with it.
pub fn compare(recording: &Recording) -> Comparison {
    let (outcome, notes) = match replay(recording) {
        Err(why) => (Outcome::Impossible(why), Vec::new()),
        Ok(replayed) => (judge(recording, &replayed), replayed.notes),
    };
    Comparison { client: recording.client.clone(), scenario: recording.scenario.clone(), outcome, notes }
}

/// Compares the replay of a simulated client with a recording.
pub(crate) fn judge(recording: &Recording, replayed: &Replayed) -> Outcome {
    match first_divergence(recording, replayed) {
        Some(divergence) => Outcome::Diverged(Box::new(divergence)),
        None => Outcome::Match { requests: replayed.requests.len(), entries: replayed.entries.len() },
    }
}

fn first_divergence(recording: &Recording, replayed: &Replayed) -> Option<Divergence> {
    let wanted = recording.recorded_requests();
    let requests = requests_part(&wanted, &replayed.requests);
    let entries = entries_part(&recording.recorded_entries(), &replayed.entries);
    let next_five = |list: &[Request], from: u64| -> Vec<Request> {
        list.iter().filter(|r| r.t >= from).take(5).cloned().collect()
    };
    let at = |at_ms, what, detail| Divergence {
        at_ms,
        what,
        recorded: next_five(&wanted, at_ms),
        simulated: next_five(&replayed.requests, at_ms),
        detail,
    };
    match (requests, entries) {
        (Some(t), entry) if entry.as_ref().is_none_or(|(e, _)| t <= *e) => {
            Some(at(t, "requests", String::new()))
        }
        (_, Some((t, detail))) => Some(at(t, "entries of the unauthenticated flow", detail)),
        (Some(_), None) => unreachable!("the first arm takes it"),
        (None, None) => rejections_part(&recording.recorded_rejections(), &replayed.rejections)
            .map(|(t, detail)| at(t, "unhandled rejections", detail))
            .or_else(|| {
                let end = recording.config.duration_ms;
                states_part(&recording.last, &replayed.last).map(|detail| at(end, "final state", detail))
            }),
    }
}

/// The first instant whose requests differ as a multiset.
fn requests_part(wanted: &[Request], got: &[Request]) -> Option<u64> {
    let in_order = |list: &[Request]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let (wanted, got) = (in_order(wanted), in_order(got));
    let (mut w, mut g) = (wanted.chunk_by(|a, b| a.t == b.t), got.chunk_by(|a, b| a.t == b.t));
    loop {
        match (w.next(), g.next()) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => return Some(one[0].t),
            (Some(recorded), Some(simulated)) if recorded[0].t != simulated[0].t => {
                return Some(recorded[0].t.min(simulated[0].t));
            }
            (Some(recorded), Some(simulated)) if !same_requests(recorded, simulated) => {
                return Some(recorded[0].t);
            }
            _ => {}
        }
    }
}

/// Whether the requests of one instant are equal in any order.
fn same_requests(recorded: &[Request], simulated: &[Request]) -> bool {
    let mut left: Vec<&Request> = recorded.iter().collect();
    for request in simulated {
        let same = |w: &&Request| {
            (w.tab, w.endpoint) == (request.tab, request.endpoint)
                && (request.status.is_none() || (&w.status, w.t_done) == (&request.status, request.t_done))
        };
        match left.iter().position(same) {
            Some(place) => drop(left.remove(place)),
            None => return false,
        }
    }
    left.is_empty()
}

/// The first two that differ in order, with the earlier of their times.
fn first_part<T: Ord + Copy>(
    wanted: &[T],
    got: &[T],
    time: impl Fn(&T) -> u64,
    words: impl Fn(&T) -> String,
) -> Option<(u64, String)> {
    let sorted = |list: &[T]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    let (wanted, got) = (sorted(wanted), sorted(got));
    let differs = (0..wanted.len().max(got.len())).find(|i| wanted.get(*i) != got.get(*i))?;
    let (wanted, got) = (wanted.get(differs), got.get(differs));
    let at = [wanted, got].into_iter().flatten().map(time).min().unwrap_or(0);
    let shown = |one: Option<&T>| one.map_or("none".to_owned(), &words);
    Some((at, format!("recorded: {}; simulated: {}", shown(wanted), shown(got))))
}

fn entries_part(wanted: &[FlowEntry], got: &[FlowEntry]) -> Option<(u64, String)> {
    let words = |e: &FlowEntry| {
        let session = if e.active { "active" } else { "without a session" };
        format!("tab {} at {} ms, depth {}, {session}", e.tab, e.t, e.depth)
    };
    first_part(wanted, got, |e| e.t, words)
}

/// The first instant whose unhandled rejections differ.
fn rejections_part(wanted: &[Rejection], got: &[Rejection]) -> Option<(u64, String)> {
    let words = |r: &Rejection| {
        let status = r.status.map_or("without an answer".to_owned(), |s| format!("of {s}"));
        format!("tab {} at {} ms, {status}", r.tab, r.t)
    };
    first_part(wanted, got, |r| r.t, words)
}

fn states_part(wanted: &[State], got: &[State]) -> Option<String> {
    if wanted == got {
        return None;
    }
    let words = |list: &[State]| serde_json::to_string(list).unwrap_or_default();
    Some(format!("recorded: {}; simulated: {}", words(wanted), words(got)))
}
