//! A rate in lowest terms, for exact refill in integers.

use crate::backend::spec::Rate;
use crate::kernel::{Dur, Time};

/// A rate of `count / per` requests per nanosecond, expressed as credit: each nanosecond adds `per_ns` units, and a
/// request costs `cost` units.
///
/// Both numbers are divided by their greatest common divisor. This saves bits: a request costs 3.6e12 units at
/// `1800/1h` without the division and 2e9 with it. No rounding occurs for any rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Units of credit per nanosecond; 0 for a rate of 0.
    pub(super) per_ns: u64,
    /// Units of credit per request; never 0.
    pub(super) cost: u64,
}

impl Pace {
    /// The pace of a rate.
    pub(super) fn new(rate: Rate) -> Pace {
        let divisor = greatest_common_divisor(rate.count, rate.per.0);
        Pace { per_ns: rate.count / divisor, cost: rate.per.0 / divisor }
    }

    /// Units of credit added from the start of the run to `now`. Below 2^104 for a rate of 12 digits.
    pub(super) fn units_at(self, now: Time) -> u128 {
        u128::from(self.per_ns) * u128::from(now.0)
    }

    /// Cost of `requests` requests, in units. Below 2^96.
    pub(super) fn units_of(self, requests: u32) -> u128 {
        u128::from(self.cost) * u128::from(requests)
    }

    /// Nanoseconds, rounded up, in which `units` of credit are added. The greatest [`Dur`] if that takes forever.
    pub(super) fn time_for(self, units: u128) -> Dur {
        match (units, self.per_ns) {
            (0, _) => Dur::ZERO,
            (_, 0) => Dur(u64::MAX),
            (units, per_ns) => Dur(u64::try_from(units.div_ceil(u128::from(per_ns))).unwrap_or(u64::MAX)),
        }
    }
}

/// Euclid's algorithm. `b` must not be 0; the result is then not 0.
fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_reduced_and_times_rounded_up() {
        for (text, per_ns, cost, time_for_one) in [
            ("1800/1h", 1, 2_000_000_000, 2_000_000_000),
            ("3/s", 3, 1_000_000_000, 333_333_334),
            ("7/2ns", 7, 2, 1),
            ("0/s", 0, 1, u64::MAX),
        ] {
            let pace = Pace::new(Rate::parse(text).unwrap());
            assert_eq!((pace.per_ns, pace.cost), (per_ns, cost), "{text}");
            assert_eq!(pace.time_for(pace.units_of(1)), Dur(time_for_one), "{text}");
            assert_eq!(pace.time_for(0), Dur::ZERO, "{text}");
        }
    }

    #[test]
    fn the_longest_times_do_not_overflow() {
        let pace = Pace::new(Rate::parse("999999999989/36500d").unwrap());
        assert_eq!(pace.units_at(Time::NEVER), 999_999_999_989 * u128::from(u64::MAX));
        let slow = Pace::new(Rate::parse("1/36500d").unwrap());
        assert_eq!(slow.time_for(slow.units_of(u32::MAX)), Dur(u64::MAX));
    }
}
