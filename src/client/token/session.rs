//! The session as a client object sees it, and the notifications of its changes.

use super::machine::Machine;
use super::pool::{Key, NONE};
use super::rules::{ExpiryClock, Place};
use super::state::{Held, News, Next};
use super::traits::Ready;
use super::words::{Fact, Storage};

/// Nanoseconds in a second.
pub(super) const SECOND: i64 = 1_000_000_000;

/// A time in nanoseconds, rounded to a whole second as JavaScript rounds: a half upwards.
pub(super) fn rounded(clock: i64) -> i64 {
    (clock + SECOND / 2).div_euclid(SECOND) * SECOND
}

impl Machine<'_> {
    /// The client's own clock, in nanoseconds since the start of the run by the server's clock.
    #[inline]
    pub(super) fn clock(&self, agent: Key) -> i64 {
        let skew = self.store.browser(self.agent(agent).browser).skew();
        // A run is shorter than 292 years.
        self.now.0.cast_signed().saturating_add(skew)
    }

    /// The remaining life of the access token by the client's clock; negative after its expiry.
    #[inline]
    pub(super) fn left(&self, agent: Key, held: Held) -> i64 {
        let clock = match self.rules.clock {
            ExpiryClock::Unknown => return i64::MAX,
            ExpiryClock::ReceiptSeconds => self.clock(agent).div_euclid(SECOND) * SECOND,
            ExpiryClock::RequestSeconds => rounded(self.clock(agent)),
            ExpiryClock::Server | ExpiryClock::Receipt | ExpiryClock::Measured => self.clock(agent),
        };
        held.until.nanoseconds().saturating_sub(clock)
    }

    /// The session that the object reads.
    #[inline]
    pub(super) fn session(&self, agent: Key) -> Option<Held> {
        match self.rules.place {
            Place::Storage => self.store.browser(self.agent(agent).browser).stored,
            Place::Copied | Place::Memory | Place::Page => self.store.copy(agent),
        }
    }

    /// Stores a refreshed session and notifies of it.
    pub(super) fn save(&mut self, agent: Key, held: Held) {
        let (browser, ready) = (self.agent(agent).browser, self.agent(agent).traits.ready());
        match self.rules.place {
            Place::Storage => {
                self.store.set_stored(browser, Some(held));
                self.fact(agent, Fact::Storage(Storage::Set));
            }
            Place::Copied => {
                let before = match ready {
                    Ready::Yes => self.store.set_stored(browser, Some(held)),
                    _ => None,
                };
                self.store.set_copy(agent, Some(held));
                if ready == Ready::Yes {
                    self.fact(agent, Fact::Storage(Storage::Set));
                    // A browser notifies other pages of a changed value only, not of the same value written again.
                    if before != Some(held) {
                        self.tell_pages(agent);
                    }
                }
            }
            Place::Memory | Place::Page => {
                // The app keeps the newest tokens for the next page.
                self.store.set_stored(browser, Some(held));
                self.store.set_copy(agent, Some(held));
            }
        }
        if self.rules.timer.is_some_and(|t| t.set_by_all) {
            self.set_alarm(agent);
        }
    }

    /// Removes the session, notifies of it, and drops a remembered failure.
    pub(super) fn sign_out(&mut self, agent: Key, status: Option<u16>) {
        let (slot, busy) = (self.agent(agent).browser, self.agent(agent).busy);
        if busy != NONE {
            self.store.busy.at_mut(busy).cool = None;
        }
        if self.session(agent).is_some() {
            self.fact(agent, Fact::SignedOut { status });
        }
        self.store.set_copy(agent, None);
        self.stop_timers(agent);
        if self.rules.place == Place::Page {
            self.store.set_stored(slot, None);
        } else if self.rules.place != Place::Memory {
            if self.store.ignores_removals {
                self.fact(agent, Fact::Storage(Storage::RemovalIgnored));
            } else if self.store.set_stored(slot, None).is_some() {
                self.fact(agent, Fact::Storage(Storage::Removed));
                self.tell_pages(agent);
            }
        }
        self.tell(agent, News::SignedOut);
    }

    /// Sends a storage event to every other page of the browser, for clients that keep their own copies.
    pub(super) fn tell_pages(&mut self, agent: Key) {
        if self.rules.place != Place::Copied {
            return;
        }
        let (page, depth) = (self.agent(agent).page, self.depth);
        let mut other = self.store.browser(self.agent(agent).browser).first;
        while other != NONE {
            let it = self.store.agents.at(other);
            let next = it.next;
            if it.page != page {
                let agent = self.store.agents.key(other);
                self.store.later.push_back(Next::Changed { agent, depth });
            }
            other = next;
        }
    }

    /// Sends an event to the object's listeners and to the browser's other objects.
    pub(super) fn tell(&mut self, agent: Key, news: News) {
        if self.agent(agent).traits.ready() == Ready::No && self.rules.place == Place::Copied {
            return;
        }
        if self.rules.broadcasts {
            self.fact(agent, Fact::Broadcast(news));
            let depth = self.depth;
            let mut other = self.store.browser(self.agent(agent).browser).first;
            while other != NONE {
                let next = self.store.agents.at(other).next;
                if other != agent.slot {
                    let agent = self.store.agents.key(other);
                    self.store.later.push_back(Next::Deliver { agent, news, depth });
                }
                other = next;
            }
        }
        self.notify(agent, news);
    }

    /// Handles an event from another object of the browser.
    pub(super) fn hear(&mut self, agent: Key, news: News, depth: u16) {
        if self.store.agents.get(agent).is_none() {
            return;
        }
        if news != News::SignedOut && self.rules.cooldown.is_some_and(|c| c.ended_by_news) {
            let slot = self.agent(agent).busy;
            if slot != NONE {
                self.store.busy.at_mut(slot).cool = None;
                self.rest(agent);
            }
        }
        self.depth = depth;
        self.notify(agent, news);
    }

    /// Calls the object's own listeners.
    pub(super) fn notify(&mut self, agent: Key, news: News) {
        let traits = self.agent(agent).traits;
        if traits.listens() {
            let session = if news == News::SignedOut { None } else { self.session(agent) };
            let asks = traits.asks_on_event();
            self.fact(agent, Fact::Event(news, session.map(|s| s.exp_s)));
            if asks {
                self.ask(agent);
            }
        }
    }
}
