//! Runs of a scenario under several policies and replications, and what comes out of them.

pub mod determinism;
pub mod estimate;
mod job;
pub mod results;
pub mod ties;

use crate::scenario::expect::judge;
use crate::scenario::load::{Loaded, load, load_text};
use crate::scenario::text::quote;
use crate::scenario::{ClientModel, ScenarioErrors};
use crate::stats::mean_ci;
use crate::world::{Contender, Control, Plan, Stopped};
use job::{Job, Summary};
use rayon::prelude::*;
use results::{FaultWindow, MetricValues, PolicyResults, Results, SessionRow};
use std::fmt;
use std::path::Path;

pub use job::{WORST_SESSIONS, worst_session};

/// Confidence of every interval in a result.
pub const CONFIDENCE: f64 = 0.95;

/// A scenario about to be run: load it, change what should differ, run it.
///
/// ```
/// use authstorm::Study;
///
/// let mut study = Study::load("scenarios/touch-429-cascade.toml")?;
/// study.replications(2);
/// let results = study.run()?;
/// for policy in results.policies.iter().filter(|p| p.name != "old") {
///     assert_eq!(policy.metric("recursive_unauthenticated_events").mean, 0.0, "{}", policy.name);
/// }
/// # Ok::<(), authstorm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Study {
    loaded: Loaded,
    all_sessions: bool,
}

