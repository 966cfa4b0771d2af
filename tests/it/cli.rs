//! The command line, end to end.

use crate::common::{authstorm, files, root};
use std::fs;
use std::path::{Path, PathBuf};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the command writes UTF-8")
}

/// Arguments for a small storm: the documented incident with few users.
const SMALL: [&str; 6] = ["--set", "fleet.users=60", "--set", "horizon=4m", "--replications", "2"];

fn run_into(dir: &Path, more: &[&str]) -> std::process::Output {
    let mut command = authstorm();
    command.args(["run", "scenarios/touch-429-cascade.toml", "--out"]).arg(dir).args(SMALL).args(more);
    command.output().expect("the command runs")
}

#[test]
fn a_run_writes_every_file_and_prints_its_findings() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = run_into(&out, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for policy in ["old", "not-429", "narrowed-retry-all", "new"] {
        let names = |line: &str| {
            let names = line.strip_prefix("Under ").and_then(|rest| rest.split(" (mean of ").next());
            names.is_some_and(|names| names.split([',', ' ']).any(|name| name == policy))
        };
        assert!(said.lines().any(names), "a sentence on {policy}: {said}");
    }
    assert!(said.lines().all(|l| l.chars().count() <= 100 || !l.starts_with(' ')), "the table fits: {said}");
    let names: Vec<String> = files(&out).into_keys().collect();
    for name in [
        "manifest.json",
        "summary.json",
        "summary.csv",
        "timeline.csv",
        "sessions.csv",
        "requests.svg",
        "requests.png",
        "sign-outs.svg",
        "sign-outs.png",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is missing from {names:?}");
    }
    assert_eq!(
        fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "nothing is left beside the results"
    );
}

#[test]
fn results_do_not_depend_on_threads_or_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let dirs: Vec<PathBuf> = (0..4).map(|n| folder.path().join(n.to_string())).collect();
    for (dir, threads) in dirs.iter().zip(["1", "2", "7", "1"]) {
        let output = run_into(dir, &["--threads", threads]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    for other in &dirs[1..] {
        assert!(files(&dirs[0]) == files(other), "{} differs", other.display());
    }
}

#[test]
fn results_of_another_run_are_replaced_with_force_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    assert!(run_into(&out, &[]).status.success());
    let before = files(&out);
    let again = run_into(&out, &[]);
    assert!(again.status.success());
    let said = text(&again.stdout);
    assert!(said.contains("unchanged since the last run"), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("open the page in a browser: ") && last.ends_with("report.html"), "{said}");
    let other = run_into(&out, &["--seed", "7"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("seed is 8004 there and 7 here"), "{}", text(&other.stderr));
    // The same horizon in other words: the hash is equal, but the stored text differs.
    let reworded = run_into(&out, &["--set", "horizon=240s"]);
    assert_eq!(reworded.status.code(), Some(2));
    assert!(text(&reworded.stderr).contains("scenario_text is of SHA-256 "), "{}", text(&reworded.stderr));
    assert!(files(&out) == before, "a refused run changes nothing");
    assert!(run_into(&out, &["--seed", "7", "--force"]).status.success());
    assert!(files(&out) != before);
    // A changed byte is reported and not overwritten.
    let summary = out.join("summary.csv");
    let mut bytes = fs::read(&summary).expect("a file");
    bytes[0] ^= 1;
    fs::write(&summary, bytes).expect("writable");
    assert_eq!(run_into(&out, &["--seed", "7"]).status.code(), Some(1));
}

#[test]
fn a_foreign_directory_or_file_is_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).expect("a folder");
    fs::write(foreign.join("diary.txt"), "mine").expect("writable");
    assert_eq!(run_into(&foreign, &[]).status.code(), Some(2));
    assert_eq!(files(&foreign), [("diary.txt".to_owned(), b"mine".to_vec())].into());
    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("writable");
    assert_eq!(run_into(&file, &[]).status.code(), Some(2));
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
}

