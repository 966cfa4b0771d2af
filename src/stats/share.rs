//! The share of runs that meet a target, judged while their number grows, and as a key changes.

use super::assert_confidence;
use super::bisect;
use super::proportion::no_more_than;

/// Runs that met a target and runs that did not, as evidence about the share of all runs that meet it.
///
/// An e-value is a product over the runs whose mean is at most 1 when a claim is false. The probability that it ever
/// reaches `1 / level` is then at most `level`, however the number of runs is chosen (Ville 1939). Each of the two
/// e-values here is the mean of six likelihood ratios (Robbins 1970, Ann. Math. Statist. 41).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// Runs that met the target.
    pub passes: u64,
    /// Runs that did not meet it.
    pub fails: u64,
}

/// Ratios of the share of failing runs to the one that a claim allows, for the claim that fewer fail.
const FEWER: [f64; 6] = [0.0, 1.0 / 16.0, 0.125, 0.25, 0.5, 0.7];
/// As [`FEWER`] for the claim that more fail: the position between 1 and the greatest ratio. At a share of 95% these are
/// the ratios 1.4, 2, 4, 8, 16 and 19.9.
const MORE: [f64; 6] = [0.4 / 18.9, 1.0 / 18.9, 3.0 / 18.9, 7.0 / 18.9, 15.0 / 18.9, 1.0];
/// The share of failing runs at the greatest ratio of [`MORE`].
const MOST_FAILING: f64 = 0.995;

impl Trials {
    /// Counts a run.
    pub fn add(&mut self, passes: bool) {
        *if passes { &mut self.passes } else { &mut self.fails } += 1;
    }

    /// Number of runs.
    pub fn runs(self) -> u64 {
        self.passes + self.fails
    }

    /// Evidence that at least `share` of all runs meet the target.
    ///
    /// # Panics
    /// Unless `0 < share < 1`.
    pub fn for_share(self, share: f64) -> f64 {
        self.evidence(share, FEWER)
    }

    /// Evidence that less than `share` of all runs meet the target.
    ///
    /// # Panics
    /// Unless `0 < share < 1`.
    pub fn against_share(self, share: f64) -> f64 {
        let most = MOST_FAILING / (1.0 - share);
        self.evidence(share, MORE.map(|part| 1.0 + (most - 1.0) * part))
    }

    fn evidence(self, share: f64, ratios: [f64; 6]) -> f64 {
        assert_confidence(share);
        let ratio = |q: f64| {
            let of_passes = power_log((1.0 - (1.0 - share) * q) / share, self.passes);
            libm::exp(of_passes + power_log(q, self.fails))
        };
        ratios.into_iter().map(ratio).sum::<f64>() / 6.0
    }

