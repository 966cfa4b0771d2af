//! What a story needs from its run: the terms of the client family, and the policy of the session.

use super::rules::Rules;
use super::story::Change;
use crate::client::family::Client;
use crate::client::own::OwnFamily;
use crate::client::{ForFamily, Prepared};
use crate::fault::FaultSpec;
use crate::kernel::Time;
use crate::kernel::random::{Purpose, Stream};
use crate::results::FaultWindow;
use crate::scenario::Scenario;
use crate::world::Plan;

/// The number of rounds after which the flow of this arm's client ends.
pub(super) struct RoundsOf(pub(super) usize);

impl ForFamily for RoundsOf {
    type Output = Option<u32>;

    fn with<C: Client>(self, client: &Prepared<C>) -> Self::Output {
        C::most_rounds(&client.setups[self.0])
    }

    fn with_own(self, client: &dyn OwnFamily) -> Self::Output {
        client.most_rounds(self.0)
    }
}

/// The policy that a user gets in a rollout, and when. `None` where the user does not change the policy.
pub(super) fn change_of(
    plan: &Plan,
    contender: usize,
    replication: u32,
    user: u32,
    max_rounds: Option<u32>,
) -> Option<Change> {
    let stream = Stream::new(plan.scenario.seed, replication, Purpose::Rollout, 0);
    let (at, arm) = plan.shipped_to(contender, &stream, user).filter(|(at, _)| *at <= plan.horizon)?;
    let policy = &plan.arms[contender].all[arm].policy;
    Some(Change { at, policy: policy.name.clone(), rules: Rules::of(policy, max_rounds) })
}

/// The window of each fault. A fault that comes back is told from its first begin to its last end.
pub(super) fn fault_windows(scenario: &Scenario) -> Vec<FaultWindow> {
    let window = |spec: &FaultSpec| {
        let name = spec.title();
        let (name, end) = match spec.repeat_every {
            Some(every) => (format!("{name}, every {every}"), spec.repeat_until),
            None if spec.is_instant() => (name, Some(spec.from)),
            None => (name, spec.to),
        };
        let to = end.unwrap_or(scenario.horizon).min(scenario.horizon);
        FaultWindow { name, from: spec.from, to }
    };
    scenario.faults.iter().map(window).collect()
}

/// The place of a user's arm, in a rollout of the first one. In a mix, repeats the draw of the world.
pub(super) fn arm_of(plan: &Plan, contender: usize, replication: u32, user: u32) -> usize {
    let stream = Stream::new(plan.scenario.seed, replication, Purpose::Rollout, 0);
    plan.arm_at(contender, &stream, user, Time::ZERO)
}
