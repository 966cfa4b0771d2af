//! A load that rises slowly and falls again within a run: at which load the system falls on the way up, and at which it comes
//! back on the way down (hysteresis).
//!
//! Each load of the map lasts for a step, from the least to the greatest and back to the least. The clients of a step are those of
//! the step before and some more, or fewer. There is no trigger. A step carries its load if at least [`CARRIES`] of the generic
//! calls that are sent in its second half are answered with success; the first half is left to the change. How long a step lasts
//! is part of the answer: a load that changes faster or more slowly may turn at other values.

use super::mapped::{PolicyRamp, RampStep, Turn};
use super::{BadDesign, Question, Seen};
use crate::client::workload::{GENERIC, WorkloadSpec};
use crate::experiment::gather::Gathering;
use crate::experiment::job::Summary;
use crate::experiment::reference::without_triggers;
use crate::experiment::{CONFIDENCE, Error, Study};
use crate::kernel::{Dist, Dur};
use crate::protocol::Outcome;
use crate::stats::{clopper_pearson, each_of, mean_ci};
use crate::text::tick;
use crate::toml_text::Step;
use crate::toml_text::tree::steps;
use crate::world::Control;
use serde::{Deserialize, Serialize};

/// The share of the calls of a step that succeeds at least if the step carries its load: the band of 5% of the study of
/// metastable failure.
pub const CARRIES: f64 = 0.95;

/// The fewest buckets of a step, of which half count.
const LEAST_BUCKETS: u64 = 4;

/// Calls of the second half of a step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSeen {
    /// Calls that were sent.
    pub calls: u64,
    /// Those of them that were answered with success.
    pub answered: u64,
}

impl StepSeen {
    /// Whether the step carries its load. A step without a call shows nothing and carries nothing.
    pub fn carries(self) -> bool {
        self.calls > 0 && self.answered as f64 >= CARRIES * self.calls as f64
    }
}

/// What a ramp shows: by policy, replication and step.
pub(super) type RampSeen = Vec<Vec<Vec<StepSeen>>>;

/// A ramp that is known to be a valid scenario.
#[derive(Debug)]
pub(super) struct Ramp {
    study: Study,
    /// The clients of each step on the way up, ascending.
    loads: Vec<u32>,
    hold: Dur,
}

impl Ramp {
    /// The ramp of a question whose steps last so long.
    ///
    /// # Errors
    /// If the load is not the number of clients of a workload whose clients can come later, or the scenario cannot have the ramp.
    pub(super) fn new(study: &Study, question: &Question, hold: Dur) -> Result<Ramp, Error> {
        let bad = |why: String| Error::from(BadDesign::new(why));
        let key = question.load.key();
        let path = steps(key).unwrap_or_default();
        let [Step::Key(list), Step::Index(number), Step::Key(last)] = &path[..] else {
            return Err(bad(not_clients(key)));
        };
        if list != "workload" || last != "clients" || question.is_capacity {
            return Err(bad(not_clients(key)));
        }
        let read = |i: u64| {
            let text = question.load.text(i);
            text.parse::<u32>().map_err(|_| bad(format!("{} is no number of clients", tick(&text))))
        };
        let mut loads = (0..question.load.len()).map(read).collect::<Result<Vec<u32>, Error>>()?;
        loads.sort_unstable();
        loads.dedup();
        if loads.len() < 2 {
            return Err(bad("a ramp needs two loads or more".to_owned()));
        }
        let mut loaded = study.loaded.clone();
        let scenario = &mut loaded.scenario;
        if hold.0 / LEAST_BUCKETS < scenario.bucket.0 {
            return Err(bad(format!(
                "a step of {hold} has fewer than {LEAST_BUCKETS} buckets of {}; choose a longer step or a shorter bucket",
                scenario.bucket
            )));
        }
        *scenario = without_triggers(scenario);
        let way = 2 * loads.len() as u64 - 1;
        scenario.horizon = Dur(hold.0.saturating_mul(way));
        scenario.expectations.clear();
        let base = scenario.workloads.get(*number).cloned().ok_or_else(|| bad(not_clients(key)))?;
        let parts = parts(&base, &loads, hold).ok_or_else(|| {
            bad(format!(
                "the clients of {} cannot come step by step: a ramp needs a workload with `every` or `think`, whose `starts` is a \
                 duration or uniform, and without `until`",
                tick(&base.name)
            ))
        })?;
        scenario.workloads.splice(number..=number, parts);
        loaded.expectations.clear();
        Ok(Ramp { study: Study::of(loaded)?, loads, hold })
    }

    /// Length of the ramp in units of the scenario's horizon.
    pub(super) fn times_as_long(&self, horizon: Dur) -> f64 {
        self.study.loaded.scenario.horizon.as_secs_f64() / horizon.as_secs_f64()
    }

