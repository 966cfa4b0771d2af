//! The reference run: the same users on the same random streams, without faults, triggers and limits.
//!
//! Recovery and amplification compare a run with its reference, which shows what the same users request and get at the
//! same times without disturbance. Restarts go, and with them and the outages every slow start. What operators do against an
//! incident goes too: limits and blocks of a while are limits, and a rollout ends in the policy that the reference runs anyway.
//! Queues and latencies stay, because they belong to the system. Revocations, and tabs
//! opened and devices sent to sleep by `[[action]]`, also stay, because they change the users rather than the answers. All policies share one
//! reference, in which only 401 and 422 end a session (the preset `new`). A comparison therefore does not depend on the
//! policy's own reference. A contender whose clients are of other families than those of the scenario calls other endpoints: it
//! has a reference of its own, with the clients that it brings.

use super::Error;
use super::job::{Job, run_each};
use super::keep::{Keeper, kept_or};
use crate::backend::Endpoint;
use crate::backend::pool::PoolSpec;
use crate::client::AsIs;
use crate::client::app::AppReaction;
use crate::client::policy::Policy;
use crate::fault::FaultSpec;
use crate::fleet::FleetSpec;
use crate::metrics::tally::Reference;
use crate::scenario::policies::known;
use crate::scenario::{Act, ClientSpec, Scenario};
use crate::world::{Contender, Control, Plan, Stopped};
use std::ops::Range;
use std::sync::Arc;

/// Policy of the reference, for models that are no contenders by themselves. The others run as they are.
const POLICY: &str = "new";

/// The references of a plan's contenders.
pub struct References {
    /// The plans, of one contender each.
    pub plans: Vec<Plan>,
    /// The place of each contender's reference among `plans`.
    pub of: Vec<usize>,
}

/// The references of the contenders of a plan. `None` if no call can fail and no load is scripted: every run is then its own
/// reference.
pub fn plans(plan: &Plan) -> Option<References> {
    let scenario = &plan.scenario;
    let mut calm = without_triggers(scenario);
    calm.backend.limits.clear();
    let same = calm == *scenario;
    let times_out = Endpoint::ALL.into_iter().any(|e| scenario.backend.endpoint(e).timeout.is_some());
    let fails_by_itself = times_out || scenario.backend.all_pools().iter().any(PoolSpec::may_shed);
    let loses = |fleet: &FleetSpec| fleet.offline.is_some() || fleet.sleep.is_some();
    let offline = scenario.fleets().any(loses) || calm.actions.iter().any(|action| action.act == Act::Sleep);
    let revoked = !calm.faults.is_empty() || calm.actions.iter().any(|action| action.act == Act::Revoke);
    if same && !fails_by_itself && !offline && !revoked {
        return None;
    }
    // That of the scenario's own clients is made for the contenders that run them: the scenario may say of its users what only the
    // clients of its contenders can do.
    let own = of_clients(&calm, None);
    let families = own.families_of(0);
    let shares = |contender: &usize| plan.families_of(*contender) == families;
    let shared = (0..plan.contenders.len()).any(|contender| shares(&contender));
    let mut plans: Vec<Plan> = shared.then_some(own).into_iter().collect();
    let mut of = Vec::new();
    for (contender, compared) in plan.contenders.iter().enumerate() {
        if shares(&contender) {
            of.push(0);
        } else {
            of.push(plans.len());
            plans.push(of_clients(&calm, Some(&compared.parts)));
        }
    }
    Some(References { plans, of })
}

impl References {
    /// Runs the reference of each plan in one replication. Also gives the number of their events.
    ///
    /// # Errors
    /// If a guard or `control` stops a run.
    pub(super) fn run(&self, replication: u32, control: &Control) -> Result<(Vec<Reference>, u64), Stopped> {
        let (mut runs, mut events) = (Vec::new(), 0);
        for plan in &self.plans {
            let (reference, more) = Job { contender: 0, replication }.run_reference(plan, control)?;
            events += more;
            runs.push(reference);
        }
        Ok((runs, events))
    }
}

