//! What a scenario says about the backend.

use super::endpoints::Endpoints;
pub use super::limiter::LimitKind;
use super::pool::PoolSpec;
pub use super::rate::Rate;
use crate::kernel::{Dist, Dur};
use crate::protocol::Endpoint;
use crate::spec::PROSE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The servers: endpoints with their latencies, workers and queues, and the rate limits before them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(title = "[backend]")]
pub struct BackendSpec {
    /// Life of a session token (`exp - iat`): whole seconds, at least 10s.
    #[schemars(extend("x-above-zero" = true))]
    pub token_life: Dur,
    /// How long a used refresh token is accepted again; 0s: never, not even as the parent of the newest one. Without it,
    /// what the client's profile says of its server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "10s")]
    pub refresh_token_reuse: Option<Dur>,
    /// Which session token the answers of /client and /touch contain.
    pub client_token: ClientToken,
    /// Whether the session's `updated_at` changes from answer to answer. A later one makes the client tell app code of a new
    /// session object, even where its token is the same.
    #[serde(skip_serializing_if = "UpdatedAt::is_constant")]
    pub session_updated_at: UpdatedAt,
    /// Whether the answer to a touch on focus contains the client resource, as the answers to other touches do.
    #[serde(skip_serializing_if = "is_true")]
    pub focus_touch_with_client: bool,
    /// How the server answers for a revoked session.
    #[serde(skip_serializing_if = "RevokedSession::is_refused")]
    pub revoked_session: RevokedSession,
    /// Round-trip time of a call, without queueing and service. An endpoint's own `latency` replaces it.
    pub latency: Dist,
    /// Workers that several endpoints share.
    #[serde(rename = "pool", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = Endpoint::COUNT))]
    pub pools: Vec<PoolSpec>,
    /// What is said of each endpoint.
    #[serde(flatten)]
    pub endpoints: Endpoints,
    /// Rate limits, in the order in which a call passes through them.
    #[serde(rename = "limit")]
    #[schemars(length(max = 1_000))]
    pub limits: Vec<LimitSpec>,
}

impl Default for BackendSpec {
    fn default() -> BackendSpec {
        BackendSpec {
            token_life: Dur::from_secs(60),
            refresh_token_reuse: None,
            client_token: ClientToken::Fresh,
            session_updated_at: UpdatedAt::Constant,
            focus_touch_with_client: true,
            revoked_session: RevokedSession::Refused,
            latency: Dist::Constant(Dur::from_ms(100)),
            pools: Vec::new(),
            endpoints: Endpoints::default(),
            limits: Vec::new(),
        }
    }
}

impl BackendSpec {
    /// Life of a session token in whole seconds.
    pub fn token_life_s(&self) -> u32 {
        u32::try_from(self.token_life.0 / crate::kernel::time::NS_PER_S).unwrap_or(u32::MAX)
    }

    /// All pools of workers: those of single endpoints, in the order of the table of endpoints, then the shared ones.
    pub fn all_pools(&self) -> Vec<PoolSpec> {
        let own = Endpoint::ALL.into_iter().filter_map(|endpoint| {
            let spec = self.endpoint(endpoint);
            spec.workers.map(|workers| PoolSpec::own(endpoint, workers, spec.queue))
        });
        own.chain(self.pools.iter().cloned()).collect()
    }

    /// What the scenario says about this endpoint.
    pub fn endpoint(&self, endpoint: Endpoint) -> &EndpointSpec {
        &self.endpoints[endpoint]
    }
}

/// The session token inside GET /client and POST /touch answers (`traces/README.md`, `config.client_token`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientToken {
    /// A newly issued one.
    #[default]
    Fresh,
    /// The newest issued so far.
    Last,
    /// None.
    None,
}

/// The session's `updated_at` in the server's answers (`traces/README.md`, `config.session_updated_at`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatedAt {
    /// Always the same.
    #[default]
    Constant,
    /// Later in every answer.
    Moving,
}

impl UpdatedAt {
    fn is_constant(&self) -> bool {
        *self == UpdatedAt::Constant
    }
}

/// The server's answers for a revoked session. GET /client never lists it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RevokedSession {
    /// /tokens and /touch answer 401 (recording S3k).
    #[default]
    Refused,
    /// /touch is answered without the session, and /tokens as before (`traces/README.md`, `config.revoke_at_ms`).
    Unlisted,
}

