//! What the numbers say, in words: one sentence per policy for the terminal, and the comparisons that title charts.

use super::canvas::clean;
use super::number;
use super::typeface::TITLE;
use crate::experiment::results::{PolicyResults, Results};
use crate::metrics::definitions::Metric;

/// One sentence per policy, in their order.
pub fn finding(results: &Results) -> Vec<String> {
    results.policies.iter().map(|policy| sentence(results, policy)).collect()
}

fn sentence(results: &Results, policy: &PolicyResults) -> String {
    let false_outs = mean(policy, Metric::FalseSignOuts);
    let users = number::counted(results.users.into(), "user", "users");
    let mut signs_out = if false_outs <= 0.0 {
        "signs out nobody whose session is valid".to_owned()
    } else if false_outs > f64::from(results.users) {
        format!("signs out users whose session is valid {} times ({users})", number::count(false_outs))
    } else {
        format!("signs out {} of {users} whose session is valid", number::count(false_outs))
    };
    if results.replications > 1 && false_outs > 0.0 {
        signs_out.push_str(&format!(" (mean of {} replications)", results.replications));
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

/// Most requests per second.
pub fn peaks(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let peak = mean(policy, Metric::PeakRequestsPerS);
        let per_s = number::short(peak);
        let full = match peak > 0.0 {
            true => format!("{name} peaks{average} at {per_s} requests per second"),
            false => format!("{name} sends no requests"),
        };
        Clause { value: peak, full, short: format!("{name} at {per_s}") }
    })
}

/// False sign-outs.
pub fn sign_outs(results: &Results) -> String {
    let users = results.users;
    let repeated = results.policies.iter().any(|p| mean(p, Metric::FalseSignOuts) > f64::from(users));
    compare(results, |policy, name, average| {
        let outs = mean(policy, Metric::FalseSignOuts);
        let count = if outs > 0.0 { number::count(outs) } else { "none".to_owned() };
        let of = number::counted(users.into(), "valid session", "valid sessions");
        match () {
            () if repeated && outs > 0.0 => Clause {
                value: outs,
                full: format!("{name} signs out valid sessions {count} times{average}"),
                short: format!("{name} {count} times"),
            },
            () if repeated => Clause {
                value: outs,
                full: format!("{name} never signs out a valid session"),
                short: format!("{name} never"),
            },
            () => Clause {
                value: outs,
                full: format!("{name} signs out{average} {count} of {of}"),
                short: format!("{name} signs out {count}"),
            },
        }
    })
}

/// Entries of the unauthenticated flow and its chains.
pub fn flow(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let entries = mean(policy, Metric::UnauthenticatedEvents);
        let depth = greatest(policy, Metric::UnauthenticatedDepthMax);
        let chains =
            if depth > 1 { format!(", in chains of up to {}", number::whole(depth)) } else { String::new() };
        let times = match number::count(entries).as_str() {
            "1" => "once".to_owned(),
            count => format!("{count} times"),
        };
        match entries > 0.0 {
            true => Clause {
                value: entries,
                full: format!("{name} enters the unauthenticated flow {times}{average}{chains}"),
                short: format!("{name} {times}{chains}"),
            },
            false => Clause {
                value: entries,
                full: format!("{name} never enters the unauthenticated flow"),
                short: format!("{name} never"),
            },
        }
    })
}

/// Requests for each first attempt.
pub fn amplification(results: &Results) -> String {
    compare(results, |policy, name, average| {
        let factor = mean(policy, Metric::Amplification);
        let number = number::fixed(factor, 2);
        match factor > 0.0 {
            true => Clause {
                value: factor,
                full: format!("{name} sends{average} {number} requests for each first attempt"),
                short: format!("{name} {number}"),
            },
            false => Clause {
                value: factor,
                full: format!("{name} sends no requests"),
                short: format!("{name} none"),
            },
        }
    })
}

