//! Timelines as a picture holds them: at most so many columns, each made of whole buckets.

use crate::experiment::results::{PolicyResults, Results};
use crate::kernel::Dur;
use crate::metrics::timeline::Bucket;

/// More columns than this are narrower than a pixel in most panels.
pub const MOST: usize = 600;

/// How the buckets of a run become columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Buckets in a column; the last column may have fewer.
    pub per_column: usize,
    /// How many columns.
    pub count: usize,
    /// Width of a bucket.
    pub bucket: Dur,
    /// End of the run.
    pub horizon: Dur,
}

/// What a column says of its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// Their mean, per second.
    Rate,
    /// The greatest, per second.
    GreatestRate,
    /// The greatest.
    Greatest,
    /// The sum of all buckets up to the column's end.
    SumSoFar,
}

impl Columns {
    /// For all timelines of these results, which share one bucket width. Without any, no column.
    pub fn of(results: &Results) -> Columns {
        Columns::at_most(results, MOST)
    }

    /// The same with fewer columns, for a page whose size is bounded.
    pub fn at_most(results: &Results, most: usize) -> Columns {
        let timelines = || results.policies.iter().flat_map(|policy| &policy.timelines);
        let buckets = timelines().map(|timeline| timeline.buckets.len()).max().unwrap_or(0);
        let bucket = timelines().next().map_or(Dur(1), |timeline| Dur(timeline.bucket.0.max(1)));
        let per_column = buckets.div_ceil(most.max(1)).max(1);
        Columns { per_column, count: buckets.div_ceil(per_column), bucket, horizon: results.horizon }
    }

    /// Whether a column stands for more than one bucket.
    pub const fn merges(&self) -> bool {
        self.per_column > 1
    }

    /// Where column `i` begins, in nanoseconds; `count` gives the end of the last one.
    pub fn begin(&self, i: usize) -> f64 {
        let begin = u128::from(self.bucket.0) * (i as u128) * (self.per_column as u128);
        begin.min(u128::from(self.horizon.0)) as f64
    }

    /// One value per column. A last bucket cut by the horizon counts with its full width, so that a sliver of a second
    /// cannot look like a peak.
    pub fn values(&self, buckets: &[Bucket], say: Say, value: impl Fn(&Bucket) -> u64) -> Vec<f64> {
        let seconds = self.bucket.as_secs_f64();
        let mut so_far = 0u64;
        let mut column = |part: &[Bucket]| {
            let sum: u64 = part.iter().map(&value).sum();
            let greatest = part.iter().map(&value).max().unwrap_or(0) as f64;
            so_far += sum;
            match say {
                Say::Rate => sum as f64 / (seconds * part.len().max(1) as f64),
                Say::GreatestRate => greatest / seconds,
                Say::Greatest => greatest,
                Say::SumSoFar => so_far as f64,
            }
        };
        (0..self.count)
            .map(|i| {
                let begin = (i * self.per_column).min(buckets.len());
                let end = (begin + self.per_column).min(buckets.len());
                column(&buckets[begin..end])
            })
            .collect()
    }

    /// What the columns stand for, where they stand for more than a bucket.
    pub fn note(&self, how: &str) -> Option<String> {
        self.merges().then(|| format!("each column: {how} {} buckets of {}", self.per_column, self.bucket))
    }
}

/// What the replications have in common, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// A tenth of the replications is below.
    pub low: Vec<f64>,
    /// Half of them.
    pub median: Vec<f64>,
    /// Nine tenths.
    pub high: Vec<f64>,
}

impl Spread {
    /// Over the replications of a policy.
    pub fn of(policy: &PolicyResults, columns: Columns, say: Say, value: impl Fn(&Bucket) -> u64) -> Spread {
        let runs: Vec<Vec<f64>> =
            policy.timelines.iter().map(|t| columns.values(&t.buckets, say, &value)).collect();
        let mut spread = Spread { low: Vec::new(), median: Vec::new(), high: Vec::new() };
        for column in 0..columns.count {
            let mut values: Vec<f64> = runs.iter().map(|run| run[column]).collect();
            values.sort_by(f64::total_cmp);
            spread.low.push(quantile(&values, 0.1));
            spread.median.push(quantile(&values, 0.5));
            spread.high.push(quantile(&values, 0.9));
        }
        spread
    }

    /// The greatest value that is drawn.
    pub fn greatest(&self) -> f64 {
        self.high.iter().copied().fold(0.0, f64::max)
    }
}

/// The quantile of ascending values, between neighbours on a straight line; 0 of none.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    ascending[below] + (ascending[above] - ascending[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn columns_hold_every_bucket_once() {
        for buckets in [1, 599, 600, 601, 1_000, 100_000] {
            let results = synthetic::storm(&["a"], buckets, 1);
            let columns = Columns::of(&results);
            assert!(columns.count <= MOST && columns.count * columns.per_column >= buckets);
            let timeline = &results.policies[0].timelines[0];
            let calls = |b: &Bucket| b.calls.iter().flatten().sum();
            let total: u64 = timeline.buckets.iter().map(calls).sum();
            let sums = columns.values(&timeline.buckets, Say::SumSoFar, calls);
            assert_eq!(sums.last().copied(), Some(total as f64));
            let mean = columns.values(&timeline.buckets, Say::Rate, calls);
            let peak = columns.values(&timeline.buckets, Say::GreatestRate, calls);
            assert!(mean.iter().zip(&peak).all(|(mean, peak)| mean <= peak));
            assert!(columns.begin(columns.count) <= results.horizon.0 as f64);
        }
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[], 0.5).to_bits(), 0.0f64.to_bits());
        for (values, share, expected) in
            [(&[7.0][..], 0.9, 7.0), (&[1.0, 2.0], 0.5, 1.5), (&[0.0, 10.0, 20.0], 0.1, 2.0)]
        {
            assert!((quantile(values, share) - expected).abs() < 1e-12);
        }
    }
}
