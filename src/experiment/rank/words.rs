//! A ranking in sentences.

use super::ranked::Ranked;
use super::{PolicyRanking, Ranking, Screened};
use crate::client::token::label;
use crate::text::number::{NEVER, counted, fixed, share, short, whole};
use crate::text::{clean, list_in_words};

impl Ranking {
    /// What was ranked: `10 keys by their effect on requests_total, over the ranges stated`.
    pub fn headline(&self) -> String {
        format!(
            "{} ranked by their effect on {}",
            counted(self.keys.len() as u64, "key", "keys"),
            self.metric
        )
    }

    /// The answer, and what it is not, a sentence each, without full stops.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = vec![self.headline()];
        self.policies.iter().for_each(|policy| words.extend(self.of_policy(policy)));
        words.push(self.ranges());
        words.extend(self.cautions());
        words.push(format!(
            "{} at {} took {}",
            counted(self.runs, "run", "runs"),
            counted(self.points, "point", "points"),
            counted(self.events, "event", "events")
        ));
        words
    }

    /// A row for each policy and key, from the key that matters most: policy, key, effect, its interval, noise of the seeds, shares of the
    /// variance alone and together with others.
    pub fn rows_in_words(&self) -> Vec<[String; 7]> {
        let of_policy = |policy: &PolicyRanking| {
            let row = |ranked: Ranked<'_>| {
                let key = ranked.screened;
                let share =
                    |share: f64, ends: Option<[f64; 2]>| format!("{}{}", index(share), interval(ends));
                let [first, total] = ranked.explained.map_or([String::new(), String::new()], |explained| {
                    [
                        share(explained.first, explained.first_interval),
                        share(explained.total, explained.total_interval),
                    ]
                });
                [
                    label(&policy.name),
                    clean(&key.key),
                    short(key.mu_star),
                    format!("{} to {}", short(key.mu_star_low), short(key.mu_star_high)),
                    key.noise_floor.map_or("not judged".to_owned(), short),
                    first,
                    total,
                ]
            };
            policy.ranked().into_iter().map(row).collect::<Vec<_>>()
        };
        self.policies.iter().flat_map(of_policy).collect()
    }

    /// The ranges, which decide the ranking.
    fn ranges(&self) -> String {
        let range = |key: &super::RankedKey| {
            let log = if key.log { ", logarithmic" } else { "" };
            format!("{} {} to {}{log}", clean(&key.key), clean(&key.low), clean(&key.high))
        };
        let ranges: Vec<String> = self.keys.iter().map(range).collect();
        format!("the ranges decide the ranking: {}", ranges.join("; "))
    }

    fn of_policy(&self, policy: &PolicyRanking) -> Vec<String> {
        let under = format!("under {}", label(&policy.name));
        let ranked = policy.ranked();
        let mut words = Vec::new();
        let matters: Vec<&Ranked<'_>> = ranked.iter().filter(|key| key.screened.matters).collect();
        if matters.is_empty() {
            words.push(format!("{under}, no key is shown to matter"));
        }
        for (place, key) in matters.iter().enumerate() {
            let shared = match key.explained {
                Some(explained) => format!(
                    "explains {} of the variance alone{} and {} together with others{}; ",
                    index(explained.first),
                    interval(explained.first_interval),
                    index(explained.total),
                    interval(explained.total_interval)
                ),
                None => String::new(),
            };
            let (which, key) = (ordinal(place), key.screened);
            words.push(format!("{under}, {} comes {which}: {shared}{}", clean(&key.key), self.effect(key)));
        }
        let below: Vec<&Ranked<'_>> = ranked.iter().filter(|key| !key.screened.matters).collect();
        let (none, noisy): (Vec<_>, Vec<_>) = below.into_iter().partition(|key| key.screened.mu_star <= 0.0);
        let names = |keys: &[&Ranked<'_>]| {
            list_in_words(&keys.iter().map(|key| clean(&key.screened.key)).collect::<Vec<_>>())
        };
        if !noisy.is_empty() {
            let is = if noisy.len() == 1 { "is" } else { "are" };
            words.push(format!(
                "{under}, {} {is} not above the noise of the seeds, which more replications lower",
                names(&noisy)
            ));
        }
        if !none.is_empty() {
            let verb = if none.len() == 1 { "moves" } else { "move" };
            words.push(format!("{under}, {} {verb} nothing in any step", names(&none)));
        }
        for group in policy.not_told_apart() {
            let names: Vec<String> = group.into_iter().map(clean).collect();
            words.push(format!(
                "{under}, {} are not told apart: their intervals overlap",
                list_in_words(&names)
            ));
        }
        if let Some(sharing) = &policy.sharing {
            let alone: f64 = sharing.explained.iter().map(|key| key.first).sum();
            words.push(format!(
                "{under}, the keys alone explain {} of the variance together{}; {} is {} {} in the mean over the ranges, with a standard deviation of {}",
                index(alone),
                if alone < 1.0 { ", and their interplay the rest" } else { "" },
                self.metric,
                short(sharing.mean),
                self.unit,
                short(libm::sqrt(sharing.variance))
            ));
            if let Some(seed) = sharing.seed_share {
                words.push(format!(
                    "{under}, the seed explains {} of the variance of a single run; shares of keys are of means of {}",
                    index(seed),
                    counted(self.replications.into(), "run", "runs")
                ));
            }
            let outside = |share: f64| !(0.0..=1.0).contains(&share);
            if sharing.explained.iter().any(|key| outside(key.first) || outside(key.total)) {
                words.push(format!("{under}, a share lies outside of 0 to 1: there are too few rows for it"));
            }
            if sharing.explained.iter().any(|key| key.total_interval.is_none()) {
                words.push(format!(
                    "{under}, shares have no interval: so few points differ that a resample has no variance"
                ));
            }
        }
        words
    }

    fn effect(&self, key: &Screened) -> String {
        format!(
            "a move over its range changes {} by {} {} in the mean ({} to {}; sigma {}{})",
            self.metric,
            short(key.mu_star),
            self.unit,
            short(key.mu_star_low),
            short(key.mu_star_high),
            short(key.sigma),
            key.noise_floor.map_or(String::new(), |floor| format!("; noise {}", short(floor)))
        )
    }

    fn cautions(&self) -> Vec<String> {
        let mut words = vec![match self.replications {
            0 | 1 => "the noise of the seeds is not judged: each point has one replication".to_owned(),
            _ => format!(
                "a key without any effect would be above its noise with a probability of at most {} under a policy, all keys together",
                share(1.0 - self.confidence)
            ),
        }];
        let kept = self
            .policies
            .iter()
            .filter_map(|policy| policy.sharing.as_ref())
            .map(|s| s.explained.len())
            .max();
        match kept {
            Some(kept) => words.push(format!(
                "the variance is shared among {}; the other keys have the scenario's values meanwhile",
                counted(kept as u64, "key", "keys")
            )),
            None if self.keep < 2 => {
                words.push("the variance is not shared out: no two keys were to be kept".to_owned());
            }
            None => words.push(
                "the variance is not shared out: fewer than two keys are shown to matter, or nothing varies"
                    .to_owned(),
            ),
        }
        words.push(format!(
            "each {} interval is over the drawn points, pointwise, and given these seeds: all points have the same random numbers",
            share(self.confidence)
        ));
        words.push("the keys are taken as independent, each with equal weight over its range".to_owned());
        if self.not_within > 0 {
            words.push(format!(
                "in {} of {} runs {} is {NEVER}; it counts as the length of the run",
                whole(self.not_within),
                whole(self.runs),
                self.metric
            ));
        }
        words
    }
}

/// A share of the variance, which may be below 0 or above 1.
pub(crate) fn index(index: f64) -> String {
    format!("{}%", fixed(100.0 * index, usize::from(index.abs() < 0.1)))
}

fn interval(ends: Option<[f64; 2]>) -> String {
    ends.map_or(String::new(), |[low, high]| format!(" ({} to {})", index(low), index(high)))
}

fn ordinal(place: usize) -> String {
    match place {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        n => format!("in place {}", n + 1),
    }
}
