//! Checks of what a scenario says against what its client model can use.

use super::Findings;
use crate::client::Model;
use crate::client::family::{Unusable, Values};
use crate::scenario::parts::{Clients, Entry, Parts};
use crate::scenario::policies::ResolvedPolicy;
use crate::scenario::{ClientSpec, CohortSpec};
use crate::text::tick;
use crate::toml_text::{Code, Node};
use toml::de::DeValue;

/// Refuses keys and values that the clients cannot use. Keys of the client and the fleet are those of each cohort, keys of an action
/// concern the cohorts of its users, and a key of the backend is of use where one of the clients can use it.
pub(crate) fn check(findings: &mut Findings<'_>, parts: &Parts, all: &[Clients]) {
    if parts.cohorts.is_empty() && parts.fleet.as_ref().is_none_or(|fleet| fleet.users == 0) {
        return;
    }
    let mut said: Vec<(String, &'static str)> = Vec::new();
    for clients in all {
        for (model, at_model) in &clients.models {
            for unusable in model.unusable() {
                for path in paths_of(findings, parts, clients, unusable.key) {
                    let of_use = || {
                        all.iter().flat_map(|clients| &clients.models).any(|(other, _)| {
                            !other
                                .unusable()
                                .iter()
                                .any(|row| row.key == unusable.key && refuses(findings, row, &path))
                        })
                    };
                    let is_known = said.contains(&(path.clone(), unusable.why));
                    if !is_known
                        && refuses(findings, unusable, &path)
                        && !(is_of_backend(unusable.key) && of_use())
                    {
                        refuse(findings, *model, at_model, unusable, &path);
                        said.push((path, unusable.why));
                    }
                }
            }
        }
    }
}

/// Path of the model of `[client]`.
const AT_MODEL: &str = "client.model";

fn is_of_backend(key: &str) -> bool {
    key.starts_with("backend.")
}

/// Refuses what a list says that a client of the program's own cannot use.
pub(super) fn check_all(findings: &mut Findings<'_>, parts: &Parts, list: &[Unusable]) {
    let Some(model) = parts.client.as_ref().map(ClientSpec::model) else { return };
    for clients in parts.clients(&[], &[]) {
        for unusable in list {
            for path in paths_of(findings, parts, &clients, unusable.key) {
                if parts.users().unwrap_or(0) > 0 && refuses(findings, unusable, &path) {
                    refuse(findings, model, AT_MODEL, unusable, &path);
                }
            }
        }
    }
}

/// The places of a key that concern the users of a cohort.
fn paths_of(findings: &Findings<'_>, parts: &Parts, clients: &Clients, key: &str) -> Vec<String> {
    if let Some(of_client) = key.strip_prefix("client.") {
        return vec![format!("{}.{of_client}", clients.at_client)];
    }
    if let Some(of_fleet) = key.strip_prefix("fleet.") {
        return vec![format!("{}.{of_fleet}", clients.fleet)];
    }
    let Some((list, rest)) = key.split_once("[]") else { return vec![key.to_owned()] };
    let entries = findings.doc.node(list).and_then(|node| node.get_ref().as_array());
    let paths = (0..entries.map_or(0, |list| list.len())).map(|i| format!("{list}[{i}]"));
    let concerns = |path: &String| {
        let action = parts.actions.iter().find(|entry| entry.path == *path);
        let of_cohort = action.and_then(|entry| entry.spec.cohort.as_ref());
        of_cohort.is_none() || of_cohort == clients.cohort.as_ref()
    };
    paths.filter(concerns).map(|path| format!("{path}{rest}")).collect()
}

/// Whether the value at a path is one that a row refuses.
fn refuses(findings: &Findings<'_>, unusable: &Unusable, path: &str) -> bool {
    let Some(node) = findings.doc.node(path) else { return false };
    match unusable.values {
        Values::Any => true,
        Values::Only(value) => written(node) == value,
        Values::AllBut(value) => written(node) != value,
    }
}

fn refuse(findings: &mut Findings<'_>, model: Model, at_model: &str, unusable: &Unusable, path: &str) {
    let allowed = match unusable.values {
        Values::Any => "nothing here".to_owned(),
        Values::Only(value) => format!("any value but \"{value}\""),
        Values::AllBut(value) => format!("only {value}"),
    };
    let key = path.rsplit('.').next().unwrap_or(path);
    let what = format!("`{key}` is nothing that the model \"{model}\" can use: {}", unusable.why);
    let error = findings.at(path, Code::KeyOfOtherKind, what);
    let at_model = findings.doc.at(at_model);
    findings.push(error.allowed(allowed).other(at_model, "the model"));
}

/// A value as a file writes it, without quotes.
fn written(node: &Node<'_>) -> String {
    match node.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Integer(value) => value.as_str().to_owned(),
        DeValue::Float(value) => value.as_str().to_owned(),
        _ => String::new(),
    }
}

