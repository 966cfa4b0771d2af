//! The reference of a run: the same users on the same random streams, without faults, triggers and limits.
//!
//! Recovery and amplification compare a run with it: it says what the same users ask for, and what they get, at the same times
//! when nothing stands against them. Queues and latencies stay, for they are the system's own. Revocations stay as well, and so
//! do tabs opened by `[[action]]`: both change who is there, not how the backend answers. Every policy has the same reference,
//! in which only 401 and 422 end a session (the preset `new`), so no comparison with it depends on the policy.

use super::job::{Job, run_each};
use crate::backend::Endpoint;
use crate::client::app::AppReaction;
use crate::fault::FaultKind;
use crate::kernel::Dur;
use crate::metrics::collect::Reference;
use crate::scenario::policies::preset;
use crate::scenario::{Act, Scenario};
use crate::world::{Contender, Control, Plan, Stopped};

/// The policy of the reference.
const POLICY: &str = "new";

/// The plan of the reference; none where no call can fail and no load is scripted, because then every run is its own reference.
pub fn plan(scenario: &Scenario) -> Option<Plan> {
    let mut calm = scenario.clone();
    calm.faults.retain(|fault| fault.kind == FaultKind::Revocation);
    calm.actions.retain(|action| matches!(action.act, Act::OpenTab | Act::Revoke));
    calm.backend.limits.clear();
    if app_reaction_is_a_trigger(scenario) {
        calm.fleet.app_reaction = AppReaction::None;
    }
    let same = calm == *scenario;
    let fails_by_itself = Endpoint::ALL.into_iter().any(|endpoint| {
        let spec = scenario.backend.endpoint(endpoint);
        spec.timeout.is_some() || (spec.workers.is_some() && spec.queue.is_some())
    });
    let offline = scenario.fleet.offline.is_some();
    let revoked = !calm.faults.is_empty() || calm.actions.iter().any(|action| action.act == Act::Revoke);
    if same && !fails_by_itself && !offline && !revoked {
        return None;
    }
    let policy = preset(POLICY).expect("a preset of the program");
    Some(Plan::new(calm, vec![Contender { name: "reference".to_owned(), parts: vec![(policy, 1.0)] }]))
}

/// Whether app code reacts to new sessions for some time only: then the scenario sets its reaction off, as a trigger. Without a
/// window the reaction is a habit of the app.
pub(crate) fn app_reaction_is_a_trigger(scenario: &Scenario) -> bool {
    let fleet = &scenario.fleet;
    let windowed = fleet.app_reaction_from > Dur::ZERO || fleet.app_reaction_to.is_some();
    fleet.app_reaction != AppReaction::None && windowed
}

/// Runs the reference of every replication, in their order; also how many events they had.
///
/// # Errors
/// When a guard or `control` stops one: the first in order.
pub fn run(plan: &Plan, control: &Control) -> Result<(Vec<Reference>, u64), Stopped> {
    let replications: Vec<u32> = (0..plan.scenario.replications).collect();
    let runs = run_each(plan, &replications, |replication| {
        Job { contender: 0, replication: *replication }.run_reference(plan, control)
    })?;
    let events = runs.iter().map(|(_, events)| events).sum();
    Ok((runs.into_iter().map(|(reference, _)| reference).collect(), events))
}
