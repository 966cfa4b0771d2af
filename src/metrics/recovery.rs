//! When a run has recovered: every endpoint is back within the band of the reference, and stays so to the end.
//!
//! The reference is the same users on the same random streams, without faults, triggers and limits (see
//! [`crate::experiment::reference`]). Run and reference are compared in windows of [`Grid::window`] cells, one beginning at every
//! cell, so neither the bucket nor a quiet moment decides. A window is inside the band when for each endpoint
//!
//! - at most 1% of the calls that ended failed, beyond what fails in the reference because a browser is offline, and what a fault
//!   strikes that lasts to the end of the run;
//! - goodput is at least 75% of the reference's, less five standard deviations of a Poisson count;
//! - load is at most 125% of the reference's, plus five standard deviations;
//! - the mean waiting time of a call is at most twice the reference's, with an allowance for few calls.
//!
//! The reference's value is the least favourable of the windows that begin within one window of the run's, because timers that
//! start anew after a fault are shifted against the reference's. Each measure of each endpoint is back at the change point of
//! its last window outside: where its cumulated excess over the band is greatest. The run has recovered when all are back, if
//! at least three windows and a twentieth of the run follow, and if goodput and load over this whole rest agree to three standard deviations.

use super::collect::Tally;
use super::grid::{Cell, Grid, Sums};
use crate::backend::Endpoint;
use crate::experiment::reference::app_reaction_is_a_trigger;
use crate::fault::FaultKind;
use crate::kernel::{Dur, Time};
use crate::world::Plan;

/// Failed calls that the band allows, as a share of those that ended.
const FAILED: f64 = 0.01;
/// Least goodput, as a share of the reference's.
const GOODPUT: f64 = 0.75;
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
/// And at least one part in so many of the run.
const HOLD_SHARE: usize = 20;
/// Reference windows that one window is compared with: so many on either side.
const NEIGHBOURS: usize = 8;

/// The time from the last cause to recovery; none when the run does not recover before its end. Zero when nothing failed and
/// no cause acted, and when the cause never moves the run out of the band.
pub fn time_to_recover(run: &Tally, reference: &Grid, plan: &Plan) -> Option<Dur> {
    let Some(cause) = last_cause(run, plan) else { return Some(Dur::ZERO) };
    let recovered = recovered_at(&run.grid, reference, background(run, plan))?;
    Some(recovered.since(cause))
}

/// When the last cause ended: a fault window that struck a call (its begin, when it lasts beyond the horizon), or an action.
/// Without both, when the first call failed; none when no call did.
fn last_cause(run: &Tally, plan: &Plan) -> Option<Time> {
    let struck = plan
        .backend
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
    let fleet = &plan.scenario.fleet;
    let reaction = app_reaction_is_a_trigger(&plan.scenario).then(|| {
        let to = fleet.app_reaction_to.map(|to| Time(to.0)).filter(|to| *to < plan.horizon);
        to.unwrap_or(Time(fleet.app_reaction_from.0))
    });
    faults.chain(triggers).chain(reaction).max().or(run.exercise.first_failure)
}

/// The share of an endpoint's calls that faults strike which last to the end of the run.
fn background(run: &Tally, plan: &Plan) -> [f64; Endpoint::COUNT] {
    Endpoint::ALL.map(|endpoint| {
        let lasting = plan.backend.faults.iter().enumerate().filter(|(i, fault)| {
            let fails = matches!(fault.kind, FaultKind::Status | FaultKind::Outage | FaultKind::NoAnswer);
            let lasts = fault.to >= plan.horizon && fault.endpoints[endpoint as usize];
            fails && lasts && run.exercise.has_struck(*i)
        });
        1.0 - lasting.map(|(_, fault)| 1.0 - fault.probability).product::<f64>()
    })
}

