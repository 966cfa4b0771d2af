//! Runs generic clients. Their calls pass the same gateway as the calls of tabs.
//!
//! A call's outcome is counted as soon as it is known: when the call is sent if the gateway does not keep it, otherwise
//! when the gateway returns it. No outcome is stored, so a caller takes 16 bytes.

mod limits;
mod packed;
mod tokens;

use super::event::{Event, EventKind};
use super::totals::WorkloadTotals;
use super::{Observer, Plan, World};
use crate::backend::Endpoint;
use crate::backend::gateway::{Call, Passage};
use crate::client::resilience::Cause;
use crate::client::session_policy::SessionPolicy;
use crate::client::workload::{Caller, Draw, Pace, Workload, try_key};
use crate::client::{Client, MOST_CALLS};
use crate::kernel::queue::Queue;
use crate::kernel::{Dur, Time};
use crate::protocol::{Failure, Outcome};
use packed::pack;
pub(super) use packed::unpack;
pub(super) use tokens::Held as HeldToken;

/// The endpoint that generic clients call.
const ENDPOINT: Endpoint = crate::client::workload::GENERIC;
/// Marks the end of the list of free places.
const NOBODY: u32 = u32::MAX;

/// The callers of all workloads, and their totals.
pub(super) struct Callers {
    /// First one caller per client of the closed workloads, then the callers of open calls. Places of finished open
    /// calls are reused.
    places: Vec<Caller>,
    free: u32,
    /// Whether any workload has limits of its own.
    are_limited: bool,
    /// One state per client when any workload has limits of its own; otherwise a single unused one.
    limits: Vec<SessionPolicy>,
    /// By place, whether the last failed try of its call had no answer in time. Kept where a mechanism asks for it.
    timed_out: Vec<bool>,
    /// The token of each client when any workload's clients hold tokens; otherwise empty.
    tokens: Vec<tokens::Held>,
    totals: Vec<WorkloadTotals>,
}

impl Callers {
    pub(super) fn new(plan: &Plan) -> Callers {
        let mut places = Vec::new();
        for (number, workload) in plan.workloads.iter().enumerate() {
            if let Pace::Think(_) = workload.pace {
                let of = |client| caller(workload.first_client + client, 0, number);
                places.extend((0..workload.clients).map(of));
            }
        }
        let are_limited = plan.workloads.iter().any(|w| w.limits.is_some());
        Callers {
            places,
            free: NOBODY,
            are_limited,
            limits: vec![
                SessionPolicy::default();
                if are_limited { plan.backend.keys.all_clients() as usize } else { 1 }
            ],
            timed_out: Vec::new(),
            tokens: tokens::none(plan),
            totals: vec![WorkloadTotals::default(); plan.workloads.len()],
        }
    }

    #[inline]
    pub(super) fn client_of(&self, caller: u32) -> u32 {
        self.places[caller as usize].client
    }

    pub(super) fn totals(&self) -> &[WorkloadTotals] {
        &self.totals
    }

    /// Takes a place for a call of an open workload.
    fn take(&mut self, mut new: Caller) -> u32 {
        if self.free == NOBODY {
            self.places.push(new);
            return (self.places.len() - 1) as u32;
        }
        let id = self.free;
        let place = &mut self.places[id as usize];
        self.free = place.number;
        new.generation = place.generation;
        *place = new;
        id
    }

    /// Frees the place of a call of an open workload. Stale events may still ask for its client, so the client stays in it.
    fn put_back(&mut self, id: u32) {
        self.places[id as usize].number = self.free;
        self.free = id;
    }

    /// Ends a try, so events that name the try are stale. Returns the place in which the call continues.
    #[inline]
    fn try_over(&mut self, id: u32) -> u32 {
        let caller = &mut self.places[id as usize];
        if caller.generation < LAST_GENERATION {
            caller.generation += 1;
            return id;
        }
        self.moves(id)
    }

