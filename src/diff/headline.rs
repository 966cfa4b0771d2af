//! The headline of a comparison: whether the second results are better.

use super::{Compared, Diff, Verdict};
use crate::metrics::{Harm, all_metrics};
use crate::text::{clean, number};

/// Says whether the second results are better or worse, by the gravest measure of harm that changed beyond noise.
pub fn headline(found: &Diff) -> String {
    let (changed, all) = (found.count(Verdict::Changed), found.rows.len());
    if all == 0 {
        return "Nothing to compare: no policy has a metric in both.".to_owned();
    }
    let (better, worse) =
        (gravest(found, |row| row.b.is_below(&row.a)), gravest(found, |row| row.a.is_below(&row.b)));
    if changed == 0 && better.is_none() && worse.is_none() {
        return unchanged(found);
    }
    let beyond = format!("{changed} of {all} metrics changed beyond noise");
    match (better, worse) {
        (Some(better), None) => format!("B is better: {better}; no measure of harm is worse. {beyond}."),
        (None, Some(worse)) => format!("B is worse: {worse}; no measure of harm is better. {beyond}."),
        (Some(better), Some(worse)) => {
            format!("B is better in some and worse in others: {better}, but {worse}. {beyond}.")
        }
        (None, None) => {
            let first = found.rows.iter().find(|row| row.verdict == Verdict::Changed);
            let first = first.map(|row| format!(": {}", from_to(row))).unwrap_or_default();
            format!("B is neither better nor worse: {beyond}, none of them a measure of harm{first}.")
        }
    }
}

fn unchanged(found: &Diff) -> String {
    let all = found.rows.len();
    if found.count(Verdict::Same) == all {
        return format!("Nothing changed: all {all} metrics have the same values.");
    }
    match found.count(Verdict::Unknown) {
        0 => format!("No metric of {all} changed beyond noise."),
        n => format!("No change can be told from noise: {n} metrics have no interval (one replication?)."),
    }
}

/// Describes the gravest measure of harm that changed in this direction: its first policy, and the number of further
/// policies.
fn gravest(found: &Diff, way: impl Fn(&Compared) -> bool) -> Option<String> {
    let changed: Vec<(Harm, usize, &Compared)> = found
        .rows
        .iter()
        .filter(|row| way(row))
        .filter_map(|row| {
            let at = all_metrics().iter().position(|def| def.name == row.metric)?;
            let harm = all_metrics()[at].harm.of(row.a.value.max(row.b.value));
            is_told(row, harm).then_some((harm, at, row))
        })
        .collect();
    let &(_, metric, first) = changed.iter().min_by_key(|(harm, at, _)| (*harm, *at))?;
    let more = changed.iter().filter(|(_, at, _)| *at == metric).count() - 1;
    let first = from_to(first);
    Some(match more {
        0 => first,
        n => format!("{first} (likewise for {})", number::counted(n as u64, "more policy", "more policies")),
    })
}

/// Whether the headline may name a change: a harmful change beyond noise, or a loss of service that only one side has,
/// even where the replications are too few to tell.
fn is_told(row: &Compared, harm: Harm) -> bool {
    match harm {
        Harm::None => false,
        Harm::NoService => matches!(row.verdict, Verdict::Changed | Verdict::Perhaps | Verdict::Unknown),
        _ => row.verdict == Verdict::Changed,
    }
}

fn from_to(row: &Compared) -> String {
    let (policy, metric, unit) = (clean(&row.policy), clean(&row.metric), clean(&row.unit));
    // The unit of a rate is part of the sentence.
    let unit = if unit.contains(" per ") { format!(" {unit}") } else { String::new() };
    format!("{metric} of {policy} from {} to {}{unit}", row.a.words, row.b.words)
}

#[cfg(test)]
mod tests {
    use super::super::{Mean, Method, Rates};
    use super::*;
    use crate::stats::Estimate;

    fn found(rows: &[(&str, &str, f64, f64, Verdict)]) -> Diff {
        let row = |&(policy, metric, a, b, verdict): &(&str, &str, f64, f64, Verdict)| {
            let difference = Estimate { mean: b - a, ci_low: b - a, ci_high: b - a };
            let (policy, metric, unit) = (policy.to_owned(), metric.to_owned(), String::new());
            let (a, b) = (Mean::of(&[a]), Mean::of(&[b]));
            Compared { policy, metric, unit, a, b, difference, together: difference, pairing: None, verdict }
        };
        Diff {
            method: Method::Paired,
            family: rows.len(),
            rates: Rates::default(),
            rows: rows.iter().map(row).collect(),
            only_a: Vec::new(),
            only_b: Vec::new(),
        }
    }

    #[test]
    fn the_headline_names_the_gravest_change() {
        use Verdict::{Changed, Noise, Perhaps, Same, Unknown};
        let fewer_requests = ("old", "requests_total", 9_000.0, 5_000.0, Changed);
        let less_amplified = ("old", "amplification", 3.0, 1.5, Changed);
        let fewer_out = ("old", "false_sign_outs", 2_579.0, 911.0, Changed);
        let fewer_out_too = ("mid", "false_sign_outs", 20.0, 9.0, Changed);
        let more_stale = ("new", "stale_token_session_s", 1.0, 12.5, Changed);
        let never_again = ("new", "time_to_recover_s", 12.0, f64::INFINITY, Unknown);
        let slower = ("new", "time_to_recover_s", 12.0, 30.0, Changed);
        let perhaps_out = ("new", "false_sign_outs", 1.0, 7.0, Perhaps);
        for (rows, expected) in [
            (&[][..], "Nothing to compare: no policy has a metric in both."),
            (
                &[fewer_requests, less_amplified, fewer_out, perhaps_out],
                "B is better: false_sign_outs of old from 2,579 to 911; no measure of harm is worse. \
                 3 of 4 metrics changed beyond noise.",
            ),
            (
                &[fewer_out, fewer_out_too],
                "B is better: false_sign_outs of old from 2,579 to 911 (likewise for 1 more policy); no measure of \
                 harm is worse. 2 of 2 metrics changed beyond noise.",
            ),
            (
                &[less_amplified, more_stale],
                "B is better in some and worse in others: amplification of old from 3 to 1.50, but \
                 stale_token_session_s of new from 1 to 12.5. 2 of 2 metrics changed beyond noise.",
            ),
            (
                &[more_stale],
                "B is worse: stale_token_session_s of new from 1 to 12.5; no measure of harm is better. \
                 1 of 1 metrics changed beyond noise.",
            ),
            (
                &[fewer_requests],
                "B is neither better nor worse: 1 of 1 metrics changed beyond noise, none of them a measure of harm: \
                 requests_total of old from 9,000 to 5,000.",
            ),
            (
                &[more_stale, never_again],
                "B is worse: time_to_recover_s of new from 12 to never within the run; no measure of harm is better. \
                 1 of 2 metrics changed beyond noise.",
            ),
            (
                &[slower, more_stale],
                "B is worse: stale_token_session_s of new from 1 to 12.5; no measure of harm is better. \
                 2 of 2 metrics changed beyond noise.",
            ),
            (&[("p", "m", 1.0, 1.0, Same)], "Nothing changed: all 1 metrics have the same values."),
            (&[("p", "m", 1.0, 2.0, Noise)], "No metric of 1 changed beyond noise."),
            (
                &[("p", "m", 1.0, 2.0, Unknown)],
                "No change can be told from noise: 1 metrics have no interval (one replication?).",
            ),
        ] {
            assert_eq!(headline(&found(rows)), expected);
        }
    }
}
