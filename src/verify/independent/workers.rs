//! Workers and their queues, and what a restart of the servers does to the calls under way.

use super::answer::Answer;
use super::service::Call;
use super::world::World;
use crate::backend::pool::{Deadline, Order, PoolSpec, Sheds};
use crate::backend::{BackendSpec, Endpoint};
use crate::fault::{FaultKind, FaultSpec};
use crate::kernel::random::{Purpose, chance};
use std::collections::VecDeque;
use std::rc::Rc;

/// Where a call is on the server's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Not with the workers: on its way there, or there are none.
    Outside,
    Waiting,
    InService,
    /// The connection is closed: the answer is there, the server has forgotten the call, or a restart broke it.
    Closed,
}

/// Workers with one queue.
pub(super) struct Station {
    endpoints: Vec<Endpoint>,
    rules: Rules,
    /// Workers in use.
    workers: u32,
    busy: u32,
    /// The calls that wait, with the time at which each came and after which no worker takes it.
    waiting: VecDeque<(Rc<Call>, u64)>,
    /// The last time at which no call waited.
    empty_at: u64,
    /// Slow starts that have begun.
    slow_starts: u64,
}

struct Rules {
    workers: u32,
    places: Option<u32>,
    /// With more calls than this, the newest goes first.
    newest_first_above: usize,
    sheds_oldest: bool,
    pool: Option<PoolSpec>,
}

/// The stations of a backend: of each endpoint with workers of its own, then the pools.
pub(super) fn stations(backend: &BackendSpec) -> Vec<Station> {
    let own = Endpoint::ALL.into_iter().filter_map(|endpoint| {
        let spec = backend.endpoint(endpoint);
        let rules = Rules {
            workers: spec.workers?,
            places: spec.queue,
            newest_first_above: usize::MAX,
            sheds_oldest: false,
            pool: None,
        };
        Some((vec![endpoint], rules))
    });
    let pools = backend.pools.iter().map(|pool| {
        let rules = Rules {
            workers: pool.workers,
            places: pool.queue,
            newest_first_above: match pool.order {
                Order::Fifo => usize::MAX,
                Order::Lifo => pool.lifo_above as usize,
            },
            sheds_oldest: pool.sheds == Sheds::Oldest,
            pool: Some(pool.clone()),
        };
        (pool.endpoints.clone(), rules)
    });
    let station = |(endpoints, rules): (Vec<Endpoint>, Rules)| Station {
        endpoints,
        workers: rules.workers,
        rules,
        busy: 0,
        waiting: VecDeque::new(),
        empty_at: 0,
        slow_starts: 0,
    };
    own.chain(pools).map(station).collect()
}

impl Station {
    fn deadline(&self) -> Deadline {
        self.rules.pool.as_ref().map_or(Deadline::Ignored, |pool| pool.deadline)
    }

    /// The time after which no worker takes a call that comes now and waits.
    fn until(&self, now: u64) -> u64 {
        let Some(pool) = &self.rules.pool else { return u64::MAX };
        let longest = pool.max_wait.map_or(u64::MAX, |most| now.saturating_add(most.0));
        let controlled = pool.codel.map_or(u64::MAX, |codel| {
            // Whether a call has waited at every time of the interval before.
            let stands = !self.waiting.is_empty() && self.empty_at + codel.interval.0 < now;
            now.saturating_add(if stands { codel.target.0 } else { codel.interval.0 })
        });
        longest.min(controlled)
    }
}

impl World {
    /// The station that serves an endpoint.
    pub(super) fn station_of(&self, endpoint: Endpoint) -> Option<usize> {
        self.service.borrow().stations.iter().position(|station| station.endpoints.contains(&endpoint))
    }

    /// Whether a client has given up, and the workers mind.
    fn has_left(&self, station: usize, call: &Call) -> bool {
        let timeout = self.scenario.backend.endpoint(call.endpoint).timeout;
        self.service.borrow().stations[station].deadline() != Deadline::Ignored
            && timeout.is_some_and(|timeout| self.now() >= call.sent.saturating_add(timeout.0))
    }

    /// The server forgets a call whose client has given up.
    fn forgets(&self, call: &Call) {
        call.is.set(Where::Closed);
        self.leaves_desk(call);
        self.give_back(call);
    }

    /// A call that is on its way to workers, waits or is in service has a desk. The desk that was left last is taken first.
    pub(super) fn takes_desk(&self, call: &Call) {
        let mut service = self.service.borrow_mut();
        let new = service.desks;
        let desk = service.free_desks.pop().unwrap_or(new);
        service.desks = new.max(desk + 1);
        call.desk.set(desk);
    }

    fn leaves_desk(&self, call: &Call) {
        self.service.borrow_mut().free_desks.push(call.desk.get());
    }

