//! The page of a sweep: a map in which a reader picks a metric, a policy and a cell.

use super::parts::PICTURE_CSS;
use super::{SHARED, STYLE, html, parts};
use crate::client::token::label;
use crate::experiment::sweep::{Cell, Table, Told, in_each_of};
use crate::plot::axis::Scale;
use crate::plot::palette::{self, Color};
use crate::plot::{Chart, axis_places, metric_scale};
use crate::text::{capitalised, clean, shell_word};
use serde_json::{Value, json};
use std::fmt::Write;

/// The most cells of a page, over all metrics and policies. sweep.csv has the others.
pub const MOST_CELLS: usize = 150_000;
const SWEEP_CSS: &str = include_str!("sweep.css");
const SWEEP_JS: &str = include_str!("sweep.js");

/// Commands that the page shows.
#[derive(Clone, Debug)]
pub struct Commands {
    /// What is run: `sweep` or `rollout`.
    pub what: &'static str,
    /// How a cell adds its values to the command.
    pub cell: OfCell,
    /// The command that runs the scenario. A cell adds its values.
    pub run: String,
    /// The command that makes the sweep again.
    pub again: String,
}

/// How the command of a cell names the cell's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfCell {
    /// `--set KEY=VALUE` for each key.
    Set,
    /// `--shares VALUE`.
    Shares,
}

/// The page as HTML. `table` has the metrics that can be picked; `words` is the sweep in sentences, without full stops;
/// `charts` replace the map in print and where no script runs; `left_out` counts the metrics that the page lacks.
pub fn sweep(
    table: &Table,
    words: &[String],
    charts: &[Chart],
    commands: &Commands,
    scenario_text: &str,
    left_out: usize,
) -> String {
    let sweep = &table.sweep;
    let mut out = String::new();
    let from = parts::origin(sweep.seed, &sweep.version, &sweep.scenario_hash);
    let title = format!("{}: a {}", sweep.scenario, commands.what);
    super::head((&title, &capitalised(&sweep.headline())), &from, &[STYLE, SWEEP_CSS, PICTURE_CSS], &mut out);
    map(table, left_out, &mut out);
    parts::sentences(words, &mut out);
    parts::charts(charts, &mut out);
    super::scenario::scenario_text(scenario_text, &mut out);
    parts::again(&sweep.version, &commands.again, &mut out);
    let data = data(table, commands);
    let _ = write!(
        out,
        "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>\n\"use strict\";\n(() => {{\n{SHARED}\n{SWEEP_JS}\n}})();\n</script>\n</body>\n</html>\n"
    );
    out
}

fn map(table: &Table, left_out: usize, out: &mut String) {
    out.push_str("<section class=\"live\" aria-labelledby=\"map\">\n<h2 id=\"map\">The map</h2>\n");
    if table.metrics.is_empty() {
        let why = match left_out {
            0 => "No metric is other than 0.",
            _ => "The map has too many cells for a page. The charts and sweep.csv have all of them.",
        };
        let _ = writeln!(out, "<p>{why}</p>\n</section>");
        return;
    }
    out.push_str(
        "<p class=\"hint\">Pick a metric and a policy. Click a cell, or move with the arrow keys, for its value, its interval \
         and the command that runs it.</p>\n<div class=\"tools\" id=\"choices\"></div>\n<div class=\"map\">\n\
         <div id=\"grid\"></div>\n<div id=\"cell\" class=\"cell\" aria-live=\"polite\"></div>\n</div>\n",
    );
    if left_out > 0 {
        let _ = writeln!(
            out,
            "<p class=\"hint\">{left_out} more metrics, which are 0 everywhere or have no room here, are in sweep.csv.</p>"
        );
    }
    out.push_str("</section>\n");
}

fn color(Color(r, g, b): Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn data(table: &Table, commands: &Commands) -> String {
    let sweep = &table.sweep;
    let keys: Vec<Value> = table
        .points
        .axes
        .iter()
        .map(|axis| {
            let word = |value: &String| match commands.cell {
                OfCell::Set => format!("--set {}", shell_word(&format!("{}={value}", axis.key))),
                OfCell::Shares => format!("--shares {}", shell_word(value)),
            };
            let words: Vec<String> = axis.values.iter().map(|(value, _)| word(value)).collect();
            json!({
                "key": clean(&axis.key),
                "values": axis.values.iter().map(|(value, _)| clean(value)).collect::<Vec<_>>(),
                "places": axis_places(axis).into_iter().map(digits).collect::<Vec<_>>(),
                "numeric": axis.values.iter().all(|(_, number)| number.is_some()),
                "set": words,
            })
        })
        .collect();
    let metrics: Vec<Value> =
        table.metrics.iter().enumerate().map(|(i, told)| metric(table, i, told)).collect();
    let policies: Vec<Value> = sweep
        .policies
        .iter()
        .enumerate()
        .map(|(i, name)| json!({ "name": label(name), "color": super::data::policy_color(i) }))
        .collect();
    let data = json!({
        "keys": keys, "factorial": sweep.is_factorial(), "count": sweep.count, "replications": sweep.replications,
        "policies": policies, "metrics": metrics, "command": commands.run, "none": in_each_of(sweep.replications),
        "ramp": (0..=8).map(|i| color(palette::ramp(f64::from(i) / 8.0))).collect::<Vec<_>>(),
        "never": color(palette::UNKNOWN),
    });
    html::json_in_script(&data.to_string())
}

fn metric(table: &Table, index: usize, told: &Told) -> Value {
    let scale = metric_scale(table, index);
    let ticks: Vec<Value> =
        scale.ticks(5, false).into_iter().map(|tick| json!([digits(tick.value), tick.label])).collect();
    let scale = match scale {
        Scale::Linear(top) => json!([digits(top)]),
        Scale::Log { low, high } => json!([digits(low), digits(high)]),
    };
    let several = table.sweep.replications > 1;
    let of_policy = |policy: usize| {
        let cells: Vec<Option<Cell>> =
            (0..table.sweep.count).map(|point| table.cell(index, policy, point)).collect();
        let each = |value: fn(&Cell) -> f64| -> Vec<Option<f64>> {
            cells.iter().map(|cell| cell.as_ref().map(value).filter(|v| v.is_finite()).map(digits)).collect()
        };
        let mut value = json!({ "mean": each(|cell| cell.mean) });
        if several {
            value["low"] = json!(each(|cell| cell.low));
            value["high"] = json!(each(|cell| cell.high));
        }
        if told.never {
            value["never"] = json!(cells.iter().map(|cell| cell.map(|cell| cell.never)).collect::<Vec<_>>());
        }
        value
    };
    json!({
        "name": told.name, "unit": told.unit, "definition": told.definition, "scale": scale, "ticks": ticks,
        "policies": (0..table.sweep.policies.len()).map(of_policy).collect::<Vec<_>>(),
    })
}

/// A number with six digits, which is more than the page shows.
fn digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
