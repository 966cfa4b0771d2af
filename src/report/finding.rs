//! What the numbers say, in words: one sentence per policy for the terminal, and the comparisons that title charts.

use super::canvas::clean;
use super::compare::{Clause, compare};
use super::number;
use crate::experiment::results::{PolicyResults, Results};
use crate::metrics::definitions::Metric;

/// One sentence per policy, in their order.
pub fn finding(results: &Results) -> Vec<String> {
    results.policies.iter().map(|policy| sentence(results, policy)).collect()
}

fn sentence(results: &Results, policy: &PolicyResults) -> String {
    if results.users == 0 {
        return traffic(policy);
    }
    let [false_outs, true_outs] = [Metric::FalseSignOuts, Metric::TrueSignOuts].map(|m| mean(policy, m));
    let users = number::counted(results.users.into(), "user", "users");
    let (mut signs_out, mut notes) = (String::new(), Vec::new());
    if false_outs <= 0.0 {
        signs_out.push_str("signs out nobody whose session is valid");
    } else if false_outs > f64::from(results.users) {
        signs_out
            .push_str(&format!("signs out users whose session is valid {} times", number::count(false_outs)));
        notes.push(users);
    } else {
        signs_out
            .push_str(&format!("signs out {} of {users} whose session is valid", number::count(false_outs)));
    }
    if true_outs > 0.0 {
        let joint = if false_outs > 0.0 { "and" } else { "but" };
        signs_out.push_str(&format!(" {joint} {} whose session is revoked", number::count(true_outs)));
    }
    if results.replications > 1 && false_outs + true_outs > 0.0 {
        notes.push(format!("mean of {} replications", results.replications));
    }
    if !notes.is_empty() {
        signs_out.push_str(&format!(" ({})", notes.join(", ")));
    }
    let worst = greatest(policy, Metric::UnauthenticatedEventsWorstSession);
    let depth = greatest(policy, Metric::UnauthenticatedDepthMax);
    let chains =
        if depth > 1 { format!(", in chains of up to {}", number::whole(depth)) } else { String::new() };
    let flow = match worst {
        0 => "no session enters the unauthenticated flow".to_owned(),
        1 => "no session enters the unauthenticated flow more than once".to_owned(),
        _ => format!("its sessions enter the unauthenticated flow up to {}{chains}", number::times(worst)),
    };
    format!("{} {signs_out}; {flow}", clean(&policy.name))
}

/// Of a run without users, nothing can be said but what its calls come to.
fn traffic(policy: &PolicyResults) -> String {
    format!(
        "{} sends {} requests, {} for each first attempt, {} per second at its peak",
        clean(&policy.name),
        number::count(mean(policy, Metric::RequestsTotal)),
        number::fixed(mean(policy, Metric::Amplification), 2),
        number::short(mean(policy, Metric::PeakRequestsPerS)),
    )
}

/// Most requests per second.
pub fn peaks(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let peak = mean(policy, Metric::PeakRequestsPerS);
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
        let count = if outs > 0.0 { number::count(outs) } else { "none".to_owned() };
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

/// Entries of the unauthenticated flow and its chains.
pub fn flow(results: &Results) -> String {
    if results.users == 0 {
        return NO_FLOW.to_owned();
    }
    compare(results, |policy, name, average| {
        let entries = mean(policy, Metric::UnauthenticatedEvents);
        let depth = greatest(policy, Metric::UnauthenticatedDepthMax);
        let chains =
            if depth > 1 { format!(", in chains of up to {}", number::whole(depth)) } else { String::new() };
        let times = match number::count(entries).as_str() {
            "1" => "once".to_owned(),
            count => format!("{count} times"),
        };
        let (full, says) = match entries > 0.0 {
            true => (
                format!("{name} enters the unauthenticated flow {times}{average}{chains}"),
                format!("{times}{chains}"),
            ),
            false => (format!("{name} never enters the unauthenticated flow"), "never".to_owned()),
        };
        Clause { value: entries, full, short: format!("{name} {says}"), says }
    })
}

/// Requests for each first attempt.
pub fn amplification(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let factor = mean(policy, Metric::Amplification);
        let number = number::fixed(factor, 2);
        let (full, says) = match factor > 0.0 {
            true => (format!("{name} sends {number} requests for each first attempt{average}"), number),
            false => (format!("{name} sends no requests"), "none".to_owned()),
        };
        Clause { value: factor, full, short: format!("{name} {says}"), says }
    })
}

/// The worst session.
pub fn worst_session(results: &Results) -> String {
    if results.users == 0 {
        return NO_FLOW.to_owned();
    }
    compare(results, |policy, name, _| {
        let worst = greatest(policy, Metric::UnauthenticatedEventsWorstSession);
        let times = number::times(worst);
        let (full, short) = match worst {
            0 => (
                format!("No session of {name} enters the unauthenticated flow"),
                format!("none of {name} does"),
            ),
            _ => (
                format!("The worst session of {name} enters the unauthenticated flow {times}"),
                format!("that of {name} {times}"),
            ),
        };
        Clause { value: worst as f64, full, short, says: times }
    })
}

