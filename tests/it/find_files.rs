//! The directory of `authstorm find`: its files agree with each other and with the library, and are the same after an interruption.

use super::common::{files, run_in};
use super::find::{office, scenario};
use super::sweep_resume::interrupted_after;
use authstorm::experiment::find::search::{Asked, Stage, Trial};
use authstorm::experiment::find::{Finder, Found, Keeper, Question, Ran};
use authstorm::experiment::vary::Vary;
use authstorm::stats::Trials;
use authstorm::{Control, Error, Study};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

const VARY: &str = "backend.limit[0].limit=1..16";
const TARGET: &str = "new.responses_429 == 0";
/// 80% of runs with 80% confidence: 9 a window are enough, as 6 windows with 5 calls each in the mean tell.
const ARGS: [&str; 10] = [
    "find",
    "office.toml",
    "--vary",
    VARY,
    "--target",
    TARGET,
    "--share=80%",
    "--confidence=80%",
    "--quiet",
    "--out",
];

fn question() -> Question {
    let vary = Vary::parse(VARY).expect("a range");
    Question { share: 0.8, confidence: 0.8, ..Question::new(vary, TARGET) }
}

fn study() -> Study {
    let limit = "kind = \"fixed-window\"\nlimit = 1\nwindow = \"10s\"";
    Study::parse("office.toml", &scenario(0.5, 60, 1, limit, "")).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_files_say_what_the_library_says() {
    let folder = office();
    let (code, out, err) = run_in(folder.path(), &[&ARGS[..], &["answer"]].concat());
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    let written = files(&folder.path().join("answer"));
    let names = [
        "curve.csv",
        "find.json",
        "find.png",
        "find.svg",
        "find.txt",
        "manifest.json",
        "report.html",
        "runs.csv",
        "scenario.toml",
    ];
    assert!(written.keys().eq(names.iter()), "{:?}", written.keys());
    let text = |name: &str| String::from_utf8(written[name].clone()).expect("UTF-8");
    let found = study().find(&question(), &Control::default()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(text("find.json"), found.json());
    let rows = |name: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_reader(&written[name][..]);
        reader.deserialize().map(|row| row.expect("a row")).collect()
    };
    // The curve counts the runs, and no run of a claim explored.
    let (runs, curve) = (rows("runs.csv"), rows("curve.csv"));
    assert_eq!((runs.len() as u64, curve.len()), (found.runs, found.rates.len()));
    for (row, rate) in curve.iter().zip(&found.rates) {
        let count = |explores: bool, meets: bool| {
            let is = |run: &&BTreeMap<String, String>| {
                run["value"] == row["value"]
                    && (run["stage"] == "explore") == explores
                    && (!meets || run["meets"] == "true")
            };
            runs.iter().filter(is).count().to_string()
        };
        assert_eq!([&row["fresh"], &row["fresh_meet"]], [&count(false, false), &count(false, true)]);
        assert_eq!([&row["explored"], &row["explored_meet"]], [&count(true, false), &count(true, true)]);
        // The interval is of the fresh runs, whatever explored.
        match (rate.low, rate.high) {
            (Some(low), Some(high)) => {
                let fresh = Trials { passes: rate.fresh_meet, fails: rate.fresh - rate.fresh_meet };
                assert_eq!((low, high), fresh.share_at_any_time(0.95), "{rate:?}");
            }
            ends => assert_eq!((ends, rate.fresh), ((None, None), 0)),
        }
    }
    let replications = |explores: bool| -> Vec<u32> {
        let of = runs.iter().filter(|run| (run["stage"] == "explore") == explores);
        of.map(|run| run["replication"].parse().expect("a number")).collect()
    };
    assert!(replications(true).iter().max() < replications(false).iter().min(), "fresh runs");
    for (claim, stage) in [(&found.enough, "enough"), (&found.not_enough, "not-enough")] {
        let claim = claim.as_ref().expect("a claim");
        // The attempt that shows a claim is the last one of its stage.
        let of: Vec<&BTreeMap<String, String>> = runs.iter().filter(|run| run["stage"] == stage).collect();
        assert_eq!(of.last().expect("its runs")["value"], claim.value);
        assert!(text("find.svg").contains(&format!("\n{}: ", claim.value)), "{stage} is marked");
    }
    assert!(text("find.txt").starts_with(&format!("{}.\n", found.headline())));
    assert!(text("find.txt").contains("Again: authstorm find office.toml --vary "));
    let page = text("report.html");
    assert!(page.ends_with("</html>\n") && page.contains("Every value looked at") && page.contains("<svg"));
    assert!(page.contains("<bdi>backend.limit[0].limit = "), "a key is written as it is");
    // The curve is of fresh runs and does not fall.
    let fitted: Vec<f64> = found.rates.iter().filter_map(|rate| rate.fitted).collect();
    assert!(fitted.is_sorted() && found.rates.iter().all(|rate| rate.fitted.is_some() == (rate.fresh > 0)));
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), curve.len());
    // A place is taken once.
    let (code, _, err) = run_in(folder.path(), &[&ARGS[..], &["answer"]].concat());
    assert_eq!(code, Some(2));
    assert!(err.contains("is there already; name a new directory"), "{err}");
}

