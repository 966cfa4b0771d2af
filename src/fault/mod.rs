//! Faults: verdicts over calls and sessions in windows of time. A fault is asked; it cannot reach the world.

use crate::backend::Endpoint;
use crate::kernel::{Dist, Dur, Time};
use crate::protocol::Failure;
use crate::spec::leaf::{ErrorCode, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that goes wrong in a window of time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[fault]]")]
pub struct FaultSpec {
    /// Name of the fault on charts and of its random numbers: whatever else of the scenario changes, the fault strikes the
    /// calls that it struck before. Without a name, its kind and its endpoints stand for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(example = "the limit")]
    pub name: String,
    /// What the fault does.
    pub kind: FaultKind,
    /// The endpoints whose calls it strikes; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = Endpoint::COUNT), example = vec!["touch"], extend("x-never" = { "kind": { "revocation": ONCE } }))]
    pub endpoints: Vec<Endpoint>,
    /// When the fault begins, from the start of the run.
    #[serde(default)]
    #[schemars(example = "1m")]
    pub from: Dur,
    /// When the fault ends, that instant excluded; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2m", extend("x-never" = { "kind": { "revocation": ONCE } }))]
    pub to: Option<Dur>,
    /// Probability that it strikes a call of the window.
    #[serde(default = "one")]
    #[schemars(with = "Share", example = 0.5, extend("x-never" = { "kind": { "revocation": ONCE } }))]
    pub probability: f64,
    /// Most calls that it strikes over the whole run; without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 100, extend("x-unit" = "calls", "x-never" = { "kind": { "revocation": ONCE } }))]
    pub count: Option<u64>,
    /// HTTP status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 400, max = 599), example = 429, extend("x-only" = { "kind": ["status"] }, "x-needed" = true))]
    pub status: Option<u16>,
    /// Error code in the answer; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ErrorCode>", extend("x-only" = { "kind": ["status"] }))]
    pub code: Option<String>,
    /// `Retry-After` header of the answer; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 10, extend("x-unit" = "seconds", "x-only" = { "kind": ["status"] }))]
    pub retry_after_s: Option<u32>,
    /// Time added to the round-trip time of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "500ms", extend("x-only" = { "kind": ["latency"] }, "x-needed" = true))]
    pub add: Option<Dist>,
    /// Share of the sessions that are revoked at `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Share>", example = 0.1, extend("x-only" = { "kind": ["revocation"] }, "x-needed" = true))]
    pub share: Option<f64>,
}

/// Why a revocation has no window of calls.
const ONCE: &str = "a revocation happens once, at `from`, to sessions";

fn one() -> f64 {
    1.0
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Answers with a status instead of serving the call.
    Status,
    /// Answers later.
    Latency,
    /// The connection fails: no HTTP answer, after the round-trip time.
    Outage,
    /// Nothing comes back: the call ends with the client's time-out, or never.
    NoAnswer,
    /// Revokes a share of the sessions at `from`.
    Revocation,
    /// Lets calls pass, whatever later faults would do.
    Pass,
}

/// A fault made ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What it does.
    pub kind: FaultKind,
    /// Whether it strikes calls of an endpoint, by endpoint.
    pub endpoints: [bool; Endpoint::COUNT],
    /// When it begins.
    pub from: Time,
    /// When it ends, that instant excluded; [`Time::NEVER`] for a fault without an end.
    pub to: Time,
    /// How likely it strikes a call of its window, 0 to 1.
    pub probability: f64,
    /// How many calls it strikes at most, over the whole run.
    pub count: u64,
    /// `status`: what is answered.
    pub failure: Failure,
    /// `latency`: what is added to the round-trip time.
    pub add: Dist,
    /// `revocation`: which share of the sessions, 0 to 1.
    pub share: f64,
    /// The name of its random stream: see [`stream_names`].
    pub stream: String,
}

impl Fault {
    /// The fault of this description. `code` is the number of its error code in the scenario's list, 0 for none.
    pub fn new(spec: &FaultSpec, stream: String, code: u8) -> Fault {
        let everywhere = spec.endpoints.is_empty();
        Fault {
            kind: spec.kind,
            endpoints: Endpoint::ALL.map(|e| everywhere || spec.endpoints.contains(&e)),
            from: Time(spec.from.0),
            to: spec.to.map_or(Time::NEVER, |to| Time(to.0)),
            probability: spec.probability,
            count: spec.count.unwrap_or(u64::MAX),
            failure: Failure {
                status: spec.status.unwrap_or(0),
                code,
                retry_after_s: spec.retry_after_s.unwrap_or(0),
            },
            add: spec.add.clone().unwrap_or(Dist::Constant(Dur::ZERO)),
            share: spec.share.unwrap_or(0.0),
            stream,
        }
    }
}

/// The names of the faults' random streams, in their order.
///
/// A fault's own name, or its kind and its endpoints; faults of which these are the same are numbered. Neither its place
/// among the others nor its window, probability or other values take part.
/// `called` are the endpoints that a run may call: a fault without endpoints strikes all of them.
pub fn stream_names(faults: &[FaultSpec], called: &[Endpoint]) -> Vec<String> {
    let mut equals = std::collections::BTreeMap::<String, u32>::new();
    let mut name_of = |fault: &FaultSpec| {
        let name = if fault.name.is_empty() {
            let hit = |e: &Endpoint| fault.endpoints.is_empty() || fault.endpoints.contains(e);
            let endpoints: Vec<&str> = called.iter().filter(|e| hit(e)).map(|e| e.name()).collect();
            format!("{:?} of {}", fault.kind, endpoints.join(" "))
        } else {
            format!("named {}", fault.name)
        };
        let number = equals.entry(name.clone()).or_default();
        *number += 1;
        format!("{name}, {number}")
    };
    faults.iter().map(&mut name_of).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &str) -> Vec<String> {
        #[derive(Deserialize)]
        struct Faults {
            fault: Vec<FaultSpec>,
        }
        let faults: Faults = toml::from_str(of).unwrap_or_else(|e| panic!("{e}"));
        stream_names(&faults.fault, &Endpoint::ALL)
    }

    #[test]
    fn a_stream_s_name_knows_no_place_and_no_value() {
        let alone = names("[[fault]]\nkind = 'outage'\nendpoints = ['touch', 'tokens']\nprobability = 0.5");
        let among = names(
            "[[fault]]\nkind = 'outage'\nendpoints = ['touch']\n[[fault]]\nname = 'x'\nkind = 'pass'\n\
             [[fault]]\nkind = 'outage'\nendpoints = ['tokens', 'touch']\nfrom = '1s'\nto = '2s'\ncount = 3\n\
             [[fault]]\nkind = 'outage'\nendpoints = ['tokens', 'touch']\n[[fault]]\nname = 'y'\nkind = 'pass'",
        );
        assert_eq!(among[2], alone[0]);
        let different: std::collections::BTreeSet<_> = among.iter().collect();
        assert_eq!(different.len(), 5, "each has its own: {among:?}");
        let renamed = names("[[fault]]\nname = 'y'\nkind = 'outage'\nprobability = 0.1");
        assert_eq!(renamed[0], among[4], "a name counts alone");
    }

    #[test]
    fn every_endpoint_named_and_none_named_are_the_same_endpoints() {
        let all = Endpoint::ALL.map(Endpoint::name);
        let written = names(&format!("[[fault]]\nkind = 'outage'\nendpoints = {all:?}"));
        assert_eq!(written, names("[[fault]]\nkind = 'outage'"));
    }
}
