//! `authstorm check` as a gate: many files, exit codes, JUnit, GitHub Actions, baselines.

use crate::common::binary;
use authstorm::Study;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Ten clients call every ten seconds for a minute: 60 calls a run, 10 of them at once.
const POLLERS: &str = "version = 1\nname = \"pollers\"\nhorizon = \"60s\"\nreplications = 3\npolicies = [\"new\"]\n\
    [[workload]]\nname = \"pollers\"\nclients = 10\nevery = \"10s\"\nuntil = \"55s\"\n[backend.generic]\nlatency = \"10ms\"\n";

/// A passing, a failing, a vacuous, an allowed vacuous, an undecided and an unjudged expectation, in this order.
pub(crate) const EACH: [&str; 6] = [
    "that = \"new.requests_total == 60\"",
    "that = \"new.requests_total <= 0.5 * new.callers_begun\"",
    "that = \"new.pool_shed{pool=idle} == 0\"",
    "that = \"new.pool_time_s{pool=idle, quantile=p50} <= 1\"\nmay-be-vacuous = true",
    "that = \"new.responses_failed == 0\"\nof = \"95% of runs\"",
    "that = \"new.requests_total <= baseline(new.requests_total)\"\nof = \"mean\"",
];

fn expects(entries: &[&str]) -> String {
    entries.iter().map(|entry| format!("[[expect]]\n{entry}\n")).collect()
}

/// A pool of a client that never calls, so that nothing can break its expectations.
pub(crate) fn each(entries: &[&str]) -> String {
    let idle = "[client]\nmodel = \"documented\"\n[backend.tokens]\nservice = \"1ms\"\n\
        [[backend.pool]]\nname = \"idle\"\nendpoints = [\"tokens\"]\nworkers = 1\n";
    format!("{POLLERS}{idle}{}", expects(entries))
}

pub(crate) struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the command in a directory, with these variables and no others of GitHub Actions.
fn check_with(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(binary());
    command.current_dir(dir).arg("check").args(args);
    command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
    let output = command.envs(variables.iter().copied()).output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) fn check(dir: &Path, args: &[&str]) -> Said {
    check_with(dir, args, &[])
}

pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

