//! Interval estimates from batches of one long run or from independent replications, with a planned half width.
//!
//! The procedure has two stages (Stein 1945). A pilot run determines the run length that the wanted half width needs.
//! A second run with other random numbers gives the interval. The value is a ratio of two sums over batches. Its
//! variance comes from the residuals (delta method; Law, chapter 9).

use super::{Estimated, Measure};
use crate::experiment::Study;
use crate::kernel::Dur;
use crate::stats::t_quantile;
use crate::world::{Control, Observer, Plan, Snapshot, observed};

/// Batches per run, without warm-up. With 50 batches the t quantile is close to the normal one, and a batch is long
/// compared with the correlation time of every queue here.
const BATCHES: u64 = 50;
/// Discarded batches at the start: a tenth of the run, many times the correlation time of every queue here.
const WARM_UP: u64 = 5;
/// Greatest length of a run, as a multiple of its pilot.
const MAX_FACTOR: f64 = 4_000.0;

/// The kind of run that an estimate uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// One run, divided into batches.
    Long {
        /// Length of the pilot with its warm-up, in seconds.
        pilot_s: f64,
    },
    /// Independent replications.
    Replicated {
        /// Length of a replication, in seconds.
        horizon_s: f64,
        /// Time between samples, in seconds.
        every_s: f64,
        /// Replications of the pilot.
        pilot: u32,
    },
}

/// Target of an estimate.
pub(crate) struct Sizes {
    pub wanted: f64,
    pub confidence: f64,
    pub seed: u64,
}

/// A ratio estimate and its confidence interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub(super) fn contains(&self, x: f64) -> bool {
        (self.low..=self.high).contains(&x)
    }
}

/// An observer that collects snapshots at regular times.
pub(crate) struct Sampler {
    every: Dur,
    pub snapshots: Vec<Snapshot>,
}

impl Observer for Sampler {
    const ACTIVE: bool = false;

    fn sample_every(&self) -> Option<Dur> {
        Some(self.every)
    }

    fn sampled(&mut self, totals: Snapshot) {
        self.snapshots.push(totals);
    }
}

/// Compiles a scenario text without `horizon`, `bucket` and `seed` for a run of this length.
fn plan(text: &str, horizon: Dur, seed: u64) -> Plan {
    let text = format!("horizon = \"{horizon}\"\nbucket = \"{horizon}\"\nseed = {seed}\n{text}");
    Study::parse("verify", &text)
        .unwrap_or_else(|e| panic!("the scenario of a check is invalid: {e}\n{text}"))
        .plan()
}

/// Runs the plan. Returns its snapshots and its number of events. Runs with different `run` share no random numbers.
fn simulate(plan: &Plan, every: Dur, run: u32) -> (Vec<Snapshot>, u64) {
    let sampler = Sampler { every, snapshots: Vec::new() };
    let (run, sampler, _) = observed(plan, 0, run, &Control::default(), sampler)
        .unwrap_or_else(|stopped| panic!("the scenario of a check was stopped: {stopped}"));
    (sampler.snapshots, run.events)
}

fn dur(s: f64) -> Dur {
    Dur((s * 1e9 + 0.5) as u64)
}

/// Numerators and denominators per batch or replication, one list per measure, and the number of events.
fn data(
    estimated: &Estimated,
    factor: f64,
    size: f64,
    seed: u64,
    pilot: bool,
) -> (Vec<Vec<(f64, f64)>>, u64) {
    let text = (estimated.build)(factor);
    let of = |m: &Measure, parts: &[&[Snapshot]]| parts.iter().map(|p| (m.of)(p)).collect::<Vec<_>>();
    match estimated.run {
        Run::Long { pilot_s } => {
            let every = dur(pilot_s * size / (BATCHES + WARM_UP) as f64);
            let horizon = Dur(every.0 * (BATCHES + WARM_UP));
            let (snapshots, events) = simulate(&plan(&text, horizon, seed), every, u32::from(pilot));
            let parts: Vec<&[Snapshot]> = snapshots.windows(2).skip(WARM_UP as usize - 1).collect();
            (estimated.measures.iter().map(|m| of(m, &parts)).collect(), events)
        }
        Run::Replicated { horizon_s, every_s, pilot: replications } => {
            let count = if pilot { replications } else { (f64::from(replications) * size) as u32 };
            let mut all = vec![Vec::new(); estimated.measures.len()];
            let mut events = 0;
            let plan = plan(&text, dur(horizon_s), seed);
            for n in 0..count {
                let run = if pilot { 1_000_000 + n } else { n };
                let (snapshots, more) = simulate(&plan, dur(every_s), run);
                events += more;
                for (values, m) in all.iter_mut().zip(&estimated.measures) {
                    values.push((m.of)(&snapshots));
                }
            }
            (all, events)
        }
    }
}

/// The run length that the wanted half width needs, as a multiple of the pilot's, and the events of the pilot.
pub(crate) fn size(estimated: &Estimated, sizes: &Sizes) -> (f64, u64) {
    let (data, events) = data(estimated, 1.0, 1.0, sizes.seed, true);
    let needed = data.iter().zip(&estimated.measures).map(|(values, measure)| {
        let interval = interval(values, sizes.confidence);
        let half = (interval.high - interval.low) / 2.0;
        let ratio = half / (sizes.wanted * measure.exact.abs());
        ratio * ratio
    });
    // Adds a tenth, because the pilot only estimates the variance.
    let needed = needed.fold(0.0f64, f64::max) * 1.1;
    (needed.clamp(1.0, MAX_FACTOR), events)
}

/// The intervals of all measures, and the number of events.
pub(crate) fn estimate(estimated: &Estimated, factor: f64, size: f64, sizes: &Sizes) -> (Vec<Interval>, u64) {
    let (data, events) = data(estimated, factor, size, sizes.seed, false);
    (data.iter().map(|values| interval(values, sizes.confidence)).collect(), events)
}

/// The ratio of the sums with its confidence interval. The interval is infinite for fewer than two values.
pub(super) fn interval(values: &[(f64, f64)], confidence: f64) -> Interval {
    let n = values.len() as f64;
    let (above, below) = values.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    if below <= 0.0 || values.len() < 2 {
        return Interval { value: 0.0, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let ratio = above / below;
    let squares: f64 = values.iter().map(|(x, y)| (x - ratio * y) * (x - ratio * y)).sum();
    let error = libm::sqrt(squares / (n - 1.0) / n) / (below / n);
    let half = t_quantile(1.0 - (1.0 - confidence) / 2.0, n - 1.0) * error;
    Interval { value: ratio, low: ratio - half, high: ratio + half }
}

/// The totals at the horizon, for scenarios that need no interval.
pub(super) fn totals(text: &str, horizon: Dur) -> Snapshot {
    let (mut snapshots, _) = simulate(&plan(text, horizon, 1), horizon, 0);
    snapshots.pop().expect("the last sample is at the horizon")
}
