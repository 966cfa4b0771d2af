//! The retry schedule of one session: a lane per tab and endpoint, a bar per call, coloured by how it ended.
//!
//! A call lasts a fraction of a second and a run lasts many minutes. So the densest part of the run is drawn again below,
//! large enough to tell calls apart.

use super::Chart;
use super::axis::window_ticks;
use super::canvas::{Anchor, Canvas, picture};
use super::frame::{GAP, Head, MARGIN, TIME_AXIS, WIDTH};
use super::palette::{AXIS, BANDS, Band, GREY, GRID, INK, SHADE};
use super::strip::Strip;
use super::typeface::{HEADING, LABEL, TICK, TITLE};
use crate::backend::Endpoint;
use crate::explain::{Story, words};
use crate::kernel::Dur;
use crate::kernel::time::NS_PER_S;
use crate::metrics::Outcome;
use crate::results::FaultWindow;
use crate::text::clean;
use crate::text::number;
use std::collections::BTreeMap;

/// Height of a bar that is alone in its lane, and of a bar with others at the same time.
const BAR: f64 = 16.0;
const SLIM: f64 = 9.0;
/// Air between lanes.
const AIR: f64 = 8.0;
/// The most simultaneous calls of one lane that are drawn below each other. Further calls cover each other.
const MOST_ROWS: usize = 4;
/// The most lanes of a picture. The busiest lanes are kept.
const MOST_LANES: usize = 32;
/// Least width of a bar, so that it is visible.
const THINNEST: f64 = 1.5;
/// Bars narrower than this in the whole picture call for a closer look.
const TOO_THIN: f64 = 5.0;
/// Least number of such bars that makes a part dense enough for a closer look.
const A_FEW: usize = 8;
/// The closer look shows about this many calls of usual length.
const CLOSE: u64 = 48;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Which tab of the user.
    pub tab: u32,
    /// Where to.
    pub endpoint: Endpoint,
    /// When the call was sent.
    pub from: Dur,
    /// When the call ended, or the end of the run.
    pub to: Dur,
    /// How the call ended.
    pub outcome: Outcome,
}

/// Data of the chart, without the story.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The story in a sentence.
    pub title: String,
    /// Provenance of the story.
    pub provenance: String,
    /// The part of the run that the story covers.
    pub window: (Dur, Dur),
    /// Windows of the faults.
    pub faults: Vec<FaultWindow>,
    /// A note for each cause before the part; empty for a part from the start of the run.
    pub continues: Vec<String>,
    /// Calls in flight at some time of the window, in the order in which they were sent.
    pub bars: Vec<Bar>,
}

impl Schedule {
    /// The schedule of a story.
    pub fn of(story: &Story) -> Schedule {
        let bar = |call: &crate::explain::story::Call| Bar {
            tab: call.tab,
            endpoint: call.endpoint,
            from: Dur(call.sent.0),
            to: Dur(call.until(story.horizon).0),
            outcome: call.outcome,
        };
        Schedule {
            title: words::headline(story),
            provenance: words::provenance(story),
            window: (Dur(story.from.0), Dur(story.to.0)),
            faults: story.faults.clone(),
            continues: continues(story),
            bars: story.calls.values().map(bar).collect(),
        }
    }
}

/// Causes before the part. A chart has room for the first one and counts the others.
fn continues(story: &Story) -> Vec<String> {
    let mut notes: Vec<String> = story.earlier.values().take(1).map(words::continues).collect();
    let others = story.earlier.len().saturating_sub(notes.len()) as u64;
    if others > 0 {
        notes.push(format!("and from {}", number::counted(others, "other step", "other steps")));
    }
    notes
}

/// Whether a call is in flight at some time of the window.
fn in_flight(bar: &Bar, (begin, end): (Dur, Dur)) -> bool {
    bar.from <= end && bar.to >= begin
}

/// The chart of a story.
pub fn of_story(story: &Story) -> Chart {
    lanes(&Schedule::of(story))
}

