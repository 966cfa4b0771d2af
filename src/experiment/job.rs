//! One run of one policy, cut down to what results keep.

use super::demand;
use crate::kernel::Time;
use crate::metrics::Exercise;
use crate::metrics::Timeline;
use crate::metrics::collect::{Reference, SessionCounts, Tally};
use crate::parallel;
use crate::results::{Demand, SessionRow};
use crate::world::{Control, Plan, Run, StopReason, Stopped, run};
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
        cut(&mut self.sessions, keep, SessionRow::rank);
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
        sessions.sort_by_key(SessionRow::rank);
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
        parallel::for_each(&parts, |part, users| {
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
            let reason = StopReason::EventBudgetOfParts { max_events };
            gathered.stopped = Some((0, Stopped { at: plan.horizon, reason, chain: Vec::new(), run: None }));
        }
        if let Some((_, stopped)) = gathered.stopped {
            return Err(stopped.of_run(&plan.contenders[self.contender].name, self.replication));
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
        cut(&mut places, keep, |place| row(place).rank());
        places.iter().map(row).collect()
    }
}

/// One fingerprint of several, in order; that of a single one is its own.
pub(super) fn chain(fingerprints: impl IntoIterator<Item = u64>) -> u64 {
    let next = |all: u64, one: u64| all.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one;
    fingerprints.into_iter().fold(0, next)
}

/// The worst session of a policy, as [`crate::results::PolicyResults::worst`] finds it in the results: of this
/// replication, or of all of them. None without users.
///
/// # Errors
/// When a guard stops a run.
pub fn worst_session(
    plan: &Plan,
    contender: usize,
    replication: Option<u32>,
    control: &Control,
) -> Result<Option<SessionRow>, Stopped> {
    let all = match replication {
        Some(one) => one..one + 1,
        None => 0..plan.scenario.replications,
    };
    let jobs = all.map(|replication| Job { contender, replication }).collect();
    let worst = run_all(jobs, plan, &[], 1, control)?
        .into_iter()
        .filter_map(|summary| summary.sessions.into_iter().next());
    Ok(worst.min_by_key(SessionRow::rank))
}

/// Runs something for each of these on all cores; what comes of them is in their order, whatever the order in which they end.
///
/// # Errors
/// The first in that order which is stopped.
pub(super) fn run_each<T: Sync, R: Send>(
    plan: &Plan,
    items: &[T],
    run: impl Fn(&T) -> Result<R, Stopped> + Sync,
) -> Result<Vec<R>, Stopped> {
    // Runs of many parts come one after another, and their parts side by side: that takes less memory. Whole runs go
    // one to a thread, so that none is left with several while another has none.
    let ended: Vec<_> =
        if plan.parts().len() > 1 { items.iter().map(&run).collect() } else { parallel::map(items, &run) };
    ended.into_iter().collect()
}

/// Runs these on all cores, each against the reference of its replication where there is one; the summaries are in the order of
/// the jobs, whatever the order in which they end.
///
/// # Errors
/// The first in that order which a guard stops.
pub(super) fn run_all(
    jobs: Vec<Job>,
    plan: &Plan,
    references: &[Reference],
    keep: usize,
    control: &Control,
) -> Result<Vec<Summary>, Stopped> {
    run_each(plan, &jobs, |job| job.run(plan, references.get(job.replication as usize), keep, control))
}
