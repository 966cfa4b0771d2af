//! The description of the file format: its reference and its schema are generated, and say what is true.
//!
//! `UPDATE_DOCS=1 cargo test --test it keys::` writes `scenarios/README.md`, `scenarios/schema.json` and
//! `scenarios/clients/schema.json` anew.

use crate::common::root;
use authstorm::client::token::{SHIPPED, format as profile_format};
use authstorm::scenario::{format, load_text};
use authstorm::spec::check::check_value;
use authstorm::spec::{Key, Table, Ty};
use authstorm::toml_text::{Doc, Errors, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first line of a scenario that comes with the program.
const SCHEMA_LINE: &str = "#:schema ./schema.json\n\n";

fn shipped() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("scenarios")).expect("scenarios");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    paths.sort();
    paths
}

#[test]
fn the_reference_and_the_schema_are_up_to_date() {
    for (name, text) in [
        ("README.md", format::markdown()),
        ("schema.json", format::json_schema()),
        ("clients/schema.json", profile_format::json_schema()),
    ] {
        let path = root().join("scenarios").join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &text).expect("writable");
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "scenarios/{name}: run UPDATE_DOCS=1 cargo test --test it keys::");
    }
}

/// Visits every key once, with its path.
fn each(table: &'static Table, path: &str, visit: &mut impl FnMut(&str, &'static Table, &'static Key)) {
    for key in &table.keys {
        let path = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
        visit(&path, table, key);
        if let Some(inner) = key.ty.table() {
            each(inner, &path, visit);
        }
    }
}

/// What a text of one key says is wrong with its value.
fn wrong(top: &'static Table, key: &Key, value: &str) -> Option<String> {
    let source = Source::new("example", &format!("{} = {value}\n", key.name));
    let (doc, mut errors) = Doc::parse(&source).unwrap_or_else(|e| panic!("{}", e.finish()));
    let node = doc.node(&key.name).expect("it is there");
    check_value(&source, node, &key.ty, top, &mut errors);
    (!errors.is_empty()).then(|| errors.finish().to_string())
}

#[test]
fn every_key_says_what_it_means_and_its_example_and_its_default_are_right() {
    let scenario = count_described(format::scenario());
    assert!(scenario > 200, "{scenario} keys, those of parts at several places counted at each");
    let profile = count_described(profile_format::profile());
    assert!(profile > 60, "{profile} keys of a client profile");
}

/// Number of keys at and below a table, each of which is described and has an example and a default that are right.
fn count_described(top: &'static Table) -> usize {
    let mut count = 0;
    each(top, "", &mut |path, table, key| {
        count += 1;
        assert!(!table.title.is_empty() && !table.about.is_empty(), "{path}: its table is not described");
        assert!(key.about.ends_with('.') && !key.about.contains("[`"), "{path}: {}", key.about);
        let example = match &key.ty {
            // All forms are shown; the first is a value.
            Ty::Choice { written, .. } if *written == key.example => {
                written.split(", ").next().unwrap_or(written)
            }
            _ => &key.example,
        };
        assert_eq!(wrong(top, key, example), None, "{path}: its example");
        if let Some(default) = &key.default {
            let value: toml::Value = serde_json::from_value(default.clone()).expect("no null");
            assert_eq!(wrong(top, key, &value.to_string()), None, "{path}: its default");
        }
    });
    count
}

