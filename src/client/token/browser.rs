//! A browser's storage, and the copies that client objects make of it.
//!
//! Most copies equal what the browser stores. Such a copy takes no memory of its own.

use super::pool::{Key, NONE};
use super::state::{Held, Store};

/// A browser of one user: the storage that its tabs share.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub stored: Option<Held>,
    /// Nanoseconds by which the local clock is ahead of the server's, in two halves.
    skew: [u32; 2],
    /// First client object of the list.
    pub first: u32,
    /// The lock's number in the lower bits; all of them set for none. The upper bits are flags.
    lock: u32,
}

/// The browser's requests get no answer.
const OFFLINE: u32 = 1 << 31;
/// One of its pages has been opened.
const OPENED: u32 = 1 << 30;
/// The bits of the lock's number.
const LOCK: u32 = OPENED - 1;

impl Browser {
    pub(super) fn new(stored: Option<Held>, skew: i64) -> Browser {
        let mut browser = Browser { stored, skew: [0; 2], first: NONE, lock: LOCK };
        browser.set_skew(skew);
        browser
    }

    pub(super) fn skew(&self) -> i64 {
        (i64::from(self.skew[0].cast_signed()) << 32) | i64::from(self.skew[1])
    }

    pub(super) fn set_skew(&mut self, nanoseconds: i64) {
        self.skew = [(nanoseconds >> 32) as u32, nanoseconds as u32];
    }

    /// The lock, or [`NONE`] when no operation holds it or waits for it.
    pub(super) fn lock(&self) -> u32 {
        let lock = self.lock & LOCK;
        if lock == LOCK { NONE } else { lock }
    }

    pub(super) fn set_lock(&mut self, lock: u32) {
        self.lock = self.lock & !LOCK | lock & LOCK;
    }

    pub(super) fn is_offline(&self) -> bool {
        self.lock & OFFLINE != 0
    }

    pub(super) fn set_offline(&mut self, offline: bool) {
        self.lock = self.lock & !OFFLINE | if offline { OFFLINE } else { 0 };
    }

    /// Whether one of its pages has been opened before; marks it as opened.
    pub(super) fn open(&mut self) -> bool {
        let before = self.lock & OPENED != 0;
        self.lock |= OPENED;
        before
    }
}

/// A client object's own copy of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied(u32);

impl Copied {
    /// No session.
    pub(super) const NONE: Copied = Copied(u32::MAX);
    /// The session that the browser stores.
    const AS_STORED: Copied = Copied(u32::MAX - 1);
}

impl Store {
    /// A client object's own copy of the session.
    #[inline]
    pub(super) fn copy(&self, agent: Key) -> Option<Held> {
        let it = self.agents.at(agent.slot);
        match it.copy {
            Copied::NONE => None,
            Copied::AS_STORED => self.browser(it.browser).stored,
            Copied(slot) => Some(*self.copies.at(slot)),
        }
    }

    /// Changes a client object's own copy of the session.
    pub(super) fn set_copy(&mut self, agent: Key, held: Option<Held>) {
        let (old, browser) = (self.agents.at(agent.slot).copy, self.agents.at(agent.slot).browser);
        if !matches!(old, Copied::NONE | Copied::AS_STORED) {
            self.copies.free(old.0);
        }
        let copy = match held {
            None => Copied::NONE,
            Some(_) if held == self.browser(browser).stored => Copied::AS_STORED,
            Some(held) => Copied(self.copies.insert(held).slot),
        };
        self.agents.at_mut(agent.slot).copy = copy;
    }

    /// Changes the session in a browser's storage, and returns the old one. Copies stay as they are.
    pub(super) fn set_stored(&mut self, browser: u32, held: Option<Held>) -> Option<Held> {
        let old = self.browser(browser).stored;
        if old == held {
            return old;
        }
        if let Some(old) = old {
            let mut next = self.browser(browser).first;
            while next != NONE {
                if self.agents.at(next).copy == Copied::AS_STORED {
                    self.agents.at_mut(next).copy = Copied(self.copies.insert(old).slot);
                }
                next = self.agents.at(next).next;
            }
        }
        self.browser_mut(browser).stored = held;
        self.replaced.get_or_insert(old);
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_keeps_its_lock_its_clock_and_its_flags() {
        for skew in [0, 1, -1, 3_155_760_000_000_000_000, -3_155_760_000_000_000_000, 1 << 32, -(1 << 32)] {
            let mut browser = Browser::new(None, skew);
            assert_eq!((browser.skew(), browser.lock(), browser.is_offline()), (skew, NONE, false));
            assert!(!browser.open());
            browser.set_lock(7);
            browser.set_offline(true);
            assert_eq!((browser.skew(), browser.lock(), browser.is_offline()), (skew, 7, true));
            browser.set_lock(NONE);
            browser.set_offline(false);
            assert_eq!((browser.lock(), browser.is_offline(), browser.open()), (NONE, false, true));
        }
    }
}
