//! `report.html`: one file that opens from disk without a network and is smaller than two megabytes.
//!
//! This module writes words and tables as HTML. uPlot draws the charts from the JSON of `data.rs`. The pictures of
//! [`crate::plot::charts`] replace them in print and where no script runs.
//!
//! ```
//! use authstorm::{Study, page};
//!
//! let mut study = Study::load("scenarios/healthy.toml")?;
//! study.replications(1)?;
//! assert!(page::page(&study.run()?).ends_with("</html>\n"));
//! # Ok::<(), authstorm::Error>(())
//! ```

mod answers;
mod data;
mod files;
mod find;
mod findings;
mod groups;
mod html;
mod limits;
mod map;
mod parts;
mod rank;
mod scenario;
mod servers;
mod sessions;
mod summary;
mod sweep;

pub use files::{files, pictures_of};
pub use find::found;
pub use map::map;
pub use rank::ranking;
pub use sweep::{Commands, MOST_CELLS, OfCell, sweep};

use crate::plot::columns::{Columns, MOST_POLICIES};
use crate::plot::retry_schedule;
use crate::plot::{Chart, amplification, charts_in, frame, titles};
use crate::results::Results;
use crate::text::number;
use html::escaped;
use std::fmt::Write;

/// The file's name.
pub const FILE: &str = "report.html";
/// The most bytes of a page.
pub const MOST_BYTES: usize = 2_000_000;
/// The most bytes of static pictures in the page.
const MOST_PICTURES: usize = 800_000;
const UPLOT_JS: &str = include_str!("vendor/uPlot.iife.min.js");
const UPLOT_CSS: &str = include_str!("vendor/uPlot.min.css");
const STYLE: &str = include_str!("page.css");
const SHARED: &str = include_str!("shared.js");
const CHART: &str = include_str!("chart.js");
const TOOLS: &str = include_str!("tools.js");
const REQUESTS: &str = include_str!("requests.js");
const LANES: &str = include_str!("lanes.js");
const PAGE: &str = include_str!("page.js");

/// The page as HTML.
pub fn page(results: &Results) -> String {
    let mut out = String::new();
    head((&results.scenario, &results.about), &frame::provenance(results), &[UPLOT_CSS, STYLE], &mut out);
    findings::findings(results, &mut out);
    timeline(results, &mut out);
    whole_run(results, &mut out);
    summary::summary(results, &mut out);
    groups::groups(results, &mut out);
    answers::answers(results, &mut out);
    limits::limits(results, &mut out);
    servers::servers(results, &mut out);
    sessions::worst_sessions(results, &mut out);
    scenario::scenario_text(&results.scenario_text, &mut out);
    reproduce(results, &mut out);
    let data = data::json(results);
    let _ = write!(
        out,
        "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n<script>{UPLOT_JS}</script>\n\
         <script>\n\"use strict\";\n(() => {{\n{SHARED}\n{CHART}\n{TOOLS}\n{REQUESTS}\n{LANES}\n{PAGE}\n}})();\n</script>\n</body>\n</html>\n"
    );
    out
}

/// Begins a page: its title, what it is about, where its numbers come from, and its styles.
fn head((title, about): (&str, &str), from: &str, styles: &[&str], out: &mut String) {
    let title = escaped(title);
    // The page must not fetch anything, whatever the names in the data contain.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · authstorm</title>\n\
         <style>{}\n{}</style>\n</head>\n<body>\n<main>\n<header>\n<h1><bdi>{title}</bdi></h1>\n\
         <p class=\"about\"><bdi>{}</bdi></p>\n<p class=\"from\">{}</p>\n</header>\n",
        data::colors(),
        styles.join("\n"),
        escaped(about),
        escaped(from),
    );
}

