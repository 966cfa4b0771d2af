//! A call's way through the modelled backend: faults, limits, queue, session check, answer.
//!
//! A call is judged at the instant it is sent; the round-trip time comes after. Faults come first, in the scenario's
//! order, then limits in theirs, then the queue of the endpoint, then the session itself.

use super::totals::{LimitTotals, StationTotals};
use super::{Event, EventKind, Observer, Plan, World, coordinates};
use crate::backend::limiter::{Limiter, Verdict, retry_after_s};
use crate::backend::spec::{ClientToken, Endpoint};
use crate::backend::station::{Arrival, Station};
use crate::client::policy::Failure;
use crate::client::task::{MOST_CALLS, Reply, TaskId, Token};
use crate::fault::FaultKind;
use crate::kernel::queue::Queue;
use crate::kernel::random::chance;
use crate::kernel::{Dist, Dur, Time};
use crate::metrics::Outcome;
use std::ops::Range;

/// Limiters, queues, and what faults have used up.
pub(super) struct Backend {
    limiters: Vec<Limiter>,
    /// The first key of each: those of other users are kept elsewhere.
    first_keys: Vec<u32>,
    stations: [Option<Station>; Endpoint::COUNT],
    fault_counts: Vec<u64>,
    verdicts: Vec<LimitTotals>,
    calls: Vec<Call>,
    free: Vec<u32>,
}

/// A call that waits for a worker or is served by one; it outlives a client that gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// The task that waits for it; of a generic call, the caller.
    pub(super) task: TaskId,
    /// Of a generic call, the caller's.
    pub(super) generation: u32,
    pub(super) endpoint: Endpoint,
    /// The tab; of a generic call, the client numbered after the fleet's users.
    pub(super) tab: u32,
    pub(super) latency: Dur,
    pub(super) sent: Time,
    /// Coordinates of its service time.
    pub(super) at: (u64, u64),
    /// It waits or is served; in a free place, not.
    pub(super) live: bool,
}

impl Call {
    /// The user, or the generic client numbered after the users, that it belongs to.
    pub(super) fn user(&self, tabs_per_user: u32) -> u32 {
        if self.endpoint == Endpoint::Generic { self.tab } else { self.tab / tabs_per_user }
    }
}

impl Backend {
    /// The backend as these users meet it: all, or a part that shares no key with others.
    pub(super) fn new(plan: &Plan, users: &Range<u32>) -> Backend {
        let limits = &plan.backend().limits;
        let keys: Vec<Range<u32>> = limits.iter().map(|spec| plan.keys_of(spec.key, users)).collect();
        Backend {
            limiters: limits
                .iter()
                .zip(&keys)
                .map(|(spec, keys)| Limiter::new(spec, keys.len() as u32))
                .collect(),
            first_keys: keys.iter().map(|keys| keys.start).collect(),
            stations: Endpoint::ALL.map(|e| {
                let spec = plan.endpoint(e);
                spec.workers.map(|workers| Station::new(workers, spec.queue))
            }),
            fault_counts: vec![0; plan.faults.len()],
            verdicts: vec![LimitTotals::default(); limits.len()],
            calls: Vec::new(),
            free: Vec::new(),
        }
    }

    /// A call in the queue's books.
    pub(super) fn call(&self, id: u32) -> &Call {
        &self.calls[id as usize]
    }

    /// A call of this endpoint is no longer being answered: concurrency limits let the next one in.
    pub(super) fn release(&mut self, plan: &Plan, endpoint: Endpoint, user: u32, now: Time) {
        for &limit in &plan.limits_of[endpoint as usize] {
            let limiter = &mut self.limiters[limit as usize];
            if limiter.needs_release() {
                let key = plan.key(plan.backend().limits[limit as usize].key, user);
                limiter.release(key - self.first_keys[limit as usize], now);
            }
        }
    }

