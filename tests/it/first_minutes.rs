//! What a newcomer tries first: the command alone, a scenario of one's own, the page, completions and manual pages.

use crate::common::{authstorm, binary, said, told};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(binary());
    // Without PATH, no program that opens pages is found.
    told(command.env("PATH", "").stdin(Stdio::null()), dir, args)
}

#[test]
fn the_command_alone_shows_what_people_do() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (code, said, _) = run(dir.path(), &[]);
    assert_eq!(code, Some(0));
    let verbs: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("  authstorm ")?.split(' ').next()).collect();
    assert_eq!(verbs, ["run", "new", "explain", "find", "explain-client"], "{said}");
}

#[test]
fn a_new_scenario_runs_as_it_stands_and_is_never_overwritten() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let new = ["new", "mine", "--status", "503", "--endpoint", "touch", "--lasts", "1m", "--users", "20"];
    let (code, said, _) = run(dir.path(), &new);
    assert!(code == Some(0) && said.contains("authstorm run mine.toml"), "{said}");
    let written = fs::read_to_string(dir.path().join("mine.toml")).expect("the scenario");
    for line in ["status = 503", "endpoints = [\"touch\"]", "to = \"6m\"", "users = 20"] {
        assert!(written.lines().any(|l| l == line), "{line}: {written}");
    }
    let (code, said, wrong) = run(dir.path(), &["check", "mine.toml", "--replications", "1"]);
    assert!(code == Some(0) && said.contains("1 expectation: 1 ok"), "{said}{wrong}");
    let (code, _, wrong) = run(dir.path(), &["new", "mine"]);
    assert!(code == Some(2) && wrong.contains("is there already"), "{wrong}");
    assert_eq!(fs::read_to_string(dir.path().join("mine.toml")).expect("it is there"), written);
    let (code, _, wrong) = run(dir.path(), &["new", "other", "--model", "clerk-js-6.3.4"]);
    assert!(code == Some(2) && wrong.contains("did you mean `clerk-js-6.3.3`?"), "{wrong}");
    assert!(!dir.path().join("other.toml").exists());
}

/// On a terminal, which `script` of util-linux gives. A wrong answer is asked for again at once.
#[test]
#[cfg(target_os = "linux")]
fn a_new_scenario_asks_on_a_terminal_and_tries_each_answer() {
    use std::io::Write;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{} new mine", binary().display()), "/dev/null"]).current_dir(dir.path());
    let mut asking = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script runs");
    let answers = "auth0\nauth0-spa-js-2.28.3\n20\ntouch\n\nmany\n503\n2m\n";
    asking.stdin.take().expect("its input").write_all(answers.as_bytes()).expect("it reads");
    let output = asking.wait_with_output().expect("it ends");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{told}");
    let count = |question: &str| told.matches(question).count();
    let asked =
        ["Which client?", "How many users?", "Which endpoints fail?", "What status do they", "For how"];
    assert_eq!(asked.map(count), [2, 1, 2, 2, 1], "{told}");
    assert!(told.contains("did you mean `auth0-spa-js-2.28.3`?") && told.contains("fail? [token]"), "{told}");
    let written = fs::read_to_string(dir.path().join("mine.toml")).expect("the scenario");
    for line in
        ["status = 503", "endpoints = [\"token\"]", "users = 20", "policies = [\"auth0-spa-js-2.28.3\"]"]
    {
        assert!(written.lines().any(|l| l == line), "{line}: {written}");
    }
}

