//! Which points a ranking visits: the trajectories of Morris, then the rows of Saltelli.

use super::super::sweep::{Axis, Points, shuffle};
use super::super::vary::Vary;
use crate::kernel::random::{Purpose, Stream, below, chance, open_unit};

/// Levels of each key.
pub(super) const LEVELS: u64 = 4;
/// A step goes over so many of them: `LEVELS / (2 (LEVELS - 1))` of the range.
const STEP: u64 = LEVELS / 2;

/// A step of a trajectory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// The key, by index.
    pub key: usize,
    /// The point before it.
    pub from: u64,
    /// The point after it.
    pub to: u64,
    /// The part of the key's range that it goes over, below 0 for a step down.
    pub part: f64,
}

/// The points of trajectories, and their steps.
#[derive(Clone, Debug)]
pub(super) struct Screening {
    pub points: Points,
    /// By trajectory.
    pub steps: Vec<Vec<Step>>,
}

/// So many trajectories. Each begins at random levels and moves each key once, in random order, up or down at random (Morris 1991).
/// `keys` are ranges.
pub(super) fn screening(keys: &[Vary], trajectories: u32, seed: u64) -> Screening {
    let streams: Vec<Stream> = keys.iter().map(|key| stream(seed, "trajectory", key)).collect();
    let order = Stream::named(seed, 0, Purpose::Design, "order of steps");
    let level = |key: usize, at: u64| keys[key].level(at, LEVELS - 1).expect("the keys are ranges");
    let mut columns: Vec<Vec<u64>> = vec![Vec::new(); keys.len()];
    let mut steps = Vec::new();
    for n in 0..u64::from(trajectories) {
        let base = |key: usize| below(streams[key].bits(n, 0), LEVELS - STEP);
        let goes_up = |key: usize| chance(streams[key].bits(n, 1), 0.5);
        let mut at: Vec<u64> =
            (0..keys.len()).map(|key| base(key) + if goes_up(key) { 0 } else { STEP }).collect();
        let mut turns: Vec<usize> = (0..keys.len()).collect();
        shuffle(&mut turns, |i| order.bits(n, i));
        columns.iter_mut().zip(&at).for_each(|(column, level)| column.push(*level));
        let mut of_trajectory = Vec::new();
        for key in turns {
            let before = at[key];
            at[key] = if goes_up(key) { before + STEP } else { before - STEP };
            let to = columns[0].len() as u64;
            columns.iter_mut().zip(&at).for_each(|(column, level)| column.push(*level));
            let part = level(key, at[key]).1 - level(key, before).1;
            of_trajectory.push(Step { key, from: to - 1, to, part });
        }
        steps.push(of_trajectory);
    }
    let axis = |(key, column): (usize, Vec<u64>)| {
        let values = column.into_iter().map(|at| (level(key, at).0, None)).collect();
        Axis::of(&keys[key], values)
    };
    let axes = columns.into_iter().enumerate().map(axis).collect();
    Screening { points: Points { axes, crossed: false }, steps }
}

/// The points of so many rows. Those of a row follow each other: one of the first sample, one of the second, and for each key
/// that of the first sample with the key's value of the second.
pub(super) fn rows(keys: &[&Vary], rows: u32, seed: u64) -> Points {
    let axis = |(own, key): (usize, &&Vary)| {
        let stream = stream(seed, "row", key);
        let of_row = |row: u64| {
            let value = |sample: u64| key.within(0, 1, 1.0 - open_unit(stream.bits(row, sample)));
            let (a, b) = (value(0), value(1));
            let mixed = (0..keys.len()).map(|other| if other == own { b.clone() } else { a.clone() });
            [a.clone(), b.clone()].into_iter().chain(mixed).collect::<Vec<_>>()
        };
        let values = (0..u64::from(rows)).flat_map(of_row).collect();
        Axis::of(key, values)
    };
    Points { axes: keys.iter().enumerate().map(axis).collect(), crossed: false }
}

fn stream(seed: u64, of: &str, key: &Vary) -> Stream {
    // No key has a space, so these are no streams of a Latin hypercube.
    Stream::named(seed, 0, Purpose::Design, &format!("{of} {}", key.key()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Vary> {
        ["a=0..3", "b=1..1000 log", "c=0.00..1.00", "d=10s..40s"]
            .map(|text| Vary::parse(text).expect(text))
            .to_vec()
    }

    /// Every step changes one key by two thirds of its scale, and each key once.
    #[test]
    fn a_trajectory_moves_each_key_once() {
        let keys = keys();
        let Screening { points, steps } = screening(&keys, 50, 3);
        assert_eq!((points.count(), steps.len()), (50 * 5, 50));
        let mut ups = 0;
        for (n, of_trajectory) in steps.iter().enumerate() {
            let mut moved: Vec<usize> = of_trajectory.iter().map(|step| step.key).collect();
            moved.sort_unstable();
            assert_eq!(moved, [0, 1, 2, 3]);
            for (place, step) in of_trajectory.iter().enumerate() {
                assert_eq!(
                    (step.from, step.to),
                    (5 * n as u64 + place as u64, 5 * n as u64 + place as u64 + 1)
                );
                let (from, to) = (points.values(step.from), points.values(step.to));
                let changed: Vec<usize> = (0..4).filter(|key| from[*key] != to[*key]).collect();
                assert_eq!(changed, [step.key]);
                assert!((step.part.abs() - 2.0 / 3.0).abs() < 0.01, "{}", step.part);
                ups += usize::from(step.part > 0.0);
            }
        }
        // 200 steps: five standard deviations around one half.
        assert!((65..=135).contains(&ups), "{ups}");
        let orders: std::collections::BTreeSet<Vec<usize>> =
            steps.iter().map(|of| of.iter().map(|step| step.key).collect()).collect();
        assert!(orders.len() > 10, "the order is drawn");
        assert_eq!(screening(&keys, 50, 3).points, points);
        assert_ne!(screening(&keys, 50, 4).points, points);
    }

    #[test]
    fn a_row_mixes_two_independent_draws() {
        let keys = keys();
        let keys: Vec<&Vary> = keys.iter().collect();
        let points = rows(&keys, 300, 3);
        assert_eq!(points.count(), 300 * 6);
        let mut of_key = [0u32; 4];
        for row in 0..300 {
            let point = |n: u64| points.values(row * 6 + n);
            let (a, b) = (point(0), point(1));
            for key in 0..4 {
                let mixed = point(2 + key as u64);
                for other in 0..4 {
                    assert_eq!(mixed[other], if other == key { b[other] } else { a[other] });
                }
            }
            // The draws are uniform on the scale: the first value of `a` and the lower third of `b`, by chance 1/4 and 1/3.
            of_key[0] += u32::from(a[0] == "0");
            of_key[1] += u32::from(b[1].parse::<f64>().expect("a number") < 10.0);
        }
        assert!((40..=112).contains(&of_key[0]) && (60..=140).contains(&of_key[1]), "{of_key:?}");
    }
}
