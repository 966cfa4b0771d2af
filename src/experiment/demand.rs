//! Offered against served, per endpoint and limit, in the time before the first fault.

use crate::backend::Endpoint;
use crate::backend::gateway::LimitTotals;
use crate::backend::spec::LimitSpec;
use crate::kernel::{Dur, Time};
use crate::metrics::Exercise;
use crate::metrics::tally::Tally;
use crate::results::{Demand, LimitUse};
use crate::world::Plan;

/// Of one run: its endpoints that are called, then its limits. Empty when no request is sent before the first fault.
pub fn of(plan: &Plan, tally: &Tally) -> Vec<Demand> {
    let grid = &tally.grid;
    let whole_run = plan.backend.first_fault >= plan.horizon;
    let cells =
        if whole_run { grid.count() } else { grid.first_from(Time(plan.backend.first_fault.0 + 1)) - 1 };
    let time = Dur(if whole_run { plan.horizon } else { grid.begin(cells) }.0);
    if time == Dur::ZERO {
        return Vec::new();
    }
    let endpoints = Endpoint::ALL.into_iter().filter_map(|endpoint| {
        let sum = grid.sums(endpoint).over(0, cells);
        let (offered, served) = (sum.sent as f64, sum.ok() as f64);
        (sum.sent > 0).then(|| Demand { place: format!("/{endpoint}"), time, offered, served })
    });
    let limits = plan.backend.limits.iter().zip(&tally.exercise.limits).enumerate();
    let limits = limits.map(|(number, (spec, totals))| Demand {
        place: limit_in_words(number, spec),
        time: Dur(plan.backend.first_fault.0),
        offered: (totals.admitted_before + totals.refused_before) as f64,
        served: totals.admitted_before as f64,
    });
    endpoints.chain(limits).collect()
}

/// What the limits did, summed over the replications in their order.
pub fn limit_uses(plan: &Plan, exercises: &[Exercise]) -> Vec<LimitUse> {
    let sum = |number: usize| {
        exercises.iter().fold(LimitTotals::default(), |mut sum, exercise| {
            sum.add(&exercise.limits[number]);
            sum
        })
    };
    let limits = plan.backend.limits.iter().enumerate();
    limits.map(|(number, spec)| LimitUse::new(limit_in_words(number, spec), spec, &sum(number))).collect()
}

/// Means over the replications, in the order of places.
pub fn mean(runs: &[&[Demand]]) -> Vec<Demand> {
    let mut places: Vec<Demand> = Vec::new();
    for demand in runs.iter().copied().flatten() {
        match places.iter_mut().find(|known| known.place == demand.place) {
            Some(known) => {
                known.offered += demand.offered;
                known.served += demand.served;
            }
            None => places.push(demand.clone()),
        }
    }
    for place in &mut places {
        place.offered /= runs.len() as f64;
        place.served /= runs.len() as f64;
    }
    places
}

/// A limit in words: its number from 1, its endpoints, its settings.
pub fn limit_in_words(number: usize, spec: &LimitSpec) -> String {
    let endpoints: Vec<String> = spec.endpoints.iter().map(|e| format!("/{e}")).collect();
    format!("limit {} on {} ({})", number + 1, endpoints.join(", "), spec.in_words())
}
