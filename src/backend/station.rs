//! A station: workers that serve calls first come, first served, and their queue.
//!
//! A station does not notice that a client has given up. A call that timed out keeps its place in the queue and its
//! worker. Real servers behave like this, because they read a request long after its connection is closed. Overload
//! thus becomes wasted work. For this reason calls cannot be removed from the queue.

use crate::kernel::{Dur, Time};
use std::collections::VecDeque;

/// Outcome of the arrival of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A worker starts to serve the call.
    Serve,
    /// The call waits for a worker.
    Wait,
    /// No worker is free and the queue is full, so the call is refused.
    Shed,
}

/// Workers with a queue.
#[derive(Clone, Debug)]
pub struct Station {
    workers: u32,
    room: Option<u32>,
    busy: u32,
    /// Waiting calls with their arrival times, in order.
    queue: VecDeque<(u32, Time)>,
    totals: Totals,
    /// Sum of the arrival times of accepted calls, in nanoseconds.
    came: u128,
    /// Sum of the times at which services ended, in nanoseconds.
    left: u128,
    settled_at: Time,
}

/// Exact totals of a station up to the time of the last settlement: numbers of calls, and areas in call-nanoseconds.
///
/// For a run that starts and ends with an empty station, Little's law is an identity of integers (Little 1961; Stidham
/// 1974): `system_area == sojourns` and `queue_area == waits`. Areas come from the number of calls between events, the
/// sums from the times of arrival and departure. The two sides therefore check each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls that arrived, including shed ones.
    pub arrivals: u64,
    /// Calls whose service ended.
    pub served: u64,
    /// Calls refused because the queue was full.
    pub shed: u64,
    /// Time integral of the calls in the station, waiting or in service: call-nanoseconds.
    pub system_area: u128,
    /// Time integral of the waiting calls: call-nanoseconds.
    pub queue_area: u128,
    /// Time integral of the busy workers: worker-nanoseconds.
    pub busy_area: u128,
    /// Calls whose service began after they had waited.
    pub waited: u64,
    /// Waiting time of the calls whose service began, in nanoseconds.
    pub waits: u128,
    /// Time of all accepted calls in the station, in nanoseconds. Calls still inside count up to the settlement,
    /// because `finish` does not say which of the calls in service ends.
    pub sojourns: u128,
    /// Calls in the station at the settlement.
    pub inside: u64,
    /// Waiting calls at the settlement, included in `inside`.
    pub waiting: u64,
}

impl Station {
    /// An empty station. `queue` is the number of places to wait; `None` is unlimited.
    ///
    /// With 0 workers every call waits forever or is shed.
    pub fn new(workers: u32, queue: Option<u32>) -> Station {
        Station {
            workers,
            room: queue,
            busy: 0,
            queue: VecDeque::new(),
            totals: Totals::default(),
            came: 0,
            left: 0,
            settled_at: Time::ZERO,
        }
    }

    /// A call arrives. After [`Arrival::Serve`] the caller must end its service with [`Station::finish`].
    #[inline]
    pub fn arrive(&mut self, call: u32, now: Time) -> Arrival {
        self.settle(now);
        self.totals.arrivals += 1;
        let arrival = if self.busy < self.workers {
            self.busy += 1;
            Arrival::Serve
        } else if self.room.is_none_or(|room| self.queue.len() < room as usize) {
            self.queue.push_back((call, now));
            Arrival::Wait
        } else {
            self.totals.shed += 1;
            return Arrival::Shed;
        };
        self.totals.inside += 1;
        self.came += u128::from(now.0);
        arrival
    }

    /// A service ends. Returns the call that has waited longest, if any. The worker serves it from now on.
    ///
    /// # Panics
    /// If no worker is busy. This is a bug of the caller.
    #[inline]
    pub fn finish(&mut self, now: Time) -> Option<u32> {
        self.settle(now);
        self.busy = self.busy.checked_sub(1).expect("a service that ends has begun");
        self.totals.inside -= 1;
        self.totals.served += 1;
        self.left += u128::from(now.0);
        let (call, came) = self.queue.pop_front()?;
        self.busy += 1;
        self.totals.waited += 1;
        self.totals.waits += u128::from(now.since(came).0);
        Some(call)
    }