impl RevokedSession {
    fn is_refused(&self) -> bool {
        *self == RevokedSession::Refused
    }
}

fn is_true(value: &bool) -> bool {
    *value
}

/// An endpoint of the backend.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "an endpoint")]
pub struct EndpointSpec {
    /// Round-trip time, without queueing and service; without it, that of `[backend]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "100ms")]
    pub latency: Option<Dist>,
    /// Round-trip time of calls that a limit or a full queue refuses; without it, `latency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "20ms")]
    pub refused_latency: Option<Dist>,
    /// Time on the way to the workers; `latency` comes after the service. Limits and faults judge a call when it is sent.
    /// Without it, a call reaches the workers at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "20ms")]
    pub request_latency: Option<Dist>,
    /// Workers, each of which serves one call at a time; without them, an answer takes the round-trip time only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000), example = 8, extend("x-unit" = "workers"))]
    pub workers: Option<u32>,
    /// Calls that may wait for a worker; the next one is shed with 503. Without it, any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 100, extend("x-unit" = "calls"))]
    pub queue: Option<u32>,
    /// Service time of a call in a worker: of the endpoint, or of the pool that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "5ms")]
    pub service: Option<Dist>,
    /// Time after which the client gives a call up: to the client, a network error. Without it, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub timeout: Option<Dur>,
}

/// The reason why a concurrency limit has no window of time.
const LOSES_COUNT: &str = "a concurrency limit counts calls that began before";

/// A rate limiter.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "[[backend.limit]]", extend("additionalProperties" = false))]
pub struct LimitSpec {
    /// The endpoints whose calls pass through it, together.
    #[schemars(length(min = 1, max = Endpoint::COUNT), example = vec!["tokens"])]
    pub endpoints: Vec<Endpoint>,
    /// How it counts, with what only that kind needs.
    #[serde(flatten)]
    pub kind: LimitKind,
    /// Whose calls share one count.
    #[schemars(example = &"ip")]
    pub key: LimitKey,
    /// What the `Retry-After` header of a 429 says.
    #[serde(default)]
    #[schemars(extend("x-never" = {
        "kind": { "concurrency": "a concurrency limit cannot know when a call will end" }
    }))]
    pub retry_after: RetryAfter,
    /// After a refusal, everything of that key is refused for this long; without it, nothing more.
    #[serde(default)]
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub penalty: Option<Dur>,
    /// When the limit begins to judge calls, from the start of the run: an operator sets it. It begins without any calls
    /// counted.
    #[serde(default)]
    #[schemars(example = "5m", extend("x-never" = { "kind": { "concurrency": LOSES_COUNT } }))]
    pub from: Dur,
    /// When the limit ceases to judge calls, that instant excluded; without it, never.
    #[serde(default)]
    #[schemars(example = "20m", extend("x-never" = { "kind": { "concurrency": LOSES_COUNT } }))]
    pub to: Option<Dur>,
    /// Source of these numbers, or that they are assumed. Reports print it.
    #[serde(default)]
    #[schemars(length(max = PROSE), extend("x-lines" = true), example = "assumed: the provider documents no number")]
    pub source: String,
}

/// Writes the keys in the order of the first version of the format, with `logs-refused` for every kind: hashes of scenarios
/// are over these bytes.
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
        map.end()
    }
}

impl LimitSpec {
    /// The limit, as a person would name it: `token-bucket of 5/10s, burst 5, per ip`.
    pub fn in_words(&self) -> String {
        let whose = match self.key {
            LimitKey::Global => "for all together".to_owned(),
            key => format!("per {}", key.name()),
        };
        let when = match (self.from, self.to) {
            (Dur::ZERO, None) => String::new(),
            (from, None) => format!(", from {from}"),
            (Dur::ZERO, Some(to)) => format!(", until {to}"),
            (from, Some(to)) => format!(", from {from} to {to}"),
        };
        format!("{} {}, {whose}{when}", self.kind.name(), self.kind.in_words())
    }
}

impl LimitKey {
    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            LimitKey::Global => "global",
            LimitKey::App => "app",
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
    /// The calls of all users behind one network address.
    Ip,
    /// The calls of one user, who has one browser session here: the same as `session`.
    User,
    /// The calls of one browser session.
    Session,
}

/// What a 429 says about when to come back.
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
}
