//! Timelines cut for pictures: a limited number of columns, each of whole buckets.

use super::palette::BANDS;
use super::series::SERIES;
use crate::kernel::Dur;
use crate::metrics::timeline::Bucket;
use crate::results::{PolicyResults, Results};

/// More columns than this are narrower than a pixel in most panels.
pub const MOST: usize = 600;
/// The most numbers in all series of a page together. Columns become coarser until they fit. Pictures use the same
/// columns, so that both show the same.
const MOST_NUMBERS: usize = 60_000;
/// The most policies that are drawn. Only the CSV files have the others.
pub const MOST_POLICIES: usize = 40;

/// Maps the buckets of a run to columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Buckets in a column; the last column may have fewer.
    pub per_column: usize,
    /// Number of columns.
    pub count: usize,
    /// Length of a bucket.
    pub bucket: Dur,
    /// End of the run.
    pub horizon: Dur,
}

/// How a column summarises its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Mean of the buckets, per second.
    Rate,
    /// Greatest of the buckets, per second.
    GreatestRate,
    /// Greatest of the buckets.
    Greatest,
    /// Sum of all buckets up to the column's end.
    SumSoFar,
    /// How many at a time: the nanoseconds spent in the column, divided by the column's length.
    Level,
}

impl Aggregate {
    /// Whether the line of several replications is their mean. It is the mean for values that add up, so that the line ends
    /// at the mean in the tables. It is the median for greatest values.
    pub const fn is_mean(self) -> bool {
        matches!(self, Aggregate::Rate | Aggregate::SumSoFar | Aggregate::Level)
    }

    /// Explains the line and the band of several replications in the notes above a chart.
    pub const fn note(self) -> &'static str {
        if self.is_mean() {
            "lines: mean of the replications, bands: from a tenth to nine tenths of them"
        } else {
            "lines: median of the replications, bands: from a tenth to nine tenths of them"
        }
    }
}

impl Columns {
    /// Columns for all timelines of these results, which share one bucket length. No columns if there is no timeline.
    pub fn of(results: &Results) -> Columns {
        let policies = results.policies.len().clamp(1, MOST_POLICIES);
        let series = BANDS.len() + 1 + 3 * SERIES.len();
        Columns::at_most(results, (MOST_NUMBERS / (policies * series)).clamp(8, MOST))
    }

    /// As [`Columns::of`] with at most `most` columns, for pictures of limited size.
    pub fn at_most(results: &Results, most: usize) -> Columns {
        let timelines = || results.policies.iter().flat_map(|policy| &policy.timelines);
        let buckets = timelines().map(|timeline| timeline.buckets.len()).max().unwrap_or(0);
        let bucket = timelines().next().map_or(Dur(1), |timeline| Dur(timeline.bucket.0.max(1)));
        let per_column = buckets.div_ceil(most.max(1)).max(1);
        Columns { per_column, count: buckets.div_ceil(per_column), bucket, horizon: results.horizon }
    }

    /// Whether a column holds more than one bucket.
    pub const fn merges(&self) -> bool {
        self.per_column > 1
    }

    /// Where column `i` begins, in nanoseconds; `count` gives the end of the last one.
    pub fn begin(&self, i: usize) -> f64 {
        let begin = u128::from(self.bucket.0) * (i as u128) * (self.per_column as u128);
        begin.min(u128::from(self.horizon.0)) as f64
    }

    /// One value per column. A last bucket that the horizon cuts counts with its full length, so that a sliver of a second
    /// does not look like a peak.
    /// A level counts with the real length, since its full length would make it sink.
    pub fn values(
        &self,
        buckets: &[Bucket],
        aggregate: Aggregate,
        value: impl Fn(&Bucket) -> f64,
    ) -> Vec<f64> {
        let seconds = self.bucket.as_secs_f64();
        let mut so_far = 0.0;
        let mut column = |i: usize, part: &[Bucket]| {
            // Counts are whole numbers, so a float holds their sums exactly.
            let sum: f64 = part.iter().map(&value).sum();
            let greatest = part.iter().map(&value).fold(0.0, f64::max);
            so_far += sum;
            match aggregate {
                Aggregate::Rate => sum / (seconds * part.len().max(1) as f64),
                Aggregate::GreatestRate => greatest / seconds,
                Aggregate::Greatest => greatest,
                Aggregate::SumSoFar => so_far,
                Aggregate::Level => sum / (self.begin(i + 1) - self.begin(i)).max(1.0),
            }
        };
        (0..self.count)
            .map(|i| {
                let begin = (i * self.per_column).min(buckets.len());
                let end = (begin + self.per_column).min(buckets.len());
                column(i, &buckets[begin..end])
            })
            .collect()
    }

    /// Note on what a column shows, if columns merge buckets.
    pub fn note(&self, how: &str) -> Option<String> {
        self.merges().then(|| format!("each column: {how} {} buckets of {}", self.per_column, self.bucket))
    }
}

/// Spread of a quantity over the replications, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// 10% quantile of the replications.
    pub low: Vec<f64>,
    /// Mean or median of the replications: see [`Aggregate::is_mean`].
    pub middle: Vec<f64>,
    /// 90% quantile of the replications.
    pub high: Vec<f64>,
}

