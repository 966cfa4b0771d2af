//! Sign-outs so far, false and true, over the run: a line per policy.

use super::columns::Columns;
use super::lines::{Line, Lines};
use super::series::{FALSE_SIGN_OUTS, TRUE_SIGN_OUTS};
use super::{Chart, titles};
use crate::results::Results;

/// Draws the chart. Lines of false sign-outs are solid, those of true ones dashed. A policy without true sign-outs has no
/// dashed line.
pub fn sign_outs(results: &Results) -> Chart {
    sign_outs_in(results, Columns::of(results))
}

/// As [`sign_outs`], with these columns.
pub fn sign_outs_in(results: &Results, columns: Columns) -> Chart {
    let (mut lines, mut any_true) = (Vec::new(), false);
    for policy in 0..results.policies.len() {
        let truly = Line::of(results, columns, policy, &TRUE_SIGN_OUTS, true);
        if truly.is_any() {
            any_true = true;
            lines.push(truly);
        }
        lines.push(Line::of(results, columns, policy, &FALSE_SIGN_OUTS, false));
    }
    let mut notes = vec![if any_true {
        "sign-outs so far; solid: false, the server still knew the session; dashed: true".to_owned()
    } else {
        "false sign-outs so far, of sessions that the server still knew; no true ones".to_owned()
    }];
    if results.replications > 1 {
        notes.push(FALSE_SIGN_OUTS.aggregate.note().to_owned());
    }
    Lines {
        results,
        columns,
        title: titles::sign_outs(results),
        notes,
        lines,
        nothing: "no sign-outs",
        stepped: false,
        file_stem: "sign-outs",
    }
    .draw()
}
