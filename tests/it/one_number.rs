//! A number is equal wherever it is shown: in tables, sentences, charts and on the page.

use crate::common::{authstorm, files, root, said};
use authstorm::metrics::{Metric, all_metrics};
use authstorm::results::read::{Files, read};
use authstorm::results::{MetricValues, PolicyResults, Results, measured};
use authstorm::text::number;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Words before and after the mean of a metric in sentences, titles and labels. For a worst session it is the maximum.
const SHOWN: [(Metric, &str, &str); 19] = [
    (Metric::FlowWorstSession, ": ", " entries (session"),
    (Metric::FlowWorstSession, ", one of them ", " times"),
    (Metric::FalseSignOuts, "", " whose session is valid are signed out"),
    (Metric::FalseSignOuts, "signs out ", " of "),
    (Metric::FalseSignOuts, ": ", " false"),
    (Metric::TrueSignOuts, ": ", " true"),
    (Metric::StaleTokenSessionS, "(", " session-seconds)"),
    (Metric::FlowEntries, "sessions enter the unauthenticated flow ", " times"),
    (Metric::FlowEntries, " enters the unauthenticated flow ", " times"),
    (Metric::AppWaitS, "app code waits ", " s in all"),
    (Metric::AppWaitS, "lets app code wait ", " s in all"),
    (Metric::Amplification, "", " requests are sent for each one that is asked for"),
    (Metric::Amplification, " sends ", " requests for each one that is asked for"),
    (Metric::PeakRequestsPerS, "requests peak at ", " per second"),
    (Metric::PeakRequestsPerS, " peaks at ", " requests per second"),
    (Metric::PeakRequestsPerS, "; mean of 2: ", "/s"),
    (Metric::PeakRequestsPerS, "; mean of 2: ", " requests/s"),
    (Metric::Responses429, "", " requests are refused with 429"),
    (Metric::RequestsTotal, "", " requests are sent;"),
];

/// The numbers in a text between these words.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let is_number = |letter: char| letter.is_ascii_digit() || matches!(letter, ',' | '.');
    let ends = text.match_indices(after).map(|(at, _)| &text[..at]);
    ends.filter_map(|head| {
        // `1,204 of 10,000 users whose session is valid`: takes the first number.
        let head = match head.strip_suffix(" users").filter(|_| after.starts_with(" whose")) {
            Some(head) => head.trim_end_matches(is_number).strip_suffix(" of ")?,
            None => head,
        };
        let words = head.trim_end_matches(is_number);
        let digits = &head[words.len()..];
        (words.ends_with(before) && digits.starts_with(|letter: char| letter.is_ascii_digit()))
            .then_some(digits)
    })
    .collect()
}

/// Collects the numbers of a text and asserts that each is the mean of a policy.
fn collect(results: &Results, place: &str, text: &str, seen: &mut BTreeSet<(usize, String)>) {
    for (i, (metric, before, after)) in SHOWN.iter().enumerate() {
        // The title of this chart uses the words of another metric for the worst session.
        if place == "entries-per-session.svg" && *metric == Metric::FlowEntries {
            continue;
        }
        let value = |policy: &PolicyResults| match metric {
            Metric::FlowWorstSession => number::whole(measured::greatest(of(policy, *metric))),
            _ => number::short(of(policy, *metric).mean),
        };
        let means: Vec<String> = results.policies.iter().map(value).collect();
        for digits in between(text, before, after) {
            assert!(
                means.iter().any(|mean| mean == digits),
                "{place}: {before}{digits}{after}: {} is {means:?}",
                metric.def().name
            );
            seen.insert((i, place.to_owned()));
        }
    }
}

