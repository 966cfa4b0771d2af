//! The format of a client profile: what a token client does, as data.
//!
//! A profile is a TOML file, `scenarios/clients/<sdk>-<version>.toml`. Every key has a documented default, so a profile
//! names only what its client has.

use super::rules::{
    AnswerRule, Code, CooldownRules, ENDPOINTS, Endpoint, ExpiryClock, Failure, Limit, LoadRules, LockRules, Place,
    Rules, Schedule, SignOut, TickerRules, TimerRules, Verdict,
};
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
    /// After a failed refresh the caller gets the old token while it is valid. Default: false.
    pub keeps_valid_token: bool,
}

impl Default for Caller {
    fn default() -> Caller {
        Caller {
            margin: Dur::ZERO,
            while_loading: WhileLoading::Waits,
            on_failure: OnFailure::Error,
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
    /// Account data is asked for, with a valid token. Default: false.
    pub lookup: bool,
    /// After a refused refresh, a load or a return to the tab clears the session once more, with a second event.
    /// Default: false.
    pub clears_again: bool,
    /// A session that needs no refresh is announced as an event. Default: false.
    pub announces: bool,
    /// Events of the load are held back until it has ended. Default: false.
    pub holds_events: bool,
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

/// `[timer]`: set at the load and by the end of its own refresh, not by a caller's. It runs in hidden tabs too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimerSpec {
    /// How long before expiry it fires.
    pub before_expiry: Dur,
    /// The shortest wait. Default: 0s.
    #[serde(default)]
    pub floor: Dur,
    /// The waits after a refresh that had no answer. Absent: the timer is not set again.
    #[serde(default)]
    pub no_answer: Option<Waits>,
    /// An HTTP error sets the timer as a success does. Default: false, it ends the timer until the next load.
    #[serde(default)]
    pub survives_errors: bool,
}

/// `[lock]`: operations of all the browser's client objects exclude each other. Operations that come while their own
/// object holds the lock run within it, one after the other. A tick that does not get it at once is skipped.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// How long an operation waits for it.
    pub wait: Dur,
    /// What follows.
    pub then: LockThen,
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
    /// After this time without an answer the request has failed. It is not aborted: the server still answers it.
    /// Absent: never.
    pub timeout: Option<Dur>,
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
    /// The error code of the answer 400 to a reuse, which ends the session. Absent: none.
    pub reuse_code: Option<String>,
    /// The error code of the answer 400 when the session is gone. Absent: none.
    pub gone_code: Option<String>,
}

/// `[events]`: the names of the SDK's own events.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Events {
    /// The first event of a listener.
    pub first: Vec<String>,
    /// A stored session was found, or one was put back.
    pub signed_in: Vec<String>,
    /// A refresh.
    pub refreshed: Vec<String>,
    /// The session is gone.
    pub signed_out: Vec<String>,
}

/// A profile that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The key, as a path: `answer[2].status`.
    pub key: String,
    /// What was found, and what is allowed.
    pub why: String,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.why)
    }
}

impl std::error::Error for Unusable {}

