//! `authstorm explain`: stories, their formats and their errors.

use crate::common::authstorm;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;

fn explain(scenario: &str, more: &[&str]) -> Output {
    authstorm().args(["explain", scenario]).args(more).output().expect("the command runs")
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

/// Shipped scenarios with different kinds of stories: the incident, both loops of the real client, a revocation.
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
        &["--policy", "new", "--session", "135", "--replication", "0"],
    );
    // 60.755 s + 593 x 100 ms = 120.055 s. With the two entries that are shown, the chain has 595.
    assert!(text.contains(" 60.755 s "), "{text}");
    assert!(text.contains("… 593 more rounds like this, 100 ms each, until 120.055 s"), "{text}");
    assert!(
        text.split_whitespace().collect::<Vec<_>>().join(" ").contains("in a chain of up to 595"),
        "{text}"
    );

    // Where rounds differ in length, their sum lies within the printed range.
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
            // Each printed bound is rounded to a millisecond.
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
        // An effect follows its cause, and the totals match the steps.
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
                // A viewer does not draw an arrow that touches no slice.
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
fn a_mermaid_diagram_escapes_hostile_names() {
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
    // The shipped policies are in the directory of the shipped scenarios.
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
        // Mermaid cuts a note that is wider than the diagram. Here escapes make a line longer than it is.
        assert!(!line.starts_with("Note ") || line.split("<br/>").all(|part| part.len() < 100), "{line}");
        let line = line.replace("<br/>", " ");
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
fn a_time_range_limits_the_story() {
    let story = json(
        "scenarios/touch-429-cascade.toml",
        &["--policy", "old", "--session", "1718", "--from", "125s", "--to", "140s"],
    );
    for step in array(&story, "steps") {
        let at = step["at_s"].as_f64().expect("a time");
        assert!((125.0..=140.0).contains(&at), "{step}");
    }
    assert_eq!(story["totals"]["entries"], 150, "the totals are those of the whole run");
    // An end after the horizon is clipped to it.
    let whole =
        said("scenarios/touch-429-cascade.toml", &["--policy", "old", "--session", "1718", "--to", "2h"]);
    assert_eq!(whole, said("scenarios/touch-429-cascade.toml", &["--policy", "old", "--session", "1718"]));
}

#[test]
fn impossible_selections_are_refused_with_the_allowed_values() {
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
        // The scenario has 5 replications.
        (
            incident,
            &["--policy", "old", "--session", "1", "--replication", "5"],
            "allowed: 0 to 4, or more --replications",
        ),
        (incident, &["--policy", "old", "--session", "worst", "--replication", "99"], "no replication 99"),
        (
            incident,
            &["--policy", "old", "--session", "1", "--replication", "1", "--replications", "1"],
            "the scenario has 1 replication; allowed: 0,",
        ),
        (incident, &["--policy", "old", "--session", "1", "--force"], "--out"),
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

/// Every output names the same worst session: the first by entries, then sign-out, then requests, then replication and
/// number, among all sessions of all replications.
#[test]
fn the_worst_session_is_the_same_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("results");
    let incident = "scenarios/touch-429-cascade.toml";
    let small = ["--set", "fleet.users=200", "--replications", "4", "--seed", "3"];
    let mut run = authstorm();
    run.args(["run", incident, "--quiet", "--all-sessions", "--policy", "old"]);
    let status = run.args(small).arg("--out").arg(&out).status().expect("the command runs");
    assert!(status.success());

    let table = std::fs::read_to_string(out.join("sessions.csv")).expect("a table");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.split(',').collect()).collect();
    assert_eq!(rows.len(), 200 * 4);
    let number = |cell: &str| cell.parse::<i64>().expect("a number");
    // policy, replication, session, entries, depth, requests, signed_out_at_s, ...
    let rank = |row: &&Vec<&str>| {
        (-number(row[3]), row[6].is_empty(), -number(row[5]), number(row[1]), number(row[2]))
    };
    let worst = rows.iter().min_by_key(rank).expect("a row");
    assert_eq!(worst, &rows[0], "the table begins with it");
    let (replication, session) = (worst[1], worst[2]);
    let name = format!("Session {session} under policy old, replication {replication}: ");

    let told = |more: &[&str]| {
        let more: Vec<&str> = ["--policy", "old"].iter().chain(&small).chain(more).copied().collect();
        said(incident, &more)
    };
    let asked = told(&["--session", "worst"]);
    assert!(asked.starts_with(&name), "{asked}");
    assert_eq!(asked, told(&["--session", session, "--replication", replication]));
    // `explain` with a replication selects the worst session of that replication.
    for one in ["0", "1", "2", "3"] {
        let own = rows.iter().filter(|row| row[1] == one).min_by_key(rank).expect("a row");
        let asked = told(&["--session", "worst", "--replication", one]);
        let name = format!("Session {} under policy old, replication {one}: ", own[2]);
        assert!(asked.starts_with(&name), "{asked}");
    }

    let read = |file: &str| std::fs::read_to_string(out.join(file)).expect("a file");
    assert!(read("retry-schedule.svg").contains(&format!("aria-label=\"{name}")));
    let page = read("report.html");
    assert!(page.contains(&format!("<summary>{name}")), "the page tells it");
    let command = format!("--replication {replication} --session {session} --seed 3 --replications 4");
    assert!(page.contains(&command), "the page names the command that tells it");
    let entries = format!("(session {session}, replication {replication})");
    assert!(read("entries-per-session.svg").contains(&entries));
}

