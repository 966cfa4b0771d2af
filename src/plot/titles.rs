//! Chart titles that compare the policies.

use super::compare::{Clause, compare};
use crate::client::Families;
use crate::client::family::FlowHarm;
use crate::metrics::{FlowMetric, Metric};
use crate::results::finding::chains;
use crate::results::{PolicyResults, Results, measured};
use crate::text::number;

/// Text for a metric that is absent from results of another version.
pub(crate) const UNKNOWN: &str = "not in these results";

/// The mean of a metric. 0 if the results do not have it.
fn mean(policy: &PolicyResults, metric: Metric) -> f64 {
    measured::mean(policy, metric).unwrap_or(0.0)
}

/// Most requests per second.
pub fn peaks(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let Some(peak) = measured::mean(policy, Metric::PeakRequestsPerS) else {
            let full = format!("{name}: the peak is {UNKNOWN}");
            return Clause { value: 0.0, short: full.clone(), full, says: UNKNOWN.to_owned() };
        };
        let per_s = number::short(peak);
        let full = match peak > 0.0 {
            true => format!("{name} peaks at {per_s} requests per second{average}"),
            false => format!("{name} sends no requests"),
        };
        Clause { value: peak, full, short: format!("{name} at {per_s}"), says: per_s }
    })
}

/// Sign-outs: false ones, and true ones where there are any.
pub fn sign_outs(results: &Results) -> String {
    if results.users == 0 {
        return "No users in this run, hence nobody to sign out".to_owned();
    }
    let users = results.users;
    let any_true = results.policies.iter().any(|p| mean(p, Metric::TrueSignOuts) > 0.0);
    let repeated = results.policies.iter().any(|p| mean(p, Metric::FalseSignOuts) > f64::from(users));
    compare(results, |policy, name, average| {
        let [outs, truly] = [Metric::FalseSignOuts, Metric::TrueSignOuts].map(|m| mean(policy, m));
        let count = if outs > 0.0 { number::short(outs) } else { "none".to_owned() };
        let of = number::counted(users.into(), "valid session", "valid sessions");
        let revoked = match (any_true, outs > 0.0) {
            (false, _) => String::new(),
            (true, falsely) => {
                let truly = number::counted_mean(truly, "revoked one", "revoked ones");
                format!(" {} {truly}", if falsely { "and" } else { "but" })
            }
        };
        let average = if outs + truly > 0.0 { average } else { "" };
        let says = format!("{count}{revoked}");
        let (full, short) = match () {
            () if repeated && outs > 0.0 => (
                format!("{name} signs out valid sessions {count} times{revoked}{average}"),
                format!("{name} {count} times{revoked}"),
            ),
            () if repeated => {
                (format!("{name} never signs out a valid session{revoked}"), format!("{name} never{revoked}"))
            }
            () => (
                format!("{name} signs out {count} of {of}{revoked}{average}"),
                format!("{name} signs out {count}{revoked}"),
            ),
        };
        Clause { value: outs, full, short, says }
    })
}

/// Signed-in sessions without a valid token.
pub fn stale_tokens(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let stale = mean(policy, Metric::StaleTokenSessionS);
        let of_all = mean(policy, Metric::SignedInSessionS);
        let share = number::share(if of_all > 0.0 { stale / of_all } else { 0.0 });
        let (full, says) = match stale > 0.0 {
            true => {
                let says = format!("{share} ({} session-seconds)", number::short(stale));
                let full = format!(
                    "{name} leaves {share} of signed-in session time without a valid token{average} ({} session-seconds)",
                    number::short(stale)
                );
                (full, says)
            }
            false => (format!("{name} leaves no session without a valid token"), "none".to_owned()),
        };
        Clause { value: stale, full, short: format!("{name} {says}"), says }
    })
}

/// App code that waits.
pub fn waiting(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let waited = mean(policy, Metric::AppWaitS);
        let says = number::with_unit(waited, "s");
        let full = match waited > 0.0 {
            true => format!("{name} lets app code wait {says} in all{average}"),
            false => format!("{name} lets no app code wait"),
        };
        Clause { value: waited, full, short: format!("{name} {says}"), says }
    })
}

/// Entries of the flow and its chains.
pub fn flow(results: &Results) -> String {
    if results.users == 0 {
        return no_flow(results);
    }
    let words = results.flow();
    compare(results, |policy, name, average| {
        let entries = mean(policy, Metric::FlowEntries);
        let chains = chains(policy);
        let times = match number::short(entries).as_str() {
            "1" => "once".to_owned(),
            count => format!("{count} times"),
        };
        let apart = by_family(results, policy);
        let (full, says) = match entries > 0.0 {
            true => (
                format!("{name} {} {times}{average}{apart}{chains}", words.enters),
                format!("{times}{apart}{chains}"),
            ),
            false => (format!("{name} never {}", words.enters), "never".to_owned()),
        };
        Clause { value: entries, full, short: format!("{name} {says}"), says }
    })
}

/// The entries of each family in its own words, where clients of several families run; else empty.
fn by_family(results: &Results, policy: &PolicyResults) -> String {
    let families = results.families();
    let of = |family: usize| {
        let entries = mean(policy, FlowMetric::Entries.in_flow(Some(family as u8)));
        let words = Families::one(family).flow();
        (entries > 0.0).then(|| format!("{} {}", number::short(entries), words.entries))
    };
    let apart: Vec<String> = families.iter().filter(|_| families.are_several()).filter_map(of).collect();
    if apart.is_empty() { String::new() } else { format!(" ({})", apart.join(", ")) }
}

