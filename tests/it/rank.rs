//! `authstorm rank`: effects and shares with known values, the same bytes from every machine and after every interruption, and
//! errors.

use super::common::{binary, files, run_in};
use authstorm::experiment::rank::{Question, Ranking};
use authstorm::experiment::vary::Vary;
use authstorm::{Control, Study};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Two kinds of clients that call from the start, and a limit that none of them meets.
const CALLERS: &str = "version = 1\nname = \"callers\"\nhorizon = \"9500ms\"\nreplications = 3\npolicies = [\"old\", \"new\"]\n\
     [[workload]]\nname = \"often\"\nclients = 2\nevery = \"1s\"\n\
     [[workload]]\nname = \"seldom\"\nclients = 2\nevery = \"5s\"\n\
     [[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"generic\"]\nkey = \"global\"\nlimit = 100000\nwindow = \"10s\"\n";

/// As above with calls at random times, and a limit that they meet.
const RANDOM: &str = "version = 1\nname = \"random\"\nhorizon = \"12s\"\nreplications = 4\npolicies = [\"new\"]\n\
     [[workload]]\nname = \"calls\"\nclients = 4\nstarts = { exponential = \"1s\" }\nevery = { exponential = \"1s\" }\n\
     [[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"generic\"]\nkey = \"global\"\nlimit = 10\nwindow = \"4s\"\n";

const KEYS: [&str; 3] =
    ["workload[0].clients=1..9", "workload[1].clients=1..9", "backend.limit[0].limit=90000..100000"];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("callers.toml", CALLERS), ("random.toml", RANDOM)] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn rank(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    run_in(dir, &[&["rank"], args].concat())
}

fn question(metric: &str, keys: &[&str]) -> Question {
    let keys = keys.iter().map(|key| Vary::parse(key).unwrap_or_else(|e| panic!("{e}"))).collect();
    Question { rows: 128, ..Question::new(metric, keys) }
}

