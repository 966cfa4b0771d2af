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

mod data;
mod files;
mod html;

pub use files::files;

use crate::metrics::metrics_of;
use crate::plot::columns::{Columns, MOST_POLICIES};
use crate::plot::retry_schedule;
use crate::plot::{Chart, amplification, charts_in, frame, titles};
use crate::results::finding;
use crate::results::measured;
use crate::results::verdicts;
use crate::results::{Judgement, PolicyResults, Results};
use crate::text::{number, shell_word};
use html::escaped;
use std::fmt::Write;

/// The file's name.
pub const FILE: &str = "report.html";
/// The most bytes of a page.
pub const MOST_BYTES: usize = 2_000_000;
/// The most bytes of static pictures in the page.
const MOST_PICTURES: usize = 800_000;
/// The most rows of worst sessions per policy.
const WORST: usize = 3;
/// The most rows of worst sessions in total.
const MOST_ROWS: usize = 60;
/// The most bytes of the scenario's text. Longer text is cut; scenario.toml is beside the page.
const MOST_SCENARIO: usize = 60_000;

const UPLOT_JS: &str = include_str!("vendor/uPlot.iife.min.js");
const UPLOT_CSS: &str = include_str!("vendor/uPlot.min.css");
const STYLE: &str = include_str!("page.css");
const CHART: &str = include_str!("chart.js");
const LANES: &str = include_str!("lanes.js");
const PAGE: &str = include_str!("page.js");

/// The page as HTML.
pub fn page(results: &Results) -> String {
    let mut out = String::new();
    head(results, &mut out);
    findings(results, &mut out);
    timeline(results, &mut out);
    whole_run(results, &mut out);
    summary(results, &mut out);
    worst_sessions(results, &mut out);
    scenario_text(&results.scenario_text, &mut out);
    reproduce(results, &mut out);
    let data = data::json(results);
    let _ = write!(
        out,
        "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n<script>{UPLOT_JS}</script>\n\
         <script>\n\"use strict\";\n(() => {{\n{CHART}\n{LANES}\n{PAGE}\n}})();\n</script>\n</body>\n</html>\n"
    );
    out
}

fn head(results: &Results, out: &mut String) {
    let title = escaped(&results.scenario);
    // The page must not fetch anything, whatever the names in the data contain.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · authstorm</title>\n\
         <style>{UPLOT_CSS}\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1><bdi>{title}</bdi></h1>\n\
         <p class=\"about\"><bdi>{}</bdi></p>\n<p class=\"from\">{}</p>\n</header>\n",
        escaped(&results.about),
        escaped(&frame::provenance(results)),
    );
}

fn findings(results: &Results, out: &mut String) {
    out.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n<ul class=\"findings\">\n");
    for sentence in finding(results).iter().take(MOST_POLICIES) {
        let _ = writeln!(out, "<li>{}.</li>", escaped(sentence));
    }
    left_out(results.policies.len(), MOST_POLICIES, "policies", "summary.json", out);
    let qualifications = verdicts::qualifications(results);
    for sentence in qualifications.iter().take(MOST_POLICIES) {
        let _ = writeln!(out, "<li>{}.</li>", escaped(sentence));
    }
    left_out(qualifications.len(), MOST_POLICIES, "qualifications", "summary.json", out);
    out.push_str("</ul>\n");
    if !results.expectations.is_empty() {
        out.push_str("<h3>Expectations</h3>\n<ul class=\"verdicts\">\n");
        for verdict in results.expectations.iter().take(100) {
            let class = match verdict.judgement {
                Judgement::Passed => "ok",
                Judgement::Failed | Judgement::Vacuous => "bad",
                Judgement::NotJudged => "open",
            };
            let word = verdicts::word(verdict.judgement);
            let (that, detail) =
                (escaped(&verdict.that), escaped(&verdicts::detail(verdict, results.replications)));
            let _ = writeln!(
                out,
                "<li class=\"{class}\"><b>{word}</b> <code>{that}</code> <span>{detail}</span></li>"
            );
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</section>\n");
}

fn left_out(all: usize, most: usize, what: &str, file: &str, out: &mut String) {
    if all > most {
        let _ = writeln!(out, "<li>{} more {what} are in {file}.</li>", all - most);
    }
}

/// Interactive charts, and the pictures that replace them.
fn timeline(results: &Results, out: &mut String) {
    out.push_str(
        "<section aria-labelledby=\"time\">\n<h2 id=\"time\">Over time</h2>\n<div class=\"live\">\n\
         <p class=\"hint\">Hover reads values, in all charts at once. Drag to zoom, double-click to go back. Click an \
         outcome to hide it. With the keyboard: Tab to a chart, then ← → to read, + − to zoom, 0 to go back.</p>\n\
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
            "<li><span class=\"name\"><bdi>{}</bdi></span><span class=\"bar p{}\"><i style=\"width:{}\"></i>\
             <em style=\"left:{};width:{}\"></em></span><span class=\"value\">{}</span></li>",
            escaped(&bar.name),
            i % 7,
            percent(bar.mean),
            percent(bar.low),
            percent(bar.high - bar.low),
            escaped(&bar.says),
        );
    }
    out.push_str("</ul>\n<div id=\"entries\"></div>\n</section>\n");
}

