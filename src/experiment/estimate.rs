//! Estimates the number of events of a study from pilots: the same scenario with few sessions, run to its end.
//!
//! Shared resources shrink with the number of sessions, so that each session meets the same load. These are global
//! limits, limits per app, workers of endpoints, and the counts of faults. An address keeps its users and its limit,
//! unless it alone has more users than the pilot. The events of each group of sessions (the fleet, each workload) are
//! then scaled to the size of the group. There are two pilots, one twice as large as the other. Their disagreement is
//! the error estimate. A pilot that exceeds [`MOST_EVENTS`] is stopped and extrapolated at its pace so far.

use super::demand;
use crate::Study;
use crate::backend::spec::LimitKey;
use crate::kernel::{Dur, Time};
use crate::parallel;
use crate::results::Demand;
use crate::scenario::Scenario;
use crate::world::{Contender, Control, Observer, Plan, StopReason, Stopped, observed};

/// Approximate number of sessions of the larger pilot.
pub const SESSIONS: u32 = 400;
/// Greatest number of events of a pilot. If app code calls, the limit is divided by the number of callers.
pub const MOST_EVENTS: u64 = 1_000_000;

/// Estimated size of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Estimates per policy, in the study's order.
    pub policies: Vec<PolicyEstimate>,
    /// Number of replications of each policy.
    pub replications: u32,
    /// Sessions of the larger pilot, including generic clients.
    pub sessions: u64,
    /// Events of all pilots.
    pub pilot_events: u64,
}

/// Estimate for one run of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyEstimate {
    /// Name of the policy.
    pub name: String,
    /// Events of one run, from the larger pilot. If a guard for loops stops the pilot, events up to that point.
    pub events: f64,
    /// Absolute difference to the smaller pilot's estimate, as a share of `events`.
    pub disagreement: f64,
    /// Time at which the pilot reached its limit of events. `None` if it reached the horizon.
    pub cut_at: Option<Time>,
    /// Message of the guard that stopped the pilot and would stop the run. `None` if no guard did.
    pub stopped: Option<String>,
    /// Demand in the larger pilot before the first fault, scaled to all sessions. Empty if no request is sent before it,
    /// or if the pilot did not reach the horizon.
    pub demand: Vec<Demand>,
}

impl Estimate {
    /// Events of all runs.
    pub fn events(&self) -> f64 {
        self.policies.iter().map(|p| p.events).sum::<f64>() * f64::from(self.replications)
    }

    /// The policy with the most events per run.
    ///
    /// # Panics
    /// If the study has no policy. No valid scenario allows that.
    pub fn largest(&self) -> &PolicyEstimate {
        self.policies.iter().max_by(|a, b| a.events.total_cmp(&b.events)).expect("at least one policy")
    }
}

/// Estimates a study on the current thread pool. The estimate does not depend on the machine.
///
/// # Errors
/// If `control` stops a pilot.
pub fn estimate(study: &Study, control: &Control) -> Result<Estimate, Stopped> {
    let plan = study.plan();
    let jobs: Vec<(usize, u32)> =
        (0..plan.contenders.len()).flat_map(|c| [(c, SESSIONS), (c, SESSIONS / 2)]).collect();
    let pilots = parallel::map(&jobs, |&(contender, sessions)| pilot(&plan, contender, sessions, control));
    let pilots = pilots.into_iter().collect::<Result<Vec<Pilot>, Stopped>>()?;
    let of_policy = |(contender, pilots): (&Contender, &[Pilot])| {
        let (large, small) = (&pilots[0], &pilots[1]);
        PolicyEstimate {
            name: contender.name.clone(),
            events: large.expected,
            disagreement: (small.expected - large.expected).abs() / large.expected.max(1.0),
            cut_at: large.cut_at,
            stopped: large.stopped.clone(),
            demand: large.demand.clone(),
        }
    };
    Ok(Estimate {
        policies: plan.contenders.iter().zip(pilots.chunks(2)).map(of_policy).collect(),
        replications: plan.scenario.replications,
        sessions: pilots[0].sessions,
        pilot_events: pilots.iter().map(|p| p.events).sum(),
    })
}

