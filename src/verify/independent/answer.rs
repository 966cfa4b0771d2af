//! Answers, and what a client with back-off makes of them.

use crate::client::policy::{FailureSet, Retry};

/// What a client learns of a try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    Ok,
    Status { status: u16, retry_after_s: u64, shed: bool },
    Network,
    GivenUp,
}

impl Answer {
    /// Its name in results.
    pub fn outcome(self) -> &'static str {
        match self {
            Answer::Ok => "200",
            Answer::Status { shed: true, .. } => "shed",
            Answer::Status { status: 400, .. } => "400",
            Answer::Status { status: 401, .. } => "401",
            Answer::Status { status: 403, .. } => "403",
            Answer::Status { status: 404, .. } => "404",
            Answer::Status { status: 422, .. } => "422",
            Answer::Status { status: 429, .. } => "429",
            Answer::Status { status, .. } if status < 500 => "other-4xx",
            Answer::Status { .. } => "5xx",
            Answer::Network => "network-error",
            Answer::GivenUp => "timeout",
        }
    }
}

/// At least what `Retry-After` asks for, where the client honours it.
pub(super) fn floored(retry: &Retry, delay: u64, answer: Answer) -> u64 {
    match answer {
        Answer::Status { retry_after_s, .. } if retry.honour_retry_after => {
            delay.max(retry_after_s * 1_000_000_000)
        }
        _ => delay,
    }
}

/// `min(cap, initial * factor^(n - 1))` in whole milliseconds, by an exact fraction.
pub(super) fn backoff(retry: &Retry, n: u64) -> u64 {
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

/// Whether a set of answers holds this one; the last entry that speaks of it decides. Error codes are not drawn.
pub(super) fn listed(on: &FailureSet, answer: Answer) -> bool {
    let status = match answer {
        Answer::Status { status, .. } => status,
        _ => 0,
    };
    let texts = serde_json::to_value(on).expect("a list of texts");
    let mut held = false;
    for text in texts.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str) {
        let body = text.trim_start_matches('!');
        let speaks = match body {
            "network" => status == 0,
            "4xx" => (400..500).contains(&status),
            "5xx" => status >= 500,
            digits => digits.parse() == Ok(status),
        };
        if speaks {
            held = !text.starts_with('!');
        }
    }
    held
}
