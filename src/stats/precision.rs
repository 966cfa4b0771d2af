//! Replicating until an interval is narrow enough: when to look, and what is narrow enough.
//!
//! The rule is sequential: it looks at [`FIRST_LOOK`] values, and again each time their number has grown by half, and stops
//! at the first look at which the half width of the Student t interval is narrow enough (Chow and Robbins 1965, Ann. Math.
//! Statist. 36; Law, *Simulation Modeling and Analysis*, section 9.4.1). The interval is then the one of a number of values
//! that was chosen by looking, so its coverage tends to the nominal one only as the width shrinks. It falls short where
//! values are few, rare or skewed (Singham and Schruben 2012, Winter Simulation Conference). Measured, in percent, of
//! nominal 95%, with the mean number of values; 1,000 repeats on fixed seeds, so that the standard error is 0.7:
//!
//! | values | half width 20% of the mean | 10% | 5% |
//! | --- | --- | --- | --- |
//! | uniform, coefficient of variation 0.5 | 94.8 (45) | 94.2 (147) | 94.2 (517) |
//! | exponential | 93.0 (168) | 93.7 (542) | 94.1 (1963) |
//! | 0 or 1, half of them 1 | 93.2 (175) | 94.9 (545) | 95.5 (1978) |
//! | 0 or 1, 5% of them 1 | 95.4 (3269) | 93.7 (10990) | - |
//!
//! Values without spread say nothing of how far other values are from them, so their interval has no width that could be
//! narrow enough. The rule then replicates until at most [`MAY_DIFFER`] of all values can be different ones, by the interval
//! that holds at any number of values: 158 equal values, seen at the look at 230.
//!
//! `cargo test --lib stats::precision` measures them again and fails if this table is not what it finds.

use super::{CONFIDENCE, Trials, mean_ci};

/// Values at the first look. Fewer would stop at once where the first few are equal by chance.
pub const FIRST_LOOK: u32 = 30;

/// The share of values that may still differ from values without spread when the rule stops.
pub const MAY_DIFFER: f64 = 1.0 - CONFIDENCE;

/// The least and the greatest share of intervals that hold the true mean, of the cells of this module's table.
pub const MEASURED_COVERAGE: [f64; 2] = [0.93, 0.955];

/// The numbers of values at which to look: [`FIRST_LOOK`], each 1.5 times the one before (30, 45, 68, 102 and so on), and
/// `most` as the last. If `most` is less than [`FIRST_LOOK`], the only look is at `most`.
pub fn looks(most: u32) -> impl Iterator<Item = u32> {
    let next = move |n: &u32| (*n < most).then(|| n.saturating_add(n.div_ceil(2)).min(most));
    std::iter::successors(Some(FIRST_LOOK.min(most)), next)
}

/// How precisely a mean or a share is known, and how precisely it is to be known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Width {
    /// Half width of the interval, in the unit of the values.
    pub half: f64,
    /// The half width that is narrow enough, in the same unit.
    pub enough: f64,
    /// Of values without spread, the upper bound of the share of all values that differ from them.
    pub may_differ: Option<f64>,
}

impl Width {
    /// The mean to a share `relative` of the true mean, or to an absolute `floor`, whichever is wider.
    ///
    /// The half width that is enough is `relative / (1 + relative)` of the estimated mean, because the share is one of the
    /// true mean (Law, section 9.4.1).
    ///
    /// # Panics
    /// Unless `0 < confidence < 1`.
    pub fn relative(values: &[f64], relative: f64, floor: f64, confidence: f64) -> Width {
        let width = Width::absolute(values, floor, confidence);
        let mean = mean_ci(values, confidence).mean.abs();
        Width { enough: floor.max(relative / (1.0 + relative) * mean), ..width }
    }

    /// The mean to an absolute half width.
    ///
    /// # Panics
    /// Unless `0 < confidence < 1`.
    pub fn absolute(values: &[f64], enough: f64, confidence: f64) -> Width {
        let interval = mean_ci(values, confidence);
        // One value has no interval. An infinite mean has none either.
        let has_interval = values.len() > 1 && interval.mean.is_finite();
        let half = if has_interval { (interval.ci_high - interval.ci_low) / 2.0 } else { f64::INFINITY };
        let is_same = values.iter().all(|value| value.to_bits() == values[0].to_bits());
        let same = Trials { passes: values.len() as u64, fails: 0 };
        let may_differ = (has_interval && is_same).then(|| 1.0 - same.share_at_any_time(confidence).0);
        Width { half, enough, may_differ }
    }

