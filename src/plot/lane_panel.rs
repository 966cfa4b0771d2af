//! One window of a session's retry schedule: faults, events, lanes and the axis of time.

use super::axis::time_ticks;
use super::canvas::{Anchor, Canvas};
use super::frame::TIME_AXIS;
use super::lanes::{Lane, Schedule, band, event_lanes, in_flight, lane_name};
use super::palette::{AXIS, Band, Color, GREY, GRID, INK, SHADE};
use super::strip::Strip;
use super::typeface::{HEADING, LABEL, TICK, TITLE};
use crate::explain::words;
use crate::kernel::Dur;
use crate::kernel::time::NS_PER_S;
use crate::results::Mark;
use crate::text::number;

/// Height of a bar that is alone in its lane, and of a bar with others at the same time.
const BAR: f64 = 16.0;
const SLIM: f64 = 9.0;
/// Air between lanes.
const AIR: f64 = 8.0;
/// Least width of a bar, so that it is visible.
const THINNEST: f64 = 1.5;
/// Half the width of a mark.
const MARK: f64 = 4.5;
/// A sign-out.
const SIGN_OUT: Color = Color(184, 0, 60);

impl Lane {
    fn bar_height(&self) -> f64 {
        if self.rows > 1 { SLIM } else { BAR }
    }

    fn height(&self) -> f64 {
        self.rows as f64 * (self.bar_height() + 1.0) + AIR
    }
}

/// A window of a schedule with its place in the picture.
pub(super) struct Panel<'a> {
    schedule: &'a Schedule,
    pub(super) lanes: Vec<Lane>,
    window: (Dur, Dur),
    left: f64,
    width: f64,
    strip: Strip,
    close: bool,
}