/// The texts of a picture and its label, one per line.
fn texts(svg: &str) -> String {
    let unescaped = |text: &str| {
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    let label = svg.split("aria-label=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let texts = svg.split("<text").skip(1).filter_map(|rest| rest.split_once('>')?.1.split("</text>").next());
    let lines: Vec<String> = std::iter::once(label).chain(texts).map(|text| unescaped(text.trim())).collect();
    lines.join("\n")
}

fn results_of(all: &BTreeMap<String, Vec<u8>>) -> Results {
    let files = Files {
        summary: &all["summary.json"],
        timeline: &all["timeline.csv"],
        flow: &all["flow.csv"],
        sessions: &all["sessions.csv"],
    };
    read(files).expect("results")
}

fn of(policy: &PolicyResults, metric: Metric) -> &MetricValues {
    measured::of(policy, metric).expect("results of this version have every metric")
}

/// What a cell of the page's table shows of a metric, per policy.
fn cells(page: &str, metric: &str) -> Vec<String> {
    let cell = format!("<td data-metric=\"{metric}\"");
    let cells = page.split(&cell).skip(1).filter_map(|rest| rest.split_once('>')?.1.split('<').next());
    cells.map(str::to_owned).collect()
}

/// Asserts that all files of a results directory show equal numbers.
fn all_alike(name: &str, all: &BTreeMap<String, Vec<u8>>, seen: &mut BTreeSet<(usize, String)>) {
    let results = results_of(all);
    areas(name, &results);
    let text = |name: &str| String::from_utf8(all[name].clone()).expect("UTF-8");
    let page = text("report.html");
    for metric in
        all_metrics().iter().map(|def| def.metric).filter(|metric| measured::can_move(&results, *metric))
    {
        let metrics: Vec<&MetricValues> = results.policies.iter().map(|policy| of(policy, metric)).collect();
        let means: Vec<String> = metrics.iter().map(|values| measured::mean_words(values)).collect();
        let own = &metrics[0].name;
        assert_eq!(cells(&page, own), means, "{name}: {own} on the page");
    }
    let findings = page.split("class=\"findings\"").nth(1).and_then(|rest| rest.split("</ul>").next());
    collect(&results, "page", findings.expect("findings"), seen);
    // The retry schedule shows one session and therefore no metric.
    for (file, bytes) in all.iter().filter(|(f, _)| f.ends_with(".svg") && *f != "retry-schedule.svg") {
        collect(&results, file, &texts(std::str::from_utf8(bytes).expect("UTF-8")), seen);
    }
    // The page's read-out of a line equals the label of that line in the picture.
    let data = page.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next());
    let data: serde_json::Value = serde_json::from_str(data.expect("data")).expect("JSON");
    for (file, key) in [
        ("sign-outs.svg", "false_sign_outs"),
        ("stale-tokens.svg", "without_token"),
        ("flow.svg", "flow_per_s"),
        ("flow.svg", "depth"),
        ("waiting.svg", "waiting"),
    ] {
        let Some(svg) = all.get(file) else { continue };
        let svg = texts(std::str::from_utf8(svg).expect("UTF-8"));
        for policy in data["policies"].as_array().expect("policies") {
            let says = policy[key]["says"].as_str().expect("words");
            assert!(svg.contains(&format!(": {says}")), "{name}/{file}: the page says {says:?} of {key}");
        }
    }
}

/// Asserts that the area below a line over time equals the metric. Sums whole nanoseconds, by another method.
fn areas(name: &str, results: &Results) {
    for policy in &results.policies {
        let values = |metric: Metric| of(policy, metric).values.iter();
        let runs =
            policy.timelines.iter().zip(values(Metric::StaleTokenSessionS).zip(values(Metric::AppWaitS)));
        for (timeline, (stale, waited)) in runs {
            let seconds = |ns: u128| (ns / 1_000) as f64 / 1e6;
            let without_token = timeline.buckets.iter().map(|b| b.without_token_ns).sum();
            let waiting = timeline.buckets.iter().map(|b| b.waiting_ns).sum();
            assert_eq!(
                [seconds(without_token), seconds(waiting)].map(f64::to_bits),
                [stale, waited].map(|seconds| seconds.to_bits()),
                "{name}: {}",
                policy.name
            );
            // No bucket contains more time than all users have in it.
            let most = u128::from(timeline.bucket.0) * u128::from(results.users);
            assert!(timeline.buckets.iter().all(|b| b.without_token_ns <= most), "{name}: {}", policy.name);
        }
    }
}

/// The cells of a metric, one per policy, from all tables of values. A cell in parentheses is the unit.
fn row(text: &str, metric: &str) -> Vec<String> {
    let tables = text.split("\n difference to").next().unwrap_or_default();
    let rows = tables.lines().filter_map(|line| line.trim_start().strip_prefix(metric)?.strip_prefix(' '));
    let cells = rows.flat_map(|row| {
        let cells = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty() && !cell.starts_with('('));
        cells.map(str::to_owned).collect::<Vec<_>>()
    });
    cells.collect()
}

