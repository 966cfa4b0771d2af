//! Says in sentences what a profile does.

use super::answers::Ending;
use super::compile::Unusable;
use super::profile::{
    Answer, EndpointName, ExpiryClockSpec, KeptIn, OnFailure, Profile, SignOutSpec, WhileLoading,
};
use super::profile_clocks::{LockThen, TimerDoes, TimerSetBy, Waits};
use super::rules::{Code, Endpoint, Rules, SignOut};
use crate::client::policy::Jitter;
use crate::kernel::Dur;
use crate::text::clean;

impl Profile {
    /// What the client does, in sentences: when it refreshes, who shares a refresh, what each answer does, what it remembers.
    ///
    /// # Errors
    /// The value that cannot be compiled.
    pub fn sentences(&self) -> Result<Vec<String>, Unusable> {
        let rules = self.rules()?;
        let mut all = Vec::new();
        if self.sdk.unrecorded {
            all.push("This profile follows the source alone: no recording confirms it.".to_owned());
        }
        self.who_refreshes(&mut all);
        self.chain(&mut all);
        self.sign_outs(&rules, &mut all);
        self.failures(&mut all);
        self.sharing(&mut all);
        self.session(&mut all);
        self.tokens(&mut all);
        Ok(all)
    }

    fn who_refreshes(&self, all: &mut Vec<String>) {
        all.push(match self.caller.margin {
            _ if self.session.expiry_clock == ExpiryClockSpec::Unknown => {
                "A caller gets the session in hand and never refreshes it.".to_owned()
            }
            _ if !self.caller.refreshes => "A caller reads the session and never refreshes it.".to_owned(),
            Dur::ZERO => "A caller refreshes once the token has expired.".to_owned(),
            margin => format!("A caller refreshes when less than {margin} of the token is left."),
        });
        if self.load.forces_refresh {
            all.push("Each page load refreshes.".to_owned());
        } else if self.load.refreshes {
            all.push("A page load refreshes when a caller would.".to_owned());
        }
        if self.load.lookup {
            all.push("Each page load also requests account data.".to_owned());
        }
        if let Some(ticker) = &self.ticker {
            all.push(format!(
                "Every {}, and when it becomes visible, each visible tab refreshes if less than {} is left.",
                ticker.period, ticker.refresh_below
            ));
        }
        if self.visible.refreshes {
            all.push(format!(
                "A tab that becomes visible refreshes, at most once in {}, and not offline.",
                self.visible.at_most_every
            ));
        }
        if self.visible.recovers {
            all.push("A tab that becomes visible treats the session as a page load does.".to_owned());
        }
        match &self.timer {
            Some(timer) if timer.does == TimerDoes::Refresh => {
                all.push(format!(
                    "A timer refreshes {} before expiry, in hidden tabs too. Its shortest wait is {}. {} sets it.",
                    timer.before_expiry,
                    timer.floor,
                    match timer.set_by {
                        TimerSetBy::OwnRefresh => "Its own refresh",
                        TimerSetBy::AnyRefresh => "Any refresh",
                        TimerSetBy::Read => "Any refresh, and each read of the session,",
                    }
                ));
                if let Some(every) = timer.checks_every {
                    all.push(format!(
                        "The timer looks at the clock every {every}, so it may be late by that much. An expired token sets none."
                    ));
                }
                if let Some(after) = timer.tells_expired_after {
                    all.push(format!("Another timer tells the app {after} after the expiry."));
                }
                all.push(match &timer.no_answer {
                    Some(waits) => format!("Without an answer, the timer tries again {}.", schedule(waits)),
                    None => "Without an answer, the timer stops until the next load.".to_owned(),
                });
                if !timer.survives_errors {
                    all.push("An HTTP error stops the timer until the next load.".to_owned());
                }
            }
            Some(timer) if timer.before_expiry == Dur::ZERO => {
                all.push("A timer tells the app when the token expires. It does not refresh.".to_owned());
            }
            Some(timer) => all.push(format!(
                "A timer tells the app {} before expiry. It does not refresh.",
                timer.before_expiry
            )),
            None => {}
        }
        let reads = self.visible.refreshes || self.session.expiry_clock == ExpiryClockSpec::Unknown;
        let acts = reads || self.timer.as_ref().is_some_and(|timer| timer.does == TimerDoes::Refresh);
        if self.ticker.is_none() && !acts {
            all.push("Between page loads, only callers refresh.".to_owned());
        }
    }

