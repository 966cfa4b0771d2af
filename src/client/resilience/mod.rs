//! Budgets, throttles and breakers with the exact rules of libraries. Each has a file and a line in the registration below.

mod aws;
mod brooker;
mod envoy;
mod family;
mod finagle;
mod grpc;
mod resilience4j;
mod sre;
mod tower;
mod windowed;

pub use aws::AwsRetryQuota;
pub use brooker::{BrookerBreaker, BrookerTokenBucket};
pub use envoy::EnvoyRetryBudget;
pub use finagle::FinagleRetryBudget;
pub use grpc::GrpcRetryThrottling;
pub use resilience4j::Resilience4jCircuitBreaker;
pub use sre::SreThrottling;
pub use tower::TowerRetryBudget;

use crate::kernel::Time;
use crate::protocol::Failure;
use family::mechanisms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// Whose calls share the state of a mechanism.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// The calls of one session; of a workload, of one client.
    #[default]
    Session,
    /// The calls of one process: of all clients of a workload; of a fleet or cohort, of all its users of one
    /// app who run the same policy.
    Process,
}

/// How a try ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The failure; `None` for a success.
    pub failure: Option<Failure>,
    /// Whether the client retries such a failure.
    pub retryable: bool,
    /// For a retry, why it was made; `None` for a first try.
    pub retries: Option<Cause>,
}

/// Why a retry is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The try before it failed.
    Failed,
    /// The try before it had no answer within the client's time-out.
    TimedOut,
}

/// A mechanism, which is also its description in a scenario.
trait Mechanism {
    /// What it remembers.
    type State: Clone + Debug + Default + PartialEq;

    /// Bytes of the lists in its state, at most.
    fn list_bytes(&self) -> u64 {
        0
    }

    /// Records a first try.
    fn first_try(&self, _: &mut Self::State, _: Time) {}

    /// Whether a try may be sent. `draw` gives random bits.
    fn lets_through(&self, _: &mut Self::State, _: Time, _: impl FnOnce() -> u64) -> bool {
        true
    }

    /// Records that a try is sent.
    fn sent(&self, _: &mut Self::State) {}

    /// Records the end of a try that was sent.
    fn ended(&self, _: &mut Self::State, _: &Ended, _: Time) {}

    /// Records that a try that was sent ends without anybody who looks at its answer.
    fn abandoned(&self, _: &mut Self::State) {}

    /// Whether a retry is allowed.
    fn affords(&self, _: &mut Self::State, _: Cause, _: Time) -> bool {
        true
    }

    /// Charges a retry that every mechanism allows.
    fn pays(&self, _: &mut Self::State, _: Cause) {}

    /// Records that a retry is over, with its wait and its try.
    fn retry_over(&self, _: &mut Self::State) {}
}

mechanisms! {
    /// gRPC's retry throttling: retries stop while failures outnumber successes (gRFC A6).
    grpc_retry_throttling: GrpcRetryThrottling,
    /// Finagle's `RetryBudget`: retries are a share of the calls of the last seconds, and some per second in any case.
    finagle_retry_budget: FinagleRetryBudget,
    /// tower's `TpsBudget`: like Finagle's, but successes deposit and numbers are rounded differently.
    tower_retry_budget: TowerRetryBudget,
    /// Envoy's retry budget: retries under way are a share of the calls under way.
    envoy_retry_budget: EnvoyRetryBudget,
    /// The retry quota of the AWS SDKs in standard mode: a bucket from which retries take and which successes refill.
    aws_retry_quota: AwsRetryQuota,
    /// Brooker's token bucket: a retry takes a token of which each call adds a share.
    brooker_token_bucket: BrookerTokenBucket,
    /// Brooker's circuit breaker for retries: retries stop while the share of failures since the start is too large.
    brooker_breaker: BrookerBreaker,
    /// The client-side throttling of Google's SRE book: calls are refused in the client as the backend refuses them.
    sre_throttling: SreThrottling,
    /// resilience4j's `CircuitBreaker` with a count-based window.
    resilience4j_circuit_breaker: Resilience4jCircuitBreaker,
}

impl Resilience {
    /// Whether a mechanism may refuse a first try.
    pub fn refuses_calls(&self) -> bool {
        self.sre_throttling.is_some() || self.resilience4j_circuit_breaker.is_some()
    }
}

#[cfg(test)]
mod testing {
    use super::Ended;
    use crate::protocol::Failure;

    /// A first try that succeeds.
    pub(super) fn succeeded() -> Ended {
        Ended { failure: None, retryable: false, retries: None }
    }

    /// A first try that fails with this status, which is retried.
    pub(super) fn failed(status: u16) -> Ended {
        Ended { failure: Some(Failure::status(status)), retryable: true, retries: None }
    }
}