fn ranking(scenario: &str, question: &Question) -> Ranking {
    let study = Study::parse("a.toml", scenario).expect("a scenario");
    study.rank(question, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// A client of the first kind calls 10 times, one of the second twice, so that the number of requests is `10 x1 + 2 x2`: moves over
/// 8 clients change it by 80 and 16, everywhere. A limit that is never met changes nothing.
#[test]
fn a_linear_metric_has_its_coefficients_as_effects_and_their_squares_as_shares() {
    for policy in ranking(CALLERS, &question("requests_total", &KEYS)).policies {
        for (key, effect) in policy.screened.iter().zip([80.0, 16.0, 0.0]) {
            assert!((key.mu_star - effect).abs() + (key.mu - effect).abs() + key.sigma < 1e-9, "{key:?}");
            assert_eq!((key.noise_floor, key.matters), (Some(0.0), effect > 0.0), "{key:?}");
        }
        // Each of 9 values is as likely, so that the variances are as 100 to 4. Nothing comes from the seed or from interplay.
        let sharing = policy.sharing.expect("two keys matter");
        assert_eq!(sharing.seed_share, Some(0.0));
        let shares: Vec<(&str, f64)> =
            sharing.explained.iter().map(|key| (key.key.as_str(), key.total)).collect();
        assert_eq!([shares[0].0, shares[1].0], ["workload[0].clients", "workload[1].clients"]);
        for (key, share) in sharing.explained.iter().zip([25.0 / 26.0, 1.0 / 26.0]) {
            for (estimate, ends) in [(key.first, key.first_interval), (key.total, key.total_interval)] {
                let [low, high] = ends.expect("an interval");
                assert!(low <= share && share <= high && low <= estimate && estimate <= high, "{key:?}");
            }
        }
        // The variance of 10 x1 + 2 x2: that of nine whole numbers is 80 / 12. Its estimate of 256 values has a relative
        // standard deviation of about 6%.
        let expected = 104.0 * 80.0 / 12.0;
        assert!((sharing.variance / expected - 1.0).abs() < 0.25, "{}", sharing.variance);
    }
}

/// Requests hang on the horizon times the clients: the effect of one key hangs on the other.
#[test]
fn interplay_shows_in_sigma_and_in_the_total() {
    let keys = ["workload[0].clients=1..100", "horizon=1s..100s"];
    let ranking = ranking(CALLERS, &question("requests_total", &keys));
    let policy = &ranking.policies[0];
    assert!(policy.screened.iter().all(|key| key.sigma > 0.2 * key.mu_star && key.matters), "{policy:?}");
    let sharing = policy.sharing.as_ref().expect("two keys matter");
    // Of x y with both uniform from near 0, each alone explains 3/7 and the interplay 1/7.
    for key in &sharing.explained {
        let [low, high] = key.total_interval.expect("an interval");
        assert!(low < 4.0 / 7.0 && 4.0 / 7.0 < high, "{key:?}");
        let [low, high] = key.first_interval.expect("an interval");
        assert!(low < 3.0 / 7.0 && 3.0 / 7.0 < high, "{key:?}");
    }
}

/// A limit beyond reach moves nothing; one that is met moves the refusals, and the seed has a part. The jitter of a retry that never
/// comes moves nothing either.
#[test]
fn the_seed_has_its_own_share() {
    let keys = ["workload[0].clients=1..4", "backend.limit[0].limit=1..16"];
    let question = Question { rows: 48, ..question("responses_429", &keys) };
    let ranking = ranking(RANDOM, &question);
    let sharing = ranking.policies[0].sharing.as_ref().expect("two keys matter");
    let seed = sharing.seed_share.expect("four replications");
    assert!(seed > 0.0 && seed < 0.5, "{seed}");
    assert!(ranking.policies[0].screened.iter().all(|key| key.noise_floor.is_some_and(|floor| floor > 0.0)));
    let single =
        Study::parse("a.toml", &RANDOM.replace("replications = 4", "replications = 1")).expect("a scenario");
    let single = single.rank(&question, &Control::default()).expect("a ranking");
    assert_eq!(single.policies[0].screened[0].noise_floor, None);
    assert_eq!(single.policies[0].sharing.as_ref().and_then(|sharing| sharing.seed_share), None);
    assert!(single.in_words().iter().any(|said| said.contains("noise of the seeds is not judged")));
}

/// Recovery that does not come counts as the length of the run, and is told.
#[test]
fn what_does_not_come_within_the_run_is_counted_and_told() {
    let keys = ["workload[0].clients=1..4", "backend.limit[0].limit=1..16"];
    let question = Question { rows: 16, ..question("time_to_recover_s", &keys) };
    let ranking = ranking(RANDOM, &question);
    assert!(ranking.not_within > 0 && ranking.not_within < ranking.runs);
    let words = ranking.in_words();
    assert!(words.iter().any(|said| said.contains("it counts as the length of the run")), "{words:?}");
    assert!(
        ranking.policies[0].screened.iter().all(|key| key.mu_star.is_finite() && key.mu_star <= 12.0 * 1.5)
    );
}

#[test]
fn threads_and_interruptions_change_no_byte() {
    let folder = folder();
    let dir = folder.path();
    let args = |out: &'static str, more: &[&'static str]| -> Vec<&'static str> {
        let all =
            ["random.toml", "--metric", "responses_429", "--vary", "workload[0].clients=1..4", "--vary"];
        let rest = ["backend.limit[0].limit=1..16", "--rows", "16", "--quiet", "--out", out];
        [&all[..], &rest, more].concat()
    };
    for (out, threads) in [("one", "1"), ("seven", "7")] {
        let (code, _, err) = rank(dir, &args(out, &["--threads", threads]));
        assert_eq!(code, Some(0), "{err}");
    }
    let one = files(&dir.join("one"));
    assert!(one == files(&dir.join("seven")));
    let names = [
        "manifest.json",
        "rank.csv",
        "rank.json",
        "rank.png",
        "rank.svg",
        "rank.txt",
        "report.html",
        "scenario.toml",
        "values.csv",
    ];
    assert!(one.keys().eq(names.iter()), "{:?}", one.keys());
    // Killed in the first stage, and in the second, which begins after 10 trajectories of 3 points.
    for lines in [3, 45] {
        let mut command = Command::new(binary());
        command.current_dir(dir).arg("rank").args(args("map", &["--threads", "1"]));
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
        let journal = dir.join(".map.unfinished/journal.jsonl");
        for _ in 0..60_000 {
            let found = fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count());
            if found > lines || child.try_wait().expect("a child").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("a child");
        child.wait().expect("it ends");
        assert!(!dir.join("map").exists(), "it was under way");
        let (code, _, err) = rank(dir, &args("map", &["--resume", "--keep", "1"]));
        assert_eq!(code, Some(2));
        assert!(err.contains("keep is 4 there and 1 here"), "{err}");
        let (code, _, err) = rank(dir, &args("map", &["--resume"]));
        assert_eq!(code, Some(0), "{err}");
        assert!(files(&dir.join("map")) == one, "{lines}");
        fs::remove_dir_all(dir.join("map")).expect("a directory");
    }
}

