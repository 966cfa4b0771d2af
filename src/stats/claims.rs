//! What replications show about a condition: p-values of its two sides, and many conditions at once.

use super::beta::tails;
use super::interval::Sample;
use super::quantile::t_exceeded;

/// The p-values of the two claims about a condition. At most one of the claims is true. A claim is shown at a level if its
/// p-value is at most that level; a condition of which neither is shown is not decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claims {
    /// Probability of data that speak as clearly for the condition, if the condition does not hold.
    pub holds: f64,
    /// Probability of data that speak as clearly against the condition, if the condition holds.
    pub fails: f64,
}

impl Claims {
    /// Neither claim has any evidence.
    pub const NONE: Claims = Claims { holds: 1.0, fails: 1.0 };

    /// The claims about the opposite condition.
    pub fn opposite(self) -> Claims {
        Claims { holds: self.fails, fails: self.holds }
    }

    fn certain(holds: bool) -> Claims {
        if holds { Claims { holds: 0.0, fails: 1.0 } } else { Claims { holds: 1.0, fails: 0.0 } }
    }
}

/// Claims that the mean of these values is below zero, or at most zero unless `strictly`. One-sided t tests: the mean is
/// shown to be below a margin if the upper end of its one-sided interval is (Law, chapter 10).
///
/// Values without spread are taken as the mean itself, and an infinite mean as shown. One value shows nothing.
pub fn mean_below_zero(values: &[f64], strictly: bool) -> Claims {
    let sample = Sample::of(values);
    if sample.mean.is_nan() || values.is_empty() || values.len() < 2 && sample.mean.is_finite() {
        return Claims::NONE;
    }
    let error = libm::sqrt(sample.variance_of_mean());
    if sample.mean.is_infinite() || error <= 0.0 {
        return Claims::certain(sample.mean < 0.0 || !strictly && sample.mean <= 0.0);
    }
    let (t, df) = (sample.mean / error, values.len() as f64 - 1.0);
    Claims { holds: t_exceeded(-t, df), fails: t_exceeded(t, df) }
}

/// Claims that the mean of these values is zero. A test cannot show that it is: only values that are all zero count as
/// such. A two-sided t test shows that it is not.
pub fn mean_is_zero(values: &[f64]) -> Claims {
    let below = mean_below_zero(values, true);
    let all_zero = values.len() > 1 && values.iter().all(|value| value.abs() <= 0.0);
    if all_zero {
        return Claims::certain(true);
    }
    Claims { holds: 1.0, fails: (2.0 * below.holds.min(below.fails)).min(1.0) }
}

/// Claims that at least `share` of all runs meet a condition, from `n` runs, a number that was chosen before the first:
/// `shown` of them show that they meet it, and `meet` of them do not violate it. Exact binomial tests, so that the claim
/// is shown if and only if the one-sided interval of Clopper and Pearson shows it.
///
/// # Panics
/// Unless `0 < share < 1` and `shown <= meet <= n`.
pub fn share_at_least(shown: u64, meet: u64, n: u64, share: f64) -> Claims {
    super::assert_confidence(share);
    assert!(shown <= meet && meet <= n, "{shown} and {meet} of {n} runs");
    // P(B >= k) and P(B <= k) for B binomial(n, share) are beta tails (Abramowitz and Stegun 26.5.24).
    let at_least = |k: u64| match k {
        0 => 1.0,
        k => tails(k as f64, (n - k) as f64 + 1.0, share, 1.0 - share).0,
    };
    let at_most =
        |k: u64| if k == n { 1.0 } else { tails(k as f64 + 1.0, (n - k) as f64, share, 1.0 - share).1 };
    Claims { holds: at_least(shown), fails: at_most(meet) }
}

