//! `getToken`: the token cache, the shared fetch, the background refresh, the back-off.

use super::answer::{Answer, delay, listed, obeying};
use super::clock::{Gone, Promise};
use super::draws::Waits;
use super::endpoints::TOKENS;
use super::log::Token;
use super::page::{Ask, Page, Session};
use super::world::Fails;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What a fetch of a token comes to; offline, older releases take an empty answer for a token without content.
type Fetched = Promise<Fails<Option<Token>>>;

/// An entry of the token cache. Its age is known when its token is.
pub(super) struct Entry {
    token: Fetched,
    /// When its age begins, in seconds.
    created: Cell<u64>,
    /// It has a token with a life.
    lives: Cell<bool>,
    /// The token that it has, in the newest releases also one that came later (`resolvedToken`).
    has: Cell<Option<Token>>,
    /// The session object that refreshes it (`onRefresh`).
    refresher: Option<Rc<Session>>,
    /// Says that its end was called off, because a later token has come.
    ends: RefCell<Option<Gone>>,
    /// Says that its refresh was called off.
    refresh: RefCell<Option<Gone>>,
}

/// Who asks for a token.
#[derive(Clone, Copy)]
pub(super) struct Asks {
    pub skips_cache: bool,
    pub depth: u32,
    pub ordinal: u64,
    /// No failed answer caused it.
    pub first: bool,
}

impl Asks {
    pub(super) const PLAIN: Asks = Asks { skips_cache: false, depth: 0, ordinal: 0, first: true };
}

impl Page {
    fn life_s(&self) -> u64 {
        self.world.scenario.backend.token_life.0 / 1_000_000_000
    }

    /// 5.125.3 counts a token's age from its receipt, 6.x from its `iat` (`clerk-js.md`, finding 9).
    fn is_old_line(&self) -> bool {
        self.is("clerk-js-5.125.3")
    }

    /// 6.0.0 and 6.1.0 leave the refresh of a replaced entry armed (`clerk-js.md`, finding 8).
    fn leaks(&self) -> bool {
        self.is("clerk-js-6.0.0") || self.is("clerk-js-6.1.0")
    }

    /// From 6.1.0 on an empty answer is a network error.
    fn minds_empty_answers(&self) -> bool {
        !self.is_old_line() && !self.is("clerk-js-6.0.0")
    }

    /// From 6.1.0 on an offline `getToken` sends nothing; after 6.34.1 it does again.
    fn is_silent_offline(&self) -> bool {
        self.minds_empty_answers() && !self.is_newest()
    }

    /// The entry of the cache, unless its token has too little life left: 5 s or less in 6.x, less than 15 s in 5.125.3.
    fn cached(&self) -> Option<Rc<Entry>> {
        let entry = self.cache.borrow().clone()?;
        if !entry.lives.get() {
            return Some(entry);
        }
        let ends = entry.created.get() + self.life_s();
        let left = ends.saturating_sub(self.now_s());
        let usable = if self.is_old_line() { left >= 15 } else { left > 5 };
        if !usable {
            self.forgets(&entry);
            return None;
        }
        Some(entry)
    }

    fn is_cached(&self, entry: &Rc<Entry>) -> bool {
        self.cache.borrow().as_ref().is_some_and(|cached| Rc::ptr_eq(cached, entry))
    }

    /// The entry goes, if it is still there, and with it its refresh.
    fn forgets(&self, entry: &Rc<Entry>) {
        if self.is_cached(entry) {
            entry.calls_refresh_off();
            self.cache.replace(None);
        }
    }

    /// Puts a token, or the promise of one, into the cache. `of` is the session object that refreshes it; a token that
    /// another tab made known has none, and is not made known again.
    pub(super) fn remembers(self: &Rc<Page>, token: Fetched, of: Option<Rc<Session>>, tells: bool) {
        // From 6.25.9 on nothing refreshes what a page without focus remembers.
        let of = of.filter(|_| !self.is_newest() || self.has_focus());
        let entry = Rc::new(Entry {
            token,
            created: Cell::new(self.now_s()),
            lives: Cell::default(),
            has: Cell::default(),
            refresher: of.clone(),
            ends: RefCell::default(),
            refresh: RefCell::default(),
        });
        let before = self.cache.replace(Some(Rc::clone(&entry)));
        if let Some(before) = before
            && !self.leaks()
        {
            before.calls_refresh_off();
        }
        let page = Rc::clone(self);
        self.spawn(async move {
            if page.is_newest() {
                page.learns_late(entry, tells).await;
            } else {
                page.learns(entry, of, tells).await;
            }
        });
    }

