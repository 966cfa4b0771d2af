//! What a browser holds: the stored session, its client objects, and, aside, what is under way.

use super::pool::{Key, NONE, Pool};
use super::rules::Endpoint;
use crate::kernel::Time;
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// A session as a client holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Number of the refresh token; the server counts them per session, from 1.
    pub refresh: NonZeroU32,
    /// Number of the access token.
    pub access: u32,
    /// The access token's `exp`: whole seconds of server time since the start of the run.
    pub exp_s: u32,
    /// When the client takes the access token for expired.
    pub until: Until,
}

/// A time of a client's own clock: nanoseconds since the start of the run, negative before it. It is kept in two halves,
/// so that a session that is held takes 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until([u32; 2]);

impl Until {
    /// The time at so many nanoseconds.
    pub const fn new(nanoseconds: i64) -> Until {
        Until([(nanoseconds >> 32) as u32, nanoseconds as u32])
    }

    /// The nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        ((self.0[0] as i64) << 32) | self.0[1] as i64
    }
}

/// Why an operation runs. It is also the cause of the refresh that the operation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The page loads.
    Load,
    /// The tab becomes visible.
    Visible,
    /// The app asks for a token.
    Call,
    /// The app puts back a session that it kept.
    Restore,
    /// A new listener asks for its first event.
    Listener,
    /// The first event of a listener reads the session.
    Initial,
    /// A tick of the ticker.
    Tick,
    /// The timer before expiry.
    Alarm,
    /// The storage holds another tab's session.
    Copy,
}

/// What the SDK tells its listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum News {
    /// A stored session was found, or one was put back.
    SignedIn,
    /// The session was refreshed.
    Refreshed,
    /// A refresh failed.
    RefreshFailed,
    /// The access token has expired.
    Expired,
    /// The session is gone.
    SignedOut,
}

/// What an operation ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// A session, with the `exp` of its access token.
    Session(u32),
    /// No session.
    Nothing,
    /// An error.
    Failed,
}

/// How a refresh ended, for everybody who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// A new session.
    Yes(Held),
    /// The server refused, the failure is remembered, or the session was replaced meanwhile.
    Refused {
        /// The answer is one that clears the session.
        cleared: bool,
    },
    /// No answer, or one that is retried, at the end of the schedule.
    Unanswered,
}

/// Whether a client object has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    No,
    Yes,
    /// The load failed: its lock was stolen. Every caller gets an error.
    Broken,
}

/// A browser of one user: the storage that its tabs share.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub stored: Option<Held>,
    /// The local clock is this many nanoseconds ahead of the server's.
    pub skew: i64,
    /// First client object of the list.
    pub first: u32,
    /// The lock, while somebody holds it or waits for it.
    pub lock: u32,
    /// Removals from the storage stick; false: the old value stays.
    pub removals_stick: bool,
}

/// A client object in a page.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub browser: u32,
    /// Page of the object; objects of one page share its fate and its storage events.
    pub page: u32,
    /// Next object of the browser.
    pub next: u32,
    /// What is under way, or [`NONE`].
    pub busy: u32,
    /// Ticks of an older ticker are void.
    pub tick: u32,
    /// Timers of an older setting are void.
    pub alarm: u32,
    /// The object's own copy of the session.
    pub held: Option<Held>,
    /// Depth of the entry whose answer set the timer to no wait at all, plus one; 0 otherwise.
    pub alarm_depth: u16,
    /// Failures in a row of the timer's refresh.
    pub alarm_failures: u8,
    pub ready: Ready,
    pub visible: bool,
    /// The object refreshes by itself.
    pub auto: bool,
    /// The app listens to its events.
    pub listens: bool,
    /// The app asks for a token on each event.
    pub asks_on_event: bool,
    /// The app refreshes the session, as a caller does, when it is told that the token has expired.
    pub refreshes_on_expiry: bool,
}

/// What is under way at a client object.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    /// The refresh that callers share.
    pub flight: Option<Key>,
    /// The refresh token that failed, and until when its failure is remembered.
    pub cool: Option<(NonZeroU32, Time)>,
    /// The object holds the lock: operations queue behind the last one.
    pub locked: bool,
    /// The last operation of the object's own queue.
    pub tail: Option<Key>,
    /// Number of the next operation of the object's own queue, and of the first that has not been struck off.
    pub queued: u32,
    pub front: u32,
    /// The first of the operations that hold the lock, or held it when it was stolen.
    pub holders: Option<Key>,
    /// The first of the object's operations that have not ended.
    pub tasks: Option<Key>,
    /// Operations that wait for the load, in order.
    pub parked: (Option<Key>, Option<Key>),
}

impl Busy {
    pub fn is_idle(&self) -> bool {
        self.flight.is_none() && self.cool.is_none() && !self.locked && self.tasks.is_none()
    }
}

