//! Resolves names of policies: presets, `[[policy]]`, policy files and mixes.

use super::codes::{ErrorCodes, Naming, TooManyCodes};
use super::format;
use super::parts::{Entry, Parts, read};
use super::policy_files::{self, PolicyIn};
use super::validate::{self, Findings};
use super::{Rollout, RolloutSpec};
use crate::client::policy::Policy;
use crate::client::token::{self, Profile};
use crate::client::{AsIs, Model};
use crate::spec::Ty;
use crate::spec::check::check;
use crate::text::{nearest, tick};
use crate::toml_text::{Code, Doc, Errors, Source, TextError};
use serde::Serialize;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The policies in the program: name and text.
pub const PRESETS: [(&str, &str); 5] = [
    ("old", include_str!("../../scenarios/policies/old.toml")),
    ("not-429", include_str!("../../scenarios/policies/not-429.toml")),
    ("narrowed-retry-all", include_str!("../../scenarios/policies/narrowed-retry-all.toml")),
    ("new", include_str!("../../scenarios/policies/new.toml")),
    ("new-and-banned", include_str!("../../scenarios/policies/new-and-banned.toml")),
];

/// A policy of a scenario, ready to run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedPolicy {
    /// Its name in `policies`.
    pub name: String,
    /// The policies of users with their shares: one entry of share 1, the entries of a mix, or the first and the second
    /// policy of a rollout.
    pub parts: Vec<(Policy, f64)>,
    /// When users change from the first policy to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<Policy> {
    let (_, text) = PRESETS.iter().find(|(preset, _)| *preset == name)?;
    Some(toml::from_str(text).expect("every preset loads, as a test checks"))
}

/// The policy that a name stands for where no scenario defines it: a preset, or a client as it is.
pub fn known(name: &str) -> Option<Policy> {
    let release = || {
        let release = Model::named(name)?;
        Some(Policy::of_release(release, preset(release.row().shipped_with?)?))
    };
    preset(name).or_else(|| token::named(name).map(Policy::as_is)).or_else(release)
}

/// The names of all clients that a scenario may compare as they are.
pub(crate) fn clients() -> impl Iterator<Item = &'static str> {
    let releases = Model::all().filter(|model| model.row().shipped_with.is_some()).map(Model::name);
    token::SHIPPED.iter().map(|(name, _)| *name).chain(releases)
}

/// Reads the text of a policy file.
///
/// # Errors
/// All errors of the text, as for a scenario.
pub fn read_policy(source: &Arc<Source>) -> Result<Policy, Errors> {
    let (doc, mut errors) = Doc::parse(source)?;
    check(source, &doc.root, format::policy(), &mut errors);
    let policy: Option<Policy> = read(source, &doc.root, &Ty::Table(format::policy()));
    if let Some(policy) = &policy {
        let mut findings = Findings { doc: &doc, errors, warnings: Vec::new() };
        validate::policy::check(&mut findings, "", policy);
        errors = findings.errors;
    }
    errors.into_result()?;
    policy.ok_or_else(|| {
        TextError::new(Code::Malformed, source, 0..0, "a policy that this build cannot read").into()
    })
}

/// The definition of a name.
struct Definition {
    name: String,
    at: (Arc<Source>, Range<usize>),
    policy: Option<Policy>,
}

/// The policy of a cohort that has its own.
pub struct Pinned {
    /// The index of the cohort among the readable ones.
    pub cohort: usize,
    /// The policy.
    pub policy: ResolvedPolicy,
}

/// The policies of a scenario, and what its files say.
pub struct Resolved {
    /// The policies, in the order of `policies`.
    pub policies: Vec<ResolvedPolicy>,
    /// The policies of cohorts that have their own.
    pub pinned: Vec<Pinned>,
    /// The client of `client.model`, where that is a file.
    pub profile: Option<Arc<Profile>>,
    /// The texts of the files: that of `client.model`, then the policy files.
    pub texts: Vec<String>,
}

