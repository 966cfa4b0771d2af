//! The way of a call through the backend. It is the same for all kinds of callers.
//!
//! The gateway judges a call when it is sent; the round-trip time comes after. It applies limits in front of the faults
//! first, in the scenario's order, then faults in theirs, then the other limits, then the queue of the endpoint. The
//! caller asks the account of its client family for the answer to a call that nothing refuses. The gateway does not know
//! clients or the event queue: it returns the outcome of a call and its time, and the world schedules events.

mod draws;
mod limits;
mod restart;
#[cfg(test)]
mod tests;
mod totals;
mod workers;

pub use draws::Draws;
pub use totals::LimitTotals;

use super::layout::{Layout, Route};
use super::limiter::report::Report;
use super::limiter::{Limiter, Verdict};
use super::spec::LimitSpec;
use super::station::Station;
use crate::fault::Effect;
use crate::kernel::random::chance;
use crate::kernel::{Dur, Time};
use crate::protocol::{Endpoint, Failure};
use crate::stats::Histogram;
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
/// up, unless the pool minds deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The call.
    pub call: Call,
    /// The round-trip time of its answer, after the queue.
    pub latency: Dur,
    /// When it reached the workers.
    came: Time,
    stage: Stage,
}

/// Where a call is that the gateway keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nowhere: the place is free.
    Free,
    /// On the way to the workers.
    OnTheWay,
    /// In the queue of its pool.
    Waiting,
    /// With a worker.
    InService,
    /// Lost in a restart. The place is free after the event that is scheduled for the call.
    Gone,
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
    /// The account processes the call, and its answer is lost in a restart.
    Lost {
        /// Time from sending until the connection breaks.
        after: Dur,
        /// As [`Passage::Answered::holds`].
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
    /// It reaches the workers after this time: a leaky bucket delays it, or it is on the way. [`Gateway::queue`] is next.
    Delayed(u32, Dur),
    /// A worker serves it for this time. [`Gateway::served`] is next.
    Serving(u32, Dur),
    /// It waits for a worker.
    Waiting,
    /// The call is turned away: the queue is full, or the call has waited too long. The gateway still keeps it;
    /// [`Gateway::take`] is next.
    Shed(u32),
    /// The client has given up, and the gateway has forgotten the call.
    Abandoned,
}

/// The outcome of the end of a service. [`Gateway::next`] says what the worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The call is served. The gateway keeps it until [`Gateway::take`].
    Served {
        /// As [`Passage::Answered::holds`].
        holds: bool,
    },
    /// The worker has stopped at the deadline of the client, and the gateway has forgotten the call.
    Stopped,
}

/// Receives notifications from a gateway. Must not influence it.
pub trait Watch {
    /// Whether it gets notifications at all. Decided at compile time.
    const ACTIVE: bool;

    /// A fault strikes a call of this user.
    fn struck(&mut self, user: u32, fault: usize);

    /// A limit has judged a call of this key that counts as `cost` requests.
    fn judged(&mut self, now: Time, limit: u16, key: u32, cost: u32, verdict: Verdict);

