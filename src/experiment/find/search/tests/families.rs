//! The reference families with a known share of passing runs: limits whose smallest value is known, each found 200 times.

use super::*;

/// Of 200 searches that are wrong with 5% each, more are wrong with a probability of .0005 (reference family find_repeats_acceptance).
const MOST_WRONG: usize = 21;

/// Finds 200 times the smallest value from 1 on, of so many, at which this share of runs meets the target. `meets` says of a seed whether
/// a run meets it at a value.
fn found_200_times(
    name: &str,
    (values, share, smallest): (u64, f64, u64),
    meets: impl Fn(u64, u32, u64) -> bool,
) {
    let goal = Goal { steps: values, share, confidence: 0.95, explored: EXPLORED };
    let is_wrong = |seed: &u64| {
        let answer = find_by(&goal, |trial| meets(*seed, trial.run, trial.step + 1));
        answer.enough.is_some_and(|shown| shown.step + 1 < smallest)
            || answer.too_little.is_some_and(|shown| shown.step + 1 >= smallest)
            || answer.contradiction.is_some()
    };
    let wrong = (0..200).filter(is_wrong).count();
    assert!(wrong <= MOST_WRONG, "{name}: {wrong} of 200 answers are wrong");
}

/// As [`found_200_times`], where the share of runs that meet the target at each value is known and each run is monotone. The last two
/// numbers are the shares at the smallest value and at the one below.
fn found_by_shares(name: &str, shares: &[f64], (share, smallest, at, below): (f64, u64, f64, f64)) {
    let of = |value: u64| shares[value as usize - 1];
    for (value, exact) in [(smallest, at), (smallest - 1, below)] {
        assert!((of(value) - exact).abs() < 1e-9, "{name}, {value}: {} is not {exact}", of(value));
    }
    found_200_times(name, (shares.len() as u64, share, smallest), |seed, run, value| {
        uniform(seed, run.into(), 0) < of(value)
    });
}

/// Calls come as a Poisson process, and a fixed window refuses none if at most its limit come in each of the windows: the power of a
/// Poisson probability.
#[test]
fn limits_of_fixed_windows() {
    // The family zero_reject_fixed_window_smallest_limit: calls per second, window in seconds, windows, then share, smallest limit, and
    // the shares of clean runs there and at one less.
    for (per_s, window, windows, expected) in [
        (0.5, 10.0, 6.0, (0.95, 11, 0.967_724_261_841_969_6, 0.920_590_945_142_582_2)),
        (1.0, 60.0, 10.0, (0.95, 81, 0.960_594_775_691_815_6, 0.945_089_471_710_933_5)),
        (20.0, 1.0, 600.0, (0.99, 41, 0.992_898_974_201_158_7, 0.984_859_798_102_149_6)),
        (0.1, 60.0, 60.0, (0.95, 15, 0.969_908_371_473_972_2, 0.919_357_599_080_126_9)),
        (50.0, 10.0, 360.0, (0.9, 579, 0.911_868_806_966_165_9, 0.897_597_906_651_599)),
    ] {
        let mean: f64 = per_s * window;
        let mut term = libm::exp(-mean);
        let mut at_most = term;
        let shares: Vec<f64> = (1..=2 * expected.1)
            .map(|limit| {
                term *= mean / limit as f64;
                at_most += term;
                libm::pow(at_most.min(1.0), windows)
            })
            .collect();
        found_by_shares(&format!("{per_s}/s, {windows} windows of {window} s"), &shares, expected);
    }
}

/// Calls come as a Poisson process and hold a place for an exponential time: the share of runs without a refusal is that of an absorbing
/// chain (Stewart 2009, section 10), by squaring the matrix of a short time.
#[test]
fn limits_of_calls_at_once() {
    // The family zero_loss_mmcc_smallest_limit, with places that are held for a second in the mean: calls per second, seconds, then share,
    // smallest limit, and the shares of clean runs there and at one less.
    for (per_s, seconds, expected) in [
        (2.0, 100.0, (0.95, 9, 0.971_802_028_058_457_2, 0.883_698_816_119_057_3)),
        (5.0, 1_000.0, (0.95, 17, 0.951_036_168_677_847_6, 0.847_373_859_227_588_6)),
        (10.0, 600.0, (0.99, 28, 0.994_379_885_482_074_2, 0.984_698_636_487_525_6)),
        (20.0, 600.0, (0.95, 42, 0.961_415_281_302_573, 0.922_631_531_128_818_7)),
        (1.0, 10.0, (0.95, 5, 0.980_743_792_729_645_3, 0.908_896_211_260_900_7)),
        (10.0, 60.0, (0.5, 20, 0.602_917_814_908_655_4, 0.383_127_573_606_299_8)),
    ] {
        let shares: Vec<f64> =
            (1..=expected.1 + 8).map(|limit| never_full(per_s, limit as usize, seconds)).collect();
        found_by_shares(&format!("{per_s}/s for {seconds} s"), &shares, expected);
    }
}

