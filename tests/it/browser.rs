//! The report page in a browser: with mouse and keyboard, on paper, and without scripts.

use crate::common::chromium::{self, Chromium};
use crate::common::{authstorm, files, root};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Results of both policies in a small storm with these overrides.
fn storm(dir: &Path, changes: &[&str]) -> PathBuf {
    let out = dir.join("results");
    let mut command = authstorm();
    command.args(["run", "scenarios/touch-429-cascade.toml", "--quiet", "--replications", "3"]);
    command.args(["--set", "fleet.users=60", "--set", "horizon=4m", "--set", "bucket=1s"]);
    for change in changes {
        command.args(["--set", change]);
    }
    let run = command.arg("--out").arg(&out).output().expect("it runs");
    assert!(run.status.code().is_some_and(|code| code <= 1), "{}", crate::common::said(&run));
    out
}

/// Calls per bucket of a policy in one replication, from timeline.csv.
fn calls(results: &Path, policy: &str, replication: u64) -> Vec<(f64, u64)> {
    let mut reader = csv::Reader::from_path(results.join("timeline.csv")).expect("a timeline");
    let headers = reader.headers().expect("a head").clone();
    let column =
        |name: &str| headers.iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name}"));
    let (p, r, t, n) = (column("policy"), column("replication"), column("t_s"), column("count"));
    let mut all: Vec<(f64, u64)> = Vec::new();
    for row in reader.records() {
        let row = row.expect("a row");
        if &row[p] != policy || row[r] != *replication.to_string() {
            continue;
        }
        let at: f64 = row[t].parse().expect("a time");
        let count: u64 = row[n].parse().expect("a count");
        match all.iter_mut().find(|(time, _)| (*time - at).abs() < 1e-9) {
            Some((_, sum)) => *sum += count,
            None => all.push((at, count)),
        }
    }
    all
}

/// The read-out of a request panel: its time, and the sum over its outcomes.
fn read_out(page: &mut Chromium, panel: usize) -> (String, f64) {
    let from = page.text(&format!("document.querySelectorAll('.requests .readout')[{panel}].textContent"));
    let sum = format!(
        "[...document.querySelectorAll('.requests')[{panel}].querySelectorAll('.value')]\
         .reduce((sum, v) => sum + Number(v.textContent.replaceAll(',', '')), 0)"
    );
    (from, page.value(&sum).as_f64().expect("a sum"))
}

/// The second in a read-out: "from 12 s, per second:" or "from 1:12, per second:".
fn second(from: &str) -> f64 {
    let time =
        from.strip_prefix("from ").and_then(|t| t.split(',').next()).unwrap_or_else(|| panic!("{from:?}"));
    let time = time.trim_end_matches(" s");
    time.split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap_or_else(|_| panic!("{from:?}")))
}

const OVER: &str = "document.querySelectorAll('.requests .u-over')";

