//! The way of a call through the backend. It is the same for all kinds of callers.
//!
//! The gateway judges a call when it is sent; the round-trip time comes after. It applies faults first, in the
//! scenario's order, then limits in theirs, then the queue of the endpoint. The caller asks the account of its client
//! family for the answer to a call that nothing refuses. The gateway does not know clients or the event queue: it
//! returns the outcome of a call and its time, and the world schedules events.

mod draws;
#[cfg(test)]
mod tests;
mod totals;

pub use draws::Draws;
pub use totals::LimitTotals;

use super::layout::{Layout, Route};
use super::limiter::{Limiter, Verdict, retry_after};
use super::station::{Arrival, Station, Totals};
use crate::fault::Effect;
use crate::kernel::random::chance;
use crate::kernel::{Dur, Time};
use crate::protocol::{Endpoint, Failure};
use std::ops::Range;

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The number of the task or caller that waits for the answer. The gateway only returns it.
    pub waiter: u32,
    /// The waiter's generation when the call was sent. The waiter may have given this call up since.
    pub generation: u32,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// What the request contains for the answering side. The gateway only returns it.
    pub word: u32,
    /// The user, or generic client numbered after the users, for whom limits count the call.
    pub user: u32,
    /// The time at which it was sent.
    pub sent: Time,
    /// Coordinates of its draws.
    pub at: (u64, u64),
}

/// A call that the gateway keeps: it waits for a worker, or a worker serves it. The entry stays when the client gives
/// up.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The call.
    pub call: Call,
    /// The round-trip time of its answer, after the queue.
    pub latency: Dur,
    /// Whether the entry is in use; false in a free place.
    live: bool,
}

/// The outcome of a call that is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Passage {
    /// Its answer is on the way.
    Answered {
        /// The failure if the call is refused; `None` when the account answers.
        refusal: Option<Failure>,
        /// Time from sending to the answer.
        after: Dur,
        /// Whether the call takes a place of a concurrency limit until its answer. [`Gateway::release`] releases the
        /// place.
        holds: bool,
    },
    /// The call never gets an answer.
    Silent,
    /// The gateway keeps the call.
    Pending(Pending),
}

/// The state of a pending call: the gateway keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pending {
    /// A leaky bucket delays it for this time. [`Gateway::queue`] is next.
    Delayed(u32, Dur),
    /// A worker serves it for this time. [`Gateway::served`] is next.
    Serving(u32, Dur),
    /// It waits for a worker.
    Waiting,
    /// The queue is full. The gateway still keeps the call; [`Gateway::take`] is next.
    Shed(u32),
}

/// The outcome of the end of a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Departure {
    /// The call that the worker serves next, and its service time.
    pub next: Option<(u32, Dur)>,
    /// As [`Passage::Answered::holds`].
    pub holds: bool,
}

/// Receives notifications from a gateway. Must not influence it.
pub trait Watch {
    /// Whether it gets notifications at all. Decided at compile time.
    const ACTIVE: bool;

    /// A fault strikes a call of this user.
    fn struck(&mut self, user: u32, fault: usize);

    /// A limit has judged a call of this key.
    fn judged(&mut self, now: Time, limit: u16, key: u32, verdict: Verdict);

    /// A limit refuses a call of this user.
    fn refused(&mut self, user: u32);
}

/// The state of limits, queues and faults.
pub struct Gateway<'a> {
    layout: &'a Layout,
    limiters: Vec<Limiter>,
    /// The first key of each limiter. The limiter has no keys below it, which belong to users of other parts.
    first_keys: Vec<u32>,
    /// Whether calls of an endpoint meet a limit that needs to know their end.
    holds: [bool; Endpoint::COUNT],
    stations: [Option<Station>; Endpoint::COUNT],
    struck: Vec<u64>,
    verdicts: Vec<LimitTotals>,
    books: Vec<Entry>,
    free: Vec<u32>,
}

/// The effect of all faults on a call.
enum Struck {
    No,
    Answer(Failure),
    Silence,
}