/// Interactive charts, and the pictures that replace them.
fn timeline(results: &Results, out: &mut String) {
    out.push_str(
        "<section aria-labelledby=\"time\">\n<h2 id=\"time\">Over time</h2>\n<div class=\"live\">\n\
         <p class=\"hint\">Hover reads values, in all charts at once. Drag to zoom, double-click to go back. Click an \
         outcome to hide it. With the keyboard: Tab to a chart, then ← → to read, + − to zoom, 0 to go back. The address of \
         this page names the zoom; Link copies it with the chart.</p>\n\
         <div class=\"tools\" role=\"toolbar\" aria-label=\"Time\"></div>\n<div id=\"charts\"></div>\n</div>\n\
         <div class=\"static\">\n",
    );
    for svg in pictures(results) {
        match svg {
            Ok(svg) => {
                let _ = writeln!(out, "<figure>{svg}</figure>");
            }
            Err(file) => {
                let _ = writeln!(out, "<p>This picture is too large for the page: see {file}.</p>");
            }
        }
    }
    out.push_str("</div>\n</section>\n");
}

/// The pictures, coarser if they would be too large. A picture that is too large even then is named instead.
fn pictures(results: &Results) -> Vec<Result<String, String>> {
    let draw = |most: usize| {
        let mut charts = charts_in(results, Columns::at_most(results, most));
        charts.extend(retry_schedule(results));
        charts
    };
    let size = |charts: &[Chart]| charts.iter().map(|chart| chart.svg.len()).sum::<usize>();
    let most = Columns::of(results).count;
    let mut charts = draw(most);
    for fewer in [200, 60] {
        if fewer < most && size(&charts) > MOST_PICTURES {
            charts = draw(fewer);
        }
    }
    let mut left = MOST_PICTURES;
    charts
        .into_iter()
        .map(|chart| match left.checked_sub(chart.svg.len()) {
            Some(rest) => {
                left = rest;
                Ok(chart.svg)
            }
            None => Err(format!("{}.svg", chart.file_stem)),
        })
        .collect()
}

/// Charts without a time axis: amplification as bars, and entries per session.
fn whole_run(results: &Results, out: &mut String) {
    let _ = writeln!(
        out,
        "<section class=\"live\" aria-labelledby=\"whole\">\n<h2 id=\"whole\">Over the whole run</h2>\n<h3>{}</h3>",
        escaped(&titles::amplification(results))
    );
    let bars = amplification::bars(results);
    let most = bars.iter().map(|bar| bar.high.max(bar.mean)).fold(1.0, f64::max);
    out.push_str("<ul class=\"bars\">\n");
    for (i, bar) in bars.iter().take(MOST_POLICIES).enumerate() {
        let percent = |value: f64| number::percent(value / most);
        let _ = writeln!(
            out,
            "<li><span class=\"name\"><bdi>{}</bdi></span><span class=\"bar\"><i style=\"width:{};background:var({})\"></i>\
             <em style=\"left:{};width:{}\"></em></span><span class=\"value\">{}</span></li>",
            escaped(&bar.name),
            percent(bar.mean),
            data::policy_color(i),
            percent(bar.low),
            percent(bar.high - bar.low),
            escaped(&bar.says),
        );
    }
    out.push_str("</ul>\n<div id=\"entries\"></div>\n</section>\n");
}

fn reproduce(results: &Results, out: &mut String) {
    let mut command = format!(
        "authstorm run scenario.toml --seed {} --replications {} --out again",
        results.seed, results.replications
    );
    if results.all_sessions {
        command.push_str(" --all-sessions");
    }
    let _ = writeln!(
        out,
        "<section aria-labelledby=\"again\">\n<h2 id=\"again\">How to reproduce it</h2>\n<p>In this directory, with \
         authstorm {}; policy files that the scenario names must lie where it names them, and \
         <code>--policy</code> chooses policies if not all were run:</p>\n<pre class=\"command\" tabindex=\"0\">{}</pre>\n\
         <dl><dt>seed</dt><dd>{}</dd><dt>version</dt><dd>{}</dd><dt>client model</dt><dd>{}</dd>\
         <dt>SHA-256 of scenario and policies</dt><dd><code>{}</code></dd><dt>events</dt><dd>{}</dd>\
         <dt>fingerprint of their order</dt><dd><code>{:016x}</code></dd></dl>\n</section>",
        escaped(&results.version),
        escaped(&command),
        results.seed,
        escaped(&results.version),
        escaped(&results.client_label()),
        escaped(&results.scenario_hash),
        number::whole(results.engine.events),
        results.engine.fingerprint,
    );
}
