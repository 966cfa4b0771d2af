//! The trials of several clients as one page.

use super::conditions::{SETTING, TRIALS};
use super::report::{ClientReport, SignedOutKind};
use crate::text::{clean, number};
use std::fmt::Write;

/// The trials of clients as a Markdown page: for each client what it is prone to, then a table of a row per trial.
pub fn page(reports: &[ClientReport]) -> String {
    let mut out = String::from(
        "# What the shipped clients do under stress\n\nFind your SDK. `authstorm explain-client MODEL` says more of one: what \
         it does, when each harm comes, and how many calls get no token. \n`authstorm explain-client --all` writes this \
         page.\n\n## Requests in one hour\n\nRequests to the server in 1 h, and whether the client signs the user out. \
         \"Falsely\" means that the server still knew the session, \"by reuse\" that the client used a refresh token a second \
         time, so that the server ended the session.\n",
    )
    .replace(" \n`", "\n`");
    // A client a row: names are long, and the names of trials short.
    let _ = write!(out, "\n| client |");
    TRIALS.iter().for_each(|trial| out += &format!(" {} |", trial.name));
    let _ = write!(out, "\n| --- |{}", " ---: |".repeat(TRIALS.len()));
    for report in reports {
        let _ = write!(out, "\n| `{}` |", clean(&report.name));
        for result in &report.trials {
            let end = match result.signed_out.map(|out| out.kind) {
                None if result.revoked_by_reuse => ", **out by reuse**",
                None => "",
                Some(SignedOutKind::True) => ", out",
                Some(SignedOutKind::False) => ", **falsely out**",
                Some(SignedOutKind::RevokedByReuse) => ", **out by reuse**",
            };
            let _ = write!(out, " {}{end} |", number::whole(result.requests));
        }
    }
    out += "\n\n| trial | condition |\n| --- | --- |\n";
    TRIALS.iter().for_each(|trial| out += &format!("| {} | {} |\n", trial.name, trial.condition));
    let _ = write!(out, "\n{SETTING}\n\n## What each client is prone to\n");
    for report in reports {
        let _ = write!(
            out,
            "\n### `{}`\n\n{} {}.\n\n",
            clean(&report.name),
            clean(&report.package),
            clean(&report.version)
        );
        report.harms().iter().for_each(|harm| out += &format!("- {harm}\n"));
    }
    out
}