/// The probability that no call is refused in so many seconds, from an empty system.
fn never_full(per_s: f64, limit: usize, seconds: f64) -> f64 {
    let states = limit + 1;
    let times = |a: &[Vec<f64>], b: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let mut product = vec![vec![0.0; states]; states];
        for (row, from) in product.iter_mut().zip(a) {
            for (share, through) in from.iter().zip(b) {
                row.iter_mut().zip(through).for_each(|(sum, value)| *sum += share * value);
            }
        }
        product
    };
    let doublings = libm::ceil(libm::log2(2.0 * (per_s + limit as f64) * seconds)) as i32;
    let step = seconds / libm::exp2(doublings.into());
    let mut rates = vec![vec![0.0; states]; states];
    for (busy, row) in rates.iter_mut().enumerate() {
        row[busy] = -(per_s + busy as f64) * step;
        if busy > 0 {
            row[busy - 1] = busy as f64 * step;
        }
        if busy < limit {
            row[busy + 1] = per_s * step;
        }
    }
    // The exponential of the short time by its series, whose terms fall below 0.5^n / n!.
    let identity = |i: usize, j: usize| if i == j { 1.0 } else { 0.0 };
    let mut term: Vec<Vec<f64>> =
        (0..states).map(|i| (0..states).map(|j| identity(i, j)).collect()).collect();
    let mut sum = term.clone();
    for n in 1..15 {
        term = times(&term, &rates);
        term.iter_mut().flatten().for_each(|value| *value /= f64::from(n));
        sum.iter_mut().flatten().zip(term.iter().flatten()).for_each(|(sum, value)| *sum += value);
    }
    for _ in 0..doublings {
        sum = times(&sum, &sum);
    }
    sum[0].iter().sum()
}

/// Calls come as a Poisson process at a token bucket that is full at the start. A run refuses none if what its calls have taken, less
/// what has come back, never exceeds the burst. The smallest bursts are numerical solutions with 4 digits.
#[test]
fn bursts_of_token_buckets() {
    // The family zero_reject_token_bucket_smallest_burst: calls per second, tokens per second, seconds, share, smallest burst, and the
    // shares of clean runs there and at one less.
    for (per_s, rate, seconds, share, smallest, [at, below]) in [
        (0.5, 1.0, 60.0, 0.95, 5, [0.9566, 0.8499]),
        (0.8, 1.0, 100.0, 0.95, 12, [0.967, 0.9465]),
        (0.2, 0.5, 300.0, 0.95, 5, [0.9746, 0.8768]),
        (0.5, 1.0, 60.0, 0.5, 3, [0.5439, 0.0974]),
    ] {
        let is_clean = |seed: u64, run: u32, burst: u64| {
            let (mut now, mut taken, mut call) = (0.0, 0.0_f64, 0);
            loop {
                let wait = -libm::log(uniform(seed, run.into(), call)) / per_s;
                now += wait;
                if now > seconds {
                    return true;
                }
                taken = (taken - rate * wait).max(0.0) + 1.0;
                if taken > burst as f64 {
                    return false;
                }
                call += 1;
            }
        };
        // The runs are those of the family: 5 standard deviations of 4,000 runs.
        for (burst, exact) in [(smallest, at), (smallest - 1, below)] {
            let clean = (0..4_000).filter(|run| is_clean(1_000, *run, burst)).count() as f64 / 4_000.0;
            let deviation = libm::sqrt(exact * (1.0 - exact) / 4_000.0);
            assert!((clean - exact).abs() < 5.0 * deviation + 0.001, "{per_s}/s, burst {burst}: {clean}");
        }
        found_200_times(&format!("{per_s}/s, {rate} tokens/s"), (32, share, smallest), is_clean);
    }
}