/// The worst session.
pub fn worst_session(results: &Results) -> String {
    compare(results, |policy, name, _| {
        let worst = greatest(policy, Metric::UnauthenticatedEventsWorstSession);
        match worst {
            0 => Clause {
                value: 0.0,
                full: format!("no session of {name} enters the unauthenticated flow"),
                short: format!("none of {name} does"),
            },
            _ => Clause {
                value: worst as f64,
                full: format!(
                    "the worst session of {name} enters the unauthenticated flow {}",
                    number::times(worst)
                ),
                short: format!("that of {name} {}", number::times(worst)),
            },
        }
    })
}

/// What is said of one policy: in full, and when another policy was spoken of before.
struct Clause {
    value: f64,
    full: String,
    short: String,
}

/// Up to three policies are all named; of more, the one with most and the one with least.
fn compare(results: &Results, clause: impl Fn(&PolicyResults, &str, &str) -> Clause) -> String {
    let average = if results.replications > 1 { " on average" } else { "" };
    let clauses: Vec<Clause> = results
        .policies
        .iter()
        .map(|policy| clause(policy, &TITLE.fit_name(&clean(&policy.name), 460.0), average))
        .collect();
    let Some((first, others)) = clauses.split_first() else { return "no policy was run".to_owned() };
    if others.len() < 3 {
        let others = others.iter().map(|clause| format!("; {}", clause.short));
        return std::iter::once(first.full.clone()).chain(others).collect();
    }
    let most = clauses.iter().fold(first, |most, next| if next.value > most.value { next } else { most });
    let least = clauses.iter().fold(first, |least, next| if next.value < least.value { next } else { least });
    if most.value.total_cmp(&least.value).is_eq() {
        return format!("{}; the {} others likewise", first.full, others.len());
    }
    let between = clauses.len() - 2;
    let alike = clauses.iter().filter(|clause| clause.value.total_cmp(&least.value).is_eq()).count();
    if alike == clauses.len() - 1 {
        return format!("{}; {}, like the {between} others", most.full, least.short);
    }
    format!("{}; {}; the {between} others lie between", most.full, least.short)
}

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
            "the worst session of old enters the unauthenticated flow 40 times; none of new does"
        );
    }

    #[test]
    fn one_user_and_many_replications_change_the_words() {
        let mut results = synthetic::storm(&["old"], 60, 4);
        set(&mut results, 0, Metric::FalseSignOuts, &[1.0, 0.0, 1.0, 1.0]);
        set(&mut results, 0, Metric::UnauthenticatedEventsWorstSession, &[1.0, 1.0, 0.0, 1.0]);
        results.users = 1;
        assert_eq!(
            finding(&results)[0],
            "old signs out 0.8 of 1 user whose session is valid (mean of 4 replications); no session enters the \
             unauthenticated flow more than once"
        );
        set(&mut results, 0, Metric::FalseSignOuts, &[3.0, 3.0, 3.0, 3.0]);
        assert!(finding(&results)[0].contains("valid 3 times (1 user)"), "{:?}", finding(&results));
        assert_eq!(sign_outs(&results), "old signs out valid sessions 3 times on average");
    }

    #[test]
    fn of_many_policies_all_but_one_may_be_alike() {
        let mut results = synthetic::storm(&["old", "a", "b", "c"], 60, 1);
        for (policy, outs) in [(0, 12.0), (1, 0.0), (2, 0.0), (3, 0.0)] {
            set(&mut results, policy, Metric::FalseSignOuts, &[outs]);
        }
        let title = sign_outs(&results);
        assert!(title.ends_with("; a signs out none, like the 2 others"), "{title}");
    }

    #[test]
    fn of_many_policies_the_extremes_are_named() {
        let results = synthetic::storm(&["a", "b", "c", "d", "e"], 60, 1);
        let title = peaks(&results);
        assert_eq!(title, "a peaks at 1,707 requests per second; e at 434; the 3 others lie between");
        assert!(sign_outs(&synthetic::empty(&["a", "b", "c", "d"])).ends_with("the 3 others likewise"));
    }
}
