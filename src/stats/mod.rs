//! Statistics over replications: quantiles, confidence intervals, comparison of two policies, warm-up truncation.
//!
//! Sums run in index order and transcendental functions come from `libm`, so equal values give equal bits on every
//! platform. Crates such as statrs call the platform's `ln`, `exp` and `powf`, whose last bits differ.

mod beta;
mod claims;
mod histogram;
mod interval;
mod morris;
mod precision;
mod proportion;
mod quantile;
mod share;
mod sobol;
mod warm_up;

pub use beta::incomplete_beta;
pub use claims::{Claims, holm, mean_below_zero, mean_is_zero, share_at_least};
pub use histogram::Histogram;
pub use interval::{
    Estimate, difference, each_of, mean_ci, paired_difference, pairing_saves, welch_difference,
};
pub use morris::{ElementaryEffects, noise_floor};
pub use precision::{FIRST_LOOK, MAY_DIFFER, MEASURED_COVERAGE, Width, looks};
pub use proportion::{
    Ranks, at_most, clopper_pearson, fisher_exact, one_sided, quantile_ci_order_stats, zero_event_upper_bound,
};
pub use quantile::{normal_quantile, t_quantile};
pub use share::{Trials, rising_rates, threshold_ranks};
pub use sobol::{Interval, SobolIndices, SobolSample, seed_share};
pub use warm_up::{Truncation, mser5};

/// Confidence level of every interval and bound in a result.
pub const CONFIDENCE: f64 = 0.95;

/// The last float of `[holds, fails]` at which `predicate` holds. Both ends are at least 0, and `predicate` holds up to
/// some point and fails beyond it. Takes at most about a thousand halvings, typically 60.
fn bisect(mut holds: f64, mut fails: f64, predicate: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = holds + (fails - holds) / 2.0;
        if middle <= holds || middle >= fails {
            return holds;
        }
        if predicate(middle) {
            holds = middle;
        } else {
            fails = middle;
        }
    }
}

/// Panics unless `confidence` lies strictly between 0 and 1.
fn assert_confidence(confidence: f64) {
    assert!(confidence > 0.0 && confidence < 1.0, "confidence must lie between 0 and 1; got {confidence}");
}

#[cfg(test)]
mod testing {
    /// Asserts that `value` is within the relative `tolerance` of `expected`.
    pub(super) fn assert_close(value: f64, expected: f64, tolerance: f64, what: &str) {
        let error = (value - expected).abs();
        assert!(error <= tolerance * expected.abs(), "{what}: {value} is not {expected}, off by {error:e}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "the test asserts neighbouring floats")]
    fn bisection_ends_at_neighbouring_floats() {
        let root = bisect(0.0, 2.0, |x| x * x <= 2.0);
        assert!(root * root <= 2.0 && root.next_up() * root.next_up() > 2.0);
        assert_eq!(bisect(0.0, 1.0, |_| false), 0.0);
        assert_eq!(bisect(3.0, 3.0, |_| true), 3.0);
    }
}