    /// Moves a call to another place and retires the old place. This way no event can name a later try by the
    /// generation of an earlier one.
    #[cold]
    fn moves(&mut self, id: u32) -> u32 {
        let old = &mut self.places[id as usize];
        old.generation = LAST_GENERATION + 1;
        let new = Caller { generation: 0, ..*old };
        self.take(new)
    }
}

/// The last generation that an event can name.
const LAST_GENERATION: u16 = u16::MAX - 1;

fn caller(client: u32, number: u32, workload: usize) -> Caller {
    Caller { client, number, attempt: 0, generation: 0, workload: workload as u16 }
}

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Schedules the first call of every client.
    pub(super) fn schedule_workloads(&mut self) {
        let plan = self.plan;
        for workload in &plan.workloads {
            for n in 0..workload.clients {
                let client = workload.first_client + n;
                let start =
                    Time(workload.starts.sample(self.caller_draw(workload, client, Draw::Start, 0)).0);
                match &workload.pace {
                    Pace::Think(_) => self.plan_try(start, workload.first_caller + n, workload.until),
                    Pace::Every(_) => self.plan_arrival(start, client, 0, workload.until),
                    Pace::At(times) => self.plan_arrival(start.after(times[0]), client, 0, workload.until),
                }
            }
        }
    }

    #[inline]
    fn caller_draw(&self, workload: &Workload, client: u32, what: Draw, key: u64) -> u64 {
        self.streams.generic.bits(workload.draw(client, what), key)
    }

    fn plan_arrival(&mut self, at: Time, client: u32, number: u32, until: Time) {
        if at <= until {
            self.schedule(at, EventKind::CallerArrives, 0, client, number);
        }
    }

    fn plan_try(&mut self, at: Time, caller: u32, until: Time) {
        if at <= until {
            self.schedule(at, EventKind::CallerTries, 0, caller, 0);
        }
    }

    /// A client of an open or scripted workload begins a call. The client's next call is scheduled first.
    pub(super) fn caller_arrives(&mut self, client: u32, number: u32) {
        let plan = self.plan;
        let index = plan.backend.keys.workload_of(client);
        let workload = &plan.workloads[index];
        let next = match &workload.pace {
            Pace::Every(gap) => {
                let draw = || self.caller_draw(workload, client, Draw::Gap, number.into());
                Some(self.now.after(gap.sample_with(draw)))
            }
            Pace::At(times) => times.get(number as usize + 1).map(|next| {
                let start = workload.starts.sample(self.caller_draw(workload, client, Draw::Start, 0));
                Time(start.0).after(*next)
            }),
            Pace::Think(_) => unreachable!("only clients of open and scripted workloads arrive"),
        };
        if let Some(next) = next {
            match number.checked_add(1) {
                Some(number) => self.plan_arrival(next, client, number, workload.until),
                None => self.client_is_full(client),
            }
        }
        let id = self.callers.take(caller(client, number, index));
        self.caller_tries(id);
    }

    /// A caller sends its call: a first try or a retry.
    pub(super) fn caller_tries(&mut self, id: u32) {
        let (now, plan) = (self.now, self.plan);
        let caller = self.callers.places[id as usize];
        let first = caller.attempt == 0;
        let totals = &mut self.callers.totals[caller.workload as usize];
        if first {
            totals.calls += 1;
            totals.begun_at += u128::from(now.0);
            if self.callers.hold_tokens() && !self.callers.fetches(plan, id, now) {
                return self.caller_needs_no_fetch(id);
            }
        } else {
            totals.retries += 1;
            totals.in_orbit -= 1;
            totals.orbit_to += u128::from(now.0);
        }
        if self.callers.are_limited && !self.callers.let_through(plan, id, now) {
            self.callers.totals[caller.workload as usize].unsent += 1;
            return self.caller_failed(id, Failure::NETWORK, Cause::Failed);
        }
        self.collector.generic_sent(first, now);
        let route = plan.backend.route(ENDPOINT);
        let call = Call {
            waiter: id,
            generation: caller.generation.into(),
            endpoint: ENDPOINT,
            word: 0,
            user: plan.backend.keys.users + caller.client,
            sent: now,
            at: (plan.workloads[caller.workload as usize].call(caller.client), caller.try_key()),
        };
        let (refusal, is_processed, after, holds) =
            match self.gateway.arrive(&call, &self.streams.backend, &mut self.observer) {
                Passage::Answered { refusal, after, holds } => (refusal, refusal.is_none(), after, holds),
                Passage::Lost { after, holds } => (Some(Failure::NETWORK), true, after, holds),
                Passage::Silent => return self.caller_silence(id),
                Passage::Pending(pending) => {
                    if let Some(timeout) = route.timeout {
                        let due = now.after(timeout);
                        self.schedule(due, EventKind::CallerTimesOut, caller.generation, id, 1);
                    }
                    return self.goes_on(pending);
                }
            };
        if is_processed {
            self.gateway.decided(&call, now, true, &mut self.observer);
        }
        self.holds(holds, ENDPOINT, call.user, after);
        if route.timeout.is_some_and(|timeout| timeout < after) {
            return self.caller_silence(id);
        }
        let outcome = refusal.map_or(Outcome::Ok, |failure| Outcome::of_status(failure.status));
        self.caller_reply(id, refusal, outcome, now, now.after(after));
    }

    /// A call that gets no answer before the client's time-out.
    fn caller_silence(&mut self, id: u32) {
        let timeout = self.plan.backend.route(ENDPOINT).timeout;
        let due = timeout.map_or(Time::NEVER, |timeout| self.now.after(timeout));
        let generation = self.callers.places[id as usize].generation;
        self.schedule(due, EventKind::CallerTimesOut, generation, id, 0);
        self.caller_ends(id, self.now, due, Outcome::Timeout);
    }

    /// Schedules an answer. The answer is never stale, because it is only scheduled when it comes before the client's time-out.
    fn caller_reply(&mut self, id: u32, answer: Option<Failure>, outcome: Outcome, sent: Time, due: Time) {
        let (status_and_code, retry_after) = pack(answer);
        self.schedule(due, EventKind::CallerAnswered, status_and_code, id, retry_after);
        self.caller_ends(id, sent, due, outcome);
    }

    /// Counts a call that was sent at `sent` and ends at `due`.
    fn caller_ends(&mut self, id: u32, sent: Time, due: Time, outcome: Outcome) {
        let outcome = if due > self.plan.horizon { Outcome::InFlight } else { outcome };
        self.collector.call_ended(ENDPOINT, outcome, sent, due);
        if O::ACTIVE {
            self.observer.generic_ended(self.callers.client_of(id), sent, outcome);
        }
    }

    /// The gateway returns a generic client's call: served, or ended with this outcome, which is `Shed` or `NetworkError`.
    pub(super) fn deliver_to_caller(&mut self, call: Call, latency: Dur, turned_away: Option<Outcome>) {
        if u32::from(self.callers.places[call.waiter as usize].generation) != call.generation {
            return;
        }
        let due = self.now.after(latency);
        let timeout = self.plan.backend.route(ENDPOINT).timeout;
        let given_up = timeout.map_or(Time::NEVER, |timeout| call.sent.after(timeout));
        if due < given_up {
            let answer = turned_away.map(|outcome| match outcome {
                Outcome::NetworkError => Failure::NETWORK,
                _ => Failure::status(503),
            });
            self.caller_reply(call.waiter, answer, turned_away.unwrap_or(Outcome::Ok), call.sent, due);
        } else if given_up > self.plan.horizon {
            self.caller_ends(call.waiter, call.sent, given_up, Outcome::Timeout);
        }
    }

    /// Counts the calls that wait in queues at the horizon as in flight.
    pub(super) fn callers_in_flight(&mut self) {
        let is_callers = |call: &&Call| self.plan.backend.keys.is_client(call.user);
        let calls: Vec<Call> = self.gateway.pending().filter(is_callers).copied().collect();
        for call in calls {
            if u32::from(self.callers.places[call.waiter as usize].generation) == call.generation {
                self.caller_ends(call.waiter, call.sent, Time::NEVER, Outcome::InFlight);
            }
        }
    }

    /// A try gets its answer.
    pub(super) fn caller_answered(&mut self, id: u32, answer: Option<Failure>) {
        self.callers.tell_end(self.plan, id, answer, self.now);
        if let Some(failure) = answer {
            return self.caller_failed(id, failure, Cause::Failed);
        }
        self.callers.retry_over(self.plan, id);
        let id = self.callers.try_over(id);
        self.callers.fetch_ended(self.plan, id, true, self.now);
        self.caller_is_done(id, true);
    }

    /// The client's time-out of a try is due.
    pub(super) fn caller_times_out(&mut self, id: u32, generation: u16, count: bool) {
        if self.callers.places[id as usize].generation != generation {
            return;
        }
        if count {
            let patience = self.plan.backend.route(ENDPOINT).timeout.unwrap_or_default();
            self.caller_ends(id, Time(self.now.0 - patience.0), self.now, Outcome::Timeout);
        }
        self.callers.tell_end(self.plan, id, Some(Failure::NETWORK), self.now);
        self.caller_failed(id, Failure::NETWORK, Cause::TimedOut);
    }

    /// A try failed, or the client refused it itself. Its workload decides whether the client retries it.
    fn caller_failed(&mut self, id: u32, failure: Failure, cause: Cause) {
        let (now, plan) = (self.now, self.plan);
        self.callers.retry_over(plan, id);
        let id = self.callers.try_over(id);
        let caller = &mut self.callers.places[id as usize];
        if caller.attempt >= MOST_CALLS {
            let client = caller.client;
            return self.client_is_full(client);
        }
        let workload = &plan.workloads[caller.workload as usize];
        let holder = if workload.limits.is_some() { workload.holder(caller.client) as usize } else { 0 };
        let (draw, number) = (workload.draw(caller.client, Draw::Retry), caller.number);
        let stream = &self.streams.generic;
        let bits = |n: u32| stream.bits(draw, try_key(number, n));
        let again = workload.failed(caller, &mut self.callers.limits[holder], (failure, cause), now, bits);
        let totals = &mut self.callers.totals[caller.workload as usize];
        let Some(delay) = again else {
            self.callers.fetch_ended(plan, id, false, now);
            return self.caller_is_done(id, false);
        };
        totals.in_orbit += 1;
        totals.orbit_from += u128::from(now.0);
        if workload.limits.is_some() {
            self.callers.set_cause(id, cause);
        }
        self.schedule(now.after(delay), EventKind::CallerTries, 0, id, 0);
    }

    /// A client has reached the maximum number of calls, or of tries of one call, that is counted.
    #[cold]
    fn client_is_full(&mut self, client: u32) {
        self.guard.is_full(self.plan.backend.keys.users + client, "calls of one client");
    }

    /// A call has ended: it is answered, or its client has given up. A closed client waits for its think time; an open client
    /// frees the place.
    fn caller_is_done(&mut self, id: u32, answered: bool) {
        let now = self.now;
        let caller = &mut self.callers.places[id as usize];
        let workload = &self.plan.workloads[caller.workload as usize];
        let totals = &mut self.callers.totals[caller.workload as usize];
        *(if answered { &mut totals.answered } else { &mut totals.gave_up }) += 1;
        totals.ended_at += u128::from(now.0);
        let Pace::Think(think) = &workload.pace else {
            return self.callers.put_back(id);
        };
        caller.attempt = 0;
        let (client, number) = (caller.client, caller.number + 1);
        if number > MOST_CALLS {
            return self.client_is_full(client);
        }
        caller.number = number;
        let draw = || self.caller_draw(workload, client, Draw::Gap, number.into());
        self.plan_try(now.after(think.sample_with(draw)), id, workload.until);
    }
}
