//! What an SDK hears, and what it can do about it.

use super::store::Core;
use super::tasks::{Callers, Request, State, Task, Timer};
use super::words::{Rules, SIGNED_OUT};
use crate::client::backoff::Wait;
use crate::client::fact::{Fact, FlowEnd};
use crate::client::step::{Action, Message};
use crate::client::token::pool::NONE;
use crate::client::token::{ServerReply as Reply, TOKEN};
use crate::kernel::{Dur, Time};
use crate::protocol::Failure;

/// An event of a tab with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The page has opened, or was reloaded, and found the session in the browser's storage.
    Opened,
    /// The tab becomes visible.
    Visible,
    /// The app asks for a token. It waits until [`Page::answer_callers`] or [`Page::fail_callers`].
    Asked,
    /// A refresh was answered with new tokens, which are stored already.
    Refreshed,
    /// A refresh failed. [`Page::retry`] continues it; otherwise it has ended.
    Failed(Failure),
    /// The timer of this number is due.
    Timer(u8),
    /// Another tab of the browser sent this word.
    Told(u8),
}

/// What a tab was doing when it began a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Opened,
    Visible,
    Asked,
    Timer,
    Answer,
    Told,
}

/// The page of a tab during one event.
#[derive(Debug)]
pub struct Page<'a> {
    pub(super) core: &'a mut Core,
    pub(super) rules: &'a Rules,
    pub(super) out: &'a mut Vec<Action>,
    pub(super) tab: u32,
    pub(super) user: u32,
    pub(super) now: Time,
    pub(super) cause: Cause,
    /// Number of entries before one that begins now, each caused by the answer to a request of the previous one.
    pub(super) depth: u32,
    /// The answer that is being handled.
    pub(super) failure: Option<Failure>,
    /// The refresh that has just failed and may be retried.
    pub(super) failed: Option<u32>,
}

