//! The reference run: the same users on the same random streams, without faults, triggers and limits.
//!
//! Recovery and amplification compare a run with its reference, which shows what the same users request and get at the
//! same times without disturbance. Restarts go, and with them and the outages every slow start. What operators do against an
//! incident goes too: limits and blocks of a while are limits, and a rollout ends in the policy that the reference runs anyway.
//! Queues and latencies stay, because they belong to the system. Revocations, and tabs
//! opened and devices sent to sleep by `[[action]]`, also stay, because they change the users rather than the answers. All policies share one
//! reference, in which only 401 and 422 end a session (the preset `new`). A comparison therefore does not depend on the
//! policy's own reference.

use super::job::{Job, run_each};
use crate::backend::Endpoint;
use crate::backend::pool::PoolSpec;
use crate::client::app::AppReaction;
use crate::client::policy::Policy;
use crate::fault::FaultSpec;
use crate::fleet::FleetSpec;
use crate::metrics::tally::Reference;
use crate::scenario::policies::known;
use crate::scenario::{Act, ClientSpec, Scenario};
use crate::world::{Contender, Control, Plan, Stopped};
use std::sync::Arc;

/// Policy of the reference, for models that are no contenders by themselves. The others run as they are.
const POLICY: &str = "new";

/// Plan of the reference. `None` if no call can fail and no load is scripted: every run is then its own reference.
pub fn plan(scenario: &Scenario) -> Option<Plan> {
    let mut calm = scenario.clone();
    calm.faults.retain(FaultSpec::strikes_sessions);
    calm.actions.retain(|action| matches!(action.act, Act::OpenTab | Act::Revoke | Act::Sleep | Act::Wake));
    calm.backend.limits.clear();
    for fleet in calm.fleets_mut().filter(|fleet| fleet.app_reaction_is_a_trigger()) {
        fleet.app_reaction = AppReaction::None;
    }
    let same = calm == *scenario;
    let times_out = Endpoint::ALL.into_iter().any(|e| scenario.backend.endpoint(e).timeout.is_some());
    let fails_by_itself = times_out || scenario.backend.all_pools().iter().any(PoolSpec::may_shed);
    let loses = |fleet: &FleetSpec| fleet.offline.is_some() || fleet.sleep.is_some();
    let offline = scenario.fleets().any(loses) || calm.actions.iter().any(|action| action.act == Act::Sleep);
    let revoked = !calm.faults.is_empty() || calm.actions.iter().any(|action| action.act == Act::Revoke);
    if same && !fails_by_itself && !offline && !revoked {
        return None;
    }
    for cohort in &mut calm.cohorts {
        // A client that is pinned as it is stays as it is.
        if cohort.pinned.iter().all(|(policy, _)| policy.client.is_none()) {
            let client = cohort.client.as_ref().unwrap_or(&calm.client);
            cohort.pinned = vec![(policy_of(client), 1.0)];
        }
    }
    let policy = policy_of(&scenario.client);
    Some(Plan::new(calm, vec![Contender::of("reference", policy)]))
}

/// The policy of users of this client in the reference.
fn policy_of(client: &ClientSpec) -> Policy {
    let model = client.model().row();
    let name = if model.is_contender { model.name } else { POLICY };
    match &client.profile {
        Some(profile) => Policy::as_is(Arc::clone(profile)),
        None => known(name).expect("the policy is a preset or a token client"),
    }
}

/// Runs the reference of every replication, in order. Also returns the number of their events.
///
/// # Errors
/// If a guard or `control` stops a run. Returns the first one in order.
pub fn run(plan: &Plan, control: &Control) -> Result<(Vec<Reference>, u64), Stopped> {
    let replications: Vec<u32> = (0..plan.scenario.replications).collect();
    let runs = run_each(plan, &replications, |replication| {
        Job { contender: 0, replication: *replication }.run_reference(plan, control)
    })?;
    let events = runs.iter().map(|(_, events)| events).sum();
    Ok((runs.into_iter().map(|(reference, _)| reference).collect(), events))
}