impl Profile {
    /// The error codes that the rows name, in order: index `n` is [`Code`]`(n)`.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = Vec::new();
        for code in self.answer.iter().flat_map(|row| &row.code) {
            if !codes.contains(&code.as_str()) {
                codes.push(code);
            }
        }
        codes
    }

    /// The code of that name.
    pub fn code(&self, name: &str) -> Code {
        let found = self.codes().iter().position(|c| *c == name);
        found.and_then(|n| u16::try_from(n).ok()).map_or(Code::OTHER, Code)
    }

    /// Compiles the profile.
    ///
    /// # Errors
    /// The key whose value cannot be used, what was found there, and what is allowed.
    pub fn rules(&self) -> Result<Rules, Unusable> {
        let mut answers = Vec::new();
        for (n, row) in self.answer.iter().enumerate() {
            self.compile_row(n, row, &mut answers)?;
        }
        let retry = self.request.retry.as_ref().map(|w| schedule("request.retry", w)).transpose()?;
        if retry.is_none() {
            if let Some(n) = self.answer.iter().position(|row| row.retry) {
                return Err(unusable(
                    format!("answer[{n}].retry"),
                    "true, but [request] has no retry; allowed: false, or a schedule in request.retry",
                ));
            }
        }
        Ok(Rules {
            clock: match self.session.expiry_clock {
                ExpiryClockSpec::Server => ExpiryClock::Server,
                ExpiryClockSpec::Receipt => ExpiryClock::Receipt,
            },
            place: match self.session.kept_in {
                KeptIn::Storage => Place::Storage,
                KeptIn::ObjectAndStorage => Place::Copied,
            },
            drops_when_replaced: self.session.drops_when_replaced,
            shares: self.session.shares_refresh,
            broadcasts: self.session.broadcasts,
            lock: self.lock.as_ref().map(|l| LockRules { wait: l.wait, steal: l.then == LockThen::Steal }),
            caller_margin: self.caller.margin,
            waits_for_load: self.caller.while_loading == WhileLoading::Waits,
            failure: match self.caller.on_failure {
                OnFailure::Nothing => Failure::Nothing,
                OnFailure::Error => Failure::Error,
            },
            keeps_valid: self.caller.keeps_valid_token,
            load: LoadRules {
                refreshes: self.load.refreshes,
                lookup: self.load.lookup,
                clears_again: self.load.clears_again,
                announces: self.load.announces,
                holds_events: self.load.holds_events,
                listener_reads: self.load.listener_reads,
            },
            visible_recovers: self.visible.recovers,
            ticker: self.ticker.as_ref().map(ticker).transpose()?,
            timer: self.timer.as_ref().map(timer).transpose()?,
            retry,
            timeout: self.request.timeout,
            answers: answers.into_boxed_slice(),
            cooldown: self.cooldown.as_ref().map(|c| CooldownRules { lasts: c.lasts, ended_by_news: c.ended_by_news }),
        })
    }

    fn compile_row(&self, n: usize, row: &Answer, answers: &mut Vec<AnswerRule>) -> Result<(), Unusable> {
        let verdict = Verdict {
            retry: row.retry,
            sign_out: match row.sign_out {
                SignOutSpec::Never => SignOut::Never,
                SignOutSpec::IfExpired => SignOut::IfExpired,
                SignOutSpec::Always => SignOut::Always,
            },
            no_answer: row.counts_as_no_answer,
            cools: true,
        };
        let endpoint = row.endpoint.map(|e| match e {
            EndpointName::Token => Endpoint::Token,
            EndpointName::Lookup => Endpoint::Lookup,
            EndpointName::User => Endpoint::User,
        });
        let codes: Vec<Option<Code>> =
            if row.code.is_empty() { vec![None] } else { row.code.iter().map(|c| Some(self.code(c))).collect() };
        for text in &row.status {
            let key = || format!("answer[{n}].status");
            let (statuses, no_answer, timed_out) = match text.as_str() {
                "no-answer" => (None, true, false),
                "timeout" => (None, false, true),
                range => (Some(statuses(range).ok_or_else(|| {
                    unusable(
                        key(),
                        &format!(
                            "{range:?}; allowed: a status from 300 to 599 (\"429\"), a range (\"500-504\"), \
                             \"no-answer\", \"timeout\""
                        ),
                    )
                })?), false, false),
            };
            for code in &codes {
                answers.push(AnswerRule { endpoint, statuses, no_answer, timed_out, code: *code, verdict });
            }
        }
        Ok(())
    }
}

fn unusable(key: String, why: &str) -> Unusable {
    Unusable { key, why: why.to_owned() }
}

fn statuses(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
    (300 <= from && from <= to && to <= 599).then_some((from, to))
}

fn schedule(key: &str, waits: &Waits) -> Result<Schedule, Unusable> {
    if !(1..=16).contains(&waits.factor) {
        return Err(unusable(format!("{key}.factor"), &format!("{}; allowed: 1 to 16", waits.factor)));
    }
    if waits.tries == Some(0) {
        return Err(unusable(format!("{key}.tries"), "0; allowed: 1 or more"));
    }
    let limit = match (waits.tries, waits.within) {
        (Some(_), Some(_)) => {
            return Err(unusable(format!("{key}.within"), "given beside tries; allowed: one of the two"));
        }
        (Some(tries), None) => Limit::Tries(tries),
        (None, Some(within)) => Limit::Within(within),
        (None, None) => Limit::Endless,
    };
    let cap = waits.cap.unwrap_or(crate::kernel::time::MAX_DURATION);
    Ok(Schedule { first: waits.first, factor: waits.factor, cap, jitter: waits.jitter, limit })
}

fn ticker(spec: &Ticker) -> Result<TickerRules, Unusable> {
    if spec.period == Dur::ZERO {
        return Err(unusable("ticker.period".to_owned(), "0s; allowed: more than 0s"));
    }
    Ok(TickerRules { period: spec.period, below: spec.refresh_below, skips_when_busy: spec.skips_when_busy })
}

fn timer(spec: &TimerSpec) -> Result<TimerRules, Unusable> {
    Ok(TimerRules {
        before: spec.before_expiry,
        floor: spec.floor,
        again: spec.no_answer.as_ref().map(|w| schedule("timer.no-answer", w)).transpose()?,
        survives_errors: spec.survives_errors,
    })
}

/// The endpoint of that short name.
pub fn endpoint(name: &str) -> Option<Endpoint> {
    ENDPOINTS.iter().find(|(_, n)| *n == name).map(|(e, _)| *e)
}
