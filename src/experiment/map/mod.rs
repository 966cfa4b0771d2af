//! The vulnerable region of metastable failure: at which load a system comes back from a trigger, and at which it stays down
//! (Bronson, Aghayev, Charapko and Zhu 2021, "Metastable Failures in Distributed Systems", HotOS '21; Huang et al. 2022, OSDI).
//!
//! Each cell is a load with a trigger. Its runs are back when `time_to_recover_s` says so: within the band of the reference to the
//! end of the run. A run that is not back by then is counted as not back within that time, and never dropped. The same load without
//! any trigger tells whether the system carries it at all.

#[cfg(unix)]
mod files;
mod mapped;
mod ramp;
mod trigger;
mod words;

#[cfg(unix)]
pub use files::{CSV, JSON, RAMP, VALUES, write};
#[cfg(feature = "charts")]
pub(crate) use mapped::easiest_first;
pub use mapped::{
    Cell, Kind, LoadAlone, Map, PolicyMap, PolicyRamp, RampStep, TriggerEnds, Turn, json_schema,
};
pub use ramp::{CARRIES, StepSeen};
#[cfg(feature = "charts")]
pub(crate) use words::cell_in_words;

use mapped::median;
use ramp::{Ramp, RampSeen};
use trigger::{Trigger, left_after, trigger_of};

use super::gather::Gathering;
use super::job::Summary;
use super::reference::without_triggers;
use super::sweep::{Axis, BadDesign, Points, SweepEstimate, Sweeper, check_keys, in_order};
use super::vary::{BadVary, Vary};
use super::{CONFIDENCE, Error, Study, VERSION};
use crate::kernel::Dur;
use crate::metrics::{Metric, metrics_of};
use crate::stats::clopper_pearson;
use crate::text::tick;
use crate::world::Control;
use serde::{Deserialize, Serialize};

/// The most cells of a map.
pub const MOST_CELLS: u64 = 2_500;

/// A question of a planner: from which loads does the system come back after a trigger?
///
/// ```
/// use authstorm::experiment::map::{Kind, Question};
/// use authstorm::experiment::vary::Vary;
/// use authstorm::{Control, Study};
///
/// // A database that serves 30 calls a second, and callers that wait a second and try twice.
/// let study = Study::parse("database.toml", r#"
///     version = 1
///     name = "database"
///     horizon = "3m"
///     replications = 2
///     policies = ["new"]
///     [backend.generic]
///     latency = "1ms"
///     service = "100ms"
///     timeout = "1s"
///     [[backend.pool]]
///     name = "database"
///     endpoints = ["generic"]
///     workers = 3
///     [[workload]]
///     name = "web"
///     every = { exponential = "1s" }
///     retry = { on = ["network"], initial = "0s", factor = 1, cap = "0s", retries = 1 }
///     [[fault]]
///     kind = "latency"
///     add = "2s"
///     from = "30s"
///     to = "50s"
/// "#)?;
/// let question = Question::new(Vary::parse("workload[0].clients=10,25")?, Vary::parse("fault[0].to=50s,60s")?);
/// let map = study.map(&question, &Control::default())?;
/// let kinds: Vec<Kind> = map.policies[0].cells.iter().map(|cell| cell.kind).collect();
/// assert_eq!(kinds, [Kind::Stable, Kind::Stable, Kind::NotBack, Kind::NotBack]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The key of the load, or of the capacity, and its values.
    pub load: Vary,
    /// Whether it is a capacity, so that greater values help.
    pub is_capacity: bool,
    /// A key of a fault or of an action, and its values.
    pub trigger: Vary,
    /// Time after the end of the trigger within which a run is back at once.
    pub at_once: Dur,
    /// How long each load lasts while the load rises and falls within a run, to tell hysteresis; `None` for no such run.
    pub ramp: Option<Dur>,
}

