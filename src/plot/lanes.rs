//! The retry schedule of sessions: a lane per tab and endpoint, a bar per call, coloured by how it ended; and above them the
//! entries of the flow and the sign-outs.
//!
//! A call lasts a fraction of a second and a run lasts many minutes. So the densest part of the run is drawn again below,
//! large enough to tell calls apart.

use super::Chart;
use super::canvas::{Anchor, Canvas, picture};
use super::frame::{GAP, Head, MARGIN, WIDTH};
use super::lane_panel::Panel;
use super::palette::{BANDS, Band, INK};
use super::typeface::{HEADING, LABEL};
use crate::backend::Endpoint;
use crate::explain::{Story, words};
use crate::kernel::Dur;
use crate::metrics::Outcome;
use crate::results::{FaultWindow, Mark};
use crate::text::clean;
use crate::text::number;
use std::collections::BTreeMap;

/// The most simultaneous calls of one lane that are drawn below each other. Further calls cover each other.
const MOST_ROWS: usize = 4;
/// The most lanes of a session. The busiest lanes are kept.
const MOST_LANES: usize = 32;
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
    /// Entries of the flow and sign-outs in the window, in their order.
    pub marks: Vec<(Dur, Mark)>,
    /// What an entry is called: `entries of the flow`.
    pub entries: String,
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
            marks: story.marks().into_iter().map(|(at, mark)| (Dur(at.0), mark)).collect(),
            entries: story.flow.entries.to_owned(),
        }
    }

    /// Whether the other session does the same at the same times.
    fn is_like(&self, other: &Schedule) -> bool {
        (self.window, &self.bars, &self.marks) == (other.window, &other.bars, &other.marks)
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
pub(super) fn in_flight(bar: &Bar, (begin, end): (Dur, Dur)) -> bool {
    bar.from <= end && bar.to >= begin
}

/// The chart of a story.
pub fn of_story(story: &Story) -> Chart {
    lanes(&[Schedule::of(story)])
}

/// A session with its panels, and the titles of the sessions that are like it.
struct Section<'a> {
    schedule: &'a Schedule,
    titles: Vec<String>,
    panels: Vec<Panel<'a>>,
}

impl Section<'_> {
    /// Height of the titles and the panels.
    fn height(&self) -> f64 {
        let panels: Vec<f64> = self.panels.iter().map(Panel::height).collect();
        let gaps = panels.len().saturating_sub(1) as f64 * GAP;
        self.titles.len() as f64 * HEADING.line() + 10.0 + panels.iter().sum::<f64>() + gaps
    }
}

/// Draws the sessions below each other, the first under the title of the picture. Sessions that do the same at the same
/// times are drawn once.
pub fn lanes(schedules: &[Schedule]) -> Chart {
    let Some(first) = schedules.first() else {
        return Chart { file_stem: "retry-schedule", svg: picture(WIDTH, 1.0, "no session", |_| {}) };
    };
    let chosen: Vec<(Vec<Lane>, usize)> = schedules.iter().map(chosen).collect();
    let mut notes =
        vec!["one lane per tab and endpoint, one bar per call, from its sending to its end".to_owned()];
    let left_out: usize = chosen.iter().map(|(_, left_out)| left_out).sum();
    if left_out > 0 {
        notes.push(format!("the {left_out} quietest lanes are left out"));
    }
    notes.extend(first.continues.iter().map(|note| clean(note)));
    let head = Head::from(&clean(&first.provenance), &first.title, &notes);
    let names = chosen.iter().flat_map(|(lanes, _)| lanes).map(|lane| lane_name(lane.id));
    let events = schedules.iter().flat_map(event_lanes).map(|(_, name)| name);
    let left = MARGIN + names.chain(events).map(|name| LABEL.width(&name)).fold(0.0, f64::max) + 12.0;
    let width = WIDTH - MARGIN - left;

    let mut sections: Vec<Section<'_>> = Vec::new();
    for (schedule, (lanes, _)) in schedules.iter().zip(chosen) {
        match sections.iter_mut().find(|section| section.schedule.is_like(schedule)) {
            Some(section) => section.titles.extend(title(schedule, "The same calls: ")),
            None => {
                let titles = if sections.is_empty() { Vec::new() } else { title(schedule, "") };
                sections.push(Section { schedule, titles, panels: panels(schedule, lanes, left, width) });
            }
        }
    }
    let key = 26.0;
    let sizes: Vec<f64> = sections.iter().map(Section::height).collect();
    let gaps = (sizes.len() - 1) as f64 * GAP;
    let total = head.height() + key + sizes.iter().sum::<f64>() + gaps + MARGIN / 2.0;
    let svg = picture(WIDTH, total, &first.title, |canvas| {
        head.draw(canvas);
        draw_key(canvas, schedules, head.height());
        let mut top = head.height() + key;
        for (section, height) in sections.iter().zip(&sizes) {
            let mut y = top;
            for title in &section.titles {
                canvas.text(title, (MARGIN, y + HEADING.size * 0.76), HEADING, INK, Anchor::Left);
                y += HEADING.line();
            }
            y += 10.0;
            for panel in &section.panels {
                panel.draw(canvas, y);
                y += panel.height() + GAP;
            }
            top += height + GAP;
        }
    });
    Chart { file_stem: "retry-schedule", svg }
}

