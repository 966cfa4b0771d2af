//! Time to recover: when every endpoint is back within the band of the reference run and stays there to the end.
//!
//! The reference run has the same users and random streams, without faults, triggers and limits (see
//! [`crate::experiment::reference`]). Run and reference are compared in windows of [`Grid::window`] cells. A window
//! starts at every cell, so the result depends neither on the bucket nor on a quiet moment. A window is inside the band
//! if, for each endpoint,
//!
//! - at most 1% of the calls that ended failed, not counting failures that the reference also has because a browser is
//!   offline, and failures by a fault that lasts to the end of the run;
//! - goodput is at least 75% of the reference's, minus five standard deviations of a Poisson count;
//! - load is at most 125% of the reference's, plus five standard deviations;
//! - the mean waiting time of a call is at most twice the reference's, with an allowance for few calls.
//!
//! The reference value is the least favourable of the windows that start within one window of the run's. The allowance
//! is needed because timers that restart after a fault are shifted against the reference's timers. Each measure of each
//! endpoint recovers at the change point of its last window outside the band: the cell where its cumulated excess over
//! the band is greatest. The run has recovered when all measures have, if at least three windows and a twentieth of the
//! run follow, and if failures, goodput, load and waiting over this whole rest are inside the band with three standard
//! deviations.

use super::grid::{Cell, Grid, Sums};
use super::tally::Tally;
use crate::backend::Endpoint;
use crate::kernel::{Dur, Time};
use crate::plan::Plan;

/// Failed calls inside the band, as a share of the calls that ended.
const FAILED: f64 = 0.01;
/// Least goodput inside the band, as a share of the reference's.
const GOODPUT: f64 = 0.75;
/// Greatest load inside the band, as a multiple of the reference's.
const LOAD: f64 = 1.25;
/// Greatest mean waiting time inside the band, as a multiple of the reference's.
const WAITING: f64 = 2.0;
/// Allowance of a window, in standard deviations of a Poisson count. Of about 10^4 windows, none is expected to exceed
/// it by chance.
const WINDOW_DEVIATIONS: f64 = 5.0;
/// Allowance of the time from recovery to the end, in standard deviations.
const REST_DEVIATIONS: f64 = 3.0;
/// Least number of windows after recovery.
const HOLD: usize = 3;
/// Least time after recovery, as one part in this many of the run.
const HOLD_SHARE: usize = 20;
/// Number of reference windows on either side that a window is compared with.
const NEIGHBOURS: usize = 8;

/// Time from the last cause to recovery, or `None` if the run does not recover before its end. Zero if nothing failed
/// and no cause acted, and if the run never leaves the band after the cause.
pub fn time_to_recover(run: &Tally, reference: &Grid, plan: &Plan) -> Option<Dur> {
    let Some(cause) = last_cause(run, plan) else { return Some(Dur::ZERO) };
    let recovered = recovered_at(&run.grid, reference, background(run, plan))?;
    Some(recovered.since(cause))
}

/// Time of the last cause: the end of the last window of a fault that struck (its start, if it lasts to the horizon) or an action. Without
/// any, the end of the first failed call. `None` if no call failed.
fn last_cause(run: &Tally, plan: &Plan) -> Option<Time> {
    let struck = plan
        .backend
        .faults
        .iter()
        .enumerate()
        .filter(|(i, fault)| fault.kind.harms() && run.exercise.has_struck(*i));
    let faults = struck.filter_map(|(_, fault)| {
        let (begin, end) = fault.last_window(plan.horizon)?;
        Some(if end < plan.horizon { end } else { begin })
    });
    let actions = plan.scenario.actions.iter().zip(&run.exercise.acted);
    let triggers = actions.filter(|(_, acted)| **acted > 0).map(|(action, _)| Time(action.at.0));
    let reactions = plan.scenario.fleets().filter(|fleet| fleet.app_reaction_is_a_trigger());
    let reactions = reactions.map(|fleet| {
        let to = fleet.app_reaction_to.map(|to| Time(to.0)).filter(|to| *to < plan.horizon);
        to.unwrap_or(Time(fleet.app_reaction_from.0))
    });
    faults.chain(triggers).chain(reactions).max().or(run.exercise.first_failure)
}

/// Probability that a fault which lasts to the end of the run strikes a call, per endpoint.
fn background(run: &Tally, plan: &Plan) -> [f64; Endpoint::COUNT] {
    Endpoint::ALL.map(|endpoint| {
        let lasting = plan.backend.faults.iter().enumerate().filter(|(i, fault)| {
            let fails = fault.kind.failure(0).is_some();
            let last = fault.last_window(plan.horizon);
            let lasts = last.is_some_and(|(_, end)| end >= plan.horizon) && fault.endpoints[endpoint.index()];
            fails && lasts && run.exercise.has_struck(*i)
        });
        1.0 - lasting.map(|(_, fault)| 1.0 - fault.mean_probability()).product::<f64>()
    })
}

