//! Intervals from one long run cut into batches, or from independent replications, of a size that is chosen first.
//!
//! Two stages (Stein 1945): a pilot run says how many batches' worth of time the wanted half width needs; the interval
//! then comes from another run, with random numbers of its own. The ratio of two batch means is estimated from their
//! sums, its variance from the residuals (delta method; Law, chapter 9).

use super::{Estimated, Measure};
use crate::experiment::Study;
use crate::kernel::Dur;
use crate::stats::t_quantile;
use crate::world::{Control, Observer, Plan, Snapshot, observed};

/// Batches of a run. With this many the t quantile is near the normal one, and a batch is long against the memory of
/// every queue here.
const BATCHES: u64 = 50;
/// Batches at the start that are thrown away: a tenth of the run, many times the memory of every queue here.
const WARM_UP: u64 = 5;
/// A run is made at most so many times longer than its pilot.
const MOST: f64 = 4_000.0;

/// How a model is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// One run, cut into batches; the pilot is so many seconds long.
    Long {
        /// Length of the pilot, in seconds.
        pilot_s: f64,
    },
    /// Independent replications of this length, sampled this often; the pilot has so many.
    Replicated {
        /// Length of a replication, in seconds.
        horizon_s: f64,
        /// Time between samples, in seconds.
        every_s: f64,
        /// Replications of the pilot.
        pilot: u32,
    },
}

/// What is wanted.
pub(crate) struct Sizes {
    pub wanted: f64,
    pub confidence: f64,
    pub seed: u64,
}

/// An estimate and its interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub fn contains(&self, x: f64) -> bool {
        (self.low..=self.high).contains(&x)
    }
}

/// Takes samples.
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

/// A text made ready for runs of this length.
fn plan(text: &str, horizon: Dur, seed: u64) -> Plan {
    let text = format!("horizon = \"{horizon}\"\nbucket = \"{horizon}\"\nseed = {seed}\n{text}");
    Study::parse("verify", &text).unwrap_or_else(|e| panic!("a check's own scenario: {e}\n{text}")).plan()
}

/// Runs it; its snapshots and events. `run` numbers runs that must not share random numbers.
fn simulate(plan: &Plan, every: Dur, run: u32) -> (Vec<Snapshot>, u64) {
    let sampler = Sampler { every, snapshots: Vec::new() };
    let (run, sampler, _) = observed(plan, 0, run, &Control::default(), sampler)
        .unwrap_or_else(|stopped| panic!("a check's own scenario was stopped: {stopped}"));
    (sampler.snapshots, run.events)
}

fn dur(s: f64) -> Dur {
    Dur((s * 1e9 + 0.5) as u64)
}

/// Numerators and denominators: one list per measure.
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

/// How many times the pilot's length the wanted half width needs, and the events that it took to find out.
pub(crate) fn size(estimated: &Estimated, sizes: &Sizes) -> (f64, u64) {
    let (data, events) = data(estimated, 1.0, 1.0, sizes.seed, true);
    let needed = data.iter().zip(&estimated.measures).map(|(values, measure)| {
        let interval = interval(values, sizes.confidence);
        let half = (interval.high - interval.low) / 2.0;
        let ratio = half / (sizes.wanted * measure.exact.abs());
        ratio * ratio
    });
    // A tenth more, since the pilot's variance is an estimate too.
    let needed = needed.fold(0.0f64, f64::max) * 1.1;
    (needed.clamp(1.0, MOST), events)
}

/// The intervals of all measures, and the events it took.
pub(crate) fn estimate(estimated: &Estimated, factor: f64, size: f64, sizes: &Sizes) -> (Vec<Interval>, u64) {
    let (data, events) = data(estimated, factor, size, sizes.seed, false);
    (data.iter().map(|values| interval(values, sizes.confidence)).collect(), events)
}

/// The ratio of the sums and its interval.
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

/// The last of a text's totals, after a run without randomness or without an interval.
pub(super) fn totals(text: &str, horizon: Dur) -> Snapshot {
    let (mut snapshots, _) = simulate(&plan(text, horizon, 1), horizon, 0);
    snapshots.pop().expect("the last sample is at the horizon")
}