    /// A call comes to the workers of its endpoint. Unless they are told to mind, they do not notice that a client has
    /// given up.
    pub(super) fn arrives(self: &Rc<World>, station: usize, call: &Rc<Call>) {
        if call.is.get() == Where::Closed {
            return self.leaves_desk(call);
        }
        if self.has_left(station, call) {
            return self.forgets(call);
        }
        let now = self.now();
        let mut service = self.service.borrow_mut();
        let of = &mut service.stations[station];
        if of.busy < of.workers {
            drop(service);
            return self.serve(station, call);
        }
        let is_full = of.rules.places.is_some_and(|places| of.waiting.len() >= places as usize);
        let shed = match is_full {
            false => None,
            true if of.rules.sheds_oldest && !of.waiting.is_empty() => of.waiting.pop_front(),
            true => {
                drop(service);
                return self.turns_away(call);
            }
        };
        let until = of.until(now);
        if of.waiting.is_empty() {
            of.empty_at = now;
        }
        of.waiting.push_back((Rc::clone(call), until));
        call.is.set(Where::Waiting);
        drop(service);
        if let Some((oldest, _)) = shed {
            self.turns_away(&oldest);
        }
    }

    /// A call is shed.
    fn turns_away(self: &Rc<World>, call: &Rc<Call>) {
        call.is.set(Where::Outside);
        self.leaves_desk(call);
        self.give_back(call);
        self.decided(call, &self.all_passed(call), false);
        let refused = self.scenario.backend.endpoint(call.endpoint).refused_latency.as_ref();
        let latency =
            refused.map_or(call.latency.get(), |dist| self.draws.time(dist, Purpose::Latency, call.place));
        self.answers(
            call,
            latency,
            Answer::Status { status: 503, code: None, retry_after_s: None, shed: true },
        );
    }

    fn serve(self: &Rc<World>, station: usize, call: &Rc<Call>) {
        let spec = self.scenario.backend.endpoint(call.endpoint);
        let drawn = spec.service.as_ref();
        let mut time = drawn.map_or(0, |dist| self.draws.time(dist, Purpose::Service, call.place));
        call.is.set(Where::InService);
        let is_cut = {
            let of = &mut self.service.borrow_mut().stations[station];
            of.busy += 1;
            let more = of.rules.pool.as_ref().and_then(|pool| pool.service_per_call);
            time = time.saturating_add(more.map_or(0, |more| more.0.saturating_mul(of.busy.into())));
            of.deadline() == Deadline::DuringService
        };
        if let Some(timeout) = spec.timeout.filter(|_| is_cut) {
            time = time.min(call.sent.saturating_add(timeout.0) - self.now());
        }
        let (world, call) = (Rc::clone(self), Rc::clone(call));
        self.clock.after(time, move || world.served(station, &call));
    }

    fn served(self: &Rc<World>, station: usize, call: &Rc<Call>) {
        if call.is.get() == Where::Closed {
            return self.leaves_desk(call);
        }
        self.service.borrow_mut().stations[station].busy -= 1;
        let stops = self.service.borrow().stations[station].deadline() == Deadline::DuringService
            && self.has_left(station, call);
        if stops {
            self.forgets(call);
            return self.look_at_queue(station);
        }
        call.is.set(Where::Outside);
        self.look_at_queue(station);
        self.leaves_desk(call);
        let answer = self.served_by_account(call);
        self.over_after(call, call.latency.get());
        self.answers(call, call.latency.get(), answer);
    }

    /// The free workers take calls from the queue.
    fn look_at_queue(self: &Rc<World>, station: usize) {
        loop {
            let next = {
                let of = &mut self.service.borrow_mut().stations[station];
                if of.busy >= of.workers {
                    return;
                }
                let newest = of.waiting.len() > of.rules.newest_first_above;
                if newest { of.waiting.pop_back() } else { of.waiting.pop_front() }
            };
            let Some((call, until)) = next else { return };
            if self.has_left(station, &call) {
                self.forgets(&call);
            } else if self.now() > until {
                self.turns_away(&call);
            } else {
                self.serve(station, &call);
            }
        }
    }

    /// Plans the restarts, and the slow starts after outages.
    pub(super) fn plans_restarts(self: &Rc<World>) {
        for (place, fault) in self.scenario.faults.iter().enumerate() {
            let is_restart = matches!(fault.kind, FaultKind::Restart(_));
            let is_outage = matches!(fault.kind, FaultKind::Outage(_));
            for begin in self.begins(fault).take_while(|_| is_restart || is_outage) {
                let world = Rc::clone(self);
                let lasts = fault.to.map_or(u64::MAX, |to| to.0 - fault.from.0);
                self.clock.at(if is_restart { begin } else { begin.saturating_add(lasts) }, move || {
                    if is_restart {
                        world.restarts(place);
                    }
                    world.starts_slowly(place);
                });
            }
        }
    }

