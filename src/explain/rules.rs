//! The rules of a policy as written in its file. A story names the rule that decided.

use crate::client::policy::{Policy, TouchErrors};
use serde::Serialize;

/// A policy's rules, in the text of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `enters-unauthenticated-flow = ["4xx"]`.
    pub enters: String,
    /// `retry.on = ["5xx", "network"]`.
    pub retry_on: String,
    /// `retry.retries = 8`.
    pub retries: String,
    /// The number of retries that `retries` allows.
    pub most_retries: u32,
    /// `touch-errors = "swallow"`.
    pub touch_errors: String,
    /// Limits on the retries of a session, in the text of the file; empty without limits.
    pub limits: Vec<String>,
    /// Rounds of the flow after which the client signs out; absent if it does not count them.
    pub max_rounds: Option<u32>,
}

impl Rules {
    /// The rules of this policy, for a client that signs out after `max_rounds` rounds of its flow.
    pub fn of(policy: &Policy, max_rounds: Option<u32>) -> Rules {
        let touch_errors = match policy.touch_errors {
            TouchErrors::Swallow => "swallow",
            TouchErrors::Surface => "surface",
        };
        let limits = [
            policy.retry_budget.as_ref().map(|_| "retry-budget"),
            policy.circuit_breaker.as_ref().map(|_| "circuit-breaker"),
            policy.windowed_retry.as_ref().map(|_| "windowed-retry"),
        ];
        let named = policy.resilience.iter().flat_map(|named| named.keys());
        Rules {
            enters: format!("enters-unauthenticated-flow = {}", value(&policy.enters_unauthenticated_flow)),
            retry_on: format!("retry.on = {}", value(&policy.retry.on)),
            retries: format!("retry.retries = {}", policy.retry.retries),
            most_retries: policy.retry.retries,
            touch_errors: format!("touch-errors = \"{touch_errors}\""),
            limits: limits.into_iter().flatten().map(str::to_owned).chain(named).collect(),
            max_rounds,
        }
    }
}

/// A value in the text of a policy file. Lists of strings have the same form in JSON and TOML, except for spaces.
fn value(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().replace("\",\"", "\", \"")
}
