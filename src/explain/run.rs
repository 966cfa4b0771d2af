//! What a story needs from its run: the terms of the client family, and the policy of the session.

use crate::client::family::{Client, FlowWords};
use crate::client::own::OwnFamily;
use crate::client::policy::Policy;
use crate::client::{ForFamily, Model, Prepared};
use crate::kernel::random::{Purpose, Stream};
use crate::world::Plan;

/// Name of a family's flow, and the number of rounds after which it ends in this cohort.
pub(super) struct FlowOf(pub(super) usize);

impl ForFamily for FlowOf {
    type Output = (FlowWords, Option<u32>);

    fn with<C: Client>(self, client: &Prepared<C>) -> Self::Output {
        (C::FLOW, C::most_rounds(&client.setups[self.0]))
    }

    fn with_own(self, client: &dyn OwnFamily) -> Self::Output {
        (*Model::OWN.flow(), client.most_rounds(self.0))
    }
}

/// The policy of a user. In a mix, repeats the draw of the world.
pub(super) fn policy_of(plan: &Plan, contender: usize, replication: u32, user: u32) -> &Policy {
    let stream = Stream::new(plan.scenario.seed, replication, Purpose::Rollout, 0);
    &plan.arms[contender].all[plan.arm_of(contender, &stream, user)].policy
}

/// The name of the client that a user with this policy runs.
pub(super) fn client_of(plan: &Plan, user: u32, policy: &Policy) -> String {
    let client = plan.scenario.cohorts()[plan.cohort_of(user)].client;
    match policy.client.as_ref().or(client.profile.as_ref()) {
        Some(profile) => profile.sdk.name.clone(),
        None => client.in_words(),
    }
}
