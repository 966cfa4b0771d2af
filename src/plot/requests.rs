//! Requests per second by outcome: stacked areas, a panel per policy, all on one scale.

use super::Chart;
use super::axis::Scale;
use super::canvas::{Anchor, Canvas, picture};
use super::columns::{Aggregate, Columns};
use super::end_label::LABEL_LINE;
use super::frame::{GAP, Head, MARGIN, Plot, TIME_AXIS, WIDTH, tick_width, time_scale, with_unit};
use super::palette::{BANDS, Color, GREY, INK, REST, WHITE};
use super::strip::Strip;
use super::typeface::{HEADING, LABEL, NOTE};
use super::{labels, titles};
use crate::metrics::Metric;
use crate::metrics::Outcome;
use crate::metrics::timeline::Bucket;
use crate::results::{PolicyResults, Results, measured};
use crate::text::{clean, number};

/// A band whose greatest height is below this share of the peak is merged with the rest.
const THIN: f64 = 0.005;
/// The most columns that count as wide.
const WIDE: usize = 60;
/// Width of a label's colour square and the space after it.
const SWATCH: f64 = 9.0;

/// Draws the chart. Shows one replication, the same for every policy: the one whose peak is the median for the first
/// policy. A mean over replications would flatten the waves that synchronised retries make.
pub fn requests(results: &Results) -> Chart {
    requests_in(results, Columns::of(results))
}

/// As [`requests`], with these columns.
pub fn requests_in(results: &Results, columns: Columns) -> Chart {
    let shown = median_replication(results);
    let peak = results.policies.iter().map(|p| busiest_bucket(p, shown)).fold(0.0, f64::max);
    let panels: Vec<Panel> = results.policies.iter().map(|p| Panel::of(p, columns, shown, peak)).collect();

    let title = if peak > 0.0 { titles::peaks(results) } else { "No requests in this run".to_owned() };
    let mut notes = vec!["requests per second by how they ended".to_owned()];
    if results.replications > 1
        && let Some(first) = results.policies.first()
    {
        let name = NOTE.fit_name(&clean(&first.name), 200.0);
        notes
            .push(format!("shown: replication {shown}, counted from 0, whose peak is the median for {name}"));
    }
    notes.extend(columns.note("mean of"));
    if columns.merges() {
        notes.push("thin line: the busiest bucket of each column".to_owned());
    }
    let head = Head::new(results, &title, &notes);

    let across = match panels.len() {
        4 => 2,
        n => n.clamp(1, 3),
    };
    let down = panels.len().div_ceil(across).max(1);
    let height = match (down, across) {
        (1, 1) => 380.0,
        (1, 2) => 340.0,
        (1, _) => 300.0,
        _ => 220.0,
    };
    let scale = Scale::linear(peak);
    let ticks = with_unit(scale.ticks((height / 60.0) as usize, true), "/s");
    let axis = tick_width(&ticks);
    let key = panels.iter().map(Panel::key_width).fold(0.0, f64::max);
    let parts = across as f64;
    let width = (WIDTH - 2.0 * MARGIN - axis - parts * key - (parts - 1.0) * GAP) / parts;
    let strip = Strip::new(results, width);
    let heading = HEADING.line() + NOTE.line() + 8.0;
    let block = heading + strip.height() + height + TIME_AXIS;
    let total = head.height() + down as f64 * block + (down - 1) as f64 * GAP + MARGIN / 2.0;

    let svg = picture(WIDTH, total, &title, |canvas| {
        head.draw(canvas);
        for (i, panel) in panels.iter().enumerate() {
            let (column, row) = (i % across, i / across);
            let left = MARGIN + axis + column as f64 * (width + key + GAP);
            let top = head.height() + row as f64 * (block + GAP);
            let plot = Plot {
                left,
                top: top + heading + strip.height(),
                width,
                height,
                across: time_scale(results.horizon),
                up: scale.clone(),
            };
            let name = HEADING.fit_name(&panel.name, width + key);
            canvas.text(&name, (left, top + HEADING.size * 0.76), HEADING, INK, Anchor::Left);
            let note = panel.note(width + key);
            canvas.text(&note, (left, top + HEADING.line() + NOTE.size * 0.76), NOTE, GREY, Anchor::Left);
            plot.time_frame(canvas, results, Some(&strip), &ticks, column == 0);
            panel.draw(canvas, &plot, columns);
        }
    });
    Chart { file_stem: "requests", svg }
}

