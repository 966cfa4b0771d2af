//! The page load: /environment and /client side by side, and the way on when they fail.

use super::answer::Answer;
use super::clock::Promise;
use super::draws::Waits;
use super::endpoints::{CLIENT, ENVIRONMENT};
use super::page::{Ask, Page, Session, Status};
use super::service::Ended;
use super::token::Asks;
use super::world::{Fails, World};
use crate::backend::Endpoint;
use std::cell::Cell;
use std::rc::Rc;

/// For how long an environment is kept for later page loads: a day.
const KEPT: u64 = 86_400_000_000_000;
/// What a page load waits for /client, and then for a token, from 6.25.3 on.
const LIMIT: u64 = 7_000_000_000;

impl World {
    /// A page opens in a tab, in place of the one that is there.
    pub(super) fn opens_page(self: &Rc<World>, user: u64, within: usize) {
        let opens = self.users[user as usize].tabs.borrow()[within].is_none();
        self.closes_page(user, within);
        let page = Page::new(self, user, user * self.tabs_per_user + within as u64);
        if opens {
            page.takes_focus();
        }
        self.users[user as usize].tabs.borrow_mut()[within] = Some(Rc::clone(&page));
        page.starts_polling();
        let loads = Rc::clone(&page);
        page.spawn(async move { loads.loads().await });
    }

    /// A page goes away, with all that it was in the middle of. Nobody signs out by that: the cookie stays.
    pub(super) fn closes_page(&self, user: u64, within: usize) {
        let old = self.users[user as usize].tabs.borrow_mut()[within].take();
        if let Some(old) = old {
            old.gone.set(true);
            old.leaves_lock();
            if old.app_calls.get() > 0 {
                old.write(format!("app leaves {}", old.app_calls.get()));
            }
        }
    }
}

impl Page {
    async fn loads(self: &Rc<Page>) {
        let environment: Promise<bool> = Promise::new();
        let client: Promise<Fails<bool>> = Promise::new();
        let (page, promise) = (Rc::clone(self), environment.clone());
        self.spawn(async move {
            let fine = page.loads_environment().await;
            promise.resolve(fine);
        });
        let (page, promise) = (Rc::clone(self), client.clone());
        self.spawn(async move {
            let fine =
                if page.is_newest() { page.loads_client_in_time().await } else { page.loads_client().await };
            promise.resolve(fine);
        });
        let environment = environment.await;
        let status = match client.await {
            // A load that is rejected offline says nothing.
            Err(_) if self.offline() => Status::Loading,
            Err(_) => Status::Error,
            Ok(client) if client && environment => Status::Ready,
            Ok(_) => Status::Degraded,
        };
        if status == Status::Error {
            self.write("app error");
        }
        self.set_status(status);
        self.write(format!("load ends {status:?}"));
    }

    fn ask(endpoint: Endpoint, waits: Waits) -> Ask {
        Ask { endpoint, depth: 0, ordinal: 0, first: true, waits }
    }

    /// Whether /environment was answered. When not, the one that an earlier load kept will do.
    async fn loads_environment(self: &Rc<Page>) -> bool {
        let multi = self.fleet().multi_session;
        let answer = self.fetch(Page::ask(ENVIRONMENT, Waits::LoadEnvironment)).await;
        let user = self.user();
        match answer {
            Ok(answer) => {
                if self.is_newest() {
                    let page = Rc::clone(self);
                    self.spawn(async move { page.refreshes_session_token(true).await });
                }
                // An answer of nothing leaves the client's default in force: that of a multi-session app.
                let multi = multi || answer == Answer::Nothing;
                user.environment.set(Some((self.now() + KEPT, multi)));
                self.multi_session.set(multi);
                true
            }
            Err(_) => {
                if let Some((until, multi)) = user.environment.get()
                    && self.now() < until
                {
                    self.multi_session.set(multi);
                }
                false
            }
        }
    }

