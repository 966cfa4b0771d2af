//! The rules of a policy as they stand in its file, so that a story can name the one that decided.

use crate::client::policy::{Policy, TouchErrors};
use serde::Serialize;

/// A policy's rules, in the words of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `enters-unauthenticated-flow = ["4xx"]`.
    pub enters: String,
    /// `retry.on = ["5xx", "network"]`.
    pub retry_on: String,
    /// `retry.retries = 8`.
    pub retries: String,
    /// How many that is.
    pub most_retries: u32,
    /// `touch-errors = "swallow"`.
    pub touch_errors: String,
    /// Limits on the retries of a session, each in the words of the file; empty without any.
    pub limits: Vec<String>,
    /// Rounds of the flow after which the client signs out; none when it does not count them.
    pub max_rounds: Option<u32>,
}

impl Rules {
    /// Those of this policy, in a client that signs out after so many rounds of its flow, if it counts them.
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
        Rules {
            enters: format!("enters-unauthenticated-flow = {}", value(&policy.enters_unauthenticated_flow)),
            retry_on: format!("retry.on = {}", value(&policy.retry.on)),
            retries: format!("retry.retries = {}", policy.retry.retries),
            most_retries: policy.retry.retries,
            touch_errors: format!("touch-errors = \"{touch_errors}\""),
            limits: limits.into_iter().flatten().map(str::to_owned).collect(),
            max_rounds,
        }
    }
}

/// A value of a policy file. Lists of strings look alike in JSON and TOML, but for the air after a comma.
fn value(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().replace("\",\"", "\", \"")
}
