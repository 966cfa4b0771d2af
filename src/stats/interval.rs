//! Confidence intervals of means and of differences of means over independent replications.

use super::{assert_confidence, t_quantile};

/// A mean and its confidence interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The mean, or the difference of two means, in the unit of the values.
    pub mean: f64,
    /// Lower end of the interval, in the unit of the values. Equals `mean` when there is no interval.
    pub ci_low: f64,
    /// Upper end of the interval, in the unit of the values. Equals `mean` when there is no interval.
    pub ci_high: f64,
}

impl Estimate {
    fn around(mean: f64, half_width: f64) -> Estimate {
        Estimate { mean, ci_low: mean - half_width, ci_high: mean + half_width }
    }

    /// An estimate without an interval: both ends equal the mean.
    fn alone(mean: f64) -> Estimate {
        Estimate { mean, ci_low: mean, ci_high: mean }
    }

    /// Clamps the interval to the possible range of the quantity, `low` to `high`. The mean is unchanged.
    ///
    /// The true mean lies in the possible range, so the removed part never contains it. The clamped interval therefore
    /// has the same coverage as the whole one (Mandelkern 2002, Statistical Science 17, section 3). A t interval on a
    /// logarithmic scale would also stay positive, but it does not exist for a mean of 0, where most clamping happens.
    pub fn within(self, (low, high): (f64, f64)) -> Estimate {
        Estimate { ci_low: self.ci_low.clamp(low, high), ci_high: self.ci_high.clamp(low, high), ..self }
    }
}

/// The mean with its Student t interval (Law, Simulation Modeling and Analysis, chapter 4).
///
/// For one value, and for values without spread, both ends equal the mean. For no values, all three are 0. If a value
/// is infinite, the mean and both ends are infinite. No NaN reaches a result.
///
/// # Panics
/// Unless `0 < confidence < 1`.
pub fn mean_ci(values: &[f64], confidence: f64) -> Estimate {
    assert_confidence(confidence);
    let sample = Sample::of(values);
    if values.len() < 2 || !sample.mean.is_finite() {
        return Estimate::alone(sample.mean);
    }
    let t = t_quantile(upper_level(confidence), sample.n - 1.0);
    Estimate::around(sample.mean, t * libm::sqrt(sample.variance_of_mean()))
}

/// The mean of `a - b` with its paired t interval, for replications that share their random numbers (Law, chapter 10).
///
/// Two infinite values of a pair differ by 0. If `a` is infinite in one pair and `b` in another, the mean is NaN.
///
/// # Panics
/// If the slices differ in length, or unless `0 < confidence < 1`.
pub fn paired_difference(a: &[f64], b: &[f64], confidence: f64) -> Estimate {
    assert_eq!(a.len(), b.len(), "both samples need the same number of values");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| difference(*a, *b)).collect();
    mean_ci(&differences, confidence)
}

/// How many times as many runs with random numbers of their own tell the difference of two means as precisely as these
/// pairs do: the variances of both samples over the variance of the differences (Law, section 11.2). Above 1 pairing saves
/// runs; below 1 it costs runs. `None` without spread of the differences, and for fewer than two or infinite values.
///
/// # Panics
/// If the slices differ in length.
pub fn pairing_saves(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "both samples need the same number of values");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| difference(*a, *b)).collect();
    let variances = Sample::of(a).variance_of_mean() + Sample::of(b).variance_of_mean();
    let saved = variances / Sample::of(&differences).variance_of_mean();
    saved.is_finite().then_some(saved)
}

/// The confidence of each of so many intervals that hold together with `confidence` (Bonferroni).
pub fn each_of(together: usize, confidence: f64) -> f64 {
    1.0 - (1.0 - confidence) / together.max(1) as f64
}

/// `a - b`, or 0 if both are infinite.
pub fn difference(a: f64, b: f64) -> f64 {
    if a.is_infinite() && b.is_infinite() { 0.0 } else { a - b }
}

/// The difference of the means of two independent samples, `a` minus `b`, with Welch's t interval (Welch 1947, with
/// Satterthwaite's degrees of freedom).
///
/// Both ends equal the difference if a sample has one value, if neither sample has spread, or if a mean is infinite.
/// If a sample is empty, the difference and both ends are 0.
///
/// # Panics
/// Unless `0 < confidence < 1`.
pub fn welch_difference(a: &[f64], b: &[f64], confidence: f64) -> Estimate {
    assert_confidence(confidence);
    if a.is_empty() || b.is_empty() {
        return Estimate::default();
    }
    let (sample_a, sample_b) = (Sample::of(a), Sample::of(b));
    let difference = difference(sample_a.mean, sample_b.mean);
    if !difference.is_finite() || !sample_a.mean.is_finite() {
        return Estimate::alone(difference);
    }
    let (of_a, of_b) = (sample_a.variance_of_mean(), sample_b.variance_of_mean());
    let variance = of_a + of_b;
    if a.len() < 2 || b.len() < 2 || variance <= 0.0 {
        return Estimate::around(difference, 0.0);
    }
    // Satterthwaite's formula in shares of the variance: shares neither overflow nor underflow.
    let (share_a, share_b) = (of_a / variance, of_b / variance);
    let df = 1.0 / (share_a * share_a / (sample_a.n - 1.0) + share_b * share_b / (sample_b.n - 1.0));
    Estimate::around(difference, t_quantile(upper_level(confidence), df) * libm::sqrt(variance))
}