    /// Whether /client was answered. A 4xx rejects the load (`clerk-js.md`, S12b); otherwise the session in the cookie
    /// will do, and a token is fetched for it while the poller stands still.
    async fn loads_client(self: &Rc<Page>) -> Fails<bool> {
        match self.fetch(Page::ask(CLIENT, Waits::LoadClient)).await {
            Ok(Answer::Ok { token, listed }) => {
                self.has_resource(listed, token);
                self.world.clock.turn().await;
                self.takes_client(true, 0);
                return Ok(true);
            }
            Ok(_) => {
                self.takes_client(true, 0);
                return Ok(true);
            }
            Err(Answer::Status { status, .. }) if status < 500 => return Err(Answer::status(status)),
            Err(_) => {}
        }
        self.stops_polling();
        if let Some(token) = self.user().cookie.get() {
            let session = Rc::new(Session { last: Cell::new(Some(token)), ..Session::default() });
            self.remembers(Promise::known(Ok(Some(token))), Some(Rc::clone(&session)), true);
            self.listed.replace(Some(session));
        }
        self.takes_client(true, 0);
        let Some(session) = self.current() else { return Ok(false) };
        let asks = Asks { skips_cache: true, first: false, ..Asks::PLAIN };
        let _ = self.gets_token(&session, asks).await;
        self.starts_polling();
        Ok(false)
    }

    /// As [`Page::loads_client`], from 6.25.3 on: /client has 7 s, and so has the token of the cookie's session, which is
    /// shown only then; /client is asked again in the background.
    async fn loads_client_in_time(self: &Rc<Page>) -> Fails<bool> {
        let page = Rc::clone(self);
        let answer = self.within_limit(async move { page.fetch(Page::ask(CLIENT, Waits::LoadClient)).await });
        match answer.await {
            Some(Ok(Answer::Ok { token, listed })) => {
                self.has_resource(listed, token);
                self.world.clock.turn().await;
                self.takes_client(true, 0);
                return Ok(true);
            }
            Some(Ok(_)) => {
                self.takes_client(true, 0);
                return Ok(true);
            }
            Some(Err(Answer::Status { status, .. })) if status < 500 => return Err(Answer::status(status)),
            Some(Err(_)) => {}
            None => self.aborts_load(),
        }
        self.stops_polling();
        let mut token = self.user().cookie.get();
        if token.is_some() {
            let session = Rc::new(Session { last: Cell::new(token), ..Session::default() });
            self.forgets_all();
            let asks = Asks { first: false, ..Asks::PLAIN };
            let page = Rc::clone(self);
            let fetched = self.within_limit(async move { page.gets_token(&session, asks).await });
            token = match fetched.await {
                Some(Ok(Some(token))) => Some(token),
                _ => {
                    self.forgets_all();
                    self.user().cookie.get()
                }
            };
        }
        self.has_resource(token.is_some(), token);
        self.takes_client(true, 0);
        self.starts_polling();
        let page = Rc::clone(self);
        self.spawn(async move { page.asks_client_again().await });
        Ok(false)
    }

    /// In the engine's order of one instant: what the page does with the cookie's session comes first.
    async fn asks_client_again(self: &Rc<Page>) {
        let ask = Ask { first: false, ..Page::ask(CLIENT, Waits::LoadAgain) };
        self.world.clock.all_else().await;
        match self.fetch(ask).await {
            Ok(Answer::Ok { token, listed }) => {
                self.has_resource(listed, token);
                self.world.clock.turn().await;
                self.takes_client(true, 0);
            }
            Ok(_) => self.takes_client(true, 0),
            Err(_) => {}
        }
    }

    /// What a job comes to in 7 s; nothing when it takes longer. The job goes on.
    fn within_limit<T: Clone + 'static>(&self, job: impl Future<Output = T> + 'static) -> Promise<Option<T>> {
        let promise = Promise::new();
        let (in_time, late) = (promise.clone(), promise.clone());
        self.world.clock.after(LIMIT, move || {
            late.resolve(None);
        });
        self.spawn(async move {
            in_time.resolve(Some(job.await));
        });
        promise
    }

    /// GET /client is given up, under way or between two tries.
    fn aborts_load(&self) {
        self.load_aborted.set(true);
        if let Some(ended) = &*self.load_call.borrow()
            && matches!(*ended.borrow(), Ended::InFlight)
        {
            ended.replace(Ended::At(self.now(), Answer::GivenUp));
        }
    }
}
