//! The token cache and its background refresh (`clerk-js.md`: background refresh, expiry margin, leak).

use super::messages;
use super::page::Page;
use super::release::REFRESH_MARGIN_S;
use super::tab::Entry;
use super::task::{Caller, NONE};
use crate::client::backoff::Wait;
use crate::client::step::Action;
use crate::client::step::TaskId;
use crate::kernel::Dur;
use crate::protocol::Token;

/// The result of a cache lookup.
pub(super) enum Cached {
    /// No token: the caller has to fetch.
    Nothing,
    /// A fetch is under way, and the caller waits for it.
    Pending(TaskId),
    /// A usable token.
    Token(Token),
}

impl Page<'_> {
    fn now_s(&self) -> u32 {
        u32::try_from(self.now.whole_seconds()).unwrap_or(u32::MAX)
    }

    /// The cache entry.
    #[inline]
    fn entry(&self) -> Entry {
        match (self.rest.entry_token, self.tab.entry_task) {
            (Some(token), refresh) => Entry::Cached { token, from_s: self.tab.entry_from_s, refresh },
            (None, NONE) => Entry::Empty,
            (None, task) => Entry::Pending(task),
        }
    }

    #[inline]
    fn set_entry(&mut self, entry: Entry) {
        (self.rest.entry_token, self.tab.entry_from_s, self.tab.entry_task) = match entry {
            Entry::Empty => (None, 0, NONE),
            Entry::Pending(task) => (None, 0, task),
            Entry::Cached { token, from_s, refresh } => (Some(token), from_s, refresh),
        };
    }

    /// Looks up the token. A token that is too old is removed, and its refresh is disarmed.
    pub(super) fn cached(&mut self) -> Cached {
        match self.entry() {
            Entry::Empty => Cached::Nothing,
            Entry::Pending(fetch) => Cached::Pending(fetch),
            Entry::Cached { token, from_s, .. } => {
                let age = self.now_s().saturating_sub(from_s);
                let left = i64::from(self.setup.token_life_s) - i64::from(age);
                let margin = i64::from(self.setup.release.expiry_margin_s);
                // An entry learns its token's age only in a microtask of its own (`tokenResolver.then`).
                let usable = self.scratch.untimed
                    || left > margin
                    || (left == margin && self.setup.release.margin_is_usable);
                if usable {
                    return Cached::Token(token);
                }
                self.disarm_entry();
                self.set_entry(Entry::Empty);
                Cached::Nothing
            }
        }
    }

    fn disarm_entry(&mut self) {
        if let Entry::Cached { refresh, .. } = self.entry()
            && refresh != NONE
        {
            self.tasks.end(refresh);
        }
    }

    /// Replaces the cache entry with a token. If the token came to this tab itself, the session object that received it
    /// arms a background refresh.
    pub(super) fn cache_token(&mut self, token: Token, object: Option<u32>, broadcast: bool) {
        self.replace_entry();
        let refreshes = self.refreshing(object);
        let refresh = self.arm_refresh(refreshes, token);
        // The broadcast of a token contains its `iat` in every release (`createdAt`).
        let from_s =
            if self.setup.release.age_from_receipt && object.is_some() { self.now_s() } else { token.iat() };
        self.set_entry(Entry::Cached { token, from_s, refresh });
        // 6.40.0 drops a token without life at once, before it would broadcast the token.
        let dropped = self.setup.release.takes_late_tokens && self.life_left_s(token) == 0;
        if broadcast && !dropped {
            self.out.push(Action::Tell(messages::token(token)));
        }
    }

    /// Handles the refresh of a replaced entry: disarms it, or leaves it armed (the leak).
    fn replace_entry(&mut self) {
        if !self.setup.release.refresh_chain_leak {
            self.disarm_entry();
        }
    }

    /// Notes which session object refreshes the new entry: `object`, unless the tab lacks focus where that matters.
    /// [`NONE`] stands for no object.
    fn refreshing(&mut self, object: Option<u32>) -> u32 {
        let unfocused = self.setup.release.heeds_focus && !self.has_focus();
        let refreshes = object.filter(|_| !unfocused).unwrap_or(NONE);
        if self.setup.release.takes_late_tokens {
            self.rest.refreshes = refreshes;
        }
        refreshes
    }

    /// Remaining life of a token, in seconds, as the client counts it: `exp - floor(now)`.
    fn life_left_s(&self, token: Token) -> u32 {
        (token.iat() + self.setup.token_life_s).saturating_sub(self.now_s())
    }

    /// Arms the refresh of a token by a session object, unless `object` is [`NONE`].
    fn arm_refresh(&mut self, object: u32, token: Token) -> TaskId {
        let release = self.setup.release;
        let life_s = if release.refresh_counts_remaining_life {
            self.life_left_s(token)
        } else {
            self.setup.token_life_s
        };
        let delay_s = life_s.saturating_sub(REFRESH_MARGIN_S);
        if !release.background_refresh || delay_s == 0 || object == NONE {
            return NONE;
        }
        let id = self.tasks.start_refresh(self.id, self.tab.epoch, object);
        self.wait(id, Wait::exactly(Dur::from_secs(u64::from(delay_s))));
        id
    }

    /// Replaces the entry with a pending fetch.
    pub(super) fn cache_pending(&mut self, fetch: TaskId) {
        self.replace_entry();
        let object = self.tasks[fetch].object;
        self.refreshing(Some(object));
        self.set_entry(Entry::Pending(fetch));
    }

    /// Stores a fetched token, before any caller gets it.
    pub(super) fn cache_fetched(&mut self, fetch: TaskId, token: Token) {
        let current = self.entry() == Entry::Pending(fetch);
        if self.setup.release.takes_late_tokens {
            return self.cache_late(current, token);
        }
        let from_s = if self.setup.release.age_from_receipt {
            // The entry's `createdAt` is set when the entry is made, when the fetch begins.
            u32::try_from(self.tasks[fetch].since.whole_seconds()).unwrap_or(u32::MAX)
        } else {
            token.iat()
        };
        if !current && self.setup.release.ignores_replaced_entries() {
            return;
        }
        let refresh = self.arm_refresh(self.tasks[fetch].object, token);
        if current {
            self.set_entry(Entry::Cached { token, from_s, refresh });
        }
        self.out.push(Action::Tell(messages::token(token)));
    }

    /// Stores a fetched token as the current entry's, which may be another entry than that of the fetch
    /// ([`Release::takes_late_tokens`](super::release::Release::takes_late_tokens)). The object that refreshes the current
    /// entry refreshes the token. An entry that waits for a fetch of its own stays as it is.
    fn cache_late(&mut self, current: bool, token: Token) {
        if !current {
            let Entry::Cached { token: own, .. } = self.entry() else { return };
            if self.life_left_s(own) == 0 {
                return;
            }
            self.disarm_entry();
        }
        let refresh = self.arm_refresh(self.rest.refreshes, token);
        self.set_entry(Entry::Cached { token, from_s: token.iat(), refresh });
        self.out.push(Action::Tell(messages::token(token)));
    }

    /// `clearCache`
    pub(super) fn clear_cache(&mut self) {
        self.disarm_entry();
        self.set_entry(Entry::Empty);
    }

    /// Handles a background fetch that brought a token without content. The token replaces the entry and is dropped as
    /// unusable. The old entry's refresh stays armed if it was armed again meanwhile.
    pub(super) fn cache_empty(&mut self) {
        self.set_entry(Entry::Empty);
    }

    /// Removes the entry of a failed fetch.
    pub(super) fn cache_fetch_failed(&mut self, fetch: TaskId) {
        if self.entry() == Entry::Pending(fetch) {
            self.set_entry(Entry::Empty);
        }
    }

    /// A refresh timer is due. Only one background fetch runs at a time, and a failed one is not retried.
    pub(super) fn refresh_due(&mut self, id: TaskId) {
        let object = self.tasks.refresh_object(id);
        if let Entry::Cached { token, from_s, refresh } = self.entry()
            && refresh == id
        {
            self.set_entry(Entry::Cached { token, from_s, refresh: NONE });
        }
        self.tasks.end(id);
        if self.tab.refreshing() {
            return;
        }
        self.tab.set_refreshing(true);
        let fetch = self.start_fetch(object, 0, Caller::Background);
        self.request(fetch);
    }

    /// Another tab broadcast a token. The token replaces an older cached one. During a fetch the token waits for the
    /// fetch to end; see [`Page::weigh_heard`].
    pub(super) fn token_broadcast(&mut self, token: Token) {
        match self.cached() {
            Cached::Nothing => self.cache_token(token, None, false),
            Cached::Token(own) if own.iat() < token.iat() || self.setup.release.takes_late_tokens => {
                self.cache_token(token, None, false);
            }
            Cached::Token(_) => {}
            Cached::Pending(fetch) => {
                self.tasks[fetch].next = token.iat().saturating_add(1);
            }
        }
    }

    /// Compares a token that another tab broadcast during a fetch with the fetched token only. A newer one, or any when
    /// the fetch brought none or the release takes late tokens, replaces the current cache entry.
    pub(super) fn weigh_heard(&mut self, heard: u32, fetched: Option<Token>) {
        let Some(iat) = heard.checked_sub(1) else { return };
        if fetched.is_none_or(|fetched| fetched.iat() < iat || self.setup.release.takes_late_tokens) {
            self.cache_token(Token::known_by_iat(iat), None, false);
        }
    }
}
