//! What a scenario says about the backend.

pub use super::rate::Rate;
use crate::kernel::{Dist, Dur};
use crate::protocol::Endpoint;
use crate::spec::PROSE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The servers: endpoints with their latencies, workers and queues, and the rate limits before them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "[backend]")]
pub struct BackendSpec {
    /// Life of a session token (`exp - iat`): whole seconds, at least 10s.
    #[schemars(extend("x-above-zero" = true))]
    pub token_life: Dur,
    /// Which session token the answers of /client and /touch contain.
    pub client_token: ClientToken,
    /// Round-trip time of a call, without queueing and service. An endpoint's own `latency` replaces it.
    pub latency: Dist,
    /// The endpoint POST /tokens.
    pub tokens: EndpointSpec,
    /// The endpoint POST /touch.
    pub touch: EndpointSpec,
    /// The endpoint GET /client.
    pub client: EndpointSpec,
    /// The endpoint GET /environment.
    pub environment: EndpointSpec,
    /// The endpoint of sign-ins.
    pub sign_in: EndpointSpec,
    /// The endpoint that generic clients call.
    pub generic: EndpointSpec,
    /// Rate limits, in the order in which a call passes through them.
    #[serde(rename = "limit")]
    #[schemars(length(max = 1_000))]
    pub limits: Vec<LimitSpec>,
}

impl Default for BackendSpec {
    fn default() -> BackendSpec {
        let endpoint = EndpointSpec::default;
        BackendSpec {
            token_life: Dur::from_secs(60),
            client_token: ClientToken::Fresh,
            latency: Dist::Constant(Dur::from_ms(100)),
            tokens: endpoint(),
            touch: endpoint(),
            client: endpoint(),
            environment: endpoint(),
            sign_in: endpoint(),
            generic: endpoint(),
            limits: Vec::new(),
        }
    }
}

impl BackendSpec {
    /// Life of a session token in whole seconds.
    pub fn token_life_s(&self) -> u32 {
        u32::try_from(self.token_life.0 / crate::kernel::time::NS_PER_S).unwrap_or(u32::MAX)
    }

    /// What the scenario says about this endpoint.
    pub fn endpoint(&self, endpoint: Endpoint) -> &EndpointSpec {
        match endpoint.name() {
            "tokens" => &self.tokens,
            "touch" => &self.touch,
            "client" => &self.client,
            "environment" => &self.environment,
            "sign-in" => &self.sign_in,
            "generic" => &self.generic,
            other => unreachable!("no keys for /{other}"),
        }
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
    /// Workers, each of which serves one call at a time; without them, an answer takes the round-trip time only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000), example = 8, extend("x-unit" = "workers"))]
    pub workers: Option<u32>,
    /// Calls that may wait for a worker; the next one is shed with 503. Without it, any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 100, extend("x-unit" = "calls"))]
    pub queue: Option<u32>,
    /// Service time of a call in a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "5ms")]
    pub service: Option<Dist>,
    /// Time after which the client gives a call up: to the client, a network error. Without it, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub timeout: Option<Dur>,
}

/// A rate limiter.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[backend.limit]]")]
pub struct LimitSpec {
    /// The endpoints whose calls pass through it, together.
    #[schemars(length(min = 1, max = Endpoint::COUNT), example = vec!["tokens"])]
    pub endpoints: Vec<Endpoint>,
    /// How it counts.
    pub kind: LimitKind,
    /// Whose calls share one count.
    #[schemars(example = &"ip")]
    pub key: LimitKey,
    /// Rate at which requests pass in the long run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-only" = { "kind": ["token-bucket", "gcra", "leaky-bucket"] }, "x-needed" = true))]
    pub rate: Option<Rate>,
    /// Requests that may come at once: the tokens of a full token bucket, 1 + tau/T of GCRA, the queue of a leaky bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        range(min = 1),
        example = 10,
        extend("x-unit" = "requests", "x-only" = { "kind": ["token-bucket", "gcra", "leaky-bucket"] }, "x-needed" = true)
    )]
    pub burst: Option<u32>,
    /// Requests that pass in a window, or that are being answered at once (concurrency).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        example = 10,
        extend(
            "x-unit" = "requests",
            "x-only" = { "kind": ["fixed-window", "sliding-log", "sliding-counter", "concurrency"] },
            "x-needed" = true
        )
    )]
    pub limit: Option<u32>,
    /// Length of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        example = "10s",
        extend(
            "x-above-zero" = true,
            "x-only" = { "kind": ["fixed-window", "sliding-log", "sliding-counter"] },
            "x-needed" = true
        )
    )]
    pub window: Option<Dur>,
    /// Whether refused requests are counted too, which can lock a client out for ever.
    #[serde(default)]
    #[schemars(extend("x-only" = { "kind": ["sliding-log"] }))]
    pub logs_refused: bool,
    /// What the `Retry-After` header of a 429 says.
    #[serde(default)]
    #[schemars(extend("x-never" = {
        "kind": { "concurrency": "a concurrency limit cannot know when a call will end" }
    }))]
    pub retry_after: RetryAfter,
    /// After a refusal, everything of that key is refused for this long; without it, nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub penalty: Option<Dur>,
    /// Source of these numbers, or that they are assumed. Reports print it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = PROSE), extend("x-lines" = true), example = "assumed: the provider documents no number")]
    pub source: String,
}

/// The limiter kinds met in practice (`limits.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// Tokens come continuously at `rate`, up to `burst`; a request takes one.
    TokenBucket,
    /// ITU-T I.371 virtual scheduling with T = 1/rate and tau = (burst - 1) T.
    Gcra,
    /// At most `limit` requests in each window; windows are aligned to the start of the run.
    FixedWindow,
    /// At most `limit` requests in the `window` before now, by a log of times.
    SlidingLog,
    /// The requests in the window before now are estimated from two fixed windows.
    SlidingCounter,
    /// Requests leave one by one at `rate`; `burst` may wait, the next is refused. Waiting delays a request.
    LeakyBucket,
    /// At most `limit` calls are being answered at once.
    Concurrency,
}

impl LimitKind {
    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            LimitKind::TokenBucket => "token-bucket",
            LimitKind::Gcra => "gcra",
            LimitKind::FixedWindow => "fixed-window",
            LimitKind::SlidingLog => "sliding-log",
            LimitKind::SlidingCounter => "sliding-counter",
            LimitKind::LeakyBucket => "leaky-bucket",
            LimitKind::Concurrency => "concurrency",
        }
    }
}

impl LimitSpec {
    /// The limit, as a person would name it: `token-bucket of 5/10s, burst 5, per ip`.
    pub fn in_words(&self) -> String {
        let mut words = self.kind.name().to_owned();
        let mut add = |part: Option<String>| words.push_str(&part.unwrap_or_default());
        add(self.rate.map(|rate| format!(" of {rate}")));
        add(self.limit.map(|limit| format!(" of {limit}")));
        add(self.window.map(|window| format!(" in {window}")));
        add(self.burst.map(|burst| format!(", burst {burst}")));
        match self.key {
            LimitKey::Global => words.push_str(", for all together"),
            key => words.push_str(&format!(", per {}", key.name())),
        }
        words
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
