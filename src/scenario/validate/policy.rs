//! A policy: what its numbers must not say together. The same for inline policies and policy files.

use super::Findings;
use crate::client::policy::Policy;
use crate::scenario::error::Code;

/// Checks a policy at this path; the path of a policy file's own is empty.
pub fn check(findings: &mut Findings<'_>, path: &str, policy: &Policy) {
    let retry = if path.is_empty() { "retry".to_owned() } else { format!("{path}.retry") };
    if policy.retry.cap < policy.retry.initial {
        let initial = findings.doc.at(&format!("{retry}.initial"));
        let what = "the longest delay is shorter than the first";
        let error = findings.at(&format!("{retry}.cap"), Code::Order, what);
        let error = error.found(format!("cap {} and initial {}", policy.retry.cap, policy.retry.initial));
        findings.push(error.allowed("cap at least initial").other(initial, "the first delay"));
    }
}
