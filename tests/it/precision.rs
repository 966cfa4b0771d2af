//! `run --precision`: where it stops, what it says, and that its results are those of a run with as many replications.

use super::common::{files, run_in};
use super::sweep_resume::interrupted;
use authstorm::experiment::precision::Precision;
use authstorm::results::{Estimated, Precise, Results, ResultsDir};
use authstorm::{Control, Study};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Poisson calls: 2 a second for 10 s, so 20 in the mean. Old and new differ in nothing.
const CALLS: &str = "version = 1\nname = \"calls\"\nhorizon = \"10s\"\npolicies = [\"old\", \"new\"]\n\
     [[workload]]\nname = \"calls\"\nstarts = { exponential = \"500ms\" }\nevery = { exponential = \"500ms\" }\n";

/// As [`CALLS`], of which a limit of one in 10 s refuses almost all.
const LIMITED: &str = "version = 1\nname = \"limited\"\nhorizon = \"10s\"\npolicies = [\"new\"]\n\
     [[workload]]\nname = \"calls\"\nstarts = { exponential = \"500ms\" }\nevery = { exponential = \"500ms\" }\n\
     [[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"generic\"]\nkey = \"global\"\nlimit = 1\nwindow = \"10s\"\n";

/// The backend is down from 5 s to the end, so most runs do not recover.
const STUCK: &str = "version = 1\nname = \"stuck\"\nhorizon = \"20s\"\npolicies = [\"new\"]\n\
     [[workload]]\nname = \"calls\"\nclients = 3\nstarts = { exponential = \"1s\" }\nevery = { exponential = \"1s\" }\n\
     [[fault]]\nkind = \"outage\"\nfrom = \"5s\"\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("calls.toml", CALLS), ("limited.toml", LIMITED), ("stuck.toml", STUCK)] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn run_to(text: &str, precision: &Precision, seed: u64) -> Results {
    let mut study = Study::parse("t.toml", text).expect("a scenario");
    study.seed(seed).expect("a seed");
    study.run_to(precision, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn parse(text: &str) -> Precision {
    Precision::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

fn only(results: &Results) -> &Precise {
    let numbers = &results.precision.as_ref().expect("a precision").numbers;
    assert_eq!(numbers.len(), 1);
    &numbers[0]
}

/// Every file but two is that of `run --replications n`. summary.json and the page say what was asked, and so does the
/// manifest, which lists their hashes.
#[test]
fn the_directory_is_that_of_a_run_with_as_many_replications() {
    let folder = folder();
    let run = |args: &[&str]| run_in(folder.path(), &[&["run", "limited.toml", "--quiet"], args].concat());
    let (code, _, err) = run(&["--precision", "new.requests_total=4%", "--out", "asked"]);
    assert_eq!(code, Some(0), "{err}");
    let summary = |dir: &str| -> Value {
        let bytes = fs::read(folder.path().join(dir).join("summary.json")).expect("a summary");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let asked = summary("asked");
    let replications = asked["replications"].as_u64().expect("a number");
    // 1.96 * sqrt(20) / sqrt(n) is below 4% of 20.8 from n = 120 on.
    assert_eq!(replications, 153);
    let given = replications.to_string();
    let (code, _, err) = run(&["--replications", &given, "--out", "given"]);
    assert_eq!(code, Some(0), "{err}");
    let [ours, theirs] = ["asked", "given"].map(|dir| files(&folder.path().join(dir)));
    assert!(ours.keys().eq(theirs.keys()));
    let differ: Vec<&String> = ours.keys().filter(|name| ours[*name] != theirs[*name]).collect();
    assert_eq!(differ, ["manifest.json", "report.html", "summary.json"]);
    let mut without = asked.clone();
    let precision = without.as_object_mut().and_then(|all| all.remove("precision")).expect("what was asked");
    assert_eq!(without, summary("given"));
    assert_eq!(precision["asked"]["widths"][0], "new.requests_total=4%");
    let manifest: Value = serde_json::from_slice(&ours["manifest.json"]).expect("JSON");
    assert_eq!(manifest["precision"], precision["asked"]);
    // What was read is what was written.
    let read = ResultsDir::open(folder.path().join("asked")).and_then(|dir| dir.results()).expect("results");
    assert_eq!(serde_json::to_value(&read.precision).expect("JSON"), precision);
    // The numbers of threads and the library give the same.
    let (code, _, err) = run(&["--precision", "new.requests_total=4%", "--out", "one", "--threads", "1"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(files(&folder.path().join("one")), ours);
    let study = Study::load(folder.path().join("limited.toml")).expect("a scenario");
    let results = study.run_to(&parse("new.requests_total=4%"), &Control::default()).expect("results");
    assert_eq!(results.policies[0].metrics, read.policies[0].metrics);
    assert_eq!(results.provenance(), read.provenance());
}

/// Touches are refused for a while, which ends sessions under `old`: users, references and several policies.
const REFUSED: &str = "version = 1\nname = \"refused\"\nhorizon = \"100s\"\npolicies = [\"old\", \"new\"]\n\
     [client]\nmodel = \"documented\"\n[fleet]\nusers = 30\nusers-per-network = 3\nopens = { uniform = [\"0s\", \"5s\"] }\n\
     focus-every = { exponential = \"10s\" }\n[backend.touch]\nworkers = 4\nservice = \"10ms\"\n[[backend.limit]]\n\
     kind = \"fixed-window\"\nendpoints = [\"client\", \"tokens\"]\nkey = \"global\"\nlimit = 20\nwindow = \"10s\"\n\
     [[fault]]\nkind = \"status\"\nendpoints = [\"touch\"]\nfrom = \"20s\"\nto = \"80s\"\nstatus = 429\n\
     [[expect]]\nthat = \"new.pool_time_s{pool=touch, quantile=p50} <= 1\"\n";

/// Replications that are interrupted or killed, and continued, give the bytes of those that are not, from any number of threads.
#[test]
fn interrupted_replications_are_resumed_to_the_same_bytes() {
    let folder = folder();
    let dir = folder.path();
    fs::write(dir.join("refused.toml"), REFUSED).expect("a file");
    let args = [
        &["run", "refused.toml", "--quiet", "--precision", "new.requests_total=0.0001"][..],
        &["--max-replications", "80"],
    ]
    .concat();
    let run = |more: &[&str]| run_in(dir, &[&args[..], more].concat());
    let (code, _, err) = run(&["--out", "whole", "--threads", "1"]);
    assert!(code == Some(1) && err.contains("NOT REACHED"), "{err}");
    let (code, _, err) = run(&["--out", "two", "--threads", "2"]);
    assert_eq!(code, Some(1), "{err}");
    let whole = files(&dir.join("whole"));
    assert!(files(&dir.join("two")) == whole);
    for (signal, code) in [("INT", Some(130)), ("KILL", None)] {
        let begun = [&args[..], &["--out", "map", "--threads", "1"]].concat();
        assert_eq!(interrupted(dir, &begun, signal), code, "it was under way");
        assert!(!dir.join("map").exists() && dir.join(".map.unfinished").exists());
        let (code, _, err) = run(&["--out", "map"]);
        assert!(code == Some(2) && err.contains("--resume continues it"), "{err}");
        for (more, says) in [
            (&["--seed", "7"][..], "seed is 1 there and 7 here"),
            (&["--precision", "new.requests_total=9%"], "precision is "),
            (&["--all-sessions"], "all_sessions is false there"),
        ] {
            let (code, _, err) = run(&[&["--out", "map", "--resume"], more].concat());
            assert!(code == Some(2) && err.contains(says), "{says}: {err}");
        }
        let (code, _, err) = run(&["--out", "map", "--resume"]);
        assert!(code == Some(1) && err.contains("NOT REACHED"), "{err}");
        assert!(files(&dir.join("map")) == whole, "{signal}");
        assert!(!dir.join(".map.unfinished").exists() && !dir.join(".map.lock").exists());
        fs::remove_dir_all(dir.join("map")).expect("a directory");
    }
    // There is nothing to continue in results that are whole.
    let (code, _, err) = run(&["--out", "whole", "--resume"]);
    assert!(code == Some(2) && err.contains("name a new directory"), "{err}");
}

/// The same question finds its results there; another one does not replace them.
#[test]
fn results_of_another_question_stay() {
    let folder = folder();
    let run = |args: &[&str]| run_in(folder.path(), &[&["run", "calls.toml", "--out", "o"], args].concat());
    let asked = ["--precision", "new.requests_total=10%"];
    let (code, out, err) = run(&asked);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("Precision: reached for the number asked for after 30 replications"), "{out}");
    let before = files(&folder.path().join("o"));
    let (code, out, err) = run(&asked);
    assert_eq!(code, Some(0), "{out}{err}");
    for other in [
        &["--precision", "new.requests_total=9%"][..],
        &["--replications", "30"],
        &["--precision", "new.requests_total=10%", "--max-replications", "500"],
    ] {
        let (code, _, err) = run(other);
        assert!(code == Some(2) && err.contains("precision"), "{other:?}: {code:?} {err}");
    }
    assert_eq!(files(&folder.path().join("o")), before);
}

/// Calls are Poisson with mean 20, and 20 at most in 55.9% of runs. Of 100 seeds, more than 13 intervals that miss the truth have
/// a probability below a thousandth if each misses with 5%; the sequence of the share misses less.
#[test]
fn intervals_cover_the_truth() {
    let mut term = libm::exp(-20.0);
    let share = (1..=20).fold(term, |sum, n| {
        term *= 20.0 / f64::from(n);
        sum + term
    });
    let precision = parse("new.requests_total=6%").and("new.requests_total <= 20=25%").expect("a precision");
    let policies = "policies = [\"new\"]";
    let text = CALLS.replace("policies = [\"old\", \"new\"]", policies);
    let (mut missed, mut replications) = ([0, 0], 0);
    for seed in 1..=100 {
        let results = run_to(&text, &precision, seed);
        let found = results.precision.expect("a precision");
        assert!(found.reached);
        replications += found.replications();
        for ((number, truth), missed) in found.numbers.iter().zip([20.0, share]).zip(&mut missed) {
            *missed += usize::from(number.ci_low > truth || truth > number.ci_high);
        }
    }
    assert!(missed[0] <= 13 && missed[1] <= 13, "{missed:?}");
    // A half width of 6% / 1.06 of 20 needs (1.96 * 4.47 / 1.13)^2 = 60 runs, so most stop at the look at 68.
    assert!((50..90).contains(&(replications / 100)), "{}", replications / 100);
}

/// A run that does not recover within its horizon counts, and the share of those that do is what is known. No width in seconds
/// can be.
#[test]
fn times_beyond_the_horizon_are_not_dropped() {
    let results = run_to(STUCK, &parse("new.time_to_recover_s=10%"), 1);
    let number = only(&results);
    assert_eq!(number.what, Estimated::ShareWithin);
    let never =
        results.policies[0].metric("time_to_recover_s").values.iter().filter(|v| v.is_infinite()).count();
    assert_eq!(number.without as usize, never);
    assert!(number.reached && number.half_width <= 0.1 && number.value < 0.2, "{number:?}");
    let results = run_to(STUCK, &parse("new.time_to_recover_s=2").at_most(40).expect("a bound"), 1);
    let number = only(&results);
    assert!(!number.reached && number.without > 0 && results.replications == 40, "{number:?}");
}

/// What is equal in every run needs 158 of them, which the look at 230 is the first to have. Policies that do not differ have
/// a paired difference of zero.
#[test]
fn what_never_happens_is_not_known_after_a_few_runs() {
    let results = run_to(CALLS, &parse("new.requests_total - old.requests_total=5%"), 1);
    let number = only(&results);
    assert_eq!((results.replications, number.value.to_bits(), number.reached), (230, 0, true));
    assert!(number.may_differ.is_some_and(|share| share < 0.05));
    let results = run_to(CALLS, &parse("new.responses_429=5%").at_most(153).expect("a bound"), 1);
    assert!(!only(&results).reached);
}

/// The floor is enough for a mean near zero, and is said; the bound ends what does not come to an end, with exit code 1.
#[test]
fn the_floor_and_the_bound_end_a_run() {
    let folder = folder();
    let run = |args: &[&str]| run_in(folder.path(), &[&["run", "limited.toml"], args].concat());
    let asked = ["--precision", "new.requests_total=0.1%", "--max-replications", "60"];
    let (code, out, _) = run(&[&asked[..], &["--out", "a"]].concat());
    assert_eq!(code, Some(1));
    assert!(
        out.contains("NOT REACHED for 1 of 1 number after 60 replications (looks at 30, 45, 60; at most 60)"),
        "{out}"
    );
    let (code, out, err) = run(&[&asked[..], &["--out", "b", "--quiet"]].concat());
    assert!(code == Some(1) && out.is_empty() && err.contains("NOT REACHED"), "{out}{err}");
    let (code, out, _) = run(&[&asked[..], &["--out", "c", "--precision-floor", "2"]].concat());
    assert_eq!(code, Some(0));
    assert!(out.contains("the floor of 2 requests is enough; asked 0.1%; reached"), "{out}");
}

/// A width alone is that of requests and of the harms that something can move: calls without a limit can get no 429.
#[test]
fn a_width_alone_names_requests_and_harms() {
    let names = |text: &str| -> Vec<String> {
        let results = run_to(text, &parse("50%"), 1);
        results.precision.expect("a precision").numbers.into_iter().map(|number| number.of).collect()
    };
    let calls = names(CALLS);
    assert!(
        calls.contains(&"old.requests_total".to_owned()) && calls.contains(&"new.callers_gave_up".to_owned())
    );
    assert!(!calls.contains(&"new.responses_429".to_owned()), "{calls:?}");
    assert!(names(LIMITED).contains(&"new.responses_429".to_owned()));
}

#[test]
fn bad_requests_are_refused_before_the_first_run() {
    let folder = folder();
    for (args, says) in [
        (&["--precision", "new.requests_total"][..], "has no width"),
        (&["--precision", "new.requests_total=0%"], "has no width"),
        (&["--precision", "120%"], "has no width"),
        (&["--precision", "12"], "names no number"),
        (&["--precision", "new.request_total=5%"], "requests_total"),
        (&["--precision", "knew.requests_total=5%"], "old, new"),
        (&["--precision", "=5%"], "policy.metric"),
        (&["--precision", "baseline(new.requests_total)=5%"], "baseline"),
        (&["--precision", "5%", "--precision-floor", "-1"], "--precision-floor"),
        (&["--precision", "5%", "--max-replications", "1"], "--max-replications"),
        (&["--precision", "5%", "--max-replications", "20000"], "10000"),
        (&["--precision", "5%", "--replications", "3"], "cannot be used with"),
        (&["--precision-floor", "1"], "--precision"),
        (&["--resume"], "--precision"),
    ] {
        let (code, out, err) =
            run_in(folder.path(), &[&["run", "calls.toml", "--out", "bad"], args].concat());
        assert!(code == Some(2) && out.is_empty() && err.contains(says), "{args:?}: {code:?} {err}");
        assert!(!Path::new(&folder.path().join("bad")).exists());
    }
}