struct Pilot {
    sessions: u64,
    events: u64,
    expected: f64,
    cut_at: Option<Time>,
    stopped: Option<String>,
    demand: Vec<Demand>,
}

/// Observer that counts events by group: the fleet, each workload, and events without a session.
struct Counter<'a> {
    /// Number of the first session of each group after the fleet, and the end of the last group.
    from: &'a [u32],
    counts: &'a mut [u64],
}

impl Observer for Counter<'_> {
    const ACTIVE: bool = true;

    fn event(&mut self, _number: u64, _time: Time, user: u32, _kind: &dyn std::fmt::Debug) {
        self.counts[self.from.partition_point(|first| *first <= user)] += 1;
    }
}

fn pilot(plan: &Plan, contender: usize, sessions: u32, control: &Control) -> Result<Pilot, Stopped> {
    let small = scaled(&plan.scenario, sessions);
    let sizes = |s: &Scenario| -> Vec<u32> {
        s.fleets().map(|fleet| fleet.users).chain(s.workloads.iter().map(|w| w.clients)).collect()
    };
    let (full_sizes, sizes) = (sizes(&plan.scenario), sizes(&small));
    let ends = sizes.iter().scan(0u32, |at, n| {
        *at += n;
        Some(*at)
    });
    let from: Vec<u32> = ends.collect();
    let mut counts = vec![0u64; sizes.len() + 1];
    let small = Plan::new(small, vec![plan.contenders[contender].clone()]);
    let counter = Counter { from: &from, counts: &mut counts };
    let mut demand = Vec::new();
    let (cut_at, stopped) = match observed(&small, 0, 0, control, counter) {
        Ok((run, _, _)) => {
            demand = demand::of(&small, &run.metrics.tally);
            (None, None)
        }
        Err(stopped) if matches!(stopped.reason, StopReason::Interrupted | StopReason::NoRoom) => {
            return Err(stopped);
        }
        Err(stopped) if stopped.reason.is_event_budget() => (Some(stopped.at), None),
        Err(stopped) => (None, Some(stopped.to_string())),
    };
    let groups = full_sizes.iter().zip(&sizes).zip(&counts);
    let whole: f64 = groups
        .map(|((full, pilot), count)| *count as f64 * f64::from(*full) / f64::from((*pilot).max(1)))
        .sum();
    let nobodys = counts.last().map_or(0.0, |n| *n as f64);
    let whole_by_pilot = full_sizes.iter().map(|n| u64::from(*n)).sum::<u64>() as f64
        / sizes.iter().map(|n| u64::from(*n)).sum::<u64>().max(1) as f64;
    for place in &mut demand {
        place.offered *= whole_by_pilot;
        place.served *= whole_by_pilot;
    }
    let rest = cut_at.map_or(1.0, |at| plan.horizon.0 as f64 / at.0.max(1) as f64);
    Ok(Pilot {
        sessions: sizes.iter().map(|n| u64::from(*n)).sum(),
        events: counts.iter().sum(),
        expected: (whole + nobodys) * rest,
        cut_at,
        stopped,
        demand,
    })
}