impl Question {
    /// A load. A run that is back within 5 s is back at once.
    pub fn new(load: Vary, trigger: Vary) -> Question {
        Question { load, is_capacity: false, trigger, at_once: Dur::from_secs(5), ramp: None }
    }
}

/// What a run shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Seconds from the end of the trigger to the time from which on the run is back; absent if it is not back at its end.
    pub back: Option<f64>,
    /// Whether the trigger struck a call, a session or a user.
    pub struck: bool,
    /// Whether more was asked for than was served, before the first fault.
    pub exceeds: bool,
}

/// What the runs of a point show. Points of the loads alone follow the cells, and a ramp follows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Number of the point, from 0.
    pub point: u64,
    /// Events of all runs, reference runs included.
    pub events: u64,
    /// By policy and replication. Empty for the ramp.
    pub runs: Vec<Vec<Seen>>,
    /// Of the ramp: by policy, replication and step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ramp: RampSeen,
}

/// A map whose every point is known to be a valid scenario.
#[derive(Debug)]
pub struct Mapper<'a> {
    study: &'a Study,
    question: &'a Question,
    trigger: Trigger,
    /// Time from the end of the trigger to that of the run, by cell.
    left: Vec<Dur>,
    cells: Sweeper<'a>,
    loads: Sweeper<'a>,
    ramp: Option<Ramp>,
}

impl Study {
    /// Maps where the system comes back from a trigger, on all cores. The result does not depend on their number.
    ///
    /// # Errors
    /// If the question is none, a point is no valid scenario, or a guard or `control` stops a run.
    pub fn map(&self, question: &Question, control: &Control) -> Result<Map, Error> {
        let mapper = Mapper::new(self, question, control)?;
        let all: Vec<u64> = (0..mapper.count()).collect();
        let mut outcomes = Vec::new();
        in_order(
            &all,
            |point| mapper.run(point, control),
            |_, outcome| {
                outcomes.push(outcome);
                Ok::<(), Error>(())
            },
        )?;
        Ok(mapper.mapped(&outcomes))
    }
}

