//! Runs replications, a few more at a time, and reduces all of them to results.

use super::job::{self, Job, Summary};
use super::judge::judge_all;
use super::keep::{Keeper, kept_or};
use super::observe::{Observed, named, observe, warm_ups};
use super::reference::{self, Ran, References};
use super::replications::Replication;
use super::verdict::{self, not_exercised};
use super::{Error, Study, demand, groups, windows};
use crate::metrics::latency::Latencies;
use crate::metrics::{Exercise, metrics_of};
use crate::results::{Answers, Engine, MetricValues, PolicyResults, Results, Servers, SessionRow};
use crate::scenario::expect::Quantity;
use crate::world::{Control, Plan};

/// The replications that were run so far. What they come to does not depend on how many were run at a time.
pub(super) struct Gathering {
    plan: Plan,
    references: Option<References>,
    ran: Ran,
    /// The runs of each contender, in the order of replications.
    runs: Vec<Vec<Summary>>,
    /// Worst sessions to keep of each run.
    keep: usize,
    replications: u32,
}

impl Gathering {
    /// No replication of a study.
    pub(super) fn begin(study: &Study) -> Gathering {
        let plan = study.plan();
        let references = reference::plans(&plan);
        Gathering {
            ran: references.as_ref().map(Ran::none).unwrap_or_default(),
            references,
            runs: plan.contenders.iter().map(|_| Vec::new()).collect(),
            keep: study.kept_sessions(),
            plan,
            replications: 0,
        }
    }

    /// Runs further replications, up to this number of them in all.
    ///
    /// # Errors
    /// If a guard or `control` stops a run, or the keeper fails. Returns the first error in the order of policies and
    /// replications.
    pub(super) fn extend(
        &mut self,
        replications: u32,
        keeper: Option<&dyn Keeper>,
        control: &Control,
    ) -> Result<(), Error> {
        let more = self.replications..replications;
        // The runs of a replication follow each other: the references, then the contenders.
        let references = self.references.as_ref().map_or(0, |references| references.plans.len());
        let each = (references + self.runs.len()) as u64;
        let number = |replication: u32, place: usize| u64::from(replication) * each + place as u64;
        if let Some(references) = &self.references {
            self.ran.extend(references, more.clone(), (keeper, &number), control)?;
        }
        let jobs: Vec<Job> = (0..self.runs.len())
            .flat_map(|contender| more.clone().map(move |replication| Job { contender, replication }))
            .collect();
        let (plan, ran, keep) = (&self.plan, &self.ran, self.keep);
        let ended = job::run_each(plan, &jobs, |job| {
            let reference = ran.get(job.contender, job.replication);
            kept_or(keeper, number(job.replication, references + job.contender), || {
                job.run(plan, reference, keep, control)
            })
        });
        let mut summaries = ended?.into_iter();
        for runs in &mut self.runs {
            runs.extend(summaries.by_ref().take(more.len()));
        }
        self.replications = replications;
        Ok(())
    }

    /// Takes the next replication, which was run apart.
    pub(super) fn take(&mut self, replication: Replication) {
        self.ran.events += replication.reference_events;
        for (runs, summary) in self.runs.iter_mut().zip(replication.runs) {
            runs.push(summary);
        }
        self.replications += 1;
    }

    /// Number of replications that were run.
    pub(super) fn replications(&self) -> u32 {
        self.replications
    }

    /// The plan of the runs.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The runs of each contender, in the order of replications.
    pub(super) fn runs(&self) -> &[Vec<Summary>] {
        &self.runs
    }

    /// Events of all runs, reference runs included.
    pub(super) fn events(&self) -> u64 {
        self.ran.events + self.runs.iter().flatten().map(|summary| summary.events).sum::<u64>()
    }

    /// What the runs show of some quantities.
    pub(super) fn observe(&self, quantities: &[&Quantity]) -> Vec<Observed> {
        let of = |(contender, runs): (usize, &Vec<Summary>)| {
            observe(&self.plan, contender, runs, quantities.iter().copied())
        };
        self.runs.iter().enumerate().flat_map(of).collect()
    }

