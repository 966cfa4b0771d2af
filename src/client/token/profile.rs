//! The format of a client profile: a token client described by data.
//!
//! A profile is a TOML file, `scenarios/clients/<sdk>-<version>.toml`. Every key has a documented default, so a profile
//! names only what its client has.

use super::format::Status;
use super::profile_chain::{Cooldown, Discovery, Iframe};
use super::profile_clocks::{Lock, RequestSpec, Ticker, TimerSpec};
use crate::kernel::Dur;
use crate::spec::leaf::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most entries of a list. More is an error of a generator, not a profile.
const MANY: usize = 1_000;

/// What a browser SDK does that holds an access token and a refresh token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "the top level")]
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
    /// The request for the provider's metadata, before other requests. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Discovery>,
    /// The hidden iframe that gets a code from the provider's authorization page. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iframe: Option<Iframe>,
    /// The effects of answers other than success. The first row that matches applies. An answer without a row fails the
    /// refresh and has no other effect.
    #[serde(default)]
    #[schemars(length(max = MANY))]
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

/// What follows the name of a client whose profile no recording confirms.
pub const UNRECORDED: &str = " (no recordings)";

/// The identity of the client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[sdk]")]
pub struct Sdk {
    /// Name of the profile, as `model` names it: 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    #[schemars(with = "Name", example = &"my-sdk-1.0.0")]
    pub name: String,
    /// The package, as its registry names it.
    #[schemars(example = &"@example/auth")]
    pub package: String,
    /// The version whose source was read or that was recorded.
    #[schemars(example = &"1.0.0")]
    pub version: String,
    /// The profile follows the source alone: no recording of the package confirms it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrecorded: bool,
}

/// The session and the place where it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[session]")]
pub struct Session {
    /// How the client determines when the access token expires.
    #[schemars(example = &"server")]
    pub expiry_clock: ExpiryClockSpec,
    /// The place where a client object keeps the session.
    #[schemars(example = &"storage")]
    pub kept_in: KeptIn,
    /// A client object makes one refresh at a time. Callers that ask during a refresh share its outcome, a success or a
    /// failure. Otherwise each makes a request of its own.
    #[serde(default)]
    pub shares_refresh: bool,
    /// Each caller of a shared refresh stores its result and sends an event of its outcome. Otherwise this happens once
    /// a refresh.
    #[serde(default)]
    pub each_caller_commits: bool,
    /// A new refresh of a client object aborts the one under way. Does not go with `shares-refresh`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newest_refresh_only: bool,
    /// A refreshed session is dropped if the stored refresh token changed during the refresh.
    #[serde(default)]
    pub drops_when_replaced: bool,
    /// A token is dropped if it comes after it has expired by the local clock for longer than this. The refresh has
    /// then failed. Absent: it is stored.
    #[serde(default)]
    #[schemars(example = "60s")]
    pub drops_expired_after: Option<Dur>,
    /// Each event is also sent to the listeners of the browser's other client objects.
    #[serde(default)]
    pub broadcasts: bool,
}

/// How the client determines when the access token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryClockSpec {
    /// The server's absolute time, compared with the local clock. A wrong clock stays wrong.
    Server,
    /// Local time of receipt plus the token's life. A wrong clock matters only until the first refresh.
    Receipt,
    /// As `receipt`, in whole seconds of the local clock, both at receipt and at each check.
    ReceiptSeconds,
    /// Local time of the request plus the token's life, in rounded seconds of the local clock, both at the request and at
    /// each check.
    RequestSeconds,
    /// The client does not know it: it takes its session for valid until an answer says otherwise.
    Unknown,
    /// The server's absolute time, corrected by an offset that each refresh measures: whole seconds between
    /// the issue time of the token and the middle of its request. Until a page has refreshed, its token counts as
    /// expired.
    Measured,
}

/// The place where a client object keeps the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeptIn {
    /// In the browser's storage, read on every use.
    Storage,
    /// In the object, and in the storage for reloads. The object copies another page's write when
    /// the storage event arrives.
    ObjectAndStorage,
    /// In the object only. The app passes the newest tokens of the browser to the next page.
    Object,
    /// In the object only, and lost with it. The next page gets a session through the iframe, while the browser remembers that
    /// the user is signed in.
    Page,
}

/// The callers that ask for a token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[caller]")]
pub struct Caller {
    /// A session with less than this left is refreshed before the caller gets it.
    pub margin: Dur,
    /// The answer to a caller while the page loads.
    pub while_loading: WhileLoading,
    /// The answer to a caller when the refresh fails.
    pub on_failure: OnFailure,
    /// The answer to a caller when there is no session.
    pub without_session: OnFailure,
    /// After a failed refresh the caller gets the old token while it is valid.
    pub keeps_valid_token: bool,
    /// The SDK tells the caller when it takes the token for expired. Otherwise the caller reads the token's `exp`. Only the
    /// comparison with recordings uses this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gets_expiry: bool,
    /// A read of the session refreshes it. Otherwise a caller within the margin gets an empty answer.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub refreshes: bool,
}

impl Default for Caller {
    fn default() -> Caller {
        Caller {
            margin: Dur::ZERO,
            while_loading: WhileLoading::Waits,
            on_failure: OnFailure::Error,
            without_session: OnFailure::Nothing,
            keeps_valid_token: false,
            gets_expiry: false,
            refreshes: true,
        }
    }
}

/// The answer to a caller while the page loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhileLoading {
    /// The answer comes after the load.
    Waits,
    /// An empty answer, no user yet.
    Nothing,
    /// The answer that any caller gets.
    Asks,
}

/// The answer to a caller when the refresh fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// No session.
    Nothing,
    /// An error.
    Error,
}

