//! The strip above a plot that names the faults. Faults whose names would meet have separate rows, so that no name covers
//! data or another name. A name beside its window has an arrow to it, so that the window does not seem to last until the end
//! of the name.

use super::canvas::{Anchor, Canvas};
use super::palette::{AXIS, GREY, STRIP};
use super::typeface::TICK;
use crate::kernel::Dur;
use crate::results::{FaultWindow, Results};
use crate::text::clean;

/// Height of a row.
const ROW: f64 = 18.0;
/// The most rows. More would leave too little room for the data.
const MOST_ROWS: usize = 6;
/// Space between two names of a row.
const AIR: f64 = 8.0;
/// Distance from the start of a window to its name.
const INDENT: f64 = 4.0;

/// Positions of the faults' names, for plots of one width.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    marks: Vec<Mark>,
    rows: usize,
    left_out: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Mark {
    row: usize,
    from: f64,
    to: f64,
    name: String,
    name_at: f64,
}

impl Strip {
    /// The strip for the whole run, in plots of this width.
    pub fn new(results: &Results, width: f64) -> Strip {
        Strip::over(&results.faults, (Dur::ZERO, results.horizon), width)
    }

    /// The strip for a part of a run, in plots of this width. Has the faults that overlap the part.
    pub fn over(faults: &[FaultWindow], (begin, end): (Dur, Dur), width: f64) -> Strip {
        let length = end.0.saturating_sub(begin.0).max(1) as f64;
        let place = |ns: u64| width * (ns.saturating_sub(begin.0) as f64 / length).min(1.0);
        // Per row, the ranges that are taken.
        let mut free: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut strip = Strip { marks: Vec::new(), rows: 0, left_out: 0 };
        for fault in faults.iter().filter(|f| f.from.0 < end.0.max(1) && f.to >= begin) {
            let (from, to) = (place(fault.from.0), place(fault.to.0).max(place(fault.from.0) + 1.0));
            let (name_at, name) = beside(from, to, &clean(&fault.name), width);
            let long = TICK.width(&name);
            let (begin, end) = (from.min(name_at), to.max(name_at + long) + AIR);
            let clear = |taken: &Vec<(f64, f64)>| taken.iter().all(|&(b, e)| end <= b || e <= begin);
            let row = free.iter().position(clear).unwrap_or(free.len());
            if row >= MOST_ROWS {
                strip.left_out += 1;
                continue;
            }
            if row == free.len() {
                free.push(Vec::new());
            }
            free[row].push((begin, end));
            strip.marks.push(Mark { row, from, to, name, name_at });
        }
        strip.rows = free.len() + usize::from(strip.left_out > 0);
        strip
    }

    /// Height above the plot.
    pub fn height(&self) -> f64 {
        self.rows as f64 * ROW
    }

    /// Draws the strip on the upper edge of a plot. The last row touches the plot.
    pub fn draw(&self, canvas: &mut Canvas<'_>, left: f64, plot_top: f64) {
        let top = plot_top - self.height();
        for mark in &self.marks {
            let y = top + mark.row as f64 * ROW;
            canvas.rect(left + mark.from, y, mark.to - mark.from, ROW - 2.0, STRIP);
            for edge in [mark.from, mark.to] {
                canvas.line((left + edge, y), (left + edge, y + ROW - 2.0), AXIS, 1.0);
            }
        }
        for mark in &self.marks {
            let baseline = top + mark.row as f64 * ROW + 12.0;
            canvas.text(&mark.name, (left + mark.name_at, baseline), TICK, GREY, Anchor::Left);
        }
        if self.left_out > 0 {
            let text = format!("and {} more", self.left_out);
            canvas.text(&text, (left, plot_top - ROW + 12.0), TICK, GREY, Anchor::Left);
        }
    }
}

/// Position and text of a name: inside its window, or beside it with an arrow if the window is too narrow, so that no edge
/// crosses the name. A name too long for the window and both sides is cut to the widest of them.
fn beside(from: f64, to: f64, name: &str, width: f64) -> (f64, String) {
    let (after, before) = (format!("← {name}"), format!("{name} →"));
    let [inside, right, left] = [to - from, width - to, from].map(|room| room - 2.0 * INDENT);
    let on_the_right = |text: String| (to + INDENT, text);
    let on_the_left = |text: String| (from - INDENT - TICK.width(&text), text);
    let arrow = TICK.width(&after) - TICK.width(name);
    match () {
        () if TICK.width(name) <= inside => (from + INDENT, name.to_owned()),
        () if TICK.width(&after) <= right => on_the_right(after),
        () if TICK.width(&before) <= left => on_the_left(before),
        () if inside >= right.max(left) - arrow => (from + INDENT, TICK.fit(name, inside)),
        () if right >= left => on_the_right(format!("← {}", TICK.fit(name, right - arrow))),
        () => on_the_left(format!("{} →", TICK.fit(name, left - arrow))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    #[test]
    fn a_name_is_inside_its_window_or_points_at_it() {
        let names =
            ["short", "/tokens 401 for 15% of calls", "a name that is wider than everything around it"];
        for (from, to) in
            [(100.0, 300.0), (100.0, 110.0), (380.0, 390.0), (0.0, 1.0), (190.0, 210.0), (0.0, 400.0)]
        {
            for name in names {
                let (at, shown) = beside(from, to, name, 400.0);
                let end = at + TICK.width(&shown);
                let inside = from <= at && end <= to && !shown.contains(['←', '→']);
                let right = to < at && end <= 400.0 && shown.starts_with("← ");
                let left = 0.0 <= at && end < from && shown.ends_with(" →");
                assert!(inside || right || left, "{name} of {from} to {to}: {shown:?} at {at} to {end}");
                assert!(shown.contains(&name[..4]), "{shown}");
            }
        }
        assert_eq!(beside(100.0, 200.0, "limit", 400.0), (104.0, "limit".to_owned()));
        assert_eq!(beside(100.0, 110.0, "limit", 400.0), (114.0, "← limit".to_owned()));
    }

    #[test]
    fn names_stay_inside_and_apart() {
        for (case, results) in synthetic::table() {
            for width in [150.0, 400.0, 1_000.0] {
                let strip = Strip::new(&results, width);
                assert!(strip.rows <= MOST_ROWS + 1);
                assert_eq!(strip.marks.len() + strip.left_out, results.faults.len(), "{case}");
                for (i, mark) in strip.marks.iter().enumerate() {
                    let end = mark.name_at + TICK.width(&mark.name);
                    assert!(mark.name_at >= 0.0 && end <= width, "{case}: {mark:?}");
                    for other in strip.marks[..i].iter().filter(|other| other.row == mark.row) {
                        let other_end = other.name_at + TICK.width(&other.name);
                        assert!(
                            other_end < mark.name_at || end < other.name_at,
                            "{case}: {mark:?} {other:?}"
                        );
                    }
                }
            }
        }
    }
}
