//! The flow over the run: entries per second, and below them the greatest depth of a chain.

use super::axis::Scale;
use super::canvas::{Anchor, Canvas, picture};
use super::columns::{Aggregate, Columns, Spread};
use super::end_label::{EndLabel, LABEL_LINE};
use super::frame::{GAP, Head, MARGIN, Plot, TIME_AXIS, WIDTH, only_zero, tick_width, time_scale};
use super::palette::INK;
use super::requests::steps;
use super::series::{DEPTH, FLOW, Series};
use super::strip::Strip;
use super::typeface::HEADING;
use super::{Chart, palette, titles};
use crate::results::Results;
use crate::text::capitalised;

/// One of the two quantities, for every policy.
struct Part {
    heading: String,
    whole_only: bool,
    spreads: Vec<Spread>,
    /// Texts of the labels.
    says: Vec<String>,
    scale: Scale,
}

/// Draws the chart. A column shows the greatest of its buckets, because peaks matter here and areas do not.
pub fn flow(results: &Results) -> Chart {
    flow_in(results, Columns::of(results))
}

/// As [`flow`], with these columns.
pub fn flow_in(results: &Results, columns: Columns) -> Chart {
    let frequency = format!("{} per second", capitalised(results.flow().plural()));
    let parts = [
        Part::of(results, columns, frequency, &FLOW),
        Part::of(results, columns, "Greatest depth of a causal chain".to_owned(), &DEPTH),
    ];
    let any = parts.iter().any(|part| part.spreads.iter().any(|spread| spread.greatest() > 0.0));

    let title = titles::flow(results);
    let mut notes = vec![results.flow().entries.to_owned()];
    if parts.iter().any(|part| part.scale.is_log()) {
        notes.push("logarithmic scale with 0 at its bottom where the range exceeds two decades".to_owned());
    }
    if results.replications > 1 {
        notes.push(FLOW.aggregate.note().to_owned());
    }
    notes.extend(columns.note("greatest of"));
    let head = Head::new(results, &title, &notes);

    let height = (results.policies.len() as f64 * LABEL_LINE).max(200.0);
    let ticks = parts.each_ref().map(|part| part.scale.ticks(4, part.whole_only));
    let ticks = if any { ticks } else { ticks.map(only_zero) };
    let left = MARGIN + ticks.iter().map(|ticks| tick_width(ticks)).fold(0.0, f64::max);
    let mut plot = Plot {
        left,
        top: 0.0,
        width: 0.0,
        height,
        across: time_scale(results.horizon),
        up: Scale::Linear(1.0),
    };
    let labels = |part: &Part| part.labels(results, &Plot { up: part.scale.clone(), ..plot.clone() });
    let room = parts.iter().map(|part| EndLabel::room(&labels(part))).fold(0.0, f64::max);
    plot.width = WIDTH - MARGIN - room - left;
    let strip = Strip::new(results, plot.width);
    let block = HEADING.line() + 4.0 + strip.height() + height + TIME_AXIS;
    let total = head.height() + 2.0 * block + GAP / 2.0 + MARGIN / 2.0;

    let svg = picture(WIDTH, total, &title, |canvas| {
        head.draw(canvas);
        for (i, (part, ticks)) in parts.iter().zip(&ticks).enumerate() {
            let top = head.height() + i as f64 * (block + GAP / 2.0);
            canvas.text(&part.heading, (left, top + HEADING.size * 0.76), HEADING, INK, Anchor::Left);
            let top = top + HEADING.line() + 4.0 + strip.height();
            let plot = Plot { top, up: part.scale.clone(), ..plot.clone() };
            plot.time_frame(canvas, results, Some(&strip), ticks, true);
            part.draw(canvas, results, columns, &plot);
            if !any {
                plot.say(canvas, &format!("no {}", results.flow().entries));
            }
        }
    });
    Chart { file_stem: "flow", svg }
}

impl Part {
    fn of(results: &Results, columns: Columns, heading: String, series: &Series) -> Part {
        let spreads: Vec<Spread> =
            results.policies.iter().map(|policy| series.spread(policy, columns)).collect();
        let says = results
            .policies
            .iter()
            .zip(&spreads)
            .map(|(policy, spread)| format!(": {}", series.says(policy, spread)))
            .collect();
        let whole_only = series.aggregate == Aggregate::Greatest;
        // A band's edge may lie between 0 and 1 of a count. It needs no decade of its own.
        let least = if whole_only { 1.0 } else { 0.0 };
        let drawn = spreads.iter().flat_map(|spread| spread.middle.iter().chain(&spread.high)).copied();
        let scale = Scale::fitting(drawn.filter(|value| *value >= least));
        Part { heading, whole_only, spreads, says, scale }
    }

    fn labels(&self, results: &Results, plot: &Plot) -> Vec<EndLabel> {
        let each = results.policies.iter().zip(&self.spreads).zip(&self.says).enumerate();
        let labels = each.map(|(i, ((policy, spread), says))| EndLabel {
            y: plot.y(spread.end()),
            name: policy.label(),
            says: says.clone(),
            line: palette::policy(i).line,
            text: palette::policy(i).text,
        });
        EndLabel::merged(labels.collect())
    }

    fn draw(&self, canvas: &mut Canvas<'_>, results: &Results, columns: Columns, plot: &Plot) {
        // A line that an earlier policy's line covers completely is not drawn: bands over bands would mix colours.
        let shown: Vec<(usize, &Spread)> = self
            .spreads
            .iter()
            .enumerate()
            .filter(|(i, spread)| !self.spreads[..*i].contains(spread))
            .collect();
        if results.replications > 1 {
            for &(i, spread) in &shown {
                let mut band = steps(plot, columns, &spread.high);
                band.extend(steps(plot, columns, &spread.low).into_iter().rev());
                canvas.area(&band, palette::policy(i).line, 0.18);
            }
        }
        // Draws the first policy last, so that the reference stays visible where lines cover each other.
        for &(i, spread) in shown.iter().rev() {
            canvas.path(&steps(plot, columns, &spread.middle), palette::policy(i).line, 1.8);
        }
        EndLabel::draw(&self.labels(results, plot), canvas, plot);
    }
}