#[test]
fn the_path_of_a_page_is_printed_where_nothing_opens_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (code, _, wrong) = run(dir.path(), &["open", "."]);
    assert!(code == Some(2) && wrong.contains("no report.html"), "{wrong}");
    fs::write(dir.path().join("report.html"), "<p>").expect("writable");
    let (code, said, wrong) = run(dir.path(), &["open", "."]);
    assert!(code == Some(0) && wrong.contains("open this file in a browser"), "{wrong}");
    assert!(Path::new(said.trim_end()).is_absolute() && said.ends_with("report.html\n"), "{said}");
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (_, help, _) = run(dir.path(), &["--help"]);
    let verbs = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    let names = verbs.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> =
        names.filter_map(|line| line.split_whitespace().next()).filter(|v| *v != "help").collect();
    assert!(verbs.len() >= 18, "{verbs:?}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, script, _) = run(dir.path(), &["completions", shell]);
        assert_eq!(code, Some(0));
        assert!(verbs.iter().all(|verb| script.contains(verb)), "{shell}");
    }
    let (code, page, _) = run(dir.path(), &["man"]);
    assert!(code == Some(0) && page.contains(".SH SYNOPSIS"), "{page}");
    assert_eq!(run(dir.path(), &["man", "--out", "man"]).0, Some(0));
    for verb in &verbs {
        let page = fs::read_to_string(dir.path().join(format!("man/authstorm-{verb}.1"))).expect("a page");
        assert!(page.contains("Examples:"), "{verb} has no examples");
    }
    assert_eq!(fs::read_dir(dir.path().join("man")).expect("a directory").count(), verbs.len() + 1);
}

/// Every form has the same numbers, those of summary.json.
#[test]
fn results_are_printed_as_json_csv_and_markdown() {
    let (root, place) = (crate::common::root(), tempfile::tempdir().expect("a temporary directory"));
    let told = |format: &str| {
        let args =
            ["run", "scenarios/tokens-429-outage.toml", "--set", "fleet.users=50", "--replications", "2"];
        let out = place.path().join(format).to_string_lossy().into_owned();
        let (code, said, wrong) = run(root, &[&args[..], &["--format", format, "--out", &out]].concat());
        // With few users the scenario's expectations may fail, which is told on standard error.
        assert!(code == Some(0) || code == Some(1) && !wrong.is_empty(), "{wrong}");
        said
    };
    let json: serde_json::Value = serde_json::from_str(&told("json")).expect("JSON");
    let csv = told("csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let mut rows = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let replication: usize = row[3].parse().expect("a number");
        let value = &json["policies"][&row[0]]["metrics"][&row[1]]["values"][replication];
        // JSON has no infinity.
        assert!(row[4].parse::<f64>().ok() == value.as_f64() || value.as_f64().is_none(), "{row:?}: {value}");
        rows += 1;
    }
    let policies = json["policies"].as_object().expect("policies");
    let metrics: usize = policies.values().map(|p| p["metrics"].as_object().expect("metrics").len()).sum();
    assert_eq!(rows, 2 * metrics);
    let markdown = told("md");
    let head = format!("| metric | {} |", policies.keys().cloned().collect::<Vec<_>>().join(" | "));
    assert!(
        markdown.starts_with(&head) && markdown.contains("\n| false_sign_outs (users) | 0 |"),
        "{markdown}"
    );
}

/// The CSV of a comparison has a row for each metric of its JSON, and the same numbers.
#[test]
fn a_comparison_is_printed_as_json_csv_and_markdown() {
    let root = crate::common::root();
    let diff = |format: &str| {
        let args = ["diff", "results/touch-429-cascade", "results/touch-429-clerk-js", "--format", format];
        let (code, said, wrong) = run(root, &args);
        assert_eq!(code, Some(1), "{wrong}");
        said
    };
    let json: serde_json::Value = serde_json::from_str(&diff("json")).expect("JSON");
    let metrics = json["metrics"].as_array().expect("metrics");
    let csv = diff("csv");
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(csv.as_bytes()).records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), metrics.len());
    for (row, metric) in rows.iter().zip(metrics) {
        assert_eq!(
            (&row[0], &row[1]),
            (metric["policy"].as_str().expect("a name"), metric["metric"].as_str().expect("a name"))
        );
        let same = |cell: &str, value: &serde_json::Value| match value.as_f64() {
            Some(value) => cell.parse::<f64>().is_ok_and(|cell| cell.to_bits() == value.to_bits()),
            None => cell.parse::<f64>().map_or(true, |cell| !cell.is_finite()),
        };
        assert!(same(&row[3], &metric["a"]) && same(&row[4], &metric["b"]), "{row:?}: {metric}");
        assert!(same(&row[6], &metric["ci95"][0]) && row[8] == metric["says"], "{row:?}: {metric}");
    }
    assert!(
        diff("md").contains("\n| policy | metric | A | B | B - A | 95% CI | says |\n| --- | --- | ---: |")
    );
}

