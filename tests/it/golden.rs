//! Fingerprints of released results. `golden_fingerprints.toml` stores the fingerprint of every shipped scenario by
//! version, and `results/CHANGELOG.md` names every change. Results of a version therefore never change silently.
//!
//! `UPDATE_GOLDEN=1 cargo test --test it golden::` updates the fingerprints of this version. The changelog is edited by
//! hand. `.ci/run`, `.ci/platforms` and `tests/it/determinism.rs` check that debug and release builds, platforms and
//! thread counts give the same results.

use crate::common::root;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

const FILE: &str = "tests/golden_fingerprints.toml";
const VERSION: &str = env!("CARGO_PKG_VERSION");

type Golden = BTreeMap<String, BTreeMap<String, String>>;

fn golden() -> Golden {
    toml::from_str(&fs::read_to_string(root().join(FILE)).unwrap_or_default())
        .expect("versions with fingerprints")
}

fn committed() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(root().join("results")).expect("results") {
        let path = entry.expect("an entry").path().join("summary.json");
        if let Ok(text) = fs::read_to_string(&path) {
            let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let word = |value: &serde_json::Value| value.as_str().expect("a word").to_owned();
            let directory = path.parent().and_then(|p| p.file_name()).expect("a name");
            all.insert(directory.to_string_lossy().into_owned(), word(&summary["engine"]["fingerprint"]));
        }
    }
    all
}

/// Sections of the changelog by version.
fn changelog() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("results/CHANGELOG.md")).expect("a changelog");
    text.split("\n## ")
        .skip(1)
        .map(|section| {
            let (version, body) = section.split_once('\n').expect("a version and what changed");
            (version.trim().to_owned(), body.to_owned())
        })
        .collect()
}

/// Twelve hexadecimal digits that identify the fingerprints of a version.
fn digest(fingerprints: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    fingerprints.iter().for_each(|(name, print)| hash.update(format!("{name} {print}\n")));
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn update(mut golden: Golden) {
    golden.insert(VERSION.to_owned(), committed());
    let mut text = String::from(
        "# The fingerprint of the event order of every shipped scenario, by version: see tests/it/golden.rs.\n\
         # Versions that have been released do not change.\n",
    );
    for (version, prints) in &golden {
        let _ = writeln!(text, "\n[{version:?}]");
        prints.iter().for_each(|(name, print)| writeln!(text, "{name} = {print:?}").expect("text"));
    }
    fs::write(root().join(FILE), text).expect("writable");
}

#[test]
fn committed_results_have_the_fingerprints_of_this_version() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        update(golden());
    }
    let golden = golden();
    let committed = committed();
    assert!(committed.len() >= 8, "{committed:?}");
    assert_eq!(
        golden.get(VERSION),
        Some(&committed),
        "results changed; UPDATE_GOLDEN=1 cargo test --test it golden::, and a line in results/CHANGELOG.md that says why"
    );
}

#[test]
fn the_changelog_tells_every_change_of_fingerprints() {
    let (golden, changelog) = (golden(), changelog());
    assert!(golden.contains_key(VERSION));
    for (version, prints) in &golden {
        let section =
            changelog.get(version).unwrap_or_else(|| panic!("the changelog has no section {version}"));
        let line = format!("Fingerprints `{}`", digest(prints));
        assert!(section.contains(&line), "the changelog's section {version} must say: {line}");
    }
    let number = |version: &str| -> Vec<u32> {
        version.split('.').map(|part| part.parse().expect("a number")).collect()
    };
    let mut versions: Vec<&String> = golden.keys().collect();
    versions.sort_by_key(|version| number(version));
    for pair in versions.windows(2) {
        for (name, print) in &golden[pair[1]] {
            let before = golden[pair[0]].get(name);
            let told = changelog[pair[1]].contains(&format!("`{name}`"));
            assert!(before == Some(print) || told, "the changelog of {} must name `{name}`", pair[1]);
        }
    }
}
