//! Sign-outs so far, false and true, over the run: a line per policy.

use super::axis::Scale;
use super::canvas::{clean, picture};
use super::columns::{Columns, Say, Spread};
use super::end_label::{EndLabel, LABEL_LINE};
use super::frame::{Head, MARGIN, Plot, TIME_AXIS, WIDTH, only_zero, tick_width, time_scale};
use super::strip::Strip;
use super::{Chart, finding, number, palette};
use crate::experiment::results::Results;
use crate::metrics::timeline::Bucket;

/// The median of the replications and where eight tenths of them lie.
struct Line {
    policy: usize,
    is_false: bool,
    spread: Spread,
}

/// Draws it. False sign-outs are solid, true ones dashed; a policy without true ones gets no dashed line.
pub fn sign_outs(results: &Results) -> Chart {
    sign_outs_in(results, Columns::of(results))
}

/// The same in these columns.
pub fn sign_outs_in(results: &Results, columns: Columns) -> Chart {
    let mut lines: Vec<Line> = Vec::new();
    for (policy, data) in results.policies.iter().enumerate() {
        let so_far = |of: fn(&Bucket) -> u64| Spread::of(data, columns, Say::SumSoFar, of);
        let spread = so_far(|b| b.true_sign_outs);
        if spread.greatest() > 0.0 {
            lines.push(Line { policy, is_false: false, spread });
        }
        lines.push(Line { policy, is_false: true, spread: so_far(|b| b.false_sign_outs) });
    }
    let greatest = lines.iter().map(|line| line.spread.greatest()).fold(0.0, f64::max);
    let any_true = lines.iter().any(|line| !line.is_false);

    let title = finding::sign_outs(results);
    let mut notes = vec![if any_true {
        "sign-outs so far; solid: false, the server still knew the session; dashed: true".to_owned()
    } else {
        "false sign-outs so far, of sessions that the server still knew; no true ones".to_owned()
    }];
    if results.replications > 1 {
        notes
            .push("lines: median of the replications, bands: from a tenth to nine tenths of them".to_owned());
    }
    let head = Head::new(results, &title, &notes);

    let height = (lines.len() as f64 * LABEL_LINE).max(340.0);
    let scale = Scale::linear(greatest);
    let ticks = if greatest > 0.0 { scale.ticks(6, true) } else { only_zero(scale.ticks(6, true)) };
    let mut plot = Plot {
        left: MARGIN + tick_width(&ticks),
        top: 0.0,
        width: 0.0,
        height,
        across: time_scale(results.horizon),
        up: scale,
    };
    // The title has the mean, as the table has; a line's end is another number, and must say so.
    let label = |line: &Line, plot: &Plot| {
        let total = line.spread.median.last().copied().unwrap_or(0.0);
        let kind = if line.is_false { "false" } else { "true" };
        let color = palette::policy(line.policy);
        let middle = if results.replications > 1 && line.spread.greatest() > 0.0 { "median " } else { "" };
        EndLabel {
            y: plot.y(total),
            name: clean(&results.policies[line.policy].name),
            says: format!(": {middle}{} {kind}", number::count(total)),
            line: color.line,
            text: color.text,
        }
    };
    let labels = |plot: &Plot| EndLabel::merged(lines.iter().map(|line| label(line, plot)).collect());
    plot.width = WIDTH - MARGIN - EndLabel::room(&labels(&plot)) - plot.left;
    let strip = Strip::new(results, plot.width);
    plot.top = head.height() + strip.height();

    let svg = picture(WIDTH, plot.bottom() + TIME_AXIS + MARGIN / 2.0, &title, |canvas| {
        head.draw(canvas);
        plot.time_frame(canvas, results, Some(&strip), &ticks, true);
        // A line that an earlier policy's covers to the last point is drawn with that: bands on bands would mix colours.
        let covered = |line: &Line| {
            let before = lines.iter().take_while(|other| other.policy < line.policy);
            before.filter(|other| other.is_false == line.is_false).any(|other| other.spread == line.spread)
        };
        let shown: Vec<&Line> = lines.iter().filter(|line| !covered(line)).collect();
        for line in &shown {
            let color = palette::policy(line.policy).line;
            let points = |values: &[f64]| -> Vec<(f64, f64)> {
                let ends = values.iter().enumerate().map(|(i, v)| (plot.x(columns.begin(i + 1)), plot.y(*v)));
                std::iter::once((plot.left, plot.bottom())).chain(ends).collect()
            };
            if results.replications > 1 {
                let mut band = points(&line.spread.high);
                band.extend(points(&line.spread.low).into_iter().rev());
                canvas.area(&band, color, if line.is_false { 0.18 } else { 0.10 });
            }
        }
        // The first policy last: where lines cover each other, the reference stays visible.
        for line in shown.iter().rev() {
            let color = palette::policy(line.policy).line;
            let ends = line.spread.median.iter().enumerate();
            let points: Vec<(f64, f64)> = std::iter::once((plot.left, plot.bottom()))
                .chain(ends.map(|(i, v)| (plot.x(columns.begin(i + 1)), plot.y(*v))))
                .collect();
            if line.is_false { canvas.path(&points, color, 2.2) } else { canvas.dashed(&points, color, 1.6) }
        }
        if greatest <= 0.0 {
            plot.say(canvas, "no sign-outs");
        }
        EndLabel::draw(&labels(&plot), canvas, &plot);
    });
    Chart { file_stem: "sign-outs", svg }
}
