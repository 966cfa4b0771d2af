//! The operations: load, return to the tab, call, tick, timer, another tab's write. Each reads the session, refreshes
//! it when its margin says so, and ends.

#[cfg(test)]
mod tests;

use super::machine::Machine;
use super::pool::Key;
use super::rules::{Failure, Place, SignOut, WhileLoading};
use super::state::{Done, Held, Next, Op, Refreshed};
use super::traits::Ready;
use super::words::{Fact, Timer};
use crate::client::backoff::Wait;
use crate::kernel::Dur;

impl Machine<'_> {
    /// The app asks for a token.
    pub(super) fn ask(&mut self, agent: Key) {
        let locks = self.rules.lock.is_some_and(|lock| !lock.to_refresh);
        match self.at_once(agent).filter(|_| !locks) {
            Some(done) => self.serve(agent, done),
            None => {
                let task = self.new_call(agent, Op::Call);
                self.begin(task);
            }
        }
    }

    /// The app asks for a token, and nothing else happens at this instant. A caller who finds the lock free and gets its answer
    /// at once takes the lock and gives it back. The timer of its wait for the lock is all that stays.
    pub(super) fn ask_alone(&mut self, agent: Key) {
        let lock = self.rules.lock.filter(|lock| !lock.to_refresh && self.finds_lock_free(agent));
        let Some((lock, done)) = lock.and_then(|lock| Some((lock, self.at_once(agent)?))) else {
            return self.ask(agent);
        };
        self.wait(agent, Timer::LockWait(Key::NOWHERE), Wait::exactly(lock.wait));
        self.serve(agent, done);
    }

    /// What a caller gets who has the lock, if the client needs one. `None` if it must wait. Most calls end here and need no
    /// operation.
    fn at_once(&self, agent: Key) -> Option<Done> {
        if self.agent(agent).traits.ready() != Ready::Yes || self.reads_after_discovery(agent) {
            return None;
        }
        match self.session(agent) {
            Some(held) => (self.left(agent, held) >= nanos(self.rules.caller_margin))
                .then_some(Done::Session(held.exp_s)),
            None => (!self.rules.refreshes_without_token()).then(|| self.without_session()),
        }
    }

    /// Makes and answers a call that needs no operation.
    fn serve(&mut self, agent: Key, done: Done) {
        let call = self.next_call(agent);
        self.has_read(agent);
        let (outcome, error) = done.answer();
        self.fact(agent, Fact::Answered { call, asked: self.now, outcome, error });
    }

    /// The app restores a session that it kept.
    pub(super) fn restore(&mut self, agent: Key, kept: Held) {
        let task = self.new_call(agent, Op::Restore);
        self.task_mut(task).kept = Some(kept);
        self.begin(task);
    }

    fn new_call(&mut self, agent: Key, op: Op) -> Key {
        let call = self.next_call(agent);
        let task = self.add_task(agent, op);
        self.task_mut(task).call = call;
        task
    }

    fn next_call(&mut self, agent: Key) -> u32 {
        let call = self.store.calls;
        self.store.calls = call.wrapping_add(1);
        self.fact(agent, Fact::Asked { call });
        call
    }

    /// Begins an operation. It waits for the load if it must, then for the lock.
    pub(super) fn begin(&mut self, task: Key) {
        let (agent, op) = (self.task(task).agent, self.task(task).op);
        let waits = match op {
            Op::Load | Op::Initial | Op::Tick | Op::Alarm => false,
            Op::Call | Op::Restore => self.rules.while_loading == WhileLoading::Waits,
            Op::Visible | Op::Listener | Op::Copy => true,
        } || (op == Op::Tick && self.task(task).stage == FIRST_TICK);
        match self.agent(agent).traits.ready() {
            Ready::No if waits => {
                let parked = self.busy(agent).parked;
                self.busy(agent).parked = self.append(parked, task);
            }
            Ready::No
                if matches!(op, Op::Call | Op::Restore)
                    && self.rules.while_loading == WhileLoading::Nothing =>
            {
                self.finish(task, Done::Nothing);
            }
            Ready::Broken if waits => self.finish(task, Done::Failed),
            _ if op == Op::Call && self.rules.lock.is_some_and(|l| l.to_refresh) => {
                self.read_or_acquire(task)
            }
            _ => self.acquire(task),
        }
    }

    /// Continues a caller that needs the lock only to refresh.
    fn read_or_acquire(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let refreshes = match self.session(agent) {
            Some(held) => self.left(agent, held) < nanos(self.rules.caller_margin),
            None => self.rules.refreshes_without_token(),
        };
        if refreshes { self.acquire(task) } else { self.read(task) }
    }

    /// A caller has read the session: the timer is set if reads set it.
    #[inline]
    fn has_read(&mut self, agent: Key) {
        if self.rules.timer.is_some_and(|timer| timer.set_by_reads) {
            self.set_alarm(agent);
        }
    }

    /// Runs an operation that has its turn.
    pub(super) fn run(&mut self, task: Key) {
        let Some(it) = self.store.tasks.get(task) else { return };
        let (agent, op) = (it.agent, it.op);
        self.task_mut(task).started = self.now;
        match op {
            Op::Call | Op::Initial => self.read(task),
            Op::Listener => {
                let first = self.add_task(agent, Op::Initial);
                self.store.soon.push_back(Next::Run(first));
                self.finish(task, Done::Nothing);
            }
            Op::Tick => {
                self.task_mut(task).stage = FIRST_READ;
                let skips = self.rules.ticker.is_some_and(|t| t.skips_when_busy);
                if skips && self.busy_if_any(agent).is_some_and(|b| b.flight.is_some()) {
                    self.finish(task, Done::Nothing);
                } else {
                    self.read(task);
                }
            }
            Op::Visible if !self.agent(agent).traits.is_visible() => self.finish(task, Done::Nothing),
            Op::Load if self.rules.place != Place::Storage => self.load_copy(task),
            Op::Load | Op::Visible => self.recover(task),
            Op::Alarm if self.rules.timer.is_some_and(|t| !t.refreshes) => self.read(task),
            Op::Alarm => match self.session(agent) {
                Some(held) => self.refresh(task, Some(held.refresh)),
                None => self.finish(task, Done::Nothing),
            },
            Op::Copy => self.copy(task),
            Op::Restore => self.put_back(task),
        }
    }

    /// Reads the session for a caller, and refreshes it within the caller's margin.
    pub(super) fn read(&mut self, task: Key) {
        let agent = self.task(task).agent;
        if self.reads_after_discovery(agent) {
            return self.discover_and_read(task);
        }
        self.has_read(agent);
        match self.session(agent) {
            None if self.rules.refreshes_without_token() => self.refresh(task, None),
            None => self.has_none(task, self.without_session()),
            Some(held) if self.left(agent, held) < nanos(self.rules.caller_margin) => {
                match self.rules.caller_refreshes {
                    true => self.refresh(task, Some(held.refresh)),
                    false => self.has_none(task, Done::Nothing),
                }
            }
            Some(held) => self.has(task, held),
        }
    }

    /// What a caller gets from a client without a session.
    fn without_session(&self) -> Done {
        if self.rules.none_is_error { Done::Failed } else { Done::Nothing }
    }

    /// Continues an operation after its refresh.
    pub(super) fn resume(&mut self, task: Key, refreshed: Refreshed) {
        let Some(it) = self.store.tasks.get(task) else { return };
        let (agent, op, stage) = (it.agent, it.op, it.stage);
        match op {
            Op::Load | Op::Visible if self.rules.place == Place::Storage => {
                let refused = matches!(refreshed, Refreshed::Refused { cleared: true, .. });
                if refused && self.rules.load.clears_again {
                    self.sign_out(agent, None);
                }
                self.end_recovery(task);
            }
            Op::Load => self.loaded_copy(task, refreshed),
            Op::Alarm => {
                let is_retry = self.agent(agent).alarm_failures > 0;
                self.after_alarm(agent, refreshed);
                self.tell_timer_end(agent, refreshed, is_retry);
                self.finish(task, Done::Nothing);
            }
            Op::Tick if stage == JUDGED => self.finish(task, Done::Nothing),
            Op::Copy => self.finish(task, Done::Nothing),
            Op::Restore => self.put_back_done(task, refreshed),
            _ => match refreshed {
                Refreshed::Yes(held) => self.has(task, held),
                Refreshed::Refused { .. } | Refreshed::Unanswered => {
                    let kept =
                        self.session(agent).filter(|s| self.rules.keeps_valid && self.left(agent, *s) > 0);
                    match kept {
                        Some(held) => self.has(task, held),
                        None if matches!(refreshed, Refreshed::Refused { nothing: true, .. }) => {
                            self.has_none(task, Done::Nothing);
                        }
                        None => self.has_none(task, self.failure()),
                    }
                }
            },
        }
    }

    pub(super) fn failure(&self) -> Done {
        match self.rules.failure {
            Failure::Nothing => Done::Empty,
            Failure::Error => Done::Failed,
        }
    }

    /// Continues an operation whose read gave a session.
    pub(super) fn has(&mut self, task: Key, held: Held) {
        let (agent, op) = (self.task(task).agent, self.task(task).op);
        match op {
            Op::Initial => {
                self.first_event(agent, Some(held.exp_s));
                self.finish(task, Done::Session(held.exp_s));
            }
            Op::Tick => {
                let below = self.rules.ticker.map_or(Dur::ZERO, |t| t.below);
                let waited = i64::try_from(self.now.since(self.task(task).started).0).unwrap_or(i64::MAX);
                if self.left(agent, held).saturating_add(waited) < nanos(below) {
                    self.task_mut(task).stage = JUDGED;
                    self.refresh(task, Some(held.refresh));
                } else {
                    self.finish(task, Done::Nothing);
                }
            }
            _ => self.finish(task, Done::Session(held.exp_s)),
        }
    }

    /// Continues an operation whose read gave no session.
    pub(super) fn has_none(&mut self, task: Key, done: Done) {
        if self.task(task).op == Op::Initial {
            self.first_event(self.task(task).agent, None);
        }
        self.finish(task, done);
    }

    pub(super) fn first_event(&mut self, agent: Key, exp: Option<u32>) {
        self.fact(agent, Fact::First(exp));
        if self.agent(agent).traits.asks_on_event() {
            self.ask(agent);
        }
    }

    /// Applies a refused refresh to the session.
    pub(super) fn apply(&mut self, agent: Key, sign_out: SignOut, status: Option<u16>) {
        let goes = match sign_out {
            SignOut::Never => false,
            SignOut::Always => true,
            SignOut::IfExpired => self.session(agent).is_none_or(|s| self.left(agent, s) <= 0),
        };
        if !goes {
            return;
        }
        if self.rules.place == Place::Page {
            self.sign_out(agent, status);
        } else if self.rules.place != Place::Storage && self.agent(agent).traits.ready() == Ready::No {
            self.store.set_copy(agent, None);
        } else if self.rules.place == Place::Storage || self.store.copy(agent).is_some() {
            self.sign_out(agent, status);
        }
    }

    /// Gives the caller of an operation its answer.
    pub(super) fn answer_caller(&mut self, task: Key, done: Done) {
        let (agent, op, call) = (self.task(task).agent, self.task(task).op, self.task(task).call);
        match op {
            Op::Call | Op::Restore => {
                let asked = self.task(task).asked;
                let (outcome, error) = done.answer();
                self.fact(agent, Fact::Answered { call, asked, outcome, error });
            }
            Op::Load => {
                let broken = done == Done::Failed;
                self.loaded(agent, broken, !broken && self.task(task).stage != FAILED);
            }
            _ => {}
        }
    }
}

/// Stage of a tick that waits for the load.
pub(super) const FIRST_TICK: u8 = 1;
/// Stage of a tick that reads the session.
pub(super) const FIRST_READ: u8 = 2;
/// Stage of a tick that refreshes the session that it read.
const JUDGED: u8 = 3;
/// Stage of an operation that requests account data.
pub(super) const LOOKUP: u8 = 4;

/// Stage of a copy that arrived during the load: it replaces the user.
pub(super) const REPLACE: u8 = 5;

/// Stage of a load that has failed.
pub(super) const FAILED: u8 = 6;

/// A duration as a signed number of nanoseconds.
pub(super) fn nanos(d: Dur) -> i64 {
    i64::try_from(d.0).unwrap_or(i64::MAX)
}
