//! `--shard` and `authstorm merge`: parts made anywhere, in any order, come to the bytes of the whole, and others are refused by name.

use super::common::{files, root, run_in};
use super::find::office;
use super::sweep::folder;
use super::sweep_resume::{FORTY_POINTS, interrupted_after};
use std::fs;
use std::path::Path;

/// Runs the command in a directory, and gives standard output.
fn ok(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = run_in(dir, args);
    assert!(code == Some(0) && !err.contains("error"), "{args:?}: {code:?} {err}");
    out
}

/// The refusal of a command.
fn refused(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = run_in(dir, args);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
    err
}

/// Makes every part, the last first, each under its number.
fn parts(dir: &Path, args: &[&str], of: u64, name: &str) -> Vec<String> {
    let part = |number: u64| {
        let (shard, out) = (format!("{number}/{of}"), format!("{name}-{number}"));
        ok(dir, &[args, &["--quiet", "--shard", &shard, "--out", &out]].concat());
        out
    };
    let mut made: Vec<String> = (1..=of).rev().map(part).collect();
    // Neither in ascending order nor in descending order.
    made.rotate_left(1);
    made
}

fn merge(dir: &Path, parts: &[String], out: &str) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    ok(dir, &[&["merge"], &parts[..], &["--out", out]].concat())
}

/// A run, with policies of its own in files, options that change the scenario, and more shards than replications. The parts are merged
/// where neither the scenario nor its policies are.
#[test]
fn parts_of_a_run_come_to_the_bytes_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, elsewhere) = (folder.path().join("here"), folder.path().join("there"));
    fs::create_dir_all(dir.join("deep/policies")).expect("a directory");
    fs::create_dir(&elsewhere).expect("a directory");
    let scenario = fs::read_to_string(root().join("scenarios/touch-429-cascade.toml")).expect("a scenario");
    let scenario = scenario.replacen(
        "\npolicies = [",
        "\npolicy-files = [\"policies/own.toml\"]\npolicies = [\"own\", ",
        1,
    );
    assert!(scenario.contains("own.toml"));
    fs::write(dir.join("deep/mine.toml"), scenario).expect("a file");
    let policy = fs::read_to_string(root().join("scenarios/policies/not-429.toml")).expect("a policy");
    fs::write(dir.join("deep/policies/own.toml"), policy.replacen("not-429", "own", 1)).expect("a file");
    let args = [
        "run",
        "deep/mine.toml",
        "--set",
        "fleet.users=10",
        "--set=horizon=4m",
        "--seed",
        "7",
        "--replications",
        "5",
        "--policy",
        "own",
        "--policy",
        "new",
    ];
    let out = ok(&dir, &[&args[..], &["--out", "whole"]].concat());
    let whole = files(&dir.join("whole"));
    for of in [1, 2, 3, 7] {
        let made = parts(&dir, &args, of, &format!("of-{of}"));
        let moved: Vec<String> = made.iter().map(|part| format!("../here/{part}")).collect();
        let merged = merge(&elsewhere, &moved, &format!("merged-{of}"));
        assert!(files(&elsewhere.join(format!("merged-{of}"))) == whole, "{of} shards");
        assert_eq!(
            merged,
            out.replace(" whole", &format!(" merged-{of}")).replace("/whole", &format!("/merged-{of}"))
        );
    }
    let every = [&args[..], &["--all-sessions", "--quiet"]].concat();
    ok(&dir, &[&every[..], &["--out", "every"]].concat());
    let made = parts(&dir, &every[..every.len() - 1], 2, "every");
    merge(&dir, &made, "merged");
    assert!(files(&dir.join("merged")) == files(&dir.join("every")));
}

