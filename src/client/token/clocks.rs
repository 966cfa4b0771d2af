//! The clocks of a client object: the ticker of visible tabs, and the timer before expiry.

use super::machine::Machine;
use super::ops::{FIRST_READ, FIRST_TICK, nanos};
use super::pool::{Key, NONE};
use super::schedule::Failed;
use super::state::{Clock, Held, News, Op, Refreshed};
use super::traits::Ready;
use super::words::Timer;
use crate::client::backoff::Wait;
use crate::kernel::Dur;
use crate::protocol::RetryIn;

impl Machine<'_> {
    /// The tab becomes visible. The ticker starts again, and the object recovers the session.
    pub(super) fn becomes_visible(&mut self, agent: Key) {
        self.agent_mut(agent).traits.set_visible(true);
        self.start_ticker(agent);
        if self.rules.visible_recovers {
            let task = self.add_task(agent, Op::Visible);
            self.begin(task);
        }
        if let Some(at_most_every) = self.rules.visible_refreshes {
            self.refresh_when_visible(agent, at_most_every);
        }
    }

    pub(super) fn start_ticker(&mut self, agent: Key) {
        let Some(ticker) = self.rules.ticker else { return };
        self.stop_ticker(agent);
        let it = self.agent(agent);
        if it.traits.is_auto() && it.traits.is_visible() {
            let number = self.clock_of(agent).tick;
            let next = Timer::Tick { ticker: number, first: false };
            self.wait(agent, next, Wait::exactly(ticker.period));
            self.wait(agent, Timer::Tick { ticker: number, first: true }, Wait::exactly(Dur::ZERO));
        }
    }

    /// Makes the ticks of the current ticker void.
    pub(super) fn stop_ticker(&mut self, agent: Key) {
        let clock = self.clock_of(agent);
        clock.tick = clock.tick.wrapping_add(1);
    }

    fn clock_of(&mut self, agent: Key) -> &mut Clock {
        &mut self.store.clocks[agent.slot as usize]
    }

    pub(super) fn tick(&mut self, agent: Key, ticker: u32, first: bool) {
        let Some(rules) = self.rules.ticker else { return };
        if self.clock_of(agent).tick != ticker {
            return;
        }
        if !first {
            self.wait(agent, Timer::Tick { ticker, first: false }, Wait::exactly(rules.period));
        }
        if self.has_nothing_to_do(agent, rules.below) {
            return;
        }
        let task = self.add_task(agent, Op::Tick);
        self.task_mut(task).stage = if first { FIRST_TICK } else { FIRST_READ };
        self.begin(task);
    }

    /// Whether a tick of an idle object has no effect: another object holds the lock, or the session needs no refresh. Most
    /// ticks end here and need no operation.
    fn has_nothing_to_do(&self, agent: Key, below: Dur) -> bool {
        let it = self.agent(agent);
        if it.busy != NONE || it.traits.ready() != Ready::Yes {
            return false;
        }
        if self.rules.lock.is_some() && self.store.browser(it.browser).lock() != NONE {
            return true;
        }
        let least = nanos(below.max(self.rules.caller_margin));
        self.session(agent).is_none_or(|held| self.left(agent, held) >= least)
    }

    /// Sets the timer before expiry.
    pub(super) fn set_alarm(&mut self, agent: Key) {
        let Some(timer) = &self.rules.timer else { return };
        let Some(held) = self.session(agent) else { return };
        if !self.agent(agent).traits.is_auto() {
            return;
        }
        if let Some(period) = timer.checks_every {
            return self.set_checked(agent, held, timer, period);
        }
        let left = if timer.in_seconds { self.left_in_seconds(agent, held) } else { self.left(agent, held) };
        let wait = left.saturating_sub(nanos(timer.before)).max(nanos(timer.floor));
        // The answer that sets the timer to its shortest wait causes what the timer does.
        let depth = if wait == nanos(timer.floor) { self.depth } else { 0 };
        let it = self.agent_mut(agent);
        it.alarm_failures = 0;
        it.alarm_depth = depth;
        self.stop_alarm(agent);
        let (alarm, wait) = (self.clock_of(agent).alarm, Dur(wait.unsigned_abs()));
        self.wait(agent, Timer::Alarm(alarm), Wait::exactly(wait));
    }

    /// Makes a set timer void.
    pub(super) fn stop_alarm(&mut self, agent: Key) {
        let clock = self.clock_of(agent);
        clock.alarm = clock.alarm.wrapping_add(1);
        if let Some(checked) = self.store.checked.get_mut(agent.slot as usize) {
            checked.alarm_at = None;
        }
    }

    /// Makes both timers of an object void.
    pub(super) fn stop_timers(&mut self, agent: Key) {
        self.stop_alarm(agent);
        if let Some(checked) = self.store.checked.get_mut(agent.slot as usize) {
            checked.expiry_at = None;
            checked.expiry = checked.expiry.wrapping_add(1);
        }
    }

    pub(super) fn alarm(&mut self, agent: Key, alarm: u32) {
        if self.clock_of(agent).alarm == alarm {
            if let Some(checked) = self.store.checked.get_mut(agent.slot as usize) {
                checked.alarm_at = None;
            }
            self.depth = self.agent(agent).alarm_depth;
            if self.rules.timer.is_some_and(|t| !t.refreshes) {
                self.tell(agent, News::Expired);
                if !self.agent(agent).traits.refreshes_on_expiry() {
                    return;
                }
            }
            let task = self.add_task(agent, Op::Alarm);
            self.begin(task);
        }
    }

    pub(super) fn after_alarm(&mut self, agent: Key, refreshed: Refreshed) {
        let Some(timer) = self.rules.timer.as_ref().filter(|t| t.refreshes) else { return };
        match refreshed {
            Refreshed::Yes(_) => self.set_alarm(agent),
            Refreshed::Refused { .. } if timer.survives_errors => self.set_alarm(agent),
            Refreshed::Refused { .. } => {}
            Refreshed::Unanswered => {
                let Some(again) = &timer.again else { return };
                if self.session(agent).is_none() {
                    return;
                }
                let now = self.now;
                let it = self.agent_mut(agent);
                let before = u32::from(it.alarm_failures);
                // A timer's own schedule has no end and depends on no answer.
                let failed = Failed {
                    before,
                    started: now,
                    now,
                    waited: Dur::ZERO,
                    retry_after: RetryIn::NONE,
                    offline: false,
                };
                let Some(wait) = again.after(&failed) else { return };
                it.alarm_failures = it.alarm_failures.saturating_add(1);
                it.alarm_depth = 0;
                self.stop_alarm(agent);
                let alarm = self.clock_of(agent).alarm;
                self.wait(agent, Timer::Alarm(alarm), wait);
            }
        }
    }

    /// Time left of a token as the subtraction of JavaScript numbers computes it. Near the epoch times of this century
    /// a number of seconds is a multiple of 2^-22, and a timer's wait is cut to whole milliseconds.
    fn left_in_seconds(&self, agent: Key, held: Held) -> i64 {
        let (second, until) = (1_000_000_000, i128::from(held.until.nanoseconds()));
        let clock = i128::from(self.clock(agent));
        let steps = ((clock << 22) + second / 2).div_euclid(second);
        let left_ms = (((until << 22) / second - steps) * 1_000).div_euclid(1 << 22);
        i64::try_from(left_ms * 1_000_000).unwrap_or(i64::MAX)
    }
}
