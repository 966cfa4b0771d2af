//! Worlds of clients from outside of the crate. One indirect call starts a run; the run itself is compiled for its client.

use super::event::Event;
use super::observe::{Observer, Outside};
use super::totals::Snapshot;
use super::{Control, FinalTab, Plan, Run, Stopped, World};
use crate::backend::Endpoint;
use crate::backend::limiter::Verdict;
use crate::client::backoff::Wait;
use crate::client::fact::Fact;
use crate::client::family::{Activity, Call, Look};
use crate::client::own::{OwnClient, OwnFamily};
use crate::client::step::{Input, TaskId};
use crate::client::{Client, Prepared};
use crate::kernel::queue::{Calendar, Opposite, Queue};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::scenario::Extensions;
use std::fmt::Debug;
use std::ops::Range;

/// A run that is about to start.
pub(super) struct Launch<'a> {
    pub plan: &'a Plan,
    pub contender: usize,
    pub replication: u32,
    pub users: Range<u32>,
    pub control: &'a Control,
}

type Ended = Result<(Run, Vec<FinalTab>), Stopped>;

/// What starts the worlds of one client.
struct Worlds {
    run: fn(&dyn OwnFamily, Launch<'_>, &mut dyn AnyObserver, bool) -> Ended,
}

impl Extensions {
    /// Adds a client: [`Own`](crate::client::own::Own) of an [`Sdk`](crate::client::own::Sdk), or a [`Client`] whose endpoints
    /// and words are those of token clients. Of several clients the last one counts: a scenario has one.
    ///
    /// # Panics
    /// For a client with other endpoints or words.
    #[must_use]
    pub fn client<C: Client>(mut self) -> Extensions {
        self.client = Some(OwnClient::of::<C>(|| const { &Worlds { run: run::<C> } }));
        self
    }
}

/// Runs the worlds of a client from outside with an observer. `reversed` says whether simultaneous events of different
/// sessions come in the opposite order.
pub(super) fn start<O: Observer>(
    client: &dyn OwnFamily,
    launch: Launch<'_>,
    mut observer: O,
    reversed: bool,
) -> Result<(Run, O, Vec<FinalTab>), Stopped> {
    let worlds = client.worlds().downcast_ref::<Worlds>().expect("an own client is made by `Extensions`");
    let (run, tabs) = (worlds.run)(client, launch, &mut observer, reversed)?;
    Ok((run, observer, tabs))
}

fn run<C: Client>(
    client: &dyn OwnFamily,
    launch: Launch<'_>,
    observer: &mut dyn AnyObserver,
    reversed: bool,
) -> Ended {
    let client = client.prepared().downcast_ref().expect("a client runs in its own worlds");
    match (reversed, observer.is_active()) {
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
    let Launch { plan, contender, replication, users, control } = launch;
    let mut world = World::<C, O, Q>::new(plan, client, contender, replication, users, observer);
    world.go(control)?;
    let (run, _, tabs) = world.finish();
    Ok((run, tabs))
}

/// Makes the object-safe form of [`Observer`] and two observers that pass on what they get: one that gets no notifications
/// of a run's steps, so that they cost nothing, and one that gets all.
macro_rules! passed_on {
    (seldom { $($seldom:item)* } each { $(fn $name:ident(&mut self $(, $arg:ident: $ty:ty)*) $(-> $out:ty)?;)* }) => {
        trait AnyObserver {
            fn is_active(&self) -> bool;
            fn chunk(&mut self, events: u64, fingerprint: u64);
            fn sample_every(&self) -> Option<Dur>;
            fn sampled(&mut self, totals: Snapshot);
            $(fn $name(&mut self $(, $arg: $ty)*) $(-> $out)?;)*
        }

        impl<O: Observer> AnyObserver for O {
            fn is_active(&self) -> bool {
                O::ACTIVE || O::EACH_EVENT
            }

            fn chunk(&mut self, events: u64, fingerprint: u64) {
                Observer::chunk(self, events, fingerprint);
            }

            fn sample_every(&self) -> Option<Dur> {
                Observer::sample_every(self)
            }

            fn sampled(&mut self, totals: Snapshot) {
                Observer::sampled(self, totals);
            }

            $(fn $name(&mut self $(, $arg: $ty)*) $(-> $out)? {
                Observer::$name(self $(, $arg)*)
            })*
        }

        struct Passive<'a>(&'a mut dyn AnyObserver);

        impl Observer for Passive<'_> {
            const ACTIVE: bool = false;
            $($seldom)*
        }

        struct Active<'a>(&'a mut dyn AnyObserver);

        impl Observer for Active<'_> {
            const ACTIVE: bool = true;
            const EACH_EVENT: bool = true;
            $($seldom)*

            $(fn $name(&mut self $(, $arg: $ty)*) $(-> $out)? {
                self.0.$name($($arg),*)
            })*
        }
    };
}

passed_on! {
    seldom {
        fn chunk(&mut self, events: u64, fingerprint: u64) {
            self.0.chunk(events, fingerprint);
        }

        fn sample_every(&self) -> Option<Dur> {
            self.0.sample_every()
        }

        fn sampled(&mut self, totals: Snapshot) {
            self.0.sampled(totals);
        }
    }
    each {
        fn event(&mut self, number: u64, time: Time, user: u32, kind: &dyn Debug);
        fn input(&mut self, now: Time, tab: u32, input: Input, look: &dyn Look);
        fn sent(&mut self, now: Time, tab: u32, task: TaskId, doing: Activity, endpoint: Endpoint, first: bool);
        fn struck(&mut self, user: u32, fault: usize);
        fn limited(&mut self, user: u32);
        fn outside(&mut self, now: Time, user: u32, what: Outside);
        fn call_ended(&mut self, now: Time, task: TaskId, call: &Call, outcome: Outcome);
        fn judged(&mut self, now: Time, limit: u16, key: u32, cost: u32, verdict: Verdict);
        fn counted(&mut self, now: Time, limit: u16, key: u32, cost: u32);
        fn generic_ended(&mut self, client: u32, sent: Time, outcome: Outcome);
        fn waits(&mut self, now: Time, tab: u32, task: TaskId, doing: Activity, delay: Dur);
        fn fact(&mut self, now: Time, tab: u32, fact: Fact);
        fn given_wait(&mut self, now: Time, tab: u32, doing: Activity, wait: Wait) -> Option<Dur>;
    }
}
