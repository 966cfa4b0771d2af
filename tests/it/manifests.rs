//! `manifest.json` in the directories of sweep, find, rollout, rank and map: it lists every file with its hash, is the same bytes
//! wherever the directory stands, and shows a damaged file.

use super::common::{binary, files, root, run_in, said};
use authstorm::results::provenance::sha256;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Two clients that call at random for 20 s, at a limit and with a fault that refuses every call for a while.
const CALLS: &str = "version = 1\nname = \"calls\"\nhorizon = \"20s\"\nreplications = 2\npolicy-files = [\"own.toml\"]\npolicies = [\"own\"]\n\
     [fleet]\nusers = 2\n\
     [[workload]]\nname = \"calls\"\nclients = 2\nstarts = { exponential = \"1s\" }\nevery = { exponential = \"1s\" }\n\
     [[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"generic\"]\nkey = \"global\"\nlimit = 100\nwindow = \"10s\"\n\
     [[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\nstatus = 503\nfrom = \"2s\"\nto = \"4s\"\n";

const LIMIT: &str = "backend.limit[0].limit=90..92";

/// A verb with its own options.
type Question = (&'static str, &'static [&'static str]);

/// Each verb with a small question about [`CALLS`].
const QUESTIONS: [Question; 5] = [
    ("sweep", &["--vary", "workload[0].clients=1,2"]),
    (
        "find",
        &["--vary", LIMIT, "--target", "own.requests_total >= 0", "--share", "50%", "--confidence", "60%"],
    ),
    ("rollout", &["--from", "old", "--to", "new", "--steps", "1"]),
    (
        "rank",
        &["--metric", "requests_total", "--vary", "workload[0].clients=1..4", "--vary", LIMIT, "--rows", "8"],
    ),
    ("map", &["--load", "workload[0].clients=1,2", "--trigger", "fault[0].to=3s,4s"]),
];

/// A rollout that also searches.
const SEARCHING: Question = (
    "rollout",
    &["--from", "old", "--to", "new", "--steps", "1", "--find", "--target", "rollout.requests_total >= 0"],
);

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("calls.toml"), CALLS).expect("a scenario");
    let own = fs::read_to_string(root().join("scenarios/policies/new.toml")).expect("a policy");
    let own = own.replacen("name = \"new\"", "name = \"own\"", 1);
    fs::write(folder.path().join("own.toml"), own).expect("a policy");
    folder
}

/// Answers a question into a directory.
fn answer(dir: &Path, (verb, own): Question, more: &[&str], out: &str) {
    let (code, _, err) = run_in(dir, &[&[verb, "calls.toml", "--quiet", "--out", out], own, more].concat());
    assert!(matches!(code, Some(0 | 1)), "{verb}: {err}");
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("manifest.json")).expect("a manifest")).expect("JSON")
}

/// A manifest that names the work, and each file with its hash.
fn described(dir: &Path, verb: &str) -> Value {
    let manifest = manifest(dir);
    assert_eq!((&manifest["verb"], &manifest["scenario"]), (&verb.into(), &"calls".into()), "{manifest}");
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&manifest["seed"], &manifest["replications"]), (&1.into(), &2.into()), "{verb}");
    assert_eq!(manifest["scenario_hash"].as_str().map(str::len), Some(64), "{verb}");
    let mut written = files(dir);
    written.remove("manifest.json");
    let listed = manifest["files"].as_object().expect("files");
    assert!(listed.keys().eq(written.keys()), "{verb}: {listed:?}");
    for (name, bytes) in &written {
        assert_eq!(listed[name]["bytes"], bytes.len(), "{verb}: {name}");
        assert_eq!(listed[name]["sha256"], sha256(bytes), "{verb}: {name}");
    }
    for name in ["report.html", "scenario.toml", "own.toml"] {
        assert!(written.contains_key(name), "{verb}: {name}");
    }
    manifest
}

