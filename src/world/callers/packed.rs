//! Answers in the words of an event.

use crate::protocol::{Failure, RetryIn};

/// Status byte for a call without an HTTP answer.
const NO_ANSWER: u8 = 255;
/// Status byte for success.
const SUCCESS: u8 = 254;

/// Encodes an answer for an event: the status byte and the error code in one word, `Retry-After` in the other. `None`
/// is success. A status from 400 to 599 is stored as status minus 400.
pub(super) fn pack(answer: Option<Failure>) -> (u16, u32) {
    let Some(failure) = answer else { return (u16::from_be_bytes([SUCCESS, 0]), 0) };
    let status = if failure.status == 0 { NO_ANSWER } else { (failure.status - 400) as u8 };
    (u16::from_be_bytes([status, failure.code]), failure.retry_after.bits())
}

/// Decodes an answer from the words of an event.
pub(in crate::world) fn unpack(status_and_code: u16, retry_after: u32) -> Option<Failure> {
    let [status, code] = status_and_code.to_be_bytes();
    let retry_after = RetryIn::from_bits(retry_after);
    match status {
        SUCCESS => None,
        NO_ANSWER => Some(Failure { status: 0, code, retry_after }),
        _ => Some(Failure { status: u16::from(status) + 400, code, retry_after }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_the_words_of_an_event() {
        let extreme = Failure { status: 599, code: u8::MAX, retry_after: RetryIn::seconds(u32::MAX) };
        let failures = [Failure::NETWORK, Failure::status(400), Failure::status(429), extreme];
        for answer in failures.map(Some).into_iter().chain([None]) {
            let (status_and_code, retry_after) = pack(answer);
            assert_eq!(unpack(status_and_code, retry_after), answer);
        }
    }
}
