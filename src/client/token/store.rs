//! What a driver asks of a population: its browsers, sessions, and the work under way.

use super::browser::Browser;
use super::pool::{Key, NONE};
use super::rules::Place;
use super::state::{Held, Op, Store};
use super::traits::Ready;
use super::words::Request;
use crate::kernel::Time;

impl Store {
    /// An empty store.
    pub fn new() -> Store {
        Store::default()
    }

    /// Adds a browser and returns its number. `stored` is the session in its storage. `skew` is the number of
    /// nanoseconds by which its clock is ahead of the server's.
    pub fn add_browser(&mut self, stored: Option<Held>, skew: i64) -> u32 {
        let number = u32::try_from(self.browsers.len()).expect("fewer than 2^32 browsers");
        self.browsers.push(Browser::new(stored, skew));
        number
    }

    /// Makes removals from the browsers' storage ineffective from now on, as with cookies that a server may not write.
    pub fn ignore_removals(&mut self) {
        self.ignores_removals = true;
    }

    /// Sets whether a browser is offline.
    pub fn set_offline(&mut self, browser: u32, offline: bool) {
        self.browser_mut(browser).set_offline(offline);
    }

    /// The session in the browser's storage.
    pub fn stored(&self, browser: u32) -> Option<Held> {
        self.browser(browser).stored
    }

    pub(super) fn browser(&self, number: u32) -> &Browser {
        &self.browsers[number as usize]
    }

    pub(super) fn browser_mut(&mut self, number: u32) -> &mut Browser {
        &mut self.browsers[number as usize]
    }

    /// The session that a client object reads: the browser's, or its own copy.
    pub fn held(&self, agent: Key, place: Place) -> Option<Held> {
        let it = self.agents.get(agent)?;
        match place {
            Place::Storage => self.browser(it.browser).stored,
            _ if it.traits.ready() == Ready::Yes => self.copy(agent),
            _ => None,
        }
    }

    /// Number of calls by app code that wait for the answer of a client object.
    pub(super) fn callers(&self, agent: Key) -> u32 {
        let busy = self.agents.get(agent).map_or(NONE, |it| it.busy);
        let mut next = if busy == NONE { None } else { self.busy.at(busy).tasks };
        let mut callers = 0;
        while let Some(task) = next {
            let task = self.tasks.at(task.slot);
            // The caller of an operation whose lock was stolen has an error already.
            callers += u32::from(matches!(task.op, Op::Call | Op::Restore) && !task.stolen);
            next = task.after;
        }
        callers
    }

    /// Whether a request is still waiting for its answer.
    pub(super) fn is_waiting(&self, request: Request) -> bool {
        let flight = self.flights.get(request.flight);
        flight.is_some_and(|f| f.waits_for_answer && f.number == request.number)
    }

    /// Number of requests that the client objects of this object's page have sent at this instant.
    pub(super) fn sent_at(&self, agent: Key, now: Time) -> u8 {
        let agent = self.agents.at(agent.slot);
        let (mut next, mut sent) = (self.browser(agent.browser).first, 0u8);
        while next != NONE {
            let other = self.agents.at(next);
            if other.page == agent.page && other.busy != NONE {
                let (instant, count) = self.busy.at(other.busy).sent;
                sent = sent.saturating_add(if instant == now { count } else { 0 });
            }
            next = other.next;
        }
        sent
    }

    /// Whether a client object has an unfinished operation.
    pub fn is_busy(&self, agent: Key) -> bool {
        let busy = self.agents.get(agent).map_or(NONE, |it| it.busy);
        busy != NONE && self.busy.at(busy).tasks.is_some()
    }

    /// Number of unfinished operations of all browsers.
    pub fn under_way(&self) -> usize {
        self.tasks.len()
    }
}
