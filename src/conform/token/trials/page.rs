//! The trials of several clients as one page.

use super::conditions::{SETTING, TRIALS};
use super::report::{ClientReport, SignedOutKind};
use crate::text::{clean, number};
use std::fmt::Write;

impl SignedOutKind {
    /// What stands after a number of requests in a table.
    pub fn after(end: Option<SignedOutKind>) -> &'static str {
        match end {
            None => "",
            Some(SignedOutKind::True) => ", out",
            Some(SignedOutKind::False) => ", **falsely out**",
            Some(SignedOutKind::RevokedByReuse) => ", **out by reuse**",
        }
    }
}

/// The trials of clients as a Markdown page: for each client what it is prone to, then a table of a row per trial.
/// `others` are the rows of further clients, with their trials as cells, and what their setting is.
pub fn page(reports: &[ClientReport], others: &[(String, Vec<String>)], setting: &str) -> String {
    let mut out = String::from(
        "# What the shipped clients do under stress\n\nFind your SDK. `authstorm explain-client MODEL` says more of one: what \
         it does, when each harm comes, and how many calls get no token. \n`authstorm explain-client --all` writes this \
         page.\n\n## Requests in one hour\n\nRequests to the server in 1 h, and whether the client signs the user out. \
         \"Falsely\" means that the server still knew the session, \"by reuse\" that the client used a refresh token a second \
         time, so that the server ended the session. A 0 means that the client sent nothing in that hour, so that the \
         condition met no request.\n",
    )
    .replace(" \n`", "\n`");
    // A client a row: names are long, and the names of trials short.
    out += &head();
    for report in reports {
        let _ = write!(out, "\n| {} |", report.title());
        for result in &report.trials {
            let revoked = result.revoked_by_reuse.then_some(SignedOutKind::RevokedByReuse);
            let end = SignedOutKind::after(result.signed_out.map(|out| out.kind).or(revoked));
            let _ = write!(out, " {}{end} |", number::whole(result.requests));
        }
    }
    out += "\n\n| trial | condition |\n| --- | --- |\n";
    TRIALS.iter().for_each(|trial| out += &format!("| {} | {} |\n", trial.name, trial.condition));
    let _ = write!(out, "\n{SETTING}\n\n## Clients with a session at the server\n{}", head());
    for (name, cells) in others {
        let _ = write!(out, "\n| {name} | {} |", cells.join(" | "));
    }
    let _ = write!(out, "\n\n{setting}\n\n## What each client is prone to\n");
    for report in reports {
        let _ = write!(
            out,
            "\n### {}\n\n{} {}.\n\n",
            report.title(),
            clean(&report.package),
            clean(&report.version)
        );
        report.harms().iter().for_each(|harm| out += &format!("- {harm}\n"));
    }
    out
}

/// The head of a table with a column per trial.
fn head() -> String {
    let names: Vec<&str> = TRIALS.iter().map(|trial| trial.name).collect();
    format!("\n| client | {} |\n| --- |{}", names.join(" | "), " ---: |".repeat(TRIALS.len()))
}
