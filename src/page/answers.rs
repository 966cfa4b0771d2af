//! How long answers take: a row per endpoint and percentile, a column per policy.

use super::data::shown_policies;
use super::html::{begin_policy_table, escaped};
use crate::explain::words::span;
use crate::kernel::Dur;
use crate::results::{Answers, PolicyResults, Results};
use std::fmt::Write;

/// A percentile: its name, and its value of an endpoint.
type Percentile = (&'static str, fn(&Answers) -> Option<Dur>);

/// The percentiles of the table.
const PERCENTILES: [Percentile; 4] = [
    ("half within", |a| Some(a.p50)),
    ("90% within", |a| Some(a.p90)),
    ("95% within", |a| a.p95),
    ("99% within", |a| Some(a.p99)),
];

/// Writes the section, if the results say how long answers take.
pub(super) fn answers(results: &Results, out: &mut String) {
    let shown = shown_policies(results);
    let mut endpoints: Vec<&str> = Vec::new();
    for answers in shown.iter().flat_map(|policy| &policy.answers) {
        if !endpoints.contains(&answers.endpoint.as_str()) {
            endpoints.push(&answers.endpoint);
        }
    }
    if endpoints.is_empty() {
        return;
    }
    out.push_str(
        "<section aria-labelledby=\"answers\">\n<h2 id=\"answers\">How long answers take</h2>\n<p class=\"hint\">From sending a \
         request to its answer, refusals included, over all replications. Requests without an answer are not counted.</p>\n",
    );
    begin_policy_table("How long answers take", "answers of", shown, out);
    for endpoint in endpoints {
        for (name, value) in PERCENTILES {
            let _ = write!(out, "<tr><th scope=\"row\">/{} <small>{name}</small></th>", escaped(endpoint));
            for policy in shown {
                let _ = write!(out, "<td>{}</td>", cell(policy, endpoint, value));
            }
            out.push_str("</tr>\n");
        }
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

fn cell(policy: &PolicyResults, endpoint: &str, value: fn(&Answers) -> Option<Dur>) -> String {
    let answers = policy.answers.iter().find(|answers| answers.endpoint == endpoint);
    answers.map_or_else(|| "no answers".to_owned(), |answers| value(answers).map(span).unwrap_or_default())
}
