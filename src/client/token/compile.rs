//! Compiles a profile to rules.

use super::answers::{AnswerRule, Answers, Verdict};
use super::format::STATUS_RULE;
use super::profile::{
    Answer, EndpointName, ExpiryClockSpec, KeptIn, OnFailure, Profile, SignOutSpec, WhileLoading,
};
use super::profile_chain::{CooldownKeptIn, IframeWhen};
use super::profile_clocks::{LockThen, Ticker, TimerDoes, TimerSetBy, TimerSpec, Waits};
use super::rules::{
    self, Code, CooldownRules, DiscoveryRules, Endpoint, ExpiryClock, Failure, IframeRules, IframeUse,
    LoadRules, LockRules, Place, Rules, SignOut, TickerRules, TimerRules,
};
use super::schedule::{Limit, Schedule};
use crate::client::backoff::Obedience;
use crate::client::policy::Jitter;
use crate::kernel::Dur;
use crate::kernel::time::MAX_DURATION;
use crate::text::quote;
use crate::toml_text::Code as ErrorCode;

/// An error of a profile that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The kind of error.
    pub code: ErrorCode,
    /// The key, as a path: `answer[2].status`.
    pub key: String,
    /// What is wrong, in words.
    pub why: &'static str,
    /// The value found, in words.
    pub found: String,
    /// The values allowed, in words.
    pub allowed: &'static str,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; got {}; allowed: {}", self.key, self.why, self.found, self.allowed)
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

    /// The code of this name.
    pub fn code(&self, name: &str) -> Code {
        let found = self.codes().iter().position(|c| *c == name);
        found.and_then(|n| u16::try_from(n).ok()).map_or(Code::OTHER, Code)
    }

    /// Compiles the profile.
    ///
    /// # Errors
    /// For an unusable value: its key, what was found and what is allowed.
    pub fn rules(&self) -> Result<Rules, Unusable> {
        let mut answers = Vec::new();
        for (n, row) in self.answer.iter().enumerate() {
            self.compile_row(n, row, &mut answers)?;
        }
        let retry = self.request.retry.as_ref().map(|w| schedule("request.retry", w)).transpose()?;
        let honours = self.request.honours_retry_after;
        let offline_tries = self.request.gives_up_offline.then_some(1);
        let obedience = Obedience::floor_if(honours);
        let retry = retry.map(|schedule| Schedule { obedience, offline_tries, ..schedule });
        if honours && retry.is_none() {
            return Err(Unusable {
                code: ErrorCode::NeedsKey,
                key: "request.honours-retry-after".to_owned(),
                why: "[request] has no schedule of retries",
                found: "true".to_owned(),
                allowed: "false, or a schedule in request.retry",
            });
        }
        if retry.is_none()
            && let Some(n) = self.answer.iter().position(|row| row.retry)
        {
            return Err(Unusable {
                code: ErrorCode::NeedsKey,
                key: format!("answer[{n}].retry"),
                why: "[request] has no schedule of retries",
                found: "true".to_owned(),
                allowed: "false, or a schedule in request.retry",
            });
        }
        self.check_chain()?;
        Ok(Rules {
            clock: match self.session.expiry_clock {
                ExpiryClockSpec::Server => ExpiryClock::Server,
                ExpiryClockSpec::Receipt => ExpiryClock::Receipt,
                ExpiryClockSpec::ReceiptSeconds => ExpiryClock::ReceiptSeconds,
                ExpiryClockSpec::RequestSeconds => ExpiryClock::RequestSeconds,
                ExpiryClockSpec::Unknown => ExpiryClock::Unknown,
                ExpiryClockSpec::Measured => ExpiryClock::Measured,
            },
            place: match self.session.kept_in {
                KeptIn::Storage => Place::Storage,
                KeptIn::ObjectAndStorage => Place::Copied,
                KeptIn::Object => Place::Memory,
                KeptIn::Page => Place::Page,
            },
            drops_when_replaced: self.session.drops_when_replaced,
            shares: self.session.shares_refresh,
            newest_only: self.session.newest_refresh_only,
            each_commits: self.session.each_caller_commits,
            broadcasts: self.session.broadcasts,
            lock: self.lock.as_ref().map(|l| LockRules {
                wait: l.wait,
                steal: l.then == LockThen::Steal,
                reentrant: l.reentrant,
                to_refresh: l.only_to_refresh,
            }),
            caller_margin: self.caller.margin,
            while_loading: match self.caller.while_loading {
                WhileLoading::Waits => rules::WhileLoading::Waits,
                WhileLoading::Nothing => rules::WhileLoading::Nothing,
                WhileLoading::Asks => rules::WhileLoading::Asks,
            },
            none_is_error: self.caller.without_session == OnFailure::Error,
            caller_refreshes: self.caller.refreshes,
            tells_failure: !self.events.refresh_failed.is_empty(),
            tells_start: !self.events.refresh_started.is_empty(),
            tells_timer_failure: !self.events.timer_failed.is_empty(),
            tells_timer_end: !self.events.timer_ended.is_empty(),
            failure: match self.caller.on_failure {
                OnFailure::Nothing => Failure::Nothing,
                OnFailure::Error => Failure::Error,
            },
            keeps_valid: self.caller.keeps_valid_token,
            load: LoadRules {
                refreshes: self.load.refreshes,
                forces: self.load.forces_refresh,
                fails: self.load.fails_with_refresh,
                lookup: self.load.lookup,
                clears_again: self.load.clears_again,
                announces: self.load.announces,
                listener_reads: self.load.listener_reads,
            },
            visible_recovers: self.visible.recovers,
            visible_refreshes: self.visible.refreshes.then_some(self.visible.at_most_every),
            ticker: self.ticker.as_ref().map(ticker).transpose()?,
            timer: self.timer.as_ref().map(timer).transpose()?,
            retry,
            limits: None,
            timeout: self.request.timeout,
            aborts: self.request.aborts_on_timeout,
            drops_expired: self.session.drops_expired_after,
            answers: Answers::new(answers),
            cooldown: self.cooldown.as_ref().map(|c| CooldownRules {
                lasts: c.lasts,
                ended_by_news: c.ended_by_news,
                on_every_failure: self.answer.iter().all(|row| !row.cools_down),
                in_storage: c.kept_in == CooldownKeptIn::Storage,
                honours_retry_after: c.honours_retry_after,
                cap: c.cap.unwrap_or(MAX_DURATION),
            }),
            discovery: self.discovery.as_ref().map(|d| DiscoveryRules {
                before_read: d.before_read,
                lasts: d.lasts.unwrap_or(MAX_DURATION),
            }),
            iframe: self.iframe.as_ref().map(|iframe| IframeRules {
                when: match iframe.when {
                    IframeWhen::Never => IframeUse::Never,
                    IframeWhen::Fallback => IframeUse::Fallback,
                    IframeWhen::Always => IframeUse::Always,
                },
                timeout: iframe.timeout,
                tries: iframe.tries,
            }),
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
            gives_nothing: row.gives_nothing,
            no_answer: row.counts_as_no_answer,
            opens_iframe: row.opens_iframe,
            cools_down: row.cools_down,
        };
        let endpoint = row.endpoint.map(|e| match e {
            EndpointName::Token => Endpoint::Token,
            EndpointName::Lookup => Endpoint::Lookup,
            EndpointName::User => Endpoint::User,
            EndpointName::Discovery => Endpoint::Discovery,
            EndpointName::Authorize => Endpoint::Authorize,
        });
        let codes: Vec<Option<Code>> = if row.code.is_empty() {
            vec![None]
        } else {
            row.code.iter().map(|c| Some(self.code(c))).collect()
        };
        for text in &row.status {
            let (mut no_answer, mut timed_out, mut page_error) = (false, false, false);
            let mut range = None;
            match text.as_str() {
                "no-answer" => no_answer = true,
                "timeout" => timed_out = true,
                "page-error" => page_error = true,
                text => {
                    let unusable = || Unusable {
                        code: ErrorCode::Malformed,
                        key: format!("answer[{n}].status"),
                        why: "not a status of an answer",
                        found: quote(text),
                        allowed: STATUS_RULE,
                    };
                    range = Some(statuses(text).ok_or_else(unusable)?);
                }
            }
            answers.extend(codes.iter().map(|code| AnswerRule {
                endpoint,
                statuses: range,
                no_answer,
                timed_out,
                page_error,
                code: *code,
                verdict,
            }));
        }
        Ok(())
    }
}

