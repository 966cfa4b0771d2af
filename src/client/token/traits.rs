//! What is true of a client object, in one byte.

use super::words::Opening;
use std::num::NonZeroU8;

/// Whether a client object has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    No,
    Yes,
    /// The load failed because its lock was stolen. Every caller gets an error.
    Broken,
}

/// What is true of a client object. One bit is always set, so that a free place of an object takes no byte more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits(NonZeroU8);

const LOADED: u8 = 1;
const BROKEN: u8 = 1 << 1;
const VISIBLE: u8 = 1 << 2;
const AUTO: u8 = 1 << 3;
const LISTENS: u8 = 1 << 4;
const ASKS_ON_EVENT: u8 = 1 << 5;
const REFRESHES_ON_EXPIRY: u8 = 1 << 6;
const ALWAYS: NonZeroU8 = NonZeroU8::new(1 << 7).expect("a bit is set");

impl Traits {
    /// Those of an object that begins to load.
    pub(super) fn new(how: &Opening) -> Traits {
        let mut traits = Traits(ALWAYS);
        for (bit, on) in [
            (VISIBLE, how.visible),
            (AUTO, how.auto),
            (LISTENS, how.listens),
            (ASKS_ON_EVENT, how.asks_on_event),
            (REFRESHES_ON_EXPIRY, how.refreshes_on_expiry),
        ] {
            traits.set(bit, on);
        }
        traits
    }

    fn has(self, bit: u8) -> bool {
        self.0.get() & bit != 0
    }

    fn set(&mut self, bit: u8, on: bool) {
        self.0 = ALWAYS | (self.0.get() & !bit) | if on { bit } else { 0 };
    }

    pub(super) fn ready(self) -> Ready {
        match (self.has(LOADED), self.has(BROKEN)) {
            (false, false) => Ready::No,
            (true, _) => Ready::Yes,
            (false, true) => Ready::Broken,
        }
    }

    pub(super) fn set_ready(&mut self, ready: Ready) {
        self.set(LOADED, ready == Ready::Yes);
        self.set(BROKEN, ready == Ready::Broken);
    }

    pub(super) fn is_visible(self) -> bool {
        self.has(VISIBLE)
    }

    pub(super) fn set_visible(&mut self, visible: bool) {
        self.set(VISIBLE, visible);
    }

    /// The object refreshes by itself.
    pub(super) fn is_auto(self) -> bool {
        self.has(AUTO)
    }

    /// The app listens to its events.
    pub(super) fn listens(self) -> bool {
        self.has(LISTENS)
    }

    /// Changes whether the app listens, and returns whether it did.
    pub(super) fn listen(&mut self, listens: bool) -> bool {
        let before = self.listens();
        self.set(LISTENS, listens);
        before
    }

    /// The app asks for a token on each event.
    pub(super) fn asks_on_event(self) -> bool {
        self.has(ASKS_ON_EVENT)
    }

    /// The app refreshes the session, like a caller, when the SDK tells it that the token has expired.
    pub(super) fn refreshes_on_expiry(self) -> bool {
        self.has(REFRESHES_ON_EXPIRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trait_stands_for_itself() {
        let opening = Opening {
            page: 0,
            visible: false,
            auto: true,
            listens: true,
            asks_on_event: false,
            refreshes_on_expiry: true,
            asks: 0,
        };
        let mut traits = Traits::new(&opening);
        for ready in [Ready::No, Ready::Yes, Ready::Broken, Ready::No] {
            traits.set_ready(ready);
            assert_eq!(traits.ready(), ready);
            assert!(!traits.is_visible() && traits.is_auto() && traits.listens());
            assert!(!traits.asks_on_event() && traits.refreshes_on_expiry());
        }
        assert!(traits.listen(false) && !traits.listen(true) && traits.listens());
        traits.set_visible(true);
        assert!(traits.is_visible() && traits.is_auto());
    }
}
