//! The format of a client profile: a token client described by data.
//!
//! A profile is a TOML file, `scenarios/clients/<sdk>-<version>.toml`. Every key has a documented default, so a profile
//! names only what its client has.

use super::profile_clocks::{Lock, RequestSpec, Ticker, TimerSpec};
use crate::kernel::Dur;
use serde::{Deserialize, Serialize};

/// A client profile.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Which client this is.
    pub sdk: Sdk,
    /// The session and where it is kept.
    pub session: Session,
    /// The callers that ask for a token through the SDK.
    #[serde(default)]
    pub caller: Caller,
    /// The actions of a page load.
    #[serde(default)]
    pub load: Load,
    /// The actions of a tab that becomes visible.
    #[serde(default)]
    pub visible: Visible,
    /// A ticker that checks the session periodically. Absent: none.
    #[serde(default)]
    pub ticker: Option<Ticker>,
    /// A timer that is set relative to the token's expiry. Absent: none.
    #[serde(default)]
    pub timer: Option<TimerSpec>,
    /// The lock that operations take. Absent: none.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// The sending of one request.
    #[serde(default)]
    pub request: RequestSpec,
    /// The effects of answers other than success. The first row that matches applies. An answer without a row fails the
    /// refresh and has no other effect.
    #[serde(default)]
    pub answer: Vec<Answer>,
    /// The time for which a failure is remembered. Absent: not at all.
    #[serde(default)]
    pub cooldown: Option<Cooldown>,
    /// The server's rules for refresh tokens.
    #[serde(default)]
    pub refresh_token: RefreshToken,
    /// The names of the SDK's own events. Only the comparison with recordings uses them.
    #[serde(default)]
    pub events: Events,
}

/// `[sdk]`: the identity of the client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sdk {
    /// Name of the profile, as `model` names it: `supabase-js-2.119.1`.
    pub name: String,
    /// The package, as its registry names it.
    pub package: String,
    /// The version whose source was read or that was recorded.
    pub version: String,
}

/// `[session]`: the session and the place where it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    /// How the client determines when the access token expires.
    pub expiry_clock: ExpiryClockSpec,
    /// The place where a client object keeps the session.
    pub kept_in: KeptIn,
    /// A client object makes one refresh at a time. Callers that ask during a refresh share its outcome, a success or a
    /// failure. Default: false, each makes a request of its own.
    #[serde(default)]
    pub shares_refresh: bool,
    /// Each caller of a shared refresh stores its result and sends an event of its outcome. Default: false, once a
    /// refresh.
    #[serde(default)]
    pub each_caller_commits: bool,
    /// A refreshed session is dropped if the stored refresh token changed during the refresh. Default: false.
    #[serde(default)]
    pub drops_when_replaced: bool,
    /// A token is dropped if it comes after it has expired by the local clock for longer than this. The refresh has
    /// then failed. Absent: it is stored.
    #[serde(default)]
    pub drops_expired_after: Option<Dur>,
    /// Each event is also sent to the listeners of the browser's other client objects. Default: false.
    #[serde(default)]
    pub broadcasts: bool,
}

/// How the client determines when the access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryClockSpec {
    /// `server`: the server's absolute time, compared with the local clock. A wrong clock stays wrong.
    Server,
    /// `receipt`: local time of receipt plus the token's life. A wrong clock matters only until the first refresh.
    Receipt,
    /// `receipt-seconds`: as `receipt`, in whole seconds of the local clock, both at receipt and at each check.
    ReceiptSeconds,
    /// `measured`: the server's absolute time, corrected by an offset that each refresh measures: whole seconds between
    /// the issue time of the token and the middle of its request. Until a page has refreshed, its token counts as
    /// expired.
    Measured,
}

/// The place where a client object keeps the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptIn {
    /// `storage`: in the browser's storage, read on every use.
    Storage,
    /// `object-and-storage`: in the object, and in the storage for reloads. The object copies another page's write when
    /// the storage event arrives.
    ObjectAndStorage,
    /// `object`: in the object only. The app passes the newest tokens of the browser to the next page.
    Object,
}

/// `[caller]`: the callers that ask for a token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Caller {
    /// A session with less than this left is refreshed before the caller gets it. Default: 0s.
    pub margin: Dur,
    /// The answer to a caller while the page loads. Default: the caller waits.
    pub while_loading: WhileLoading,
    /// The answer to a caller when the refresh fails. Default: an error.
    pub on_failure: OnFailure,
    /// The answer to a caller when there is no session. Default: nothing.
    pub without_session: OnFailure,
    /// After a failed refresh the caller gets the old token while it is valid. Default: false.
    pub keeps_valid_token: bool,
}