fn run(out: &Path, scenario: &str, more: &[&str]) -> String {
    let mut command = authstorm();
    command.arg("run").arg(scenario).args(["--replications", "2", "--out"]).arg(out).args(more);
    let output = command.output().expect("the command runs");
    assert!(output.status.code().is_some_and(|code| code <= 1), "{}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn table_sentences_charts_and_page_show_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = ["--set", "fleet.users=60", "--set", "horizon=4m"];
    let mut seen = BTreeSet::new();
    for (name, more) in [
        ("touch-429-cascade", &small[..]),
        ("tokens-429-outage", &small[..]),
        ("revoked-sessions", &small[..]),
    ] {
        let out = folder.path().join(name);
        let said = run(&out, &format!("scenarios/{name}.toml"), more);
        let all = files(&out);
        let results = results_of(&all);
        collect(&results, "terminal", &said, &mut seen);
        let with_interval =
            |policy: &PolicyResults, metric: Metric| measured::with_interval(of(policy, metric));
        for metric in
            Metric::by_gravity(results.families()).into_iter().filter(|m| measured::can_move(&results, *m))
        {
            let expected: Vec<String> = results.policies.iter().map(|p| with_interval(p, metric)).collect();
            let is_idle = |p| of(p, metric).exercised == Some(0) && of(p, metric).mean.abs() < 1e-300;
            if results.policies.iter().all(is_idle) {
                assert!(row(&said, metric.def().name).is_empty(), "{name}: {} is idle", metric.def().name);
                continue;
            }
            // With long cells the policies are rows.
            if said.trim_start().starts_with("policy") {
                let short = expected.iter().filter(|cell| cell.len() <= 18);
                let missing: Vec<_> = short.filter(|cell| !said.contains(*cell)).collect();
                assert!(missing.is_empty(), "{name}: {} without {missing:?}\n{said}", metric.def().name);
                continue;
            }
            let shown = row(&said, metric.def().name);
            // Long cells continue in the next line. Others must be complete.
            let whole = expected.iter().all(|cell| cell.len() <= 18);
            assert!(
                !whole || shown == expected,
                "{name}: {}: {shown:?} {expected:?}\n{said}",
                metric.def().name
            );
        }
        all_alike(name, &all, &mut seen);
    }
    // Each phrase of `SHOWN` must occur somewhere, or the search does not test it.
    for (i, (metric, before, after)) in SHOWN.iter().enumerate() {
        let met = seen.iter().any(|(kind, _)| *kind == i);
        // These depend on which harms are gravest here, and on the space next to a chart.
        let may_be_absent = matches!(
            metric,
            Metric::RequestsTotal | Metric::Responses429 | Metric::AppWaitS | Metric::Amplification
        ) || before.starts_with("; mean");
        assert!(met || may_be_absent, "nowhere: {before}<{}>{after}", metric.def().name);
    }
}

#[test]
fn shipped_results_show_the_same_numbers() {
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("results")).expect("results") {
        let path = entry.expect("an entry").path();
        // Pictures and pages are kept of the showcase.
        if !path.join("report.html").exists() {
            continue;
        }
        all_alike(&path.display().to_string(), &files(&path), &mut seen);
    }
    assert!(seen.len() >= 10, "{seen:?}");
}