    /// Asks the limits of an endpoint in order. Refused: what is answered. Admitted: the delay of a leaky bucket.
    pub(super) fn ask_limits<O: Observer>(
        &mut self,
        plan: &Plan,
        endpoint: Endpoint,
        user: u32,
        now: Time,
        observer: &mut O,
    ) -> Result<Dur, Failure> {
        let mut delay = Dur::ZERO;
        let limits = &plan.limits_of[endpoint as usize];
        let before = u64::from(now < plan.first_fault);
        for (asked, &limit) in limits.iter().enumerate() {
            let spec = &plan.backend().limits[limit as usize];
            let key = plan.key(spec.key, user);
            let verdict = self.limiters[limit as usize].ask(key - self.first_keys[limit as usize], now);
            if O::ACTIVE {
                observer.judged(now, limit, key, verdict);
            }
            match verdict {
                Verdict::Admit { delay: more } => {
                    self.verdicts[limit as usize].admitted += 1;
                    self.verdicts[limit as usize].admitted_before += before;
                    delay = Dur(delay.0.saturating_add(more.0));
                }
                Verdict::Refuse { wait } => {
                    self.verdicts[limit as usize].refused += 1;
                    self.verdicts[limit as usize].refused_before += before;
                    for &earlier in &limits[..asked] {
                        let limiter = &mut self.limiters[earlier as usize];
                        if limiter.needs_release() {
                            let key = plan.key(plan.backend().limits[earlier as usize].key, user);
                            limiter.release(key - self.first_keys[earlier as usize], now);
                        }
                    }
                    return Err(Failure {
                        status: 429,
                        code: 0,
                        retry_after_s: retry_after_s(spec.retry_after, wait),
                    });
                }
            }
        }
        Ok(delay)
    }

    /// Whether calls of this endpoint queue.
    pub(super) fn queues(&self, endpoint: Endpoint) -> bool {
        self.stations[endpoint as usize].is_some()
    }

    /// Totals of every queue, up to `now`.
    pub(super) fn station_totals(&mut self, now: Time) -> Vec<StationTotals> {
        let stations = Endpoint::ALL.into_iter().zip(&mut self.stations);
        stations
            .filter_map(|(endpoint, station)| {
                let station = station.as_mut()?;
                station.settle(now);
                Some(StationTotals { endpoint, totals: station.totals() })
            })
            .collect()
    }

    /// How many calls each fault has struck.
    pub(super) fn struck(&self) -> &[u64] {
        &self.fault_counts
    }

    /// A revocation has struck so many sessions.
    pub(super) fn revoked(&mut self, fault: usize, sessions: u64) {
        self.fault_counts[fault] += sessions;
    }

    /// Verdicts of every limit.
    pub(super) fn limit_totals(&self) -> Vec<LimitTotals> {
        self.verdicts.clone()
    }

    /// Generic calls that wait or are served: caller, generation, when they were sent.
    pub(super) fn generic_calls(&self) -> impl Iterator<Item = (u32, u32, Time)> {
        let calls = self.calls.iter().filter(|call| call.live && call.endpoint == Endpoint::Generic);
        calls.map(|call| (call.task, call.generation, call.sent))
    }

    pub(super) fn has_concurrency(&self, plan: &Plan, endpoint: Endpoint) -> bool {
        plan.limits_of[endpoint as usize].iter().any(|l| self.limiters[*l as usize].needs_release())
    }

    pub(super) fn keep(&mut self, call: Call) -> u32 {
        if let Some(id) = self.free.pop() {
            self.calls[id as usize] = call;
            return id;
        }
        self.calls.push(call);
        (self.calls.len() - 1) as u32
    }
}

/// What the faults make of a call.
pub(super) enum Struck {
    No,
    Answer(Failure),
    Nothing,
}

