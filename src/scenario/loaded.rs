//! A loaded scenario: its hash, and changes that cannot bypass a check.

use super::expect::Expectation;
use super::extensions::Extensions;
use super::format;
use super::load::{load_source, load_text_extended, without_schema_line};
use super::parts::Parts;
use super::policies::{self, ResolvedPolicy};
use super::policy_files::{PolicyFile, names_of_copies};
use super::set::{self, Settings};
use super::validate::validate;
use super::{ExpectSpec, Mix, PolicyShare, Rollout, RolloutSpec, Scenario};
use crate::client::policy::Policy;
use crate::spec::check::check;
use crate::toml_text::{Code, Doc, Errors, Source, TextError, TextErrors};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A scenario that was loaded without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Its policies, in the order of [`Scenario::policies`].
    pub policies: Vec<ResolvedPolicy>,
    /// The texts of its files: the client profile of `client.model`, if that is a file, then [`Scenario::policy_files`].
    pub files: Vec<String>,
    /// Its conditions, in the order of [`Scenario::expectations`].
    pub expectations: Vec<Expectation>,
    /// Its text: without byte order mark, lines ending in LF, with overrides, without negative zeros. Loading the text gives
    /// the same scenario.
    pub text: String,
    /// Warnings: whole messages with their places.
    pub warnings: Vec<String>,
    /// The directory of its files, if it has one.
    base: Option<PathBuf>,
    /// Result of [`Loaded::seal`] after the last check.
    checked: String,
    /// The text to which further settings are applied.
    unexpanded: Unexpanded,
}

/// The text before the keys of presets were written into it: a setting may choose another preset, whose keys then take the
/// place of the first one's. Scenarios with the same expanded text are equal whatever it is.
#[derive(Clone, Debug)]
struct Unexpanded(String);

impl PartialEq for Unexpanded {
    fn eq(&self, _: &Unexpanded) -> bool {
        true
    }
}

impl Loaded {
    /// A scenario that was just read and checked.
    pub(super) fn new(
        scenario: Scenario,
        policies: Vec<ResolvedPolicy>,
        files: Vec<String>,
        expectations: Vec<Expectation>,
        text: String,
        warnings: Vec<String>,
        base: Option<&Path>,
    ) -> Loaded {
        let (checked, base, unexpanded) = (String::new(), base.map(Path::to_owned), Unexpanded(text.clone()));
        let mut loaded =
            Loaded { scenario, policies, files, expectations, text, warnings, base, checked, unexpanded };
        loaded.checked = loaded.seal();
        loaded
    }

    /// The same, which was read from this text after presets were expanded.
    pub(super) fn read_from(self, unexpanded: &Source) -> Loaded {
        Loaded { unexpanded: Unexpanded(unexpanded.text.clone()), ..self }
    }

    /// SHA-256 of the content of the scenario and its policies, in lower-case hex. Equal for two texts with the same content,
    /// whether a value came from a file or from an override.
    pub fn hash(&self) -> String {
        hash(&self.scenario, &self.policies)
    }

    /// The text as results keep it: policy files go by the names of their copies beside it.
    pub fn portable_text(&self) -> String {
        self.portable(&self.text)
    }

    /// The text before the keys of presets were written into it, with overrides, and with policy files by the names of their copies.
    /// It can be varied as the scenario's own file can.
    pub fn portable_source(&self) -> String {
        self.portable(&self.unexpanded.0)
    }

    fn portable(&self, text: &str) -> String {
        let mut source = Source::new(&self.scenario.name, text);
        for ((key, file), copy) in self.named_files().into_iter().zip(self.names_of_copies()) {
            if file != copy {
                let settings = Settings { set: vec![format!("{key}={copy:?}")], ..Settings::default() };
                source =
                    set::apply(source, &settings).unwrap_or_else(|_| unreachable!("a list has its entries"));
            }
        }
        source.text.clone()
    }