#[test]
fn hover_drag_click_and_keyboard_work_without_network_requests() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let results = storm(dir.path(), &[]);
    let mut page = Chromium::start(path);
    page.open(&results.join("report.html"), 1600, false);

    // Hover: the read-out equals timeline.csv for that second, and all panels show the same time.
    let shown =
        page.value("JSON.parse(document.getElementById('data').textContent).shown").as_u64().expect("one");
    let [left, top, width, height] = page.place(&format!("{OVER}[0]"));
    let (y, at) = (top + height / 2.0, |share: f64| left + width * share);
    let mut with_calls = 0;
    for share in [0.1, 0.46, 0.7, 0.93] {
        page.mouse("mouseMoved", at(share), y, 0);
        page.drawn();
        let (from, all) = read_out(&mut page, 0);
        let time = second(&from);
        assert!((time - 240.0 * share).abs() <= 1.5, "at {share} of 240 s the page reads {from:?}");
        for (panel, policy) in ["old", "new"].into_iter().enumerate() {
            let (same, sum) = read_out(&mut page, panel);
            assert_eq!(same, from, "panels are linked in time");
            let calls = calls(&results, policy, shown);
            let expected = calls.iter().find(|(t, _)| (*t - time).abs() < 1e-6).map_or(0, |(_, n)| *n);
            assert!(
                (sum - expected as f64).abs() < 1e-9,
                "{policy} {from:?}: {sum} on the page, {expected} in timeline.csv"
            );
        }
        with_calls += usize::from(all > 0.0);
    }
    assert!(with_calls >= 3, "enough seconds with calls for a comparison");

    // Drag: all panels zoom to the dragged range.
    page.mouse("mouseMoved", at(0.25), y, 0);
    page.mouse("mousePressed", at(0.25), y, 1);
    page.mouse("mouseMoved", at(0.4), y, 1);
    page.mouse("mouseMoved", at(0.5), y, 1);
    page.mouse("mouseReleased", at(0.5), y, 1);
    page.drawn();
    let reads_at = |page: &mut Chromium, panel: usize, share: f64| {
        let [left, top, width, height] = page.place(&format!("{OVER}[{panel}]"));
        page.mouse("mouseMoved", left + width * share, top + height / 2.0, 0);
        page.drawn();
        second(&read_out(page, panel).0)
    };
    for panel in [0, 1] {
        let (from, to) = (reads_at(&mut page, panel, 0.01), reads_at(&mut page, panel, 0.99));
        assert!(
            (from - 60.0).abs() <= 3.0 && (to - 120.0).abs() <= 3.0,
            "panel {panel} shows {from} s to {to} s"
        );
    }

    // Double-click: the whole run is shown again.
    let [left, top, width, height] = page.place(&format!("{OVER}[0]"));
    let (x, y) = (left + width / 2.0, top + height / 2.0);
    for clicks in [1, 2] {
        page.mouse("mousePressed", x, y, clicks);
        page.mouse("mouseReleased", x, y, clicks);
    }
    page.drawn();
    assert!(reads_at(&mut page, 1, 0.99) > 230.0, "a double-click resets the zoom");

    // Click: the outcome is hidden in every panel. A second click shows it again.
    let pressed =
        "[...document.querySelectorAll('.requests button[data-band]')].map(b => b.ariaPressed).join(' ')";
    let before = page.text(pressed);
    assert!(!before.contains("false"), "{before}");
    let [left, top, width, height] = page.place("document.querySelector('.requests button[data-band]')");
    let click = |page: &mut Chromium| {
        page.mouse("mousePressed", left + width / 2.0, top + height / 2.0, 1);
        page.mouse("mouseReleased", left + width / 2.0, top + height / 2.0, 1);
        page.drawn();
    };
    click(&mut page);
    let after = page.text(pressed);
    let panels = page.value("document.querySelectorAll('.requests').length").as_u64().expect("a number");
    assert!(
        panels >= 2 && after.matches("false").count() as u64 == panels,
        "hidden in all {panels}: {after}"
    );
    click(&mut page);
    assert_eq!(page.text(pressed), before);

    // Keyboard: a chart can be focused and read; + zooms, 0 resets.
    page.value("document.querySelector('.requests .plot').focus()");
    page.key("ArrowRight");
    let first = second(&read_out(&mut page, 0).0);
    page.key("ArrowRight");
    assert!(second(&read_out(&mut page, 0).0) > first, "an arrow key moves the cursor");
    let reachable =
        page.value("[...document.querySelectorAll('.plot')].every(p => p.tabIndex === 0 && p.ariaLabel)");
    assert_eq!(reachable, json!(true));

    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

/// Hostile characters that a scenario's names may contain. The parser refuses control and format characters.
const HOSTILE: &str =
    r#"<script>window.struck=1</script> "><img src=x onerror=struck=1> ]]> &amp; 'שלום עולם' `|` "#;

#[test]
fn hostile_names_are_shown_as_text() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let long = format!("{HOSTILE}{}", "wide".repeat(100));
    let about = format!("about={}", toml::Value::from(long.as_str()));
    let name = format!("fault[0].name={}", toml::Value::from(HOSTILE.trim()));
    let results = storm(dir.path(), &[&about, &name]);
    let mut page = Chromium::start(path);
    for width in [400, 1600] {
        page.open(&results.join("report.html"), width, false);
        assert_eq!(page.value("typeof window.struck"), json!("undefined"), "a name was executed");
        assert_eq!(page.text("document.querySelector('.about').textContent").trim(), long.trim());
        let handlers = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])\
                        .filter(a => a.name.startsWith('on')).length";
        assert_eq!(page.value(handlers), json!(0));
        assert_eq!(
            page.value(
                "document.querySelectorAll('img, iframe, object, foreignObject, a[href^=javascript]').length"
            ),
            json!(0)
        );
        let overflow =
            page.value("document.documentElement.scrollWidth - innerWidth").as_f64().expect("a width");
        assert!(overflow <= 0.0, "{overflow} px too wide at {width} px");
    }
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

