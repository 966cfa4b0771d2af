//! Two results on one scale: requests per second of each policy that both have.

use super::axis::Scale;
use super::canvas::{Anchor, picture};
use super::columns::{Aggregate, Columns, Spread};
use super::end_label::EndLabel;
use super::frame::provenance;
use super::frame::{Head, MARGIN, Plot, TIME_AXIS, WIDTH, tick_width, time_scale, with_unit};
use super::palette::{self, Color, GREY, INK};
use super::requests::{calls, steps};
use super::strip::Strip;
use super::typeface::STRONG;
use super::{Chart, titles};
use crate::results::{PolicyResults, Results};
use crate::text::clean;

/// The most policies that are drawn. The table has the others.
const MOST_POLICIES: usize = 6;
/// Height of a panel's plot.
const PANEL: f64 = 150.0;
/// Height of a panel's heading.
const NAME: f64 = 26.0;

/// One side of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Overlaid<'a> {
    /// Name of the side.
    pub name: &'a str,
    /// Its results.
    pub results: &'a Results,
}

struct Line<'a> {
    side: &'a Overlaid<'a>,
    columns: Columns,
    spread: Spread,
    says: String,
    color: Color,
    dashed: bool,
}

impl<'a> Line<'a> {
    fn of(side: &'a Overlaid<'a>, policy: &PolicyResults, color: Color, dashed: bool) -> Line<'a> {
        let columns = Columns::of(side.results);
        let spread = Spread::of(policy, columns, Aggregate::Rate, |bucket| calls(bucket) as f64);
        // The run's peak, as in the table. A column may be the mean of many buckets.
        let says = format!(": {}", titles::mean_peak(policy));
        Line { side, columns, spread, says, color, dashed }
    }
}

/// Draws the chart: the first side grey and dashed, the second in colour. Each line is the mean of the replications with a
/// band from their 10% to their 90% quantile. Says so if no policy is in both.
pub fn overlaid(a: Overlaid<'_>, b: Overlaid<'_>, finding: &str) -> Chart {
    let common: Vec<(&PolicyResults, &PolicyResults)> = a
        .results
        .policies
        .iter()
        .filter_map(|x| Some((x, b.results.policies.iter().find(|y| y.name == x.name)?)))
        .collect();
    let after = palette::policy(1).line;
    let panels: Vec<(&str, [Line<'_>; 2])> = common
        .iter()
        .take(MOST_POLICIES)
        .map(|(x, y)| (x.name.as_str(), [Line::of(&a, x, GREY, true), Line::of(&b, y, after, false)]))
        .collect();
    let greatest =
        panels.iter().flat_map(|(_, lines)| lines.iter().map(|l| l.spread.greatest())).fold(0.0, f64::max);
    let longest = if a.results.horizon >= b.results.horizon { a.results } else { b.results };

    let title = finding.trim_end_matches('.');
    let mut notes = vec![
        format!("B: {}", provenance(b.results)),
        "requests per second; dashed: A, solid: B".to_owned(),
        Aggregate::Rate.note().to_owned(),
    ];
    if a.results.faults != b.results.faults {
        notes.push("fault windows: those of B; A's differ".to_owned());
    }
    if common.len() > panels.len() {
        notes.push(format!("{} more policies are in the table alone", common.len() - panels.len()));
    }
    let head = Head::from(&format!("A: {}", provenance(a.results)), title, &notes);

    let scale = Scale::linear(greatest);
    let ticks = with_unit(scale.ticks(4, false), "/s");
    let mut plot = Plot {
        left: MARGIN + tick_width(&ticks),
        top: 0.0,
        width: 0.0,
        height: PANEL,
        across: time_scale(longest.horizon),
        up: scale,
    };
    let labels = |lines: &[Line<'_>; 2], plot: &Plot| -> Vec<EndLabel> {
        let label = |line: &Line<'_>| EndLabel {
            y: plot.y(line.spread.end()),
            name: clean(line.side.name),
            says: line.says.clone(),
            line: line.color,
            text: if line.dashed { GREY } else { palette::policy(1).text },
        };
        lines.iter().map(label).collect()
    };
    let room = panels.iter().map(|(_, lines)| EndLabel::room(&labels(lines, &plot))).fold(0.0, f64::max);
    plot.width = WIDTH - MARGIN - room - plot.left;
    let strip = Strip::new(b.results, plot.width);
    let step = NAME + strip.height() + PANEL + TIME_AXIS;
    let height = head.height() + step * panels.len().max(1) as f64 + MARGIN / 2.0;

    let svg = picture(WIDTH, height, title, |canvas| {
        head.draw(canvas);
        for (i, (name, lines)) in panels.iter().enumerate() {
            let above = head.height() + step * i as f64;
            plot.top = above + NAME + strip.height();
            canvas.text(
                &STRONG.fit_name(&clean(name), plot.width),
                (plot.left, above + 14.0),
                STRONG,
                INK,
                Anchor::Left,
            );
            plot.shade(canvas, b.results);
            strip.draw(canvas, plot.left, plot.top);
            plot.rows(canvas, &ticks, true);
            plot.baseline(canvas, &plot.time_ticks(longest.horizon));
            for line in lines {
                let mut band = steps(&plot, line.columns, &line.spread.high);
                band.extend(steps(&plot, line.columns, &line.spread.low).into_iter().rev());
                canvas.area(&band, line.color, 0.16);
            }
            for line in lines {
                let points = steps(&plot, line.columns, &line.spread.middle);
                if line.dashed {
                    canvas.dashed(&points, line.color, 1.8)
                } else {
                    canvas.path(&points, line.color, 1.8)
                }
            }
            EndLabel::draw(&labels(lines, &plot), canvas, &plot);
        }
        if panels.is_empty() {
            plot.top = head.height() + NAME;
            plot.say(canvas, "no policy is in both");
        }
    });
    Chart { file_stem: "diff", svg }
}
