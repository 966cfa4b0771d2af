//! Findings: the numbers in sentences, for the terminal, the page and summary.json.
//!
//! A policy's sentence names its gravest harm first, by the order in the table of metrics.

mod harm;

pub use harm::chains;

use super::{PolicyResults, Results, measured};
use crate::metrics::{Harm, Metric};
use crate::text::number;

/// The most harms in a policy's sentence. Nobody reads a longer sentence.
const MOST_HARMS: usize = 4;
/// The most names in a sentence.
const MOST_NAMES: usize = 6;

/// Policies about which the same is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Their names, and the number of replications of which the numbers are means.
    pub who: String,
    /// What is said of them, the gravest harm first.
    pub clauses: Vec<String>,
}

/// What is said of each policy, in their order, with at most so many harms of each. Policies of which the same is said share
/// a group.
pub fn groups(results: &Results, most_harms: usize) -> Vec<Group> {
    let mut groups: Vec<(Vec<String>, Vec<&PolicyResults>)> = Vec::new();
    for policy in &results.policies {
        let clauses = clauses(results, policy, most_harms);
        match groups.iter_mut().find(|(other, _)| *other == clauses) {
            Some((_, group)) => group.push(policy),
            None => groups.push((clauses, vec![policy])),
        }
    }
    groups.into_iter().map(|(clauses, group)| Group { who: who(results, &group), clauses }).collect()
}

/// A sentence per policy, in their order. Policies with the same text share a sentence. A final sentence names what happens
/// under no policy.
pub fn finding(results: &Results) -> Vec<String> {
    let groups = groups(results, MOST_HARMS).into_iter();
    groups.map(|group| sentence(&group.who, &group.clauses)).chain(nowhere(results)).collect()
}

/// What happens under none of several policies; absent if there is nothing to say.
pub fn nowhere(results: &Results) -> Option<String> {
    let nowhere = harm::absent(results, &results.policies.iter().collect::<Vec<_>>());
    let says = results.policies.len() > 1 && !nowhere.is_empty();
    says.then(|| format!("Under every policy, {}", none(results, &nowhere)))
}

/// The sentence of one policy.
pub fn of_policy(results: &Results, policy: &PolicyResults) -> String {
    sentence(&who(results, &[policy]), &clauses(results, policy, MOST_HARMS))
}

fn sentence(who: &str, clauses: &[String]) -> String {
    format!("Under {who}, {}", clauses.join("; "))
}

/// The names of policies, and of how many replications their numbers are means.
fn who(results: &Results, policies: &[&PolicyResults]) -> String {
    let names: Vec<String> = policies.iter().map(|policy| policy.label()).collect();
    let names = match &names[..] {
        [] => String::new(),
        [one] => one.clone(),
        more if more.len() > MOST_NAMES => {
            format!("{} and {} more policies", more[..MOST_NAMES].join(", "), more.len() - MOST_NAMES)
        }
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    };
    let mean = match results.replications {
        0 | 1 => String::new(),
        n => format!(" (mean of {} replications)", number::whole(n.into())),
    };
    format!("{names}{mean}")
}

/// Text after the name: the gravest harms, and harms that are absent under this policy but not under all.
fn clauses(results: &Results, policy: &PolicyResults, most_harms: usize) -> Vec<String> {
    let mut harms: Vec<(Harm, String)> = Metric::by_gravity(results.families())
        .into_iter()
        .filter_map(|metric| {
            let mean = measured::mean(policy, metric)?;
            Some((results.def(metric).harm.of(mean), harm::clause(results, policy, metric)?))
        })
        .collect();
    harms.sort_by_key(|(harm, _)| *harm);
    let mut clauses: Vec<String> = harms.into_iter().map(|(_, words)| words).take(most_harms).collect();
    if results.users == 0 {
        // The finding for a run without users has little besides the totals of its calls.
        clauses.extend(harm::traffic(policy));
    }
    let mut absent = harm::absent(results, &[policy]);
    if results.policies.len() > 1 {
        let nowhere = harm::absent(results, &results.policies.iter().collect::<Vec<_>>());
        absent.retain(|event| !nowhere.contains(event));
    }
    if !absent.is_empty() {
        clauses.push(none(results, &absent));
    }
    if clauses.is_empty() {
        clauses.push("no request is sent".to_owned());
    }
    clauses
}

