//! A profile, compiled: flat numbers and enums, no text, no map. The machine reads nothing else.

use crate::kernel::{Dur, Time};

/// How a client learns when its access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryClock {
    /// The server's absolute time, compared with the local clock: a wrong clock stays wrong.
    Server,
    /// Local time of receipt plus the token's life: right again after the first refresh.
    Receipt,
    /// As [`ExpiryClock::Receipt`], in whole seconds of the local clock, both when the token comes and when it is judged.
    ReceiptSeconds,
    /// The server's absolute time, compared with the local clock corrected by an offset: whole seconds between the
    /// issue time of a token and the middle of its request. Unknown until the first refresh of a page.
    Measured,
}

/// Where a client object keeps the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the browser's storage, read on every use. All tabs see a change at once.
    Storage,
    /// In the object, with a copy in the browser's storage for reloads; another tab's write is copied when the storage
    /// event arrives.
    Copied,
    /// In the object; the app passes the tokens of the last page to the next.
    Memory,
}

/// What a caller gets when the refresh fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No session: an empty answer.
    Nothing,
    /// An error.
    Error,
}

/// What a caller gets while the page loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileLoading {
    /// The answer comes after the load.
    Waits,
    /// There is no user yet.
    Nothing,
    /// What any caller gets.
    Asks,
}

/// When an answer signs the user out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOut {
    /// Never: the session is kept.
    Never,
    /// Only if the access token in hand has expired by the local clock.
    IfExpired,
    /// Always.
    Always,
}

/// The requests a client makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// The token endpoint: a refresh token for a new access token.
    Token,
    /// Account data, asked for at page load (`accounts:lookup`).
    Lookup,
    /// Account data, asked for when the app puts a session back (`GET /user`).
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

/// An error code that the profile names, by its index; codes that no row names are [`Code::OTHER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u16);

impl Code {
    /// A code that no row of the profile names, or none at all.
    pub const OTHER: Code = Code(u16::MAX);
}

/// How a request ended, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// An HTTP answer.
    Status(u16),
    /// No HTTP answer: the connection failed.
    NoAnswer,
    /// The client's own time-out.
    TimedOut,
}

/// What a row of answers does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The request is sent again on the schedule of [`Retry`], while the schedule lasts.
    pub retry: bool,
    /// Whether the user is signed out.
    pub sign_out: SignOut,
    /// The error counts as "no answer": the timer's back-off applies to it.
    pub no_answer: bool,
    /// The failure starts the cool-down.
    pub cools: bool,
}

/// A row of answers: the first that matches decides.
#[derive(Clone, Debug)]
pub struct AnswerRule {
    /// The endpoint; none: any.
    pub endpoint: Option<Endpoint>,
    /// Statuses from and to, both included; none: no HTTP status matches.
    pub statuses: Option<(u16, u16)>,
    /// Whether a request without an answer matches.
    pub no_answer: bool,
    /// Whether the client's own time-out matches.
    pub timed_out: bool,
    /// The error code; none: any.
    pub code: Option<Code>,
    /// What it does.
    pub verdict: Verdict,
}

/// How long a series of tries goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many tries in all.
    Tries(u32),
    /// While the next try starts within this time of the first.
    Within(Dur),
    /// For ever.
    Endless,
}

/// A schedule of waits: `first`, then each `factor` times the last, at most `cap`; plus up to `jitter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first wait.
    pub first: Dur,
    /// What each further wait is multiplied by; a whole number, since every measured client uses one.
    pub factor: u32,
    /// The longest wait.
    pub cap: Dur,
    /// A uniform random wait from zero up to this is added.
    pub jitter: Dur,
    /// When the series ends.
    pub limit: Limit,
}

impl Schedule {
    /// The wait after failure `n` (the first is 0), without jitter.
    pub fn wait(&self, n: u32) -> Dur {
        let factor = u64::from(self.factor).checked_pow(n).unwrap_or(u64::MAX);
        Dur(self.first.0.saturating_mul(factor).min(self.cap.0))
    }

    /// Whether a try follows failure `n`, which came at `now`, of a series begun at `started`.
    pub fn goes_on(&self, n: u32, started: Time, now: Time) -> bool {
        match self.limit {
            Limit::Tries(tries) => n + 1 < tries,
            Limit::Within(budget) => now.since(started).0.saturating_add(self.wait(n).0) < budget.0,
            Limit::Endless => true,
        }
    }
}

/// The lock that operations of a client take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRules {
    /// How long an operation waits for it.
    pub wait: Dur,
    /// What follows: the lock is stolen (true), or the caller gets an error (false).
    pub steal: bool,
    /// Operations that come while their own object holds the lock run within it.
    pub reentrant: bool,
    /// A caller takes it only to refresh; he reads the session again once he has it.
    pub to_refresh: bool,
}

