//! The parts of a profile that have to do with time: ticker, timer, lock, requests and their retries.

use crate::kernel::Dur;
use serde::{Deserialize, Serialize};

/// `[ticker]`: it runs in visible tabs; becoming visible starts it anew, with a tick at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ticker {
    /// Time between two ticks.
    pub period: Dur,
    /// A tick reads the session as a caller does, then refreshes it if less than this was left when the tick began.
    pub refresh_below: Dur,
    /// A tick is skipped while a refresh is under way. Default: false.
    #[serde(default)]
    pub skips_when_busy: bool,
}

/// `[timer]`: it runs in hidden tabs too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimerSpec {
    /// How long before expiry it fires.
    pub before_expiry: Dur,
    /// The shortest wait. Default: 0s.
    #[serde(default)]
    pub floor: Dur,
    /// `refresh`: it refreshes the session. `tell`: it tells listeners that the token has expired. Default: refresh.
    #[serde(default)]
    pub does: TimerDoes,
    /// The wait is computed in seconds of epoch time, as a JavaScript number, and cut to whole milliseconds: it may be
    /// 1 ms short. Default: false, it is computed in whole milliseconds.
    #[serde(default)]
    pub computed_in_seconds: bool,
    /// `own-refresh`: the load and the end of its own refresh set it. `any-refresh`: every refresh does. Default:
    /// own-refresh.
    #[serde(default)]
    pub set_by: TimerSetBy,
    /// The waits after a refresh that had no answer. Absent: the timer is not set again.
    #[serde(default)]
    pub no_answer: Option<Waits>,
    /// An HTTP error sets the timer as a success does. Default: false, it ends the timer until the next load.
    #[serde(default)]
    pub survives_errors: bool,
}

/// What a timer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimerDoes {
    /// `refresh`
    #[default]
    Refresh,
    /// `tell`
    Tell,
}

/// What sets a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimerSetBy {
    /// `own-refresh`
    #[default]
    OwnRefresh,
    /// `any-refresh`
    AnyRefresh,
}

/// `[lock]`: operations of all the browser's client objects exclude each other. A tick that does not get it at once is
/// skipped.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// How long an operation waits for it.
    pub wait: Dur,
    /// What follows.
    pub then: LockThen,
    /// Operations that come while their own object holds the lock run within it, one after the other, and the holder's
    /// caller waits for them. Default: false.
    #[serde(default)]
    pub reentrant: bool,
    /// A caller takes the lock only when the session must be refreshed, and reads it again then. Default: false, each
    /// operation takes it.
    #[serde(default)]
    pub only_to_refresh: bool,
}

/// What follows a wait for the lock that was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockThen {
    /// `steal`: the holder's caller gets an error, the holder's operation goes on beside.
    Steal,
    /// `error`: for the caller who waited.
    Error,
}

/// `[request]`: how one request is sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestSpec {
    /// After this time without an answer the request has failed. Absent: never.
    pub timeout: Option<Dur>,
    /// A request that has timed out is aborted. Default: false, the server still answers it.
    pub aborts_on_timeout: bool,
    /// The waits before a request is tried again, for answers with `retry = true`. Absent: no retry.
    pub retry: Option<Waits>,
}

/// A schedule of waits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Waits {
    /// The first wait.
    pub first: Dur,
    /// What each further wait is multiplied by, 1 to 16. Default: 2.
    #[serde(default = "two")]
    pub factor: u32,
    /// The longest wait. Absent: no bound.
    #[serde(default)]
    pub cap: Option<Dur>,
    /// A uniform random wait from zero up to this is added. Default: 0s.
    #[serde(default)]
    pub jitter: Dur,
    /// So many tries in all. Absent: no bound.
    #[serde(default)]
    pub tries: Option<u32>,
    /// A try is made only if its wait ends within this time of the first try. Absent: no bound.
    #[serde(default)]
    pub within: Option<Dur>,
}

fn two() -> u32 {
    2
}
