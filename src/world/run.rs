//! Entry points: each runs one contender in one replication, from the first event to the last.

use super::erased::{Active, AnyObserver, Passive};
use super::event::Event;
use super::own::start_own;
use super::{Control, FinalTab, Observer, Plan, Silent, Snapshot, Stopped, World};
use crate::client::own::OwnFamily;
use crate::client::{Client, ForFamily, Prepared};
use crate::kernel::Time;
use crate::kernel::queue::{Calendar, Opposite, Queue};
use crate::metrics::tally::RunMetrics;
use crate::stats::Histogram;
use std::ops::Range;

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its metrics.
    pub metrics: RunMetrics,
    /// Number of events processed.
    pub events: u64,
    /// A hash of (time, entity, kind) of every event, in order.
    pub fingerprint: u64,
    /// Exact totals of queues, limits and generic workloads.
    pub totals: Snapshot,
    /// How long served calls were at the workers, by pool.
    pub times: Vec<Histogram>,
}

/// Runs one contender in one replication, for the users of one of the plan's [parts](Plan::parts).
///
/// # Errors
/// When the guard stops the run: too many events in all, of one session at one instant, or of all sessions at one
/// instant.
pub fn run(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
) -> Result<Run, Stopped> {
    observed_part(plan, contender, replication, users, control, Silent).map(|(run, _, _)| run)
}

/// Runs one contender in one replication, all users in one world, with an observer.
///
/// # Errors
/// As [`run`].
pub fn observed<O: Observer>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    control: &Control,
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    observed_part(plan, contender, replication, 0..plan.backend.keys.users, control, observer)
}

/// Runs the users of one part, with an observer.
///
/// # Errors
/// As [`run`].
pub fn observed_part<O: Observer>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
    mut observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    let launch = Launch { plan, contender, replication, users, control, reversed: false };
    let (run, tabs) = launch.start(&mut observer)?;
    Ok((run, observer, tabs))
}

/// Runs all users in one world and reverses the order of simultaneous events of different sessions: see [`Opposite`].
/// Slow, because it sorts the events of every instant.
///
/// # Errors
/// As [`run`].
pub fn run_in_opposite_order(
    plan: &Plan,
    contender: usize,
    replication: u32,
    control: &Control,
) -> Result<Run, Stopped> {
    let users = 0..plan.backend.keys.users;
    let launch = Launch { plan, contender, replication, users, control, reversed: true };
    launch.start(&mut Silent).map(|(run, _)| run)
}

/// A run that is about to start.
pub(super) struct Launch<'a> {
    plan: &'a Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &'a Control,
    /// Whether simultaneous events of different sessions come in the opposite order.
    reversed: bool,
}

pub(super) type Ended = Result<(Run, Vec<FinalTab>), Stopped>;

impl Launch<'_> {
    /// Runs a world of the plan's client family.
    fn start(self, observer: &mut dyn AnyObserver) -> Ended {
        // A study may be cancelled before some of its runs begin. Such a run stops at once.
        if self.control.is_stopped() {
            return Err(Stopped::interrupted(Time::ZERO));
        }
        self.plan.clients[self.contender].with(Start { launch: self, observer })
    }
}

struct Start<'a> {
    launch: Launch<'a>,
    observer: &'a mut dyn AnyObserver,
}

impl ForFamily for Start<'_> {
    type Output = Ended;

    fn with<C: Client>(self, client: &Prepared<C>) -> Ended {
        start::<C>(client, self.launch, self.observer)
    }

    fn with_own(self, client: &dyn OwnFamily) -> Ended {
        start_own(client, self.launch, self.observer)
    }
}

/// Runs the world of a client. Each client is compiled for three worlds, whatever observes them.
pub(super) fn start<C: Client>(
    client: &Prepared<C>,
    launch: Launch<'_>,
    observer: &mut dyn AnyObserver,
) -> Ended {
    match (launch.reversed, observer.is_active()) {
        (true, _) => go::<C, _, Opposite<Event>>(client, launch, Passive(observer)),
        (false, false) => go::<C, _, Calendar<Event>>(client, launch, Passive(observer)),
        (false, true) => go::<C, _, Calendar<Event>>(client, launch, Active(observer)),
    }
}

fn go<C: Client, O: Observer, Q: Queue<Event>>(
    client: &Prepared<C>,
    launch: Launch<'_>,
    observer: O,
) -> Ended {
    let Launch { plan, contender, replication, users, control, .. } = launch;
    let mut world = World::<C, O, Q>::new(plan, client, contender, replication, users, observer);
    world.go(control)?;
    Ok(world.finish())
}
