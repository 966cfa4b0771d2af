//! `report` and `diff`: commands that read results from their directories.

use crate::common::{authstorm, files, root, said, tiny};
use authstorm::results::ResultsDir;
use authstorm::results::provenance::sha256;
use std::fs;
use std::path::Path;
use std::process::Output;

fn verb(verb: &str, dirs: &[&Path], more: &[&str]) -> Output {
    authstorm().arg(verb).args(dirs).args(more).output().expect("the command runs")
}

fn result(folder: &Path, name: &str, more: &[&str]) -> std::path::PathBuf {
    let out = folder.join(name);
    let output = tiny(&out, more);
    assert!(out.join("manifest.json").exists(), "{}", said(&output));
    out
}

#[test]
fn report_restores_the_files_of_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (result(folder.path(), "a", &[]), result(folder.path(), "b", &["--seed", "3"]));
    let before = (files(&a), files(&b));
    // Files derived from the data may be missing or damaged.
    fs::remove_file(a.join("report.html")).expect("it was there");
    fs::write(a.join("requests.svg"), "x").expect("writable");
    fs::write(b.join("summary.csv"), "").expect("writable");
    let output = verb("report", &[&a, &b], &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!((files(&a), files(&b)) == before, "every byte is as run wrote it");
}

/// The data of results may travel without their pictures.
#[test]
fn a_run_completes_results_that_lack_files_and_replaces_none_that_differ() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = result(folder.path(), "out", &[]);
    let whole = files(&out);
    fs::remove_file(out.join("requests.png")).expect("it was there");
    fs::remove_file(out.join("report.html")).expect("it was there");
    assert!(tiny(&out, &[]).status.success());
    assert!(files(&out) == whole, "every byte is back");
    fs::remove_file(out.join("requests.png")).expect("it was there");
    fs::write(out.join("report.html"), "x").expect("writable");
    let before = files(&out);
    assert_eq!(tiny(&out, &[]).status.code(), Some(1), "other bytes are there");
    assert!(files(&out) == before, "nothing is written");
}

/// The files that a scenario names lie beside it in the results, under names of their own. The scenario runs again from
/// there to the same bytes.
#[test]
fn a_scenario_with_policy_files_runs_again_from_its_results() {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped =
        fs::read_to_string(root().join("scenarios/clients/supabase-js-2.119.1.toml")).expect("a profile");
    let own = shipped.replace("name = \"supabase-js-2.119.1\"", "name = \"my-sdk\"");
    fs::create_dir_all(folder.path().join("clients")).expect("a folder");
    fs::write(folder.path().join("clients/scenario.toml"), own).expect("writable");
    let text = "version = 1\nreplications = 1\nname = \"own\"\nhorizon = \"2h\"\nbucket = \"1m\"\npolicies = [\"my-sdk\"]\n\
        policy-files = [\"clients/scenario.toml\"]\n[client]\nmodel = \"supabase-js-2.119.1\"\n[fleet]\nusers = 3\n\
        [backend]\ntoken-life = \"1h\"\n";
    fs::write(folder.path().join("own.toml"), text).expect("writable");
    let run = |scenario: &str, out: &str| {
        let run =
            authstorm().current_dir(folder.path()).args(["run", scenario, "--quiet", "--out", out]).output();
        let run = run.expect("the command runs");
        assert!(run.status.success(), "{}", said(&run));
    };
    run("own.toml", "first");
    run("first/scenario.toml", "second");
    let [first, second] = ["first", "second"].map(|name| files(&folder.path().join(name)));
    assert!(first.keys().any(|name| name.ends_with("policy-scenario.toml")), "the profile is copied");
    assert!(first == second, "the same bytes");
    let read = ResultsDir::open(folder.path().join("first")).and_then(|dir| dir.results()).expect("readable");
    assert_eq!(read.policy_files.len(), 1);
}