    /// What one answer of a kind does to the session, and every row.
    fn sign_outs(&self, rules: &Rules, all: &mut Vec<String>) {
        for (what, ending) in
            [("429", Ending::Status(429)), ("500", Ending::Status(500)), ("401", Ending::Status(401))]
        {
            let verdict = rules.answers.verdict(Endpoint::Token, ending, Code::OTHER);
            let tries = if verdict.retry && rules.retry.is_some() { " It is retried first." } else { "" };
            all.push(match verdict.sign_out {
                SignOut::Never => format!("A {what} to a refresh never signs out.{tries}"),
                SignOut::IfExpired => format!("One {what} to a refresh after expiry signs out.{tries}"),
                SignOut::Always => format!("One {what} to a refresh signs out at once.{tries}"),
            });
        }
        for (n, row) in self.answer.iter().enumerate() {
            let first = if n == 0 { "Of the rows of answers, the first that matches applies. " } else { "" };
            all.push(format!("{first}Row {}, on {}", n + 1, effects(row)));
        }
        if self.answer.iter().all(|row| row.sign_out == SignOutSpec::Never) {
            all.push("No answer signs out.".to_owned());
        }
    }

    fn failures(&self, all: &mut Vec<String>) {
        if let Some(waits) = &self.request.retry {
            all.push(format!("A retry comes {}.", schedule(waits)));
        }
        all.push(match (self.request.timeout, self.request.aborts_on_timeout) {
            (None, _) => "A request has no time-out.".to_owned(),
            (Some(timeout), true) => format!("A request is aborted after {timeout}."),
            (Some(timeout), false) => {
                format!("A request fails after {timeout} without an answer. It is not aborted: the server still works on it.")
            }
        });
        self.memory(all);
        all.push(
            "A policy of a scenario may take the place of what answers to a refresh do, and of the retries."
                .to_owned(),
        );
        if self.request.honours_retry_after {
            all.push("A retry waits at least as long as Retry-After asks for.".to_owned());
        } else if !self.cooldown.as_ref().is_some_and(|cooldown| cooldown.honours_retry_after) {
            all.push("Retry-After is ignored.".to_owned());
        }
        if self.request.gives_up_offline {
            all.push("No request is retried while the browser is offline.".to_owned());
        }
        let what = |failure| match failure {
            OnFailure::Nothing => "no session",
            OnFailure::Error => "an error",
        };
        let kept = if self.caller.keeps_valid_token { ", or the old token while it is valid" } else { "" };
        all.push(format!("When a refresh fails, the caller gets {}{kept}.", what(self.caller.on_failure)));
        all.push(format!(
            "A caller without a session gets {}.",
            match self.caller.without_session {
                OnFailure::Nothing => "nothing",
                OnFailure::Error => "an error",
            }
        ));
        match self.caller.while_loading {
            WhileLoading::Waits => {}
            WhileLoading::Nothing => all.push("While the page loads, a caller gets nothing.".to_owned()),
            WhileLoading::Asks => all.push("A caller does not wait for the page load.".to_owned()),
        }
    }

    fn sharing(&self, all: &mut Vec<String>) {
        all.push(match self.session.shares_refresh {
            true => "Callers that ask during a refresh share its outcome.".to_owned(),
            false if self.session.newest_refresh_only => {
                "A new refresh aborts the one under way: the newest answer counts.".to_owned()
            }
            false if self.lock.as_ref().is_some_and(|lock| lock.only_to_refresh) => {
                "Callers do not share a refresh. Each reads the session again when it has the lock, so a success serves \
                 all, and a failure only one."
                    .to_owned()
            }
            false => "Callers do not share a refresh: each sends its own request.".to_owned(),
        });
        let Some(lock) = &self.lock else { return };
        let who = if lock.only_to_refresh { "A refresh takes" } else { "Each operation takes" };
        let then = match lock.then {
            LockThen::Steal => "steals it",
            LockThen::Error => "gives its caller an error",
        };
        all.push(format!("{who} a lock of all tabs. What waits longer than {} {then}.", lock.wait));
        if lock.reentrant {
            all.push(
                "Callers of the lock's holder run within the lock one after the other, and each may refresh."
                    .to_owned(),
            );
        }
    }