/// Resolves the scenario's policies. Its files are relative to the directory `base`.
pub fn resolve(findings: &mut Findings<'_>, parts: &Parts, base: Option<&Path>) -> Resolved {
    let (mut texts, mut profile) = (Vec::new(), None);
    let doc = findings.doc;
    let mut defined: Vec<Definition> = Vec::new();
    for entry in &parts.inline_policies {
        let at = (Arc::clone(doc.source), doc.at(&format!("{}.name", entry.path)));
        let policy = Some(entry.spec.clone());
        define(findings, &mut defined, Definition { name: entry.spec.name.clone(), at, policy });
    }
    let mut all_files_read = true;
    let model = parts.client.as_ref().and_then(|client| client.name.file());
    let model = model.map(|file| policy_files::read_model(findings, file, base));
    let model = model.map(|read| {
        read.inspect(|read| profile = read.policy.client.as_ref().and_then(AsIs::profile).cloned())
    });
    let others = parts.policy_files.iter();
    let others: Vec<_> =
        others.map(|entry| policy_files::read(findings, &entry.path, &entry.spec, base)).collect();
    for read in model.into_iter().chain(others) {
        match read {
            Ok(PolicyIn { policy, source, name }) => {
                texts.push(source.text.clone());
                let (at, name) = ((source, name), policy.name.clone());
                define(findings, &mut defined, Definition { name, at, policy: Some(policy) });
            }
            Err(errors) => {
                all_files_read = false;
                findings.errors.append(errors);
            }
        }
    }
    for entry in &parts.mixes {
        let at = (Arc::clone(doc.source), doc.at(&format!("{}.name", entry.path)));
        let mix = Definition { name: entry.spec.name.clone(), at, policy: None };
        define(findings, &mut defined, mix);
    }
    for entry in &parts.rollouts {
        let at = (Arc::clone(doc.source), doc.at(&format!("{}.name", entry.path)));
        define(findings, &mut defined, Definition { name: entry.spec.name.clone(), at, policy: None });
    }
    // The name of a malformed policy or mix is not unknown: its own errors say what is wrong.
    let unread = ["policy", "mix", "rollout"].into_iter().flat_map(|list| {
        let nodes = doc.node(list).and_then(|node| node.get_ref().as_array());
        nodes
            .into_iter()
            .flat_map(|nodes| nodes.iter().filter_map(|n| n.get_ref().get("name")?.get_ref().as_str()))
    });
    let unread: Vec<&str> = unread.collect();
    let catalog = Catalog { defined: &defined, unread, all_files_read };
    let mut resolved: Vec<ResolvedPolicy> = Vec::new();
    let run: Vec<&String> = parts.policies.iter().flatten().collect();
    let of_cohorts = || parts.cohorts.iter().filter_map(|cohort| cohort.spec.policy.as_ref());
    let mut used: Vec<&str> = run.iter().map(|name| name.as_str()).collect();
    used.extend(of_cohorts().map(String::as_str));
    for (m, entry) in parts.mixes.iter().enumerate() {
        for (i, share) in entry.spec.shares.iter().enumerate() {
            let path = format!("{}.shares[{i}].policy", parts.mixes[m].path);
            catalog.single(findings, &path, &share.policy);
            if run.contains(&&entry.spec.name) || of_cohorts().any(|name| *name == entry.spec.name) {
                used.push(&share.policy);
            }
        }
    }
    for entry in &parts.rollouts {
        for (key, name) in [("old", &entry.spec.old), ("new", &entry.spec.new)] {
            catalog.single(findings, &format!("{}.{key}", entry.path), name);
            if run.contains(&&entry.spec.name) {
                used.push(name);
            }
        }
        check_rollout(findings, entry, &catalog);
    }
    if let Some(names) = &parts.policies {
        findings.check_repeats("policies", &lower(names), |name| tick(name));
        for (i, name) in names.iter().enumerate() {
            if let Some(Entry { spec, .. }) = parts.rollouts.iter().find(|r| r.spec.name == *name) {
                let both = [(&spec.old, 1.0 - spec.share), (&spec.new, spec.share)];
                let both = both.into_iter().filter_map(|(name, share)| Some((catalog.find(name)?, share)));
                let (name, parts) = (name.clone(), both.collect());
                resolved.push(ResolvedPolicy { name, parts, rollout: Some(spec.ramp()) });
                continue;
            }
            let chosen = chosen(findings, &catalog, parts, &format!("policies[{i}]"), name);
            resolved.push(ResolvedPolicy { name: name.clone(), parts: chosen, rollout: None });
        }
    }
    let mut pinned = Vec::new();
    for (cohort, entry) in parts.cohorts.iter().enumerate() {
        let Some(name) = &entry.spec.policy else { continue };
        let chosen = chosen(findings, &catalog, parts, &format!("{}.policy", entry.path), name);
        pinned.push(Pinned {
            cohort,
            policy: ResolvedPolicy { name: name.clone(), parts: chosen, rollout: None },
        });
    }
    check_codes(findings, parts, resolved.iter().chain(pinned.iter().map(|pinned| &pinned.policy)));
    let inline = parts.inline_policies.iter().map(|entry| ("policy", &entry.path, &entry.spec.name));
    let mixes = parts.mixes.iter().map(|entry| ("mix", &entry.path, &entry.spec.name));
    let rollouts = parts.rollouts.iter().map(|entry| ("rollout", &entry.path, &entry.spec.name));
    for (what, path, name) in inline.chain(mixes).chain(rollouts) {
        if parts.policies.is_some() && !used.contains(&name.as_str()) {
            let what = format!("{what} {} is not among the `policies` and is never run", tick(name));
            findings.warn(&format!("{path}.name"), &what);
        }
    }
    Resolved { policies: resolved, pinned, profile, texts }
}

