//! Final states of the tabs of a replay.

use super::recording::State;
use super::replay::Replay;
use crate::client::token::{ExpiryClockSpec, Held, Key, Place};
use crate::kernel::Time;

impl Replay<'_> {
    /// When the SDK considers the token expired, in whole seconds of true time, rounded as in the recordings.
    pub(super) fn known_expiry(&self, held: Held) -> u64 {
        let until = held.until.nanoseconds() - self.config.client_skew_ms * 1_000_000;
        match self.profile.session.expiry_clock {
            _ if self.rules.place == Place::Storage
                && self.profile.session.expiry_clock == ExpiryClockSpec::Receipt =>
            {
                u64::from(held.exp_s)
            }
            ExpiryClockSpec::Server | ExpiryClockSpec::Unknown | ExpiryClockSpec::Measured => {
                u64::from(held.exp_s)
            }
            ExpiryClockSpec::ReceiptSeconds | ExpiryClockSpec::RequestSeconds => {
                held.until.nanoseconds().max(0).unsigned_abs() / 1_000_000_000
            }
            ExpiryClockSpec::Receipt => (until.max(0).unsigned_abs() + 500_000_000) / 1_000_000_000,
        }
    }

    /// The expiry of a session as the SDK tells it: `exp` of its token, or the time of its own that it gives to callers.
    pub(super) fn told_expiry(&self, agent: Key, exp: u32) -> u64 {
        match self.store.held(agent, self.rules.place).filter(|_| self.profile.caller.gets_expiry) {
            Some(held) => self.known_expiry(held),
            None => u64::from(exp),
        }
    }

    pub(super) fn finish(&mut self) {
        self.now = Time::from_ms(self.config.duration_ms);
        for tab in 0..self.pages.len() {
            let given = self.pages[tab].given;
            let held = match self.pages[tab].objects.first() {
                Some(first) => self.store.held(*first, self.rules.place),
                None => self.store.stored(self.browser),
            };
            let load = self.pages[tab].load;
            let tab = u32::try_from(tab).unwrap_or(u32::MAX);
            let open = self.calls.values().filter(|c| c.tab == tab && c.load == load).count();
            self.out.last.push(State {
                tab,
                signed_in: held.is_some(),
                // A session that a page cannot read without a request is known by what its calls got.
                token_exp: match self.reads_after_discovery() {
                    true => given,
                    false => held.map(|h| self.known_expiry(h)),
                },
                outstanding_calls: open,
            });
        }
    }
}
