//! `authstorm rollout`: its ends are the runs of each policy, its arms add up, and its answer is a known one.

use super::common::{files, run_in};
use super::sweep_resume::interrupted;
use authstorm::experiment::find::Verdict;
use authstorm::experiment::rollout::Rollout;
use authstorm::experiment::sweep::{Point, PolicyPoint, Sweep};
use authstorm::kernel::Dur;
use authstorm::{Control, Study};
use std::fs;

/// All touches are refused for a minute, which `old` takes for the end of the session and `new` does not. Nothing ties the users
/// together: no limit, no workers, no shared network.
const REFUSED: &str = "version = 1\nname = \"refused\"\nhorizon = \"100s\"\nreplications = 3\npolicies = [\"old\", \"new\"]\n\
     [client]\nmodel = \"documented\"\n[fleet]\nusers = 30\nopens = { uniform = [\"0s\", \"5s\"] }\n\
     focus-every = { exponential = \"10s\" }\n[[fault]]\nkind = \"status\"\nendpoints = [\"touch\"]\nfrom = \"20s\"\n\
     to = \"80s\"\nstatus = 429\n[[expect]]\nthat = \"new.false_sign_outs == 0\"\n";

/// As [`REFUSED`], with a limit that all users share.
fn limited() -> String {
    format!(
        "{REFUSED}[[backend.limit]]\nkind = \"fixed-window\"\nendpoints = [\"client\", \"tokens\"]\nkey = \"global\"\n\
         limit = 20\nwindow = \"10s\"\n"
    )
}

fn study(text: &str) -> Study {
    Study::parse("t.toml", text).unwrap_or_else(|e| panic!("{e}"))
}

fn rollout(text: &str, rollout: &Rollout) -> Sweep {
    study(text).rollout(rollout, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn old_to_new(steps: u32) -> Rollout {
    Rollout::new("old", "new", steps).unwrap_or_else(|e| panic!("{e}"))
}

fn arm<'a>(point: &'a Point, name: &str) -> &'a PolicyPoint {
    point.policies.iter().find(|policy| policy.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn values<'a>(point: &'a Point, name: &str, metric: &str) -> &'a [f64] {
    arm(point, name).get(metric).map_or(&[], |values| &values.values)
}

/// Every metric of a run under one policy, to the last bit.
#[test]
fn the_ends_are_the_runs_of_each_policy() {
    for text in [REFUSED.to_owned(), limited()] {
        let results = study(&text).run().expect("results");
        let sweep = rollout(&text, &old_to_new(3));
        assert_eq!(sweep.keys[0].values, ["0%", "33.33%", "66.67%", "100%"]);
        for (point, policy) in [(0, "old"), (3, "new")] {
            let expected = &results.policy(policy).expect("a policy").metrics;
            assert_eq!(&arm(&sweep.points[point], "rollout").metrics, expected, "{policy}");
            let requests = values(&sweep.points[point], &format!("users on {policy}"), "requests_total");
            assert_eq!(requests, results.policy(policy).expect("a policy").metric("requests_total").values);
        }
        let storm =
            |point: usize| values(&sweep.points[point], "rollout", "recursive_unauthenticated_events");
        assert!(storm(0).iter().all(|n| *n > 10.0) && storm(3).iter().all(|n| *n < 0.5), "{:?}", storm(0));
    }
}

/// What is counted of the users of both policies is what is counted of all, and a user's share of it is that of the users.
#[test]
fn the_arms_add_up_to_the_whole() {
    let in_time = old_to_new(4).over(Dur::parse("10s").expect("a time"), Dur::parse("60s").expect("a time"));
    for (text, shipped) in
        [(REFUSED.to_owned(), old_to_new(4)), (limited(), old_to_new(4)), (limited(), in_time)]
    {
        let sweep = rollout(&text, &shipped);
        let mut compared = 0;
        for point in &sweep.points {
            for metric in ["false_sign_outs", "requests_total", "unauthenticated_events", "true_sign_outs"] {
                let all = values(point, "rollout", metric);
                assert_eq!(all.len(), 3, "{metric}");
                for (replication, all) in all.iter().enumerate() {
                    let of =
                        |name: &str| values(point, name, metric).get(replication).copied().unwrap_or(0.0);
                    let sum = of("users on old") + of("users on new");
                    assert!((sum - all).abs() < 1e-9, "{metric} at {}: {sum} of {all}", point.values[0]);
                    assert!((30.0 * of("a user") - all).abs() < 1e-9, "{metric}: a user");
                    compared += u32::from(of("users on old") > 0.0 && of("users on new") > 0.0);
                }
            }
        }
        assert!(compared >= 9, "{compared}");
    }
}

/// Nothing ties the users together, and a user on the new policy stays on it at greater shares. So the users on the old policy
/// are ever fewer of the same ones, and no replication has more sign-outs at a greater share.
#[test]
fn harms_of_independent_users_only_fall() {
    let sweep = rollout(REFUSED, &old_to_new(10));
    for metric in ["false_sign_outs", "recursive_unauthenticated_events"] {
        for pair in sweep.points.windows(2) {
            let [before, after] = [&pair[0], &pair[1]].map(|point| values(point, "rollout", metric));
            assert!(before.iter().zip(after).all(|(before, after)| after <= before), "{metric}");
        }
        let [first, last] = [0, 10].map(|point| values(&sweep.points[point], "rollout", metric)[0]);
        assert!(first > last, "{metric}: {first} {last}");
    }
    // At no share does a user on the new policy suffer.
    for point in &sweep.points[1..] {
        assert!(values(point, "a user on new", "false_sign_outs").iter().all(|n| *n <= 0.0));
    }
}