    /// The files that the scenario names: key and path, in the order of [`Loaded::files`].
    fn named_files(&self) -> Vec<(String, &str)> {
        let model = self.scenario.client.name.file().map(|file| ("client.model".to_owned(), file));
        let policies = self.scenario.policy_files.iter().enumerate();
        let policies = policies.map(|(i, file)| (format!("policy-files[{i}]"), file.as_str()));
        model.into_iter().chain(policies).collect()
    }

    /// The client profile and the policy files as results keep them, by name.
    pub fn policy_files(&self) -> Vec<PolicyFile> {
        let texts = self.files.iter().cloned().map(without_schema_line);
        let copies = self.names_of_copies().into_iter().zip(texts);
        let mut copies: Vec<_> = copies.map(|(name, text)| PolicyFile { name, text }).collect();
        copies.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        copies
    }

    fn names_of_copies(&self) -> Vec<String> {
        names_of_copies(self.named_files().into_iter().map(|(_, file)| file))
    }

    /// The scenario with other settings, as if its file contained them. Its other files are read again.
    ///
    /// # Errors
    /// Why the changed scenario cannot be run.
    pub fn with(&self, settings: &Settings) -> Result<Loaded, TextErrors> {
        let text = Source::new(&self.scenario.name, &self.unexpanded.0);
        load_source(text, self.base.as_deref(), settings, &Extensions::of(&self.scenario))
    }

    /// Changes the seed, the replications or both, as [`Settings`] do when a scenario is read.
    ///
    /// # Errors
    /// Why the changed scenario cannot be run. The scenario then stays as it was.
    pub fn change(&mut self, seed: Option<u64>, replications: Option<u32>) -> Result<(), TextErrors> {
        let settings = Settings { seed, replications, ..Settings::default() };
        let text = Source::new(&self.scenario.name, &self.text);
        let source = set::apply(text, &settings).map_err(Errors::finish)?;
        let unexpanded = Source::new(&self.scenario.name, &self.unexpanded.0);
        let unexpanded = set::apply(unexpanded, &settings).map_err(Errors::finish)?;
        let (doc, mut errors) = Doc::parse(&source).map_err(Errors::finish)?;
        check(&source, &doc.root, format::scenario(), &mut errors);
        errors.append(validate(&doc, &Parts::of(&doc)).errors);
        errors.into_result().map_err(Errors::finish)?;
        let scenario = &mut self.scenario;
        scenario.seed = seed.unwrap_or(scenario.seed);
        scenario.replications = replications.unwrap_or(scenario.replications);
        self.text.clone_from(&source.text);
        self.unexpanded.0.clone_from(&unexpanded.text);
        self.checked = self.seal();
        Ok(())
    }

    /// The same scenario, checked again if it was changed since the last check. Its text is then written anew, with
    /// its policies inside.
    /// # Errors
    /// What is wrong with a changed scenario.
    pub(crate) fn checked(self) -> Result<Loaded, TextErrors> {
        if self.checked == self.seal() {
            return Ok(self);
        }
        let text = self.written_out().text().map_err(|e| {
            let source = Source::new(&self.scenario.name, "");
            let what = format!("cannot be written: {e}");
            Errors::from(TextError::of_file(Code::Malformed, &source, what)).finish()
        })?;
        load_text_extended(&self.scenario.name, &text, &Extensions::of(&self.scenario))
    }