fn title(schedule: &Schedule, before: &str) -> Vec<String> {
    HEADING.wrap(&format!("{before}{}", clean(&schedule.title)), WIDTH - 2.0 * MARGIN, 2)
}

/// The whole window, and a closer look at its densest part.
fn panels(schedule: &Schedule, lanes: Vec<Lane>, left: f64, width: f64) -> Vec<Panel<'_>> {
    let mut panels = vec![Panel::of(schedule, lanes, schedule.window, left, width, false)];
    if let Some(window) = closer(schedule, width) {
        let inside = |row: &Row| in_flight(&row.bar, window);
        let lanes = panels[0].lanes.iter().filter(|lane| lane.bars.iter().any(inside)).cloned().collect();
        panels.push(Panel::of(schedule, lanes, window, left, width, true));
    }
    panels
}

/// Tab and endpoint of a lane.
type LaneId = (u32, Endpoint);

/// A lane with its calls.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) id: LaneId,
    pub(super) rows: usize,
    pub(super) bars: Vec<Row>,
}

/// A call and its row in the lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) bar: Bar,
    pub(super) row: usize,
}

/// `tab 0 · POST /touch`.
pub fn lane_name((tab, endpoint): LaneId) -> String {
    format!("tab {tab} · {} /{}", endpoint.row().method.name(), endpoint.name())
}

/// The kinds of events of a schedule that have lanes, with their names.
pub fn event_lanes(schedule: &Schedule) -> Vec<(Mark, String)> {
    let name = |mark: Mark| match mark {
        Mark::Entry => Some(schedule.entries.clone()),
        other => other.sign_out().map(str::to_owned),
    };
    let kinds = [Mark::FalseSignOut, Mark::ReuseSignOut, Mark::TrueSignOut, Mark::Entry];
    let any = |kind: &Mark| schedule.marks.iter().any(|(_, mark)| mark == kind);
    kinds.into_iter().filter(any).filter_map(|kind| Some((kind, name(kind)?))).collect()
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
pub(super) fn band(outcome: Outcome) -> &'static Band {
    BANDS.iter().find(|band| band.outcome == outcome).unwrap_or(&BANDS[0])
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

fn draw_key(canvas: &mut Canvas<'_>, schedules: &[Schedule], top: f64) {
    let mut x = MARGIN;
    let bars = || schedules.iter().flat_map(|schedule| &schedule.bars);
    for shown in &BANDS {
        if !bars().any(|bar| shown.outcome == bar.outcome) {
            continue;
        }
        canvas.rect(x, top - 2.0, 12.0, 10.0, shown.color);
        canvas.text(shown.name, (x + 18.0, top + 7.0), LABEL, INK, Anchor::Left);
        x += 18.0 + LABEL.width(shown.name) + 22.0;
    }
}
