//! Every combination of the values of some keys, or a Latin hypercube of them: a map of what a scenario does.
//!
//! Each point is a scenario of its own, with the same seed and so with the same random numbers (common random numbers, Law,
//! *Simulation Modeling and Analysis*, section 11.2). Differences between points are sharp, and their errors are common: all
//! of a map may lie high or low together. The intervals are pointwise: each holds for its own point, policy and metric with
//! 95% confidence, not all of them together.

mod design;
#[cfg(unix)]
mod files;
mod point;
mod results;
mod table;
mod words;

pub use design::{Axis, BadDesign, Design, Kind, MOST_KEYS, MOST_POINTS, Points};
pub(super) use design::{check_keys, shuffle};
#[cfg(unix)]
pub use files::{CSV, JSON, VALUES, Written, write};
pub use point::{AxisValues, Point, PolicyPoint, Sweep, json_schema};
pub use table::{Cell, Metrics, Table, Told};
pub use words::cost_in_words;
#[cfg(feature = "charts")]
pub(crate) use words::in_each_of;

use super::estimate::{Estimate, estimate};
use super::rollout::Rollout;
use super::{Error, Study, VERSION};
use crate::kernel::Time;
use crate::parallel;
use crate::results::PolicyResults;
use crate::world::{Control, StopReason, Stopped, memory_estimate};

/// Points that are worked on at a time, for each thread. The work of one chunk ends before that of the next begins, so
/// that memory does not grow with the number of points.
const CHUNK: usize = 16;

/// A sweep whose every point is known to be a valid scenario.
#[derive(Debug)]
pub struct Sweeper<'a> {
    study: &'a Study,
    points: Points,
    /// Names of the policies.
    policies: Vec<String>,
    /// The rollout whose shares the points are; `None` if they are values of keys.
    rollout: Option<&'a Rollout>,
    largest: u64,
}

/// The estimated size of a sweep. It does not depend on the machine.
#[derive(Clone, Debug)]
pub struct SweepEstimate {
    /// Number of points.
    pub points: u64,
    /// Number of runs, without reference runs.
    pub runs: u64,
    /// Estimates of some points, by number.
    pub sampled: Vec<(u64, Estimate)>,
    /// Events of all points, as those that were sampled tell.
    pub events: f64,
}

impl SweepEstimate {
    /// Events of all pilots.
    pub fn pilot_events(&self) -> u64 {
        self.sampled.iter().map(|(_, estimate)| estimate.pilot_events).sum()
    }

    /// The size of another number of such points.
    pub(super) fn scaled_to(self, points: u64) -> SweepEstimate {
        let each = self.events / self.points as f64;
        let runs = self.runs / self.points * points;
        SweepEstimate { points, runs, events: each * points as f64, ..self }
    }
}

impl Study {
    /// Runs every policy in every replication at each point of a design, on all cores. The result does not depend on their
    /// number.
    ///
    /// ```
    /// use authstorm::experiment::sweep::{Design, Kind};
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
    /// "#)?;
    /// let design = Design::new(vec![Vary::parse("workload[0].clients=1..5/3")?], Kind::Factorial)?;
    /// let sweep = study.sweep(&design, &Control::default())?;
    /// for (point, clients) in sweep.points.iter().zip([1.0, 3.0, 5.0]) {
    ///     // A client calls at 0 s, 1 s and so on to 9 s.
    ///     assert_eq!(point.policies[0].get("requests_total").map(|m| m.mean), Some(10.0 * clients));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a point is no valid scenario, or a guard or `control` stops a run. Returns the error of the first such point.
    pub fn sweep(&self, design: &Design, control: &Control) -> Result<Sweep, Error> {
        Sweeper::new(self, design, control)?.all(control)
    }
}

