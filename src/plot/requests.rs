//! Requests per second by outcome: stacked areas, a panel per policy, all on one scale. Policies whose runs are alike share a
//! panel.

use super::Chart;
use super::axis::Scale;
use super::canvas::{Anchor, Canvas, picture};
use super::columns::{Aggregate, Columns};
use super::end_label::LABEL_LINE;
use super::frame::{GAP, Head, MARGIN, Plot, TIME_AXIS, WIDTH, tick_width, time_scale, with_unit};
use super::palette::{BANDS, Band, Color, GREY, INK, WHITE};
use super::strip::Strip;
use super::typeface::{HEADING, LABEL, NOTE};
use super::{labels, titles};
use crate::metrics::Metric;
use crate::metrics::Outcome;
use crate::metrics::timeline::Bucket;
use crate::results::{Limit, PolicyResults, Results, limits, measured};
use crate::text::number;

/// A limit of at most so many times the peak is a line. One above it is said in words, because the scale of its line would
/// flatten the data.
const NEAR: f64 = 2.0;
/// The most limits that the notes say in words.
const MOST_LIMITS: usize = 3;
/// The last columns of a run, whose calls may be in flight at its end without any trouble.
const LAST: usize = 2;
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
    let panels = Panel::all(results, columns, shown);
    let limits = limits(results);
    let lines: Vec<(f64, String)> = limits.iter().filter_map(|limit| line(limit, peak)).collect();

    let title = if peak > 0.0 { titles::peaks(results) } else { "No requests in this run".to_owned() };
    let mut notes = vec!["requests per second by how they ended".to_owned()];
    if results.replications > 1
        && let Some(first) = results.policies.first()
    {
        let name = NOTE.fit_name(&first.label(), 200.0);
        notes
            .push(format!("shown: replication {shown}, counted from 0, whose peak is the median for {name}"));
    }
    notes.extend(columns.note("mean of"));
    if columns.merges() {
        notes.push("thin line: the busiest bucket of each column".to_owned());
    }
    if panels.iter().any(|panel| panel.ends_open) {
        notes.push("grey at the end: in flight when the run ends".to_owned());
    }
    notes.extend(in_words(&limits, peak));
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
    let scale = Scale::linear(lines.iter().map(|(rate, _)| *rate).fold(peak, f64::max));
    let ticks = with_unit(scale.ticks((height / 60.0) as usize, true), "/s");
    let axis = tick_width(&ticks);
    let texts = panels.iter().flat_map(Panel::key).chain(lines.iter().map(|(_, label)| label.clone()));
    let key = 10.0 + SWATCH + 6.0 + texts.map(|text| LABEL.width(&text)).fold(0.0, f64::max);
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
            let name = labels::together(&panel.names, HEADING, width + key);
            canvas.text(&name, (left, top + HEADING.size * 0.76), HEADING, INK, Anchor::Left);
            let note = panel.note(width + key);
            canvas.text(&note, (left, top + HEADING.line() + NOTE.size * 0.76), NOTE, GREY, Anchor::Left);
            plot.time_frame(canvas, results, Some(&strip), &ticks, column == 0);
            panel.draw(canvas, &plot, columns, &lines);
        }
    });
    Chart { file_stem: "requests", svg }
}

/// The line of a limit that applies to what the chart counts: its height and its label.
fn line(limit: &Limit, peak: f64) -> Option<(f64, String)> {
    let rate = limit.per_s.filter(|rate| *rate <= NEAR * peak)?;
    Some((rate, limit.label()?))
}

/// Notes on the limits.
fn in_words(limits: &[Limit], peak: f64) -> Vec<String> {
    let note = |limit: &Limit| match limit.per_s {
        Some(rate) if rate > NEAR * peak => format!("{}, above this scale", limit.words),
        _ => limit.words.clone(),
    };
    let mut notes: Vec<String> = limits.iter().take(MOST_LIMITS).map(note).collect();
    if limits.len() > MOST_LIMITS {
        notes.push(number::counted((limits.len() - MOST_LIMITS) as u64, "more limit", "more limits"));
    }
    notes
}