/// Draws the chart.
pub fn lanes(schedule: &Schedule) -> Chart {
    let (lanes, left_out) = chosen(schedule);
    let mut notes =
        vec!["one lane per tab and endpoint, one bar per call, from its sending to its end".to_owned()];
    if left_out > 0 {
        notes.push(format!("the {left_out} quietest lanes are left out"));
    }
    notes.extend(schedule.continues.iter().map(|note| clean(note)));
    let head = Head::from(&clean(&schedule.provenance), &schedule.title, &notes);
    let names = lanes.iter().map(|lane| LABEL.width(&lane_name(lane.id)));
    let left = MARGIN + names.fold(0.0, f64::max) + 12.0;
    let width = WIDTH - MARGIN - left;
    let mut panels = vec![Panel::of(schedule, lanes, schedule.window, left, width, false)];
    if let Some(window) = closer(schedule, width) {
        let inside = |row: &Row| in_flight(&row.bar, window);
        let lanes = panels[0].lanes.iter().filter(|lane| lane.bars.iter().any(inside)).cloned().collect();
        panels.push(Panel::of(schedule, lanes, window, left, width, true));
    }
    let key = 26.0;
    let heights: Vec<f64> = panels.iter().map(Panel::height).collect();
    let gaps = (heights.len() - 1) as f64 * GAP;
    let total = head.height() + key + heights.iter().sum::<f64>() + gaps + MARGIN / 2.0;
    let svg = picture(WIDTH, total, &schedule.title, |canvas| {
        head.draw(canvas);
        draw_key(canvas, schedule, head.height());
        let mut top = head.height() + key;
        for (panel, height) in panels.iter().zip(&heights) {
            panel.draw(canvas, top);
            top += height + GAP;
        }
    });
    Chart { file_stem: "retry-schedule", svg }
}

/// Tab and endpoint of a lane.
type LaneId = (u32, Endpoint);

/// A lane with its calls.
#[derive(Clone, Debug)]
struct Lane {
    id: LaneId,
    rows: usize,
    bars: Vec<Row>,
}

/// A call and its row in the lane.
#[derive(Clone, Copy, Debug)]
struct Row {
    bar: Bar,
    row: usize,
}

impl Lane {
    fn bar_height(&self) -> f64 {
        if self.rows > 1 { SLIM } else { BAR }
    }

    fn height(&self) -> f64 {
        self.rows as f64 * (self.bar_height() + 1.0) + AIR
    }
}

/// `tab 0 · POST /touch`.
pub fn lane_name((tab, endpoint): LaneId) -> String {
    format!("tab {tab} · {} /{}", endpoint.row().method.name(), endpoint.name())
}

/// The lanes in the order of tabs and endpoints, and the number of lanes left out.
fn chosen(schedule: &Schedule) -> (Vec<Lane>, usize) {
    let mut lanes: BTreeMap<(u32, usize), Lane> = BTreeMap::new();
    let mut free: BTreeMap<(u32, usize), Vec<Dur>> = BTreeMap::new();
    for bar in &schedule.bars {
        let key = (bar.tab, bar.endpoint.index());
        let lane =
            lanes.entry(key).or_insert(Lane { id: (bar.tab, bar.endpoint), rows: 1, bars: Vec::new() });
        let free = free.entry(key).or_default();
        let row = match free.iter().position(|until| *until <= bar.from) {
            Some(row) => row,
            None if free.len() < MOST_ROWS => {
                free.push(Dur::ZERO);
                free.len() - 1
            }
            None => MOST_ROWS - 1,
        };
        free[row] = free[row].max(bar.to);
        lane.rows = lane.rows.max(row + 1);
        lane.bars.push(Row { bar: *bar, row });
    }
    let left_out = lanes.len().saturating_sub(MOST_LANES);
    let mut busiest: Vec<Lane> = lanes.into_values().collect();
    busiest.sort_by_key(|lane| std::cmp::Reverse(lane.bars.len()));
    busiest.truncate(MOST_LANES);
    busiest.sort_by_key(|lane| (lane.id.0, lane.id.1.index()));
    (busiest, left_out)
}

/// The band that an outcome belongs to.
fn band(outcome: Outcome) -> &'static Band {
    BANDS.iter().find(|band| band.outcomes.contains(&outcome)).unwrap_or(&BANDS[0])
}

