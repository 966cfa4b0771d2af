//! Exact totals of queues, limits and generic workloads: whole numbers, from which verification takes its means.

use super::{Event, EventKind, Observer, World};
use crate::backend::Endpoint;
use crate::backend::station::Totals;
use crate::kernel::Time;
use crate::kernel::queue::Queue;

/// Everything that is totalled, up to one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The time.
    pub at: Time,
    /// One per endpoint that queues, in the order of [`Endpoint::ALL`].
    pub stations: Vec<StationTotals>,
    /// One per limit, in the scenario's order.
    pub limits: Vec<LimitTotals>,
    /// One per workload, in the scenario's order.
    pub workloads: Vec<WorkloadTotals>,
}

/// The totals of an endpoint's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StationTotals {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its totals.
    pub totals: Totals,
}

/// The verdicts of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitTotals {
    /// Calls that passed it.
    pub admitted: u64,
    /// Calls that it refused.
    pub refused: u64,
    /// Of the calls that it passed, those before the first fault.
    pub admitted_before: u64,
    /// Of the calls that it refused, those before the first fault.
    pub refused_before: u64,
}

impl LimitTotals {
    /// Calls that it judged.
    pub const fn asked(&self) -> u64 {
        self.admitted + self.refused
    }

    /// Adds the verdicts on other sessions of the same run.
    pub fn add(&mut self, other: &LimitTotals) {
        self.admitted += other.admitted;
        self.refused += other.refused;
        self.admitted_before += other.admitted_before;
        self.refused_before += other.refused_before;
    }
}

/// What the clients of a generic workload did.
///
/// Areas follow from sums of times: a call that begins at `a` and ends at `b` has been under way for `b - a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkloadTotals {
    /// Calls begun: first tries.
    pub calls: u64,
    /// Tries beyond the first.
    pub retries: u64,
    /// Calls answered with success.
    pub answered: u64,
    /// Calls given up.
    pub gave_up: u64,
    /// Calls between two tries: in orbit.
    pub in_orbit: u64,
    /// Sum of the times at which calls began, in nanoseconds.
    pub begun_at: u128,
    /// Sum of the times at which calls ended, in nanoseconds.
    pub ended_at: u128,
    /// Sum of the times at which calls went into orbit, in nanoseconds.
    pub orbit_from: u128,
    /// Sum of the times at which calls came out of orbit, in nanoseconds.
    pub orbit_to: u128,
}

impl WorkloadTotals {
    /// Calls under way, in orbit or not.
    pub fn under_way(&self) -> u64 {
        self.calls - self.answered - self.gave_up
    }

    /// Time integral of the calls in orbit up to `now`, in call-nanoseconds.
    pub fn orbit_area(&self, now: Time) -> u128 {
        self.orbit_to + u128::from(self.in_orbit) * u128::from(now.0) - self.orbit_from
    }

    /// Time integral of the calls under way up to `now`, in call-nanoseconds.
    pub fn call_area(&self, now: Time) -> u128 {
        self.ended_at + u128::from(self.under_way()) * u128::from(now.0) - self.begun_at
    }
}

impl<O: Observer, Q: Queue<Event>> World<'_, O, Q> {
    /// All totals up to `now`.
    pub(super) fn totals(&mut self, now: Time) -> Snapshot {
        Snapshot {
            at: now,
            stations: self.backend.station_totals(now),
            limits: self.backend.limit_totals(),
            workloads: self.generic.totals().to_vec(),
        }
    }

    /// The observer looks; its next look is planned.
    pub(super) fn sample(&mut self) {
        let totals = self.totals(self.now);
        self.observer.sampled(totals);
        if let Some(every) = self.observer.sample_every() {
            self.schedule(self.now.after(every), EventKind::Sample, 0, 0, 0);
        }
    }
}