    /// A limit counts a call of this key, whose answer is decided, as `cost` requests.
    fn counted(&mut self, now: Time, limit: u16, key: u32, cost: u32);

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
    /// The stations of the pools, in their order, and how long served calls were there.
    stations: Vec<(Station, Histogram)>,
    struck: Vec<u64>,
    verdicts: Vec<LimitTotals>,
    /// Reports on keys and callers, by limit; empty if no limit reports any.
    reports: Vec<Option<Report>>,
    /// The first caller of the reports.
    first_caller: u32,
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
        let callers = users.start..users.start + layout.keys.callers_of_part(users);
        let report = |(spec, keys): (&LimitSpec, &Range<u32>)| {
            let key_of = callers.clone().map(|caller| layout.keys.of(spec.key, caller) - keys.start);
            spec.report_keys.then(|| Report::new(spec, keys.len() as u32, key_of))
        };
        let routes = &layout.routes;
        Gateway {
            holds: routes
                .each_ref()
                .map(|r| r.limits.iter().any(|l| limiters[usize::from(l.number)].needs_release())),
            stations: layout.pools.iter().map(|pool| (Station::new(pool), Histogram::default())).collect(),
            layout,
            limiters,
            first_keys: keys.iter().map(|keys| keys.start).collect(),
            struck: vec![0; layout.faults.len()],
            verdicts: vec![LimitTotals::default(); layout.limits.len()],
            reports: if layout.limits.iter().any(|spec| spec.report_keys) {
                layout.limits.iter().zip(&keys).map(report).collect()
            } else {
                Vec::new()
            },
            first_caller: users.start,
            books: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Handles a call that is sent at the time in `call`.
    #[inline(always)]
    pub fn arrive<W: Watch>(&mut self, call: &Call, draws: &Draws, watch: &mut W) -> Passage {
        let route = self.layout.route(call.endpoint);
        if route.is_plain {
            let after = draws.round_trip(route, call.at);
            return Passage::Answered { refusal: None, after, holds: false };
        }
        self.meet(route, call, draws, watch)
    }

    /// Handles a call on a route with something in its way.
    fn meet<W: Watch>(&mut self, route: &'a Route, call: &Call, draws: &Draws, watch: &mut W) -> Passage {
        let passage = self.pass(route, call, draws, watch);
        if route.restarts.is_empty() { passage } else { self.unless_lost(passage, call, draws, watch) }
    }

    #[inline(always)]
    fn pass<W: Watch>(&mut self, route: &'a Route, call: &Call, draws: &Draws, watch: &mut W) -> Passage {
        let mut latency = draws.round_trip(route, call.at);
        let mut delay = Dur::ZERO;
        let refused = |failure: Failure, latency: Dur| {
            let after = refused_latency(route, call, draws).unwrap_or(latency);
            Passage::Answered { refusal: Some(failure), after, holds: false }
        };
        if route.front > 0 {
            match self.ask_limits(route, 0..route.front, call, watch) {
                Ok(wait) => delay = wait,
                Err(failure) => return refused(failure, latency),
            }
        }
        if !route.faults.is_empty() {
            match self.strike(route, call, draws, &mut latency, watch) {
                Struck::No => {}
                Struck::Answer(failure) => {
                    if route.settles {
                        self.settle(&route.limits[..route.front], call, call.sent, false, watch);
                    }
                    let after = Dur(delay.0.saturating_add(latency.0));
                    return Passage::Answered { refusal: Some(failure), after, holds: false };
                }
                Struck::Silence => return Passage::Silent,
            }
        }
        if route.limits.len() > route.front {
            match self.ask_limits(route, route.front..route.limits.len(), call, watch) {
                Ok(more) => delay = Dur(delay.0.saturating_add(more.0)),
                Err(failure) => return refused(failure, latency),
            }
        }
        if route.pool.is_none() {
            let after = Dur(delay.0.saturating_add(latency.0));
            return Passage::Answered { refusal: None, after, holds: self.holds[call.endpoint.index()] };
        }
        if let Some(way) = &route.request_latency {
            let way = way.sample_with(|| draws.request_latency.bits(call.at.0, call.at.1));
            delay = Dur(delay.0.saturating_add(way.0));
        }
        let id = self.keep(Entry { call: *call, latency, came: call.sent, stage: Stage::OnTheWay });
        Passage::Pending(if delay == Dur::ZERO {
            self.queue(id, draws, call.sent, watch)
        } else {
            Pending::Delayed(id, delay)
        })
    }

    /// A call that the gateway keeps.
    #[inline]
    pub fn call(&self, id: u32) -> &Call {
        &self.books[id as usize].call
    }

    /// Removes a pending call.
    pub fn take(&mut self, id: u32) -> Entry {
        self.free.push(id);
        self.books[id as usize].stage = Stage::Free;
        self.books[id as usize]
    }

    /// The pending calls, in no particular order.
    pub fn pending(&self) -> impl Iterator<Item = &Call> {
        let is_kept = |entry: &&Entry| !matches!(entry.stage, Stage::Free | Stage::Gone);
        self.books.iter().filter(is_kept).map(|entry| &entry.call)
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
            let Some(since) = fault.since(call.sent) else { continue };
            if !draws.concerns(fault, &layout.keys, call.user) {
                continue;
            }
            let bits = draws.fault(index, fault, call.endpoint).bits(call.at.0, call.at.1);
            if self.struck[index] >= fault.count || !chance(bits, fault.probability_at(since)) {
                continue;
            }
            let effect = fault.kind.judge(fault.code, since, bits);
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
}

/// The round-trip time of a refused call, if the endpoint sets one.
fn refused_latency(route: &Route, call: &Call, draws: &Draws) -> Option<Dur> {
    let refused = route.refused_latency.as_ref()?;
    Some(refused.sample_with(|| draws.latency.bits(call.at.0, call.at.1)))
}
