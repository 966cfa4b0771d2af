//! What a scenario says about a rate limit.

use super::limiter::LimitKind;
use super::preset::PresetName;
use super::rate::Rate;
use crate::kernel::{Dur, Time};
use crate::protocol::Endpoint;
use crate::spec::PROSE;
use crate::spec::leaf::ErrorCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Why a kind has no say in which calls it counts, nor in how much.
const QUEUE: &str = "a leaky bucket lets calls out one by one";
const PLACES: &str = "a concurrency limit counts the calls that are being answered";
const OWN: &str = "a limiter of your own counts as its code says";
const BLOCK: &str = "a block counts no calls";
/// Why a concurrency limit has no window of time.
const LOSES_COUNT: &str = "a concurrency limit counts calls that began before";
/// The status of a refusal without another one (RFC 6585, section 4).
pub const TOO_MANY_REQUESTS: u16 = 429;
/// The most that a call may cost.
const MOST_COST: u32 = 1_000_000;

/// A rate limiter.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(
    title = "[[backend.limit]]",
    extend("additionalProperties" = false),
    transform = without_what_a_preset_gives
)]
pub struct LimitSpec {
    /// A documented limit of a provider. It gives the keys that the entry does not have, and a `source` that says what is
    /// documented and what is assumed.
    #[serde(default)]
    #[schemars(with = "Option<PresetName>", example = &"supabase")]
    pub preset: Option<String>,
    /// The endpoints whose calls pass through it, together.
    #[schemars(length(min = 1, max = Endpoint::COUNT), example = vec!["tokens"])]
    pub endpoints: Vec<Endpoint>,
    /// How it counts, with what only that kind needs.
    #[serde(flatten)]
    pub kind: LimitKind,
    /// Whose calls share one count.
    #[schemars(example = &"ip")]
    pub key: LimitKey,
    /// Which calls count.
    #[serde(default)]
    #[schemars(extend("x-never" = {
        "kind": { "leaky-bucket": QUEUE, "concurrency": PLACES, "own": OWN, "block": BLOCK }
    }))]
    pub counts: Counts,
    /// How many requests a call counts as: 2 for a limit that counts each call twice.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = MOST_COST), example = 2, extend("x-unit" = "requests", "x-never" = {
        "kind": { "leaky-bucket": QUEUE, "concurrency": PLACES, "own": OWN, "block": BLOCK }
    }))]
    pub cost: u32,
    /// How many requests a call of an endpoint counts as, where that is not `cost`.
    #[serde(default)]
    #[schemars(extend("x-never" = {
        "kind": { "leaky-bucket": QUEUE, "concurrency": PLACES, "own": OWN, "block": BLOCK }
    }))]
    pub cost_of: Costs,
    /// Whether the limit stands in front of the faults, as a gateway stands in front of an origin that fails: it judges, and
    /// counts, calls that a fault strikes afterwards. Without it, only calls that no fault answers come to the limit. Limits
    /// in front judge before the others.
    #[serde(default)]
    #[schemars(extend("x-never" = {
        "kind": { "concurrency": "a call that a fault leaves without an answer would hold its place for ever" }
    }))]
    pub in_front: bool,
    /// HTTP status of a refusal.
    #[serde(default = "too_many_requests")]
    #[schemars(range(min = 400, max = 599), example = 503)]
    pub status: u16,
    /// Error code in a refusal; without it, none.
    #[serde(default)]
    #[schemars(with = "Option<ErrorCode>")]
    pub code: Option<String>,
    /// Whether clients can read a refusal. A browser hides an answer without CORS headers from the page: the client then sees
    /// a network error, without status, code or `Retry-After`.
    #[serde(default = "yes")]
    pub readable: bool,
    /// What the `Retry-After` header of a refusal says.
    #[serde(default)]
    #[schemars(extend("x-never" = {
        "kind": { "concurrency": "a concurrency limit cannot know when a call will end" }
    }))]
    pub retry_after: RetryAfter,
    /// The constant `Retry-After` of every refusal.
    #[serde(default)]
    #[schemars(example = 60, extend("x-unit" = "seconds", "x-only" = { "retry-after": ["constant"] }, "x-needed" = true))]
    pub retry_after_s: Option<u32>,
    /// After a refusal, everything of that key is refused for this long; without it, nothing more.
    #[serde(default)]
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub penalty: Option<Dur>,
    /// Whether a call within a penalty begins the penalty anew, so that who goes on calling stays out.
    #[serde(default)]
    pub penalty_prolonged: bool,
    /// When the limit begins to judge calls, from the start of the run: an operator sets it. It begins without any calls
    /// counted.
    #[serde(default)]
    #[schemars(example = "5m", extend("x-never" = { "kind": { "concurrency": LOSES_COUNT } }))]
    pub from: Dur,
    /// When the limit ceases to judge calls, that instant excluded; without it, never.
    #[serde(default)]
    #[schemars(example = "20m", extend("x-never" = { "kind": { "concurrency": LOSES_COUNT } }))]
    pub to: Option<Dur>,
    /// Whether results say how many keys and callers the limit refuses, and how many of those that never ask more than their
    /// fair share. That takes 12 bytes a key and 17 bytes a caller.
    ///
    /// The fair share of a caller is what the limit promises its key (rate and burst; `limit` in each window by the clock),
    /// divided by the callers that share the key, and at least one call.
    #[serde(default)]
    pub report_keys: bool,
    /// Source of these numbers, or that they are assumed. Reports print it.
    #[serde(default)]
    #[schemars(length(max = PROSE), extend("x-lines" = true), example = "assumed: the provider documents no number")]
    pub source: String,
}

