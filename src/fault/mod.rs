//! Faults: verdicts over calls and sessions in windows of time. A fault is asked; it cannot reach the world. One kind a file.

mod family;

use crate::backend::Endpoint;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use crate::protocol::Failure;
use crate::spec::leaf::Share;
use family::faults;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a fault makes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the fault does not strike it, and later faults are asked.
    None,
    /// It is answered with this failure.
    Answer(Failure),
    /// Nothing answers it.
    Silence,
    /// Its answer takes so much longer; later faults are asked.
    Slower(Dur),
    /// It is spared from later faults.
    Spare,
}

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// Calls of its window.
    Calls,
    /// Sessions, once, when it begins.
    Sessions,
}

/// A kind of fault: what a scenario says of it, which is also all that it knows.
trait Kind: Serialize + DeserializeOwned + JsonSchema {
    /// What it strikes.
    const STRIKES: Strikes = Strikes::Calls;
    /// Whether what it strikes is worse off.
    const HARMS: bool = true;
    /// Whether it strikes at every time of its window.
    const STEADY: bool = true;

    /// What it does at these places, for charts: `/touch 429`.
    fn in_words(&self, places: &str) -> String;

    /// The error code that it answers with.
    fn code(&self) -> Option<&str> {
        None
    }

    /// What a call that it strikes fails with, when it makes calls fail; `code` is the number of its error code.
    fn failure(&self, _code: u8) -> Option<Failure> {
        None
    }

    /// What it makes of a call, so long after its begin. `bits` decided that it may strike; their second word is free.
    fn judge(&self, code: u8, since: Dur, bits: u64) -> Effect;

    /// The share of the sessions that it strikes, when it strikes sessions.
    fn share(&self) -> f64 {
        0.0
    }

    /// A fault drawn at random.
    fn draw(dice: &mut Dice) -> Self;
}

faults! {
    status::Status = "status",
    latency::Latency = "latency",
    outage::Outage = "outage",
    flapping::Flapping = "flapping",
    no_answer::NoAnswer = "no-answer",
    revocation::Revocation = "revocation",
    pass::Pass = "pass",
}

/// Something that goes wrong in a window of time.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "[[fault]]", extend("additionalProperties" = false))]
pub struct FaultSpec {
    /// Name of the fault on charts and of its random numbers: whatever else of the scenario changes, the fault strikes the
    /// calls that it struck before. Without a name, its kind and its endpoints stand for it.
    #[serde(default)]
    #[schemars(example = "the limit")]
    pub name: String,
    /// What the fault does, with what only that kind needs.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The endpoints whose calls it strikes; empty means all.
    #[serde(default)]
    #[schemars(length(max = Endpoint::COUNT), example = vec!["touch"], extend("x-never" = { "kind": { "revocation": ONCE } }))]
    pub endpoints: Vec<Endpoint>,
    /// When the fault begins, from the start of the run.
    #[serde(default)]
    #[schemars(example = "1m")]
    pub from: Dur,
    /// When the fault ends, that instant excluded; without it, never.
    #[serde(default)]
    #[schemars(example = "2m", extend("x-never" = { "kind": { "revocation": ONCE } }))]
    pub to: Option<Dur>,
    /// Probability that it strikes a call of the window.
    #[serde(default = "one")]
    #[schemars(with = "Share", example = 0.5, extend("x-never" = { "kind": { "revocation": ONCE } }))]
    pub probability: f64,
    /// Most calls that it strikes over the whole run; without it, any number.
    #[serde(default)]
    #[schemars(example = 100, extend("x-unit" = "calls", "x-never" = { "kind": { "revocation": ONCE } }))]
    pub count: Option<u64>,
}

/// Why a revocation has no window of calls.
const ONCE: &str = "a revocation happens once, at `from`, to sessions";

fn one() -> f64 {
    1.0
}

/// Writes the keys in the order of the first version of the format: hashes of scenarios are over these bytes.
impl Serialize for FaultSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeMap};
        let own = serde_json::to_value(&self.kind).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        if !self.name.is_empty() {
            map.serialize_entry("name", &self.name)?;
        }
        map.serialize_entry("kind", self.kind.name())?;
        if !self.endpoints.is_empty() {
            map.serialize_entry("endpoints", &self.endpoints)?;
        }
        map.serialize_entry("from", &self.from)?;
        if let Some(to) = &self.to {
            map.serialize_entry("to", to)?;
        }
        map.serialize_entry("probability", &self.probability)?;
        if let Some(count) = &self.count {
            map.serialize_entry("count", count)?;
        }
        for (key, value) in own.as_object().into_iter().flatten().filter(|(key, _)| *key != "kind") {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
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
    /// The number of its error code in the scenario's list, 0 for none.
    pub code: u8,
    /// The name of its random stream: see [`stream_names`].
    pub stream: String,
}

impl Fault {
    /// The fault of this description. `code` is the number of its error code in the scenario's list, 0 for none.
    pub fn new(spec: &FaultSpec, stream: String, code: u8) -> Fault {
        let everywhere = spec.endpoints.is_empty();
        Fault {
            kind: spec.kind.clone(),
            endpoints: Endpoint::ALL.map(|e| everywhere || spec.endpoints.contains(&e)),
            from: Time(spec.from.0),
            to: spec.to.map_or(Time::NEVER, |to| Time(to.0)),
            probability: spec.probability,
            count: spec.count.unwrap_or(u64::MAX),
            code,
            stream,
        }
    }

    /// Whether it strikes sessions, not calls.
    pub fn strikes_sessions(&self) -> bool {
        self.kind.strikes() == Strikes::Sessions
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
            format!("{} of {}", fault.kind.stream(), endpoints.join(" "))
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
        self.kind.in_words(&places)
    }

    /// Whether it strikes sessions, not calls.
    pub fn strikes_sessions(&self) -> bool {
        self.kind.strikes() == Strikes::Sessions
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
