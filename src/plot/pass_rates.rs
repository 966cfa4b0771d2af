//! The share of runs that meet a target, against the key that a search varied.

use super::Chart;
use super::axis::Scale;
use super::canvas::{Anchor, Canvas, picture};
use super::frame::{Head, MARGIN, Plot, TIME_AXIS, WIDTH, tick_width};
use super::palette::{self, GREY, INK};
use super::typeface::LABEL;
use crate::experiment::find::{Claim, Found, Rate};
use crate::text::{clean, number, shorten};

/// Height of the plot.
const HEIGHT: f64 = 340.0;
/// Room above the plot for the names of the two values.
const NAMES: f64 = 26.0;
/// Draws the chart: a dot with its interval for each value with fresh runs, a small dot for those that explored, the fitted curve, the
/// asked share, and the two values that the answer names. A scale that spans more than two decades is logarithmic.
pub fn pass_rates(found: &Found) -> Chart {
    let title = found.headline();
    let notes = [
        format!("share of runs that meet {}, by {}", shorten(&clean(&found.target), 80), clean(&found.key)),
        "dots with bars: fresh runs and their 95% interval, each for its value; small grey dots: runs that explored, no fair sample"
            .to_owned(),
        "line: the rates of fresh runs, not falling towards values that meet it".to_owned(),
    ];
    let provenance = format!(
        "scenario {} · seed {} · {} · authstorm {}",
        clean(&found.scenario),
        found.seed,
        number::counted(found.runs, "run", "runs"),
        clean(&found.version)
    );
    let head = Head::from(&provenance, &title, &notes);
    let numbers = || found.rates.iter().map(|rate| rate.number);
    let (least, greatest) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(0.0, f64::max));
    let across = if least > 0.0 && greatest > 100.0 * least {
        Scale::log(least, greatest)
    } else {
        Scale::linear(greatest)
    };
    let up = Scale::linear(1.0);
    let mut ticks = up.ticks(5, false);
    ticks.iter_mut().for_each(|tick| tick.label = number::share(tick.value));
    let left = MARGIN + tick_width(&ticks);
    let plot = Plot {
        left,
        top: head.height() + NAMES,
        width: WIDTH - 2.0 * MARGIN - left,
        height: HEIGHT,
        across,
        up,
    };
    let columns = plot.across.ticks(8, false);
    let svg = picture(WIDTH, plot.bottom() + TIME_AXIS + MARGIN / 2.0, &title, |canvas| {
        head.draw(canvas);
        plot.rows(canvas, &ticks, true);
        plot.baseline(canvas, &columns);
        let share = plot.y(found.share);
        canvas.dashed(&[(plot.left, share), (plot.right(), share)], GREY, 1.5);
        let asked = format!("{} asked", number::share(found.share));
        canvas.text(&asked, (plot.left + 6.0, share - 5.0), LABEL, GREY, Anchor::Left);
        let color = palette::policy(0);
        let place = |rate: &Rate, share: f64| (plot.x(rate.number), plot.y(share));
        let fitted = |rate: &Rate| Some(place(rate, rate.fitted?));
        let line: Vec<(f64, f64)> = found.rates.iter().filter_map(fitted).collect();
        canvas.path(&line, color.line, 2.0);
        for rate in found.rates.iter().filter(|rate| rate.explored > 0) {
            canvas.dot(place(rate, rate.explored_meet as f64 / rate.explored as f64), 2.0, GREY);
        }
        for rate in &found.rates {
            let (Some(low), Some(high)) = (rate.low, rate.high) else { continue };
            canvas.line(place(rate, low), place(rate, high), color.line, 1.5);
            canvas.dot(place(rate, rate.fresh_meet as f64 / rate.fresh as f64), 4.0, color.line);
        }
        mark(canvas, &plot, found);
    });
    Chart { file_stem: "find", svg }
}

/// Marks the values that the answer names, each on its side of its line.
fn mark(canvas: &mut Canvas<'_>, plot: &Plot, found: &Found) {
    let claims = [(&found.enough, "enough"), (&found.not_enough, found.too_little())];
    for (claim, says) in claims {
        let Some(Claim { value, number, .. }) = claim else { continue };
        let x = plot.x(*number);
        canvas.dashed(&[(x, plot.top), (x, plot.bottom())], INK, 1.0);
        let is_right = (says == "enough") != found.largest;
        let anchor = if is_right { Anchor::Left } else { Anchor::Right };
        let away = if is_right { 4.0 } else { -4.0 };
        canvas.text(&format!("{}: {says}", clean(value)), (x + away, plot.top - 8.0), LABEL, INK, anchor);
    }
}
