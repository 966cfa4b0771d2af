//! The state of a browser: the stored session, its client objects, and separately the work under way.

use super::browser::{Browser, Copied};
use super::pool::{Key, Pool};
use super::rules::Endpoint;
use super::traits::Traits;
use super::words::Outcome;
use crate::client::limit_states::LimitStates;
use crate::client::resilience::Cause;
use crate::kernel::{Dur, Time};
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// A session that a client holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Number of the refresh token. The server numbers them per session, from 1.
    pub refresh: NonZeroU32,
    /// Number of the access token.
    pub access: u32,
    /// The access token's `exp`: whole seconds of server time since the start of the run.
    pub exp_s: u32,
    /// The time at which the client considers the access token expired.
    pub until: Until,
}

/// A time of a client's own clock: nanoseconds since the start of the run, negative before it. Stored in two halves, so
/// that a held session takes 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until([u32; 2]);

impl Until {
    /// The time at this number of nanoseconds.
    pub const fn new(nanoseconds: i64) -> Until {
        Until([(nanoseconds >> 32) as u32, nanoseconds as u32])
    }

    /// The number of nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        ((self.0[0] as i64) << 32) | self.0[1] as i64
    }
}

/// The reason for an operation, and for a refresh that the operation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The page loads.
    Load,
    /// The tab becomes visible.
    Visible,
    /// The app asks for a token.
    Call,
    /// The app restores a session that it kept.
    Restore,
    /// A new listener requests its first event.
    Listener,
    /// The first event of a listener reads the session.
    Initial,
    /// A tick of the ticker.
    Tick,
    /// The timer before expiry.
    Alarm,
    /// The storage contains another tab's session.
    Copy,
}

/// An event for the SDK's listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum News {
    /// A stored session was found, or the app restored one.
    SignedIn,
    /// The session was refreshed.
    Refreshed,
    /// A refresh begins.
    RefreshStarted,
    /// A refresh failed.
    RefreshFailed,
    /// The timer's refresh failed.
    TimerFailed,
    /// The timer's refresh has ended.
    TimerEnded,
    /// The access token has expired.
    Expired,
    /// The session was removed.
    SignedOut,
}

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// A session, with the `exp` of its access token.
    Session(u32),
    /// No session.
    Nothing,
    /// No session, and an error beside it.
    Empty,
    /// An error.
    Failed,
}

impl Done {
    /// What a caller gets, and whether it is an error, or an error stands beside it.
    pub(super) fn answer(self) -> (Outcome, bool) {
        match self {
            Done::Session(exp) => (Outcome::Token(exp), false),
            Done::Nothing => (Outcome::Nothing, false),
            Done::Empty => (Outcome::Nothing, true),
            Done::Failed => (Outcome::Error, true),
        }
    }
}

/// The result of a refresh, for every operation that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// A new session.
    Yes(Held),
    /// The server refused, the client remembers the failure, or the session was replaced meanwhile.
    Refused {
        /// The answer clears the session.
        cleared: bool,
        /// The caller gets an empty answer.
        nothing: bool,
    },
    /// The last try got no answer, or an answer that is retried.
    Unanswered,
}

/// A client object in a page.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub browser: u32,
    /// Number of the object's page. Objects of one page close together and share storage events.
    pub page: u32,
    /// Next client object of the browser.
    pub next: u32,
    /// The work under way, or [`NONE`](super::pool::NONE).
    pub busy: u32,
    /// The object's own copy of the session.
    pub copy: Copied,
    /// One plus the depth of the entry whose answer set the timer to no wait; 0 otherwise.
    pub alarm_depth: u16,
    /// Consecutive failures of the timer's refresh.
    pub alarm_failures: u8,
    pub traits: Traits,
}

/// The numbers of a client object's clocks. They belong to the object's slot and never begin anew, so a timer of an
/// earlier object is void.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Number of the current ticker. Ticks with an older number are void.
    pub tick: u32,
    /// Number of the current timer setting. Timers with an older number are void.
    pub alarm: u32,
}

