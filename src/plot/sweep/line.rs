//! One key: a line with its band for each policy.

use super::super::Chart;
use super::super::axis::Scale;
use super::super::canvas::{Anchor, Canvas, picture};
use super::super::end_label::{EndLabel, LABEL_LINE};
use super::super::frame::{MARGIN, Plot, TIME_AXIS, WIDTH, only_zero, tick_width};
use super::super::palette::{self, AXIS, GREY, INK};
use super::super::typeface::{NOTE, TICK};
use super::{alike, axis_places, head, labels, metric_scale, shown};
use crate::experiment::sweep::{Cell, Table};
use crate::text::clean;
use crate::text::number::short;

/// Room below the axis for the name of the key.
const KEY: f64 = 20.0;
/// Room above the plot for cells without a value.
const NEVER_ROOM: f64 = 18.0;

/// Draws the chart.
pub(super) fn draw(table: &Table, metric: usize) -> Chart {
    let axis = &table.points.axes[0];
    let numeric = axis.values.iter().all(|(_, number)| number.is_some());
    let how = match numeric {
        true => "lines: means; bands: 95% intervals, pointwise; dots: the points that were run",
        false => "dots: means; bars: 95% intervals, pointwise",
    };
    let told = &table.metrics[metric];
    let (title, head) = head(table, metric, &format!("up: {} · {how}", told.unit));
    let up = metric_scale(table, metric);
    let ticks = up.ticks(6, false);
    let ticks = if told.most > 0.0 { ticks } else { only_zero(ticks) };
    let places = axis_places(axis);
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let mut plot = Plot {
        left: MARGIN + tick_width(&ticks),
        top: head.height() + if told.never { NEVER_ROOM } else { 0.0 },
        width: 0.0,
        height: (shown(table).len() as f64 * LABEL_LINE).max(340.0),
        across: Scale::Linear(1.0),
        up,
    };
    let cells = |policy: usize| -> Vec<(f64, Option<Cell>)> {
        order.iter().map(|i| (places[*i], table.cell(metric, policy, *i as u64))).collect()
    };
    let label = |plot: &Plot, policy: usize| {
        let last = cells(policy).last().and_then(|(_, cell)| *cell);
        let known = last.filter(Cell::is_known);
        EndLabel {
            y: known.map_or(plot.top, |cell| plot.y(cell.mean)),
            name: clean(&table.sweep.policies[policy]),
            says: last.map_or(String::new(), |cell| match known {
                Some(_) => format!(": {}", short(cell.mean)),
                None => ": never".to_owned(),
            }),
            line: palette::policy(policy).line,
            text: palette::policy(policy).text,
        }
    };
    let all = |plot: &Plot| EndLabel::merged(shown(table).map(|policy| label(plot, policy)).collect());
    plot.width = WIDTH - MARGIN - EndLabel::room(&all(&plot)) - plot.left;
    let svg = picture(WIDTH, plot.bottom() + TIME_AXIS + KEY + MARGIN / 2.0, &title, |canvas| {
        head.draw(canvas);
        plot.rows(canvas, &ticks, true);
        canvas.line((plot.left, plot.bottom()), (plot.right(), plot.bottom()), AXIS, 1.0);
        for place in &places {
            let x = plot.x(*place);
            canvas.line((x, plot.bottom()), (x, plot.bottom() + 4.0), AXIS, 1.0);
        }
        for (place, label) in labels(axis, &places, plot.width) {
            canvas.text(&label, (plot.x(place), plot.bottom() + 17.0), TICK, GREY, Anchor::Centre);
        }
        let middle = (plot.left + plot.width / 2.0, plot.bottom() + TIME_AXIS + 8.0);
        canvas.text(&clean(&axis.key), middle, NOTE, INK, Anchor::Centre);
        // A line that an earlier policy's line covers is not drawn: bands over bands would mix colours.
        for policy in alike(table, metric).iter().rev().map(|group| group[0]) {
            line(canvas, &plot, &cells(policy), policy, numeric);
        }
        EndLabel::draw(&all(&plot), canvas, &plot);
    });
    Chart { file_stem: told.name, svg }
}

/// The line of a policy, broken where a cell has no value.
fn line(canvas: &mut Canvas<'_>, plot: &Plot, cells: &[(f64, Option<Cell>)], policy: usize, numeric: bool) {
    let color = palette::policy(policy).line;
    let known = |cell: &Option<Cell>| cell.filter(Cell::is_known);
    for run in cells.split(|(_, cell)| known(cell).is_none()).filter(|run| !run.is_empty()) {
        let through = |value: fn(&Cell) -> f64| -> Vec<(f64, f64)> {
            let point = |(place, cell): &(f64, Option<Cell>)| {
                cell.as_ref().map(|cell| (plot.x(*place), plot.y(value(cell))))
            };
            run.iter().filter_map(point).collect()
        };
        let (low, middle, high) = (through(|c| c.low), through(|c| c.mean), through(|c| c.high));
        if numeric && run.len() > 1 {
            let mut band = high.clone();
            band.extend(low.iter().rev());
            canvas.area(&band, color, 0.18);
            canvas.path(&middle, color, 2.2);
        } else {
            low.iter().zip(&high).for_each(|(low, high)| canvas.line(*low, *high, color, 2.0));
        }
        middle.iter().for_each(|at| canvas.dot(*at, 3.5, color));
    }
    for (place, _) in cells.iter().filter(|(_, cell)| cell.is_some() && known(cell).is_none()) {
        let (x, y) = (plot.x(*place), plot.top - 8.0 - 2.0 * policy as f64 % 6.0);
        canvas.line((x - 3.5, y - 3.5), (x + 3.5, y + 3.5), color, 1.8);
        canvas.line((x - 3.5, y + 3.5), (x + 3.5, y - 3.5), color, 1.8);
    }
}
