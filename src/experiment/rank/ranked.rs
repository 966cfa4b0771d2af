//! A ranking as data: rank.json.

use crate::spec::json::output_schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which keys matter for a metric: rank.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Ranking {
    /// Version of authstorm.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario, without the values of the points.
    pub scenario_hash: String,
    /// Seed of the scenario.
    pub seed: u64,
    /// Replications of each policy at each point.
    pub replications: u32,
    /// The metric. What a point shows of it is the mean of its replications.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The keys and their ranges, which decide the ranking.
    pub keys: Vec<RankedKey>,
    /// Trajectories of the screening.
    pub trajectories: u32,
    /// Levels of each key in the screening.
    pub levels: u64,
    /// Rows of each of the two samples that share out the variance; 0 if fewer than two keys are above the noise.
    pub rows: u32,
    /// The most keys among which the variance is shared out.
    pub keep: u64,
    /// Confidence of each interval, and 1 less the probability that some key without any effect is above its floor under a policy.
    pub confidence: f64,
    /// What each policy shows, in the scenario's order.
    pub policies: Vec<PolicyRanking>,
    /// Number of points.
    pub points: u64,
    /// Number of runs, without reference runs.
    pub runs: u64,
    /// Runs in which the metric's event does not happen. They count with the length of the run.
    pub not_within: u64,
    /// Events of all runs, reference runs included.
    pub events: u64,
}

/// A key and its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RankedKey {
    /// The key.
    pub key: String,
    /// The least value, as a scenario writes it.
    pub low: String,
    /// The greatest value.
    pub high: String,
    /// Whether equal ratios are equal steps.
    pub log: bool,
}

/// The ranking under one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyRanking {
    /// The policy's name.
    pub name: String,
    /// Elementary effects of each key, in the order of the question.
    pub screened: Vec<Screened>,
    /// Shares of the variance; absent if fewer than two keys are above the noise, or if the metric is the same at all points.
    pub sharing: Option<Sharing>,
}

/// Elementary effects of a key: what the metric changes by when the key moves over its whole range, as told by steps over two
/// thirds of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Screened {
    /// The key.
    pub key: String,
    /// Mean effect, in the metric's unit. Effects of opposite signs cancel.
    pub mu: f64,
    /// Mean size of an effect.
    pub mu_star: f64,
    /// Lower end of its interval, over the trajectories.
    pub mu_star_low: f64,
    /// Upper end.
    pub mu_star_high: f64,
    /// Standard deviation of the effects: large against `mu-star` where the effect hangs on the other keys, or is no straight line.
    pub sigma: f64,
    /// What `mu-star` would exceed by the noise of the seeds alone with a probability of 5%, all keys together. Absent with one
    /// replication.
    pub noise_floor: Option<f64>,
    /// Whether `mu-star` is above the floor.
    pub matters: bool,
}

/// How the variance of the metric is shared among the keys above the noise. The other keys have the scenario's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Sharing {
    /// Mean of the metric over the ranges.
    pub mean: f64,
    /// Variance over the ranges of the mean of the replications.
    pub variance: f64,
    /// The share of the variance of a single run that its seed explains, alone or together with the keys. Absent with one
    /// replication.
    pub seed_share: Option<f64>,
    /// The share of each key, in the order of the question.
    pub explained: Vec<Explained>,
}

/// The share of the variance that a key explains. An estimate outside of 0 to 1 says that there are too few rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Explained {
    /// The key.
    pub key: String,
    /// Alone: the index of first order.
    pub first: f64,
    /// Its interval, over the rows. Absent if some resample of the rows has no variance.
    pub first_interval: Option<[f64; 2]>,
    /// Alone or together with other keys: the total index.
    pub total: f64,
    /// Its interval.
    pub total_interval: Option<[f64; 2]>,
}

/// The JSON Schema of rank.json, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Ranking>("The ranking of authstorm rank"))
}

/// A key's place in the ranking, with the measure that decides it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ranked<'a> {
    pub screened: &'a Screened,
    pub explained: Option<&'a Explained>,
}

