//! Elementary effects: how much a result moves when one input moves (Morris 1991, Technometrics 33; Campolongo, Cariboni and
//! Saltelli 2007, Environmental Modelling & Software 22).

use super::interval::Sample;
use super::{Estimate, assert_confidence, mean_ci, t_quantile};

/// What the elementary effects of an input come to. All are in the unit of the result for a move over the whole range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementaryEffects {
    /// Mean of the effects. Effects of opposite signs cancel.
    pub mu: f64,
    /// Mean of their sizes, with its Student t interval over the trajectories, cut at 0.
    pub mu_star: Estimate,
    /// Sample standard deviation. Large against `mu_star`: the effect hangs on the other inputs or on the input itself.
    pub sigma: f64,
}

impl ElementaryEffects {
    /// Sums up the effects of an input, one for each trajectory.
    ///
    /// # Panics
    /// Unless `0 < confidence < 1`.
    pub fn of(effects: &[f64], confidence: f64) -> ElementaryEffects {
        let sample = Sample::of(effects);
        let sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
        ElementaryEffects {
            mu: sample.mean,
            mu_star: mean_ci(&sizes, confidence).within((0.0, f64::INFINITY)),
            sigma: sample.deviation(),
        }
    }
}

/// The mean size of an effect that an input without any effect exceeds with a probability of at most `level`, by the noise of
/// the seeds alone.
///
/// Each row is a trajectory: its effect under each seed, with the same seed at both ends of the step, so that the rows' mean is
/// the trajectory's effect. The floor is Student's t at `1 - level / 2` times the mean of the standard errors of these effects.
/// It has the degrees of freedom of one row: the rows share their seeds, and may all err together. Where they err apart, an input
/// without effect is above the floor less often. `None` with fewer than two seeds.
///
/// # Panics
/// Unless `0 < level < 1`.
pub fn noise_floor(effects: &[Vec<f64>], level: f64) -> Option<f64> {
    assert_confidence(level);
    let seeds = effects.iter().map(Vec::len).min().filter(|seeds| *seeds >= 2)?;
    let errors = effects.iter().map(|row| libm::sqrt(Sample::of(row).variance_of_mean()));
    Some(t_quantile(1.0 - level / 2.0, seeds as f64 - 1.0) * errors.sum::<f64>() / effects.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::normal_quantile;
    use super::super::testing::assert_close;
    use super::*;
    use crate::kernel::random::{Purpose, Stream, open_unit};

    /// From the reference family morris: a linear function has its coefficients as effects; that of `3 x1 x2` in `x1` is `3 x2`,
    /// at each of the four levels of `x2`.
    #[test]
    fn golden_effects() {
        for c in [1.0, 2.0, 0.0, 10.0, 0.1] {
            let linear = ElementaryEffects::of(&[c; 4], 0.95);
            assert_close(linear.mu, c, 1e-15, "mu");
            assert_close(linear.mu_star.mean, c, 1e-15, "mu*");
            assert!(linear.sigma < 1e-15);
        }
        let product = ElementaryEffects::of(&[0.0, 1.0, 2.0, 3.0], 0.95);
        assert_close(product.mu, 1.5, 1e-15, "mu");
        assert_close(product.mu_star.mean, 1.5, 1e-15, "mu*");
        assert_close(product.sigma, 1.290_994_448_735_805_6, 1e-15, "sigma");
    }

    #[test]
    fn effects_of_opposite_signs_cancel_in_mu_alone() {
        let effects = ElementaryEffects::of(&[2.0, -2.0, 2.0, -2.0], 0.95);
        assert!(effects.mu.abs() < 1e-15);
        assert_close(effects.mu_star.mean, 2.0, 1e-15, "mu*");
        // Squared deviations of 4 each, by n - 1.
        assert_close(effects.sigma, libm::sqrt(16.0 / 3.0), 1e-15, "sigma");
    }

    /// An input without effect is above the floor as often as the level says where all trajectories err together, and less often
    /// where they err apart: 400 repeats with 6 seeds, normal noise of unequal size. The bounds are 3.7 standard deviations around 20.
    #[test]
    fn noise_alone_is_above_the_floor_as_often_as_the_level_says() {
        for together in [true, false] {
            let mut above = 0;
            for repeat in 0..400 {
                let stream = Stream::new(1, repeat, Purpose::Design, 0);
                let normal =
                    |row: u64, seed: u64| normal_quantile(open_unit(stream.bits(row, seed)) * 0.999_999);
                let row = |row: u64| -> Vec<f64> {
                    let size = (row % 3 + 1) as f64;
                    (0..6).map(|seed| size * normal(if together { 0 } else { row }, seed)).collect()
                };
                let rows: Vec<Vec<f64>> = (0..10).map(row).collect();
                let effects: Vec<f64> = rows.iter().map(|row| row.iter().sum::<f64>() / 6.0).collect();
                let floor = noise_floor(&rows, 0.05).expect("a floor");
                above += u32::from(ElementaryEffects::of(&effects, 0.95).mu_star.mean > floor);
            }
            if together {
                assert!((4..=36).contains(&above), "{above} of 400");
            } else {
                assert!(above <= 4, "{above} of 400");
            }
        }
    }

    /// With one trajectory the floor is the t interval's half width: t of 4 degrees of freedom from the oracle t_quantiles.
    #[test]
    fn the_floor_is_the_half_width_of_an_interval() {
        let row = vec![1.0, 2.0, 3.0, 4.0, 5.0];
        let half = 2.776_445_105_197_793_4 * libm::sqrt(0.5);
        assert_close(noise_floor(std::slice::from_ref(&row), 0.05).expect("a floor"), half, 1e-12, "one row");
        // A trajectory without noise halves the mean error.
        let floor = noise_floor(&[row, vec![7.0; 5]], 0.05).expect("a floor");
        assert_close(floor, half / 2.0, 1e-12, "two rows");
        assert_eq!(noise_floor(&[vec![1.0], vec![2.0]], 0.05), None, "one seed has no noise to see");
    }
}
