//! Runs one replication of one policy and reduces it to what results store.

use super::demand;
use super::reference::Ran;
use crate::client::family::FlowWords;
use crate::kernel::Time;
use crate::kernel::random::{Purpose, Stream};
use crate::metrics::Exercise;
use crate::metrics::Timeline;
use crate::metrics::groups::GroupCounts;
use crate::metrics::latency::Latencies;
use crate::metrics::tally::{Reference, SessionCounts, Tally};
use crate::parallel;
use crate::results::serial::{floats, timeline};
use crate::results::{Demand, ServerTotals, SessionRow};
use crate::world::{Control, Plan, Run, StopReason, Stopped, WorkloadTotals, run};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Number of worst sessions that results store per policy.
pub const WORST_SESSIONS: usize = 100;

/// One run: a policy and a replication, by number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub contender: usize,
    pub replication: u32,
}

/// The parts of a run that results store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    #[serde(with = "floats")]
    pub values: Vec<f64>,
    pub exercise: Exercise,
    pub demand: Vec<Demand>,
    #[serde(with = "timeline")]
    pub timeline: Timeline,
    pub latencies: Latencies,
    pub servers: ServerTotals,
    pub sessions: Vec<SessionRow>,
    pub distribution: Vec<(u32, u64)>,
    pub groups: Vec<Vec<GroupCounts>>,
    pub workloads: Vec<WorkloadTotals>,
    pub events: u64,
    pub fingerprint: u64,
}

/// Sums over the finished parts of a run. The order in which parts finish has no influence: sums are of integers, the
/// worst sessions are chosen by a total order, and fingerprints are stored by part.
struct Gathered {
    tally: Option<Tally>,
    /// Generic clients tie all users together, so a run that has them has one part.
    workloads: Vec<WorkloadTotals>,
    /// Of the only part: workers tie all users together.
    servers: ServerTotals,
    sessions: Vec<SessionRow>,
    distribution: BTreeMap<u32, u64>,
    events: u64,
    fingerprints: Vec<u64>,
    /// The first part, in order, that was stopped.
    stopped: Option<(usize, Stopped)>,
}

impl Gathered {
    fn take(&mut self, part: usize, run: Run, rows: Vec<SessionRow>, (keep, flow): (usize, &FlowWords)) {
        for session in &run.metrics.sessions {
            *self.distribution.entry(session.entries).or_default() += 1;
        }
        match &mut self.tally {
            Some(tally) => tally.add(&run.metrics.tally),
            none => *none = Some(run.metrics.tally),
        }
        self.workloads = run.totals.workloads;
        self.events += run.events;
        self.servers.extend(run.totals.stations.into_iter().zip(run.times));
        self.fingerprints[part] = run.fingerprint;
        self.sessions.extend(rows);
        cut(&mut self.sessions, keep, |row| row.rank(flow));
    }
}

/// The words of the flows of the plan's families.
pub(super) fn flow_of(plan: &Plan) -> &'static FlowWords {
    plan.families.flow()
}

/// Reduces a collection to its `keep` first items in the order of `key`.
fn cut<T, K: Ord>(items: &mut Vec<T>, keep: usize, key: impl Fn(&T) -> K) {
    if items.len() > keep {
        items.select_nth_unstable_by_key(keep, key);
        items.truncate(keep);
    }
}