/// Says that none of these events happens, and how often they may happen nevertheless.
fn none(results: &Results, events: &[String]) -> String {
    let events = match events {
        [one] => one.clone(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
        [] => String::new(),
    };
    format!("{events} {}", measured::none_of(results.replications))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{self, set};
    use super::*;
    use crate::metrics::all_metrics;

    const NEVER: f64 = f64::INFINITY;

    /// Results of two policies without harm, with this number of replications.
    fn calm(replications: u32) -> Results {
        let mut results = synthetic::storm(&["old", "new"], 60, replications);
        for policy in 0..2 {
            for def in all_metrics() {
                set(&mut results, policy, def.metric, &vec![0.0; replications as usize]);
            }
            set(&mut results, policy, Metric::PeakRequestsPerS, &vec![12.0; replications as usize]);
            set(&mut results, policy, Metric::CallersBegun, &vec![9.0; replications as usize]);
        }
        results
    }

    #[test]
    fn the_gravest_harm_comes_first() {
        let mut results = calm(1);
        set(&mut results, 0, Metric::FalseSignOuts, &[1204.0]);
        set(&mut results, 0, Metric::TrueSignOuts, &[103.0]);
        set(&mut results, 0, Metric::FlowEntries, &[9_000.0]);
        set(&mut results, 0, Metric::FlowWorstSession, &[40.0]);
        set(&mut results, 0, Metric::FlowDepthMax, &[39.0]);
        set(&mut results, 1, Metric::TimeToRecoverS, &[NEVER]);
        for (metric, value) in
            [(Metric::SignedInSessionS, 240_000.0), (Metric::StaleTokenSessionS, 204_000.0)]
        {
            set(&mut results, 1, metric, &[value]);
        }
        assert_eq!(
            finding(&results),
            [
                "Under old, 1,204 of 10,000 users whose session is valid are signed out (and 103 whose session is \
                 revoked); sessions enter the unauthenticated flow 9,000 times, one of them 40 times, in chains of up to \
                 39; requests peak at 12 per second; a signed-in session is without a valid token in none of 1 \
                 replication (95% bound: at most 95% of runs)",
                "Under new, the backend does not recover within the run; 85% of signed-in session time is without \
                 a valid token (204,000 session-seconds); requests peak at 12 per second; a valid session is signed out or \
                 a session enters the unauthenticated flow in none of 1 replication (95% bound: at most 95% of runs)",
                "Under every policy, a page load fails, app code gets an error or app code waits in none of 1 \
                 replication (95% bound: at most 95% of runs)",
            ]
        );
    }

    #[test]
    fn policies_alike_share_a_sentence() {
        let results = calm(5);
        assert_eq!(
            finding(&results),
            [
                "Under old and new (mean of 5 replications), requests peak at 12 per second",
                "Under every policy, a valid session is signed out, a signed-in session is without a valid token, a page \
                 load fails, app code gets an error, a session enters the unauthenticated flow or app code waits in none \
                 of 5 replications (95% bound: at most 45.1% of runs)",
            ]
        );
    }

    #[test]
    fn the_finding_counts_replications_that_never_recover() {
        let mut results = calm(5);
        set(&mut results, 0, Metric::TimeToRecoverS, &[1.0, NEVER, 3.0, NEVER, 5.0]);
        set(&mut results, 1, Metric::TimeToRecoverS, &[1.0, 2.0, 3.0, 4.0, 5.0]);
        let said = finding(&results);
        let begins = "Under old (mean of 5 replications), the backend does not recover within the run in 2 of 5 \
                      replications; ";
        assert!(said[0].starts_with(begins), "{said:?}");
        assert!(said[1].contains("recovery takes 3 s; "), "{said:?}");
    }

    #[test]
    fn one_user_and_worst_replications_change_the_words() {
        let mut results = calm(4);
        results.users = 1;
        set(&mut results, 0, Metric::FalseSignOuts, &[1.0, 0.0, 1.0, 1.0]);
        set(&mut results, 0, Metric::FlowEntries, &[2.0, 2.0, 3.0, 1.0]);
        set(&mut results, 0, Metric::FlowWorstSession, &[2.0, 2.0, 3.0, 1.0]);
        set(&mut results, 0, Metric::FlowDepthMax, &[1.0; 4]);
        let said = &finding(&results)[0];
        assert!(said.contains("0.75 of 1 user whose session is valid is signed out; "), "{said}");
        assert!(said.contains("flow 2 times, one of them 3 times (replication 2);"), "{said}");
        set(&mut results, 0, Metric::FalseSignOuts, &[3.0; 4]);
        assert!(
            finding(&results)[0].contains("valid are signed out 3 times (1 user"),
            "{:?}",
            finding(&results)
        );
    }

    #[test]
    fn without_users_the_finding_is_the_traffic() {
        let mut results = synthetic::empty(&["new"]);
        results.users = 0;
        for (metric, value) in [
            (Metric::RequestsTotal, 1_380_000.0),
            (Metric::Amplification, 1.276),
            (Metric::PeakRequestsPerS, 2_418.0),
        ] {
            set(&mut results, 0, metric, &[value]);
        }
        assert_eq!(
            finding(&results),
            [
                "Under new, 1.28 requests are sent for each one that is asked for; requests peak at 2,418 per second; 1,380,000 \
                 requests are sent"
            ]
        );
    }
}
