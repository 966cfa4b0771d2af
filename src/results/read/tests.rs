//! Reads written results: whole and damaged, of this version and of others.

use super::super::{csv, summary, synthetic};
use super::*;
use serde_json::Value;

fn written(results: &Results) -> [Vec<u8>; 4] {
    let summary = summary::summary(results).into_bytes();
    [summary, csv::timeline(results), csv::flow(results), csv::sessions(results)]
}

fn read_back(results: &Results) -> Results {
    let [summary, timeline, flow, sessions] = &written(results);
    read(Files { summary, timeline, flow, sessions }).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn written_results_read_back_completely() {
    for (case, results) in synthetic::table() {
        if matches!(case, "many-buckets" | "no-runs") {
            // The large case takes long. The empty case has no timeline, as no run has.
            continue;
        }
        assert_eq!(read_back(&results), results, "{case}");
        let json = serde_json::to_string(&results).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&json).unwrap(), results, "{case}");
    }
}

#[test]
fn errors_name_the_place() {
    let results = synthetic::storm(&["old"], 10, 2);
    let [summary, timeline, flow, sessions] = &written(&results);
    let whole = Files { summary, timeline, flow, sessions };
    let with = |name: &str, to: &[u8]| {
        let mut files = whole;
        let to = to.to_vec().leak();
        match name {
            "summary" => files.summary = to,
            "timeline" => files.timeline = to,
            "flow" => files.flow = to,
            _ => files.sessions = to,
        }
        read(files).unwrap_err().to_string()
    };
    let head = "policy,replication,t_s,endpoint,outcome,count\n";
    for (file, bytes, message) in [
        ("summary", "{".to_owned(), "summary.json, line 1"),
        ("summary", "{}".to_owned(), "missing field `scenario`"),
        ("timeline", String::new(), "timeline.csv, line 1: the column policy is missing"),
        ("timeline", format!("{head}old,0,0,touch,200,x\n"), "timeline.csv, line 2: not a count"),
        (
            "timeline",
            format!("{head}old,0,0,touch,200,1\nnew,0,0,touch,200,1\n"),
            "line 3: summary.json knows no",
        ),
        ("timeline", format!("{head}old,2,0,touch,200,1\n"), "no such replication"),
        ("timeline", format!("{head}old,0,0.5,touch,200,1\n"), "no bucket begins"),
        ("timeline", format!("{head}old,0,600,touch,200,1\n"), "beyond the horizon"),
        ("timeline", format!("{head}old,0,0\n"), "timeline.csv, line 2"),
        ("flow", "policy,replication,t_s,event,count\nold,0,0,flow_entry,-1\n".to_owned(), "not a count"),
        ("sessions", "policy,session\n".to_owned(), "the column replication is missing"),
    ] {
        let said = with(file, bytes.as_bytes());
        assert!(said.contains(message), "{file} {bytes:?}: {said}");
    }
}

/// Results of another version lack a metric, a field and a column, and have others. What both versions know is read, and
/// gaps list the rest.
#[test]
fn results_of_another_version_are_read_and_gaps_are_said() {
    let results = synthetic::storm(&["old", "new"], 10, 2);
    let [summary, timeline, flow, sessions] = written(&results);
    let mut value: Value = serde_json::from_slice(&summary).unwrap();
    value["weather"] = "fine".into();
    value.as_object_mut().unwrap().remove("faults");
    value["expectations"][0].as_object_mut().unwrap().remove("policy");
    for policy in ["old", "new"] {
        let metrics = value["policies"][policy]["metrics"].as_object_mut().unwrap();
        let other = metrics.remove("goodput").unwrap();
        metrics.insert("serenity".to_owned(), other);
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (timeline, flow) = (text(timeline), text(flow));
    let head = timeline.lines().next().unwrap();
    let moved = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{}", cells[5], cells[..5].join(","))
    };
    let reordered: Vec<String> = timeline.lines().map(moved).collect();
    assert_ne!(reordered[0], head);
    let timeline = format!("{}\n3,old,0,0,passkeys,200\n", reordered.join("\n"));
    let flow = format!("{flow}old,0,0,joy,1\n");
    let sessions = text(sessions);
    let with_weather = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},x", cells[..8].join(","))
    };
    let sessions: Vec<String> = sessions.lines().map(with_weather).collect();
    let back = read(Files {
        summary: value.to_string().as_bytes(),
        timeline: timeline.as_bytes(),
        flow: flow.as_bytes(),
        sessions: sessions.join("\n").as_bytes(),
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let old = &back.policies[0];
    assert_eq!(
        old.timelines, results.policies[0].timelines,
        "what both know is read, in any order of columns"
    );
    assert_eq!(old.get("goodput"), None);
    assert_eq!(old.metric("serenity").values, results.policies[0].metric("goodput").values);
    assert_eq!(old.sessions.len(), results.policies[0].sessions.len());
    assert_eq!(back.expectations, results.expectations[1..]);
    let (file, name) = ("summary.json", |name: &str| vec![name.to_owned()]);
    let rows = |file, what, name: &str| Gap::UnknownRows { file, what, name: name.to_owned(), rows: 1 };
    assert_eq!(
        back.gaps,
        [
            Gap::NoField { file, field: "faults".to_owned() },
            Gap::UnreadableExpectations(1),
            Gap::NoMetrics(name("goodput")),
            Gap::UnknownMetrics(name("serenity")),
            rows("timeline.csv", "endpoint", "passkeys"),
            rows("flow.csv", "event", "joy"),
            Gap::NoColumn { file: "sessions.csv", column: "stale_token_s" },
            Gap::NoColumn { file: "sessions.csv", column: "recursive_entries" },
            Gap::NoColumn { file: "sessions.csv", column: "failed_entries" },
            Gap::UnknownColumns { file: "sessions.csv", columns: name("x") },
        ]
    );
    let said = super::super::verdicts::qualifications(&back).join("\n");
    assert!(said.contains("Not in these results: goodput;"), "{said}");
}
