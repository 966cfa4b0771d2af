//! `authstorm find`: answers that are known in closed form, the command, and its errors.

use super::common::{authstorm, run_in, said};
use authstorm::experiment::find::{Found, Question, Verdict};
use authstorm::experiment::vary::Vary;
use authstorm::{Control, Study};
use std::fs;

/// Poisson calls at a limit. The run is `seconds` long, and `per_s` calls come each second.
pub(super) fn scenario(per_s: f64, seconds: u32, seed: u64, limit: &str, backend: &str) -> String {
    let between = format!("{{ exponential = \"{}ms\" }}", 1_000.0 / per_s);
    format!(
        "version = 1\nname = \"poisson\"\nseed = {seed}\nhorizon = \"{seconds}s\"\npolicies = [\"new\"]\n\
         [[workload]]\nname = \"calls\"\nstarts = {between}\nevery = {between}\n\
         [backend]\n{backend}\n[[backend.limit]]\nendpoints = [\"generic\"]\nkey = \"global\"\n{limit}\n"
    )
}

fn find(text: &str, key: &str, share: f64) -> Found {
    let study = Study::parse("poisson.toml", text).unwrap_or_else(|e| panic!("{e}"));
    let vary = Vary::parse(&format!("backend.limit[0].{key}=1..64")).expect("a range");
    let question = Question { share, ..Question::new(vary, "new.responses_429 == 0") };
    study.find(&question, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// The smallest limit at which a share of runs refuses nothing, from closed forms: calls of a whole window are Poisson
/// (fixed window); an absorbing chain (Stewart 2009, section 10) for places that calls hold for an exponential time; the
/// workload of M/D/1 below a ceiling (token bucket). The chance of a wrong answer is at most 5%, so more than 3 of 6 wrong
/// ones have a probability below .0001.
#[test]
fn limits_with_a_known_answer_are_found() {
    let window = |limit: &str, seconds: u32| {
        format!("kind = \"fixed-window\"\nlimit = {limit}\nwindow = \"{seconds}s\"")
    };
    let bucket = |per_s: &str| format!("kind = \"token-bucket\"\nrate = \"{per_s}\"\nburst = 1");
    let places = "kind = \"concurrency\"\nlimit = 1".to_owned();
    // Calls per second, length, limit, what the servers do, key, share, smallest value.
    type Case = (f64, u32, String, &'static str, &'static str, f64, f64);
    let cases: [Case; 6] = [
        (0.5, 60, window("1", 10), "", "limit", 0.95, 11.0),
        (0.1, 3_600, window("1", 60), "", "limit", 0.95, 15.0),
        (0.5, 60, bucket("1/s"), "", "burst", 0.95, 5.0),
        (0.2, 300, bucket("1/2s"), "", "burst", 0.95, 5.0),
        (0.5, 60, bucket("1/s"), "", "burst", 0.5, 3.0),
        (1.0, 10, places, "latency = { exponential = \"1s\" }", "limit", 0.95, 5.0),
    ];
    let mut wrong = 0;
    for (per_s, seconds, limit, backend, key, share, smallest) in cases {
        let found = find(&scenario(per_s, seconds, 1, &limit, backend), key, share);
        assert_eq!(found.contradiction, None, "{found:?}");
        let is_wrong = found.enough.as_ref().is_some_and(|claim| claim.number < smallest)
            || found.not_enough.as_ref().is_some_and(|claim| claim.number >= smallest);
        wrong += u32::from(is_wrong);
        assert!(matches!(found.verdict, Verdict::Bracket | Verdict::Neighbours), "{smallest}: {found:?}");
    }
    assert!(wrong <= 3, "{wrong} of 6 answers are wrong");
}

const OFFICE: [&str; 9] = [
    "find",
    "office.toml",
    "--vary",
    "backend.limit[0].limit=1..40",
    "--target",
    "new.responses_429 == 0",
    "--max-memory",
    "1GiB",
    "--seed=5",
];

pub(super) fn office() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let limit = "kind = \"fixed-window\"\nlimit = 1\nwindow = \"10s\"";
    fs::write(folder.path().join("office.toml"), scenario(0.5, 60, 1, limit, "")).expect("a file");
    folder
}

#[test]
fn the_answer_is_told_and_does_not_depend_on_threads() {
    let folder = office();
    let told = |more: &[&str]| {
        let (code, out, err) = run_in(folder.path(), &[&OFFICE[..], more].concat());
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        out
    };
    let one = told(&["--json", "--threads", "1", "--out", "one"]);
    assert_eq!(one, told(&["--json", "--threads", "5", "--out", "five"]));
    let words = told(&["--set", "bucket=2s"]);
    let anew = "authstorm run office.toml --set bucket=2s --set 'backend.limit[0].limit=";
    let place = "results in results/poisson-find\n";
    for part in ["is enough", "too little", "fresh runs", "is at most 5%", anew, "--seed 6 ", place] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let csv = told(&["--format", "csv", "--out", "csv"]);
    assert!(
        csv.starts_with("value,number,fresh,fresh_meet,low,high,explored,explored_meet,fitted\n"),
        "{csv}"
    );
    assert!(told(&["--format", "md", "--out", "md"]).contains("| value | fresh runs |"));
}

#[test]
fn a_target_met_nowhere_everywhere_or_by_nothing_is_said() {
    let folder = office();
    let told = |vary: &str, target: &str, bucket: &str| {
        let set = format!("bucket={bucket}");
        let args = ["find", "office.toml", "--set", &set, "--vary", vary, "--target", target];
        let (code, out, err) = run_in(folder.path(), &args);
        assert_eq!(err, "");
        fs::remove_dir_all(folder.path().join("results")).expect("whatever the answer, it is written");
        (code, out)
    };
    let (code, out) = told("backend.limit[0].limit=1..4", "new.responses_429 == 0", "1s");
    assert_eq!(code, Some(1));
    assert!(out.starts_with("No value of the range is enough"), "{out}");
    let (code, out) = told("backend.limit[0].limit=30..40", "new.responses_429 == 0", "1s");
    assert_eq!(code, Some(0));
    assert!(out.starts_with("Every value looked at is enough"), "{out}");
    // In a few milliseconds, a call comes in one run of a thousand.
    let (code, out) = told("horizon=1ms..2ms", "new.responses_429 == 0", "1ms");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.starts_with("Not judged: in "), "{out}");
}

