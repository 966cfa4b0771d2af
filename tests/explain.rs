//! `authstorm explain` as somebody uses it who must paste its story into an incident review.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

fn explain(scenario: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authstorm"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["explain", scenario]).args(more);
    command.output().expect("the command runs")
}

fn said(scenario: &str, more: &[&str]) -> String {
    let output = explain(scenario, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(scenario: &str, more: &[&str]) -> Value {
    let more: Vec<&str> = more.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&said(scenario, &more)).expect("JSON")
}

/// Shipped scenarios whose stories differ in kind: the incident, both loops of the real client, a revocation.
const STORIES: [(&str, &str); 5] = [
    ("scenarios/touch-429-cascade.toml", "old"),
    ("scenarios/touch-429-clerk-js.toml", "old"),
    ("scenarios/client-401-recursion.toml", "new"),
    ("scenarios/revoked-sessions.toml", "new"),
    ("scenarios/tokens-429-outage.toml", "new"),
];

fn worst(policy: &str) -> [&str; 4] {
    ["--policy", policy, "--session", "worst"]
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list"))
}

#[test]
fn folded_rounds_add_up() {
    let text = said(
        "scenarios/client-401-recursion.toml",
        &["--policy", "new", "--session", "188", "--replication", "2"],
    );
    // 60.307 s + 597 x 100 ms = 120.007 s, and the two entries that are told make 599 in a chain.
    assert!(text.contains(" 60.307 s "), "{text}");
    assert!(text.contains("… 597 more rounds like this, 100 ms each, until 120.007 s"), "{text}");
    assert!(text.contains("in a chain of up to 599"), "{text}");

    // Where rounds differ in length, they add up within the range that is told.
    let text = said("scenarios/touch-429-cascade.toml", &["--policy", "old", "--session", "1718"]);
    let ms = |word: &str| (word.parse::<f64>().expect("a number") * 1_000.0).round() as u64;
    let mut begin = 0;
    let mut folded = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [
            "…",
            rounds,
            "more",
            "rounds",
            "like",
            "this,",
            least,
            "to",
            most,
            "ms",
            "each,",
            "until",
            end,
            "s",
        ] = words[..]
        {
            let [rounds, least, most] = [rounds, least, most].map(|n| n.parse::<u64>().expect("a number"));
            let length = ms(end) - begin;
            // Each told bound is rounded to a millisecond.
            assert!(
                ((rounds * least).saturating_sub(rounds)..=rounds * (most + 1)).contains(&length),
                "{line}"
            );
            folded += 1;
        } else if let [at, "s", ..] = words[..] {
            begin = ms(at);
        }
    }
    assert_eq!(folded, 5, "{text}");
    assert!(text.replace('\n', " ").contains("is signed out 5 times, first at 137.534 s although"), "{text}");
    assert_eq!(text.matches("the user is signed out").count() + text.matches("the user\n").count(), 5);
}

#[test]
fn every_decision_names_the_rule_that_made_it() {
    for (scenario, policy) in STORIES {
        let story = json(scenario, &worst(policy));
        let mut judged = 0;
        for step in array(&story, "steps") {
            for deed in array(step, "deeds").iter().filter(|deed| deed["does"] == "judges") {
                judged += 1;
                let rule = deed["rule"].as_str().unwrap_or_default();
                assert!(rule.contains(" = "), "{scenario}: a rule as it stands in the file: {deed}");
                let told = array(step, "came")
                    .iter()
                    .any(|clause| clause.as_str().is_some_and(|c| c.contains(rule)));
                assert!(told, "{scenario}: {rule} is in the words: {step}");
            }
        }
        assert!(judged > 0 || scenario.contains("revoked"), "{scenario}");
        // What was caused is told after its cause, and the totals are those of the steps.
        for (id, step) in array(&story, "steps").iter().enumerate() {
            assert!(
                step["cause"].is_null() || step["cause"].as_u64().is_some_and(|c| c < id as u64),
                "{step}"
            );
        }
        let entries = array(&story, "steps")
            .iter()
            .flat_map(|step| array(step, "deeds"))
            .filter(|deed| deed["does"] == "enters-flow" && !deed["entry"].is_null());
        assert_eq!(
            entries.count() as u64,
            story["totals"]["entries"].as_u64().expect("a number"),
            "{scenario}"
        );
        assert_eq!(
            array(&story, "calls").len() as u64,
            story["totals"]["requests"].as_u64().expect("a number")
        );
    }
}