    fn session(&self, all: &mut Vec<String>) {
        let kept = match self.session.kept_in {
            KeptIn::Storage => "The session is in the browser's storage. Each use reads it there.",
            KeptIn::ObjectAndStorage => {
                "The session is in the client object, and in the storage for reloads. Other tabs copy new tokens."
            }
            KeptIn::Object => "The session is in the client object. Tabs do not share new tokens.",
            KeptIn::Page => "The session is in the client object and ends with the page.",
        };
        all.push(kept.to_owned());
        let clock = match self.session.expiry_clock {
            ExpiryClockSpec::Server => {
                "Expiry is the server's time against the local clock. A wrong clock stays wrong."
            }
            ExpiryClockSpec::Receipt | ExpiryClockSpec::ReceiptSeconds => {
                "Expiry is the local time of receipt plus the token's life. A wrong clock matters until the first refresh."
            }
            ExpiryClockSpec::RequestSeconds => {
                "Expiry is the local time of the request plus the token's life. A wrong clock matters until the first refresh."
            }
            ExpiryClockSpec::Unknown => {
                "The client does not know the expiry. Its session counts as valid until an answer says otherwise."
            }
            ExpiryClockSpec::Measured => {
                "Expiry is the server's time, corrected by a clock offset that each refresh measures."
            }
        };
        all.push(clock.to_owned());
        if let Some(after) = self.session.drops_expired_after {
            all.push(format!(
                "A new token that has expired by the local clock for more than {after} is dropped, and the refresh has failed."
            ));
        }
        if self.session.drops_when_replaced {
            all.push(
                "A new session is dropped if another tab has replaced the stored one meanwhile.".to_owned(),
            );
        }
    }

    fn tokens(&self, all: &mut Vec<String>) {
        let tokens = &self.refresh_token;
        if !tokens.rotates {
            all.push("The server keeps the refresh token.".to_owned());
            return;
        }
        let window = match (tokens.reuse_window, tokens.accepts_parent) {
            (Dur::ZERO, false) => "refuses a used one".to_owned(),
            (Dur::ZERO, true) => "accepts a used one while it is the parent of the newest".to_owned(),
            (window, false) => format!("accepts a used one for {window}"),
            (window, true) => {
                format!(
                    "accepts a used one for {window}, and at any time while it is the parent of the newest"
                )
            }
        };
        let end = match tokens.survives_reuse {
            true => "A refused reuse leaves the session alive.",
            false => "A refused reuse ends the session.",
        };
        all.push(format!("The server issues a new refresh token with each refresh and {window}. {end}"));
    }
}

/// What a row of answers does: `502-504 to a refresh: it is retried.`
fn effects(row: &Answer) -> String {
    let endpoint = match row.endpoint {
        None => "",
        Some(EndpointName::Token) => " to a refresh",
        Some(EndpointName::Lookup) => " to a lookup",
        Some(EndpointName::User) => " to a check of a session put back",
        Some(EndpointName::Discovery) => " to a request for the metadata",
        Some(EndpointName::Authorize) => " in the iframe",
    };
    let code = match row.code.is_empty() {
        true => String::new(),
        false => format!(" with code {}", row.code.iter().map(|c| clean(c)).collect::<Vec<_>>().join(" or ")),
    };
    let mut effects = Vec::new();
    if row.retry {
        effects.push("it is retried");
    }
    match row.sign_out {
        SignOutSpec::Never => {}
        SignOutSpec::IfExpired => effects.push("the client signs out if the token has expired"),
        SignOutSpec::Always => effects.push("the client signs out"),
    }
    if row.gives_nothing {
        effects.push("the caller gets nothing");
    }
    if row.counts_as_no_answer {
        effects.push("the timer counts it as no answer");
    }
    if row.opens_iframe {
        effects.push("the refresh goes on with an iframe, if the client opens one");
    }
    if row.cools_down {
        effects.push("the failure is remembered");
    }
    if effects.is_empty() {
        effects.push("the refresh fails");
    }
    format!("{}{code}{endpoint}: {}.", row.status.join(", "), effects.join(", "))
}

/// When tries come: `after 200ms, then after 2 times the wait before, within 30s of the first try`.
fn schedule(waits: &Waits) -> String {
    let mut text = match waits.first {
        Dur::ZERO => "at once".to_owned(),
        first => format!("after {first}"),
    };
    if waits.factor.millionths > 1_000_000 && waits.first > Dur::ZERO {
        let factor = waits.factor.millionths as f64 / 1e6;
        text += &format!(", then each time after {factor} times the wait before");
    }
    if let Some(cap) = waits.cap {
        text += &format!(", at most {cap}");
    }
    text += match waits.spread {
        Jitter::None => "",
        Jitter::Full => ", drawn between zero and that",
        Jitter::Equal => ", drawn between half of that and that",
        Jitter::Decorrelated => ", drawn between the first wait and three times the wait before",
    };
    if waits.jitter > Dur::ZERO {
        text += &format!(", plus up to {} at random", waits.jitter);
    }
    text += &match (waits.tries, waits.within) {
        (Some(tries), _) => format!(", {tries} tries in all"),
        (None, Some(within)) => format!(", within {within} of the first try"),
        (None, None) => ", without end".to_owned(),
    };
    text
}
