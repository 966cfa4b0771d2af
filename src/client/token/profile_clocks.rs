//! The parts of a profile that depend on time: ticker, timer, lock, requests and their retries.

use crate::client::policy::Jitter;
use crate::kernel::Dur;
use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// A ticker, which runs in visible tabs. When a tab becomes visible, the ticker starts again with a tick at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[ticker]")]
pub struct Ticker {
    /// Time between two ticks.
    #[schemars(extend("x-above-zero" = true), example = "30s")]
    pub period: Dur,
    /// A tick reads the session like a caller. It then refreshes the session if less than this was left when the tick
    /// began.
    #[schemars(example = "120s")]
    pub refresh_below: Dur,
    /// A tick is skipped during a refresh.
    #[serde(default)]
    pub skips_when_busy: bool,
}

/// A timer before the expiry of the token, which runs in hidden tabs too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[timer]")]
pub struct TimerSpec {
    /// Time from the timer to the expiry.
    #[schemars(example = "60s")]
    pub before_expiry: Dur,
    /// The shortest wait.
    #[serde(default)]
    pub floor: Dur,
    /// What the timer does when it fires.
    #[serde(default)]
    pub does: TimerDoes,
    /// The wait is computed in seconds of epoch time, as a JavaScript number, and cut to whole milliseconds. It may be
    /// 1 ms short. Otherwise the wait is computed in whole milliseconds.
    #[serde(default)]
    pub computed_in_seconds: bool,
    /// What sets the timer.
    #[serde(default)]
    pub set_by: TimerSetBy,
    /// The waits after a refresh without an answer. Absent: the timer is not set again. `within` and the spread
    /// `decorrelated` need the memory of a series of tries, which a timer does not have.
    #[serde(default)]
    pub no_answer: Option<Waits>,
    /// An HTTP error sets the timer like a success. Otherwise the timer stops until the next load.
    #[serde(default)]
    pub survives_errors: bool,
    /// The timer looks at the clock once in this time and fires when its second has come, so it may be late by this much. It
    /// counts whole seconds. Set again for the same second, it goes on. An expired token sets no timer. Absent: the timer
    /// fires in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "5s")]
    pub checks_every: Option<Dur>,
    /// Time from the expiry to a second timer of the same kind, which tells listeners that the token has expired. It also
    /// runs for an expired token. Needs `checks-every`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1s")]
    pub tells_expired_after: Option<Dur>,
}

/// The action of a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimerDoes {
    /// It refreshes the session.
    #[default]
    Refresh,
    /// It tells listeners that the token has expired.
    Tell,
}

/// The events that set a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimerSetBy {
    /// The load and the end of the timer's own refresh.
    #[default]
    OwnRefresh,
    /// The load and the end of any refresh.
    AnyRefresh,
    /// The load, the end of any refresh, and each read of the session by a caller.
    Read,
}

/// A lock: operations of all the browser's client objects exclude each other. A tick that does not get the lock at
/// once is skipped.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[lock]")]
pub struct Lock {
    /// The longest wait of an operation for the lock.
    #[schemars(example = "5s")]
    pub wait: Dur,
    /// The consequence of a longer wait.
    #[schemars(example = &"steal")]
    pub then: LockThen,
    /// Operations that begin while their own object holds the lock run within it, one after the other. The holder's
    /// caller waits for them.
    #[serde(default)]
    pub reentrant: bool,
    /// A caller takes the lock only when the session must be refreshed, and then reads the session again. Otherwise
    /// each operation takes the lock.
    #[serde(default)]
    pub only_to_refresh: bool,
}

/// The consequence of a wait for the lock that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockThen {
    /// The holder's caller gets an error, and the holder's operation continues without the lock.
    Steal,
    /// The caller that waited gets an error.
    Error,
}

/// The sending of one request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[request]")]
pub struct RequestSpec {
    /// A request without an answer has failed after this time. Absent: never.
    #[schemars(extend("x-above-zero" = true), example = "30s")]
    pub timeout: Option<Dur>,
    /// A request that has timed out is aborted. Otherwise the server still answers it.
    pub aborts_on_timeout: bool,
    /// The waits before retries, for answers with `retry = true`. Absent: no retry.
    pub retry: Option<Waits>,
    /// A wait before a retry is at least what the answer's `Retry-After` asks for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub honours_retry_after: bool,
    /// No request is retried while the browser is offline.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gives_up_offline: bool,
}

/// A schedule of waits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "a schedule of waits")]
pub struct Waits {
    /// The first wait.
    #[schemars(example = "200ms")]
    pub first: Dur,
    /// The factor from each wait to the next. Waits are cut to whole milliseconds.
    #[serde(default = "two", serialize_with = "whole_if_whole")]
    #[schemars(range(min = 1))]
    pub factor: Decimal,
    /// The longest wait. Absent: no bound.
    #[serde(default)]
    #[schemars(example = "960s")]
    pub cap: Option<Dur>,
    /// A uniform random wait from zero up to this is added to each. It does not go with `spread`.
    #[serde(default)]
    pub jitter: Dur,
    /// The random spread of a wait `d`.
    #[serde(default, skip_serializing_if = "is_none")]
    pub spread: Jitter,
    /// The largest number of tries, the first included. It does not go with `within`. Absent: no bound.
    #[serde(default)]
    #[schemars(range(min = 1), example = 3, extend("x-unit" = "tries"))]
    pub tries: Option<u32>,
    /// A try is made only if its wait ends within this time of the first try. Absent: no bound.
    #[serde(default)]
    #[schemars(example = "30s")]
    pub within: Option<Dur>,
}

fn two() -> Decimal {
    Decimal { millionths: 2_000_000 }
}

fn is_none(spread: &Jitter) -> bool {
    *spread == Jitter::None
}

/// Writes a whole number without decimals.
fn whole_if_whole<S: Serializer>(factor: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    match (factor.millionths % 1_000_000, factor.millionths / 1_000_000) {
        (0, whole) => serializer.serialize_u64(whole),
        _ => factor.serialize(serializer),
    }
}