/// From when on the run stays within the band; none when it does not do so for long enough before its end.
fn recovered_at(run: &Grid, reference: &Grid, background: [f64; Endpoint::COUNT]) -> Option<Time> {
    let window = run.window();
    let hold = (HOLD * window).max(run.count() / HOLD_SHARE);
    let endpoints: Vec<(Sums, Sums, f64)> =
        Endpoint::ALL.into_iter().map(|e| (run.sums(e), reference.sums(e), background[e as usize])).collect();
    let windows = (run.count() + 1).saturating_sub(window);
    let mut from = 0;
    for (run, reference, struck) in &endpoints {
        let mut back = [false; MEASURES];
        for start in (0..windows).rev() {
            let expected =
                Expected { struck: *struck, ..Expected::around(reference, start, window, windows) };
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
        // Where the reference still serves calls, recovery is not said of an endpoint that serves none.
        let exercised = reference.ok < HOLD as u64 || run.ok > 0;
        let expected = Expected { struck: *struck, ..Expected::of(&reference) };
        let excess = expected.excess(&run, 1.0, REST_DEVIATIONS);
        exercised && excess.iter().all(|excess| *excess <= 0.0)
    });
    rest_agrees.then(|| run.begin(from))
}

/// Failures, goodput, load, waiting.
const MEASURES: usize = 4;

/// What the reference leads to expect of a window.
struct Expected {
    least_ok: f64,
    most_sent: f64,
    most_network: f64,
    /// Nanoseconds a call.
    most_waiting: f64,
    /// Share of the calls that faults strike which last to the end of the run.
    struck: f64,
}

impl Expected {
    fn of(reference: &Cell) -> Expected {
        let waiting =
            if reference.ended == 0 { 0.0 } else { reference.waited as f64 / reference.ended as f64 };
        Expected {
            least_ok: reference.ok as f64,
            most_sent: reference.sent as f64,
            most_network: reference.network as f64,
            most_waiting: waiting,
            struck: 0.0,
        }
    }

    /// The least favourable of the reference's windows that begin within one window of `start`.
    fn around(reference: &Sums, start: usize, window: usize, windows: usize) -> Expected {
        let step = window.div_ceil(NEIGHBOURS);
        let near = |i: usize| (start + i * step).checked_sub(NEIGHBOURS * step).filter(|at| *at < windows);
        let starts = (0..=2 * NEIGHBOURS).filter_map(near);
        let all = starts.map(|at| Expected::of(&reference.over(at, at + window)));
        let worse = |a: Expected, b: Expected| Expected {
            least_ok: a.least_ok.min(b.least_ok),
            most_sent: a.most_sent.max(b.most_sent),
            most_network: a.most_network.max(b.most_network),
            most_waiting: a.most_waiting.max(b.most_waiting),
            struck: a.struck,
        };
        let mut expected = all.reduce(worse).unwrap_or_else(|| Expected::of(&Cell::default()));
        if expected.most_waiting <= 0.0 {
            // The reference has no call near: what its calls wait over the whole run.
            expected.most_waiting = Expected::of(&reference.over(0, usize::MAX)).most_waiting;
        }
        expected
    }

    /// By how many calls each measure lies beyond the band, where `share` of the window has passed; not above zero inside it.
    fn excess(&self, run: &Cell, share: f64, deviations: f64) -> [f64; MEASURES] {
        let spread = |count: f64| deviations * count.sqrt();
        let ended = run.ended as f64;
        let (ok, sent, network) = (share * self.least_ok, share * self.most_sent, share * self.most_network);
        let waits = if self.most_waiting > 0.0 {
            run.waited as f64 / self.most_waiting - WAITING * ended - spread(ended)
        } else {
            0.0
        };
        [
            run.failed as f64
                - (FAILED + LOAD * self.struck) * ended
                - LOAD * network
                - spread(network + self.struck * ended),
            GOODPUT * ok - spread(ok) - run.ok as f64,
            run.sent as f64 - LOAD * sent - spread(sent.max(1.0)),
            waits,
        ]
    }

    /// The cell of a window up to which this measure's cumulated excess is greatest.
    fn change_point(&self, run: &Sums, start: usize, window: usize, measure: usize) -> usize {
        let excess = |cells: usize| {
            let share = cells as f64 / window as f64;
            self.excess(&run.over(start, start + cells), share, 0.0)[measure]
        };
        let greatest = (1..=window).reduce(|a, b| if excess(b) >= excess(a) { b } else { a });
        start + greatest.unwrap_or(window)
    }
}