/// Seconds of the local clock that few kinds of client objects remember.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checked {
    /// The second of the local clock for which the timer before expiry is set, if it is.
    pub alarm_at: Option<i64>,
    /// The second for which the timer that tells of the expiry is set, if it is.
    pub expiry_at: Option<i64>,
    /// Number of the current setting of the timer that tells of the expiry.
    pub expiry: u32,
    /// The second in which the tab last became visible and refreshed, if it did.
    pub visible_at: Option<i64>,
}

/// The work under way at a client object.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    /// The refresh that callers share.
    pub flight: Option<Key>,
    /// The refresh token that failed, and the time until which the client remembers the failure.
    pub cool: Option<(NonZeroU32, Time)>,
    /// Whether the object holds the lock. Its further operations then queue behind the last one.
    pub locked: bool,
    /// The last operation of the object's own queue.
    pub tail: Option<Key>,
    /// Numbers of the next operation of the object's own queue, and of the first that has not been removed from it.
    pub queued: u32,
    pub front: u32,
    /// The first of the operations that hold the lock, or held it when it was stolen.
    pub holders: Option<Key>,
    /// The first of the object's operations that have not ended.
    pub tasks: Option<Key>,
    /// Operations that wait for the load, in order.
    pub parked: (Option<Key>, Option<Key>),
    /// The instant at which the object last sent a request, and how many it sent then.
    pub sent: (Time, u8),
}

impl Busy {
    pub(super) fn is_idle(&self) -> bool {
        self.flight.is_none() && self.cool.is_none() && !self.locked && self.tasks.is_none()
    }
}

/// An operation that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub agent: Key,
    pub op: Op,
    /// The progress of the operation. The code of each operation defines the numbers.
    pub stage: u8,
    pub call: u32,
    /// Number of entries before it, each caused by the answer to a request of the previous one.
    pub depth: u16,
    pub started: Time,
    /// When the operation was added: for a call, when the app asked.
    pub asked: Time,
    /// The session that the app restores, or that another page has written.
    pub kept: Option<Held>,
    /// Another operation stole its lock, and its caller already has an error.
    pub stolen: bool,
    /// It has asked for the lock, or holds it.
    pub in_lock: bool,
    /// It holds the browser's lock, or held it until the lock was stolen.
    pub granted: bool,
    /// It runs in the object's own queue, while another operation holds the lock.
    pub in_queue: bool,
    /// Its number in the object's own queue, once it has the lock.
    pub place: u32,
    /// For a holder that waits for its object's queue: the first place that it waits for, the last (excluded), and the
    /// number of the wait.
    pub drains: Option<(u32, u32, u32)>,
    /// Next holder of the object.
    pub next_holder: Option<Key>,
    /// Neighbours in the list of the object's operations.
    pub before: Option<Key>,
    pub after: Option<Key>,
    /// The request that it waits for.
    pub flight: Option<Key>,
    /// Its result, kept until the object's queue is empty and its caller gets the result.
    pub done: Option<Done>,
    /// The next operation in the object's own queue.
    pub successor: Option<Key>,
    /// The next operation in the list in which it waits: for a refresh, for the load, or for the browser's lock.
    pub link: Option<Key>,
}

/// The request of a chain that follows discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The session is read, and refreshed within the margin.
    Read,
    /// The refresh token is exchanged.
    Refresh,
    /// An iframe is opened.
    Iframe,
    /// The code of an iframe is exchanged.
    Code,
    /// Account data is requested, without discovery.
    Account,
}

