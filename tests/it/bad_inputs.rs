//! Hostile inputs: each is refused with its message at its place, quickly and without a panic.

use crate::common::corpus;
use crate::common::refusal::{check_refusal, first_nanosecond, judge};
use crate::common::sources::sources;
use authstorm::Study;
use authstorm::scenario::{ScenarioErrors, load, load_text, load_text_in};
use proptest::prelude::*;
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

const BASE: &str = include_str!("../bad_inputs/base.toml");
const EVERYTHING: &str = include_str!("../fixtures/everything.toml");
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    text: Option<String>,
    #[serde(default)]
    change: Vec<(String, String)>,
    #[serde(default)]
    append: String,
    #[serde(default)]
    set: Vec<String>,
    errors: Vec<Vec<String>>,
}

impl Case {
    fn text(&self) -> String {
        let mut text = self.text.clone().unwrap_or_else(|| BASE.to_owned());
        for (old, new) in &self.change {
            assert_eq!(text.matches(old.as_str()).count(), 1, "{}: {old}", self.what);
            text = text.replace(old.as_str(), new);
        }
        text + &self.append
    }
}

fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }
    let cases: Cases = toml::from_str(include_str!("../bad_inputs/cases.toml")).expect("the table of cases");
    cases.case
}

/// Code, place and message of each error, one per line.
fn summary(errors: &ScenarioErrors) -> Vec<String> {
    let line = |e: &authstorm::scenario::ScenarioError| {
        let place = e.place().map_or("-".to_owned(), |(line, column)| format!("{line}:{column}"));
        format!("{} {place} {}", e.code, e.message())
    };
    errors.errors.iter().map(line).collect()
}

#[test]
fn the_base_of_the_cases_is_valid() {
    let loaded = load_text("base.toml", BASE, &[]).unwrap_or_else(|e| panic!("{e}"));
    assert!(loaded.warnings.is_empty());
}