fn summary(results: &Results, out: &mut String) {
    out.push_str("<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">Summary</h2>\n");
    let several = results.replications > 1;
    if several {
        let _ = writeln!(
            out,
            "<p class=\"hint\">Mean of {} replications, with the 95% confidence interval of the mean below it. Exact \
             values are in the title of each cell and in summary.csv.</p>",
            results.replications
        );
    }
    let shown = &results.policies[..results.policies.len().min(MOST_POLICIES)];
    out.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"summary\">\n<table class=\"summary\">\n\
         <thead><tr><th scope=\"col\">metric</th>",
    );
    for policy in shown {
        let _ = write!(out, "<th scope=\"col\"><bdi>{}</bdi></th>", escaped(&policy.name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let known = metrics_of(results.model());
    for def in known.iter().filter(|def| measured::can_move(results, def.metric)) {
        row(def.name, def.unit, def.definition, shown, several, out);
    }
    // Metrics of another version follow unchanged.
    let others = results
        .policies
        .iter()
        .flat_map(|policy| &policy.metrics)
        .filter(|m| known.iter().all(|def| def.name != m.name));
    let mut said: Vec<&str> = Vec::new();
    for other in others {
        if !said.contains(&other.name.as_str()) {
            said.push(&other.name);
            row(&other.name, &other.unit, "", shown, several, out);
        }
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    if shown.len() < results.policies.len() {
        let more = results.policies.len() - shown.len();
        let _ = writeln!(out, "<p class=\"hint\">{more} more policies are in summary.csv.</p>");
    }
    out.push_str("</section>\n");
}

fn row(
    name: &str,
    unit: &str,
    definition: &str,
    policies: &[PolicyResults],
    several: bool,
    out: &mut String,
) {
    let _ = write!(
        out,
        "<tr><th scope=\"row\"><span title=\"{}\">{}</span> <small>{}</small></th>",
        escaped(definition),
        escaped(&name.replace('_', " ")),
        escaped(unit)
    );
    for policy in policies {
        let Some(m) = policy.get(name) else {
            let _ = write!(out, "<td>{}</td>", titles::UNKNOWN);
            continue;
        };
        // The same digits as in summary.csv.
        let _ = write!(
            out,
            "<td data-metric=\"{}\" data-mean=\"{}\" data-low=\"{}\" data-high=\"{}\" title=\"{} [{}, {}]\">{}",
            escaped(name),
            m.mean,
            m.ci_low,
            m.ci_high,
            m.mean,
            m.ci_low,
            m.ci_high,
            measured::mean_words(m)
        );
        if let (true, Some((low, high))) = (several, measured::interval(m)) {
            let _ = write!(out, "<small>{low} to {high}</small>");
        }
        out.push_str("</td>");
    }
    out.push_str("</tr>\n");
}

fn worst_sessions(results: &Results, out: &mut String) {
    out.push_str("<section aria-labelledby=\"worst\">\n<h2 id=\"worst\">Worst sessions</h2>\n");
    out.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"worst\">\n<table class=\"worst\">\n<thead><tr>\
         <th scope=\"col\">policy</th><th scope=\"col\">replication</th><th scope=\"col\">session</th><th scope=\"col\">entries</th>\
         <th scope=\"col\">depth</th><th scope=\"col\">requests</th><th scope=\"col\">signed out</th>\
         <th scope=\"col\">without token</th><th scope=\"col\">story</th></tr></thead>\n<tbody>\n",
    );
    let rows = results.policies.iter().flat_map(|p| p.sessions.iter().take(WORST).map(move |row| (p, row)));
    for (policy, row) in rows.take(MOST_ROWS) {
        let sign_out = match row.signed_out_at_s {
            None => "no".to_owned(),
            Some(at) => {
                format!(
                    "{}, {}",
                    number::with_unit(at, "s"),
                    match (row.false_sign_out, row.reuse_sign_out) {
                        (true, _) => "falsely",
                        (_, true) => "by its own reuse",
                        _ => "rightly",
                    }
                )
            }
        };
        let story = match results.stories.iter().position(|story| story.is_of(policy, row)) {
            Some(i) => format!("<a href=\"#story-{i}\">told below</a>"),
            None => format!(
                "<code>{}</code>",
                escaped(&explain(results, &policy.name, row.replication, row.session))
            ),
        };
        let _ = writeln!(
            out,
            "<tr><td><bdi>{}</bdi></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{sign_out}</td><td>{}</td><td>{story}</td></tr>",
            escaped(&policy.name),
            row.replication,
            row.session,
            number::whole(row.entries.into()),
            number::whole(row.depth.into()),
            number::whole(row.requests.into()),
            number::with_unit(row.stale_token_s, "s"),
        );
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    let chosen = results.worst_story();
    for (i, story) in results.stories.iter().enumerate() {
        let _ = writeln!(
            out,
            "<details class=\"story\" id=\"story-{i}\"{}>\n<summary>{}</summary>\n<div class=\"lanes live\" \
             data-story=\"{i}\"></div>\n<pre tabindex=\"0\">{}</pre>\n<p class=\"hint\"><code>{}</code></p>\n</details>",
            if chosen == Some(story) { " open" } else { "" },
            escaped(&story.headline),
            html::escaped_lines(&story.text),
            escaped(&explain(results, &story.policy, story.replication, story.session)),
        );
    }
    out.push_str("</section>\n");
}

/// The command that tells the story of a session.
fn explain(results: &Results, policy: &str, replication: u32, session: u32) -> String {
    format!(
        "authstorm explain scenario.toml --policy {} --replication {replication} --session {session} --seed {} \
         --replications {}",
        shell_word(policy),
        results.seed,
        results.replications
    )
}

fn scenario_text(scenario: &str, out: &mut String) {
    let end =
        (0..=scenario.len().min(MOST_SCENARIO)).rev().find(|i| scenario.is_char_boundary(*i)).unwrap_or(0);
    let cut = if end < scenario.len() { "\n… cut here: see scenario.toml" } else { "" };
    let _ = writeln!(
        out,
        "<section aria-labelledby=\"scenario\">\n<h2 id=\"scenario\">Scenario</h2>\n<details>\n\
         <summary>scenario.toml</summary>\n<pre tabindex=\"0\">{}{cut}</pre>\n</details>\n</section>",
        html::escaped_lines(&scenario[..end])
    );
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
         <code>--policy</code> chooses policies if not all were run:</p>\n<pre tabindex=\"0\">{}</pre>\n\
         <dl><dt>seed</dt><dd>{}</dd><dt>version</dt><dd>{}</dd><dt>client model</dt><dd>{}</dd>\
         <dt>SHA-256 of scenario and policies</dt><dd><code>{}</code></dd><dt>events</dt><dd>{}</dd>\
         <dt>fingerprint of their order</dt><dd><code>{:016x}</code></dd></dl>\n</section>",
        escaped(&results.version),
        escaped(&command),
        results.seed,
        escaped(&results.version),
        escaped(&results.client_model),
        escaped(&results.scenario_hash),
        number::whole(results.engine.events),
        results.engine.fingerprint,
    );
}
