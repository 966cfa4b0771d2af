//! The search for the smallest step at which a stated share of runs meets a target, over any oracle that runs trials.
//!
//! It explores with the threshold of each run, which is the least step at which that run meets the target, and then
//! confirms both ends of the answer on runs that the exploration did not see. Whatever the exploration did, the
//! probability that one of the two claims is false is at most `1 - confidence`: an end's attempt number `j` has the level
//! `(1 - confidence) / 2 * 2^-j`, and an attempt claims only what its e-value shows at that level ([`Trials`]).

mod walk;

use crate::stats::{Trials, threshold_ranks};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use walk::Walk;

/// Runs that the exploration looks at.
pub const EXPLORED: u32 = 100;
/// As [`EXPLORED`] for a narrower bracket.
pub const EXPLORED_FINELY: u32 = 400;
/// The most runs of one attempt to confirm an end.
pub const MOST_RUNS: u64 = 1_000;
/// Runs that the exploration has under way at a time, and that an attempt adds before it looks. A constant, so that the
/// answer does not depend on the number of threads.
const BATCH: u32 = 8;
/// Steps above and below the bracket at which the search looks whether the target is monotone.
const GUARDS: u64 = 8;
/// Runs at each of them.
pub(super) const GUARD_RUNS: u32 = 30;

/// A run at a step. Equal numbers of runs have equal random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trial {
    /// The step: 0 is the end at which the fewest runs meet the target.
    pub step: u64,
    /// The run's number.
    pub run: u32,
}

/// What a search runs trials for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// To find candidates for the two ends. The outcome of a trial decides the next step of its run, so that the trials of a step
    /// are no fair sample of its runs.
    Explore,
    /// To show that a step is enough, on fresh runs.
    Enough,
    /// To show that a step is not enough, on fresh runs.
    NotEnough,
    /// To look beyond the two ends, on fresh runs.
    Beyond,
}

/// Trials that a search asks for at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked<'t> {
    /// What they are for.
    pub stage: Stage,
    /// Runs of this stage, or of this attempt to confirm an end, that are done with.
    pub done: u64,
    /// The most runs of this stage or attempt.
    pub most: u64,
    /// The trials.
    pub trials: &'t [Trial],
}

/// Runs trials and says of each whether it meets the target.
pub type Oracle<'a, E> = dyn FnMut(&Asked<'_>) -> Result<Vec<bool>, E> + 'a;

/// The runs of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Those that explored.
    pub explored: Trials,
    /// Those of the other stages, which are a fair sample.
    pub fresh: Trials,
}

/// What a search looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Number of steps; at least 1.
    pub steps: u64,
    /// The share of runs that is to meet the target.
    pub share: f64,
    /// The probability that the whole answer is right.
    pub confidence: f64,
    /// Runs to explore with.
    pub explored: u32,
}

/// A claim about a step, with the runs that show it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// The step.
    pub step: u64,
    /// The runs of the attempt that showed it.
    pub trials: Trials,
    /// Their e-value.
    pub evidence: f64,
    /// What the e-value had to reach.
    pub needed: f64,
}

/// The answer of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The step at which the share is shown to be met.
    pub enough: Option<Shown>,
    /// The step at which the share is shown not to be met.
    pub too_little: Option<Shown>,
    /// A step beyond the bracket that contradicts it: the target is not monotone.
    pub contradiction: Option<Shown>,
    /// Steps between neighbouring guards below and above the bracket. A narrower dip is not seen.
    pub guard_spacing: (u64, u64),
    /// Of the guards' runs, those that meet the target at a step and not at a greater one.
    pub reversals: u32,
    /// Runs that the guards compare.
    pub guard_runs: u32,
    /// How alike the outcomes of one run are at neighbouring steps: 1 if each run is monotone, 0 if they are independent.
    /// `None` if all outcomes of a step are equal.
    pub likeness: Option<f64>,
    /// Every step that was run, with its runs.
    pub tried: BTreeMap<u64, Tried>,
    /// Number of runs.
    pub runs: u64,
}

/// Searches. `oracle` runs trials and says of each whether it meets the target; it may run them in any order.
///
/// # Errors
/// Those of the oracle.
pub fn search<E>(goal: &Goal, oracle: &mut Oracle<'_, E>) -> Result<Answer, E> {
    let mut search = Search { goal, oracle, tried: BTreeMap::new(), runs: 0, next_run: 0 };
    let (too_little, enough) = search.explore()?;
    let width = enough.saturating_sub(too_little.unwrap_or(0)).max(1);
    let last = goal.steps - 1;
    let up = search.confirm(enough.min(last), width, Stage::Enough, Some(last))?;
    let down = match (too_little, &up) {
        // The smallest step is enough, so nothing is too little.
        (_, Some(shown)) if shown.step == 0 => None,
        (None, _) => None,
        (Some(step), up) => {
            let below = up.map_or(last, |shown| shown.step - 1);
            search.confirm(step.min(below), width, Stage::NotEnough, None)?
        }
    };
    search.guard(up, down)
}