/// The first and the last status of a text such as `429` or `500-504`.
pub(super) fn statuses(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
    (300 <= from && from <= to && to <= 599).then_some((from, to))
}

/// An error of a number or a duration out of its range.
fn out_of_range(key: String, found: impl ToString, allowed: &'static str) -> Unusable {
    Unusable { code: ErrorCode::OutOfRange, key, why: "out of range", found: found.to_string(), allowed }
}

fn schedule(key: &str, waits: &Waits) -> Result<Schedule, Unusable> {
    if waits.factor.millionths < 1_000_000 {
        let found = waits.factor.millionths as f64 / 1e6;
        return Err(out_of_range(format!("{key}.factor"), found, "1 or more"));
    }
    if waits.jitter > Dur::ZERO && waits.spread != Jitter::None {
        return Err(Unusable {
            code: ErrorCode::KeyOfOtherKind,
            key: format!("{key}.spread"),
            why: "a wait is spread, or has a random wait added",
            found: "`jitter` and `spread`".to_owned(),
            allowed: "one of the two",
        });
    }
    if waits.tries == Some(0) {
        return Err(out_of_range(format!("{key}.tries"), 0, "1 or more"));
    }
    let limit = match (waits.tries, waits.within) {
        (Some(_), Some(_)) => {
            return Err(Unusable {
                code: ErrorCode::KeyOfOtherKind,
                key: format!("{key}.within"),
                why: "a schedule has one bound",
                found: "`tries` and `within`".to_owned(),
                allowed: "one of the two",
            });
        }
        (Some(tries), None) => Limit::Tries(tries),
        (None, Some(within)) => Limit::Within(within),
        (None, None) => Limit::Endless,
    };
    let cap = waits.cap.unwrap_or(MAX_DURATION);
    Ok(Schedule {
        first: waits.first,
        factor: waits.factor,
        cap,
        spread: waits.spread,
        jitter: waits.jitter,
        obedience: Obedience::floor_if(false),
        limit,
        offline_tries: None,
    })
}

