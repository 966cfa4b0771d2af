//! A story as Chrome trace events, which Perfetto and chrome://tracing open: a track per tab, an arrow from each cause
//! to its effect.
//!
//! Slices of one track must nest. Calls of a tab overlap freely, so a tab gets as many rows as it needs. The first row has
//! the tab's name.

use super::story::{Effect, Step, Story, Trigger};
use super::words::{self, headline, provenance, span};
use crate::client::fact::Status;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Process numbers of the faults and of the tabs.
const FAULTS: u32 = 1;
const TABS: u32 = 2;
/// Distance between the first rows of two tabs.
const ROWS: u32 = 1_000;

/// A bar on a track: a call or a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bar {
    Call(usize),
    Wait(usize),
}

/// Position of a bar.
#[derive(Clone, Copy, Debug)]
struct Place {
    track: u32,
    from: u64,
    to: u64,
}

/// The trace as JSON, with a newline at the end. Times are microseconds, with the nanoseconds as decimals.
pub fn trace(story: &Story) -> String {
    let places = places(story);
    let mut events = names(story, &places);
    let mut timed: Vec<(u64, Value)> = Vec::new();
    faults(story, &mut timed);
    for (bar, place) in &places {
        timed.push((place.from, slice(story, *bar, *place)));
    }
    marks(story, &mut timed);
    arrows(story, &places, &mut timed);
    timed.sort_by_key(|(at, _)| *at);
    events.extend(timed.into_iter().map(|(_, event)| event));
    let value = json!({
        "displayTimeUnit": "ms",
        "otherData": { "headline": headline(story), "provenance": provenance(story) },
        "traceEvents": events,
    });
    format!("{value}\n")
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1_000.0
}

/// The first row of a tab.
fn track_of(tab: u32) -> u32 {
    tab * ROWS + 1
}

/// Puts every bar on the first row of its tab that is free at that time.
fn places(story: &Story) -> BTreeMap<Bar, Place> {
    let calls = story.calls.iter().map(|(i, call)| {
        let to = call.until(story.horizon).0;
        (call.sent.0, Bar::Call(*i), call.tab, to)
    });
    let waits = story.waits.iter().filter(|(_, wait)| wait.is_retry()).map(|(i, wait)| {
        let to = wait.until(story.horizon).0;
        (wait.from.0, Bar::Wait(*i), wait.tab, to)
    });
    let mut bars: Vec<_> = calls.chain(waits).collect();
    bars.sort_unstable();
    let mut free: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (from, bar, tab, to) in bars {
        // A bar without length could not be clicked, and an arrow could not end at it.
        let to = to.max(from + 1);
        let rows = free.entry(tab).or_default();
        let row = rows.iter().position(|until| *until <= from).unwrap_or(rows.len());
        if row == rows.len() {
            rows.push(0);
        }
        rows[row] = to;
        let track = track_of(tab) + (row as u32).min(ROWS - 2);
        places.insert(bar, Place { track, from, to });
    }
    places
}

fn names(story: &Story, places: &BTreeMap<Bar, Place>) -> Vec<Value> {
    let meta = |name: &str, pid: u32, tid: u32, args: Value| json!({ "ph": "M", "name": name, "pid": pid, "tid": tid, "args": args });
    let session =
        format!("session {}, policy {}, replication {}", story.session, story.policy, story.replication);
    let mut events = vec![
        meta("process_name", FAULTS, 0, json!({ "name": "faults" })),
        meta("process_sort_index", FAULTS, 0, json!({ "sort_index": 0 })),
        meta("process_name", TABS, 0, json!({ "name": session })),
        meta("process_sort_index", TABS, 0, json!({ "sort_index": 1 })),
    ];
    let mut tracks: Vec<u32> = places.values().map(|place| place.track).collect();
    tracks.extend((0..story.tabs).map(track_of));
    tracks.sort_unstable();
    tracks.dedup();
    for track in tracks {
        let (tab, row) = ((track - 1) / ROWS, (track - 1) % ROWS);
        let name = if row == 0 { format!("tab {tab}") } else { format!("tab {tab}, at the same time") };
        events.push(meta("thread_name", TABS, track, json!({ "name": name })));
        events.push(meta("thread_sort_index", TABS, track, json!({ "sort_index": track })));
    }
    for (i, fault) in story.faults.iter().enumerate() {
        let track = i as u32 + 1;
        events.push(meta("thread_name", FAULTS, track, json!({ "name": fault.name })));
    }
    events
}

