//! What was found: every harm of every policy in words, and the verdicts on the expectations.

use super::html::escaped;
use crate::plot::columns::MOST_POLICIES;
use crate::results::finding::{groups, nowhere};
use crate::results::verdicts;
use crate::results::{Judgement, Results};
use crate::text::capitalised;
use std::fmt::Write;

/// The most verdicts of a page.
const MOST_VERDICTS: usize = 100;

/// Writes the section.
pub(super) fn findings(results: &Results, out: &mut String) {
    out.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    let groups = groups(results, usize::MAX);
    for group in groups.iter().take(MOST_POLICIES) {
        let _ = writeln!(out, "<h3>Under {}</h3>\n<ul class=\"findings\">", escaped(&group.who));
        for clause in &group.clauses {
            let _ = writeln!(out, "<li>{}.</li>", escaped(&capitalised(clause)));
        }
        out.push_str("</ul>\n");
    }
    let more = groups.len().saturating_sub(MOST_POLICIES);
    let qualifications = verdicts::qualifications(results);
    let left_out = qualifications.len().saturating_sub(MOST_POLICIES);
    let notes: Vec<String> = nowhere(results)
        .into_iter()
        .chain((more > 0).then(|| format!("{more} more policies are in summary.json")))
        .chain(qualifications.into_iter().take(MOST_POLICIES))
        .chain((left_out > 0).then(|| format!("{left_out} more qualifications are in summary.json")))
        .collect();
    if !notes.is_empty() {
        out.push_str("<h3>For all of them</h3>\n<ul class=\"findings\">\n");
        notes.iter().for_each(|note| {
            let _ = writeln!(out, "<li>{}.</li>", escaped(note));
        });
        out.push_str("</ul>\n");
    }
    expectations(results, out);
    out.push_str("</section>\n");
}

fn expectations(results: &Results, out: &mut String) {
    if results.expectations.is_empty() {
        return;
    }
    out.push_str("<h3>Expectations</h3>\n<ul class=\"verdicts\">\n");
    for verdict in results.expectations.iter().take(MOST_VERDICTS) {
        let class = match verdict.judgement {
            Judgement::Passed => "ok",
            Judgement::Failed | Judgement::Vacuous | Judgement::NotDecided => "bad",
            Judgement::NotJudged => "open",
        };
        let word = verdicts::word(verdict.judgement);
        let (that, detail) =
            (escaped(&verdict.that), escaped(&verdicts::detail(verdict, results.replications)));
        let _ = writeln!(
            out,
            "<li class=\"{class}\"><b>{word}</b> <code>{that}</code> <span>{detail}</span></li>"
        );
    }
    let more = results.expectations.len().saturating_sub(MOST_VERDICTS);
    if more > 0 {
        let _ = writeln!(out, "<li>{more} more verdicts are in summary.json.</li>");
    }
    out.push_str("</ul>\n");
}
