//! The table of metrics: a row per metric, a column per policy.

use super::data::shown_policies;
use super::html::{begin_policy_table, escaped};
use crate::metrics::metrics_of;
use crate::plot::titles;
use crate::results::measured;
use crate::results::{PolicyResults, Results};
use std::fmt::Write;

pub(super) fn summary(results: &Results, out: &mut String) {
    out.push_str("<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">Summary</h2>\n");
    let several = results.replications > 1;
    if several {
        let _ = writeln!(
            out,
            "<p class=\"hint\">Mean of {} replications, with the 95% confidence interval of the mean below it. Exact \
             values are in the title of each cell and in summary.csv.</p>",
            results.replications
        );
    }
    let shown = shown_policies(results);
    begin_policy_table("Summary", "metric", shown, out);
    let known = metrics_of(results.families());
    for def in known.iter().filter(|def| measured::can_move(results, def.metric)) {
        row(def.name, def.unit, def.definition, shown, several, out);
    }
    // Metrics of another version follow unchanged.
    let others = results
        .policies
        .iter()
        .flat_map(|policy| &policy.metrics)
        .filter(|m| known.iter().all(|def| def.name != m.name));
    let mut said: Vec<&str> = Vec::new();
    for other in others {
        if !said.contains(&other.name.as_str()) {
            said.push(&other.name);
            row(&other.name, &other.unit, "", shown, several, out);
        }
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    if shown.len() < results.policies.len() {
        let more = results.policies.len() - shown.len();
        let _ = writeln!(out, "<p class=\"hint\">{more} more policies are in summary.csv.</p>");
    }
    out.push_str("</section>\n");
}

fn row(
    name: &str,
    unit: &str,
    definition: &str,
    policies: &[PolicyResults],
    several: bool,
    out: &mut String,
) {
    let _ = write!(
        out,
        "<tr><th scope=\"row\"><span title=\"{}\">{}</span> <small>{}</small></th>",
        escaped(definition),
        escaped(&name.replace('_', " ")),
        escaped(unit)
    );
    for policy in policies {
        let Some(m) = policy.get(name) else {
            let _ = write!(out, "<td>{}</td>", titles::UNKNOWN);
            continue;
        };
        // The same digits as in summary.csv.
        let _ = write!(
            out,
            "<td data-metric=\"{}\" data-mean=\"{}\" data-low=\"{}\" data-high=\"{}\" title=\"{} [{}, {}]\">{}",
            escaped(name),
            m.mean,
            m.ci_low,
            m.ci_high,
            m.mean,
            m.ci_low,
            m.ci_high,
            measured::mean_words(m)
        );
        if let (true, Some((low, high))) = (several, measured::interval(m)) {
            let _ = write!(out, "<small>{low} to {high}</small>");
        }
        out.push_str("</td>");
    }
    out.push_str("</tr>\n");
}
