//! Answers, and what a client with back-off makes of them.

use super::log::Token;
use crate::client::policy::{FailureSet, Jitter, Retry, RetryAfterAs};
use std::rc::Rc;

/// What a client learns of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// 2xx; what a session's endpoints say of it.
    Ok {
        token: Option<Token>,
        listed: bool,
    },
    Status {
        status: u16,
        code: Option<Rc<str>>,
        retry_after_s: Option<u64>,
        shed: bool,
    },
    /// No HTTP answer.
    Network,
    /// The client has waited long enough.
    GivenUp,
    /// What a call becomes that got no HTTP answer while the browser knows that it is offline.
    Nothing,
    /// `getToken` ended offline: to a policy, no HTTP answer.
    Offline,
}

impl Answer {
    pub(super) const OK: Answer = Answer::Ok { token: None, listed: true };

    pub(super) fn status(status: u16) -> Answer {
        Answer::Status { status, code: None, retry_after_s: None, shed: false }
    }

    pub(super) fn is(&self, wanted: u16) -> bool {
        matches!(self, Answer::Status { status, .. } if *status == wanted)
    }

    /// Its name in results.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Answer::Ok { .. } => "200",
            Answer::Status { shed: true, .. } => "shed",
            Answer::Status { status: 400, .. } => "400",
            Answer::Status { status: 401, .. } => "401",
            Answer::Status { status: 403, .. } => "403",
            Answer::Status { status: 404, .. } => "404",
            Answer::Status { status: 422, .. } => "422",
            Answer::Status { status: 429, .. } => "429",
            Answer::Status { status, .. } if *status < 500 => "other-4xx",
            Answer::Status { .. } => "5xx",
            Answer::GivenUp => "timeout",
            Answer::Network | Answer::Nothing | Answer::Offline => "network-error",
        }
    }
}

/// The delay with what `Retry-After` asks for, where the client honours it.
pub(super) fn obeying(retry: &Retry, delay: u64, answer: &Answer) -> u64 {
    let Answer::Status { retry_after_s: Some(seconds), .. } = answer else { return delay };
    if !retry.honour_retry_after {
        return delay;
    }
    let longest = retry.retry_after_cap.map_or(u64::MAX, |cap| cap.0);
    let asked = (seconds * 1_000_000_000).min(longest);
    match retry.retry_after_as {
        RetryAfterAs::Floor => delay.max(asked),
        RetryAfterAs::Instead => asked,
        RetryAfterAs::OnTop => delay.saturating_add(asked),
    }
}

/// The delay before retry number `n`, by a draw between two bounds; `Retry-After` comes on top. `previous` is the delay
/// before the retry before.
pub(super) fn delay(retry: &Retry, n: u64, previous: u64, draw: impl Fn((u64, u64)) -> u64) -> u64 {
    let whole = backoff(retry, n);
    match retry.jitter {
        Jitter::None => whole,
        Jitter::Full => draw((0, whole)),
        Jitter::Equal => draw((whole / 2, whole)),
        Jitter::Decorrelated => {
            let first = backoff(retry, 1);
            let previous = if n == 1 { first } else { previous };
            draw((first, (3 * previous).max(first))).min(retry.cap.0)
        }
    }
}

/// `min(cap, initial * factor^(n - 1))` in whole milliseconds, by an exact fraction.
fn backoff(retry: &Retry, n: u64) -> u64 {
    let (mut up, mut down) = (retry.factor.millionths, 1_000_000u64);
    let (mut a, mut b) = (up, down);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (up, down) = (up / a, down / a);
    let (mut numerator, mut denominator) = (u128::from(retry.initial.0), 1u128);
    for _ in 1..n {
        numerator *= u128::from(up);
        denominator *= u128::from(down);
        if numerator / denominator >= u128::from(retry.cap.0) {
            break;
        }
    }
    let delay = (numerator / denominator).min(u128::from(retry.cap.0)) as u64;
    delay / 1_000_000 * 1_000_000
}

/// Whether a set of answers holds this one; the last entry that speaks of it decides. An entry with an error code speaks
/// of answers with that code alone.
pub(super) fn listed(on: &FailureSet, answer: &Answer) -> bool {
    let (status, code) = match answer {
        Answer::Status { status, code, .. } => (*status, code.as_deref()),
        _ => (0, None),
    };
    let texts = serde_json::to_value(on).expect("a list of texts");
    let mut held = false;
    for text in texts.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str) {
        let body = text.trim_start_matches('!');
        let speaks = match body.split_once(':') {
            Some((digits, named)) => digits.parse() == Ok(status) && code == Some(named),
            None => match body {
                "network" => status == 0,
                "4xx" => (400..500).contains(&status),
                "5xx" => status >= 500,
                digits => digits.parse() == Ok(status),
            },
        };
        if speaks {
            held = !text.starts_with('!');
        }
    }
    held
}
