//! Checks of a policy: combinations of its numbers. The same for inline policies and policy files.

use super::Findings;
use crate::client::policy::{Policy, Retry};
use crate::toml_text::Code;

/// Checks the policy at this path. The path is empty for the policy of a policy file.
pub(crate) fn check(findings: &mut Findings<'_>, path: &str, policy: &Policy) {
    check_retry(
        findings,
        &if path.is_empty() { "retry".to_owned() } else { format!("{path}.retry") },
        &policy.retry,
    );
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
}