/// Requests sent per request asked for.
pub fn amplification(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let factor = mean(policy, Metric::Amplification);
        let number = number::short(factor);
        let (full, says) = match factor > 0.0 {
            true => {
                (format!("{name} sends {number} requests for each one that is asked for{average}"), number)
            }
            false => (format!("{name} sends no requests"), "none".to_owned()),
        };
        Clause { value: factor, full, short: format!("{name} {says}"), says }
    })
}

/// How charts call the session with most entries of the flow.
pub(super) fn most_entries(results: &Results) -> &'static str {
    match results.flow().harm {
        FlowHarm::Each => "worst",
        FlowHarm::RecursiveOrFailed | FlowHarm::OfClient => "busiest",
    }
}

/// The session with most entries.
pub fn worst_session(results: &Results) -> String {
    if results.users == 0 {
        return no_flow(results);
    }
    let (words, most) = (results.flow(), most_entries(results));
    compare(results, |policy, name, _| {
        let worst = measured::worst(policy, Metric::FlowWorstSession);
        let (worst, of_worst) = worst.unwrap_or_default();
        let says = format!("{}{of_worst}", number::times(worst));
        let (full, short) = match worst {
            0 => (format!("No session of {name} {}", words.enters), format!("none of {name} does")),
            _ => (
                format!("The {most} session of {name} {} {says}", words.enters),
                format!("that of {name} {says}"),
            ),
        };
        Clause { value: worst as f64, full, short, says }
    })
}

/// Title for a run without users.
fn no_flow(results: &Results) -> String {
    format!("No users in this run, hence no {}", results.flow().name.trim_start_matches("the "))
}

/// The mean peak with its unit, for labels without context.
pub fn mean_peak(policy: &PolicyResults) -> String {
    let Some(peak) = measured::of(policy, Metric::PeakRequestsPerS) else {
        return format!("peak {UNKNOWN}");
    };
    let mean = if peak.values.len() > 1 { "mean peak" } else { "peak" };
    format!("{mean} {}/s", number::short(peak.mean))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic::{self, set};

    #[test]
    fn titles_say_the_numbers_in_plain_words() {
        let mut results = synthetic::storm(&["old", "new"], 60, 1);
        for (policy, outs, worst, depth) in [(0, 1204.0, 40.0, 39.0), (1, 0.0, 0.0, 0.0)] {
            set(&mut results, policy, Metric::FalseSignOuts, &[outs]);
            set(&mut results, policy, Metric::TrueSignOuts, &[0.0]);
            set(&mut results, policy, Metric::FlowWorstSession, &[worst]);
            set(&mut results, policy, Metric::FlowDepthMax, &[depth]);
            set(&mut results, policy, Metric::SignedInSessionS, &[1_000.0]);
            set(&mut results, policy, Metric::StaleTokenSessionS, &[outs / 2.0]);
        }
        assert_eq!(sign_outs(&results), "old signs out 1,204 of 10,000 valid sessions; new signs out none");
        assert_eq!(
            worst_session(&results),
            "The worst session of old enters the unauthenticated flow 40 times; none of new does"
        );
        assert_eq!(
            stale_tokens(&results),
            "old leaves 60.2% of signed-in session time without a valid token (602 session-seconds); new none"
        );
    }

    #[test]
    fn the_worst_session_and_chain_are_those_of_a_replication() {
        let mut results = synthetic::storm(&["old"], 60, 3);
        set(&mut results, 0, Metric::FlowEntries, &[5.0, 9.0, 4.0]);
        set(&mut results, 0, Metric::FlowWorstSession, &[5.0, 4.0, 4.0]);
        set(&mut results, 0, Metric::FlowDepthMax, &[2.0, 2.0, 3.0]);
        assert_eq!(
            worst_session(&results),
            "The worst session of old enters the unauthenticated flow 5 times (replication 0)"
        );
        assert_eq!(
            flow(&results),
            "old enters the unauthenticated flow 6 times on average, in chains of up to 3 (replication 2)"
        );
    }

    #[test]
    fn true_sign_outs_are_part_of_the_title() {
        let mut results = synthetic::storm(&["old", "new"], 60, 1);
        for (policy, falsely, truly) in [(0, 7.0, 103.0), (1, 0.0, 103.0)] {
            set(&mut results, policy, Metric::FalseSignOuts, &[falsely]);
            set(&mut results, policy, Metric::TrueSignOuts, &[truly]);
        }
        assert_eq!(
            sign_outs(&results),
            "old signs out 7 of 10,000 valid sessions and 103 revoked ones; new signs out none but 103 revoked ones"
        );
        set(&mut results, 0, Metric::FalseSignOuts, &[30_000.0]);
        assert!(
            sign_outs(&results).starts_with("old signs out valid sessions 30,000 times and 103 revoked ones")
        );
    }

    #[test]
    fn a_mean_of_zero_reads_as_none() {
        let mut results = synthetic::empty(&["old", "new"]);
        results.replications = 3;
        assert_eq!(sign_outs(&results), "old signs out none of 10,000 valid sessions; new likewise");
        assert_eq!(flow(&results), "old never enters the unauthenticated flow; new likewise");
        results.users = 0;
        assert_eq!(sign_outs(&results), "No users in this run, hence nobody to sign out");
    }

    #[test]
    fn titles_of_many_policies_name_the_extremes() {
        let results = synthetic::storm(&["a", "b", "c", "d", "e"], 60, 1);
        let title = peaks(&results);
        assert_eq!(title, "a peaks at 1,707 requests per second; e at 434; the 3 others lie between");
    }
}
