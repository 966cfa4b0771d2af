//! Exact totals of queues, limits and generic workloads, as integers. Verification computes means from them.

use crate::backend::gateway::LimitTotals;
use crate::backend::station::Totals;
use crate::kernel::Time;
use serde::{Deserialize, Serialize};

/// All totals up to one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The time of the snapshot.
    pub at: Time,
    /// One entry per pool of workers, in the order of [`Layout::pools`](crate::backend::layout::Layout::pools).
    pub stations: Vec<Totals>,
    /// One entry per limit, in the scenario's order.
    pub limits: Vec<LimitTotals>,
    /// One entry per workload, in the scenario's order.
    pub workloads: Vec<WorkloadTotals>,
}

/// Totals of the calls of a generic workload.
///
/// Time integrals follow from sums of times: a call that begins at `a` and ends at `b` contributes `b - a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadTotals {
    /// Calls begun. Each has one first try.
    pub calls: u64,
    /// Tries beyond the first.
    pub retries: u64,
    /// Tries that were never sent: the client refused them itself, held a token, or waited for the fetch of another call.
    /// Included in `calls` and `retries`.
    pub unsent: u64,
    /// Calls answered with success.
    pub answered: u64,
    /// Calls given up.
    pub gave_up: u64,
    /// Calls that wait between two tries ("in orbit").
    pub in_orbit: u64,
    /// Sum of the times at which calls began, in nanoseconds.
    pub begun_at: u128,
    /// Sum of the times at which calls ended, in nanoseconds.
    pub ended_at: u128,
    /// Sum of the times at which calls entered the orbit, in nanoseconds.
    pub orbit_from: u128,
    /// Sum of the times at which calls left the orbit, in nanoseconds.
    pub orbit_to: u128,
}

impl WorkloadTotals {
    /// Calls under way, including those in orbit.
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