impl PolicyRanking {
    /// The keys from the one that matters most: those with a share of the variance by their total, then the others by their
    /// effects.
    pub(crate) fn ranked(&self) -> Vec<Ranked<'_>> {
        let shares = self.sharing.iter().flat_map(|sharing| &sharing.explained);
        let shares: Vec<&Explained> = shares.collect();
        let ranked = |screened| Ranked {
            screened,
            explained: shares.iter().copied().find(|share| share.key == screened.key),
        };
        let mut all: Vec<Ranked<'_>> = self.screened.iter().map(ranked).collect();
        // A stable sort: equal keys keep the order of the question.
        all.sort_by(|a, b| match (a.explained, b.explained) {
            (Some(a), Some(b)) => b.total.total_cmp(&a.total),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => b.screened.mu_star.total_cmp(&a.screened.mu_star),
        });
        all
    }

    /// Keys beside each other in the ranking whose order is not decided: groups of which every two intervals overlap.
    pub(crate) fn not_told_apart(&self) -> Vec<Vec<&str>> {
        let ranked = self.ranked();
        let ends = |ranked: &Ranked<'_>| match ranked.explained {
            Some(share) => share.total_interval,
            None => Some([ranked.screened.mu_star_low, ranked.screened.mu_star_high]),
        };
        let overlap = |a: &Ranked<'_>, b: &Ranked<'_>| {
            // A key below the noise is not ranked among the others.
            let alike = a.explained.is_some() == b.explained.is_some();
            let apart = ends(a).zip(ends(b)).is_some_and(|(a, b)| a[0] > b[1] || b[0] > a[1]);
            alike && a.screened.matters && b.screened.matters && !apart
        };
        let (mut groups, mut told) = (Vec::new(), 0);
        for first in 0..ranked.len() {
            let reaches = |end: &usize| (first..*end).all(|before| overlap(&ranked[before], &ranked[*end]));
            let end = (first + 1..ranked.len()).take_while(reaches).last().map_or(first, |last| last) + 1;
            // A part of a group is none of its own.
            if end > told && end - first > 1 {
                groups.push(ranked[first..end].iter().map(|key| key.screened.key.as_str()).collect());
                told = end;
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screened(key: &str, ends: [f64; 2], matters: bool) -> Screened {
        let (mu_star_low, mu_star_high) = (ends[0], ends[1]);
        let mu_star = (mu_star_low + mu_star_high) / 2.0;
        Screened {
            key: key.to_owned(),
            mu: 0.0,
            mu_star,
            mu_star_low,
            mu_star_high,
            sigma: 0.0,
            noise_floor: None,
            matters,
        }
    }

    fn explained(key: &str, ends: [f64; 2]) -> Explained {
        let total = (ends[0] + ends[1]) / 2.0;
        Explained {
            key: key.to_owned(),
            first: total,
            first_interval: None,
            total,
            total_interval: Some(ends),
        }
    }

    #[test]
    fn keys_with_shares_come_first_and_overlapping_ones_are_not_told_apart() {
        let policy = PolicyRanking {
            name: "new".to_owned(),
            screened: vec![
                screened("noise", [8.0, 9.0], false),
                screened("a", [1.0, 2.0], true),
                screened("b", [4.0, 5.0], true),
                screened("c", [3.0, 4.0], true),
                screened("d", [0.5, 0.7], true),
                screened("e", [0.1, 0.2], true),
                screened("f", [0.1, 0.15], true),
            ],
            sharing: Some(Sharing {
                mean: 0.0,
                variance: 1.0,
                seed_share: None,
                explained: vec![
                    explained("a", [0.6, 0.9]),
                    explained("b", [0.3, 0.7]),
                    explained("c", [0.2, 0.5]),
                    explained("d", [0.0, 0.1]),
                ],
            }),
        };
        let order: Vec<&str> = policy.ranked().into_iter().map(|key| key.screened.key.as_str()).collect();
        assert_eq!(order, ["a", "b", "c", "d", "noise", "e", "f"]);
        // a and c do not overlap, so that b is undecided with each of them.
        assert_eq!(policy.not_told_apart(), [vec!["a", "b"], vec!["b", "c"], vec!["e", "f"]]);
    }
}