#[test]
fn damaged_results_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, bad) = (result(folder.path(), "good", &[]), result(folder.path(), "bad", &[]));
    fs::remove_file(good.join("report.html")).expect("it was there");
    for name in ["scenario.toml", "summary.json", "timeline.csv", "flow.csv", "sessions.csv", "stories.json"]
    {
        let path = bad.join(name);
        let whole = fs::read(&path).expect("a file");
        let mut edited = whole.clone();
        *edited.last_mut().expect("not empty") ^= 1;
        for damage in
            [None, Some(&whole[..whole.len() / 2]), Some(&edited), Some(&[][..]), Some(&[0xff, 0][..])]
        {
            match damage {
                None => fs::remove_file(&path).expect("it was there"),
                Some(bytes) => fs::write(&path, bytes).expect("writable"),
            }
            let before = (files(&good), files(&bad));
            // The intact directory comes first: `report` must not write it either.
            let output = verb("report", &[&good, &bad], &[]);
            assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
            let message = said(&output);
            assert!(message.contains(name) && message.lines().count() == 1, "{name}: {message}");
            assert!((files(&good), files(&bad)) == before, "{name}: nothing is written");
        }
        fs::write(&path, whole).expect("writable");
    }
    fs::write(bad.join("manifest.json"), "{}").expect("writable");
    assert_eq!(verb("report", &[&bad], &[]).status.code(), Some(2));
    assert_eq!(verb("report", &[folder.path()], &[]).status.code(), Some(2));
    assert_eq!(verb("diff", &[&good, &bad], &[]).status.code(), Some(2));
}

/// What version 0.1.0 committed for the scenario healthy: 8 metrics fewer, expectations in another form, no demand.
fn of_0_1_0(folder: &Path) -> std::path::PathBuf {
    let old = folder.join("old");
    fs::create_dir(&old).expect("a folder");
    for (name, bytes) in files(&root().join("tests/old_results/0.1.0-healthy")) {
        fs::write(old.join(name), bytes).expect("writable");
    }
    old
}

#[test]
fn results_of_an_older_version_are_read_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = of_0_1_0(folder.path());
    let results = ResultsDir::open(&old).and_then(|dir| dir.results()).expect("readable");
    assert_eq!((results.version.as_str(), results.users, results.policies.len()), ("0.1.0", 1000, 2));
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(old.join("summary.json")).expect("a file")).expect("JSON");
    for policy in &results.policies {
        let metrics = summary["policies"][&policy.name]["metrics"].as_object().expect("metrics");
        assert_eq!(policy.metrics.len(), metrics.len());
        for metric in &policy.metrics {
            assert_eq!(Some(metric.mean), metrics[&metric.name]["mean"].as_f64(), "{}", metric.name);
        }
        let calls: u64 =
            policy.timelines.iter().flat_map(|t| &t.buckets).flat_map(|b| b.calls.iter().flatten()).sum();
        let sent: f64 = policy.metric("requests_total").values.iter().sum();
        assert_eq!((calls as f64).to_bits(), sent.to_bits(), "every row of timeline.csv is read");
    }

    let said_by = |output: &Output| (said(output), String::from_utf8_lossy(&output.stdout).into_owned());
    let (warned, _) = said_by(&verb("report", &[&old], &[]));
    for part in ["Not in these results: ", "callers_begun", "`demand`", "expectations in a form"] {
        assert!(warned.contains(part), "{part}: {warned}");
    }
    assert!(!warned.contains("goodput"), "what is there is not said to be missing: {warned}");
    let page = fs::read_to_string(old.join("report.html")).expect("a page");
    assert!(
        page.contains("authstorm 0.1.0") && page.contains("Not in these results: "),
        "the page says both"
    );
    assert!(!page.contains("callers begun"), "no row for what is not there");

    let new = result(folder.path(), "new", &[]);
    let (_, told) = said_by(&verb("diff", &[&old, &new], &[]));
    assert!(told.contains("only in B: old.callers_begun\n"), "{told}");
    assert!(told.contains("requests_total (requests per user and hour)"), "{told}");
}

