//! Loads scenarios: parses the text, checks the tree against the format and the parts against each other, and resolves the
//! names of policies.

use super::Scenario;
use super::expect;
use super::extensions::Extensions;
use super::format;
pub use super::loaded::Loaded;
use super::parts::{Parts, families_of};
use super::policies::{self, Pinned, Resolved};
use super::presets;
use super::set::{self, Settings};
use super::validate::{self, validate};
use crate::spec::check::check;
use crate::toml_text::source::MAX_BYTES;
use crate::toml_text::{Code, Doc, Errors, Node, Source, TextError, TextErrors};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use toml::de::{DeValue, ValueDeserializer};

/// Loads a scenario file. `overrides` are the `set` of [`Settings`].
///
/// # Errors
/// Everything that is wrong with the file, its policies or the overrides, up to [`crate::toml_text::error::MAX_ERRORS`].
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded, TextErrors> {
    load_with(path, &Settings::from(overrides))
}

/// Loads a scenario file with settings from outside.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, settings: &Settings) -> Result<Loaded, TextErrors> {
    load_extended(path, settings, &Extensions::default())
}

/// Loads a scenario file with settings from outside, for a program with extensions.
///
/// # Errors
/// As [`load`].
pub fn load_extended(path: &Path, settings: &Settings, own: &Extensions) -> Result<Loaded, TextErrors> {
    let name = path.display().to_string();
    let source = Source::read(&name, path).map_err(Errors::finish)?;
    load_source(source, path.parent(), settings, own)
}

/// Loads a scenario from text. It has no directory, so it cannot name policy files.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &str, text: &str, overrides: &[String]) -> Result<Loaded, TextErrors> {
    load_text_in(name, text, None, overrides)
}

/// Loads a scenario from text, with policy files relative to the directory `base`.
///
/// # Errors
/// As [`load`].
pub fn load_text_in(
    name: &str,
    text: &str,
    base: Option<&Path>,
    overrides: &[String],
) -> Result<Loaded, TextErrors> {
    let source = Source::from_bytes(name, text.as_bytes()).map_err(Errors::finish)?;
    load_source(source, base, &Settings::from(overrides), &Extensions::default())
}

/// Loads a scenario from text, for a program with extensions.
///
/// # Errors
/// As [`load_text`].
pub fn load_text_extended(name: &str, text: &str, own: &Extensions) -> Result<Loaded, TextErrors> {
    let source = Source::from_bytes(name, text.as_bytes()).map_err(Errors::finish)?;
    load_source(source, None, &Settings::default(), own)
}

pub(super) fn load_source(
    source: Arc<Source>,
    base: Option<&Path>,
    settings: &Settings,
    own: &Extensions,
) -> Result<Loaded, TextErrors> {
    check_not_empty(&source).map_err(Errors::finish)?;
    // Overrides need a readable text. An unreadable text is reported without them.
    let source = match set::is_readable(&source) {
        true => set::apply(source, settings).map_err(Errors::finish)?,
        false => source,
    };
    let expanded = presets::expand(Arc::clone(&source));
    read(&expanded, base, own).map(|loaded| loaded.read_from(&source)).map_err(Errors::finish)
}

fn read(source: &Arc<Source>, base: Option<&Path>, own: &Extensions) -> Result<Loaded, Errors> {
    let (doc, mut errors) = Doc::parse(source)?;
    check(source, &doc.root, format::scenario(), &mut errors);
    if errors.has(Code::Version) {
        // This build cannot judge what another version of the format allows.
        return Err(errors.only(Code::Version));
    }
    let parts = Parts::of(&doc);
    let mut findings = validate(&doc, &parts);
    let Resolved { policies, pinned, profile, texts } = policies::resolve(&mut findings, &parts, base);
    let clients = parts.clients(&policies, &pinned);
    let families = families_of(&clients);
    validate::client::check(&mut findings, &parts, &clients);
    validate::cohorts::check_storages(&mut findings, &clients);
    validate::endpoints::check(&mut findings, &parts, &clients);
    validate::client::check_contenders(&mut findings, &parts, &policies);
    validate::cohorts::check_pinned(&mut findings, &parts, &pinned);
    validate::own::check(&mut findings, &parts, own);
    validate::faults::warn_of_idle_retry_after(&mut findings, &parts, &policies, families);
    let expectations = expect::read(&mut findings, &parts, &clients);
    let warnings = std::mem::take(&mut findings.warnings);
    errors.append(findings.errors);
    errors.into_result()?;
    let text = without_schema_line(without_negative_zeros(source, &doc.root));
    let mut scenario = whole(&Source::new(&source.name, &text))?;
    scenario.client.profile = profile;
    for Pinned { cohort, policy } in pinned {
        scenario.cohorts[cohort].pinned = policy.parts;
    }
    own.give(&mut scenario);
    validate::numbers::check(&doc, &scenario)?;
    scenario.name_clients(&policies);
    Ok(Loaded::new(scenario, policies, texts, expectations, text, warnings, base))
}

/// Deserialises the whole scenario. Every check has passed, so a refusal here means a missing check. It is still an error
/// with a place, because the text is the user's and a panic would say less.
fn whole(source: &Arc<Source>) -> Result<Scenario, Errors> {
    let (doc, _) = Doc::parse(source)?;
    Scenario::deserialize(ValueDeserializer::from(doc.root)).map_err(|e| {
        let what = crate::text::shorten(e.message(), 200);
        TextError::new(Code::Malformed, source, e.span().unwrap_or(0..0), what).into()
    })
}

/// Refuses a text without any key, before overrides add one.
fn check_not_empty(source: &Arc<Source>) -> Result<(), Errors> {
    assert!(source.text.len() as u64 <= MAX_BYTES);
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if !source.text.lines().all(blank) {
        return Ok(());
    }
    let required = format::scenario().keys.iter().filter(|key| key.required);
    let required = required.map(|key| key.name.as_str()).collect::<Vec<_>>().join(", ");
    let error = TextError::new(Code::Empty, source, 0..0, format!("empty scenario; required: {required}"));
    Err(error.fix("start from an example").into())
}

/// The text without the line that names its JSON Schema for editors by a path. In another directory the path would be wrong.
pub(super) fn without_schema_line(text: String) -> String {
    match text.strip_prefix("#:schema ").and_then(|rest| rest.split_once('\n')) {
        Some((_, rest)) => rest.trim_start_matches('\n').to_owned(),
        None => text,
    }
}

/// The text with `-0.0` written as `0.0`. Both mean the same, so their hashes must not differ.
fn without_negative_zeros(source: &Source, root: &Node<'_>) -> String {
    fn collect(node: &Node<'_>, signs: &mut Vec<usize>) {
        let is_zero = match node.get_ref() {
            DeValue::Float(f) => f.as_str().parse::<f64>().is_ok_and(|x| x.abs() < f64::MIN_POSITIVE),
            DeValue::Integer(n) => n.as_str().bytes().all(|b| matches!(b, b'0' | b'-' | b'+' | b'_')),
            DeValue::Array(list) => return list.iter().for_each(|node| collect(node, signs)),
            DeValue::Table(table) => return table.iter().for_each(|(_, node)| collect(node, signs)),
            _ => false,
        };
        if is_zero {
            signs.push(node.span().start);
        }
    }
    let mut signs = Vec::new();
    collect(root, &mut signs);
    signs.retain(|&at| source.text.as_bytes().get(at) == Some(&b'-'));
    let mut text = source.text.clone();
    signs.sort_unstable();
    for at in signs.into_iter().rev() {
        text.remove(at);
    }
    text
}
