//! Clients as they are, as policies: a contender is a policy. A token client's policy is its profile. A release of another
//! family has the policy that it was shipped with.

use super::policy::{Decimal, FailureSet, Jitter, Policy, Retry, RetryAfterAs, TouchErrors};
use super::registry::Model;
use super::token::Profile;
use crate::kernel::Dur;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Writes a profile, for hashes of scenarios.
pub(crate) fn serialize<S: Serializer>(
    profile: &Option<Arc<Profile>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    profile.as_deref().serialize(serializer)
}

/// The client that users of a policy run instead of the scenario's model.
#[derive(Clone, Debug, PartialEq)]
pub enum AsIs {
    /// A token client, by its profile.
    Profile(Arc<Profile>),
    /// A release of a family whose releases are models. The rest of the policy is that of the release.
    Release(Model),
}

impl AsIs {
    /// The model.
    pub fn model(&self) -> Model {
        match self {
            AsIs::Profile(_) => Model::PROFILE,
            AsIs::Release(model) => *model,
        }
    }

    /// The profile; `None` for a release that is no token client.
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        match self {
            AsIs::Profile(profile) => Some(profile),
            AsIs::Release(_) => None,
        }
    }

    /// Its name in scenarios and results.
    pub fn name(&self) -> &str {
        match self {
            AsIs::Profile(profile) => &profile.sdk.name,
            AsIs::Release(model) => model.name(),
        }
    }
}

impl AsIs {
    /// Its name in results: as [`AsIs::name`], with the word for a profile that is not shipped.
    pub fn in_words(&self) -> String {
        match Model::named(self.name()) {
            Some(_) => self.name().to_owned(),
            None => format!("{} {}", self.model(), self.name()),
        }
    }

    /// Its name, if no recording confirms it.
    pub fn unrecorded(&self) -> Option<String> {
        self.profile().filter(|profile| profile.sdk.unrecorded).map(|profile| profile.sdk.name.clone())
    }
}

/// Writes the profile or the name of the release, for hashes of scenarios.
impl Serialize for AsIs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AsIs::Profile(profile) => profile.serialize(serializer),
            AsIs::Release(model) => model.name().serialize(serializer),
        }
    }
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
            client: Some(AsIs::Profile(profile)),
        }
    }

    /// A release as it is: the policy that it was shipped with, under the name of the release.
    pub fn of_release(release: Model, shipped_with: Policy) -> Policy {
        Policy {
            name: release.name().to_owned(),
            about: format!("{release} as it is: with the policy {}.", shipped_with.name),
            client: Some(AsIs::Release(release)),
            ..shipped_with
        }
    }
}
