//! Quantiles of the standard normal and of Student's t distribution.

use super::beta::tails;
use super::bisect;

/// The quantile of the standard normal distribution: `x` with `P(Z <= x) = p`.
///
/// Bisects `libm::erfc`, which keeps full relative accuracy in the far tails.
///
/// # Panics
/// Unless `0 < p < 1`.
pub fn normal_quantile(p: f64) -> f64 {
    mirror(p, upper_normal)
}

/// The quantile of Student's t distribution: `x` with `P(T <= x) = p`. The degrees of freedom `df` need not be whole.
///
/// Uses `P(T > t) = I_z(df / 2, 1 / 2) / 2` with `z = df / (df + t^2)` (Abramowitz and Stegun 26.7.1).
///
/// # Panics
/// Unless `0 < p < 1` and `df > 0`.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    assert!(df > 0.0, "degrees of freedom must be above zero; got {df}");
    mirror(p, |tail| {
        let exceeds = |t: f64| {
            let square = t * t;
            tails(df / 2.0, 0.5, df / (df + square), square / (df + square)).0 / 2.0 > tail
        };
        // Student's t has heavier tails than the normal distribution, so the search begins at the normal quantile.
        let mut low = upper_normal(tail);
        let mut high = 2.0 * low + 1.0;
        while exceeds(high) {
            (low, high) = (high, 2.0 * high);
        }
        // For very large df the two quantiles are equal, and rounding may put the normal one above the root.
        bisect(if exceeds(low) { low } else { 0.0 }, high, exceeds)
    })
}

/// The probability that a variable of Student's t distribution with `df` degrees of freedom exceeds `t` (Abramowitz and
/// Stegun 26.7.1).
pub(super) fn t_exceeded(t: f64, df: f64) -> f64 {
    let square = t * t;
    let beyond = tails(df / 2.0, 0.5, df / (df + square), square / (df + square)).0 / 2.0;
    if t >= 0.0 { beyond } else { 1.0 - beyond }
}

/// A quantile of a symmetric distribution from its upper half: `upper(q)` is the point exceeded with probability `q`.
fn mirror(p: f64, upper: impl Fn(f64) -> f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "probability must lie between 0 and 1; got {p}");
    // 1 - p is exact for p >= 0.5.
    if p > 0.5 { upper(1.0 - p) } else { -upper(p) }
}

/// The point that a standard normal variable exceeds with probability `tail`, at most one half.
fn upper_normal(tail: f64) -> f64 {
    if tail >= 0.5 {
        return 0.0;
    }
    // P(Z > x) <= exp(-x^2 / 2) / 2 bounds the root. The factor covers the rounding of the bound.
    let bound = libm::sqrt(-2.0 * libm::log(2.0 * tail)) * 1.000_001;
    bisect(0.0, bound, |x| libm::erfc(x / std::f64::consts::SQRT_2) / 2.0 > tail)
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// (p, quantile). mpmath computed the values with 30 digits by `erfinv` and `erfc`.
    const NORMAL: [(f64, f64); 7] = [
        (0.975, 1.959_963_984_540_053_8),
        (0.95, 1.644_853_626_951_472_2),
        (0.500_5, 0.001_253_314_465_432_416_5),
        (0.999_999_9, 5.199_337_582_290_661),
        (0.25, -0.674_489_750_196_081_7),
        (1e-10, -6.361_340_902_404_057),
        (1e-300, -37.047_096_299_361_2),
    ];

    #[test]
    fn normal_quantiles() {
        for (p, expected) in NORMAL {
            assert_close(normal_quantile(p), expected, 1e-13, &format!("normal {p}"));
        }
        assert!(normal_quantile(0.5).abs() < f64::MIN_POSITIVE);
    }

    /// From the oracle t_quantiles (Law, Simulation Modeling and Analysis, chapter 4): (n, t_0.975, t_0.95), df = n -
    /// 1.
    const T: [(f64, f64, f64); 3] = [
        (5.0, 2.776_445_105_197_793_4, 2.131_846_786_326_649_5),
        (20.0, 2.093_024_054_408_308_7, 1.729_132_811_521_368_2),
        (50.0, 2.009_575_237_129_239_2, 1.676_550_892_616_853_5),
    ];

    /// (p, df, quantile). mpmath computed the values with 30 digits by quadrature of the density.
    const T_ELSEWHERE: [(f64, f64, f64); 7] = [
        (0.975, 1.0, 12.706_204_736_174_694),
        (0.975, 2.0, 4.302_652_729_749_462),
        (0.9, 0.5, 10.270_324_410_234_51),
        (0.995, 7.3, 3.451_031_655_622_184_5),
        (0.975, 1e6, 1.959_966_356_814_106_6),
        (0.999_9, 3.0, 22.203_742_273_205_002),
        (0.6, 4.0, 0.270_722_294_707_597_34),
    ];

    #[test]
    fn t_quantiles() {
        for (n, t975, t95) in T {
            assert_close(t_quantile(0.975, n - 1.0), t975, 1e-12, &format!("t 0.975, n {n}"));
            assert_close(t_quantile(0.95, n - 1.0), t95, 1e-12, &format!("t 0.95, n {n}"));
            assert_close(t_quantile(0.025, n - 1.0), -t975, 1e-12, &format!("t 0.025, n {n}"));
        }
        for (p, df, expected) in T_ELSEWHERE {
            assert_close(t_quantile(p, df), expected, 1e-11, &format!("t {p}, df {df}"));
        }
        assert!(t_quantile(0.5, 3.0).abs() < f64::MIN_POSITIVE);
    }

    /// The tail is the inverse of the quantile. One value is from the reference family paired_crn (scipy): t of ten pairs
    /// and its two-sided p.
    #[test]
    fn t_tails() {
        for (p, df, quantile) in T_ELSEWHERE {
            assert_close(t_exceeded(quantile, df), 1.0 - p, 1e-9, &format!("t {p}, df {df}"));
            assert_close(t_exceeded(-quantile, df), p, 1e-9, &format!("t {p}, df {df}, below"));
        }
        let p = 4.442_521_805_309_763_7e-10;
        assert_close(2.0 * t_exceeded(28.105_425_739_734_51, 9.0), p, 1e-8, "ten pairs");
        assert_close(t_exceeded(0.0, 5.0), 0.5, 1e-15, "the middle");
        assert!(t_exceeded(f64::MAX, 3.0) <= 0.0);
    }

    #[test]
    #[should_panic(expected = "between 0 and 1")]
    fn a_probability_of_one_has_no_quantile() {
        normal_quantile(1.0);
    }
}
