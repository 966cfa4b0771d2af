//! Verdicts in words, for the terminal and the page.

use super::{
    Assurance, Decision, Demand, Gap, Judgement, PolicyResults, Results, RunsMeeting, RunsQuantile, Verdict,
    WarmUpCut, measured,
};
use crate::client::token::label;
use crate::kernel::Dur;
use crate::metrics::Metric;
use crate::stats::{CONFIDENCE, Trials, at_most};
use crate::text::{clean, number};

/// The word that begins a verdict's line.
pub const fn word(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Passed => "ok",
        Judgement::Failed => "FAIL",
        Judgement::Vacuous => "VACUOUS",
        Judgement::NotJudged => "not judged",
        Judgement::NotDecided => "NOT DECIDED",
    }
}

/// A verdict in a line: its word, the expression, and what was found. `runs` is the number of replications.
pub fn line(verdict: &Verdict, runs: u32) -> String {
    format!("{:<4} {}: {}", word(verdict.judgement), clean(&verdict.that), detail(verdict, runs))
}

/// Text after the expression of a verdict. `runs` is the number of replications.
pub fn detail(verdict: &Verdict, runs: u32) -> String {
    match verdict.judgement {
        Judgement::NotJudged => verdict.reason.clone(),
        Judgement::Vacuous if verdict.may_be_vacuous => {
            format!("holds, but {}; the scenario allows this", verdict.reason)
        }
        Judgement::Vacuous => format!("holds, but {}: nothing could break it", verdict.reason),
        Judgement::Failed | Judgement::NotDecided => {
            format!("{}{}{}", observed(verdict, runs), assurance(verdict, runs), decision(verdict))
        }
        Judgement::Passed => {
            let exercised = match verdict.exercised {
                n if n < runs => format!("; exercised in {n} of {runs} replications"),
                _ => String::new(),
            };
            format!("{}{exercised}{}{}", observed(verdict, runs), assurance(verdict, runs), decision(verdict))
        }
    }
}

fn observed(verdict: &Verdict, runs: u32) -> String {
    let value = verdict.observed.map_or_else(|| "nothing".to_owned(), number::short);
    let value = match verdict.is_relation {
        true => format!("{value} against {}", number::short(verdict.bound)),
        false => value,
    };
    match verdict.replication {
        None => format!("mean {value} of {runs} replications"),
        Some(_) if runs == 1 => format!("observed {value} in 1 replication"),
        Some(_) if verdict.same_in_all => format!("observed {value} in each of {runs} replications"),
        Some(replication) => {
            format!("observed {value}, the worst of {runs} replications (replication {replication})")
        }
    }
}

fn assurance(verdict: &Verdict, runs: u32) -> String {
    match &verdict.assurance {
        Assurance::None => String::new(),
        Assurance::ViolatedAtMost(share) => {
            format!("; at most {} of runs violate it (one-sided 95% bound)", number::upper_share(*share))
        }
        // Values without spread say nothing of how far other runs are from them, but something of how many.
        Assurance::Mean(Some(_)) if verdict.same_in_all && verdict.decision.is_some() => {
            format!("; at most {} of runs differ (one-sided 95% bound)", number::upper_share(at_most(runs)))
        }
        Assurance::Mean(Some((low, high))) => {
            let of = if verdict.is_relation { " of the difference" } else { "" };
            format!("; 95% interval{of} {} to {}", number::short(*low), number::short(*high))
        }
        Assurance::Mean(None) if runs == 1 => "; one replication gives no interval".to_owned(),
        Assurance::Mean(None) => "; no interval".to_owned(),
        Assurance::Runs(runs) => {
            let RunsMeeting { meet, shown, of, at_least, at_most, quantile } = *runs;
            let shown = if shown < meet { format!(", {shown} of them exercised") } else { String::new() };
            let bounds = match verdict.judgement {
                Judgement::Failed => format!("at most {} of runs do", number::upper_share(at_most)),
                Judgement::Passed => format!("at least {} of runs do", lower_share(at_least)),
                _ => format!(
                    "at least {} and at most {} of runs do",
                    lower_share(at_least),
                    number::upper_share(at_most)
                ),
            };
            let quantile = quantile.map_or(String::new(), in_words);
            format!("; {meet} of {of} runs meet it{shown}; {bounds} (one-sided 95% bound){quantile}")
        }
    }
}