/// The part worth a closer look: the one with most failed calls, or with most calls if none failed.
fn closer(schedule: &Schedule, width: f64) -> Option<(Dur, Dur)> {
    let (begin, end) = schedule.window;
    let length = end.0.saturating_sub(begin.0);
    let failed: Vec<&Bar> = schedule.bars.iter().filter(|bar| bar.outcome.is_failure()).collect();
    let of_note = if failed.len() >= A_FEW { failed } else { schedule.bars.iter().collect() };
    let mut lengths: Vec<u64> = of_note.iter().map(|bar| bar.to.0.saturating_sub(bar.from.0)).collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(0).max(1_000);
    let drawn = width * usual as f64 / length.max(1) as f64;
    let part = usual.saturating_mul(CLOSE);
    if of_note.len() < A_FEW || drawn >= TOO_THIN || part > length / 3 {
        return None;
    }
    // Bars are in the order of sending, so a sliding window over them meets every candidate.
    let (mut best, mut from, mut last) = (0, 0, 0);
    for to in 0..of_note.len() {
        while of_note[to].from.0 - of_note[from].from.0 > part - 2 * usual {
            from += 1;
        }
        if to + 1 - from > best {
            (best, last) = (to + 1 - from, from);
        }
    }
    if best < A_FEW {
        return None;
    }
    let start = of_note[last].from.0.saturating_sub(usual).max(begin.0).min(end.0 - part);
    Some((Dur(start), Dur(start + part)))
}

fn draw_key(canvas: &mut Canvas<'_>, schedule: &Schedule, top: f64) {
    let mut x = MARGIN;
    for shown in &BANDS {
        if !schedule.bars.iter().any(|bar| shown.outcomes.contains(&bar.outcome)) {
            continue;
        }
        canvas.rect(x, top - 2.0, 12.0, 10.0, shown.color);
        canvas.text(shown.name, (x + 18.0, top + 7.0), LABEL, INK, Anchor::Left);
        x += 18.0 + LABEL.width(shown.name) + 22.0;
    }
}

struct Panel<'a> {
    schedule: &'a Schedule,
    lanes: Vec<Lane>,
    window: (Dur, Dur),
    left: f64,
    width: f64,
    strip: Strip,
    close: bool,
}

impl<'a> Panel<'a> {
    fn of(
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

    fn lanes_height(&self) -> f64 {
        self.lanes.iter().map(Lane::height).sum::<f64>().max(2.0 * (BAR + AIR))
    }

    fn height(&self) -> f64 {
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
        // In the unit of the axis below, and in a reader's unit if that differs.
        let seconds = format!("{} s", number::fixed(begin.as_secs_f64(), 1));
        let from = match begin.0 {
            ns if ns < 3_600 * NS_PER_S => seconds,
            _ => format!("{seconds} ({})", words::span(begin)),
        };
        match (self.close, begin) {
            (true, _) => format!("The densest {length}, from {from} on: {calls}"),
            (false, Dur::ZERO) => format!("{calls} in {length}"),
            (false, _) => format!("{calls} in {length}, from {from} on"),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, top: f64) {
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
        let mut y = top;
        for lane in &self.lanes {
            let middle = y + lane.height() / 2.0;
            canvas.line((self.left, middle), (self.left + self.width, middle), GRID, 1.0);
            let name = lane_name(lane.id);
            canvas.text(&name, (self.left - 10.0, middle + 4.0), LABEL, INK, Anchor::Right);
            for row in 0..lane.rows {
                self.bars(canvas, lane, row, y + AIR / 2.0 + row as f64 * (lane.bar_height() + 1.0));
            }
            y += lane.height();
        }
        if self.lanes.is_empty() {
            let centre = (self.left + self.width / 2.0, (top + bottom) / 2.0);
            canvas.text("no calls", centre, TITLE, AXIS, Anchor::Centre);
        }
        canvas.line((self.left, bottom), (self.left + self.width, bottom), AXIS, 1.0);
        for tick in window_ticks(begin, end, (self.width / 80.0) as usize) {
            let x = self.x(Dur(tick.value as u64));
            canvas.line((x, bottom), (x, bottom + 4.0), AXIS, 1.0);
            canvas.text(&tick.label, (x, bottom + 17.0), TICK, GREY, Anchor::Centre);
        }
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
