//! Generic clients at work: their calls go the same way through the backend as those of the auth clients.
//!
//! A call's outcome is counted as soon as it is known: at once when it does not queue, else when it leaves the queue.
//! So nothing about it has to be remembered, and a caller stays within 16 bytes.

use super::backend::{Call, Struck};
use super::totals::WorkloadTotals;
use super::{Event, EventKind, Observer, Plan, World};
use crate::backend::Endpoint;
use crate::client::generic::{Caller, Draw, Pace, Workload, try_key};
use crate::client::policy::Failure;
use crate::client::session_policy::SessionPolicy;
use crate::client::task::MOST_CALLS;
use crate::kernel::queue::Queue;
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;

/// No caller.
const NOBODY: u32 = u32::MAX;

/// The callers of all workloads, and what they did.
pub(super) struct Generic {
    /// First those of the closed workloads, one per client; then places that open calls take and give back.
    callers: Vec<Caller>,
    free: u32,
    /// One per client where a workload has a retry budget; otherwise one that nobody looks at.
    budgets: Vec<SessionPolicy>,
    totals: Vec<WorkloadTotals>,
}

impl Generic {
    pub(super) fn new(plan: &Plan) -> Generic {
        let mut callers = Vec::new();
        for (number, workload) in plan.workloads.iter().enumerate() {
            if let Pace::Think(_) = workload.pace {
                let of = |client| caller(workload.first_client + client, 0, number);
                callers.extend((0..workload.clients).map(of));
            }
        }
        let budgets = plan.workloads.iter().any(|w| w.budget.is_some());
        Generic {
            callers,
            free: NOBODY,
            budgets: vec![SessionPolicy::default(); if budgets { plan.clients() as usize } else { 1 }],
            totals: vec![WorkloadTotals::default(); plan.workloads.len()],
        }
    }

    #[inline]
    pub(super) fn client_of(&self, caller: u32) -> u32 {
        self.callers[caller as usize].client
    }

    pub(super) fn totals(&self) -> &[WorkloadTotals] {
        &self.totals
    }

    /// A place for a call of an open workload.
    fn take(&mut self, mut new: Caller) -> u32 {
        if self.free == NOBODY {
            self.callers.push(new);
            return (self.callers.len() - 1) as u32;
        }
        let id = self.free;
        let place = &mut self.callers[id as usize];
        self.free = place.number;
        new.generation = place.generation;
        *place = new;
        id
    }

    /// A try has ended: events that name it are stale from now on. Returns where its call goes on.
    #[inline]
    fn try_over(&mut self, id: u32) -> u32 {
        let caller = &mut self.callers[id as usize];
        if caller.generation < LAST_GENERATION {
            caller.generation += 1;
            return id;
        }
        self.moves(id)
    }

    /// The call goes on in another place. The old one is not used again, so that no event ever names a later try by the
    /// number of an earlier one.
    #[cold]
    fn moves(&mut self, id: u32) -> u32 {
        let old = &mut self.callers[id as usize];
        old.generation = LAST_GENERATION + 1;
        let new = Caller { generation: 0, ..*old };
        self.take(new)
    }
}

/// The last generation of a place that an event names.
const LAST_GENERATION: u16 = u16::MAX - 1;

fn caller(client: u32, number: u32, workload: usize) -> Caller {
    Caller { client, number, attempt: 0, generation: 0, workload: workload as u16 }
}

/// A failure in the words of an event: status 400 to 599 or none and error code; `Retry-After`.
fn pack(failure: Failure) -> (u16, u32) {
    let status = if failure.status == 0 { 255 } else { failure.status - 400 };
    (status << 8 | u16::from(failure.code), failure.retry_after_s)
}

/// The failure in these words.
pub(super) fn unpack(status_and_code: u16, retry_after_s: u32) -> Failure {
    let [status, code] = status_and_code.to_be_bytes();
    Failure { status: if status == 255 { 0 } else { u16::from(status) + 400 }, code, retry_after_s }
}

