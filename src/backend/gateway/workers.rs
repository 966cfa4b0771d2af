//! The workers of the gateway: the queue of a pool, the service of a call, and calls whose clients have given up.

use super::{Call, Departure, Draws, Entry, Gateway, Layout, Pending, Stage, Watch, refused_latency};
use crate::backend::pool::{Deadline, PoolSpec};
use crate::backend::station::{Arrival, Next, Totals};
use crate::kernel::{Dur, Time};
use crate::protocol::Endpoint;
use crate::stats::Histogram;

impl Gateway<'_> {
    /// Puts a call into the queue of its endpoint.
    ///
    /// # Panics
    /// When the endpoint has no workers: a bug of the caller.
    pub fn queue<W: Watch>(&mut self, id: u32, draws: &Draws, now: Time, watch: &mut W) -> Pending {
        let entry = &mut self.books[id as usize];
        entry.came = now;
        let call = entry.call;
        let pool = self.pool_of(call.endpoint);
        if self.has_left(pool, &call, now) {
            self.stations[pool].0.arrive_abandoned();
            self.forget(id, now);
            return Pending::Abandoned;
        }
        match self.stations[pool].0.arrive(id, now) {
            Arrival::Serve => self.begin(pool, id, draws, now),
            Arrival::Wait => self.wait(id),
            Arrival::Displace(other) => {
                self.wait(id);
                self.turn_away(other, draws, now, watch)
            }
            Arrival::Shed => self.turn_away(id, draws, now, watch),
        }
    }

    /// A call waits for a worker.
    fn wait(&mut self, id: u32) -> Pending {
        self.books[id as usize].stage = Stage::Waiting;
        Pending::Waiting
    }

    /// A worker begins to serve a call.
    fn begin(&mut self, pool: usize, id: u32, draws: &Draws, now: Time) -> Pending {
        self.books[id as usize].stage = Stage::InService;
        Pending::Serving(id, self.service(pool, id, draws, now))
    }

    /// Releases the limits of a call that a station refuses. To those that count failures, it is one.
    fn turn_away<W: Watch>(&mut self, id: u32, draws: &Draws, now: Time, watch: &mut W) -> Pending {
        let call = self.books[id as usize].call;
        self.release(call.endpoint, call.user, now);
        self.decided(&call, now, false, watch);
        if let Some(latency) = refused_latency(self.layout.route(call.endpoint), &call, draws) {
            self.books[id as usize].latency = latency;
        }
        Pending::Shed(id)
    }

    /// Forgets a call whose client has given up, and releases its limits.
    fn forget(&mut self, id: u32, now: Time) {
        let call = self.take(id).call;
        self.release(call.endpoint, call.user, now);
    }

    /// Ends the service of a call.
    ///
    /// # Panics
    /// When no worker of its endpoint is busy: a bug of the caller.
    pub fn served(&mut self, id: u32, now: Time) -> Departure {
        let Entry { call, came, .. } = self.books[id as usize];
        let pool = self.pool_of(call.endpoint);
        if self.layout.pools[pool].deadline == Deadline::DuringService && self.has_left(pool, &call, now) {
            self.stations[pool].0.stop(now);
            self.forget(id, now);
            return Departure::Stopped;
        }
        let (station, times) = &mut self.stations[pool];
        station.finish(now);
        times.record(now.since(came));
        Departure::Served { holds: self.holds[call.endpoint.index()] }
    }

    /// What a free worker of a pool does: it serves a call, or turns one away. To be asked again until it is `None`.
    #[inline]
    pub fn next<W: Watch>(
        &mut self,
        pool: usize,
        draws: &Draws,
        now: Time,
        watch: &mut W,
    ) -> Option<Pending> {
        loop {
            let Gateway { layout, stations, books, .. } = self;
            let has_left = |id: u32| has_left(layout, pool, &books[id as usize].call, now);
            match stations[pool].0.next(now, has_left)? {
                Next::Serve(id) => return Some(self.begin(pool, id, draws, now)),
                Next::Expired(id) => return Some(self.turn_away(id, draws, now, watch)),
                Next::Left(id) => self.forget(id, now),
            }
        }
    }

    /// The pool that serves an endpoint.
    ///
    /// # Panics
    /// When the endpoint has no workers: a bug of the caller.
    pub fn pool_of(&self, endpoint: Endpoint) -> usize {
        usize::from(self.layout.route(endpoint).pool.expect("only calls of an endpoint with workers queue"))
    }

    /// Whether the client of a call has given up and the workers of this pool mind.
    fn has_left(&self, pool: usize, call: &Call, now: Time) -> bool {
        has_left(self.layout, pool, call, now)
    }

    /// The service time of a call whose service begins now.
    fn service(&self, pool: usize, id: u32, draws: &Draws, now: Time) -> Dur {
        let call = &self.books[id as usize].call;
        let route = self.layout.route(call.endpoint);
        let drawn = route.service.as_ref();
        let mut time =
            drawn.map_or(Dur::ZERO, |dist| dist.sample_with(|| draws.service.bits(call.at.0, call.at.1)));
        let PoolSpec { service_per_call, deadline, .. } = &self.layout.pools[pool];
        if let Some(each) = service_per_call {
            let more = each.0.saturating_mul(u64::from(self.stations[pool].0.in_service()));
            time = Dur(time.0.saturating_add(more));
        }
        match route.timeout {
            Some(timeout) if *deadline == Deadline::DuringService => {
                time.min(call.sent.after(timeout).since(now))
            }
            _ => time,
        }
    }

    /// Uses this many workers of a pool from now on.
    pub fn use_workers(&mut self, pool: usize, workers: u32) {
        self.stations[pool].0.use_workers(workers);
    }

    /// Totals of every pool, in their order, up to `now`.
    pub fn station_totals(&mut self, now: Time) -> Vec<Totals> {
        let settled = self.stations.iter_mut().map(|(station, _)| {
            station.settle(now);
            station.totals()
        });
        settled.collect()
    }

    /// How long served calls were with the workers, waiting and in service, by pool.
    pub fn times_at_workers(&self) -> impl Iterator<Item = &Histogram> {
        self.stations.iter().map(|(_, times)| times)
    }
}

/// Whether the client of a call has given up and the workers of this pool mind. A client gives up when its time-out has
/// passed; what else it does, the server does not know.
#[inline]
fn has_left(layout: &Layout, pool: usize, call: &Call, now: Time) -> bool {
    layout.pools[pool].deadline != Deadline::Ignored
        && layout.route(call.endpoint).timeout.is_some_and(|timeout| now >= call.sent.after(timeout))
}
