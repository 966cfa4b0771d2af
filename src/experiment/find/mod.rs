//! The search for the smallest or largest value of a key at which at least a stated share of runs meets a target.

#[cfg(unix)]
mod files;
mod finder;
mod found;
pub mod search;
pub mod share;
mod words;

#[cfg(unix)]
pub use files::{CURVE, JSON, RUNS, write};
pub use finder::{Finder, Keeper, Ran};
pub use found::{Claim, Found, Rate, Verdict, json_schema};

use super::vary::{VARY, Vary};
use super::{CONFIDENCE, Error, Study, VERSION};
use crate::scenario::Settings;
use crate::stats::{Trials, rising_rates};
use crate::world::Control;
use finder::At;
pub(super) use finder::Forgetful;
use search::{Answer, Shown, Tried};

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
        self.set_to(vec![(VARY, vary.setting(i))])
    }

    /// The study with these overrides, each with its option, as if its scenario contained them.
    ///
    /// # Errors
    /// If the scenario cannot have these values.
    pub(super) fn set_to(&self, vary: Vec<(&'static str, String)>) -> Result<Study, Error> {
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
        Finder::new(self, question, control)?.find(&Forgetful).map(|(found, _)| found)
    }

    /// As [`Finder::find`], with the study of each value of the key. The target names policies of `base`.
    pub(super) fn find_among<K: Keeper>(
        &self,
        base: &Study,
        question: &Question,
        (at, keeper): (&At<'_>, &K),
        control: &Control,
    ) -> Result<Found, K::Error> {
        let finder = Finder::among(self, base, question, Box::new(at), control)?;
        finder.find(keeper).map(|(found, _)| found)
    }

    fn found(&self, question: &Question, answer: Answer, runs: &[Ran], warm_up: Option<String>) -> Found {
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
            (Some(shown), None) => {
                let could_break = |ran: &&Ran| ran.step == shown.step && ran.exercised;
                Some(runs.iter().filter(could_break).count() as u64)
            }
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
        // Runs that explored would bend the curve: they came to a value because of what they did at others.
        let trials: Vec<Trials> = answer.tried.values().map(|tried| tried.fresh).collect();
        let fitted = rising_rates(&trials);
        let rate = |((step, tried), fitted): ((&u64, &Tried), f64)| {
            let i = question.index(*step);
            let Tried { explored, fresh } = tried;
            let ends = (fresh.runs() > 0).then(|| fresh.share_at_any_time(CONFIDENCE));
            Rate {
                value: question.vary.text(i),
                number: question.vary.number(i).unwrap_or(f64::NAN),
                fresh: fresh.runs(),
                fresh_meet: fresh.passes,
                low: ends.map(|(low, _)| low),
                high: ends.map(|(_, high)| high),
                explored: explored.runs(),
                explored_meet: explored.passes,
                fitted: (fresh.runs() > 0).then_some(fitted),
            }
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
            warm_up,
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
            events: runs.iter().map(|ran| ran.events).sum(),
        }
    }
}

/// Whether so many runs that meet a target show what a claim says.
fn shows(exercised: Option<u64>, claim: Shown, share: f64) -> bool {
    let trials = Trials { passes: exercised.unwrap_or(0), fails: 0 };
    trials.for_share(share) >= claim.needed
}
