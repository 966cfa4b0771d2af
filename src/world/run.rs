//! The ways into a world: one contender in one replication, from its first event to its last.

use super::event::Event;
use super::{Control, FinalTab, Observer, Plan, Silent, Snapshot, Stopped, World};
use crate::client::{Client, ForFamily, Prepared};
use crate::kernel::Time;
use crate::kernel::queue::{Calendar, Opposite, Queue};
use crate::metrics::collect::RunMetrics;
use std::marker::PhantomData;
use std::ops::Range;

/// What a run leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its metrics.
    pub metrics: RunMetrics,
    /// Events processed.
    pub events: u64,
    /// A hash of (time, entity, kind) of every event, in order.
    pub fingerprint: u64,
    /// Exact totals of queues, limits and generic workloads.
    pub totals: Snapshot,
}

/// Runs one contender in one replication, for the users of one of the plan's [parts](Plan::parts).
///
/// # Errors
/// When a guard stops the run: too many events in all, of one session at one instant, or of all at one instant.
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
    observed_part(plan, contender, replication, 0..plan.scenario.fleet.users, control, observer)
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

/// Runs all users in one world, with ties between simultaneous events of different sessions broken the other way round:
/// see [`Opposite`]. Slow, for it sorts every instant.
///
/// # Errors
/// As [`run`].
pub fn run_in_opposite_order(
    plan: &Plan,
    contender: usize,
    replication: u32,
    control: &Control,
) -> Result<Run, Stopped> {
    let users = 0..plan.scenario.fleet.users;
    on_queue::<Silent, Opposite<Event>>(plan, contender, replication, users, control, Silent)
        .map(|(run, _, _)| run)
}

/// Starts a world on a queue, for whatever family the plan has.
fn on_queue<O: Observer, Q: Queue<Event>>(
    plan: &Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &Control,
    observer: O,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    // A study has runs that have not begun: stopped, they do not.
    if control.is_stopped() {
        return Err(Stopped::interrupted(Time::ZERO));
    }
    plan.client.with(Start::<O, Q> {
        plan,
        contender,
        replication,
        users,
        control,
        observer,
        queue: PhantomData,
    })
}

/// A world that is about to start.
struct Start<'a, O, Q> {
    plan: &'a Plan,
    contender: usize,
    replication: u32,
    users: Range<u32>,
    control: &'a Control,
    observer: O,
    queue: PhantomData<Q>,
}

impl<O: Observer, Q: Queue<Event>> ForFamily for Start<'_, O, Q> {
    type Output = Result<(Run, O, Vec<FinalTab>), Stopped>;

    fn with<C: Client>(self, client: &Prepared<C>) -> Self::Output {
        let Start { plan, contender, replication, users, control, observer, .. } = self;
        let mut world = World::<C, O, Q>::new(plan, client, contender, replication, users, observer);
        world.go(control)?;
        Ok(world.finish())
    }
}
