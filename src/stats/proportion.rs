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
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// From the oracle clopper_pearson (Clopper and Pearson 1934), 95%: (k, n, low, high).
    const CLOPPER_PEARSON: [(u64, u64, f64, f64); 3] = [
        (0, 20, 0.0, 0.168_433_470_983_085_3),
        (5, 100, 0.016_431_879_182_052_155, 0.112_834_911_105_462_75),
        (50, 100, 0.398_321_129_503_300_95, 0.601_678_870_496_699),
    ];

    #[test]
    fn clopper_pearson_golden_and_mirrored() {
        for (k, n, low, high) in CLOPPER_PEARSON {
            let interval = clopper_pearson(k, n, 0.95);
            assert_close(interval.0, low, 1e-12, &format!("low of {k} in {n}"));
            assert_close(interval.1, high, 1e-12, &format!("high of {k} in {n}"));
            let mirrored = clopper_pearson(n - k, n, 0.95);
            assert_close(1.0 - mirrored.1, low, 1e-12, &format!("high of {} in {n}", n - k));
            assert_close(1.0 - mirrored.0, high, 1e-12, &format!("low of {} in {n}", n - k));
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
        assert_eq!(clopper_pearson(0, 7, 0.95).0, 0.0);
        assert_eq!(clopper_pearson(7, 7, 0.95).1, 1.0);
    }

    /// From the reference family clopper_pearson_both: k, n, one-sided 95% bounds, two-sided 99% interval.
    const ONE_SIDED: [(u64, u64, [f64; 2], [f64; 2]); 6] = [
        (0, 20, [0.0, 0.139_108_340_668_265_16], [0.0, 0.232_729_500_989_074_47]),
        (
            1,
            59,
            [0.000_869_000_071_525_587_1, 0.077_897_921_518_818_3],
            [8.495_472_713_505_024e-5, 0.119_290_010_435_099_32],
        ),
        (
            1,
            93,
            [0.000_551_388_729_198_187_2, 0.049_993_978_387_988_317],
            [5.389_684_669_066_401e-5, 0.077_188_051_163_804_9],
        ),
        (20, 20, [0.860_891_659_331_734_8, 1.0], [0.767_270_499_010_925_5, 1.0]),
        (
            95,
            100,
            [0.897_746_622_356_725_5, 0.980_094_436_337_828_1],
            [0.864_855_317_464_376_5, 0.989_059_666_415_209_9],
        ),
        (
            10,
            2000,
            [0.002_715_131_743_821_141, 0.008_466_348_205_518_52],
            [0.001_860_920_949_807_621_2, 0.010_668_449_650_175_566],
        ),
    ];

    #[test]
    fn one_sided_bounds_and_other_confidences_golden() {
        for (k, n, [low, high], [low99, high99]) in ONE_SIDED {
            let found = one_sided(k, n, 0.95);
            assert_close(found.0, low, 1e-11, &format!("lower bound, {k} of {n}"));
            assert_close(found.1, high, 1e-11, &format!("upper bound, {k} of {n}"));
            let both = clopper_pearson(k, n, 0.99);
            assert_close(both.0, low99, 1e-11, &format!("99%, low end, {k} of {n}"));
            assert_close(both.1, high99, 1e-11, &format!("99%, high end, {k} of {n}"));
        }
        assert_close(one_sided(0, 59, 0.95).1, zero_event_upper_bound(59, 0.95), 1e-15, "0 of 59");
    }

    /// From the oracle zero_event_upper_bound (Clopper and Pearson 1934; Hanley and Lippman-Hand 1983): (n, 95%,
    /// 97.5%).
    const NEVER_SEEN: [(u64, f64, f64); 4] = [
        (10, 0.258_865_550_893_052_3, 0.308_497_107_818_760_83),
        (30, 0.095_033_852_855_304_19, 0.115_703_308_222_027_79),
        (100, 0.029_513_049_607_039_932, 0.036_216_692_645_176_46),
        (1000, 0.002_991_249_545_095_331_4, 0.003_682_083_896_865_64),
    ];

    #[test]
    fn zero_event_upper_bounds() {
        for (n, upper95, upper975) in NEVER_SEEN {
            assert_close(zero_event_upper_bound(n, 0.95), upper95, 1e-12, &format!("95%, n {n}"));
            assert_close(zero_event_upper_bound(n, 0.975), upper975, 1e-12, &format!("97.5%, n {n}"));
            assert_close(clopper_pearson(0, n, 0.95).1, upper975, 1e-12, &format!("two-sided, n {n}"));
        }
        assert_eq!(zero_event_upper_bound(0, 0.95), 1.0);
        // Five replications all miss an event of this probability with probability 0.05.
        let p = at_most(5);
        let missed_five_times = (1.0 - p) * (1.0 - p) * (1.0 - p) * (1.0 - p) * (1.0 - p);
        assert_close(missed_five_times, 0.05, 1e-12, "none of five");
        // Replications needed for a bound of p: one fewer is not enough.
        for (p, needed) in [(0.05, 59), (0.001, 2995)] {
            assert!(
                zero_event_upper_bound(needed - 1, 0.95) > p && zero_event_upper_bound(needed, 0.95) <= p
            );
        }
    }

    #[test]
    fn fisher_exact_matches_hand_counted_tables() {
        // By hand: 252 ways to place 5 events in 10 replications. One has all 5 in the first group, one has none there.
        assert_close(fisher_exact(5, 5, 0, 5), 2.0 / 252.0, 1e-9, "5 of 5 and 0 of 5");
        // Fisher's lady tasting tea: 16 of 70 ways give 3 of 4 and 1 of 4, 16 give 1 and 3, one gives 4 and 0, one 0
        // and 4.
        assert_close(fisher_exact(3, 4, 1, 4), 34.0 / 70.0, 1e-9, "3 of 4 and 1 of 4");
        assert_close(fisher_exact(2, 5, 2, 5), 1.0, 1e-12, "2 of 5 twice");
        assert_close(fisher_exact(0, 5, 0, 3), 1.0, 1e-12, "none at all");
    }

    /// From the oracle quantile_ci_order_stats (Conover; David and Nagaraja), 95%: (n, p, low rank, high rank,
    /// coverage).
    const RANKS: [(u64, f64, u64, u64, f64); 3] = [
        (100, 0.5, 40, 61, 0.964_799_799_782_295_2),
        (1000, 0.5, 469, 532, 0.953_708_802_639_501_8),
        (1000, 0.99, 983, 997, 0.976_094_763_497_977),
    ];

    #[test]
    fn order_statistics_around_a_quantile() {
        for (n, p, low, high, coverage) in RANKS {
            let ranks = quantile_ci_order_stats(n, p, 0.95);
            assert_eq!((ranks.low, ranks.high), (Some(low), Some(high)), "n {n}, p {p}");
            assert_close(ranks.coverage, coverage, 1e-12, &format!("coverage, n {n}, p {p}"));
        }
    }

    #[test]
    fn a_small_sample_bounds_a_high_quantile_on_one_side_only() {
        // B is 10 with probability 0.99^10 = 0.904, so the largest of ten is no upper bound of the 99th percentile.
        let ranks = quantile_ci_order_stats(10, 0.99, 0.95);
        assert_eq!((ranks.low, ranks.high), (Some(9), None));
        // P(B >= 9) = 0.99^10 + 10 * 0.99^9 * 0.01.
        assert_close(ranks.coverage, 0.995_733_799_757_168_6, 1e-12, "coverage");
        let single = quantile_ci_order_stats(1, 0.5, 0.95);
        assert_eq!(single, Ranks { low: None, high: None, coverage: 1.0 });
    }

    #[test]
    fn the_binomial_tail_is_the_sum_of_its_terms() {
        let (n, p) = (12u64, 0.3);
        let (mut term, mut sum) = (1.0, 0.0);
        for _ in 0..n {
            term *= 1.0 - p;
        }
        for k in 0..=n {
            sum += term;
            assert_close(no_more_than(k, n, p), sum, 1e-13, &format!("P(B <= {k})"));
            term *= (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        }
    }
}
