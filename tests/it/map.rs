//! `authstorm map`: the published region of a database with retries, time to recover against capacity, the same bytes from every
//! machine and after every interruption, and errors.

use super::common::{binary, files, root, run_in};
use authstorm::experiment::map::{Kind, Map, Question};
use authstorm::experiment::vary::Vary;
use authstorm::kernel::Dur;
use authstorm::{Control, Study};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const DATABASE: &str = "tests/fixtures/metastable/database-retries.toml";
const CLIENTS: &str = "workload[0].clients";

fn vary(text: &str) -> Vary {
    Vary::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

fn study() -> Study {
    Study::load(root().join(DATABASE)).expect("a scenario")
}

fn mapped(study: &Study, question: &Question) -> Map {
    study.map(question, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// The kinds of a policy's cells, by load and trigger.
fn kinds(map: &Map) -> BTreeMap<(String, String), Kind> {
    let cells = map.policies[0].cells.iter();
    cells.map(|cell| ((cell.load.clone(), cell.trigger.clone()), cell.kind)).collect()
}

/// HotOS '21: stable below 150/s whatever the outage, vulnerable up to 300/s, and 280/s does not come back from 10 s.
#[test]
fn the_published_region_of_a_database_with_retries() {
    let load = vary(&format!("{CLIENTS}=100,140,200,280,330"));
    let question = Question::new(load, vary("fault[0].to=21s,30s,50s"));
    let map = mapped(&study(), &question);
    let kinds = kinds(&map);
    let kind = |load: &str, to: &str| kinds[&(load.to_owned(), to.to_owned())];
    for to in ["21s", "30s", "50s"] {
        for load in ["100", "140"] {
            assert_eq!(kind(load, to), Kind::Stable, "{load} {to}");
        }
        // More than the database serves is no metastable failure.
        assert_eq!(kind("330", to), Kind::Overloaded, "{to}");
    }
    assert_eq!(kind("200", "50s"), Kind::NotBack);
    assert_eq!(kind("280", "30s"), Kind::NotBack);
    // What hangs on the trigger is vulnerable: the same load comes back from a short one.
    assert_eq!(kind("200", "21s"), Kind::Stable);
    let policy = &map.policies[0];
    assert_eq!((policy.keeps_up_to.as_deref(), policy.falls_at.as_deref()), (Some("280"), Some("330")));
    let ends = policy.triggers.iter().find(|ends| ends.trigger == "30s").expect("a trigger");
    assert_eq!((ends.back_up_to.as_deref(), ends.not_back_at.as_deref()), (Some("140"), Some("200")));
    // Counts add up, and the bound of five of five holds for 15 cells together: (0.05 / 15 / 2)^(1/5).
    for cell in policy.cells.iter().filter(|cell| cell.kind != Kind::Overloaded) {
        assert_eq!((cell.runs, cell.struck), (5, 5));
        assert_eq!(cell.at_once + cell.later + cell.not_back, 5, "{cell:?}");
    }
    let stuck = policy.cells.iter().find(|cell| cell.load == "280" && cell.trigger == "30s").expect("a cell");
    let bound = libm::pow(0.05 / 15.0 / 2.0, 0.2);
    assert!((stuck.not_back_low.expect("a bound") - bound).abs() < 1e-9, "{stuck:?}");
    assert_eq!((stuck.not_back_high, stuck.median_s), (Some(1.0), None));
    assert!((stuck.within_s - 50.0).abs() < 1e-9);
    let words = map.in_words();
    let says = "under new, with fault[0].to = 30s, it does not come back at workload[0].clients = 200, which it carries without a \
                trigger: 5 of 5 runs are not back within 50 s (at least 27.";
    assert!(words.iter().any(|said| said.starts_with(says)), "{words:#?}");
    let says = "it falls by itself at 330 and comes back from this trigger up to 140 only";
    assert!(words.iter().any(|said| said.ends_with(says)), "{words:#?}");
}

/// 280 queries/s become 560/s and stay there: each comes twice, and next to none is answered in time.
#[test]
fn the_retries_keep_the_database_down() {
    let results = study().replications(2).expect("two").run().expect("it runs");
    let timelines = &results.policies[0].timelines;
    for timeline in timelines {
        let calls = |from: usize, to: usize| -> f64 {
            let sent = timeline.buckets[from..to].iter().flat_map(|bucket| bucket.calls.iter().flatten());
            sent.sum::<u64>() as f64 / (to - from) as f64
        };
        // Poisson counts over 18 s and 40 s: four standard deviations.
        assert!((calls(2, 20) - 280.0).abs() < 16.0, "{}", calls(2, 20));
        assert!((calls(35, 75) - 560.0).abs() < 25.0, "{}", calls(35, 75));
    }
}

/// A planner's question: which capacity comes back from the outage? Twice the load does, since each query comes twice.
#[test]
fn time_to_recover_against_capacity() {
    let question = Question {
        is_capacity: true,
        at_once: Dur::from_secs(2),
        ..Question::new(vary("backend.pool[0].workers=2,3,4,6,7"), vary("fault[0].to=25s,30s"))
    };
    let map = mapped(&study(), &question);
    let kinds = kinds(&map);
    let of: Vec<Kind> = ["2", "3", "4", "6", "7"].map(|n| kinds[&(n.to_owned(), "30s".to_owned())]).to_vec();
    assert_eq!(of[..3], [Kind::Overloaded, Kind::NotBack, Kind::NotBack]);
    assert!(of[3..].iter().all(|kind| matches!(kind, Kind::Stable | Kind::Recovers)), "{of:?}");
    let policy = &map.policies[0];
    assert_eq!((policy.keeps_up_to.as_deref(), policy.falls_at.as_deref()), (Some("3"), Some("2")));
    for ends in &policy.triggers {
        assert_eq!((ends.back_up_to.as_deref(), ends.not_back_at.as_deref()), (Some("6"), Some("4")));
    }
    // More capacity does not take longer.
    let median = |load: &str| {
        let cell =
            policy.cells.iter().find(|cell| cell.load == load && cell.trigger == "30s").expect("a cell");
        cell.median_s.expect("it comes back")
    };
    assert!(median("7") <= median("6") && median("6") > 0.9, "{} {}", median("6"), median("7"));
    assert!(
        map.in_words().iter().any(|said| said.contains("comes back at backend.pool[0].workers down to 6: "))
    );
}

/// "Stable" is said of what the trigger struck only.
#[test]
fn a_trigger_that_strikes_nothing_shows_nothing() {
    let text = fs::read_to_string(root().join(DATABASE)).expect("a file");
    let text = text
        .replace("endpoints = [\"generic\"]\nfrom", "endpoints = [\"generic\"]\nregions = [\"eu\"]\nfrom");
    let text = text.replace("name = \"web\"", "name = \"web\"\nregion = \"us\"");
    let text = format!("{text}\n[[workload]]\nname = \"none\"\nregion = \"eu\"\nat = [\"79s\"]\n");
    let study = Study::parse("a.toml", &text).expect("a scenario");
    let map = mapped(&study, &Question::new(vary(&format!("{CLIENTS}=20,40")), vary("fault[0].to=25s,30s")));
    assert!(map.policies[0].cells.iter().all(|cell| cell.kind == Kind::NotExercised && cell.struck == 0));
    let ends = &map.policies[0].triggers[0];
    assert_eq!((&ends.back_up_to, &ends.not_back_at), (&None, &None));
    let words = map.in_words();
    assert!(
        words.iter().any(|said| said.contains("strikes nothing at workload[0].clients = 20, 40")),
        "{words:?}"
    );
}

fn map(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let scenario = root().join(DATABASE);
    run_in(dir, &[&["map", &scenario.to_string_lossy()], args].concat())
}

const SMALL: [&str; 6] = ["--set", "horizon=50s", "--replications", "2", "--trigger", "fault[0].to=25s,30s"];

#[test]
fn threads_and_interruptions_change_no_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let load = format!("{CLIENTS}=100,200,280");
    let args = |out: &str, more: &[&str]| -> Vec<String> {
        let ramp = ["--load", &load, "--ramp", "8s", "--quiet", "--out", out];
        let all = [&SMALL[..], &ramp, more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let run = |out: &str, more: &[&str]| {
        let args = args(out, more);
        map(dir, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    for (out, threads) in [("one", "1"), ("seven", "7")] {
        let (code, _, err) = run(out, &["--threads", threads]);
        assert_eq!(code, Some(0), "{err}");
    }
    let one = files(&dir.join("one"));
    assert!(one == files(&dir.join("seven")));
    let names = [
        "manifest.json",
        "map.csv",
        "map.json",
        "map.png",
        "map.svg",
        "map.txt",
        "ramp.csv",
        "report.html",
        "scenario.toml",
        "values.csv",
    ];
    assert!(one.keys().eq(names.iter()), "{:?}", one.keys());
    let mut command = Command::new(binary());
    command.current_dir(dir).arg("map").arg(root().join(DATABASE)).args(args("map", &["--threads", "1"]));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
    let journal = dir.join(".map.unfinished/journal.jsonl");
    for _ in 0..60_000 {
        let lines = fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count());
        if lines > 3 || child.try_wait().expect("a child").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("a child");
    child.wait().expect("it ends");
    assert!(!dir.join("map").exists(), "it was under way");
    let (code, _, err) = run("map", &["--resume", "--at-once", "9s"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("at_once is 5s there and 9s here"), "{err}");
    let (code, _, err) = run("map", &["--resume"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(files(&dir.join("map")) == one);
}

#[test]
fn tables_are_tidy() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = format!("{CLIENTS}=100,280");
    let small = [&SMALL[..], &["--load", &load]].concat();
    let (code, out, err) = map(folder.path(), &[&small[..], &["--out", "map", "--json"]].concat());
    assert_eq!(code, Some(0), "{err}");
    let read: Map = serde_json::from_str(&out).expect("the form of its schema");
    let rows = |name: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(folder.path().join("map").join(name)).expect("a table");
        reader.deserialize().map(|row| row.expect("a row")).collect()
    };
    let cells = rows("map.csv");
    let outcomes: Vec<&str> = cells.iter().map(|row| row["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["stable", "stable", "not-back", "not-back"]);
    assert_eq!(read.policies[0].cells.len(), 4);
    let values = rows("values.csv");
    // Two runs of four cells and of two loads without a trigger.
    assert_eq!(values.len(), 12);
    let never = values.iter().filter(|row| row["time_to_recover_s"] == "inf").count();
    assert_eq!(never, 4, "two runs of two cells");
    assert_eq!(values.iter().filter(|row| row["fault[0].to"].is_empty()).count(), 4);
    let (_, csv, _) = map(folder.path(), &[&small[..], &["--out", "csv", "--format", "csv"]].concat());
    assert!(csv.starts_with("policy,workload[0].clients,fault[0].to,outcome,runs,struck,"), "{csv}");
    let (_, md, _) = map(folder.path(), &[&small[..], &["--out", "md", "--format", "md"]].concat());
    assert!(md.starts_with("| policy | workload[0].clients | fault[0].to | outcome | runs |"), "{md}");
    let (_, out, _) = map(folder.path(), &[&small[..], &["--out", "table"]].concat());
    assert!(out.contains("Not back is not never"), "{out}");
    let page = fs::read_to_string(folder.path().join("table/report.html")).expect("a page");
    assert!(
        page.ends_with("</html>\n") && page.contains("not back within 25 s"),
        "the trigger ends at 25 s of 50 s"
    );
}

/// With room for 900 waiting calls, the database falls when more than 300 queries/s come, and retries keep it down until fewer than
/// half of that come. From 140/s the queue would empty by 20 calls a second, which takes longer than a step.
#[test]
fn a_slow_ramp_tells_hysteresis() {
    let room = ["backend.pool[0].queue=900".to_owned(), "replications=2".to_owned()];
    let study = Study::load_with(root().join(DATABASE), &room).expect("a scenario");
    let load = vary(&format!("{CLIENTS}=100,200,330"));
    let mut question = Question::new(load, vary("fault[0].to=21s,22s"));
    question.ramp = Some(Dur::from_secs(20));
    let map = mapped(&study, &question);
    let ramp = map.policies[0].ramp.as_ref().expect("a ramp");
    let steps: Vec<(u32, bool, u64)> =
        ramp.steps.iter().map(|step| (step.load, step.rising, step.carried)).collect();
    assert_eq!(
        steps,
        [(100, true, 2), (200, true, 2), (330, true, 0), (200, false, 0), (100, false, 2)],
        "{ramp:?}"
    );
    assert_eq!((ramp.falls.median, ramp.comes_back.median), (Some(330.0), Some(100.0)));
    assert_eq!(ramp.hysteresis, Some([230.0; 3]));
    // Two of two, for five steps together: (0.05 / 5 / 2)^(1/2).
    assert!((ramp.steps[0].carried_low - libm::sqrt(0.05 / 5.0 / 2.0)).abs() < 1e-9, "{ramp:?}");
    let words = map.in_words();
    let says = "hysteresis under new: a run comes back 230 below the load at which it falls";
    assert!(words.iter().any(|said| said == says), "{words:#?}");
}

#[test]
fn a_bad_map_is_refused_before_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = format!("{CLIENTS}=100,280");
    let trigger = "fault[0].to=25s,30s";
    let cases: [(&[&str], &str); 18] = [
        (&["--load", "workload[0].clints=1,2", "--trigger", trigger], "did you mean `clients`"),
        (&["--load", "workload[0].name=a,b", "--trigger", trigger], "neither loads nor capacities"),
        (&["--load", &load, "--trigger", "fault[0].too=25s,30s"], "did you mean"),
        (&["--load", &load, "--trigger", "fault[1].to=25s,30s"], "--trigger:1:"),
        (&["--load", "workload[1].clients=1,2", "--trigger", trigger], "--load:1:"),
        (&["--capacity", "workload[1].clients=1,2", "--trigger", trigger], "--capacity:1:"),
        (
            &["--load", &load, "--trigger", "backend.generic.timeout=1s,2s"],
            "is no trigger; allowed: a key of a fault or of an action",
        ),
        (&["--load", &load, "--trigger", "fault[0].to=25s..30s"], "write KEY=LO..HI/STEPS"),
        (&["--load", &load, "--trigger", "fault[0].to=70s,80s"], "does not end before the run does"),
        (&["--load", &load, "--trigger", "fault[0].repeat-every=30s,40s"], "comes back, or does not end"),
        (&["--load", &load, "--load", &load, "--trigger", trigger], "cannot be used multiple times"),
        (&["--load", &load, "--capacity", &load, "--trigger", trigger], "cannot be used with"),
        (
            &["--load", "workload[0].clients=1..3000", "--trigger", trigger],
            "a map of 3000 x 2 cells; allowed: 2500 at most",
        ),
        (&["--trigger", trigger], "--load"),
        (&["--load", &load, "--trigger", trigger, "--ramp", "3s"], "fewer than 4 buckets of 1s"),
        (&["--load", &load, "--trigger", trigger, "--ramp", "soon"], "--ramp"),
        (
            &["--load", "fault[0].add=1s,2s", "--trigger", trigger, "--ramp", "20s"],
            "allowed with --ramp: the number of clients of a workload",
        ),
        (&["--capacity", &load, "--trigger", trigger, "--ramp", "20s"], "cannot be used with"),
    ];
    for (args, says) in cases {
        let (code, out, err) = map(folder.path(), &[args, &["--out", "map"]].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
    let (code, out, _) = map(folder.path(), &["--load", &load, "--trigger", trigger, "--estimate"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("6 points x 1 policy x 5 replications = 30 runs; about "), "{out}");
    assert_eq!(files(folder.path()).len(), 0, "nothing is written");
}
