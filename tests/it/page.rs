//! What the report page offers beside its charts: links, downloads, copies, stories, and access without sight or mouse.

use crate::common::chromium::{self, Chromium};
use crate::common::{authstorm, said};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The page of a small storm with several tabs, a limit and four policies, of which some act alike.
fn storm(dir: &Path) -> PathBuf {
    let out = dir.join("results");
    let mut command = authstorm();
    command.args(["run", "scenarios/touch-429-cascade.toml", "--quiet", "--replications", "2"]);
    command.args(["--set", "fleet.users=60", "--set", "horizon=4m", "--set", "bucket=1s"]);
    let run = command.arg("--out").arg(&out).output().expect("it runs");
    assert!(run.status.code().is_some_and(|code| code <= 1), "{}", said(&run));
    out.join("report.html")
}

fn awaited(page: &mut Chromium, expression: &str) -> Value {
    let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
    let result = page.call("Runtime.evaluate", params);
    assert!(result.get("exceptionDetails").is_none(), "{expression}: {}", result["exceptionDetails"]);
    result["result"]["value"].clone()
}

/// Opens a page, with a fragment in its address.
fn open_at(page: &mut Chromium, file: &Path, fragment: &str) {
    // A change of the fragment alone loads no page.
    page.call("Page.navigate", json!({ "url": "about:blank" }));
    page.open(&PathBuf::from(format!("{}{fragment}", file.display())), 1400, false);
}

#[test]
fn a_fragment_names_a_chart_a_zoom_and_a_story() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let file = storm(dir.path());
    let mut page = Chromium::start(path);
    let range = "JSON.stringify(window.location.hash)";
    open_at(&mut page, &file, "#depth@60-120");
    let top = page.value("document.getElementById('depth').getBoundingClientRect().top").as_f64();
    assert!(top.is_some_and(|top| (-5.0..900.0).contains(&top)), "the chart is in view: {top:?}");
    assert_eq!(page.text(range), "\"#depth@60-120\"");
    // The zoom shows: the middle of the first panel is at 90 s.
    let [left, top, width, height] = page.place("document.querySelector('.requests .u-over')");
    page.mouse("mouseMoved", left + width / 2.0, top + height / 2.0, 0);
    page.drawn();
    let read = page.text("document.querySelector('.requests .readout').textContent");
    assert!(read.starts_with("from 1:30") || read.starts_with("from 1:29"), "{read}");
    // A new zoom changes the address.
    page.value("document.querySelector('.requests .plot').focus()");
    page.key("0");
    awaited(&mut page, "new Promise(done => setTimeout(done, 600))");
    assert_eq!(page.text(range), "\"#depth\"");
    // A story, also one inside another fold, opens.
    open_at(&mut page, &file, "#story-1");
    assert_eq!(page.value("document.getElementById('story-1').open"), json!(true));
    for hostile in ["#%", "#@9-1", "#nothing", "#depth@-1-x", "#<script>"] {
        open_at(&mut page, &file, hostile);
    }
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

#[test]
fn every_chart_offers_its_numbers_and_its_picture() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let file = storm(dir.path());
    let mut page = Chromium::start(path);
    page.open(&file, 1400, false);
    // Catches what a browser would save or put on the clipboard.
    page.value(
        "window.saved = []; HTMLAnchorElement.prototype.click = function () { window.saved.push([this.download, this.href]); }; \
         window.copied = []; document.execCommand = () => { window.copied.push(document.activeElement.value); return true; }; \
         Object.defineProperty(navigator, 'clipboard', { value: undefined }); 0",
    );
    let charts = page.value("document.querySelectorAll('.chart').length").as_u64().expect("a number");
    let buttons = page.value("document.querySelectorAll('.chart .actions button').length").as_u64();
    assert!(charts >= 7 && buttons == Some(3 * charts), "{charts} charts, {buttons:?} buttons");
    page.value("document.querySelectorAll('.chart .actions button').forEach(button => button.click())");
    awaited(&mut page, "new Promise(done => setTimeout(done, 300))");
    let saved = page.value("window.saved");
    let names: Vec<&str> = saved.as_array().expect("a list").iter().filter_map(|s| s[0].as_str()).collect();
    assert_eq!(names.len() as u64, 2 * charts, "{names:?}");
    for name in
        ["touch-429-cascade-requests-0.csv", "touch-429-cascade-flow.png", "touch-429-cascade-calls-0.csv"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    // The CSV of a panel has the counts of timeline.csv.
    let csv = awaited(
        &mut page,
        "fetchText(window.saved.find(s => s[0].endsWith('requests-0.csv'))[1]); function fetchText(url) { return new Promise(done => \
         { const asked = new XMLHttpRequest(); asked.open('GET', url); asked.onload = () => done(asked.responseText); \
         asked.onerror = () => done(''); asked.send(); }); }",
    );
    // The policy of the page forbids requests, so that the text is read only where the browser allows it.
    let csv = csv.as_str().unwrap_or_default();
    assert!(csv.is_empty() || csv.starts_with("t_s,200 answered,429 limited,"), "{csv}");
    let copied = page.value("window.copied");
    let copied: Vec<&str> = copied.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(copied.len() as u64, charts);
    let of_depth = copied.iter().find(|text| text.starts_with("**Greatest depth")).expect("the depth");
    assert!(of_depth.contains("| --- | ---: |") && of_depth.contains("seed 8004"), "{of_depth}");
    let png = page.text("window.saved.find(s => s[0].endsWith('flow.png'))[1]");
    assert!(png.starts_with("data:image/png;base64,") && png.len() > 5_000, "{} bytes", png.len());
}

