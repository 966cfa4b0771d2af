//! What the limits did: rows per limit, a column per policy.

use super::data::shown_policies;
use super::html::{begin_policy_table, escaped};
use crate::results::{LimitUse, Results, WhomRefused};
use crate::text::number;
use std::fmt::Write;

/// A row: its name, and what it says of a limit; `None` if the limit does not report it.
type Row = (&'static str, fn(&LimitUse) -> Option<String>);

/// The rows of a limit.
const ROWS: [Row; 5] = [
    ("refused of the asked", |limit| Some(of(limit.refused, limit.asked))),
    ("keys ever refused", |limit| who(limit, |who| of(who.keys_refused, who.keys))),
    ("of the worst key", |limit| who(limit, |who| of(who.worst_key_refused, who.worst_key_asked))),
    ("callers ever refused", |limit| who(limit, |who| of(who.callers_refused, who.callers))),
    ("innocent ever refused", |limit| {
        let who = limit.who.as_ref()?;
        Some(of(who.innocent_refused?, who.innocent?))
    }),
];

fn who(limit: &LimitUse, words: impl Fn(&WhomRefused) -> String) -> Option<String> {
    limit.who.as_ref().map(words)
}

/// `12 of 40 (30%)`.
fn of(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    format!("{} of {} ({})", number::whole(part), number::whole(whole), number::share(share))
}

/// Writes the section, if the results say what limits did.
pub(super) fn limits(results: &Results, out: &mut String) {
    let shown = shown_policies(results);
    let Some(first) = shown.first().filter(|policy| !policy.limits.is_empty()) else { return };
    out.push_str(
        "<section aria-labelledby=\"limits\">\n<h2 id=\"limits\">What the limits did</h2>\n<p class=\"hint\">Over all \
         replications. A caller, a user or a generic client, is innocent if it never asks more than its fair share: what the limit \
         promises a key, divided by the callers that share the key, and at least one call. limits.csv has these numbers.</p>\n",
    );
    begin_policy_table("What the limits did", "limit", shown, out);
    for (place, limit) in first.limits.iter().enumerate() {
        for (name, value) in ROWS {
            if value(limit).is_none() {
                continue;
            }
            let _ = write!(out, "<tr><th scope=\"row\">{} <small>{name}</small></th>", escaped(&limit.limit));
            for policy in shown {
                let value = policy.limits.get(place).and_then(value);
                let _ = write!(out, "<td>{}</td>", value.unwrap_or_default());
            }
            out.push_str("</tr>\n");
        }
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}
