//! A report as text and as Markdown.

use super::report::{ClientReport, SignedOutKind, TrialResult, minutes};
use crate::client::token::UNRECORDED;
use crate::text::{clean, number, push_wrapped};
use std::fmt::Write;

/// Columns of the text.
const WIDTH: usize = 100;

/// The head of the table of trials.
const HEAD: [&str; 6] = ["trial", "requests/h", "x healthy", "worst minute", "signed out", "no token"];

impl ClientReport {
    /// The report as text for a terminal of 100 columns.
    pub fn text(&self) -> String {
        let mut out = format!("{}: {} {}\n", self.title(), clean(&self.package), clean(&self.version));
        list(&mut out, "\nWhat it does\n", "  - ", &self.does);
        list(&mut out, "\nWhat it is prone to\n", "  - ", &self.harms());
        out.push_str("\nTrials\n");
        push_wrapped(&mut out, ("  ", "  "), &self.setting, WIDTH);
        out.push('\n');
        let rows: Vec<[String; 6]> = self.trials.iter().map(row).collect();
        let width = |n: usize| {
            let cells = rows.iter().map(|row| row[n].chars().count());
            cells.chain([HEAD[n].len()]).max().unwrap_or(0)
        };
        for row in std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().cloned()) {
            let mut line = format!("  {:<1$}", row[0], width(0));
            for (n, cell) in row.iter().enumerate().skip(1) {
                let _ = write!(line, "  {cell:>0$}", width(n));
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        let conditions = self.trials.iter().map(|trial| format!("{}: {}", trial.name, trial.condition));
        list(&mut out, "\nConditions\n", "  - ", &conditions.collect::<Vec<_>>());
        out
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let (name, package) = (self.title(), clean(&self.package));
        let mut out = format!("# {name}\n\n{package} {}\n\n## What it does\n\n", clean(&self.version));
        self.does.iter().for_each(|line| out += &format!("- {line}\n"));
        out += "\n## What it is prone to\n\n";
        self.harms().iter().for_each(|line| out += &format!("- {line}\n"));
        let _ = write!(out, "\n## Trials\n\n{}\n\n", self.setting);
        out += &self.table();
        out += "\n| trial | condition |\n| --- | --- |\n";
        self.trials.iter().for_each(|trial| out += &format!("| {} | {} |\n", trial.name, trial.condition));
        out
    }

    /// Its name, which says when no recording confirms the profile.
    pub(super) fn title(&self) -> String {
        let note = if self.recorded { "" } else { UNRECORDED };
        format!("{}{note}", clean(&self.name))
    }

    /// The table of the trials' outcomes as Markdown.
    pub fn table(&self) -> String {
        let mut out = format!("| {} |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", HEAD.join(" | "));
        self.trials.iter().for_each(|trial| out += &format!("| {} |\n", row(trial).join(" | ")));
        out
    }

    pub(super) fn harms(&self) -> Vec<String> {
        let idle: Vec<&str> =
            self.trials.iter().filter(|trial| is_idle(trial)).map(|t| t.name.as_str()).collect();
        if idle.len() == self.trials.len() {
            return vec!["No trial exercises it: it sends no request in the hour of any.".to_owned()];
        }
        let mut all = match self.prone_to.is_empty() {
            true => vec!["No trial shows harm. Other conditions may.".to_owned()],
            false => self.prone_to.clone(),
        };
        if !idle.is_empty() {
            let trials = idle.join("; ");
            all.push(format!(
                "It sends no request in the hour of these trials, which show nothing of it: {trials}."
            ));
        }
        all
    }
}

/// Whether the client sent nothing in the hour, so that the trial shows nothing of it.
fn is_idle(trial: &TrialResult) -> bool {
    trial.requests == 0 && trial.signed_out.is_none() && !trial.revoked_by_reuse
}

fn row(trial: &TrialResult) -> [String; 6] {
    let requests = number::whole(trial.requests);
    [
        trial.name.clone(),
        match trial.stopped_ms {
            Some(ms) => format!("{requests}, stopped at {}", minutes(ms)),
            None => requests,
        },
        trial.times_healthy.map_or("-".to_owned(), number::short),
        number::whole(trial.worst_minute),
        trial.signed_out.map_or(
            if trial.revoked_by_reuse { "no, but revoked" } else { "no" }.to_owned(),
            |out| {
                let kind = match out.kind {
                    SignedOutKind::True => "rightly",
                    SignedOutKind::False => "falsely",
                    SignedOutKind::RevokedByReuse => "by reuse",
                };
                format!("{kind}, {}", minutes(out.at_ms))
            },
        ),
        format!("{} of {}", number::whole(trial.calls_without_token), number::whole(trial.calls)),
    ]
}

/// A title and its lines, each after a mark, broken at 100 columns.
fn list(out: &mut String, title: &str, mark: &str, lines: &[String]) {
    out.push_str(title);
    for line in lines {
        push_wrapped(out, (mark, "    "), line, WIDTH);
    }
}
