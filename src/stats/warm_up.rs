//! Warm-up truncation: how many observations to discard before a long-run mean.

/// Observations per batch of MSER-5.
const BATCH: usize = 5;

/// Result of MSER-5.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truncation {
    /// Observations to discard at the start: a multiple of 5.
    pub observations: usize,
    /// Mean of the whole batches after the truncation point, in the unit of the values.
    pub mean_after: f64,
    /// The MSER statistic at the truncation point, in the squared unit of the values.
    pub mser: f64,
}

/// The truncation point of the marginal standard error rule on batches of five (White 1997; White, Cobb and Spratt,
/// Winter Simulation Conference 2000).
///
/// Over the n means of five successive values, the rule minimizes
/// `sum of (y_i - mean)^2 over i > d, divided by (n - d)^2` for d up to n / 2 and takes the smallest such d. Values
/// after the last whole batch do not count. A truncation at n / 2 means that the run was too short to tell. For fewer
/// than five values nothing is discarded and `mean_after` is their mean, or 0 for none.
pub fn mser5(values: &[f64]) -> Truncation {
    let batches: Vec<f64> =
        values.chunks_exact(BATCH).map(|b| b.iter().sum::<f64>() / BATCH as f64).collect();
    let n = batches.len();
    if n == 0 {
        let mean_after = values.iter().sum::<f64>() / values.len().max(1) as f64;
        return Truncation { mean_after, ..Truncation::default() };
    }
    // Runs from the back: each d adds one batch to those kept (Welford 1962).
    let (mut mean, mut squares) = (0.0, 0.0);
    let mut best = Truncation { mser: f64::INFINITY, ..Truncation::default() };
    for d in (0..n).rev() {
        let kept = (n - d) as f64;
        let deviation = batches[d] - mean;
        mean += deviation / kept;
        squares += deviation * (batches[d] - mean);
        let mser = squares / (kept * kept);
        if d <= n / 2 && mser <= best.mser {
            best = Truncation { observations: d * BATCH, mean_after: mean, mser };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// From the oracle mser5_golden (White 1997; White, Cobb and Spratt 2000), n = 500: x_i = ((7919 i) mod 101) / 101
    /// + scale * 0.97^i: (scale, truncation, mean after, MSER, mean of all).
    const GOLDEN: [(f64, usize, f64, f64, f64); 2] = [
        (3.0, 135, 0.498_613_484_798_636_4, 4.589_927_923_732_338e-5, 0.694_178_169_192_581),
        (0.0, 5, 0.495_009_500_950_095, 3.351_308_612_047_704e-5, 0.494_178_217_821_782_06),
    ];

    #[test]
    fn mser5_matches_golden_series() {
        for (scale, observations, mean_after, mser, mean_of_all) in GOLDEN {
            let mut transient = scale;
            let series: Vec<f64> = (0..500u32)
                .map(|i| {
                    let value = f64::from(7919 * i % 101) / 101.0 + transient;
                    transient *= 0.97;
                    value
                })
                .collect();
            assert_close(series.iter().sum::<f64>() / 500.0, mean_of_all, 1e-13, "the series itself");
            let cut = mser5(&series);
            assert_eq!(cut.observations, observations);
            assert_close(cut.mean_after, mean_after, 1e-13, "mean after the cut");
            assert_close(cut.mser, mser, 1e-12, "statistic");
            assert_eq!(mser5(&[&series[..], &[1e9; 4]].concat()), cut, "four values are no whole batch");
        }
    }

    #[test]
    fn short_and_flat_series() {
        assert_eq!(mser5(&[]), Truncation::default());
        assert_eq!(mser5(&[1.0, 2.0]), Truncation { mean_after: 1.5, ..Truncation::default() });
        assert_eq!(mser5(&[4.0; 5]), Truncation { mean_after: 4.0, ..Truncation::default() });
        // No cut improves the statistic, so the smallest one is taken.
        assert_eq!(mser5(&[4.0; 50]), Truncation { mean_after: 4.0, ..Truncation::default() });
        let shifted = [[9.0; 40], [1.0; 40]].concat();
        assert_eq!(mser5(&shifted).observations, 40);
        // A series that never settles is truncated at half, not later.
        let falling: Vec<f64> = (0..100).map(|i| -f64::from(i)).collect();
        assert_eq!(mser5(&falling).observations, 50);
    }
}