    /// As [`Page::learns`], in the newest releases: the token goes to the entry that is there by then, unless that one
    /// waits for a token of its own. Its life counts from now.
    async fn learns_late(self: Rc<Page>, entry: Rc<Entry>, tells: bool) {
        if entry.token.is_known() {
            self.world.clock.turn().await;
        }
        let token = entry.token.clone().await;
        let Ok(Some(token)) = token else { return self.forgets(&entry) };
        let here = self.cache.borrow().clone();
        let Some(here) = here else { return };
        if !Rc::ptr_eq(&here, &entry) && here.has.get().is_none() {
            return;
        }
        here.calls_off();
        here.has.set(Some(token));
        here.created.set(token.iat);
        here.lives.set(true);
        let left = (token.iat + self.life_s()).saturating_sub(self.now_s());
        if left == 0 {
            return self.forgets(&here);
        }
        let flag = Gone::default();
        here.ends.replace(Some(Rc::clone(&flag)));
        let (page, forgotten) = (Rc::clone(&self), Rc::clone(&here));
        self.later(left, move || {
            if !flag.get() {
                page.forgets(&forgotten);
            }
        });
        if let Some(session) = here.refresher.clone()
            && left > 17
        {
            let flag = Gone::default();
            here.refresh.replace(Some(Rc::clone(&flag)));
            let page = Rc::clone(&self);
            self.later(left - 17, move || {
                if !flag.get() {
                    page.refreshes(session);
                }
            });
        }
        if tells {
            self.tells_token(token);
        }
    }

    /// `clearCache`
    pub(super) fn forgets_all(&self) {
        let here = self.cache.borrow().clone();
        if let Some(here) = here {
            here.calls_off();
            self.forgets(&here);
        }
    }

    /// The token of an entry becomes known, in a task of its own: who asks before has it without an age.
    async fn learns(self: Rc<Page>, entry: Rc<Entry>, of: Option<Rc<Session>>, tells: bool) {
        if entry.token.is_known() {
            self.world.clock.turn().await;
        }
        let token = entry.token.clone().await;
        if !self.leaks() && !self.is_old_line() && !self.is_cached(&entry) {
            return;
        }
        let Ok(Some(token)) = token else { return self.forgets(&entry) };
        // What another tab made known is as old as it says, in every release.
        if !self.is_old_line() || of.is_none() {
            entry.created.set(token.iat);
        }
        entry.lives.set(true);
        let life = self.life_s();
        let (page, forgotten) = (Rc::clone(&self), Rc::clone(&entry));
        self.later(life, move || page.forgets(&forgotten));
        if let Some(session) = of
            && !self.is_old_line()
            && life > 17
        {
            let flag = Gone::default();
            entry.refresh.replace(Some(Rc::clone(&flag)));
            let page = Rc::clone(&self);
            self.later(life - 17, move || {
                if !flag.get() {
                    page.refreshes(session);
                }
            });
        }
        if tells {
            self.tells_token(token);
        }
    }

    /// After so many seconds, unless the page is gone.
    fn later(&self, seconds: u64, act: impl FnOnce() + 'static) {
        let gone = Rc::clone(&self.gone);
        self.world.clock.after(seconds * 1_000_000_000, move || {
            if !gone.get() {
                act();
            }
        });
    }

    /// The browser's other tabs hear of a token.
    fn tells_token(&self, token: Token) {
        for other in self.user().open_pages() {
            if other.tab != self.tab {
                let page = Rc::clone(&other);
                self.world.clock.at_once(move || page.hears_of_token(token));
            }
        }
    }

    /// Another tab has made a token known: it is taken when it is newer than what is here, in the newest releases always.
    fn hears_of_token(self: Rc<Page>, token: Token) {
        let page = Rc::clone(&self);
        self.spawn(async move {
            if let Some(entry) = page.cached() {
                let here = entry.token.clone().await;
                if let Ok(Some(here)) = here
                    && here.iat >= token.iat
                    && !page.is_newest()
                {
                    return;
                }
            }
            page.remembers(Promise::known(Ok(Some(token))), None, false);
        });
    }

    /// The background refresh: once, a failure is not retried, one at a time.
    fn refreshes(self: Rc<Page>, session: Rc<Session>) {
        if self.refreshing.replace(true) {
            return;
        }
        let page = Rc::clone(&self);
        self.spawn(async move {
            let fetched = page.fetches_token(&session, Asks::PLAIN).await;
            page.refreshing.set(false);
            if let Ok(token) = fetched {
                page.remembers(Promise::known(Ok(token)), Some(Rc::clone(&session)), true);
                page.dispatches(&session, token, 0);
            }
        });
    }