fn in_words(quantile: RunsQuantile) -> String {
    let RunsQuantile { share, value, low, high } = quantile;
    let end = |end: Option<f64>, none: &str| end.map_or_else(|| none.to_owned(), number::short);
    format!(
        "; {} of runs have at most {} (95% interval {} to {})",
        number::share(share),
        number::short(value),
        end(low, "no lower end"),
        end(high, "no upper end")
    )
}

/// A lower bound of a share, rounded down.
fn lower_share(share: f64) -> String {
    match share >= 1.0 {
        true => number::share(share),
        false => format!("{}%", number::fixed(libm::floor(share * 1_000.0) / 10.0, 1)),
    }
}

/// The p-value of what was decided, or of the nearer of what was not.
fn decision(verdict: &Verdict) -> String {
    let Some(Decision { confidence, family, p_holds, p_fails }) = verdict.decision else {
        return String::new();
    };
    let together = match family {
        1 => String::new(),
        more => format!(" for {more} expectations together"),
    };
    let level = trimmed(1.0 - confidence);
    match verdict.judgement {
        Judgement::Passed => format!("; shown{together} (p {} <= {level})", p_value(p_holds)),
        Judgement::Failed => format!("; shown not to hold{together} (p {} <= {level})", p_value(p_fails)),
        _ => format!(
            "; neither that it holds nor that it does not is shown{together} (p {} and {} > {level})",
            p_value(p_holds),
            p_value(p_fails)
        ),
    }
}

/// A p-value, rounded up.
fn p_value(p: f64) -> String {
    match libm::ceil(p * 10_000.0) / 10_000.0 {
        up if up <= 0.0 => "0".to_owned(),
        up => trimmed(up.min(1.0)),
    }
}

