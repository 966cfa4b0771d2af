//! The public surface: every item that users of the library can name, as `tests/public_api.txt` lists it.
//!
//! A change of the list is a change for users. `UPDATE_PUBLIC_API=1 cargo test --test it public_api` writes it anew; the
//! changelog says why.

use crate::common::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FILE: &str = "tests/public_api.txt";
const KINDS: [&str; 8] = ["fn", "struct", "enum", "trait", "const", "static", "type", "macro"];

/// The public items of a file and of the public modules below it, each as `path kind name`. `dir` is where the files of
/// its modules lie.
fn items(file: &Path, dir: &Path, path: &str, all: &mut BTreeSet<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let text = text.find("\n#[cfg(test)]\nmod ").map_or(text.as_str(), |at| &text[..at]);
    // A type's methods and constants are public through the type, which may be named elsewhere: the file's own path does.
    let mut owner = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("impl") {
            owner = rest.trim_end_matches('{').trim().to_owned();
        } else if line.starts_with('}') {
            owner.clear();
        }
        let Some(rest) = line.trim_start().strip_prefix("pub ") else { continue };
        if let Some(name) = rest.strip_prefix("mod ") {
            let name = name.trim_end_matches([';', ' ', '{']);
            let (flat, deep) = (dir.join(format!("{name}.rs")), dir.join(name).join("mod.rs"));
            let below = dir.join(name);
            items(if flat.exists() { &flat } else { &deep }, &below, &format!("{path}::{name}"), all);
        } else if let Some(used) = rest.strip_prefix("use ") {
            all.insert(format!("{path} use {}", used.trim_end_matches(';')));
        } else {
            let words: Vec<&str> = rest.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let plain = words.iter().skip_while(|word| **word == "const" && words.get(1) == Some(&"fn"));
            let mut plain = plain.filter(|word| !word.is_empty());
            if let (Some(kind), Some(name)) = (plain.next(), plain.next())
                && KINDS.contains(kind)
            {
                let of = if owner.is_empty() { String::new() } else { format!("{owner}: ") };
                all.insert(format!("{path} {of}{kind} {name}"));
            }
        }
    }
}

#[test]
fn the_public_surface_is_the_listed_one() {
    let mut all = BTreeSet::new();
    items(&root().join("src/lib.rs"), &root().join("src"), "authstorm", &mut all);
    let text: String = all.iter().map(|item| format!("{item}\n")).collect();
    if std::env::var_os("UPDATE_PUBLIC_API").is_some() {
        fs::write(root().join(FILE), &text).expect("writable");
    }
    let listed = fs::read_to_string(root().join(FILE)).unwrap_or_default();
    let (listed, found): (BTreeSet<&str>, BTreeSet<&str>) =
        (listed.lines().collect(), text.lines().collect());
    let gone: Vec<_> = listed.difference(&found).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public surface changed; UPDATE_PUBLIC_API=1 writes {FILE} anew\nno longer there: {gone:#?}\nnew: {new:#?}"
    );
    assert!(found.contains("authstorm use experiment::{Error, Study}"), "the list finds what it looks for");
}