    /// Runs the ramp.
    ///
    /// # Errors
    /// If a guard or `control` stops a run.
    pub(super) fn run(&self, control: &Control) -> Result<(u64, Vec<Vec<Seen>>, RampSeen), Error> {
        let mut gathering = Gathering::begin(&self.study);
        gathering.extend(self.study.loaded.scenario.replications, None, control)?;
        let seen = |summary: &Summary| (0..self.steps()).map(|step| self.seen(summary, step)).collect();
        let ramp = gathering.runs().iter().map(|runs| runs.iter().map(seen).collect()).collect();
        Ok((gathering.events(), gathering.runs().iter().map(|_| Vec::new()).collect(), ramp))
    }

    fn steps(&self) -> usize {
        2 * self.loads.len() - 1
    }

    /// The calls that a run sends in the second half of a step.
    fn seen(&self, run: &Summary, step: usize) -> StepSeen {
        let bucket = run.timeline.bucket.0;
        let (from, to) = (self.hold.0 * step as u64 + self.hold.0 / 2, self.hold.0 * (step as u64 + 1));
        // Whole buckets within the half.
        let (first, end) = (from.div_ceil(bucket) as usize, (to / bucket) as usize);
        let buckets = run.timeline.buckets.get(first..end).unwrap_or_default();
        let of = |outcome: Outcome| {
            buckets.iter().map(|b| b.calls[GENERIC.index()][outcome as usize]).sum::<u64>()
        };
        StepSeen { calls: Outcome::ALL.into_iter().map(of).sum(), answered: of(Outcome::Ok) }
    }

    /// The load of a step, as its place among the loads.
    fn load_of(&self, step: usize) -> usize {
        let top = self.loads.len() - 1;
        if step <= top { step } else { 2 * top - step }
    }

    /// What the runs of a policy come to. `all` is the number of shares that are bounded together.
    pub(super) fn of_policy(&self, runs: &[Vec<StepSeen>], policies: usize) -> PolicyRamp {
        let top = self.loads.len() - 1;
        let level = each_of(self.steps() * policies, CONFIDENCE);
        let step = |step: usize| {
            let carried = runs.iter().filter(|run| run[step].carries()).count() as u64;
            let (low, high) = clopper_pearson(carried, runs.len() as u64, level);
            RampStep {
                load: self.loads[self.load_of(step)],
                rising: step <= top,
                from_s: (self.hold.as_secs_f64()) * step as f64,
                runs: runs.len() as u64,
                carried,
                carried_low: low,
                carried_high: high,
            }
        };
        // The first step up that does not carry its load, and the first step of those down from which on all carry theirs.
        let falls = |run: &Vec<StepSeen>| (0..=top).find(|step| !run[*step].carries());
        let back = |run: &Vec<StepSeen>| {
            let carries = (top..self.steps()).rev().take_while(|step| run[*step].carries()).last();
            carries.filter(|step| *step > top)
        };
        let fell: Vec<&Vec<StepSeen>> = runs.iter().filter(|run| falls(run).is_some()).collect();
        let number = |step: usize| f64::from(self.loads[self.load_of(step)]);
        let turns = |of: &dyn Fn(&Vec<StepSeen>) -> Option<usize>, missing: f64| -> Turn {
            let mut values: Vec<f64> = fell.iter().map(|run| of(run).map_or(missing, number)).collect();
            values.sort_unstable_by(f64::total_cmp);
            let known = |value: Option<&f64>| value.copied().filter(|value| value.is_finite());
            Turn {
                runs: fell.iter().filter(|run| of(run).is_some()).count() as u64,
                median: known(values.get(values.len().saturating_sub(1) / 2)),
                least: known(values.first()),
                most: known(values.last()),
            }
        };
        let gap = |run: &&Vec<StepSeen>| Some(number(falls(run)?) - number(back(run)?));
        let gaps: Vec<f64> = fell.iter().filter_map(gap).collect();
        // A run that does not come back has a gap that the ramp does not show, so the others alone would flatter.
        let hysteresis = (gaps.len() == fell.len() && !gaps.is_empty()).then(|| {
            let mean = mean_ci(&gaps, CONFIDENCE);
            [mean.mean, mean.ci_low, mean.ci_high]
        });
        PolicyRamp {
            steps: (0..self.steps()).map(step).collect(),
            runs: runs.len() as u64,
            falls: turns(&falls, f64::INFINITY),
            comes_back: turns(&back, f64::NEG_INFINITY),
            hysteresis,
        }
    }
}

fn not_clients(key: &str) -> String {
    format!(
        "{} cannot rise and fall within a run; allowed with --ramp: the number of clients of a workload, as in --load \
         workload[0].clients=100..300/5",
        tick(key)
    )
}

