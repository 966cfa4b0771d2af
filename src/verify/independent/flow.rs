//! The unauthenticated flow, `setActive`, touches.

use super::answer::Answer;
use super::clock::Promise;
use super::draws::Waits;
use super::endpoints::{CLIENT, TOUCH};
use super::page::{Ask, Page, Session, Status};
use super::token::Asks;
use super::world::Fails;
use crate::backend::UpdatedAt;
use crate::client::policy::TouchErrors;
use std::rc::Rc;

/// Rounds of the documented flow when the scenario does not say: more than the "30+ rounds in 11 seconds" of the
/// documented cascade.
const ROUNDS: u32 = 40;

impl Page {
    /// `handleUnauthenticated`. Without a session it has nothing to do.
    pub(super) fn enters_flow(self: &Rc<Page>, tells: bool, depth: u32) -> Promise<Fails<()>> {
        self.enters_round(tells, depth, 1)
    }

    fn enters_round(self: &Rc<Page>, tells: bool, depth: u32, round: u32) -> Promise<Fails<()>> {
        self.flows.set(self.flows.get() + 1);
        let active = self.client.get() && self.session.borrow().is_some();
        self.write(format!("call {} of the flow, {active}", self.flows.get()));
        if !active {
            // The others that hear of the same failure come before it settles.
            let (page, promise) = (Rc::clone(self), Promise::new());
            let settles = promise.clone();
            self.spawn(async move {
                page.world.clock.turn().await;
                page.flows.set(page.flows.get() - 1);
                settles.resolve(Ok(()));
            });
            return promise;
        }
        self.counts_entry(depth);
        let promise = Promise::new();
        let (page, settles) = (Rc::clone(self), promise.clone());
        self.spawn(async move {
            let ends = if page.is_documented() {
                page.touches_to_recover(tells, depth, round).await
            } else {
                page.asks_who_is_here(tells, depth).await
            };
            page.flows.set(page.flows.get() - 1);
            settles.resolve(ends);
        });
        promise
    }

    fn counts_entry(&self, depth: u32) {
        let user = self.user();
        user.entries.set(user.entries.get() + 1);
        user.depth.set(user.depth.get().max(depth));
        self.write(format!("enters the flow, depth {depth}"));
    }

    /// The measured flow (`clerk-js.md`, "The unauthenticated flow").
    async fn asks_who_is_here(self: &Rc<Page>, tells: bool, depth: u32) -> Fails<()> {
        let ask = Ask { endpoint: CLIENT, depth, ordinal: 0, first: false, waits: Waits::Flow };
        match self.fetch(ask).await {
            Ok(Answer::Ok { token, listed }) => {
                self.has_resource(listed, token);
                self.world.clock.turn().await;
                self.takes_client(true, depth);
            }
            // An answer of nothing leaves the client as it is.
            Ok(_) => self.takes_client(true, depth),
            Err(answer) if answer.is(403) || answer.is(500) => {
                self.signs_out(depth);
                return Ok(());
            }
            Err(answer) => return Err(answer),
        }
        if self.session.borrow().is_none() {
            if tells {
                self.tells_sign_out();
            }
            self.signs_out(depth);
        }
        Ok(())
    }

    /// The documented flow touches the session to recover it; an answer that the policy takes for a lost session starts it
    /// again, until the user is sent to the sign-in page (`clerk-js.md`, "The documented cascade"). 401 and 422 say that the
    /// session is lost, whatever the policy. Any other failure ends the flow.
    async fn touches_to_recover(self: &Rc<Page>, tells: bool, depth: u32, round: u32) -> Fails<()> {
        let ask = Ask { endpoint: TOUCH, depth, ordinal: 0, first: false, waits: Waits::Flow };
        let lost = match self.fetch(ask).await {
            Ok(Answer::Ok { token, listed }) => {
                self.has_resource(listed, token);
                self.world.clock.turn().await;
                self.takes_client(true, depth);
                self.session.borrow().is_none()
            }
            Ok(_) => {
                self.takes_client(true, depth);
                self.session.borrow().is_none()
            }
            Err(answer) if answer.is(401) || answer.is(422) => true,
            Err(answer) if self.enters(&answer) => {
                let rounds = self.world.cohort(self.user).client.max_rounds.unwrap_or(ROUNDS);
                if round < rounds {
                    let _ = self.enters_round(true, depth + 1, round + 1).await;
                }
                round >= rounds
            }
            Err(_) => false,
        };
        if lost {
            if tells {
                self.tells_sign_out();
            }
            self.signs_out(depth);
        }
        Ok(())
    }

    fn tells_sign_out(&self) {
        self.removes_cookies();
        for other in self.user().open_pages() {
            if other.tab != self.tab {
                let page = Rc::clone(&other);
                self.world.clock.at_once(move || {
                    if !page.gone.get() {
                        page.enters_flow(false, 1);
                    }
                });
            }
        }
    }

    /// `setActive({ session: null })`: the user sees the sign-in page.
    pub(super) fn signs_out(self: &Rc<Page>, depth: u32) {
        self.set_cookie(None);
        self.set_session(None);
        self.emits(depth);
    }

    /// POST /touch of a session object.
    async fn touches(self: &Rc<Page>, session: &Session, depth: u32, emits: bool, focus: bool) -> Fails<()> {
        let first = depth == 0;
        let ask = Ask { endpoint: TOUCH, depth, ordinal: 0, first, waits: Waits::GetToken };
        match self.fetch(ask).await? {
            Answer::Ok { token, listed } => {
                if focus && !self.world.scenario.backend.focus_touch_with_client {
                    self.next_update();
                } else {
                    self.has_resource(listed, token);
                    self.takes_client(emits, depth);
                }
                session.last.set(token);
                if listed && self.world.scenario.backend.session_updated_at == UpdatedAt::Moving {
                    session.updated.set(self.answers.get());
                }
            }
            _ if !emits => return Ok(()),
            _ => {}
        }
        if session.last.get().is_some() {
            self.set_cookie(session.last.get());
        }
        self.world.clock.turn().await;
        Ok(())
    }

