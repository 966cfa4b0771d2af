//! Checks of generic workloads: the times of calls, the effects of a failed call, and that there are clients at all.

use super::Findings;
use crate::backend::BackendSpec;
use crate::client::resilience::Resilience;
use crate::client::workload::{GENERIC, MAX_CLIENTS, MAX_LAYERED_TRIES, WorkloadSpec};
use crate::kernel::Dist;
use crate::scenario::parts::Parts;
use crate::toml_text::Code;

/// Checks each workload, and that a scenario without users has one.
pub(super) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    if parts.users() == Some(0) && findings.doc.node("workload").is_none() {
        let (path, _) = parts.fleets().next().expect("there is a fleet");
        let error = findings.at(&format!("{path}.users"), Code::OutOfRange, "number out of range").found("0");
        findings.push(error.allowed(format!("1 to {MAX_CLIENTS}, or 0 beside a [[workload]]")));
    }
    let names: Vec<&str> = parts.workloads.iter().map(|entry| entry.spec.name.as_str()).collect();
    for (i, entry) in parts.workloads.iter().enumerate() {
        if let Some(first) = names[..i].iter().position(|name| *name == names[i]) {
            let there = findings.doc.at(&format!("{}.name", parts.workloads[first].path));
            let error =
                findings.at(&format!("{}.name", entry.path), Code::Repeated, "two workloads of one name");
            findings.push(error.label("second time").other(there, "first time"));
        }
        check_one(findings, &entry.path, &entry.spec, parts.backend.as_ref());
    }
    let clients: u64 = parts.workloads.iter().map(|entry| u64::from(entry.spec.clients)).sum();
    let users = parts.users().unwrap_or(0);
    let several = !parts.workloads.is_empty() || parts.cohorts.len() > 1;
    if several && clients + users > MAX_CLIENTS {
        let at = if parts.workloads.is_empty() { "cohort" } else { "workload" };
        let error = findings.at(at, Code::TooMuchMemory, "too many clients and users together");
        findings.push(error.found((clients + users).to_string()).allowed(format!("at most {MAX_CLIENTS}")));
    }
}

/// Whether a generic call can be answered or refused in the instant when it is sent.
fn a_failed_call_takes_no_time(backend: &BackendSpec) -> bool {
    let generic = backend.endpoint(GENERIC);
    let latency = generic.latency.as_ref().unwrap_or(&backend.latency);
    latency.is_zero() || generic.refused_latency.as_ref().is_some_and(Dist::is_zero)
}

fn check_one(findings: &mut Findings<'_>, path: &str, spec: &WorkloadSpec, backend: Option<&BackendSpec>) {
    let when =
        [("every", spec.every.is_some()), ("think", spec.think.is_some()), ("at", !spec.at.is_empty())];
    let again =
        [("retry", spec.retry.is_some()), ("orbit", spec.orbit.is_some()), ("layers", spec.layers.is_some())];
    if when.iter().all(|(_, given)| !given) && spec.token.is_none() {
        let error = findings.at(path, Code::MissingKey, "a workload that does not say when its clients call");
        findings.push(error.fix("add every = { exponential = \"1s\" }, think = \"5s\" or at = [\"0s\"]"));
    }
    for (keys, what) in [
        (when, "clients call by one of `every`, `think` and `at`"),
        (again, "a failed call has one of `retry`, `orbit` and `layers`"),
    ] {
        let given: Vec<&str> = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
        if let [first, second, ..] = given[..] {
            let there = findings.doc.key_at(&format!("{path}.{first}"));
            let error = findings.at_key(&format!("{path}.{second}"), Code::KeyOfOtherKind, what);
            findings.push(error.fix("remove one of the two").other(there, "the other one"));
        }
    }
    if let Some(layers) = spec.layers
        && layers.total().is_none()
    {
        let error = findings.at(&format!("{path}.layers"), Code::OutOfRange, "more tries than are counted");
        let found = format!("{} tries in each of {} layers", layers.tries, layers.depth);
        findings.push(error.found(found).allowed(format!("tries^depth of at most {MAX_LAYERED_TRIES}")));
    }
    let budgets =
        [("retry-budget", spec.retry_budget.is_some()), ("windowed-retry", spec.windowed_retry.is_some())];
    for (name, given) in budgets {
        if given && again.iter().all(|(_, given)| !given) {
            let key = format!("{path}.{name}");
            let error = findings.at_key(&key, Code::NeedsKey, format!("`{name}` without retries"));
            findings.push(error.fix("add a retry, an orbit or layers, or remove it"));
        }
    }
    super::policy::check_resilience(findings, path, spec.resilience.as_ref(), spec.circuit_breaker.is_some());
    if spec.fetches_ahead() && !spec.token.as_ref().is_none_or(|token| token.single_flight) {
        let error = findings.at_key(
            &format!("{path}.token.single-flight"),
            Code::KeyOfOtherKind,
            "a client that fetches by itself has one fetch at a time",
        );
        findings.push(error.fix("remove it, or say with every, think or at when its app asks"));
    }
    let stops_calls = spec.token.is_some()
        || spec.circuit_breaker.is_some()
        || spec.resilience.as_ref().is_some_and(Resilience::refuses_calls);
    for (name, dist) in [("think", &spec.think), ("orbit", &spec.orbit)] {
        if stops_calls && dist.as_ref().is_some_and(Dist::is_zero) {
            let key = format!("{path}.{name}");
            let what = format!("a `{name}` of no time around calls that may send nothing is an endless loop");
            let error = findings.at(&key, Code::OutOfRange, what);
            let error = error.found(findings.doc.source.tick(findings.doc.at(&key)));
            findings.push(error.allowed("durations above zero"));
        }
    }
    if let Some(backend) = backend
        && spec.orbit.as_ref().is_some_and(Dist::is_zero)
        && a_failed_call_takes_no_time(backend)
    {
        let key = format!("{path}.orbit");
        let what = "an orbit of no delay around calls that take no time is an endless loop";
        let error = findings.at(&key, Code::OutOfRange, what);
        let error = error.found(findings.doc.source.tick(findings.doc.at(&key)));
        findings.push(error.allowed("durations above zero, here or as the latency of `generic`"));
    }
    if let Some(retry) = &spec.retry {
        super::policy::check_retry(findings, &format!("{path}.retry"), retry);
    }
}

