//! The page load: /environment and /client side by side, and the way on when they fail.

use super::answer::Answer;
use super::clock::Promise;
use super::draws::Waits;
use super::endpoints::{CLIENT, ENVIRONMENT};
use super::page::{Ask, Page, Session, Status};
use super::token::Asks;
use super::world::{Fails, World};
use crate::backend::Endpoint;
use std::cell::Cell;
use std::rc::Rc;

/// For how long an environment is kept for later page loads: a day.
const KEPT: u64 = 86_400_000_000_000;

impl World {
    /// A page opens in a tab, in place of the one that is there.
    pub(super) fn opens_page(self: &Rc<World>, user: u64, within: usize) {
        self.closes_page(user, within);
        let page = Page::new(self, user, user * self.tabs_per_user + within as u64);
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
            let fine = page.loads_client().await;
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
        let multi = self.world.scenario.fleet.multi_session;
        let answer = self.fetch(Page::ask(ENVIRONMENT, Waits::LoadEnvironment)).await;
        let user = self.user();
        match answer {
            Ok(answer) => {
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
            let session = Rc::new(Session { last: Cell::new(Some(token)) });
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
}
