//! State that the tabs of one browser share.

use super::task::NONE;
use crate::client::step::TaskId;
use crate::kernel::Time;
use crate::protocol::Token;

/// State that the tabs of one browser share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Browser {
    /// The session cookie.
    pub cookie: Option<Token>,
    /// The poller that holds the cross-tab lock, or [`NONE`].
    pub lock: TaskId,
    /// The first poller that waits for the lock, or [`NONE`].
    pub lock_queue: TaskId,
    /// The instant until which the kept environment is valid, 0 for none, shifted left by two. The lower bits say
    /// whether it throttles touches on focus, and whether `navigator.onLine` is false. An instant fits 62 bits, since a
    /// run lasts 100 years at most.
    state: u64,
}

const _: () = assert!(size_of::<Browser>() == 24);
const OFFLINE: u64 = 1;
const THROTTLED: u64 = 2;

/// The environment that the client keeps in `localStorage`. A later page load uses it when /environment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeptEnvironment {
    /// Whether it throttles touches on focus.
    pub throttled: bool,
    /// Valid until this time, included; after the start of the run.
    pub until: Time,
}

impl Default for Browser {
    fn default() -> Browser {
        Browser { cookie: None, lock: NONE, lock_queue: NONE, state: 0 }
    }
}

impl Browser {
    /// Whether `navigator.onLine` is false.
    #[inline]
    pub(super) fn offline(&self) -> bool {
        self.state & OFFLINE != 0
    }

    /// Sets whether the browser is offline.
    pub(super) fn set_offline(&mut self, offline: bool) {
        self.state = self.state & !OFFLINE | u64::from(offline);
    }

    /// The kept environment, if any.
    pub(super) fn environment(&self) -> Option<KeptEnvironment> {
        let until = Time(self.state >> 2);
        (until > Time::ZERO).then_some(KeptEnvironment { throttled: self.state & THROTTLED != 0, until })
    }

    /// Replaces the kept environment.
    pub(super) fn keep_environment(&mut self, kept: KeptEnvironment) {
        let until = kept.until.0.min(u64::MAX >> 2);
        let throttled = if kept.throttled { THROTTLED } else { 0 };
        self.state = until << 2 | throttled | self.state & OFFLINE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_keeps_its_environment_and_its_being_offline_apart() {
        let mut browser = Browser::default();
        assert_eq!((browser.environment(), browser.offline()), (None, false));
        for (throttled, until) in
            [(true, Time(1)), (false, Time(2)), (true, Time::from_ms(5)), (false, Time(u64::MAX >> 2))]
        {
            for offline in [true, true, false, false, true] {
                let kept = KeptEnvironment { throttled, until };
                browser.keep_environment(kept);
                browser.set_offline(offline);
                assert_eq!((browser.environment(), browser.offline()), (Some(kept), offline));
                browser.keep_environment(kept);
                assert_eq!((browser.environment(), browser.offline()), (Some(kept), offline));
            }
        }
        browser.keep_environment(KeptEnvironment { throttled: true, until: Time::NEVER });
        let latest = KeptEnvironment { throttled: true, until: Time(u64::MAX >> 2) };
        assert_eq!(browser.environment(), Some(latest), "an instant takes 62 bits");
    }
}