/// Times that do not come within the run, servers, limits and generic callers pass through a part unharmed.
#[test]
fn parts_keep_every_number_of_shipped_scenarios() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let scenarios = fs::read_dir(root().join("scenarios"))
        .expect("scenarios")
        .map(|entry| entry.expect("an entry").path());
    let mut count = 0;
    for path in scenarios.filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // Stopped by a guard.
        if name == "zero-latency-loop" {
            continue;
        }
        let study = authstorm::Study::load(&path).expect("valid");
        let path = path.to_string_lossy().into_owned();
        let mut args = vec!["run", &path, "--set", "horizon=130s", "--replications", "2"];
        if study.loaded().scenario.fleet.users > 10 && study.loaded().scenario.cohorts.is_empty() {
            args.extend(["--set", "fleet.users=10"]);
        }
        let whole = [&args[..], &["--quiet", "--out", "whole"]].concat();
        let (code, _, err) = run_in(dir, &whole);
        if code == Some(2) {
            // Its own times do not fit into so short a run.
            assert!(
                err.contains("horizon") || err.contains("beyond") || err.contains("after"),
                "{name}: {err}"
            );
            continue;
        }
        let made = parts(dir, &args, 2, "part");
        let merged = [
            &["merge"],
            &made.iter().map(String::as_str).collect::<Vec<_>>()[..],
            &["--quiet", "--out", "merged"],
        ]
        .concat();
        assert_eq!(run_in(dir, &merged).0, code, "{name}");
        assert!(files(&dir.join("merged")) == files(&dir.join("whole")), "{name}");
        count += 1;
        for made in ["whole", "merged", "part-1", "part-2"] {
            fs::remove_dir_all(dir.join(made)).expect("a directory");
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn parts_of_a_sweep_come_to_the_bytes_of_the_sweep() {
    let folder = folder();
    let dir = folder.path();
    let args = [
        "sweep",
        "preset.toml",
        "--vary",
        "workload[0].clients=10..40/3",
        "--vary",
        "backend.limit[0].preset=clerk-sign-in,clerk-backend",
        "--metric",
        "responses_429",
    ];
    let out = ok(dir, &[&args[..], &["--out", "whole"]].concat());
    for of in [2, 5] {
        let made = parts(dir, &args, of, &format!("of-{of}"));
        let merged = merge(dir, &made, &format!("merged-{of}"));
        assert!(files(&dir.join(format!("merged-{of}"))) == files(&dir.join("whole")), "{of} shards");
        assert!(merged.contains(out.lines().next().expect("a sentence")), "{merged}");
    }
}

/// A shard is the same bytes whenever it is done, on any number of threads, and after an interruption.
#[test]
fn a_shard_done_twice_is_the_same_bytes() {
    let folder = folder();
    let dir = folder.path();
    let args = FORTY_POINTS;
    let shard = |more: &[&str]| run_in(dir, &[&args[..], &["--shard", "2/2"], more].concat());
    assert_eq!(shard(&["--threads", "1", "--out", "one"]).0, Some(0));
    assert_eq!(shard(&["--threads", "3", "--out", "three"]).0, Some(0));
    assert!(files(&dir.join("one")) == files(&dir.join("three")));
    let interrupted = [&args[..], &["--shard", "2/2", "--threads", "1", "--out", "map"]].concat();
    assert_eq!(interrupted_after(dir, &interrupted, "\n", "KILL"), None, "it was under way");
    let err = shard(&["--out", "map"]).2;
    assert!(err.contains("--resume continues it"), "{err}");
    let (code, _, err) = run_in(dir, &[&args[..], &["--shard", "1/2", "--out", "map", "--resume"]].concat());
    assert!(code == Some(2) && err.contains("shard is 2/2 there and 1/2 here"), "{err}");
    assert_eq!(shard(&["--out", "map", "--resume"]).0, Some(0));
    assert!(files(&dir.join("one")) == files(&dir.join("map")));
    // The order in which options are given is none of the work.
    let turned = [
        "sweep",
        "--quiet",
        "--shard=2/2",
        "--out=turned",
        "--replications=20",
        "--vary=backend.limit[0].limit=1..40",
        "poisson.toml",
    ];
    ok(dir, &turned);
    assert!(files(&dir.join("one")) == files(&dir.join("turned")));
}

/// The shards of a search go from round to round, and each merge says whether a further one is needed.
#[test]
fn rounds_of_a_search_come_to_the_bytes_of_the_search() {
    let folder = office();
    let dir = folder.path();
    let args = [
        "find",
        "office.toml",
        "--vary",
        "backend.limit[0].limit=1..16",
        "--target",
        "new.responses_429 == 0",
        "--share=80%",
        "--confidence=80%",
    ];
    ok(dir, &[&args[..], &["--quiet", "--out", "whole"]].concat());
    let whole = files(&dir.join("whole"));
    let mut all: Vec<String> = Vec::new();
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds < 12, "the rounds come to an end");
        let after: Vec<&str> = all.iter().map(String::as_str).collect();
        let after = if after.is_empty() { Vec::new() } else { [&["--after"], &after[..]].concat() };
        let made = parts(dir, &[&args[..], &after].concat(), 3, &format!("round-{rounds}"));
        if rounds == 1 {
            let list: Vec<&str> = made.iter().map(String::as_str).collect();
            ok(dir, &[&["merge", "--finish", "--quiet", "--out", "finished"], &list[..]].concat());
            assert!(files(&dir.join("finished")) == whole);
        }
        all.extend(made);
        let list: Vec<&str> = all.iter().map(String::as_str).collect();
        let (code, out, err) = run_in(dir, &[&["merge", "--quiet", "--out", "merged"], &list[..]].concat());
        if code == Some(0) {
            break;
        }
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains(&format!("a further round is needed: round {}", rounds + 1)), "{err}");
        assert!(err.contains("--shard I/3") && !dir.join("merged").exists(), "{err}");
    }
    assert!(rounds > 2, "{rounds}");
    assert!(files(&dir.join("merged")) == whole);
    // A part of a round that knows other runs, and a round that is not whole.
    let without = all.iter().filter(|part| *part != "round-2-3").map(String::as_str).collect::<Vec<_>>();
    let err = refused(dir, &[&["merge", "--out", "no"], &without[..]].concat());
    assert!(err.contains("shard 3/3 is missing in round 2"), "{err}");
    let err = refused(
        dir,
        &[&args[..], &["--shard", "1/3", "--out", "no", "--after", "round-1-1", "round-1-2"]].concat(),
    );
    assert!(err.contains("shard 3/3 is missing"), "{err}");
    let other = parts(dir, &args, 2, "other");
    let mixed: Vec<&str> =
        all.iter().filter(|part| part.starts_with("round-2")).chain(&other).map(String::as_str).collect();
    let err = refused(dir, &[&["merge", "--out", "no"], &mixed[..]].concat());
    assert!(err.contains("what round 2 knows of the rounds before it"), "{err}");
}

