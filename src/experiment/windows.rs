//! The windows of faults, for charts.

use crate::kernel::{Dur, Time};
use crate::results::FaultWindow;
use crate::world::Plan;

/// Fault windows for charts, clipped to the horizon, in the scenario's order. The window of a fault of an instant is empty. A
/// fault that comes back very often has one window from its first begin to its last end.
pub(super) fn of(plan: &Plan) -> Vec<FaultWindow> {
    let horizon = Time(plan.scenario.horizon.0);
    let mut windows = Vec::new();
    for (spec, fault) in plan.scenario.faults.iter().zip(&plan.backend.faults) {
        let Some((_, end)) = fault.last_window(horizon) else { continue };
        let name = spec.title();
        let mut add = |from: Time, to: Time| {
            windows.push(FaultWindow { name: name.clone(), from: Dur(from.0), to: Dur(to.min(horizon).0) });
        };
        let first = spec.to.map_or(horizon, |to| Time(to.0));
        let lasts = if spec.is_instant() { Dur::ZERO } else { first.since(fault.from) };
        let begins =
            std::iter::successors(Some(fault.from), |at| fault.next_begin(*at).filter(|at| *at < horizon));
        if begins.clone().nth(MOST_WINDOWS).is_none() {
            begins.for_each(|from| add(from, from.after(lasts)));
        } else {
            add(fault.from, end);
        }
    }
    windows
}

/// The most windows of one fault on a chart.
const MOST_WINDOWS: usize = 50;
