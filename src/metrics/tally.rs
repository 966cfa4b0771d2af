//! The sums of a finished run, and the values of its metrics.

use super::exercise::Exercise;
use super::flow::FlowMetric;
use super::grid::Grid;
use super::groups::GroupCounts;
use super::latency::Latencies;
use super::recovery;
use super::seconds::Seconds;
use super::tables::metrics_of;
use super::timeline::Timeline;
use crate::backend::Endpoint;
use crate::client::{FAMILIES, Families};
use crate::kernel::{Dur, Time};
use crate::plan::Plan;
use crate::protocol::Outcome;
use serde::{Deserialize, Serialize};

/// Counts of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunMetrics {
    /// Sums over all sessions.
    pub tally: Tally,
    /// Counts per browser session, in the order of users.
    pub sessions: Vec<SessionCounts>,
}

/// Sums over a group of sessions. All are integers. The sums of two independent groups add up to those of both groups,
/// in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Counts per bucket of time.
    pub timeline: Timeline,
    /// Calls on the grid that decides recovery and demand.
    pub grid: Grid,
    /// Answers by the time that they took.
    pub latencies: Latencies,
    /// Stimuli of the run.
    pub exercise: Exercise,
    pub(super) seconds: Seconds,
    pub(super) first_attempts: u64,
    pub(super) page_loads: u64,
    pub(super) page_loads_failed: u64,
    pub(super) degraded_ns: u128,
    pub(super) signed_in_ns: u128,
    pub(super) stale_ns: u128,
    pub(super) app_wait_ns: u128,
    pub(super) errors: u64,
    pub(super) zombies: u64,
    pub(super) failed_entries: u64,
    pub(super) sessions_with_entries: u64,
    pub(super) worst_entries: u32,
    pub(super) depth_max: u32,
    /// Entries of the flow of each family, where clients of several families run beside each other; else empty.
    pub(super) flows: Vec<FlowTally>,
    /// Counts by group, for each of the plan's [groupings](Plan::groupings).
    pub groups: Vec<Vec<GroupCounts>>,
}

/// Entries of the flow of one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowTally {
    entries: u64,
    sessions: u64,
    worst: u64,
    recursive: u64,
    depth: u64,
}

impl FlowTally {
    /// The entries of one session.
    pub(super) fn of_session(session: &SessionCounts) -> FlowTally {
        FlowTally {
            entries: session.entries.into(),
            sessions: u64::from(session.entries > 0),
            worst: session.entries.into(),
            recursive: session.recursive.into(),
            depth: session.depth.into(),
        }
    }

    /// Adds the entries of other sessions.
    pub(super) fn add(&mut self, other: &FlowTally) {
        self.entries += other.entries;
        self.sessions += other.sessions;
        self.worst = self.worst.max(other.worst);
        self.recursive += other.recursive;
        self.depth = self.depth.max(other.depth);
    }

    /// What a metric counts of them.
    pub(super) fn get(&self, of: FlowMetric) -> u64 {
        match of {
            FlowMetric::Entries => self.entries,
            FlowMetric::Sessions => self.sessions,
            FlowMetric::WorstSession => self.worst,
            FlowMetric::Recursive => self.recursive,
            FlowMetric::DepthMax => self.depth,
        }
    }
}

/// Counts of the reference run: the same replication without faults, triggers and limits. See
/// [`crate::experiment::reference`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Calls on the grid.
    pub grid: Grid,
    /// Calls that no failed answer caused: the demand of the users.
    pub first_attempts: u64,
}

/// Counts of one browser session at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionCounts {
    /// Entries of the unauthenticated flow.
    pub entries: u32,
    /// Entries that the answer to a request of an earlier entry caused.
    pub recursive: u32,
    /// Entries that failed.
    pub failed: u32,
    /// Greatest depth of an entry.
    pub depth: u32,
    /// Sent calls.
    pub requests: u32,
    /// Time of the first sign-out; `None` without one.
    pub signed_out_at: Option<Time>,
    /// Whether the first sign-out was false: the server still knew the session.
    pub false_sign_out: bool,
    /// Whether the client's reuse of a refresh token had ended the session before that sign-out.
    pub reuse_sign_out: bool,
    /// Time without a valid token while signed in.
    pub stale: Dur,
}

impl Tally {
    /// Where clients of several families run, counts the entries of each family's flow, and failed ones of the families that have
    /// the metric. `sessions` has each session with the family of its client.
    pub(super) fn tell_families_apart<'a>(
        &mut self,
        families: Families,
        sessions: impl Iterator<Item = (usize, &'a SessionCounts)>,
    ) {
        if !families.are_several() {
            return;
        }
        self.flows = vec![FlowTally::default(); FAMILIES.len()];
        self.failed_entries = 0;
        for (family, session) in sessions {
            self.flows[family].add(&FlowTally::of_session(session));
            if FAMILIES[family].refresh_tokens {
                self.failed_entries += u64::from(session.failed);
            }
        }
    }

