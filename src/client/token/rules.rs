//! The compiled rules of a profile: numbers and enums without text or maps. The machine reads nothing else.

use super::answers::{Answers, Ending};
use super::schedule::Schedule;
use super::words::Reply;
use crate::client::session_policy::SessionLimits;
use crate::kernel::Dur;

/// How a client determines when its access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryClock {
    /// The server's absolute time, compared with the local clock. A wrong clock stays wrong.
    Server,
    /// Local time of receipt plus the token's life. A wrong clock is corrected by the first refresh.
    Receipt,
    /// Like [`ExpiryClock::Receipt`], in whole seconds of the local clock, both at receipt and at each check.
    ReceiptSeconds,
    /// Local time of the request plus the token's life, in rounded seconds of the local clock, both at the request and at
    /// each check.
    RequestSeconds,
    /// Unknown to the client: a session counts as valid until an answer says otherwise.
    Unknown,
    /// The server's absolute time, compared with the local clock corrected by an offset. The offset is whole seconds
    /// between a token's issue time and the middle of its request. It is unknown until the first refresh of a page.
    Measured,
}

/// The place where a client object keeps the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the browser's storage, read on every use. All tabs see a change at once.
    Storage,
    /// In the object, with a copy in the browser's storage for reloads. The object copies another tab's write when the
    /// storage event arrives.
    Copied,
    /// In the object. The app passes the tokens of the last page to the next page.
    Memory,
    /// In the object. The next page begins without a session and gets one through the iframe.
    Page,
}

/// The answer to a caller when the refresh fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An empty answer: no session.
    Nothing,
    /// An error.
    Error,
}

/// The answer to a caller while the page loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileLoading {
    /// The answer comes after the load.
    Waits,
    /// An empty answer: no user yet.
    Nothing,
    /// The answer that any caller gets.
    Asks,
}

/// The effect of an answer on the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOut {
    /// Never: the session is kept.
    Never,
    /// Only if the access token in hand has expired by the local clock.
    IfExpired,
    /// Always.
    Always,
}

/// The endpoints that a client requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// The token endpoint: a refresh token for a new access token.
    Token,
    /// Account data, requested at page load (`accounts:lookup`).
    Lookup,
    /// Account data, requested when the app restores a session (`GET /user`).
    User,
    /// The provider's metadata (`/.well-known/openid-configuration`).
    Discovery,
    /// The provider's authorization page in a hidden iframe (`prompt=none`).
    Authorize,
}

/// The endpoints, with the short names that recordings, faults and limits use.
pub const ENDPOINTS: [(Endpoint, &str); 5] = [
    (Endpoint::Token, "token"),
    (Endpoint::Lookup, "lookup"),
    (Endpoint::User, "user"),
    (Endpoint::Discovery, "discovery"),
    (Endpoint::Authorize, "authorize"),
];

impl Endpoint {
    /// The short name.
    pub fn name(self) -> &'static str {
        ENDPOINTS[self as usize].1
    }
}

/// An error code, as its index in the profile. Codes that no row names are [`Code::OTHER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u16);

impl Code {
    /// A code that no row of the profile names, or no code.
    pub const OTHER: Code = Code(u16::MAX);
}

/// The error code of an authorization page that knows no user (OpenID Connect Core 1.0, section 3.1.2.6).
pub const NO_USER: &str = "login_required";

/// The lock of a client's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRules {
    /// The longest wait of an operation for the lock.
    pub wait: Dur,
    /// After that wait the operation steals the lock (true), or its caller gets an error (false).
    pub steal: bool,
    /// Operations that come while their own object holds the lock run within it.
    pub reentrant: bool,
    /// A caller takes the lock only to refresh, and then reads the session again.
    pub to_refresh: bool,
}

/// A ticker. It checks the session every period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickerRules {
    /// Time between two ticks. The first tick comes at once.
    pub period: Dur,
    /// A tick refreshes a session with less than this left.
    pub below: Dur,
    /// A tick is skipped during a refresh.
    pub skips_when_busy: bool,
}

/// A timer set relative to the token's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerRules {
    /// Time from the timer to the expiry.
    pub before: Dur,
    /// The shortest wait.
    pub floor: Dur,
    /// The timer refreshes the session (true), or only tells listeners that the token has expired (false).
    pub refreshes: bool,
    /// The wait is computed in seconds of epoch time and cut to whole milliseconds. It may be 1 ms short.
    pub in_seconds: bool,
    /// Every refresh sets the timer (true), or only the load and the end of the timer's own refresh (false).
    pub set_by_all: bool,
    /// Every read of a caller sets the timer too.
    pub set_by_reads: bool,
    /// The time between two looks at the clock; `None` for a timer that fires in time.
    pub checks_every: Option<Dur>,
    /// Time from the expiry to the timer that tells of it; `None` if there is none.
    pub tells_expired_after: Option<Dur>,
    /// The waits after a refresh without an answer; `None` if the timer is not set again.
    pub again: Option<Schedule>,
    /// The timer is set again after an HTTP error, as after a success (true), or stops until the next load (false).
    pub survives_errors: bool,
}

/// The actions of a page load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadRules {
    /// The session is refreshed when less than the caller's margin is left.
    pub refreshes: bool,
    /// The session is refreshed always.
    pub forces: bool,
    /// The load fails when its refresh does.
    pub fails: bool,
    /// The load requests account data.
    pub lookup: bool,
    /// After a refused refresh, a load or a return to the tab clears the session a second time.
    pub clears_again: bool,
    /// A session that needs no refresh is announced to listeners and other tabs.
    pub announces: bool,
    /// A new listener reads the session like a caller, and gets it as its first event.
    pub listener_reads: bool,
}

