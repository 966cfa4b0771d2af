//! Structure of the source: imports between modules, length of files, unused public items, and duplicate word lists.
//!
//! `tests/tidy.toml` contains the order of the modules and the current exceptions. An exception that is no longer
//! needed fails the test, so the list can only shrink.

use crate::common::root;
use crate::common::sources::{files, sources};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Order {
    /// Modules of the crate. A module may import from earlier ones only.
    rooms: Vec<String>,
    /// Number of files by import of a later module, as `"from -> to"`.
    arrows: BTreeMap<String, usize>,
    /// Greatest number of lines of a file.
    most_lines: usize,
    /// Greatest number of lines of longer files.
    long: BTreeMap<String, usize>,
    /// Files and folders that name the Clerk family besides its own folder, each with the reason.
    clerk: BTreeMap<String, String>,
    /// Number of files by word list. The words of a list are in alphabetical order.
    twins: BTreeMap<String, usize>,
}

fn order() -> Order {
    let text = fs::read_to_string(root().join("tests/tidy.toml")).expect("tests/tidy.toml");
    toml::from_str(&text).unwrap_or_else(|e| panic!("tests/tidy.toml: {e}"))
}

/// The code of a file without its unit tests, which may import from any module. `mod tests;` names another file and ends
/// nothing.
fn code(text: &str) -> &str {
    const BEGIN: &str = "\n#[cfg(test)]\nmod ";
    let within = |at: &usize| text[at + BEGIN.len()..].lines().next().is_some_and(|line| line.ends_with('{'));
    text.match_indices(BEGIN).map(|(at, _)| at).find(within).map_or(text, |at| &text[..at])
}

/// Whether a file contains tests only.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.ends_with("testing.rs")
}

/// The top-level module of a file: `src/kernel/time.rs` and `src/kernel.rs` belong to `kernel`.
fn room(path: &str) -> &str {
    let within = path.strip_prefix("src/").expect("a source");
    within.split('/').next().expect("a name").trim_end_matches(".rs")
}

/// Modules that a text names as `crate::module` or `authstorm::module`. Ignores comments.
fn named(text: &str) -> BTreeSet<&str> {
    let mut all = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for prefix in ["crate::", "authstorm::"] {
            for (at, _) in line.match_indices(prefix) {
                let rest = &line[at + prefix.len()..];
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                all.insert(&rest[..end]);
            }
        }
    }
    all
}

#[test]
fn rooms_import_from_rooms_before_them() {
    let order = order();
    let place = |room: &str| order.rooms.iter().position(|r| r == room);
    let mut against: BTreeMap<String, usize> = BTreeMap::new();
    for (path, text) in sources("src") {
        let from = room(&path);
        if matches!(from, "lib" | "main") || is_test(&path) {
            continue;
        }
        let own = place(from).unwrap_or_else(|| panic!("tests/tidy.toml lists no room {from}"));
        for to in named(code(&text)) {
            if place(to).is_some_and(|to| to > own) {
                *against.entry(format!("{from} -> {to}")).or_default() += 1;
            }
        }
    }
    assert_eq!(
        against, order.arrows,
        "left: files that import from a later room; right: the exceptions of tests/tidy.toml"
    );
}

#[test]
fn files_are_short() {
    let order = order();
    let mut long = BTreeMap::new();
    for folder in ["src", "src/python/src", "tests/it", "benches", "examples"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            if lines > order.most_lines {
                long.insert(path, lines);
            }
        }
    }
    for (path, lines) in &long {
        let most = order.long.get(path).copied().unwrap_or(order.most_lines);
        assert!(*lines <= most, "{path} has {lines} lines; at most {most} are allowed");
    }
    for path in order.long.keys() {
        assert!(long.contains_key(path), "{path} is short by now: take it out of tests/tidy.toml");
    }
}

/// Only a family's folder and its registration know the family.
#[test]
fn no_other_module_names_a_client_family() {
    let order = order();
    let mut unused: BTreeSet<&str> = order.clerk.keys().map(String::as_str).collect();
    for (path, text) in files("src") {
        if path.starts_with("src/client/clerk/") || !text.to_lowercase().contains("clerk") {
            continue;
        }
        let known = order
            .clerk
            .keys()
            .find(|known| **known == path || known.ends_with('/') && path.starts_with(*known));
        let known = known.unwrap_or_else(|| panic!("{path} names a client family"));
        unused.remove(known.as_str());
    }
    assert_eq!(unused, BTreeSet::new(), "these no longer name it: take them out of tests/tidy.toml");
}