    /// Adds the sums of other sessions of the same run.
    pub fn add(&mut self, other: &Tally) {
        self.timeline.add(&other.timeline);
        self.grid.add(&other.grid);
        self.latencies.add(&other.latencies);
        self.exercise.add(&other.exercise);
        self.seconds.add(&other.seconds);
        self.first_attempts += other.first_attempts;
        self.page_loads += other.page_loads;
        self.page_loads_failed += other.page_loads_failed;
        self.degraded_ns += other.degraded_ns;
        self.signed_in_ns += other.signed_in_ns;
        self.stale_ns += other.stale_ns;
        self.app_wait_ns += other.app_wait_ns;
        self.errors += other.errors;
        self.zombies += other.zombies;
        self.failed_entries += other.failed_entries;
        self.sessions_with_entries += other.sessions_with_entries;
        self.worst_entries = self.worst_entries.max(other.worst_entries);
        self.depth_max = self.depth_max.max(other.depth_max);
        self.flows.iter_mut().zip(&other.flows).for_each(|(mine, more)| mine.add(more));
        for (mine, more) in self.groups.iter_mut().flatten().zip(other.groups.iter().flatten()) {
            mine.add(more);
        }
    }

    /// Converts a reference run into what other runs are compared with.
    pub fn into_reference(mut self) -> Reference {
        self.grid.shrink();
        Reference { grid: self.grid, first_attempts: self.first_attempts }
    }

    /// One value per metric, in the order of [`metrics_of`] the plan's families. Without a reference the run is compared with
    /// itself.
    pub fn values(&self, plan: &Plan, reference: Option<&Reference>) -> Vec<f64> {
        let sums = Sums::of(self, plan, reference);
        metrics_of(plan.families).iter().map(|def| def.metric.value(&sums)).collect()
    }
}

/// What the formulas of metrics are made of.
pub(super) struct Sums<'a> {
    /// Sums over all sessions.
    pub(super) tally: &'a Tally,
    /// Length of the run.
    pub(super) horizon: Dur,
    /// First attempts of the reference.
    pub(super) demand: u64,
    /// Time to recover; `None` if the run does not recover before its end.
    pub(super) recovered: Option<Dur>,
    /// Sign-outs of sessions that the server still knew.
    pub(super) false_sign_outs: u64,
    /// Sign-outs of sessions that the server had revoked.
    pub(super) true_sign_outs: u64,
    /// Sign-outs of sessions that the client's reuse of a refresh token had ended.
    pub(super) reuse_sign_outs: u64,
    /// Entries of the family's flow.
    pub(super) entries: u64,
    /// Recursive entries, included in `entries`.
    pub(super) recursive: u64,
    calls: [[u64; Outcome::COUNT]; Endpoint::COUNT],
}

impl Sums<'_> {
    fn of<'a>(tally: &'a Tally, plan: &Plan, reference: Option<&Reference>) -> Sums<'a> {
        let (grid, demand) = match reference {
            Some(reference) => (&reference.grid, reference.first_attempts),
            None => (&tally.grid, tally.first_attempts),
        };
        let mut sums = Sums {
            tally,
            horizon: plan.scenario.horizon,
            demand,
            recovered: recovery::time_to_recover(tally, grid, plan),
            false_sign_outs: 0,
            true_sign_outs: 0,
            reuse_sign_outs: 0,
            entries: 0,
            recursive: 0,
            calls: [[0; Outcome::COUNT]; Endpoint::COUNT],
        };
        for bucket in &tally.timeline.buckets {
            for (sum, count) in sums.calls.iter_mut().flatten().zip(bucket.calls.iter().flatten()) {
                *sum += count;
            }
            sums.false_sign_outs += bucket.false_sign_outs;
            sums.true_sign_outs += bucket.true_sign_outs;
            sums.reuse_sign_outs += bucket.reuse_sign_outs;
            sums.entries += bucket.flow_entries;
            sums.recursive += bucket.recursive_entries;
        }
        sums
    }

    /// Calls that were sent.
    pub(super) fn requests(&self) -> u64 {
        self.calls.iter().flatten().sum()
    }

    /// Calls of this endpoint that were sent.
    pub(super) fn calls_of(&self, endpoint: Endpoint) -> u64 {
        self.calls[endpoint.index()].iter().sum()
    }

    /// Calls that ended in this way.
    pub(super) fn ended(&self, outcome: Outcome) -> u64 {
        self.calls.iter().map(|calls| calls[outcome as usize]).sum()
    }
}
