//! Results by group: a table per kind of group, a row per group and metric, a column per policy.

use super::data::shown_policies;
use super::html::{begin_policy_table, escaped};
use crate::results::{Results, groups};
use std::fmt::Write;

/// Writes the section, if the results have groups.
pub(super) fn groups(results: &Results, out: &mut String) {
    let tables = groups::tables(results);
    if tables.is_empty() {
        return;
    }
    let shown = shown_policies(results);
    out.push_str(
        "<section aria-labelledby=\"groups\">\n<h2 id=\"groups\">Who did it, and whom it hurt</h2>\n<p class=\"hint\">Mean \
         over the replications with its interval, by group. Rows of zeros are left out. Of apps and networks, the ten worst. \
         Exact values are in groups.csv.</p>\n",
    );
    for (kind, rows) in tables {
        begin_policy_table(&format!("Results by {kind}"), &kind, shown, out);
        for row in rows {
            let _ = write!(
                out,
                "<tr><th scope=\"row\"><bdi>{}</bdi>: {} <small>{}</small></th>",
                escaped(&row.group),
                escaped(&row.metric.replace('_', " ")),
                escaped(&row.unit)
            );
            for cell in row.cells.iter().take(shown.len()) {
                let _ = write!(out, "<td>{}</td>", escaped(cell));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
    }
    out.push_str("</section>\n");
}
