//! Sentences about a metric that harms.

use super::super::{PolicyResults, Results, measured};
use crate::client::family::FlowWords;
use crate::client::{FAMILIES, Families};
use crate::metrics::{FlowMetric, Metric};
use crate::text::number;

/// The harm in words; absent if there is none, or the results do not have the metric.
pub(super) fn clause(results: &Results, policy: &PolicyResults, metric: Metric) -> Option<String> {
    let mean = measured::mean(policy, metric)?;
    // One request sent per request asked for is no harm, nor is a value that is shown as 1.00.
    let none = if metric == Metric::Amplification { 1.005 } else { 0.0 };
    // A value that is not a number is shown, not skipped.
    if mean <= none {
        return None;
    }
    let shown = number::short(mean);
    // Details of a harm are left out if the results do not have them.
    let of = |metric| measured::mean(policy, metric).unwrap_or(0.0);
    Some(match metric {
        Metric::FalseSignOuts => sign_outs(results, mean, of(Metric::TrueSignOuts)),
        Metric::ReuseSignOuts => format!(
            "{shown} of {} {} signed out because their client used a refresh token twice",
            number::counted(results.users.into(), "user", "users"),
            if mean <= 1.0 { "is" } else { "are" }
        ),
        Metric::ZombieSessions => {
            format!(
                "{} still shown as signed in at the end",
                are(mean, "revoked session", "revoked sessions")
            )
        }
        Metric::TimeToRecoverS if mean.is_infinite() => {
            let values = &measured::of(policy, metric)?.values;
            let runs = match (measured::never(values), values.len()) {
                (_, 1) => String::new(),
                (never, all) => {
                    format!(
                        " in {} of {} replications",
                        number::whole(never as u64),
                        number::whole(all as u64)
                    )
                }
            };
            format!("the backend does not recover within the run{runs}")
        }
        Metric::TimeToRecoverS => format!("recovery takes {shown} s"),
        Metric::StaleTokenSessionS => format!(
            "{} is without a valid token ({shown} session-seconds)",
            session_time(mean, of(Metric::SignedInSessionS))
        ),
        Metric::DegradedSessionS => format!(
            "{} is in status degraded ({shown} degraded session-seconds)",
            session_time(mean, of(Metric::SignedInSessionS))
        ),
        Metric::PageLoadsFailed => {
            format!("{shown} of {} page loads fail", number::short(of(Metric::PageLoads)))
        }
        Metric::ErrorsSurfacedToApp => {
            format!("app code gets {}", number::counted_mean(mean, "error", "errors"))
        }
        Metric::FlowEntries => flow(results.flow(), policy, &shown, None),
        Metric::RecursiveEntries => recursive(policy, &shown, None),
        Metric::OfFamily(FlowMetric::Entries, family) => flow(words_of(family), policy, &shown, Some(family)),
        Metric::OfFamily(FlowMetric::Recursive, family) => recursive(policy, &shown, Some(family)),
        Metric::FailedEntries => {
            let fails = if shown == "1" { "refresh fails" } else { "refreshes fail" };
            format!("{shown} of {} {fails}", number::short(refreshes(results, policy)))
        }
        Metric::CallersGaveUp => format!(
            "{shown} of {} of generic clients are given up",
            number::counted_mean(of(Metric::CallersBegun), "call", "calls")
        ),
        Metric::AppWaitS => format!("app code waits {shown} s in all for tokens and sessions"),
        Metric::Amplification => format!("{shown} requests are sent for each one that is asked for"),
        Metric::PeakRequestsPerS => format!("requests peak at {shown} per second"),
        Metric::Responses429 => format!("{} refused with 429", are(mean, "request", "requests")),
        // The other metrics have their name, value and unit.
        other => {
            let def = results.def(other);
            format!("{} is {}", def.name.replace('_', " "), number::with_unit(mean, def.unit))
        }
    })
}

/// `1 request is`, `2 requests are`.
fn are(mean: f64, one: &str, many: &str) -> String {
    let is = if number::short(mean) == "1" { "is" } else { "are" };
    format!("{} {is}", number::counted_mean(mean, one, many))
}

fn sign_outs(results: &Results, falsely: f64, truly: f64) -> String {
    let (shown, users) = (number::short(falsely), number::counted(results.users.into(), "user", "users"));
    let mut notes = Vec::new();
    let says = if falsely > f64::from(results.users) {
        notes.push(users);
        format!("users whose session is valid are signed out {shown} times")
    } else {
        let is = if falsely <= 1.0 { "is" } else { "are" };
        format!("{shown} of {users} whose session is valid {is} signed out")
    };
    if truly > 0.0 {
        notes.push(format!("and {} whose session is revoked", number::short(truly)));
    }
    if notes.is_empty() { says } else { format!("{says} ({})", notes.join(", ")) }
}