/// A preset gives the keys that an entry needs without one.
fn without_what_a_preset_gives(schema: &mut Schema) {
    let given = ["endpoints", "kind", "key"];
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|key| !given.contains(&key.as_str().unwrap_or_default()));
    }
    for key in given {
        schema.pointer_mut(&format!("/properties/{key}")).expect("a key")["x-unless"] = vec!["preset"].into();
    }
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn too_many_requests() -> u16 {
    TOO_MANY_REQUESTS
}

/// Writes the keys in the order of the first version of the format, with `logs-refused` for every kind: hashes of scenarios
/// are over these bytes. A later key is written where it differs from its default.
impl Serialize for LimitSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeMap};
        let own = serde_json::to_value(&self.kind).map_err(S::Error::custom)?;
        let own = own.as_object().ok_or_else(|| S::Error::custom("a kind is a table"))?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("endpoints", &self.endpoints)?;
        map.serialize_entry("kind", self.kind.name())?;
        map.serialize_entry("key", &self.key)?;
        for (key, value) in own.iter().filter(|(key, _)| !["kind", "logs-refused"].contains(&key.as_str())) {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("logs-refused", own.get("logs-refused").unwrap_or(&false.into()))?;
        map.serialize_entry("retry-after", &self.retry_after)?;
        if let Some(penalty) = &self.penalty {
            map.serialize_entry("penalty", penalty)?;
        }
        if self.from > Dur::ZERO {
            map.serialize_entry("from", &self.from)?;
        }
        if let Some(to) = &self.to {
            map.serialize_entry("to", to)?;
        }
        if !self.source.is_empty() {
            map.serialize_entry("source", &self.source)?;
        }
        if self.counts != Counts::default() {
            map.serialize_entry("counts", &self.counts)?;
        }
        if self.cost != one() {
            map.serialize_entry("cost", &self.cost)?;
        }
        if self.cost_of != Costs::default() {
            map.serialize_entry("cost-of", &self.cost_of)?;
        }
        if self.in_front {
            map.serialize_entry("in-front", &true)?;
        }
        if self.status != TOO_MANY_REQUESTS {
            map.serialize_entry("status", &self.status)?;
        }
        if let Some(code) = &self.code {
            map.serialize_entry("code", code)?;
        }
        if !self.readable {
            map.serialize_entry("readable", &false)?;
        }
        if let Some(seconds) = &self.retry_after_s {
            map.serialize_entry("retry-after-s", seconds)?;
        }
        if self.penalty_prolonged {
            map.serialize_entry("penalty-prolonged", &true)?;
        }
        if self.report_keys {
            map.serialize_entry("report-keys", &true)?;
        }
        if let Some(preset) = &self.preset {
            map.serialize_entry("preset", preset)?;
        }
        map.end()
    }
}

impl LimitSpec {
    /// A limit of this kind with the defaults of a scenario.
    pub fn new(endpoints: Vec<Endpoint>, kind: LimitKind, key: LimitKey) -> LimitSpec {
        LimitSpec {
            preset: None,
            endpoints,
            kind,
            key,
            counts: Counts::default(),
            cost: one(),
            cost_of: Costs::default(),
            in_front: false,
            status: TOO_MANY_REQUESTS,
            code: None,
            readable: true,
            retry_after: RetryAfter::None,
            retry_after_s: None,
            penalty: None,
            penalty_prolonged: false,
            from: Dur::ZERO,
            to: None,
            report_keys: false,
            source: String::new(),
        }
    }

