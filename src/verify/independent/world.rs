//! The world: what all parts share. Users, their browsers and what the server knows of them stand in lists.

use super::answer::Answer;
use super::clock::Clock;
use super::cohorts::{Cohort, cohorts};
use super::draws::Draws;
use super::generic;
use super::log::{Log, Token};
use super::page::Page;
use super::people;
use super::poller::Lock;
use super::retries::Retries;
use super::service::{Ended, Sent, Service};
use crate::client::policy::Policy;
use crate::scenario::Scenario;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// One simulation.
pub(super) struct World {
    pub scenario: Scenario,
    /// Who the users are, and what they follow.
    pub cohorts: Vec<Cohort>,
    pub clock: Clock,
    pub draws: Draws,
    pub service: RefCell<Service>,
    pub users: Vec<User>,
    /// A user's tabs are numbered on from the last of the user before.
    pub tabs_per_user: u64,
    pub log: RefCell<Log>,
    /// What each tab has written to the session cookie: when, the tab, the token's `iat`; none for a removal.
    pub written: RefCell<Vec<(u64, u64, Option<u64>)>>,
    /// Errors of calls that no code awaits: when, the tab, the answer.
    pub rejected: RefCell<Vec<(u64, u64, Answer)>>,
    /// Every call.
    pub sent: RefCell<Vec<Sent>>,
    /// What a recording fixes of the wait before a repeated GET: from its bounds and the tab.
    pub given_wait: Option<GivenWait>,
}

/// A wait that a recording fixes, from now, the tab, whether it is for GET /client, and its bounds.
pub(super) type GivenWait = Box<dyn Fn(u64, u64, bool, (u64, u64)) -> Option<u64>>;

/// A user: a browser, and what the server knows.
pub(super) struct User {
    pub number: u64,
    pub offline: Cell<bool>,
    pub cookie: Cell<Option<Token>>,
    /// The `iat` of the token in the cookie at the end of each instant at which it was written; none when it was removed.
    pub cookies: RefCell<BTreeMap<u64, Option<u64>>>,
    /// Until when an environment is kept for later page loads, and whether it is that of a multi-session app.
    pub environment: Cell<Option<(u64, bool)>>,
    pub lock: RefCell<Lock>,
    /// The tab whose document has focus, where at most one has.
    pub focus: Cell<Option<u64>>,
    /// The cookie of the active context names the session.
    pub context: Cell<bool>,
    /// The page of each tab; none while it is closed.
    pub tabs: RefCell<Vec<Option<Rc<Page>>>>,
    /// How often each tab has been opened.
    pub visits: RefCell<Vec<u64>>,
    pub revoked: Cell<bool>,
    pub newest: Cell<Option<Token>>,
    /// The sign-in page is up, and counted.
    pub signed_out: Cell<bool>,
    /// When it came up first, and whether the server still knew the session.
    pub first_sign_out: Cell<Option<(u64, bool)>>,
    pub requests: Cell<u32>,
    pub entries: Cell<u32>,
    pub depth: Cell<u32>,
    pub retries: RefCell<Retries>,
}

impl World {
    /// The contender of these policies in this scenario, about to begin.
    pub(super) fn new(
        scenario: Scenario,
        policies: Vec<(Policy, f64)>,
        given_wait: Option<GivenWait>,
    ) -> Rc<World> {
        let cohorts = cohorts(&scenario, &policies);
        let tabs = people::most_tabs(&scenario, &cohorts);
        let all = cohorts.last().map_or(0, |last| last.users().end);
        let users = (0..all).map(|number| User::new(number, tabs)).collect();
        Rc::new(World {
            clock: Clock::new(scenario.horizon.0),
            draws: Draws::new(&scenario),
            service: RefCell::new(Service::new(&scenario)),
            users,
            tabs_per_user: tabs,
            log: RefCell::default(),
            sent: RefCell::default(),
            written: RefCell::default(),
            rejected: RefCell::default(),
            given_wait,
            cohorts,
            scenario,
        })
    }

    /// Runs to the horizon, or until so many acts: then `false`.
    pub(super) fn run(self: &Rc<World>, most: u64) -> bool {
        people::begin(self);
        generic::begin(self);
        let ended = self.clock.run(most);
        if ended {
            self.close();
        }
        ended
    }

    fn close(&self) {
        for call in &*self.sent.borrow() {
            let outcome = match &*call.ended.borrow() {
                Ended::InFlight => "in-flight".to_owned(),
                Ended::Dropped => "dropped".to_owned(),
                Ended::Then(answer) => answer.outcome().to_owned(),
                Ended::At(at, answer) => format!("{} at {at}", answer.outcome()),
            };
            self.write_at(call.at, call.who.clone(), format!("{} {outcome}", call.what));
        }
        for user in &self.users {
            let (entries, depth) = (user.entries.get(), user.depth.get());
            let counts = counts(user.requests.get(), entries, depth, user.first_sign_out.get());
            self.write(format!("user {}", user.number), counts);
            self.log.borrow_mut().cookies(user.number, &user.cookies.borrow());
            for page in user.tabs.borrow().iter().flatten() {
                self.write(page.name(), format!("ends {}", page.state()));
            }
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn write(&self, who: String, what: impl Into<String>) {
        self.write_at(self.now(), who, what.into());
    }

    pub(super) fn write_at(&self, time: u64, who: String, what: String) {
        self.log.borrow_mut().add(time, who, what);
    }
}

impl User {
    fn new(number: u64, tabs: u64) -> User {
        User {
            number,
            offline: Cell::default(),
            cookie: Cell::default(),
            cookies: RefCell::default(),
            environment: Cell::default(),
            lock: RefCell::default(),
            focus: Cell::default(),
            context: Cell::default(),
            tabs: RefCell::new(vec![None; tabs as usize]),
            visits: RefCell::new(vec![0; tabs as usize]),
            revoked: Cell::default(),
            newest: Cell::default(),
            signed_out: Cell::default(),
            first_sign_out: Cell::default(),
            requests: Cell::default(),
            entries: Cell::default(),
            depth: Cell::default(),
            retries: RefCell::default(),
        }
    }

    pub(super) fn open_pages(&self) -> Vec<Rc<Page>> {
        self.tabs.borrow().iter().flatten().cloned().collect()
    }

    /// A token issued now: told apart from one of the same instant.
    pub(super) fn issue(&self, now: u64) -> Token {
        let after = self.newest.get().map_or(0, |newest| newest.number + 1);
        let token = Token { number: after.max(now), iat: after.max(now) / 1_000_000_000 };
        self.newest.set(Some(token));
        token
    }
}

/// What is counted of one user in the whole run.
pub(super) fn counts(requests: u32, entries: u32, depth: u32, signed_out: Option<(u64, bool)>) -> String {
    format!("{requests} requests, {entries} entries, depth {depth}, signed out first {signed_out:?}")
}

/// What went wrong, or nothing.
pub(super) type Fails<T> = Result<T, Answer>;