#[test]
fn each_judgement_has_its_words_and_its_exit_code() {
    let place = folder(&[("each.toml", &each(&EACH))]);
    let said = check(place.path(), &["each.toml"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    for line in [
        "\nok   new.requests_total == 60: observed 60 in each of 3 replications; at most 63.2% of runs violate it (one-sided 95% bound)\n",
        "\nFAIL new.requests_total <= 0.5 * new.callers_begun: observed 60 against 30 in each of 3 replications\n",
        "\nVACUOUS new.pool_shed{pool=idle} == 0: holds, but no call reaches the pool: nothing could break it\n",
        "\nVACUOUS new.pool_time_s{pool=idle, quantile=p50} <= 1: holds, but too few calls are answered for the quantile; the scenario \
         allows this\n",
        "\nNOT DECIDED new.responses_failed == 0: observed 0 in each of 3 replications; 3 of 3 runs meet it; at least 36.8% and at \
         most 100% of runs do (one-sided 95% bound); neither that it holds nor that it does not is shown (p 0.8574 and 1 > 0.05)\n",
        "\nnot judged new.requests_total <= baseline(new.requests_total): no baseline is given that has requests_total of policy new\n",
        "\n6 expectations: 1 ok, 1 FAIL, 2 VACUOUS, 1 NOT DECIDED, 1 not judged\n",
        "\n1 expectation is decided by statistics, together: with 95% confidence none passes wrongly, and with 95% none fails wrongly \
         (Holm). Intervals and bounds are of one expectation each.\n",
    ] {
        assert!(said.out.contains(line), "{line} is missing:\n{}", said.out);
    }
    // The exit code of each by itself.
    for (entry, code) in EACH.iter().zip([0, 1, 1, 0, 1, 1]) {
        fs::write(place.path().join("one.toml"), each(&[entry])).expect("written");
        let said = check(place.path(), &["one.toml", "--quiet"]);
        assert_eq!(said.code, Some(code), "{entry}: {}{}", said.out, said.err);
        assert_eq!(said.err.is_empty(), code == 0, "{entry}: {}", said.err);
    }
}

#[test]
fn of_several_files_the_worst_exit_code_counts() {
    let good = each(&EACH[..1]);
    let bad = each(&EACH[..2]).replace("name = \"pollers\"\nhorizon", "name = \"other\"\nhorizon");
    let stopped = format!("{good}[guard]\nmax-events = 10\n");
    let place = folder(&[("good.toml", &good), ("bad.toml", &bad), ("stopped.toml", &stopped)]);
    let both = check(place.path(), &["good.toml", "bad.toml"]);
    assert_eq!(both.code, Some(1));
    assert!(both.out.starts_with("good.toml\n") && both.out.contains("\nbad.toml\n"), "{}", both.out);
    assert!(both.out.ends_with("\n2 files: 1 pass, 1 do not\n"), "{}", both.out);
    // The second file is stopped by its guard, and the third is checked nevertheless.
    let all = check(place.path(), &["good.toml", "stopped.toml", "bad.toml"]);
    assert_eq!(all.code, Some(3), "{}", all.err);
    assert!(all.err.starts_with("error: stopped.toml: ") && all.err.contains("event budget"), "{}", all.err);
    assert!(all.out.ends_with("\n3 files: 1 pass, 1 do not, 1 stopped\n"), "{}", all.out);
    assert_eq!(check(place.path(), &["good.toml", "good.toml"]).code, Some(0));
    let json = check(place.path(), &["good.toml", "stopped.toml", "bad.toml", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let exits: Vec<_> = list.as_array().expect("a list").iter().map(|file| file["exit"].as_u64()).collect();
    assert_eq!((json.code, exits), (Some(3), vec![Some(0), Some(3), Some(1)]));
    assert_eq!(list[2]["results"]["expectations"][1]["judgement"], "failed");
    assert!(list[1]["results"].is_null() && list[1]["error"].is_string());
}

/// Nothing is run, and nothing written, before every file is read.
#[test]
fn a_bad_file_among_several_stops_the_check_before_any_run() {
    let good = each(&EACH[..1]);
    let broken = good.replace("requests_total == 60", "requests_totl == 60");
    let without = POLLERS.to_owned();
    let place = folder(&[("good.toml", &good), ("broken.toml", &broken), ("without.toml", &without)]);
    let said = check(
        place.path(),
        &["good.toml", "broken.toml", "without.toml", "missing.toml", "--junit", "r.xml"],
    );
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    let line = broken.lines().position(|line| line.contains("totl")).expect("a line") + 1;
    let broken = format!(
        "broken.toml:{line}:13: error[E602]: no metric is named `requests_totl`; did you mean `requests_total`?"
    );
    for part in [
        broken.as_str(),
        "error: without.toml: the scenario has no [[expect]]: nothing to check",
        "missing.toml: error[E001]",
    ] {
        assert!(said.err.contains(part), "{part} is missing:\n{}", said.err);
    }
    assert!(!place.path().join("r.xml").exists());
    assert_eq!(
        check(place.path(), &["good.toml", "--junit", "good.toml"]).code,
        Some(2),
        "an input is not overwritten"
    );
    assert_eq!(fs::read_to_string(place.path().join("good.toml")).expect("a file"), good);
}

/// The elements of a JUnit file and their attributes, by junit-10.xsd of the xUnit plugin of Jenkins. `file` and `line` are
/// read by other systems; that schema has them at no test case.
const SCHEMA: [(&str, &[&str]); 8] = [
    ("testsuites", &["name", "tests", "failures", "errors", "skipped"]),
    ("testsuite", &["name", "tests", "failures", "errors", "skipped"]),
    ("properties", &[]),
    ("property", &["name", "value"]),
    ("testcase", &["name", "classname", "file", "line"]),
    ("failure", &["message", "type"]),
    ("skipped", &["message"]),
    ("system-out", &[]),
];

/// The tags of an XML text with the names of their attributes. Attribute values hold no `<` and no `>` unescaped.
fn tags(xml: &str) -> Vec<(String, Vec<String>)> {
    let tags = xml.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?']));
    let parsed = tags.map(|tag| {
        let tag = tag.split('>').next().expect("a tag ends").trim_end_matches('/');
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let names = rest.split('"').step_by(2).filter_map(|part| part.trim().strip_suffix('='));
        (name.to_owned(), names.map(str::to_owned).collect())
    });
    parsed.collect()
}

#[test]
fn junit_says_each_verdict() {
    let hostile = each(&EACH).replace("version = 1", "version = 1\nabout = \"<&>\"");
    let place = folder(&[("a & <b>.toml", &hostile), ("good.toml", &each(&EACH[..1]))]);
    let args = ["a & <b>.toml", "good.toml", "--junit", "report.xml"];
    assert_eq!(check(place.path(), &args).code, Some(1));
    let xml = fs::read_to_string(place.path().join("report.xml")).expect("a report");
    let report = Report::deserialize_from_str(&xml).expect("JUnit XML");
    assert_eq!((report.tests, report.failures, report.errors), (7, 3, 0));
    let suite = &report.test_suites[0];
    assert_eq!(suite.name.as_str(), "a & <b>.toml");
    assert_eq!((suite.tests, suite.failures, suite.skipped), (6, 3, 1));
    let kinds: Vec<&str> = suite
        .test_cases
        .iter()
        .map(|case| match &case.status {
            TestCaseStatus::Success { .. } => "success",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, ty, .. } => {
                ty.as_ref().expect("a type").as_str()
            }
            TestCaseStatus::NonSuccess { .. } => "error",
            TestCaseStatus::Skipped { .. } => "skipped",
        })
        .collect();
    assert_eq!(kinds, ["success", "FAIL", "VACUOUS", "success", "NOT DECIDED", "skipped"]);
    let failed = &suite.test_cases[1];
    assert_eq!(failed.name.as_str(), "new.requests_total <= 0.5 * new.callers_begun");
    let TestCaseStatus::NonSuccess { message, description, .. } = &failed.status else {
        panic!("{failed:?}")
    };
    assert_eq!(
        message.as_ref().expect("a message").as_str(),
        "observed 60 against 30 in each of 3 replications"
    );
    let line = hostile.lines().position(|line| line.contains("0.5 * new")).expect("a line") + 1;
    assert!(description.as_ref().expect("text").as_str().ends_with(&format!("at a & <b>.toml:{line}:8")));
    assert_eq!(failed.extra.get("line").map(|line| line.as_str()), Some(line.to_string().as_str()));
    let bound = suite.test_cases[0].system_out.as_ref().expect("a bound beside never");
    assert!(bound.as_str().contains("at most 63.2% of runs violate it"), "{bound:?}");
    // Against the elements and attributes of the schema.
    let mut seen = BTreeSet::new();
    for (name, attributes) in tags(&xml) {
        let (_, allowed) =
            SCHEMA.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("<{name}>"));
        assert!(
            attributes.iter().all(|attribute| allowed.contains(&attribute.as_str())),
            "{name}: {attributes:?}"
        );
        seen.insert(name);
    }
    assert_eq!(seen.len(), SCHEMA.len(), "{seen:?}");
    // The same bytes again, over the earlier report. Another file is not overwritten.
    assert_eq!(check(place.path(), &args).code, Some(1));
    assert_eq!(fs::read_to_string(place.path().join("report.xml")).expect("a report"), xml);
    fs::write(place.path().join("diary.txt"), "mine").expect("written");
    let said = check(place.path(), &["good.toml", "--junit", "diary.txt"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("choose another --junit\n"), "{}", said.err);
    assert_eq!(fs::read(place.path().join("diary.txt")).expect("a file"), b"mine");
    assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 4, "nothing is left behind");
}

#[test]
fn github_actions_gets_annotations_and_a_summary() {
    let text = each(&EACH);
    let broken = text.replace("new.requests_total == 60", "newer.requests_total == 60");
    let place = folder(&[("storm.toml", &text), ("broken.toml", &broken), ("summary.md", "before\n")]);
    let summary = place.path().join("summary.md");
    let here = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().expect("UTF-8"))];
    let line_of = |part: &str| text.lines().position(|line| line.contains(part)).expect("a line") + 1;
    let said = check_with(place.path(), &["storm.toml"], &here);
    let commands: Vec<&str> = said.out.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands.len(), 5, "{}", said.out);
    assert_eq!(
        commands[0],
        format!(
            "::error file=storm.toml,line={},col=8,title=FAIL%3A new.requests_total <= 0.5 * new.callers_begun::observed 60 against \
             30 in each of 3 replications",
            line_of("0.5 * new")
        )
    );
    let levels: Vec<&str> =
        commands.iter().map(|command| &command[..command.find(' ').expect("a word")]).collect();
    assert_eq!(levels, ["::error", "::error", "::notice", "::error", "::notice"]);
    assert!(commands[3].contains(&format!("line={},col=8", line_of("responses_failed"))), "{}", commands[3]);
    let written = fs::read_to_string(&summary).expect("a file");
    assert!(
        written.starts_with(
            "before\n### authstorm check `storm.toml`\n\n| verdict | expectation | observed |\n"
        )
    );
    assert!(
        written.contains(
            "\n| FAIL | `new.requests_total <= 0.5 * new.callers_begun` | observed 60 against 30 in"
        ),
        "{written}"
    );
    assert!(
        written.contains("\n6 expectations: 1 ok, 1 FAIL, 2 VACUOUS, 1 NOT DECIDED, 1 not judged.\n")
            && written.contains("\nSeed 1.\n"),
        "{written}"
    );
    // JSON on standard output stays JSON: annotations are lines of standard error.
    let said = check_with(place.path(), &["storm.toml", "--json"], &here[..1]);
    assert!(serde_json::from_str::<serde_json::Value>(&said.out).is_ok(), "{}", said.out);
    assert_eq!(said.err.matches("::error file=storm.toml").count(), 3, "{}", said.err);
    // A file that is no scenario, at the place of its error.
    let said = check_with(place.path(), &["broken.toml"], &here[..1]);
    let at = format!("::error file=broken.toml,line={},col=9,title=not a scenario::", line_of("== 60"));
    assert!(said.code == Some(2) && said.err.contains(&at), "{}", said.err);
    // Elsewhere nothing of this is said.
    let said = check(place.path(), &["storm.toml"]);
    assert!(!said.out.contains("::error") && !said.err.contains("::error"));
    assert_eq!(fs::read_to_string(&summary).expect("a file"), written);
    let said = check_with(place.path(), &["storm.toml"], &[("GITHUB_STEP_SUMMARY", "no/such/place.md")]);
    assert_eq!(said.code, Some(4), "{}", said.err);
}