    /// An interval for the share of all runs that meet the target. It holds with this confidence at every number of runs
    /// at once, so the number may be chosen by looking (Robbins 1970; Lai 1976, Ann. Statist. 4): the shares `p` with
    /// `(n + 1) C(n, k) p^k (1 - p)^(n - k) > 1 - confidence`.
    ///
    /// # Panics
    /// Unless `0 < confidence < 1`.
    pub fn share_at_any_time(self, confidence: f64) -> (f64, f64) {
        assert_confidence(confidence);
        let (n, k, misses) = (self.runs() as f64, self.passes, self.fails);
        let choose = libm::lgamma(n + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma(misses as f64 + 1.0);
        let least = libm::log(1.0 - confidence) - libm::log(n + 1.0) - choose;
        let inside = |p: f64| power_log(p, k) + power_log(1.0 - p, misses) > least;
        let middle = if self.runs() == 0 { 0.5 } else { k as f64 / n };
        let low = if k == 0 { 0.0 } else { middle - bisect(0.0, middle, |below| inside(middle - below)) };
        let high = if misses == 0 {
            1.0
        } else {
            middle + bisect(0.0, 1.0 - middle, |above| inside(middle + above))
        };
        (low, high)
    }
}

/// The logarithm of `base^exponent`; 0 for an exponent of 0.
fn power_log(base: f64, exponent: u64) -> f64 {
    if exponent == 0 { 0.0 } else { exponent as f64 * libm::log(base) }
}

/// Ranks, from 1, of the thresholds of `n` runs that bound the value from which on the share `share` of all runs meets a
/// target (Wilks 1941; David and Nagaraja, Order Statistics, section 7.1).
///
/// A run's threshold is the least value at which it meets the target. The second rank is the least `u` with
/// `P(B >= u) <= each_side` for B binomial(n, share), or `None` if there is none; the first is the greatest `l` with
/// `P(B <= l - 1) <= each_side`.
///
/// # Panics
/// Unless `0 < share < 1` and `0 < each_side < 1`.
pub fn threshold_ranks(n: u64, share: f64, each_side: f64) -> (Option<u64>, Option<u64>) {
    assert_confidence(share);
    assert_confidence(each_side);
    let low = (1..=n).rev().find(|l| no_more_than(l - 1, n, share) <= each_side);
    let high = (1..=n).find(|u| 1.0 - no_more_than(u - 1, n, share) <= each_side);
    (low, high)
}

/// The non-decreasing rates that fit these trials best: weighted isotonic regression by pooling neighbours (Ayer et al.
/// 1955, Ann. Math. Statist. 26). The rate of a value without runs is that of its neighbours' pool, and 0 before the
/// first run.
pub fn rising_rates(trials: &[Trials]) -> Vec<f64> {
    // Pools of neighbours: trials and number of values.
    let mut pools: Vec<(Trials, usize)> = Vec::new();
    for more in trials {
        let mut pool = (*more, 1);
        while let Some((before, values)) = pools.last().copied() {
            // Rates compare as products of integers, which are exact.
            let falls = u128::from(before.passes) * u128::from(pool.0.runs())
                >= u128::from(pool.0.passes) * u128::from(before.runs());
            if !falls {
                break;
            }
            pools.pop();
            let joined = Trials { passes: before.passes + pool.0.passes, fails: before.fails + pool.0.fails };
            pool = (joined, values + pool.1);
        }
        pools.push(pool);
    }
    let rate = |pool: Trials| if pool.runs() == 0 { 0.0 } else { pool.passes as f64 / pool.runs() as f64 };
    pools.into_iter().flat_map(|(pool, values)| std::iter::repeat_n(rate(pool), values)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::clopper_pearson;
    use super::super::testing::assert_close;
    use super::*;

    /// The reference family e_process_six_points at a share of 95%, from 60-digit arithmetic: passes, fails, for, against.
    const EVIDENCE: [(u64, u64, f64, f64); 7] = [
        (0, 0, 1.0, 1.0),
        (59, 0, 11.496186625929523, 0.05436402583191838),
        (87, 0, 40.918277035143085, 0.02768661296460359),
        (200, 2, 64.53593424632174, 0.004647604195175786),
        (300, 15, 0.09932224685059263, 0.04430303990551176),
        (5, 5, 0.036428826475277454, 698.252229552543),
        (400, 9, 17.595096417471034, 0.0006930427738102336),
    ];

    #[test]
    fn evidence_is_that_of_sixty_digits() {
        for (passes, fails, expected_for, expected_against) in EVIDENCE {
            let trials = Trials { passes, fails };
            assert_close(trials.for_share(0.95), expected_for, 1e-12, "for");
            assert_close(trials.against_share(0.95), expected_against, 1e-12, "against");
        }
        // At the level .025, 87 runs that all pass are needed, and 2 that all fail.
        let runs = |passes: bool, shown: fn(Trials) -> f64| {
            let counted =
                |n| if passes { Trials { passes: n, fails: 0 } } else { Trials { passes: 0, fails: n } };
            (1..).find(|n| shown(counted(*n)) >= 40.0)
        };
        assert_eq!(runs(true, |t| t.for_share(0.95)), Some(87));
        assert_eq!(runs(false, |t| t.against_share(0.95)), Some(2));
    }

    /// The mean of an e-value over one run is 1 where the claim is false by the least, whatever the share.
    #[test]
    fn evidence_is_fair_at_the_share_itself() {
        for share in [0.05, 0.5, 0.9, 0.95, 0.99, 0.999] {
            let [pass, fail] = [Trials { passes: 1, fails: 0 }, Trials { passes: 0, fails: 1 }];
            for evidence in [Trials::for_share, Trials::against_share] {
                let mean = share * evidence(pass, share) + (1.0 - share) * evidence(fail, share);
                assert_close(mean, 1.0, 1e-12, "mean");
            }
        }
    }

    #[test]
    fn the_interval_holds_at_any_time() {
        // The reference family confidence_sequence_uniform: passes, runs, confidence, interval, that of a fixed number of runs.
        for (passes, n, confidence, [low, high], fixed) in [
            (0, 20, 0.95, [0.0, 0.260_671_350_937_657_53], [0.0, 0.168_433_470_983_085_3]),
            (59, 59, 0.95, [0.886_768_969_117_014, 1.0], [0.939_391_099_049_660_1, 1.0]),
            (
                190,
                200,
                0.95,
                [0.876_584_865_754_989_4, 0.987_060_315_884_125_8],
                [0.909_972_462_298_648_6, 0.975_765_834_527_891_5],
            ),
            (
                990,
                1000,
                0.95,
                [0.972_058_252_556_370_8, 0.997_924_518_797_158_6],
                [0.981_686_756_944_887_5, 0.995_194_489_308_950_7],
            ),
            (59, 59, 0.99, [0.862_906_098_097_740_1, 1.0], [0.914_112_171_376_314_8, 1.0]),
        ] {
            let (below, above) = Trials { passes, fails: n - passes }.share_at_any_time(confidence);
            assert!(
                (below - low).abs() < 1e-9 && (above - high).abs() < 1e-9,
                "{passes} of {n}: {below} {above}"
            );
            let ends = clopper_pearson(passes, n, confidence);
            assert!(
                (ends.0 - fixed[0]).abs() < 1e-11 && (ends.1 - fixed[1]).abs() < 1e-11,
                "{passes} of {n}: {ends:?}"
            );
        }
        assert_eq!(Trials::default().share_at_any_time(0.95), (0.0, 1.0));
    }

    type Ranked = (u64, f64, f64, [u64; 2], [f64; 2]);

    /// The reference family seed_threshold_ranks: n, share, level of each side, ranks, and the probabilities with which they err.
    const RANKS: [Ranked; 7] = [
        (72, 0.95, 0.025, [64, 72], [0.009_615_671_472_436_721, 0.024_894_280_619_189_406]),
        (100, 0.95, 0.025, [90, 100], [0.011_472_410_067_484_739, 0.005_920_529_220_334_001]),
        (300, 0.95, 0.025, [277, 293], [0.016_844_074_417_006_45, 0.015_968_000_797_087_187]),
        (1000, 0.95, 0.025, [936, 964], [0.020_749_899_365_538_903, 0.021_154_832_411_806_934]),
        (400, 0.99, 0.025, [392, 400], [0.020_768_559_658_436_915, 0.017_950_553_275_045_134]),
        (59, 0.95, 0.05, [53, 59], [0.027_371_857_409_640_286, 0.048_494_525_249_423_11]),
        (400, 0.95, 0.005, [368, 391], [0.003_768_728_246_056_616_8, 0.004_228_564_228_079_472]),
    ];

    #[test]
    fn ranks_are_the_binomial_ones() {
        for (n, share, each_side, [low, high], errors) in RANKS {
            assert_eq!(threshold_ranks(n, share, each_side), (Some(low), Some(high)), "{n} at {share}");
            assert_close(no_more_than(low - 1, n, share), errors[0], 1e-10, "the lower rank errs");
            assert_close(1.0 - no_more_than(high - 1, n, share), errors[1], 1e-9, "the upper rank errs");
        }
        assert_eq!(threshold_ranks(58, 0.95, 0.05).1, None, "58 runs cannot show 95%");
    }

    #[test]
    fn rates_are_pooled_where_they_fall() {
        let fit = |passes: &[u64], runs: u64| {
            rising_rates(&passes.iter().map(|p| Trials { passes: *p, fails: runs - p }).collect::<Vec<_>>())
        };
        // The reference family pava (scipy.optimize.isotonic_regression).
        for (passes, runs, expected) in [
            (&[0, 3, 2, 8, 10, 9, 10][..], 10, &[0.0, 0.25, 0.25, 0.8, 0.95, 0.95, 1.0][..]),
            (&[1, 2, 3], 5, &[0.2, 0.4, 0.6]),
            (&[0, 0, 10, 0, 0], 10, &[0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]),
        ] {
            let rates = fit(passes, runs);
            assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
        }
    }

    /// The reference family quantile_ci_equal_tails: the ranks are those of the interval of a quantile over runs. n, p,
    /// lower rank, upper rank.
    #[test]
    fn ranks_of_an_interval_of_a_quantile() {
        for (n, p, low, high) in [
            (10, 0.5, 2, Some(9)),
            (59, 0.95, 52, None),
            (200, 0.95, 184, Some(197)),
            (99, 0.25, 17, Some(34)),
        ] {
            assert_eq!(threshold_ranks(n, p, 0.025), (Some(low), high), "{n} at {p}");
        }
    }
}
