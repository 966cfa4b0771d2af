//! When a run has recovered: every endpoint is back within the band of the reference, and stays so to the end.
//!
//! The reference is the same users on the same random streams, without faults, triggers and limits (see
//! [`crate::experiment::reference`]). Run and reference are compared in windows of [`Grid::window`] cells, at every cell, so
//! neither the bucket nor a quiet moment decides. A window is inside the band when for each endpoint
//!
//! - at most 1% of the calls that ended failed, beyond what fails in the reference because a browser is offline;
//! - goodput is at least 90% of the reference's, less five standard deviations of a Poisson count;
//! - load is at most 125% of the reference's, plus five standard deviations;
//! - the mean waiting time of a call is at most twice the reference's, with an allowance for few calls.
//!
//! The reference's value is the least favourable of the windows that begin within one window of the run's, because timers that
//! start anew after a fault are shifted against the reference's. From recovery to the end of the run, at least three windows
//! lie inside the band, and over this whole time goodput and load agree to three standard deviations.

use super::collect::Tally;
use super::grid::{Cell, Grid, Sums};
use crate::backend::Endpoint;
use crate::fault::FaultKind;
use crate::kernel::{Dur, Time};
use crate::world::Plan;

/// Failed calls that the band allows, as a share of those that ended.
const FAILED: f64 = 0.01;
/// Least goodput, as a share of the reference's.
const GOODPUT: f64 = 0.9;
/// Most load, as a multiple of the reference's.
const LOAD: f64 = 1.25;
/// Most waiting, as a multiple of the reference's.
const WAITING: f64 = 2.0;
/// Standard deviations of a Poisson count that a window may lie beyond these: of about 10^4 windows, none is expected to do so
/// by chance.
const WINDOW_DEVIATIONS: f64 = 5.0;
/// Standard deviations that the whole time from recovery to the end may lie beyond these.
const REST_DEVIATIONS: f64 = 3.0;
/// Windows that recovery must hold for.
const HOLD: usize = 3;
/// Reference windows that one window is compared with: so many on either side.
const NEIGHBOURS: usize = 8;

/// The time from the last cause to recovery; none when the run does not recover before its end. Zero when nothing failed and
/// no cause acted, and when the cause never moves the run out of the band.
pub fn time_to_recover(run: &Tally, reference: &Grid, plan: &Plan) -> Option<Dur> {
    let Some(cause) = last_cause(run, plan) else { return Some(Dur::ZERO) };
    let recovered = recovered_at(&run.grid, reference)?;
    Some(recovered.since(cause))
}

/// When the last cause ended: a fault window that struck a call (its begin, when it lasts beyond the horizon), or an action.
/// Without both, when the first call failed; none when no call did.
fn last_cause(run: &Tally, plan: &Plan) -> Option<Time> {
    let struck = plan
        .faults
        .iter()
        .enumerate()
        .filter(|(i, fault)| fault.kind != FaultKind::Pass && run.exercise.has_struck(*i));
    let faults = struck.map(|(_, fault)| match fault.kind {
        FaultKind::Revocation => fault.from,
        _ if fault.to < plan.horizon => fault.to,
        _ => fault.from,
    });
    let actions = plan.scenario.actions.iter().zip(&run.exercise.acted);
    let triggers = actions.filter(|(_, acted)| **acted > 0).map(|(action, _)| Time(action.at.0));
    faults.chain(triggers).max().or(run.exercise.first_failure)
}

/// From when on the run stays within the band; none when it does not do so for long enough before its end.
fn recovered_at(run: &Grid, reference: &Grid) -> Option<Time> {
    let window = run.window();
    let endpoints: Vec<(Sums, Sums)> =
        Endpoint::ALL.into_iter().map(|e| (run.sums(e), reference.sums(e))).collect();
    let windows = (run.len() + 1).saturating_sub(window);
    let inside = |start: usize| {
        endpoints.iter().all(|(run, reference)| {
            let expected = Expected::around(reference, start, window, windows);
            expected.holds(&run.over(start, start + window), WINDOW_DEVIATIONS)
        })
    };
    let last_outside = (0..windows).rev().find(|start| !inside(*start));
    let Some(last_outside) = last_outside else { return Some(Time::ZERO) };
    let from = last_outside + 1;
    if run.len() - from < HOLD * window {
        return None;
    }
    let rest_agrees = endpoints.iter().all(|(run, reference)| {
        let (run, reference) = (run.over(from, usize::MAX), reference.over(from, usize::MAX));
        // Where the reference still serves calls, recovery is not said of an endpoint that serves none.
        let exercised = reference.ok < HOLD as u64 || run.ok > 0;
        exercised && Expected::of(&reference).holds(&run, REST_DEVIATIONS)
    });
    rest_agrees.then(|| run.begin(from))
}

/// What the reference leads to expect of a window.
struct Expected {
    least_ok: f64,
    most_sent: f64,
    most_network: f64,
    /// Nanoseconds a call.
    most_waiting: f64,
}

impl Expected {
    fn of(reference: &Cell) -> Expected {
        Expected {
            least_ok: reference.ok as f64,
            most_sent: reference.sent as f64,
            most_network: reference.network as f64,
            most_waiting: if reference.ended == 0 {
                0.0
            } else {
                reference.waited as f64 / reference.ended as f64
            },
        }
    }

    /// The least favourable of the reference's windows that begin within one window of `start`.
    fn around(reference: &Sums, start: usize, window: usize, windows: usize) -> Expected {
        let step = window.div_ceil(NEIGHBOURS);
        let near = |i: usize| (start + i * step).checked_sub(NEIGHBOURS * step).filter(|at| *at < windows);
        let starts = (0..=2 * NEIGHBOURS).filter_map(near);
        let all = starts.map(|at| Expected::of(&reference.over(at, at + window)));
        let mut expected = all
            .reduce(|a, b| Expected {
                least_ok: a.least_ok.min(b.least_ok),
                most_sent: a.most_sent.max(b.most_sent),
                most_network: a.most_network.max(b.most_network),
                most_waiting: a.most_waiting.max(b.most_waiting),
            })
            .unwrap_or(Expected { least_ok: 0.0, most_sent: 0.0, most_network: 0.0, most_waiting: 0.0 });
        if expected.most_waiting <= 0.0 {
            // The reference has no call near: what its calls wait over the whole run.
            expected.most_waiting = Expected::of(&reference.over(0, usize::MAX)).most_waiting;
        }
        expected
    }

    fn holds(&self, run: &Cell, deviations: f64) -> bool {
        let spread = |count: f64| deviations * count.sqrt();
        let ended = run.ended as f64;
        let failed = run.failed as f64 - LOAD * self.most_network - spread(self.most_network);
        let fails = failed > FAILED * ended;
        let starves = (run.ok as f64) < GOODPUT * self.least_ok - spread(self.least_ok);
        let storms = run.sent as f64 > LOAD * self.most_sent + spread(self.most_sent.max(1.0));
        let waits = self.most_waiting > 0.0
            && run.waited as f64 > self.most_waiting * (WAITING * ended + spread(ended));
        !(fails || starves || storms || waits)
    }
}
