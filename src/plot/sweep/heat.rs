//! Heat maps: a panel for each policy, and for each value of a third key.

use super::super::Chart;
use super::super::axis::Scale;
use super::super::canvas::{Anchor, Canvas, picture};
use super::super::frame::{GAP, MARGIN, WIDTH};
use super::super::labels::together;
use super::super::palette::{AXIS, GREY, INK, UNKNOWN, WHITE, ramp, text_on};
use super::super::typeface::{HEADING, LABEL, NOTE, TICK};
use super::{alike, head, metric_scale};
use crate::experiment::sweep::{Axis, Cell, Table};
use crate::text::clean;
use crate::text::number::{NEVER, short};

/// The most panels beside each other.
const ACROSS: usize = 4;
/// The most panels of a chart.
const MOST_PANELS: usize = 48;
/// The most cells of all panels of a chart. There is one panel in any case.
const MOST_CELLS: usize = 60_000;
/// Height of a panel's heading.
const HEAD: f64 = 24.0;
/// Height below a panel: labels of values, and the key.
const FOOT: f64 = 42.0;
/// The greatest height of a panel's cells.
const HIGH: f64 = 360.0;
/// Height of the legend.
const LEGEND: f64 = 46.0;

/// A panel: a policy, and the place of the third key's value.
struct Panel {
    policy: usize,
    third: Option<usize>,
    heading: String,
}

/// Draws the chart.
pub(super) fn draw(table: &Table, metric: usize) -> Chart {
    let axes = &table.points.axes;
    let (x, y) = (&axes[0], &axes[1]);
    let how = format!(
        "across: {}, up: {} · color: mean of a cell, on one scale for all panels",
        clean(&x.key),
        clean(&y.key)
    );
    let (title, head) = head(table, metric, &how);
    let panels = panels(table, metric);
    let across = match axes.get(2) {
        Some(third) => third.values.len().min(ACROSS),
        None => panels.len().min(ACROSS),
    };
    let left =
        y.values.iter().map(|(text, _)| TICK.width(&clean(text))).fold(0.0, f64::max).min(110.0) + 10.0;
    let room = (WIDTH - 2.0 * MARGIN - GAP * (across - 1) as f64) / across as f64;
    let width = room - left;
    let high = (y.values.len() as f64 * 46.0).clamp(90.0, HIGH.min(width.max(160.0)));
    let most = (MOST_CELLS / (x.values.len() * y.values.len())).clamp(1, MOST_PANELS);
    let step = HEAD + high + FOOT + GAP / 2.0;
    let shown: Vec<&Panel> = panels.iter().take(most).collect();
    let top = head.height() + LEGEND;
    let rows = shown.len().div_ceil(across);
    let scale = metric_scale(table, metric);
    let height = top + rows as f64 * step + MARGIN / 2.0;
    let svg = picture(WIDTH, height, &title, |canvas| {
        head.draw(canvas);
        legend(canvas, table, metric, &scale, head.height());
        for (n, panel) in shown.iter().enumerate() {
            let corner =
                (MARGIN + (n % across) as f64 * (room + GAP) + left, top + (n / across) as f64 * step);
            draw_panel(canvas, table, (metric, panel), &scale, (corner, (width, high)), (x, y));
        }
        if panels.len() > shown.len() {
            let more = format!("{} more panels are in sweep.csv", panels.len() - shown.len());
            canvas.text(&more, (MARGIN, height - 8.0), NOTE, GREY, Anchor::Left);
        }
    });
    Chart { file_stem: table.metrics[metric].name, svg }
}

/// Policies of which every cell is the same share their panels.
fn panels(table: &Table, metric: usize) -> Vec<Panel> {
    let mut panels = Vec::new();
    for group in alike(table, metric) {
        let names: Vec<String> = group.iter().map(|policy| clean(&table.sweep.policies[*policy])).collect();
        let name = together(&names, HEADING, 260.0);
        match table.points.axes.get(2) {
            None => panels.push(Panel { policy: group[0], third: None, heading: name }),
            Some(axis) => panels.extend(axis.values.iter().enumerate().map(|(i, (value, _))| Panel {
                policy: group[0],
                third: Some(i),
                heading: format!("{name} · {} = {}", clean(&axis.key), clean(value)),
            })),
        }
    }
    panels
}

type Box = ((f64, f64), (f64, f64));

