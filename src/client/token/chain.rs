//! The chain of requests of a refresh: discovery, the token endpoint, the iframe and its code; and the memory of a failure
//! in the browser's storage.

use super::answers::{Ending, Verdict};
use super::machine::Machine;
use super::ops::nanos;
use super::pool::Key;
use super::refresh::DROPPED;
use super::rules::{Code, Endpoint, IframeUse};
use super::session::SECOND;
use super::state::{Checked, Flight, News, Next, Op, Refreshed, Step};
use super::words::{Action, Fact, Request, Timer};
use crate::client::backoff::Wait;
use crate::kernel::{Dur, Time};
use crate::protocol::RetryIn;

impl Machine<'_> {
    /// Whether an object must request the provider's metadata before its next request.
    fn must_discover(&self, agent: Key) -> bool {
        let Some(discovery) = &self.rules.discovery else { return false };
        let known = self.store.discovered.get(agent.slot as usize).copied().flatten();
        known.is_none_or(|at| self.now.since(at) >= discovery.lasts)
    }

    /// Whether a caller must wait for the provider's metadata before it can read the session.
    #[inline]
    pub(super) fn reads_after_discovery(&self, agent: Key) -> bool {
        self.rules.discovery.as_ref().is_some_and(|discovery| discovery.before_read)
            && self.must_discover(agent)
    }

    /// Requests the provider's metadata for an operation that reads the session then.
    pub(super) fn discover_and_read(&mut self, task: Key) {
        if !self.joins(task) {
            let agent = self.task(task).agent;
            let refresh = self.session(agent).map(|held| held.refresh);
            let flight = self.add_flight(task, (Step::Read, Endpoint::Discovery), refresh);
            self.send(flight);
        }
    }

    /// Sends the request of a chain's current step, after discovery if the object must discover.
    pub(super) fn go_on(&mut self, key: Key) {
        let (agent, step) = (self.flight(key).agent, self.flight(key).step);
        let endpoint = match step {
            _ if self.must_discover(agent) => Endpoint::Discovery,
            Step::Iframe => Endpoint::Authorize,
            Step::Read | Step::Refresh | Step::Code | Step::Account => Endpoint::Token,
        };
        if endpoint == Endpoint::Token && self.is_throttled(agent) {
            // Callers of this instant still join.
            return self.store.soon.push_back(Next::Throttled(key));
        }
        let now = self.now;
        let flight = self.store.flights.at_mut(key.slot);
        let begins = !std::mem::replace(&mut flight.entered, true);
        let (op, depth) = (flight.op, flight.depth);
        flight.endpoint = endpoint;
        flight.iframes += u8::from(endpoint == Endpoint::Authorize);
        (flight.failures, flight.retries) = (0, None);
        (flight.started, flight.waited) = (now, Dur::ZERO);
        if begins {
            self.fact(agent, Fact::Entered { op, depth });
        }
        if let Some((limits, state)) = self.limits(key) {
            limits.first_attempt(state, now);
        }
        self.send(key);
    }

    /// Tells listeners that a refresh begins.
    pub(super) fn tell_start(&mut self, agent: Key) {
        if self.rules.tells_start {
            self.tell(agent, News::RefreshStarted);
        }
    }

    /// Continues a chain with another step.
    pub(super) fn take_step(&mut self, key: Key, step: Step) {
        let flight = self.store.flights.at_mut(key.slot);
        let before = std::mem::replace(&mut flight.step, step);
        flight.number += 1;
        (flight.waits_for_answer, flight.heard_nothing) = (false, false);
        let agent = flight.agent;
        if before == Step::Read {
            self.tell_start(agent);
        }
        self.go_on(key);
    }

    pub(super) fn send(&mut self, key: Key) {
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
        let request = Request { flight: key, number: flight.number };
        let (agent, endpoint) = (flight.agent, flight.endpoint);
        let refresh = flight.refresh.filter(|_| flight.step != Step::Code);
        self.out.actions.push(Action::Send { agent, endpoint, refresh, request });
        let timeout = match endpoint {
            Endpoint::Authorize => self.rules.iframe.as_ref().map(|iframe| iframe.timeout),
            _ => self.rules.timeout,
        };
        if let Some(timeout) = timeout {
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

    /// Aborts a request that has timed out, if the client does so. It removes an iframe always.
    pub(super) fn abort(&mut self, request: Request) {
        let flight = self.flight(request.flight);
        let aborts = self.rules.aborts || flight.endpoint == Endpoint::Authorize;
        if aborts && !flight.heard_nothing {
            let ticket = flight.ticket;
            self.out.actions.push(Action::Abort { request, ticket });
        }
    }

    /// A refresh gives way to a newer one: its request is aborted, and what waits for it gets nothing new.
    pub(super) fn give_way(&mut self, key: Key) {
        self.abandon(key);
        let Flight { agent, number, ticket, entered, waits_for_answer, heard_nothing, .. } =
            *self.flight(key);
        if waits_for_answer && !heard_nothing {
            self.out.actions.push(Action::Abort { request: Request { flight: key, number }, ticket });
        }
        if entered {
            self.fact(agent, Fact::Left { ok: false });
        }
        self.end(key, DROPPED);
    }

    /// A tab that becomes visible refreshes its session, if it has not done so lately and the browser is online.
    pub(super) fn refresh_when_visible(&mut self, agent: Key, at_most_every: Dur) {
        if self.store.browser(self.agent(agent).browser).is_offline() {
            return;
        }
        let Some(held) = self.session(agent) else { return };
        let (slot, now) = (agent.slot as usize, self.clock(agent).div_euclid(SECOND));
        if self.store.checked.len() <= slot {
            self.store.checked.resize(slot + 1, Checked::default());
        }
        let last = &mut self.store.checked[slot].visible_at;
        if last.is_some_and(|last| now - last < nanos(at_most_every) / SECOND) {
            return;
        }
        *last = Some(now);
        let task = self.add_task(agent, Op::Visible);
        self.refresh(task, Some(held.refresh));
    }

    /// The provider's metadata have come.
    pub(super) fn discovered(&mut self, key: Key) {
        let (agent, step) = (self.flight(key).agent, self.flight(key).step);
        let slot = agent.slot as usize;
        if self.store.discovered.len() <= slot {
            self.store.discovered.resize(slot + 1, None);
        }
        self.store.discovered[slot] = Some(self.now);
        if step != Step::Read {
            return self.take_step(key, step);
        }
        match self.session(agent) {
            Some(held) if self.left(agent, held) >= nanos(self.rules.caller_margin) => {
                self.end(key, Refreshed::Yes(held));
            }
            Some(held) => {
                self.store.flights.at_mut(key.slot).refresh = Some(held.refresh);
                self.take_step(key, Step::Refresh);
            }
            None => self.end(key, DROPPED),
        }
    }

    /// The step that a chain takes instead of a failure, if any.
    pub(super) fn instead(&self, key: Key, verdict: &Verdict) -> Option<Step> {
        let flight = self.flight(key);
        match (flight.endpoint, flight.step) {
            // A read that gets no metadata goes on as if the session had expired.
            (Endpoint::Discovery, Step::Read) => Some(Step::Refresh),
            (Endpoint::Token, Step::Refresh | Step::Code) if verdict.opens_iframe => {
                let iframe = self
                    .rules
                    .iframe
                    .filter(|iframe| iframe.when != IframeUse::Never && flight.iframes < iframe.tries);
                iframe.map(|_| Step::Iframe)
            }
            _ => None,
        }
    }

    /// Remembers a failure of the token endpoint, if the client does so.
    pub(super) fn cool_down(&mut self, key: Key, verdict: &Verdict, retry_after: RetryIn) {
        let Some(rules) = &self.rules.cooldown else { return };
        let Flight { agent, refresh, .. } = *self.flight(key);
        let asked = retry_after.get().filter(|_| rules.honours_retry_after);
        if !rules.on_every_failure && !verdict.cools_down && asked.is_none() {
            return;
        }
        // Source, ThrottlingUtils.calculateThrottleTime: a header of 0 s stands for the usual time.
        let asked = asked.filter(|seconds| *seconds > 0);
        let lasts = asked.map_or(rules.lasts, |seconds| Dur::from_secs(seconds.into()));
        let until = self.now.after(lasts.min(rules.cap));
        if rules.in_storage {
            let browser = self.agent(agent).browser as usize;
            if self.store.throttled.len() <= browser {
                self.store.throttled.resize(browser + 1, None);
            }
            self.store.throttled[browser] = Some(until);
        } else if let Some(refresh) = refresh {
            self.busy(agent).cool = Some((refresh, until));
        }
    }

    /// Whether the browser remembers a failure of the token endpoint.
    fn is_throttled(&self, agent: Key) -> bool {
        let until: Option<Time> =
            self.store.throttled.get(self.agent(agent).browser as usize).copied().flatten();
        // Source, ThrottlingUtils.preProcess: a time that is not yet past.
        until.is_some_and(|until| self.now <= until)
    }

    /// A refresh fails because the browser remembers a failure.
    pub(super) fn throttled(&mut self, key: Key) {
        let Some(flight) = self.store.flights.get(key) else { return };
        let (agent, entered) = (flight.agent, flight.entered);
        self.depth = flight.depth_after();
        if entered {
            self.fact(agent, Fact::Left { ok: false });
        }
        if self.rules.tells_failure {
            for _ in 0..self.commits(key) {
                self.tell(agent, News::RefreshFailed);
            }
        }
        self.end(key, DROPPED);
    }

    /// Tells listeners how the timer's refresh has ended.
    pub(super) fn tell_timer_end(&mut self, agent: Key, refreshed: Refreshed, is_retry: bool) {
        let goes_on = matches!(refreshed, Refreshed::Unanswered)
            && self.rules.timer.is_some_and(|timer| timer.again.is_some());
        let failed = !matches!(refreshed, Refreshed::Yes(_));
        if self.rules.tells_timer_failure && failed && !goes_on {
            self.tell(agent, News::TimerFailed);
        }
        if self.rules.tells_timer_end && !is_retry {
            self.tell(agent, News::TimerEnded);
        }
    }
}