/// The evidence of trials about a share.
type Evidence = fn(Trials, f64) -> f64;

struct Search<'a, 'o, E> {
    goal: &'a Goal,
    oracle: &'a mut Oracle<'o, E>,
    tried: BTreeMap<u64, Tried>,
    runs: u64,
    /// The first number that no run has had.
    next_run: u32,
}

impl<E> Search<'_, '_, E> {
    fn run(&mut self, asked: &Asked<'_>) -> Result<Vec<bool>, E> {
        let outcomes = (self.oracle)(asked)?;
        for (trial, passes) in asked.trials.iter().zip(&outcomes) {
            let tried = self.tried.entry(trial.step).or_default();
            let trials = if asked.stage == Stage::Explore { &mut tried.explored } else { &mut tried.fresh };
            trials.add(*passes);
        }
        self.runs += asked.trials.len() as u64;
        Ok(outcomes)
    }

    fn fresh(&mut self, runs: u32) -> std::ops::Range<u32> {
        let first = self.next_run;
        self.next_run += runs;
        first..self.next_run
    }

    /// The probability with which each end may be wrong.
    fn each_side(&self) -> f64 {
        (1.0 - self.goal.confidence) / 2.0
    }

    /// Candidates for the two ends: the step below the `l`-th smallest threshold, if there is one, and the `u`-th smallest.
    /// A threshold of [`Goal::steps`] means that no step was enough.
    fn explore(&mut self) -> Result<(Option<u64>, u64), E> {
        let runs = self.goal.explored;
        let (low, high) = threshold_ranks(runs.into(), self.goal.share, self.each_side());
        // Where so few runs have no rank, the greatest or the smallest threshold is the candidate. Confirmation decides.
        let (low, high) = (low.unwrap_or(1), high.unwrap_or(runs.into()));
        let kept = usize::try_from(u64::from(runs) - low + 1).unwrap_or(usize::MAX);
        // The greatest thresholds so far, in descending order.
        let mut thresholds: Vec<u64> = Vec::new();
        let mut left = runs;
        while left > 0 {
            let batch = self.fresh(left.min(BATCH));
            let done = u64::from(runs - left);
            left -= batch.end - batch.start;
            let start = (thresholds.len() == kept).then(|| thresholds[kept - 1]);
            let mut walks: Vec<(u32, Walk)> =
                batch.map(|run| (run, Walk::new(start, self.goal.steps))).collect();
            loop {
                let asked: Vec<usize> = (0..walks.len()).filter(|i| walks[*i].1.next().is_some()).collect();
                if asked.is_empty() {
                    break;
                }
                let trials: Vec<Trial> = asked
                    .iter()
                    .filter_map(|i| walks[*i].1.next().map(|step| Trial { step, run: walks[*i].0 }))
                    .collect();
                let outcomes =
                    self.run(&Asked { stage: Stage::Explore, done, most: runs.into(), trials: &trials })?;
                for (i, passes) in asked.into_iter().zip(outcomes) {
                    walks[i].1.tell(passes);
                }
            }
            thresholds.extend(walks.iter().map(|(_, walk)| walk.passes_at));
            thresholds.sort_unstable_by(|a, b| b.cmp(a));
            thresholds.truncate(kept);
        }
        let ranked = |rank: u64| {
            let place = usize::try_from(u64::from(runs) - rank).unwrap_or(usize::MAX);
            thresholds.get(place).copied().unwrap_or(0)
        };
        Ok((ranked(low).checked_sub(1), ranked(high)))
    }

    /// Shows the claim of a stage at a step, or at one further out. `claim` is the evidence for it and `doubt` the evidence
    /// against it, which ends an attempt early. `last` is the outermost step when the search goes up; otherwise it goes down to 0.
    fn confirm(
        &mut self,
        from: u64,
        width: u64,
        stage: Stage,
        last: Option<u64>,
    ) -> Result<Option<Shown>, E> {
        let (claim, doubt): (Evidence, Evidence) = match stage {
            Stage::NotEnough => (Trials::against_share, Trials::for_share),
            _ => (Trials::for_share, Trials::against_share),
        };
        let (mut step, mut stride) = (from, (width / 8).max(1));
        let mut level = self.each_side();
        loop {
            level /= 2.0;
            let needed = 1.0 / level;
            let mut trials = Trials::default();
            while trials.runs() < MOST_RUNS && doubt(trials, self.goal.share) < needed {
                let batch: Vec<Trial> = self.fresh(BATCH).map(|run| Trial { step, run }).collect();
                let asked = Asked { stage, done: trials.runs(), most: MOST_RUNS, trials: &batch };
                for passes in self.run(&asked)? {
                    trials.add(passes);
                }
                let evidence = claim(trials, self.goal.share);
                if evidence >= needed {
                    return Ok(Some(Shown { step, trials, evidence, needed }));
                }
            }
            let next = match last {
                Some(last) => step.saturating_add(stride).min(last),
                None => step.saturating_sub(stride),
            };
            if next == step {
                return Ok(None);
            }
            (step, stride) = (next, stride.saturating_mul(2));
        }
    }

