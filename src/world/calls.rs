//! Handles the calls of tabs: sending, answers and time-outs. Also handles all calls that the gateway keeps, of tabs
//! and of generic clients.

use super::World;
use super::event::{Event, EventKind};
use super::observe::{Observer, Outside};
use super::streams::coordinates;
use crate::backend::Endpoint;
use crate::backend::gateway::{Call, Departure, Entry, Passage, Pending};
use crate::client::family::{Look, SessionEnd};
use crate::client::step::{Input, TaskId};
use crate::client::{Account, Client, MOST_CALLS, Reply, Store};
use crate::kernel::Dur;
use crate::kernel::queue::Queue;
use crate::protocol::{Failure, Outcome};

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// A tab sends a request.
    pub(super) fn send(&mut self, tab: u32, user: u32, task: TaskId, endpoint: Endpoint, first: bool) {
        let now = self.now;
        let ordinal = self.pages.sends(task, endpoint);
        if self.collector.sent(user, endpoint, first, now) >= MOST_CALLS {
            self.guard.is_full(user, "calls of one session");
        }
        if O::ACTIVE {
            self.observer.sent(now, tab, task, self.pages.doing(task), endpoint, first);
        }
        let route = self.plan.backend.route(endpoint);
        let at = (coordinates(self.plan.draws_of_tab(tab), endpoint.row().draws, ordinal), now.0);
        if self.pages.offline(user) {
            let at_once = self.fleet_of(user).offline_fails_at_once;
            let after = if at_once { Dur::ZERO } else { self.streams.backend.round_trip(route, at) };
            return self.answer(task, Failure::NETWORK.into(), after, route.timeout);
        }
        let generation = self.pages.generation(task);
        let word = self.pages.word(task);
        let call = Call { waiter: task, generation, endpoint, word, user, sent: now, at };
        match self.gateway.arrive(&call, &self.streams.backend, &mut self.observer) {
            Passage::Answered { refusal, after, holds } => {
                let reply = match refusal {
                    Some(failure) => failure.into(),
                    None => self.account_answers(&call),
                };
                self.holds(holds, endpoint, user, after);
                self.answer(task, reply, after, route.timeout);
            }
            Passage::Lost { after, holds } => {
                self.account_answers(&call);
                self.holds(holds, endpoint, user, after);
                self.answer(task, Failure::NETWORK.into(), after, route.timeout);
            }
            Passage::Silent => self.times_out(task, route.timeout),
            Passage::Pending(pending) => {
                self.times_out(task, route.timeout);
                self.goes_on(pending);
            }
        }
    }

    /// The answer of the family's account to a call that nothing refuses.
    #[inline]
    fn account_answers(&mut self, call: &Call) -> C::Reply {
        let policy = self.policy_of(call.user);
        let reply = self.accounts.answer(call.user, policy, call.endpoint, call.word, self.now);
        if self.gateway.settles(call.endpoint) {
            self.gateway.decided(call, self.now, reply.failure().is_none(), &mut self.observer);
        }
        if O::ACTIVE && self.accounts.ended(call.user) == SessionEnd::Reused {
            self.observer.outside(self.now, call.user, Outside::Reused);
        }
        reply
    }

    /// Schedules an answer, or the client's time-out if that comes first.
    fn answer(&mut self, task: TaskId, reply: C::Reply, after: Dur, timeout: Option<Dur>) {
        self.pages.set_reply(task, reply);
        match timeout {
            Some(timeout) if timeout < after => self.schedule_task(timeout, EventKind::Answer, 1, task),
            _ => self.schedule_task(after, EventKind::Answer, 0, task),
        }
    }

    /// Schedules the client's time-out, if the endpoint has one.
    fn times_out(&mut self, task: TaskId, timeout: Option<Dur>) {
        if let Some(timeout) = timeout {
            self.schedule_task(timeout, EventKind::Answer, 1, task);
        }
    }

    /// Schedules the release of a call's place at a concurrency limit, if the call has one.
    pub(super) fn holds(&mut self, holds: bool, endpoint: Endpoint, user: u32, after: Dur) {
        if holds {
            self.schedule(self.now.after(after), EventKind::Release, 0, user, endpoint.index() as u32);
        }
    }

    /// Schedules the next event of a call that the gateway keeps.
    pub(super) fn goes_on(&mut self, pending: Pending) {
        match pending {
            Pending::Delayed(id, after) => {
                self.schedule(self.now.after(after), EventKind::Admitted, 0, id, 0)
            }
            Pending::Serving(id, length) => {
                self.schedule(self.now.after(length), EventKind::Served, 0, id, 0)
            }
            Pending::Waiting | Pending::Abandoned => {}
            Pending::Shed(id) => {
                let Entry { call, latency, .. } = self.gateway.take(id);
                let (latency, is_lost) = self.way_back(&call, latency);
                if self.plan.backend.keys.is_client(call.user) {
                    let outcome = if is_lost { Outcome::NetworkError } else { Outcome::Shed };
                    return self.deliver_to_caller(call, latency, Some(outcome));
                }
                if self.is_waited_for(&call) {
                    if is_lost {
                        return self.deliver(call, latency, Failure::NETWORK.into());
                    }
                    self.pages.set_shed(call.waiter);
                    self.deliver(call, latency, Failure::status(503).into());
                }
            }
        }
    }

    /// A worker has served a call. The worker takes the next call, and the answer goes to the client.
    pub(super) fn served(&mut self, id: u32) {
        let pool = self.gateway.pool_of(self.gateway.call(id).endpoint);
        let departure = self.gateway.served(id, self.now);
        self.free_workers(pool);
        let Departure::Served { holds } = departure else { return };
        let Entry { call, latency, .. } = self.gateway.take(id);
        let (latency, is_lost) = self.way_back(&call, latency);
        self.holds(holds, call.endpoint, call.user, latency);
        if self.plan.backend.keys.is_client(call.user) {
            self.gateway.decided(&call, self.now, true, &mut self.observer);
            let outcome = is_lost.then_some(Outcome::NetworkError);
            return self.deliver_to_caller(call, latency, outcome);
        }
        // The server processes the call even if its client has given up.
        let reply = self.account_answers(&call);
        if self.is_waited_for(&call) {
            self.deliver(call, latency, if is_lost { Failure::NETWORK.into() } else { reply });
        }
    }

    /// Time until the answer to a call that leaves the workers now arrives, or until a restart breaks the connection before,
    /// and whether one does.
    #[inline]
    fn way_back(&mut self, call: &Call, latency: Dur) -> (Dur, bool) {
        if self.plan.backend.route(call.endpoint).restarts.is_empty() {
            return (latency, false);
        }
        let due = self.now.after(latency);
        let lost = self.gateway.lost_at(call, self.now, due, &self.streams.backend);
        lost.map_or((latency, false), |(at, _)| (at.since(self.now), true))
    }

    /// Whether the client still waits for the call.
    fn is_waited_for(&self, call: &Call) -> bool {
        self.pages.generation(call.waiter) == call.generation
    }

    /// Sends the answer to a call that the gateway kept. The client's time-out was scheduled when the call was sent.
    fn deliver(&mut self, call: Call, latency: Dur, reply: C::Reply) {
        self.pages.set_reply(call.waiter, reply);
        self.schedule_task(latency, EventKind::Answer, 0, call.waiter);
    }

    /// Handles an event of a task: its timer, the end of its request, or the grant of the lock.
    pub(super) fn handle_task(&mut self, kind: EventKind, id: TaskId, timed_out: bool) {
        let input = match kind {
            EventKind::Timer => Input::Timer(id),
            EventKind::Lock => Input::Lock(id),
            _ => {
                if timed_out {
                    self.pages.set_reply(id, Failure::NETWORK.into());
                }
                let call = self.pages.call(id);
                let outcome = match (call.left_over, timed_out, call.failure) {
                    (true, ..) => Outcome::Dropped,
                    (_, true, _) => Outcome::Timeout,
                    (_, _, None) => Outcome::Ok,
                    (_, _, Some(_)) if call.shed => Outcome::Shed,
                    (_, _, Some(failure)) => Outcome::of_status(failure.status),
                };
                self.pages.end_call(id);
                self.call_ended(id, outcome);
                Input::Answer(id)
            }
        };
        self.step(self.pages.tab(id), input);
    }

    /// Counts a call that ends now with this outcome.
    pub(super) fn call_ended(&mut self, id: TaskId, outcome: Outcome) {
        let call = self.pages.call(id);
        self.collector.call_ended(call.endpoint, outcome, call.sent, self.now);
        self.observer.call_ended(self.now, id, &call, outcome);
    }
}