/// Tables have a row for each policy and key, and for each point, policy and replication; the JSON is what the library gives.
#[test]
fn tables_are_tidy() {
    let folder = folder();
    let mut args =
        vec!["callers.toml", "--metric", "requests_total", "--rows", "8", "--json", "--out", "map"];
    KEYS.iter().for_each(|key| args.extend(["--vary", key]));
    let (code, out, err) = rank(folder.path(), &args);
    assert_eq!(code, Some(0), "{err}");
    let read: Ranking = serde_json::from_str(&out).expect("the form of its schema");
    assert_eq!(read, ranking(CALLERS, &Question { rows: 8, ..question("requests_total", &KEYS) }));
    let rows = |name: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(folder.path().join("map").join(name)).expect("a table");
        reader.deserialize().map(|row| row.expect("a row")).collect()
    };
    let keys = rows("rank.csv");
    let order: Vec<[&str; 3]> =
        keys.iter().map(|row| ["policy", "rank", "key"].map(|column| row[column].as_str())).collect();
    let expected = ["workload[0].clients", "workload[1].clients", "backend.limit[0].limit"];
    let expected =
        ["old", "new"].map(|policy| [0, 1, 2].map(|n| [policy, ["1", "2", "3"][n], expected[n]])).concat();
    assert_eq!(order, expected);
    assert_eq!([keys[0]["low"].as_str(), &keys[0]["high"], &keys[0]["scale"]], ["1", "9", "linear"]);
    assert_eq!((keys[2]["matters"].as_str(), keys[2]["total"].as_str()), ("false", ""));
    let values = rows("values.csv");
    // 10 trajectories of 4 points and 8 rows of 4 points.
    assert_eq!(values.len(), (40 + 32) * 2 * 3);
    for row in &values {
        let clients = |n: usize| row[&format!("workload[{n}].clients")].parse::<f64>().expect("a number");
        let is = row["value"].parse::<f64>().expect("a number");
        assert!((is - 10.0 * clients(0) - 2.0 * clients(1)).abs() < 1e-9, "{row:?}");
        assert_eq!(row["backend.limit[0].limit"].is_empty(), row["stage"] == "sharing");
    }
    let svg = fs::read_to_string(folder.path().join("map/rank.svg")).expect("a chart");
    assert!(svg.contains("workload[0].clients") && svg.contains("share of the variance"));
}

