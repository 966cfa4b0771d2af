//! A search on several machines, in rounds.
//!
//! What a search runs next hangs on what earlier runs showed, but the outcome of a trial hangs on its value and its replication
//! alone. So each shard goes through the search by itself. It runs the trials of its own replications, takes those that earlier
//! rounds have run, and guesses the others. A wrong guess costs runs, never the answer: whoever puts the rounds together goes
//! through the search with outcomes of real runs only, and asks for a further round where one is missing.
//!
//! A shard guesses that a run is monotone where an outcome of the same run at another value is known. Otherwise it guesses blindly:
//! a run that explores does what the shard's own run beside it did, and a run that confirms shows what is to be confirmed. Where a stage
//! ends after a blind guess, the next one would rest on that guess, so the shard ends there. It then runs its share of half as many
//! runs again at the value that is to be confirmed, since a failure among the runs of others makes the search look at more.
//!
//! Each round runs at least the first trials that are missing, so the rounds come to an end.

use super::Ran;
use super::finder::{Finder, Keeper, Plans};
use super::search::{Asked, Stage, Trial, search};
use crate::results::Shard;
use std::collections::BTreeMap;

/// Outcomes of runs, of any round and shard.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// By the number of the run, then by step.
    runs: BTreeMap<u32, BTreeMap<u64, Ran>>,
}

impl Known {
    /// Adds a run.
    pub fn add(&mut self, ran: Ran) {
        self.runs.entry(ran.replication).or_default().insert(ran.step, ran);
    }

    /// The run of a trial.
    pub fn get(&self, trial: Trial) -> Option<&Ran> {
        self.runs.get(&trial.run)?.get(&trial.step)
    }

    /// Number of runs.
    pub fn count(&self) -> u64 {
        self.runs.values().map(|steps| steps.len() as u64).sum()
    }

    /// Whether the trial meets the target if its run is monotone.
    fn implies(&self, trial: Trial) -> Option<bool> {
        let steps = self.runs.get(&trial.run)?;
        let meets = steps.range(..=trial.step).any(|(_, ran)| ran.passes);
        let fails = steps.range(trial.step..).any(|(_, ran)| !ran.passes);
        (meets != fails).then_some(meets)
    }
}

/// Why a shard ends.
enum End<E> {
    /// What comes next rests on a blind guess.
    Guessed,
    /// It failed.
    Failed(E),
}

/// A shard on its way through the search.
struct Way<'a, 'f, K> {
    finder: &'a Finder<'f>,
    shard: Shard,
    keeper: &'a K,
    /// What is known: of earlier rounds, and of this shard.
    known: Known,
    ran: Vec<Ran>,
    plans: BTreeMap<u64, Plans>,
    /// What the trials of the last time were for, and at which step if one step is to be confirmed.
    last: Option<(Stage, Option<u64>)>,
    /// The number after that of the last run, and the runs of the stage or attempt so far.
    next: (u32, u64),
    guessed: bool,
}

impl<K: Keeper> Way<'_, '_, K> {
    fn is_own(&self, trial: &Trial) -> bool {
        self.shard.has(trial.run.into())
    }

    fn asked(&mut self, asked: &Asked<'_>) -> Result<Vec<bool>, End<K::Error>> {
        let confirms = matches!(asked.stage, Stage::Enough | Stage::NotEnough);
        let attempt = (asked.stage, asked.trials.first().filter(|_| confirms).map(|trial| trial.step));
        if self.guessed && self.last.is_some_and(|last| last != attempt) {
            return Err(End::Guessed);
        }
        self.last = Some(attempt);
        self.keeper.begins(asked);
        self.run(asked, asked.trials).map_err(End::Failed)?;
        let after = asked.trials.last().map_or(0, |trial| trial.run + 1);
        self.next = (self.next.0.max(after), asked.done + asked.trials.len() as u64);
        Ok(asked.trials.iter().map(|trial| self.outcome(asked.stage, *trial)).collect())
    }

    /// Runs those of the trials that are this shard's and not known.
    fn run(&mut self, asked: &Asked<'_>, trials: &[Trial]) -> Result<(), K::Error> {
        let own: Vec<Trial> = trials
            .iter()
            .filter(|trial| self.is_own(trial) && self.known.get(**trial).is_none())
            .copied()
            .collect();
        let asked = Asked { trials: &own, ..*asked };
        let ended = self.finder.run_all(&asked, self.ran.len() as u64, &mut self.plans, self.keeper)?;
        for ran in ended {
            self.known.add(ran);
            self.ran.push(ran);
        }
        Ok(())
    }

    fn outcome(&mut self, stage: Stage, trial: Trial) -> bool {
        if let Some(ran) = self.known.get(trial) {
            return ran.passes;
        }
        if let Some(passes) = self.known.implies(trial) {
            return passes;
        }
        self.guessed = true;
        match stage {
            Stage::Explore => {
                let of = u32::try_from(self.shard.of).unwrap_or(u32::MAX);
                let own = (self.shard.number - 1) as u32;
                let beside = Trial { run: trial.run - trial.run % of + own, ..trial };
                self.known.get(beside).map(|ran| ran.passes).or(self.known.implies(beside)).unwrap_or(true)
            }
            Stage::Enough | Stage::Beyond => true,
            Stage::NotEnough => false,
        }
    }

    /// Runs the share of half as many runs again as the attempt had.
    fn further(&mut self) -> Result<(), K::Error> {
        let Some((stage, Some(step))) = self.last else { return Ok(()) };
        let (next, done) = self.next;
        let more = u32::try_from((done / 2).max(LEAST_FURTHER)).unwrap_or(u32::MAX);
        let trials: Vec<Trial> = (next..next.saturating_add(more)).map(|run| Trial { step, run }).collect();
        self.run(&Asked { stage, done, most: done + u64::from(more), trials: &trials }, &trials)
    }
}

/// A shard runs its share of at least so many runs again. Rounds are dearer than runs.
const LEAST_FURTHER: u64 = 64;

/// A trial that is not known.
struct Lacking;

impl Finder<'_> {
    /// Whether the search needs a run that is not known.
    ///
    /// # Panics
    /// If the share or the confidence is not strictly between 0 and 1.
    pub fn lacks(&self, known: &Known) -> bool {
        let outcome = |trial: &Trial| known.get(*trial).map(|ran| ran.passes).ok_or(Lacking);
        search(&self.goal(), &mut |asked: &Asked<'_>| asked.trials.iter().map(outcome).collect()).is_err()
    }

    /// Does the share of a shard of the next round, on all cores: the runs that it makes, in their order. They depend on what
    /// earlier rounds know and on the shard, not on the number of cores.
    ///
    /// # Errors
    /// As [`Finder::find`].
    ///
    /// # Panics
    /// If the share or the confidence is not strictly between 0 and 1.
    pub fn share<K: Keeper>(&self, known: Known, shard: Shard, keeper: &K) -> Result<Vec<Ran>, K::Error> {
        let mut way = Way {
            finder: self,
            shard,
            keeper,
            known,
            ran: Vec::new(),
            plans: BTreeMap::new(),
            last: None,
            next: (0, 0),
            guessed: false,
        };
        match search(&self.goal(), &mut |asked: &Asked<'_>| way.asked(asked)) {
            Err(End::Failed(error)) => return Err(error),
            Err(End::Guessed) => way.further()?,
            Ok(_) => {}
        }
        Ok(way.ran)
    }
}