/// The policies of the mix or the policy of this name. Another name is an error at this path.
fn chosen(
    findings: &mut Findings<'_>,
    catalog: &Catalog<'_>,
    parts: &Parts,
    path: &str,
    name: &str,
) -> Vec<(Policy, f64)> {
    match parts.mixes.iter().find(|m| m.spec.name == *name) {
        Some(mix) => {
            let shares = mix.spec.shares.iter();
            shares.filter_map(|s| catalog.find(&s.policy).map(|policy| (policy, s.share))).collect()
        }
        None => catalog.single(findings, path, name).map(|policy| (policy, 1.0)).into_iter().collect(),
    }
}

/// Checks that a rollout ends after it begins and keeps the client.
fn check_rollout(findings: &mut Findings<'_>, entry: &Entry<RolloutSpec>, catalog: &Catalog<'_>) {
    let (spec, path) = (&entry.spec, &entry.path);
    if spec.to < spec.from {
        let from = findings.doc.at(&format!("{path}.from"));
        let error = findings.at(&format!("{path}.to"), Code::Order, "a rollout ends before it begins");
        let error = error.found(spec.to.to_string()).allowed(format!("{} or later", spec.from));
        findings.push(error.other(from, "the begin"));
    }
    if let (Some(old), Some(new)) = (catalog.find(&spec.old), catalog.find(&spec.new))
        && old.client != new.client
    {
        let what = "a rollout changes the policy, not the client: the running pages of one are not those of the other";
        let error = findings.at(&format!("{path}.new"), Code::UnknownPolicy, what).found(tick(&spec.new));
        findings.push(error.allowed("policies of one client: compare clients with a [[mix]]"));
    }
}

