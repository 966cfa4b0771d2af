//! Which limits cannot be computed with exactly. Which keys a kind takes is said where [`LimitSpec`] describes them.

use super::token_bucket;
use crate::backend::spec::{LimitKind, LimitSpec};
use std::fmt;

/// A value of a limit that its kind cannot compute with exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexact {
    /// The key, as a scenario writes it.
    pub key: &'static str,
    /// What is wrong, in words.
    pub what: String,
    /// What is allowed.
    pub allowed: &'static str,
}

impl fmt::Display for Inexact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; allowed: {}", self.what, self.allowed)
    }
}

impl std::error::Error for Inexact {}

/// Checks that a limit's numbers can be computed with exactly.
///
/// A limit, burst, rate or penalty of zero is allowed: it is what a sweep or a total outage says.
///
/// # Errors
/// A token bucket whose full credit needs more than 64 bits.
pub fn check(spec: &LimitSpec) -> Result<(), Inexact> {
    if spec.kind == LimitKind::TokenBucket
        && let (Some(rate), Some(burst)) = (spec.rate, spec.burst)
        && token_bucket::capacity(rate, burst).is_none()
    {
        return Err(Inexact {
            key: "burst",
            what: format!("a burst of {burst} at {rate} is beyond exact 64-bit credit"),
            allowed: "burst times the rate's duration, both of the rate in lowest terms, below 2^64 ns; a rounder \
                      rate, a smaller burst or the kind gcra, which decides alike",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ALL_KINDS, spec};
    use super::*;
    use crate::backend::spec::Rate;

    #[test]
    fn names_are_those_of_scenarios() {
        for kind in ALL_KINDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(check(&spec(kind)), Ok(()), "{kind:?}");
        }
    }

    #[test]
    fn credit_beyond_64_bits_is_refused() {
        let mut bucket = spec(LimitKind::TokenBucket);
        // 7 divides no power of ten: a day is 8.64e13 units a request, 213_503 of which fit 64 bits.
        bucket.rate = Some(Rate::parse("7/1d").unwrap());
        bucket.burst = Some(213_503);
        assert_eq!(check(&bucket), Ok(()));
        bucket.burst = Some(213_504);
        assert_eq!(check(&bucket).unwrap_err().key, "burst");
        bucket.kind = LimitKind::Gcra;
        assert_eq!(check(&bucket), Ok(()));
    }
}
