//! The search for the smallest or largest value of a key at which at least a stated share of runs meets a target.

mod found;
pub mod search;
mod words;

pub use found::{Claim, Found, Rate, Verdict, json_schema};

use super::job::Job;
use super::judge::{Sides, sides};
use super::observe::observe;
use super::reference::{self, References};
use super::vary::{BadVary, Vary};
use super::{Error, Study, VERSION};
use crate::parallel;
use crate::scenario::Settings;
use crate::scenario::expect::{Expectation, What, read_target};
use crate::stats::{Trials, clopper_pearson, rising_rates};
use crate::text::tick;
use crate::world::{Control, Plan};
use search::{Answer, EXPLORED, EXPLORED_FINELY, Goal, Shown, Trial, search};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A question of a planner: which value of a key is enough?
///
/// ```
/// use authstorm::experiment::find::{Question, Verdict};
/// use authstorm::experiment::vary::Vary;
/// use authstorm::{Control, Study};
///
/// let study = Study::parse("office.toml", r#"
///     version = 1
///     name = "office"
///     horizon = "1m"
///     policies = ["new"]
///     [[workload]]
///     name = "pollers"
///     starts = { exponential = "2s" }
///     every = { exponential = "2s" }
///     [[backend.limit]]
///     kind = "fixed-window"
///     endpoints = ["generic"]
///     key = "global"
///     limit = 1
///     window = "10s"
/// "#)?;
/// let question = Question::new(Vary::parse("backend.limit[0].limit=1..40")?, "new.responses_429 == 0");
/// let found = study.find(&question, &Control::default())?;
/// // Poisson arrivals: 6 windows with 5 calls each in the mean. 96.8% of runs stay within 11 a window, 92.1% within 10.
/// assert!(matches!(found.verdict, Verdict::Bracket | Verdict::Neighbours));
/// assert!(found.enough.is_some_and(|claim| claim.number >= 11.0));
/// assert!(found.not_enough.is_some_and(|claim| claim.number <= 10.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The key and its values.
    pub vary: Vary,
    /// What a run is to meet, as the `that` of an `[[expect]]`: `new.responses_429 == 0`, or a relation of policies.
    pub target: String,
    /// Whether small values meet the target, so that the largest is looked for.
    pub largest: bool,
    /// The share of runs that is to meet the target; strictly between 0 and 1.
    pub share: f64,
    /// The probability that the whole answer is right; strictly between 0 and 1.
    pub confidence: f64,
    /// Whether to explore with 400 runs instead of 100, for a narrower bracket.
    pub fine: bool,
}

impl Question {
    /// The smallest value at which 95% of runs meet the target, with 95% confidence.
    pub fn new(vary: Vary, target: impl Into<String>) -> Question {
        Question { vary, target: target.into(), largest: false, share: 0.95, confidence: 0.95, fine: false }
    }

    /// The index of the value of a step. Steps ascend towards values that meet the target.
    fn index(&self, step: u64) -> u64 {
        if self.largest { self.vary.len() - 1 - step } else { step }
    }
}

impl Study {
    /// The study at one of a key's values, as if its scenario contained it.
    ///
    /// # Errors
    /// If the scenario cannot have this value.
    pub fn at(&self, vary: &Vary, i: u64) -> Result<Study, Error> {
        self.set_to(vec![vary.setting(i)])
    }

    /// The study with these overrides, as if its scenario contained them.
    ///
    /// # Errors
    /// If the scenario cannot have these values.
    pub(super) fn set_to(&self, vary: Vec<String>) -> Result<Study, Error> {
        let settings = Settings { vary, ..Settings::default() };
        Ok(Study::new(self.loaded.with(&settings)?))
    }

    /// Searches the value that a question asks for, on all cores. The answer does not depend on their number.
    ///
    /// Runs are replications: run 7 has the random numbers of replication 7 at every value. The runs that show the answer
    /// are none of those that the search explored with.
    ///
    /// # Errors
    /// If the key's values are a list, if the key or one of its ends is not allowed in the scenario, if the target is no
    /// condition on its policies,
    /// or if a guard or `control` stops a run.
    ///
    /// # Panics
    /// If the share or the confidence is not strictly between 0 and 1.
    pub fn find(&self, question: &Question, control: &Control) -> Result<Found, Error> {
        self.find_among(self, question, &|i| self.at(&question.vary, i), control)
    }

    /// As [`Study::find`], with the study of each value of the key. The target names policies of `base`.
    pub(super) fn find_among(
        &self,
        base: &Study,
        question: &Question,
        at: &At<'_>,
        control: &Control,
    ) -> Result<Found, Error> {
        let finder = Finder::new(base, question, at, control)?;
        let (mut events, mut exercised) = (0, BTreeMap::<u64, u64>::new());
        let mut plans: BTreeMap<u64, Plans> = BTreeMap::new();
        let goal = Goal {
            steps: question.vary.len(),
            share: question.share,
            confidence: question.confidence,
            explored: if question.fine { EXPLORED_FINELY } else { EXPLORED },
        };
        let answer = search(&goal, &mut |trials: &[Trial]| {
            if plans.len() > MOST_PLANS {
                plans.clear();
            }
            for trial in trials {
                if let Entry::Vacant(place) = plans.entry(trial.step) {
                    place.insert(finder.plans(question.index(trial.step))?);
                }
            }
            let ended = parallel::map(trials, |trial| finder.run(&plans[&trial.step], trial.run));
            let mut outcomes = Vec::new();
            for (trial, outcome) in trials.iter().zip(ended) {
                let outcome = outcome?;
                events += outcome.events;
                *exercised.entry(trial.step).or_default() += u64::from(outcome.exercised);
                outcomes.push(outcome.passes);
            }
            Ok::<_, Error>(outcomes)
        })?;
        Ok(self.found(question, answer, events, &exercised))
    }