/// The policies whose runs look alike in this chart, by index, in the order of the first of each group.
pub fn alike(policies: &[PolicyResults], columns: Columns, shown: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Panel, Vec<usize>)> = Vec::new();
    for (i, policy) in policies.iter().enumerate() {
        let panel = Panel::of(policy, columns, shown);
        match groups.iter_mut().find(|(first, _)| first.looks_like(&panel)) {
            Some((_, group)) => group.push(i),
            None => groups.push((panel, vec![i])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Data of a policy, or of several that are alike, as it is drawn.
struct Panel {
    names: Vec<String>,
    /// Peak of the shown run and mean peak of all runs, in words.
    peak: Option<String>,
    mean_peak: String,
    runs: usize,
    /// The areas, from the bottom of the stack to its top.
    areas: Vec<Area>,
    /// The busiest bucket of each column; absent where a column is one bucket.
    busiest: Option<Vec<f64>>,
    /// Whether calls are in flight at the end that were sent just before it.
    ends_open: bool,
}

#[derive(PartialEq)]
struct Area {
    band: &'static Band,
    /// Requests, over the run.
    count: u64,
    /// Requests per second, by column.
    rates: Vec<f64>,
    /// Whether the key names it.
    named: bool,
}

impl Panel {
    fn all(results: &Results, columns: Columns, shown: usize) -> Vec<Panel> {
        let panel = |group: &Vec<usize>| {
            let names = group.iter().map(|i| results.policies[*i].label()).collect();
            Panel { names, ..Panel::of(&results.policies[group[0]], columns, shown) }
        };
        alike(&results.policies, columns, shown).iter().map(panel).collect()
    }

    fn of(policy: &PolicyResults, columns: Columns, shown: usize) -> Panel {
        let peaks = measured::of(policy, Metric::PeakRequestsPerS);
        let peak = peaks.and_then(|peaks| peaks.values.get(shown)).filter(|peak| **peak > 0.0);
        let peak = peak.map(|peak| number::short(*peak));
        let buckets = policy.timelines.get(shown).map_or(&[][..], |timeline| &timeline.buckets);
        let area = |band: &'static Band| Area {
            band,
            count: buckets.iter().map(|bucket| ended(bucket, band.outcome)).sum(),
            rates: columns.values(buckets, Aggregate::Rate, |bucket| ended(bucket, band.outcome) as f64),
            named: band.outcome != Outcome::InFlight || !just_sent(columns, buckets),
        };
        let areas: Vec<Area> = BANDS.iter().map(area).filter(|area| area.count > 0).collect();
        let busiest =
            columns.merges().then(|| columns.values(buckets, Aggregate::GreatestRate, |b| calls(b) as f64));
        let mean_peak = peaks.map(|peaks| number::short(peaks.mean)).unwrap_or_default();
        let runs = peaks.map_or(0, |peaks| peaks.values.len());
        let ends_open = areas.iter().any(|area| !area.named);
        Panel { names: vec![policy.label()], peak, mean_peak, runs, areas, busiest, ends_open }
    }

    fn looks_like(&self, other: &Panel) -> bool {
        (&self.peak, &self.mean_peak, &self.areas, &self.busiest)
            == (&other.peak, &other.mean_peak, &other.areas, &other.busiest)
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

    fn named(&self) -> impl Iterator<Item = (usize, &Area)> {
        self.areas.iter().enumerate().filter(|(_, area)| area.named)
    }

    /// Texts of the key, from the bottom of the stack to its top.
    fn key(&self) -> Vec<String> {
        let text = |(_, area): (usize, &Area)| format!("{}: {}", area.band.name, number::whole(area.count));
        self.named().map(text).collect()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, plot: &Plot, columns: Columns, lines: &[(f64, String)]) {
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
            canvas.area(&outline, area.band.color, 1.0);
            // A white edge separates wide columns. Around narrow columns it would cover a thin band.
            if columns.count <= WIDE {
                canvas.path(&edge, WHITE, 0.6);
            }
        }
        if let Some(busiest) = &self.busiest {
            canvas.path(&steps(plot, columns, busiest), INK, 0.7);
        }
        for (rate, _) in lines {
            let y = plot.y(*rate);
            canvas.dashed(&[(plot.left, y), (plot.right(), y)], INK, 1.4);
        }
        self.draw_key(canvas, plot, &tops, lines);
    }

    /// Draws a label beside each area, level with the middle of the area where it is thickest, and beside each line of a
    /// limit, in the order of their heights.
    fn draw_key(&self, canvas: &mut Canvas<'_>, plot: &Plot, tops: &[Vec<f64>], lines: &[(f64, String)]) {
        let middle = |(area, top): (&Area, &Vec<f64>)| {
            let thickest = area
                .rates
                .iter()
                .enumerate()
                .fold((0, 0.0), |most, (i, rate)| if *rate > most.1 { (i, *rate) } else { most });
            plot.y(top[thickest.0] - thickest.1 / 2.0)
        };
        // The stack grows upward, while heights in the picture grow downward.
        let areas = self.named().zip(self.key());
        let mut items: Vec<(f64, String, Option<Color>)> =
            areas.map(|((i, area), text)| (middle((area, &tops[i])), text, Some(area.band.color))).collect();
        items.reverse();
        // Labels keep the order of the stack, in which thin areas may share a height.
        for above in (1..items.len()).rev() {
            items[above - 1].0 = items[above - 1].0.min(items[above].0);
        }
        for (rate, label) in lines {
            let y = plot.y(*rate);
            let at = items.iter().position(|item| item.0 > y).unwrap_or(items.len());
            items.insert(at, (y, label.clone(), None));
        }
        let wanted: Vec<f64> = items.iter().map(|item| item.0).collect();
        let placed = labels::spread(&wanted, LABEL_LINE, plot.top + 6.0, plot.bottom() - 6.0);
        let left = plot.right() + 10.0;
        for ((_, text, color), y) in items.iter().zip(placed) {
            match color {
                Some(color) => canvas.rect(left, y - SWATCH / 2.0, SWATCH, SWATCH, *color),
                None => canvas.line((left, y), (left + SWATCH, y), INK, 1.4),
            }
            canvas.text(text, (left + SWATCH + 6.0, y + 4.0), LABEL, INK, Anchor::Left);
        }
    }
}

/// Whether all calls in flight at the end were sent in the last columns: such calls are there at the end of every run.
pub fn just_sent(columns: Columns, buckets: &[Bucket]) -> bool {
    let before = buckets.len().saturating_sub(LAST * columns.per_column);
    buckets[..before].iter().all(|bucket| ended(bucket, Outcome::InFlight) == 0)
}

/// The outline of a column chart. A rate holds for its whole column.
pub fn steps(plot: &Plot, columns: Columns, values: &[f64]) -> Vec<(f64, f64)> {
    let corners = values.iter().enumerate().flat_map(|(i, value)| {
        let y = plot.y(*value);
        [(plot.x(columns.begin(i)), y), (plot.x(columns.begin(i + 1)), y)]
    });
    corners.collect()
}

/// Calls of a bucket with this outcome.
pub fn ended(bucket: &Bucket, outcome: Outcome) -> u64 {
    bucket.calls.iter().map(|by| by[outcome as usize]).sum()
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