    /// Looks beyond the bracket, and completes the answer.
    fn guard(mut self, enough: Option<Shown>, too_little: Option<Shown>) -> Result<Answer, E> {
        let last = self.goal.steps - 1;
        let above = enough.map_or((0, Vec::new()), |shown| spread(shown.step, last));
        let below = too_little.map_or((0, Vec::new()), |shown| {
            let (spacing, steps) = spread(0, shown.step);
            (spacing, steps.into_iter().map(|step| shown.step - step).collect())
        });
        // Ends and middle of the bracket join the guards, to compare neighbours where outcomes vary.
        let ends = [too_little.map(|s| s.step), enough.map(|s| s.step)];
        let middle = match ends {
            [Some(low), Some(high)] => Some(low + (high - low) / 2),
            _ => None,
        };
        let mut steps: Vec<u64> =
            above.1.iter().chain(&below.1).copied().chain(ends.into_iter().flatten()).collect();
        steps.extend(middle);
        steps.sort_unstable();
        steps.dedup();
        let runs = self.fresh(GUARD_RUNS);
        let most = steps.len() as u64 * u64::from(GUARD_RUNS);
        let mut outcomes: Vec<Vec<bool>> = Vec::new();
        for (done, step) in (0..).step_by(GUARD_RUNS as usize).zip(&steps) {
            let trials: Vec<Trial> = runs.clone().map(|run| Trial { step: *step, run }).collect();
            outcomes.push(self.run(&Asked { stage: Stage::Beyond, done, most, trials: &trials })?);
        }
        let needed = 16.0 / (1.0 - self.goal.confidence);
        let mut contradiction = None;
        for (step, passes) in steps.iter().zip(&outcomes) {
            let mut trials = Trials::default();
            passes.iter().for_each(|passes| trials.add(*passes));
            let evidence = match (&enough, &too_little) {
                (Some(shown), _) if *step > shown.step => trials.against_share(self.goal.share),
                (_, Some(shown)) if *step < shown.step => trials.for_share(self.goal.share),
                _ => 0.0,
            };
            if evidence >= needed && contradiction.is_none() {
                contradiction = Some(Shown { step: *step, trials, evidence, needed });
            }
        }
        let falls = |run: usize| outcomes.windows(2).any(|pair| pair[0][run] && !pair[1][run]);
        Ok(Answer {
            enough,
            too_little,
            contradiction,
            guard_spacing: (below.0, above.0),
            reversals: (0..GUARD_RUNS as usize).filter(|run| !outcomes.is_empty() && falls(*run)).count()
                as u32,
            guard_runs: if steps.is_empty() { 0 } else { GUARD_RUNS },
            likeness: likeness(&outcomes),
            tried: self.tried,
            runs: self.runs,
        })
    }
}

/// Steps spread evenly over those after `from`, up to `to`, and the distance between neighbours.
fn spread(from: u64, to: u64) -> (u64, Vec<u64>) {
    let room = to - from;
    let guards = GUARDS.min(room);
    if guards == 0 {
        return (0, Vec::new());
    }
    let steps = (1..=guards).map(|i| from + (u128::from(room) * u128::from(i) / u128::from(guards)) as u64);
    (room.div_ceil(guards), steps.collect())
}

/// The covariance of neighbouring outcomes of one run, over the greatest that their rates allow, pooled over the pairs of
/// neighbours.
fn likeness(outcomes: &[Vec<bool>]) -> Option<f64> {
    let rate = |passes: &[bool]| passes.iter().filter(|p| **p).count() as f64 / passes.len() as f64;
    let (mut covariance, mut most) = (0.0, 0.0);
    for pair in outcomes.windows(2) {
        let (p, q) = (rate(&pair[0]), rate(&pair[1]));
        let both = pair[0].iter().zip(&pair[1]).filter(|(a, b)| **a && **b).count() as f64;
        covariance += both / pair[0].len() as f64 - p * q;
        most += p.min(q) - p * q;
    }
    (most > 1e-9).then(|| covariance / most)
}

#[cfg(test)]
mod tests;
