//! What a scenario says about the backend.

use crate::kernel::{Dist, Dur};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The endpoints a client calls (`clerk-js.md`, "Requests").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Endpoint {
    /// POST /v1/client/sessions/{id}/tokens
    Tokens,
    /// POST /v1/client/sessions/{id}/touch
    Touch,
    /// GET /v1/client
    Client,
    /// GET /v1/environment
    Environment,
    /// POST /v1/client/sign_ins
    SignIn,
    /// Calls of generic clients, which know nothing of tokens.
    Generic,
}

impl Endpoint {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All of them, in the order of their discriminants.
    pub const ALL: [Endpoint; Endpoint::COUNT] = [
        Endpoint::Tokens,
        Endpoint::Touch,
        Endpoint::Client,
        Endpoint::Environment,
        Endpoint::SignIn,
        Endpoint::Generic,
    ];

    /// Its name in scenarios and results.
    pub const fn name(self) -> &'static str {
        match self {
            Endpoint::Tokens => "tokens",
            Endpoint::Touch => "touch",
            Endpoint::Client => "client",
            Endpoint::Environment => "environment",
            Endpoint::SignIn => "sign-in",
            Endpoint::Generic => "generic",
        }
    }

    /// Whether the client sends it as GET, which the network level may repeat (`clerk-js.md`, network-level retry).
    pub const fn is_get(self) -> bool {
        matches!(self, Endpoint::Client | Endpoint::Environment)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `[backend]` of a scenario.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BackendSpec {
    /// Life of a session token (`exp - iat`), whole seconds.
    pub token_life: Dur,
    /// The token inside /client and /touch answers.
    pub client_token: ClientToken,
    /// Round-trip time of a call, without queueing and service; an endpoint's own `latency` overrules it.
    pub latency: Dist,
    /// POST /tokens.
    pub tokens: EndpointSpec,
    /// POST /touch.
    pub touch: EndpointSpec,
    /// GET /client.
    pub client: EndpointSpec,
    /// GET /environment.
    pub environment: EndpointSpec,
    /// Sign-in.
    pub sign_in: EndpointSpec,
    /// Calls of generic clients.
    pub generic: EndpointSpec,
    /// Rate limits, in the order in which a call meets them.
    #[serde(rename = "limit")]
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
    /// What the scenario says about this endpoint.
    pub fn endpoint(&self, endpoint: Endpoint) -> &EndpointSpec {
        match endpoint {
            Endpoint::Tokens => &self.tokens,
            Endpoint::Touch => &self.touch,
            Endpoint::Client => &self.client,
            Endpoint::Environment => &self.environment,
            Endpoint::SignIn => &self.sign_in,
            Endpoint::Generic => &self.generic,
        }
    }
}

/// The session token inside GET /client and POST /touch answers (`traces/README.md`, `config.client_token`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientToken {
    /// Newly issued.
    #[default]
    Fresh,
    /// The newest issued so far.
    Last,
    /// None.
    None,
}

/// `[backend.<endpoint>]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct EndpointSpec {
    /// Round-trip time, without queueing and service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Dist>,
    /// Round-trip time of calls that a limit or a full queue turns away; without it, `latency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_latency: Option<Dist>,
    /// Workers that serve calls one at a time each; without them an answer takes the round-trip time only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Calls that may wait for a worker; the next one is shed with 503. Without it, any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// Service time in a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Dist>,
    /// After this long the client gives a call up: to it, a network error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
}

/// `[[backend.limit]]`: one rate limiter. Which of the optional keys a kind needs is in its file under `limiter/`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitSpec {
    /// The endpoints whose calls pass through it, together.
    pub endpoints: Vec<Endpoint>,
    /// Its kind.
    pub kind: LimitKind,
    /// What shares a limit.
    pub key: LimitKey,
    /// Requests per time: token bucket, GCRA, leaky bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Capacity in requests: token bucket, GCRA (burst of 1 + tau/T), leaky bucket (queue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Requests allowed in a window, or at once (concurrency).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Length of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Dur>,
    /// Sliding log: whether refused requests are logged too, which can lock a client out for ever.
    #[serde(default)]
    pub logs_refused: bool,
    /// What a 429 says about when to come back.
    #[serde(default)]
    pub retry_after: RetryAfter,
    /// After a refusal, everything of that key is refused for this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Dur>,
    /// The scenario's assumption or source for these numbers; printed, never interpreted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// The limiter kinds met in practice (`limits.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// Continuous refill at `rate` up to `burst`; a request takes one token.
    TokenBucket,
    /// ITU-T I.371 virtual scheduling with T = 1/rate and tau = (burst - 1) T.
    Gcra,
    /// At most `limit` in each window aligned to the start of the run.
    FixedWindow,
    /// At most `limit` in the `window` before now, by a log of times.
    SlidingLog,
    /// The window before now estimated from two fixed windows.
    SlidingCounter,
    /// Requests leave one by one at `rate`; `burst` may wait, the next is refused. A delay, not only a verdict.
    LeakyBucket,
    /// At most `limit` calls being answered at once.
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

/// What shares a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKey {
    /// Everything.
    Global,
    /// All users of one app.
    App,
    /// All users behind one address.
    Ip,
    /// One user. In this model a user has one browser session, so it equals `Session`.
    User,
    /// One browser session.
    Session,
}

/// What a 429 says about when to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// Nothing.
    #[default]
    None,
    /// Seconds until a request of this key would pass, rounded up.
    Seconds,
    /// Half of that, rounded down: too small, as some servers answer.
    TooSmall,
}

/// Requests per time, written `"100/10s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests; may be 0: then everything is refused.
    pub count: u64,
    /// In this time; never zero.
    pub per: Dur,
}

impl Rate {
    /// Reads `"100/10s"` or `"5/s"`.
    ///
    /// # Errors
    /// What was found and what is allowed.
    pub fn parse(text: &str) -> Result<Rate, String> {
        let bad = |why: &str| {
            format!("{why}; got {text:?}; allowed: requests per duration, such as \"100/10s\" or \"5/s\"")
        };
        let (count, per) = text.split_once('/').ok_or_else(|| bad("not a rate"))?;
        if count.is_empty() || count.len() > 12 || !count.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("the requests of a rate are a whole number of at most 12 digits"));
        }
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per = Dur::parse(&per)?;
        if per == Dur::ZERO {
            return Err(bad("a rate needs a duration above zero"));
        }
        Ok(Rate { count: count.parse().expect("at most 12 digits"), per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        Rate::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
