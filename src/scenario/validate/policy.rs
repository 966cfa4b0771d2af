//! A policy: what its numbers must not say together. The same for inline policies and policy files.

use super::Findings;
use crate::client::policy::{Policy, Retry};
use crate::toml_text::Code;

/// Checks a policy at this path; the path of a policy file's own is empty.
pub fn check(findings: &mut Findings<'_>, path: &str, policy: &Policy) {
    check_retry(
        findings,
        &if path.is_empty() { "retry".to_owned() } else { format!("{path}.retry") },
        &policy.retry,
    );
}

/// Checks the retries at this path, of a policy or of a workload.
pub fn check_retry(findings: &mut Findings<'_>, path: &str, retry: &Retry) {
    if retry.cap < retry.initial {
        let initial = findings.doc.at(&format!("{path}.initial"));
        let what = "the longest delay is shorter than the first";
        let error = findings.at(&format!("{path}.cap"), Code::Order, what);
        let error = error.found(format!("cap {} and initial {}", retry.cap, retry.initial));
        findings.push(error.allowed("cap at least initial").other(initial, "the first delay"));
    }
}
