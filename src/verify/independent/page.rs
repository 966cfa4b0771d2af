//! A page of the client: what its memory holds, its fetch layer, and what it does with a client resource.

use super::answer::{Answer, listed};
use super::clock::{Gone, Promise};
use super::draws::Waits;
use super::endpoints::{CLIENT, ENVIRONMENT};
use super::log::Token;
use super::poller::Poller;
use super::service::{Ended, Who};
use super::token::Entry;
use super::world::{Fails, User, World};
use crate::backend::{Endpoint, UpdatedAt};
use crate::client::app::{AppReaction, DocumentFocus};
use crate::fleet::FleetSpec;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Status of the client in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Loading,
    Ready,
    Degraded,
    Error,
}

/// A session object: the client makes a new one from every client resource.
#[derive(Default)]
pub(super) struct Session {
    /// Its last active token.
    pub last: Cell<Option<Token>>,
    /// Its `updated_at`: the number of the answer that it is from, where the server moves it; otherwise 0.
    pub updated: Cell<u64>,
}

/// One load of a page in a tab.
pub(super) struct Page {
    pub world: Rc<World>,
    pub user: u64,
    /// The tab's number over all users.
    pub tab: u64,
    pub gone: Gone,
    /// Calls by app code that have not ended.
    pub app_calls: Cell<u32>,
    /// There is a client resource.
    pub client: Cell<bool>,
    /// The session object in the client resource.
    pub listed: RefCell<Option<Rc<Session>>>,
    /// The session that the client is signed in with.
    pub session: RefCell<Option<Rc<Session>>>,
    /// The session object that listeners were told of last.
    pub told: RefCell<Option<Rc<Session>>>,
    /// The session object that app code has reacted to last.
    pub reacted: RefCell<Option<Rc<Session>>>,
    pub status: Cell<Status>,
    /// The `iat` that it has written to the cookie last, or that it removed it.
    pub written: Cell<Option<Option<u64>>>,
    pub multi_session: Cell<bool>,
    /// Answers of the server that say something of the session.
    pub answers: Cell<u64>,
    /// GET /client of the page load, and how it ended.
    pub load_call: RefCell<Option<Rc<RefCell<Ended>>>>,
    /// The page load has given GET /client up.
    pub load_aborted: Cell<bool>,
    pub touched_until: Cell<u64>,
    pub cache: RefCell<Option<Rc<Entry>>>,
    /// A background fetch is under way.
    pub refreshing: Cell<bool>,
    pub poller: RefCell<Option<Rc<Poller>>>,
    /// Calls of the unauthenticated flow that have not settled.
    pub flows: Cell<u32>,
}

/// A request of the client.
#[derive(Clone, Copy)]
pub(super) struct Ask {
    pub endpoint: Endpoint,
    /// Entries of the unauthenticated flow on the chain that led here.
    pub depth: u32,
    /// Which of several equal ones of one instant.
    pub ordinal: u64,
    /// No failed answer caused it.
    pub first: bool,
    /// What a repeated GET is for.
    pub waits: Waits,
}

impl Page {
    pub(super) fn new(world: &Rc<World>, user: u64, tab: u64) -> Rc<Page> {
        Rc::new(Page {
            world: Rc::clone(world),
            user,
            tab,
            gone: Gone::default(),
            app_calls: Cell::default(),
            client: Cell::default(),
            listed: RefCell::default(),
            session: RefCell::default(),
            told: RefCell::default(),
            reacted: RefCell::default(),
            status: Cell::new(Status::Loading),
            written: Cell::default(),
            multi_session: Cell::new(true),
            answers: Cell::default(),
            load_call: RefCell::default(),
            load_aborted: Cell::default(),
            touched_until: Cell::default(),
            cache: RefCell::default(),
            refreshing: Cell::default(),
            poller: RefCell::default(),
            flows: Cell::default(),
        })
    }

    pub(super) fn user(&self) -> &User {
        &self.world.users[self.user as usize]
    }

    pub(super) fn fleet(&self) -> &FleetSpec {
        self.world.fleet(self.user)
    }

    /// Whether the client is this release.
    pub(super) fn is(&self, release: &str) -> bool {
        self.world.release(self.user) == release
    }

    /// The releases from 6.25.9 on.
    pub(super) fn is_newest(&self) -> bool {
        self.is("clerk-js-6.40.0")
    }

    /// The client of the pull request's account, not a measured one.
    pub(super) fn is_documented(&self) -> bool {
        self.is("documented")
    }

    /// A wait between two bounds, drawn now.
    pub(super) fn waits(&self, what: Waits, ordinal: u64, bounds: (u64, u64)) -> u64 {
        self.world.draws.wait(self.world.tab_draws(self.tab), what, ordinal, self.now(), bounds)
    }