/// A chain of requests of a client under way: a refresh, or one other request.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub agent: Key,
    /// The operation that began it.
    pub op: Op,
    pub step: Step,
    /// The endpoint of the current request.
    pub endpoint: Endpoint,
    /// The refresh token in hand when it began.
    pub refresh: Option<NonZeroU32>,
    /// The stored refresh token when the refresh began.
    pub stored: Option<NonZeroU32>,
    /// Number of requests sent before the current one.
    pub number: u32,
    /// Number of iframes opened.
    pub iframes: u8,
    /// Whether it is a refresh that has begun: an entry.
    pub entered: bool,
    /// Whether the current request has had an answer that says nothing, so that only the time-out ends it.
    pub heard_nothing: bool,
    /// Number of failed tries of the current request.
    pub failures: u32,
    /// Why the try under way is made; `None` for the first.
    pub retries: Option<Cause>,
    /// When the last try failed.
    pub failed: Time,
    /// The wait before the last try; zero before the first.
    pub waited: Dur,
    /// When the first try of the current request began.
    pub started: Time,
    pub depth: u16,
    pub sent: Time,
    /// The number of the current try among those that the page's client objects sent at the same instant.
    pub ordinal: u8,
    pub waits_for_answer: bool,
    /// The driver's name for the request of the current try.
    pub ticket: u32,
    /// The first and the last operation that wait for it.
    pub waiters: (Option<Key>, Option<Key>),
}

impl Flight {
    /// Depth of an entry that its answer causes. A request other than a refresh adds nothing.
    pub(super) fn depth_after(&self) -> u16 {
        self.depth.saturating_add(u16::from(self.entered))
    }
}

/// The browser's lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Lock {
    pub holder: Option<Key>,
    pub queue: (Option<Key>, Option<Key>),
}

/// A consequence within the same instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// An operation begins: it waits for its load and lock if it must.
    Begin(Key),
    /// An operation runs.
    Run(Key),
    /// An operation's refresh has ended.
    Resume(Key, Refreshed),
    /// An operation asks the browser for the lock.
    AskLock(Key),
    /// An operation steals the lock from its holder.
    Steal(Key),
    /// Another client object's event arrives.
    Deliver { agent: Key, news: News, depth: u16 },
    /// The storage has changed.
    Changed { agent: Key, depth: u16 },
    /// A refresh fails because the browser remembers a failure.
    Throttled(Key),
}

/// Every browser, client object and operation of a population.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub(super) browsers: Vec<Browser>,
    pub(super) agents: Pool<Agent>,
    /// By the slots of `agents`.
    pub(super) clocks: Vec<Clock>,
    /// By the slots of `agents`, up to the last object that remembers one.
    pub(super) checked: Vec<Checked>,
    /// By the slots of `agents`, up to the last object that has the provider's metadata: when it got them.
    pub(super) discovered: Vec<Option<Time>>,
    /// By browsers, up to the last that remembers a failure in its storage: until when.
    pub(super) throttled: Vec<Option<Time>>,
    pub(super) busy: Pool<Busy>,
    pub(super) tasks: Pool<Task>,
    pub(super) flights: Pool<Flight>,
    pub(super) locks: Pool<Lock>,
    /// Copies of sessions that differ from what the browser stores.
    pub(super) copies: Pool<Held>,
    /// What a browser stored before the first change that no driver has looked at.
    pub(super) replaced: Option<Option<Held>>,
    /// Removals from the storage have no effect: the old value stays.
    pub(super) ignores_removals: bool,
    /// The states of the policies' limits.
    pub(super) limits: LimitStates,
    pub(super) calls: u32,
    /// Number of waits of holders for their queues.
    pub(super) drains: u32,
    /// First the consequences that run at once; then the browser's own messages, which run when there are none.
    pub(super) soon: VecDeque<Next>,
    pub(super) later: VecDeque<Next>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_of_a_time_are_kept() {
        for nanoseconds in [0, 1, -1, i64::MAX, i64::MIN, 1 << 32, -(1 << 32), 900_000_000_000] {
            assert_eq!(Until::new(nanoseconds).nanoseconds(), nanoseconds);
        }
    }
}