/// What titles say of a run without users.
const NO_FLOW: &str = "No users in this run, hence no unauthenticated flow";

fn mean(policy: &PolicyResults, metric: Metric) -> f64 {
    policy.metric(metric.def().name).mean
}

/// The greatest value of any replication, of a metric that counts.
fn greatest(policy: &PolicyResults, metric: Metric) -> u64 {
    // A negative or undefined value, which no counting metric has, becomes 0.
    policy.metric(metric.def().name).values.iter().copied().fold(0.0, f64::max) as u64
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn set(results: &mut Results, policy: usize, metric: Metric, values: &[f64]) {
        let name = metric.def().name;
        let found = results.policies[policy].metrics.iter_mut().find(|m| m.def.name == name).unwrap();
        found.values = values.to_vec();
        found.mean = values.iter().sum::<f64>() / values.len() as f64;
    }

    #[test]
    fn sentences_say_the_numbers_in_plain_words() {
        let mut results = synthetic::storm(&["old", "new"], 60, 1);
        for (policy, outs, worst, depth) in [(0, 1204.0, 40.0, 39.0), (1, 0.0, 0.0, 0.0)] {
            set(&mut results, policy, Metric::FalseSignOuts, &[outs]);
            set(&mut results, policy, Metric::TrueSignOuts, &[0.0]);
            set(&mut results, policy, Metric::UnauthenticatedEventsWorstSession, &[worst]);
            set(&mut results, policy, Metric::UnauthenticatedDepthMax, &[depth]);
        }
        assert_eq!(
            finding(&results),
            [
                "old signs out 1,204 of 10,000 users whose session is valid; its sessions enter the unauthenticated flow \
                 up to 40 times, in chains of up to 39",
                "new signs out nobody whose session is valid; no session enters the unauthenticated flow",
            ]
        );
        assert_eq!(sign_outs(&results), "old signs out 1,204 of 10,000 valid sessions; new signs out none");
        assert_eq!(
            worst_session(&results),
            "The worst session of old enters the unauthenticated flow 40 times; none of new does"
        );
    }

    #[test]
    fn one_user_and_many_replications_change_the_words() {
        let mut results = synthetic::storm(&["old"], 60, 4);
        set(&mut results, 0, Metric::TrueSignOuts, &[0.0; 4]);
        set(&mut results, 0, Metric::FalseSignOuts, &[1.0, 0.0, 1.0, 1.0]);
        set(&mut results, 0, Metric::UnauthenticatedEventsWorstSession, &[1.0, 1.0, 0.0, 1.0]);
        results.users = 1;
        assert_eq!(
            finding(&results)[0],
            "old signs out 0.8 of 1 user whose session is valid (mean of 4 replications); no session enters the \
             unauthenticated flow more than once"
        );
        set(&mut results, 0, Metric::FalseSignOuts, &[3.0, 3.0, 3.0, 3.0]);
        assert!(
            finding(&results)[0].contains("valid 3 times (1 user, mean of 4 replications)"),
            "{:?}",
            finding(&results)
        );
        assert_eq!(sign_outs(&results), "old signs out valid sessions 3 times on average");
    }

    #[test]
    fn true_sign_outs_are_part_of_the_finding() {
        let mut results = synthetic::storm(&["old", "new"], 60, 1);
        for (policy, falsely, truly) in [(0, 7.0, 103.0), (1, 0.0, 103.0)] {
            set(&mut results, policy, Metric::FalseSignOuts, &[falsely]);
            set(&mut results, policy, Metric::TrueSignOuts, &[truly]);
        }
        assert_eq!(
            sign_outs(&results),
            "old signs out 7 of 10,000 valid sessions and 103 revoked ones; new signs out none but 103 revoked ones"
        );
        assert!(
            finding(&results)[1].starts_with(
                "new signs out nobody whose session is valid but 103 whose session is revoked; "
            )
        );
    }

    #[test]
    fn nothing_is_on_average_none() {
        let mut results = synthetic::empty(&["old", "new"]);
        results.replications = 3;
        assert_eq!(sign_outs(&results), "old signs out none of 10,000 valid sessions; new likewise");
        assert_eq!(flow(&results), "old never enters the unauthenticated flow; new likewise");
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
            ["new sends 1,380,000 requests, 1.28 for each first attempt, 2,418 per second at its peak"]
        );
        assert_eq!(sign_outs(&results), "No users in this run, hence nobody to sign out");
    }

    #[test]
    fn of_many_policies_the_extremes_are_named() {
        let results = synthetic::storm(&["a", "b", "c", "d", "e"], 60, 1);
        let title = peaks(&results);
        assert_eq!(title, "a peaks at 1,707 requests per second; e at 434; the 3 others lie between");
    }
}
