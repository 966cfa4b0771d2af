//! Checks of the backend: tokens, workers and the keys of each kind of limiter.

use super::Findings;
use crate::backend::limiter::Inexact;
use crate::backend::spec::LimitSpec;
use crate::kernel::Dur;
use crate::kernel::time::NS_PER_S;
use crate::protocol::Endpoint;
use crate::scenario::parts::Parts;
use crate::toml_text::Code;

/// The shortest token lifetime that the client's timers can follow: 10 s.
const LEAST_TOKEN_LIFE: Dur = Dur::from_secs(10);

/// Checks the combination of the backend's keys.
pub(super) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    if let Some(backend) = &parts.backend {
        let life = backend.token_life;
        if life < LEAST_TOKEN_LIFE || !life.0.is_multiple_of(NS_PER_S) {
            let what = "a token's life is in whole seconds, as `exp` and `iat` are, and outlives the timers";
            let error = findings.at("backend.token-life", Code::OutOfRange, what).found(life.to_string());
            findings.push(error.allowed("whole seconds, 10s or more"));
        }
        for endpoint in Endpoint::ALL {
            let spec = backend.endpoint(endpoint);
            let path = format!("backend.{endpoint}");
            let mut needs = |key: &str, other: &str, example: &str| {
                let what = format!("`{key}` needs `{other}`");
                let error = findings.at_key(&format!("{path}.{key}"), Code::NeedsKey, what);
                let table = findings.doc.at(&path);
                findings.push(error.fix(format!("add {other} = {example}")).other(table, "in this table"));
            };
            match (spec.workers.is_some(), spec.service.is_some()) {
                (true, false) => needs("workers", "service", "\"5ms\""),
                (false, true) => needs("service", "workers", "8"),
                _ => {}
            }
            if spec.queue.is_some() && spec.workers.is_none() {
                needs("queue", "workers", "8");
            }
        }
    }
    for entry in &parts.limits {
        check_limit(findings, &entry.path, &entry.spec);
    }
}

fn check_limit(findings: &mut Findings<'_>, path: &str, limit: &LimitSpec) {
    findings.check_repeats(&format!("{path}.endpoints"), &limit.endpoints, |e| format!("`{e}`"));
    if let Some(Inexact { key, what, allowed }) = limit.kind.inexact() {
        let error = findings.at(&format!("{path}.{key}"), Code::OutOfRange, what);
        findings.push(error.allowed(allowed));
    }
}
