//! Observers behind one indirect call. A world is compiled for an observer that gets nothing and for one that gets every
//! notification, and not again for each type of observer.

use super::observe::{Observer, Outside};
use super::totals::Snapshot;
use crate::backend::Endpoint;
use crate::backend::limiter::Verdict;
use crate::client::backoff::Wait;
use crate::client::fact::Fact;
use crate::client::family::{Activity, Call, Look};
use crate::client::step::{Input, TaskId};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use std::fmt::Debug;

/// Makes the object-safe form of [`Observer`] and two observers that pass on what they get: one that gets no notifications
/// of a run's steps, so that they cost nothing, and one that gets all.
macro_rules! passed_on {
    (seldom { $($seldom:item)* } each { $(fn $name:ident(&mut self $(, $arg:ident: $ty:ty)*) $(-> $out:ty)?;)* }) => {
        pub(super) trait AnyObserver {
            fn is_active(&self) -> bool;
            fn chunk(&mut self, events: u64, fingerprint: u64);
            fn sample_every(&self) -> Option<Dur>;
            fn sampled(&mut self, totals: Snapshot);
            $(fn $name(&mut self $(, $arg: $ty)*) $(-> $out)?;)*
        }

        impl<O: Observer> AnyObserver for O {
            fn is_active(&self) -> bool {
                O::ACTIVE
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

        pub(super) struct Passive<'a>(pub(super) &'a mut dyn AnyObserver);

        impl Observer for Passive<'_> {
            const ACTIVE: bool = false;
            $($seldom)*
        }

        pub(super) struct Active<'a>(pub(super) &'a mut dyn AnyObserver);

        impl Observer for Active<'_> {
            const ACTIVE: bool = true;
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
