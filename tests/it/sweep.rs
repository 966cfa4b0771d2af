//! `authstorm sweep`: cells with known values, the same bytes from every machine and after every interruption, and errors.

use super::common::{files, run_in};
use authstorm::experiment::sweep::{Design, Kind, Sweep};
use authstorm::experiment::vary::Vary;
use authstorm::{Control, Study};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Clients that call every second from the start, with a limit on all of them.
const POLLERS: &str = "version = 1\nname = \"pollers\"\nhorizon = \"59500ms\"\nreplications = 2\npolicies = [\"old\", \"new\"]\n\
     [[workload]]\nname = \"pollers\"\nclients = 2\nevery = \"1s\"\n\
     [[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"generic\"]\nkey = \"global\"\nlimit = 3\nwindow = \"10s\"\n";

/// Poisson calls, one in 2 s, at a limit.
const POISSON: &str = "version = 1\nname = \"poisson\"\nhorizon = \"60s\"\nreplications = 300\npolicies = [\"new\"]\n\
     [[workload]]\nname = \"calls\"\nstarts = { exponential = \"2s\" }\nevery = { exponential = \"2s\" }\n\
     [[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"generic\"]\nkey = \"global\"\nlimit = 1\nwindow = \"10s\"\n";

/// A limit whose keys come from a preset.
const PRESET: &str = "version = 1\nname = \"preset\"\nhorizon = \"60s\"\nreplications = 2\npolicies = [\"new\"]\n\
     [[workload]]\nname = \"pollers\"\nclients = 40\nevery = { exponential = \"1s\" }\n\
     [[backend.limit]]\npreset = \"clerk-sign-in\"\nendpoints = [\"generic\"]\nkey = \"global\"\n";