#[test]
fn expectations_decide_the_exit_code_and_report_the_observed_value() {
    let check = |condition: &str| {
        let mut command = authstorm();
        let set = format!("expect[0].that={condition}");
        command.args(["check", "scenarios/touch-429-cascade.toml", "--json", "--set", &set]).args(SMALL);
        let output = command.output().expect("the command runs");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), json["expectations"][0].clone())
    };
    let (code, verdict) = check("new.recursive_unauthenticated_events == 0");
    assert_eq!((code, &verdict["passed"]), (Some(0), &true.into()));
    let (code, verdict) = check("old.recursive_unauthenticated_events == 0");
    assert_eq!((code, &verdict["passed"]), (Some(1), &false.into()));
    assert!(verdict["observed"].as_f64().expect("a number") > 0.0, "{verdict}");
    assert_eq!(verdict["bound"], 0.0);
    assert_eq!(verdict["that"], "old.recursive_unauthenticated_events == 0");
}

#[test]
fn a_loop_without_latency_is_stopped_with_its_event_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut command = authstorm();
    command.args(["run", "scenarios/zero-latency-loop.toml", "--out"]).arg(&out);
    let output = command.output().expect("the command runs");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    for part in ["livelock", "session 0", "t = 43s", "chain: #", "handleUnauthenticated answered 401 <-"] {
        assert!(said.contains(part), "{part:?} is missing: {said}");
    }
    assert!(!out.exists(), "a stopped run writes no results");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left behind");
}

#[test]
fn a_livelock_of_one_session_and_the_event_budget_are_reported() {
    let stopped = |set: &str, scenario: &str| {
        let output = authstorm().args(["check", scenario, "--set", set]).output().expect("the command runs");
        (output.status.code(), text(&output.stderr))
    };
    let condition = "expect=[{ that = \"old.sign_outs == 0\" }]";
    let output = authstorm()
        .args(["check", "scenarios/zero-latency-loop.toml", "--set", "fleet.users=1", "--set", condition])
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("session 0 made more than 1000 events"),
        "{}",
        text(&output.stderr)
    );
    let (code, said) = stopped("guard.max-events=1000", "scenarios/healthy.toml");
    assert_eq!(code, Some(3));
    assert!(said.contains("event budget: more than 1000 events"), "{said}");
}

