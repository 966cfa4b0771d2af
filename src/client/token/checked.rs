//! Timers that look at the clock now and then, as oidc-client-ts has them: a timer for a whole second of the local clock fires
//! at the first look from then on. A look has no effect otherwise, so the machine computes when the timer fires. To a browser the
//! looks are a chain of timers, which it runs less often in a hidden tab.

use super::machine::Machine;
use super::ops::nanos;
use super::pool::Key;
use super::rules::TimerRules;
use super::session::SECOND;
use super::state::{Checked, Held, News};
use super::words::Timer;
use crate::client::backoff::Wait;
use crate::kernel::Dur;

impl Machine<'_> {
    /// Sets the timer before expiry and the one that tells of the expiry. A timer that is set for the same second goes on.
    pub(super) fn set_checked(&mut self, agent: Key, held: Held, timer: &TimerRules, period: Dur) {
        let slot = agent.slot as usize;
        if self.store.checked.len() <= slot {
            self.store.checked.resize(slot + 1, Checked::default());
        }
        let clock = self.clock(agent);
        let now = clock.div_euclid(SECOND);
        let left = held.until.nanoseconds().div_euclid(SECOND) - now;
        let seconds = |d: Dur| nanos(d) / SECOND;
        if left > 0 {
            let least = seconds(timer.floor).max(1);
            let wait = (left - seconds(timer.before)).max(least);
            if self.store.checked[slot].alarm_at != Some(now + wait) {
                self.stop_alarm(agent);
                self.store.checked[slot].alarm_at = Some(now + wait);
                let depth = if wait == least { self.depth } else { 0 };
                let it = self.agent_mut(agent);
                (it.alarm_failures, it.alarm_depth) = (0, depth);
                let alarm = self.store.clocks[slot].alarm;
                self.wait(agent, Timer::Alarm(alarm), until_seen(clock, now + wait, period));
            }
        } else {
            self.stop_alarm(agent);
        }
        if let Some(after) = timer.tells_expired_after {
            let at = now + (left + seconds(after)).max(1);
            let checked = &mut self.store.checked[slot];
            if checked.expiry_at != Some(at) {
                checked.expiry_at = Some(at);
                checked.expiry = checked.expiry.wrapping_add(1);
                let number = checked.expiry;
                self.wait(agent, Timer::Expiry(number), until_seen(clock, at, period));
            }
        }
    }

    /// The timer that tells of the expiry fires.
    pub(super) fn expiry(&mut self, agent: Key, number: u32) {
        let Some(checked) = self.store.checked.get_mut(agent.slot as usize) else { return };
        if checked.expiry == number && checked.expiry_at.take().is_some() {
            self.tell(agent, News::Expired);
        }
    }
}

/// The wait from `clock`, in nanoseconds, to the first look that sees second `at`. Looks come once a period, or once in the
/// whole wait if that is shorter.
fn until_seen(clock: i64, at: i64, period: Dur) -> Wait {
    let whole = (at - clock.div_euclid(SECOND)) * SECOND;
    let period = nanos(period).min(whole).max(1);
    let until = at * SECOND - clock;
    let looks = (until + period - 1).div_euclid(period).max(1);
    Wait {
        floor: Dur(looks.saturating_mul(period).unsigned_abs()),
        links: u8::try_from(looks).unwrap_or(u8::MAX),
        ..Wait::exactly(Dur(until.max(0).unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right values: `Timer.init` of oidc-client-ts looks every min(duration, 5) s and compares whole seconds.
    #[test]
    fn a_timer_fires_at_the_first_look_from_its_second_on() {
        let wait = |clock_ms: i64, at: i64| {
            let wait = until_seen(clock_ms * 1_000_000, at, Dur::from_secs(5));
            wait.of(wait.low).0 / 1_000_000
        };
        assert_eq!(wait(0, 240), 240_000, "240 s are 48 looks");
        assert_eq!(wait(0, 301), 305_000, "the look at 300 s is early");
        assert_eq!(wait(240_200, 480), 240_000, "from 240.2 s, the look at 480.2 s is the first");
        assert_eq!(wait(240_300, 241), 1_000, "a wait of one second has looks of one second");
        assert_eq!(wait(-500, 2), 3_000, "before the start: from second -1, every 3 s");
    }
}
