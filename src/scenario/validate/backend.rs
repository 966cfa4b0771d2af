//! The backend: tokens, workers and the keys that each kind of limiter takes.

use super::Findings;
use crate::backend::spec::{Endpoint, LimitKind, LimitSpec, RetryAfter};
use crate::kernel::Dur;
use crate::kernel::time::NS_PER_S;
use crate::scenario::error::Code;
use crate::scenario::parts::Parts;

/// The shortest life of a token that the client's timers can follow: 10 s.
const LEAST_TOKEN_LIFE: Dur = Dur::from_secs(10);

/// Checks what the backend's keys say together.
pub fn check(findings: &mut Findings<'_>, parts: &Parts) {
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

/// The keys that a kind of limiter needs, of those that only some kinds take.
fn keys_of(kind: LimitKind) -> &'static [&'static str] {
    match kind {
        LimitKind::TokenBucket | LimitKind::Gcra | LimitKind::LeakyBucket => &["rate", "burst"],
        LimitKind::FixedWindow | LimitKind::SlidingLog | LimitKind::SlidingCounter => &["limit", "window"],
        LimitKind::Concurrency => &["limit"],
    }
}

fn check_limit(findings: &mut Findings<'_>, path: &str, limit: &LimitSpec) {
    findings.check_repeats(&format!("{path}.endpoints"), &limit.endpoints, |e| format!("`{e}`"));
    let kind_at = findings.doc.at(&format!("{path}.kind"));
    let kind = findings.doc.source.text[kind_at.clone()].trim_matches(['"', '\'']).to_owned();
    let keys = keys_of(limit.kind);
    let examples =
        [("rate", "\"100/10s\""), ("burst", "10"), ("limit", "10"), ("window", "\"10s\", a duration")];
    let given = [limit.rate.is_some(), limit.burst.is_some(), limit.limit.is_some(), limit.window.is_some()];
    for ((key, example), given) in examples.into_iter().zip(given) {
        if given && !keys.contains(&key) {
            let what = format!("`{key}` is no key of a {kind}");
            let error = findings.at_key(&format!("{path}.{key}"), Code::KeyOfOtherKind, what);
            let error = error.allowed(keys.join(", ")).fix("remove it");
            findings.push(error.other(kind_at.clone(), "the kind"));
        }
        if !given && keys.contains(&key) {
            let what = format!("a {kind} needs `{key}`");
            let error = findings.at_span(kind_at.clone(), Code::KeyOfThisKind, what);
            findings.push(error.fix(format!("add {key} = {example}")));
        }
    }
    if limit.logs_refused && limit.kind != LimitKind::SlidingLog {
        let what = format!("a {kind} keeps no log: `logs-refused` belongs to a sliding-log");
        let error = findings.at_key(&format!("{path}.logs-refused"), Code::KeyOfOtherKind, what);
        findings.push(error.fix("remove it").other(kind_at.clone(), "the kind"));
    }
    if limit.kind == LimitKind::Concurrency && limit.retry_after != RetryAfter::None {
        let what = "a concurrency limit cannot know when a call will end, so it has no `retry-after`";
        let error = findings.at(&format!("{path}.retry-after"), Code::KeyOfOtherKind, what);
        findings.push(error.allowed("none").other(kind_at, "the kind"));
    }
}