/// Works on some points on all cores, a few at a time, and gives each outcome to `take`, in order.
///
/// # Errors
/// The first error in the order of `points`, of `work` or `take`.
pub fn in_order<T: Send, E: Send>(
    points: &[u64],
    work: impl Fn(u64) -> Result<T, E> + Sync + Send,
    mut take: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<(), E> {
    for chunk in points.chunks(parallel::width() * CHUNK) {
        let ended = parallel::map(chunk, |point| work(*point));
        for (point, outcome) in chunk.iter().zip(ended) {
            take(*point, outcome?)?;
        }
    }
    Ok(())
}

impl<'a> Sweeper<'a> {
    /// Checks every point before the first run.
    ///
    /// # Errors
    /// If a point is no valid scenario, or if `control` stops the check. Returns the error of the first such point.
    pub fn new(study: &'a Study, design: &Design, control: &Control) -> Result<Sweeper<'a>, Error> {
        Sweeper::over(study, design.placed(study.loaded.scenario.seed), control)
    }

    /// As [`Sweeper::new`], with points that a design has chosen.
    ///
    /// # Errors
    /// As [`Sweeper::new`].
    pub(super) fn over(study: &'a Study, points: Points, control: &Control) -> Result<Sweeper<'a>, Error> {
        Sweeper::with(study, points, None, control)
    }

    /// As [`Sweeper::over`], of the shares of a rollout where there is one.
    pub(super) fn with(
        study: &'a Study,
        points: Points,
        rollout: Option<&'a Rollout>,
        control: &Control,
    ) -> Result<Sweeper<'a>, Error> {
        let policies = match rollout {
            Some(rollout) => rollout.arms(),
            None => study.loaded.policies.iter().map(|policy| policy.name.clone()).collect(),
        };
        let mut sweeper = Sweeper { study, points, policies, rollout, largest: 0 };
        let all: Vec<u64> = (0..sweeper.points.count()).collect();
        let memory = |point: u64| {
            if control.is_stopped() {
                let (at, reason) = (Time(0), StopReason::Interrupted);
                return Err(Error::from(Stopped { at, reason, chain: Vec::new(), run: None }));
            }
            sweeper.study(point).map(|study| memory_estimate(study.loaded()).bytes)
        };
        let (mut most, mut largest) = (0, 0);
        in_order(&all, memory, |point, bytes| {
            if bytes > most {
                (most, largest) = (bytes, point);
            }
            Ok(())
        })?;
        sweeper.largest = largest;
        Ok(sweeper)
    }

    /// The points.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// Number of policies, or mixes of them, that are run at each point.
    pub fn contenders(&self) -> usize {
        if self.rollout.is_some() { 1 } else { self.policies.len() }
    }

    /// The point whose runs take most memory.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// The study of a point, as if the scenario contained its values.
    ///
    /// # Errors
    /// If the scenario cannot have these values.
    pub fn study(&self, point: u64) -> Result<Study, Error> {
        if let Some(rollout) = self.rollout {
            return rollout.study(self.study, point);
        }
        let mut study = self.study.set_to(self.points.overrides(point))?;
        study.only_policies(&self.policies)?;
        Ok(study)
    }

    /// Runs a point.
    ///
    /// # Errors
    /// If a guard or `control` stops a run.
    pub fn run(&self, point: u64, control: &Control) -> Result<Point, Error> {
        let ran = self.study(point)?.run_under(control);
        let results = ran.map_err(|error| error.at(|| self.points.settings(point).join(", ")))?;
        let (scenario_hash, engine) = (results.scenario_hash.clone(), results.engine.clone());
        let of_policy = |policy: PolicyResults| PolicyPoint { name: policy.name, metrics: policy.metrics };
        let policies = match self.rollout {
            Some(rollout) => rollout.counted_apart(point, results),
            None => results.policies.into_iter().map(of_policy).collect(),
        };
        Ok(Point {
            point,
            values: self.points.values(point).into_iter().map(str::to_owned).collect(),
            scenario_hash,
            events: engine.events,
            fingerprint: engine.fingerprint,
            policies,
        })
    }

    /// Runs a point, and gives its line of a journal.
    ///
    /// # Errors
    /// As [`Sweeper::run`].
    pub fn row(&self, point: u64, control: &Control) -> Result<String, Error> {
        let point = self.run(point, control)?;
        Ok(serde_json::to_string(&point).expect("texts, numbers and maps are JSON"))
    }

    /// Runs all points.
    pub(super) fn all(&self, control: &Control) -> Result<Sweep, Error> {
        let all: Vec<u64> = (0..self.points.count()).collect();
        let mut sweep = self.head();
        self.run_in_order(&all, control, |point| sweep.points.push(point))?;
        Ok(sweep)
    }

    /// Runs some points on all cores, and gives each to `take`, in the order of `which`.
    ///
    /// # Errors
    /// The error of the first point that fails.
    pub(super) fn run_in_order(
        &self,
        which: &[u64],
        control: &Control,
        mut take: impl FnMut(Point),
    ) -> Result<(), Error> {
        in_order(
            which,
            |point| self.run(point, control),
            |_, point| {
                take(point);
                Ok(())
            },
        )
    }

    /// The sweep without its points.
    pub fn head(&self) -> Sweep {
        let scenario = &self.study.loaded.scenario;
        Sweep {
            version: VERSION.to_owned(),
            scenario: scenario.name.clone(),
            scenario_hash: self.study.hash(),
            seed: scenario.seed,
            replications: scenario.replications,
            horizon: scenario.horizon,
            design: point::design_in_words(self.points.crossed).to_owned(),
            keys: self.points.axes.iter().map(AxisValues::of).collect(),
            count: self.points.count(),
            policies: self.policies.clone(),
            confidence: super::CONFIDENCE,
            intervals: "pointwise".to_owned(),
            common_random_numbers: self.points.axes.iter().all(|axis| axis.key != "seed"),
            points: Vec::new(),
        }
    }

    /// Estimates the size of the sweep from pilots at its first, middle and last point.
    ///
    /// # Errors
    /// If `control` stops a pilot.
    pub fn estimate(&self, control: &Control) -> Result<SweepEstimate, Error> {
        let points = self.points.count();
        let mut sample = vec![0, points / 2, points - 1];
        sample.dedup();
        let mut sampled = Vec::new();
        for point in sample {
            sampled.push((point, estimate(&self.study(point)?, control)?));
        }
        let mean = sampled.iter().map(|(_, estimate)| estimate.events()).sum::<f64>() / sampled.len() as f64;
        let runs = self.contenders() as u64 * u64::from(self.study.loaded.scenario.replications) * points;
        Ok(SweepEstimate { points, runs, sampled, events: mean * points as f64 })
    }
}
