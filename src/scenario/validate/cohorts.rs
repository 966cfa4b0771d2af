//! Checks of cohorts: their names, clients, networks and apps, and the policies that fit their clients.

use super::Findings;
use super::client::{ALLOWED_BESIDE_OWN, BESIDE_OWN};
use crate::client::Model;
use crate::scenario::ClientSpec;
use crate::scenario::parts::{Clients, Parts};
use crate::scenario::policies::Pinned;
use crate::text::{nearest, tick};
use crate::toml_text::{Code, TextError};

/// Checks the cohorts, and the actions that name one.
pub(super) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    for entry in &parts.actions {
        if let Some(name) = &entry.spec.cohort {
            check_name(findings, parts, &format!("{}.cohort", entry.path), name);
        }
    }
    if parts.cohorts.is_empty() {
        return;
    }
    if findings.doc.node("fleet").is_some() {
        let what = "the users of a scenario stand in `[fleet]` or in cohorts";
        let error = findings.at_key("fleet", Code::KeyOfOtherKind, what);
        let cohorts = findings.doc.key_at("cohort");
        findings.push(error.fix("remove one of the two").other(cohorts, "the cohorts"));
    }
    for (i, entry) in parts.cohorts.iter().enumerate() {
        let first = parts.cohorts[..i].iter().find(|other| other.spec.name == entry.spec.name);
        if let Some(first) = first {
            let there = findings.doc.at(&format!("{}.name", first.path));
            let at = format!("{}.name", entry.path);
            let error = findings.at(&at, Code::DuplicateName, "two cohorts of one name");
            findings.push(error.label("second time").other(there, "first time"));
        }
        for (key, given, of_fleet, why) in [
            ("network", entry.spec.network.is_some(), "users-per-network", "these users share one address"),
            ("app", entry.spec.app.is_some(), "apps", "these users belong to one app"),
        ] {
            let other = format!("{}.fleet.{of_fleet}", entry.path);
            if given && findings.doc.node(&other).is_some() {
                let there = findings.doc.key_at(&format!("{}.{key}", entry.path));
                let what = format!("`{of_fleet}` beside `{key}`: {why}");
                let error = findings.at_key(&other, Code::KeyOfOtherKind, what);
                findings.push(error.fix("remove one of the two").other(there, "the other one"));
            }
        }
    }
    check_clients(findings, parts);
}

/// Checks that each cohort has a client, and that a client of the program's own runs alone.
fn check_clients(findings: &mut Findings<'_>, parts: &Parts) {
    let mut first: Option<(String, &ClientSpec)> = None;
    for entry in &parts.cohorts {
        // A client that cannot be read has its own errors.
        if entry.spec.client.is_none() && findings.doc.node("client").is_none() {
            let error = findings.at(&entry.path, Code::MissingKey, "a cohort without a client");
            let add = format!("add client = {{ model = \"{}\" }}", Model::default());
            findings.push(error.fix(format!("{add}, or a [client] for all cohorts")));
        }
        let own = entry.spec.client.as_ref();
        let path = if own.is_some() { format!("{}.client", entry.path) } else { "client".to_owned() };
        if own.is_some_and(|own| own.model() == Model::OWN || own.name.file().is_some()) {
            let what = "a client that is not of this program stands in `[client]` or in `policy`";
            let error = findings.at(&format!("{path}.model"), Code::KeyOfOtherKind, what);
            findings.push(error.fix("name its file in `policy-files` and its `sdk.name` in `policy`"));
            continue;
        }
        let Some(client) = own.or(parts.client.as_ref()) else { continue };
        let Some((first_path, first)) = &first else {
            first = Some((path, client));
            continue;
        };
        if (client.model() == Model::OWN) != (first.model() == Model::OWN) {
            let there = findings.doc.at(first_path);
            let error = findings.at(&format!("{path}.model"), Code::KeyOfOtherKind, BESIDE_OWN);
            let error = error.found(tick(client.model().name())).allowed("the same client for all cohorts");
            findings.push(error.other(there, "a client of another cohort"));
        }
    }
}