impl<'a> Mapper<'a> {
    /// Checks the question and every point before the first run.
    ///
    /// # Errors
    /// As [`Study::map`].
    pub fn new(study: &'a Study, question: &'a Question, control: &Control) -> Result<Mapper<'a>, Error> {
        let Question { load, trigger, .. } = question;
        check_keys(&[load.clone(), trigger.clone()], "mapped")?;
        if load.number(0).is_none() {
            let why = format!(
                "the values of {} are words, which are neither loads nor capacities",
                tick(load.key())
            );
            return Err(BadVary::new(why).into());
        }
        for vary in [load, trigger] {
            if vary.is_open() && !vary.is_complete() {
                let what = format!(
                    "{} has more values than a map can have; write KEY=LO..HI/STEPS",
                    tick(vary.key())
                );
                return Err(BadDesign::new(what).into());
            }
        }
        let cells = load.len().saturating_mul(trigger.len());
        if cells > MOST_CELLS {
            let what =
                format!("a map of {} x {} cells; allowed: {MOST_CELLS} at most", load.len(), trigger.len());
            return Err(BadDesign::new(what).into());
        }
        let of_load = if question.is_capacity { "--capacity" } else { "--load" };
        let axis = |option, vary: &Vary| {
            let values = (0..vary.len()).map(|i| (vary.text(i), vary.number(i))).collect();
            Axis { option, ..Axis::of(vary, values) }
        };
        let of = trigger_of(trigger)?;
        let points = |axes: Vec<Axis>| Points { axes, crossed: true };
        let cells =
            Sweeper::over(study, points(vec![axis(of_load, load), axis("--trigger", trigger)]), control)?;
        let loads = Sweeper::over(study, points(vec![axis(of_load, load)]), control)?;
        let left = |point: u64| left_after(&cells.study(point)?.loaded.scenario, of, trigger.key());
        let left = (0..cells.points().count()).map(left).collect::<Result<Vec<Dur>, Error>>()?;
        let ramp = question.ramp.map(|hold| Ramp::new(study, question, hold)).transpose()?;
        Ok(Mapper { study, question, trigger: of, left, cells, loads, ramp })
    }

    /// Number of points: the cells, then the loads alone, then the ramp if there is one.
    pub fn count(&self) -> u64 {
        self.ramp_at() + u64::from(self.ramp.is_some())
    }

    fn ramp_at(&self) -> u64 {
        self.first_load() + self.loads.points().count()
    }

    fn first_load(&self) -> u64 {
        self.cells.points().count()
    }

    /// The cells. The last key, that of the trigger, changes first.
    pub fn sweeper(&self) -> &Sweeper<'a> {
        &self.cells
    }

    /// The estimated size of the map.
    ///
    /// # Errors
    /// If `control` stops a pilot.
    pub fn estimate(&self, control: &Control) -> Result<SweepEstimate, Error> {
        let horizon = self.study.loaded.scenario.horizon;
        let longer = self.ramp.as_ref().map_or(0.0, |ramp| ramp.times_as_long(horizon) - 1.0);
        let all = self.cells.estimate(control)?.scaled_to(self.count());
        let more = all.events / all.points as f64 * longer.max(0.0);
        Ok(SweepEstimate { events: all.events + more, ..all })
    }

    /// Runs a point.
    ///
    /// # Errors
    /// If a guard or `control` stops a run.
    pub fn run(&self, point: u64, control: &Control) -> Result<Outcomes, Error> {
        if let Some(ramp) = self.ramp.as_ref().filter(|_| point == self.ramp_at()) {
            let (events, runs, ramp) = ramp.run(control)?;
            return Ok(Outcomes { point, events, runs, ramp });
        }
        let first = self.first_load();
        let (sweeper, number) = match point.checked_sub(first) {
            None => (&self.cells, point),
            Some(load) => (&self.loads, load),
        };
        let mut study = sweeper.study(number)?;
        if point >= first {
            study.loaded.scenario = without_triggers(&study.loaded.scenario);
        }
        let seen = self.seen(&study, point < first, control);
        let (events, runs) =
            seen.map_err(|error| error.at(|| sweeper.points().settings(number).join(", ")))?;
        Ok(Outcomes { point, events, runs, ramp: Vec::new() })
    }

    fn seen(
        &self,
        study: &Study,
        triggered: bool,
        control: &Control,
    ) -> Result<(u64, Vec<Vec<Seen>>), Error> {
        let mut gathering = Gathering::begin(study);
        gathering.extend(study.loaded.scenario.replications, None, control)?;
        let of_family = metrics_of(gathering.plan().families);
        let place = of_family.iter().position(|def| def.metric == Metric::TimeToRecoverS);
        let place = place.expect("every client family has the metrics of recovery");
        let seen = |summary: &Summary| Seen {
            back: Some(summary.values[place]).filter(|seconds| seconds.is_finite()),
            struck: triggered
                && match self.trigger {
                    Trigger::Fault(number) => summary.exercise.has_struck(number),
                    Trigger::Action(number) => {
                        summary.exercise.acted.get(number).is_some_and(|acted| *acted > 0)
                    }
                },
            exceeds: summary.demand.iter().any(crate::results::Demand::exceeds),
        };
        let runs = gathering.runs().iter().map(|runs| runs.iter().map(seen).collect()).collect();
        Ok((gathering.events(), runs))
    }

    /// The answer, from the outcomes of all points in their order.
    pub fn mapped(&self, outcomes: &[Outcomes]) -> Map {
        let (all_loads, ramp) = outcomes.split_at(self.ramp_at() as usize);
        let (cells, loads) = all_loads.split_at(self.first_load() as usize);
        let ramp = self.ramp.as_ref().zip(ramp.first());
        let scenario = &self.study.loaded.scenario;
        let policies = &self.study.loaded.policies;
        let all = cells.len() * policies.len();
        let of_policy = |(policy, resolved): (usize, &crate::scenario::ResolvedPolicy)| {
            let alone = |(i, outcome): (usize, &Outcomes)| {
                let runs = &outcome.runs[policy];
                LoadAlone {
                    load: self.question.load.text(i as u64),
                    number: self.question.load.number(i as u64).unwrap_or_default(),
                    runs: runs.len() as u64,
                    kept: runs.iter().filter(|run| run.back.is_some() && !run.exceeds).count() as u64,
                }
            };
            let loads: Vec<LoadAlone> = loads.iter().enumerate().map(alone).collect();
            let triggers = self.question.trigger.len() as usize;
            let cell = |(i, outcome): (usize, &Outcomes)| {
                self.cell(i, &outcome.runs[policy], &loads[i / triggers], all)
            };
            let cells = cells.iter().enumerate().map(cell).collect();
            let ramp = ramp.map(|(ramp, seen)| ramp.of_policy(&seen.ramp[policy], policies.len()));
            let map = PolicyMap::new(resolved.name.clone(), self.question.is_capacity, loads, cells);
            PolicyMap { ramp, ..map }
        };
        Map {
            version: VERSION.to_owned(),
            scenario: scenario.name.clone(),
            scenario_hash: self.study.hash(),
            seed: scenario.seed,
            replications: scenario.replications,
            load: self.question.load.key().to_owned(),
            is_capacity: self.question.is_capacity,
            trigger: self.question.trigger.key().to_owned(),
            at_once: self.question.at_once,
            ramp: self.question.ramp,
            confidence: CONFIDENCE,
            policies: policies.iter().enumerate().map(of_policy).collect(),
            runs: {
                let of_points =
                    outcomes.iter().flat_map(|outcome| &outcome.runs).map(|runs| runs.len() as u64);
                let of_ramp = outcomes.iter().flat_map(|outcome| &outcome.ramp).map(|runs| runs.len() as u64);
                of_points.sum::<u64>() + of_ramp.sum::<u64>()
            },
            events: outcomes.iter().map(|outcome| outcome.events).sum(),
        }
    }

    fn cell(&self, number: usize, runs: &[Seen], alone: &LoadAlone, all: usize) -> Cell {
        let struck: Vec<&Seen> = runs.iter().filter(|run| run.struck).collect();
        let n = struck.len() as u64;
        let at_once = self.question.at_once.as_secs_f64();
        let count = |is: &dyn Fn(&Seen) -> bool| struck.iter().filter(|run| is(run)).count() as u64;
        let not_back = count(&|run| run.back.is_none());
        let soon = count(&|run| run.back.is_some_and(|seconds| seconds <= at_once));
        let kind = match () {
            () if n == 0 => Kind::NotExercised,
            () if alone.kept < alone.runs => Kind::Overloaded,
            () if soon == n => Kind::Stable,
            () if not_back == 0 => Kind::Recovers,
            () if not_back == n => Kind::NotBack,
            () => Kind::Mixed,
        };
        let level = 1.0 - (1.0 - CONFIDENCE) / all as f64;
        let share = (n > 0).then(|| clopper_pearson(not_back, n, level));
        let [median_s, median_low_s, median_high_s] =
            median(&struck.iter().map(|run| run.back).collect::<Vec<_>>());
        let points = self.cells.points();
        let values = points.values(number as u64);
        Cell {
            load: values[0].to_owned(),
            load_number: alone.number,
            trigger: values[1].to_owned(),
            runs: runs.len() as u64,
            struck: n,
            at_once: soon,
            later: n - not_back - soon,
            not_back,
            within_s: self.left[number].as_secs_f64(),
            not_back_low: share.map(|(low, _)| low),
            not_back_high: share.map(|(_, high)| high),
            median_s,
            median_low_s,
            median_high_s,
            kind,
        }
    }
}
