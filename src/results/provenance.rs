//! The provenance of results, and the manifest that records it.

use super::{Asked, DataFile, Results};
use crate::scenario::PolicyFile;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
#[cfg(unix)]
use std::io::Read;

/// Name of the file that lists the files of a results directory.
pub const MANIFEST: &str = "manifest.json";

/// Provenance of results. Equal provenances give equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The version of authstorm that ran the study.
    pub version: String,
    /// The scenario's name.
    pub scenario: String,
    /// SHA-256 of the content of the scenario and its policies, in lower-case hex.
    pub scenario_hash: String,
    /// The seed.
    pub seed: u64,
    /// Replications of each policy.
    pub replications: u32,
    /// How precisely the results were asked for, which chose the number of replications; absent where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Asked>,
    /// The policies that were run, in their order.
    pub policies: Vec<String>,
    /// Whether every session is kept, not only the worst of each policy.
    #[serde(default)]
    pub all_sessions: bool,
    /// The scenario's text, with every override written into it.
    #[serde(default)]
    pub scenario_text: String,
    /// SHA-256 of each copy of a policy file beside the scenario, in lower-case hex, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_files: BTreeMap<String, String>,
}

/// SHA-256 of each file, by name.
pub(crate) fn hashes_of(files: &[PolicyFile]) -> BTreeMap<String, String> {
    files.iter().map(|file| (file.name.clone(), sha256(file.text.as_bytes()))).collect()
}

impl Results {
    /// The provenance of these results.
    pub fn provenance(&self) -> Provenance {
        Provenance {
            version: self.version.clone(),
            scenario: self.scenario.clone(),
            scenario_hash: self.scenario_hash.clone(),
            seed: self.seed,
            replications: self.replications,
            precision: self.precision.as_ref().map(|precision| precision.asked.clone()),
            policies: self.policies.iter().map(|policy| policy.name.clone()).collect(),
            all_sessions: self.all_sessions,
            scenario_text: self.scenario_text.clone(),
            policy_files: hashes_of(&self.policy_files),
        }
    }
}

/// A manifest of any version: the fields of [`Provenance`], and the hash of every file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest(Value);

impl Manifest {
    /// The manifest of these files.
    pub fn new(provenance: &Provenance, files: &[DataFile]) -> Manifest {
        let mut manifest = serde_json::to_value(provenance).expect("texts and numbers are JSON");
        manifest["files"] = listed(files);
        Manifest(manifest)
    }

    /// The manifest of a part of some work.
    #[cfg(unix)]
    pub(super) fn of_part(part: &super::dir::part::PartOf, files: &[DataFile]) -> Manifest {
        let hash = part.what.get("scenario_hash").cloned().unwrap_or_default();
        Manifest(json!({ "scenario_hash": hash, PART: part, "files": listed(files) }))
    }

    /// The manifest of some work on many runs, whose files have these hashes and sizes in bytes. `again` is the command that makes them
    /// again. The text of the scenario is a file of its own.
    #[cfg(unix)]
    pub(super) fn of_work(
        what: &Map<String, Value>,
        again: &str,
        files: &BTreeMap<String, (String, u64)>,
    ) -> Manifest {
        let mut manifest = what.clone();
        manifest.shift_remove("scenario_text");
        manifest.insert(COMMAND.to_owned(), again.into());
        let entry = |(name, (hash, bytes)): (&String, &(String, u64))| {
            (name.clone(), json!({ "sha256": hash, "bytes": bytes }))
        };
        manifest.insert("files".to_owned(), files.iter().map(entry).collect::<Map<_, _>>().into());
        Manifest(manifest.into())
    }

    /// What a part is of; absent if the manifest is of no part.
    #[cfg(unix)]
    pub(super) fn part(&self) -> Option<super::dir::part::PartOf> {
        Deserialize::deserialize(self.0.get(PART)?).ok()
    }

    /// The command that makes the files again; absent in the manifest of runs.
    pub fn command(&self) -> Option<&str> {
        self.0.get(COMMAND)?.as_str()
    }