fn ticker(spec: &Ticker) -> Result<TickerRules, Unusable> {
    if spec.period == Dur::ZERO {
        return Err(out_of_range("ticker.period".to_owned(), spec.period, "more than 0s"));
    }
    Ok(TickerRules { period: spec.period, below: spec.refresh_below, skips_when_busy: spec.skips_when_busy })
}

fn timer(spec: &TimerSpec) -> Result<TimerRules, Unusable> {
    if let Some(waits) = &spec.no_answer {
        let unusable = |key: &str, found: &str, allowed| Unusable {
            code: ErrorCode::KeyOfOtherKind,
            key: format!("timer.no-answer.{key}"),
            why: "a timer does not remember its series of tries",
            found: found.to_owned(),
            allowed,
        };
        if let Some(within) = waits.within {
            return Err(unusable("within", &within.to_string(), "`tries`, or neither"));
        }
        if waits.spread == Jitter::Decorrelated {
            return Err(unusable("spread", "\"decorrelated\"", "none, full, equal"));
        }
    }
    Ok(TimerRules {
        before: spec.before_expiry,
        floor: spec.floor,
        refreshes: spec.does == TimerDoes::Refresh,
        in_seconds: spec.computed_in_seconds,
        set_by_all: spec.set_by != TimerSetBy::OwnRefresh,
        set_by_reads: spec.set_by == TimerSetBy::Read,
        checks_every: spec.checks_every,
        tells_expired_after: spec.tells_expired_after,
        again: spec.no_answer.as_ref().map(|w| schedule("timer.no-answer", w)).transpose()?,
        survives_errors: spec.survives_errors,
    })
}