#[test]
fn endpoints_can_be_told_apart_and_add_up() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let file = storm(dir.path());
    let mut page = Chromium::start(path);
    page.open(&file, 1400, false);
    let sum = "[...document.querySelector('.requests').querySelectorAll('.value')]\
               .reduce((sum, v) => sum + Number(v.textContent.replaceAll(',', '')), 0)";
    let whole = page.value(sum).as_f64().expect("a sum");
    let choose = |n: u64| {
        format!(
            "(s => {{ s.selectedIndex = {n}; s.dispatchEvent(new Event('change')); }})(document.querySelector('.choice select'))"
        )
    };
    let choices = page.value("document.querySelector('.choice select').length").as_u64().expect("a number");
    assert!(choices >= 4, "{choices}");
    let mut parts = 0.0;
    for choice in 1..choices {
        page.value(&choose(choice));
        let part = page.value(sum).as_f64().expect("a sum");
        assert!(part < whole, "{part} of {whole}");
        parts += part;
    }
    assert!((parts - whole).abs() < 1e-9, "{parts} in all, {whole} at once");
    page.value(&choose(0));
    assert!((page.value(sum).as_f64().expect("a sum") - whole).abs() < 1e-9);
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

#[test]
fn the_table_of_sessions_is_whole_and_every_session_is_told() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let file = storm(dir.path());
    let mut page = Chromium::start(path);
    page.open(&file, 1400, false);
    let cut = "[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth)";
    let cut = page.value(cut);
    let cut = cut.as_array().expect("the tables");
    assert!(cut.len() >= 3 && cut.iter().all(|pixels| *pixels == json!(0)), "tables fit at 1400 px: {cut:?}");
    let rows = page.value("document.querySelectorAll('.worst tbody tr').length");
    let stories = page.value("document.querySelectorAll('details.story').length");
    assert!(rows == stories && rows.as_u64() >= Some(6), "{rows} sessions, {stories} stories");
    assert_eq!(page.value("document.querySelectorAll('.worst tbody a[href^=\"#story-\"]').length"), rows);
    assert_eq!(page.value("document.querySelectorAll('details.story[open]').length"), json!(1));
    let against = page.text("document.querySelector('details.against pre').textContent");
    assert!(against.contains("First difference at ") && against.contains("under not-429"), "{against}");
    let size = std::fs::metadata(&file).expect("a page").len();
    assert!(size < 2_000_000, "{size} bytes");
}

/// axe-core, which checks a page for readers with assistive technology; `None` if it is not installed.
fn axe() -> Option<String> {
    let given = std::env::var_os("AXE_CORE").map(PathBuf::from);
    let global = ["/usr/lib/node_modules", "/usr/local/lib/node_modules"]
        .map(|modules| Path::new(modules).join("axe-core/axe.min.js"));
    let found = given.into_iter().chain(global).find_map(|file| std::fs::read_to_string(file).ok());
    if found.is_none() {
        eprintln!("skipped: no axe-core here; npm install --global axe-core, or AXE_CORE=<axe.min.js>");
    }
    found
}

/// Asserts that axe finds no violation in a page.
fn assert_no_violation(file: &Path) {
    let (Some(path), Some(axe)) = (chromium::installed(), axe()) else { return };
    let mut page = Chromium::start(path);
    for (width, dark) in [(400, false), (400, true), (1600, false), (1600, true)] {
        page.open(file, width, dark);
        page.value("document.querySelectorAll('details').forEach(details => { details.open = true; })");
        page.drawn();
        page.value(&format!("{axe}\n0"));
        let found = awaited(
            &mut page,
            "axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.map(v => v.id + ': ' + v.help + ': ' + \
             v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' ')))",
        );
        assert_eq!(found, json!([]), "{} at {width} px, dark: {dark}", file.display());
    }
}

#[test]
fn axe_finds_no_violation() {
    let dir = tempfile::tempdir().expect("a place");
    assert_no_violation(&storm(dir.path()));
}

#[test]
fn axe_finds_no_violation_in_the_pages_of_answers() {
    let dir = tempfile::tempdir().expect("a place");
    let poll = "scenarios/rl-poll.toml";
    let clients = ["--set", "horizon=2s", "--vary", "workload[0].clients=1..4"];
    let storm = ["scenarios/touch-429-cascade.toml", "--set", "fleet.users=20", "--replications", "2"];
    let lost = "tests/fixtures/metastable/database-retries.toml";
    let load = ["--set", "horizon=40s", "--load", "workload[0].clients=10,280"];
    for args in [
        [&["find", poll], &clients[..], &["--target", "new.requests_total>=0"]].concat(),
        vec!["sweep", poll, "--set", "horizon=2s", "--vary", "workload[0].clients=1..4/4"],
        [
            &["rank", poll],
            &clients[..],
            &["--vary", "horizon=2s..8s", "--metric", "requests_total", "--rows", "2"],
        ]
        .concat(),
        [&["map", lost], &load[..], &["--trigger", "fault[0].to=21s,25s"]].concat(),
        [&["rollout"], &storm[..], &["--from", "old", "--to", "new", "--steps", "2"]].concat(),
        // A token client, and generic clients with limits and workers.
        vec!["run", "scenarios/supabase-429-sign-out.toml", "--set", "fleet.users=20", "--replications", "2"],
        vec!["run", lost, "--set", "horizon=90s"],
    ] {
        let out = dir.path().join(args[0..2].concat().replace('/', "-"));
        let output = authstorm().args(&args).args(["--quiet", "--out"]).arg(&out).output();
        let output = output.expect("the command runs");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {}", said(&output));
        assert_no_violation(&out.join("report.html"));
    }
}