/// The scenario without what goes wrong and what sets it off: faults, apart from those that change the users, reactions of the app,
/// and actions of the same kind.
pub(super) fn without_triggers(scenario: &Scenario) -> Scenario {
    let mut calm = scenario.clone();
    calm.faults.retain(FaultSpec::strikes_sessions);
    calm.actions.retain(|action| matches!(action.act, Act::OpenTab | Act::Revoke | Act::Sleep | Act::Wake));
    for fleet in calm.fleets_mut().filter(|fleet| fleet.app_reaction_is_a_trigger()) {
        fleet.app_reaction = AppReaction::None;
    }
    calm
}

/// The reference of the users' clients; where compared policies are given, of the clients that these bring.
fn of_clients(calm: &Scenario, compared: Option<&[(Policy, f64)]>) -> Plan {
    let mut calm = calm.clone();
    let of_all = calm.client.clone();
    let of_compared = |client: &ClientSpec| match compared {
        Some(parts) => parts.iter().map(|(policy, share)| (calmed(policy, client), *share)).collect(),
        None => vec![(policy_of(client), 1.0)],
    };
    for cohort in &mut calm.cohorts {
        let client = cohort.client.as_ref().unwrap_or(&of_all);
        let is_policed = cohort.pinned.iter().all(|(policy, _)| policy.client.is_none());
        cohort.pinned = match (cohort.pinned.is_empty(), is_policed) {
            (true, _) => of_compared(client),
            (false, true) => vec![(policy_of(client), 1.0)],
            // A client that is pinned as it is stays as it is.
            (false, false) => {
                cohort.pinned.iter().map(|(policy, share)| (calmed(policy, client), *share)).collect()
            }
        };
    }
    let parts = of_compared(&of_all);
    Plan::new(calm, vec![Contender { name: "reference".to_owned(), parts, rollout: None }])
}

/// The policy of the reference for users who follow a policy.
fn calmed(policy: &Policy, client: &ClientSpec) -> Policy {
    match &policy.client {
        Some(AsIs::Profile(_)) => policy.clone(),
        Some(AsIs::Release(_)) => Policy { client: policy.client.clone(), ..of_releases() },
        None => policy_of(client),
    }
}

fn of_releases() -> Policy {
    known(POLICY).expect("the policy is a preset")
}

/// The policy of users of this client in the reference.
fn policy_of(client: &ClientSpec) -> Policy {
    let model = client.model().row();
    match &client.profile {
        Some(profile) => Policy::as_is(Arc::clone(profile)),
        None if model.is_contender => known(model.name).expect("the model is a token client"),
        None => of_releases(),
    }
}

/// The references of every replication.
#[derive(Default)]
pub struct Ran {
    /// By plan, then by replication. Empty where every run is its own reference.
    runs: Vec<Vec<Reference>>,
    of: Vec<usize>,
    /// Number of events.
    pub events: u64,
}

impl Ran {
    /// The reference of a contender in a replication.
    pub fn get(&self, contender: usize, replication: u32) -> Option<&Reference> {
        self.runs.get(*self.of.get(contender)?)?.get(replication as usize)
    }

    /// References of which no replication was run.
    pub fn none(references: &References) -> Ran {
        Ran { runs: vec![Vec::new(); references.plans.len()], of: references.of.clone(), events: 0 }
    }

    /// Runs the references of further replications, which follow those that were run, in order.
    ///
    /// # Errors
    /// If a guard or `control` stops a run, or the keeper of runs fails. Returns the first error in order.
    pub(super) fn extend(
        &mut self,
        references: &References,
        replications: Range<u32>,
        (keeper, number): (Option<&dyn Keeper>, &(dyn Fn(u32, usize) -> u64 + Sync)),
        control: &Control,
    ) -> Result<(), Error> {
        for (place, (plan, ran)) in references.plans.iter().zip(&mut self.runs).enumerate() {
            let replications: Vec<u32> = replications.clone().collect();
            let runs = run_each(plan, &replications, |replication| {
                let job = Job { contender: 0, replication: *replication };
                kept_or(keeper, number(*replication, place), || job.run_reference(plan, control))
            })?;
            self.events += runs.iter().map(|(_, events)| events).sum::<u64>();
            ran.extend(runs.into_iter().map(|(reference, _)| reference));
        }
        Ok(())
    }
}
