//! A chart of lines over the run: one or two lines per policy, each labelled at its end.

use super::axis::Scale;
use super::canvas::picture;
use super::columns::{Columns, Spread};
use super::end_label::{EndLabel, LABEL_LINE};
use super::frame::{Head, MARGIN, Plot, TIME_AXIS, WIDTH, only_zero, tick_width, time_scale};
use super::requests::steps;
use super::series::Series;
use super::strip::Strip;
use super::{Chart, palette};
use crate::results::Results;

/// The line of a policy.
pub struct Line {
    policy: usize,
    dashed: bool,
    spread: Spread,
    says: String,
}

/// Lines and the texts around them.
pub struct Lines<'a> {
    /// The results.
    pub results: &'a Results,
    /// The columns of time.
    pub columns: Columns,
    /// The finding.
    pub title: String,
    /// Notes on how to read the chart.
    pub notes: Vec<String>,
    /// The lines. Those of a policy are neighbours.
    pub lines: Vec<Line>,
    /// Text in the middle of a plot without lines.
    pub nothing: &'static str,
    /// Whether a value holds for its whole column. Otherwise it is reached at the column's end.
    pub stepped: bool,
    /// The file's name.
    pub file_stem: &'static str,
}

impl Line {
    /// The line of a policy, given by its index.
    pub fn of(results: &Results, columns: Columns, policy: usize, series: &Series, dashed: bool) -> Line {
        let data = &results.policies[policy];
        let spread = series.spread(data, columns);
        let says = format!(": {}", series.says(data, &spread));
        Line { policy, dashed, spread, says }
    }

    /// Whether there is anything to draw.
    pub fn is_any(&self) -> bool {
        self.spread.greatest() > 0.0
    }

    fn label(&self, results: &Results, plot: &Plot) -> EndLabel {
        let color = palette::policy(self.policy);
        EndLabel {
            y: plot.y(self.spread.end()),
            name: results.policies[self.policy].label(),
            says: self.says.clone(),
            line: color.line,
            text: color.text,
        }
    }
}

impl Lines<'_> {
    /// Draws the chart. Several replications have bands around their lines.
    pub fn draw(self) -> Chart {
        let Lines { results, columns, title, notes, lines, nothing, stepped, file_stem } = self;
        let greatest = lines.iter().map(|line| line.spread.greatest()).fold(0.0, f64::max);
        let head = Head::new(results, &title, &notes);
        let height = (lines.len() as f64 * LABEL_LINE).max(340.0);
        let scale = Scale::linear(greatest);
        let ticks = scale.ticks(6, !stepped);
        let ticks = if greatest > 0.0 { ticks } else { only_zero(ticks) };
        let mut plot = Plot {
            left: MARGIN + tick_width(&ticks),
            top: 0.0,
            width: 0.0,
            height,
            across: time_scale(results.horizon),
            up: scale,
        };
        let labels =
            |plot: &Plot| EndLabel::merged(lines.iter().map(|line| line.label(results, plot)).collect());
        plot.width = WIDTH - MARGIN - EndLabel::room(&labels(&plot)) - plot.left;
        let strip = Strip::new(results, plot.width);
        plot.top = head.height() + strip.height();

        let points = |values: &[f64]| -> Vec<(f64, f64)> {
            if stepped {
                return steps(&plot, columns, values);
            }
            let ends = values.iter().enumerate().map(|(i, v)| (plot.x(columns.begin(i + 1)), plot.y(*v)));
            std::iter::once((plot.left, plot.bottom())).chain(ends).collect()
        };
        let svg = picture(WIDTH, plot.bottom() + TIME_AXIS + MARGIN / 2.0, &title, |canvas| {
            head.draw(canvas);
            plot.time_frame(canvas, results, Some(&strip), &ticks, true);
            // A line that an earlier policy's line covers completely is not drawn: bands over bands would mix
            // colours.
            let covered = |line: &Line| {
                let before = lines.iter().take_while(|other| other.policy < line.policy);
                before.filter(|other| other.dashed == line.dashed).any(|other| other.spread == line.spread)
            };
            let shown: Vec<&Line> = lines.iter().filter(|line| !covered(line)).collect();
            for line in shown.iter().filter(|_| results.replications > 1) {
                let mut band = points(&line.spread.high);
                band.extend(points(&line.spread.low).into_iter().rev());
                let opacity = if line.dashed { 0.10 } else { 0.18 };
                canvas.area(&band, palette::policy(line.policy).line, opacity);
            }
            // Draws the first policy last, so that the reference stays visible where lines cover each other.
            for line in shown.iter().rev() {
                let color = palette::policy(line.policy).line;
                let points = points(&line.spread.middle);
                if line.dashed {
                    canvas.dashed(&points, color, 1.6)
                } else {
                    canvas.path(&points, color, 2.2)
                }
            }
            if greatest <= 0.0 {
                plot.say(canvas, nothing);
            }
            EndLabel::draw(&labels(&plot), canvas, &plot);
        });
        Chart { file_stem, svg }
    }
}