impl Spread {
    /// The spread over the replications of a policy.
    pub fn of(
        policy: &PolicyResults,
        columns: Columns,
        aggregate: Aggregate,
        value: impl Fn(&Bucket) -> f64,
    ) -> Spread {
        let runs: Vec<Vec<f64>> =
            policy.timelines.iter().map(|t| columns.values(&t.buckets, aggregate, &value)).collect();
        let mut spread = Spread { low: Vec::new(), middle: Vec::new(), high: Vec::new() };
        for column in 0..columns.count {
            let mut values: Vec<f64> = runs.iter().map(|run| run[column]).collect();
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            values.sort_by(f64::total_cmp);
            spread.low.push(quantile(&values, 0.1));
            spread.middle.push(if aggregate.is_mean() { mean } else { quantile(&values, 0.5) });
            spread.high.push(quantile(&values, 0.9));
        }
        spread
    }

    /// The greatest value that is drawn, band included.
    pub fn greatest(&self) -> f64 {
        self.high.iter().chain(&self.middle).copied().fold(0.0, f64::max)
    }

    /// The greatest value of the line.
    pub fn top(&self) -> f64 {
        self.middle.iter().copied().fold(0.0, f64::max)
    }

    /// The last value of the line.
    pub fn end(&self) -> f64 {
        self.middle.last().copied().unwrap_or(0.0)
    }
}

/// The value of ascending values that this share of them lies below, counted from the nearer end; 0 for no values. It is
/// always one of the values: between the counts of two replications lies no count of any.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return 0.0 };
    let from_end = (share.min(1.0 - share) * last as f64).floor() as usize;
    ascending[if share <= 0.5 { from_end } else { last - from_end }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    #[test]
    fn columns_hold_every_bucket_once() {
        for buckets in [1, 599, 600, 601, 1_000, 100_000] {
            let results = synthetic::storm(&["a"], buckets, 1);
            let columns = Columns::of(&results);
            assert!(columns.count <= MOST && columns.count * columns.per_column >= buckets);
            let timeline = &results.policies[0].timelines[0];
            let calls = |b: &Bucket| b.calls.iter().flatten().map(|&n| n as f64).sum();
            let total: f64 = timeline.buckets.iter().map(calls).sum();
            let sums = columns.values(&timeline.buckets, Aggregate::SumSoFar, calls);
            assert_eq!(sums.last().copied(), Some(total));
            let mean = columns.values(&timeline.buckets, Aggregate::Rate, calls);
            let peak = columns.values(&timeline.buckets, Aggregate::GreatestRate, calls);
            assert!(mean.iter().zip(&peak).all(|(mean, peak)| mean <= peak));
            assert!(columns.begin(columns.count) <= results.horizon.0 as f64);
        }
    }

    #[test]
    fn a_level_holds_for_a_bucket_that_the_horizon_cuts() {
        // Three sessions without a token throughout: 10 s, 10 s and the last 5 s.
        let mut results = synthetic::storm(&["a"], 3, 1);
        results.horizon = Dur::from_secs(25);
        let timeline = &mut results.policies[0].timelines[0];
        timeline.bucket = Dur::from_secs(10);
        for (bucket, seconds) in timeline.buckets.iter_mut().zip([10u128, 10, 5]) {
            bucket.without_token_ns = 3 * seconds * 1_000_000_000;
        }
        let columns = Columns::of(&results);
        let spread = crate::plot::series::WITHOUT_TOKEN.spread(&results.policies[0], columns);
        assert_eq!(spread.middle, [3.0; 3]);
    }

    #[test]
    fn the_line_of_a_sum_is_its_mean() {
        // Sign-outs of three replications 0, 0 and 6: their mean is 2, their median 0.
        let mut results = synthetic::storm(&["a"], 1, 3);
        for (timeline, outs) in results.policies[0].timelines.iter_mut().zip([0, 0, 6]) {
            timeline.buckets[0].false_sign_outs = outs;
            timeline.buckets[0].depth_max = outs;
        }
        let columns = Columns::of(&results);
        let of = |series: &crate::plot::series::Series| series.spread(&results.policies[0], columns).end();
        assert_eq!(of(&crate::plot::series::FALSE_SIGN_OUTS).to_bits(), 2.0f64.to_bits());
        assert_eq!(of(&crate::plot::series::DEPTH).to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn a_quantile_is_a_value_of_a_replication() {
        assert_eq!(quantile(&[], 0.5).to_bits(), 0.0f64.to_bits());
        for (values, share, expected) in [
            (&[7.0][..], 0.9, 7.0),
            (&[1.0, 2.0], 0.5, 1.0),
            (&[0.0, 10.0, 20.0], 0.1, 0.0),
            (&[0.0, 10.0, 20.0], 0.9, 20.0),
        ] {
            assert!((quantile(values, share) - expected).abs() < 1e-12);
        }
        let twenty: Vec<f64> = (0..20).map(f64::from).collect();
        let ends = [0.1, 0.5, 0.9].map(|share| quantile(&twenty, share) as u32);
        assert_eq!(ends, [1, 9, 18], "as far from one end as from the other");
    }

    #[test]
    fn whole_numbers_have_bands_at_whole_numbers() {
        // Depths 0, 0, 1, 2 and 7 of five replications.
        let mut results = synthetic::storm(&["a"], 1, 5);
        for (timeline, depth) in results.policies[0].timelines.iter_mut().zip([0, 0, 1, 2, 7]) {
            timeline.buckets[0].depth_max = depth;
        }
        let spread = crate::plot::series::DEPTH.spread(&results.policies[0], Columns::of(&results));
        for value in spread.low.iter().chain(&spread.middle).chain(&spread.high) {
            assert!(value.fract() <= 0.0, "{spread:?}");
        }
    }
}
