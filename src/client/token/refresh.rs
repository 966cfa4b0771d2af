//! The refresh: sharing, cool-down, retries, time-out, and the effects of its end.

use super::answers::Ending;
use super::machine::Machine;
use super::ops::nanos;
use super::pool::{Key, NONE};
use super::rules::{Code, Endpoint, ExpiryClock, IframeUse, Place, SignOut};
use super::schedule::Failed;
use super::session::rounded;
use super::state::{Flight, Held, News, Next, Op, Refreshed, Step, Until};
use super::traits::Ready;
use super::words::{Fact, Issued, Reply, Request, Timer};
use crate::client::resilience::Cause;
use crate::kernel::Dur;
use crate::protocol::RetryIn;
use std::num::NonZeroU32;

/// The failure of a refresh whose result was dropped, and a remembered failure.
pub(super) const DROPPED: Refreshed = Refreshed::Refused { cleared: false, nothing: false };

impl Machine<'_> {
    /// Gets a new access token for an operation, with the refresh token of the session, if there is one. The operation
    /// joins the refresh under way, gets the remembered failure, or starts a refresh.
    pub(super) fn refresh(&mut self, task: Key, refresh: Option<NonZeroU32>) {
        let agent = self.task(task).agent;
        if self.joins(task) {
            return;
        }
        let cool = self.busy_if_any(agent).and_then(|busy| busy.cool);
        if cool.is_some_and(|(token, until)| Some(token) == refresh && self.now < until) {
            return self.resume(task, DROPPED);
        }
        let step = match self.rules.iframe.as_ref().map_or(IframeUse::Never, |iframe| iframe.when) {
            IframeUse::Always => Step::Iframe,
            IframeUse::Fallback if refresh.is_none() => Step::Iframe,
            _ => Step::Refresh,
        };
        let flight = self.add_flight(task, (step, Endpoint::Token), refresh);
        self.tell_start(agent);
        self.go_on(flight);
    }

    /// Whether an operation joins its object's refresh under way.
    pub(super) fn joins(&mut self, task: Key) -> bool {
        let agent = self.task(task).agent;
        let Some(flight) = self.busy_if_any(agent).and_then(|busy| busy.flight) else { return false };
        if self.rules.newest_only {
            self.give_way(flight);
            return false;
        }
        let waiters = self.append(self.flight(flight).waiters, task);
        self.store.flights.at_mut(flight.slot).waiters = waiters;
        self.task_mut(task).flight = Some(flight);
        true
    }

    /// Adds a chain of requests for an operation.
    pub(super) fn add_flight(
        &mut self,
        task: Key,
        (step, endpoint): (Step, Endpoint),
        refresh: Option<NonZeroU32>,
    ) -> Key {
        let agent = self.task(task).agent;
        let stored = self.store.browser(self.agent(agent).browser).stored.map(|s| s.refresh);
        let flight = self.store.flights.insert(Flight {
            agent,
            op: self.task(task).op,
            step,
            endpoint,
            refresh,
            stored,
            number: 0,
            iframes: 0,
            entered: false,
            heard_nothing: false,
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
        if (self.rules.shares || self.rules.newest_only) && step != Step::Account {
            self.busy(agent).flight = Some(flight);
        }
        flight
    }

    /// Starts a request for account data.
    pub(super) fn start(&mut self, task: Key, endpoint: Endpoint, refresh: NonZeroU32) {
        let flight = self.add_flight(task, (Step::Account, endpoint), Some(refresh));
        self.send(flight);
    }

    pub(super) fn answer(&mut self, request: Request, reply: Reply) {
        if !self.store.is_waiting(request) {
            return;
        }
        let key = request.flight;
        match reply {
            Reply::Ok(issued) => {
                self.tell_end(key, None);
                self.succeeded(key, issued);
            }
            // A page without the client's script says nothing.
            Reply::Error { .. } | Reply::NoAnswer if self.flight(key).endpoint == Endpoint::Authorize => {
                self.store.flights.at_mut(key.slot).heard_nothing = true;
            }
            Reply::Error { status, code, retry_after } => {
                self.tell_end(key, Some((Ending::Status(status), code)));
                self.failed(key, Ending::Status(status), code, retry_after);
            }
            Reply::PageError(code) => self.failed(key, Ending::PageError, code, RetryIn::NONE),
            Reply::NoAnswer => {
                self.tell_end(key, Some((Ending::NoAnswer, Code::OTHER)));
                self.failed(key, Ending::NoAnswer, Code::OTHER, RetryIn::NONE);
            }
        }
    }

    pub(super) fn timed_out(&mut self, request: Request) {
        if self.store.is_waiting(request) {
            self.abort(request);
            self.tell_end(request.flight, Some((Ending::TimedOut, Code::OTHER)));
            self.failed(request.flight, Ending::TimedOut, Code::OTHER, RetryIn::NONE);
        }
    }

    pub(super) fn retry(&mut self, request: Request) {
        let due = self.store.flights.get(request.flight);
        if due.is_some_and(|f| !f.waits_for_answer && f.number == request.number) {
            let flight = self.store.flights.at_mut(request.flight.slot);
            flight.waited = self.now.since(flight.failed);
            self.send(request.flight);
        }
    }

    fn succeeded(&mut self, key: Key, issued: Option<Issued>) {
        self.retry_over(key);
        let Flight { agent, endpoint, refresh, entered, .. } = *self.flight(key);
        match endpoint {
            Endpoint::Discovery => return self.discovered(key),
            Endpoint::Authorize => return self.take_step(key, Step::Code),
            Endpoint::Token | Endpoint::Lookup | Endpoint::User => {}
        }
        self.depth = self.flight(key).depth_after();
        let refreshed = match issued {
            Some(issued) if endpoint == Endpoint::Token => self.issued(agent, key, issued),
            _ => match self.session(agent) {
                Some(held) => Refreshed::Yes(held),
                None => Refreshed::Yes(Held {
                    refresh: refresh.unwrap_or(NonZeroU32::MIN),
                    access: 0,
                    exp_s: 0,
                    until: Until::new(0),
                }),
            },
        };
        if entered {
            self.fact(agent, Fact::Left { ok: matches!(refreshed, Refreshed::Yes(_)) });
        }
        self.end(key, refreshed);
    }

    /// Stores new tokens, unless the stored session has been replaced meanwhile.
    fn issued(&mut self, agent: Key, flight: Key, issued: Issued) -> Refreshed {
        let Flight { started, sent, stored, .. } = *self.flight(flight);
        let until = match self.rules.clock {
            ExpiryClock::Server | ExpiryClock::Unknown => i64::from(issued.exp_s) * 1_000_000_000,
            ExpiryClock::Receipt => self.clock(agent).saturating_add(nanos(issued.life)),
            ExpiryClock::ReceiptSeconds => (self.clock(agent).div_euclid(1_000_000_000) * 1_000_000_000)
                .saturating_add(nanos(issued.life)),
            ExpiryClock::RequestSeconds => {
                let since = nanos(self.now.since(started));
                rounded(self.clock(agent) - since).saturating_add(nanos(issued.life))
            }
            ExpiryClock::Measured => {
                let (exp, clock) = (i64::from(issued.exp_s), self.clock(agent));
                let iat = exp - nanos(issued.life) / 1_000_000_000;
                let round_trip = nanos(self.now.since(sent));
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
        if self.rules.drops_when_replaced && stored.is_some() {
            let now_stored = self.store.browser(self.agent(agent).browser).stored;
            if now_stored.map(|s| s.refresh) != stored {
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
        let busy = self.agent(agent).busy;
        if busy != NONE {
            self.store.busy.at_mut(busy).cool = None;
        }
        Refreshed::Yes(held)
    }

    /// Number of times that the outcome of a refresh is stored and reported to listeners.
    pub(super) fn commits(&self, flight: Key) -> usize {
        if !self.rules.each_commits {
            return 1;
        }
        let (mut next, mut callers) = (self.flight(flight).waiters.0, 0);
        while let Some(task) = next {
            callers += 1;
            next = self.task(task).link;
        }
        callers
    }

    pub(super) fn failed(&mut self, key: Key, ending: Ending, code: Code, retry_after: RetryIn) {
        self.retry_over(key);
        let Flight { agent, endpoint, entered, .. } = *self.flight(key);
        let cause = if ending == Ending::TimedOut { Cause::TimedOut } else { Cause::Failed };
        let verdict = self.rules.answers.verdict(endpoint, ending, code);
        if verdict.retry
            && let Some(schedule) = &self.rules.retry
            && let Some(wait) = schedule.after(&Failed {
                before: self.flight(key).failures,
                started: self.flight(key).started,
                now: self.now,
                waited: self.flight(key).waited,
                retry_after,
                offline: self.store.browser(self.agent(agent).browser).is_offline(),
            })
            && self.take_retry(key, cause)
        {
            let it = self.store.flights.at_mut(key.slot);
            it.failures += 1;
            it.retries = Some(cause);
            it.number += 1;
            it.failed = self.now;
            it.waits_for_answer = false;
            let request = Request { flight: key, number: it.number };
            return self.wait(agent, Timer::Retry(request), wait);
        }
        let in_storage = match &self.rules.cooldown {
            Some(rules) if endpoint == Endpoint::Token => Some(rules.in_storage),
            _ => None,
        };
        if in_storage == Some(true) {
            self.cool_down(key, &verdict, retry_after);
        }
        if let Some(step) = self.instead(key, &verdict) {
            return self.take_step(key, step);
        }
        self.depth = self.flight(key).depth_after();
        let status = if let Ending::Status(status) = ending { Some(status) } else { None };
        if entered {
            self.fact(agent, Fact::Left { ok: false });
        }
        self.apply(agent, verdict.sign_out, status);
        if self.rules.tells_failure && entered {
            for _ in 0..self.commits(key) {
                self.tell(agent, News::RefreshFailed);
            }
        }
        if in_storage == Some(false) {
            self.cool_down(key, &verdict, retry_after);
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

    /// Ends a request for good and continues the operations that wait for it.
    pub(super) fn end(&mut self, key: Key, refreshed: Refreshed) {
        let Flight { agent, waiters, .. } = *self.flight(key);
        let depth = self.flight(key).depth_after();
        self.store.flights.free(key.slot);
        let busy = self.agent(agent).busy;
        if busy != NONE && self.store.busy.at(busy).flight == Some(key) {
            self.store.busy.at_mut(busy).flight = None;
        }
        // If these operations refresh again, this answer is the cause.
        let mut next = waiters.0;
        while let Some(task) = next {
            let it = self.task_mut(task);
            it.flight = None;
            if it.op != Op::Call {
                it.depth = depth;
            }
            next = it.link.take();
            self.store.soon.push_back(Next::Resume(task, refreshed));
        }
        self.rest(agent);
    }
}