    /// `#touchCurrentSession`: what the policy does not take for a lost session is swallowed or thrown.
    async fn touches_current(self: &Rc<Page>, session: &Session, depth: u32, focus: bool) -> Fails<()> {
        match self.touches(session, depth, true, focus).await {
            Ok(()) => Ok(()),
            Err(answer) if self.enters(&answer) => {
                self.enters_flow(true, depth + 1);
                Ok(())
            }
            Err(answer) => match self.world.policy(self.user).touch_errors {
                TouchErrors::Surface => Err(answer),
                TouchErrors::Swallow => Ok(()),
            },
        }
    }

    /// The tab gains focus: a `getToken` outside the poller's lock, and a touch at most once in 5 s.
    pub(super) fn gains_focus(self: &Rc<Page>) {
        self.takes_focus();
        let page = Rc::clone(self);
        self.spawn(async move { page.refreshes_session_token(true).await });
        let Some(session) = self.current() else { return };
        let now = self.now();
        if !self.multi_session.get() && self.touched_until.get() > now {
            return;
        }
        self.touched_until.set(now + 5_000_000_000);
        let page = Rc::clone(self);
        self.spawn(async move {
            if let Err(answer) = page.touches_current(&session, 0, true).await
                && !page.is_newest()
            {
                page.write("app error");
                page.world.rejected.borrow_mut().push((page.now(), page.tab, answer));
            }
        });
    }

    pub(super) fn takes_focus(&self) {
        self.user().focus.set(Some(self.tab - self.user * self.world.tabs_per_user));
    }

    pub(super) fn loses_focus(&self) {
        if self.user().focus.get() == Some(self.tab - self.user * self.world.tabs_per_user) {
            self.user().focus.set(None);
        }
    }

    /// `refreshSessionToken`, of the poller and of a focus.
    pub(super) async fn refreshes_session_token(self: &Rc<Page>, focus: bool) {
        let Some(session) = self.current() else { return };
        match self.gets_token(&session, Asks::PLAIN).await {
            Ok(token) if focus => self.set_cookie(token),
            Ok(_) => {}
            Err(answer) if self.enters(&answer) => {
                self.enters_flow(true, 1);
            }
            Err(_) => self.set_status(Status::Degraded),
        }
    }

    /// `setActive` with a session object.
    async fn sets_active(
        self: &Rc<Page>,
        session: Option<Rc<Session>>,
        navigates: bool,
        depth: u32,
    ) -> Fails<()> {
        // A hook of the app's is awaited first.
        self.world.clock.turn().await;
        let mut session = session;
        if let Some(object) = session.clone().filter(|_| self.has_focus()) {
            if navigates && !self.is("clerk-js-5.125.3") {
                if let Err(answer) = self.touches(&object, depth, false, false).await {
                    if !self.enters(&answer) {
                        return Err(answer);
                    }
                    self.enters_flow(true, depth + 1);
                }
            } else {
                self.touches_current(&object, depth, false).await?;
            }
            session = self.listed.borrow().clone();
        }
        let asks = Asks { depth, first: depth == 0, ..Asks::PLAIN };
        let token = match &session {
            Some(session) => self.gets_token(session, asks).await,
            None => Ok(None),
        };
        match token {
            Ok(Some(_)) | Err(Answer::Offline) => {}
            Ok(None) => self.set_cookie(None),
            Err(answer) => return Err(answer),
        }
        if navigates {
            self.told.replace(None);
        }
        self.set_session(session);
        self.emits(depth);
        Ok(())
    }

    /// App code calls `setActive`.
    pub(super) fn app_sets_active(
        self: &Rc<Page>,
        session: Option<Rc<Session>>,
        navigates: bool,
        depth: u32,
    ) {
        if !self.client.get() {
            return self.write("app error");
        }
        if self.session.borrow().is_none() {
            // `setActive({ session: null })` has nothing to touch.
            return self.set_cookie(None);
        }
        let (page, began) = (Rc::clone(self), self.app_asks());
        self.spawn(async move {
            let ends = page.sets_active(session, navigates, depth).await;
            page.app_hears(began, ends.is_ok());
        });
    }

    /// App code calls `setActive({ session: null })`.
    pub(super) fn app_sets_none_active(self: &Rc<Page>, navigates: bool) {
        if !self.client.get() {
            return self.write("app error");
        }
        if navigates {
            self.told.replace(None);
        }
        self.signs_out(0);
    }

    /// App code calls `getToken`.
    pub(super) fn app_gets_token(
        self: &Rc<Page>,
        session: Rc<Session>,
        skips_cache: bool,
        depth: u32,
        ordinal: u64,
    ) {
        let (page, began) = (Rc::clone(self), self.app_asks());
        self.spawn(async move {
            let asks = Asks { skips_cache, depth, ordinal, first: depth == 0 };
            let ends = page.gets_token(&session, asks).await;
            page.app_hears(began, ends.is_ok());
        });
    }

    /// App code waits from now on.
    fn app_asks(&self) -> u64 {
        self.app_calls.set(self.app_calls.get() + 1);
        self.write("app asks");
        self.now()
    }

    fn app_hears(&self, began: u64, ok: bool) {
        self.app_calls.set(self.app_calls.get() - 1);
        self.write(format!("app waited {}", self.now() - began));
        if !ok {
            self.write("app error");
        }
    }
}
