//! What the workers do: a row per pool and figure, a column per policy.

use super::data::shown_policies;
use super::html::{begin_policy_table, escaped};
use crate::explain::words::span;
use crate::results::{Results, Servers};
use crate::text::number;
use std::fmt::Write;

/// A figure: its name, and its value of a pool in words.
type Figure = (&'static str, fn(&Servers) -> String);

/// The figures of the table. One that is zero for every policy has no row, but for the first ones.
const FIGURES: [Figure; 13] = [
    ("calls", |s| number::short(s.offered as f64)),
    ("served", |s| number::short(s.served as f64)),
    ("busy", |s| format!("{}%", number::short(100.0 * s.utilisation))),
    ("shed by a full queue", |s| number::short(s.shed as f64)),
    ("waited too long", |s| number::short(s.expired as f64)),
    ("left by their clients", |s| number::short(s.abandoned as f64)),
    ("lost in restarts", |s| number::short(s.dropped as f64)),
    ("mean queue", |s| number::short(s.waiting)),
    ("longest queue", |s| number::short(s.most_waiting as f64)),
    ("mean wait", |s| span(s.mean_wait)),
    ("half there within", |s| span(s.p50)),
    ("95% there within", |s| span(s.p95)),
    ("99% there within", |s| span(s.p99)),
];
/// The figures that always have a row.
const ALWAYS: usize = 3;

/// Writes the section, if the scenario has workers.
pub(super) fn servers(results: &Results, out: &mut String) {
    let shown = shown_policies(results);
    let Some(first) = shown.iter().find(|policy| !policy.servers.is_empty()) else { return };
    out.push_str(
        "<section aria-labelledby=\"servers\">\n<h2 id=\"servers\">What the workers do</h2>\n<p class=\"hint\">By pool of \
         workers, over all replications. Times are those at the workers, waiting and in service, of the calls that were \
         served. pools.csv has these numbers.</p>\n",
    );
    begin_policy_table("What the workers do", "pool", shown, out);
    for pool in &first.servers {
        let of = |policy: &crate::results::PolicyResults| {
            policy.servers.iter().find(|servers| servers.pool == pool.pool).cloned()
        };
        for (number, (name, words)) in FIGURES.iter().enumerate() {
            let cells: Vec<String> =
                shown.iter().map(|policy| of(policy).map_or_else(String::new, |s| words(&s))).collect();
            if number >= ALWAYS && cells.iter().all(|cell| ["", "0"].contains(&cell.as_str())) {
                continue;
            }
            let pool = escaped(&pool.pool);
            let _ = write!(out, "<tr><th scope=\"row\">{pool} <small>{name}</small></th>");
            for cell in cells {
                let _ = write!(out, "<td>{cell}</td>");
            }
            out.push_str("</tr>\n");
        }
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}
