//! The documents: their commands run, their numbers are generated, and the files that they name exist.
//!
//! `UPDATE_DOCS=1 cargo test --test it docs::` updates the generated parts.

use crate::common::{binary, root};
use authstorm::Study;
use authstorm::client::token::{SHIPPED, format as profile_format, named, shipped};
use authstorm::conform::{Outcome, Recording, compare, token};
use authstorm::metrics::all_metrics;
use authstorm::results::MetricValues;
use authstorm::results::measured::with_interval;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{fs, io::ErrorKind};

const DOCUMENTS: [&str; 5] = [
    "README.md",
    "results/README.md",
    "results/CHANGELOG.md",
    "results/verification.md",
    "results/assumptions.md",
];

/// Locked while a test reads and updates a document, because tests run at the same time.
static WRITE_LOCK: Mutex<()> = Mutex::new(());

/// The text of a document. A document that is about to be written for the first time may be absent.
fn document(path: &str) -> String {
    match fs::read_to_string(root().join(path)) {
        Err(e) if e.kind() != ErrorKind::NotFound || std::env::var_os("UPDATE_DOCS").is_none() => {
            panic!("{path}: {e}")
        }
        text => text.unwrap_or_default(),
    }
}

/// Asserts that a document is up to date after `change`, or updates it.
fn check(path: &str, change: impl FnOnce(&mut String)) {
    let _guard = WRITE_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = document(path);
    change(&mut text);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(path), &text).expect("the document can be written");
    }
    assert!(document(path) == text, "{path} is out of date: UPDATE_DOCS=1 cargo test --test it docs::");
}

/// Asserts that the named generated parts of a document are up to date, or updates them.
pub(crate) fn check_parts(path: &str, parts: &[(&str, String)]) {
    check(path, |text| {
        for (name, part) in parts {
            let begin = format!("<!-- generated: {name} -->");
            let from = text.find(&begin).unwrap_or_else(|| panic!("{path} has no part {name}")) + begin.len();
            let to = from + text[from..].find("<!-- end -->").expect("a part ends");
            text.replace_range(from..to, part);
        }
    });
}

#[test]
fn generated_parts_of_readme() {
    let (given, own) =
        (compared("tests/recordings", session_client), compared("tests/recordings/more", session_client));
    let matches = |all: &BTreeMap<String, [usize; 3]>| all.values().map(|[m, ..]| m).sum::<usize>();
    let total = |all: &BTreeMap<String, [usize; 3]>| all.values().map(|[_, n, _]| n).sum::<usize>();
    let conformed = format!(
        "{} of {} recordings of\n  four published releases match to the millisecond, and {} of {} further ones.",
        matches(&given),
        total(&given),
        matches(&own),
        total(&own),
    );
    check_parts("README.md", &[("incident", incident()), ("conformed", conformed)]);
}

#[test]
fn generated_parts_of_the_description_of_results() {
    check_parts("results/README.md", &[("scenarios", scenarios()), ("metrics", metrics())]);
}

#[test]
fn generated_parts_of_the_verification() {
    let parts = [("conformance", conformance()), ("token clients", token_conformance())];
    check_parts("results/verification.md", &parts);
}

#[test]
fn generated_parts_of_the_description_of_client_profiles() {
    let parts = [("keys", format!("\n{}", profile_format::markdown()))];
    check_parts("scenarios/clients/README.md", &parts);
}

/// `authstorm explain-client --all` prints the page.
#[test]
fn the_page_of_all_clients_is_that_of_the_command() {
    let page = run("authstorm explain-client --all", root());
    check("results/clients.md", |text| *text = page);
}

/// README is the first page and must stay short.
#[test]
fn readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 250, "README.md has {lines} lines; at most 250 are allowed");
}

/// The documentation of results describes every column of every CSV file.
#[test]
fn every_column_is_described() {
    let text = document("results/README.md");
    for (scenario, file) in [
        ("touch-429-cascade", "summary.csv"),
        ("touch-429-cascade", "timeline.csv"),
        ("touch-429-cascade", "flow.csv"),
        ("touch-429-cascade", "sessions.csv"),
        ("office-wakes-up", "groups.csv"),
        ("office-wakes-up", "limits.csv"),
        ("deploy-restart", "pools.csv"),
    ] {
        let path = root().join("results").join(scenario).join(file);
        let head = fs::read_to_string(path).expect("results");
        for column in head.lines().next().expect("a head").split(',') {
            assert!(
                text.contains(&format!("`{column}`")),
                "results/README.md does not describe {column} of {file}"
            );
        }
    }
}

fn scenarios() -> String {
    let mut rows = BTreeMap::new();
    for entry in fs::read_dir(root().join("scenarios")).expect("scenarios") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            let study = Study::load(&path).expect("valid");
            let scenario = &study.loaded().scenario;
            let client = scenario.client.model().name();
            let row = format!("| `{}` | {} | {} |", scenario.name, client, scenario.about.trim());
            rows.insert(scenario.name.clone(), row);
        }
    }
    let rows: Vec<String> = rows.into_values().collect();
    format!("\n| scenario | client | what it shows |\n| --- | --- | --- |\n{}\n", rows.join("\n"))
}

