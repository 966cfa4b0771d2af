//! Token clients as they are, as policies: a contender is a policy, and a token client's policy is its profile.

use super::policy::{Decimal, FailureSet, Jitter, Policy, Retry, RetryAfterAs, TouchErrors};
use super::token::Profile;
use crate::kernel::Dur;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Writes the profile, for hashes of scenarios.
pub(crate) fn serialize<S: Serializer>(
    client: &Option<Arc<Profile>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    client.as_deref().serialize(serializer)
}

impl Policy {
    /// A token client as it is: what the policy says of answers comes from its profile.
    pub fn as_is(profile: Arc<Profile>) -> Policy {
        let retry = Retry {
            on: FailureSet::default(),
            initial: Dur::ZERO,
            factor: Decimal { millionths: 1_000_000 },
            cap: Dur::ZERO,
            retries: 0,
            offline_retries: 0,
            jitter: Jitter::None,
            honour_retry_after: false,
            retry_after_as: RetryAfterAs::Floor,
            retry_after_cap: None,
        };
        Policy {
            name: profile.sdk.name.clone(),
            about: format!("{} {} as it is.", profile.sdk.package, profile.sdk.version),
            enters_unauthenticated_flow: FailureSet::default(),
            retry,
            touch_errors: TouchErrors::default(),
            retry_budget: None,
            circuit_breaker: None,
            windowed_retry: None,
            resilience: None,
            client: Some(profile),
        }
    }
}