    /// A fetched token is written to the cookie and to its session object; without content, the cookie goes.
    fn dispatches(self: &Rc<Page>, session: &Session, token: Option<Token>, depth: u32) {
        self.set_cookie(token);
        if token.is_some() {
            session.last.set(token);
            self.emits(depth);
        }
    }

    /// POST /tokens; asked for an expired token, once more with the one that the session object had.
    async fn fetches_token(self: &Rc<Page>, session: &Rc<Session>, asks: Asks) -> Fails<Option<Token>> {
        let ask = Ask {
            endpoint: TOKENS,
            depth: asks.depth,
            ordinal: asks.ordinal,
            first: asks.first,
            waits: Waits::GetToken,
        };
        let had = session.last.get().is_some();
        let mut answer = self.fetch(ask).await;
        if let Err(Answer::Status { status: 422, code: Some(code), .. }) = &answer
            && **code == *"missing_expired_token"
            && had
        {
            answer = self.fetch(Ask { first: false, ..ask }).await;
        }
        let fetched = match answer {
            Ok(Answer::Ok { token, .. }) => Ok(token),
            Ok(_) if self.minds_empty_answers() => Err(Answer::Network),
            Ok(_) => Ok(None),
            Err(answer) => Err(answer),
        };
        let breaker = self.world.policy(self.user).circuit_breaker.as_ref();
        let ok = matches!(fetched, Ok(Some(_)));
        self.user().retries.borrow_mut().call_ended(breaker, ok, self.now());
        fetched
    }

    /// One attempt: from the cache, from a fetch under way, or from a fetch of its own.
    async fn attempts(self: &Rc<Page>, session: &Rc<Session>, asks: Asks) -> Fails<Option<Token>> {
        if !asks.skips_cache
            && let Some(entry) = self.cached()
        {
            let token = match entry.has.get() {
                Some(token) => Some(token),
                None => entry.token.clone().await?,
            };
            self.set_cookie(token);
            return Ok(token);
        }
        if self.offline() && self.is_silent_offline() {
            return Err(Answer::Network);
        }
        let breaker = self.world.policy(self.user).circuit_breaker.as_ref();
        if !self.user().retries.borrow_mut().lets_through(breaker, self.now()) {
            return Err(Answer::Network);
        }
        let fetched: Fetched = Promise::new();
        self.remembers(fetched.clone(), Some(Rc::clone(session)), true);
        let (page, object, promise) = (Rc::clone(self), Rc::clone(session), fetched.clone());
        self.spawn(async move {
            let token = page.fetches_token(&object, asks).await;
            promise.resolve(token);
        });
        // Who began the fetch goes on after those who share it.
        let fetched = fetched.await;
        if let Ok(token) = fetched {
            self.dispatches(session, token, asks.depth);
        }
        self.world.clock.turn().await;
        fetched
    }

    /// `getToken`: attempts with back-off (`clerk-js.md`, getToken retry).
    pub(super) async fn gets_token(
        self: &Rc<Page>,
        session: &Rc<Session>,
        asks: Asks,
    ) -> Fails<Option<Token>> {
        let policy = self.world.policy(self.user);
        let retry = &policy.retry;
        self.user().retries.borrow_mut().first_attempt(policy.retry_budget.as_ref());
        let (mut n, mut waited) = (0u64, 0);
        loop {
            let attempt = Asks { first: asks.first && n == 0, ..asks };
            let attempted = self.attempts(session, attempt).await;
            let offline = self.offline() && !self.is_old_line();
            let answer = match attempted {
                // From 6.0.0 on nothing at all, offline, is an error of its own.
                Ok(None) if offline => return Err(Answer::Offline),
                Ok(token) => return Ok(token),
                Err(answer) => answer,
            };
            n += 1;
            let most = if offline { retry.offline_retries } else { retry.retries };
            let again = listed(&retry.on, &answer)
                && n <= u64::from(most)
                && self.user().retries.borrow_mut().grants(policy, self.now());
            if !again {
                // The newest releases keep an HTTP answer.
                let kept = self.is_newest() && matches!(answer, Answer::Status { .. });
                return Err(if offline && !kept { Answer::Offline } else { answer });
            }
            let between = |bounds| self.waits(Waits::GetToken, asks.ordinal, bounds);
            waited = obeying(retry, delay(retry, n, waited, between), &answer);
            self.world.clock.sleep(waited).await;
        }
    }
}

impl Entry {
    fn calls_off(&self) {
        self.calls_refresh_off();
        if let Some(flag) = &*self.ends.borrow() {
            flag.set(true);
        }
    }

    fn calls_refresh_off(&self) {
        if let Some(flag) = &*self.refresh.borrow() {
            flag.set(true);
        }
    }
}