/// Scenarios printed in documents are valid.
#[test]
fn every_scenario_in_a_document_loads() {
    for path in DOCUMENTS {
        for block in document(path).split("```toml\n").skip(1) {
            let text = block.split("```").next().expect("a block ends");
            Study::parse(path, text).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

fn metrics() -> String {
    let mut text = String::from("\n| metric | unit | what it counts |\n| --- | --- | --- |\n");
    let mut all: Vec<_> = all_metrics().iter().collect();
    all.sort_by_key(|def| def.harm);
    for def in all {
        let _ = writeln!(text, "| `{}` | {} | {} |", def.name, def.unit, def.definition);
    }
    text
}

/// Committed results of a shipped scenario.
fn results(scenario: &str) -> serde_json::Value {
    let path = root().join("results").join(scenario).join("summary.json");
    serde_json::from_str(&fs::read_to_string(path).expect("results")).expect("JSON")
}

/// The telemetry's counts lie within the intervals of the scenario that is calibrated to them.
#[test]
fn the_calibrated_week_agrees_with_the_telemetry() {
    let summary = results("telemetry-7-days");
    let about = summary["about"].as_str().expect("what it shows");
    for (metric, count, said) in [
        ("unauthenticated_events", 650.0, "650 entries"),
        ("unauthenticated_sessions", 285.0, "by 285 sessions"),
        ("unauthenticated_events_worst_session", 59.0, "the worst 59 times"),
    ] {
        assert!(about.contains(said), "{about}");
        let metric = &summary["policies"]["old"]["metrics"][metric];
        let [low, high] = ["ci_low", "ci_high"].map(|end| metric[end].as_f64().expect("a number"));
        assert!(low <= count && count <= high, "{said} lies outside {low} to {high}");
    }
}

/// Table of the shipped incident from its committed results.
fn incident() -> String {
    let summary = results("touch-429-cascade");
    let policies = summary["policies"].as_object().expect("policies");
    let mut text = String::from("\n| metric |");
    policies.keys().for_each(|name| write!(text, " `{name}` |").expect("text"));
    text.push_str("\n| --- |");
    policies.keys().for_each(|_| text.push_str(" ---: |"));
    text.push('\n');
    for metric in [
        "false_sign_outs",
        "unauthenticated_events",
        "recursive_unauthenticated_events",
        "unauthenticated_events_worst_session",
        "requests_total",
        "responses_429",
        "amplification",
        "stale_token_session_s",
    ] {
        let _ = write!(text, "| {metric} |");
        for policy in policies.values() {
            let values = policy["metrics"][metric].clone();
            let values: MetricValues = serde_json::from_value(values).expect("a metric's values");
            let values = MetricValues { name: metric.to_owned(), ..values };
            let _ = write!(text, " {} |", with_interval(&values));
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\n{} users, {} replications, mean ± half of the 95% confidence interval; where that ends at 0, from where to where it goes.",
        Study::load(root().join("scenarios/touch-429-cascade.toml"))
            .expect("valid")
            .loaded()
            .scenario
            .fleet
            .users,
        summary["replications"]
    );
    text
}

/// Per release, `[matches, all, requests]` over a folder's recordings. `compare` gives the release, and the requests of a match.
fn compared(folder: &str, compare: impl Fn(&str) -> (String, Option<usize>)) -> BTreeMap<String, [usize; 3]> {
    let mut releases = BTreeMap::<String, [usize; 3]>::new();
    for entry in fs::read_dir(root().join(folder)).expect("recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "json") {
            let (release, requests) = compare(&fs::read_to_string(&path).expect("readable"));
            let [matches, all, compared] = releases.entry(release).or_default();
            *matches += usize::from(requests.is_some());
            *all += 1;
            *compared += requests.unwrap_or(0);
        }
    }
    releases
}

fn session_client(text: &str) -> (String, Option<usize>) {
    let recording = Recording::parse(text).expect("a recording");
    let requests = match compare(&recording).outcome {
        Outcome::Match { requests, .. } => Some(requests),
        _ => None,
    };
    (recording.client, requests)
}

fn token_client(text: &str) -> (String, Option<usize>) {
    let recording = token::Recording::parse(text).expect("a recording");
    let profile = shipped(&recording.package, &recording.version).expect("a shipped profile");
    let requests = match token::compare(&recording, &profile).outcome {
        token::Outcome::Match { requests, .. } => Some(requests),
        _ => None,
    };
    (format!("{} {}", recording.package, recording.version), requests)
}

fn conformance() -> String {
    let (given, own) =
        (compared("tests/recordings", session_client), compared("tests/recordings/more", session_client));
    let mut text = String::from(
        "\n| release | recordings that match | of our own further ones | requests compared |\n| --- | ---: | ---: | ---: |\n",
    );
    let (mut matches, mut all) = (0, 0);
    for (release, [m, n, requests]) in &given {
        let [own_m, own_n, own_requests] = own.get(release).copied().unwrap_or_default();
        let requests = authstorm::text::number::whole((requests + own_requests) as u64);
        let _ = writeln!(text, "| {release} | {m} of {n} | {own_m} of {own_n} | {requests} |");
        matches += m;
        all += n;
    }
    let _ = writeln!(text, "\n{matches} of {all} recordings match.");
    text
}

fn token_conformance() -> String {
    let mut text = String::from(
        "\n| package | recordings that match | of our own further ones | requests compared |\n| --- | ---: | ---: | ---: |\n",
    );
    for sdk in [
        "supabase",
        "firebase",
        "auth0-spa-js",
        "aws-amplify",
        "keycloak-js",
        "msal-browser",
        "oidc-client-ts",
    ] {
        let folder = format!("tests/recordings/sdks/{sdk}");
        let own = format!("{folder}/node");
        let own = if root().join(&own).exists() { compared(&own, token_client) } else { BTreeMap::new() };
        for (name, [m, n, requests]) in compared(&folder, token_client) {
            let [own_m, own_n, own_requests] = own.get(&name).copied().unwrap_or_default();
            let further = if own_n == 0 { "none".to_owned() } else { format!("{own_m} of {own_n}") };
            let requests = authstorm::text::number::whole((requests + own_requests) as u64);
            let _ = writeln!(text, "| {name} | {m} of {n} | {further} | {requests} |");
        }
    }
    for (name, profile) in SHIPPED.iter().filter_map(|(name, _)| Some((name, named(name)?))) {
        if profile.sdk.unrecorded {
            let _ = writeln!(text, "| {name}: no recordings, from its source alone | none | none | 0 |");
        }
    }
    text
}

/// A console block of a document: its commands and their documented output.
struct Block {
    commands: Vec<String>,
    /// Position of the output in the document.
    printed: std::ops::Range<usize>,
}

fn blocks(text: &str) -> Vec<Block> {
    const BEGIN: &str = "```console\n";
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(BEGIN) {
        let from = at + found + BEGIN.len();
        let to = from + text[from..].find("```").expect("a block ends");
        let commands: Vec<String> =
            text[from..to].lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect();
        let said: usize = commands.iter().map(|command| command.len() + 3).sum();
        all.push(Block { commands, printed: from + said..to });
        at = to + 3;
    }
    all
}

/// Runs a command of a document in a folder with links to scenarios and results. Returns its output.
fn run(command: &str, folder: &Path) -> String {
    let args = command.strip_prefix("cargo run --release -- ").or_else(|| command.strip_prefix("authstorm "));
    let args = args.unwrap_or_else(|| panic!("{command:?} is no command of authstorm"));
    let output = Command::new(binary())
        .current_dir(folder)
        .env("COLUMNS", "100")
        .args(args.split_whitespace())
        .output()
        .expect("the command runs");
    // `diff` exits with 1 if it finds a difference.
    let answered = output.status.success() || args.starts_with("diff ") && output.status.code() == Some(1);
    assert!(answered, "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs the commands of a document in order, in one folder. A generated block contains the output of its command.
#[test]
fn every_command_runs_and_prints_the_documented_output() {
    for path in DOCUMENTS {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["scenarios", "tests"] {
            std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).expect("a link");
        }
        let mut printed = Vec::new();
        for block in blocks(&document(path)) {
            // Skips `cargo test`, because the tests are already running.
            let commands = block.commands.iter().filter(|command| *command != "cargo test");
            let outputs: Vec<String> = commands.map(|command| run(command, folder.path())).collect();
            printed.push(outputs.into_iter().next_back().unwrap_or_default());
        }
        check(path, |text| {
            // Replaces blocks from last to first, so that earlier positions stay valid.
            for (block, printed) in blocks(text).iter().zip(&printed).rev() {
                let generated = text[..block.printed.start]
                    .rfind("<!-- ")
                    .is_some_and(|at| text[at..].starts_with("<!-- generated: output -->"));
                if generated {
                    text.replace_range(block.printed.clone(), printed);
                } else {
                    let commands = &block.commands;
                    assert!(block.printed.is_empty(), "{path}: what {commands:?} prints is not generated");
                }
            }
        });
    }
}

#[test]
fn every_file_they_name_exists() {
    for path in DOCUMENTS {
        let folder = root().join(path).parent().expect("a folder").to_owned();
        for link in document(path).split("](").skip(1) {
            let target = link.split(')').next().expect("a link ends");
            assert!(folder.join(target).exists(), "{path} names {target}");
        }
    }
}