/// The scenario scaled to about this many sessions.
fn scaled(full: &Scenario, sessions: u32) -> Scenario {
    let mut s = full.clone();
    let callers = s.fleets().filter_map(|fleet| fleet.app_get_token.as_ref());
    let callers = callers.map(|app| u64::from(app.callers)).max().unwrap_or(1).max(1);
    s.guard.max_events = s.guard.max_events.min(MOST_EVENTS / callers);
    let all = u64::from(full.users()) + full.workloads.iter().map(|w| u64::from(w.clients)).sum::<u64>();
    let share = (f64::from(sessions) / all.max(1) as f64).min(1.0);
    if share >= 1.0 {
        return s;
    }
    // Scale of the users per address. All groups share the smallest scale, because a limit per address applies to all.
    let mut address = 1.0f64;
    let mut cut = |per_network: &mut u32, to: u32| {
        address = address.min(f64::from(to) / f64::from((*per_network).max(1)));
        *per_network = to;
    };
    for fleet in s.fleets_mut() {
        let (users, networks) = group(fleet.users, fleet.users_per_network, share, sessions);
        fleet.users = users;
        cut(&mut fleet.users_per_network, networks);
    }
    for workload in &mut s.workloads {
        let (clients, per_network) = group(workload.clients, workload.clients_per_network, share, sessions);
        workload.clients = clients;
        cut(&mut workload.clients_per_network, per_network);
    }
    // Cohorts that share a network make it as much smaller as they get.
    if full.cohorts.iter().any(|cohort| cohort.network.is_some()) {
        address = address.min(f64::from(s.users()) / f64::from(full.users()).max(1.0));
    }
    let of = |scenario: &Scenario, name: &Option<String>| {
        let cohorts = scenario.cohorts().into_iter();
        let mut named = cohorts.filter(|cohort| name.as_deref() == Some(cohort.name)).map(|c| c.fleet.users);
        named.next().unwrap_or_else(|| scenario.users())
    };
    let mut actions = std::mem::take(&mut s.actions);
    actions.retain_mut(|action| {
        let (all, users) = (of(full, &action.cohort), of(&s, &action.cohort));
        action.users = action.users.map(|whom| whom.scaled(all, users));
        action.user.is_none_or(|user| user < users)
    });
    s.actions = actions;
    // Shared resources scale with the number of sessions that the pilot really has.
    let scaled_sessions =
        u64::from(s.users()) + s.workloads.iter().map(|w| u64::from(w.clients)).sum::<u64>();
    let share = scaled_sessions as f64 / all as f64;
    for limit in &mut s.backend.limits {
        match limit.key {
            LimitKey::Global | LimitKey::App | LimitKey::Region => limit.kind = limit.kind.scaled(share),
            LimitKey::Ip if address < 1.0 => limit.kind = limit.kind.scaled(address),
            LimitKey::Ip | LimitKey::User | LimitKey::Session => {}
        }
    }
    // Workers are whole, so the service time compensates for the rounding.
    let fewer = |workers: u32| {
        let wanted = f64::from(workers) * share;
        let workers = whole(wanted).max(1);
        (workers, f64::from(workers) / wanted)
    };
    let places = |queue: Option<u32>| queue.map(|n| (f64::from(n) * share).ceil() as u32);
    let b = &mut s.backend;
    for endpoint in b.endpoints.iter_mut() {
        let Some(workers) = endpoint.workers else { continue };
        let (workers, slower) = fewer(workers);
        endpoint.workers = Some(workers);
        endpoint.service = endpoint.service.as_ref().map(|d| d.slower(slower));
        endpoint.queue = places(endpoint.queue);
    }
    for pool in &mut b.pools {
        let (workers, slower) = fewer(pool.workers);
        pool.workers = workers;
        pool.queue = places(pool.queue);
        pool.lifo_above = (f64::from(pool.lifo_above) * share).ceil() as u32;
        // Each call of the pilot stands for several.
        pool.service_per_call =
            pool.service_per_call.map(|each| Dur((each.0 as f64 * slower / share) as u64));
        for endpoint in &pool.endpoints {
            let spec = &mut b.endpoints[*endpoint];
            spec.service = spec.service.as_ref().map(|d| d.slower(slower));
        }
    }
    for fault in &mut s.faults {
        fault.count = fault.count.map(|n| (n as f64 * share).ceil() as u64);
    }
    s
}

/// Size of a scaled group: sessions, and sessions per network. Networks stay whole, unless one network has more
/// sessions than the pilot.
fn group(full: u32, per_network: u32, share: f64, pilot: u32) -> (u32, u32) {
    if full == 0 {
        return (0, per_network);
    }
    let wanted = whole(f64::from(full) * share).max(1);
    if per_network > pilot {
        return (wanted, whole(f64::from(per_network) * share).max(1));
    }
    (wanted.div_ceil(per_network).saturating_mul(per_network).min(full), per_network)
}

fn whole(number: f64) -> u32 {
    (number + 0.5) as u32
}
