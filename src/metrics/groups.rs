//! Counts by group of users: who sent the requests, and whom it hurt.

use super::definitions::Metric;
use super::flow::FlowMetric;
use super::tally::SessionCounts;
use crate::client::FAMILIES;
use crate::client::family::SessionEnd;
use crate::client::workload::GENERIC;
use crate::plan::Plan;
use serde::{Deserialize, Serialize};

/// Counts of the users of one group in one run. The counts of two parts of a group add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCounts {
    /// Users.
    pub users: u64,
    /// Calls that they sent.
    pub requests: u64,
    /// Users and their entries of the flow, by the family of their clients.
    pub flows: [FlowCounts; FAMILIES.len()],
    /// Sign-outs and errors.
    pub harms: Harms,
    /// Sessions that the server has ended and a tab shows at the horizon.
    pub zombies: u64,
    /// Nanoseconds without a valid token while signed in.
    pub stale_ns: u128,
}

/// Users of clients of one family, and their entries of the family's flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowCounts {
    /// Users.
    pub users: u64,
    /// Entries.
    pub entries: u64,
    /// Entries that an earlier entry caused.
    pub recursive: u64,
    /// Entries that failed.
    pub failed: u64,
    /// Users with an entry.
    pub sessions_with_entries: u64,
}

impl FlowCounts {
    fn add(&mut self, other: &FlowCounts) {
        self.users += other.users;
        self.entries += other.entries;
        self.recursive += other.recursive;
        self.failed += other.failed;
        self.sessions_with_entries += other.sessions_with_entries;
    }
}

/// Sign-outs of a user, and errors that the app's code saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harms {
    /// Sign-outs of a session that the server still knew.
    pub false_sign_outs: u64,
    /// Sign-outs of a session that the server had revoked.
    pub true_sign_outs: u64,
    /// Sign-outs of a session that the reuse of a refresh token had ended.
    pub reuse_sign_outs: u64,
    /// Errors that app code saw.
    pub errors: u64,
}

impl Harms {
    /// Counts a sign-out of a session that ended in this way on the server's side.
    pub fn signed_out(&mut self, ended: SessionEnd) {
        match ended {
            SessionEnd::Alive => self.false_sign_outs += 1,
            SessionEnd::Revoked => self.true_sign_outs += 1,
            SessionEnd::Reused => self.reuse_sign_outs += 1,
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Harms) {
        self.false_sign_outs += other.false_sign_outs;
        self.true_sign_outs += other.true_sign_outs;
        self.reuse_sign_outs += other.reuse_sign_outs;
        self.errors += other.errors;
    }
}

/// Sums the counts of users, each with its arm, in the groups of each of the plan's groupings.
pub(super) fn by_group(
    plan: &Plan,
    contender: usize,
    users: impl Iterator<Item = (u32, usize, GroupCounts)>,
) -> Vec<Vec<GroupCounts>> {
    let groupings = plan.groupings(contender);
    let mut all: Vec<Vec<GroupCounts>> =
        groupings.iter().map(|by| vec![GroupCounts::default(); by.count]).collect();
    for (user, arm, counts) in users {
        for (by, groups) in groupings.iter().zip(&mut all) {
            groups[by.of(plan, user, arm)].add(&counts);
        }
    }
    all
}

impl GroupCounts {
    /// The counts of one user, whose client is of this family.
    pub(super) fn of_user(
        session: &SessionCounts,
        family: usize,
        harms: Harms,
        is_zombie: bool,
    ) -> GroupCounts {
        let mut flows = [FlowCounts::default(); FAMILIES.len()];
        flows[family] = FlowCounts {
            users: 1,
            entries: session.entries.into(),
            recursive: session.recursive.into(),
            failed: session.failed.into(),
            sessions_with_entries: u64::from(session.entries > 0),
        };
        GroupCounts {
            users: 1,
            requests: session.requests.into(),
            flows,
            harms,
            zombies: u64::from(is_zombie),
            stale_ns: session.stale.0.into(),
        }
    }

    /// Adds the counts of other users.
    pub fn add(&mut self, other: &GroupCounts) {
        self.users += other.users;
        self.requests += other.requests;
        self.flows.iter_mut().zip(&other.flows).for_each(|(mine, more)| mine.add(more));
        self.harms.add(&other.harms);
        self.zombies += other.zombies;
        self.stale_ns += other.stale_ns;
    }

    /// A sum over the families.
    pub fn sum(&self, count: impl Fn(&FlowCounts) -> u64) -> u64 {
        self.flows.iter().map(count).sum()
    }

    /// The value of a metric for the group; `None` for a metric that is not counted by group, and for one that the clients of
    /// the group's users do not have.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.counted(metric).filter(|_| self.has(metric))
    }

    /// Whether the clients of some users have a metric. A group without users has what any other has.
    fn has(&self, metric: Metric) -> bool {
        match metric {
            Metric::OfFamily(_, family) => self.flows[usize::from(family)].users > 0,
            Metric::ReuseSignOuts | Metric::FailedEntries => {
                self.users == 0 || with_tokens(&self.flows).any(|flow| flow.users > 0)
            }
            _ => true,
        }
    }

    fn counted(&self, metric: Metric) -> Option<f64> {
        let count = |n: u64| Some(n as f64);
        let Harms { false_sign_outs, true_sign_outs, reuse_sign_outs, errors } = self.harms;
        match metric {
            Metric::SignOuts => count(false_sign_outs + true_sign_outs + reuse_sign_outs),
            Metric::FalseSignOuts => count(false_sign_outs),
            Metric::TrueSignOuts => count(true_sign_outs),
            Metric::ReuseSignOuts => count(reuse_sign_outs),
            Metric::ZombieSessions => count(self.zombies),
            Metric::FlowEntries => count(self.sum(|flow| flow.entries)),
            Metric::FlowSessions => count(self.sum(|flow| flow.sessions_with_entries)),
            Metric::RecursiveEntries => count(self.sum(|flow| flow.recursive)),
            Metric::FailedEntries => count(with_tokens(&self.flows).map(|flow| flow.failed).sum()),
            Metric::OfFamily(of, family) => {
                let flow = &self.flows[usize::from(family)];
                match of {
                    FlowMetric::Entries => count(flow.entries),
                    FlowMetric::Sessions => count(flow.sessions_with_entries),
                    FlowMetric::Recursive => count(flow.recursive),
                    FlowMetric::WorstSession | FlowMetric::DepthMax => None,
                }
            }
            Metric::RequestsTotal => count(self.requests),
            Metric::StaleTokenSessionS => Some((self.stale_ns / 1_000) as f64 / 1e6),
            Metric::ErrorsSurfacedToApp => count(errors),
            _ => None,
        }
    }
}

/// The counts of the families whose sessions have refresh tokens.
fn with_tokens(flows: &[FlowCounts]) -> impl Iterator<Item = &FlowCounts> {
    FAMILIES.iter().zip(flows).filter(|(family, _)| family.refresh_tokens).map(|(_, flow)| flow)
}

/// Whether a metric is counted by group of users.
pub fn is_counted_by_group(metric: Metric) -> bool {
    GroupCounts::default().counted(metric).is_some()
}

/// Whether a metric is counted by workload.
pub fn is_counted_by_workload(metric: Metric) -> bool {
    let calls = [
        Metric::RequestsTotal,
        Metric::Requests(GENERIC),
        Metric::CallersBegun,
        Metric::CallersServed,
        Metric::CallersGaveUp,
        Metric::CallersUnfinished,
    ];
    calls.contains(&metric)
}