    /// Whether it judges calls that are sent at this time: from `from` on, until `to`.
    #[inline]
    pub fn judges_at(&self, now: Time) -> bool {
        now.0 >= self.from.0 && self.to.is_none_or(|to| now.0 < to.0)
    }

    /// The calls that count. `logs-refused` of a sliding log is the older name of `counts = "all"`.
    pub fn counted(&self) -> Counts {
        match &self.kind {
            LimitKind::SlidingLog(log) if log.logs_refused => Counts::All,
            _ => self.counts,
        }
    }

    /// How many requests a call of this endpoint counts as.
    pub fn cost_at(&self, endpoint: Endpoint) -> u32 {
        self.cost_of.0.get(&endpoint).copied().unwrap_or(self.cost)
    }

    /// The rate at which one key's calls pass in the long run if there are more than enough of them; `None` where the limit
    /// bounds no rate, or a rate that depends on which calls come.
    pub fn rate(&self) -> Option<Rate> {
        if self.counted() != Counts::Admitted || self.cost_of != Costs::default() {
            return None;
        }
        let Rate { count, per } = self.kind.rate()?;
        Some(Rate { count, per: Dur(per.0.checked_mul(u64::from(self.cost))?) })
    }

    /// Whether a client learns from a refusal that a limit refuses it: a 429 that it can read.
    pub fn answers_429(&self) -> bool {
        self.readable && self.status == TOO_MANY_REQUESTS
    }
}

impl LimitKey {
    /// All of them.
    pub const ALL: [LimitKey; 6] =
        [LimitKey::Global, LimitKey::App, LimitKey::Region, LimitKey::Ip, LimitKey::User, LimitKey::Session];

    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            LimitKey::Global => "global",
            LimitKey::App => "app",
            LimitKey::Region => "region",
            LimitKey::Ip => "ip",
            LimitKey::User => "user",
            LimitKey::Session => "session",
        }
    }
}

/// Whose calls share one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKey {
    /// All calls.
    Global,
    /// The calls of all users of one app.
    App,
    /// The calls of all users and generic clients of one region.
    Region,
    /// The calls of all users behind one network address.
    Ip,
    /// The calls of one user, who has one browser session here: the same as `session`.
    User,
    /// The calls of one browser session.
    Session,
}

/// Which calls a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Those that it admits.
    #[default]
    Admitted,
    /// All: refused ones too, which can lock a client out for ever. A refused call takes what is left of the tokens of a
    /// bucket. Calls within a penalty do not come to the limit.
    All,
    /// Those that it admits and that end in a failure. A call counts when its answer is decided, so a limit may admit more
    /// than it counts while calls wait in a queue. A call that is never answered, or that a restart of its server ends, does
    /// not count.
    Failures,
    /// Those that it admits and that end in a success, counted when the answer is decided.
    Successes,
}

impl Counts {
    /// Whether a call counts, or not, when its answer is decided.
    pub const fn is_settled(self) -> bool {
        matches!(self, Counts::Failures | Counts::Successes)
    }
}

/// What a refusal says about when to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// There is no header.
    #[default]
    None,
    /// Seconds until a request of this key would pass, rounded up.
    Seconds,
    /// Half of those seconds, rounded down: too small, as some servers answer.
    TooSmall,
    /// Seconds until a request of this key would pass, rounded down: less than a second is 0.
    RoundedDown,
    /// Always `retry-after-s`, whatever the limit knows.
    Constant,
}

/// How many requests a call counts as, by endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Costs(pub BTreeMap<Endpoint, u32>);

impl JsonSchema for Costs {
    fn schema_name() -> Cow<'static, str> {
        "Costs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let key = |endpoint: &Endpoint| {
            let about = format!("Requests that a call of /{endpoint} counts as.");
            let key = serde_json::json!({
                "type": "integer", "minimum": 1, "maximum": MOST_COST, "examples": [2], "x-unit": "requests",
                "description": about,
            });
            (endpoint.name().to_owned(), key)
        };
        let properties: serde_json::Map<String, serde_json::Value> = Endpoint::ALL.iter().map(key).collect();
        json_schema!({
            "type": "object", "title": "costs by endpoint", "description": "Costs of calls, by endpoint.",
            "properties": properties, "additionalProperties": false, "default": {},
        })
    }
}
