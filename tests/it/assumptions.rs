//! The page on assumptions: its table is made by runs.

use crate::common::{authstorm, root, said};
use crate::docs::check_parts;
use authstorm::Study;
use authstorm::results::Results;
use authstorm::scenario::load;
use std::fmt::Write;

/// The assumption that a row changes, and the key that changes it.
const ROWS: [(&str, &str); 14] = [
    ("as shipped", ""),
    ("every answer takes the median latency", "backend.latency=\"350ms\""),
    ("answers take half as long", "backend.latency={ log-normal = { median = \"175ms\", sigma = 0.25 } }"),
    ("all pages open at once", "fleet.opens=\"0s\""),
    ("users focus three times as often", "fleet.focus-every={ exponential = \"30s\" }"),
    ("users focus a third as often", "fleet.focus-every={ exponential = \"270s\" }"),
    ("each user has two tabs", "fleet.tabs=2"),
    ("nobody signs in again", "fleet.sign-in-again.share=0.0"),
    ("40 users share an address, not 4", "fleet.users-per-network=40"),
    ("5% of /tokens calls get a 401, not 15%", "fault[0].probability=0.05"),
    ("30% of /tokens calls get a 401", "fault[0].probability=0.3"),
    ("/touch is refused for 8 minutes, not 3", "fault[1].to=\"10m\""),
    ("the client signs out after 10 rounds, not 30", "client.max-rounds=10"),
    ("the client signs out after 60 rounds", "client.max-rounds=60"),
];

fn run(change: &str) -> Results {
    let changes: Vec<String> =
        ["fleet.users=500", change].into_iter().filter(|c| !c.is_empty()).map(str::to_owned).collect();
    let path = root().join("scenarios/touch-429-cascade.toml");
    let loaded = load(&path, &changes).unwrap_or_else(|e| panic!("{e}"));
    let mut study = Study::of(loaded).expect("a study");
    study.replications(2).and_then(|study| study.run()).expect("a run")
}

#[test]
fn the_table_of_assumptions_is_made_by_runs() {
    let metrics = ["false_sign_outs", "recursive_unauthenticated_events", "requests_total"];
    let mut text = String::from(
        "\n| assumption changed | `--set` | false sign-outs, `old` | `new` | recursive entries, `old` | `new` | requests, \
         `old` | `new` |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (what, change) in ROWS {
        let results = run(change);
        let key = if change.is_empty() { String::new() } else { format!("`{change}`") };
        let _ = write!(text, "| {what} | {key} |");
        for metric in metrics {
            for policy in results.policies.iter().filter(|policy| ["old", "new"].contains(&&*policy.name)) {
                let _ = write!(text, " {:.0} |", policy.metric(metric).mean);
            }
        }
        text.push('\n');
        let new = results.policies.iter().find(|policy| policy.name == "new").expect("a policy");
        let loops = new.metric("recursive_unauthenticated_events");
        assert_eq!(loops.values, [0.0, 0.0], "the page says that no row has one under new: {what}");
    }
    check_parts("results/assumptions.md", &[("assumptions", text), ("ranking", ranking())]);
}

/// The keys of the ranking, with ranges that hold the values of the table above.
const RANKED: [&str; 5] = [
    "fleet.focus-every.exponential=30s..270s",
    "fleet.users-per-network=1..40",
    "fault[0].probability=0.05..0.3",
    "fault[1].to=4m..10m",
    "client.max-rounds=10..60",
];

/// What `authstorm rank` says of these keys, and the command.
fn ranking() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut words = vec!["rank", "scenarios/touch-429-cascade.toml", "--set", "fleet.users=50"];
    words.extend(["--replications", "10", "--policy", "old", "--metric", "false_sign_outs"]);
    RANKED.iter().for_each(|key| words.extend(["--vary", key]));
    words.extend(["--trajectories", "6", "--keep", "0"]);
    let out = folder.path().join("rank");
    let output = authstorm().args(&words).args(["--format", "md", "--out"]).arg(out).output();
    let output = output.expect("the command runs");
    assert!(output.status.success(), "{}", said(&output));
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let mut text = format!("\n```console\n$ authstorm {} --out ranking\n```\n\n", words.join(" "));
    for row in told.lines().filter(|line| line.starts_with('|')) {
        // The shares of the variance are not asked for.
        let cells: Vec<&str> = row.split('|').skip(2).take(4).collect();
        let _ = writeln!(text, "|{}|", cells.join("|"));
    }
    for sentence in told.lines().filter(|line| line.contains("not told apart") || line.contains("not above"))
    {
        let _ = write!(text, "\n{sentence}");
    }
    text + "\n"
}