    /// The share of trials that pass to an absolute half width, by the interval that holds at every number of trials at
    /// once ([`Trials::share_at_any_time`]): no look spoils it.
    ///
    /// # Panics
    /// Unless `0 < confidence < 1`.
    pub fn of_share(trials: Trials, enough: f64, confidence: f64) -> Width {
        let (low, high) = trials.share_at_any_time(confidence);
        Width { half: (high - low) / 2.0, enough, may_differ: None }
    }

    /// Whether the interval is narrow enough, and, without spread, whether few enough values may differ.
    pub fn is_reached(self) -> bool {
        self.half.is_finite()
            && self.half <= self.enough
            && self.may_differ.is_none_or(|share| share <= MAY_DIFFER)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;
    use crate::kernel::random::{Purpose, Stream, open_unit};
    use crate::parallel;

    /// Repeats of each measurement.
    const REPEATS: u32 = 1_000;

    #[test]
    fn looks_grow_by_half_up_to_the_bound() {
        assert_eq!(looks(120).collect::<Vec<_>>(), [30, 45, 68, 102, 120]);
        assert_eq!(looks(30).collect::<Vec<_>>(), [30]);
        assert_eq!(looks(7).collect::<Vec<_>>(), [7]);
        assert!(looks(u32::MAX).count() < 60);
    }

    #[test]
    fn narrow_enough_is_a_share_of_the_true_mean_or_the_floor() {
        // 42 within 2: 2 / 42 is below 5%, and 2 / 40, the share of the least true mean, is not.
        let values: Vec<f64> = (0..100).map(|i| 42.0 + if i % 2 == 0 { 10.0 } else { -10.0 }).collect();
        let width = Width::relative(&values, 0.05, 0.0, CONFIDENCE);
        assert!((width.half - 1.994).abs() < 0.001 && (width.enough - 2.0).abs() < 1e-12, "{width:?}");
        assert!(width.is_reached());
        assert!(!Width::relative(&values, 0.049, 0.0, CONFIDENCE).is_reached());
        assert!(Width::relative(&values, 0.001, 2.0, CONFIDENCE).is_reached(), "the floor");
        assert!(!Width::absolute(&values, 1.99, CONFIDENCE).is_reached());
        // What has no interval is not precise.
        assert!(!Width::absolute(&[1.0], 1e9, CONFIDENCE).is_reached());
        assert!(!Width::relative(&[1.0, f64::INFINITY], 0.5, 1e9, CONFIDENCE).is_reached());
        // 158 equal values: 159 * 0.95^158 is the first below 0.05.
        assert!(!Width::relative(&[0.0; 157], 0.05, 9.0, CONFIDENCE).is_reached());
        assert!(Width::relative(&[0.0; 158], 0.05, 0.0, CONFIDENCE).is_reached());
        let share = Width::of_share(Trials { passes: 190, fails: 10 }, 0.056, CONFIDENCE);
        assert!(share.is_reached() && share.half > 0.055, "{share:?}");
    }

    /// The reference family relative_precision_stop (Law, section 9.4.1), which looks at every number of values from the second on, over
    /// ((7919 i) mod 101) / 101 - 1/2 + mu: mu, first look, share of the mean, values at the stop, mean, half width.
    const STOPS: [(f64, usize, f64, usize, f64, f64); 4] = [
        (1.0, 3, 0.2, 16, 0.950_495_049_504_950_6, 0.149_224_002_715_079_46),
        (1.0, 20, 0.05, 146, 0.994_167_909_941_679_3, 0.047_244_293_089_003_27),
        (0.5, 20, 0.05, 578, 0.495_580_526_910_822_6, 0.023_571_308_299_287_22),
        (2.0, 30, 0.02, 213, 1.991_981_592_525_449_6, 0.038_970_147_938_736_04),
    ];

    #[test]
    fn the_rule_stops_where_the_reference_does() {
        for (mu, first, relative, stop, mean, half) in STOPS {
            let values: Vec<f64> =
                (1..=1_000).map(|i| f64::from(7_919 * i % 101) / 101.0 - 0.5 + mu).collect();
            let width = |n: &usize| Width::relative(&values[..*n], relative, 0.0, CONFIDENCE);
            let stopped = (first..=values.len()).find(|n| width(n).is_reached()).expect("a stop");
            assert_eq!(stopped, stop, "mu {mu}, {relative}");
            assert_close(width(&stop).half, half, 1e-11, "half width");
            assert_close(mean_ci(&values[..stop], CONFIDENCE).mean, mean, 1e-12, "mean");
        }
    }

    /// A population with a known mean: a value from a number in (0, 1).
    type Population = (&'static str, f64, fn(f64) -> f64);

    /// Coefficients of variation: 0.5, 1, 1 and 4.36.
    const POPULATIONS: [Population; 4] = [
        ("uniform, coefficient of variation 0.5", 1.0, |u| 1.0 + libm::sqrt(3.0) * (u - 0.5)),
        ("exponential", 1.0, |u| -libm::log(u)),
        ("0 or 1, half of them 1", 0.5, |u| f64::from(u8::from(u < 0.5))),
        ("0 or 1, 5% of them 1", 0.05, |u| f64::from(u8::from(u < 0.05))),
    ];

    /// Of the repeats, those whose interval holds the true mean when the rule stops, and the values that they took.
    fn covered(number: usize, relative: f64) -> (u32, u64) {
        let (name, truth, value) = POPULATIONS[number];
        let repeat = |repeat: &u32| {
            let stream = Stream::named(11, *repeat, Purpose::Design, name);
            let mut values: Vec<f64> = Vec::new();
            for look in looks(100_000) {
                values
                    .extend((values.len() as u64..look.into()).map(|i| value(open_unit(stream.bits(i, 0)))));
                if Width::relative(&values, relative, 0.0, CONFIDENCE).is_reached() {
                    break;
                }
            }
            let interval = mean_ci(&values, CONFIDENCE);
            (u32::from(interval.ci_low <= truth && truth <= interval.ci_high), values.len() as u64)
        };
        let all = parallel::map(&(0..REPEATS).collect::<Vec<_>>(), repeat);
        all.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// The table of this module's text is what is measured.
    #[test]
    fn measured_coverage_is_the_stated_one() {
        let text = include_str!("precision.rs");
        let mut missing = String::new();
        let measured = std::cell::Cell::new([1.0_f64, 0.0]);
        for (number, (name, ..)) in POPULATIONS.iter().enumerate() {
            let cell = |relative: f64| {
                let (covered, values) = covered(number, relative);
                let share = f64::from(covered) / f64::from(REPEATS);
                assert!((0.92..0.97).contains(&share), "{name} at {relative}: {share}");
                let [least, most] = measured.get();
                measured.set([least.min(share), most.max(share)]);
                format!("{:.1} ({})", 100.0 * share, values / u64::from(REPEATS))
            };
            // The rarest event takes 30,000 values for 5%, which is too much work for a test.
            let finest = if number == 3 { "-".to_owned() } else { cell(0.05) };
            let row = format!("//! | {name} | {} | {} | {finest} |", cell(0.2), cell(0.1));
            if !text.contains(&row) {
                missing.push_str(&format!("\n{row}"));
            }
        }
        assert!(missing.is_empty(), "the table needs the rows{missing}");
        for (measured, stated) in measured.get().into_iter().zip(MEASURED_COVERAGE) {
            assert!((measured - stated).abs() < 1e-9, "{measured} is stated as {stated}");
        }
    }

    /// The interval of a share holds at every look at once: of 400 sequences at most those leave it that 5% may, which is 36
    /// or more with a probability below a thousandth.
    #[test]
    fn the_interval_of_a_share_holds_at_all_looks() {
        for share in [0.05, 0.5] {
            let leaves = (0..400).filter(|repeat| {
                let stream = Stream::named(12, *repeat, Purpose::Design, "share");
                let mut trials = Trials::default();
                looks(500).any(|look| {
                    for i in trials.runs()..look.into() {
                        trials.add(open_unit(stream.bits(i, 0)) < share);
                    }
                    let (low, high) = trials.share_at_any_time(CONFIDENCE);
                    share < low || high < share
                })
            });
            assert!(leaves.count() <= 35, "{share}");
        }
    }
}