/// An operation that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub agent: Key,
    pub op: Op,
    /// How far it is; what the numbers mean is said where the operation is.
    pub stage: u8,
    pub call: u32,
    /// How many entries, each caused by the answer to a request of the one before, precede it.
    pub depth: u16,
    pub started: Time,
    /// The session that the app puts back, or that another page has written.
    pub kept: Option<Held>,
    /// The lock was taken from it: its caller has an error already.
    pub stolen: bool,
    /// It asks for the lock, or holds it.
    pub in_lock: bool,
    /// It holds the browser's lock, or held it when it was stolen.
    pub granted: bool,
    /// It runs in the object's own queue, within another's lock.
    pub in_queue: bool,
    /// Its number in the object's own queue, once it is in a lock.
    pub place: u32,
    /// A holder that waits for its object's queue: the places from and to (excluded) that it waits for, and the number
    /// of the wait.
    pub drains: Option<(u32, u32, u32)>,
    /// Next holder of the object.
    pub next_holder: Option<Key>,
    /// Neighbours in the list of the object's operations.
    pub before: Option<Key>,
    pub after: Option<Key>,
    /// The request it waits for.
    pub flight: Option<Key>,
    /// What it ended with, while the object's queue is drained before the caller gets it.
    pub done: Option<Done>,
    /// Who follows in the object's own queue.
    pub successor: Option<Key>,
    /// Next in the list it waits in: of a refresh, of the load, or of the browser's lock.
    pub link: Option<Key>,
}

/// A refresh, or another request of a client, under way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub agent: Key,
    pub endpoint: Endpoint,
    pub refresh: NonZeroU32,
    /// The stored refresh token when the refresh began.
    pub stored: Option<NonZeroU32>,
    /// Tries that failed.
    pub failures: u32,
    pub started: Time,
    pub depth: u16,
    pub sent: Time,
    pub waits_for_answer: bool,
    /// Who waits for it: first and last.
    pub waiters: (Option<Key>, Option<Key>),
}

impl Flight {
    /// Depth of an entry that its answer causes. Only a refresh is an entry itself.
    pub fn depth_after(&self) -> u16 {
        self.depth.saturating_add(u16::from(self.endpoint == Endpoint::Token))
    }
}

/// The browser's lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Lock {
    pub holder: Option<Key>,
    pub queue: (Option<Key>, Option<Key>),
}

/// What follows within the same instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// An operation begins, once its load and lock allow it.
    Begin(Key),
    /// An operation has its turn.
    Run(Key),
    /// A refresh has ended for an operation.
    Resume(Key, Refreshed),
    /// The browser gives the lock, or lets the operation wait.
    AskLock(Key),
    /// The operation takes the lock from its holder.
    Steal(Key),
    /// Another client object's event arrives.
    Deliver { agent: Key, news: News, depth: u16 },
    /// The storage has changed.
    Changed { agent: Key, depth: u16 },
}

/// Every browser, client object and operation of a population.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub(super) browsers: Pool<Browser>,
    pub(super) agents: Pool<Agent>,
    pub(super) busy: Pool<Busy>,
    pub(super) tasks: Pool<Task>,
    pub(super) flights: Pool<Flight>,
    pub(super) locks: Pool<Lock>,
    pub(super) calls: u32,
    /// Waits of holders for their queues, counted.
    pub(super) drains: u32,
    /// What follows at once, and what follows when nothing else does: the browser's own messages.
    pub(super) soon: VecDeque<Next>,
    pub(super) later: VecDeque<Next>,
}

impl Store {
    /// An empty store.
    pub fn new() -> Store {
        Store::default()
    }

    /// Adds a browser. `stored` is what its storage holds; `skew` is how many nanoseconds its clock is ahead of the
    /// server's.
    pub fn add_browser(&mut self, stored: Option<Held>, skew: i64) -> Key {
        self.browsers.insert(Browser { stored, skew, first: NONE, lock: NONE, removals_stick: true })
    }

    /// From now on, removals from this browser's storage have no effect, as with cookies that a server may not write.
    pub fn ignore_removals(&mut self, browser: Key) {
        if let Some(browser) = self.browsers.get_mut(browser) {
            browser.removals_stick = false;
        }
    }

    /// What the browser's storage holds.
    pub fn stored(&self, browser: Key) -> Option<Held> {
        self.browsers.get(browser).and_then(|b| b.stored)
    }

    /// The session that a client object has: the browser's, or its own copy.
    pub fn held(&self, agent: Key, place: super::rules::Place) -> Option<Held> {
        let agent = self.agents.get(agent)?;
        match place {
            super::rules::Place::Storage => self.browsers.at(agent.browser).stored,
            _ if agent.ready == Ready::Yes => agent.held,
            _ => None,
        }
    }

    /// Whether a client object has an operation that has not ended.
    pub fn is_busy(&self, agent: Key) -> bool {
        let busy = self.agents.get(agent).map_or(NONE, |it| it.busy);
        busy != NONE && self.busy.at(busy).tasks.is_some()
    }

    /// Operations that have not ended, of the whole population.
    pub fn under_way(&self) -> usize {
        self.tasks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::token::Account;

    #[test]
    fn both_halves_of_a_time_are_kept() {
        for nanoseconds in [0, 1, -1, i64::MAX, i64::MIN, 1 << 32, -(1 << 32), 900_000_000_000] {
            assert_eq!(Until::new(nanoseconds).nanoseconds(), nanoseconds);
        }
    }

    /// An idle session with one tab: its browser, its client object, the server's side. What is under way lies aside.
    #[test]
    fn an_idle_session_takes_at_most_144_bytes() {
        let sizes = [Pool::<Browser>::SLOT, Pool::<Agent>::SLOT, size_of::<Account>()];
        assert!(sizes.iter().sum::<usize>() <= 144, "{sizes:?}");
    }
}