/// Data of one policy, as it is drawn.
struct Panel {
    name: String,
    /// Peak of the shown run and mean peak of all runs, in words.
    peak: Option<String>,
    mean_peak: String,
    runs: usize,
    /// The areas, from the bottom of the stack to its top.
    areas: Vec<Area>,
    /// The busiest bucket of each column; absent where a column is one bucket.
    busiest: Option<Vec<f64>>,
}

struct Area {
    name: &'static str,
    color: Color,
    /// Requests per second, by column.
    rates: Vec<f64>,
}

impl Panel {
    fn of(policy: &PolicyResults, columns: Columns, shown: usize, peak_of_all: f64) -> Panel {
        let peaks = measured::of(policy, Metric::PeakRequestsPerS);
        let peak = peaks.and_then(|peaks| peaks.values.get(shown)).filter(|peak| **peak > 0.0);
        let peak = peak.map(|peak| number::short(*peak));
        let buckets = policy.timelines.get(shown).map_or(&[][..], |timeline| &timeline.buckets);
        let mut areas: Vec<Area> = Vec::new();
        let mut thin: Vec<Area> = Vec::new();
        for band in BANDS {
            let rates =
                columns.values(buckets, Aggregate::Rate, |bucket| ended(bucket, band.outcomes) as f64);
            let greatest = rates.iter().copied().fold(0.0, f64::max);
            let area = Area { name: band.name, color: band.color, rates };
            match () {
                () if greatest <= 0.0 => {}
                () if greatest < THIN * peak_of_all => thin.push(area),
                () => areas.push(area),
            }
        }
        areas.extend(merged(thin));
        let busiest =
            columns.merges().then(|| columns.values(buckets, Aggregate::GreatestRate, |b| calls(b) as f64));
        let mean_peak = peaks.map(|peaks| number::short(peaks.mean)).unwrap_or_default();
        let runs = peaks.map_or(0, |peaks| peaks.values.len());
        Panel { name: clean(&policy.name), peak, mean_peak, runs, areas, busiest }
    }

    /// The texts on the peak that fit.
    fn note(&self, room: f64) -> String {
        let Some(peak) = &self.peak else {
            return if self.areas.is_empty() { "no requests".to_owned() } else { String::new() };
        };
        let (mean, runs) = (&self.mean_peak, self.runs);
        let mut variants = vec![format!("peak {peak} requests/s"), format!("peak {peak}/s")];
        if runs > 1 {
            variants = vec![
                format!("peak of this replication {peak} requests/s; mean of {runs}: {mean} requests/s"),
                format!("peak of this replication {peak}/s; mean of {runs}: {mean}/s"),
                format!("peak {peak}/s here; mean of {runs}: {mean}/s"),
                format!("peak {peak}/s here"),
            ];
        }
        let fits = variants.iter().find(|text| NOTE.width(text) <= room);
        fits.cloned().unwrap_or_else(|| NOTE.fit(&format!("peak {peak}/s"), room))
    }

    fn key_width(&self) -> f64 {
        let widest = self.areas.iter().map(|area| LABEL.width(area.name)).fold(0.0, f64::max);
        10.0 + SWATCH + 6.0 + widest
    }