impl<'a> Panel<'a> {
    pub(super) fn of(
        schedule: &'a Schedule,
        lanes: Vec<Lane>,
        window: (Dur, Dur),
        left: f64,
        width: f64,
        close: bool,
    ) -> Panel<'a> {
        let strip = Strip::over(&schedule.faults, window, width);
        Panel { schedule, lanes, window, left, width, strip, close }
    }

    /// The lanes of events in this window, with the places of their events.
    fn events(&self) -> Vec<(Mark, String, Vec<f64>)> {
        let (begin, end) = self.window;
        let lane = |(kind, name): (Mark, String)| {
            let inside = |(at, mark): &&(Dur, Mark)| (begin..=end).contains(at) && *mark == kind;
            let places = self.schedule.marks.iter().filter(inside).map(|(at, _)| self.x(*at)).collect();
            (kind, name, places)
        };
        let lanes = event_lanes(self.schedule).into_iter().map(lane);
        lanes.filter(|(_, _, places): &(Mark, String, Vec<f64>)| !places.is_empty()).collect()
    }

    fn events_height(&self) -> f64 {
        self.events().len() as f64 * (BAR + AIR)
    }

    fn lanes_height(&self) -> f64 {
        self.lanes.iter().map(Lane::height).sum::<f64>().max(2.0 * (BAR + AIR)) + self.events_height()
    }

    pub(super) fn height(&self) -> f64 {
        HEADING.line() + 6.0 + self.strip.height() + self.lanes_height() + TIME_AXIS
    }

    fn x(&self, at: Dur) -> f64 {
        let (begin, end) = self.window;
        let share = (at.0 as f64 - begin.0 as f64) / (end.0.saturating_sub(begin.0)).max(1) as f64;
        self.left + self.width * share.clamp(0.0, 1.0)
    }

    fn heading(&self) -> String {
        let (begin, end) = self.window;
        let calls = self.schedule.bars.iter().filter(|bar| in_flight(bar, self.window)).count() as u64;
        let calls = number::counted(calls, "call", "calls");
        let length = words::span(Dur(end.0.saturating_sub(begin.0)));
        let from = match begin.0 {
            ns if ns < 3_600 * NS_PER_S => format!("{} s", number::fixed(begin.as_secs_f64(), 1)),
            _ => words::span(begin),
        };
        match (self.close, begin) {
            (_, Dur::ZERO) if !self.close => format!("{calls} in {length}"),
            (true, _) => format!("The densest {length}: {calls}. The axis counts from {from} of the run on"),
            (false, _) => format!("{calls} in {length}. The axis counts from {from} of the run on"),
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, top: f64) {
        let baseline = top + HEADING.size * 0.76;
        canvas.text(&self.heading(), (self.left, baseline), HEADING, INK, Anchor::Left);
        let top = top + HEADING.line() + 6.0 + self.strip.height();
        let bottom = top + self.lanes_height();
        let (begin, end) = self.window;
        for fault in self.schedule.faults.iter().filter(|f| f.from < end && f.to >= begin) {
            let (from, to) = (self.x(fault.from), self.x(fault.to));
            canvas.rect(from, top, (to - from).max(1.0), bottom - top, SHADE);
        }
        self.strip.draw(canvas, self.left, top);
        let mut y = self.draw_events(canvas, top, bottom);
        for lane in &self.lanes {
            let middle = y + lane.height() / 2.0;
            self.name_lane(canvas, &lane_name(lane.id), middle);
            for row in 0..lane.rows {
                self.bars(canvas, lane, row, y + AIR / 2.0 + row as f64 * (lane.bar_height() + 1.0));
            }
            y += lane.height();
        }
        if self.lanes.is_empty() {
            let centre = (self.left + self.width / 2.0, (y + bottom) / 2.0);
            canvas.text("no calls", centre, TITLE, AXIS, Anchor::Centre);
        }
        canvas.line((self.left, bottom), (self.left + self.width, bottom), AXIS, 1.0);
        let length = Dur(end.0.saturating_sub(begin.0));
        for tick in time_ticks(length, (self.width / 80.0) as usize) {
            let x = self.x(Dur(begin.0 + tick.value as u64));
            canvas.line((x, bottom), (x, bottom + 4.0), AXIS, 1.0);
            canvas.text(&tick.label, (x, bottom + 17.0), TICK, GREY, Anchor::Centre);
        }
    }

    fn name_lane(&self, canvas: &mut Canvas<'_>, name: &str, middle: f64) {
        canvas.line((self.left, middle), (self.left + self.width, middle), GRID, 1.0);
        canvas.text(name, (self.left - 10.0, middle + 4.0), LABEL, INK, Anchor::Right);
    }

    /// Draws the sign-outs, each as a line through all lanes, and the entries. Returns the top of the lanes below.
    fn draw_events(&self, canvas: &mut Canvas<'_>, mut y: f64, bottom: f64) -> f64 {
        for (kind, name, places) in self.events() {
            let middle = y + (BAR + AIR) / 2.0;
            self.name_lane(canvas, &name, middle);
            // Events on one pixel are one mark, so that a loop makes no larger picture.
            let mut last = f64::NEG_INFINITY;
            for x in places {
                if x - last < 1.0 {
                    continue;
                }
                last = x;
                if kind == Mark::Entry {
                    canvas.line((x, middle - BAR / 2.0), (x, middle + BAR / 2.0), INK, 1.4);
                } else {
                    canvas.line((x, middle), (x, bottom), SIGN_OUT, 1.4);
                    canvas.dot((x, middle), MARK, SIGN_OUT);
                }
            }
            y += BAR + AIR;
        }
        y
    }

    /// Draws the bars of one row. Neighbours of one colour that would touch become one bar, so that the picture of a million
    /// calls is no larger than that of a thousand.
    fn bars(&self, canvas: &mut Canvas<'_>, lane: &Lane, row: usize, top: f64) {
        let mut pending: Option<(f64, f64, &Band)> = None;
        let own = lane.bars.iter().filter(|bar| bar.row == row).map(|bar| bar.bar);
        for bar in own.filter(|bar| in_flight(bar, self.window)) {
            let (from, to) = (self.x(bar.from), self.x(bar.to));
            // Leaves a hairline between two calls if there is room.
            let to = if to - from > 4.0 { to - 1.0 } else { to.max(from + THINNEST) };
            let to = to.min(self.left + self.width);
            let band = band(bar.outcome);
            match &mut pending {
                Some((_, until, of)) if of.name == band.name && from < *until && to - from <= 4.0 => {
                    *until = until.max(to);
                }
                // A failed call stays visible over a successful one where both share a pixel.
                Some((start, _, _)) if from - *start < 0.5 && !bar.outcome.is_failure() => {}
                _ => {
                    if let Some((from, to, band)) = pending.replace((from, to, band)) {
                        canvas.rect(from, top, to - from, lane.bar_height(), band.color);
                    }
                }
            }
        }
        if let Some((from, to, band)) = pending {
            canvas.rect(from, top, to - from, lane.bar_height(), band.color);
        }
    }
}