/// The actions of a page load.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[load]")]
pub struct Load {
    /// A session within the caller's margin is refreshed.
    pub refreshes: bool,
    /// Any session is refreshed.
    pub forces_refresh: bool,
    /// The load fails when its refresh fails; the page continues.
    pub fails_with_refresh: bool,
    /// Account data is requested, with a valid token.
    pub lookup: bool,
    /// After a refused refresh, a load or a return to the tab clears the session again and sends a second event.
    ///
    pub clears_again: bool,
    /// A session that needs no refresh is announced by an event.
    pub announces: bool,
    /// A new listener reads the session like a caller. Otherwise it gets the session that the load found.
    pub listener_reads: bool,
}

/// The actions of a tab that becomes visible.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[visible]")]
pub struct Visible {
    /// The session is treated as at a page load.
    pub recovers: bool,
    /// Any session is refreshed, while the browser is online.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refreshes: bool,
    /// The least time between two refreshes of a tab that becomes visible, in whole seconds of the local clock. Needs
    /// `refreshes`.
    #[serde(skip_serializing_if = "is_zero")]
    pub at_most_every: Dur,
}

fn is_zero(d: &Dur) -> bool {
    *d == Dur::ZERO
}

/// A row of answers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[answer]]")]
pub struct Answer {
    /// The endpoint of the request. Absent: any.
    #[serde(default)]
    pub endpoint: Option<EndpointName>,
    /// Statuses: one, a range with both ends, no HTTP answer, none within the client's time-out, or an error that the page
    /// in the iframe reports.
    #[schemars(with = "Vec<Status>", length(min = 1, max = MANY), example = vec!["429", "500-504"])]
    pub status: Vec<String>,
    /// Error codes of the answer's body. Absent: any.
    #[serde(default)]
    #[schemars(length(max = MANY), example = vec!["session_not_found"])]
    pub code: Vec<String>,
    /// The request is retried on the schedule.
    #[serde(default)]
    pub retry: bool,
    /// Whether the user is signed out.
    #[serde(default)]
    pub sign_out: SignOutSpec,
    /// The caller gets an empty answer, whatever `caller.on-failure` says.
    #[serde(default)]
    pub gives_nothing: bool,
    /// The failure counts as "no answer" for the timer.
    #[serde(default)]
    pub counts_as_no_answer: bool,
    /// The client tries the iframe instead, if `iframe.when` is `fallback`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opens_iframe: bool,
    /// The failure begins the cool-down. If no row sets this, each failure does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cools_down: bool,
}

/// An endpoint, by its short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointName {
    /// The token endpoint, which refreshes.
    Token,
    /// The lookup of account data at a page load.
    Lookup,
    /// The check of a session that the app puts back.
    User,
    /// The provider's metadata.
    Discovery,
    /// The provider's authorization page in the iframe.
    Authorize,
}

/// Whether an answer signs the user out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignOutSpec {
    /// The user stays signed in.
    #[default]
    Never,
    /// Only if the access token in hand has expired by the local clock.
    IfExpired,
    /// The first such answer signs out.
    Always,
}

/// The server's rules for refresh tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[refresh-token]")]
pub struct RefreshToken {
    /// Each refresh issues a new one.
    pub rotates: bool,
    /// A used token is accepted for this long after its first use.
    pub reuse_window: Dur,
    /// A used token is accepted at any time while it is the parent of the newest.
    pub accepts_parent: bool,
    /// After a refused reuse the session stays alive for the newest token. Otherwise the reuse ends the session.
    pub survives_reuse: bool,
    /// The status of the answer to a refused token. Absent: 400.
    #[schemars(range(min = 300, max = 599), example = 400)]
    pub refused_status: Option<u16>,
    /// The error code of the answer to a reuse. Absent: none.
    #[schemars(example = &"refresh_token_already_used")]
    pub reuse_code: Option<String>,
    /// The error code of the answer when the session is gone. Absent: none.
    #[schemars(example = &"refresh_token_not_found")]
    pub gone_code: Option<String>,
}

/// The names of the SDK's own events.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[events]")]
pub struct Events {
    /// The first event of a listener, after the load.
    #[schemars(length(max = MANY), example = vec!["INITIAL_SESSION"])]
    pub first: Vec<String>,
    /// The load has failed.
    #[schemars(length(max = MANY), example = vec!["onAuthError"])]
    pub load_failed: Vec<String>,
    /// A stored session was found, or the app restored one.
    #[schemars(length(max = MANY), example = vec!["SIGNED_IN"])]
    pub signed_in: Vec<String>,
    /// A refresh.
    #[schemars(length(max = MANY), example = vec!["TOKEN_REFRESHED"])]
    pub refreshed: Vec<String>,
    /// A refresh failed. If empty, listeners get no event.
    #[schemars(length(max = MANY), example = vec!["onAuthRefreshError"])]
    pub refresh_failed: Vec<String>,
    /// The token has expired.
    #[schemars(length(max = MANY), example = vec!["onTokenExpired"])]
    pub expired: Vec<String>,
    /// A refresh begins. If empty, listeners get no event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MANY), example = vec!["acquireTokenFromNetworkStart"])]
    pub refresh_started: Vec<String>,
    /// The timer's refresh failed. If empty, listeners get no event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MANY), example = vec!["silentRenewError"])]
    pub timer_failed: Vec<String>,
    /// The timer's refresh has ended, well or not. If empty, listeners get no event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MANY), example = vec!["accessTokenExpiring"])]
    pub timer_ended: Vec<String>,
    /// The session was removed.
    #[schemars(length(max = MANY), example = vec!["SIGNED_OUT"])]
    pub signed_out: Vec<String>,
}
