//! The operations: load, return to the tab, call, tick, timer, another tab's write. Each reads the session, refreshes it
//! when its margin says so, and ends.

use super::machine::Machine;
use super::pool::{Key, NONE};
use super::rules::{Endpoint, Failure, Place, SignOut};
use super::state::{Done, Held, News, Next, Op, Ready, Refreshed};
use super::words::{Fact, Outcome, Storage, Timer};
use crate::kernel::Dur;

impl Machine<'_> {
    /// The app asks for a token.
    pub fn ask(&mut self, agent: Key) {
        let task = self.new_call(agent, Op::Call);
        self.begin(task);
    }

    /// The app puts back a session that it kept.
    pub fn restore(&mut self, agent: Key, kept: Held) {
        let task = self.new_call(agent, Op::Restore);
        self.task_mut(task).kept = Some(kept);
        self.begin(task);
    }

    fn new_call(&mut self, agent: Key, op: Op) -> Key {
        let call = self.store.calls;
        self.store.calls = call.wrapping_add(1);
        let task = self.add_task(agent, op);
        self.task_mut(task).call = call;
        self.fact(agent, Fact::Asked { call });
        task
    }

    /// An operation begins: it waits for the load, if it must, then for the lock.
    pub fn begin(&mut self, task: Key) {
        let (agent, op) = (self.task(task).agent, self.task(task).op);
        let waits = match op {
            Op::Load | Op::Initial | Op::Tick | Op::Alarm => false,
            Op::Call | Op::Restore => self.rules.waits_for_load,
            Op::Visible | Op::Listener | Op::Copy => true,
        } || (op == Op::Tick && self.task(task).stage == FIRST_TICK);
        match self.agent(agent).ready {
            Ready::No if waits => {
                let parked = self.busy(agent).parked;
                self.busy(agent).parked = self.append(parked, task);
            }
            Ready::No if matches!(op, Op::Call | Op::Restore) => self.finish(task, Done::Nothing),
            Ready::Broken if waits => self.finish(task, Done::Failed),
            _ => self.acquire(task),
        }
    }

    /// An operation has its turn.
    pub fn run(&mut self, task: Key) {
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
            Op::Visible if !self.agent(agent).visible => self.finish(task, Done::Nothing),
            Op::Load if self.rules.place != Place::Storage => self.load_copy(task),
            Op::Load | Op::Visible => self.recover(task),
            Op::Alarm => match self.session(agent) {
                Some(held) => self.refresh(task, held.refresh),
                None => self.finish(task, Done::Nothing),
            },
            Op::Copy => self.copy(task),
            Op::Restore => self.put_back(task),
        }
    }

    /// Reads the session as a caller does, and refreshes it within the caller's margin.
    fn read(&mut self, task: Key) {
        let agent = self.task(task).agent;
        match self.session(agent) {
            None => self.has_none(task, Done::Nothing),
            Some(held) if self.left(agent, held) < nanos(self.rules.caller_margin) => {
                self.refresh(task, held.refresh);
            }
            Some(held) => self.has(task, held),
        }
    }

    /// A refresh has ended for an operation.
    pub fn resume(&mut self, task: Key, refreshed: Refreshed) {
        let Some(it) = self.store.tasks.get(task) else { return };
        let (agent, op, stage) = (it.agent, it.op, it.stage);
        match op {
            Op::Load | Op::Visible if self.rules.place == Place::Storage => {
                let refused = matches!(refreshed, Refreshed::Refused { cleared: true });
                if refused && self.rules.load.clears_again {
                    self.sign_out(agent, None);
                }
                self.end_recovery(task);
            }
            Op::Load => self.loaded_copy(task, refreshed),
            Op::Alarm => {
                self.after_alarm(agent, refreshed);
                self.finish(task, Done::Nothing);
            }
            Op::Tick if stage == JUDGED => self.finish(task, Done::Nothing),
            Op::Copy => self.finish(task, Done::Nothing),
            Op::Restore => self.put_back_done(task, refreshed),
            _ => match refreshed {
                Refreshed::Yes(held) => self.has(task, held),
                Refreshed::Refused { .. } | Refreshed::Unanswered => {
                    let kept = self.session(agent).filter(|s| self.rules.keeps_valid && self.left(agent, *s) > 0);
                    match kept {
                        Some(held) => self.has(task, held),
                        None => self.has_none(task, self.failure()),
                    }
                }
            },
        }
    }

    fn failure(&self) -> Done {
        match self.rules.failure {
            Failure::Nothing => Done::Nothing,
            Failure::Error => Done::Failed,
        }
    }

    /// A read has given a session.
    fn has(&mut self, task: Key, held: Held) {
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
                    self.refresh(task, held.refresh);
                } else {
                    self.finish(task, Done::Nothing);
                }
            }
            _ => self.finish(task, Done::Session(held.exp_s)),
        }
    }

    /// A read has given none.
    fn has_none(&mut self, task: Key, done: Done) {
        if self.task(task).op == Op::Initial {
            self.first_event(self.task(task).agent, None);
        }
        self.finish(task, done);
    }

    fn first_event(&mut self, agent: Key, exp: Option<u32>) {
        self.fact(agent, Fact::First(exp));
        if self.agent(agent).asks_on_event {
            self.ask(agent);
        }
    }

    /// Load or return to the tab, where the session is in the storage.
    fn recover(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let Some(held) = self.session(agent) else { return self.end_recovery(task) };
        if self.left(agent, held) >= nanos(self.rules.caller_margin) {
            if self.rules.load.announces {
                self.tell(agent, News::SignedIn);
            }
            self.end_recovery(task);
        } else if self.agent(agent).auto && self.rules.load.refreshes {
            self.refresh(task, held.refresh);
        } else {
            self.end_recovery(task);
        }
    }

    fn end_recovery(&mut self, task: Key) {
        let (agent, op) = (self.task(task).agent, self.task(task).op);
        if op == Op::Load {
            self.start_ticker(agent);
        }
        self.finish(task, Done::Nothing);
    }

    /// Load, where the object keeps a copy: refresh within the margin, then account data, then the user is there.
    fn load_copy(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let browser = self.agent(agent).browser;
        if self.rules.place == Place::Copied {
            self.agent_mut(agent).held = self.store.browsers.at(browser).stored;
        }
        match self.agent(agent).held {
            None => self.end_load(task),
            Some(held) if self.rules.load.refreshes && self.left(agent, held) < nanos(self.rules.caller_margin) => {
                self.refresh(task, held.refresh);
            }
            Some(held) => self.look_up(task, held),
        }
    }

    fn look_up(&mut self, task: Key, held: Held) {
        self.task_mut(task).stage = LOOKUP;
        if self.rules.load.lookup {
            self.start(task, Endpoint::Lookup, held.refresh);
        } else {
            self.end_load(task);
        }
    }

    fn loaded_copy(&mut self, task: Key, refreshed: Refreshed) {
        match refreshed {
            Refreshed::Yes(held) if self.task(task).stage != LOOKUP => self.look_up(task, held),
            _ => self.end_load(task),
        }
    }

    fn end_load(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let (slot, held, listens) = (self.agent(agent).browser, self.agent(agent).held, self.agent(agent).listens);
        self.agent_mut(agent).ready = Ready::Yes;
        match held {
            Some(held) => {
                self.save(agent, held);
                self.set_alarm(agent);
            }
            None => {
                if self.store.browsers.at(slot).stored.is_some() {
                    self.sign_out_at_load(agent);
                }
            }
        }
        if listens {
            self.first_event(agent, held.map(|h| h.exp_s));
        }
        self.finish(task, Done::Nothing);
    }

    fn sign_out_at_load(&mut self, agent: Key) {
        let listens = std::mem::replace(&mut self.agent_mut(agent).listens, false);
        self.sign_out(agent, None);
        self.agent_mut(agent).listens = listens;
    }

    /// The load has ended: whoever waited for it begins.
    pub fn loaded(&mut self, agent: Key, ok: bool) {
        self.agent_mut(agent).ready = if ok { Ready::Yes } else { Ready::Broken };
        let (parked, held) = match self.busy_if_any(agent) {
            Some(_) => {
                let busy = self.busy(agent);
                (std::mem::take(&mut busy.parked), std::mem::take(&mut busy.held_events))
            }
            None => ((None, None), [None, None]),
        };
        for news in held.into_iter().flatten() {
            self.tell(agent, news);
        }
        self.fact(agent, Fact::Loaded(ok));
        let mut next = parked.0;
        while let Some(task) = next {
            next = self.task_mut(task).link.take();
            self.store.soon.push_back(Next::Begin(task));
        }
        self.rest(agent);
    }

    /// Another page wrote the storage.
    pub fn storage_changed(&mut self, agent: Key, depth: u16) {
        if self.store.agents.get(agent).is_some() {
            self.depth = depth;
            let task = self.add_task(agent, Op::Copy);
            let it = self.agent(agent);
            let stage = if it.ready == Ready::No { REPLACE } else { 0 };
            let kept = self.store.browsers.at(it.browser).stored;
            let it = self.task_mut(task);
            (it.kept, it.stage) = (kept, stage);
            self.begin(task);
        }
    }

    /// Copies what the storage held when its event arrived. An object that was loading then takes the user as a new
    /// one: its timer is set anew, and the storage is written once more.
    fn copy(&mut self, task: Key) {
        let (agent, stage, stored) = (self.task(task).agent, self.task(task).stage, self.task(task).kept);
        match (self.agent(agent).held, stored) {
            (old, Some(new)) if old.is_none() || stage == REPLACE => {
                self.save(agent, new);
                self.set_alarm(agent);
                self.tell(agent, if old.is_none() { News::SignedIn } else { News::Refreshed });
            }
            (Some(old), Some(new)) if old.access != new.access => {
                self.agent_mut(agent).held = Some(new);
                if self.left(agent, new) < nanos(self.rules.caller_margin) {
                    return self.refresh(task, new.refresh);
                }
                self.fact(agent, Fact::Storage(Storage::Set));
                self.tell(agent, News::Refreshed);
            }
            (Some(_), None) => {
                self.fact(agent, Fact::SignedOut { status: None });
                self.agent_mut(agent).held = None;
                self.stop_alarm(agent);
                self.tell(agent, News::SignedOut);
            }
            _ => {}
        }
        self.finish(task, Done::Nothing);
    }

    fn put_back(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let kept = self.task(task).kept.expect("an app puts back a session");
        if self.left(agent, kept) <= 0 {
            self.refresh(task, kept.refresh);
        } else {
            self.task_mut(task).stage = LOOKUP;
            self.start(task, Endpoint::User, kept.refresh);
        }
    }

    fn put_back_done(&mut self, task: Key, refreshed: Refreshed) {
        let (agent, stage) = (self.task(task).agent, self.task(task).stage);
        match refreshed {
            Refreshed::Yes(_) if stage == LOOKUP => {
                let kept = self.task(task).kept.expect("an app puts back a session");
                self.save(agent, kept);
                self.tell(agent, News::SignedIn);
                self.finish(task, Done::Session(kept.exp_s));
            }
            Refreshed::Yes(held) => self.finish(task, Done::Session(held.exp_s)),
            _ => self.finish(task, self.failure()),
        }
    }

    /// The tab becomes visible: the ticker starts anew, and the session is recovered.
    pub fn becomes_visible(&mut self, agent: Key) {
        self.agent_mut(agent).visible = true;
        self.start_ticker(agent);
        if self.rules.visible_recovers {
            let task = self.add_task(agent, Op::Visible);
            self.begin(task);
        }
    }

    fn start_ticker(&mut self, agent: Key) {
        let Some(ticker) = self.rules.ticker else { return };
        let it = self.agent_mut(agent);
        it.tick = it.tick.wrapping_add(1);
        if it.auto && it.visible {
            let number = it.tick;
            let at = self.now.after(ticker.period);
            self.wait(agent, Timer::Tick { ticker: number, first: false }, at, Dur::ZERO);
            self.wait(agent, Timer::Tick { ticker: number, first: true }, self.now, Dur::ZERO);
        }
    }

    pub fn tick(&mut self, agent: Key, ticker: u32, first: bool) {
        let Some(rules) = self.rules.ticker else { return };
        if self.agent(agent).tick != ticker {
            return;
        }
        if !first {
            let at = self.now.after(rules.period);
            self.wait(agent, Timer::Tick { ticker, first: false }, at, Dur::ZERO);
        }
        let task = self.add_task(agent, Op::Tick);
        self.task_mut(task).stage = if first { FIRST_TICK } else { FIRST_READ };
        self.begin(task);
    }

    /// Sets the timer before expiry.
    fn set_alarm(&mut self, agent: Key) {
        let Some(timer) = self.rules.timer else { return };
        let Some(held) = self.agent(agent).held else { return };
        if !self.agent(agent).auto {
            return;
        }
        let wait = self.left(agent, held).saturating_sub(nanos(timer.before)).max(nanos(timer.floor));
        let depth = if wait == 0 { self.depth } else { 0 };
        let it = self.agent_mut(agent);
        it.alarm = it.alarm.wrapping_add(1);
        it.alarm_failures = 0;
        it.alarm_depth = depth;
        let (alarm, wait) = (it.alarm, Dur(wait.unsigned_abs()));
        self.wait(agent, Timer::Alarm(alarm), self.now.after(wait), Dur::ZERO);
    }

    /// The timer, if set, is void.
    pub fn stop_alarm(&mut self, agent: Key) {
        let it = self.agent_mut(agent);
        it.alarm = it.alarm.wrapping_add(1);
    }

    pub fn alarm(&mut self, agent: Key, alarm: u32) {
        if self.agent(agent).alarm == alarm {
            self.depth = self.agent(agent).alarm_depth;
            let task = self.add_task(agent, Op::Alarm);
            self.begin(task);
        }
    }

    fn after_alarm(&mut self, agent: Key, refreshed: Refreshed) {
        let Some(timer) = self.rules.timer else { return };
        match refreshed {
            Refreshed::Yes(_) => self.set_alarm(agent),
            Refreshed::Refused { .. } if timer.survives_errors => self.set_alarm(agent),
            Refreshed::Refused { .. } => {}
            Refreshed::Unanswered => {
                let Some(again) = timer.again else { return };
                if self.agent(agent).held.is_none() {
                    return;
                }
                let it = self.agent_mut(agent);
                let wait = again.wait(u32::from(it.alarm_failures));
                it.alarm_failures = it.alarm_failures.saturating_add(1);
                it.alarm_depth = 0;
                it.alarm = it.alarm.wrapping_add(1);
                let alarm = it.alarm;
                self.wait(agent, Timer::Alarm(alarm), self.now.after(wait), again.jitter);
            }
        }
    }

    /// What a refused refresh does to the session.
    pub fn apply(&mut self, agent: Key, sign_out: SignOut, status: Option<u16>) {
        let goes = match sign_out {
            SignOut::Never => false,
            SignOut::Always => true,
            SignOut::IfExpired => self.session(agent).is_none_or(|s| self.left(agent, s) <= 0),
        };
        if !goes {
            return;
        }
        if self.rules.place != Place::Storage && self.agent(agent).ready == Ready::No {
            self.agent_mut(agent).held = None;
        } else if self.rules.place == Place::Storage || self.agent(agent).held.is_some() {
            self.sign_out(agent, status);
        }
    }

    /// The caller of an operation has its answer.
    pub fn answer_caller(&mut self, task: Key, done: Done) {
        let (agent, op, call) = (self.task(task).agent, self.task(task).op, self.task(task).call);
        match op {
            Op::Call | Op::Restore => {
                let outcome = match done {
                    Done::Session(exp) => Outcome::Token(exp),
                    Done::Nothing => Outcome::Nothing,
                    Done::Failed => Outcome::Error,
                };
                self.fact(agent, Fact::Answered { call, outcome });
            }
            Op::Load => self.loaded(agent, done != Done::Failed),
            _ => {}
        }
    }

    /// Whether an object has anything under way: used by tests of the state's size.
    pub fn is_resting(&self, agent: Key) -> bool {
        self.agent(agent).busy == NONE
    }
}

/// Stage of a tick that waits for the load.
const FIRST_TICK: u8 = 1;
/// Stage of a tick that reads the session.
const FIRST_READ: u8 = 2;
/// Stage of a tick that refreshes what it read.
const JUDGED: u8 = 3;
/// Stage of an operation that asks for account data.
const LOOKUP: u8 = 4;

/// Stage of a copy that was parked: it replaces the user.
const REPLACE: u8 = 5;

/// A span of time as a signed number of nanoseconds.
pub(super) fn nanos(d: Dur) -> i64 {
    i64::try_from(d.0).unwrap_or(i64::MAX)
}