/// A number with at most six decimals.
fn trimmed(value: f64) -> String {
    number::fixed(value, 6).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How the expectations are decided that statistics decide: one sentence on all of them; absent if there are none.
pub fn level(results: &Results) -> Option<String> {
    let Decision { confidence, family, .. } =
        results.expectations.iter().find_map(|verdict| verdict.decision)?;
    let confidence = number::share(confidence);
    let who = number::counted(family.into(), "expectation is", "expectations are");
    Some(format!(
        "{who} decided by statistics, together: with {confidence} confidence none passes wrongly, and with {confidence} none \
         fails wrongly (Holm). Intervals and bounds are of one expectation each"
    ))
}

/// Counts of expectations that hold, fail, are vacuous, not decided and not judged; empty without expectations.
pub fn count(results: &Results) -> String {
    let verdicts = &results.expectations;
    let parts = Judgement::ALL.into_iter().filter_map(|judgement| {
        let count = verdicts.iter().filter(|v| v.judgement == judgement).count();
        (count > 0).then(|| format!("{count} {}", word(judgement)))
    });
    match verdicts.len() {
        0 => String::new(),
        all => {
            let all = number::counted(all as u64, "expectation", "expectations");
            format!("{all}: {}", parts.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Warns of an endpoint or a limit that is offered more than it serves before the first fault. `horizon` is the length of
/// the run.
pub fn exceeded(policy: &str, demand: &Demand, horizon: Dur) -> String {
    let until = if demand.time == horizon {
        "over the run".to_owned()
    } else {
        format!("in the {} s before the first fault", number::short(demand.time.as_secs_f64()))
    };
    format!(
        "Demand exceeds capacity under {}, {until}: {} is offered {}/s and serves {}/s ({})",
        label(policy),
        demand.place,
        number::short(demand.offered_per_s()),
        number::short(demand.served_per_s()),
        number::share(demand.served / demand.offered),
    )
}

/// What acts in no replication, a sentence each. Names the policies if it is not so under every policy.
pub fn not_exercised(results: &Results) -> Vec<String> {
    let mut sentences: Vec<(&str, Vec<String>)> = Vec::new();
    for policy in &results.policies {
        for sentence in &policy.not_exercised {
            match sentences.iter_mut().find(|(known, _)| known == sentence) {
                Some((_, policies)) => policies.push(policy.label()),
                None => sentences.push((sentence, vec![policy.label()])),
            }
        }
    }
    let in_words = |(sentence, policies): (&str, Vec<String>)| {
        let under = if policies.len() == results.policies.len() {
            String::new()
        } else {
            format!(" under {}", policies.join(", "))
        };
        format!("Not exercised{under}: {}", clean(sentence))
    };
    sentences.into_iter().map(in_words).collect()
}

/// A sentence for each policy with unfinished callers: their ratios and means over calls are not final.
pub fn unfinished(results: &Results) -> Vec<String> {
    let total = |policy: &PolicyResults, metric: Metric| {
        measured::of(policy, metric).map_or(0.0, |metric| metric.values.iter().sum::<f64>())
    };
    let of = |policy: &PolicyResults| {
        let [open, begun] = [Metric::CallersUnfinished, Metric::CallersBegun].map(|m| total(policy, m));
        (open > 0.0).then(|| {
            format!(
                "Under {}, {} of {} still wait or try when the run ends: amplification, waiting and what callers see are not \
                 final",
                policy.label(),
                number::short(open),
                number::counted_mean(begun, "call", "calls"),
            )
        })
    };
    results.policies.iter().filter_map(of).collect()
}

/// The clients that follow their source alone; absent where recordings confirm each.
fn unrecorded(results: &Results) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for name in results.policies.iter().flat_map(|policy| &policy.unrecorded) {
        let name = clean(name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| {
        format!(
            "No recording confirms {}: the profile follows the source of the package alone",
            names.join(", nor ")
        )
    })
}

/// Everything that qualifies the numbers of these results, a sentence each: demand beyond capacity, clients without recordings,
/// what was not exercised, unfinished callers, a number of replications that is one or was chosen by looking, and gaps of another
/// version's results.
pub fn qualifications(results: &Results) -> Vec<String> {
    let demand = results.policies.iter().flat_map(|policy| {
        let exceeding = policy.demand.iter().filter(|demand| demand.exceeds());
        exceeding.map(|demand| exceeded(&policy.name, demand, results.horizon))
    });
    let mut sentences: Vec<String> = demand.collect();
    let says_demand =
        !results.gaps.iter().any(|gap| matches!(gap, Gap::NoField { field, .. } if field == "demand"));
    if says_demand && !results.policies.is_empty() && results.policies.iter().all(|p| p.demand.is_empty()) {
        sentences.push(
            "Demand against capacity is not judged: no request is sent before the first fault".to_owned(),
        );
    }
    sentences.extend(unrecorded(results));
    sentences.extend(unfinished(results));
    sentences.extend(not_exercised(results));
    sentences.extend(results.warm_up.iter().map(WarmUpCut::in_words));
    if let Some(precision) = &results.precision {
        sentences.extend(precision.in_words());
        let none = Trials { passes: results.replications.into(), fails: 0 };
        sentences.push(format!(
            "The 95% bounds of what never happens, and the bounds and tests of expectations, assume a number of replications that \
             is fixed beforehand, and are approximate here: what happens in none of {} happens in at most {} of runs by the \
             bound that holds at any number; --replications N on a fresh --seed gives exact ones",
            number::counted(results.replications.into(), "replication", "replications"),
            number::upper_share(1.0 - none.share_at_any_time(CONFIDENCE).0)
        ));
    }
    if results.replications == 1 {
        sentences.push(
            "One replication gives no intervals: it does not tell what a policy causes from what chance causes; --replications 10 \
             does"
                .to_owned(),
        );
    }
    sentences.extend(results.gaps.iter().map(Gap::to_string));
    sentences
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn every_judgement_has_its_words() {
        let results = synthetic::storm(&["old", "new"], 60, 5);
        let passed = &results.expectations[0];
        assert_eq!(
            detail(passed, 5),
            "observed 0 in each of 5 replications; at most 45.1% of runs violate it (one-sided 95% bound)"
        );
        let failed = Verdict { observed: Some(f64::INFINITY), ..results.expectations[1].clone() };
        assert_eq!(
            detail(&failed, 5),
            "observed never within the run, the worst of 5 replications (replication 2)"
        );
        let vacuous = Verdict {
            judgement: Judgement::Vacuous,
            reason: "no app code calls".to_owned(),
            ..passed.clone()
        };
        assert_eq!(detail(&vacuous, 5), "holds, but no app code calls: nothing could break it");
        assert_eq!(count(&results), "2 expectations: 1 ok, 1 FAIL");
    }

    #[test]
    fn a_check_needs_a_judgement() {
        let mut results = synthetic::storm(&["old", "new"], 60, 5);
        assert!(!results.passes_check(), "one fails");
        results.expectations.remove(1);
        assert!(results.passes_check());
        results.expectations[0].judgement = Judgement::NotJudged;
        assert!(!results.passes_check(), "nothing is judged");
        results.expectations.clear();
        assert!(results.passes_check(), "nothing is asked");
    }
}