#[test]
fn the_answer_names_ranges_and_what_is_not_told_apart() {
    let folder = folder();
    let args = [
        "callers.toml",
        "--metric",
        "requests_total",
        "--policy",
        "new",
        "--vary",
        "workload[0].clients=1..9",
        "--vary",
        "backend.limit[0].limit=90000..100000",
        "--vary",
        "workload[1].clients=1..41",
        "--rows",
        "32",
        "--out",
        "map",
    ];
    let (code, out, err) = rank(folder.path(), &args);
    assert_eq!(code, Some(0), "{err}");
    // Moves by 80 requests each.
    for says in [
        "Under new, workload[0].clients and workload[1].clients are not told apart: their intervals overlap.",
        "Under new, backend.limit[0].limit moves nothing in any step.",
        "The ranges decide the ranking: workload[0].clients 1 to 9; backend.limit[0].limit 90000 to 100000; \
         workload[1].clients 1 to 41.",
        "The variance is shared among 2 keys; the other keys have the scenario's values meanwhile.",
        "changes requests_total by 80 requests in the mean (80 to 80; sigma 0; noise 0).",
    ] {
        assert!(out.contains(says), "{says}\n{out}");
    }
    assert!(err.starts_with("at most "), "{err}");
    let page = fs::read_to_string(folder.path().join("map/report.html")).expect("a page");
    assert!(page.ends_with("</html>\n") && page.contains("are not told apart"));
    let (_, md, _) = rank(folder.path(), &[&args[..13], &["--out", "md", "--format", "md"]].concat());
    assert!(md.starts_with("| policy | key | effect |"), "{md}");
    let (_, csv, _) = rank(folder.path(), &[&args[..13], &["--out", "csv", "--format", "csv"]].concat());
    assert!(csv.starts_with("policy,metric,unit,rank,key,low,high,scale,"), "{csv}");
}

#[test]
fn a_bad_ranking_is_refused_before_a_run() {
    let folder = folder();
    let [often, seldom, _] = KEYS;
    let cases: [(&[&str], &str); 16] = [
        (&["--vary", "workload[0].clints=1..4"], "did you mean `clients`"),
        (&["--vary", "workload[7].clients=1..4"], "--vary:2:1"),
        (&["--vary", seldom, "--vary", "backend.limit[0].kind=1..4"], "expected string, got integer"),
        (&["--vary", seldom, "--vary", "backend.limit[0].kind=fixed-window,token-bucket"], "are a list"),
        (&["--vary", seldom, "--vary", "backend.limit[0].limit=10,20,30"], "are a list"),
        (
            &["--vary", seldom, "--vary", "backend.limit[0].limit=4..1"],
            "the first value is not below the second",
        ),
        (&["--vary", seldom, "--vary", "backend.limit[0].limit=0..9 log"], "cannot begin at 0"),
        (&["--vary", seldom, "--vary", "seed=1..9"], "`seed` is no assumption"),
        (&["--vary", seldom, "--vary", "replications=1..9"], "--replications sets it"),
        (&["--vary", often], "is ranked twice"),
        (&[], "a ranking of 1 key; allowed: 2 to 100 keys"),
        (&["--vary", seldom, "--metric", "requests_totl"], "did you mean `requests_total`?"),
        (&["--vary", seldom, "--trajectories", "1"], "1 trajectories; allowed: 2..10,000"),
        (&["--vary", seldom, "--rows", "1"], "1 rows; allowed"),
        (&["--vary", seldom, "--keep", "9"], "the shares of 9 keys; allowed: 0..8"),
        (&["--vary", seldom, "--vary", "horizon=1s..3650d"], "a timeline would have"),
    ];
    for (args, says) in cases {
        let metric: &[&str] = if args.contains(&"--metric") { &[] } else { &["--metric", "requests_total"] };
        let all = [&["callers.toml", "--out", "map", "--vary", often], metric, args].concat();
        let (code, out, err) = rank(folder.path(), &all);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
    let args =
        ["callers.toml", "--metric", "requests_total", "--vary", often, "--vary", seldom, "--estimate"];
    let (code, out, _) = rank(folder.path(), &args);
    assert_eq!(code, Some(0));
    // 10 trajectories of 3 points and 256 rows of 4 points.
    assert!(
        out.starts_with("At most 1,054 points x 2 policies x 3 replications = 6,324 runs; about "),
        "{out}"
    );
    let names: Vec<String> = files(folder.path()).into_keys().collect();
    assert_eq!(names, ["callers.toml", "random.toml"], "nothing is written");
}
