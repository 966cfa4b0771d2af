//! The times at which faults last, for charts.

use crate::results::FaultWindow;
use crate::world::Plan;

/// Fault windows for charts, clipped to the horizon. The window of a revocation is empty.
pub(super) fn windows(plan: &Plan) -> Vec<FaultWindow> {
    let specs = plan.scenario.faults.iter();
    specs
        .filter(|spec| spec.from < plan.scenario.horizon)
        .map(|spec| {
            let name = if spec.name.is_empty() { spec.in_words() } else { spec.name.clone() };
            let to = spec.to.unwrap_or(plan.scenario.horizon).min(plan.scenario.horizon);
            let to = if spec.strikes_sessions() { spec.from } else { to };
            FaultWindow { name, from: spec.from, to }
        })
        .collect()
}