/// A ticker: it judges the session every period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickerRules {
    /// Time between two ticks; the first is at once.
    pub period: Dur,
    /// A tick refreshes a session with less than this left.
    pub below: Dur,
    /// A tick is skipped while a refresh is under way.
    pub skips_when_busy: bool,
}

/// A timer set relative to the token's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerRules {
    /// How long before expiry it fires.
    pub before: Dur,
    /// The shortest wait.
    pub floor: Dur,
    /// It refreshes; false: it only tells listeners that the token has expired.
    pub refreshes: bool,
    /// The wait is computed in seconds of epoch time and cut to whole milliseconds: it may be 1 ms short.
    pub in_seconds: bool,
    /// Every refresh sets it; false: the load and the end of its own refresh do.
    pub set_by_all: bool,
    /// The waits after a refresh without an answer; none: the timer is not set again.
    pub again: Option<Schedule>,
    /// The timer is set again after an HTTP error, as after a success; false: it is dead until the next load.
    pub survives_errors: bool,
}

/// What a page load does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadRules {
    /// The session is refreshed when it has less than the caller's margin left.
    pub refreshes: bool,
    /// The session is refreshed whatever it has left.
    pub forces: bool,
    /// The load fails when its refresh does.
    pub fails: bool,
    /// Account data is asked for.
    pub lookup: bool,
    /// A refused refresh of a load or a return to the tab clears the session once more.
    pub clears_again: bool,
    /// A session that needs no refresh is announced to listeners and other tabs.
    pub announces: bool,
    /// A new listener reads the session, as a caller does, and gets it as its first event.
    pub listener_reads: bool,
}

/// A failure that is remembered: callers with the same refresh token get it without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CooldownRules {
    /// For how long.
    pub lasts: Dur,
    /// A refresh or sign-in in another tab ends it.
    pub ended_by_news: bool,
}

/// A client, compiled.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How it learns when a token expires.
    pub clock: ExpiryClock,
    /// Where it keeps the session.
    pub place: Place,
    /// A refreshed session is dropped when the stored one has been replaced or removed meanwhile.
    pub drops_when_replaced: bool,
    /// One refresh at a time per client object: who asks meanwhile gets its outcome.
    pub shares: bool,
    /// Events are sent to the browser's other client objects.
    pub broadcasts: bool,
    /// The lock, if it takes one.
    pub lock: Option<LockRules>,
    /// A caller refreshes a session with less than this left.
    pub caller_margin: Dur,
    /// What a caller who asks while the page loads gets.
    pub while_loading: WhileLoading,
    /// A caller gets an error when there is no session.
    pub none_is_error: bool,
    /// A failed refresh is told to listeners.
    pub tells_failure: bool,
    /// What a caller gets when the refresh fails.
    pub failure: Failure,
    /// A caller gets the old token while it is valid.
    pub keeps_valid: bool,
    /// What a load does.
    pub load: LoadRules,
    /// A tab that becomes visible does what a load does to the session.
    pub visible_recovers: bool,
    /// The ticker, if it has one.
    pub ticker: Option<TickerRules>,
    /// The timer, if it has one.
    pub timer: Option<TimerRules>,
    /// How a failed request is tried again.
    pub retry: Option<Schedule>,
    /// After this time a request without an answer counts as failed.
    pub timeout: Option<Dur>,
    /// A request that has timed out is aborted; false: the server's answer to it still comes, to nobody.
    pub aborts: bool,
    /// An answer whose token has expired by the local clock for longer than this is dropped: the refresh has failed, and
    /// a rotated refresh token is lost.
    pub drops_expired: Option<Dur>,
    /// What answers do; 2xx is success before any row is asked, an answer that no row names fails and changes nothing.
    pub answers: Box<[AnswerRule]>,
    /// The memory of a failure, if it has one.
    pub cooldown: Option<CooldownRules>,
}

impl Rules {
    /// What an answer other than 2xx does.
    pub fn verdict(&self, endpoint: Endpoint, ending: Ending, code: Code) -> Verdict {
        const FAILS: Verdict =
            Verdict { retry: false, sign_out: SignOut::Never, no_answer: false, cools: true };
        let row = self.answers.iter().find(|row| {
            row.endpoint.is_none_or(|e| e == endpoint)
                && row.code.is_none_or(|c| c == code)
                && match ending {
                    Ending::Status(s) => row.statuses.is_some_and(|(from, to)| from <= s && s <= to),
                    Ending::NoAnswer => row.no_answer,
                    Ending::TimedOut => row.timed_out,
                }
        });
        row.map_or(FAILS, |row| row.verdict)
    }
}
