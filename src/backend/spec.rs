//! What a scenario says about the backend.

use super::endpoints::Endpoints;
pub use super::limit::{Costs, Counts, LimitKey, LimitSpec, RetryAfter, TOO_MANY_REQUESTS};
pub use super::limiter::LimitKind;
use super::pool::PoolSpec;
pub use super::rate::Rate;
use crate::kernel::{Dist, Dur};
use crate::protocol::Endpoint;
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
