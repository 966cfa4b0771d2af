//! A policy's limits over the refreshes of a token client: budgets, throttles and breakers.

use super::answers::Ending;
use super::machine::Machine;
use super::pool::Key;
use super::rules::{Code, Endpoint};
use crate::client::resilience::{Cause, Ended};
use crate::client::session_policy::{SessionLimits, SessionPolicy};
use crate::protocol;

impl Machine<'_> {
    /// A policy's limits and their state, for a refresh.
    #[inline]
    pub(super) fn limits(&mut self, key: Key) -> Option<(&SessionLimits, &mut SessionPolicy)> {
        let limits = self.rules.limits.as_deref()?;
        let flight = self.store.flights.at(key.slot);
        let browser = self.store.agents.at(flight.agent.slot).browser;
        let refreshes = flight.endpoint == Endpoint::Token;
        refreshes.then(|| (limits, self.store.limits.of_place(Some(limits), browser)))
    }

    /// Tells a policy's limits how a request that was sent ended.
    pub(super) fn tell_end(&mut self, key: Key, ending: Option<(Ending, Code)>) {
        if self.rules.limits.is_none() {
            return;
        }
        let now = self.now;
        let retries = self.flight(key).retries;
        let retryable = ending
            .is_some_and(|(ending, code)| self.rules.answers.verdict(Endpoint::Token, ending, code).retry);
        let failure = ending.map(|(ending, _)| match ending {
            Ending::Status(status) => protocol::Failure::status(status),
            Ending::NoAnswer | Ending::TimedOut | Ending::PageError => protocol::Failure::NETWORK,
        });
        if let Some((limits, state)) = self.limits(key) {
            limits.call_ended(state, &Ended { failure, retryable, retries }, now);
        }
    }

    /// Tells a policy's limits that a retry is over, if the last try was one.
    pub(super) fn retry_over(&mut self, key: Key) {
        if self.flight(key).failures > 0
            && let Some((limits, state)) = self.limits(key)
        {
            limits.retry_over(state);
        }
    }

    /// A page closes during a request. Nobody looks at its answer.
    pub(super) fn drop_flight(&mut self, key: Key) {
        if self.store.flights.get(key).is_some() {
            self.abandon(key);
            self.store.flights.free(key.slot);
        }
    }

    /// Tells a policy's limits that nobody looks at the answer to a request.
    pub(super) fn abandon(&mut self, key: Key) {
        self.retry_over(key);
        let waits = self.flight(key).waits_for_answer;
        if let Some((limits, state)) = self.limits(key).filter(|_| waits) {
            limits.abandoned(state);
        }
    }

    pub(super) fn take_retry(&mut self, key: Key, cause: Cause) -> bool {
        let now = self.now;
        self.limits(key).is_none_or(|(limits, state)| limits.take_retry(state, cause, now))
    }
}
