//! The runs of a search: which are made, and which are kept from an interrupted search.

use super::super::job::Job;
use super::super::judge::{Sides, sides};
use super::super::observe::observe;
use super::super::reference::{self, References};
use super::super::vary::BadVary;
use super::super::{Error, Study};
use super::search::{Asked, EXPLORED, EXPLORED_FINELY, Goal, Stage, Trial, search};
use super::{Found, Question};
use crate::metrics::Number;
use crate::parallel;
use crate::scenario::WarmUp;
use crate::scenario::expect::{Expectation, What, read_target};
use crate::text::tick;
use crate::world::{Control, Plan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A run that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ran {
    /// What it was run for.
    pub stage: Stage,
    /// The step of the key's value, from 0: steps ascend towards values that meet the target.
    pub step: u64,
    /// Number of the replication, from 0: equal numbers have equal random numbers at every value.
    pub replication: u32,
    /// Whether it meets the target.
    pub passes: bool,
    /// Whether something in the run could have broken the target.
    pub exercised: bool,
    /// Its events, those of its reference runs included.
    pub events: u64,
}

/// Keeps the runs of a search that have ended, so that a search that was interrupted continues.
pub trait Keeper: Sync {
    /// Why a search ends without an answer.
    type Error: From<Error> + Send;

    /// Receives the trials that come next.
    fn begins(&self, asked: &Asked<'_>);

    /// The run of a trial, if it is kept. Trials are numbered from 0 in the order of the search.
    ///
    /// # Errors
    /// If it cannot be read.
    fn kept(&self, number: u64, trial: Trial) -> Result<Option<Ran>, Self::Error>;

    /// Keeps a run. Runs end in any order.
    ///
    /// # Errors
    /// If it cannot be written.
    fn keep(&self, number: u64, ran: &Ran) -> Result<(), Self::Error>;
}

/// Keeps nothing.
pub(in super::super) struct Forgetful;

impl Keeper for Forgetful {
    type Error = Error;

    fn begins(&self, _: &Asked<'_>) {}

    fn kept(&self, _: u64, _: Trial) -> Result<Option<Ran>, Error> {
        Ok(None)
    }

    fn keep(&self, _: u64, _: &Ran) -> Result<(), Error> {
        Ok(())
    }
}

/// Plans that are kept at a time. Those of large scenarios take memory.
const MOST_PLANS: usize = 64;

/// The plan of a value, and the references of its policies if the target needs them.
pub(super) struct Plans {
    plan: Plan,
    references: Option<References>,
}

/// The study of each value of a key.
pub(super) type At<'a> = dyn Fn(u64) -> Result<Study, Error> + Sync + 'a;

/// Runs the scenario at one value after another. The key, its ends and the target are known to be valid.
pub struct Finder<'a> {
    study: &'a Study,
    question: &'a Question,
    at: Box<At<'a>>,
    control: &'a Control,
    target: Expectation,
}

impl<'a> Finder<'a> {
    /// Checks the question before the first run.
    ///
    /// # Errors
    /// If the key's values are a list, if the key or one of its ends is not allowed in the scenario, or if the target is no
    /// condition on its policies.
    pub fn new(study: &'a Study, question: &'a Question, control: &'a Control) -> Result<Finder<'a>, Error> {
        let at = Box::new(|i| study.at(&question.vary, i));
        Finder::among(study, study, question, at, control)
    }

    /// As [`Finder::new`], with the study of each value of the key. The target names policies of `base`.
    pub(super) fn among(
        study: &'a Study,
        base: &Study,
        question: &'a Question,
        at: Box<At<'a>>,
        control: &'a Control,
    ) -> Result<Finder<'a>, Error> {
        if !question.vary.is_range() {
            let key = tick(question.vary.key());
            let why =
                format!("the values of {key} are a list, which has no order to search in; give a range");
            return Err(BadVary::new(why).into());
        }
        let policies: Vec<String> = base.loaded.policies.iter().map(|p| p.name.clone()).collect();
        let target = read_target("--target", &question.target, &base.loaded.scenario, &policies)?;
        let finder = Finder { study, question, at, control, target };
        // Both ends are checked before the first run.
        finder.plans(0)?;
        finder.plans(question.vary.len() - 1)?;
        Ok(finder)
    }

    /// Searches, on all cores, and gives the answer with every run, in the order of the search. Both depend neither on the number
    /// of cores nor on what `keeper` has kept.
    ///
    /// # Errors
    /// If a value of the key is not allowed in the scenario, a guard or the control stops a run, or `keeper` fails.
    ///
    /// # Panics
    /// If the share or the confidence is not strictly between 0 and 1.
    pub fn find<K: Keeper>(&self, keeper: &K) -> Result<(Found, Vec<Ran>), K::Error> {
        let question = self.question;
        let goal = self.goal();
        let mut plans: BTreeMap<u64, Plans> = BTreeMap::new();
        let mut runs: Vec<Ran> = Vec::new();
        let answer = search(&goal, &mut |asked: &Asked<'_>| {
            keeper.begins(asked);
            let ended = self.run_all(asked, runs.len() as u64, &mut plans, keeper)?;
            let passes = ended.iter().map(|ran| ran.passes).collect();
            runs.extend(ended);
            Ok::<Vec<bool>, K::Error>(passes)
        })?;
        Ok((self.study.found(question, answer, &runs, self.warm_up()), runs))
    }

    /// What is cut from the begin of each run for the rates of the target.
    fn warm_up(&self) -> Option<String> {
        let is_rate = |what: What| matches!(what, What::Number(def) if def.number == Number::CallRate);
        let names_rate = self.target.quantities().any(|quantity| is_rate(quantity.what));
        let warm_up = self.study.loaded.scenario.warm_up.filter(|_| names_rate)?;
        Some(match warm_up {
            WarmUp::Given(time) => {
                format!("a warm-up of {time} is cut from each run, as the scenario gives it")
            }
            WarmUp::Rule => format!(
                "a warm-up is cut {}; a run of which the rule finds no end meets no target",
                warm_up.in_words()
            ),
        })
    }

    /// What the search looks for.
    pub(super) fn goal(&self) -> Goal {
        let question = self.question;
        Goal {
            steps: question.vary.len(),
            share: question.share,
            confidence: question.confidence,
            explored: if question.fine { EXPLORED_FINELY } else { EXPLORED },
        }
    }

    /// Runs the trials that `keeper` has not kept, on all cores. `first` is the number of the first one.
    pub(super) fn run_all<K: Keeper>(
        &self,
        asked: &Asked<'_>,
        first: u64,
        plans: &mut BTreeMap<u64, Plans>,
        keeper: &K,
    ) -> Result<Vec<Ran>, K::Error> {
        let question = self.question;
        if plans.len() > MOST_PLANS {
            plans.clear();
        }
        let mut work = Vec::new();
        for (number, trial) in (first..).zip(asked.trials) {
            let is_it = |ran: &Ran| (ran.step, ran.replication) == (trial.step, trial.run);
            // A shard may have run it for another stage.
            let kept = keeper.kept(number, *trial)?.filter(is_it);
            let kept = kept.map(|ran| Ran { stage: asked.stage, ..ran });
            if let (None, Entry::Vacant(place)) = (kept, plans.entry(trial.step)) {
                place.insert(self.plans(question.index(trial.step))?);
            }
            work.push((number, *trial, kept));
        }
        let ended = parallel::map(&work, |(number, trial, kept)| match kept {
            Some(ran) => Ok(*ran),
            None => {
                let ran = self
                    .run(&plans[&trial.step], asked.stage, *trial)
                    .map_err(|error| error.at(|| question.vary.setting(question.index(trial.step))))?;
                keeper.keep(*number, &ran)?;
                Ok(ran)
            }
        });
        ended.into_iter().collect()
    }

    fn plans(&self, i: u64) -> Result<Plans, Error> {
        let mut study = (self.at)(i)?;
        let policies: Vec<String> = self.target.policies().into_iter().map(str::to_owned).collect();
        study.only_policies(&policies)?;
        let plan = study.plan();
        let compares = self.target.quantities().any(
            |quantity| matches!(quantity.what, What::Metric(def) if def.metric.compares_with_reference()),
        );
        let references = if compares { reference::plans(&plan) } else { None };
        Ok(Plans { plan, references })
    }

    fn run(&self, plans: &Plans, stage: Stage, trial: Trial) -> Result<Ran, Error> {
        let Plans { plan, references } = plans;
        let Trial { step, run: replication } = trial;
        let job = |contender| Job { contender, replication };
        let ran = references.as_ref().map(|all| all.run(replication, self.control)).transpose()?;
        let (ran, mut events) = ran.unwrap_or_default();
        let reference = |contender: usize| ran.get(*references.as_ref()?.of.get(contender)?);
        let mut observed = Vec::new();
        for contender in 0..plan.contenders.len() {
            let summary = job(contender).run(plan, reference(contender), 0, self.control)?;
            events += summary.events;
            observed.extend(observe(plan, contender, &[summary], self.target.quantities()));
        }
        let Sides { values, missing } = sides(&self.target, plan, &observed).remove(0);
        // A value that is not there, such as a quantile of no answers, meets no target.
        let passes = values.is_some_and(|(left, right)| self.target.op.holds(left, right));
        Ok(Ran { stage, step, replication, passes, exercised: missing.is_none(), events })
    }
}
