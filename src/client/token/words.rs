//! The words between the machine and whoever runs it: inputs, actions, facts.

use super::pool::Key;
use super::rules::{Code, Endpoint};
use super::state::{Held, News, Op};
use crate::kernel::{Dur, Time};

/// How a client object opens.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The page it belongs to: any number that its objects share and others do not.
    pub page: u32,
    /// The tab is visible.
    pub visible: bool,
    /// It refreshes by itself: its ticker or timer runs.
    pub auto: bool,
    /// The app listens to its events.
    pub listens: bool,
    /// The app asks for a token on each event.
    pub asks_on_event: bool,
    /// The app refreshes the session, as a caller does, when it is told that the token has expired.
    pub refreshes_on_expiry: bool,
    /// The app asks so many times in the same breath.
    pub asks: u32,
}

/// What happens to a client object.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// The tab becomes visible.
    Visible,
    /// The tab is hidden.
    Hidden,
    /// The app asks for a token, so many times at once.
    Ask(u32),
    /// The app puts back a session that it kept.
    Restore(Held),
    /// The answer to a request, or that there is none.
    Answer(Request, Reply),
    /// A timer fires.
    Timer(Timer),
    /// The page goes away: nothing of it is answered any more.
    Close,
}

/// One request on its way: a refresh and the number of its try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    pub(super) flight: Key,
    pub(super) attempt: u32,
}

/// What comes back.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// Success; the token endpoint issues tokens.
    Ok(Option<Issued>),
    /// An HTTP status other than success, with its error code.
    Error(u16, Code),
    /// No HTTP answer.
    NoAnswer,
}

/// Tokens that the server issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Number of the refresh token.
    pub refresh: std::num::NonZeroU32,
    /// Number of the access token.
    pub access: u32,
    /// `exp` of the access token: whole seconds of server time since the start of the run.
    pub exp_s: u32,
    /// Its life.
    pub life: Dur,
}

/// A timer that the machine asks for. An old one that still fires finds that it is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A tick of the ticker; the first of a ticker waits for the load.
    Tick {
        /// The ticker's number.
        ticker: u32,
        /// The first tick.
        first: bool,
    },
    /// The timer before expiry.
    Alarm(u32),
    /// A failed request is sent again.
    Retry(Request),
    /// A request has had no answer for too long.
    TimeOut(Request),
    /// An operation has waited too long for the lock.
    LockWait(Key),
}

/// What the machine wants done.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// A request is sent.
    Send {
        /// The client object.
        agent: Key,
        /// Where to.
        endpoint: Endpoint,
        /// The refresh token that it carries.
        refresh: std::num::NonZeroU32,
        /// To be given back with the answer.
        request: Request,
    },
    /// A request that was sent is aborted: its answer, if one comes, is for nobody.
    Abort {
        /// The request.
        request: Request,
    },
    /// A timer is set.
    Wait {
        /// The client object.
        agent: Key,
        /// The timer.
        timer: Timer,
        /// When it fires.
        at: Time,
        /// A uniform random wait from zero up to this is added; zero for most.
        jitter: Dur,
    },
}

/// What a caller got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// An access token, with its `exp`.
    Token(u32),
    /// An empty answer.
    Nothing,
    /// An error.
    Error,
}

/// What happened to the browser's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Storage {
    /// A session was written.
    Set,
    /// It was removed.
    Removed,
    /// It was to be removed, and stayed.
    RemovalIgnored,
}

/// What metrics and stories count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A refresh begins: an entry.
    Entered {
        /// Why.
        op: Op,
        /// How many entries precede it, each caused by the answer to a request of the one before; from 1 on the entry
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
        /// The answer that did it; none: another tab's sign-out.
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
        /// What it got.
        outcome: Outcome,
    },
    /// The SDK tells its listeners; the expiry is that of the session that the event carries.
    Event(News, Option<u32>),
    /// The SDK gives a new listener its first event.
    First(Option<u32>),
    /// The SDK tells its listeners that the load has failed.
    LoadFailed,
    /// The SDK tells the browser's other client objects.
    Broadcast(News),
    /// The storage changed.
    Storage(Storage),
    /// The load ended; false: it failed.
    Loaded(bool),
}

/// What a step gives back. The vectors are reused: clear them between steps.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// What is to be done, in order.
    pub actions: Vec<Action>,
    /// What happened, in order, and to which client object.
    pub facts: Vec<(Key, Fact)>,
}
