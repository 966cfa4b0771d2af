//! A station: workers that serve calls, and their queue.
//!
//! Without other rules the workers serve first come, first served, and a station does not notice that a client has given
//! up. A call that timed out keeps its place in the queue and its worker. Many servers behave like this, because they read
//! a request long after its connection is closed. Overload thus becomes wasted work. [`PoolSpec`] says what else a
//! station may do.

use super::pool::{Codel, Order, PoolSpec, Sheds};
use crate::kernel::{Dur, Time};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Outcome of the arrival of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A worker starts to serve the call.
    Serve,
    /// The call waits for a worker.
    Wait,
    /// The call waits in the place of this one, which is refused.
    Displace(u32),
    /// No worker is free and the queue is full, so the call is refused.
    Shed,
}

/// A call that leaves the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A worker starts to serve it.
    Serve(u32),
    /// It has waited too long and is refused.
    Expired(u32),
    /// Its client has given up. The station forgets it.
    Left(u32),
}

/// Where in a station a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// It waits for a worker.
    Waiting,
    /// A worker serves it.
    InService,
}

/// Workers with a queue.
#[derive(Clone, Debug)]
pub struct Station {
    /// Workers in use, at most [`Rules::workers`].
    workers: u32,
    rules: Rules,
    busy: u32,
    /// Waiting calls in the order of their arrival.
    queue: VecDeque<Waiting>,
    /// The last time at which no call waited.
    empty_at: Time,
    totals: Totals,
    /// Sum of the arrival times of accepted calls, in nanoseconds.
    came: u128,
    /// Sum of the times at which accepted calls left, in nanoseconds.
    left: u128,
    settled_at: Time,
}

/// What a [`PoolSpec`] says of a station.
#[derive(Clone, Debug)]
struct Rules {
    workers: u32,
    room: Option<u32>,
    /// Calls that wait before the newest goes first; the maximum for never.
    lifo_above: usize,
    sheds: Sheds,
    max_wait: Option<Dur>,
    codel: Option<Codel>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    call: u32,
    came: Time,
    /// No worker takes the call after this time.
    until: Time,
}

/// Exact totals of a station up to the time of the last settlement: numbers of calls, and areas in call-nanoseconds.
///
/// Little's law is an identity of integers (Little 1961; Stidham 1974): `system_area == sojourns` at any settlement, and
/// `queue_area == waits + lost_waits` when no call waits. Areas come from the number of calls between events, the sums
/// from the times of arrival and departure. The two sides therefore check each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls that arrived, including shed ones.
    pub arrivals: u64,
    /// Calls whose service ended.
    pub served: u64,
    /// Calls refused because the queue was full.
    pub shed: u64,
    /// Calls refused because they had waited too long.
    pub expired: u64,
    /// Calls that a worker left out or stopped because their client had given up.
    pub abandoned: u64,
    /// Calls lost in a restart of the servers.
    pub dropped: u64,
    /// Time integral of the calls in the station, waiting or in service: call-nanoseconds.
    pub system_area: u128,
    /// Time integral of the waiting calls: call-nanoseconds.
    pub queue_area: u128,
    /// Time integral of the busy workers: worker-nanoseconds.
    pub busy_area: u128,
    /// Calls whose service began.
    pub began: u64,
    /// Calls whose service began after they had waited.
    pub waited: u64,
    /// Waiting time of the calls whose service began, in nanoseconds.
    pub waits: u128,
    /// Waiting time of the calls that left the queue without service, in nanoseconds.
    pub lost_waits: u128,
    /// Time of all accepted calls in the station, in nanoseconds. Calls still inside count up to the settlement,
    /// because `finish` does not say which of the calls in service ends.
    pub sojourns: u128,
    /// Calls in the station at the settlement.
    pub inside: u64,
    /// Waiting calls at the settlement, included in `inside`.
    pub waiting: u64,
    /// The most calls that waited at once.
    pub longest: u64,
}