    /// The scenario with its current policies and conditions, and without files beside it.
    fn written_out(&self) -> Scenario {
        let mut scenario = self.scenario.clone();
        scenario.policies = self.policies.iter().map(|policy| policy.name.clone()).collect();
        scenario.policy_files = Vec::new();
        scenario.client.profile = None;
        let pinned = scenario.cohorts.iter_mut().filter_map(|cohort| {
            Some(ResolvedPolicy {
                name: cohort.policy.clone()?,
                parts: std::mem::take(&mut cohort.pinned),
                rollout: None,
            })
        });
        let pinned: Vec<ResolvedPolicy> = pinned.collect();
        let mut all: Vec<&ResolvedPolicy> = Vec::new();
        for policy in self.policies.iter().chain(&pinned) {
            if all.iter().all(|known| known.name != policy.name) {
                all.push(policy);
            }
        }
        let used = all.iter().flat_map(|policy| policy.parts.iter().map(|(part, _)| part));
        let mut inline: Vec<Policy> = Vec::new();
        for policy in used {
            if policies::known(&policy.name).as_ref() != Some(policy) && !inline.contains(policy) {
                inline.push(policy.clone());
            }
        }
        let is_mix = |p: &&ResolvedPolicy| match &p.parts[..] {
            [(part, share)] => part.name != p.name || (share - 1.0).abs() > 0.0,
            _ => true,
        };
        let share = |(part, share): &(Policy, f64)| PolicyShare { policy: part.name.clone(), share: *share };
        let mixes = all.iter().copied().filter(|p| p.rollout.is_none()).filter(is_mix);
        scenario.mixes = mixes
            .map(|p| Mix { name: p.name.clone(), shares: p.parts.iter().map(share).collect() })
            .collect();
        let rollout = |p: &ResolvedPolicy| match (&p.parts[..], p.rollout) {
            ([(old, _), (new, _)], Some(Rollout { from, to, share, reload })) => {
                let (name, old, new) = (p.name.clone(), old.name.clone(), new.name.clone());
                Some(RolloutSpec { name, old, new, from, to, share, reload })
            }
            _ => None,
        };
        scenario.rollouts = self.policies.iter().filter_map(rollout).collect();
        scenario.inline_policies = inline;
        let written = |e: &Expectation| ExpectSpec {
            that: e.text.clone(),
            of: e.of,
            cohort: e.cohort.clone(),
            may_be_vacuous: e.may_be_vacuous,
        };
        scenario.expectations = self.expectations.iter().map(written).collect();
        scenario
    }

    /// A value that changes when the scenario changes.
    fn seal(&self) -> String {
        let conditions: Vec<_> = self.expectations.iter().map(|e| format!("{e:?}")).collect();
        digest(&(&self.scenario, &self.policies, conditions, &self.text))
    }
}

impl Scenario {
    /// The scenario as a file says it. The users of cohorts stand in no `[fleet]`, and a cohort with a network or an app of
    /// its own does not say how many it has.
    fn text(&self) -> Result<String, toml::ser::Error> {
        let mut table = toml::Table::try_from(self)?;
        if !self.cohorts.is_empty() {
            table.remove("fleet");
        }
        let cohorts = table.get_mut("cohort").and_then(toml::Value::as_array_mut);
        for cohort in cohorts.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
            let without: Vec<&str> = [("network", "users-per-network"), ("app", "apps")]
                .into_iter()
                .filter_map(|(own, number)| cohort.contains_key(own).then_some(number))
                .collect();
            if let Some(fleet) = cohort.get_mut("fleet").and_then(toml::Value::as_table_mut) {
                without.into_iter().for_each(|number| drop(fleet.remove(number)));
            }
        }
        toml::to_string(&table)
    }
}

/// See [`Loaded::hash`].
pub(crate) fn hash(scenario: &Scenario, policies: &[ResolvedPolicy]) -> String {
    if scenario.policy_files.is_empty() && scenario.client.name.file().is_none() {
        return digest(&(scenario, policies));
    }
    // The names of files say nothing about a run, and copies have other names.
    let mut scenario = Scenario { policy_files: Vec::new(), ..scenario.clone() };
    scenario.client.name = scenario.client.name.without_path();
    digest(&(&scenario, policies))
}

/// SHA-256 of a value as JSON, in lower-case hex.
fn digest(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("numbers, texts, lists and tables are JSON");
    Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
}
