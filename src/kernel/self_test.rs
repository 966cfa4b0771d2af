//! Known answers: checks that this build computes the same bits on this machine as on every other.
//!
//! Results depend on few operations whose bits could differ: the random mixer and four functions of `libm`. The
//! self-test evaluates each of them and compares a hash of the answers with a known one. It takes microseconds. The
//! command runs it at every start and refuses to produce results that other machines could not repeat.

use super::random::{Purpose, Stream, open_unit};
use std::fmt;

/// FNV-1a over all answers, as computed on x86_64, i686, aarch64 and s390x.
const KNOWN: u64 = 0x6373_9c68_188f_ce7c;

/// Arguments per function.
const ARGUMENTS: u64 = 64;

/// The answers of this machine differ from the known ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongAnswers {
    /// FNV-1a hash of the answers.
    pub found: u64,
}

impl fmt::Display for WrongAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this machine does not compute as others do: self-test gave {:016x}, known is {KNOWN:016x}; results would not \
             be repeatable",
            self.found
        )
    }
}

impl std::error::Error for WrongAnswers {}

/// Evaluates the functions and compares their answers with the known ones.
///
/// # Errors
/// If any answer differs from the known one in any bit.
pub fn self_test() -> Result<(), WrongAnswers> {
    let found = answers();
    if found == KNOWN { Ok(()) } else { Err(WrongAnswers { found }) }
}

fn answers() -> u64 {
    let stream = Stream::new(2026, 1, Purpose::Latency, 3);
    // Keeps the compiler from evaluating the functions at build time.
    let ask = std::hint::black_box::<f64>;
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut take = |bits: u64| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for i in 0..ARGUMENTS {
        let bits = stream.bits(i, i * 1_000_003);
        let unit = ask(open_unit(bits));
        take(bits);
        take(libm::log(unit).to_bits());
        take(libm::exp(ask(20.0 * unit - 10.0)).to_bits());
        take(libm::cos(ask(std::f64::consts::TAU * unit)).to_bits());
        take(libm::sqrt(unit).to_bits());
        take((unit * 1e9 + 0.5).to_bits());
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_gives_the_known_answers() {
        assert_eq!(self_test(), Ok(()), "found {:016x}", answers());
    }

    #[test]
    fn wrong_answers_name_both_hashes() {
        let message = WrongAnswers { found: 0x12 }.to_string();
        assert!(
            message.contains("0000000000000012") && message.contains(&format!("{KNOWN:016x}")),
            "{message}"
        );
    }
}
