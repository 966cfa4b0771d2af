//! The scripted server of a recording: its rules, its token bucket, and the session's account.

use super::recording::{Bucket, Config};
use crate::client::token::{
    Account, Code, Endpoint, Issued, Marks, NO_USER, Profile, Refusal, Reply, Rotation,
};
use crate::conform::script::Rule;
use crate::kernel::{Dur, Time};
use crate::protocol::RetryIn;
use std::num::NonZeroU32;

/// The server's decision on a request, made at sending.
pub(super) enum Decision {
    /// An answer after the round-trip time, and the status that the recording shows.
    Answer(Reply, u16),
    /// No HTTP answer; the request fails after the round-trip time.
    Abort,
    /// The request is never answered.
    Hang,
}

/// The server of a recording.
pub(super) struct Server {
    rules: Vec<(Rule, u64)>,
    bucket: Option<(Bucket, u128, Time)>,
    pub account: Account,
    marks: Marks,
    pub rotation: Rotation,
    revoked: Option<Time>,
    /// Whether the provider's page in an iframe knows no user.
    no_user: bool,
    profile: Profile,
}

/// An answer other than success.
fn error(status: u16, code: Code, retry_after: RetryIn) -> Reply {
    Reply::Error { status, code, retry_after }
}

/// What a rule's `Retry-After` asks for, in seconds; nothing for a date.
fn retry_after(rule: &Rule) -> RetryIn {
    let header = rule.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    header.and_then(|(_, value)| value.trim().parse().ok()).map_or(RetryIn::NONE, RetryIn::seconds)
}

/// One request in the bucket's unit: nanoseconds times nano-requests per second.
const ONE: u128 = 1_000_000_000 * 1_000_000_000;

impl Server {
    pub(super) fn new(config: &Config, profile: &Profile) -> Server {
        let tokens = &profile.refresh_token;
        Server {
            rules: config.rules.iter().map(|r| (r.clone(), 0)).collect(),
            bucket: config.limiter.map(|b| (b, u128::from(b.burst) * ONE, Time::ZERO)),
            account: Account::new(),
            marks: Marks::default(),
            rotation: Rotation {
                rotates: tokens.rotates && config.rotation == "rotate",
                reuse: u64::try_from(config.reuse_ms).ok().map(Dur::from_ms),
                accepts_parent: tokens.accepts_parent,
                reuse_ends: !tokens.survives_reuse,
                life: Dur::from_secs(config.token_life_s),
            },
            revoked: config.revoked_ms.map(Time::from_ms),
            no_user: config.no_user,
            profile: profile.clone(),
        }
    }

    pub(super) fn first(&self) -> Issued {
        self.account.first(&self.rotation, Time::ZERO)
    }

    /// Decides on a request. One of the token endpoint without a refresh token exchanges a code.
    pub(super) fn decide(&mut self, endpoint: Endpoint, refresh: Option<NonZeroU32>, now: Time) -> Decision {
        if let Some(decision) = self.scripted(endpoint, now) {
            return decision;
        }
        if self.revoked.is_some_and(|at| now >= at) {
            self.account.revoke();
        }
        match endpoint {
            Endpoint::Token => {}
            Endpoint::Authorize if self.no_user || self.account.ended() == Some(Refusal::Gone) => {
                return Decision::Answer(Reply::PageError(self.profile.code(NO_USER)), 200);
            }
            Endpoint::Lookup | Endpoint::User | Endpoint::Discovery | Endpoint::Authorize => {
                return Decision::Answer(Reply::Ok(None), 200);
            }
        }
        if !self.admits(now) {
            return Decision::Answer(error(429, Code::OTHER, RetryIn::NONE), 429);
        }
        let grant = match refresh {
            Some(refresh) => self.account.refresh(&mut self.marks, &self.rotation, refresh, now),
            None => self.account.exchange(&mut self.marks, &self.rotation, now),
        };
        match grant {
            Ok(issued) => Decision::Answer(Reply::Ok(Some(issued)), 200),
            Err(refusal) => {
                let tokens = &self.profile.refresh_token;
                let name = match refusal {
                    Refusal::Reused => &tokens.reuse_code,
                    Refusal::Gone => &tokens.gone_code,
                };
                let code = self.profile.code(name.as_deref().unwrap_or_default());
                let status = tokens.refused_status.unwrap_or(400);
                Decision::Answer(error(status, code, RetryIn::NONE), status)
            }
        }
    }

    fn scripted(&mut self, endpoint: Endpoint, now: Time) -> Option<Decision> {
        let at = |ms: u64| Time::from_ms(ms);
        let (rule, count) = self.rules.iter_mut().find(|(rule, count)| {
            (rule.endpoint == "all" || rule.endpoint == endpoint.name())
                && now >= at(rule.from)
                && rule.to.is_none_or(|to| now < at(to))
                && rule.count.is_none_or(|most| *count < most)
        })?;
        *count += 1;
        if rule.abort {
            return Some(Decision::Abort);
        }
        if rule.hang {
            return Some(Decision::Hang);
        }
        match rule.status {
            // A page in an iframe reports an error with status 200.
            None | Some(200) if endpoint == Endpoint::Authorize && rule.code.is_some() => {
                let code = self.profile.code(rule.code.as_deref().unwrap_or_default());
                Some(Decision::Answer(Reply::PageError(code), 200))
            }
            None | Some(200) => None,
            Some(status) => {
                let code = self.profile.code(rule.code.as_deref().unwrap_or_default());
                Some(Decision::Answer(error(status, code, retry_after(rule)), status))
            }
        }
    }

    fn admits(&mut self, now: Time) -> bool {
        let Some((bucket, level, last)) = &mut self.bucket else { return true };
        // A recording states the rate as a decimal number. Nano-requests per second hold every used rate exactly.
        let rate = (bucket.rate_per_s * 1e9).round() as u128;
        let gained = u128::from(now.since(*last).0) * rate;
        *level = (*level + gained).min(u128::from(bucket.burst) * ONE);
        *last = now;
        if *level < ONE {
            return false;
        }
        *level -= ONE;
        true
    }
}