#[test]
fn many_simultaneous_starts_are_no_livelock() {
    let set = ["--set", "fleet.users=5000", "--set", "fleet.opens=0s", "--set", "horizon=10s"];
    let output = authstorm()
        .args(["check", "scenarios/healthy.toml", "--replications", "1"])
        .args(set)
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn usage_errors_exit_with_2_and_help_with_0() {
    for (args, code) in [
        (&["run"][..], 2),
        (&["run", "no-such-file.toml"], 2),
        (&["run", "scenarios/healthy.toml", "--policy", "nwe"], 2),
        (&["run", "scenarios/healthy.toml", "--threads", "0"], 2),
        (&["run", "scenarios/healthy.toml", "--seed", "-1"], 2),
        (&["nonsense"], 2),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["metrics"], 0),
        (&["validate", "scenarios/healthy.toml", "scenarios/office-nat.toml"], 0),
        (&["validate", "Cargo.toml"], 2),
    ] {
        let output = authstorm().args(args).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        assert_eq!(code == 2, !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn every_shipped_scenario_is_valid() {
    for entry in fs::read_dir(root().join("scenarios")).expect("scenarios") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            let output = authstorm().arg("validate").arg(&path).output().expect("the command runs");
            assert!(output.status.success(), "{}: {}", path.display(), text(&output.stderr));
            assert!(output.stderr.is_empty(), "{}: {}", path.display(), text(&output.stderr));
        }
    }
}

#[test]
fn conform_reports_a_match_or_the_first_divergence() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = Path::new("tests/recordings/6.0.0-S3-seed-cascade.json");
    let output = authstorm().arg("conform").arg(good).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("6.0.0: 1 of 1 recordings match"));
    // The same recording with one request moved by a millisecond.
    let recording = fs::read_to_string(root().join(good)).expect("a file");
    let bad = folder.path().join("bad.json");
    fs::write(&bad, recording.replace("[86300, 0, \"client\"", "[86301, 0, \"client\"")).expect("writable");
    let output = authstorm().arg("conform").arg(&bad).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    for part in [
        "DIVERGES at 86300 ms",
        "recorded next: 86301 ms",
        "simulated next: 86300 ms tab 0 /client 200",
        "0 of 1",
    ] {
        assert!(said.contains(part), "{part:?} is missing: {said}");
    }
    let output = authstorm().args(["conform", "--json"]).arg(&bad).output().expect("the command runs");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["recordings"][0]["outcome"]["diverged"]["at_ms"], 86300);
    let output = authstorm().args(["conform", "Cargo.toml"]).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_full_device_is_an_io_error_and_a_closed_pipe_is_none() {
    if Path::new("/dev/full").exists() {
        let full = fs::File::options().write(true).open("/dev/full").expect("a device");
        let status = authstorm()
            .arg("metrics")
            .stdout(full)
            .stderr(std::process::Stdio::null())
            .status()
            .expect("the command runs");
        assert_eq!(status.code(), Some(4));
    }
    let mut child = authstorm()
        .arg("metrics")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn every_call_has_exactly_one_outcome() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    assert!(run_into(&out, &[]).status.success());
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("summary.json")).expect("a file")).expect("JSON");
    let mut counted = std::collections::BTreeMap::<(String, usize), u64>::new();
    let mut reader = csv::Reader::from_path(out.join("timeline.csv")).expect("CSV");
    for row in reader.records() {
        let row = row.expect("a row");
        let key = (row[0].to_owned(), row[1].parse::<usize>().expect("a number"));
        *counted.entry(key).or_default() += row[5].parse::<u64>().expect("a number");
    }
    for ((policy, replication), count) in counted {
        let total = &summary["policies"][&policy]["metrics"]["requests_total"]["values"][replication];
        assert_eq!(total.as_f64(), Some(count as f64), "{policy} {replication}");
    }
}

#[test]
fn an_estimate_runs_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let run = |args: &[&str]| {
        let mut command = authstorm();
        command.args(["run", "--estimate", "--threads", "1", "--out"]).arg(&out).args(args);
        let output = command.output().expect("the command runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(!out.exists());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let told = run(&["scenarios/office-nat.toml"]);
    for word in ["events  about", "time    about", "memory  about", "400 of 2000 sessions", "disagrees by"] {
        assert!(told.contains(word), "{told}");
    }
    // Both limits are exceeded. An estimate reports this and is not refused, because it runs nothing large.
    let large = [
        "--set",
        "workload[0].clients=60000000",
        "--set",
        "guard.max-events=1000000000",
        "--max-memory",
        "1GiB",
    ];
    let told = run(&[&["scenarios/rl-poll.toml", "--json"], &large[..]].concat());
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let refused = told["refused"].as_array().expect("a list");
    assert_eq!(refused.len(), 2, "{told}");
    assert!(told["events"].as_f64() > Some(1e9) && told["pilot_events"].as_f64() < Some(1e7), "{told}");
    assert!(told["memory_bytes"].as_u64() >= Some(60_000_000 * 16), "{told}");
}

#[test]
fn a_run_that_would_pass_its_event_budget_is_refused_with_the_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let century = ["--set", "horizon=36500d", "--set", "bucket=365d"];
    let output =
        authstorm().args(["run", "scenarios/rl-poll.toml", "--out"]).arg(&out).args(century).output();
    let output = output.expect("the command runs");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!out.exists(), "nothing is written");
    for word in ["a run of policy new", " T events", "limit 10 G", "--set guard.max-events=N raises it"] {
        assert!(said.contains(word), "{said}");
    }
}
