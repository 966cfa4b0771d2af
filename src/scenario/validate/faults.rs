//! Checks of faults: windows in order, and windows that hide each other.

use super::Findings;
use super::cohorts::check_region;
use crate::backend::Endpoint;
use crate::client::policy::{Policy, Retry};
use crate::client::{AsIs, Families};
use crate::fault::FaultSpec;
use crate::kernel::Dur;
use crate::scenario::codes::ErrorCodes;
use crate::scenario::parts::{Entry, Parts};
use crate::scenario::policies::ResolvedPolicy;
use crate::text::tick;
use crate::toml_text::Code;

/// Checks each fault, and each pair.
pub(crate) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    for entry in &parts.faults {
        check_window(findings, &entry.path, &entry.spec, parts.horizon);
        let endpoints = format!("{}.endpoints", entry.path);
        findings.check_repeats(&endpoints, &entry.spec.endpoints, |e| format!("`{e}`"));
        let regions = format!("{}.regions", entry.path);
        findings.check_repeats(&regions, &entry.spec.regions, |region| tick(region));
        for (i, region) in entry.spec.regions.iter().enumerate() {
            check_region(findings, parts, &format!("{regions}[{i}]"), region);
        }
    }
    check_names(findings, &parts.faults);
    check_overlaps(findings, &parts.faults);
}

/// Checks that each name stands for one fault. Charts, stories and random numbers identify faults by their names.
fn check_names(findings: &mut Findings<'_>, faults: &[Entry<FaultSpec>]) {
    let mut first = std::collections::BTreeMap::<&str, &str>::new();
    for entry in faults.iter().filter(|entry| !entry.spec.name.is_empty()) {
        if let Some(there) = first.get(entry.spec.name.as_str()) {
            let there = findings.doc.at(&format!("{there}.name"));
            let at = format!("{}.name", entry.path);
            let error = findings.at(&at, Code::Repeated, "two faults of one name").label("second time");
            findings.push(error.fix("rename one").other(there, "first time"));
        } else {
            first.insert(&entry.spec.name, &entry.path);
        }
    }
}

/// Warns of a `Retry-After` that no client obeys. `getToken` may obey it, by its policy, after an answer of an endpoint that
/// policies retry. A workload's retries may obey it after an answer of the generic endpoint.
pub(crate) fn warn_of_idle_retry_after(
    findings: &mut Findings<'_>,
    parts: &Parts,
    policies: &[ResolvedPolicy],
    families: Families,
) {
    let policies: Vec<&Policy> =
        policies.iter().flat_map(|p| p.parts.iter().map(|(policy, _)| policy)).collect();
    let workloads = || parts.workloads.iter().map(|entry| &entry.spec);
    let faults = || parts.faults.iter().map(|entry| &entry.spec);
    // Too many codes are a separate error.
    let limits = parts.limits.iter().map(|entry| &entry.spec);
    let Ok(codes) = ErrorCodes::of(policies.iter().copied(), workloads(), faults(), limits) else { return };
    let names = codes.clone().into_names();
    let has_users = parts.users().is_some_and(|users| users > 0);
    let mut retried = families.endpoints();
    retried.retain(|endpoint| endpoint.row().retried);
    let retried_names = retried.iter().map(|endpoint| endpoint.name()).collect::<Vec<_>>().join(" and ");
    for entry in &parts.faults {
        let (fault, at) = (&entry.spec, format!("{}.retry-after-s", entry.path));
        let code = fault.kind.code().map_or(0, |code| codes.byte(code));
        let Some(failure) = fault.kind.failure(code).filter(|_| findings.doc.node(&at).is_some()) else {
            continue;
        };
        let status = failure.status;
        let obeys = |retry: &Retry| {
            retry.honour_retry_after && retry.retries > 0 && retry.on.compile(&names).contains(failure)
        };
        let hits = |e| fault.endpoints.is_empty() || fault.endpoints.contains(&e);
        let by_policy = has_users
            && retried.iter().copied().any(hits)
            && policies.iter().any(|p| match &p.client {
                Some(AsIs::Profile(client)) => client.honours_retry_after(),
                Some(AsIs::Release(_)) | None => obeys(&p.retry),
            });
        let by_workload = hits(crate::client::workload::GENERIC)
            && workloads().any(|w| w.retry.as_ref().is_some_and(obeys));
        if !by_policy && !by_workload {
            let what = format!(
                "nobody obeys this `Retry-After`: that takes `honour-retry-after` and a {status} among the retried \
                 answers, of a policy for {retried_names}, of a workload for generic"
            );
            findings.warn(&at, &what);
        }
    }
}

/// The least time between two instants at which a fault acts.
const LEAST_BETWEEN_INSTANTS: Dur = Dur::from_secs(1);