    /// Extends the areas to `now`, for example to the end of the run.
    #[inline]
    pub fn settle(&mut self, now: Time) {
        debug_assert!(now >= self.settled_at, "time went back, to {now} from {}", self.settled_at);
        let Dur(elapsed) = now.since(self.settled_at);
        let area = |calls: u64| u128::from(calls) * u128::from(elapsed);
        self.totals.system_area += area(self.totals.inside);
        self.totals.queue_area += area(self.queue.len() as u64);
        self.totals.busy_area += area(u64::from(self.busy));
        self.settled_at = now;
    }

    /// The totals up to the latest event or [`Station::settle`].
    pub fn totals(&self) -> Totals {
        let inside = u128::from(self.totals.inside) * u128::from(self.settled_at.0);
        let waiting = self.queue.len() as u64;
        Totals { sojourns: self.left + inside - self.came, waiting, ..self.totals }
    }

    /// Number of waiting calls.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Number of calls in service.
    pub fn in_service(&self) -> u32 {
        self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn calls_are_served_in_order_and_shed_when_the_queue_is_full() {
        let mut station = Station::new(2, Some(1));
        let arrivals: Vec<Arrival> = (0..4).map(|call| station.arrive(call, Time(10))).collect();
        assert_eq!(arrivals, [Arrival::Serve, Arrival::Serve, Arrival::Wait, Arrival::Shed]);
        assert_eq!(station.finish(Time(15)), Some(2));
        assert_eq!(station.arrive(4, Time(16)), Arrival::Wait);
        assert_eq!(station.finish(Time(20)), Some(4));
        assert_eq!((station.waiting(), station.in_service()), (0, 2));
        assert_eq!(station.finish(Time(30)), None);
        assert_eq!(station.arrive(5, Time(30)), Arrival::Serve);
        station.settle(Time(40));
        // Calls 0 and 1 are served from 10 to 15 and 20. Call 2 waits 5 and call 4 waits 4. One leaves at 30; 5 is
        // inside.
        let expected = Totals {
            arrivals: 6,
            served: 3,
            shed: 1,
            system_area: 5 * 3 + 2 + 4 * 3 + 10 * 2 + 10 * 2,
            queue_area: 5 + 4,
            busy_area: 5 * 2 + 5 * 2 + 10 * 2 + 10 * 2,
            waits: 5 + 4,
            waited: 2,
            sojourns: 5 + 10 + 20 + 24 + 10,
            inside: 2,
            waiting: 0,
        };
        assert_eq!(station.totals(), expected);
        station.settle(Time(40));
        assert_eq!(station.totals(), expected, "settling twice adds nothing");
    }

    #[test]
    fn a_queue_may_have_no_places_or_any_number() {
        let mut loss = Station::new(1, Some(0));
        assert_eq!([0, 1].map(|call| loss.arrive(call, Time(0))), [Arrival::Serve, Arrival::Shed]);
        let mut patient = Station::new(1, None);
        let waiting = (0..10_000).filter(|call| patient.arrive(*call, Time(0)) == Arrival::Wait).count();
        assert_eq!((waiting, patient.waiting()), (9_999, 9_999));
        let mut closed = Station::new(0, Some(1));
        assert_eq!([0, 1].map(|call| closed.arrive(call, Time(0))), [Arrival::Wait, Arrival::Shed]);
    }

    #[test]
    #[should_panic(expected = "has begun")]
    fn ending_a_service_that_never_began_is_a_bug() {
        Station::new(1, None).finish(Time(0));
    }

    #[test]
    fn totals_do_not_overflow_at_the_end_of_time() {
        let mut station = Station::new(1, None);
        for call in 0..1000 {
            station.arrive(call, Time(0));
        }
        while station.finish(Time::NEVER).is_some() {}
        assert_eq!(station.totals().sojourns, 1000 * u128::from(u64::MAX));
        assert_eq!(station.totals().system_area, station.totals().sojourns);
    }

    /// Times of a call, from a naive computation.
    #[derive(Clone, Copy)]
    struct Life {
        came: u64,
        began: u64,
        ended: u64,
    }

    /// Begin and end of service of every accepted call, by the recursion of Kiefer and Wolfowitz (1955) over the times
    /// at which workers become free. A worker that is free at t serves a call that arrives at t.
    fn lives(workers: usize, room: Option<u32>, calls: &[(u64, u64)]) -> Vec<Option<Life>> {
        let mut free_at = vec![0; workers];
        let mut lives: Vec<Option<Life>> = Vec::new();
        for &(came, service) in calls {
            let waiting = lives.iter().flatten().filter(|l| l.began > came).count();
            let worker = free_at.iter_mut().min().expect("at least one worker");
            if *worker > came && room.is_some_and(|room| waiting >= room as usize) {
                lives.push(None);
                continue;
            }
            let began = came.max(*worker);
            *worker = began + service;
            lives.push(Some(Life { came, began, ended: began + service }));
        }
        lives
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// Every service begins when the naive computation says, and Little's law holds exactly.
        #[test]
        fn littles_law_is_an_identity(
            workers in 1..4u32,
            room in prop::option::of(0..5u32),
            steps in prop::collection::vec((0..6u64, 0..12u64), 1..60),
        ) {
            let mut clock = 0;
            let calls: Vec<(u64, u64)> = steps.iter().map(|(gap, service)| {
                clock += gap;
                (clock, *service)
            }).collect();
            let expected = lives(workers as usize, room, &calls);
            let mut station = Station::new(workers, room);
            let mut in_service: Vec<(u64, u32)> = Vec::new();
            let mut began: Vec<Option<u64>> = vec![None; calls.len()];
            let mut serve = |in_service: &mut Vec<(u64, u32)>, call: u32, now: u64| {
                began[call as usize] = Some(now);
                in_service.push((now + calls[call as usize].1, call));
            };
            let end = (u64::MAX, 0);
            for (call, came) in (0u32..).zip(calls.iter().map(|c| c.0).chain([end.0])) {
                while let Some(first) = in_service.iter().copied().min().filter(|f| f.0 <= came) {
                    in_service.retain(|s| *s != first);
                    if let Some(next) = station.finish(Time(first.0)) {
                        serve(&mut in_service, next, first.0);
                    }
                }
                if came != end.0 {
                    match station.arrive(call, Time(came)) {
                        Arrival::Serve => serve(&mut in_service, call, came),
                        Arrival::Wait => prop_assert!(expected[call as usize].unwrap().began >= came),
                        Arrival::Shed => prop_assert!(expected[call as usize].is_none()),
                    }
                }
            }
            prop_assert_eq!(began, expected.iter().map(|l| l.map(|l| l.began)).collect::<Vec<_>>());
            let totals = station.totals();
            let sum = |span: fn(Life) -> u64| expected.iter().flatten().map(|l| u128::from(span(*l))).sum::<u128>();
            prop_assert_eq!(totals.waits, sum(|l| l.began - l.came));
            prop_assert_eq!(totals.sojourns, sum(|l| l.ended - l.came));
            prop_assert_eq!(totals.busy_area, sum(|l| l.ended - l.began));
            prop_assert_eq!(totals.system_area, totals.sojourns);
            prop_assert_eq!(totals.queue_area, totals.waits);
            prop_assert_eq!(totals.served, expected.iter().flatten().count() as u64);
            prop_assert_eq!(totals.arrivals, totals.served + totals.shed);
            prop_assert_eq!(totals.inside, 0);
        }
    }
}
