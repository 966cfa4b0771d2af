//! The parts of a profile that depend on time: ticker, timer, lock, requests and their retries.

use crate::kernel::Dur;
use serde::{Deserialize, Serialize};

/// `[ticker]`: runs in visible tabs. When a tab becomes visible, the ticker starts again with a tick at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ticker {
    /// Time between two ticks.
    pub period: Dur,
    /// A tick reads the session like a caller. It then refreshes the session if less than this was left when the tick
    /// began.
    pub refresh_below: Dur,
    /// A tick is skipped during a refresh. Default: false.
    #[serde(default)]
    pub skips_when_busy: bool,
}

/// `[timer]`: runs in hidden tabs too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimerSpec {
    /// Time from the timer to the expiry.
    pub before_expiry: Dur,
    /// The shortest wait. Default: 0s.
    #[serde(default)]
    pub floor: Dur,
    /// `refresh`: the timer refreshes the session. `tell`: it tells listeners that the token has expired. Default:
    /// refresh.
    #[serde(default)]
    pub does: TimerDoes,
    /// The wait is computed in seconds of epoch time, as a JavaScript number, and cut to whole milliseconds. It may be
    /// 1 ms short. Default: false, the wait is computed in whole milliseconds.
    #[serde(default)]
    pub computed_in_seconds: bool,
    /// `own-refresh`: the load and the end of the timer's own refresh set the timer. `any-refresh`: every refresh sets
    /// it. Default: own-refresh.
    #[serde(default)]
    pub set_by: TimerSetBy,
    /// The waits after a refresh without an answer. Absent: the timer is not set again.
    #[serde(default)]
    pub no_answer: Option<Waits>,
    /// An HTTP error sets the timer like a success. Default: false, the timer stops until the next load.
    #[serde(default)]
    pub survives_errors: bool,
}

/// The action of a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimerDoes {
    /// `refresh`
    #[default]
    Refresh,
    /// `tell`
    Tell,
}

/// The events that set a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimerSetBy {
    /// `own-refresh`
    #[default]
    OwnRefresh,
    /// `any-refresh`
    AnyRefresh,
}

/// `[lock]`: operations of all the browser's client objects exclude each other. A tick that does not get the lock at
/// once is skipped.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// The longest wait of an operation for the lock.
    pub wait: Dur,
    /// The consequence of a longer wait.
    pub then: LockThen,
    /// Operations that begin while their own object holds the lock run within it, one after the other. The holder's
    /// caller waits for them. Default: false.
    #[serde(default)]
    pub reentrant: bool,
    /// A caller takes the lock only when the session must be refreshed, and then reads the session again. Default:
    /// false, each operation takes the lock.
    #[serde(default)]
    pub only_to_refresh: bool,
}

/// The consequence of a wait for the lock that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockThen {
    /// `steal`: the holder's caller gets an error, and the holder's operation continues without the lock.
    Steal,
    /// `error`: the caller that waited gets an error.
    Error,
}

/// `[request]`: the sending of one request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestSpec {
    /// A request without an answer has failed after this time. Absent: never.
    pub timeout: Option<Dur>,
    /// A request that has timed out is aborted. Default: false, the server still answers it.
    pub aborts_on_timeout: bool,
    /// The waits before retries, for answers with `retry = true`. Absent: no retry.
    pub retry: Option<Waits>,
}

/// A schedule of waits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Waits {
    /// The first wait.
    pub first: Dur,
    /// The factor from each wait to the next, 1 to 16. Default: 2.
    #[serde(default = "two")]
    pub factor: u32,
    /// The longest wait. Absent: no bound.
    #[serde(default)]
    pub cap: Option<Dur>,
    /// A uniform random wait from zero up to this is added to each. Default: 0s.
    #[serde(default)]
    pub jitter: Dur,
    /// The largest number of tries. Absent: no bound.
    #[serde(default)]
    pub tries: Option<u32>,
    /// A try is made only if its wait ends within this time of the first try. Absent: no bound.
    #[serde(default)]
    pub within: Option<Dur>,
}

fn two() -> u32 {
    2
}