    fn draw(&self, canvas: &mut Canvas<'_>, plot: &Plot, columns: Columns) {
        if self.areas.is_empty() {
            plot.say(canvas, "no requests");
            return;
        }
        // `tops[k]` is the upper edge of area k. Each area is drawn down to the axis, the uppermost first, so that no seam
        // shows between neighbours.
        let mut tops: Vec<Vec<f64>> = Vec::new();
        for area in &self.areas {
            let below = tops.last();
            let top = area.rates.iter().enumerate().map(|(i, rate)| rate + below.map_or(0.0, |b| b[i]));
            tops.push(top.collect());
        }
        for (area, top) in self.areas.iter().zip(&tops).rev() {
            let edge = steps(plot, columns, top);
            let mut outline = edge.clone();
            outline.push((plot.right(), plot.bottom()));
            outline.push((plot.left, plot.bottom()));
            canvas.area(&outline, area.color, 1.0);
            // A white edge separates wide columns. Around narrow columns it would cover a thin band.
            if columns.count <= WIDE {
                canvas.path(&edge, WHITE, 0.6);
            }
        }
        if let Some(busiest) = &self.busiest {
            canvas.path(&steps(plot, columns, busiest), INK, 0.7);
        }
        self.draw_key(canvas, plot, &tops);
    }

    /// Draws a label beside each area, level with the middle of the area where it is thickest, in the order of the stack.
    fn draw_key(&self, canvas: &mut Canvas<'_>, plot: &Plot, tops: &[Vec<f64>]) {
        let middle = |(area, top): (&Area, &Vec<f64>)| {
            let thickest = area
                .rates
                .iter()
                .enumerate()
                .fold((0, 0.0), |most, (i, rate)| if *rate > most.1 { (i, *rate) } else { most });
            plot.y(top[thickest.0] - thickest.1 / 2.0)
        };
        // The stack grows upward, while heights in the picture grow downward.
        let wanted: Vec<f64> = self.areas.iter().zip(tops).map(middle).rev().collect();
        let placed = labels::spread(&wanted, LABEL_LINE, plot.top + 6.0, plot.bottom() - 6.0);
        let left = plot.right() + 10.0;
        for (area, y) in self.areas.iter().rev().zip(placed) {
            canvas.rect(left, y - SWATCH / 2.0, SWATCH, SWATCH, area.color);
            canvas.text(area.name, (left + SWATCH + 6.0, y + 4.0), LABEL, INK, Anchor::Left);
        }
    }
}

/// Merges thin bands. A single thin band keeps its name and colour.
fn merged(thin: Vec<Area>) -> Option<Area> {
    let alone = thin.len() == 1;
    thin.into_iter()
        .reduce(|mut all, next| {
            for (sum, rate) in all.rates.iter_mut().zip(next.rates) {
                *sum += rate;
            }
            all
        })
        .map(|all| if alone { all } else { Area { name: "other", color: REST, ..all } })
}

/// The outline of a column chart. A rate holds for its whole column.
pub fn steps(plot: &Plot, columns: Columns, values: &[f64]) -> Vec<(f64, f64)> {
    let corners = values.iter().enumerate().flat_map(|(i, value)| {
        let y = plot.y(*value);
        [(plot.x(columns.begin(i)), y), (plot.x(columns.begin(i + 1)), y)]
    });
    corners.collect()
}

/// Calls of a bucket with one of these outcomes.
pub fn ended(bucket: &Bucket, outcomes: &[Outcome]) -> u64 {
    bucket.calls.iter().flat_map(|by| outcomes.iter().map(|&o| by[o as usize])).sum()
}

/// All calls of a bucket.
pub(super) fn calls(bucket: &Bucket) -> u64 {
    bucket.calls.iter().flatten().sum()
}

/// Most requests per second in one bucket of this run: the height that its panel needs.
fn busiest_bucket(policy: &PolicyResults, run: usize) -> f64 {
    let Some(timeline) = policy.timelines.get(run) else { return 0.0 };
    let most = timeline.buckets.iter().map(calls).max().unwrap_or(0);
    most as f64 / timeline.bucket.as_secs_f64().max(1e-9)
}

/// The replication whose peak is the median for the first policy. The lower of two medians.
pub fn median_replication(results: &Results) -> usize {
    let Some(first) = results.policies.first() else { return 0 };
    let Some(peaks) = measured::of(first, Metric::PeakRequestsPerS) else { return 0 };
    let mut peaks: Vec<(f64, usize)> = peaks.values.iter().copied().zip(0..).collect();
    peaks.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    peaks.get(peaks.len().saturating_sub(1) / 2).map_or(0, |(_, run)| *run)
}
