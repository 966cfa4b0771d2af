//! Checks of what a scenario says against what its client model can use.

use super::Findings;
use crate::client::Model;
use crate::client::family::{Unusable, Values};
use crate::scenario::ClientSpec;
use crate::scenario::parts::Parts;
use crate::scenario::policies::ResolvedPolicy;
use crate::text::tick;
use crate::toml_text::{Code, Node};
use toml::de::DeValue;

/// Refuses keys and values that the models cannot use.
pub(crate) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    if let Some(model) = parts.client.as_ref().map(ClientSpec::model) {
        check_all(findings, parts, model.unusable());
    }
    for entry in &parts.cohorts {
        // Keys of the client and of the fleet are those of the cohort's tables.
        let client = &entry.spec.client;
        let Some(model) = client.as_ref().or(parts.client.as_ref()).map(ClientSpec::model) else { continue };
        let at = if client.is_some() { format!("{}.client.model", entry.path) } else { AT_MODEL.to_owned() };
        for unusable in model.unusable() {
            let is_own = unusable.key.starts_with("client.") || unusable.key.starts_with("fleet.");
            match (is_own, entry.path == "cohort[0]") {
                (true, _) => {
                    check_one(findings, model, &at, unusable, &format!("{}.{}", entry.path, unusable.key))
                }
                // The models of all cohorts are of one family, which has one list.
                (false, true) => check_paths(findings, model, &at, unusable),
                (false, false) => {}
            }
        }
    }
}

/// Path of the model of `[client]`.
const AT_MODEL: &str = "client.model";

/// Refuses what a list says that the model of `[client]` cannot use.
pub(super) fn check_all(findings: &mut Findings<'_>, parts: &Parts, list: &[Unusable]) {
    let Some(model) = parts.client.as_ref().map(ClientSpec::model) else { return };
    if parts.fleet.as_ref().is_none_or(|fleet| fleet.users == 0) {
        return;
    }
    for unusable in list {
        check_paths(findings, model, AT_MODEL, unusable);
    }
}

/// Refuses what a model cannot use, at each place of its key.
fn check_paths(findings: &mut Findings<'_>, model: Model, at_model: &str, unusable: &Unusable) {
    let paths: Vec<String> = match unusable.key.split_once("[]") {
        None => vec![unusable.key.to_owned()],
        Some((list, rest)) => {
            let entries = findings.doc.node(list).and_then(|node| node.get_ref().as_array());
            (0..entries.map_or(0, |list| list.len())).map(|i| format!("{list}[{i}]{rest}")).collect()
        }
    };
    for path in paths {
        check_one(findings, model, at_model, unusable, &path);
    }
}

fn check_one(findings: &mut Findings<'_>, model: Model, at_model: &str, unusable: &Unusable, path: &str) {
    let Some(node) = findings.doc.node(path) else { return };
    let found = written(node);
    let (refused, allowed) = match unusable.values {
        Values::Any => (true, "nothing here".to_owned()),
        Values::Only(value) => (found == value, format!("any value but \"{value}\"")),
        Values::AllBut(value) => (found != value, format!("only {value}")),
    };
    if refused {
        let key = path.rsplit('.').next().unwrap_or(path);
        let what = format!("`{key}` is nothing that the model \"{model}\" can use: {}", unusable.why);
        let error = findings.at(path, Code::KeyOfOtherKind, what);
        let at_model = findings.doc.at(at_model);
        findings.push(error.allowed(allowed).other(at_model, "the model"));
    }
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

/// Refuses token clients beside a model that is none. Over a token client, warns of what its policies say in vain.
pub(crate) fn check_contenders(findings: &mut Findings<'_>, parts: &Parts, policies: &[ResolvedPolicy]) {
    // A cohort with a policy of its own does not follow the compared ones.
    let compared = parts.cohorts.iter().find(|cohort| cohort.spec.policy.is_none());
    let own = compared
        .and_then(|cohort| Some((format!("{}.client.model", cohort.path), cohort.spec.client.as_ref()?)));
    let of_all = parts.client.as_ref().map(|client| (AT_MODEL.to_owned(), client));
    let Some((at_model, client)) = own.or(of_all) else { return };
    if parts.users().unwrap_or(0) == 0 || (compared.is_none() && !parts.cohorts.is_empty()) {
        return;
    }
    let model = client.model();
    if model.row().is_contender {
        let name = client.name.file().unwrap_or(model.name());
        return warn_of_what_has_no_effect(findings, name, policies);
    }
    for (i, policy) in policies.iter().enumerate() {
        if policy.parts.iter().all(|(part, _)| part.client.is_none()) {
            continue;
        }
        let what = "a token client, and the model is none";
        let error = findings.at(&format!("policies[{i}]"), Code::UnknownPolicy, what);
        let at_model = findings.doc.at(&at_model);
        let allowed = "presets, [[policy]], policy files and mixes of them";
        findings.push(error.found(tick(&policy.name)).allowed(allowed).other(at_model, "the model"));
    }
}

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
