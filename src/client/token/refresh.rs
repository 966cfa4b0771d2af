//! The refresh: sharing, cool-down, retries, time-out, and the effects of its end.

use super::machine::Machine;
use super::ops::nanos;
use super::pool::Key;
use super::rules::{Code, Ending, Endpoint, ExpiryClock, Place, SignOut};
use super::schedule::Failed;
use super::state::{Flight, Held, News, Op, Refreshed, Until};
use super::traits::Ready;
use super::words::{Action, Fact, Issued, Reply, Request, Timer};
use crate::client::backoff::Wait;
use crate::client::resilience::{Cause, Ended};
use crate::client::session_policy::{SessionLimits, SessionPolicy};
use crate::kernel::Dur;
use crate::protocol::{self, RetryIn};
use std::num::NonZeroU32;

/// The failure of a refresh whose result was dropped, and a remembered failure.
const DROPPED: Refreshed = Refreshed::Refused { cleared: false, nothing: false };

impl Machine<'_> {
    /// Gets a new access token for an operation. The operation joins the refresh under way, gets the remembered
    /// failure, or starts a refresh.
    pub(super) fn refresh(&mut self, task: Key, refresh: NonZeroU32) {
        let agent = self.task(task).agent;
        if let Some(busy) = self.busy_if_any(agent) {
            if let Some(flight) = busy.flight {
                let waiters = self.append(self.flight(flight).waiters, task);
                self.store.flights.at_mut(flight.slot).waiters = waiters;
                self.task_mut(task).flight = Some(flight);
                return;
            }
            if busy.cool.is_some_and(|(token, until)| token == refresh && self.now < until) {
                return self.resume(task, DROPPED);
            }
        }
        let depth = self.task(task).depth;
        self.fact(agent, Fact::Entered { op: self.task(task).op, depth });
        self.start(task, Endpoint::Token, refresh);
    }

    /// Starts a request for an operation.
    pub(super) fn start(&mut self, task: Key, endpoint: Endpoint, refresh: NonZeroU32) {
        let agent = self.task(task).agent;
        let stored = self.store.browser(self.agent(agent).browser).stored.map(|s| s.refresh);
        let flight = self.store.flights.insert(Flight {
            agent,
            op: self.task(task).op,
            endpoint,
            refresh,
            stored,
            failures: 0,
            retries: None,
            failed: self.now,
            waited: Dur::ZERO,
            started: self.now,
            sent: self.now,
            ordinal: 0,
            depth: self.task(task).depth,
            waits_for_answer: false,
            ticket: 0,
            waiters: (Some(task), Some(task)),
        });
        let it = self.task_mut(task);
        (it.link, it.flight) = (None, Some(flight));
        if self.rules.shares && endpoint == Endpoint::Token {
            self.busy(agent).flight = Some(flight);
        }
        let now = self.now;
        if let Some((limits, state)) = self.limits(flight) {
            limits.first_attempt(state, now);
        }
        self.send(flight);
    }

    /// A policy's limits and their state, for a refresh.
    fn limits(&mut self, key: Key) -> Option<(&SessionLimits, &mut SessionPolicy)> {
        let limits = self.rules.limits.as_deref()?;
        let flight = self.store.flights.at(key.slot);
        let browser = self.store.agents.at(flight.agent.slot).browser;
        let refreshes = flight.endpoint == Endpoint::Token;
        refreshes.then(|| (limits, self.store.limits.of_place(Some(limits), browser)))
    }

    /// Tells a policy's limits how a request that was sent ended.
    fn tell_end(&mut self, key: Key, ending: Option<(Ending, Code)>) {
        let now = self.now;
        let retries = self.flight(key).retries;
        let retryable =
            ending.is_some_and(|(ending, code)| self.rules.verdict(Endpoint::Token, ending, code).retry);
        let failure = ending.map(|(ending, _)| match ending {
            Ending::Status(status) => protocol::Failure::status(status),
            Ending::NoAnswer | Ending::TimedOut => protocol::Failure::NETWORK,
        });
        if let Some((limits, state)) = self.limits(key) {
            limits.call_ended(state, &Ended { failure, retryable, retries }, now);
        }
    }

    /// Tells a policy's limits that a retry is over, if the last try was one.
    fn retry_over(&mut self, key: Key) {
        if self.flight(key).failures > 0
            && let Some((limits, state)) = self.limits(key)
        {
            limits.retry_over(state);
        }
    }

    /// A page closes during a request. Nobody looks at its answer.
    pub(super) fn drop_flight(&mut self, key: Key) {
        if self.store.flights.get(key).is_none() {
            return;
        }
        self.retry_over(key);
        let waits = self.flight(key).waits_for_answer;
        if let Some((limits, state)) = self.limits(key).filter(|_| waits) {
            limits.abandoned(state);
        }
        self.store.flights.remove(key);
    }

    fn send(&mut self, key: Key) {
        let now = self.now;
        if let Some((limits, state)) = self.limits(key) {
            if !limits.lets_through(state, now) {
                return self.failed(key, Ending::NoAnswer, Code::OTHER, RetryIn::NONE);
            }
            limits.sent(state);
        }
        let ordinal = self.count_sent(self.flight(key).agent);
        let flight = self.store.flights.at_mut(key.slot);
        (flight.waits_for_answer, flight.sent, flight.ordinal) = (true, self.now, ordinal);
        let request = Request { flight: key, attempt: flight.failures };
        let (agent, endpoint, refresh) = (flight.agent, flight.endpoint, flight.refresh);
        self.out.actions.push(Action::Send { agent, endpoint, refresh, request });
        if let Some(timeout) = self.rules.timeout {
            self.wait(agent, Timer::TimeOut(request), Wait::exactly(timeout));
        }
    }

    /// Counts a request of a client object. Returns how many its page has sent before at this instant.
    fn count_sent(&mut self, agent: Key) -> u8 {
        let (ordinal, now) = (self.store.sent_at(agent, self.now), self.now);
        let (instant, count) = &mut self.busy(agent).sent;
        (*instant, *count) = (now, if *instant == now { count.saturating_add(1) } else { 1 });
        ordinal
    }

    /// Whether a request is still waiting for its answer.
    fn is_waiting(&self, request: Request) -> bool {
        self.store
            .flights
            .get(request.flight)
            .is_some_and(|f| f.waits_for_answer && f.failures == request.attempt)
    }

    pub(super) fn answer(&mut self, request: Request, reply: Reply) {
        if !self.is_waiting(request) {
            return;
        }
        match reply {
            Reply::Ok(issued) => {
                self.tell_end(request.flight, None);
                self.succeeded(request.flight, issued);
            }
            Reply::Error { status, code, retry_after } => {
                self.tell_end(request.flight, Some((Ending::Status(status), code)));
                self.failed(request.flight, Ending::Status(status), code, retry_after);
            }
            Reply::NoAnswer => {
                self.tell_end(request.flight, Some((Ending::NoAnswer, Code::OTHER)));
                self.failed(request.flight, Ending::NoAnswer, Code::OTHER, RetryIn::NONE);
            }
        }
    }

    pub(super) fn timed_out(&mut self, request: Request) {
        if self.is_waiting(request) {
            if self.rules.aborts {
                let ticket = self.flight(request.flight).ticket;
                self.out.actions.push(Action::Abort { request, ticket });
            }
            self.tell_end(request.flight, Some((Ending::TimedOut, Code::OTHER)));
            self.failed(request.flight, Ending::TimedOut, Code::OTHER, RetryIn::NONE);
        }
    }

    pub(super) fn retry(&mut self, request: Request) {
        let due = self.store.flights.get(request.flight);
        if due.is_some_and(|f| !f.waits_for_answer && f.failures == request.attempt) {
            let flight = self.store.flights.at_mut(request.flight.slot);
            flight.waited = self.now.since(flight.failed);
            self.send(request.flight);
        }
    }

    fn succeeded(&mut self, key: Key, issued: Option<Issued>) {
        self.retry_over(key);
        let flight = self.flight(key).clone();
        let agent = flight.agent;
        self.depth = flight.depth_after();
        let refreshed = match issued {
            Some(issued) if flight.endpoint == Endpoint::Token => self.issued(agent, &flight, issued),
            _ => match self.session(agent) {
                Some(held) => Refreshed::Yes(held),
                None => Refreshed::Yes(Held {
                    refresh: flight.refresh,
                    access: 0,
                    exp_s: 0,
                    until: Until::new(0),
                }),
            },
        };
        if flight.endpoint == Endpoint::Token {
            self.fact(agent, Fact::Left { ok: matches!(refreshed, Refreshed::Yes(_)) });
        }
        self.end(key, refreshed);
    }

    /// Stores new tokens, unless the stored session has been replaced meanwhile.
    fn issued(&mut self, agent: Key, flight: &Flight, issued: Issued) -> Refreshed {
        let until = match self.rules.clock {
            ExpiryClock::Server => i64::from(issued.exp_s) * 1_000_000_000,
            ExpiryClock::Receipt => self.clock(agent).saturating_add(nanos(issued.life)),
            ExpiryClock::ReceiptSeconds => (self.clock(agent).div_euclid(1_000_000_000) * 1_000_000_000)
                .saturating_add(nanos(issued.life)),
            ExpiryClock::Measured => {
                let (exp, clock) = (i64::from(issued.exp_s), self.clock(agent));
                let iat = exp - nanos(issued.life) / 1_000_000_000;
                let round_trip = nanos(self.now.since(flight.sent));
                (exp + (clock - round_trip / 2).div_euclid(1_000_000_000) - iat) * 1_000_000_000
            }
        };
        let held = Held {
            refresh: issued.refresh,
            access: issued.access,
            exp_s: issued.exp_s,
            until: Until::new(until),
        };
        let exp = i64::from(issued.exp_s) * 1_000_000_000;
        if self
            .rules
            .drops_expired
            .is_some_and(|leeway| self.clock(agent) > exp.saturating_add(nanos(leeway)))
        {
            return DROPPED;
        }
        if self.rules.drops_when_replaced && flight.stored.is_some() {
            let stored = self.store.browser(self.agent(agent).browser).stored;
            if stored.map(|s| s.refresh) != flight.stored {
                return DROPPED;
            }
        }
        let ready = self.agent(agent).traits.ready() == Ready::Yes;
        if self.rules.place == Place::Storage || !ready || self.store.copy(agent).is_some() {
            for _ in 0..self.commits(flight) {
                self.save(agent, held);
                self.tell(agent, News::Refreshed);
            }
        }
        if self.agent(agent).busy != super::pool::NONE {
            self.busy(agent).cool = None;
        }
        Refreshed::Yes(held)
    }

    /// Number of times that the outcome of a refresh is stored and reported to listeners.
    fn commits(&self, flight: &Flight) -> usize {
        let (mut next, mut callers) = (flight.waiters.0, 0);
        while let Some(task) = next {
            callers += 1;
            next = self.task(task).link;
        }
        if self.rules.each_commits { callers } else { 1 }
    }

    fn failed(&mut self, key: Key, ending: Ending, code: Code, retry_after: RetryIn) {
        self.retry_over(key);
        let flight = self.flight(key).clone();
        let agent = flight.agent;
        let cause = if ending == Ending::TimedOut { Cause::TimedOut } else { Cause::Failed };
        let verdict = self.rules.verdict(flight.endpoint, ending, code);
        if verdict.retry
            && let Some(schedule) = self.rules.retry
            && let Some(wait) = schedule.after(&Failed {
                before: flight.failures,
                started: flight.started,
                now: self.now,
                waited: flight.waited,
                retry_after,
                offline: self.store.browser(self.agent(agent).browser).is_offline(),
            })
            && self.take_retry(key, cause)
        {
            let it = self.store.flights.at_mut(key.slot);
            it.failures += 1;
            it.retries = Some(cause);
            it.failed = self.now;
            it.waits_for_answer = false;
            let request = Request { flight: key, attempt: it.failures };
            return self.wait(agent, Timer::Retry(request), wait);
        }
        self.depth = flight.depth_after();
        let status = if let Ending::Status(status) = ending { Some(status) } else { None };
        if flight.endpoint == Endpoint::Token {
            self.fact(agent, Fact::Left { ok: false });
        }
        self.apply(agent, verdict.sign_out, status);
        if self.rules.tells_failure && flight.endpoint == Endpoint::Token {
            for _ in 0..self.commits(&flight) {
                self.tell(agent, News::RefreshFailed);
            }
        }
        if flight.endpoint == Endpoint::Token
            && let Some(cooldown) = self.rules.cooldown
        {
            self.busy(agent).cool = Some((flight.refresh, self.now.after(cooldown.lasts)));
        }
        let refreshed = if verdict.retry || verdict.no_answer {
            Refreshed::Unanswered
        } else {
            Refreshed::Refused {
                cleared: verdict.sign_out == SignOut::Always,
                nothing: verdict.gives_nothing,
            }
        };
        self.end(key, refreshed);
    }

    fn take_retry(&mut self, key: Key, cause: Cause) -> bool {
        let now = self.now;
        self.limits(key).is_none_or(|(limits, state)| limits.take_retry(state, cause, now))
    }

    /// Ends a request for good and continues the operations that wait for it.
    fn end(&mut self, key: Key, refreshed: Refreshed) {
        let flight = self.store.flights.remove(key).expect("a request ends once");
        let agent = flight.agent;
        if self.agent(agent).busy != super::pool::NONE {
            let busy = self.busy(agent);
            if busy.flight == Some(key) {
                busy.flight = None;
            }
        }
        // If these operations refresh again, this answer is the cause.
        let mut next = flight.waiters.0;
        while let Some(task) = next {
            let it = self.task_mut(task);
            it.flight = None;
            if it.op != Op::Call {
                it.depth = flight.depth_after();
            }
            next = it.link;
        }
        self.resume_all(flight.waiters, refreshed);
        self.rest(agent);
    }
}
