//! Results by group: a table per kind of group, a row per group and metric, a column per policy.

use super::data::shown_policies;
use super::html::{begin_policy_table, escaped};
use crate::results::{Results, groups};
use crate::text::number;
use std::fmt::Write;

/// Number of rows above which a table is folded.
const FOLDED: usize = 30;

/// Writes the section, if the results have groups.
pub(super) fn groups(results: &Results, out: &mut String) {
    let tables = groups::tables(results);
    if tables.is_empty() {
        return;
    }
    let shown = shown_policies(results);
    out.push_str(
        "<section aria-labelledby=\"groups\">\n<h2 id=\"groups\">Who did it, and whom it hurt</h2>\n<p class=\"hint\">Mean \
         over the replications with its interval, by group. Rows of zeros are left out. Of apps and networks, the ten worst \
         under each policy; a cell is empty where the group is not one of them. Exact values are in groups.csv.</p>\n",
    );
    for (kind, rows) in tables {
        let is_long = rows.len() > FOLDED;
        if is_long {
            let count = number::counted(rows.len() as u64, "row", "rows");
            let _ = write!(out, "<details>\n<summary>By {}: {count}</summary>\n", escaped(&kind));
        }
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
        if is_long {
            out.push_str("</details>\n");
        }
    }
    out.push_str("</section>\n");
}