impl<'a> Gateway<'a> {
    /// The backend for these users: all users, or a part that shares no key with others.
    pub fn new(layout: &'a Layout, users: &Range<u32>) -> Gateway<'a> {
        let keys: Vec<Range<u32>> =
            layout.limits.iter().map(|spec| layout.keys.of_part(spec.key, users)).collect();
        let limiter = |(spec, keys): (_, &Range<u32>)| Limiter::new(spec, keys.len() as u32);
        let limiters: Vec<Limiter> = layout.limits.iter().zip(&keys).map(limiter).collect();
        let routes = &layout.routes;
        Gateway {
            holds: routes.each_ref().map(|r| r.limits.iter().any(|l| limiters[*l as usize].needs_release())),
            stations: routes.each_ref().map(|r| r.workers.map(|workers| Station::new(workers, r.queue))),
            layout,
            limiters,
            first_keys: keys.iter().map(|keys| keys.start).collect(),
            struck: vec![0; layout.faults.len()],
            verdicts: vec![LimitTotals::default(); layout.limits.len()],
            books: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Handles a call that is sent at the time in `call`.
    #[inline]
    pub fn arrive<W: Watch>(&mut self, call: Call, draws: &Draws, watch: &mut W) -> Passage {
        let layout = self.layout;
        let route = layout.route(call.endpoint);
        let mut latency = draws.round_trip(route, call.at);
        if !route.faults.is_empty() {
            match self.strike(route, &call, draws, &mut latency, watch) {
                Struck::No => {}
                Struck::Answer(failure) => {
                    return Passage::Answered { refusal: Some(failure), after: latency, holds: false };
                }
                Struck::Silence => return Passage::Silent,
            }
        }
        let mut delay = Dur::ZERO;
        if !route.limits.is_empty() {
            match self.ask_limits(route, &call, watch) {
                Ok(wait) => delay = wait,
                Err(failure) => {
                    let after = refused_latency(route, &call, draws).unwrap_or(latency);
                    return Passage::Answered { refusal: Some(failure), after, holds: false };
                }
            }
        }
        if self.stations[call.endpoint.index()].is_none() {
            let after = Dur(delay.0.saturating_add(latency.0));
            return Passage::Answered { refusal: None, after, holds: self.holds[call.endpoint.index()] };
        }
        let id = self.keep(Entry { call, latency, live: true });
        Passage::Pending(if delay == Dur::ZERO {
            self.queue(id, draws, call.sent)
        } else {
            Pending::Delayed(id, delay)
        })
    }

    /// Puts a call into the queue of its endpoint.
    ///
    /// # Panics
    /// When the endpoint has no workers: a bug of the caller.
    pub fn queue(&mut self, id: u32, draws: &Draws, now: Time) -> Pending {
        let call = self.books[id as usize].call;
        match self.station(call.endpoint).arrive(id, now) {
            Arrival::Serve => Pending::Serving(id, self.service(id, draws)),
            Arrival::Wait => Pending::Waiting,
            Arrival::Shed => {
                self.release(call.endpoint, call.user, now);
                if let Some(latency) = refused_latency(self.layout.route(call.endpoint), &call, draws) {
                    self.books[id as usize].latency = latency;
                }
                Pending::Shed(id)
            }
        }
    }

    /// Ends the service of a call. The gateway keeps the call until [`Gateway::take`].
    ///
    /// # Panics
    /// When no worker of its endpoint is busy: a bug of the caller.
    pub fn served(&mut self, id: u32, draws: &Draws, now: Time) -> Departure {
        let endpoint = self.books[id as usize].call.endpoint;
        let next = self.station(endpoint).finish(now);
        Departure {
            next: next.map(|next| (next, self.service(next, draws))),
            holds: self.holds[endpoint.index()],
        }
    }

    /// A call that the gateway keeps.
    #[inline]
    pub fn call(&self, id: u32) -> &Call {
        &self.books[id as usize].call
    }

    /// Removes a pending call.
    pub fn take(&mut self, id: u32) -> Entry {
        self.free.push(id);
        self.books[id as usize].live = false;
        self.books[id as usize]
    }

    /// The pending calls, in no particular order.
    pub fn pending(&self) -> impl Iterator<Item = &Call> {
        self.books.iter().filter(|entry| entry.live).map(|entry| &entry.call)
    }

    /// Releases the places of a call of this endpoint at concurrency limits.
    pub fn release(&mut self, endpoint: Endpoint, user: u32, now: Time) {
        self.release_from(&self.layout.route(endpoint).limits, user, now);
    }

    fn release_from(&mut self, limits: &[u16], user: u32, now: Time) {
        for &limit in limits {
            let limit = limit as usize;
            if self.limiters[limit].needs_release() {
                let key = self.layout.keys.of(self.layout.limits[limit].key, user);
                self.limiters[limit].release(key - self.first_keys[limit], now);
            }
        }
    }

    /// Asks the limits of a route in order. Returns the delay by leaky buckets, or the answer of a refusal.
    fn ask_limits<W: Watch>(&mut self, route: &'a Route, call: &Call, watch: &mut W) -> Result<Dur, Failure> {
        let (layout, now) = (self.layout, call.sent);
        let mut delay = Dur::ZERO;
        let before = u64::from(now < layout.first_fault);
        for (asked, &number) in route.limits.iter().enumerate() {
            let limit = number as usize;
            let spec = &layout.limits[limit];
            let key = layout.keys.of(spec.key, call.user);
            let verdict = self.limiters[limit].ask(key - self.first_keys[limit], now);
            if W::ACTIVE {
                watch.judged(now, number, key, verdict);
            }
            let totals = &mut self.verdicts[limit];
            match verdict {
                Verdict::Admit { delay: more } => {
                    totals.admitted += 1;
                    totals.admitted_before += before;
                    delay = Dur(delay.0.saturating_add(more.0));
                }
                Verdict::Refuse { wait } => {
                    totals.refused += 1;
                    totals.refused_before += before;
                    // The limits that admitted the call release it.
                    self.release_from(&route.limits[..asked], call.user, now);
                    if W::ACTIVE {
                        watch.refused(call.user);
                    }
                    let retry_after = retry_after(spec.retry_after, wait);
                    return Err(Failure { retry_after, ..Failure::status(429) });
                }
            }
        }
        Ok(delay)
    }

    /// Applies the faults to a call.
    fn strike<W: Watch>(
        &mut self,
        route: &'a Route,
        call: &Call,
        draws: &Draws,
        latency: &mut Dur,
        watch: &mut W,
    ) -> Struck {
        let layout = self.layout;
        for &index in &route.faults {
            let index = index as usize;
            let fault = &layout.faults[index];
            if call.sent < fault.from || call.sent >= fault.to {
                continue;
            }
            let bits = draws.faults[index].bits(call.at.0, call.at.1);
            if self.struck[index] >= fault.count || !chance(bits, fault.probability) {
                continue;
            }
            let effect = fault.kind.judge(fault.code, call.sent.since(fault.from), bits);
            if effect == Effect::None {
                continue;
            }
            self.struck[index] += 1;
            if W::ACTIVE {
                watch.struck(call.user, index);
            }
            match effect {
                Effect::Answer(failure) => return Struck::Answer(failure),
                Effect::Silence => return Struck::Silence,
                Effect::Spare => return Struck::No,
                Effect::Slower(added) => *latency = Dur(latency.0.saturating_add(added.0)),
                Effect::None => {}
            }
        }
        Struck::No
    }

    fn station(&mut self, endpoint: Endpoint) -> &mut Station {
        self.stations[endpoint.index()].as_mut().expect("only calls of an endpoint with workers queue")
    }

    fn service(&self, id: u32, draws: &Draws) -> Dur {
        let call = &self.books[id as usize].call;
        let service = self.layout.route(call.endpoint).service.as_ref();
        service.map_or(Dur::ZERO, |dist| dist.sample_with(|| draws.service.bits(call.at.0, call.at.1)))
    }

    fn keep(&mut self, entry: Entry) -> u32 {
        if let Some(id) = self.free.pop() {
            self.books[id as usize] = entry;
            return id;
        }
        self.books.push(entry);
        (self.books.len() - 1) as u32
    }

    /// Counts the sessions that a revocation has struck.
    pub fn revoked(&mut self, fault: usize, sessions: u64) {
        self.struck[fault] += sessions;
    }

    /// Number of calls, or sessions, that each fault has struck.
    pub fn struck(&self) -> &[u64] {
        &self.struck
    }

    /// Totals of every queue, up to `now`.
    pub fn station_totals(&mut self, now: Time) -> Vec<(Endpoint, Totals)> {
        let stations = Endpoint::ALL.into_iter().zip(&mut self.stations);
        let settled = stations.filter_map(|(endpoint, station)| {
            let station = station.as_mut()?;
            station.settle(now);
            Some((endpoint, station.totals()))
        });
        settled.collect()
    }

    /// Verdicts of every limit, in the scenario's order.
    pub fn limit_totals(&self) -> &[LimitTotals] {
        &self.verdicts
    }
}

/// The round-trip time of a refused call, if the endpoint sets one.
fn refused_latency(route: &Route, call: &Call, draws: &Draws) -> Option<Dur> {
    let refused = route.refused_latency.as_ref()?;
    Some(refused.sample_with(|| draws.latency.bits(call.at.0, call.at.1)))
}