fn draw_panel(
    canvas: &mut Canvas<'_>,
    table: &Table,
    (metric, panel): (usize, &Panel),
    scale: &Scale,
    ((left, top), (width, high)): Box,
    (x, y): (&Axis, &Axis),
) {
    let heading = HEADING.fit_name(&panel.heading, width);
    canvas.text(&heading, (left, top + HEADING.size), HEADING, INK, Anchor::Left);
    let top = top + HEAD;
    let (columns, rows) = (x.values.len(), y.values.len());
    let (wide, tall) = (width / columns as f64, high / rows as f64);
    let thirds = table.points.axes.get(2).map_or(1, |axis| axis.values.len());
    // The last key changes first.
    let point = |i: usize, j: usize| ((i * rows + j) * thirds + panel.third.unwrap_or(0)) as u64;
    let gap = if wide > 6.0 && tall > 6.0 { 1.0 } else { 0.0 };
    for i in 0..columns {
        for j in 0..rows {
            let (at, up) = (left + i as f64 * wide, top + high - (j + 1) as f64 * tall);
            let cell = table.cell(metric, panel.policy, point(i, j));
            let (color, says) = look(cell, scale);
            canvas.rect(at, up, wide - gap, tall - gap, color);
            if LABEL.width(&says) + 6.0 <= wide && tall >= 15.0 {
                let middle = (at + wide / 2.0, up + tall / 2.0 + 4.0);
                canvas.text(&says, middle, LABEL, text_on(color), Anchor::Centre);
            }
        }
    }
    labels(canvas, x, (left, wide), |at| (at, top + high + 15.0), Anchor::Centre);
    canvas.text(
        &NOTE.fit(&clean(&x.key), width),
        (left + width / 2.0, top + high + 33.0),
        NOTE,
        INK,
        Anchor::Centre,
    );
    let every = (14.0 / tall).ceil().max(1.0) as usize;
    for (j, (value, _)) in y.values.iter().enumerate().step_by(every) {
        let up = top + high - (j as f64 + 0.5) * tall + 4.0;
        canvas.text(&TICK.fit(&clean(value), 110.0), (left - 6.0, up), TICK, GREY, Anchor::Right);
    }
}

/// Labels of as many columns as have room.
fn labels(
    canvas: &mut Canvas<'_>,
    axis: &Axis,
    (left, wide): (f64, f64),
    place: impl Fn(f64) -> (f64, f64),
    anchor: Anchor,
) {
    let mut free = f64::NEG_INFINITY;
    for (i, (value, _)) in axis.values.iter().enumerate() {
        let label = TICK.fit(&clean(value), wide.max(60.0));
        let (at, half) = (left + (i as f64 + 0.5) * wide, TICK.width(&label) / 2.0);
        if at - half >= free {
            canvas.text(&label, place(at), TICK, GREY, anchor);
            free = at + half + 6.0;
        }
    }
}

/// The colour of a cell, and what it says.
fn look(cell: Option<Cell>, scale: &Scale) -> (crate::plot::palette::Color, String) {
    match cell {
        None => (WHITE, String::new()),
        Some(cell) if !cell.is_known() => (UNKNOWN, "never".to_owned()),
        Some(cell) => (ramp(scale.place(cell.mean)), short(cell.mean)),
    }
}

fn legend(canvas: &mut Canvas<'_>, table: &Table, metric: usize, scale: &Scale, top: f64) {
    const LONG: f64 = 360.0;
    let told = &table.metrics[metric];
    let steps = 90;
    for i in 0..steps {
        let share = f64::from(i) / f64::from(steps - 1);
        let at = MARGIN + LONG * f64::from(i) / f64::from(steps);
        canvas.rect(at, top, LONG / f64::from(steps) + 0.3, 12.0, ramp(share));
    }
    let mut free = f64::NEG_INFINITY;
    for tick in scale.ticks(5, false) {
        let at = MARGIN + LONG * scale.place(tick.value);
        let half = TICK.width(&tick.label) / 2.0;
        canvas.line((at, top + 12.0), (at, top + 16.0), AXIS, 1.0);
        if at - half >= free {
            let x = at.max(MARGIN + half);
            canvas.text(&tick.label, (x, top + 28.0), TICK, GREY, Anchor::Centre);
            free = x + half + 6.0;
        }
    }
    let mut at = MARGIN + LONG + 14.0;
    canvas.text(told.unit, (at, top + 11.0), LABEL, INK, Anchor::Left);
    at += LABEL.width(told.unit) + 24.0;
    if told.never {
        canvas.rect(at, top, 18.0, 12.0, UNKNOWN);
        canvas.text(NEVER, (at + 24.0, top + 11.0), LABEL, INK, Anchor::Left);
    }
}
