//! Parts of every chart: the head with finding and provenance, the axes of the plot, and the windows of faults.

use super::axis::{Scale, Tick, time_ticks};
use super::canvas::{Anchor, Canvas};
use super::palette::{AXIS, GREY, GRID, INK, SHADE};
use super::strip::Strip;
use super::typeface::{NOTE, TICK, TITLE};
use crate::kernel::Dur;
use crate::results::Results;
use crate::scenario::cohort::AND;
use crate::text::clean;
use crate::text::number;

/// Width of every picture, in pixels.
pub const WIDTH: f64 = 1280.0;
/// Margin around the picture, in pixels.
pub const MARGIN: f64 = 28.0;
/// Space between parts that stand side by side, in pixels.
pub const GAP: f64 = 28.0;
/// Least space between two labels of an axis, in pixels.
const TICK_AIR: f64 = 6.0;
/// Height of a time axis below its plot, in pixels.
pub const TIME_AXIS: f64 = 30.0;

/// The lines of text above the data.
pub struct Head {
    title: Vec<String>,
    lines: Vec<String>,
}

impl Head {
    /// The finding as title. Below it the provenance of the numbers, and notes on how to read the picture.
    pub fn new(results: &Results, title: &str, notes: &[String]) -> Head {
        Head::from(&provenance(results), title, notes)
    }

    /// A head with its own provenance, for data that is not the result of one run.
    pub fn from(provenance: &str, title: &str, notes: &[String]) -> Head {
        let width = WIDTH - 2.0 * MARGIN;
        let mut lines = NOTE.wrap_at(provenance, " · ", width, 2);
        if !notes.is_empty() {
            lines.extend(NOTE.wrap_at(&notes.join(" · "), " · ", width, 5));
        }
        Head { title: TITLE.wrap_even(&clean(title), width, 3), lines }
    }

    /// Height in pixels, with the space below.
    pub fn height(&self) -> f64 {
        MARGIN + self.title.len() as f64 * TITLE.line() + self.lines.len() as f64 * NOTE.line() + 24.0
    }

    /// Draws the head.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let mut baseline = MARGIN + TITLE.size * 0.76;
        for line in &self.title {
            canvas.text(line, (MARGIN, baseline), TITLE, INK, Anchor::Left);
            baseline += TITLE.line();
        }
        for line in &self.lines {
            canvas.text(line, (MARGIN, baseline), NOTE, GREY, Anchor::Left);
            baseline += NOTE.line();
        }
    }
}

/// Provenance of the numbers, so that a picture without its directory can be traced back.
pub fn provenance(results: &Results) -> String {
    let hash: String = results.scenario_hash.chars().take(12).collect();
    let mut parts = vec![NOTE.fit(&clean(&results.scenario), 360.0)];
    // Generic clients are not users.
    if results.users > 0 {
        parts.push(number::counted(results.users.into(), "user", "users"));
    }
    parts.extend([
        format!("seed {}", results.seed),
        number::counted(results.replications.into(), "replication", "replications"),
        clients(results),
        format!("authstorm {}", clean(&results.version)),
        format!("sha256 {hash}"),
    ]);
    parts.join(" · ")
}

/// The widest list of clients.
const CLIENTS_MOST: f64 = 270.0;

/// The client models by name, or their number where several have too little room.
fn clients(results: &Results) -> String {
    let named = format!("client model {}", results.client_label());
    match results.client_model.split(AND).count() {
        count if count > 1 && NOTE.width(&named) > CLIENTS_MOST => format!("{count} client models"),
        _ => NOTE.fit(&named, CLIENTS_MOST),
    }
}

/// The rectangle for data, with its scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Scale of values to the right.
    pub across: Scale,
    /// Scale of values upward.
    pub up: Scale,
}

impl Plot {
    /// Horizontal position of a value.
    pub fn x(&self, value: f64) -> f64 {
        self.left + self.width * self.across.place(value)
    }