/// A remembered failure: callers get it without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CooldownRules {
    /// Duration of the memory.
    pub lasts: Dur,
    /// A refresh or sign-in in another tab ends the memory.
    pub ended_by_news: bool,
    /// Every failure begins it, not only those of which an answer's row says so.
    pub on_every_failure: bool,
    /// The memory is in the browser's storage, for all requests to the token endpoint (true), or in the object, for a
    /// refresh token (false).
    pub in_storage: bool,
    /// It lasts as long as `Retry-After` asks for, and an answer with one begins it.
    pub honours_retry_after: bool,
    /// The longest duration.
    pub cap: Dur,
}

/// The request for the provider's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveryRules {
    /// A caller needs the metadata to read the session.
    pub before_read: bool,
    /// Time for which an object keeps them.
    pub lasts: Dur,
}

/// When a client opens an iframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IframeUse {
    /// Never.
    Never,
    /// Without a refresh token, and after an answer that says so.
    Fallback,
    /// For each refresh.
    Always,
}

/// The iframe with the provider's authorization page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IframeRules {
    /// When the client opens it.
    pub when: IframeUse,
    /// An iframe that has said nothing has failed after this time.
    pub timeout: Dur,
    /// The largest number of iframes of one refresh.
    pub tries: u8,
}

/// The compiled rules of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// How the client determines when a token expires.
    pub clock: ExpiryClock,
    /// The place where it keeps the session.
    pub place: Place,
    /// A refreshed session is dropped if the stored one was replaced or removed meanwhile.
    pub drops_when_replaced: bool,
    /// One refresh at a time per client object. Operations that ask during a refresh share its outcome.
    pub shares: bool,
    /// A new refresh of a client object aborts the one under way.
    pub newest_only: bool,
    /// Each caller of a shared refresh stores its result and reports its outcome to listeners.
    pub each_commits: bool,
    /// Events are sent to the browser's other client objects too.
    pub broadcasts: bool,
    /// The lock; `None` for a client without one.
    pub lock: Option<LockRules>,
    /// A caller refreshes a session with less than this left.
    pub caller_margin: Dur,
    /// The answer to a caller that asks while the page loads.
    pub while_loading: WhileLoading,
    /// A caller gets an error when there is no session.
    pub none_is_error: bool,
    /// A caller's read refreshes the session within the margin.
    pub caller_refreshes: bool,
    /// Listeners are told of a failed refresh.
    pub tells_failure: bool,
    /// Listeners are told that a refresh begins.
    pub tells_start: bool,
    /// Listeners are told that the timer's refresh failed.
    pub tells_timer_failure: bool,
    /// Listeners are told that the timer's refresh has ended.
    pub tells_timer_end: bool,
    /// The answer to a caller when the refresh fails.
    pub failure: Failure,
    /// After a failed refresh, a caller gets the old token while it is valid.
    pub keeps_valid: bool,
    /// The actions of a load.
    pub load: LoadRules,
    /// A tab that becomes visible treats the session as a load does.
    pub visible_recovers: bool,
    /// A tab that becomes visible refreshes any session, at most once in this time.
    pub visible_refreshes: Option<Dur>,
    /// The ticker; `None` for a client without one.
    pub ticker: Option<TickerRules>,
    /// The timer; `None` for a client without one.
    pub timer: Option<TimerRules>,
    /// The retries of a failed request.
    pub retry: Option<Schedule>,
    /// A policy's limits on refreshes and their retries.
    pub limits: Option<Box<SessionLimits>>,
    /// A request without an answer has failed after this time.
    pub timeout: Option<Dur>,
    /// A request that has timed out is aborted (true), or the server still answers it and the client ignores the answer
    /// (false).
    pub aborts: bool,
    /// An answer is dropped if its token has expired by the local clock for longer than this. The refresh then has
    /// failed, and a rotated refresh token is lost.
    pub drops_expired: Option<Dur>,
    /// The effects of answers. A 2xx is a success before any row is checked. An answer without a row fails without
    /// effects.
    pub answers: Answers,
    /// The memory of a failure; `None` for a client without one.
    pub cooldown: Option<CooldownRules>,
    /// The request for the provider's metadata; `None` for a client without one.
    pub discovery: Option<DiscoveryRules>,
    /// The iframe; `None` for a client without one.
    pub iframe: Option<IframeRules>,
}

impl Rules {
    /// Whether a refresh needs no refresh token: it may open an iframe.
    pub fn refreshes_without_token(&self) -> bool {
        self.iframe.is_some_and(|iframe| iframe.when != IframeUse::Never)
    }

    /// Whether this answer is a reason to sign out, if only an expired token makes it one.
    pub fn ends_session(&self, endpoint: Endpoint, reply: &Reply) -> bool {
        let (ending, code) = match *reply {
            Reply::Ok(_) => return false,
            Reply::Error { status, code, .. } => (Ending::Status(status), code),
            Reply::PageError(code) => (Ending::PageError, code),
            Reply::NoAnswer => (Ending::NoAnswer, Code::OTHER),
        };
        self.answers.verdict(endpoint, ending, code).sign_out != SignOut::Never
    }
}
