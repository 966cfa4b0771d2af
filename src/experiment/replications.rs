//! Replications that are run apart, on one machine or on several, and put together again.

use super::gather::Gathering;
use super::job::{Job, Summary};
use super::reference::{self, References};
use super::{Error, Study};
use crate::results::Results;
use crate::world::{Control, Plan};
use serde::{Deserialize, Serialize};

/// What results store of one replication of every policy. Its JSON reads back to the same value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// Events of the reference runs.
    pub(super) reference_events: u64,
    /// The run of each policy, in their order.
    pub(super) runs: Vec<Summary>,
}

/// Runs single replications of a study.
///
/// ```
/// use authstorm::experiment::replications::Replicator;
/// use authstorm::{Control, Study};
///
/// let mut study = Study::load("scenarios/healthy.toml")?;
/// study.replications(2)?;
/// let replicator = Replicator::new(&study);
/// let control = Control::default();
/// // In any order, and on any machine.
/// let second = replicator.run(1, &control)?;
/// let first = replicator.run(0, &control)?;
/// assert_eq!(replicator.results(vec![first, second]), study.run()?);
/// # Ok::<(), authstorm::Error>(())
/// ```
pub struct Replicator<'a> {
    study: &'a Study,
    plan: Plan,
    references: Option<References>,
}

impl<'a> Replicator<'a> {
    /// Makes the scenario ready to run.
    pub fn new(study: &'a Study) -> Replicator<'a> {
        let plan = study.plan();
        let references = reference::plans(&plan);
        Replicator { study, plan, references }
    }

    /// Runs every policy in the replication of this number, from 0.
    ///
    /// # Errors
    /// If a guard or `control` stops a run.
    pub fn run(&self, replication: u32, control: &Control) -> Result<Replication, Error> {
        let references = self.references.as_ref();
        let ran = references.map(|all| all.run(replication, control)).transpose()?;
        let (ran, reference_events) = ran.unwrap_or_default();
        let of = |contender: usize| ran.get(*references?.of.get(contender)?);
        let keep = self.study.kept_sessions();
        let run =
            |contender: usize| Job { contender, replication }.run(&self.plan, of(contender), keep, control);
        let runs = (0..self.plan.contenders.len()).map(run).collect::<Result<Vec<Summary>, _>>()?;
        Ok(Replication { reference_events, runs })
    }

    /// As [`Replicator::run`], as a line of a journal.
    ///
    /// # Errors
    /// As [`Replicator::run`].
    pub fn row(&self, replication: u32, control: &Control) -> Result<String, Error> {
        let replication = self.run(replication, control)?;
        Ok(serde_json::to_string(&replication).expect("texts, numbers and maps are JSON"))
    }

    /// The results of the study, from every replication in order: those of [`Study::run`].
    pub fn results(&self, replications: Vec<Replication>) -> Results {
        let mut gathering = Gathering::begin(self.study);
        replications.into_iter().for_each(|replication| gathering.take(replication));
        gathering.results(self.study)
    }
}
