//! Exact totals of queues, limits and generic workloads: whole numbers, from which verification takes its means.

use crate::backend::Endpoint;
use crate::backend::gateway::LimitTotals;
use crate::backend::station::Totals;
use crate::kernel::Time;

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