    /// The results of a study with as many replications as were run.
    pub(super) fn results(self, study: &Study) -> Results {
        let Gathering { ran, runs, keep, replications, .. } = self;
        let plan = study.plan();
        let parts = plan.parts().len() as u32;
        let mut policies = Vec::new();
        let (mut events, mut fingerprints) = (ran.events, Vec::new());
        let mut observed: Vec<Observed> = Vec::new();
        for (contender, mut of_policy) in runs.into_iter().enumerate() {
            for summary in &of_policy {
                events += summary.events;
                fingerprints.push(summary.fingerprint);
            }
            let seen = observe(&plan, contender, &of_policy, study.quantities());
            let exercised: Vec<Exercise> =
                of_policy.iter_mut().map(|summary| std::mem::take(&mut summary.exercise)).collect();
            policies.push(PolicyResults {
                named: named(&seen),
                ..policy_results(&plan, contender, of_policy, &exercised, keep)
            });
            observed.extend(seen);
        }
        let warm_up = warm_ups(&observed, &plan);
        observed.extend(study.recorded());
        let expectations = judge_all(&study.loaded.expectations, &plan, &observed);
        let scenario = &plan.scenario;
        Results {
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            client_model: match scenario.users() {
                0 => "generic clients".to_owned(),
                _ => scenario.clients_in_words(),
            },
            version: super::VERSION.to_owned(),
            scenario_hash: study.hash(),
            seed: scenario.seed,
            replications,
            horizon: scenario.horizon,
            users: scenario.users(),
            bucket: Some(scenario.bucket).filter(|_| !policies.is_empty()),
            faults: windows::of(&plan),
            policies,
            expectations,
            precision: None,
            warm_up,
            engine: Engine { events, fingerprint: job::chain(fingerprints), parts },
            all_sessions: study.all_sessions,
            scenario_text: study.loaded.portable_text(),
            policy_files: study.loaded.policy_files(),
            stories: Vec::new(),
            gaps: Vec::new(),
        }
    }
}

fn policy_results(
    plan: &Plan,
    contender: usize,
    summaries: Vec<Summary>,
    exercises: &[Exercise],
    keep: usize,
) -> PolicyResults {
    let demand = demand::mean(&summaries.iter().map(|s| s.demand.as_slice()).collect::<Vec<_>>());
    let metrics = metrics_of(plan.families)
        .iter()
        .enumerate()
        .map(|(i, def)| {
            let values: Vec<f64> = summaries.iter().map(|s| s.values[i]).collect();
            let exercised = Some(verdict::exercised(exercises, plan, contender, def));
            MetricValues { exercised, ..MetricValues::of(def, values) }
        })
        .collect();
    let groups = groups::results(plan, contender, &summaries);
    let mut distribution = std::collections::BTreeMap::<u32, u64>::new();
    let mut sessions: Vec<SessionRow> = Vec::new();
    let mut timelines = Vec::new();
    let mut latencies = Latencies::default();
    let mut servers = Vec::new();
    for summary in summaries {
        for (entries, count) in summary.distribution {
            *distribution.entry(entries).or_default() += count;
        }
        sessions.extend(summary.sessions);
        latencies.add(&summary.latencies);
        servers.push(summary.servers);
        timelines.push(summary.timeline);
    }
    sessions.sort_by_key(|row| row.rank(job::flow_of(plan)));
    sessions.truncate(keep);
    PolicyResults {
        name: plan.contenders[contender].name.clone(),
        unrecorded: plan.unrecorded(contender),
        groups,
        metrics,
        demand,
        answers: Answers::all(&latencies),
        limits: demand::limit_uses(plan, exercises),
        servers: Servers::all(&plan.backend.pools, plan.scenario.horizon, &servers),
        named: Vec::new(),
        not_exercised: not_exercised(plan, exercises),
        timelines,
        sessions,
        entries_distribution: distribution.into_iter().collect(),
    }
}
