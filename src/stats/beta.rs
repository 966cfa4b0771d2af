//! The regularized incomplete beta function. Quantiles of Student's t and intervals of proportions use it.

/// The regularized incomplete beta function `I_x(a, b)`: the probability that a Beta(a, b) variable is at most `x`.
///
/// The relative error is about 1e-13 for parameters below 1e4 and grows to 1e-10 at 1e6. Definition: DLMF 8.17.
///
/// # Panics
/// Unless `a` and `b` are above zero and `x` is in `[0, 1]`.
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    assert!(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x), "no beta function at a = {a}, b = {b}, x = {x}");
    tails(a, b, x, 1.0 - x).0
}

/// `(I_x(a, b), 1 - I_x(a, b))` where `y = 1 - x`. The smaller of the two has full relative accuracy.
///
/// The caller passes both `x` and `y`, because subtracting from 1 would cancel the digits of the smaller one.
pub(super) fn tails(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    let ln_x = if x < 0.5 { libm::log(x) } else { libm::log1p(-y) };
    let ln_y = if y < 0.5 { libm::log(y) } else { libm::log1p(-x) };
    let front = libm::exp(a * ln_x + b * ln_y - ln_beta(a, b));
    // The fraction converges fast below the mean, about (a + 1) / (a + b + 2). The mirrored fraction converges above
    // it.
    if x * (a + b + 2.0) <= a + 1.0 {
        let lower = front * fraction(a, b, x) / a;
        (lower, 1.0 - lower)
    } else {
        let upper = front * fraction(b, a, y) / b;
        (1.0 - upper, upper)
    }
}

/// The continued fraction of DLMF 8.17.22, by Lentz's method as modified by Thompson and Barnett (1986). The fraction
/// is the product of the ratios of successive numerators and denominators. No numerator or denominator may become zero.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // The number of steps grows as the square root of the parameters. This limit is enough for 1e12.
    const MOST_STEPS: u32 = 2_000_000;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    // Values after the leading 1 / (1 + ..), whose own numerator ratio is infinite.
    let (mut numerator, mut denominator, mut product) = (f64::INFINITY, 1.0, 1.0);
    for step in 1..MOST_STEPS {
        let m = f64::from(step / 2);
        let coefficient = if step % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        denominator = 1.0 / away_from_zero(1.0 + coefficient * denominator);
        numerator = away_from_zero(1.0 + coefficient / numerator);
        let ratio = numerator * denominator;
        product *= ratio;
        if (ratio - 1.0).abs() <= 4.0 * f64::EPSILON {
            break;
        }
    }
    product
}

/// The natural logarithm of the beta function.
///
/// For large parameters, the large terms of Stirling's formula are cancelled analytically. A difference of three
/// logarithms of gamma functions would lose as many digits as they have before the decimal point (DiDonato and Morris
/// 1992, section 5).
fn ln_beta(a: f64, b: f64) -> f64 {
    const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;
    let (small, large) = (a.min(b), a.max(b));
    let sum = small + large;
    if large < STIRLING_FROM {
        return libm::lgamma(small) + libm::lgamma(large) - libm::lgamma(sum);
    }
    let ln_share = libm::log1p(-small / sum);
    let rest = stirling_rest(large) - stirling_rest(sum);
    if small < STIRLING_FROM {
        libm::lgamma(small) + (large - 0.5) * ln_share - small * libm::log(sum) + small + rest
    } else {
        let ln_small_share = libm::log(small / sum);
        HALF_LN_TWO_PI - 0.5 * libm::log(large)
            + (small - 0.5) * ln_small_share
            + large * ln_share
            + stirling_rest(small)
            + rest
    }
}

/// Lower limit of [`stirling_rest`]: from here on its terms give 16 digits of the logarithm of the gamma function.
const STIRLING_FROM: f64 = 10.0;

/// Remainder of Stirling's formula: `ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2)` (DLMF 5.11.1), for `x >= 10`.
fn stirling_rest(x: f64) -> f64 {
    // B_2k / (2k (2k - 1)), from the last term to the first.
    const TERMS: [f64; 7] = [
        1.0 / 156.0,
        -691.0 / 360_360.0,
        1.0 / 1188.0,
        -1.0 / 1680.0,
        1.0 / 1260.0,
        -1.0 / 360.0,
        1.0 / 12.0,
    ];
    let square = 1.0 / (x * x);
    TERMS.iter().fold(0.0, |sum, term| sum * square + term) / x
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// (a, b, x, I_x(a, b), tolerance). mpmath computed the values with 30 digits: `betainc`, quadrature for large a
    /// and b.
    const REFERENCE: [(f64, f64, f64, f64, f64); 8] = [
        (0.5, 0.5, 0.3, 0.369_010_119_565_545_36, 1e-14),
        (2.0, 3.0, 0.4, 0.524_8, 1e-14),
        (24.5, 0.5, 0.9, 0.023_778_466_123_916_184, 1e-13),
        (0.01, 5.0, 0.1, 0.994_072_630_929_622_4, 1e-14),
        (500.0, 600.0, 0.45, 0.381_693_733_664_840_2, 1e-12),
        (50.0, 0.5, 0.999_999, 0.992_041_206_255_050_2, 1e-12),
        (1e5, 2e5, 0.333_5, 0.576_936_801_894_767_8, 1e-10),
        (0.5, 1e6, 1e-6, 0.842_700_844_838_196_4, 1e-12),
    ];

    #[test]
    fn incomplete_beta_matches_reference_values() {
        for (a, b, x, expected, tolerance) in REFERENCE {
            assert_close(incomplete_beta(a, b, x), expected, tolerance, &format!("I_{x}({a}, {b})"));
            let (lower, upper) = tails(b, a, 1.0 - x, x);
            assert_close(upper, expected, tolerance, &format!("mirrored I_{x}({a}, {b})"));
            assert_close(lower + upper, 1.0, 1e-15, "both tails");
        }
    }

    #[test]
    fn incomplete_beta_matches_closed_forms_on_both_sides_of_the_mean() {
        // I_x(a, 1) = x^a and I_x(1, b) = 1 - (1 - x)^b, for small and large parameters.
        for a in [0.3, 1.0, 7.0, 9.99, 10.0, 250.0, 40_000.0] {
            for x in [1e-12, 0.01, 0.5, 0.99, 0.999_999] {
                let expected = libm::exp(a * libm::log(x));
                let tolerance = 1e-15 * (10.0 + a * -libm::log(x));
                assert_close(incomplete_beta(a, 1.0, x), expected, tolerance, &format!("I_{x}({a}, 1)"));
                let mirrored = -libm::expm1(a * libm::log1p(-x));
                let tolerance = 1e-15 * (10.0 + a * x);
                assert_close(incomplete_beta(1.0, a, x), mirrored, tolerance, &format!("I_{x}(1, {a})"));
            }
        }
    }

    #[test]
    fn stirling_agrees_with_lgamma_at_the_switch() {
        for x in [10.0, 11.3, 25.0] {
            let stirling = (x - 0.5) * libm::log(x) - x + 0.5 * libm::log(2.0 * std::f64::consts::PI);
            assert_close(stirling + stirling_rest(x), libm::lgamma(x), 1e-15, "ln gamma");
        }
    }
}