#[test]
fn a_manifest_lists_every_file_and_says_what_the_work_is() {
    let folder = folder();
    let dir = folder.path();
    for question in QUESTIONS {
        let (verb, other) = (question.0, format!("deep/er/{}", question.0));
        answer(dir, question, &["--threads", "1"], verb);
        let manifest = described(&dir.join(verb), verb);
        let again = manifest["command"].as_str().expect("a command");
        assert!(again.starts_with(&format!("authstorm {verb} calls.toml ")), "{again}");
        // The command that the manifest names gives the same bytes, in another directory and from other threads.
        let line =
            format!("\"$0\"{} --threads 3 --quiet --out {other}", again.trim_start_matches("authstorm"));
        let told =
            Command::new("sh").args(["-c", &line]).arg(binary()).current_dir(dir).output().expect("a shell");
        assert!(matches!(told.status.code(), Some(0 | 1)), "{again}: {}", said(&told));
        assert!(files(&dir.join(verb)) == files(&dir.join(&other)), "{again}");
    }
    answer(dir, SEARCHING, &[], "searching");
    assert!(described(&dir.join("searching"), "rollout")["files"]["find.json"].is_object());
}

#[test]
fn a_damaged_file_is_named_with_the_command_that_makes_the_directory_again() {
    let folder = folder();
    let dir = folder.path();
    for question in QUESTIONS {
        let (verb, out) = (question.0, question.0);
        answer(dir, question, &[], out);
        let report = || {
            let (code, said, err) = run_in(dir, &["report", out]);
            assert_eq!((code, said.as_str()), (Some(2), ""), "{verb}");
            err
        };
        let again = manifest(&dir.join(out))["command"].as_str().expect("a command").to_owned();
        let makes = format!("; this makes it again, to the same bytes: {again}\n");
        let whole = report();
        assert!(
            whole.contains("Every file there is as it was written") && whole.ends_with(&makes),
            "{whole}"
        );
        let page = dir.join(out).join("report.html");
        let text = fs::read_to_string(&page).expect("a page");
        fs::write(&page, text.replacen("calls", "Calls", 1)).expect("a changed page");
        let damaged = report();
        assert!(
            damaged.contains("report.html is not what authstorm wrote") && damaged.ends_with(&makes),
            "{damaged}"
        );
        fs::remove_file(&page).expect("a page");
        assert!(report().contains("report.html is missing"), "{}", report());
        // A run does not take the directory for its own, and does not replace it.
        let (code, _, err) = run_in(dir, &["run", "calls.toml", "--quiet", "--out", out]);
        assert_eq!(code, Some(2), "{verb}");
        assert!(err.contains(&format!("holds other results: verb is {verb} there and run here")), "{err}");
    }
}

#[test]
fn diff_of_sweeps_reads_only_what_was_written() {
    let folder = folder();
    let dir = folder.path();
    answer(dir, QUESTIONS[0], &[], "a");
    answer(dir, QUESTIONS[0], &["--set", "backend.limit[0].limit=1"], "b");
    let diff = || run_in(dir, &["diff", "a", "b"]);
    assert_eq!((diff().0, diff().2.as_str()), (Some(1), ""));
    let json = dir.join("b/sweep.json");
    let text = fs::read_to_string(&json).expect("a sweep");
    fs::write(&json, text.replacen("\"mean\":", "\"mean\": ", 1)).expect("a changed sweep");
    let (code, out, err) = diff();
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("b: sweep.json is not what authstorm wrote"), "{err}");
    // A sweep of version 0.6.0 has no manifest.
    fs::write(&json, text).expect("the sweep");
    fs::remove_file(dir.join("b/manifest.json")).expect("a manifest");
    let (code, _, err) = diff();
    assert_eq!(
        (code, err.as_str()),
        (Some(1), "warning: b: no manifest.json, so its files cannot be checked\n")
    );
    fs::write(dir.join("b/manifest.json"), "{").expect("a file");
    let (code, _, err) = diff();
    assert!(code == Some(2) && err.contains("b: manifest.json: "), "{err}");
}