    fn found(
        &self,
        question: &Question,
        answer: Answer,
        events: u64,
        exercised: &BTreeMap<u64, u64>,
    ) -> Found {
        let claim = |shown: Shown| {
            let i = question.index(shown.step);
            Claim {
                value: question.vary.text(i),
                number: question.vary.number(i).unwrap_or(f64::NAN),
                runs: shown.trials.runs(),
                meet: shown.trials.passes,
                evidence: shown.evidence,
                needed: shown.needed,
            }
        };
        let exercised = match (answer.enough, answer.too_little) {
            (Some(shown), None) => Some(exercised.get(&shown.step).copied().unwrap_or(0)),
            _ => None,
        };
        let last = question.vary.len() - 1;
        let verdict = match (answer.too_little, answer.enough) {
            _ if answer.contradiction.is_some() => Verdict::NotMonotone,
            // Runs in which nothing could have broken the target show nothing.
            (None, Some(high)) if !shows(exercised, high, question.share) => Verdict::Vacuous,
            (Some(low), Some(high)) if low.step + 1 == high.step => Verdict::Neighbours,
            (Some(_), Some(_)) => Verdict::Bracket,
            (_, Some(high)) if high.step == 0 => Verdict::Everywhere,
            (Some(low), _) if low.step == last => Verdict::Nowhere,
            _ => Verdict::NotDecided,
        };
        let trials: Vec<Trials> = answer.tried.values().copied().collect();
        let fitted = rising_rates(&trials);
        let rate = |((step, trials), fitted): ((&u64, &Trials), f64)| {
            let i = question.index(*step);
            let (low, high) = clopper_pearson(trials.passes, trials.runs(), 0.95);
            let (value, number) = (question.vary.text(i), question.vary.number(i).unwrap_or(f64::NAN));
            Rate { value, number, runs: trials.runs(), meet: trials.passes, low, high, fitted }
        };
        let mut rates: Vec<Rate> = answer.tried.iter().zip(fitted).map(rate).collect();
        if question.largest {
            rates.reverse();
        }
        Found {
            version: VERSION.to_owned(),
            scenario: self.loaded.scenario.name.clone(),
            scenario_hash: self.hash(),
            seed: self.loaded.scenario.seed,
            key: question.vary.key().to_owned(),
            range: [question.vary.text(0), question.vary.text(last)],
            values: question.vary.len(),
            every_value: question.vary.is_complete(),
            target: question.target.clone(),
            largest: question.largest,
            share: question.share,
            confidence: question.confidence,
            verdict,
            enough: answer.enough.map(claim),
            not_enough: answer.too_little.map(claim),
            contradiction: answer.contradiction.map(claim),
            exercised,
            guard_spacing: [answer.guard_spacing.0, answer.guard_spacing.1],
            compared: answer.guard_runs,
            reversals: answer.reversals,
            likeness: answer.likeness,
            rates,
            runs: answer.runs,
            events,
        }
    }
}

/// Whether so many runs that meet a target show what a claim says.
fn shows(exercised: Option<u64>, claim: Shown, share: f64) -> bool {
    let trials = Trials { passes: exercised.unwrap_or(0), fails: 0 };
    trials.for_share(share) >= claim.needed
}

/// Plans that are kept at a time. Those of large scenarios take memory.
const MOST_PLANS: usize = 64;

/// The plan of a value, and the references of its policies if the target needs them.
struct Plans {
    plan: Plan,
    references: Option<References>,
}

struct Outcome {
    passes: bool,
    /// Whether something in the run could have broken the target.
    exercised: bool,
    events: u64,
}

/// The study of each value of a key.
type At<'a> = dyn Fn(u64) -> Result<Study, Error> + Sync + 'a;

/// Runs the scenario at one value after another.
struct Finder<'a> {
    at: &'a At<'a>,
    control: &'a Control,
    target: Expectation,
}

impl<'a> Finder<'a> {
    fn new(
        study: &Study,
        question: &Question,
        at: &'a At<'a>,
        control: &'a Control,
    ) -> Result<Finder<'a>, Error> {
        if !question.vary.is_range() {
            let key = tick(question.vary.key());
            let why =
                format!("the values of {key} are a list, which has no order to search in; give a range");
            return Err(BadVary::new(why).into());
        }
        let policies: Vec<String> = study.loaded.policies.iter().map(|p| p.name.clone()).collect();
        let target = read_target("--target", &question.target, &study.loaded.scenario, &policies)?;
        let finder = Finder { at, control, target };
        // Both ends are checked before the first run.
        finder.plans(0)?;
        finder.plans(question.vary.len() - 1)?;
        Ok(finder)
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

    fn run(&self, plans: &Plans, replication: u32) -> Result<Outcome, Error> {
        let Plans { plan, references } = plans;
        let job = |contender| Job { contender, replication };
        let (mut ran, mut events) = (Vec::new(), 0);
        for reference in references.iter().flat_map(|all| &all.plans) {
            let (reference, more) = job(0).run_reference(reference, self.control)?;
            events += more;
            ran.push(reference);
        }
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
        Ok(Outcome { passes, exercised: missing.is_none(), events })
    }
}