/// Starts the search, waits for rows of a stage, ends it by a signal, and cuts the journal in the middle of that stage.
fn interrupted(dir: &Path, stage: &str, signal: &str) -> Option<i32> {
    let word = format!("\"stage\":\"{stage}\"");
    let args = [&ARGS[..], &["map", "--threads", "1"]].concat();
    let code = interrupted_after(dir, &args, &word, signal);
    let journal = dir.join(".map.unfinished/journal.jsonl");
    let text = fs::read_to_string(&journal).expect("the journal");
    let (third, _) = text.match_indices(&word).nth(3).expect("four rows");
    fs::write(&journal, &text[..third]).expect("a torn journal");
    code
}

#[test]
fn threads_and_interruptions_change_no_byte() {
    let folder = office();
    let dir = folder.path();
    let run = |more: &[&str]| run_in(dir, &[&ARGS[..], more].concat());
    assert_eq!(run(&["whole", "--threads", "7"]).0, Some(0));
    let whole = files(&dir.join("whole"));
    let unfinished = dir.join(".map.unfinished");
    for (stage, signal, expected) in [("explore", "INT", Some(130)), ("enough", "KILL", None)] {
        assert_eq!(interrupted(dir, stage, signal), expected, "it was under way");
        assert!(!dir.join("map").exists() && unfinished.exists());
        let (code, _, err) = run(&["map"]);
        assert_eq!(code, Some(2));
        assert!(err.contains("--resume continues it"), "{err}");
        for (more, says) in [
            (&["--seed", "7"][..], "seed is 1 there and 7 here"),
            (&["--fine"], "fine is false there and true here"),
            (&["--tolerance", "3%"], "tolerance is null there and 0.03 here"),
        ] {
            let (code, _, err) = run(&[&["map", "--resume"], more].concat());
            assert_eq!(code, Some(2), "{err}");
            assert!(err.contains(says), "{says}: {err}");
        }
        let (code, _, err) = run(&["map", "--resume"]);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert!(files(&dir.join("map")) == whole, "{stage}");
        assert!(!unfinished.exists() && !dir.join(".map.lock").exists());
        fs::remove_dir_all(dir.join("map")).expect("a directory");
    }
}

/// Keeps runs in memory, and counts those that are new.
#[derive(Default)]
struct Memory {
    kept: BTreeMap<u64, Ran>,
    new: Mutex<BTreeMap<u64, Ran>>,
    stages: Mutex<Vec<Stage>>,
}

impl Keeper for Memory {
    type Error = Error;

    fn begins(&self, asked: &Asked<'_>) {
        assert!(asked.done < asked.most, "{asked:?}");
        self.stages.lock().expect("a list").push(asked.stage);
    }

    fn kept(&self, number: u64, _: Trial) -> Result<Option<Ran>, Error> {
        Ok(self.kept.get(&number).copied())
    }

    fn keep(&self, number: u64, ran: &Ran) -> Result<(), Error> {
        assert_eq!(self.new.lock().expect("a map").insert(number, *ran), None, "each run once");
        Ok(())
    }
}

#[test]
fn runs_that_are_kept_are_not_run_again() {
    let (study, question, control) = (study(), question(), Control::default());
    let finder = Finder::new(&study, &question, &control).unwrap_or_else(|e| panic!("{e}"));
    let find = |memory: &Memory| finder.find(memory).unwrap_or_else(|e| panic!("{e}"));
    let first = Memory::default();
    let (found, runs): (Found, Vec<Ran>) = find(&first);
    let all = first.new.into_inner().expect("a map");
    assert!(all.values().eq(&runs) && all.keys().copied().eq(0..runs.len() as u64));
    let mut stages = first.stages.into_inner().expect("a list");
    stages.dedup();
    assert_eq!(stages, [Stage::Explore, Stage::Enough, Stage::NotEnough, Stage::Beyond]);
    // Some runs are kept, in no order, and one of them under a wrong number.
    let mut kept: BTreeMap<u64, Ran> =
        all.iter().filter(|(i, _)| *i % 3 > 0).map(|(i, ran)| (*i, *ran)).collect();
    kept.insert(3, all[&(runs.len() as u64 - 1)]);
    let second = Memory { kept, ..Memory::default() };
    assert!(find(&second) == (found, runs));
    assert!(second.new.into_inner().expect("a map").keys().all(|i| i % 3 == 0));
}

/// No run of a minute with a call each 2 s in the mean has so few events.
#[test]
fn a_value_that_a_guard_stops_is_named() {
    let folder = office();
    let guard = ["map", "--threads", "1", "--set", "guard.max-events=10"];
    let (code, out, err) = run_in(folder.path(), &[&ARGS[..], &guard].concat());
    assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
    assert!(err.contains("at backend.limit[0].limit=") && err.contains("stay in .map.unfinished"), "{err}");
    assert!(!folder.path().join("map").exists());
}