/// Checks that browsers of all clients that keep a session in the storage treat removals alike: one store has them all.
pub(crate) fn check_storages(findings: &mut Findings<'_>, all: &[Clients]) {
    const KEY: &str = "client.storage-ignores-removals";
    let stores = |clients: &&Clients| {
        let uses = |(model, _): &(Model, String)| model.unusable().iter().all(|row| row.key != KEY);
        clients.models.iter().any(uses)
    };
    let mut storing = all.iter().filter(stores);
    let Some(first) = storing.next() else { return };
    for clients in
        storing.filter(|clients| clients.storage_ignores_removals != first.storage_ignores_removals)
    {
        let there = findings.doc.at(&first.at_client);
        let what = "browsers that keep removed sessions beside browsers that do not";
        let at = format!("{}.storage-ignores-removals", clients.at_client);
        let at = if findings.doc.node(&at).is_some() { at } else { clients.at_client.clone() };
        let error = findings.at(&at, Code::KeyOfOtherKind, what);
        findings.push(error.allowed("the same value for all cohorts").other(there, "another client"));
    }
}

/// Refuses the name of a cohort that does not exist. Returns whether it exists.
pub(crate) fn check_name(findings: &mut Findings<'_>, parts: &Parts, path: &str, name: &str) -> bool {
    let names: Vec<&str> = parts.cohorts.iter().map(|cohort| cohort.spec.name.as_str()).collect();
    let known = names.contains(&name);
    if !known {
        let what = format!("no cohort is named {}", tick(name));
        let error = findings.at(path, Code::NoSuchCohort, what);
        findings.push(one_of(error, name, &names, "add a [[cohort]]"));
    }
    known
}

/// Refuses a region that no cohort and no workload is in.
pub(super) fn check_region(findings: &mut Findings<'_>, parts: &Parts, path: &str, name: &str) {
    let of_cohorts = parts.cohorts.iter().filter_map(|cohort| cohort.spec.region.as_deref());
    let of_workloads = parts.workloads.iter().filter_map(|workload| workload.spec.region.as_deref());
    let mut names: Vec<&str> = of_cohorts.chain(of_workloads).collect();
    names.sort_unstable();
    names.dedup();
    if !names.contains(&name) {
        let what = format!("no cohort and no workload is in a region {}", tick(name));
        let error = findings.at(path, Code::NoSuchRegion, what);
        findings.push(one_of(error, name, &names, "add a `region` to a [[cohort]] or a [[workload]]"));
    }
}

/// The names that are allowed in place of one that does not exist, or how to add the first.
fn one_of(error: TextError, name: &str, names: &[&str], add: &str) -> TextError {
    let error = match names.is_empty() {
        true => error.fix(add),
        false => error.allowed(crate::text::shorten(&names.join(", "), 200)),
    };
    error.did_you_mean(nearest(name, names.iter().copied()))
}

/// Refuses clients as they are as policies of cohorts with a client of the program's own, and warns of policies that nobody follows.
pub(crate) fn check_pinned(findings: &mut Findings<'_>, parts: &Parts, pinned: &[Pinned]) {
    for Pinned { cohort, policy } in pinned {
        let entry = &parts.cohorts[*cohort];
        let Some(client) = entry.spec.client.as_ref().or(parts.client.as_ref()) else { continue };
        if client.model() == Model::OWN && policy.parts.iter().any(|(part, _)| part.client.is_some()) {
            let error = findings.at(&format!("{}.policy", entry.path), Code::UnknownPolicy, BESIDE_OWN);
            findings.push(error.found(tick(&policy.name)).allowed(ALLOWED_BESIDE_OWN));
        }
    }
    let compared = parts.policies.as_ref().map_or(0, Vec::len);
    if compared > 1 && !parts.cohorts.is_empty() && parts.cohorts.iter().all(|c| c.spec.policy.is_some()) {
        let what = "every cohort has a `policy`, so the compared policies change nothing";
        findings.warn("policies", what);
    }
}