impl Job {
    /// Runs the parts of the run on all free cores.
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
        sessions.sort_by_key(|row| row.rank(flow_of(plan)));
        Ok(Summary {
            groups: tally.groups.clone(),
            workloads: gathered.workloads,
            values: tally.values(plan, reference),
            demand: demand::of(plan, &tally),
            exercise: tally.exercise,
            timeline: tally.timeline,
            latencies: tally.latencies,
            servers: gathered.servers,
            sessions,
            distribution: gathered.distribution.into_iter().collect(),
            events: gathered.events,
            fingerprint: chain(gathered.fingerprints),
        })
    }

    /// Runs a reference. Also returns the number of its events.
    pub(super) fn run_reference(&self, plan: &Plan, control: &Control) -> Result<(Reference, u64), Stopped> {
        let gathered = self.gather(plan, 0, control)?;
        let tally = gathered.tally.expect("a run has a part");
        Ok((tally.into_reference(), gathered.events))
    }

    fn gather(&self, plan: &Plan, keep: usize, control: &Control) -> Result<Gathered, Stopped> {
        let parts = plan.parts();
        let gathered = Mutex::new(Gathered {
            tally: None,
            workloads: Vec::new(),
            servers: Vec::new(),
            sessions: Vec::new(),
            distribution: BTreeMap::new(),
            events: 0,
            fingerprints: vec![0; parts.len()],
            stopped: None,
        });
        let lock = || gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let max_events = plan.scenario.guard.max_events;
        parallel::for_each(&parts, |part, users| {
            // An earlier part may still be stopped, so it must run. A later part need not start.
            if lock().stopped.as_ref().is_some_and(|(earlier, _)| *earlier < part)
                || lock().events > max_events
            {
                return;
            }
            match run(plan, self.contender, self.replication, users.clone(), control) {
                Ok(run) => {
                    let most = (keep, flow_of(plan));
                    let rows = self.rows(plan, &run.metrics.sessions, users.start, most);
                    lock().take(part, run, rows, most);
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

    /// Rows of the worst `keep` sessions. `first` is the number of the first session in `counts`.
    fn rows(
        &self,
        plan: &Plan,
        counts: &[SessionCounts],
        first: u32,
        (keep, flow): (usize, &FlowWords),
    ) -> Vec<SessionRow> {
        let rollout = Stream::new(plan.scenario.seed, self.replication, Purpose::Rollout, 0);
        let several = plan.families.are_several();
        let row = |place: &u32| {
            let s = &counts[*place as usize];
            SessionRow {
                replication: self.replication,
                session: first + *place,
                client: None,
                entries: s.entries,
                recursive_entries: s.recursive,
                failed_entries: s.failed,
                depth: s.depth,
                requests: s.requests,
                signed_out_at_s: s.signed_out_at.map(Time::as_secs_f64),
                false_sign_out: s.false_sign_out,
                reuse_sign_out: s.reuse_sign_out,
                stale_token_s: s.stale.as_secs_f64(),
            }
        };
        let rank = |place: &u32| match several {
            false => row(place).rank(flow),
            true => {
                let model = plan.model_of(self.contender, &rollout, first + *place);
                row(place).rank_among(model.flow().harm)
            }
        };
        let named = |place: &u32| {
            let arm = plan.arm_of(self.contender, &rollout, first + *place);
            let client = several.then(|| plan.client_in_words(&plan.arms[self.contender].all[arm]));
            SessionRow { client, ..row(place) }
        };
        // Sorts numbers instead of rows, because rows are many times as large.
        let mut places: Vec<u32> = (0..counts.len() as u32).collect();
        cut(&mut places, keep, rank);
        places.iter().map(named).collect()
    }
}

/// Combines fingerprints in order. A single fingerprint is unchanged.
pub(super) fn chain(fingerprints: impl IntoIterator<Item = u64>) -> u64 {
    let next = |all: u64, one: u64| all.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one;
    fingerprints.into_iter().fold(0, next)
}

/// The worst session of a policy, by the order of [`crate::results::PolicyResults::worst`], in one replication or in
/// all of them. `None` without users.
///
/// # Errors
/// If a guard stops a run.
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
    let worst = run_all(jobs, plan, &Ran::default(), 1, control)?
        .into_iter()
        .filter_map(|summary| summary.sessions.into_iter().next());
    Ok(worst.min_by_key(|row| row.rank(flow_of(plan))))
}

/// Applies `run` to each item on all cores. The results are in the order of `items`.
///
/// # Errors
/// If `run` fails. Returns the error of the first such item.
pub(super) fn run_each<T: Sync, R: Send, E: Send>(
    plan: &Plan,
    items: &[T],
    run: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    // Runs with many parts execute one after another with their parts in parallel, which saves memory. Other runs are
    // assigned to threads one by one, so that no thread has several waiting while another is idle.
    let ended: Vec<_> =
        if plan.parts().len() > 1 { items.iter().map(&run).collect() } else { parallel::map(items, &run) };
    ended.into_iter().collect()
}

/// Runs the jobs on all cores, each with the reference of its replication if there is one. The summaries are in the
/// order of `jobs`.
///
/// # Errors
/// If a guard stops a run. Returns the first one in order.
pub(super) fn run_all(
    jobs: Vec<Job>,
    plan: &Plan,
    references: &Ran,
    keep: usize,
    control: &Control,
) -> Result<Vec<Summary>, Stopped> {
    run_each(plan, &jobs, |job| job.run(plan, references.get(job.contender, job.replication), keep, control))
}