/// Time from which the run stays inside the band, or `None` if too little of the run follows.
fn recovered_at(run: &Grid, reference: &Grid, background: [f64; Endpoint::COUNT]) -> Option<Time> {
    let window = run.window();
    let hold = (HOLD * window).max(run.count() / HOLD_SHARE);
    // An endpoint that neither run calls is never outside the band.
    let called = Endpoint::ALL.into_iter().filter(|e| run.has_calls(*e) || reference.has_calls(*e));
    let endpoints: Vec<(Sums, Sums, f64)> =
        called.map(|e| (run.sums(e), reference.sums(e), background[e.index()])).collect();
    let windows = (run.count() + 1).saturating_sub(window);
    let mut from = 0;
    for (run, reference, struck) in &endpoints {
        let mut back = [false; MEASURES];
        let of_reference: Vec<Expected> =
            (0..windows).map(|at| Expected::of(&reference.over(at, at + window))).collect();
        for start in (0..windows).rev() {
            let expected =
                Expected { struck: *struck, ..Expected::around(reference, &of_reference, start, window) };
            let excess = expected.excess(&run.over(start, start + window), 1.0, WINDOW_DEVIATIONS);
            for measure in 0..MEASURES {
                if !back[measure] && excess[measure] > 0.0 {
                    back[measure] = true;
                    from = from.max(expected.change_point(run, start, window, measure));
                }
            }
            if back == [true; MEASURES] {
                break;
            }
        }
    }
    if from > 0 && run.count().saturating_sub(from) < hold {
        return None;
    }
    let rest_agrees = endpoints.iter().all(|(run, reference, struck)| {
        let (run, reference) = (run.over(from, usize::MAX), reference.over(from, usize::MAX));
        // An endpoint without successful calls has not recovered while the reference's has some.
        let exercised = reference.ok() < HOLD as u64 || run.ok() > 0;
        let expected = Expected { struck: *struck, ..Expected::of(&reference) };
        let excess = expected.excess(&run, 1.0, REST_DEVIATIONS);
        exercised && excess.iter().all(|excess| *excess <= 0.0)
    });
    rest_agrees.then(|| run.begin(from))
}

/// Number of measures: failures, goodput, load, waiting.
const MEASURES: usize = 4;

/// Bounds of the reference for a window.
#[derive(Clone, Copy, Debug)]
struct Expected {
    least_ok: f64,
    most_sent: f64,
    most_network: f64,
    /// Nanoseconds per call.
    most_waiting: f64,
    /// Probability that a fault which lasts to the end of the run strikes a call.
    struck: f64,
}

impl Expected {
    fn of(reference: &Cell) -> Expected {
        let waiting =
            if reference.ended() == 0 { 0.0 } else { reference.waited as f64 / reference.ended() as f64 };
        Expected {
            least_ok: reference.ok() as f64,
            most_sent: reference.sent as f64,
            most_network: reference.network() as f64,
            most_waiting: waiting,
            struck: 0.0,
        }
    }

    /// The least favourable bounds of the reference windows that start within one window of `start`. `windows` has the bounds
    /// of each window, by its start.
    fn around(reference: &Sums, windows: &[Expected], start: usize, window: usize) -> Expected {
        let step = window.div_ceil(NEIGHBOURS);
        let near = |i: usize| windows.get((start + i * step).checked_sub(NEIGHBOURS * step)?);
        let all = (0..=2 * NEIGHBOURS).filter_map(near).copied();
        let worse = |a: Expected, b: Expected| Expected {
            least_ok: a.least_ok.min(b.least_ok),
            most_sent: a.most_sent.max(b.most_sent),
            most_network: a.most_network.max(b.most_network),
            most_waiting: a.most_waiting.max(b.most_waiting),
            struck: a.struck,
        };
        let mut expected = all.reduce(worse).unwrap_or_else(|| Expected::of(&Cell::default()));
        if expected.most_waiting <= 0.0 {
            // The reference has no call in these windows: takes its mean over the whole run.
            expected.most_waiting = Expected::of(&reference.over(0, usize::MAX)).most_waiting;
        }
        expected
    }

    /// Excess of each measure over the band, in calls, after a `share` of the window. At most zero inside the band.
    fn excess(&self, run: &Cell, share: f64, deviations: f64) -> [f64; MEASURES] {
        let spread = |count: f64| deviations * count.sqrt();
        let ended = run.ended() as f64;
        let (ok, sent, network) = (share * self.least_ok, share * self.most_sent, share * self.most_network);
        let waits = if self.most_waiting > 0.0 {
            run.waited as f64 / self.most_waiting - WAITING * ended - spread(ended)
        } else {
            0.0
        };
        [
            run.failed() as f64
                - (FAILED + LOAD * self.struck) * ended
                - LOAD * network
                - spread(network + self.struck * ended),
            GOODPUT * ok - spread(ok) - run.ok() as f64,
            run.sent as f64 - LOAD * sent - spread(sent.max(1.0)),
            waits,
        ]
    }

    /// The cell of the window up to which the cumulated excess of a measure is greatest.
    fn change_point(&self, run: &Sums, start: usize, window: usize, measure: usize) -> usize {
        let excess = |cells: usize| {
            let share = cells as f64 / window as f64;
            self.excess(&run.over(start, start + cells), share, 0.0)[measure]
        };
        let greatest = (1..=window).reduce(|a, b| if excess(b) >= excess(a) { b } else { a });
        start + greatest.unwrap_or(window)
    }
}
