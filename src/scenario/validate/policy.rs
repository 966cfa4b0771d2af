//! Checks of a policy: combinations of its numbers. The same for inline policies and policy files.

use super::Findings;
use crate::client::policy::{Policy, Retry};
use crate::client::resilience::Resilience;
use crate::kernel::Dur;
use crate::toml_text::Code;

/// Checks the policy at this path. The path is empty for the policy of a policy file.
pub(crate) fn check(findings: &mut Findings<'_>, path: &str, policy: &Policy) {
    check_retry(findings, &within(path, "retry"), &policy.retry);
    let breaker = policy.circuit_breaker.is_some();
    check_resilience(findings, path, policy.resilience.as_ref(), breaker);
}

/// The path of a key of the table at this path.
fn within(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Checks the mechanisms of libraries of the policy or the workload at this path. `breaker`: a `circuit-breaker` is beside
/// them.
pub(crate) fn check_resilience(
    findings: &mut Findings<'_>,
    path: &str,
    resilience: Option<&Resilience>,
    breaker: bool,
) {
    let Some(resilience) = resilience else { return };
    let at = |key: &str| within(path, &format!("resilience.{key}"));
    if breaker && resilience.resilience4j_circuit_breaker.is_some() {
        let there = findings.doc.key_at(&within(path, "circuit-breaker"));
        let error = findings.at_key(
            &at("resilience4j-circuit-breaker"),
            Code::KeyOfOtherKind,
            "a client has one circuit breaker",
        );
        findings.push(error.fix("remove one of the two").other(there, "the other one"));
    }
    let finagle = resilience.finagle_retry_budget.as_ref().map(|it| ("finagle-retry-budget", it.ttl));
    let tower = resilience.tower_retry_budget.as_ref().map(|it| ("tower-retry-budget", it.ttl));
    for (key, ttl) in finagle.into_iter().chain(tower) {
        if !(Dur::from_secs(1)..=Dur::from_secs(60)).contains(&ttl) {
            let error = findings.at(&at(&format!("{key}.ttl")), Code::OutOfRange, "duration out of range");
            findings.push(error.found(ttl.to_string()).allowed("1s to 60s"));
        }
    }
}

/// Checks the retries of a policy or a workload at this path.
pub(crate) fn check_retry(findings: &mut Findings<'_>, path: &str, retry: &Retry) {
    if retry.cap < retry.initial {
        let initial = findings.doc.at(&format!("{path}.initial"));
        let what = "the longest delay is shorter than the first";
        let error = findings.at(&format!("{path}.cap"), Code::Order, what);
        let error = error.found(format!("cap {} and initial {}", retry.cap, retry.initial));
        findings.push(error.allowed("cap at least initial").other(initial, "the first delay"));
    }
    for key in ["retry-after-as", "retry-after-cap"] {
        let path = format!("{path}.{key}");
        if !retry.honour_retry_after && findings.doc.node(&path).is_some() {
            let what = format!("`{key}` of a client that ignores `Retry-After`");
            let error = findings.at_key(&path, Code::NeedsKey, &what);
            findings.push(error.fix("add honour-retry-after = true, or remove it"));
        }
    }
}