/// Checks that a run can hold the different error codes.
fn check_codes<'a>(
    findings: &mut Findings<'_>,
    parts: &Parts,
    resolved: impl Iterator<Item = &'a ResolvedPolicy>,
) {
    let policies = resolved.flat_map(|policy| &policy.parts).map(|(policy, _)| policy);
    let workloads = parts.workloads.iter().map(|entry| &entry.spec);
    let faults = parts.faults.iter().map(|entry| &entry.spec);
    let limits = parts.limits.iter().map(|entry| &entry.spec);
    if let Err(TooManyCodes { found, first_beyond }) = ErrorCodes::of(policies, workloads, faults, limits) {
        let at = match first_beyond {
            Naming::Policies => "policies".to_owned(),
            Naming::Workload(i) => format!("{}.retry.on", parts.workloads[i].path),
            Naming::Fault(i) => format!("{}.code", parts.faults[i].path),
            Naming::Limit(i) => format!("{}.code", parts.limits[i].path),
        };
        let error = findings.at_key(&at, Code::ListLength, "too many different error codes");
        let allowed = format!("at most {} in policies, workloads, faults and limits", ErrorCodes::MOST);
        findings.push(error.found(found.to_string()).allowed(allowed));
    }
}

fn lower(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}

/// Adds a definition, unless its name is taken by a preset of other content or by another definition, in any case (names
/// become file names).
fn define(findings: &mut Findings<'_>, defined: &mut Vec<Definition>, new: Definition) {
    let (source, span) = (&new.at.0, new.at.1.clone());
    if let Some(first) = defined.iter().find(|d| d.name.eq_ignore_ascii_case(&new.name)) {
        let what = format!("the name {} is used twice", tick(&new.name));
        let error = TextError::new(Code::DuplicateName, source, span, what).label("second time");
        findings.push(error.fix("rename one").other_in(&first.at.0, first.at.1.clone(), "first time"));
        return;
    }
    if let Some(known) = known(&new.name) {
        let same =
            new.policy.as_ref().is_some_and(|p| Policy { about: known.about.clone(), ..p.clone() } == known);
        if !same {
            let kind = if known.client.is_some() { "client as it is" } else { "preset" };
            let what = format!("{} is a {kind}, and this says something else", tick(&new.name));
            let error = TextError::new(Code::PresetRedefined, source, span, what);
            findings.push(error.fix("rename it").label(format!("a {kind}'s name")));
            return;
        }
    }
    defined.push(new);
}

struct Catalog<'a> {
    defined: &'a [Definition],
    unread: Vec<&'a str>,
    all_files_read: bool,
}

impl Catalog<'_> {
    /// The policy of this name.
    fn find(&self, name: &str) -> Option<Policy> {
        match self.defined.iter().find(|d| d.name == name) {
            Some(definition) => definition.policy.clone(),
            None => known(name),
        }
    }

    /// The policy of this name. Any other meaning of the name is an error at this path.
    fn single(&self, findings: &mut Findings<'_>, path: &str, name: &str) -> Option<Policy> {
        let found = self.find(name);
        if found.is_some() {
            return found;
        }
        if let Some(mix) = self.defined.iter().find(|d| d.name == name) {
            let error = findings
                .at(path, Code::UnknownPolicy, "a mix or a rollout cannot hold another one")
                .found(tick(name));
            let error = error.allowed("presets, [[policy]] and policy files");
            findings.push(error.other_in(&mix.at.0, mix.at.1.clone(), "the other one"));
        } else if !self.unread.contains(&name) && self.all_files_read {
            let mut known: Vec<&str> = self.defined.iter().map(|d| d.name.as_str()).collect();
            for name in PRESETS.iter().map(|(name, _)| *name).chain(clients()) {
                known.push(name);
            }
            let allowed = known.join(", ");
            let error = findings.at(path, Code::UnknownPolicy, format!("no policy is named {}", tick(name)));
            findings.push(error.allowed(allowed).did_you_mean(nearest(name, known)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_policy_of_its_name() {
        for (name, text) in PRESETS {
            let policy = read_policy(&Source::new(name, text)).unwrap_or_else(|e| panic!("{}", e.finish()));
            assert_eq!(policy.name, name);
            assert_eq!(preset(name), Some(policy));
        }
        assert_eq!(preset("newer"), None);
    }
}
