//! One run of one policy, cut down to what results keep.

use super::demand::{self, Demand};
use super::results::SessionRow;
use crate::kernel::Time;
use crate::metrics::Exercise;
use crate::metrics::Timeline;
use crate::metrics::collect::{Reference, SessionCounts, Tally};
use crate::world::{Control, Plan, Run, Stopped, run};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

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
    pub exercise: Exercise,
    pub demand: Vec<Demand>,
    pub timeline: Timeline,
    pub sessions: Vec<SessionRow>,
    pub distribution: Vec<(u32, u64)>,
    pub events: u64,
    pub fingerprint: u64,
}

/// What has come together of a run so far, in whatever order its parts end: all of it is whole numbers and a choice by a
/// total order, but for the fingerprints, which keep their places.
struct Gathered {
    tally: Option<Tally>,
    sessions: Vec<SessionRow>,
    distribution: BTreeMap<u32, u64>,
    events: u64,
    fingerprints: Vec<u64>,
    /// The first part in order that was stopped.
    stopped: Option<(usize, Stopped)>,
}

impl Gathered {
    fn take(&mut self, part: usize, run: Run, rows: Vec<SessionRow>, keep: usize) {
        for session in &run.metrics.sessions {
            *self.distribution.entry(session.entries).or_default() += 1;
        }
        match &mut self.tally {
            Some(tally) => tally.add(&run.metrics.tally),
            none => *none = Some(run.metrics.tally),
        }
        self.events += run.events;
        self.fingerprints[part] = run.fingerprint;
        self.sessions.extend(rows);
        cut(&mut self.sessions, keep, rank);
    }
}

/// Keeps the first of a collection in the order of a key.
fn cut<T, K: Ord>(items: &mut Vec<T>, keep: usize, key: impl Fn(&T) -> K) {
    if items.len() > keep {
        items.select_nth_unstable_by_key(keep, key);
        items.truncate(keep);
    }
}

impl Job {
    /// Runs the parts of the run, on all cores that are free.
    pub(super) fn run(
        &self,
        plan: &Plan,
        reference: Option<&Reference>,
        keep: usize,
        control: &Control,
    ) -> Result<Summary, Stopped> {
        let gathered = self.gather(plan, keep, control)?;
        let tally = gathered.tally.expect("a run has a part");
        let mut sessions = gathered.sessions;
        sessions.sort_by_key(rank);
        Ok(Summary {
            values: tally.values(plan, reference),
            demand: demand::of(plan, &tally),
            exercise: tally.exercise,
            timeline: tally.timeline,
            sessions,
            distribution: gathered.distribution.into_iter().collect(),
            events: gathered.events,
            fingerprint: chain(gathered.fingerprints),
        })
    }

    /// Runs a reference, and keeps what runs are compared with; also how many events it had.
    pub(super) fn run_reference(&self, plan: &Plan, control: &Control) -> Result<(Reference, u64), Stopped> {
        let gathered = self.gather(plan, 0, control)?;
        let tally = gathered.tally.expect("a run has a part");
        Ok((tally.into_reference(), gathered.events))
    }

    fn gather(&self, plan: &Plan, keep: usize, control: &Control) -> Result<Gathered, Stopped> {
        let parts = plan.parts();
        let gathered = Mutex::new(Gathered {
            tally: None,
            sessions: Vec::new(),
            distribution: BTreeMap::new(),
            events: 0,
            fingerprints: vec![0; parts.len()],
            stopped: None,
        });
        let lock = || gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let max_events = plan.scenario.guard.max_events;
        parts.par_iter().enumerate().for_each(|(part, users)| {
            // A part before this one may still be stopped; one after it need not begin.
            if lock().stopped.as_ref().is_some_and(|(earlier, _)| *earlier < part)
                || lock().events > max_events
            {
                return;
            }
            match run(plan, self.contender, self.replication, users.clone(), control) {
                Ok(run) => {
                    let rows = self.rows(&run.metrics.sessions, users.start, keep);
                    lock().take(part, run, rows, keep);
                }
                Err(stopped) => {
                    let mut gathered = lock();
                    if gathered.stopped.as_ref().is_none_or(|(other, _)| part < *other) {
                        gathered.stopped = Some((part, stopped));
                    }
                }
            }
        });
        let mut gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        if gathered.stopped.is_none() && gathered.events > max_events {
            gathered.stopped = Some((0, Stopped::over_budget(plan)));
        }
        if let Some((_, mut stopped)) = gathered.stopped {
            let policy = &plan.contenders[self.contender].name;
            stopped.run = format!("policy {policy}, replication {}", self.replication);
            return Err(stopped);
        }
        control.run_ended();
        Ok(gathered)
    }

    /// The rows of the worst of these sessions, the first of which has this number.
    fn rows(&self, counts: &[SessionCounts], first: u32, keep: usize) -> Vec<SessionRow> {
        let row = |place: &u32| {
            let s = &counts[*place as usize];
            SessionRow {
                replication: self.replication,
                session: first + *place,
                entries: s.entries,
                depth: s.depth,
                requests: s.requests,
                signed_out_at_s: s.signed_out_at.map(Time::as_secs_f64),
                false_sign_out: s.false_sign_out,
                stale_token_s: s.stale.as_secs_f64(),
            }
        };
        // Numbers are chosen among, not rows: a row is many times as large.
        let mut places: Vec<u32> = (0..counts.len() as u32).collect();
        cut(&mut places, keep, |place| rank(&row(place)));
        places.iter().map(row).collect()
    }
}

/// One fingerprint of several, in order; that of a single one is its own.
pub(super) fn chain(fingerprints: impl IntoIterator<Item = u64>) -> u64 {
    let next = |all: u64, one: u64| all.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one;
    fingerprints.into_iter().fold(0, next)
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
    let summary = Job { contender, replication }.run(plan, None, 1, control)?;
    Ok(summary.sessions.first().map_or(0, |row| row.session))
}