impl Default for Caller {
    fn default() -> Caller {
        Caller {
            margin: Dur::ZERO,
            while_loading: WhileLoading::Waits,
            on_failure: OnFailure::Error,
            without_session: OnFailure::Nothing,
            keeps_valid_token: false,
        }
    }
}

/// The answer to a caller while the page loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhileLoading {
    /// `waits`: the answer comes after the load.
    Waits,
    /// `nothing`: an empty answer, no user yet.
    Nothing,
    /// `asks`: the answer that any caller gets.
    Asks,
}

/// The answer to a caller when the refresh fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// `nothing`: no session.
    Nothing,
    /// `error`
    Error,
}

/// `[load]`: the actions of a page load.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Load {
    /// A session within the caller's margin is refreshed. Default: false.
    pub refreshes: bool,
    /// Any session is refreshed. Default: false.
    pub forces_refresh: bool,
    /// The load fails when its refresh fails; the page continues. Default: false.
    pub fails_with_refresh: bool,
    /// Account data is requested, with a valid token. Default: false.
    pub lookup: bool,
    /// After a refused refresh, a load or a return to the tab clears the session again and sends a second event.
    /// Default: false.
    pub clears_again: bool,
    /// A session that needs no refresh is announced by an event. Default: false.
    pub announces: bool,
    /// A new listener reads the session like a caller. Default: false, it gets the session that the load found.
    pub listener_reads: bool,
}

/// `[visible]`: the actions of a tab that becomes visible.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Visible {
    /// The session is treated as at a page load. Default: false.
    pub recovers: bool,
}

/// `[[answer]]`: a row of answers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// The endpoint of the request. Absent: any.
    #[serde(default)]
    pub endpoint: Option<EndpointName>,
    /// Statuses: `"429"`, `"500-504"`, `"no-answer"`, `"timeout"`.
    pub status: Vec<String>,
    /// Error codes. Absent: any.
    #[serde(default)]
    pub code: Vec<String>,
    /// The request is retried on the schedule. Default: false.
    #[serde(default)]
    pub retry: bool,
    /// Whether the user is signed out. Default: never.
    #[serde(default)]
    pub sign_out: SignOutSpec,
    /// The caller gets an empty answer, whatever `caller.on-failure` says. Default: false.
    #[serde(default)]
    pub gives_nothing: bool,
    /// The failure counts as "no answer" for the timer. Default: false.
    #[serde(default)]
    pub counts_as_no_answer: bool,
}

/// An endpoint, by its short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointName {
    /// `token`
    Token,
    /// `lookup`
    Lookup,
    /// `user`
    User,
}

/// Whether an answer signs the user out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignOutSpec {
    /// `never`
    #[default]
    Never,
    /// `if-expired`: only if the access token in hand has expired by the local clock.
    IfExpired,
    /// `always`
    Always,
}

/// `[cooldown]`: the memory of a failure, per refresh token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cooldown {
    /// Time during which callers get the same failure without a request.
    pub lasts: Dur,
    /// A refresh or a sign-in of another client object of the browser ends the memory. Default: false.
    #[serde(default)]
    pub ended_by_news: bool,
}

/// `[refresh-token]`: the server's rules for refresh tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RefreshToken {
    /// Each refresh issues a new one. Default: false.
    pub rotates: bool,
    /// A used token is accepted for this long after its first use. Default: 0s.
    pub reuse_window: Dur,
    /// A used token is accepted at any time while it is the parent of the newest. Default: false.
    pub accepts_parent: bool,
    /// After a refused reuse the session stays alive for the newest token. Default: false, the reuse ends the session.
    pub survives_reuse: bool,
    /// The status of the answer to a refused token. Default: 400.
    pub refused_status: Option<u16>,
    /// The error code of the answer to a reuse. Absent: none.
    pub reuse_code: Option<String>,
    /// The error code of the answer when the session is gone. Absent: none.
    pub gone_code: Option<String>,
}

/// `[events]`: the names of the SDK's own events.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Events {
    /// The first event of a listener, after the load.
    pub first: Vec<String>,
    /// The load has failed.
    pub load_failed: Vec<String>,
    /// A stored session was found, or the app restored one.
    pub signed_in: Vec<String>,
    /// A refresh.
    pub refreshed: Vec<String>,
    /// A refresh failed. If empty, listeners get no event.
    pub refresh_failed: Vec<String>,
    /// The token has expired.
    pub expired: Vec<String>,
    /// The session was removed.
    pub signed_out: Vec<String>,
}
