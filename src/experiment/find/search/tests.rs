//! Searches whose right answer is known: the share of runs that meets the target is a formula of the step.

use super::*;
use crate::stats::normal_quantile;
use std::convert::Infallible;

/// Steps of the problems, and the least step at which 95% of runs meet the target.
const STEPS: u64 = 1_024;
const SMALLEST: u64 = 748;
const GOAL: Goal = Goal { steps: STEPS, share: 0.95, confidence: 0.95, explored: EXPLORED };

/// A uniform number of (0, 1) that depends on three numbers (SplitMix64's finalizer, Steele et al. 2014).
fn uniform(a: u64, b: u64, c: u64) -> f64 {
    let mut x = a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xBF58_476D_1CE4_E5B9) ^ c;
    for _ in 0..2 {
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
    }
    ((x >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
}

/// The share of runs that meet the target at a step.
type Share = fn(u64) -> f64;

/// Probit in the logarithm of the step, with this spread: 95% at the step 748.
fn probit(step: u64, spread: f64) -> f64 {
    let z =
        normal_quantile(0.95) + (libm::log((step + 1) as f64) - libm::log((SMALLEST + 1) as f64)) / spread;
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

fn plateau(step: u64) -> f64 {
    match step {
        0..300 => 0.0,
        300..SMALLEST => 0.94,
        _ => 1.0,
    }
}

/// Whether runs have one random number for all steps, so that each is monotone, or one for each step.
#[derive(Clone, Copy, PartialEq)]
enum Runs {
    Monotone,
    Independent,
}

fn find(goal: &Goal, share: impl Fn(u64) -> f64, runs: Runs, seed: u64) -> Answer {
    find_by(goal, |trial| {
        let step = if runs == Runs::Monotone { 0 } else { trial.step + 1 };
        uniform(seed, trial.run.into(), step) < share(trial.step)
    })
}

/// Searches with runs of which this tells whether they meet the target.
fn find_by(goal: &Goal, meets: impl Fn(&Trial) -> bool) -> Answer {
    let mut oracle = |asked: &Asked<'_>| Ok::<_, Infallible>(asked.trials.iter().map(&meets).collect());
    match search(goal, &mut oracle) {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

fn is_wrong(answer: &Answer, share: Share) -> bool {
    answer.enough.is_some_and(|shown| share(shown.step) < 0.95)
        || answer.too_little.is_some_and(|shown| share(shown.step) >= 0.95)
}

/// An answer may be wrong with 5%. More than 21 of 200 wrong ones have a probability of .0005 then (binomial).
#[test]
fn answers_are_wrong_at_most_as_often_as_promised() {
    let problems: [(&str, Share); 4] = [
        ("steep", |step| probit(step, 0.01)),
        ("medium", |step| probit(step, 0.05)),
        ("shallow", |step| probit(step, 0.3)),
        ("plateau", plateau),
    ];
    for (name, share) in problems {
        for runs in [Runs::Monotone, Runs::Independent] {
            let answers: Vec<Answer> = (0..200).map(|seed| find(&GOAL, share, runs, seed)).collect();
            let wrong = answers.iter().filter(|answer| is_wrong(answer, share)).count();
            assert!(wrong <= 21, "{name}: {wrong} of 200 answers are wrong");
            let closed = answers.iter().filter(|a| a.enough.is_some() && a.too_little.is_some()).count();
            if runs == Runs::Monotone {
                assert!(closed >= 190, "{name}: {closed} of 200 answers have both ends");
                let refused = answers.iter().filter(|answer| answer.contradiction.is_some()).count();
                assert!(refused <= 2, "{name}: {refused} of 200 monotone problems were refused");
                assert!(answers.iter().all(|answer| answer.reversals == 0), "{name}");
            }
        }
    }
}

/// The costs measured for the method on this problem, one run after the other and without guards, are 1,058 runs and a
/// bracket of 6.3%. Batches of 8 runs add up to a fifth, and the guards at most 19 times 30 runs.
#[test]
fn a_search_costs_what_it_should() {
    let answers: Vec<Answer> =
        (0..100).map(|seed| find(&GOAL, |step| probit(step, 0.05), Runs::Monotone, seed)).collect();
    let mean = answers.iter().map(|answer| answer.runs).sum::<u64>() / 100;
    assert!((700..1_058 * 6 / 5 + 570).contains(&mean), "{mean} runs");
    let mut widths: Vec<u64> =
        answers.iter().filter_map(|a| Some(a.enough?.step - a.too_little?.step)).collect();
    widths.sort_unstable();
    let median = widths[widths.len() / 2];
    assert!((20..=70).contains(&median), "the median bracket has {median} steps; 6.3% of 748 are 47");
}

#[test]
fn a_target_met_everywhere_or_nowhere_is_an_answer() {
    let everywhere = find(&GOAL, |_| 1.0, Runs::Monotone, 1);
    assert_eq!(everywhere.enough.map(|shown| shown.step), Some(0));
    assert_eq!(everywhere.too_little, None);
    let nowhere = find(&GOAL, |_| 0.5, Runs::Monotone, 1);
    assert_eq!(nowhere.enough, None);
    assert_eq!(nowhere.too_little.map(|shown| shown.step), Some(STEPS - 1));
    for steps in [1, 2, 3] {
        let goal = Goal { steps, ..GOAL };
        assert_eq!(find(&goal, |_| 1.0, Runs::Monotone, 1).enough.map(|shown| shown.step), Some(0));
        let too_little = find(&goal, |_| 0.0, Runs::Monotone, 1).too_little;
        assert_eq!(too_little.map(|shown| shown.step), Some(steps - 1));
    }
}

/// A share that is exactly the asked one cannot be decided: the search ends without a claim that is false.
#[test]
fn the_share_itself_is_not_decided() {
    let answer = find(&GOAL, |_| 0.95, Runs::Independent, 3);
    assert!(answer.enough.is_none() && answer.too_little.is_none(), "{answer:?}");
}

#[test]
fn a_target_that_falls_again_is_refused() {
    let hill: Share = |step| if (400..600).contains(&step) { 1.0 } else { 0.0 };
    let refused = (0..20).filter(|seed| {
        let answer = find(&GOAL, hill, Runs::Monotone, *seed);
        answer.contradiction.is_some() || answer.enough.is_none()
    });
    assert_eq!(refused.count(), 20);
}

#[test]
fn likeness_tells_monotone_runs_from_independent_ones() {
    let mean = |runs| {
        let of = |seed| find(&GOAL, |step| probit(step, 0.3), runs, seed).likeness;
        let all: Vec<f64> = (0..40).filter_map(of).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    assert!((mean(Runs::Monotone) - 1.0).abs() < 1e-9);
    assert!(mean(Runs::Independent).abs() < 0.15, "{}", mean(Runs::Independent));
}

/// The threshold of a run is found whatever it is, from any start.
#[test]
fn a_walk_finds_the_threshold() {
    for steps in [1, 2, 7, 64] {
        for threshold in 0..=steps {
            for start in std::iter::once(None).chain((0..=steps).map(Some)) {
                let mut walk = Walk::new(start, steps);
                let mut asked = 0;
                while let Some(step) = walk.next() {
                    assert!(step < steps);
                    walk.tell(step >= threshold);
                    asked += 1;
                    assert!(asked < 20);
                }
                assert_eq!(
                    walk.passes_at,
                    threshold.max(start.unwrap_or(0)),
                    "{threshold} from {start:?} of {steps}"
                );
            }
        }
    }
}

mod families;
