//! README: every command in it runs, every number in it is generated.
//!
//! `UPDATE_README=1 cargo test --test readme` writes the generated parts anew.

use authstorm::Study;
use authstorm::conform::{Outcome, Recording, compare};
use authstorm::experiment::results::MetricValues;
use authstorm::metrics::METRICS;
use authstorm::report::measured::with_interval;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

#[test]
fn generated_parts_are_up_to_date() {
    let mut text = readme();
    for (name, part) in [
        ("incident", incident()),
        ("example", example()),
        ("scenarios", scenarios()),
        ("conformance", conformance()),
    ] {
        let begin = format!("<!-- generated: {name} -->\n");
        let from = text.find(&begin).unwrap_or_else(|| panic!("README has no part {name}")) + begin.len();
        let to = from + text[from..].find("<!-- end -->").expect("a part ends");
        text.replace_range(from..to, &part);
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(root().join("README.md"), &text).expect("writable");
    }
    assert!(text == readme(), "run UPDATE_README=1 cargo test --test readme");
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
    let mut text = String::from("| metric |");
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

fn example() -> String {
    let text = fs::read_to_string(root().join("scenarios/revoked-sessions.toml")).expect("a scenario");
    // The line for editors names a file beside the scenario, which README's readers need not have.
    let text = text.strip_prefix("#:schema ./schema.json\n\n").expect("a line for editors");
    format!("```toml\n{text}```\n")
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
    format!("| scenario | client | what it shows |\n| --- | --- | --- |\n{}\n", rows.join("\n"))
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
        "| release | recordings that match | of our own further ones | requests compared |\n| --- | ---: | ---: | ---: |\n",
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

/// Every line of a console block is run, in a copy of the working directory's view: results go to a temporary place.
#[test]
fn every_command_runs() {
    let text = readme();
    let mut commands = Vec::new();
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("a block ends");
        commands.extend(block.lines().filter_map(|line| line.strip_prefix("$ ")));
    }
    assert!(commands.len() >= 6, "{commands:?}");
    let folder = tempfile::tempdir().expect("a folder");
    for command in commands {
        // The tests themselves are running; that command needs no second run.
        if command == "cargo test" {
            continue;
        }
        let args = command.strip_prefix("cargo run --release -- ").unwrap_or_else(|| panic!("{command:?}"));
        let mut process = assert_cmd::Command::new(env!("CARGO_BIN_EXE_authstorm"));
        let (args, out) = args.split_once(" --out ").map_or((args, None), |(args, out)| (args, Some(out)));
        process.current_dir(root()).args(args.split_whitespace());
        if let Some(out) = out {
            process.arg("--out").arg(folder.path().join(out));
        }
        if args.starts_with("run ") {
            process.arg("--out").arg(folder.path().join("out"));
        }
        if let Some(results) = args.strip_prefix("report ") {
            // Written over: a copy, as other tests read the committed results.
            let copy = folder.path().join("copy");
            fs::create_dir(&copy).expect("a folder");
            for entry in fs::read_dir(root().join(results)).expect("results") {
                let entry = entry.expect("an entry");
                fs::copy(entry.path(), copy.join(entry.file_name())).expect("a copy");
            }
            process = assert_cmd::Command::new(env!("CARGO_BIN_EXE_authstorm"));
            process.arg("report").arg(copy);
        }
        let output = process.output().expect("the command runs");
        // A difference that is found is an answer too.
        let answered =
            output.status.success() || args.starts_with("diff ") && output.status.code() == Some(1);
        assert!(answered, "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_file_it_names_exists() {
    for link in readme().split("](").skip(1) {
        let target = link.split(')').next().expect("a link ends");
        assert!(Path::new(&root()).join(target).exists(), "{target}");
    }
}
