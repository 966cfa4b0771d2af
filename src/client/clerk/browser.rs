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
    /// The instant until which the kept environment is valid, rounded up to 256 ns and 0 for none (the client itself
    /// counts it in milliseconds), and below it [`LOW`] bits: see the constants.
    state: u64,
}

const _: () = assert!(size_of::<Browser>() == 24);
/// `navigator.onLine` is false.
const OFFLINE: u64 = 1;
/// The kept environment throttles touches on focus.
const THROTTLED: u64 = 2;
/// The cookie of the active context names the session: see [`Browser::names_session`].
const CONTEXT: u64 = 4;
/// The place of the number of the tab that has focus, plus one; 0 for no tab.
const FOCUS: u32 = 3;
/// Bits of that number. A browser has at most 16 tabs.
const FOCUS_MASK: u64 = 31 << FOCUS;
/// Bits below the instant.
const LOW: u32 = 8;

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
        let until = Time(self.state >> LOW << LOW);
        (until > Time::ZERO).then_some(KeptEnvironment { throttled: self.state & THROTTLED != 0, until })
    }

    /// Replaces the kept environment.
    pub(super) fn keep_environment(&mut self, kept: KeptEnvironment) {
        let throttled = if kept.throttled { THROTTLED } else { 0 };
        let others = self.state & ((1 << LOW) - 1) & !THROTTLED;
        let until = kept.until.0.div_ceil(1 << LOW);
        self.state = until << LOW | throttled | others;
    }

    /// Whether the cookie of the active context names the session (`clerk_active_context`). A tab without focus writes
    /// the session cookie only if that cookie is absent or names the tab's own session.
    #[inline]
    pub(super) fn names_session(&self) -> bool {
        self.state & CONTEXT != 0
    }

    /// Writes or removes the cookie of the active context.
    #[inline]
    pub(super) fn name_session(&mut self, named: bool) {
        self.state = self.state & !CONTEXT | if named { CONTEXT } else { 0 };
    }

    /// The tab that has focus, by its number within the browser.
    pub(super) fn focus(&self) -> Option<u32> {
        ((self.state & FOCUS_MASK) >> FOCUS).checked_sub(1).map(|tab| tab as u32)
    }

    /// Gives focus to a tab, or to none.
    pub(super) fn set_focus(&mut self, tab: Option<u32>) {
        let number = tab.map_or(0, |tab| u64::from(tab) + 1);
        self.state = self.state & !FOCUS_MASK | number << FOCUS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_keeps_its_parts_apart() {
        let mut browser = Browser::default();
        assert_eq!((browser.environment(), browser.offline()), (None, false));
        assert_eq!((browser.names_session(), browser.focus()), (false, None));
        for (throttled, until) in [
            (true, Time(256)),
            (false, Time(512)),
            (true, Time::from_ms(32)),
            (false, Time(u64::MAX >> 8 << 8)),
        ] {
            for (offline, named, focus) in [
                (true, true, Some(15)),
                (true, false, None),
                (false, true, Some(0)),
                (false, false, Some(7)),
                (true, true, None),
            ] {
                let kept = KeptEnvironment { throttled, until };
                let parts = |browser: &Browser| {
                    (browser.environment(), browser.offline(), browser.names_session(), browser.focus())
                };
                browser.keep_environment(kept);
                browser.set_offline(offline);
                browser.name_session(named);
                browser.set_focus(focus);
                assert_eq!(parts(&browser), (Some(kept), offline, named, focus));
                browser.keep_environment(kept);
                assert_eq!(parts(&browser), (Some(kept), offline, named, focus));
            }
        }
    }
}
