//! Sweeps that are refused or stopped.

use super::common::{authstorm, files, run_in, told};
use super::sweep::folder;
use std::fs;

#[test]
fn a_bad_sweep_is_refused_before_a_run() {
    let folder = folder();
    let limit = "backend.limit[0].limit";
    let cases: [(&[&str], &str); 20] = [
        (&["--vary", "backend.limit[0].limt=1..4/2"], "did you mean `limit`"),
        (&["--vary", "backend.limit[0].limit=4..1/2"], "the first value is not below the second"),
        (&["--vary", "backend.limit[0].limit=1..4/1"], "the number of steps is not 2.."),
        (&["--vary", "backend.limit[0].limit=0..4/3 log"], "a logarithmic scale cannot begin at 0"),
        (&["--vary", "backend.limit[0].kind=1..4/2"], "--vary:1"),
        (&["--vary", "backend.limit[0].kind=fixed-window,fixd-window"], "did you mean `fixed-window`?"),
        (&["--vary", "backend.limit[0].limit=a..b/3"], "not two numbers with the same unit"),
        (&["--vary", "backend.limit[0].limit"], "no `=` after the key"),
        (&["--vary", "backend.limit[0].limit=7"], "one value, and no range or list of several"),
        (&["--vary", "backend.limit[0].limit=7,7"], "stands twice"),
        (&["--vary", "backend.limit[1].limit=1..4"], "--vary:1"),
        (&["--vary", "horizon=1m..2h"], "KEY=LO..HI/STEPS"),
        (&["--vary", "policies[0]=old,new"], "--policy chooses some"),
        (&["--vary", "horizon=1s,3650d"], "a timeline would have"),
        (&["--vary", "horizon=1s,2s", "--vary", "horizon=3s,4s"], "the key `horizon` is swept twice"),
        (&["--vary", "seed=1..1000000"], "1,000,000 points; allowed: 2..100,000"),
        (&["--vary", "horizon=1s,2s", "--metric", "responses_42"], "did you mean `responses_429`?"),
        (&["--vary", "horizon=1s,2s", "--design", "lhs"], "lhs:N"),
        (&["--vary", "horizon=1s,2s", "--design", "lhs:1"], "1 points; allowed"),
        (&["--vary", "horizon=1s,2s", "--policy", "nwe"], "nwe"),
    ];
    for (args, says) in cases {
        let (code, out, err) =
            run_in(folder.path(), &[&["sweep", "pollers.toml", "--out", "map"], args].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
    let names: Vec<String> = files(folder.path()).into_keys().collect();
    assert_eq!(names, ["poisson.toml", "pollers.toml", "preset.toml"], "nothing is written");
    // A search takes a range only.
    let list = format!("{limit}=1,2");
    let args = ["find", "pollers.toml", "--vary", &list, "--target", "new.responses_429 == 0"];
    let (code, _, err) = run_in(folder.path(), &args);
    assert_eq!(code, Some(2));
    assert!(err.contains("has no order to search in"), "{err}");
}

/// 1,000 clients call each second for half a day, 43 million calls at each point.
#[test]
fn a_sweep_that_takes_too_long_needs_a_second_word() {
    let folder = folder();
    let long = [
        &[
            "sweep",
            "pollers.toml",
            "--out",
            "map",
            "--set",
            "horizon=12h",
            "--set",
            "workload[0].clients=1000",
        ][..],
        &["--set", "bucket=1m", "--set", "guard.max-events=1000000000000", "--policy", "new"],
        &["--vary", "backend.limit[0].limit=1..999"],
    ];
    let run = |more: &[&str]| run_in(folder.path(), &[&long.concat()[..], more].concat());
    let (code, out, err) = run(&[]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("999 points x 1 policy x 2 replications = 1,998 runs; about "), "{err}");
    assert!(err.contains("more than 10 G events need --yes"), "{err}");
    let (code, out, _) = run(&["--estimate", "--json"]);
    assert_eq!(code, Some(0));
    let cost: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&cost["points"], &cost["runs"]), (&999.into(), &1_998.into()));
    assert_eq!(cost["refused"].as_array().map(Vec::len), Some(1));
    // Each call has an event at least.
    assert!(cost["events"].as_f64() > Some(1_998.0 * 43e6), "{cost}");
    assert!(!folder.path().join("map").exists());
    let (code, out, _) =
        run_in(folder.path(), &["sweep", "pollers.toml", "--vary", "seed=1,2", "--estimate"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("2 points x 2 policies x 2 replications = 8 runs; about "), "{out}");
    assert!(!out.contains("refused") && !folder.path().join("results").exists());
}

#[test]
fn a_point_that_a_guard_stops_is_named() {
    let folder = folder();
    let args = ["sweep", "pollers.toml", "--vary", "workload[0].clients=1,50", "--out", "map", "--quiet"];
    let (code, _, err) = run_in(folder.path(), &[&args[..], &["--set", "guard.max-events=2000"]].concat());
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("at workload[0].clients=50: "), "{err}");
    assert!(err.contains("1 of 2 points are finished and stay in .map.unfinished"), "{err}");
    assert!(!folder.path().join("map").exists());
    // The place of results is taken once.
    fs::create_dir(folder.path().join("taken")).expect("a directory");
    let (code, _, err) = told(&mut authstorm(), folder.path(), &[&args[..5], &["taken"]].concat());
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("is there already; name a new directory"), "{err}");
}