#[test]
fn the_list_of_metrics_has_every_form() {
    let root = crate::common::root();
    let names = |format: &str, name: &dyn Fn(&str) -> Vec<String>| {
        name(&run(root, &["metrics", "--format", format]).1)
    };
    let json = names("json", &|text| {
        let list: serde_json::Value = serde_json::from_str(text).expect("JSON");
        list.as_array()
            .expect("a list")
            .iter()
            .map(|m| m["name"].as_str().expect("a name").to_owned())
            .collect()
    });
    let csv = names("csv", &|text| {
        csv::Reader::from_reader(text.as_bytes())
            .records()
            .map(|row| row.expect("a row")[0].to_owned())
            .collect()
    });
    let md = names("md", &|text| {
        text.lines()
            .skip(2)
            .filter_map(|line| line.split(" | ").next()?.strip_prefix("| "))
            .map(str::to_owned)
            .collect()
    });
    assert!(json.len() > 20 && json == csv && json == md, "{json:?} {csv:?} {md:?}");
}

#[test]
fn every_command_that_prints_a_table_prints_it_as_json_csv_and_markdown() {
    let few = ["--set", "fleet.users=20", "--replications", "1"];
    let storm = "scenarios/touch-429-cascade.toml";
    let (clerk, sdks) = ("tests/recordings/5.125.3-S1-tokens429.json", "tests/recordings/sdks/auth0-spa-js");
    let token = format!("{sdks}/2.28.3-04-token429-idle.json");
    let wrong = ["--profile", "scenarios/clients/keycloak-js-26.2.4.toml"];
    let poll = ["scenarios/rl-poll.toml", "--set", "horizon=2s", "--estimate"];
    let vary = ["--vary", "workload[0].clients=1..2/2"];
    for (args, first, least) in [
        ([&["run"], &poll[..]].concat(), "policy", 10),
        ([&["sweep"], &poll[..], &vary].concat(), "quantity", 8),
        (
            [
                &["find"],
                &poll[..],
                &["--vary", "workload[0].clients=1..2", "--target", "new.requests_total>=0"],
            ]
            .concat(),
            "quantity",
            2,
        ),
        ([&["conform", clerk, &token], &wrong[..]].concat(), "file", 2),
        (vec!["verify", "--fast", "--family", "finite_source_retrial"], "family", 4),
        ([&["verify-determinism", storm], &few[..]].concat(), "run", 4),
        ([&["verify-determinism", storm, "--ties"], &few[..]].concat(), "policy", 20),
        (vec!["keys", "backend.limit"], "key", 20),
        (vec!["explain-client", "firebase-1.13.9"], "client", 17),
    ] {
        let print = |format: &str| {
            let output =
                authstorm().args(&args).args(["--format", format]).output().expect("the command runs");
            assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?} {format}: {}", said(&output));
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let json = print("json");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{args:?}: {json}");
        let csv = print("csv");
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(reader.headers().expect("a header").get(0), Some(first), "{args:?}: {csv}");
        let rows: Result<Vec<csv::StringRecord>, csv::Error> = reader.records().collect();
        assert!(rows.expect("as many cells as the header").len() >= least, "{args:?}: {csv}");
        let md = print("md");
        assert!(md.contains("| --- |") && md.matches("\n|").count() > least, "{args:?}: {md}");
        assert!(!print("table").contains("| --- |"), "{args:?}");
    }
}

#[test]
fn a_scenario_that_states_no_replications_has_intervals() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "version = 1\nname = \"short\"\nhorizon = \"20s\"\npolicies = [\"old\", \"new\"]\n\
                [client]\nmodel = \"documented\"\n[fleet]\nusers = 20\n\
                focus-every = { exponential = \"5s\" }\n\
                [[expect]]\nthat = \"new.false_sign_outs == 0\"\n";
    std::fs::write(folder.path().join("short.toml"), text).expect("written");
    let (code, told, _) = run(folder.path(), &["run", "short.toml"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("mean of 10 replications") && told.contains(" ± "), "{told}");
    let (_, told, _) = run(folder.path(), &["run", "short.toml", "--replications", "1", "--out", "one"]);
    assert!(
        told.contains("One replication gives no intervals: it does not tell") && !told.contains(" ± "),
        "{told}"
    );
    assert!(told.contains("observed 0 in 1 replication; at most 95% of runs violate it"), "{told}");
}