impl<O: Observer, Q: Queue<Event>> World<'_, O, Q> {
    /// Puts the first call of every client into the queue.
    pub(super) fn schedule_workloads(&mut self) {
        let plan = self.plan;
        for workload in &plan.workloads {
            for n in 0..workload.clients {
                let client = workload.first_client + n;
                let start =
                    Time(workload.starts.sample(self.generic_draw(workload, client, Draw::Start, 0)).0);
                match &workload.pace {
                    Pace::Think(_) => self.plan_try(start, workload.first_caller + n, workload.until),
                    Pace::Every(_) => self.plan_arrival(start, client, 0, workload.until),
                    Pace::At(times) => self.plan_arrival(start.after(times[0]), client, 0, workload.until),
                }
            }
        }
    }

    #[inline]
    fn generic_draw(&self, workload: &Workload, client: u32, what: Draw, key: u64) -> u64 {
        self.streams.generic.bits(workload.draw(client, what), key)
    }

    fn plan_arrival(&mut self, at: Time, client: u32, number: u32, until: Time) {
        if at <= until {
            self.schedule(at, EventKind::GenericArrival, 0, client, number);
        }
    }

    fn plan_try(&mut self, at: Time, caller: u32, until: Time) {
        if at <= until {
            self.schedule(at, EventKind::GenericTry, 0, caller, 0);
        }
    }

    /// A client of an open or scripted workload begins a call; its next is planned first.
    pub(super) fn generic_arrives(&mut self, client: u32, number: u32) {
        let plan = self.plan;
        let index = plan.workload_of(client);
        let workload = &plan.workloads[index];
        let next = match &workload.pace {
            Pace::Every(gap) => {
                let draw = || self.generic_draw(workload, client, Draw::Gap, number.into());
                let bits = if gap.is_constant() { 0 } else { draw() };
                Some(self.now.after(gap.sample(bits)))
            }
            Pace::At(times) => times.get(number as usize + 1).map(|next| {
                let start = workload.starts.sample(self.generic_draw(workload, client, Draw::Start, 0));
                Time(start.0).after(*next)
            }),
            Pace::Think(_) => unreachable!("closed clients do not arrive"),
        };
        if let Some(next) = next {
            match number.checked_add(1) {
                Some(number) => self.plan_arrival(next, client, number, workload.until),
                None => self.client_is_full(client),
            }
        }
        let id = self.generic.take(caller(client, number, index));
        self.generic_tries(id);
    }

    /// A caller sends its call, for the first time or again.
    pub(super) fn generic_tries(&mut self, id: u32) {
        const ENDPOINT: Endpoint = Endpoint::Generic;
        let (now, plan) = (self.now, self.plan);
        let caller = self.generic.callers[id as usize];
        let first = caller.attempt == 0;
        let totals = &mut self.generic.totals[caller.workload as usize];
        if first {
            totals.calls += 1;
            totals.begun_at += u128::from(now.0);
            if let Some(limits) = &plan.workloads[caller.workload as usize].budget {
                limits.first_attempt(&mut self.generic.budgets[caller.client as usize]);
            }
        } else {
            totals.retries += 1;
            totals.in_orbit -= 1;
            totals.orbit_to += u128::from(now.0);
        }
        self.collector.generic_sent(first, now);
        let spec = plan.endpoint(ENDPOINT);
        let user = plan.scenario.fleet.users + caller.client;
        let at = (plan.workloads[caller.workload as usize].call(caller.client), caller.try_key());
        let mut added = Dur::ZERO;
        if !plan.faults_of[ENDPOINT as usize].is_empty() {
            match self.strike(ENDPOINT, at, &mut added) {
                Struck::No => {}
                Struck::Answer(failure) => {
                    let latency = Dur(self.generic_latency(at).0.saturating_add(added.0));
                    let outcome = Outcome::of_status(failure.status);
                    return self.generic_answer(id, Some((failure, outcome)), latency);
                }
                Struck::Nothing => return self.generic_silence(id),
            }
        }
        let mut delay = Dur::ZERO;
        if !plan.limits_of[ENDPOINT as usize].is_empty() {
            match self.backend.ask_limits(plan, ENDPOINT, user, now, &mut self.observer) {
                Ok(wait) => delay = wait,
                Err(failure) => {
                    let latency = match &spec.refused_latency {
                        Some(refused) if refused.is_constant() => refused.sample(0),
                        Some(refused) => refused.sample(self.streams.latency.bits(at.0, at.1)),
                        None => Dur(self.generic_latency(at).0.saturating_add(added.0)),
                    };
                    return self.generic_answer(id, Some((failure, Outcome::TooManyRequests)), latency);
                }
            }
        }
        let latency = Dur(self.generic_latency(at).0.saturating_add(added.0));
        if !self.backend.queues(ENDPOINT) {
            let total = Dur(delay.0.saturating_add(latency.0));
            if self.backend.has_concurrency(plan, ENDPOINT) {
                self.schedule(now.after(total), EventKind::Release, 0, user, ENDPOINT as u32);
            }
            return self.generic_answer(id, None, total);
        }
        if let Some(timeout) = spec.timeout {
            self.schedule(now.after(timeout), EventKind::GenericTimeout, caller.generation, id, 1);
        }
        let generation = caller.generation.into();
        let call =
            Call { task: id, generation, endpoint: ENDPOINT, tab: user, latency, sent: now, at, live: true };
        let call = self.backend.keep(call);
        if delay == Dur::ZERO {
            self.admitted(call);
        } else {
            self.schedule(now.after(delay), EventKind::Admitted, 0, call, 0);
        }
    }

    /// The round-trip time of a try.
    #[inline]
    fn generic_latency(&self, at: (u64, u64)) -> Dur {
        let backend = self.plan.backend();
        let latency = backend.generic.latency.as_ref().unwrap_or(&backend.latency);
        latency.sample(if latency.is_constant() { 0 } else { self.streams.latency.bits(at.0, at.1) })
    }

    /// Schedules the answer to a call that does not queue, or its client's time-out if that comes first.
    fn generic_answer(&mut self, id: u32, failure: Option<(Failure, Outcome)>, after: Dur) {
        match self.plan.endpoint(Endpoint::Generic).timeout {
            Some(timeout) if timeout < after => self.generic_silence(id),
            _ => self.generic_reply(id, failure, self.now, self.now.after(after)),
        }
    }

    /// No answer will come before the client's time-out.
    fn generic_silence(&mut self, id: u32) {
        let timeout = self.plan.endpoint(Endpoint::Generic).timeout;
        let due = timeout.map_or(Time::NEVER, |timeout| self.now.after(timeout));
        let generation = self.generic.callers[id as usize].generation;
        self.schedule(due, EventKind::GenericTimeout, generation, id, 0);
        self.generic_ends(id, self.now, due, Outcome::Timeout);
    }

    fn generic_reply(&mut self, id: u32, failure: Option<(Failure, Outcome)>, sent: Time, due: Time) {
        // An answer is never stale: one that is scheduled comes before its client's patience ends.
        let outcome = match failure {
            None => {
                self.schedule(due, EventKind::GenericAnswer, 0, id, 0);
                Outcome::Ok
            }
            Some((failure, outcome)) => {
                let (status_and_code, retry_after_s) = pack(failure);
                self.schedule(due, EventKind::GenericFailed, status_and_code, id, retry_after_s);
                outcome
            }
        };
        self.generic_ends(id, sent, due, outcome);
    }

    /// Counts a call that was sent then and ends at `due`.
    fn generic_ends(&mut self, id: u32, sent: Time, due: Time, outcome: Outcome) {
        let outcome = if due > self.plan.horizon { Outcome::InFlight } else { outcome };
        self.collector.call_ended(Endpoint::Generic, outcome, sent, due);
        if O::ACTIVE {
            self.observer.generic_ended(self.generic.client_of(id), sent, outcome);
        }
    }

    /// A call leaves the queue: served, or turned away with this outcome.
    pub(super) fn deliver_generic(&mut self, id: u32, turned_away: Option<Outcome>) {
        let call = self.take_call(id);
        if u32::from(self.generic.callers[call.task as usize].generation) != call.generation {
            return;
        }
        let due = self.now.after(call.latency);
        let timeout = self.plan.endpoint(Endpoint::Generic).timeout;
        let given_up = timeout.map_or(Time::NEVER, |timeout| call.sent.after(timeout));
        if due < given_up {
            let failure = turned_away.map(|outcome| (Failure::status(503), outcome));
            self.generic_reply(call.task, failure, call.sent, due);
        } else if given_up > self.plan.horizon {
            self.generic_ends(call.task, call.sent, given_up, Outcome::Timeout);
        }
    }

    /// Calls that still queue at the horizon.
    pub(super) fn generic_in_flight(&mut self) {
        let calls: Vec<(u32, u32, Time)> = self.backend.generic_calls().collect();
        for (id, generation, sent) in calls {
            if u32::from(self.generic.callers[id as usize].generation) == generation {
                self.generic_ends(id, sent, Time::NEVER, Outcome::InFlight);
            }
        }
    }

    /// A call was answered with success.
    pub(super) fn generic_answered(&mut self, id: u32) {
        let id = self.generic.try_over(id);
        let workload = self.generic.callers[id as usize].workload;
        self.generic.totals[workload as usize].answered += 1;
        self.generic_call_over(id);
    }

    /// The client's patience with a call has ended.
    pub(super) fn generic_times_out(&mut self, id: u32, generation: u16, count: bool) {
        if self.generic.callers[id as usize].generation != generation {
            return;
        }
        if count {
            let patience = self.plan.endpoint(Endpoint::Generic).timeout.unwrap_or_default();
            self.generic_ends(id, Time(self.now.0 - patience.0), self.now, Outcome::Timeout);
        }
        self.generic_failed(id, Failure::NETWORK);
    }

    /// A call failed: its workload says whether it is tried again.
    pub(super) fn generic_failed(&mut self, id: u32, failure: Failure) {
        let now = self.now;
        let id = self.generic.try_over(id);
        let caller = &mut self.generic.callers[id as usize];
        if caller.attempt >= MOST_CALLS {
            let client = caller.client;
            return self.client_is_full(client);
        }
        let workload = &self.plan.workloads[caller.workload as usize];
        let budget = if workload.budget.is_some() { caller.client as usize } else { 0 };
        let (draw, number) = (workload.draw(caller.client, Draw::Retry), caller.number);
        let stream = &self.streams.generic;
        let bits = |n: u32| stream.bits(draw, try_key(number, n));
        let again = workload.failed(caller, &mut self.generic.budgets[budget], failure, now, bits);
        let totals = &mut self.generic.totals[caller.workload as usize];
        let Some(delay) = again else {
            totals.gave_up += 1;
            return self.generic_call_over(id);
        };
        totals.in_orbit += 1;
        totals.orbit_from += u128::from(now.0);
        self.schedule(now.after(delay), EventKind::GenericTry, 0, id, 0);
    }

    /// A client has made as many calls, or tries of one, as are counted.
    #[cold]
    fn client_is_full(&mut self, client: u32) {
        self.guard.is_full(self.plan.scenario.fleet.users + client, "calls of one client");
    }

    /// A call has ended. A closed client thinks about its next, an open one gives the place back.
    fn generic_call_over(&mut self, id: u32) {
        let now = self.now;
        let caller = &mut self.generic.callers[id as usize];
        let workload = &self.plan.workloads[caller.workload as usize];
        self.generic.totals[caller.workload as usize].ended_at += u128::from(now.0);
        let Pace::Think(think) = &workload.pace else {
            // Stale events may still ask whose place this was: the client stays.
            caller.number = self.generic.free;
            self.generic.free = id;
            return;
        };
        caller.attempt = 0;
        let (client, number) = (caller.client, caller.number + 1);
        if number > MOST_CALLS {
            return self.client_is_full(client);
        }
        caller.number = number;
        let draw = || self.generic_draw(workload, client, Draw::Gap, number.into());
        let bits = if think.is_constant() { 0 } else { draw() };
        self.plan_try(now.after(think.sample(bits)), id, workload.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_fits_the_words_of_an_event() {
        let extreme = Failure { status: 599, code: u8::MAX, retry_after_s: u32::MAX };
        for failure in [Failure::NETWORK, Failure::status(400), Failure::status(429), extreme] {
            let (status_and_code, retry_after_s) = pack(failure);
            assert_eq!(unpack(status_and_code, retry_after_s), failure);
        }
    }
}