/// Every format shows the two refreshes of this minute, whose timers are set before it: at 129.3 s and 172.4 s, 43 s
/// apart. The client refreshes a token of 60 s 43 s after receiving it.
#[test]
fn every_format_shows_causes_from_before_the_time_range() {
    let part = ["--policy", "new", "--session", "0", "--from", "2m", "--to", "3m"];
    for (format, mark, times) in [
        ("text", "sends POST /tokens", 2),
        ("json", "\"does\": \"sends\"", 2),
        ("mermaid", "->>B: POST /tokens", 2),
        ("trace", "\"name\":\"POST /tokens 200\"", 2),
        ("svg", "2 calls in 60 s. The axis counts from 120.0 s of the run on", 1),
    ] {
        let more: Vec<&str> = part.iter().copied().chain(["--format", format]).collect();
        let said = said("tests/faults/explain-window.toml", &more);
        assert_eq!(said.matches(mark).count(), times, "{format}: {said}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let png = |part: &[&str], name: &str| {
        let place = folder.path().join(name);
        let more: Vec<&str> = part.iter().copied().chain(["--out", place.to_str().expect("UTF-8")]).collect();
        said("tests/faults/explain-window.toml", &more);
        std::fs::read(place).expect("a picture")
    };
    let nothing = ["--policy", "new", "--session", "0", "--from", "140s", "--to", "150s"];
    assert!(png(&part, "part.png").len() > png(&nothing, "nothing.png").len(), "bars take bytes");
}

/// A file that is no story is not changed without --force. The inputs of the command are never overwritten.
#[test]
fn a_foreign_file_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::create_dir(at("policies")).expect("a folder");
    let copy = |from: &str, to: &str| std::fs::copy(from, at(to)).expect("a copy");
    copy("scenarios/policies/old.toml", "policies/mine.toml");
    let policy = std::fs::read_to_string(at("policies/mine.toml")).expect("a policy");
    std::fs::write(at("policies/mine.toml"), policy.replace("name = \"old\"", "name = \"mine\""))
        .expect("writable");
    let text = "version = 1\nname = \"one\"\nhorizon = \"2m\"\npolicies = [\"mine\"]\n\
                policy-files = [\"policies/mine.toml\"]\n[client]\nmodel = \"documented\"\n[fleet]\nusers = 1\n";
    let scenario = at("one.toml");
    std::fs::write(&scenario, text).expect("writable");
    std::fs::hard_link(&scenario, at("linked.toml")).expect("a link");
    std::os::unix::fs::symlink(&scenario, at("pointer.toml")).expect("a link");
    std::fs::write(at("notes.txt"), "Session notes of mine\n").expect("writable");
    std::fs::write(at("empty.txt"), "").expect("writable");
    let write = |out: &str, more: &[&str]| {
        let out = at(out);
        let fixed = ["--policy", "mine", "--session", "0", "--format", "text", "--out", &out];
        explain(&scenario, &fixed.iter().chain(more).copied().collect::<Vec<_>>())
    };
    for (out, force, why) in [
        ("one.toml", true, "the scenario or a policy of it"),
        ("one.toml", false, "the scenario or a policy of it"),
        ("linked.toml", true, "the scenario or a policy of it"),
        ("pointer.toml", true, "the scenario or a policy of it"),
        ("policies/mine.toml", true, "the scenario or a policy of it"),
        ("notes.txt", false, "--force to overwrite it"),
        ("policies", true, "is a directory"),
    ] {
        let before = std::fs::read(at(out)).ok();
        let output = write(out, if force { &["--force"] } else { &[] });
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{out}: {stderr}");
        assert!(stderr.contains(why), "{out}: {stderr}");
        assert_eq!(before, std::fs::read(at(out)).ok(), "{out} is as it was");
    }
    assert!(write("empty.txt", &[]).status.success(), "an empty file has nothing to lose");
    assert!(write("notes.txt", &["--force"]).status.success());
    assert!(
        std::fs::read_to_string(at("notes.txt")).expect("a story").starts_with("Session 0 under policy mine")
    );

    // A story replaces an older one in each format. A repetition gives the same bytes.
    for name in ["a.txt", "a.json", "a.mmd", "a.trace", "a.svg", "a.png"] {
        let out = at(name);
        let more = ["--policy", "mine", "--session", "0", "--out", &out];
        let told: Vec<Vec<u8>> = (0..2)
            .map(|_| {
                let output = explain(&scenario, &more);
                assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
                std::fs::read(&out).expect("a story")
            })
            .collect();
        assert_eq!(told[0], told[1], "{name}");
    }
    // A chart of a run is not recognised as a story, although it looks the same.
    let chart = std::fs::read_to_string(at("a.svg")).expect("a picture");
    let chart = chart.split_once('\n').expect("a mark and a picture").1;
    std::fs::write(at("a.svg"), chart).expect("writable");
    let out = at("a.svg");
    let output = explain(&scenario, &["--policy", "mine", "--session", "0", "--out", &out]);
    assert_eq!(output.status.code(), Some(2));
}