/// The quantile level of the upper end of a two-sided interval.
fn upper_level(confidence: f64) -> f64 {
    0.5 + confidence / 2.0
}

/// A sample: what means and their intervals need of it.
pub(super) struct Sample {
    n: f64,
    /// The mean; 0 without values.
    pub(super) mean: f64,
    squares: f64,
}

impl Sample {
    /// Mean and sum of squared deviations, in two passes: the one-pass formula loses digits when the mean is large.
    pub(super) fn of(values: &[f64]) -> Sample {
        let n = values.len() as f64;
        let mean = if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / n };
        let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Sample { n, mean, squares }
    }

    /// The sample standard deviation; 0 for fewer than two values.
    pub(super) fn deviation(&self) -> f64 {
        libm::sqrt(self.variance_of_mean() * self.n)
    }

    /// The estimated variance of the mean; 0 for fewer than two values.
    pub(super) fn variance_of_mean(&self) -> f64 {
        if self.n < 2.0 { 0.0 } else { self.squares / (self.n - 1.0) / self.n }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the tests compare values bit for bit")]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// From the oracle paired_vs_welch_golden (Law, chapter 10).
    const A: [f64; 10] = [12.1, 11.8, 13.0, 12.4, 11.9, 12.7, 12.2, 12.9, 11.5, 12.3];
    const B: [f64; 10] = [10.2, 10.4, 11.1, 10.9, 9.9, 11.0, 10.3, 11.3, 9.8, 10.6];
    const MEAN_DIFFERENCE: f64 = 1.729_999_999_999_999_8;
    const PAIRED: (f64, f64) = (1.590_755_288_751_663_4, 1.869_244_711_248_336_1);
    const WELCH: (f64, f64) = (1.260_047_037_796_247, 2.199_952_962_203_754);

    fn assert_estimate(estimate: Estimate, mean: f64, ci: (f64, f64), what: &str) {
        assert_close(estimate.mean, mean, 1e-13, what);
        assert_close(estimate.ci_low, ci.0, 1e-12, what);
        assert_close(estimate.ci_high, ci.1, 1e-12, what);
    }

    #[test]
    fn paired_and_welch_golden() {
        assert_estimate(paired_difference(&A, &B, 0.95), MEAN_DIFFERENCE, PAIRED, "paired");
        assert_estimate(welch_difference(&A, &B, 0.95), MEAN_DIFFERENCE, WELCH, "Welch");
        assert_estimate(
            welch_difference(&B, &A, 0.95),
            -MEAN_DIFFERENCE,
            (-WELCH.1, -WELCH.0),
            "Welch, reversed",
        );
    }

    fn assert_estimate_at_zero(estimate: Estimate, half: f64) {
        assert_eq!(estimate.mean, 0.0);
        assert_close(estimate.ci_low, -half, 1e-12, "low end");
        assert_close(estimate.ci_high, half, 1e-12, "high end");
    }

    /// The cases of the reference family paired_crn (scipy): the interval and the factor of runs that pairing saves.
    #[test]
    fn what_pairing_saves_golden() {
        let saves = pairing_saves(&A, &B).expect("the differences have a spread");
        assert_close(saves, 13.199_413_489_736_08, 1e-12, "ten seeds");
        let (rising, falling) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
        assert_close(pairing_saves(&rising, &falling).unwrap_or_default(), 0.5, 1e-12, "pairing hurts");
        let half = 3.926_628_613_960_648;
        assert_estimate_at_zero(paired_difference(&rising, &falling, 0.95), half);
        assert_estimate_at_zero(paired_difference(&[5.0, 6.0, 7.0, 8.0], &[5.0, 6.0, 7.0, 8.0], 0.95), 0.0);
        assert_eq!(pairing_saves(&[5.0, 6.0, 7.0, 8.0], &[5.0, 6.0, 7.0, 8.0]), None, "identical");
        assert_eq!(pairing_saves(&[1.0], &[2.0]), None);
        assert_eq!(pairing_saves(&[1.0, f64::INFINITY], &[1.0, 2.0]), None);
        assert_close(each_of(20, 0.95), 0.9975, 1e-15, "20 intervals");
    }

    #[test]
    fn mean_ci_matches_a_known_interval() {
        // Mean 3, variance 2.5: half width t_{0.975,4} sqrt(2.5 / 5), with t from the oracle t_quantiles, n = 5.
        let half = 2.776_445_105_197_793_4 * libm::sqrt(0.5);
        let estimate = mean_ci(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95);
        assert_estimate(estimate, 3.0, (3.0 - half, 3.0 + half), "1 to 5");
        let wide = mean_ci(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.99);
        assert!(wide.ci_low < estimate.ci_low && wide.ci_high > estimate.ci_high);
    }

    #[test]
    fn welch_with_unequal_sizes_and_spreads() {
        // By hand: means 3 and 10, variances of the means 0.5 and 4 / 3, so 121/36 / (1/16 + 16/18) degrees of freedom.
        let estimate = welch_difference(&[1.0, 2.0, 3.0, 4.0, 5.0], &[8.0, 10.0, 12.0], 0.9);
        let df = (121.0 / 36.0) / (1.0 / 16.0 + 8.0 / 9.0);
        let half = t_quantile(0.95, df) * libm::sqrt(11.0 / 6.0);
        assert_estimate(estimate, -7.0, (-7.0 - half, -7.0 + half), "unequal");
    }

    #[test]
    fn samples_without_spread_have_no_interval_and_no_nan() {
        let single = Estimate { mean: 0.1, ci_low: 0.1, ci_high: 0.1 };
        assert_eq!(mean_ci(&[0.1], 0.95), single);
        assert_eq!(mean_ci(&[], 0.95), Estimate::default());
        assert_eq!(paired_difference(&[], &[], 0.95), Estimate::default());
        assert_eq!(welch_difference(&[], &[1.0, 2.0], 0.95), Estimate::default());
        let constant = Estimate { mean: 2.0, ci_low: 2.0, ci_high: 2.0 };
        assert_eq!(mean_ci(&[2.0; 7], 0.95), constant);
        assert_eq!(welch_difference(&[5.0, 5.0], &[3.0; 3], 0.95), constant);
        assert_eq!(welch_difference(&[5.0], &[1.0, 5.0], 0.95), constant);
    }

    #[test]
    fn an_infinite_value_gives_an_infinite_mean_without_an_interval() {
        let never = Estimate { mean: f64::INFINITY, ci_low: f64::INFINITY, ci_high: f64::INFINITY };
        let (some, none) = ([1.0, f64::INFINITY, 3.0], [1.0, 2.0, 3.0]);
        assert_eq!(mean_ci(&some, 0.95), never);
        assert_eq!(mean_ci(&[f64::INFINITY], 0.95), never);
        assert_eq!(paired_difference(&some, &none, 0.95), never);
        assert_eq!(welch_difference(&some, &none, 0.95), never);
        assert_eq!(paired_difference(&some, &some, 0.95), Estimate::default());
        assert_eq!(welch_difference(&some, &some, 0.95), Estimate::default());
        assert_eq!(welch_difference(&none, &some, 0.95).mean, f64::NEG_INFINITY);
    }

    #[test]
    fn within_clamps_an_interval_to_the_possible_range() {
        // Mean 1 of four zeros and a five: the half width 2.776 * 1 reaches below 0. Clamping leaves the upper end
        // unchanged.
        let whole = mean_ci(&[0.0, 0.0, 0.0, 0.0, 5.0], 0.95);
        let cut = whole.within((0.0, f64::INFINITY));
        assert!(whole.ci_low < -1.7, "{whole:?}");
        assert_eq!((cut.mean, cut.ci_low, cut.ci_high), (1.0, 0.0, whole.ci_high));
        // Four of five: 0.8 with half width 2.776 * 0.2.
        let share = mean_ci(&[1.0, 1.0, 1.0, 1.0, 0.0], 0.95);
        assert!(share.ci_high > 1.0 && share.within((0.0, 1.0)).ci_high == 1.0);
        assert_eq!(share.within((0.0, 1.0)).ci_low, share.ci_low);
    }

    #[test]
    fn a_small_spread_around_a_large_mean_keeps_its_digits() {
        let far: Vec<f64> = [1.0, 2.0, 3.0, 4.0, 5.0].map(|v| v + 1e9).to_vec();
        let half = 2.776_445_105_197_793_4 * libm::sqrt(0.5);
        assert_close(mean_ci(&far, 0.95).ci_high - 1e9 - 3.0, half, 1e-6, "half width at 1e9");
    }
}
