//! Exact intervals from the binomial distribution: proportions, events never seen, quantiles.

use super::beta::tails;
use super::{CONFIDENCE, assert_confidence, bisect};

/// The exact two-sided interval of a proportion when `k` of `n` trials showed the event (Clopper and Pearson 1934), as
/// (low, high).
///
/// The ends are beta quantiles: at `low`, `k` or more events have probability `(1 - confidence) / 2`; at `high`, `k` or
/// fewer have. For `n = 0` the interval is (0, 1).
///
/// # Panics
/// If `k > n`, or unless `0 < confidence < 1`.
pub fn clopper_pearson(k: u64, n: u64, confidence: f64) -> (f64, f64) {
    assert_confidence(confidence);
    ends(k, n, (1.0 - confidence) / 2.0)
}

/// The exact one-sided bounds of a proportion when `k` of `n` trials showed the event, as (lower, upper). Each holds with
/// this confidence by itself, not both together (Clopper and Pearson 1934). The number of trials must be chosen before the
/// first.
///
/// # Panics
/// As [`clopper_pearson`].
pub fn one_sided(k: u64, n: u64, confidence: f64) -> (f64, f64) {
    assert_confidence(confidence);
    ends(k, n, 1.0 - confidence)
}

/// The ends at which the observed number or a more extreme one has probability `tail`.
fn ends(k: u64, n: u64, tail: f64) -> (f64, f64) {
    assert!(k <= n, "{k} events in {n} trials");
    let (hits, misses) = (k as f64, (n - k) as f64);
    let at_least_k = |x: f64| tails(hits, misses + 1.0, x, 1.0 - x).0;
    let at_most_k = |x: f64| tails(hits + 1.0, misses, x, 1.0 - x).1;
    let low = if k == 0 { 0.0 } else { bisect(0.0, 1.0, |x| at_least_k(x) < tail) };
    let high = match (k, n) {
        (k, n) if k == n => 1.0,
        (0, n) => never_seen(n, tail),
        _ => bisect(0.0, 1.0, |x| at_most_k(x) > tail),
    };
    (low, high)
}

/// The exact one-sided upper bound of the probability of an event that none of `n` independent replications showed:
/// `1 - (1 - confidence)^(1/n)`, about `3 / n` at 95% (Hanley and Lippman-Hand 1983, the rule of three).
///
/// Pass 0.975 for the upper end of a two-sided 95% interval. For `n = 0` the bound is 1.
///
/// # Panics
/// Unless `0 < confidence < 1`.
pub fn zero_event_upper_bound(n: u64, confidence: f64) -> f64 {
    assert_confidence(confidence);
    never_seen(n, 1.0 - confidence)
}

/// Upper bound of the probability of an event that none of `zero_of` independent replications showed, at
/// [`CONFIDENCE`]: 0.451 for 5, 0.95 for 1, 1 for 0. See [`zero_event_upper_bound`].
pub fn at_most(zero_of: u32) -> f64 {
    zero_event_upper_bound(zero_of.into(), CONFIDENCE)
}

/// Two-sided p-value of Fisher's exact test: the probability, if the event is equally likely in two groups of
/// independent replications, of `a` events in `of_a` and `b` in `of_b` or of a split that is at most as probable
/// (Fisher 1935; Agresti, Categorical Data Analysis, section 3.5).
///
/// # Panics
/// If `a > of_a` or `b > of_b`.
pub fn fisher_exact(a: u32, of_a: u32, b: u32, of_b: u32) -> f64 {
    assert!(a <= of_a && b <= of_b, "{a} events in {of_a} replications, {b} in {of_b}");
    let (shown, all) = (u64::from(a) + u64::from(b), u64::from(of_a) + u64::from(of_b));
    let log_choose = |n: u64, k: u64| {
        let log_factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
        log_factorial(n) - log_factorial(k) - log_factorial(n - k)
    };
    let log_probability =
        |k: u64| log_choose(of_a.into(), k) + log_choose(of_b.into(), shown - k) - log_choose(all, shown);
    let observed = log_probability(a.into());
    let least = shown.saturating_sub(of_b.into());
    let sum: f64 = (least..=shown.min(of_a.into()))
        .map(log_probability)
        // The tables of the two tails have equal probabilities that may differ by a rounding error.
        .filter(|other| *other <= observed + 1e-9)
        .map(libm::exp)
        .sum();
    sum.min(1.0)
}

/// The probability of an event that `n` trials all miss with probability `tail`.
fn never_seen(n: u64, tail: f64) -> f64 {
    if n == 0 { 1.0 } else { -libm::expm1(libm::log(tail) / n as f64) }
}

/// Ranks in a sorted sample that enclose a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranks {
    /// Rank of the lower end, from 1. `None` if the sample is too small to bound the quantile from below.
    pub low: Option<u64>,
    /// Rank of the upper end, from 1. `None` if the sample is too small to bound the quantile from above.
    pub high: Option<u64>,
    /// The probability that the two ranks enclose the quantile, for a continuous distribution.
    pub coverage: f64,
}

/// The distribution-free interval of the `p` quantile from the order statistics of `n` values (Conover; David and
/// Nagaraja, Order Statistics).
///
/// The number B of values below the quantile is binomial(n, p). The ranks are its `(1 - confidence) / 2` quantile and
/// one more than its `1 - (1 - confidence) / 2` quantile; they cover with probability `P(low <= B < high)`.
///
/// # Panics
/// If `n` is 0, or unless `0 < p < 1` and `0 < confidence < 1`.
pub fn quantile_ci_order_stats(n: u64, p: f64, confidence: f64) -> Ranks {
    assert_confidence(confidence);
    assert!(n > 0 && p > 0.0 && p < 1.0, "no interval of the {p} quantile of {n} values");
    let tail = (1.0 - confidence) / 2.0;
    let low = binomial_quantile(n, p, tail);
    let high = binomial_quantile(n, p, 1.0 - tail) + 1;
    let below_low = if low == 0 { 0.0 } else { no_more_than(low - 1, n, p) };
    let coverage = no_more_than(high - 1, n, p) - below_low;
    Ranks { low: (low > 0).then_some(low), high: (high <= n).then_some(high), coverage }
}

/// The smallest k with `P(B <= k) >= level`, for B binomial(n, p).
fn binomial_quantile(n: u64, p: f64, level: f64) -> u64 {
    let (mut from, mut to) = (0, n);
    while from < to {
        let middle = from + (to - from) / 2;
        if no_more_than(middle, n, p) >= level {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

/// `P(B <= k)` for B binomial(n, p): a beta tail (Abramowitz and Stegun 26.5.24).
pub(super) fn no_more_than(k: u64, n: u64, p: f64) -> f64 {
    if k >= n { 1.0 } else { tails(k as f64 + 1.0, (n - k) as f64, p, 1.0 - p).1 }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the tests compare ends that are exact")]
mod tests;