#[test]
fn parts_that_make_no_whole_are_refused_by_name() {
    let folder = folder();
    let dir = folder.path();
    let args = ["sweep", "pollers.toml", "--vary", "workload[0].clients=1..6/6"];
    parts(dir, &args, 3, "part");
    let merge = |parts: &[&str]| refused(dir, &[&["merge", "--out", "no"], parts].concat());
    for (parts, says) in [
        (&["part-1", "part-3"][..], "error: shard 2/3 is missing\n"),
        (&["part-3"], "error: shard 1/3 is missing, and another one\n"),
        (&["part-1", "part-2", "part-3", "part-1"], "error: shard 1/3 is given twice: part-1 and part-1\n"),
        (
            &["part-1", "part-4"],
            "error: part-4: no complete part: manifest.json is missing; do this shard again\n",
        ),
    ] {
        assert_eq!(merge(parts), says);
    }
    let copy = |name: &str, change: &dyn Fn(&Path)| {
        let to = dir.join(name);
        fs::create_dir(&to).expect("a directory");
        for (file, bytes) in files(&dir.join("part-2")) {
            fs::write(to.join(file), bytes).expect("a file");
        }
        change(&to);
        merge(&["part-1", name, "part-3"])
    };
    let edit = |dir: &Path, file: &str, change: &dyn Fn(String) -> String| {
        let text = fs::read_to_string(dir.join(file)).expect("a text");
        let changed = change(text.clone());
        assert_ne!(text, changed, "{file}");
        fs::write(dir.join(file), changed).expect("a file");
    };
    let torn = "the hash of rows.jsonl is not that of manifest.json; do this shard again";
    let cut = |text: String| text[..text.len() / 2].to_owned();
    let err = copy("cut", &|to| edit(to, "rows.jsonl", &cut));
    assert_eq!(err, format!("error: cut: the part is torn: {torn}\n"));
    let err = copy("bit", &|to| edit(to, "rows.jsonl", &|text| text.replacen('7', "8", 1)));
    assert_eq!(err, format!("error: bit: the part is torn: {torn}\n"));
    let err = copy("lost", &|to| fs::remove_file(to.join("scenario.toml")).expect("a file"));
    assert_eq!(err, "error: lost: the part is torn: scenario.toml is missing; do this shard again\n");
    let err = copy("half", &|to| edit(to, "manifest.json", &cut));
    assert!(err.starts_with("error: the part is torn: half: manifest.json: "), "{err}");
    let foreign = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let err = copy("old", &|to| {
        edit(to, "manifest.json", &|text| text.replacen(&foreign, "\"version\": \"0.0.1\"", 1))
    });
    let here = env!("CARGO_PKG_VERSION");
    assert_eq!(
        err,
        format!(
            "error: old: version 0.0.1 of authstorm made this part, and this is {here}; do all shards with one version\n"
        )
    );
    // A manifest that claims the rows of another shard.
    let err = copy("forged", &|to| {
        edit(to, "manifest.json", &|text| text.replacen("\"number\": 2", "\"number\": 3", 1));
    });
    assert_eq!(err, "error: shard 3/3 is given twice: forged and part-3\n");
    let err = copy("rows", &|to| {
        edit(to, "manifest.json", &|text| text.replacen("\"number\": 2", "\"number\": 1", 1));
    });
    assert_eq!(err, "error: shard 1/3 is given twice: part-1 and rows\n");
    assert_eq!(
        merge(&["rows", "part-3", "part-2"]),
        "error: rows: its rows are not those of its shard; do this shard again\n"
    );
    // Work of another seed, of other values, of another command.
    for (more, says) in [
        (&["--seed", "9"][..], "seed is 1 in the first and 9 in the other"),
        (&["--set", "horizon=30s"], "command is "),
        (&["--vary", "seed=1,2"], "vary is "),
        (&["--metric", "requests_total"], "the list of options is "),
    ] {
        let other = [&args[..], more, &["--quiet", "--shard", "2/3", "--out", "other"]].concat();
        ok(dir, &other);
        let err = merge(&["part-1", "other", "part-3"]);
        assert!(
            err.starts_with("error: part-1 and other are parts of different work: ") && err.contains(says),
            "{err}"
        );
        fs::remove_dir_all(dir.join("other")).expect("a directory");
    }
    ok(dir, &["run", "pollers.toml", "--quiet", "--shard", "2/3", "--out", "run"]);
    let err = merge(&["part-1", "run", "part-3"]);
    assert!(err.contains("the verb is sweep in the first and run in the other"), "{err}");
    // What is no part at all.
    ok(dir, &["run", "pollers.toml", "--quiet", "--out", "results"]);
    let err = merge(&["results"]);
    assert_eq!(
        err,
        "error: results: no part; allowed: directories that run, sweep or find wrote with --shard\n"
    );
    assert!(!dir.join("no").exists());
    for shard in ["0/3", "4/3", "1", "1/0", "a/b", "1/100001"] {
        let err = refused(dir, &[&args[..], &["--shard", shard]].concat());
        assert!(err.contains("allowed: I/N, such as 2/4"), "{err}");
    }
    let err = refused(dir, &["run", "pollers.toml", "--shard", "1/2", "--precision", "5%"]);
    assert!(err.contains("cannot be used with"), "{err}");
}
