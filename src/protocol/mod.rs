//! The types that clients and the backend share.

mod endpoint;

pub use endpoint::{Endpoint, EndpointRow, Method, MetricWords};

use crate::kernel::Time;
use crate::kernel::time::NS_PER_S;

/// A failed call, as a client sees it: an HTTP status with the server's error code, or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status; 0 when there was no HTTP answer (network error, time-out).
    pub status: u16,
    /// The server's error code, as an index into the scenario's list of codes; 0 when it gave none.
    pub code: u8,
    /// The `Retry-After` header.
    pub retry_after: RetryIn,
}

/// The `Retry-After` header of an answer (RFC 9110, section 10.2.3): absent, or a number of whole seconds, which may be 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryIn(u32);

impl RetryIn {
    /// No header.
    pub const NONE: RetryIn = RetryIn(0);

    /// A header of this many seconds, at most 4294967294.
    pub const fn seconds(seconds: u32) -> RetryIn {
        RetryIn(seconds.saturating_add(1))
    }

    /// The seconds of the header; `None` without one.
    pub const fn get(self) -> Option<u32> {
        self.0.checked_sub(1)
    }

    /// Packs the header into a word; 0 for none.
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// Unpacks a header.
    pub(crate) const fn from_bits(bits: u32) -> RetryIn {
        RetryIn(bits)
    }
}

impl Failure {
    /// A failure without an HTTP answer.
    pub const NETWORK: Failure = Failure { status: 0, code: 0, retry_after: RetryIn::NONE };
    /// A client that gave up while the browser was offline. Policies treat it as no answer.
    pub const OFFLINE: Failure = Failure { status: 0, code: u8::MAX, retry_after: RetryIn::NONE };

    /// An answer with this status and no error code.
    pub const fn status(status: u16) -> Failure {
        Failure { status, code: 0, retry_after: RetryIn::NONE }
    }

    /// Packs the failure into 56 bits.
    pub(crate) fn bits(self) -> u64 {
        u64::from(self.retry_after.bits()) << 24 | u64::from(self.status) << 8 | u64::from(self.code)
    }

    /// Unpacks a failure.
    pub(crate) fn from_bits(bits: u64) -> Failure {
        let retry_after = RetryIn::from_bits((bits >> 24) as u32);
        Failure { status: (bits >> 8) as u16, code: bits as u8, retry_after }
    }
}

/// A session token, identified by the instant of its issue. Its `iat` is that instant in whole seconds, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(std::num::NonZeroU64);

impl Token {
    /// The token issued at this time.
    pub fn issued(at: Time) -> Token {
        Token(std::num::NonZeroU64::MIN.saturating_add(at.0))
    }

    /// The token issued at this time, distinct from one that was issued at the same instant.
    pub fn issued_after(at: Time, newest: Option<Token>) -> Token {
        let next = newest.map_or(0, |newest| newest.0.get());
        Token(Token::issued(at).0.max(std::num::NonZeroU64::MIN.saturating_add(next)))
    }

    /// The token that another tab broadcast by its `iat` alone. It has the original's age and order.
    pub fn known_by_iat(iat: u32) -> Token {
        Token::issued(Time(u64::from(iat) * NS_PER_S))
    }

    /// Packs the token into 63 bits, which are not zero.
    pub(crate) fn bits(self) -> u64 {
        self.0.get()
    }

    /// Unpacks a token; `None` for zero.
    pub(crate) fn from_bits(bits: u64) -> Option<Token> {
        std::num::NonZeroU64::new(bits).map(Token)
    }

    /// `iat`: seconds since the start of the run. Saturates after 136 years, past any horizon.
    pub fn iat(self) -> u32 {
        u32::try_from(Time(self.0.get() - 1).whole_seconds()).unwrap_or(u32::MAX)
    }
}

/// The end of a call. Every call ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Outcome {
    /// A 2xx answer.
    Ok,
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 422
    Unprocessable,
    /// 429
    TooManyRequests,
    /// Another 4xx.
    Other4xx,
    /// A 5xx answer.
    Server5xx,
    /// Shed by a full queue: 503 from the queue itself.
    Shed,
    /// No HTTP answer: the connection failed.
    NetworkError,
    /// The client gave up waiting.
    Timeout,
    /// The page was reloaded or closed, or the browser closed, before the answer.
    Dropped,
    /// Not answered when the run ended.
    InFlight,
}

impl Outcome {
    /// Number of outcomes.
    pub const COUNT: usize = 14;
    /// All outcomes, in the order of their discriminants.
    pub const ALL: [Outcome; Outcome::COUNT] = [
        Outcome::Ok,
        Outcome::BadRequest,
        Outcome::Unauthorized,
        Outcome::Forbidden,
        Outcome::NotFound,
        Outcome::Unprocessable,
        Outcome::TooManyRequests,
        Outcome::Other4xx,
        Outcome::Server5xx,
        Outcome::Shed,
        Outcome::NetworkError,
        Outcome::Timeout,
        Outcome::Dropped,
        Outcome::InFlight,
    ];

    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "200",
            Outcome::BadRequest => "400",
            Outcome::Unauthorized => "401",
            Outcome::Forbidden => "403",
            Outcome::NotFound => "404",
            Outcome::Unprocessable => "422",
            Outcome::TooManyRequests => "429",
            Outcome::Other4xx => "other-4xx",
            Outcome::Server5xx => "5xx",
            Outcome::Shed => "shed",
            Outcome::NetworkError => "network-error",
            Outcome::Timeout => "timeout",
            Outcome::Dropped => "dropped",
            Outcome::InFlight => "in-flight",
        }
    }

    /// Whether the call failed: it was answered with something other than 2xx, or given up.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Outcome::Ok | Outcome::Dropped | Outcome::InFlight)
    }

    /// The outcome of an answer with this status.
    pub const fn of_status(status: u16) -> Outcome {
        match status {
            0 => Outcome::NetworkError,
            200..=299 => Outcome::Ok,
            400 => Outcome::BadRequest,
            401 => Outcome::Unauthorized,
            403 => Outcome::Forbidden,
            404 => Outcome::NotFound,
            422 => Outcome::Unprocessable,
            429 => Outcome::TooManyRequests,
            s if s < 500 => Outcome::Other4xx,
            _ => Outcome::Server5xx,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7519, section 4.1.6: `iat` is a NumericDate, here cut to whole seconds.
    #[test]
    fn iat_is_the_second_of_issue() {
        let second = NS_PER_S;
        for (at, iat) in [(0, 0), (second - 1, 0), (second, 1), (2 * second - 2, 1), (2 * second - 1, 1)] {
            assert_eq!(Token::issued(Time(at)).iat(), iat, "at {at}");
        }
        assert_eq!(Token::known_by_iat(7).iat(), 7);
    }
}
