//! The format of a client profile: what a token client does, as data.
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
    /// Who asks for a token through the SDK.
    #[serde(default)]
    pub caller: Caller,
    /// What the page load does by itself.
    #[serde(default)]
    pub load: Load,
    /// What a tab does when it becomes visible.
    #[serde(default)]
    pub visible: Visible,
    /// A ticker that judges the session every so often. Absent: none.
    #[serde(default)]
    pub ticker: Option<Ticker>,
    /// A timer that is set relative to the token's expiry. Absent: none.
    #[serde(default)]
    pub timer: Option<TimerSpec>,
    /// The lock that operations take. Absent: none.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// How one request is sent.
    #[serde(default)]
    pub request: RequestSpec,
    /// What the answers do, besides success. The first row that matches decides; an answer that no row matches fails
    /// the refresh and changes nothing else.
    #[serde(default)]
    pub answer: Vec<Answer>,
    /// How long a failure is remembered. Absent: not at all.
    #[serde(default)]
    pub cooldown: Option<Cooldown>,
    /// What the server does with refresh tokens.
    #[serde(default)]
    pub refresh_token: RefreshToken,
    /// The names of the SDK's own events. They matter to nothing but the comparison with recordings.
    #[serde(default)]
    pub events: Events,
}

/// `[sdk]`: which client this is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sdk {
    /// Name of the profile, as `model` names it: `supabase-js-2.119.1`.
    pub name: String,
    /// The package, as its registry names it.
    pub package: String,
    /// The version that was read or recorded.
    pub version: String,
}

/// `[session]`: the session and where it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    /// How the client learns when the access token expires.
    pub expiry_clock: ExpiryClockSpec,
    /// Where a client object keeps the session.
    pub kept_in: KeptIn,
    /// One refresh at a time per client object: whoever asks meanwhile gets its outcome, good or bad. Default: false,
    /// each is a request of its own.
    #[serde(default)]
    pub shares_refresh: bool,
    /// A refreshed session is dropped when the stored refresh token changed while the refresh was under way. Default:
    /// false.
    #[serde(default)]
    pub drops_when_replaced: bool,
    /// A token that has expired by the local clock for longer than this when it comes is dropped, and the refresh has
    /// failed. Absent: it is stored.
    #[serde(default)]
    pub drops_expired_after: Option<Dur>,
    /// Each event is sent to the browser's other client objects, whose listeners hear it too. Default: false.
    #[serde(default)]
    pub broadcasts: bool,
}

/// How the client learns when the access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryClockSpec {
    /// `server`: the server's absolute time, compared with the local clock. A wrong clock stays wrong.
    Server,
    /// `receipt`: local time of receipt plus the token's life. A wrong clock matters only until the first refresh.
    Receipt,
    /// `receipt-seconds`: as `receipt`, in whole seconds of the local clock, both when the token comes and when it is
    /// judged.
    ReceiptSeconds,
    /// `measured`: the server's absolute time, corrected by an offset that each refresh measures: whole seconds between
    /// the issue time of the token and the middle of its request. Until a page has refreshed, its token counts as
    /// expired.
    Measured,
}

/// Where a client object keeps the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptIn {
    /// `storage`: in the browser's storage, read on every use.
    Storage,
    /// `object-and-storage`: in the object, and in the storage for reloads; another page's write is copied when the
    /// storage event arrives.
    ObjectAndStorage,
    /// `object`: in the object only. The app passes the newest tokens of the browser to the next page.
    Object,
}

/// `[caller]`: who asks for a token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Caller {
    /// A session with less than this left is refreshed before the caller gets it. Default: 0s.
    pub margin: Dur,
    /// What a caller gets while the page loads. Default: he waits.
    pub while_loading: WhileLoading,
    /// What a caller gets when the refresh fails. Default: an error.
    pub on_failure: OnFailure,
    /// What a caller gets when there is no session. Default: nothing.
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

/// What a caller gets while the page loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhileLoading {
    /// `waits`: the answer comes after the load.
    Waits,
    /// `nothing`: there is no user yet.
    Nothing,
    /// `asks`: what any caller gets.
    Asks,
}

/// What a caller gets when the refresh fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// `nothing`: no session.
    Nothing,
    /// `error`
    Error,
}

/// `[load]`: what the page load does by itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Load {
    /// A session within the caller's margin is refreshed. Default: false.
    pub refreshes: bool,
    /// Any session is refreshed. Default: false.
    pub forces_refresh: bool,
    /// The load fails when its refresh does; the page goes on. Default: false.
    pub fails_with_refresh: bool,
    /// Account data is asked for, with a valid token. Default: false.
    pub lookup: bool,
    /// After a refused refresh, a load or a return to the tab clears the session once more, with a second event.
    /// Default: false.
    pub clears_again: bool,
    /// A session that needs no refresh is announced as an event. Default: false.
    pub announces: bool,
    /// A new listener reads the session as a caller does. Default: false, it gets what the load found.
    pub listener_reads: bool,
}

/// `[visible]`: what a tab does when it becomes visible.
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
    /// Where the request went. Absent: anywhere.
    #[serde(default)]
    pub endpoint: Option<EndpointName>,
    /// Statuses: `"429"`, `"500-504"`, `"no-answer"`, `"timeout"`.
    pub status: Vec<String>,
    /// Error codes. Absent: any.
    #[serde(default)]
    pub code: Vec<String>,
    /// The request is tried again on the schedule. Default: false.
    #[serde(default)]
    pub retry: bool,
    /// Whether the user is signed out. Default: never.
    #[serde(default)]
    pub sign_out: SignOutSpec,
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

/// `[cooldown]`: a failure that is remembered per refresh token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cooldown {
    /// For how long callers get the same failure without a request.
    pub lasts: Dur,
    /// A refresh or a sign-in of another client object of the browser ends it. Default: false.
    #[serde(default)]
    pub ended_by_news: bool,
}

/// `[refresh-token]`: what the server does with refresh tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RefreshToken {
    /// Each refresh issues a new one. Default: false.
    pub rotates: bool,
    /// A used one is accepted for so long after its first use. Default: 0s.
    pub reuse_window: Dur,
    /// A used one is accepted at any time while it is the parent of the newest. Default: false.
    pub accepts_parent: bool,
    /// A reuse that is refused leaves the session alive for the newest token. Default: false, it ends the session.
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
    /// The first event of a listener, when the load has ended.
    pub first: Vec<String>,
    /// The load has failed.
    pub load_failed: Vec<String>,
    /// A stored session was found, or one was put back.
    pub signed_in: Vec<String>,
    /// A refresh.
    pub refreshed: Vec<String>,
    /// A refresh failed. Where this is empty, listeners are not told.
    pub refresh_failed: Vec<String>,
    /// The token has expired.
    pub expired: Vec<String>,
    /// The session is gone.
    pub signed_out: Vec<String>,
}