    /// When the windows of a fault begin, before the horizon. A fault without an end has one window, unless it is an
    /// instant.
    pub(super) fn begins<'a>(&self, fault: &'a FaultSpec) -> impl Iterator<Item = u64> + use<'a> {
        let horizon = self.scenario.horizon.0;
        let again = fault.repeat_every.filter(|_| fault.to.is_some() || fault.is_instant());
        let first = Some(fault.from.0);
        let begins = std::iter::successors(first, move |begin| begin.checked_add(again?.0));
        let lasts = move |begin: &u64| {
            let is_further = *begin > fault.from.0;
            *begin < horizon && !(is_further && fault.repeat_until.is_some_and(|until| *begin >= until.0))
        };
        begins.take_while(lasts)
    }

    fn strikes_at(fault: &FaultSpec, endpoint: Endpoint) -> bool {
        fault.endpoints.is_empty() || fault.endpoints.contains(&endpoint)
    }

    /// Every call under way loses its connection: its client learns of it at once. Workers that served such a call are free. In
    /// the engine's order of one instant, the calls whose answers are known come first, then the others by their desks.
    fn restarts(self: &Rc<World>, place: usize) {
        let (fault, now) = (&self.scenario.faults[place], self.now());
        let mut all = self.service.borrow().connections.clone();
        all.sort_by_key(|call| (call.known.get().unwrap_or(u64::MAX), call.desk.get()));
        let mut left = Vec::new();
        for call in all {
            let draws = (call.place.0 ^ now, call.place.1);
            if call.is.get() == Where::Closed
                || call.sent >= now
                || !World::strikes_at(fault, call.endpoint)
                || !self.is_in(&fault.regions, call.who)
                || !self.is_of(fault.only, call.who)
                || !chance(self.draws.fault(place, draws), fault.probability)
            {
                continue;
            }
            if let Some(station) = self.station_of(call.endpoint) {
                let waits = call.is.get() == Where::Waiting;
                let of = &mut self.service.borrow_mut().stations[station];
                of.waiting.retain(|(other, _)| !Rc::ptr_eq(other, &call));
                of.busy -= u32::from(call.is.get() == Where::InService);
                left.extend(waits.then(|| Rc::clone(&call)));
            }
            call.is.set(Where::Closed);
            self.give_back(&call);
            let promise = call.answer.clone();
            self.clock.after(0, move || {
                promise.resolve(Answer::Network);
            });
        }
        left.iter().for_each(|call| self.leaves_desk(call));
        self.service.borrow_mut().connections.retain(|call| call.is.get() != Where::Closed);
        for station in 0..self.stations() {
            self.look_at_queue(station);
        }
    }

    fn stations(&self) -> usize {
        self.service.borrow().stations.len()
    }

    /// The pools of the endpoints that a fault strikes begin their slow start.
    fn starts_slowly(self: &Rc<World>, place: usize) {
        for station in 0..self.stations() {
            let fault = &self.scenario.faults[place];
            let begins = {
                let of = &mut self.service.borrow_mut().stations[station];
                let is_slow = of.rules.pool.as_ref().is_some_and(|pool| pool.slow_start.is_some());
                let begins = is_slow && of.endpoints.iter().any(|at| World::strikes_at(fault, *at));
                of.slow_starts += u64::from(begins);
                begins.then_some(of.slow_starts)
            };
            if let Some(number) = begins {
                self.goes_on_slowly(station, number, self.now());
            }
        }
    }

    /// A pool that began its slow start at `began` uses more workers; a later slow start takes its place.
    fn goes_on_slowly(self: &Rc<World>, station: usize, number: u64, began: u64) {
        let again = {
            let of = &mut self.service.borrow_mut().stations[station];
            let slow = of.rules.pool.as_ref().and_then(|pool| pool.slow_start);
            let Some(slow) = slow.filter(|_| of.slow_starts == number) else { return };
            let (workers, since, lasts) = (of.rules.workers, self.now() - began, slow.lasts.0);
            let share = slow.from + (1.0 - slow.from) * (since as f64 / lasts as f64);
            let grown = ((f64::from(workers) * share) as u32).max(1);
            of.workers = if since >= lasts { workers } else { grown.min(workers) };
            let step = (lasts / u64::from(workers.min(100))).max(1);
            (of.workers < workers).then_some(step)
        };
        self.look_at_queue(station);
        if let Some(step) = again {
            let world = Rc::clone(self);
            self.clock.after(step, move || world.goes_on_slowly(station, number, began));
        }
    }
}
