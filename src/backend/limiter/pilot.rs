//! Scaling of limits for a pilot: the same limit for a share of its callers.

use crate::backend::rate::Rate;

/// This share of a number, at least 1; 0 for 0.
pub(super) fn count(number: u32, share: f64) -> u32 {
    if number == 0 { 0 } else { ((f64::from(number) * share + 0.5) as u32).max(1) }
}

/// This share of a rate.
pub(super) fn rate(rate: Rate, share: f64) -> Rate {
    // A small count cannot be scaled down in whole requests, so the time is scaled up instead.
    let count = rate.count as f64 * share;
    if count >= 100.0 {
        return Rate { count: (count + 0.5) as u64, per: rate.per };
    }
    Rate { count: rate.count, per: rate.per.times(1.0 / share) }
}
