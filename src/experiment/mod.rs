//! Runs of a scenario under several policies and replications, and what comes out of them.

pub mod baseline;
pub mod cost;
pub mod demand;
pub mod determinism;
mod error;
pub mod estimate;
pub mod find;
mod gather;
mod groups;
mod job;
mod judge;
mod keep;
pub mod map;
mod observe;
pub mod precision;
pub mod rank;
pub mod reference;
pub mod replications;
pub mod rollout;
pub mod seeds;
pub mod sweep;
pub mod ties;
pub mod vary;
pub mod verdict;
mod windows;

use crate::results::provenance::hashes_of;
use crate::results::{Provenance, Results};
use crate::scenario::expect::{Expectation, Quantity};
use crate::scenario::load::{Loaded, load_extended, load_text, load_text_extended, load_with};
use crate::scenario::{Extensions, ResolvedPolicy, Settings};
use crate::world::{Contender, Control, Plan};
use gather::Gathering;
use std::path::Path;
use std::sync::Arc;

pub use error::Error;
pub use job::{WORST_SESSIONS, worst_session};
pub use keep::Keeper;

pub use crate::stats::CONFIDENCE;

/// The version that runs.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A scenario about to be run: load it, change what should differ, run it.
///
/// ```
/// # use authstorm::Study;
/// let mut study = Study::load("scenarios/touch-429-cascade.toml")?;
/// study.replications(2)?;
/// let results = study.run()?;
/// for policy in results.policies.iter().filter(|p| p.name != "old") {
///     assert_eq!(policy.metric("recursive_unauthenticated_events").mean, 0.0, "{}", policy.name);
/// }
/// # Ok::<(), authstorm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Study {
    loaded: Loaded,
    /// All policies of the scenario. `loaded` contains those to run.
    all_policies: Vec<ResolvedPolicy>,
    all_sessions: bool,
    /// Earlier results, for the expectations that name a baseline.
    baseline: Option<Arc<Results>>,
}

impl Study {
    /// Loads a scenario file.
    ///
    /// # Errors
    /// If the file cannot be read or is not a valid scenario.
    pub fn load(path: impl AsRef<Path>) -> Result<Study, Error> {
        Study::load_with(path, &[])
    }

    /// Loads a scenario file and overrides keys. An override has the form `key.of.table=value`.
    ///
    /// # Errors
    /// As [`Study::load`], and if an override names a key that the format does not know.
    pub fn load_with(path: impl AsRef<Path>, overrides: &[String]) -> Result<Study, Error> {
        Study::load_set(path, &Settings::from(overrides))
    }

    /// Loads a scenario file and applies settings.
    ///
    /// # Errors
    /// As [`Study::load_with`].
    pub fn load_set(path: impl AsRef<Path>, settings: &Settings) -> Result<Study, Error> {
        Ok(Study::new(load_with(path.as_ref(), settings)?))
    }

    /// Loads a scenario file for a program with clients or limiters of its own, and applies settings.
    ///
    /// # Errors
    /// As [`Study::load_with`], and if the scenario names a client or a limiter that the program does not have.
    pub fn load_extended(
        path: impl AsRef<Path>,
        settings: &Settings,
        own: &Extensions,
    ) -> Result<Study, Error> {
        Ok(Study::new(load_extended(path.as_ref(), settings, own)?))
    }

    /// Parses a scenario from text for a program with clients or limiters of its own.
    ///
    /// # Errors
    /// As [`Study::load_extended`].
    pub fn parse_extended(name: &str, text: &str, own: &Extensions) -> Result<Study, Error> {
        Ok(Study::new(load_text_extended(name, text, own)?))
    }

    /// Parses a scenario from text. Errors show `name` as the file name.
    ///
    /// # Errors
    /// If the text is not a valid scenario.
    pub fn parse(name: &str, text: &str) -> Result<Study, Error> {
        Ok(Study::new(load_text(name, text, &[])?))
    }

    /// A study of a loaded scenario whose fields the caller may have changed. A changed scenario must pass the checks
    /// of a file. Results then store its current text, including its policies.
    ///
    /// # Errors
    /// If the changed scenario is not valid: an empty bucket, an expectation on a policy that is not run, a preset's
    /// name for another policy, or any other error that a file can have.
    pub fn of(loaded: Loaded) -> Result<Study, Error> {
        Ok(Study::new(loaded.checked()?))
    }

