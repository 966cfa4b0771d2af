//! Checks of the numbers of users, addresses, apps and regions that a limit names.

use super::Findings;
use crate::backend::spec::{LimitKey, LimitKind};
use crate::scenario::Scenario;
use crate::scenario::keys::keys_of;
use crate::toml_text::{Code, Doc, Errors};

/// Refuses to block a number that nobody has.
pub(crate) fn check(doc: &Doc<'_>, scenario: &Scenario) -> Result<(), Errors> {
    let mut findings = Findings { doc, errors: Errors::default(), warnings: Vec::new() };
    let keys = keys_of(scenario);
    for (i, limit) in scenario.backend.limits.iter().enumerate() {
        let LimitKind::Block(spec) = &limit.kind else { continue };
        let count = keys.count(limit.key);
        let whom = match limit.key {
            LimitKey::Global => "the whole has one number",
            LimitKey::App => "an app that the scenario does not have",
            LimitKey::Region => "a region that the scenario does not have",
            LimitKey::Ip => "an address that the scenario does not have",
            LimitKey::User | LimitKey::Session => "a user or client that the scenario does not have",
        };
        for (j, number) in spec.numbers.iter().enumerate().filter(|(_, number)| **number >= count) {
            let at = format!("backend.limit[{i}].numbers[{j}]");
            let error = findings.at(&at, Code::NoSuchUser, whom).found(number.to_string());
            findings.push(error.allowed(format!("0 to {}", count.max(1) - 1)));
        }
    }
    findings.errors.into_result()
}
