//! Amplification, requests sent per request asked for: a bar per policy with the confidence interval of its mean.

use super::axis::Scale;
use super::canvas::{Anchor, picture};
use super::frame::{Head, MARGIN, Plot, TIME_AXIS, WIDTH};
use super::palette::{AXIS, GREY, GRID, INK, WHITE};
use super::typeface::{LABEL, STRONG};
use super::{Chart, palette, titles};
use crate::metrics::definitions::Metric;
use crate::results::measured;
use crate::results::{PolicyResults, Results};
use crate::text::number;

/// Height of a bar's row.
const ROW: f64 = 40.0;
/// Height of a bar.
const BAR: f64 = 22.0;
/// The widest name.
const NAME_MOST: f64 = 280.0;

/// A policy's bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The policy's name.
    pub name: String,
    /// Requests sent per request asked for, mean over the replications.
    pub mean: f64,
    /// Lower end of its 95% confidence interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Mean and interval in words.
    pub says: String,
}

/// The bars, in the order of the policies.
pub fn bars(results: &Results) -> Vec<Bar> {
    let bar = |policy: &PolicyResults| {
        let Some(metric) = measured::of(policy, Metric::Amplification) else {
            let says = super::titles::UNKNOWN.to_owned();
            return Bar { name: policy.label(), mean: 0.0, low: 0.0, high: 0.0, says };
        };
        let [mean, low, high] = [metric.mean, metric.ci_low, metric.ci_high];
        let says = match (mean > 0.0, measured::interval(metric)) {
            (false, _) => "no requests".to_owned(),
            (true, None) => number::short(mean),
            (true, Some((low, high))) => format!("{} ({low} to {high})", number::short(mean)),
        };
        Bar { name: policy.label(), mean, low, high, says }
    };
    results.policies.iter().map(bar).collect()
}

/// Draws the chart of amplification.
pub fn amplification(results: &Results) -> Chart {
    let rows = bars(results);
    let greatest = rows.iter().map(|bar| bar.mean.max(bar.high)).fold(0.0, f64::max);
    let interval = results.replications > 1;

    let title = titles::amplification(results);
    let mut notes =
        vec!["requests sent for each one that is asked for when nothing is refused; 1 means that nothing was sent again".to_owned()];
    if interval {
        notes.push("whiskers and brackets: 95% confidence interval of the mean".to_owned());
    }
    let head = Head::new(results, &title, &notes);

    let names: Vec<String> = rows.iter().map(|bar| LABEL.fit_name(&bar.name, NAME_MOST)).collect();
    let says: Vec<String> = rows.iter().map(|bar| bar.says.clone()).collect();
    let widest = |texts: &[String], face: super::typeface::Face| {
        texts.iter().map(|text| face.width(text)).fold(0.0, f64::max)
    };
    let left = MARGIN + widest(&names, LABEL) + 10.0;
    let plot = Plot {
        left,
        top: head.height(),
        width: WIDTH - MARGIN - widest(&says, STRONG) - 14.0 - left,
        height: rows.len().max(1) as f64 * ROW,
        // The scale reaches at least 1, so that the reference line "nothing was sent again" is always visible.
        across: Scale::linear(greatest.max(1.0)),
        up: Scale::Linear(1.0),
    };
    let ticks = plot.across.ticks(8, false);

    let svg = picture(WIDTH, plot.bottom() + TIME_AXIS + MARGIN / 2.0, &title, |canvas| {
        head.draw(canvas);
        for tick in &ticks {
            let x = plot.x(tick.value);
            canvas.line((x, plot.top), (x, plot.bottom()), GRID, 1.0);
        }
        for (i, (bar, (name, says))) in rows.iter().zip(names.iter().zip(&says)).enumerate() {
            let middle = plot.top + (i as f64 + 0.5) * ROW;
            let color = palette::policy(i);
            canvas.text(name, (left - 10.0, middle + 4.0), LABEL, INK, Anchor::Right);
            canvas.rect(left, middle - BAR / 2.0, plot.x(bar.mean) - left, BAR, color.line);
            let (low, high) = (plot.x(bar.low), plot.x(bar.high));
            if interval && bar.mean > 0.0 {
                canvas.line((low, middle), (high, middle), INK, 1.4);
                for x in [low, high] {
                    canvas.line((x, middle - 5.0), (x, middle + 5.0), INK, 1.4);
                }
            }
            let end = plot.x(bar.mean).max(if interval { high } else { left });
            // Grid lines would cross the numbers.
            canvas.rect(end + 6.0, middle - BAR / 2.0, STRONG.width(says) + 6.0, BAR, WHITE);
            canvas.text(says, (end + 9.0, middle + 4.0), STRONG, color.text, Anchor::Left);
        }
        let one = plot.x(1.0);
        canvas.line((one, plot.top), (one, plot.bottom()), GREY, 1.0);
        canvas.line((left, plot.top), (left, plot.bottom()), AXIS, 1.0);
        plot.baseline(canvas, &ticks);
    });
    Chart { file_stem: "amplification", svg }
}