#[test]
fn a_trace_has_a_track_per_tab_and_arrows_from_cause_to_effect() {
    for (scenario, policy) in STORIES {
        let more: Vec<&str> = worst(policy).into_iter().chain(["--format", "trace"]).collect();
        let trace: Value = serde_json::from_str(&said(scenario, &more)).expect("JSON");
        let events = array(&trace, "traceEvents");
        let of = |phase: &'static str| events.iter().filter(move |e| e["ph"] == phase);
        let named = |phase| -> BTreeMap<u64, &Value> {
            of(phase).map(|e| (e["id"].as_u64().expect("an id"), e)).collect()
        };
        let (starts, ends) = (named("s"), named("f"));
        assert_eq!(starts.len(), of("s").count(), "{scenario}: ids are of one arrow each");
        assert_eq!(starts.keys().collect::<Vec<_>>(), ends.keys().collect::<Vec<_>>(), "{scenario}");
        assert!(!starts.is_empty(), "{scenario}");
        let slices: Vec<(u64, f64, f64)> = of("X")
            .map(|e| {
                let (at, length) = (e["ts"].as_f64().expect("a time"), e["dur"].as_f64().expect("a length"));
                (e["tid"].as_u64().expect("a track"), at, at + length)
            })
            .collect();
        for (id, start) in &starts {
            let end = ends[id];
            assert!(start["ts"].as_f64() <= end["ts"].as_f64(), "{scenario}: {start} {end}");
            for arrow in [start, &end] {
                // An arrow that touches no slice is not drawn.
                let (track, at) =
                    (arrow["tid"].as_u64().expect("a track"), arrow["ts"].as_f64().expect("a time"));
                let inside = slices.iter().any(|(of, from, to)| *of == track && *from <= at && at <= *to);
                assert!(inside, "{scenario}: {arrow}");
            }
        }
        let story = json(scenario, &worst(policy));
        let tabs: BTreeSet<u64> =
            array(&story, "calls").iter().filter_map(|call| call["tab"].as_u64()).collect();
        let tracks: Vec<&str> = of("M")
            .filter(|e| e["name"] == "thread_name")
            .filter_map(|e| e["args"]["name"].as_str())
            .collect();
        for tab in tabs {
            let own = tracks.iter().filter(|name| **name == format!("tab {tab}")).count();
            assert_eq!(own, 1, "{scenario}: {tracks:?}");
        }
    }
}

#[test]
fn a_mermaid_diagram_holds_nothing_but_its_own_syntax() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = std::fs::read_to_string("scenarios/touch-429-cascade.toml").expect("a scenario");
    let hostile = r#"<script>alert(1)</script> \"q\"; %%{init}%% end #quot; مرحبا"#;
    let text = text.replace("name = \"/touch limited\"", &format!("name = \"{hostile}\""));
    assert!(text.contains(hostile));
    let scenario = folder.path().join("scenario.toml");
    std::fs::write(&scenario, text).expect("writable");
    let scenario = scenario.to_str().expect("UTF-8");
    let more: Vec<&str> = worst("old").into_iter().chain(["--format", "mermaid"]).collect();
    let output = explain(scenario, &more);
    // The shipped policies lie beside the shipped scenarios.
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let diagram = String::from_utf8(output.stdout).expect("UTF-8");
    let mut open = 0usize;
    for line in diagram.lines().skip(1) {
        let line = line.trim();
        let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        open += usize::from(line.starts_with("loop "));
        open -= usize::from(line == "end");
        let known = ["sequenceDiagram", "accTitle: ", "participant ", "Note over ", "loop ", "T0-", "B-"];
        assert!(starts(&known) || line == "end", "{line}");
        // A semicolon ends a statement, and a percent sign may begin a directive.
        assert!(!line.contains("<script") && !line.contains("%%"), "{line}");
        let mut parts = line.split('#');
        let plain = parts
            .next()
            .into_iter()
            .chain(parts.filter_map(|part| part.split_once(';')).map(|(_, rest)| rest));
        let without_escapes: String = plain.collect();
        assert!(!without_escapes.contains([';', '{', '<']), "{line}");
    }
    assert_eq!(open, 0, "every loop ends");
    assert!(diagram.contains("alert(1)"), "the name is there, as text");
}

#[test]
fn a_part_of_the_run_is_told_alone() {
    let story = json(
        "scenarios/touch-429-cascade.toml",
        &["--policy", "old", "--session", "1718", "--from", "125s", "--to", "140s"],
    );
    for step in array(&story, "steps") {
        let at = step["at_s"].as_f64().expect("a time");
        assert!((125.0..=140.0).contains(&at), "{step}");
    }
    assert_eq!(story["totals"]["entries"], 150, "the totals are those of the whole run");
    // An end after the run's is the run's.
    let whole =
        said("scenarios/touch-429-cascade.toml", &["--policy", "old", "--session", "1718", "--to", "2h"]);
    assert_eq!(whole, said("scenarios/touch-429-cascade.toml", &["--policy", "old", "--session", "1718"]));
}

#[test]
fn what_cannot_be_told_is_refused_in_words() {
    let incident = "scenarios/touch-429-cascade.toml";
    for (scenario, more, why) in [
        (
            incident,
            &["--policy", "nope", "--session", "1"][..],
            "allowed: old, not-429, narrowed-retry-all, new",
        ),
        (incident, &["--policy", "old", "--session", "2000"], "allowed: 0 to 1999, or worst"),
        (incident, &["--policy", "old", "--session", "-1"], "allowed: the number of a session, or `worst`"),
        (
            incident,
            &["--policy", "old", "--session", "1", "--from", "3m", "--to", "1m"],
            "--from 3m is after --to 1m",
        ),
        (incident, &["--policy", "old", "--session", "1", "--from", "3h"], "after the end of the run, 10m"),
        (incident, &["--policy", "old", "--session", "1", "--out", "x.foo"], "add --format"),
        (incident, &["--policy", "old", "--session", "1", "--format", "png"], "add --out FILE"),
        (
            "scenarios/rl-poll.toml",
            &["--policy", "new", "--session", "worst"],
            "no users, only generic sessions",
        ),
        ("scenarios/rl-poll.toml", &["--policy", "new", "--session", "0"], "no users, only generic sessions"),
    ] {
        let output = explain(scenario, more);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {stderr}");
        assert!(stderr.contains(why), "{more:?}: {stderr}");
    }
}