/// The p-values adjusted so that, compared with one level, the probability that any true hypothesis of the family is
/// rejected is at most that level, whatever their dependence (Holm 1979, Scand. J. Statist. 6:65): the i-th smallest of
/// m times `m - i + 1`, at least the one before, at most 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (i, &at) in order.iter().enumerate() {
        least = least.max(((p.len() - i) as f64 * p[at]).min(1.0));
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the tests compare values that are exact")]
mod tests {
    use super::super::testing::assert_close;
    use super::super::{bisect, mean_ci, one_sided};
    use super::*;

    /// The cases of the reference family holm (statsmodels): p-values, adjusted ones.
    #[test]
    fn holm_golden() {
        for (p, expected) in [
            (&[0.01, 0.04, 0.03, 0.005][..], &[0.03, 0.06, 0.06, 0.02][..]),
            (&[0.05], &[0.05]),
            (&[0.5, 0.6, 0.7], &[1.0, 1.0, 1.0]),
            (&[], &[]),
        ] {
            let found = holm(p);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert_close(*found, *expected, 1e-14, &format!("{p:?}"));
            }
        }
    }

    /// Two cases of the reference family paired_crn (scipy): values, margin, one-sided upper bound, no worse by the margin.
    #[test]
    fn no_worse_is_an_upper_bound_below_the_margin() {
        let a = [12.1, 11.8, 13.0, 12.4, 11.9, 12.7, 12.2, 12.9, 11.5, 12.3];
        let b = [10.2, 10.4, 11.1, 10.9, 9.9, 11.0, 10.3, 11.3, 9.8, 10.6];
        let ten: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let hurts = [-5.0, -3.0, -1.0, 1.0, 3.0, 5.0];
        for (d, margin, upper) in
            [(&ten[..], 0.5, 1.842_835_343_711_297_2), (&hurts[..], 1.0, 3.078_037_233_265_405)]
        {
            let claims =
                |margin: f64| mean_below_zero(&d.iter().map(|d| d - margin).collect::<Vec<_>>(), false);
            assert!(claims(margin).holds > 0.05, "worse, or not shown to be no worse");
            // The bound is the least margin below which the mean is shown to be.
            let found = bisect(0.0, 100.0, |margin| claims(margin).holds > 0.05);
            assert_close(found, upper, 1e-12, "one-sided upper bound");
        }
        assert!(mean_below_zero(&ten, false).fails < 1e-9, "shown to be worse");
        // The third case: identical runs are no worse, by any margin and by none.
        assert_eq!(mean_below_zero(&[-0.1; 4], true), Claims { holds: 0.0, fails: 1.0 });
        assert_eq!(mean_below_zero(&[0.0; 4], false), Claims { holds: 0.0, fails: 1.0 });
        assert_eq!(mean_below_zero(&[0.0; 4], true), Claims { holds: 1.0, fails: 0.0 });
    }

    #[test]
    fn the_p_value_of_a_mean_is_that_of_its_interval() {
        // The two-sided interval at confidence c excludes zero exactly if the two-sided p-value is below 1 - c.
        let values = [1.0, 4.0, -2.0, 3.0, 5.0];
        let p = mean_is_zero(&values).fails;
        for (confidence, excludes) in [(1.0 - p - 1e-9, true), (1.0 - p + 1e-9, false)] {
            assert_eq!(mean_ci(&values, confidence).ci_low > 0.0, excludes, "{confidence}");
        }
        assert_eq!(mean_is_zero(&[0.0, 0.0]), Claims { holds: 0.0, fails: 1.0 });
        assert_eq!(mean_is_zero(&[0.0]), Claims::NONE);
        assert_eq!(mean_is_zero(&[2.0, 2.0]), Claims { holds: 1.0, fails: 0.0 });
        let claims = mean_below_zero(&values, false);
        assert_close(claims.holds + claims.fails, 1.0, 1e-14, "one of the two");
        assert_eq!(claims.opposite().holds, claims.fails);
        // One value, or none, shows nothing. Infinity does.
        assert_eq!(mean_below_zero(&[-3.0], false), Claims::NONE);
        assert_eq!(mean_below_zero(&[], false), Claims::NONE);
        assert_eq!(mean_below_zero(&[f64::INFINITY, 1.0], false).fails, 0.0);
        assert_eq!(mean_below_zero(&[f64::INFINITY, f64::NEG_INFINITY], false), Claims::NONE);
    }

    /// The reference family runs_needed_for_share: share, confidence, failures allowed, runs needed, error.
    const NEEDED: [(f64, f64, u64, u64, f64); 24] = [
        (0.9, 0.9, 0, 22, 0.098_477_090_218_361_18),
        (0.9, 0.9, 2, 52, 0.096_633_285_137_252_22),
        (0.9, 0.95, 1, 46, 0.048_003_799_624_482_466),
        (0.9, 0.975, 0, 36, 0.022_528_399_544_939_185),
        (0.9, 0.975, 2, 70, 0.024_181_298_357_146_122),
        (0.9, 0.99, 1, 64, 0.009_563_149_713_054_643),
        (0.95, 0.9, 0, 45, 0.099_440_256_987_092_25),
        (0.95, 0.9, 2, 105, 0.099_187_262_485_146_78),
        (0.95, 0.95, 1, 93, 0.049_975_795_242_616_36),
        (0.95, 0.975, 0, 72, 0.024_894_280_619_189_406),
        (0.95, 0.975, 2, 142, 0.024_861_099_784_804_1),
        (0.95, 0.99, 1, 130, 0.009_965_551_894_070_489),
        (0.99, 0.9, 0, 230, 0.099_104_815_518_874_65),
        (0.99, 0.9, 2, 531, 0.099_700_144_877_486_99),
        (0.99, 0.95, 1, 473, 0.049_797_538_819_848_87),
        (0.99, 0.975, 0, 368, 0.024_760_055_390_093_627),
        (0.99, 0.975, 2, 720, 0.024_971_677_454_877_435),
        (0.99, 0.99, 1, 662, 0.009_913_985_645_459_32),
        (0.999, 0.9, 0, 2302, 0.099_943_348_561_465_5),
        (0.999, 0.9, 2, 5321, 0.099_976_406_308_509_78),
        (0.999, 0.95, 1, 4742, 0.049_999_680_162_020_714),
        (0.999, 0.975, 0, 3688, 0.024_975_867_251_738_563),
        (0.999, 0.975, 2, 7223, 0.024_982_410_653_056_425),
        (0.999, 0.99, 1, 6636, 0.009_995_934_939_779_084),
    ];

    #[test]
    fn a_share_is_shown_by_as_many_runs_as_the_binomial_distribution_says() {
        for (share, confidence, failures, runs, error) in NEEDED {
            let p = share_at_least(runs - failures, runs - failures, runs, share).holds;
            assert_close(p, error, 1e-9, &format!("{share} by {runs} runs"));
            let fewer = share_at_least(runs - 1 - failures, runs - 1 - failures, runs - 1, share).holds;
            assert!(p <= 1.0 - confidence && fewer > 1.0 - confidence, "{share}: {p} {fewer}");
        }
        assert_eq!(share_at_least(0, 0, 5, 0.95).holds, 1.0);
        assert_eq!(share_at_least(5, 5, 5, 0.95).fails, 1.0);
        // By hand: five runs that all fail, at a share of 95%: 0.05^5.
        assert_close(share_at_least(0, 0, 5, 0.95).fails, 3.125e-7, 1e-12, "none of five");
        // The test agrees with the interval.
        for k in 80..=100 {
            let (low, high) = one_sided(k, 100, 0.95);
            let claims = share_at_least(k, k, 100, 0.9);
            assert_eq!((claims.holds <= 0.05, claims.fails <= 0.05), (low >= 0.9, high <= 0.9), "{k}");
        }
    }
}
