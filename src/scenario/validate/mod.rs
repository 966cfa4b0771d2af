//! Checks between parts of a scenario. Each error points at every place that takes part.

mod backend;
pub(super) mod client;
pub(super) mod cohorts;
pub(super) mod endpoints;
pub(super) mod faults;
mod fleet;
pub(super) mod numbers;
pub(super) mod own;
pub(super) mod policy;
mod size;
mod warm_up;
mod workload;

use super::parts::Parts;
use crate::toml_text::{Code, Doc, Errors, TextError};
use std::ops::Range;

/// Collects the findings of checks.
pub struct Findings<'d> {
    /// The text of the scenario.
    pub doc: &'d Doc<'d>,
    /// Errors.
    pub errors: Errors,
    /// Warnings, as whole messages.
    pub warnings: Vec<String>,
}

impl Findings<'_> {
    /// An error at the value of this path.
    pub fn at(&self, path: &str, code: Code, what: impl Into<String>) -> TextError {
        self.at_span(self.doc.at(path), code, what)
    }

    /// An error at the key of this path.
    pub fn at_key(&self, path: &str, code: Code, what: impl Into<String>) -> TextError {
        self.at_span(self.doc.key_at(path), code, what)
    }

    /// An error at these bytes.
    pub fn at_span(&self, span: Range<usize>, code: Code, what: impl Into<String>) -> TextError {
        TextError::new(code, self.doc.source, span, what)
    }

    /// Adds an error.
    pub fn push(&mut self, error: TextError) {
        self.errors.push(error);
    }

    /// Adds a warning about the value of this path.
    pub fn warn(&mut self, path: &str, what: &str) {
        let (line, column) = self.doc.source.place(self.doc.at(path).start);
        let file = crate::text::escape(&self.doc.source.name);
        self.warnings.push(format!("{file}:{line}:{column}: warning: {what}"));
    }

    /// Checks that shares add up to 1 within 1e-9. `path` is the path of the list. Each entry has a key `share`.
    pub fn check_shares(&mut self, path: &str, shares: &[f64]) {
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            // Nine decimals show the error and hide rounding.
            let sum = format!("{sum:.9}");
            let sum = sum.trim_end_matches('0').trim_end_matches('.');
            let error = self.at(path, Code::Shares, "shares must add up to 1").found(sum).allowed("1");
            self.push(error);
        }
    }

    /// Checks that a list has no repeated entry. `path` is the path of the list.
    pub fn check_repeats<T: PartialEq>(&mut self, path: &str, list: &[T], show: impl Fn(&T) -> String) {
        for (i, entry) in list.iter().enumerate() {
            if let Some(first) = list[..i].iter().position(|earlier| earlier == entry) {
                let (here, there) = (format!("{path}[{i}]"), self.doc.at(&format!("{path}[{first}]")));
                let error = self.at(&here, Code::Repeated, format!("{} is listed twice", show(entry)));
                self.push(error.label("second time").other(there, "first time"));
            }
        }
    }
}

/// Checks all parts except the resolution of policies.
pub(super) fn validate<'d>(doc: &'d Doc<'d>, parts: &Parts) -> Findings<'d> {
    let mut findings = Findings { doc, errors: Errors::default(), warnings: Vec::new() };
    size::check(&mut findings, parts);
    warm_up::check(&mut findings, parts);
    cohorts::check(&mut findings, parts);
    fleet::check(&mut findings, parts);
    workload::check(&mut findings, parts);
    backend::check(&mut findings, parts);
    faults::check(&mut findings, parts);
    for entry in &parts.inline_policies {
        policy::check(&mut findings, &entry.path, &entry.spec);
    }
    for entry in &parts.mixes {
        let shares: Vec<f64> = entry.spec.shares.iter().map(|s| s.share).collect();
        let list = format!("{}.shares", entry.path);
        findings.check_shares(&list, &shares);
        let names: Vec<&str> = entry.spec.shares.iter().map(|s| s.policy.as_str()).collect();
        findings.check_repeats(&list, &names, |name| crate::text::tick(name));
    }
    findings
}
