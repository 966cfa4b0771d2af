//! Entry points: each runs one contender in one replication, from the first event to the last.

use super::event::Event;
use super::own::{self, Launch};
use super::{Control, FinalTab, Observer, Plan, Silent, Snapshot, Stopped, World};
use crate::client::own::OwnFamily;
use crate::client::{Client, ForFamily, Prepared};
use crate::kernel::Time;
use crate::kernel::queue::{Calendar, Opposite, Queue};
use crate::metrics::tally::RunMetrics;
use crate::stats::Histogram;
use std::marker::PhantomData;
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
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    on_queue::<O, Calendar<Event>>(plan, contender, replication, users, control, observer)
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
    on_queue::<Silent, Opposite<Event>>(plan, contender, replication, users, control, Silent)
        .map(|(run, _, _)| run)
}

/// Runs a world on a queue, for the plan's client family.
fn on_queue<O: Observer, Q: Queue<Event>>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    // A study may be cancelled before some of its runs begin. Such a run stops at once.
    if control.is_stopped() {
        return Err(Stopped::interrupted(Time::ZERO));
    }
    let launch = Launch { plan, contender, replication, users, control };
    plan.clients[contender].with(Start::<O, Q> { launch, observer, queue: PhantomData })
}

/// A world that is about to start.
struct Start<'a, O, Q> {
    launch: Launch<'a>,
    observer: O,
    queue: PhantomData<Q>,
}

impl<O: Observer, Q: Queue<Event>> ForFamily for Start<'_, O, Q> {
    type Output = Result<(Run, O, Vec<FinalTab>), Stopped>;

    fn with<C: Client>(self, client: &Prepared<C>) -> Self::Output {
        let Start { launch: Launch { plan, contender, replication, users, control }, observer, .. } = self;
        let mut world = World::<C, O, Q>::new(plan, client, contender, replication, users, observer);
        world.go(control)?;
        Ok(world.finish())
    }

    fn with_own(self, client: &dyn OwnFamily) -> Self::Output {
        own::start(client, self.launch, self.observer, Q::REVERSES)
    }
}