#[test]
fn every_case_gets_its_message_at_its_place() {
    let cases = cases();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let mut failures = String::new();
    for case in &cases {
        let found = match load_text("case.toml", &case.text(), &case.set) {
            Ok(loaded) => {
                first_nanosecond(loaded);
                Vec::new()
            }
            Err(errors) => {
                check_refusal(&case.what, &errors);
                summary(&errors)
            }
        };
        let agrees = |line: &String, expected: &Vec<String>| {
            let head = format!("{} {} ", expected[0], expected[1]);
            line.starts_with(&head) && expected[2..].iter().all(|fragment| line.contains(fragment.as_str()))
        };
        let same = found.len() == case.errors.len()
            && found.iter().zip(&case.errors).all(|(line, expected)| agrees(line, expected));
        if !same {
            failures += &format!("{}\n  expected {:?}\n  found    {found:#?}\n", case.what, case.errors);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Snapshots of some messages, to show changes of their layout.
#[test]
fn messages_look_like_this() {
    let show = |change: &[(&str, &str)], set: &[&str]| {
        let text = change.iter().fold(BASE.to_owned(), |text, (old, new)| text.replace(old, new));
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        load_text("storm.toml", &text, &set).expect_err("it is wrong").to_string()
    };
    let long = format!("\"{}\"", "x".repeat(500));
    let shown = [
        show(&[("users = 100", "user = 100")], &[]),
        show(&[("to = \"2m\"", "to = \"30s\"")], &[]),
        show(&[("seed = 1", "about = \"a\u{202e}b\"")], &[]),
        show(&[("\"documented\"", &long)], &[]),
        show(&[("seed = 1", "seed = 1\nseed = 2")], &[]),
        show(&[("seed = 1", "replications = 5\nabout = \"漢字\tx\"")], &[]),
        show(&[("name = \"mine\"", "name = \"new\"")], &[]),
        show(&[], &["fleet.usres=5"]),
        show(&[], &["bucket=20m"]),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}

/// The first twenty errors are shown with their lines. Each further one has a line of its own.
#[test]
fn every_error_of_a_file_is_listed() {
    let fault = |i: usize| format!("[[fault]]\nname = \"f{i}\"\nkind = \"nap\"\n");
    let text = BASE.to_owned() + &(0..50).map(fault).collect::<String>();
    let errors = load_text("s.toml", &text, &[]).expect_err("fifty kinds that there are not");
    assert_eq!((errors.errors.len(), errors.more), (50, 0));
    let told = errors.to_string();
    let first = text.lines().position(|line| line.contains("nap")).expect("a line") + 1;
    for i in 0..50 {
        let place = format!("s.toml:{}:8: error[E104]", first + 3 * i);
        assert_eq!(told.matches(&place).count(), 1, "{place} in\n{told}");
    }
    assert_eq!(told.matches("| kind = \"nap\"").count(), 20, "{told}");
}

#[test]
fn files_that_are_not_utf8() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("s.toml");
    let utf16 = |text: &str| {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let with = |at: usize, bytes: &[u8]| [&BASE.as_bytes()[..at], bytes, &BASE.as_bytes()[at..]].concat();
    let mut mark = b"\xEF\xBB\xBF".to_vec();
    mark.extend(with(12, b"\xFF"));
    for (what, bytes, expected) in [
        ("UTF-16", utf16(BASE), "E005 1:1 looks like UTF-16; save it as UTF-8"),
        ("Latin-1", with(20, b"\xE9"), "E004 2:9 not UTF-8: byte 0xE9 at offset 20"),
        ("cut in a character", with(BASE.len(), "é".as_bytes())[..BASE.len() + 1].to_vec(), "E004 44:1"),
        ("after a mark", mark, "E004 2:1 not UTF-8: byte 0xFF at offset 15"),
        ("UTF-16 without a mark", utf16(BASE)[2..].to_vec(), "E006 1:2 NUL"),
    ] {
        std::fs::write(&path, bytes).expect("it can be written");
        let errors = load(&path, &[]).expect_err(what);
        check_refusal(what, &errors);
        assert_eq!(errors.errors.len(), 1, "{what}");
        assert!(summary(&errors)[0].starts_with(expected), "{what}: {:?}", summary(&errors));
    }
}

#[test]
fn files_that_are_not_a_scenario() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let refused = |path: &Path, expected: &str| {
        let errors = load(path, &[]).expect_err(expected);
        let message = errors.to_string();
        assert!(message.starts_with(&format!("{}: error[", path.display())), "{message}");
        assert!(message.contains(expected), "{message}");
    };
    refused(&at("missing.toml"), "E001]: cannot read it: No such file");
    refused(dir.path(), "E002]: is a directory");
    std::fs::write(at("large.toml"), vec![b'#'; (1 << 20) + 1]).expect("it can be written");
    refused(&at("large.toml"), "E003]: larger than 1048576 bytes");
    #[cfg(unix)]
    {
        refused(Path::new("/dev/zero"), "E002]: is not a regular file");
        std::os::unix::fs::symlink("loop.toml", at("loop.toml")).expect("a link");
        refused(&at("loop.toml"), "E001]: cannot read it: ");
        // Opening a FIFO without a writer would block.
        if Command::new("mkfifo").arg(at("fifo.toml")).status().is_ok_and(|status| status.success()) {
            refused(&at("fifo.toml"), "E002]: is not a regular file");
        }
        std::fs::write(at("real.toml"), BASE).expect("it can be written");
        std::os::unix::fs::symlink("real.toml", at("link.toml")).expect("a link");
        let load = |name: &str| load(&at(name), &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(load("link.toml").hash(), load("real.toml").hash());
    }
}

/// Input 3 of the list. Root may read every file, so the command runs as user nobody if the test runs as root.
#[test]
fn an_unreadable_file_is_an_error() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let (binary, scenario) = (dir.path().join("authstorm"), dir.path().join("secret.toml"));
    std::fs::copy(env!("CARGO_BIN_EXE_authstorm"), &binary).expect("a copy");
    std::fs::write(&scenario, BASE).expect("it can be written");
    allow(dir.path(), 0o755);
    allow(&binary, 0o755);
    allow(&scenario, 0o000);
    let mut command = Command::new(&binary);
    command.current_dir(dir.path()).args(["validate", "secret.toml"]);
    if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        command.uid(65_534);
    }
    let output = command.output().expect("the command runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("secret.toml: error[E001]: cannot read it: Permission denied"), "{said}");
}

#[test]
fn policy_files_stay_inside_the_scenarios_directory() {
    let outer = tempfile::tempdir().expect("a temporary directory");
    let dir = outer.path().join("scenarios");
    std::fs::create_dir(&dir).expect("a directory");
    let policy = include_str!("../fixtures/policies/breaker.toml");
    std::fs::write(outer.path().join("outside.toml"), policy).expect("it can be written");
    std::fs::write(dir.join("broken.toml"), policy.replace("factor = 2", "factor = 0.5\njiter = 1"))
        .expect("it can be written");
    #[cfg(unix)]
    std::os::unix::fs::symlink("../outside.toml", dir.join("link.toml")).expect("a link");
    let summary_of = |file: &str| {
        let text = BASE.replace("seed = 1", &format!("policy-files = [{file:?}]"));
        let errors = load_text_in("s.toml", &text, Some(&dir), &[]).expect_err(file);
        check_refusal(file, &errors);
        summary(&errors).join("\n")
    };
    for (file, expected) in [
        ("../outside.toml", "E503 3:17"),
        ("/etc/passwd", "E503 3:17"),
        ("https://example.org/p.toml", "E503 3:17 a policy file is no URL"),
        ("C:x.toml", "E503 3:17"),
        ("..\\outside.toml", "E503 3:17"),
        ("", "E503 3:17"),
        ("missing.toml", "E001 3:17 cannot read the policy file"),
        (".", "E002 3:17"),
        #[cfg(unix)]
        ("link.toml", "E503 3:17 a link that leads out"),
    ] {
        let found = summary_of(file);
        assert!(found.starts_with(expected), "{file}: {found}");
    }
    let found = summary_of("broken.toml");
    assert!(
        found.contains("E107 9:10 number out of range") && found.contains("E101 10:1 unknown key"),
        "{found}"
    );
}

/// Inputs whose cost could grow with their size.
#[test]
fn large_and_deep_inputs_are_refused_within_bounds() {
    let line = |value: String| format!("version = 1\nname = {value}\n");
    let many = |text: &str, n: usize| text.repeat(n);
    let code = |i| format!("[[fault]]\nkind = \"status\"\ncount = 1\nstatus = 401\ncode = \"c{i}\"\n");
    let codes = |n| (0..n).map(code).collect::<String>();
    for (what, text, code) in [
        ("deep arrays", line(many("[", 100_000)), "E007"),
        ("deep closed arrays", line(many("[", 50_000) + &many("]", 50_000)), "E007"),
        ("deep tables", line(many("{ a = ", 50_000)), "E007"),
        ("a dotted key", many("a.", 10_000) + "a = 1\n", "E007"),
        ("a dotted header", format!("[{}a]\n", many("a.", 10_000)), "E007"),
        ("a line of 1 MB", line(format!("\"{}\"", many("x", 1_000_000))), "E201"),
        ("a number of 10^6 digits", line(many("9", 1_000_000)), "E103"),
        ("a key of 1 MB", many("k", 1_000_000) + " = 1\n", "E101"),
        ("10^5 unknown keys", (0..100_000).map(|i| format!("k{i}=1\n")).collect(), "E101"),
        ("a key given 10^5 times", many("a = 1\n", 100_000), "E010"),
        ("10^5 lines of nonsense", many("?!\n", 100_000), "E009"),
        ("an open string", line("\"\"\"".to_owned() + &many("\n", 1_000_000)), "E009"),
        (
            "20 000 faults",
            BASE.to_owned() + &many("[[fault]]\nkind='outage'\nfrom='1s'\nto='2s'\n", 20_000),
            "E109",
        ),
        ("10^5 policies", BASE.replace("\"old\", ", &many("\"old\", ", 100_000)), "E109"),
        ("10^5 answers", BASE.replace("[\"5xx\"]", &format!("[{}]", many("\"5xx\",", 100_000))), "E109"),
        ("300 error codes", BASE.to_owned() + &codes(300), "E109"),
        (
            "10^5 durations",
            BASE.replace("\"5ms\"", &format!("{{ empirical = [{}] }}", many("\"1\",", 200_000))),
            "E109",
        ),
    ] {
        let errors = load_text("s.toml", &text, &[]).expect_err(what);
        check_refusal(what, &errors);
        assert!(summary(&errors).iter().any(|line| line.starts_with(code)), "{what}: {:?}", summary(&errors));
        // Twenty errors have ten lines of 120 characters each. The others have one line of at most 500 characters.
        assert!(
            errors.to_string().len() < 125_000,
            "{what}: a message of {} bytes",
            errors.to_string().len()
        );
    }
}

#[test]
fn a_scenario_cut_at_any_byte_is_refused_or_valid() {
    for end in (0..EVERYTHING.len()).filter(|&end| EVERYTHING.is_char_boundary(end)) {
        judge(&EVERYTHING[..end], Path::new(FIXTURES));
    }
}

#[test]
fn every_corpus_file_is_refused_or_valid() {
    corpus::each("scenario", 100, |bytes| judge(&String::from_utf8_lossy(bytes), Path::new(FIXTURES)));
}

/// Tokens of TOML and of the format. Edits with them pass the parser more often than random bytes.
const PIECES: [&str; 24] = [
    "\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\r\n",
    "#",
    "-",
    "1e400",
    "nan",
    "\u{202e}",
    "\0",
    "é",
    "[fleet]\n",
    "users",
    "\"1h\"",
    "0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edited_scenarios_never_panic_and_errors_have_a_place(
        edits in prop::collection::vec((0..EVERYTHING.len(), 0usize..6, 0..PIECES.len() + 8, any::<u8>()), 1..5)
    ) {
        let mut bytes = EVERYTHING.as_bytes().to_vec();
        for (at, cut, piece, byte) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            let new = PIECES.get(piece).map_or(vec![byte], |piece| piece.as_bytes().to_vec());
            bytes.splice(at..end, new);
        }
        let text = String::from_utf8_lossy(&bytes);
        judge(&text, Path::new(FIXTURES));
    }

    #[test]
    fn any_override_is_refused_or_loads_again(
        path in prop::sample::select(vec![
            "seed", "about", "fleet.tabs", "fleet.tabs[0].share", "fleet", "fault[0].from", "fault[9].from", "policies",
            "backend.latency", "backend.latency.exponential", "backend.touch.queue", "mix[0].shares[1].share", "expect",
            "policy[0].retry.on[1]", "guard.max-events", "client.model", "action[2].user",
        ]),
        value in "\\PC{0,12}|[0-9]{1,4}(ms|s|m)?|\\[[a-z0-9\", ]{0,9}\\]|\"[a-z]{0,5}\"|\\{[a-z= 0-9]{0,9}\\}",
    ) {
        let given = format!("{path}={value}");
        match load_text_in("e.toml", EVERYTHING, Some(Path::new(FIXTURES)), std::slice::from_ref(&given)) {
            Ok(loaded) => {
                let again = load_text_in("e.toml", &loaded.text, Some(Path::new(FIXTURES)), &[]);
                prop_assert_eq!(again.ok(), Some(loaded));
            }
            Err(errors) => check_refusal(&given, &errors),
        }
    }
}

/// Every numbered input of the list names its tests or a reason for having none. The named cases and tests exist.
#[test]
fn every_input_of_the_list_has_its_tests_or_a_reason() {
    let code: String = ["src", "tests"].into_iter().flat_map(sources).map(|(_, text)| text).collect();
    let list: std::collections::BTreeMap<String, Vec<String>> =
        toml::from_str(include_str!("../bad_inputs/coverage.toml")).expect("the list");
    let cases = cases();
    assert_eq!(list.len(), 102);
    for number in 1..=102 {
        let entry = list.get(&number.to_string()).unwrap_or_else(|| panic!("line {number} is missing"));
        assert!(entry.len() >= 2, "line {number} names no test and no reason");
        for place in &entry[1..] {
            let known = match place.split_once(' ') {
                Some(("case", what)) => cases.iter().any(|case| case.what == what),
                Some(("fn", name)) => {
                    code.contains(&format!("\nfn {name}(")) || code.contains(&format!("    fn {name}("))
                }
                Some(("not:" | "open:", reason)) => !reason.is_empty(),
                _ => place == "open",
            };
            assert!(known, "line {number}: {place}");
        }
    }
}

/// A scenario with one user and these additional lines.
fn one_user(more: &str) -> Study {
    let text = format!(
        "version = 1\nname = \"one\"\nhorizon = \"10s\"\npolicies = [\"old\"]\n{more}\n[client]\nmodel = \"documented\"\n\
         [fleet]\nusers = 1\n[backend]\nlatency = \"5ms\"\n"
    );
    Study::parse("one.toml", &text).unwrap_or_else(|e| panic!("{e}"))
}

fn with_fault(kind: &str, probability: &str) -> Study {
    let fault = format!(
        "fault = [{{ kind = \"{kind}\", endpoints = [\"client\"], from = \"0s\", to = \"10s\", probability = {probability} }}]"
    );
    one_user(&fault)
}

#[test]
fn numbers_at_their_limits_keep_their_values() {
    for seed in [0, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(one_user(&format!("seed = {seed}")).loaded().scenario.seed, seed);
    }
    let (minus, plus) = (with_fault("outage", "-0.0"), with_fault("outage", "0.0"));
    assert_eq!(minus.loaded().hash(), plus.loaded().hash(), "minus zero is zero");
    assert_ne!(minus.loaded().hash(), with_fault("outage", "0.5").loaded().hash());
    let values = |study: &Study| {
        study.run().expect("no guard").policies[0].metrics.iter().map(|m| m.mean).collect::<Vec<_>>()
    };
    assert_eq!(format!("{:?}", values(&minus)), format!("{:?}", values(&plus)));
}

#[test]
fn a_call_without_an_answer_is_in_flight_at_the_end() {
    use authstorm::backend::Endpoint;
    use authstorm::metrics::Outcome;
    let results = with_fault("no-answer", "1.0").run().expect("no guard");
    let calls = |endpoint: Endpoint, outcome: Outcome| -> u64 {
        results.policies[0].timelines[0]
            .buckets
            .iter()
            .map(|b| b.calls[endpoint.index()][outcome as usize])
            .sum()
    };
    assert_eq!(calls(Endpoint::known("client"), Outcome::InFlight), 1);
    assert_eq!(calls(Endpoint::known("client"), Outcome::Ok), 0);
    assert_eq!(calls(Endpoint::known("environment"), Outcome::Ok), 1);
}