/// A made-up newer version: another metric, another column, another endpoint, and a field that nobody knows.
#[test]
fn results_of_a_newer_version_are_read_and_what_is_unknown_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = result(folder.path(), "new", &[]);
    let own = ResultsDir::open(&new).and_then(|dir| dir.results()).expect("readable");
    let read = |name: &str| fs::read_to_string(new.join(name)).expect("a file");
    let mut summary: serde_json::Value = serde_json::from_str(&read("summary.json")).expect("JSON");
    summary["version"] = "9.9.9".into();
    summary["climate"] = serde_json::json!({ "fair": true });
    let metrics = summary["policies"]["old"]["metrics"].as_object_mut().expect("metrics");
    let goodput = metrics["goodput"].clone();
    metrics.insert("serenity".to_owned(), goodput);
    let timeline: Vec<String> = read("timeline.csv")
        .lines()
        .enumerate()
        .map(|(i, line)| format!("{line},{}", if i == 0 { "region" } else { "eu" }))
        .collect();
    let timeline = format!("{}\nold,0,0,passkeys,200,3,eu\n", timeline.join("\n"));
    let mut manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    manifest["version"] = "9.9.9".into();
    manifest["weather"] = "fine".into();
    for (name, text) in [("summary.json", format!("{summary:#}\n")), ("timeline.csv", timeline)] {
        manifest["files"][name]["sha256"] = sha256(text.as_bytes()).into();
        fs::write(new.join(name), text).expect("writable");
    }
    fs::write(new.join("manifest.json"), manifest.to_string()).expect("writable");

    let results = ResultsDir::open(&new).and_then(|dir| dir.results()).expect("readable");
    assert_eq!(results.policies[0].timelines, own.policies[0].timelines);
    assert_eq!(results.policies[0].metric("serenity").values, own.policies[0].metric("goodput").values);
    let warned = said(&verb("report", &[&new], &[]));
    for part in [
        "Unknown to this version: serenity;",
        "1 rows of the endpoint passkeys",
        "columns that this version does not know: region",
    ] {
        assert!(warned.contains(part), "{part}: {warned}");
    }
    let table = read("summary.csv");
    assert!(table.contains("old,serenity,answers/s,"), "{table}");
    let page = read("report.html");
    assert!(page.contains("data-metric=\"serenity\"") && page.contains("authstorm 9.9.9"));
    // What was read is still there, with its hash: it is read again as it was.
    let again = ResultsDir::open(&new).and_then(|dir| dir.results()).expect("readable");
    assert_eq!(again, results);
}

#[test]
fn diff_reports_changes_and_the_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = result(folder.path(), "a", &[]);
    let same = verb("diff", &[&a, &a], &[]);
    assert!(same.status.success());
    assert!(String::from_utf8_lossy(&same.stdout).starts_with("Nothing changed"));
    let b = result(folder.path(), "b", &["--set", "backend.limit[0].burst=2"]);
    let output = verb("diff", &[&a, &b], &["--json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["method"], "paired");
    assert_eq!(found["scenario_changes"][0]["key"], "backend.limit[0].burst");
    let changed = found["metrics"].as_array().expect("metrics").iter().any(|m| m["says"] == "changed");
    assert_eq!(output.status.code(), Some(i32::from(changed)), "the exit code says whether a metric changed");
    let other = result(folder.path(), "other", &["--seed", "5"]);
    let output = verb("diff", &[&a, &other], &[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nseed: 8004 -> 5\n"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Welch"));
}

#[test]
fn diff_compares_runs_of_different_sizes_per_user_and_hour() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = result(folder.path(), "a", &[]);
    let b = result(folder.path(), "b", &["--set", "fleet.users=15", "--set", "horizon=6m"]);
    let said = String::from_utf8(verb("diff", &[&a, &b], &["--all"]).stdout).expect("UTF-8");
    let warning = "warning: A has 30 users for 4m, B 15 users for 6m: totals are compared per user and hour";
    assert!(said.contains(warning), "{said}");
    let json = verb("diff", &[&a, &b], &["--json"]);
    let found: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert!(found["warning"].as_str().is_some_and(|said| said.starts_with(warning)), "{found}");
    let value = |metric: &str, side: &str| {
        let rows = found["metrics"].as_array().expect("metrics");
        rows.iter().find(|row| row["metric"] == metric).expect("a row")[side].as_f64().expect("a number")
    };
    let mean = |dir: &Path, metric: &str| {
        let summary = fs::read(dir.join("summary.json")).expect("a file");
        let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
        summary["policies"]["old"]["metrics"][metric]["mean"].as_f64().expect("a number")
    };
    for (dir, side, user_hours, users) in
        [(&a, "a", 30.0 * 4.0 / 60.0, 30.0), (&b, "b", 15.0 * 6.0 / 60.0, 15.0)]
    {
        for (metric, size) in
            [("requests_total", user_hours), ("peak_requests_per_s", users), ("amplification", 1.0)]
        {
            let (shown, expected) = (value(metric, side), mean(dir, metric) / size);
            assert!(
                (shown - expected).abs() <= 1e-12 * expected,
                "{metric} of {side}: {shown} is not {expected}"
            );
        }
    }
    // Runs of one size are not divided and give no warning.
    let same = verb("diff", &[&a, &a], &["--json"]);
    let found: serde_json::Value = serde_json::from_slice(&same.stdout).expect("JSON");
    assert!(found["warning"].is_null() && found["rates"]["per_user"] == false, "{found}");
}

