//! The page of a sweep: one file, in which a reader picks a metric, a policy and a cell.

use super::common::chromium::{self, Chromium};
use super::common::{authstorm, said};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The page of a sweep of the quiet scenario of pollers.
fn map(dir: &Path, vary: &[&str]) -> PathBuf {
    let out = dir.join("map");
    let mut command = authstorm();
    command.args([
        "sweep",
        "scenarios/rl-poll.toml",
        "--set",
        "horizon=30s",
        "--replications",
        "3",
        "--quiet",
    ]);
    for vary in vary {
        command.args(["--vary", vary]);
    }
    let output = command.arg("--out").arg(&out).output().expect("the command runs");
    assert!(output.status.success(), "{}", said(&output));
    out.join("report.html")
}

const KEYS: [&str; 2] = ["workload[0].clients=1,2,3", "backend.limit[0].rate=1/10s,20/s"];

#[test]
fn the_page_is_one_file_with_every_cell() {
    let dir = tempfile::tempdir().expect("a place");
    let page = fs::read_to_string(map(dir.path(), &KEYS)).expect("a page");
    assert!(page.ends_with("</html>\n"));
    for outside in ["src=\"http", "href=\"http", "@import", "url(http", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let begin = "<script type=\"application/json\" id=\"data\">";
    let data = page.split_once(begin).and_then(|(_, rest)| rest.split_once("</script>")).expect("its data").0;
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data["count"], json!(6));
    let set = &data["keys"][1]["set"][0];
    assert_eq!(set, &json!("--set 'backend.limit[0].rate=1/10s'"));
    let metrics = data["metrics"].as_array().expect("metrics");
    let cells = |metric: &serde_json::Value| metric["policies"][0]["mean"].as_array().map_or(0, Vec::len);
    assert!(metrics.len() > 3 && metrics.iter().all(|metric| cells(metric) == 6));
    assert!(page.contains("the error is common to the cells"));
}

#[test]
fn a_cell_tells_its_value_its_interval_and_its_command() {
    let Some(path) = chromium::installed() else { return };
    let dir = tempfile::tempdir().expect("a place");
    let file = map(dir.path(), &KEYS);
    let mut page = Chromium::start(path);
    page.open(&file, 1400, false);
    assert_eq!(page.value("document.querySelectorAll('#grid .spot').length"), json!(6));
    page.value("document.querySelector('[data-point=\"3\"]').dispatchEvent(new MouseEvent('click', { bubbles: true })); 0");
    page.drawn();
    let command = page.text("document.getElementById('command').textContent");
    let expected = "authstorm run scenarios/rl-poll.toml --replications 3 --set horizon=30s \
                    --set 'workload[0].clients=2' --set 'backend.limit[0].rate=20/s'";
    assert_eq!(command, expected);
    // The keyboard moves to the neighbour on the right, and focus goes with it.
    page.key("ArrowRight");
    assert!(page.text("document.getElementById('command').textContent").contains("clients=3"));
    assert_eq!(page.text("document.activeElement.dataset.point"), "5");
    // Another metric, by its choice.
    let choose = "(s => { s.value = [...s.options].findIndex(o => o.textContent === 'requests total'); \
                  s.dispatchEvent(new Event('change')); return document.querySelector('.cell h3').textContent })\
                  (document.querySelector('#choices select'))";
    assert!(page.text(choose).starts_with("requests_total of "));
    assert!(page.text("document.querySelector('.interval').textContent").starts_with("95% interval: "));
    assert!(page.text("location.hash").contains("point=5"));
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}
