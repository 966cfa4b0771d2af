//! The interface between the machine and its driver: inputs, actions, facts.

use super::pool::Key;
use super::rules::{Code, Endpoint};
use super::state::{Held, News, Op};
use crate::client::backoff::Wait;
use crate::kernel::{Dur, Time};
use crate::protocol::RetryIn;
use std::num::NonZeroU32;

/// How a client object opens.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Number of its page. Objects of one page share the number; other objects have another.
    pub page: u32,
    /// The tab is visible.
    pub visible: bool,
    /// It refreshes by itself, with its ticker or timer.
    pub auto: bool,
    /// The app listens to its events.
    pub listens: bool,
    /// The app asks for a token on each event.
    pub asks_on_event: bool,
    /// The app refreshes the session, like a caller, when the SDK tells it that the token has expired.
    pub refreshes_on_expiry: bool,
    /// Number of calls that the app makes at once.
    pub asks: u32,
}

/// An input of a client object.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// The tab becomes visible.
    Visible,
    /// The tab is hidden.
    Hidden,
    /// The app makes this many calls at once.
    Ask(u32),
    /// The app restores a session that it kept.
    Restore(Held),
    /// A request got an answer, or failed without one.
    Answer(Request, Reply),
    /// A timer fires.
    Timer(Timer),
    /// The object closes. Its requests get no answers any more.
    Close,
    /// The object's page closes, with all its objects.
    ClosePage,
}

/// A request under way: its chain and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    pub(super) flight: Key,
    pub(super) number: u32,
}

impl Request {
    /// Number of requests of its chain before this one: earlier tries, and the steps before it.
    pub fn number(self) -> u32 {
        self.number
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// Success; the token endpoint issues tokens.
    Ok(Option<Issued>),
    /// An HTTP status other than success.
    Error {
        /// The status.
        status: u16,
        /// Its error code.
        code: Code,
        /// The `Retry-After` header.
        retry_after: RetryIn,
    },
    /// The page in the iframe reports an error.
    PageError(Code),
    /// No HTTP answer.
    NoAnswer,
}

/// Tokens that the server issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Number of the refresh token.
    pub refresh: NonZeroU32,
    /// Number of the access token.
    pub access: u32,
    /// `exp` of the access token: whole seconds of server time since the start of the run.
    pub exp_s: u32,
    /// Life of the access token.
    pub life: Dur,
}

/// A timer that the machine sets. A timer of an old setting still fires, and has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A tick of the ticker. The first tick of a ticker waits for the load.
    Tick {
        /// The ticker's number.
        ticker: u32,
        /// Whether this is the first tick.
        first: bool,
    },
    /// The timer before expiry.
    Alarm(u32),
    /// The timer that tells of the expiry.
    Expiry(u32),
    /// A failed request is sent again.
    Retry(Request),
    /// A request has had no answer for too long.
    TimeOut(Request),
    /// An operation has waited too long for the lock.
    LockWait(Key),
}

/// An action that the machine requests.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// A request is sent.
    Send {
        /// The client object.
        agent: Key,
        /// The endpoint.
        endpoint: Endpoint,
        /// The refresh token that it contains. A request of the token endpoint without one exchanges a code.
        refresh: Option<NonZeroU32>,
        /// The request's identity, which the answer returns.
        request: Request,
    },
    /// A sent request is aborted. The client ignores an answer that still comes.
    Abort {
        /// The request.
        request: Request,
        /// The number that the driver gave it; 0 where the driver gives none.
        ticket: u32,
    },
    /// A timer is set.
    Wait {
        /// The client object.
        agent: Key,
        /// The timer.
        timer: Timer,
        /// How long it takes.
        wait: Wait,
    },
}

/// The answer to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// An access token, with its `exp`.
    Token(u32),
    /// An empty answer.
    Nothing,
    /// An error.
    Error,
}

/// A change of the browser's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Storage {
    /// A session was written.
    Set,
    /// The session was removed.
    Removed,
    /// A removal had no effect.
    RemovalIgnored,
}

/// A fact for metrics and stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A refresh begins: an entry.
    Entered {
        /// The reason.
        op: Op,
        /// Number of entries before it, each caused by the answer to a request of the previous one. From 1 on the entry
        /// is recursive.
        depth: u16,
    },
    /// A refresh ended.
    Left {
        /// A new session was stored.
        ok: bool,
    },
    /// The client signed the user out.
    SignedOut {
        /// The status of the answer that caused it; `None` for another tab's sign-out.
        status: Option<u16>,
    },
    /// The app asked.
    Asked {
        /// Number of the call.
        call: u32,
    },
    /// The app has its answer.
    Answered {
        /// Number of the call.
        call: u32,
        /// When the app asked.
        asked: Time,
        /// The answer.
        outcome: Outcome,
        /// Whether the answer is an error, or an error stands beside an empty answer.
        error: bool,
    },
    /// The SDK notifies its listeners. The expiry is that of the session in the event.
    Event(News, Option<u32>),
    /// The SDK gives a new listener its first event.
    First(Option<u32>),
    /// The SDK notifies its listeners that the load has failed.
    LoadFailed,
    /// The SDK notifies the browser's other client objects.
    Broadcast(News),
    /// The storage changed.
    Storage(Storage),
    /// The load ended: successfully (true) or not (false).
    Loaded(bool),
}

/// The output of a step. The vectors are reused: clear them between steps.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// The facts, in order, each with its client object.
    pub facts: Vec<(Key, Fact)>,
}
