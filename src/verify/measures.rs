//! Measures of a batch, each a ratio of differences between two snapshots.

use super::Measure;
use crate::backend::station::Totals;
use crate::world::{Snapshot, WorkloadTotals};

fn station(s: &Snapshot) -> &Totals {
    &s.stations[0]
}

fn workload(s: &Snapshot) -> &WorkloadTotals {
    &s.workloads[0]
}

/// First and last snapshot of a batch.
fn ends(parts: &[Snapshot]) -> (&Snapshot, &Snapshot) {
    (&parts[0], parts.last().expect("a batch has two ends"))
}

fn elapsed(parts: &[Snapshot]) -> f64 {
    let (from, to) = ends(parts);
    to.at.since(from.at).0 as f64
}

/// Increase of a total during a batch.
fn grown(parts: &[Snapshot], of: impl Fn(&Snapshot) -> u128) -> f64 {
    let (from, to) = ends(parts);
    (of(to) - of(from)) as f64
}

/// Seconds per nanosecond.
const S: f64 = 1e-9;

/// Mean number of calls in the station.
pub(super) fn in_system(exact: f64) -> Measure {
    Measure::new("L", exact, |p| (grown(p, |s| station(s).system_area), elapsed(p)))
}

/// Mean number of waiting calls.
pub(super) fn in_queue(exact: f64) -> Measure {
    Measure::new("Lq", exact, |p| (grown(p, |s| station(s).queue_area), elapsed(p)))
}

/// Mean wait of the calls whose service began, in seconds.
pub(super) fn wait(exact: f64) -> Measure {
    Measure::new("Wq", exact, |p| {
        let began = |s: &Snapshot| u128::from(station(s).began);
        (S * grown(p, |s| station(s).waits), grown(p, began))
    })
}

/// Mean time in the station of accepted calls, in seconds.
pub(super) fn sojourn(exact: f64) -> Measure {
    Measure::new("W", exact, |p| {
        (
            S * grown(p, |s| station(s).system_area),
            grown(p, |s| u128::from(station(s).arrivals - station(s).shed)),
        )
    })
}

/// Share of the accepted calls that wait.
pub(super) fn waits(exact: f64) -> Measure {
    Measure::new("P(wait)", exact, |p| {
        (grown(p, |s| u128::from(station(s).waited)), grown(p, |s| u128::from(station(s).arrivals)))
    })
}

/// Mean number of busy workers.
pub(super) fn busy(name: &str, exact: f64) -> Measure {
    Measure::new(name, exact, |p| (grown(p, |s| station(s).busy_area), elapsed(p)))
}

/// Share of time without a busy worker, for a station with one worker.
pub(super) fn idle(exact: f64) -> Measure {
    Measure::new("p0", exact, |p| (elapsed(p) - grown(p, |s| station(s).busy_area), elapsed(p)))
}

/// Share of calls that the queue sheds.
pub(super) fn blocking(exact: f64) -> Measure {
    Measure::new("blocking", exact, |p| {
        (grown(p, |s| u128::from(station(s).shed)), grown(p, |s| u128::from(station(s).arrivals)))
    })
}

/// Share of calls that leave the queue unserved, because they waited too long or because their clients gave up.
pub(super) fn unserved(exact: f64) -> Measure {
    Measure::new("P(unserved)", exact, |p| {
        let left = |s: &Snapshot| u128::from(station(s).expired + station(s).abandoned);
        (grown(p, left), grown(p, |s| u128::from(station(s).arrivals)))
    })
}

/// Completed services per second.
pub(super) fn throughput(exact: f64) -> Measure {
    Measure::new("throughput", exact, |p| (grown(p, |s| u128::from(station(s).served)), S * elapsed(p)))
}

/// Mean number of calls in orbit.
pub(super) fn orbit(exact: f64) -> Measure {
    Measure::new("mean orbit", exact, |p| (grown(p, |s| workload(s).orbit_area(s.at)), elapsed(p)))
}

/// Retries per call.
pub(super) fn retries(exact: f64) -> Measure {
    Measure::new("retries per call", exact, |p| {
        (grown(p, |s| u128::from(workload(s).retries)), grown(p, |s| u128::from(workload(s).calls)))
    })
}

/// Tries per call.
pub(super) fn tries(name: &str, exact: f64) -> Measure {
    Measure::new(name, exact, |p| {
        let tries = |s: &Snapshot| u128::from(workload(s).retries + workload(s).calls);
        (grown(p, tries), grown(p, |s| u128::from(workload(s).calls)))
    })
}

/// Share of calls that succeed.
pub(super) fn success(name: &str, exact: f64) -> Measure {
    Measure::new(name, exact, |p| {
        let over = |s: &Snapshot| u128::from(workload(s).answered + workload(s).gave_up);
        (grown(p, |s| u128::from(workload(s).answered)), grown(p, over))
    })
}

/// Share of calls that their client gives up.
pub(super) fn gave_up(name: &str, exact: f64) -> Measure {
    Measure::new(name, exact, |p| {
        let over = |s: &Snapshot| u128::from(workload(s).answered + workload(s).gave_up);
        (grown(p, |s| u128::from(workload(s).gave_up)), grown(p, over))
    })
}

/// Share of requests that the first limit admits.
pub(super) fn admitted(exact: f64) -> Measure {
    Measure::new("p admit", exact, |p| {
        let asked = |s: &Snapshot| u128::from(s.limits[0].admitted + s.limits[0].refused);
        (grown(p, |s| u128::from(s.limits[0].admitted)), grown(p, asked))
    })
}

/// Share of requests that the first limit refuses.
pub(super) fn refused(exact: f64) -> Measure {
    Measure::new("p refuse", exact, |p| {
        let asked = |s: &Snapshot| u128::from(s.limits[0].admitted + s.limits[0].refused);
        (grown(p, |s| u128::from(s.limits[0].refused)), grown(p, asked))
    })
}