#[test]
fn the_page_fits_narrow_and_wide_screens_in_light_and_dark() {
    let Some(path) = chromium::installed() else { return };
    let mut page = Chromium::start(path);
    let folder = tempfile::tempdir().expect("a folder");
    // The pages of the showcase are kept; the others are made from their data.
    let kept = ["touch-429-cascade", "touch-429-clerk-js"]
        .map(|scenario| (scenario, root().join("results").join(scenario).join("report.html")));
    let made = ["telemetry-7-days", "supabase-429-sign-out"]
        .map(|scenario| (scenario, page_of(scenario, folder.path())));
    let pages = [kept, made].concat();
    let mut grounds = Vec::new();
    for dark in [false, true] {
        for width in [400, 800, 1600] {
            for (scenario, file) in &pages {
                page.open(file, width, dark);
                let overflow = page.value("document.documentElement.scrollWidth - innerWidth").as_f64();
                assert!(
                    overflow.is_some_and(|px| px <= 0.0),
                    "{scenario} at {width} px: {overflow:?} px too wide"
                );
                let drawn = page.value("document.querySelectorAll('.plot canvas').length").as_u64();
                assert!(drawn.is_some_and(|n| n >= 4), "{scenario}: {drawn:?} charts");
                // Letters below 11 px are unreadable on a phone.
                let small = "[...document.querySelectorAll('main *')].filter(e => e.closest('svg') === null \
                             && e.childNodes.length && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) \
                             && parseFloat(getComputedStyle(e).fontSize) < 11).length";
                assert_eq!(page.value(small), json!(0), "{scenario} at {width} px has tiny text");
            }
        }
        grounds.push(page.text("getComputedStyle(document.documentElement).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1], "the dark theme has another background");
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

/// The page of committed results, made from their data in a folder: not every page is kept.
fn page_of(name: &str, folder: &Path) -> PathBuf {
    let place = folder.join(name);
    std::fs::create_dir(&place).expect("a folder");
    for (file, bytes) in files(&root().join("results").join(name)) {
        std::fs::write(place.join(file), bytes).expect("writable");
    }
    let output = authstorm().arg("report").arg(&place).output().expect("the command runs");
    assert!(output.status.success(), "{}", crate::common::said(&output));
    place.join("report.html")
}

#[test]
fn long_runs_show_days_and_the_first_policy_is_drawn_on_top() {
    let Some(path) = chromium::installed() else { return };
    let mut page = Chromium::start(path);
    let folder = tempfile::tempdir().expect("a folder");
    page.open(&page_of("telemetry-7-days", folder.path()), 1600, false);
    let [left, top, width, height] = page.place(&format!("{OVER}[0]"));
    page.mouse("mouseMoved", left + 0.51 * width, top + height / 2.0, 0);
    page.drawn();
    assert_eq!(read_out(&mut page, 0).0, "from 3 d 12:00, per second:");

    // Both policies give equal curves here. The visible one must have the colour of the first policy.
    page.open(&page_of("client-401-recursion", folder.path()), 1600, false);
    let seen = "(() => { const c = document.querySelector('#entries canvas'), x = c.getContext('2d'); \
                const d = x.getImageData(0, 0, c.width, c.height).data; let orange = 0, blue = 0; \
                for (let i = 0; i < d.length; i += 4) { if (d[i] === 213 && d[i + 1] === 94 && d[i + 2] === 0) orange++; \
                if (d[i] === 0 && d[i + 1] === 114 && d[i + 2] === 178) blue++; } return [orange > blue, orange > 0]; })()";
    assert_eq!(page.value(seen), json!([true, true]));
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

#[test]
fn print_and_pages_without_scripts_show_static_charts() {
    let Some(path) = chromium::installed() else { return };
    let file = root().join("results/touch-429-cascade/report.html");
    let mut page = Chromium::start(path);
    let visible = |page: &mut Chromium, what: &str| {
        let height = page.value(&format!("document.querySelector('{what}').getBoundingClientRect().height"));
        height.as_f64().is_some_and(|px| px > 0.0)
    };
    page.open(&file, 1000, false);
    assert!(visible(&mut page, ".live") && !visible(&mut page, ".static"), "with scripts, on a screen");
    page.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    page.drawn();
    assert!(!visible(&mut page, ".live") && visible(&mut page, ".static"), "on paper");
    let pdf = page.call("Page.printToPDF", json!({ "printBackground": true }));
    assert!(pdf["data"].as_str().is_some_and(|data| data.len() > 50_000), "the PDF contains the charts");
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    page.load(&file, 1000, false);
    assert!(!visible(&mut page, ".live") && visible(&mut page, ".static"), "without scripts");
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

#[test]
fn the_page_formats_numbers_as_the_program_does() {
    let Some(path) = chromium::installed() else { return };
    let script = std::fs::read_to_string(root().join("src/page/shared.js")).expect("the pages' script");
    let begin = script.find("function number").expect("the rule");
    let rule = &script[begin..begin + script[begin..].find("\n}\n").expect("its end") + 2];
    let mut page = Chromium::start(path);
    page.open(&root().join("results/touch-429-cascade/report.html"), 800, false);
    // Halves that a float represents exactly, values where the number of decimals changes, and values of every
    // magnitude.
    let mut values =
        vec![0.0, 0.125, 100.5, 101.5, 2.5, 0.0995, 0.00995, 9.995, 9.994_999, 99.95, 99.949, 5e-10, 1e-7];
    values.extend(std::iter::successors(Some(1e-9), |value| Some(value * 1.1)).take(600));
    values.extend((0..200).map(|i| f64::from(i) * 0.062_5));
    for value in values.into_iter().filter(|value| *value >= 1e-9 || *value <= 0.0) {
        let shown = page.text(&format!("({rule})({value:e})"));
        assert_eq!(shown, authstorm::text::number::short(value), "{value:e}");
    }
}
