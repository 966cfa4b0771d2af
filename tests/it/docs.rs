//! The documents: every command in them runs, every number in them is generated, every file they name exists.
//!
//! `UPDATE_DOCS=1 cargo test --test it docs::` writes the generated parts anew.

use crate::common::{binary, root};
use authstorm::Study;
use authstorm::conform::{Outcome, Recording, compare};
use authstorm::experiment::results::MetricValues;
use authstorm::metrics::METRICS;
use authstorm::report::measured::with_interval;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

const DOCUMENTS: [&str; 4] =
    ["README.md", "results/README.md", "results/CHANGELOG.md", "results/verification.md"];

/// Held while a document is read and written anew: tests run at the same time.
static PEN: Mutex<()> = Mutex::new(());

fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Holds a document against what it must say now, or writes it so.
fn hold(path: &str, change: impl FnOnce(&mut String)) {
    let _pen = PEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = document(path);
    change(&mut text);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(path), &text).expect("the document can be written");
    }
    assert!(document(path) == text, "{path} is out of date: UPDATE_DOCS=1 cargo test --test it docs::");
}

/// Holds the named generated parts of a document.
fn hold_parts(path: &str, parts: &[(&str, String)]) {
    hold(path, |text| {
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
    let (given, own) = (compared("tests/recordings"), compared("tests/recordings/more"));
    let matches = |all: &BTreeMap<String, [usize; 3]>| all.values().map(|[m, ..]| m).sum::<usize>();
    let total = |all: &BTreeMap<String, [usize; 3]>| all.values().map(|[_, n, _]| n).sum::<usize>();
    let conformed = format!(
        "{} of {} recordings of\n  four published releases match to the millisecond, and {} of {} further ones.",
        matches(&given),
        total(&given),
        matches(&own),
        total(&own),
    );
    hold_parts("README.md", &[("incident", incident()), ("conformed", conformed)]);
}

#[test]
fn generated_parts_of_the_description_of_results() {
    hold_parts("results/README.md", &[("scenarios", scenarios()), ("metrics", metrics())]);
}

#[test]
fn generated_parts_of_the_verification() {
    hold_parts("results/verification.md", &[("conformance", conformance())]);
}

/// Readers of a first page do not read a second one.
#[test]
fn readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 250, "README.md has {lines} lines; at most 250 are allowed");
}

/// Every column of every file of results is described.
#[test]
fn every_column_is_described() {
    let text = document("results/README.md");
    for file in ["summary.csv", "timeline.csv", "flow.csv", "sessions.csv"] {
        let path = root().join("results/touch-429-cascade").join(file);
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
            let client = authstorm::experiment::model_name(scenario.client.model);
            let row = format!("| `{}` | {} | {} |", scenario.name, client, scenario.about.trim());
            rows.insert(scenario.name.clone(), row);
        }
    }
    let rows: Vec<String> = rows.into_values().collect();
    format!("\n| scenario | client | what it shows |\n| --- | --- | --- |\n{}\n", rows.join("\n"))
}

/// Scenarios that a document prints are well-formed.
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
    let mut all: Vec<_> = METRICS.iter().collect();
    all.sort_by_key(|def| def.harm);
    for def in all {
        let _ = writeln!(text, "| `{}` | {} | {} |", def.name, def.unit, def.definition);
    }
    text
}

/// The committed results of a shipped scenario.
fn results(scenario: &str) -> serde_json::Value {
    let path = root().join("results").join(scenario).join("summary.json");
    serde_json::from_str(&fs::read_to_string(path).expect("results")).expect("JSON")
}

/// The counts of the telemetry lie within the intervals of the week that is said to be calibrated to them.
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

/// The committed results of the shipped incident.
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
        let def = *METRICS.iter().find(|def| def.name == metric).expect("a metric");
        for policy in policies.values() {
            let m = &policy["metrics"][metric];
            let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::INFINITY);
            let [mean, ci_low, ci_high] = ["mean", "ci_low", "ci_high"].map(|key| number(&m[key]));
            let values = m["values"].as_array().expect("values").iter().map(number).collect();
            let values = MetricValues { def, values, mean, ci_low, ci_high };
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

/// `[matches, all, requests]` per release, of the recordings of a folder.
fn compared(folder: &str) -> BTreeMap<String, [usize; 3]> {
    let mut releases = BTreeMap::<String, [usize; 3]>::new();
    for entry in fs::read_dir(root().join(folder)).expect("recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "json") {
            let recording =
                Recording::parse(&fs::read_to_string(&path).expect("readable")).expect("a recording");
            let comparison = compare(&recording);
            let [matches, all, requests] = releases.entry(recording.client.clone()).or_default();
            if let Outcome::Match { requests: n, .. } = comparison.outcome {
                *matches += 1;
                *requests += n;
            }
            *all += 1;
        }
    }
    releases
}

fn conformance() -> String {
    let (given, own) = (compared("tests/recordings"), compared("tests/recordings/more"));
    let mut text = String::from(
        "\n| release | recordings that match | of our own further ones | requests compared |\n| --- | ---: | ---: | ---: |\n",
    );
    let (mut matches, mut all) = (0, 0);
    for (release, [m, n, requests]) in &given {
        let [own_m, own_n, own_requests] = own.get(release).copied().unwrap_or_default();
        let requests = authstorm::report::number::whole((requests + own_requests) as u64);
        let _ = writeln!(text, "| {release} | {m} of {n} | {own_m} of {own_n} | {requests} |");
        matches += m;
        all += n;
    }
    let _ = writeln!(text, "\n{matches} of {all} recordings match.");
    text
}

/// One console block of a document: its commands, and what the document says they print.
struct Block {
    commands: Vec<String>,
    /// Where the printed lines stand in the document.
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

/// Runs a command of a document in a folder that has the scenarios and results, as links; what it prints.
fn run(command: &str, folder: &Path) -> String {
    let args = command.strip_prefix("cargo run --release -- ").or_else(|| command.strip_prefix("authstorm "));
    let args = args.unwrap_or_else(|| panic!("{command:?} is no command of authstorm"));
    let output = Command::new(binary())
        .current_dir(folder)
        .env("COLUMNS", "100")
        .args(args.split_whitespace())
        .output()
        .expect("the command runs");
    // A difference that is found is an answer too.
    let answered = output.status.success() || args.starts_with("diff ") && output.status.code() == Some(1);
    assert!(answered, "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The commands of a document, in its order, in one folder. What a generated block says is what its command prints.
#[test]
fn every_command_runs_and_prints_what_is_said() {
    for path in DOCUMENTS {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["scenarios", "tests"] {
            std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).expect("a link");
        }
        let mut printed = Vec::new();
        for block in blocks(&document(path)) {
            // The tests themselves are running; that command needs no second run.
            let commands = block.commands.iter().filter(|command| *command != "cargo test");
            let outputs: Vec<String> = commands.map(|command| run(command, folder.path())).collect();
            printed.push(outputs.into_iter().next_back().unwrap_or_default());
        }
        hold(path, |text| {
            // From the last block to the first: the places of those before stay.
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