/// At 99%, no user of 30 is on the old policy in 0.99^30 = 74% of runs, and almost every user on it focuses a tab while touches
/// are refused. Only 100% is enough for 95% of runs.
#[test]
fn the_share_at_which_the_storm_stops_is_found() {
    let text = REFUSED.replace("horizon = \"100s\"", "horizon = \"60s\"");
    let study = study(&text);
    let target = study.rollout_target(&old_to_new(2), None).expect("a target");
    assert_eq!(target, "rollout.recursive_unauthenticated_events == 0");
    let found = study.find_rollout(&old_to_new(2), &target, &Control::default()).expect("an answer");
    assert_eq!(found.verdict, Verdict::Neighbours, "{found:?}");
    assert_eq!(found.enough.map(|claim| claim.value).as_deref(), Some("100"));
    assert_eq!(found.not_enough.map(|claim| claim.value).as_deref(), Some("99"));
}

/// The same bytes from any number of threads, and from a rollout that was interrupted.
#[test]
fn the_directory_is_the_same_on_every_way() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("refused.toml"), REFUSED).expect("a file");
    let args = [
        "rollout",
        "refused.toml",
        "--from",
        "old",
        "--to",
        "new",
        "--steps",
        "50",
        "--replications",
        "8",
        "--quiet",
    ];
    let run = |more: &[&str]| run_in(folder.path(), &[&args[..], more].concat());
    let whole = |name: &str| files(&folder.path().join(name));
    assert_eq!(run(&["--out", "two", "--threads", "2"]).0, Some(0));
    assert_eq!(run(&["--out", "one", "--threads", "1"]).0, Some(0));
    assert!(whole("one") == whole("two"));
    for name in [
        "manifest.json",
        "sweep.csv",
        "values.csv",
        "sweep.json",
        "rollout.txt",
        "report.html",
        "scenario.toml",
    ] {
        assert!(whole("two").contains_key(name), "{name}");
    }
    assert!(whole("two").keys().filter(|name| name.ends_with(".svg")).count() >= 3);
    let code = interrupted(folder.path(), &[&args[..], &["--out", "map", "--threads", "1"]].concat(), "INT");
    assert_eq!(code, Some(130), "it was under way");
    let (code, _, err) = run(&["--out", "map"]);
    assert!(code == Some(2) && err.contains("--resume"), "{err}");
    let (code, _, err) = run(&["--out", "map", "--resume"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(whole("map") == whole("two"));
}

/// The runs of the search that were made before an interruption are not made again, and the answer is the same.
#[test]
fn an_interrupted_search_of_the_share_is_resumed_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = REFUSED.replace("horizon = \"100s\"", "horizon = \"60s\"").replace("users = 30", "users = 10");
    fs::write(folder.path().join("refused.toml"), text).expect("a file");
    let args =
        ["rollout", "refused.toml", "--from", "old", "--to", "new", "--steps", "1", "--find", "--quiet"];
    let run = |more: &[&str]| run_in(folder.path(), &[&args[..], more].concat());
    let (code, _, err) = run(&["--out", "whole"]);
    assert_eq!(code, Some(0), "{err}");
    let whole = files(&folder.path().join("whole"));
    let code = interrupted(folder.path(), &[&args[..], &["--out", "map", "--threads", "1"]].concat(), "INT");
    assert_eq!(code, Some(130), "it was under way");
    let journal = fs::read_to_string(folder.path().join(".map.unfinished/journal.jsonl")).expect("a journal");
    assert!(journal.contains("\"stage\":\"explore\""), "runs of the search are kept");
    let (code, _, err) = run(&["--out", "map", "--resume"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(files(&folder.path().join("map")) == whole);
}

#[test]
fn bad_requests_are_refused_before_the_first_run() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("refused.toml"), REFUSED).expect("a file");
    let pollers = "version = 1\nreplications = 1\nname = \"p\"\nhorizon = \"9s\"\npolicies = [\"old\"]\n[[workload]]\nname = \"p\"\nevery = \"1s\"\n";
    fs::write(folder.path().join("pollers.toml"), pollers).expect("a file");
    for (file, args, says) in [
        ("refused.toml", &["--from", "old", "--to", "old"][..], "the same policy"),
        ("refused.toml", &["--from", "od", "--to", "new"], "did you mean `old`"),
        ("refused.toml", &["--from", "old", "--to", "new", "--steps", "0"], "1 to 1000"),
        ("refused.toml", &["--from", "old", "--to", "new", "--shares", "101%"], "0% to 100%"),
        ("refused.toml", &["--from", "old", "--to", "new", "--shares", "0%,x"], "`x` is no share"),
        ("refused.toml", &["--from", "old", "--to", "new", "--over", "soon"], "a duration"),
        ("refused.toml", &["--from", "old", "--to", "new", "--target", "rollout.sign_outs == 0"], "--find"),
        (
            "refused.toml",
            &["--from", "old", "--to", "new", "--find", "--target", "rollout.sign_out == 0"],
            "sign_outs",
        ),
        (
            "refused.toml",
            &["--from", "old", "--to", "new", "--find", "--target", "new.sign_outs == 0"],
            "rollout",
        ),
        ("refused.toml", &["--from", "old", "--to", "new", "--metric", "request_total"], "requests_total"),
        ("refused.toml", &["--from", "old", "--to", "new", "--policy", "old"], "--policy"),
        ("pollers.toml", &["--from", "old", "--to", "new"], "needs users"),
    ] {
        let (code, out, err) = run_in(folder.path(), &[&["rollout", file, "--out", "bad"], args].concat());
        assert!(code == Some(2) && out.is_empty() && err.contains(says), "{args:?}: {code:?} {err}");
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 2, "{args:?}");
    }
}
