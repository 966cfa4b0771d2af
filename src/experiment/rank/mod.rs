//! Which assumptions matter: the keys whose values move a metric most over ranges that the caller states.
//!
//! First elementary effects of all keys (Morris 1991), with a floor below which an effect is the noise of the seeds; then, for
//! the few keys above it, the shares of the variance that each explains (Sobol' 1993; Saltelli et al. 2010; Jansen 1999), with
//! bootstrap intervals. All points have the same random numbers, so that a step of a key changes nothing else.

mod design;
#[cfg(unix)]
mod files;
mod ranked;
mod words;

#[cfg(unix)]
pub use files::{CSV, JSON, VALUES, write};
pub use ranked::{Explained, PolicyRanking, RankedKey, Ranking, Screened, Sharing, json_schema};
#[cfg(feature = "charts")]
pub(crate) use words::index;

use super::sweep::{BadDesign, Point, Points, SweepEstimate, Sweeper, check_keys};
use super::vary::{BadVary, Vary};
use super::{CONFIDENCE, Error, Study, VERSION};
use crate::metrics::{MetricDef, metrics_of};
use crate::stats::{ElementaryEffects, SobolSample, noise_floor, seed_share};
use crate::text::number::counted;
use crate::text::{nearest, tick};
use crate::world::Control;
use design::{LEVELS, Screening};
use serde::{Deserialize, Serialize};

/// The most keys of a ranking.
pub const MOST_KEYS: usize = 100;
/// The most keys whose shares of the variance are estimated.
pub const MOST_KEPT: usize = 8;
/// Resamples of a bootstrap interval.
const RESAMPLES: u32 = 1_000;

/// A question of a planner: which of these keys matter for a metric?
///
/// ```
/// use authstorm::experiment::rank::Question;
/// use authstorm::experiment::vary::Vary;
/// use authstorm::{Control, Study};
///
/// let study = Study::parse("pollers.toml", r#"
///     version = 1
///     name = "pollers"
///     horizon = "9500ms"
///     replications = 2
///     policies = ["new"]
///     [[workload]]
///     name = "pollers"
///     clients = 1
///     every = "1s"
///     [[workload]]
///     name = "others"
///     clients = 1
///     every = "5s"
/// "#)?;
/// let keys = vec![Vary::parse("workload[0].clients=1..9")?, Vary::parse("workload[1].clients=1..9")?];
/// let ranking = study.rank(&Question::new("requests_total", keys), &Control::default())?;
/// let new = &ranking.policies[0];
/// // A client of the first workload calls 10 times, one of the second twice: 80 and 16 calls over the ranges.
/// let effects: Vec<f64> = new.screened.iter().map(|key| key.mu_star).collect();
/// assert!((effects[0] - 80.0).abs() < 1e-9 && (effects[1] - 16.0).abs() < 1e-9);
/// // The variance of the first is 25 times that of the second.
/// let sharing = new.sharing.as_ref().expect("both matter");
/// let first = &sharing.explained[0];
/// let [low, high] = first.total_interval.expect("an interval");
/// assert!(low < 25.0 / 26.0 && 25.0 / 26.0 < high);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The metric's name.
    pub metric: String,
    /// The keys with their ranges.
    pub keys: Vec<Vary>,
    /// Trajectories of the screening; at least 2. Each takes a point more than there are keys.
    pub trajectories: u32,
    /// Rows of the samples that share out the variance; at least 2. Each takes two points more than there are keys left.
    pub rows: u32,
    /// The most keys whose share is estimated: of those above the noise, the ones with the greatest effects. 0 for none.
    pub keep: usize,
}

impl Question {
    /// 10 trajectories, then 256 rows for at most 4 keys.
    pub fn new(metric: impl Into<String>, keys: Vec<Vary>) -> Question {
        Question { metric: metric.into(), keys, trajectories: 10, rows: 256, keep: 4 }
    }
}

/// What the runs of a point show of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Number of the point, from 0; points of the second stage follow those of the first.
    pub point: u64,
    /// Events of all runs of the point.
    pub events: u64,
    /// By policy and replication. Null stands for what does not happen within the run.
    pub values: Vec<Vec<Option<f64>>>,
}

/// A ranking whose every point of the screening is known to be a valid scenario.
#[derive(Debug)]
pub struct Ranker<'a> {
    study: &'a Study,
    question: &'a Question,
    def: &'static MetricDef,
    screening: Vec<Vec<design::Step>>,
    sweeper: Sweeper<'a>,
}

