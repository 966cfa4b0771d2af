//! Client policies: immutable data that classifies answers.
//!
//! A policy has no state and draws nothing. The client family defines the call sites that ask it.

use super::as_is::AsIs;
pub use super::failures::{ANSWER, FailureBits, FailureSet};
use super::resilience::Resilience;
use crate::kernel::Dur;
use crate::spec::PROSE;
use crate::spec::leaf::Name;
pub use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest number of retries of a policy or a workload.
pub const MAX_RETRIES: u32 = 1_000;

/// What a client does with answers that are no success: when it retries, and when it signs its user out. In a file of its
/// own, or a `[[policy]]` of a scenario. Over a token client, a policy decides on the answers to refreshes; the rest of the
/// client stays as its profile says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "a policy")]
pub struct Policy {
    /// Name in scenarios and results.
    #[schemars(with = "Name", example = &"my-policy")]
    pub name: String,
    /// What the policy is, in a sentence or two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = PROSE), extend("x-lines" = true), example = "The rule before the change.")]
    pub about: String,
    /// Failures of a call that enter the unauthenticated flow. A token client has no such flow: it signs its user out when
    /// a refresh fails in one of these ways and is not retried.
    #[schemars(example = vec!["401", "422"])]
    pub enters_unauthenticated_flow: FailureSet,
    /// Retries of `getToken`, and of the refreshes of token clients.
    #[schemars(extend("x-add" = "[policy.retry] (in a policy file [retry])"))]
    pub retry: Retry,
    /// Who gets the error of a touch that does not enter the flow. Token clients send no touch.
    #[serde(default)]
    pub touch_errors: TouchErrors,
    /// Limits the retries of one session to a share of its first attempts; without it, no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<RetryBudget>,
    /// Stops the calls of a session after repeated failures; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Limits the retries of one session in a window of time; without it, no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windowed_retry: Option<WindowedRetry>,
    /// Budgets, throttles and breakers with the exact rules of the libraries that name them; without it, none.
    #[serde(default, skip_serializing_if = "Resilience::says_nothing")]
    pub resilience: Option<Resilience>,
    /// The client that the users run instead of the scenario's model. [`Policy::as_is`] and [`Policy::of_release`] set it; no
    /// file does.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub client: Option<AsIs>,
}

/// Retries with exponential back-off.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "retry")]
pub struct Retry {
    /// Failures that are retried.
    #[schemars(example = vec!["5xx", "network"])]
    pub on: FailureSet,
    /// Delay before the first retry.
    #[schemars(example = "3s")]
    pub initial: Dur,
    /// Each delay is the one before times this factor.
    #[schemars(range(min = 1), example = 1.55)]
    pub factor: Decimal,
    /// Longest delay, at least `initial`.
    #[schemars(example = "50s")]
    pub cap: Dur,
    /// Retries after the first attempt; 0 never retries.
    #[schemars(range(max = MAX_RETRIES), example = 8, extend("x-unit" = "retries"))]
    pub retries: u32,
    /// Retries while the browser is offline, in client releases that look at that, and in token clients.
    #[serde(default = "three")]
    #[schemars(range(max = MAX_RETRIES), extend("x-unit" = "retries"))]
    pub offline_retries: u32,
    /// The random spread of a delay `d`.
    #[serde(default)]
    pub jitter: Jitter,
    /// Whether the client obeys `Retry-After`; `retry-after-as` says how. No measured release does that.
    #[serde(default)]
    pub honour_retry_after: bool,
    /// What `Retry-After` is to a client that honours it.
    #[serde(default, skip_serializing_if = "RetryAfterAs::is_floor")]
    pub retry_after_as: RetryAfterAs,
    /// Longest time that `Retry-After` may ask for: a larger number counts as this (urllib3: `retry_after_max`, 6 hours).
    /// Without it, any number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "6h")]
    pub retry_after_cap: Option<Dur>,
}

fn three() -> u32 {
    3
}

/// What `Retry-After` is to a client that honours it. An answer without the header has the back-off delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfterAs {
    /// The delay is at least what the header asks for.
    #[default]
    Floor,
    /// The delay is what the header asks for, 0 included, without back-off and jitter (urllib3, go-retryablehttp).
    Instead,
    /// The delay is what the header asks for and the drawn back-off delay after it.
    OnTop,
}

impl RetryAfterAs {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_floor(&self) -> bool {
        *self == RetryAfterAs::Floor
    }
}

/// How a back-off delay `d` is spread (Brooker, "Exponential Backoff And Jitter", AWS blog 2015).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// Exactly `d`.
    #[default]
    None,
    /// Uniform over `[0, d]`.
    Full,
    /// `d / 2` plus uniform over `[0, d / 2]`.
    Equal,
    /// Uniform over `[initial, 3 * previous delay]`, cut at the cap; what precedes the first delay counts as `initial`.
    /// What `Retry-After` adds to a delay counts for `getToken` and refreshes, and does not for generic clients.
    Decorrelated,
}

/// Receiver of a touch error that does not enter the flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TouchErrors {
    /// The client drops it.
    Swallow,
    /// The app gets it: as an error of `setActive`, or as an unhandled rejection after a focus.
    #[default]
    Surface,
}

/// A retry budget (Google SRE book ch. 21; Finagle `RetryBudget`): each first attempt deposits, each retry costs one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "retry-budget")]
pub struct RetryBudget {
    /// Deposit of each first attempt.
    #[schemars(range(min = 0.000_001), example = 0.1, extend("x-unit" = "retries per first attempt"))]
    pub ratio: Decimal,
    /// What the budget starts with, and its most.
    #[schemars(range(min = 1), example = 10, extend("x-unit" = "retries"))]
    pub burst: u32,
}

/// A circuit breaker (Nygard, *Release It!*, ch. 5), on the calls of `getToken`, the refreshes of token clients, or the calls
/// of a generic client. A call that it stops has failed without an answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "circuit-breaker")]
pub struct CircuitBreaker {
    /// Consecutive failures that open the breaker.
    #[schemars(range(min = 1), example = 5, extend("x-unit" = "failures"))]
    pub failures: u32,
    /// How long the breaker stays open; then one call is let through and decides.
    #[schemars(extend("x-above-zero" = true), example = "30s")]
    pub open: Dur,
}

/// At most `retries` retries of one session in each `window` that starts with a retry.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "windowed-retry")]
pub struct WindowedRetry {
    /// Most retries in a window.
    #[schemars(range(min = 1), example = 3, extend("x-unit" = "retries"))]
    pub retries: u32,
    /// Length of a window.
    #[schemars(extend("x-above-zero" = true), example = "60s")]
    pub window: Dur,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fact sheet of the measured releases, retry of `getToken`: three retries while offline.
    #[test]
    fn offline_a_policy_retries_three_times_unless_it_says_otherwise() {
        let text = "on = ['network']\ninitial = '3s'\nfactor = 1.55\ncap = '50s'\nretries = 8";
        assert_eq!(toml::from_str::<Retry>(text).unwrap().offline_retries, 3);
        let other = format!("{text}\noffline-retries = 5");
        assert_eq!(toml::from_str::<Retry>(&other).unwrap().offline_retries, 5);
    }
}
