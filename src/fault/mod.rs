//! Faults: effects on calls and sessions in windows of time. Each kind has a file. A fault only judges; it cannot
//! change the world.

mod family;
mod window;

use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::protocol::{Endpoint, Failure};
use crate::spec::leaf::{Reference, Share};
use crate::text::shorten;
use family::faults;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub use window::{Fault, FaultStreams, Only, Region, Repeat, ShareOf};

/// The effect of a fault on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None: the fault does not strike the call, and later faults judge it.
    None,
    /// The call is answered with this failure.
    Answer(Failure),
    /// The call is never answered.
    Silence,
    /// The answer takes this much longer, and later faults judge the call.
    Slower(Dur),
    /// Later faults do not strike the call.
    Spare,
}

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// The calls of its window.
    Calls,
    /// Sessions, at the instant when the fault begins.
    Sessions,
    /// The connections that are open at the instant when the fault begins.
    Connections,
}

/// A kind of fault, which is also its description in a scenario.
trait Kind: Serialize + DeserializeOwned + JsonSchema {
    /// What it strikes.
    const STRIKES: Strikes = Strikes::Calls;
    /// Whether callers that it strikes are worse off.
    const HARMS: bool = true;
    /// Whether it may strike at every time of its window.
    const STEADY: bool = true;
    /// Whether random scenarios have the kind.
    const IS_DRAWN: bool = true;

    /// A description of its effect at these places, for charts: `/touch 429`.
    fn in_words(&self, places: &str) -> String;

    /// The error code in its answers.
    fn code(&self) -> Option<&str> {
        None
    }

    /// The failure of a call that it strikes, if it makes calls fail. `code` is the index of its error code.
    fn failure(&self, _code: u8) -> Option<Failure> {
        None
    }

    /// Its effect on a call that comes this long after its begin. `bits` have decided that it may strike. Their second
    /// word is unused.
    fn judge(&self, code: u8, since: Dur, bits: u64) -> Effect;

    /// The share of the sessions that it strikes; `None` for a fault of calls.
    fn share(&self) -> f64 {
        0.0
    }

    /// A random fault.
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
    restart::Restart = "restart",
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
    #[schemars(length(max = Endpoint::COUNT), example = vec!["touch"], extend("x-never" = { "kind": { "revocation": SESSIONS } }))]
    pub endpoints: Vec<Endpoint>,
    /// When the fault begins, from the start of the run.
    #[serde(default)]
    #[schemars(example = "1m")]
    pub from: Dur,
    /// When the fault ends, that instant excluded; without it, never.
    #[serde(default)]
    #[schemars(example = "2m", extend("x-never" = { "kind": { "revocation": SESSIONS, "restart": INSTANT } }))]
    pub to: Option<Dur>,
    /// Time from the begin of the window to its next begin. Without it, there is one window.
    #[serde(default)]
    #[schemars(extend("x-above-zero" = true), example = "1h")]
    pub repeat_every: Option<Dur>,
    /// When no window begins any more, from the start of the run; without it, never.
    #[serde(default)]
    #[schemars(example = "12h")]
    pub repeat_until: Option<Dur>,
    /// Probability that it strikes a call of the window.
    #[serde(default = "one")]
    #[schemars(with = "Share", example = 0.5, extend("x-never" = { "kind": { "revocation": SESSIONS } }))]
    pub probability: f64,
    /// Probability at the end of the window, or of the run without `to`. The probability changes linearly to it; without it,
    /// it stays the same. An error rate that
    /// rises and falls again is two faults.
    #[serde(default)]
    #[schemars(
        with = "Option<Share>",
        example = 0.9,
        extend("x-never" = { "kind": { "revocation": SESSIONS, "restart": INSTANT } })
    )]
    pub probability_to: Option<f64>,
    /// The callers whose calls it strikes; without it, all.
    #[serde(default)]
    #[schemars(extend("x-never" = { "kind": { "revocation": SESSIONS } }))]
    pub only: Option<Only>,
    /// The regions whose callers it strikes: names that cohorts and workloads have as their `region`. Empty means everybody.
    /// With `only`, it strikes the share of the callers of these regions.
    #[serde(default)]
    #[schemars(
        with = "Vec<Reference>",
        length(max = 1_000),
        example = vec!["eu"],
        extend("x-never" = { "kind": { "revocation": SESSIONS } })
    )]
    pub regions: Vec<String>,
    /// Most calls that it strikes over the whole run; without it, any number.
    #[serde(default)]
    #[schemars(example = 100, extend("x-unit" = "calls", "x-never" = { "kind": { "revocation": SESSIONS, "restart": INSTANT } }))]
    pub count: Option<u64>,
}