impl Study {
    /// Ranks keys by their effect on a metric, on all cores. The result does not depend on their number.
    ///
    /// # Errors
    /// If the question is none, a point is no valid scenario, or a guard or `control` stops a run.
    pub fn rank(&self, question: &Question, control: &Control) -> Result<Ranking, Error> {
        let ranker = Ranker::new(self, question, control)?;
        let mut outcomes = ranker.run_all(ranker.sweeper(), 0, control)?;
        let kept = ranker.kept(&outcomes)?;
        if let Some(sharing) = ranker.sharing(&kept, control)? {
            outcomes.extend(ranker.run_all(&sharing, ranker.first_row(), control)?);
        }
        ranker.ranking(&outcomes, &kept)
    }
}

impl<'a> Ranker<'a> {
    /// Checks the question, and every point of the screening, before the first run.
    ///
    /// # Errors
    /// As [`Study::rank`].
    pub fn new(study: &'a Study, question: &'a Question, control: &Control) -> Result<Ranker<'a>, Error> {
        let Question { keys, trajectories, rows, keep, .. } = question;
        let bad = |what: String| Error::from(BadDesign::new(what));
        if !(2..=MOST_KEYS).contains(&keys.len()) {
            return Err(bad(format!(
                "a ranking of {}; allowed: 2 to {MOST_KEYS} keys",
                counted(keys.len() as u64, "key", "keys")
            )));
        }
        for (name, value) in [("trajectories", trajectories), ("rows", rows)] {
            if !(2..=10_000).contains(value) {
                return Err(bad(format!("{value} {name}; allowed: 2..10,000")));
            }
        }
        if *keep > MOST_KEPT {
            return Err(bad(format!("the shares of {keep} keys; allowed: 0..{MOST_KEPT}")));
        }
        check_keys(keys, "ranked")?;
        for vary in keys {
            let key = tick(vary.key());
            if !vary.is_range() {
                let why = format!(
                    "the values of {key} are a list; a ranking takes the range that you hold possible, KEY=LO..HI"
                );
                return Err(BadVary::new(why).into());
            }
            if vary.key().trim() == "seed" {
                return Err(bad(
                    "`seed` is no assumption: the part of the seed is reported in any case".to_owned()
                ));
            }
        }
        let def = known(&question.metric, metrics_of(study.plan().families)).map_err(bad)?;
        let Screening { points, steps } = design::screening(keys, *trajectories, study.loaded.scenario.seed);
        let sweeper = Sweeper::over(study, points, control)?;
        Ok(Ranker { study, question, def, screening: steps, sweeper })
    }

    /// The points of the screening.
    pub fn sweeper(&self) -> &Sweeper<'a> {
        &self.sweeper
    }

    /// Number of the first point of the second stage.
    pub fn first_row(&self) -> u64 {
        self.sweeper.points().count()
    }

    /// The most points of both stages.
    pub fn most_points(&self) -> u64 {
        let kept = self.question.keep.min(self.question.keys.len()) as u64;
        let rows = if kept < 2 { 0 } else { u64::from(self.question.rows) * (kept + 2) };
        self.first_row() + rows
    }

    /// The estimated size of both stages, if as many keys matter as may be kept.
    ///
    /// # Errors
    /// If `control` stops a pilot.
    pub fn estimate(&self, control: &Control) -> Result<SweepEstimate, Error> {
        Ok(self.sweeper.estimate(control)?.scaled_to(self.most_points()))
    }

    /// What a point of either stage shows; `first` is 0, or the number of the first point of the second stage.
    pub fn outcomes(&self, first: u64, point: &Point) -> Outcomes {
        let finite = |value: &f64| Some(*value).filter(|value| value.is_finite());
        let of_policy = |policy: &super::sweep::PolicyPoint| {
            policy.get(self.def.name).map_or(Vec::new(), |metric| metric.values.iter().map(finite).collect())
        };
        Outcomes {
            point: first + point.point,
            events: point.events,
            values: point.policies.iter().map(of_policy).collect(),
        }
    }

    fn run_all(&self, sweeper: &Sweeper<'_>, first: u64, control: &Control) -> Result<Vec<Outcomes>, Error> {
        let all: Vec<u64> = (0..sweeper.points().count()).collect();
        let mut outcomes = Vec::new();
        sweeper.run_in_order(&all, control, |point| outcomes.push(self.outcomes(first, &point)))?;
        Ok(outcomes)
    }

    /// The keys above the noise under some policy, by index, at most as many as are asked for: those with the greatest effects,
    /// in the order of the question. Fewer than two share nothing and are none.
    ///
    /// # Errors
    /// If the outcomes are not those of the screening.
    pub fn kept(&self, outcomes: &[Outcomes]) -> Result<Vec<usize>, Error> {
        let values = self.values(&self.sweeper, &outcomes[..self.first_row() as usize])?;
        let mut most = vec![0.0f64; self.question.keys.len()];
        for policy in 0..self.policies().len() {
            for (place, screened) in self.screened(&values, policy).into_iter().enumerate() {
                if screened.matters {
                    most[place] = most[place].max(screened.mu_star);
                }
            }
        }
        let mut order: Vec<usize> = (0..most.len()).filter(|key| most[*key] > 0.0).collect();
        order.sort_by(|a, b| most[*b].total_cmp(&most[*a]).then(a.cmp(b)));
        order.truncate(self.question.keep);
        order.sort_unstable();
        Ok(if order.len() < 2 { Vec::new() } else { order })
    }

    /// The points of the second stage, checked before its first run; `None` if it has none.
    ///
    /// # Errors
    /// If a point is no valid scenario, or if `control` stops the check.
    pub fn sharing(&self, kept: &[usize], control: &Control) -> Result<Option<Sweeper<'a>>, Error> {
        if kept.is_empty() {
            return Ok(None);
        }
        let keys: Vec<&Vary> = kept.iter().map(|key| &self.question.keys[*key]).collect();
        let points = design::rows(&keys, self.question.rows, self.study.loaded.scenario.seed);
        Sweeper::over(self.study, points, control).map(Some)
    }

    fn policies(&self) -> &[crate::scenario::ResolvedPolicy] {
        &self.study.loaded.policies
    }

    /// By policy, point and replication. What does not happen within a run counts as the length of that run.
    fn values(&self, sweeper: &Sweeper<'_>, outcomes: &[Outcomes]) -> Result<Vec<Vec<Vec<f64>>>, Error> {
        let mut values = vec![Vec::new(); self.policies().len()];
        for (point, outcome) in outcomes.iter().enumerate() {
            let missing = outcome.values.iter().flatten().any(Option::is_none);
            let horizon = match missing {
                true => sweeper.study(point as u64)?.loaded.scenario.horizon.as_secs_f64(),
                false => 0.0,
            };
            for (policy, of_policy) in values.iter_mut().zip(&outcome.values) {
                policy.push(of_policy.iter().map(|value| value.unwrap_or(horizon)).collect::<Vec<f64>>());
            }
        }
        Ok(values)
    }

    /// What the screening shows of each key.
    fn screened(&self, values: &[Vec<Vec<f64>>], policy: usize) -> Vec<Screened> {
        let (values, keys) = (&values[policy], &self.question.keys);
        let level = (1.0 - CONFIDENCE) / keys.len() as f64;
        let of_key = |key: usize| {
            let steps = self.screening.iter().flatten().filter(|step| step.key == key);
            let of_step = |step: &design::Step| {
                let pairs = values[step.from as usize].iter().zip(&values[step.to as usize]);
                pairs.map(|(from, to)| (to - from) / step.part).collect::<Vec<f64>>()
            };
            let rows: Vec<Vec<f64>> = steps.map(of_step).collect();
            let mean = |row: &Vec<f64>| row.iter().sum::<f64>() / row.len().max(1) as f64;
            let effects: Vec<f64> = rows.iter().map(mean).collect();
            let ElementaryEffects { mu, mu_star, sigma } = ElementaryEffects::of(&effects, CONFIDENCE);
            let floor = noise_floor(&rows, level);
            Screened {
                key: keys[key].key().to_owned(),
                mu,
                mu_star: mu_star.mean,
                mu_star_low: mu_star.ci_low,
                mu_star_high: mu_star.ci_high,
                sigma,
                noise_floor: floor,
                matters: mu_star.mean > floor.unwrap_or(0.0),
            }
        };
        (0..keys.len()).map(of_key).collect()
    }

    /// The shares of the variance of a policy's values at the points of the second stage.
    fn shared(&self, values: &[Vec<f64>], kept: &[usize]) -> Option<Sharing> {
        let each = kept.len() + 2;
        let mean = |runs: &Vec<f64>| runs.iter().sum::<f64>() / runs.len().max(1) as f64;
        let column = |at: usize| values.iter().skip(at).step_by(each).map(mean).collect::<Vec<f64>>();
        let whole = SobolSample { a: column(0), b: column(1), ab: (2..each).map(column).collect() };
        let sample = whole.centred();
        let indices = sample.indices()?;
        let intervals = sample.intervals(RESAMPLES, CONFIDENCE, self.study.loaded.scenario.seed);
        let independent: Vec<Vec<f64>> = values.chunks(each).flat_map(|row| row[..2].to_vec()).collect();
        let of_key = |place: usize| {
            let ends = intervals.as_ref().map(|intervals| intervals[place]);
            let [first, total] = ends.map_or([None, None], |[first, total]| [Some(first), Some(total)]);
            Explained {
                key: self.question.keys[kept[place]].key().to_owned(),
                first: indices.first[place],
                first_interval: first.map(|(low, high)| [low, high]),
                total: indices.total[place],
                total_interval: total.map(|(low, high)| [low, high]),
            }
        };
        let all = whole.a.iter().chain(&whole.b);
        Some(Sharing {
            mean: all.sum::<f64>() / (whole.a.len() + whole.b.len()) as f64,
            variance: indices.variance,
            seed_share: seed_share(&independent),
            explained: (0..kept.len()).map(of_key).collect(),
        })
    }

    /// The points of both stages, as they were visited.
    pub fn stages(&self, kept: &[usize], control: &Control) -> Result<Vec<Points>, Error> {
        let second = self.sharing(kept, control)?.map(|sweeper| sweeper.points().clone());
        Ok([Some(self.sweeper.points().clone()), second].into_iter().flatten().collect())
    }

    /// The answer, from the outcomes of all points in their order.
    ///
    /// # Errors
    /// If the outcomes are not those of the points.
    pub fn ranking(&self, outcomes: &[Outcomes], kept: &[usize]) -> Result<Ranking, Error> {
        let (screening, rest) = outcomes.split_at(self.first_row() as usize);
        let screening = self.values(&self.sweeper, screening)?;
        let sharing = match self.sharing(kept, &Control::default())? {
            Some(sweeper) => Some(self.values(&sweeper, rest)?),
            None => None,
        };
        let of_policy = |(policy, resolved): (usize, &crate::scenario::ResolvedPolicy)| PolicyRanking {
            name: resolved.name.clone(),
            screened: self.screened(&screening, policy),
            sharing: sharing.as_ref().and_then(|values| self.shared(&values[policy], kept)),
        };
        let scenario = &self.study.loaded.scenario;
        let runs = outcomes.iter().flat_map(|outcome| &outcome.values).map(Vec::len).sum::<usize>();
        let missing = outcomes.iter().flat_map(|outcome| outcome.values.iter().flatten());
        let key = |vary: &Vary| RankedKey {
            key: vary.key().to_owned(),
            low: vary.text(0),
            high: vary.text(vary.len() - 1),
            log: vary.is_log(),
        };
        Ok(Ranking {
            version: VERSION.to_owned(),
            scenario: scenario.name.clone(),
            scenario_hash: self.study.hash(),
            seed: scenario.seed,
            replications: scenario.replications,
            metric: self.def.name.to_owned(),
            unit: self.def.unit.to_owned(),
            keys: self.question.keys.iter().map(key).collect(),
            trajectories: self.question.trajectories,
            levels: LEVELS,
            rows: if kept.is_empty() { 0 } else { self.question.rows },
            keep: self.question.keep as u64,
            confidence: CONFIDENCE,
            policies: self.policies().iter().enumerate().map(of_policy).collect(),
            points: outcomes.len() as u64,
            runs: runs as u64,
            not_within: missing.filter(|value| value.is_none()).count() as u64,
            events: outcomes.iter().map(|outcome| outcome.events).sum(),
        })
    }
}

/// The metric of this name.
fn known(name: &str, of: &'static [MetricDef]) -> Result<&'static MetricDef, String> {
    of.iter().find(|def| def.name == name).ok_or_else(|| {
        let meant = nearest(name, of.iter().map(|def| def.name));
        let meant = meant.map_or("authstorm metrics lists all".to_owned(), |meant| {
            format!("did you mean {}?", tick(meant))
        });
        format!("the clients of the scenario have no metric {}; {meant}", tick(name))
    })
}