    fn new(loaded: Loaded) -> Study {
        Study { all_policies: loaded.policies.clone(), loaded, all_sessions: false, baseline: None }
    }

    /// The scenario.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Hash of the whole scenario, even if only some of its policies are run. See [`Loaded::hash`].
    pub fn hash(&self) -> String {
        crate::scenario::hash(&self.loaded.scenario, &self.all_policies)
    }

    /// Overrides the scenario's seed, as if the file contained it.
    ///
    /// # Errors
    /// If the value is not allowed in a scenario.
    pub fn seed(&mut self, seed: u64) -> Result<&mut Study, Error> {
        self.loaded.change(Some(seed), None)?;
        Ok(self)
    }

    /// Overrides the scenario's number of replications, as if the file contained it.
    ///
    /// # Errors
    /// If the value is not allowed in a scenario.
    pub fn replications(&mut self, replications: u32) -> Result<&mut Study, Error> {
        self.loaded.change(None, Some(replications))?;
        Ok(self)
    }

    /// Whether results store every session instead of the worst ones only.
    pub fn all_sessions(&mut self, all: bool) -> &mut Study {
        self.all_sessions = all;
        self
    }

    /// The most sessions of a run that results store.
    fn kept_sessions(&self) -> usize {
        if self.all_sessions { usize::MAX } else { WORST_SESSIONS }
    }

    /// Selects the policies to run, in this order. Expectations on the other policies get the verdict not-judged.
    ///
    /// # Errors
    /// If a name is not in the scenario or occurs twice, or if `names` is empty.
    pub fn only_policies(&mut self, names: &[String]) -> Result<&mut Study, Error> {
        if names.is_empty() {
            return Err(Error::Choice { twice: None });
        }
        let mut policies = Vec::new();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(Error::Choice { twice: Some(name.clone()) });
            }
            match self.loaded.policies.iter().find(|p| p.name == *name) {
                Some(policy) => policies.push(policy.clone()),
                None => {
                    let known = self.loaded.policies.iter().map(|p| p.name.clone()).collect();
                    return Err(Error::NoSuchPolicy { name: name.clone(), known });
                }
            }
        }
        self.loaded.policies = policies;
        Ok(self)
    }

    /// Where the results of this study come from: known before it is run.
    pub fn provenance(&self) -> Provenance {
        Provenance {
            version: VERSION.to_owned(),
            scenario: self.loaded.scenario.name.clone(),
            scenario_hash: self.hash(),
            seed: self.loaded.scenario.seed,
            replications: self.loaded.scenario.replications,
            precision: None,
            policies: self.loaded.policies.iter().map(|policy| policy.name.clone()).collect(),
            all_sessions: self.all_sessions,
            scenario_text: self.loaded.portable_text(),
            policy_files: hashes_of(&self.loaded.policy_files()),
        }
    }

    /// The scenario made ready to run.
    pub fn plan(&self) -> Plan {
        let contenders = self
            .loaded
            .policies
            .iter()
            .map(|p| Contender { name: p.name.clone(), parts: p.parts.clone(), rollout: p.rollout })
            .collect();
        Plan::new(self.loaded.scenario.clone(), contenders)
    }

    /// The quantities that the expectations name.
    fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        self.loaded.expectations.iter().flat_map(Expectation::quantities)
    }

    /// Runs every policy in every replication on all cores.
    ///
    /// # Errors
    /// If a guard stops a run. Returns the first such run in the order of policies and replications.
    pub fn run(&self) -> Result<Results, Error> {
        self.run_under(&Control::default())
    }

    /// Like [`Study::run`]; `control` reports progress and can stop the runs.
    ///
    /// # Errors
    /// As [`Study::run`], and if `control` stops it.
    pub fn run_under(&self, control: &Control) -> Result<Results, Error> {
        let mut gathering = Gathering::begin(self);
        gathering.extend(self.loaded.scenario.replications, None, control)?;
        Ok(gathering.results(self))
    }
}