/// A default in the reference is what a scenario without the key means: writing it out changes nothing.
#[test]
fn writing_a_default_out_changes_nothing() {
    let text = include_str!("../fixtures/defaults.toml");
    let plain = load_text("defaults.toml", text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let mut written = 0;
    each(format::scenario(), "", &mut |path, _, key| {
        let Some(default) = &key.default else { return };
        let place = path.replace("backend.limit.", "backend.limit[0].");
        let place = ["workload", "fault", "action", "expect", "policy"].iter().fold(place, |place, list| {
            place.strip_prefix(&format!("{list}.")).map_or(place.clone(), |rest| format!("{list}[0].{rest}"))
        });
        let value: toml::Value = serde_json::from_value(default.clone()).expect("no null");
        let Ok(loaded) = load_text("defaults.toml", text, &[format!("{place}={value}")]) else { return };
        assert_eq!(loaded.hash(), plain.hash(), "{place}={value}");
        written += 1;
    });
    assert!(written >= 35, "{written} defaults were written out");
}

#[test]
fn shipped_scenarios_name_the_schema_and_copies_do_not() {
    assert!(shipped().len() >= 10);
    for path in shipped() {
        let text = fs::read_to_string(&path).expect("a scenario");
        assert!(text.starts_with(SCHEMA_LINE), "{} begins with {SCHEMA_LINE:?}", path.display());
        let loaded = authstorm::Study::load(&path).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(
            loaded.loaded().text,
            text[SCHEMA_LINE.len()..],
            "the line for editors stays with its file"
        );
    }
}

/// What `taplo check` says of these texts, in the directory of the schema: whether it accepts all, and on standard error;
/// none where taplo cannot be had.
fn taplo(dir: &Path, texts: &[String]) -> Option<(bool, String)> {
    let names: Vec<String> = (0..texts.len()).map(|n| format!("{n}.toml")).collect();
    for (name, text) in names.iter().zip(texts) {
        fs::write(dir.join(name), text).expect("writable");
    }
    let output = Command::new("taplo").arg("check").args(&names).current_dir(dir).output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// A TOML language server accepts every shipped scenario, and the fixture that has every key, and refuses slips.
#[test]
fn taplo_accepts_what_is_right_and_refuses_slips() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("schema.json"), format::json_schema()).expect("writable");
    let everything = format!("{SCHEMA_LINE}{}", include_str!("../fixtures/everything.toml"));
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a scenario");
    let right: Vec<String> = shipped().iter().map(read).chain([everything.clone()]).collect();
    let Some((accepted, said)) = taplo(dir.path(), &right) else {
        eprintln!("skipped: taplo cannot be had here");
        return;
    };
    assert!(accepted, "{said}");
    let profiles = tempfile::tempdir().expect("a temporary directory");
    fs::write(profiles.path().join("schema.json"), profile_format::json_schema()).expect("writable");
    let shipped: Vec<String> = SHIPPED.iter().map(|(_, text)| (*text).to_owned()).collect();
    let (accepted, said) = taplo(profiles.path(), &shipped).expect("it ran before");
    assert!(accepted, "{said}");
    let slips = [
        ("users = 1_000", "usres = 1_000"),
        ("jitter = \"decorrelated\"", "jitter = \"decorelated\""),
        ("horizon = \"10m\"", "horizon = \"10 minutes\""),
        ("probability = 0.95", "probability = 95"),
        ("status = 429\n", ""),
        ("kind = \"outage\"\n", "kind = \"outage\"\nadd = \"1s\"\n"),
        ("share = 0.1\n", "share = 0.1\nto = \"8m\"\n"),
    ];
    let wrong = slips.map(|(from, to)| {
        assert_eq!(everything.matches(from).count(), 1, "{from}");
        everything.replace(from, to)
    });
    let (_, said) = taplo(dir.path(), &wrong).expect("it ran before");
    for (n, (from, to)) in slips.iter().enumerate() {
        assert!(said.contains(&format!("/{n}.toml\"")), "{from} -> {to} is accepted: {said}");
    }
}

#[test]
fn shipped_client_profiles_name_their_schema() {
    for (name, text) in SHIPPED {
        assert!(text.starts_with(SCHEMA_LINE), "{name}.toml begins with {SCHEMA_LINE:?}");
    }
}

#[test]
fn a_path_narrows_the_reference() {
    let wait = profile_format::reference("request.retry.factor").expect("a key of a client profile");
    assert!(wait.contains("number, 1 to 1000000") && wait.contains("default 2"), "{wait}");
    let limit = format::reference("backend.limit").expect("a table");
    assert!(limit.contains("backend.limit.rate\n") && limit.contains("[[backend.limit]]"), "{limit}");
    assert!(!limit.contains("fleet.users"), "{limit}");
    let rate = format::reference("backend.limit[0].rate").expect("a key");
    assert!(rate.contains("requests per duration") && rate.contains("example: rate = \"100/10s\""), "{rate}");
    let median = format::reference("fleet.opens.log-normal.median").expect("a key of a distribution");
    assert!(median.contains("duration, 0s to 36500d"), "{median}");
    let none = format::reference("backend.limt").expect_err("a slip").to_string();
    assert!(none.contains("did you mean `limit`?"), "{none}");
    assert!(format::reference("seed.x").expect_err("no table").to_string().contains("it has no keys"));
}

#[test]
fn the_parser_of_errors_and_the_schema_know_the_same_words() {
    let schema: serde_json::Value = serde_json::from_str(&format::json_schema()).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(!format::json_schema().contains("\"x-"), "our extensions are ours");
    let mut errors = Errors::default();
    let source = Source::new("s", "kind = \"no-such\"\n");
    let (doc, _) = Doc::parse(&source).unwrap_or_else(|e| panic!("{}", e.finish()));
    let kind = format::scenario().at("backend.limit.kind").expect("a key");
    check_value(&source, doc.node("kind").expect("there"), &kind.ty, format::scenario(), &mut errors);
    let said = errors.finish().to_string();
    for one in schema["$defs"]["LimitSpec"]["properties"]["kind"]["oneOf"].as_array().expect("kinds") {
        assert!(said.contains(one["const"].as_str().expect("a word")), "{one}: {said}");
    }
}