    /// The names of the files.
    #[cfg(unix)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0["files"].as_object().into_iter().flat_map(|files| files.keys().map(String::as_str))
    }

    /// Reads a manifest; absent if the bytes are not a manifest of authstorm.
    pub fn parse(bytes: &[u8]) -> Option<Manifest> {
        let manifest: Value = serde_json::from_slice(bytes).ok()?;
        let is_own = manifest["scenario_hash"].is_string() && manifest["files"].is_object();
        is_own.then_some(Manifest(manifest))
    }

    /// The text of manifest.json.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.0)
    }

    /// The provenance of the results.
    ///
    /// # Errors
    /// When a field of [`Provenance`] is missing or of another type.
    pub fn provenance(&self) -> Result<Provenance, serde_json::Error> {
        Provenance::deserialize(&self.0)
    }

    /// Whether a file of this name belongs to the results.
    pub fn lists(&self, name: &str) -> bool {
        self.0["files"].get(name).is_some()
    }

    /// SHA-256 of a file, lower-case hex; absent when the file is not listed.
    pub fn hash_of(&self, name: &str) -> Option<&str> {
        self.0["files"][name]["sha256"].as_str()
    }

    /// The first field in which existing results differ from new ones: its name, its existing value and its new value.
    pub fn difference(&self, provenance: &Provenance) -> Option<(String, String, String)> {
        if let Some(verb) = self.0.get(VERB) {
            return Some((VERB.to_owned(), in_words(verb), "run".to_owned()));
        }
        let here = serde_json::to_value(provenance).expect("texts and numbers are JSON");
        let fields = here.as_object().into_iter().flatten();
        // The hash also covers the seed and the replications, so more specific fields come first. Two texts with one
        // content have one hash but give different bytes.
        let rank = |key: &str| ["scenario_hash", "scenario_text"].iter().position(|last| *last == key);
        let mut fields: Vec<(&str, &Value)> = fields.map(|(key, value)| (key.as_str(), value)).collect();
        // What chose the number of replications explains why it differs.
        fields.insert(0, (PRECISION, here.get(PRECISION).unwrap_or(&Value::Null)));
        fields.sort_by_key(|(key, _)| rank(key));
        let there = |key: &str| self.0.get(key).unwrap_or(&Value::Null);
        let (key, value) = fields.into_iter().find(|(key, value)| there(key) != *value)?;
        let said = |value: &Value| if value.is_null() { "missing".to_owned() } else { in_words(value) };
        Some((key.to_owned(), said(there(key)), said(value)))
    }
}

/// The field of a manifest that says what a part is of.
#[cfg(unix)]
const PART: &str = "part";

/// The files of a manifest.
fn listed(files: &[DataFile]) -> Value {
    let files = files
        .iter()
        .map(|file| (file.name.clone(), json!({ "sha256": sha256(&file.bytes), "bytes": file.bytes.len() })));
    files.collect::<Map<String, Value>>().into()
}

/// The field of a manifest that says which command makes the files again.
const COMMAND: &str = "command";

/// The field of a manifest of work that names the verb.
const VERB: &str = "verb";

/// The field of a provenance that is absent where the number of replications was given.
const PRECISION: &str = "precision";

/// Shows a short value as it is, and a text of several lines by its hash.
fn in_words(value: &Value) -> String {
    let text = value.to_string();
    let text = if text.len() > 200 { format!("of SHA-256 {}", sha256(text.as_bytes())) } else { text };
    text.trim_matches('"').chars().take(40).collect()
}

/// SHA-256, lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of what is read to its end, lower-case hex, and its size in bytes.
///
/// # Errors
/// When it cannot be read.
#[cfg(unix)]
pub(super) fn hash_of(mut from: impl Read) -> std::io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let (mut buffer, mut bytes) = (vec![0; 1 << 16], 0);
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            count => {
                hash.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
    Ok((hex(&hash.finalize()), bytes))
}