/// A share of the time in which sessions are signed in.
fn session_time(part: f64, whole: f64) -> String {
    if whole > 0.0 {
        format!("{} of signed-in session time", number::share(part / whole))
    } else {
        "session time".to_owned()
    }
}

/// The words of the flow of a family.
fn words_of(family: u8) -> &'static FlowWords {
    &FAMILIES[usize::from(family)].flow
}

/// Refreshes of the clients that have refresh tokens.
fn refreshes(results: &Results, policy: &PolicyResults) -> f64 {
    let families = results.families();
    if !families.are_several() {
        return measured::mean(policy, Metric::FlowEntries).unwrap_or(0.0);
    }
    let with_tokens = families.iter().filter(|family| FAMILIES[*family].refresh_tokens);
    let entries = with_tokens.map(|family| FlowMetric::Entries.in_flow(Some(family as u8)));
    entries.filter_map(|metric| measured::mean(policy, metric)).sum()
}

/// Entries of the flow of one family, or of all clients.
fn flow(words: &FlowWords, policy: &PolicyResults, entries: &str, family: Option<u8>) -> String {
    let worst = measured::worst(policy, FlowMetric::WorstSession.in_flow(family));
    let (worst, of_worst) = worst.unwrap_or_default();
    let times = if entries == "1" { "once".to_owned() } else { format!("{entries} times") };
    let one =
        if worst > 1 { format!(", one of them {}{of_worst}", number::times(worst)) } else { String::new() };
    format!("sessions {} {times}{one}{}", words.enter, chains_of(policy, family))
}

/// Refreshes that the answer to a refresh causes.
fn recursive(policy: &PolicyResults, shown: &str, family: Option<u8>) -> String {
    let entries = measured::mean(policy, FlowMetric::Entries.in_flow(family)).unwrap_or(0.0);
    let are = if shown == "1" { "refresh is" } else { "refreshes are" };
    format!(
        "{shown} of {} {are} caused by the answer to another{}",
        number::short(entries),
        chains_of(policy, family)
    )
}

/// The longest chain of entries; empty without a chain.
pub fn chains(policy: &PolicyResults) -> String {
    chains_of(policy, None)
}

fn chains_of(policy: &PolicyResults, family: Option<u8>) -> String {
    let (depth, of_deepest) =
        measured::worst(policy, FlowMetric::DepthMax.in_flow(family)).unwrap_or_default();
    if depth > 1 {
        format!(", in chains of up to {}{of_deepest}", number::whole(depth))
    } else {
        String::new()
    }
}

/// Totals of the calls of a run without users, besides the harms.
pub(super) fn traffic(policy: &PolicyResults) -> Option<String> {
    let sent = measured::mean(policy, Metric::RequestsTotal)?;
    (sent > 0.0).then(|| format!("{} sent", are(sent, "request", "requests")))
}

/// Harms to users that happen in no replication of these policies, each as an event, the gravest first. Empty for a run
/// without users.
pub(super) fn absent(results: &Results, policies: &[&PolicyResults]) -> Vec<String> {
    if results.users == 0 {
        return Vec::new();
    }
    let nowhere = |metric: &Metric| {
        let of_app = matches!(metric, Metric::ErrorsSurfacedToApp | Metric::AppWaitS);
        // A zero of users who run other clients says nothing.
        let of_some = results.def(*metric).of != Families::default();
        let zero = |policy: &&PolicyResults| {
            let values = measured::of(policy, *metric);
            values.is_some_and(|values| values.mean <= 0.0 && !(of_some && values.exercised == Some(0)))
        };
        policies.iter().all(zero) && (!of_app || policies.iter().any(|policy| measured::app_called(policy)))
    };
    Metric::by_gravity(results.families())
        .into_iter()
        .filter(nowhere)
        .filter_map(|metric| event(results, metric))
        .collect()
}

fn event(results: &Results, metric: Metric) -> Option<String> {
    let words = match metric {
        Metric::FalseSignOuts => "a valid session is signed out",
        Metric::ReuseSignOuts => "a client ends its session by using a refresh token twice",
        Metric::StaleTokenSessionS => "a signed-in session is without a valid token",
        Metric::PageLoadsFailed => "a page load fails",
        Metric::ErrorsSurfacedToApp => "app code gets an error",
        Metric::FlowEntries => return Some(format!("a session {}", results.flow().enters)),
        Metric::OfFamily(FlowMetric::Entries, family) => {
            return Some(format!("a session {}", words_of(family).enters));
        }
        Metric::RecursiveEntries | Metric::OfFamily(FlowMetric::Recursive, _) => "a refresh causes another",
        Metric::FailedEntries => "a refresh fails",
        Metric::AppWaitS => "app code waits",
        _ => return None,
    };
    Some(words.to_owned())
}