impl<O: Observer, Q: Queue<Event>> World<'_, O, Q> {
    /// A tab sends a request.
    pub(super) fn send(&mut self, tab: u32, user: u32, task: TaskId, endpoint: Endpoint, first: bool) {
        let now = self.now;
        let t = &mut self.tasks[task];
        t.endpoint = endpoint;
        t.shed = false;
        let ordinal = t.ordinal;
        self.collector.sent(user, endpoint, first, now);
        if self.collector.requests_of(user) >= MOST_CALLS {
            self.guard.is_full(user, "calls of one session");
        }
        if O::ACTIVE {
            self.observer.sent(now, tab, task, &self.tasks[task], endpoint, first);
        }
        let plan = self.plan;
        let spec = plan.endpoint(endpoint);
        let at = coordinates(tab, endpoint as u8, ordinal);
        let latency = spec.latency.as_ref().unwrap_or(&plan.backend().latency);
        let mut latency = if let Dist::Constant(d) = latency {
            *d
        } else {
            latency.sample(self.streams.latency.bits(at, now.0))
        };
        if self.browsers[user as usize].offline() {
            let after = if plan.scenario.fleet.offline_fails_at_once { Dur::ZERO } else { latency };
            return self.answer(task, Reply::Fail(Failure::NETWORK), after, spec.timeout);
        }
        match self.strike(endpoint, (at, now.0), &mut latency) {
            Struck::No => {}
            Struck::Answer(failure) => return self.answer(task, Reply::Fail(failure), latency, spec.timeout),
            Struck::Nothing => {
                if let Some(timeout) = spec.timeout {
                    self.schedule_task(timeout, EventKind::CallTimeout, task);
                }
                return;
            }
        }
        let delay = if plan.limits_of[endpoint as usize].is_empty() {
            Dur::ZERO
        } else {
            match self.backend.ask_limits(plan, endpoint, user, now, &mut self.observer) {
                Ok(delay) => delay,
                Err(failure) => {
                    if O::ACTIVE {
                        self.observer.limited();
                    }
                    if let Some(refused) = &spec.refused_latency {
                        latency = refused.sample(self.streams.latency.bits(at, now.0));
                    }
                    return self.answer(task, Reply::Fail(failure), latency, spec.timeout);
                }
            }
        };
        if self.backend.stations[endpoint as usize].is_none() {
            let reply = self.reply(user, endpoint);
            let total = Dur(delay.0.saturating_add(latency.0));
            if self.backend.has_concurrency(plan, endpoint) {
                self.schedule(now.after(total), EventKind::Release, 0, user, endpoint as u32);
            }
            return self.answer(task, reply, total, spec.timeout);
        }
        if let Some(timeout) = spec.timeout {
            self.schedule_task(timeout, EventKind::CallTimeout, task);
        }
        let generation = self.tasks[task].generation;
        let at = (at, now.0);
        let call =
            self.backend.keep(Call { task, generation, endpoint, tab, latency, sent: now, at, live: true });
        if delay == Dur::ZERO {
            self.admitted(call);
        } else {
            self.schedule(now.after(delay), EventKind::Admitted, 0, call, 0);
        }
    }

    /// Schedules an answer, or the client's time-out if that comes first.
    fn answer(&mut self, task: TaskId, reply: Reply, after: Dur, timeout: Option<Dur>) {
        self.tasks[task].set_reply(reply);
        match timeout {
            Some(timeout) if timeout < after => self.schedule_task(timeout, EventKind::CallTimeout, task),
            _ => self.schedule_task(after, EventKind::Answer, task),
        }
    }

    /// What the faults make of a call; `at` are the coordinates of its draws.
    pub(super) fn strike(&mut self, endpoint: Endpoint, at: (u64, u64), latency: &mut Dur) -> Struck {
        let now = self.now;
        for &index in &self.plan.faults_of[endpoint as usize] {
            let fault = &self.plan.faults[index as usize];
            if now < fault.from || now >= fault.to {
                continue;
            }
            let used = &mut self.backend.fault_counts[index as usize];
            let bits = self.streams.faults[index as usize].bits(at.0, at.1);
            if *used >= fault.count || !chance(bits, fault.probability) {
                continue;
            }
            *used += 1;
            if O::ACTIVE {
                self.observer.struck(index as usize);
            }
            match fault.kind {
                FaultKind::Status => return Struck::Answer(fault.failure),
                FaultKind::Outage => return Struck::Answer(Failure::NETWORK),
                FaultKind::NoAnswer => return Struck::Nothing,
                FaultKind::Pass => return Struck::No,
                FaultKind::Latency => {
                    let bits = crate::kernel::random::second_word(bits);
                    *latency = Dur(latency.0.saturating_add(fault.add.sample(bits).0));
                }
                FaultKind::Revocation => unreachable!("revocations hit sessions, not calls"),
            }
        }
        Struck::No
    }

    /// What an endpoint answers to a call that nothing stands against.
    fn reply(&mut self, user: u32, endpoint: Endpoint) -> Reply {
        let now = self.now;
        let policy = self.plan.backend().client_token;
        let server = &mut self.server[user as usize];
        let fresh = Token::issued_after(now, server.newest());
        let ok = |token| Reply::Ok { token, listed: true };
        match endpoint {
            Endpoint::Environment | Endpoint::SignIn | Endpoint::Generic => ok(None),
            // `clerk-js.md`, recording S3k: a revoked session is 401 to /tokens and missing from /client.
            Endpoint::Client if server.revoked() => Reply::Ok { token: None, listed: false },
            Endpoint::Tokens | Endpoint::Touch if server.revoked() => Reply::Fail(Failure::status(401)),
            Endpoint::Tokens => {
                server.set_newest(fresh);
                ok(Some(fresh))
            }
            Endpoint::Touch | Endpoint::Client => match policy {
                ClientToken::Fresh => {
                    server.set_newest(fresh);
                    ok(Some(fresh))
                }
                ClientToken::Last => {
                    let last = server.newest().unwrap_or(fresh);
                    server.set_newest(last);
                    ok(Some(last))
                }
                ClientToken::None => ok(None),
            },
        }
    }

    /// A call reaches the queue of its endpoint.
    pub(super) fn admitted(&mut self, id: u32) {
        let call = self.backend.calls[id as usize];
        let now = self.now;
        let station =
            self.backend.stations[call.endpoint as usize].as_mut().expect("only queued calls come here");
        match station.arrive(id, now) {
            Arrival::Serve => self.serve(id),
            Arrival::Wait => {}
            Arrival::Shed => {
                let user = call.user(self.plan.tabs_per_user);
                self.backend.release(self.plan, call.endpoint, user, now);
                if let Some(refused) = &self.plan.endpoint(call.endpoint).refused_latency {
                    let latency = refused.sample(self.streams.latency.bits(call.at.0, call.at.1));
                    self.backend.calls[id as usize].latency = latency;
                }
                if call.endpoint == Endpoint::Generic {
                    return self.deliver_generic(id, Some(Outcome::Shed));
                }
                if self.tasks[call.task].generation == call.generation {
                    self.tasks[call.task].shed = true;
                }
                self.deliver(id, Reply::Fail(Failure::status(503)));
            }
        }
    }

    fn serve(&mut self, id: u32) {
        let call = self.backend.calls[id as usize];
        let spec = self.plan.endpoint(call.endpoint);
        let service = spec
            .service
            .as_ref()
            .map_or(Dur::ZERO, |dist| dist.sample(self.streams.service.bits(call.at.0, call.at.1)));
        self.schedule(self.now.after(service), EventKind::Served, 0, id, call.endpoint as u32);
    }

    /// A worker has served a call: it takes the next one, the answer goes back.
    pub(super) fn served(&mut self, id: u32, endpoint: u32) {
        let now = self.now;
        let station = self.backend.stations[endpoint as usize].as_mut().expect("only queued calls come here");
        if let Some(next) = station.finish(now) {
            self.serve(next);
        }
        let call = self.backend.calls[id as usize];
        let user = call.user(self.plan.tabs_per_user);
        if self.backend.has_concurrency(self.plan, call.endpoint) {
            self.schedule(now.after(call.latency), EventKind::Release, 0, user, endpoint);
        }
        if call.endpoint == Endpoint::Generic {
            return self.deliver_generic(id, None);
        }
        let reply = self.reply(user, call.endpoint);
        self.deliver(id, reply);
    }

    /// Takes a call out of the queue's books.
    pub(super) fn take_call(&mut self, id: u32) -> Call {
        self.backend.free.push(id);
        self.backend.calls[id as usize].live = false;
        self.backend.calls[id as usize]
    }

    /// Sends a queued call's answer back, unless its client has given up.
    fn deliver(&mut self, id: u32, reply: Reply) {
        let call = self.take_call(id);
        if self.tasks[call.task].generation != call.generation {
            return;
        }
        self.tasks[call.task].set_reply(reply);
        self.schedule_task(call.latency, EventKind::Answer, call.task);
    }
}