impl Station {
    /// The empty station of a pool.
    ///
    /// With 0 workers every call waits forever or is shed.
    pub fn new(spec: &PoolSpec) -> Station {
        let rules = Rules {
            workers: spec.workers,
            room: spec.queue,
            lifo_above: match spec.order {
                Order::Fifo => usize::MAX,
                Order::Lifo => spec.lifo_above as usize,
            },
            sheds: spec.sheds,
            max_wait: spec.max_wait,
            codel: spec.codel,
        };
        Station {
            workers: rules.workers,
            rules,
            busy: 0,
            queue: VecDeque::new(),
            empty_at: Time::ZERO,
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
            self.totals.began += 1;
            Arrival::Serve
        } else if self.rules.room.is_none_or(|room| self.queue.len() < room as usize) {
            self.wait(call, now);
            Arrival::Wait
        } else {
            self.totals.shed += 1;
            match self.rules.sheds {
                Sheds::Oldest if !self.queue.is_empty() => {
                    let oldest =
                        self.queue.pop_front().expect("a queue that is not empty has an oldest call");
                    self.leaves(oldest, now);
                    self.wait(call, now);
                    Arrival::Displace(oldest.call)
                }
                _ => return Arrival::Shed,
            }
        };
        self.totals.inside += 1;
        self.came += u128::from(now.0);
        arrival
    }

    /// A call arrives whose client has given up, and the station forgets it.
    pub fn arrive_abandoned(&mut self) {
        self.totals.arrivals += 1;
        self.totals.abandoned += 1;
    }

    fn wait(&mut self, call: u32, now: Time) {
        if self.queue.is_empty() {
            self.empty_at = now;
        }
        let Rules { max_wait, codel, .. } = self.rules;
        let mut until = max_wait.map_or(Time::NEVER, |most| now.after(most));
        if let Some(Codel { target, interval }) = codel {
            let stands = now.since(self.empty_at) > interval;
            until = until.min(now.after(if stands { target } else { interval }));
        }
        self.queue.push_back(Waiting { call, came: now, until });
        self.totals.longest = self.totals.longest.max(self.queue.len() as u64);
    }

    /// A waiting call leaves the station without service.
    fn leaves(&mut self, Waiting { came, .. }: Waiting, now: Time) {
        self.totals.inside -= 1;
        self.left += u128::from(now.0);
        self.totals.lost_waits += u128::from(now.since(came).0);
    }

    /// A service ends. [`Station::next`] says what the worker does next.
    ///
    /// # Panics
    /// If no worker is busy. This is a bug of the caller.
    #[inline]
    pub fn finish(&mut self, now: Time) {
        self.ends(now);
        self.totals.served += 1;
    }

    /// A worker stops the service of a call whose client has given up.
    ///
    /// # Panics
    /// As [`Station::finish`].
    pub fn stop(&mut self, now: Time) {
        self.ends(now);
        self.totals.abandoned += 1;
    }

    #[inline]
    fn ends(&mut self, now: Time) {
        self.settle(now);
        self.busy = self.busy.checked_sub(1).expect("a service that ends has begun");
        self.totals.inside -= 1;
        self.left += u128::from(now.0);
    }

    /// A free worker looks at the queue: the call that leaves it, if any. `has_left` says whether a call's client has given
    /// up. To be asked again until it is `None`.
    #[inline]
    pub fn next(&mut self, now: Time, has_left: impl FnOnce(u32) -> bool) -> Option<Next> {
        if self.busy >= self.workers || self.queue.is_empty() {
            return None;
        }
        self.settle(now);
        let newest_first = self.queue.len() > self.rules.lifo_above;
        let waiting = if newest_first { self.queue.pop_back() } else { self.queue.pop_front() }?;
        let Waiting { call, came, until } = waiting;
        if has_left(call) {
            self.leaves(waiting, now);
            self.totals.abandoned += 1;
            return Some(Next::Left(call));
        }
        if now > until {
            self.leaves(waiting, now);
            self.totals.expired += 1;
            return Some(Next::Expired(call));
        }
        self.busy += 1;
        self.totals.began += 1;
        self.totals.waited += 1;
        self.totals.waits += u128::from(now.since(came).0);
        Some(Next::Serve(call))
    }

    /// Removes a call that is lost in a restart.
    ///
    /// # Panics
    /// When the call is not there: a bug of the caller.
    pub fn drop_call(&mut self, call: u32, place: Inside, now: Time) {
        self.settle(now);
        self.totals.dropped += 1;
        match place {
            Inside::Waiting => {
                let at = self.queue.iter().position(|waiting| waiting.call == call);
                let waiting = self.queue.remove(at.expect("a waiting call is in the queue"));
                self.leaves(waiting.expect("its place is in the queue"), now);
            }
            Inside::InService => self.ends(now),
        }
    }

    /// From now on this many workers are in use. Calls in service stay there.
    pub fn use_workers(&mut self, workers: u32) {
        self.workers = workers;
    }

    /// Extends the areas to `now`, for example to the end of the run.
    #[inline]
    pub fn settle(&mut self, now: Time) {
        assert!(now >= self.settled_at, "time went back, to {now} from {}", self.settled_at);
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
mod tests;