/// Exponential calls, whose number differs between seeds and replications.
fn random(clients: usize, margin: &str) -> String {
    let text = POLLERS
        .replace("clients = 10", &format!("clients = {clients}"))
        .replace("replications = 3", "replications = 12");
    let text = text.replace("every = \"10s\"", "every = { exponential = \"10s\" }");
    let entry =
        format!("that = \"new.requests_total <= {margin}baseline(new.requests_total)\"\nof = \"mean\"");
    format!("{text}{}", expects(&[&entry, "that = \"new.requests_total > 0\""]))
}

#[test]
fn no_worse_than_last_time_needs_an_upper_bound_below_the_margin() {
    let place = folder(&[
        ("base.toml", &random(20, "")),
        ("same.toml", &random(20, "")),
        ("none.toml", &each(&EACH[..1])),
        ("fewer.toml", &random(15, "")),
        ("more.toml", &random(26, "")),
        ("wide.toml", &random(26, "1.6 * ")),
        ("narrow.toml", &random(26, "1.34 * ")),
    ]);
    let run = |args: &[&str]| {
        let output = Command::new(binary()).current_dir(place.path()).arg("run").args(args).output();
        output.expect("the command runs").status.code()
    };
    assert_eq!(run(&["base.toml", "--out", "last/pollers", "--quiet"]), Some(0));
    let values = |text: &str| -> Vec<f64> {
        let results =
            Study::parse("x.toml", text).and_then(|study| study.run()).unwrap_or_else(|e| panic!("{e}"));
        results.policies[0].metric("requests_total").values.clone()
    };
    let before = values(&random(20, ""));
    for (file, clients, margin) in
        [("same", 20, 1.0), ("fewer", 15, 1.0), ("more", 26, 1.0), ("wide", 26, 1.6), ("narrow", 26, 1.34)]
    {
        let said = check(place.path(), &[&format!("{file}.toml"), "--baseline", "last", "--json"]);
        let json: serde_json::Value =
            serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.err));
        // By hand: the one-sided bounds of the mean paired difference, with Student's t of 11 degrees of freedom.
        let now = values(&random(clients, ""));
        let d: Vec<f64> = now.iter().zip(&before).map(|(now, before)| now - margin * before).collect();
        let mean = d.iter().sum::<f64>() / 12.0;
        let error = (d.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 11.0 / 12.0).sqrt();
        let (low, high) = (mean - 1.795_884_819 * error, mean + 1.795_884_819 * error);
        let expected = match () {
            () if high <= 0.0 => "passed",
            () if low > 0.0 => "failed",
            () => "not-decided",
        };
        assert_eq!(json["expectations"][0]["judgement"], expected, "{file}: {low} to {high}");
        assert_eq!(said.code, Some(i32::from(expected != "passed")), "{file}");
        let known = [
            ("same", "passed"),
            ("fewer", "passed"),
            ("more", "failed"),
            ("wide", "passed"),
            ("narrow", "not-decided"),
        ];
        assert!(known.contains(&(file, expected)), "{file} is {expected}: {low} to {high}");
    }
    // The directory of the results themselves serves too; a wrong one is named.
    assert_eq!(check(place.path(), &["same.toml", "--baseline", "last/pollers"]).code, Some(0));
    for (args, complaint) in [
        (&["same.toml", "--baseline", "nowhere"][..], "neither nowhere nor nowhere/pollers has results"),
        (&["same.toml", "--baseline", "last", "--seed", "2"], "the baseline has seed 1, and this scenario 2"),
        (
            &["same.toml", "--baseline", "last", "--replications", "13"],
            "the baseline has 12 replications, and this scenario 13",
        ),
        (&["same.toml", "--baseline", "last", "--set", "name=\"x\""], "neither last nor last/x has results"),
        (&["none.toml", "--baseline", "last"], "no [[expect]] of the scenario names a baseline"),
        (
            &["same.toml", "--baseline", "last/pollers", "--set", "name=\"x\""],
            "last/pollers has results of pollers; allowed: results of x",
        ),
    ] {
        let said = check(place.path(), args);
        assert!(said.code == Some(2) && said.err.contains(complaint), "{args:?}: {}", said.err);
    }
    // Without a baseline the expectation is not judged, which is said, and the other one decides.
    let said = check(place.path(), &["same.toml"]);
    assert!(
        said.code == Some(0) && said.out.contains("not judged new.requests_total <= baseline"),
        "{}",
        said.out
    );
}