/// The reason why a revocation has no settings of calls.
const SESSIONS: &str = "a revocation happens at `from`, to sessions";
/// The reason why a restart has no settings of a window.
const INSTANT: &str = "a restart happens at `from`, to every connection";

fn one() -> f64 {
    1.0
}

/// Writes the keys in the order of the first version of the format, because hashes of scenarios cover these bytes.
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
        if let Some(every) = &self.repeat_every {
            map.serialize_entry("repeat-every", every)?;
        }
        if let Some(until) = &self.repeat_until {
            map.serialize_entry("repeat-until", until)?;
        }
        map.serialize_entry("probability", &self.probability)?;
        if let Some(to) = &self.probability_to {
            map.serialize_entry("probability-to", to)?;
        }
        if let Some(only) = &self.only {
            map.serialize_entry("only", only)?;
        }
        if !self.regions.is_empty() {
            map.serialize_entry("regions", &self.regions)?;
        }
        if let Some(count) = &self.count {
            map.serialize_entry("count", count)?;
        }
        for (key, value) in own.as_object().into_iter().flatten().filter(|(key, _)| *key != "kind") {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The names of the faults' random streams, in the order of the faults.
///
/// The name of a fault, or its kind and its endpoints. Faults for which these are equal are numbered. A stream's name
/// does not depend on the fault's place among others, its window, its probability or its other values. `called` are the
/// endpoints that a run may call; a fault without endpoints strikes all of them.
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
    /// A fault of every call of these endpoints during the whole run.
    pub fn of(kind: FaultKind, endpoints: Vec<Endpoint>) -> FaultSpec {
        FaultSpec {
            name: String::new(),
            kind,
            endpoints,
            from: Dur::ZERO,
            to: None,
            repeat_every: None,
            repeat_until: None,
            probability: 1.0,
            probability_to: None,
            only: None,
            regions: Vec::new(),
            count: None,
        }
    }

    /// The fault's name for readers: the one that the scenario gives it, or a description of its effect.
    pub(crate) fn title(&self) -> String {
        if self.name.is_empty() { self.in_words() } else { self.name.clone() }
    }

    /// A description of the effect, for charts: `/touch 429`, `outage of /tokens`, `/touch 429 for 10% of the apps`.
    pub fn in_words(&self) -> String {
        let places = if self.endpoints.is_empty() {
            "every endpoint".to_owned()
        } else {
            self.endpoints.iter().map(|e| format!("/{e}")).collect::<Vec<_>>().join(", ")
        };
        let whom = self.only.map(|only| format!(" for {}", only.in_words())).unwrap_or_default();
        let there = match &self.regions[..] {
            [] => String::new(),
            regions => format!(" in {}", shorten(&regions.join(", "), 60)),
        };
        format!("{}{whom}{there}", self.kind.in_words(&places))
    }

    /// Whether the fault strikes sessions instead of calls.
    pub fn strikes_sessions(&self) -> bool {
        self.kind.strikes() == Strikes::Sessions
    }

    /// Whether the fault acts at instants instead of in windows.
    pub fn is_instant(&self) -> bool {
        self.kind.strikes() != Strikes::Calls
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
    fn a_stream_s_name_depends_on_neither_place_nor_values() {
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