#[test]
fn diff_writes_table_data_and_one_chart() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = result(folder.path(), "a", &[]);
    let b = result(folder.path(), "b", &["--set", "backend.limit[0].burst=2"]);
    let out = folder.path().join("what changed");
    let output = verb("diff", &[&a, &b], &["--out", out.to_str().expect("UTF-8")]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
    let written = files(&out);
    assert_eq!(written.keys().collect::<Vec<_>>(), ["diff.json", "diff.png", "diff.svg", "diff.txt"]);
    assert_eq!(written["diff.txt"], output.stdout, "diff.txt equals the printed text");
    let json = verb("diff", &[&a, &b], &["--json"]);
    assert_eq!(written["diff.json"], json.stdout);
    let svg = String::from_utf8(written["diff.svg"].clone()).expect("SVG is text");
    let headline =
        String::from_utf8_lossy(&written["diff.txt"]).lines().next().expect("a headline").to_owned();
    assert!(svg.contains(headline.trim_end_matches('.')), "{headline}");
    assert!(svg.contains("A: a") && svg.contains("B: b"), "both sides are named");

    let before = files(folder.path());
    let again = verb("diff", &[&a, &b], &["--out", out.to_str().expect("UTF-8")]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    let nowhere = folder.path().join("no/such/place");
    let output = verb("diff", &[&a, &b], &["--out", nowhere.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(files(folder.path()) == before && files(&out) == written, "nothing else is written");
}

/// Two sweeps are compared at each point that both have. What makes no page or comparison of a directory says what does.
#[test]
fn sweeps_are_compared_point_by_point() {
    let folder = crate::sweep::folder();
    let run = |args: &[&str]| crate::common::run_in(folder.path(), args);
    let sweep = |out: &str, more: &[&str]| {
        let args = ["sweep", "poisson.toml", "--replications", "20", "--quiet", "--out", out];
        let (code, _, err) = run(&[&args[..], more].concat());
        assert_eq!(code, Some(0), "{err}");
    };
    sweep("a", &["--vary", "backend.limit[0].limit=2,40"]);
    sweep("b", &["--vary", "backend.limit[0].limit=2,40,60", "--set", "workload[0].clients=3"]);
    let (code, out, err) = run(&["diff", "a", "a"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("Nothing changed: all "), "{out}");
    let (code, out, err) = run(&["diff", "a", "b", "--out", "c"]);
    assert_eq!(code, Some(1), "{err}");
    for says in [
        "B is worse: ",
        "workload[0].clients: ",
        "only in B: new at backend.limit[0].limit = 60",
        "new at backend.limit[0].limit = 40 ",
        "paired by replication",
        "without that the median of ",
        "comparisons together (Bonferroni, 95%)",
        "more comparisons are not shown; --format csv has all",
    ] {
        assert!(out.contains(says), "{says}: {out}");
    }
    let written = files(&folder.path().join("c"));
    assert!(written.keys().eq(["diff.csv", "diff.json", "diff.txt"]), "{:?}", written.keys());
    // The difference of a point is that of the two runs.
    for (name, clients) in [("one", "1"), ("three", "3")] {
        let set = format!("workload[0].clients={clients}");
        let args = ["run", "poisson.toml", "--replications", "20", "--set", "backend.limit[0].limit=40"];
        let (code, _, err) = run(&[&args[..], &["--set", &set, "--quiet", "--out", name]].concat());
        assert_eq!(code, Some(0), "{err}");
    }
    let difference = |args: &[&str], policy: &str| -> String {
        let (_, csv, _) = run(&[&["diff", "--format", "csv"], args].concat());
        let row = csv.lines().find(|row| row.starts_with(&format!("{policy},requests_total,")));
        let cells: Vec<&str> = row.unwrap_or_else(|| panic!("{csv}")).split(',').collect();
        cells[3..8].join(",")
    };
    let of_point = difference(&["a", "b"], "new at backend.limit[0].limit = 40");
    assert_eq!(of_point, difference(&["one", "three"], "new"));
    for (args, says) in [
        (&["diff", "a", "one"][..], "allowed: two of one kind"),
        (&["report", "a"], "report makes the pages of runs"),
    ] {
        let (code, out, err) = run(args);
        assert!(code == Some(2) && out.is_empty() && err.contains(says), "{args:?}: {out}{err}");
    }
}
