//! One run of one policy, cut down to what results keep.

use super::results::SessionRow;
use crate::kernel::Time;
use crate::metrics::Timeline;
use crate::world::{Control, Plan, Stopped, run};
use std::cmp::Reverse;

/// How many of the worst sessions results keep, per policy.
pub const WORST_SESSIONS: usize = 100;

/// Which run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub contender: usize,
    pub replication: u32,
}

/// What results keep of it.
#[derive(Debug)]
pub(super) struct Summary {
    pub values: Vec<f64>,
    pub timeline: Timeline,
    pub sessions: Vec<SessionRow>,
    pub distribution: Vec<(u32, u64)>,
    pub events: u64,
    pub fingerprint: u64,
}

impl Job {
    pub(super) fn run(&self, plan: &Plan, keep: usize, control: &Control) -> Result<Summary, Stopped> {
        let run = run(plan, self.contender, self.replication, control).map_err(|mut stopped| {
            let policy = &plan.contenders[self.contender].name;
            stopped.run = format!("policy {policy}, replication {}", self.replication);
            stopped
        })?;
        control.run_ended();
        let mut distribution = std::collections::BTreeMap::<u32, u64>::new();
        for session in &run.metrics.sessions {
            *distribution.entry(session.entries).or_default() += 1;
        }
        let counts = &run.metrics.sessions;
        let row = |user: &u32| {
            let s = &counts[*user as usize];
            SessionRow {
                replication: self.replication,
                session: *user,
                entries: s.entries,
                depth: s.depth,
                requests: s.requests,
                signed_out_at_s: s.signed_out_at.map(Time::as_secs_f64),
                false_sign_out: s.false_sign_out,
                stale_token_s: s.stale.as_secs_f64(),
            }
        };
        // Numbers are chosen among, not rows: a row is many times as large.
        let mut users: Vec<u32> = (0..counts.len() as u32).collect();
        if users.len() > keep {
            users.select_nth_unstable_by_key(keep, |user| rank(&row(user)));
            users.truncate(keep);
        }
        users.sort_by_key(|user| rank(&row(user)));
        let sessions = users.iter().map(row).collect();
        Ok(Summary {
            values: run.metrics.values,
            timeline: run.metrics.timeline,
            sessions,
            distribution: distribution.into_iter().collect(),
            events: run.events,
            fingerprint: run.fingerprint,
        })
    }
}

/// The order of sessions in results, worst first: entries, then sign-out, then requests; ties by their numbers.
pub(super) fn rank(row: &SessionRow) -> (Reverse<u32>, bool, Reverse<u32>, u32, u32) {
    (Reverse(row.entries), row.signed_out_at_s.is_none(), Reverse(row.requests), row.replication, row.session)
}

/// The session of a run that stands first in the results' order.
///
/// # Errors
/// When a guard stops the run.
pub fn worst_session(
    plan: &Plan,
    contender: usize,
    replication: u32,
    control: &Control,
) -> Result<u32, Stopped> {
    let summary = Job { contender, replication }.run(plan, 1, control)?;
    Ok(summary.sessions.first().map_or(0, |row| row.session))
}
