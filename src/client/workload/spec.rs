//! What a scenario says of generic clients.

use crate::client::policy::{CircuitBreaker, Retry, RetryBudget, WindowedRetry};
use crate::client::resilience::Resilience;
use crate::kernel::{Dist, Dur};
use crate::spec::leaf::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most clients of a scenario, the users of its fleet included.
pub const MAX_CLIENTS: u64 = 100_000_000;

/// Generic clients that call the endpoint `generic`. Exactly one of `every`, `think` and `at` says when, or a
/// `token` alone; at most one of
/// `retry`, `orbit` and `layers` says what a failed call does. Without any of these it is lost.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[workload]]")]
pub struct WorkloadSpec {
    /// Name in results and of the random numbers, which do not change with other workloads or the fleet.
    #[schemars(with = "Name", example = &"pollers")]
    pub name: String,
    /// Number of clients. Each has its own clock. To rate limits each is a user and a session.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = MAX_CLIENTS), extend("x-unit" = "clients"))]
    pub clients: u32,
    /// Clients behind one network address.
    #[serde(default = "one")]
    #[schemars(range(min = 1), extend("x-unit" = "clients"))]
    pub clients_per_network: u32,
    /// Name of the region of the clients: see the `region` of a cohort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name", example = &"eu")]
    pub region: Option<String>,
    /// When a client begins: the time of its first call, or what is added to each time of `at`.
    #[serde(default)]
    pub starts: Dist,
    /// Open: time from the start of a client's call to the start of its next, whether or not it ends before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = serde_json::json!({ "exponential": "1s" }))]
    pub every: Option<Dist>,
    /// Closed: time from the end of a call, answered or given up, to the client's next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "5s")]
    pub think: Option<Dist>,
    /// Scripted: the times of a client's calls, from its start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100_000), example = vec!["0s", "1m"])]
    pub at: Vec<Dur>,
    /// Time after which no call begins; retries go on. Without it, calls begin until the horizon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "5m")]
    pub until: Option<Dur>,
    /// Each client holds a token, and its calls fetch one only when it has none that is valid for long enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenSpec>,
    /// A failed call is tried again with back-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// A failed call is tried again after this delay, without limit: the orbit of a retrial queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "exponential": "2s" }))]
    pub orbit: Option<Dist>,
    /// A failed call is tried again at once by each of several layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Layers>,
    /// Limits the retries of a client to a share of its calls; without it, no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<RetryBudget>,
    /// Stops the calls of a client after repeated failures; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Limits the retries of a client in a window of time; without it, no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windowed_retry: Option<WindowedRetry>,
    /// Budgets, throttles and breakers with the exact rules of the libraries that name them; without it, none.
    #[serde(default, skip_serializing_if = "Resilience::says_nothing")]
    pub resilience: Option<Resilience>,
}

fn one() -> u32 {
    1
}

impl WorkloadSpec {
    /// Whether its clients hold tokens and nobody asks for them, so that they fetch by themselves.
    pub fn fetches_ahead(&self) -> bool {
        self.token.is_some() && self.every.is_none() && self.think.is_none() && self.at.is_empty()
    }
}

/// A token that a generic client holds. A request of the workload is a fetch of a token. With `every`, `think` or `at`, the
/// client's app asks for a token then, and gets the one in hand while that has more than `lead` left. Without any of them, the
/// client fetches by itself: at its start, and each time `lead` before its token expires.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "token")]
pub struct TokenSpec {
    /// Life of a token, from the answer that brings it.
    #[schemars(extend("x-above-zero" = true), example = "1h")]
    pub life: Dur,
    /// A token with this much left, or less, is fetched anew. As long as `life` or longer, each token is due at once.
    #[serde(default)]
    pub lead: Dur,
    /// Whether a caller that comes during a fetch waits for it. Otherwise each caller without a token fetches one.
    #[serde(default = "yes")]
    pub single_flight: bool,
}

fn yes() -> bool {
    true
}

/// Layers of software, each of which tries the one below it so many times: `tries^depth` tries in all, at most 65535
/// (AWS Builders' Library, "Timeouts, retries and backoff with jitter"; Google SRE book, chapter 22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "layers")]
pub struct Layers {
    /// Tries of each layer, the first included.
    #[schemars(range(min = 1, max = MAX_LAYERED_TRIES), example = 3, extend("x-unit" = "tries"))]
    pub tries: u32,
    /// Number of layers.
    #[schemars(range(min = 1, max = 16), example = 5, extend("x-unit" = "layers"))]
    pub depth: u32,
}

/// The largest number of tries that layers may multiply to. A larger number is most likely a mistake.
pub const MAX_LAYERED_TRIES: u32 = 65_535;

impl Layers {
    /// Tries of one call that never succeeds; `None` if there are more than [`MAX_LAYERED_TRIES`].
    pub fn total(self) -> Option<u32> {
        self.tries.checked_pow(self.depth).filter(|n| *n <= MAX_LAYERED_TRIES)
    }
}
