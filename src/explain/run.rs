//! What a story needs from its run: the terms of the client family, and the policy of the session.

use crate::client::family::{Client, FlowWords};
use crate::client::own::OwnFamily;
use crate::client::policy::Policy;
use crate::client::{ForFamily, Model, Prepared};
use crate::kernel::random::{Purpose, Stream, chance};
use crate::world::Plan;

/// Name of a family's flow, and the number of rounds after which it ends.
pub(super) struct FlowOf;

impl ForFamily for FlowOf {
    type Output = (FlowWords, Option<u32>);

    fn with<C: Client>(self, client: &Prepared<C>) -> Self::Output {
        (C::FLOW, C::most_rounds(&client.setup))
    }

    fn with_own(self, client: &dyn OwnFamily) -> Self::Output {
        (*Model::OWN.flow(), client.most_rounds())
    }
}

/// The policy of a user. In a mix, repeats the draw of the world.
pub(super) fn policy_of(plan: &Plan, contender: usize, replication: u32, user: u32) -> &Policy {
    let parts = &plan.contenders[contender].parts;
    let stream = Stream::new(plan.scenario.seed, replication, Purpose::Rollout, 0);
    let mut up_to = 0.0;
    for (policy, share) in parts {
        up_to += share;
        if parts.len() == 1 || chance(stream.bits(u64::from(user), 0), up_to) {
            return policy;
        }
    }
    &parts.last().expect("a contender has at least one policy").0
}

/// The name of the client that users of this policy run.
pub(super) fn client_of(plan: &Plan, policy: &Policy) -> String {
    let scenario = &plan.scenario.client;
    match policy.client.as_ref().or(scenario.profile.as_ref()) {
        Some(client) => client.sdk.name.clone(),
        None => scenario.in_words(),
    }
}