    pub(super) fn name(&self) -> String {
        format!("tab {}", self.tab)
    }

    pub(super) fn write(&self, what: impl Into<String>) {
        self.world.write(self.name(), what);
    }

    pub(super) fn now(&self) -> u64 {
        self.world.now()
    }

    pub(super) fn now_s(&self) -> u64 {
        self.now() / 1_000_000_000
    }

    pub(super) fn offline(&self) -> bool {
        self.user().offline.get()
    }

    pub(super) fn current(&self) -> Option<Rc<Session>> {
        self.session.borrow().clone()
    }

    /// How it stands, for the end of the log.
    pub(super) fn state(&self) -> String {
        let cookie = self.user().cookie.get().map(|token| token.iat);
        let session = (self.client.get(), self.session.borrow().is_some());
        format!("client {}, session {}, {:?}, cookie {cookie:?}", session.0, session.1, self.status.get())
    }

    /// Whether the policy of the user takes this answer for a lost session.
    pub(super) fn enters(&self, answer: &Answer) -> bool {
        listed(&self.world.policy(self.user).enters_unauthenticated_flow, answer)
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.world.clock.spawn(Some(&self.gone), work);
    }

    /// One request, and its answer when it comes. The page may be gone by then.
    pub(super) fn request(self: &Rc<Page>, ask: Ask, first: bool) -> Promise<Answer> {
        let world = &self.world;
        self.user().requests.set(self.user().requests.get() + 1);
        let place = world.draws.of_call(world.tab_draws(self.tab), ask.endpoint, ask.ordinal, self.now());
        let what = format!("{}{}", ask.endpoint, if first { ", first" } else { "" });
        let (answer, ended) = world.send(Who::User(self.user), ask.endpoint, place, (self.name(), what));
        if matches!(ask.waits, Waits::LoadClient) {
            self.load_call.replace(Some(Rc::clone(&ended)));
        }
        let (page, promise) = (Rc::clone(self), answer.clone());
        world.clock.spawn(None, async move {
            let answer = promise.await;
            // A call that was aborted has ended before.
            if matches!(*ended.borrow(), Ended::At(..)) {
                return;
            }
            let dropped = page.gone.get();
            ended.replace(if dropped { Ended::Dropped } else { Ended::At(page.now(), answer) });
        });
        answer
    }

    /// A GET that got no HTTP answer is repeated (`clerk-js.md`, network-level retry): after 100 ms, then 0.7 s doubled each
    /// time, spread over once to twice that, at most 5 s; 4 tries in all, or 11 when the first was made offline.
    async fn repeated(self: &Rc<Page>, ask: Ask) -> Answer {
        let most = if self.offline() { 11 } else { 4 };
        let get = matches!(ask.endpoint, CLIENT | ENVIRONMENT);
        for n in 1.. {
            let answer = self.request(ask, ask.first && n == 1).await;
            if !matches!(answer, Answer::Network | Answer::GivenUp) || !get || n == most {
                return answer;
            }
            let base = if n == 1 { 100_000_000 } else { 700_000_000u64 << (n - 2) };
            let bounds = (base, 2 * base - 1);
            let cap = |wait: u64| if n == 1 { wait } else { wait.min(5_000_000_000) };
            let is_client = ask.endpoint == CLIENT;
            let given = self.world.given_wait.as_ref();
            let given =
                given.and_then(|g| g(self.now(), self.tab, is_client, (cap(bounds.0), cap(bounds.1))));
            let drawn = || cap(self.waits(ask.waits, ask.ordinal, bounds));
            self.world.clock.sleep(given.unwrap_or_else(drawn)).await;
            if matches!(ask.waits, Waits::LoadClient) && self.load_aborted.get() {
                return answer;
            }
        }
        unreachable!("the last try returns")
    }

    /// The fetch layer: a 2xx answer, nothing at all, or a failure. A 401 enters the unauthenticated flow before its caller
    /// hears of it, and what the flow throws takes its place (`clerk-js.md`, "What the recordings show", 6).
    pub(super) async fn fetch(self: &Rc<Page>, ask: Ask) -> Fails<Answer> {
        let answer = self.repeated(ask).await;
        match &answer {
            Answer::Ok { .. } => Ok(answer),
            Answer::Network | Answer::GivenUp if self.offline() => Ok(Answer::Nothing),
            Answer::Status { status: 401, code, .. }
                if !self.is_documented()
                    && !matches!(
                        code.as_deref(),
                        Some("dev_browser_unauthenticated" | "requires_captcha")
                    ) =>
            {
                self.enters_flow(true, ask.depth + 1).await?;
                Err(answer)
            }
            _ => Err(answer),
        }
    }