/// Why a study has no results.
#[derive(Debug)]
pub enum Error {
    /// The scenario is not well-formed.
    Scenario(ScenarioErrors),
    /// There is no policy of this name in the scenario.
    NoSuchPolicy {
        /// The name.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// A guard stopped a run.
    Stopped(Stopped),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Scenario(errors) => errors.fmt(f),
            Error::NoSuchPolicy { name, known } => {
                let name = quote(name);
                write!(f, "the scenario lists no policy {name}; allowed: {}", known.join(", "))
            }
            Error::Stopped(stopped) => stopped.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<ScenarioErrors> for Error {
    fn from(errors: ScenarioErrors) -> Error {
        Error::Scenario(errors)
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Error {
        Error::Stopped(stopped)
    }
}

impl Study {
    /// Loads a scenario file.
    ///
    /// # Errors
    /// When it cannot be read or is not a well-formed scenario.
    pub fn load(path: impl AsRef<Path>) -> Result<Study, Error> {
        Study::load_with(path, &[])
    }

    /// Loads a scenario file and overrides some of its keys, each written `key.of.table=value`.
    ///
    /// # Errors
    /// As [`Study::load`], and when an override names a key that the format does not know.
    pub fn load_with(path: impl AsRef<Path>, overrides: &[String]) -> Result<Study, Error> {
        Ok(Study::of(load(path.as_ref(), overrides)?))
    }

    /// Takes a scenario from text; `name` stands for the file in errors.
    ///
    /// # Errors
    /// When it is not a well-formed scenario.
    pub fn parse(name: &str, text: &str) -> Result<Study, Error> {
        Ok(Study::of(load_text(name, text, &[])?))
    }

    /// A loaded scenario.
    pub fn of(loaded: Loaded) -> Study {
        Study { loaded, all_sessions: false }
    }

    /// The scenario.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Uses this seed instead of the scenario's.
    pub fn seed(&mut self, seed: u64) -> &mut Study {
        self.loaded.scenario.seed = seed;
        self
    }

    /// Runs so many replications instead of the scenario's.
    pub fn replications(&mut self, replications: u32) -> &mut Study {
        self.loaded.scenario.replications = replications.max(1);
        self
    }

    /// Keeps every session in the results, not only the worst.
    pub fn all_sessions(&mut self, all: bool) -> &mut Study {
        self.all_sessions = all;
        self
    }

    /// Runs only these of the scenario's policies, in this order. Expectations on the others are left out.
    ///
    /// # Errors
    /// When the scenario does not list one of them.
    pub fn only_policies(&mut self, names: &[String]) -> Result<&mut Study, Error> {
        let mut policies = Vec::new();
        for name in names {
            match self.loaded.policies.iter().find(|p| p.name == *name) {
                Some(policy) => policies.push(policy.clone()),
                None => {
                    let known = self.loaded.policies.iter().map(|p| p.name.clone()).collect();
                    return Err(Error::NoSuchPolicy { name: name.clone(), known });
                }
            }
        }
        self.loaded.policies = policies;
        self.loaded.expectations.retain(|e| names.contains(&e.policy));
        Ok(self)
    }

    /// The scenario made ready to run.
    pub fn plan(&self) -> Plan {
        let contenders = self
            .loaded
            .policies
            .iter()
            .map(|p| Contender { name: p.name.clone(), parts: p.parts.clone() })
            .collect();
        Plan::new(self.loaded.scenario.clone(), contenders)
    }

    /// Runs every policy in every replication, on all cores.
    ///
    /// # Errors
    /// When a guard stops a run: the first such run in the order of policies and replications.
    pub fn run(&self) -> Result<Results, Error> {
        self.run_under(&Control::default())
    }

    /// The same, watched and stopped from outside.
    ///
    /// # Errors
    /// As [`Study::run`], and when `control` stops it.
    pub fn run_under(&self, control: &Control) -> Result<Results, Error> {
        let plan = self.plan();
        let replications = plan.scenario.replications;
        let keep = if self.all_sessions { usize::MAX } else { WORST_SESSIONS };
        let jobs: Vec<Job> = (0..plan.contenders.len())
            .flat_map(|contender| (0..replications).map(move |replication| Job { contender, replication }))
            .collect();
        // Collected in the order of the jobs, whatever the order in which they end.
        let run = |job: &Job| job.run(&plan, keep, control);
        let parts = plan.parts().len() as u32;
        // Runs of many parts come one after another, and their parts side by side: that takes less memory. Whole runs go
        // one to a thread, so that none is left with several while another has none.
        let summaries: Vec<_> = if parts > 1 {
            jobs.iter().map(run).collect()
        } else {
            jobs.par_iter().with_max_len(1).map(run).collect()
        };
        let mut summaries = summaries.into_iter().collect::<Result<Vec<Summary>, Stopped>>()?.into_iter();
        let mut policies = Vec::new();
        let (mut events, mut fingerprints) = (0, Vec::new());
        for contender in &plan.contenders {
            let of_policy: Vec<Summary> = summaries.by_ref().take(replications as usize).collect();
            for summary in &of_policy {
                events += summary.events;
                fingerprints.push(summary.fingerprint);
            }
            policies.push(policy_results(&contender.name, of_policy, keep));
        }
        let expectations = self
            .loaded
            .expectations
            .iter()
            .map(|expectation| {
                let policy = policies
                    .iter()
                    .find(|p| p.name == expectation.policy)
                    .expect("expectations on other policies are left out");
                judge(expectation, &policy.metrics[expectation.metric].values)
            })
            .collect();
        let scenario = &plan.scenario;
        Ok(Results {
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            client_model: model_name(scenario.client.model).to_owned(),
            scenario_hash: self.loaded.hash.clone(),
            seed: scenario.seed,
            replications,
            horizon: scenario.horizon,
            users: scenario.fleet.users,
            faults: windows(&plan),
            policies,
            expectations,
            events,
            fingerprint: job::chain(fingerprints),
            parts,
        })
    }
}

/// A client model's name in scenarios.
pub fn model_name(model: ClientModel) -> &'static str {
    match model {
        ClientModel::Documented => "documented",
        ClientModel::ClerkJs5_125_3 => "clerk-js-5.125.3",
        ClientModel::ClerkJs6_0_0 => "clerk-js-6.0.0",
        ClientModel::ClerkJs6_1_0 => "clerk-js-6.1.0",
        ClientModel::ClerkJs6_3_3 => "clerk-js-6.3.3",
    }
}

fn policy_results(name: &str, summaries: Vec<Summary>, keep: usize) -> PolicyResults {
    let metrics = crate::metrics::METRICS
        .iter()
        .enumerate()
        .map(|(i, def)| {
            let values: Vec<f64> = summaries.iter().map(|s| s.values[i]).collect();
            let estimate = mean_ci(&values, CONFIDENCE);
            MetricValues {
                def: *def,
                values,
                mean: estimate.mean,
                ci_low: estimate.ci_low,
                ci_high: estimate.ci_high,
            }
        })
        .collect();
    let mut distribution = std::collections::BTreeMap::<u32, u64>::new();
    let mut sessions: Vec<SessionRow> = Vec::new();
    let mut timelines = Vec::new();
    for summary in summaries {
        for (entries, count) in summary.distribution {
            *distribution.entry(entries).or_default() += count;
        }
        sessions.extend(summary.sessions);
        timelines.push(summary.timeline);
    }
    sessions.sort_by_key(job::rank);
    sessions.truncate(keep);
    PolicyResults {
        name: name.to_owned(),
        metrics,
        timelines,
        sessions,
        entries_distribution: distribution.into_iter().collect(),
    }
}

/// Fault windows for charts, cut at the horizon; a revocation is an instant.
fn windows(plan: &Plan) -> Vec<FaultWindow> {
    let specs = plan.scenario.faults.iter();
    specs
        .filter(|spec| spec.from < plan.scenario.horizon)
        .map(|spec| {
            let name = if spec.name.is_empty() { spec.in_words() } else { spec.name.clone() };
            let to = spec.to.unwrap_or(plan.scenario.horizon).min(plan.scenario.horizon);
            let to = if spec.kind == crate::fault::FaultKind::Revocation { spec.from } else { to };
            FaultWindow { name, from: spec.from, to }
        })
        .collect()
}