/// A folder with these scenarios.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("pollers.toml", POLLERS), ("poisson.toml", POISSON), ("preset.toml", PRESET)] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// The rows of a CSV file, by column.
fn rows(file: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(file).expect("a table");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn sweep(dir: &Path, args: &[&str]) {
    let (code, _, err) = run_in(dir, &[&["sweep"], args].concat());
    assert_eq!(code, Some(0), "{args:?}: {err}");
}

/// The mean of a metric in each cell, by the values of two keys and the policy.
fn means(file: &Path, metric: &str, keys: [&str; 2]) -> BTreeMap<(String, String, String), f64> {
    let of = |row: &BTreeMap<String, String>| {
        let key = (row[keys[0]].clone(), row[keys[1]].clone(), row["policy"].clone());
        (key, row["mean"].parse().expect("a number"))
    };
    rows(file).iter().filter(|row| row["metric"] == metric).map(of).collect()
}

/// A client calls at 0 s, 1 s and so on: 60 times. A window of 10 s lets through as many as the limit says.
#[test]
fn cells_of_pollers_have_the_counts_of_arithmetic() {
    let folder = folder();
    let keys = ["workload[0].clients", "backend.limit[0].limit"];
    let vary = keys.map(|key| format!("{key}={}", if key == keys[0] { "1..5/3" } else { "5,20,100" }));
    sweep(
        folder.path(),
        &["pollers.toml", "--vary", &vary[0], "--vary", &vary[1], "--out", "map", "--quiet"],
    );
    let file = folder.path().join("map/sweep.csv");
    let (requests, refused) = (means(&file, "requests_total", keys), means(&file, "responses_429", keys));
    let mut cells = 0;
    for clients in [1.0, 3.0, 5.0f64] {
        for limit in [5.0, 20.0, 100.0f64] {
            for policy in ["old", "new"] {
                let at = (clients.to_string(), limit.to_string(), policy.to_owned());
                let expected = (60.0 * clients, 6.0 * (10.0 * clients - limit).max(0.0));
                let found = (requests[&at], refused[&at]);
                assert!(
                    (found.0 - expected.0).abs() + (found.1 - expected.1).abs() < 1e-9,
                    "{at:?}: {found:?}"
                );
                cells += 1;
            }
        }
    }
    assert_eq!(requests.len(), cells);
}

/// Calls of a window are Poisson with mean 5, and a run has 6 windows. The share of runs without a refusal is P(N <= limit)^6.
/// All points have the same calls, so that a run without a refusal has none at a larger limit either.
#[test]
fn shares_of_runs_without_a_refusal_have_their_closed_form() {
    let folder = folder();
    let key = "backend.limit[0].limit";
    sweep(folder.path(), &["poisson.toml", "--vary", &format!("{key}=8..12/3"), "--out", "map", "--quiet"]);
    let mut refused: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in
        rows(&folder.path().join("map/values.csv")).iter().filter(|row| row["metric"] == "responses_429")
    {
        refused.entry(row[key].clone()).or_default().push(row["value"].parse().expect("a number"));
    }
    let cdf = |limit: u32| {
        let mut term = libm::exp(-5.0);
        (1..=limit).fold(term, |sum, n| {
            term *= 5.0 / f64::from(n);
            sum + term
        })
    };
    for limit in [8, 10, 12] {
        let values = &refused[&limit.to_string()];
        assert_eq!(values.len(), 300);
        let share = values.iter().filter(|value| **value < 0.5).count() as f64 / 300.0;
        let expected = [cdf(limit); 6].iter().product::<f64>();
        let deviation = (expected * (1.0 - expected) / 300.0).sqrt();
        assert!((share - expected).abs() < 4.0 * deviation, "{limit}: {share}, expected {expected}");
    }
    for (smaller, larger) in [("8", "10"), ("10", "12")] {
        assert!(refused[smaller].iter().zip(&refused[larger]).all(|(small, large)| large <= small));
    }
}

/// The rows of a results directory's summary, as a sweep has them: policy and metric, then unit, mean and interval.
fn cells(rows: &[BTreeMap<String, String>]) -> BTreeMap<(String, String), Vec<String>> {
    let cell = |row: &BTreeMap<String, String>| {
        let numbers = ["unit", "mean", "ci_low", "ci_high", "replications"].map(|column| row[column].clone());
        ((row["policy"].clone(), row["metric"].clone()), numbers.to_vec())
    };
    rows.iter().map(cell).collect()
}

/// Words, presets, durations and numbers: each point has the numbers of `run --set` with its values, interval and all.
#[test]
fn a_cell_has_the_numbers_of_a_run_with_its_values() {
    let folder = folder();
    let storm = super::common::root().join("scenarios/touch-429-cascade.toml");
    let storm = storm.to_string_lossy();
    let small = ["--set", "fleet.users=20", "--set", "horizon=3m", "--replications", "3", "--quiet"];
    let cases: [(&str, &[&str], &[&str]); 2] = [
        (&storm, &["fleet.app-reaction=none,get-token", "fleet.users=10..30/2", "seed=1,9"], &small),
        (
            "preset.toml",
            &["backend.limit[0].preset=clerk-sign-in,supabase,clerk-backend", "horizon=30s..90s/2"],
            &["--quiet"],
        ),
    ];
    for (n, (scenario, vary, options)) in cases.into_iter().enumerate() {
        let mut args = vec![scenario];
        vary.iter().for_each(|vary| args.extend(["--vary", vary]));
        args.extend(options);
        let out = format!("map{n}");
        args.extend(["--out", &out]);
        sweep(folder.path(), &args);
        let all = rows(&folder.path().join(&out).join("sweep.csv"));
        let keys: Vec<&str> =
            vary.iter().filter_map(|vary| vary.split_once('=')).map(|(key, _)| key).collect();
        let points: Vec<u64> = all.iter().map(|row| row["point"].parse().expect("a number")).collect();
        let last = *points.last().expect("a row");
        for point in [0, 2, last] {
            let of: Vec<_> = all.iter().filter(|row| row["point"] == point.to_string()).cloned().collect();
            let sets: Vec<String> = keys.iter().map(|key| format!("{key}={}", of[0][*key])).collect();
            let mut args = vec!["run", scenario];
            args.extend(options);
            sets.iter().for_each(|set| args.extend(["--set", set]));
            let run = format!("run{n}-{point}");
            args.extend(["--out", &run]);
            let (code, _, err) = run_in(folder.path(), &args);
            assert!(code.is_some_and(|code| code <= 1), "{args:?}: {err}");
            let summary = rows(&folder.path().join(&run).join("summary.csv"));
            assert_eq!(cells(&of), cells(&summary), "{sets:?}");
        }
        let refused = |row: &&BTreeMap<String, String>| row["metric"] == "responses_429";
        let refused: Vec<&str> = all.iter().filter(refused).map(|row| row["mean"].as_str()).collect();
        assert!(refused.iter().any(|mean| *mean != refused[0]), "the keys have an effect: {refused:?}");
    }
}

#[test]
fn threads_change_no_byte() {
    let folder = folder();
    let args = ["poisson.toml", "--vary", "backend.limit[0].limit=5..12", "--replications", "3", "--quiet"];
    for threads in ["1", "7"] {
        sweep(folder.path(), &[&args[..], &["--threads", threads, "--out", threads]].concat());
    }
    let [one, seven] = ["1", "7"].map(|name| files(&folder.path().join(name)));
    let names: Vec<&String> = one.keys().collect();
    let expected = [
        "manifest.json",
        "report.html",
        "scenario.toml",
        "sweep.csv",
        "sweep.json",
        "sweep.txt",
        "values.csv",
    ];
    for name in expected.map(str::to_owned) {
        assert!(names.contains(&&name), "{names:?}");
    }
    assert!(
        names.iter().any(|name| name.ends_with(".svg")) && names.iter().any(|name| name.ends_with(".png"))
    );
    assert!(one == seven, "{names:?}");
}

/// Tables have a row for each point, policy and metric, and for each replication of these.
#[test]
fn tables_are_tidy() {
    let folder = folder();
    let args = ["pollers.toml", "--vary", "workload[0].clients=1..3", "--vary", "horizon=10s,20s", "--quiet"];
    sweep(folder.path(), &[&args[..], &["--out", "map"]].concat());
    let dir = folder.path().join("map");
    let (cells, values) = (rows(&dir.join("sweep.csv")), rows(&dir.join("values.csv")));
    let metrics = cells.iter().filter(|row| row["point"] == "0" && row["policy"] == "old").count();
    assert!(metrics > 20);
    assert_eq!((cells.len(), values.len()), (6 * 2 * metrics, 6 * 2 * metrics * 2));
    let header = fs::read_to_string(dir.join("sweep.csv")).expect("a table");
    let columns = "point,workload[0].clients,horizon,policy,metric,unit,mean,ci_low,ci_high,replications,not_within,exercised\n";
    assert!(header.starts_with(columns), "{}", &header[..200]);
    let points: Vec<(&str, &str)> = cells
        .iter()
        .filter(|row| row["metric"] == "requests_total" && row["policy"] == "new")
        .map(|row| (row["workload[0].clients"].as_str(), row["horizon"].as_str()))
        .collect();
    assert_eq!(points, [("1", "10s"), ("1", "20s"), ("2", "10s"), ("2", "20s"), ("3", "10s"), ("3", "20s")]);
    // The JSON has the same numbers, and its points are those of the library.
    let text = fs::read_to_string(dir.join("sweep.json")).expect("a file");
    let read: Sweep = serde_json::from_str(&text).expect("the form of its schema");
    let keys = ["workload[0].clients=1..3", "horizon=10s,20s"].map(|key| Vary::parse(key).expect("a key"));
    let design = Design::new(keys.to_vec(), Kind::Factorial).expect("a design");
    let study = Study::parse("pollers.toml", POLLERS).expect("a scenario");
    assert_eq!(study.sweep(&design, &Control::default()).expect("it runs"), read);
}

/// With 2 clients and 3 calls a window, calls fail to the end: recovery does not come. That has no mean, and is counted.
#[test]
fn what_does_not_come_within_the_run_is_told_and_never_averaged() {
    let folder = folder();
    let vary = "backend.limit[0].limit=3,1000";
    let (code, out, _) = run_in(
        folder.path(),
        &["sweep", "pollers.toml", "--vary", vary, "--metric", "time_to_recover_s", "--out", "map"],
    );
    assert_eq!(code, Some(0));
    let told = "at every other point; it is never within the run in 2 of 2 runs at 1 of 2 points, which no mean of those can count";
    assert!(out.contains(told), "{out}");
    let all = rows(&folder.path().join("map/sweep.csv"));
    let recovery = |point: &str| {
        let is = |row: &&BTreeMap<String, String>| {
            row["metric"] == "time_to_recover_s" && row["point"] == point && row["policy"] == "new"
        };
        all.iter().find(is).map(|row| (row["mean"].clone(), row["not_within"].clone()))
    };
    assert_eq!(recovery("0"), Some(("inf".to_owned(), "2".to_owned())));
    assert_eq!(recovery("1"), Some(("0".to_owned(), "0".to_owned())));
    let svg = fs::read_to_string(folder.path().join("map/time_to_recover_s.svg")).expect("a chart");
    assert!(svg.contains("never within the run"), "the chart says it");
}

/// The strata are told from the numbers of the table: stratum k of N has the shares [k/N, (k+1)/N) of the range.
#[test]
fn a_latin_hypercube_has_each_stratum_once() {
    let folder = folder();
    let keys = ["horizon", "backend.limit[0].limit"];
    let args = ["--vary", "horizon=1000ms..9000ms", "--vary", "backend.limit[0].limit=1..1000000 log"];
    let designed = |out: &str, more: &[&str]| {
        let all =
            [&["pollers.toml"], &args[..], &["--design", "lhs:20", "--quiet", "--out", out], more].concat();
        sweep(folder.path(), &all);
        rows(&folder.path().join(out).join("sweep.csv"))
    };
    let all = designed("map", &[]);
    let points: Vec<_> =
        all.iter().filter(|row| row["metric"] == "requests_total" && row["policy"] == "new").collect();
    assert_eq!(points.len(), 20);
    let seconds = |text: &str| match text.strip_suffix("ms") {
        Some(ms) => ms.parse::<f64>().expect("a number") / 1e3,
        None => text.strip_suffix('s').expect("seconds").parse().expect("a number"),
    };
    let time = |row: &BTreeMap<String, String>| (seconds(&row[keys[0]]) - 1.0) / 8.0;
    let limit = |row: &BTreeMap<String, String>| {
        libm::log(row[keys[1]].parse::<f64>().expect("a number")) / libm::log(1_000_001.0)
    };
    type Share<'a> = &'a dyn Fn(&BTreeMap<String, String>) -> f64;
    for share in [&time as Share<'_>, &limit] {
        let mut strata: Vec<u32> = points.iter().map(|row| (share(row) * 20.0 + 1e-9) as u32).collect();
        strata.sort_unstable();
        assert_eq!(strata, (0..20).collect::<Vec<_>>());
    }
    let values =
        |rows: &[BTreeMap<String, String>]| rows.iter().map(|row| row[keys[0]].clone()).collect::<Vec<_>>();
    assert_ne!(values(&all), values(&designed("seed", &["--seed", "2"])), "another seed draws other points");
}

#[test]
fn the_map_is_told_in_every_form() {
    let folder = folder();
    let printed = |out: &str, more: &[&str]| {
        let args = ["sweep", "pollers.toml", "--vary", "workload[0].clients=1..3", "--out", out];
        let (code, out, _) = run_in(folder.path(), &[&args[..], more].concat());
        assert_eq!(code, Some(0));
        out
    };
    let words = printed("a", &[]);
    for part in [
        "3 points: every value of workload[0].clients",
        "interval is pointwise: it holds for its own cell",
        "the error is common to the cells",
        "authstorm run pollers.toml --set 'workload[0].clients=1'",
        "results in a",
        "a/report.html",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // What does not come within the run is counted, and a zero has its bound: 0.05^(1/2) is 22.4%.
    let never = "The time_to_recover_s of new is never within the run in 6 of 6 runs at 3 of 3 points, which no mean can count.\n";
    assert!(words.contains(never), "{words}");
    let zero = printed("zero", &["--metric", "false_sign_outs"]);
    let bound = "The false_sign_outs of new is 0 users in each of 2 replications (95% bound: not 0 in at most 77.7% of runs) at every \
                 point.\n";
    assert!(zero.contains(bound), "{zero}");
    let read = |name: &str| fs::read_to_string(folder.path().join("a").join(name)).expect("a file");
    assert_eq!(printed("b", &["--format", "csv"]), read("sweep.csv"));
    assert_eq!(printed("c", &["--json"]), read("sweep.json"));
    assert!(printed("d", &["--format", "md"]).starts_with("- 3 points"));
    assert_eq!(printed("e", &["--quiet"]), "");
    // A command of the words gives the numbers of its cell, as every cell's does: the default place has the scenario's name.
    let (code, _, err) = run_in(
        folder.path(),
        &["sweep", "pollers.toml", "--vary", "workload[0].clients=1..3", "--metric", "requests_total"],
    );
    assert_eq!(code, Some(0), "{err}");
    assert!(err.starts_with("3 points x 2 policies x 2 replications = 12 runs; about "), "{err}");
    let made = files(&folder.path().join("results/pollers-sweep"));
    assert!(made.contains_key("requests_total.png") && !made.contains_key("responses_429.png"));
}