fn check_window(findings: &mut Findings<'_>, path: &str, fault: &FaultSpec, horizon: Option<Dur>) {
    if let Some(to) = fault.to
        && to <= fault.from
    {
        let from = findings.doc.at(&format!("{path}.from"));
        let error = findings.at(&format!("{path}.to"), Code::Order, "a window ends after it begins");
        let error = error.found(format!("from {} to {to}", fault.from)).allowed("`to` later than `from`");
        findings.push(error.other(from, "the begin"));
    }
    if let Some(every) = fault.repeat_every {
        let at = format!("{path}.repeat-every");
        if fault.is_instant() && every < LEAST_BETWEEN_INSTANTS {
            let what = format!("a {} comes back too soon", fault.kind.name());
            let error = findings.at(&at, Code::OutOfRange, what).found(every.to_string());
            findings.push(error.allowed(format!("{LEAST_BETWEEN_INSTANTS} or more")));
        } else if !fault.is_instant() && fault.to.is_none() {
            findings.warn(&at, "this fault has no `to`: it does not end, so it does not come back");
        }
    }
    if let (Some(every), Some(to)) = (fault.repeat_every, fault.to)
        && fault.from < to
        && every.0 < to.0 - fault.from.0
    {
        let what = "a window comes back before it has ended";
        let error = findings.at(&format!("{path}.repeat-every"), Code::Order, what);
        let lasts = Dur(to.0 - fault.from.0);
        let error = error.found(every.to_string()).allowed(format!("at least its length, {lasts}"));
        findings.push(error.other(findings.doc.at(&format!("{path}.to")), "its end"));
    }
    if let Some(until) = fault.repeat_until {
        let at = format!("{path}.repeat-until");
        if fault.repeat_every.is_none() {
            let what = "`repeat-until` needs `repeat-every`";
            findings.push(findings.at_key(&at, Code::NeedsKey, what).fix("add repeat-every = \"1h\""));
        }
        if until <= fault.from {
            let error = findings.at(&at, Code::Order, "windows end before the first begins");
            let error = error.found(until.to_string()).allowed(format!("later than `from`, {}", fault.from));
            findings.push(error.other(findings.doc.at(&format!("{path}.from")), "the begin"));
        }
    }
    if horizon.is_some_and(|horizon| fault.from >= horizon) {
        findings.warn(&format!("{path}.from"), "this fault begins at or after the horizon and never acts");
    }
}

/// Refuses two faults of one kind that both hit every call of an endpoint at some time: the later one has no effect there,
/// which cannot be intended. A `count` gives the order a meaning: the earlier fault's calls first, then the later one's.
fn check_overlaps(findings: &mut Findings<'_>, faults: &[Entry<FaultSpec>]) {
    let certain = |fault: &FaultSpec| {
        let calls = !fault.is_instant() && fault.kind.is_steady();
        let always = fault.repeat_every.is_none() && fault.probability_to.is_none() && fault.only.is_none();
        calls && always && fault.probability >= 1.0 && fault.count.is_none()
    };
    let end = |fault: &FaultSpec| fault.to.unwrap_or(Dur(u64::MAX));
    let hits = |fault: &FaultSpec, e: &Endpoint| fault.endpoints.is_empty() || fault.endpoints.contains(e);
    let meet = |a: &FaultSpec, b: &FaultSpec| {
        let everywhere = a.regions.is_empty() || b.regions.is_empty();
        everywhere || a.regions.iter().any(|region| b.regions.contains(region))
    };
    let title = |entry: &Entry<FaultSpec>| match entry.spec.name.as_str() {
        "" => format!("`{}`", entry.path),
        name => tick(name),
    };
    let certain: Vec<&Entry<FaultSpec>> = faults.iter().filter(|entry| certain(&entry.spec)).collect();
    for (i, later) in certain.iter().enumerate() {
        let overlap = certain[..i].iter().find_map(|earlier| {
            let (a, b) = (&earlier.spec, &later.spec);
            let together = a.kind.name() == b.kind.name() && a.from < end(b) && b.from < end(a) && meet(a, b);
            let endpoint = Endpoint::ALL.into_iter().find(|e| hits(a, e) && hits(b, e));
            endpoint.filter(|_| together).map(|endpoint| (*earlier, endpoint))
        });
        if let Some((earlier, endpoint)) = overlap {
            let first = findings.doc.at(&earlier.path);
            let what = format!(
                "faults {} and {} of kind \"{}\" both hit every call of {endpoint} at the same time",
                title(earlier),
                title(later),
                later.spec.kind.name()
            );
            let error = findings.at(&later.path, Code::Overlap, what).label("the later one");
            let fix = "separate their windows, endpoints or regions, or give one a `count` or a `probability` below 1";
            findings.push(error.fix(fix).other(first, "the earlier one"));
        }
    }
}
