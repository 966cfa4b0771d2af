//! Checks of the backend: tokens, workers and the keys of each kind of limiter.

use super::Findings;
use crate::backend::limiter::Inexact;
use crate::backend::pool::Order;
use crate::backend::spec::{BackendSpec, Counts, LimitSpec, RetryAfter, TOO_MANY_REQUESTS};
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
            let is_pooled = backend.pools.iter().any(|pool| pool.endpoints.contains(&endpoint));
            match (spec.workers.is_some() || is_pooled, spec.service.is_some()) {
                (true, false) if spec.workers.is_some() => needs("workers", "service", "\"5ms\""),
                (false, true) => needs("service", "workers", "8"),
                _ => {}
            }
            if spec.queue.is_some() && spec.workers.is_none() {
                needs("queue", "workers", "8");
            }
            if spec.request_latency.is_some() && spec.workers.is_none() && !is_pooled {
                needs("request-latency", "workers", "8");
            }
        }
        check_pools(findings, backend);
    }
    for entry in &parts.limits {
        check_limit(findings, &entry.path, &entry.spec);
    }
}

/// Checks that each endpoint of a pool has a service time, no workers of its own and no second pool, and that names differ.
fn check_pools(findings: &mut Findings<'_>, backend: &BackendSpec) {
    let mut served: Vec<(Endpoint, String)> = Vec::new();
    let mut names: Vec<(&str, usize)> = Vec::new();
    for (i, pool) in backend.pools.iter().enumerate() {
        let path = format!("backend.pool[{i}]");
        if let Some((_, first)) = names.iter().find(|(name, _)| *name == pool.name) {
            let there = findings.doc.at(&format!("backend.pool[{first}].name"));
            let at = format!("{path}.name");
            let error = findings.at(&at, Code::Repeated, "two pools of one name").label("second time");
            findings.push(error.fix("rename one").other(there, "first time"));
        }
        names.push((&pool.name, i));
        if pool.lifo_above > 0 && pool.order == Order::Fifo {
            let what = "`lifo-above` needs `order` = \"lifo\"";
            let error = findings.at_key(&format!("{path}.lifo-above"), Code::NeedsKey, what);
            findings.push(error.fix("add order = \"lifo\""));
        }
        for (n, endpoint) in pool.endpoints.iter().enumerate() {
            let here = format!("{path}.endpoints[{n}]");
            if let Some((_, first)) = served.iter().find(|(known, _)| known == endpoint) {
                let there = findings.doc.at(first);
                let what = format!("`{endpoint}` is served by two pools");
                let error = findings.at(&here, Code::Repeated, what).label("second time");
                findings.push(error.other(there, "first time"));
            }
            served.push((*endpoint, here.clone()));
            let spec = backend.endpoint(*endpoint);
            if spec.workers.is_some() {
                let there = findings.doc.at(&format!("backend.{endpoint}.workers"));
                let what = format!("`{endpoint}` has workers of its own");
                let error = findings.at(&here, Code::Repeated, what).label("and those of a pool");
                findings.push(error.fix("remove one of the two").other(there, "its own workers"));
            } else if spec.service.is_none() {
                let what = format!("a pool serves `{endpoint}`, which has no `service`");
                let error = findings.at(&here, Code::NeedsKey, what);
                findings.push(error.fix(format!("add service = \"5ms\" to [backend.{endpoint}]")));
            }
        }
    }
}

fn check_limit(findings: &mut Findings<'_>, path: &str, limit: &LimitSpec) {
    findings.check_repeats(&format!("{path}.endpoints"), &limit.endpoints, |e| format!("`{e}`"));
    if let Some(to) = limit.to
        && to <= limit.from
    {
        let from = findings.doc.at(&format!("{path}.from"));
        let error = findings.at(&format!("{path}.to"), Code::Order, "a limit ends after it begins");
        let error = error.found(format!("from {} to {to}", limit.from)).allowed("`to` later than `from`");
        findings.push(error.other(from, "the begin"));
    }
    if let Some(Inexact { key, what, allowed }) = limit.kind.inexact() {
        let error = findings.at(&format!("{path}.{key}"), Code::OutOfRange, what);
        findings.push(error.allowed(allowed));
    }
    let at = |key: &str| format!("{path}.{key}");
    if !limit.readable {
        let said = [
            ("status", limit.status != TOO_MANY_REQUESTS),
            ("code", limit.code.is_some()),
            ("retry-after", limit.retry_after != RetryAfter::None),
        ];
        for (key, _) in said.into_iter().filter(|(_, is_said)| *is_said) {
            let what = format!("the client cannot read a refusal with `readable = false`: it has no `{key}`");
            let other = findings.doc.at(&at("readable"));
            let error = findings.at_key(&at(key), Code::KeyOfOtherKind, what);
            findings.push(error.fix("remove it").other(other, "the refusal is not readable"));
        }
    }
    if limit.penalty_prolonged && limit.penalty.is_none() {
        let what = "`penalty-prolonged` needs `penalty`";
        let error = findings.at_key(&at("penalty-prolonged"), Code::NeedsKey, what);
        let table = findings.doc.at(path);
        findings.push(error.fix("add penalty = \"30s\"").other(table, "in this table"));
    }
    if limit.counted() != limit.counts && limit.counts != Counts::default() {
        let other = findings.doc.at(&at("logs-refused"));
        let what = "`logs-refused = true` counts all calls, and this counts others";
        let error = findings.at(&at("counts"), Code::KeyOfOtherKind, what);
        findings.push(error.allowed("\"all\"").other(other, "refused calls are counted"));
    }
    for endpoint in limit.cost_of.0.keys().filter(|endpoint| !limit.endpoints.contains(endpoint)) {
        let endpoints = findings.doc.at(&at("endpoints"));
        let what = format!("calls of {endpoint} do not pass through this limit");
        let error = findings.at_key(&at(&format!("cost-of.{endpoint}")), Code::UnknownWord, what);
        let allowed = limit.endpoints.iter().map(|e| e.name()).collect::<Vec<_>>().join(", ");
        findings.push(error.allowed(allowed).other(endpoints, "its endpoints"));
    }
}