/// Of 6 windows with 5 calls each in the mean, 42.4% of runs refuse nothing at 7 a window, and 65.5% at 8: that 7 is too little for 43% takes
/// more runs than a search makes, and the answer is yes nevertheless.
#[test]
fn a_value_that_is_enough_is_an_answer_where_none_is_too_little() {
    let folder = office();
    let asked =
        ["--vary", "backend.limit[0].limit=7..16", "--target", "new.responses_429 == 0", "--share", "43%"];
    let (code, out, err) = run_in(folder.path(), &[&["find", "office.toml"], &asked[..]].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("is enough: at least 43% of runs meet `new.responses_429 == 0`; no value is shown to be too little.\n"), "{out}");
    assert!(out.contains("\nAgain: authstorm find office.toml ") && !out.contains("--out judged."), "{out}");
}

#[test]
fn the_largest_value_is_found_too() {
    let folder = office();
    // Twice as many clients ask twice as often: 11 a window are enough for one, so that 24 are enough for 3 or 4.
    let args = [
        "find",
        "office.toml",
        "--set",
        "backend.limit[0].limit=24",
        "--vary",
        "workload[0].clients=1..12",
        "--target",
        "new.responses_429 == 0",
        "--largest",
        "--json",
    ];
    let (code, out, err) = run_in(folder.path(), &args);
    assert_eq!(code, Some(0), "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let (enough, too_much) = (&found["enough"]["number"], &found["not-enough"]["number"]);
    assert!(enough.as_f64() < too_much.as_f64(), "{found}");
}

#[test]
fn a_bad_question_is_refused_before_a_run() {
    let folder = office();
    for (vary, target, says) in [
        ("backend.limit[0].limt=1..4", "new.responses_429 == 0", "did you mean `limit`"),
        ("backend.limit[0].limit=4..1", "new.responses_429 == 0", "the first value is not below the second"),
        ("backend.limit[0].limit=a..b", "new.responses_429 == 0", "not two numbers with the same unit"),
        ("backend.limit[0].limit", "new.responses_429 == 0", "no `=` after the key"),
        ("backend.limit[0].key=1..4", "new.responses_429 == 0", "--vary:1"),
        ("backend.limit[0].limit=1..4", "new.response_429 == 0", "responses_429"),
        ("backend.limit[0].limit=1..4", "neu.responses_429 == 0", "--target:1:1"),
        ("backend.limit[0].limit=1..4", "new.responses_429", "a condition without an operator"),
        ("backend.limit[1].limit=1..4", "new.responses_429 == 0", "--vary:1"),
    ] {
        let (code, out, err) =
            run_in(folder.path(), &["find", "office.toml", "--vary", vary, "--target", target]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{vary} {target}: {err}");
        assert!(err.contains(says), "{vary} {target}: {err}");
    }
    let shares = authstorm().args(OFFICE).args(["--share", "100%"]).output().expect("the command runs");
    assert_eq!(shares.status.code(), Some(2));
    assert!(said(&shares).contains("strictly between 0% and 100%"), "{}", said(&shares));
}

/// A search that would take weeks is refused before its first run, unless it is asked for twice.
#[test]
fn a_search_tells_its_size_before_a_run() {
    let folder = office();
    let find = |more: &[&str]| {
        let args = ["find", "office.toml", "--target", "new.responses_429 == 0", "--out", "o"];
        run_in(folder.path(), &[&args[..], more].concat())
    };
    let small = ["--vary", "backend.limit[0].limit=1..4"];
    let (code, out, err) = find(&[&small[..], &["--estimate"]].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("About 4,000 runs, or three times as many"), "{out}");
    let (_, json, _) = find(&[&small[..], &["--estimate", "--json"]].concat());
    let cost: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(
        cost["events"].as_f64() > Some(0.0) && cost["refused"].as_array().is_some_and(Vec::is_empty),
        "{cost}"
    );
    let large = ["--vary", "workload[0].clients=100000..1000000"];
    let (code, out, err) = find(&large);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("more than 10 G events need --yes"), "{err}");
    let (code, out, err) = find(&[&large[..], &["--estimate"]].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("\nrefused: about 4,000 runs"), "{out}");
    assert!(!folder.path().join("o").exists() && !folder.path().join(".o.unfinished").exists());
}