/// Words of a text: names and numbers.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// A public item must be named somewhere besides its definition.
#[test]
fn no_public_item_is_unused() {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |text: &str| words(text).for_each(|word| *uses.entry(word.to_owned()).or_default() += 1);
    for folder in ["src", "src/python/src", "tests", "benches", "examples"] {
        for (_, text) in sources(folder) {
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            count(&code.join("\n"));
        }
    }
    // Examples in the documentation of the library and in README.
    for (_, text) in sources("src") {
        let docs: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("//")).collect();
        let docs = docs.join("\n");
        docs.split("```").skip(1).step_by(2).for_each(&mut count);
    }
    let mut dead = Vec::new();
    for (path, text) in sources("src") {
        for line in code(&text).lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub ") else { continue };
            let mut words = words(rest).skip_while(|w| matches!(*w, "const" | "unsafe" | "async"));
            let Some(kind) = words.next() else { continue };
            let name = match kind {
                "fn" | "struct" | "enum" | "trait" | "type" | "static" => words.next(),
                // `pub const NAME: ...`. The arm above handles `const fn`.
                _ if rest.starts_with("const ") => Some(kind),
                _ => None,
            };
            if let Some(name) = name
                && uses.get(name).copied().unwrap_or(0) < 2
            {
                dead.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(dead.is_empty(), "public and unused: {dead:#?}");
}

/// Lists of at least three word literals, such as `["a", "b", "c"]`.
fn lists(text: &str) -> Vec<BTreeSet<&str>> {
    let mut all = Vec::new();
    for (at, _) in text.match_indices('[') {
        let Some(end) = text[at..].find(']') else { continue };
        let inside = text[at + 1..at + end].trim();
        let entries: Vec<&str> = inside.trim_end_matches(',').split(',').map(str::trim).collect();
        let literal = |entry: &&str| {
            entry.len() > 2
                && entry.starts_with('"')
                && entry.ends_with('"')
                && !entry[1..entry.len() - 1].contains('"')
        };
        if entries.len() >= 3 && entries.iter().all(literal) {
            all.push(entries.into_iter().collect());
        }
    }
    all
}

/// A list of words in two files is a duplicate rule.
#[test]
fn no_list_of_words_is_duplicated() {
    let sources = sources("src");
    let mut places: BTreeMap<BTreeSet<&str>, BTreeSet<&str>> = BTreeMap::new();
    for (path, text) in &sources {
        if !is_test(path) {
            for list in lists(code(text)) {
                places.entry(list).or_default().insert(path);
            }
        }
    }
    let plain =
        |list: &BTreeSet<&str>| list.iter().map(|word| word.trim_matches('"')).collect::<Vec<_>>().join(" ");
    let twins: BTreeMap<String, usize> = places
        .iter()
        .filter(|(_, paths)| paths.len() > 1)
        .map(|(list, paths)| (plain(list), paths.len()))
        .collect();
    assert_eq!(
        twins,
        order().twins,
        "left: lists that stand in several files; right: the exceptions of tests/tidy.toml"
    );
}

#[test]
fn the_helpers_find_planted_examples() {
    assert_eq!(
        named("use crate::world::Plan;\n// crate::cli\nlet x = crate::kernel::Time(1);"),
        ["kernel", "world"].into()
    );
    assert_eq!(room("src/kernel/time.rs"), "kernel");
    assert_eq!(room("src/fleet.rs"), "fleet");
    assert_eq!(lists("a[\"x\", \"y\", \"z\"] b[1, 2, 3] c[\"x\", \"y\"]").len(), 1);
    assert_eq!(code("fn a() {}\n#[cfg(test)]\nmod tests {\n}"), "fn a() {}");
    let elsewhere = "mod a;\n#[cfg(test)]\nmod tests;\nfn b() {}";
    assert_eq!(code(elsewhere), elsewhere);
}