    /// `document.hasFocus()`
    pub(super) fn has_focus(&self) -> bool {
        let within = self.tab - self.user * self.world.tabs_per_user;
        match self.fleet().document_focus {
            DocumentFocus::All => true,
            DocumentFocus::One => self.user().focus.get() == Some(within),
            DocumentFocus::None => false,
        }
    }

    /// The session cookie is written, or removed, unless another context is active and the document has no focus. What
    /// writes makes its own context the active one.
    pub(super) fn set_cookie(&self, token: Option<Token>) {
        let own = self.session.borrow().is_some();
        let others_context = self.user().context.get() && !own;
        if others_context && !self.has_focus() {
            return;
        }
        self.user().context.set(own);
        self.writes_cookie(token);
    }

    /// `handleSignOut`: both cookies go, whoever has focus.
    pub(super) fn removes_cookies(&self) {
        self.user().context.set(false);
        self.writes_cookie(None);
    }

    fn writes_cookie(&self, token: Option<Token>) {
        let user = self.user();
        let iat = token.map(|token| token.iat);
        if self.written.replace(Some(iat)) != Some(iat) {
            self.world.written.borrow_mut().push((self.now(), self.tab, iat));
        }
        user.cookie.set(token);
        user.cookies.borrow_mut().insert(self.now(), iat);
    }

    pub(super) fn set_status(&self, status: Status) {
        self.status.set(status);
    }

    /// The client is signed in with this session object, or with none.
    pub(super) fn set_session(&self, session: Option<Rc<Session>>) {
        let now_in = session.is_some();
        let before = self.session.replace(session);
        if before.is_some() && !now_in {
            self.write("signed out");
            self.shows_sign_in_page();
        } else if before.is_none() && now_in {
            self.write("signed in");
            self.user().signed_out.set(false);
        }
    }

    /// The first of a user's tabs to show the sign-in page counts as a sign-out: a false one when the server still knows
    /// the session.
    fn shows_sign_in_page(&self) {
        let user = self.user();
        if user.signed_out.replace(true) {
            return;
        }
        let first = user.first_sign_out.get().unwrap_or((self.now(), !user.revoked.get()));
        user.first_sign_out.set(Some(first));
        self.world.plans_sign_in(self, false);
    }

    /// A client resource has come: with or without the session, and with a token or without.
    pub(super) fn has_resource(self: &Rc<Page>, listed: bool, token: Option<Token>) {
        let updated = Cell::new(self.next_update());
        let object = listed.then(|| Rc::new(Session { last: Cell::new(token), updated }));
        if let (Some(object), Some(token)) = (&object, token) {
            self.remembers(Promise::known(Ok(Some(token))), Some(Rc::clone(object)), true);
        }
        self.listed.replace(object);
    }

    /// The `updated_at` of the answer that has come.
    pub(super) fn next_update(&self) -> u64 {
        self.answers.set(self.answers.get() + 1);
        match self.world.scenario.backend.session_updated_at {
            UpdatedAt::Constant => 0,
            UpdatedAt::Moving => self.answers.get(),
        }
    }

    /// `updateClient` with the client resource that has come.
    pub(super) fn takes_client(self: &Rc<Page>, emits: bool, depth: u32) {
        let object = self.listed.borrow().clone();
        if !self.client.replace(true) {
            self.set_session(object.clone());
        }
        if self.session.borrow().is_some() {
            self.set_session(object.clone());
            self.set_cookie(object.and_then(|object| object.last.get()));
        }
        if emits {
            self.emits(depth);
        }
    }

    /// Listeners hear of the session: of a new object when its token differs or it was updated later, otherwise the old one stands for it. App code
    /// reacts once to each object that it hears of.
    pub(super) fn emits(self: &Rc<Page>, depth: u32) {
        let Some(session) = self.current() else {
            self.told.replace(None);
            return;
        };
        let same = |told: &Rc<Session>| {
            let later = told.updated.get() < session.updated.get();
            Rc::ptr_eq(told, &session) || (told.last.get() == session.last.get() && !later)
        };
        let known = self.told.borrow().as_ref().is_some_and(same);
        if !known {
            self.told.replace(Some(session));
        }
        let fleet = self.fleet();
        let now = self.now();
        if now < fleet.app_reaction_from.0 || fleet.app_reaction_to.is_some_and(|to| now >= to.0) {
            return;
        }
        let session = self.told.borrow().clone();
        let Some(session) = session else { return };
        let reacted = self.reacted.borrow().as_ref().is_some_and(|object| Rc::ptr_eq(object, &session));
        if reacted {
            return;
        }
        self.reacted.replace(Some(Rc::clone(&session)));
        match fleet.app_reaction {
            AppReaction::None => {}
            AppReaction::SetActive => self.app_sets_active(Some(session), false, depth),
            AppReaction::GetToken => self.app_gets_token(session, false, depth, 0),
        }
    }
}