fn faults(story: &Story, timed: &mut Vec<(u64, Value)>) {
    for (i, fault) in story.faults.iter().enumerate().filter(|(_, f)| f.from.0 < story.horizon.0) {
        let length = fault.to.0.saturating_sub(fault.from.0).max(1);
        let event = json!({
            "ph": "X", "name": fault.name, "cat": "fault", "pid": FAULTS, "tid": i + 1,
            "ts": micros(fault.from.0), "dur": micros(length),
        });
        timed.push((fault.from.0, event));
    }
}

fn slice(story: &Story, bar: Bar, place: Place) -> Value {
    let (name, category, by, mut args) = match bar {
        Bar::Call(i) => {
            let call = &story.calls[&i];
            let result = call
                .failure
                .filter(|f| f.status > 0)
                .map_or(call.outcome.name().to_owned(), |f| f.status.to_string());
            let args = json!({
                "answer": words::answer(story, call), "outcome": call.outcome.name(), "attempt": call.attempt,
            });
            (format!("{} {result}", call.name()), call.outcome.name(), call.by, args)
        }
        Bar::Wait(i) => {
            let wait = &story.waits[&i];
            (format!("waits {}", span(wait.length)), "wait", wait.by, json!({ "retry": wait.retry }))
        }
    };
    if let Some(earlier) = story.earlier.get(&by) {
        args["continues"] = json!(words::continues(earlier));
    }
    json!({
        "ph": "X", "name": name, "cat": category, "pid": TABS, "tid": place.track,
        "ts": micros(place.from), "dur": micros(place.to - place.from), "args": args,
    })
}

/// Instants: events without a request, and effects of an answer.
fn marks(story: &Story, timed: &mut Vec<(u64, Value)>) {
    let mut mark = |step: &Step, name: String| {
        let track = track_of(step.tab.unwrap_or(0));
        let event = json!({
            "ph": "i", "s": "t", "name": name, "cat": "mark", "pid": TABS, "tid": track, "ts": micros(step.at.0),
        });
        timed.push((step.at.0, event));
    };
    for step in story.steps.values().filter(|step| !story.is_quiet(step)) {
        let earlier = step.cause.filter(|_| !story.is_root(step)).and_then(|cause| story.earlier.get(&cause));
        if let Some(earlier) = earlier {
            mark(step, words::continues(earlier));
        }
        if !matches!(step.trigger, Trigger::Answer(_)) {
            mark(step, words::trigger(story, step));
        }
        for effect in &step.effects {
            match *effect {
                Effect::EnteredFlow { entry, .. } if entry > 0 => {
                    mark(step, format!("{} (entry {entry})", story.flow.enters));
                }
                Effect::SignedOut { falsely, reused } => {
                    let how = match (falsely, reused) {
                        (true, _) => "falsely",
                        (_, true) => "by its own reuse",
                        _ => "rightly",
                    };
                    mark(step, format!("signed out ({how})"));
                }
                Effect::Judged { verdict, .. } => mark(step, words::rule(story, step, verdict)),
                Effect::Status(Status::Degraded) => mark(step, "status degraded".to_owned()),
                Effect::AppError(_) => mark(step, "the app sees an error".to_owned()),
                _ => {}
            }
        }
    }
}

/// Arrows from the bar whose end triggered a step to each bar that the step began.
fn arrows(story: &Story, places: &BTreeMap<Bar, Place>, timed: &mut Vec<(u64, Value)>) {
    let ending = |step: &Step| match step.trigger {
        Trigger::Answer(call) => Some(Bar::Call(call)),
        Trigger::Timer(wait) => Some(Bar::Wait(wait)),
        _ => None,
    };
    let mut id = 0;
    for step in story.steps.values() {
        // A message from another tab refers back to the bar that made that tab send it.
        let heard = || step.cause.and_then(|cause| story.steps.get(&cause)).and_then(ending);
        let Some(from) = ending(step).or_else(heard).and_then(|bar| places.get(&bar)) else { continue };
        for effect in &step.effects {
            let bar = match *effect {
                Effect::Sends(call) => Bar::Call(call),
                Effect::Waits(wait) => Bar::Wait(wait),
                _ => continue,
            };
            let Some(to) = places.get(&bar) else { continue };
            id += 1;
            // An arrow binds to the slice that encloses its end. The very end of a slice is not inside it.
            let leaves = (from.to - 1).max(from.from);
            let arrow = |ph: &str, at: u64, track: u32| {
                json!({
                    "ph": ph, "name": "causes", "cat": "cause", "id": id, "pid": TABS, "tid": track, "ts": micros(at),
                })
            };
            timed.push((leaves, arrow("s", leaves, from.track)));
            let mut end = arrow("f", to.from, to.track);
            end["bp"] = json!("e");
            timed.push((to.from, end));
        }
    }
}
