//! Points that are no grid, or one of more than three keys: a panel for each key, with all points.

use super::super::Chart;
use super::super::axis::Scale;
use super::super::canvas::{Anchor, Canvas, picture};
use super::super::frame::{GAP, MARGIN, Plot, WIDTH, tick_width};
use super::super::palette::{self, AXIS, GREY, INK};
use super::super::typeface::{HEADING, LABEL, NOTE, TICK};
use super::{axis_places, head, labels, metric_scale, shown};
use crate::experiment::sweep::Table;
use crate::text::clean;

/// The most panels beside each other.
const ACROSS: usize = 3;
/// The most dots of a panel.
const MOST_DOTS: u64 = 20_000;
const HIGH: f64 = 260.0;
const FOOT: f64 = 46.0;
/// Height of the names of the policies.
const NAMES: f64 = 26.0;

/// Draws the chart.
pub(super) fn draw(table: &Table, metric: usize) -> Chart {
    let axes = &table.points.axes;
    let told = &table.metrics[metric];
    let how = format!(
        "up: {} · dots: the mean of {}, against the value of each key{} · sweep.csv has the intervals",
        told.unit,
        match stride(table) {
            1 => "each point".to_owned(),
            n => format!("one point in {n}"),
        },
        if told.never { "; crosses at the upper edge have no mean" } else { "" }
    );
    let (title, head) = head(table, metric, &how);
    let up = metric_scale(table, metric);
    let ticks = up.ticks(5, false);
    let left = tick_width(&ticks);
    let across = axes.len().min(ACROSS);
    let room = (WIDTH - 2.0 * MARGIN - GAP * (across - 1) as f64) / across as f64;
    let top = head.height() + NAMES;
    let height = top + axes.len().div_ceil(across) as f64 * (HIGH + FOOT + GAP) + MARGIN / 2.0;
    let svg = picture(WIDTH, height, &title, |canvas| {
        head.draw(canvas);
        names(canvas, table, head.height() + LABEL.size);
        for (n, axis) in axes.iter().enumerate() {
            let plot = Plot {
                left: MARGIN + (n % across) as f64 * (room + GAP) + left,
                top: top + (n / across) as f64 * (HIGH + FOOT + GAP) + 14.0,
                width: room - left,
                height: HIGH,
                across: Scale::Linear(1.0),
                up: up.clone(),
            };
            plot.rows(canvas, &ticks, true);
            canvas.line((plot.left, plot.bottom()), (plot.right(), plot.bottom()), AXIS, 1.0);
            let places = axis_places(axis);
            for (place, label) in labels(axis, &places, plot.width) {
                canvas.text(&label, (plot.x(place), plot.bottom() + 17.0), TICK, GREY, Anchor::Centre);
            }
            let middle = (plot.left + plot.width / 2.0, plot.bottom() + 36.0);
            canvas.text(&NOTE.fit_name(&clean(&axis.key), plot.width), middle, NOTE, INK, Anchor::Centre);
            for policy in shown(table).rev() {
                dots(canvas, table, (metric, policy, n), &plot, &places);
            }
        }
    });
    Chart { file_stem: told.name, svg }
}

/// One point in so many is drawn.
fn stride(table: &Table) -> usize {
    let dots = table.sweep.count * shown(table).len() as u64;
    dots.div_ceil(MOST_DOTS).max(1) as usize
}

fn dots(
    canvas: &mut Canvas<'_>,
    table: &Table,
    (metric, policy, key): (usize, usize, usize),
    plot: &Plot,
    places: &[f64],
) {
    let radius = if table.sweep.count > 300 { 1.8 } else { 3.0 };
    let color = palette::policy(policy).line;
    // Policies at one place stand beside each other.
    let aside = (policy as f64 - (shown(table).len() as f64 - 1.0) / 2.0) * (radius * 1.2);
    for point in (0..table.sweep.count).step_by(stride(table)) {
        let Some(cell) = table.cell(metric, policy, point) else { continue };
        let x = plot.x(places[table.points.places(point)[key]]) + aside;
        if cell.is_known() {
            canvas.dot((x, plot.y(cell.mean)), radius, color);
        } else {
            let y = plot.top - 6.0;
            canvas.line((x - 2.5, y - 2.5), (x + 2.5, y + 2.5), color, 1.4);
            canvas.line((x - 2.5, y + 2.5), (x + 2.5, y - 2.5), color, 1.4);
        }
    }
}

fn names(canvas: &mut Canvas<'_>, table: &Table, baseline: f64) {
    let mut at = MARGIN;
    for policy in shown(table) {
        let color = palette::policy(policy);
        let name = HEADING.fit_name(&clean(&table.sweep.policies[policy]), 240.0);
        canvas.dot((at + 4.0, baseline - 4.0), 4.0, color.line);
        canvas.text(&name, (at + 13.0, baseline), HEADING, color.text, Anchor::Left);
        at += HEADING.width(&name) + 34.0;
    }
}
