//! The policies of results compared with the first one, replication by replication, since replications of one number have the
//! same random numbers (Law, *Simulation Modeling and Analysis*, sections 10.2 and 11.2).
//!
//! The intervals of all comparisons hold together with 95% (Bonferroni), whichever of them a reader looks at.

use super::{PolicyResults, Results, measured};
use crate::metrics::{Metric, metrics_of};
use crate::stats::{CONFIDENCE, Estimate, each_of, paired_difference, pairing_saves};
use crate::text::number::{share, short, whole};

/// Comparisons of the policies with the first one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparisons {
    /// Name of the first policy.
    pub first: String,
    /// Number of comparisons. It depends on the scenario alone and not on what its runs show.
    pub family: usize,
    /// The comparisons, by policy, then by metric.
    pub all: Vec<PairedDifference>,
}

/// The difference of a metric between a policy and the first one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PairedDifference {
    /// The other policy.
    pub policy: String,
    /// The metric.
    pub metric: Metric,
    /// Its value under the other policy minus that under the first one, with the interval that holds for all comparisons
    /// together. With one replication both ends equal the difference.
    pub together: Estimate,
    /// How many times as many runs with random numbers of their own tell it as precisely; absent without spread.
    pub pairing: Option<f64>,
}

impl Comparisons {
    /// Compares the policies in every metric that the scenario can move. `None` with fewer than two policies.
    pub fn of(results: &Results) -> Option<Comparisons> {
        let (first, others) = results.policies.split_first().filter(|(_, others)| !others.is_empty())?;
        let known = metrics_of(results.families()).iter().map(|def| def.metric);
        let metrics: Vec<Metric> = known.filter(|metric| measured::can_move(results, *metric)).collect();
        let pairs: Vec<_> = others
            .iter()
            .flat_map(|other| metrics.iter().filter_map(move |metric| pair(other, first, *metric)))
            .collect();
        let family = pairs.len();
        let confidence = each_of(family, CONFIDENCE);
        let compared = |(policy, metric, a, b): (&str, Metric, &[f64], &[f64])| PairedDifference {
            policy: policy.to_owned(),
            metric,
            together: paired_difference(a, b, confidence),
            pairing: pairing_saves(a, b),
        };
        Some(Comparisons {
            first: first.name.clone(),
            family,
            all: pairs.into_iter().map(compared).collect(),
        })
    }

    /// The comparison of a policy in a metric.
    pub fn get(&self, policy: &str, metric: Metric) -> Option<&PairedDifference> {
        self.all.iter().find(|one| one.policy == policy && one.metric == metric)
    }

    /// How the intervals are meant, and what the pairing saved, a sentence each, without full stops. Empty with one replication, and
    /// where no interval shows a difference.
    pub fn in_words(&self, replications: u32) -> Vec<String> {
        let shows = |one: &PairedDifference| one.together.ci_low > 0.0 || one.together.ci_high < 0.0;
        if replications < 2 || !self.all.iter().any(shows) {
            return Vec::new();
        }
        let level = match self.family {
            1 => format!("The {} interval of the difference is that of one comparison", share(CONFIDENCE)),
            all => format!(
                "The intervals of differences hold for all {} comparisons together with {} (Bonferroni); ≈ is a difference that \
                 they do not show",
                whole(all as u64),
                share(CONFIDENCE)
            ),
        };
        std::iter::once(level).chain(paired_in_words(self.all.iter().filter_map(|one| one.pairing))).collect()
    }
}

type Pair<'a> = (&'a str, Metric, &'a [f64], &'a [f64]);

fn pair<'a>(other: &'a PolicyResults, first: &'a PolicyResults, metric: Metric) -> Option<Pair<'a>> {
    let (a, b) = (measured::of(other, metric)?, measured::of(first, metric)?);
    (a.values.len() == b.values.len()).then_some((other.name.as_str(), metric, &a.values[..], &b.values[..]))
}

/// What pairing replications saved, from the factors of runs that it saved in each comparison: a sentence without full stop.
/// Absent without any.
pub fn paired_in_words(saved: impl Iterator<Item = f64>) -> Option<String> {
    let mut saved: Vec<f64> = saved.collect();
    saved.sort_unstable_by(f64::total_cmp);
    let (least, most) = (*saved.first()?, *saved.last()?);
    let median = saved[(saved.len() - 1) / 2];
    let text = match saved.len() {
        1 => format!("Replications are paired; without that it would take {}x the runs", short(median)),
        all => format!(
            "Replications are paired; without that the median of {} comparisons would take {}x the runs ({} to {})",
            whole(all as u64),
            short(median),
            short(least),
            short(most)
        ),
    };
    let hurt = saved.iter().filter(|factor| **factor < 1.0).count();
    Some(match hurt {
        0 => text,
        n => format!("{text}; below 1, in {} of them, pairing hurt", whole(n as u64)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{self, set};
    use super::*;

    /// Ten pairs of the reference family paired_crn: the 95% interval is 1.59 to 1.87; of many comparisons it is wider.
    #[test]
    fn intervals_hold_together_and_the_pairing_is_told() {
        let mut results = synthetic::empty(&["old", "new"]);
        results.replications = 10;
        let a = [12.1, 11.8, 13.0, 12.4, 11.9, 12.7, 12.2, 12.9, 11.5, 12.3];
        let b = [10.2, 10.4, 11.1, 10.9, 9.9, 11.0, 10.3, 11.3, 9.8, 10.6];
        for def in metrics_of(results.families()) {
            (0..2).for_each(|policy| set(&mut results, policy, def.metric, &[0.0; 10]));
        }
        set(&mut results, 0, Metric::RequestsTotal, &b);
        set(&mut results, 1, Metric::RequestsTotal, &a);
        let found = Comparisons::of(&results).expect("two policies");
        assert!(found.family > 10 && found.family == found.all.len(), "{}", found.family);
        let one = found.get("new", Metric::RequestsTotal).expect("a comparison");
        assert_eq!(one.together, paired_difference(&a, &b, 1.0 - 0.05 / found.family as f64));
        assert!(one.together.ci_low < 1.590 && one.together.ci_high > 1.870, "{:?}", one.together);
        assert!((one.pairing.unwrap_or_default() - 13.199).abs() < 0.001);
        let words = found.in_words(10);
        let together = format!("hold for all {} comparisons together with 95% (Bonferroni)", found.family);
        assert!(words[0].contains(&together), "{words:?}");
        assert_eq!(words[1], "Replications are paired; without that it would take 13.2x the runs");
        // The family does not grow with what happens.
        set(&mut results, 1, Metric::Amplification, &a);
        assert_eq!(Comparisons::of(&results).map(|more| more.family), Some(found.family));
        assert!(found.in_words(1).is_empty());
        results.policies.truncate(1);
        assert_eq!(Comparisons::of(&results), None);
    }

    #[test]
    fn a_pairing_that_hurts_is_said() {
        let words = paired_in_words([2.0, 0.5, 13.2].into_iter()).unwrap_or_default();
        assert_eq!(
            words,
            "Replications are paired; without that the median of 3 comparisons would take 2x the runs (0.50 to 13.2); below 1, in \
             1 of them, pairing hurt"
        );
        assert_eq!(paired_in_words(std::iter::empty()), None);
    }
}