impl Page<'_> {
    /// The time until the stored access token expires by the browser's clock: zero for an expired one, `None` without a
    /// session.
    pub fn token_left(&self) -> Option<Dur> {
        let browser = &self.core.browsers[self.user as usize];
        let stored = browser.stored?;
        let clock = i128::from(self.now.0) + i128::from(browser.skew);
        let left = i128::from(stored.exp_s) * 1_000_000_000 - clock;
        Some(Dur(u64::try_from(left.max(0)).unwrap_or(u64::MAX)))
    }

    /// Whether a refresh of this tab is under way: its answer is awaited, or its retry.
    pub fn is_refreshing(&self) -> bool {
        self.core.tabs[self.tab as usize].requests != NONE
    }

    /// Begins a refresh with the stored refresh token. Does nothing without a session.
    pub fn refresh(&mut self) {
        let Some(stored) = self.core.browsers[self.user as usize].stored else { return };
        self.fact(Fact::FlowEntered { open: 1, active: true, depth: self.depth + 1, cause: self.failure });
        let next = self.core.tabs[self.tab as usize].requests;
        let index = self.core.tasks.requests.add(Request {
            tab: self.tab,
            state: State::Sent,
            cause: self.cause,
            depth: self.depth,
            failures: 0,
            refresh: stored.refresh.get(),
            ordinal: 0,
            since: self.now,
            waited: Dur::ZERO,
            reply: Reply::Failed(Failure::NETWORK),
            shed: false,
            left_over: false,
            next,
        });
        self.core.tabs[self.tab as usize].requests = index;
        self.send(index);
    }

    /// Sends a request, with the refresh token that it had at first.
    pub(super) fn send(&mut self, index: u32) {
        let ordinal = self.core.sent_with(self.tab, self.now, index);
        let request = self.core.tasks.request_mut(index);
        (request.state, request.since, request.ordinal, request.shed) =
            (State::Sent, self.now, ordinal, false);
        request.reply = Reply::Failed(Failure::NETWORK);
        let first = request.failures == 0 && request.depth == 0;
        self.out.push(Action::Send { task: Task::Request(index).id(), endpoint: TOKEN, first });
    }

    /// Whether the policy counts an answer as the end of the session.
    pub fn ends_session(&self, failure: Failure) -> bool {
        self.rules.ends.contains(failure)
    }

    /// Repeats the refresh that has just failed after the policy's back-off, if the policy retries this answer once more.
    /// Returns whether it does. Outside of [`Event::Failed`] there is nothing to repeat.
    pub fn retry(&mut self) -> bool {
        let (Some(index), Some(failure)) = (self.failed, self.failure) else { return false };
        let request = self.core.tasks.request(index);
        if !self.rules.retries(failure, request.failures) {
            return false;
        }
        let wait = self.rules.backoff.wait(request.failures, request.waited, failure.retry_after);
        self.repeat(index, wait);
        true
    }

    /// Repeats the refresh that has just failed after this time, whatever the policy says. Outside of [`Event::Failed`] there
    /// is nothing to repeat.
    pub fn retry_after(&mut self, wait: Dur) {
        if let Some(index) = self.failed {
            self.repeat(index, Wait::exactly(wait));
        }
    }

    /// Number of tries of the refresh that has just failed; 0 outside of [`Event::Failed`].
    pub fn tries(&self) -> u32 {
        self.failed.map_or(0, |index| self.core.tasks.request(index).failures)
    }

    fn repeat(&mut self, index: u32, wait: Wait) {
        self.failed = None;
        let request = self.core.tasks.request_mut(index);
        (request.state, request.since) = (State::Waits, self.now);
        let task = Task::Request(index);
        let generation = self.core.tasks.generation(task);
        self.out.push(Action::Wait { task: task.id(), generation, wait });
    }

    /// Sets the timer of this number, in place of an earlier setting.
    pub fn set_timer(&mut self, number: u8, after: Dur) {
        self.stop_timer(number);
        let depth = if after == Dur::ZERO { self.depth } else { 0 };
        let next = self.core.tabs[self.tab as usize].timers;
        let slot = self.core.tasks.timers.insert(Timer { tab: self.tab, number, depth, next }).slot;
        self.core.tabs[self.tab as usize].timers = slot;
        let task = Task::Timer(slot);
        let generation = self.core.tasks.generation(task);
        self.out.push(Action::Wait { task: task.id(), generation, wait: Wait::exactly(after) });
    }

    /// Stops the timer of this number, if it is set.
    pub fn stop_timer(&mut self, number: u8) {
        self.core.remove_timers(self.tab, |timer| timer.number == number);
    }

    /// Sends a word to the browser's other tabs.
    pub fn tell(&mut self, word: u8) {
        self.out.push(Action::Tell(Message { kind: word.into(), word: self.depth }));
    }

    /// Gives every caller of this tab that waits the stored token; without a session, an empty answer.
    pub fn answer_callers(&mut self) {
        self.end_callers(None);
    }

    /// Gives every caller of this tab that waits an error.
    pub fn fail_callers(&mut self, failure: Failure) {
        self.end_callers(Some(failure));
    }

    fn end_callers(&mut self, error: Option<Failure>) {
        let mut next = std::mem::replace(&mut self.core.tabs[self.tab as usize].callers, NONE);
        while next != NONE {
            let key = self.core.tasks.callers.key(next);
            let group = self.core.tasks.callers.remove(key).expect("callers are answered once");
            let Callers { asked, count, next: before } = group;
            next = before;
            for _ in 0..count {
                if let Some(failure) = error {
                    self.fact(Fact::AppError(failure));
                }
                self.fact(Fact::AppWaited(self.now.since(asked)));
            }
        }
    }

    /// Signs the user out, in every tab of the browser. Callers that still wait get empty answers, timers and retries stop,
    /// and answers on their way are dropped. Does nothing without a session.
    pub fn sign_out(&mut self) {
        if self.core.browsers[self.user as usize].stored.take().is_none() {
            return;
        }
        self.fact(Fact::Cookie(None));
        self.session_is_gone();
        self.out.push(Action::Tell(Message { kind: SIGNED_OUT, word: 0 }));
    }

    /// Ends what this tab waits for, after a sign-out.
    pub(super) fn session_is_gone(&mut self) {
        if std::mem::take(&mut self.core.tabs[self.tab as usize].session) {
            self.fact(Fact::SignedOut);
        }
        self.answer_callers();
        self.core.remove_timers(self.tab, |_| true);
        let mut next = self.core.tabs[self.tab as usize].requests;
        while next != NONE {
            let request = *self.core.tasks.request(next);
            if request.state == State::Waits {
                self.core.remove_request(self.tab, next);
                self.fact(Fact::FlowLeft { levels: 1, end: FlowEnd::SignedOut });
            }
            next = request.next;
        }
    }

    pub(super) fn fact(&mut self, fact: Fact) {
        self.out.push(Action::Fact(fact));
    }
}