#[cfg(test)]
mod tests {
    use crate::Study;

    #[test]
    fn contradictory_workloads_are_refused() {
        let text = |workload: &str| {
            format!(
                "version = 1\nname = \"w\"\nhorizon = \"1m\"\npolicies = [\"new\"]\n[[workload]]\nname = \"w\"\n{workload}"
            )
        };
        assert!(Study::parse("w", &text("every = \"1s\"")).is_ok(), "needs neither client nor fleet");
        let at_once = text("every = \"1s\"\norbit = \"0s\"\n[backend]\nlatency = \"1ns\"");
        assert!(Study::parse("w", &at_once).is_ok(), "the call takes time");
        for (workload, message) in [
            ("", "does not say when"),
            ("every = \"1s\"\nthink = \"1s\"", "one of `every`, `think` and `at`"),
            ("every = \"0s\"", "above zero"),
            (
                "every = \"1s\"\norbit = \"1s\"\nlayers = { tries = 2, depth = 2 }",
                "one of `retry`, `orbit` and `layers`",
            ),
            ("every = \"1s\"\norbit = \"0s\"\n[backend]\nlatency = \"0s\"", "endless loop"),
            ("every = \"1s\"\norbit = \"0s\"\n[backend.generic]\nrefused-latency = \"0s\"", "endless loop"),
            (
                "every = \"1s\"\norbit = { uniform = [\"0s\", \"0s\"] }\n[backend.generic]\nlatency = { exponential = \"0s\" }",
                "endless loop",
            ),
            ("every = \"1s\"\nlayers = { tries = 300, depth = 2 }", "more tries than are counted"),
            ("every = \"1s\"\nretry-budget = { ratio = 0.1, burst = 1 }", "without retries"),
            ("every = \"1s\"\nwindowed-retry = { retries = 1, window = \"1s\" }", "without retries"),
            ("think = \"0s\"\ncircuit-breaker = { failures = 1, open = \"1s\" }", "endless loop"),
            ("think = \"0s\"\nresilience = { sre-throttling = {} }", "endless loop"),
            ("every = \"1s\"\n[[workload]]\nname = \"w\"\nat = [\"0s\"]", "two workloads of one name"),
            ("every = \"1s\"\nclients = 60000000\n[fleet]\nusers = 60000000", "too many clients and users"),
        ] {
            let error = Study::parse("w", &text(workload)).expect_err(workload).to_string();
            assert!(error.contains(message), "{workload}: {error}");
        }
        let nobody = "version = 1\nname = \"w\"\nhorizon = \"1m\"\npolicies = [\"new\"]\n[client]\nmodel = \"documented\"\n[fleet]\nusers = 0\n";
        assert!(
            Study::parse("w", nobody).expect_err("nobody").to_string().contains("0 beside a [[workload]]")
        );
        let beside = format!("{nobody}[[workload]]\nname = \"w\"\nat = [\"0s\"]");
        assert!(Study::parse("w", &beside).is_ok());
    }
}