/// The clients of a workload, those of each step apart: they come when the load rises to theirs and leave when it falls below.
fn parts(base: &WorkloadSpec, loads: &[u32], hold: Dur) -> Option<Vec<WorkloadSpec>> {
    if base.until.is_some() || base.every.is_none() && base.think.is_none() {
        return None;
    }
    let way = 2 * loads.len() as u64 - 1;
    let part = |(place, load): (usize, &u32)| {
        let before = if place == 0 { 0 } else { loads[place - 1] };
        let by = Dur(hold.0.checked_mul(place as u64)?);
        let starts = match &base.starts {
            Dist::Constant(time) => Dist::Constant(Dur(time.0.checked_add(by.0)?)),
            Dist::Uniform(between) => {
                Dist::uniform(Dur(between.low.0.checked_add(by.0)?), Dur(between.high.0.checked_add(by.0)?))
            }
            _ => return None,
        };
        Some(WorkloadSpec {
            name: if place == 0 { base.name.clone() } else { format!("{}-{load}", base.name) },
            clients: load - before,
            starts,
            until: (place > 0).then(|| Dur(hold.0.saturating_mul(way - place as u64))),
            ..base.clone()
        })
    };
    loads.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = "version = 1\nname = \"d\"\nhorizon = \"1m\"\nreplications = 2\npolicies = [\"new\"]\n\
         [[workload]]\nname = \"web\"\nclients = 9\nstarts = { uniform = [\"0s\", \"1s\"] }\nevery = \"1s\"\n";

    fn ramp(loads: &str) -> Result<Ramp, Error> {
        let study = Study::parse("d.toml", DATABASE).expect("a scenario");
        let vary = |text: &str| crate::experiment::vary::Vary::parse(text).expect("a key");
        Ramp::new(&study, &Question::new(vary(loads), vary("fault[0].to=1s,2s")), Dur::from_secs(10))
    }

    fn seen(carries: bool) -> StepSeen {
        StepSeen { calls: 100, answered: if carries { 95 } else { 94 } }
    }

    /// Steps of 5, 10, 20, 10 and 5 clients, each of whom calls once a second: as many calls in five seconds.
    #[test]
    fn the_load_rises_and_falls_step_by_step() {
        let ramp = ramp("workload[0].clients=10,20,5").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(ramp.loads, [5, 10, 20]);
        assert_eq!(ramp.study.loaded.scenario.horizon, Dur::from_secs(50));
        let (events, _, seen) = ramp.run(&Control::default()).unwrap_or_else(|e| panic!("{e}"));
        assert!(events > 0);
        for run in &seen[0] {
            let calls: Vec<u64> = run.iter().map(|step| step.calls).collect();
            // Clients that leave end within a second of the step's end.
            assert_eq!(calls, [25, 50, 100, 50, 25], "{run:?}");
            assert!(run.iter().all(|step| step.carries()));
        }
        let told = ramp.of_policy(&seen[0], 1);
        assert_eq!((told.falls.runs, told.comes_back.runs, told.hysteresis), (0, 0, None));
    }

    /// By hand, with loads 5, 10, 20: falls at 20 and comes back at 5; falls at 10 and comes back at 10; does not come back.
    #[test]
    fn the_turns_are_read_from_the_steps() {
        let ramp = ramp("workload[0].clients=5,10,20").unwrap_or_else(|e| panic!("{e}"));
        let run = |steps: [bool; 5]| steps.map(seen).to_vec();
        let wide = run([true, true, false, false, true]);
        let narrow = run([true, false, false, true, true]);
        let told = ramp.of_policy(&[wide.clone(), narrow.clone()], 1);
        assert_eq!((told.falls.runs, told.falls.median, told.falls.most), (2, Some(10.0), Some(20.0)));
        assert_eq!(
            (told.comes_back.runs, told.comes_back.least, told.comes_back.most),
            (2, Some(5.0), Some(10.0))
        );
        let [mean, low, high] = told.hysteresis.expect("both come back");
        assert!((mean - 7.5).abs() < 1e-12 && low < 0.0 && high > 15.0, "{mean} {low} {high}");
        let carried: Vec<u64> = told.steps.iter().map(|step| step.carried).collect();
        assert_eq!(carried, [2, 1, 0, 1, 2]);
        // A run that does not come back leaves no mean, and one that is back for a step only is not back.
        let stuck = run([true, true, false, true, false]);
        let told = ramp.of_policy(&[wide, stuck, run([true; 5])], 1);
        assert_eq!((told.runs, told.falls.runs, told.comes_back.runs, told.hysteresis), (3, 2, 1, None));
        assert_eq!((told.comes_back.least, told.comes_back.most), (None, Some(5.0)));
        assert!(!StepSeen { calls: 0, answered: 0 }.carries());
    }

    #[test]
    fn what_cannot_rise_is_refused() {
        for (loads, says) in [
            ("fleet.users=5,10", "workload[0].clients"),
            ("workload[3].clients=5,10", "cannot rise and fall"),
        ] {
            let why = ramp(loads).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(why.contains(says), "{loads}: {why}");
        }
    }
}