    /// Vertical position of a value.
    pub fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.up.place(value))
    }

    /// Its right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Its lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Draws grid lines at these values, with labels to the left of the plot if `named`.
    pub fn rows(&self, canvas: &mut Canvas<'_>, ticks: &[Tick], named: bool) {
        for tick in ticks {
            let y = self.y(tick.value);
            canvas.line((self.left, y), (self.right(), y), GRID, 1.0);
            if named {
                canvas.text(&tick.label, (self.left - 8.0, y + 4.0), TICK, GREY, Anchor::Right);
            }
        }
    }

    /// Draws the lower edge as an axis with a mark for each tick, and a label for each that has room. The last label, which
    /// names the unit, is always there.
    pub fn baseline(&self, canvas: &mut Canvas<'_>, ticks: &[Tick]) {
        let y = self.bottom();
        canvas.line((self.left, y), (self.right(), y), AXIS, 1.0);
        let mut free = f64::INFINITY;
        for tick in ticks.iter().rev() {
            let x = self.x(tick.value);
            canvas.line((x, y), (x, y + 4.0), AXIS, 1.0);
            let half = TICK.width(&tick.label) / 2.0;
            if x + half < free {
                canvas.text(&tick.label, (x, y + 17.0), TICK, GREY, Anchor::Centre);
                free = x - half - TICK_AIR;
            }
        }
    }

    /// The ticks of a time axis, as many as fit.
    pub fn time_ticks(&self, horizon: Dur) -> Vec<Tick> {
        time_ticks(horizon, (self.width / 62.0) as usize)
    }

    /// Draws the windows of faults behind the data.
    pub fn shade(&self, canvas: &mut Canvas<'_>, results: &Results) {
        for fault in &results.faults {
            let (from, to) = (self.x(fault.from.0 as f64), self.x(fault.to.0 as f64));
            canvas.rect(from, self.top, (to - from).max(1.0), self.height, SHADE);
        }
    }

    /// Draws a text in the middle of a plot without data.
    pub fn say(&self, canvas: &mut Canvas<'_>, text: &str) {
        let centre = (self.left + self.width / 2.0, self.top + self.height / 2.0);
        canvas.text(text, centre, TITLE, AXIS, Anchor::Centre);
    }

    /// Draws shading, fault names, grid and time axis.
    pub fn time_frame(
        &self,
        canvas: &mut Canvas<'_>,
        results: &Results,
        strip: Option<&Strip>,
        ticks: &[Tick],
        named: bool,
    ) {
        self.shade(canvas, results);
        if let Some(strip) = strip {
            strip.draw(canvas, self.left, self.top);
        }
        self.rows(canvas, ticks, named);
        self.baseline(canvas, &self.time_ticks(results.horizon));
    }
}

/// The scale of virtual time: the run from end to end, in nanoseconds.
pub fn time_scale(horizon: Dur) -> Scale {
    Scale::Linear(horizon.0.max(1) as f64)
}

/// Width of the labels of these ticks to the left of a plot.
pub fn tick_width(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|tick| TICK.width(&tick.label)).fold(0.0, f64::max) + 10.0
}

/// Keeps the tick at 0 only: an axis without data has no other true value.
pub fn only_zero(mut ticks: Vec<Tick>) -> Vec<Tick> {
    ticks.retain(|tick| tick.value <= 0.0);
    ticks
}

/// Appends `unit` to the uppermost label.
pub fn with_unit(mut ticks: Vec<Tick>, unit: &str) -> Vec<Tick> {
    if let Some(last) = ticks.last_mut() {
        last.label.push_str(unit);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    #[test]
    fn many_client_models_are_counted() {
        let mut results = synthetic::empty(&["old"]);
        for (model, expected) in [
            ("model-of-one-1.0", "client model model-of-one-1.0"),
            ("own and documented", "client model own and documented"),
            ("auth0-spa-js-2.28.3 and aws-amplify-6.22.1 and firebase-1.13.9", "3 client models"),
        ] {
            results.client_model = model.to_owned();
            assert_eq!(clients(&results), expected);
        }
    }
}