/// Refuses clients as they are beside a client of the program's own, which runs alone. Over token clients, warns of what the
/// compared policies say in vain.
pub(crate) fn check_contenders(findings: &mut Findings<'_>, parts: &Parts, policies: &[ResolvedPolicy]) {
    if parts.users().unwrap_or(0) == 0 {
        return;
    }
    // A cohort with a policy of its own does not follow the compared ones.
    let compared = parts.cohorts.iter().filter(|cohort| cohort.spec.policy.is_none());
    let of_all = || parts.client.as_ref().map(|client| (AT_MODEL.to_owned(), client));
    let of_cohort = |cohort: &'_ Entry<CohortSpec>| match &cohort.spec.client {
        Some(client) => Some((format!("{}.client.model", cohort.path), client.clone())),
        None => of_all().map(|(at, client)| (at, client.clone())),
    };
    let mut clients: Vec<(String, ClientSpec)> = compared.filter_map(of_cohort).collect();
    if parts.cohorts.is_empty() {
        clients.extend(of_all().map(|(at, client)| (at, client.clone())));
    }
    let mut warned: Vec<String> = Vec::new();
    for (at_model, client) in clients {
        let model = client.model();
        let name = client.name.file().unwrap_or(model.name()).to_owned();
        if model.row().is_contender && !warned.contains(&name) {
            warn_of_what_has_no_effect(findings, &name, policies);
            warned.push(name);
        }
        if model != Model::OWN {
            continue;
        }
        for (i, policy) in policies.iter().enumerate() {
            if policy.parts.iter().any(|(part, _)| part.client.is_some()) {
                let error = findings.at(&format!("policies[{i}]"), Code::UnknownPolicy, BESIDE_OWN);
                let at_model = findings.doc.at(&at_model);
                let error = error.found(tick(&policy.name)).allowed(ALLOWED_BESIDE_OWN);
                findings.push(error.other(at_model, "the model"));
            }
        }
    }
}

/// Why a client as it is does not run beside [`Model::OWN`].
pub(super) const BESIDE_OWN: &str = "a client beside one of the program's own, whose code runs alone";
/// What runs over [`Model::OWN`].
pub(super) const ALLOWED_BESIDE_OWN: &str = "presets, [[policy]], policy files and mixes of them";

/// Warns of `touch-errors`, for which a token client has no mechanism.
fn warn_of_what_has_no_effect(findings: &mut Findings<'_>, client: &str, policies: &[ResolvedPolicy]) {
    let mut names: Vec<String> = Vec::new();
    for (part, _) in policies.iter().flat_map(|policy| &policy.parts) {
        let name = tick(&part.name);
        if part.client.is_none() && !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        let who = if names.len() == 1 { "policy" } else { "policies" };
        let (names, why) = (names.join(", "), "a token client sends no touch");
        findings.warn(
            "policies",
            &format!("`touch-errors` of {who} {names} has no effect over \"{client}\": {why}"),
        );
    }
}
