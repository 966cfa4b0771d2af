//! One session under two contenders: the same until their first difference, and side by side after it.

use super::lines::{Line, Order, lines};
use super::part::leave_earlier;
use super::story::{Call, Step, Story, Trigger};
use super::words::{clock, headline, provenance};
use super::{Session, Wanted, json, tell_planned, told};
use crate::Study;
use crate::experiment::Error;
use crate::kernel::Time;
use crate::spec::json::output_schema;
use crate::text::number;
use crate::text::push_wrapped;
use crate::world::{Control, Plan};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Ordering;

/// Columns of a line.
const WIDTH: usize = 120;
/// Columns of each side: two of them, and a rule between.
const SIDE: usize = (WIDTH - 3) / 2;
/// The most rows after the first difference.
const MOST_ROWS: usize = 80;

/// One session under two contenders.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    /// The first difference; absent if the stories are the same.
    pub difference: Option<Difference>,
    /// Number of steps before the first difference, which are the same.
    pub alike: usize,
    /// The stories from the first difference on; the whole stories if there is none.
    pub stories: [Story; 2],
}

/// The first difference of two stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Time of the difference.
    pub at: Time,
    /// What differs.
    pub kind: Kind,
}

/// What differs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same event has other effects: the policies decide differently.
    Decision,
    /// The same request gets another answer, or at another time: other sessions behave differently.
    Answer,
    /// An event occurs under one contender only.
    Event,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Decision => "decision",
            Kind::Answer => "answer",
            Kind::Event => "event",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Kind::Decision => "the same event has other effects, because the policies decide differently",
            Kind::Answer => {
                "the same request gets another answer or another time, because other sessions load the backend differently"
            }
            Kind::Event => "an event occurs under one of them only",
        }
    }
}

/// Tells the story of one session under two contenders of a study. The session is that of `wanted`, under its policy;
/// `other` is the second contender, as an index into the study's policies.
///
/// # Errors
/// When a guard stops a run.
///
/// # Panics
/// As [`super::tell`].
pub fn tell_against(
    study: &Study,
    wanted: Wanted,
    other: usize,
    control: &Control,
) -> Result<Against, Error> {
    let (plan, hash) = (study.plan(), study.hash());
    let first = tell_planned(&plan, &hash, wanted, control)?;
    let (replication, session) = (Some(first.replication), Session::Number(first.session));
    let second =
        tell_planned(&plan, &hash, Wanted { policy: other, replication, session, ..wanted }, control)?;
    compare_told(&plan, &hash, [(wanted.policy, first), (other, second)], control)
}

/// Compares stories of one session under two policies, which are told of the same time range.
///
/// # Errors
/// As [`tell_against`].
pub(super) fn compare_told(
    plan: &Plan,
    hash: &str,
    [(policy, first), (other, second)]: [(usize, Story); 2],
    control: &Control,
) -> Result<Against, Error> {
    let (alike, difference) = compare(&first, &second);
    // A whole story holds each later part of it. Otherwise the part is told by another run.
    let later = |mut story: Story, policy: usize, at: Time| {
        if story.from > Time::ZERO || story.left_out > 0 {
            let (replication, session) = (Some(story.replication), Session::Number(story.session));
            let part = Wanted { policy, replication, session, from: at, to: story.to };
            return tell_planned(plan, hash, part, control);
        }
        story.from = at;
        leave_earlier(&mut story);
        Ok(story)
    };
    let stories = match difference {
        None => [first, second],
        Some(Difference { at, .. }) => [later(first, policy, at)?, later(second, other, at)?],
    };
    Ok(Against { difference, alike, stories })
}

/// The number of steps that are the same, and the first difference after them.
fn compare(a: &Story, b: &Story) -> (usize, Option<Difference>) {
    let (mut left, mut right) = (a.steps.values(), b.steps.values());
    let mut alike = 0;
    loop {
        let kind = match (left.next(), right.next()) {
            (None, None) => return (alike, None),
            (Some(x), Some(y)) => match difference((a, x), (b, y)) {
                None => {
                    alike += 1;
                    continue;
                }
                Some(kind) => (x.at.min(y.at), kind),
            },
            (Some(step), None) | (None, Some(step)) => (step.at, Kind::Event),
        };
        return (alike, Some(Difference { at: kind.0, kind: kind.1 }));
    }
}

fn difference((a, x): (&Story, &Step), (b, y): (&Story, &Step)) -> Option<Kind> {
    let ended = |call: &Call| (call.ended, call.outcome, call.failure);
    let other_answer = |step: &Step| match step.trigger {
        Trigger::Answer(call) => match (a.calls.get(&call), b.calls.get(&call)) {
            (Some(one), Some(two)) => ended(one) != ended(two),
            _ => false,
        },
        _ => false,
    };
    if other_answer(x) || other_answer(y) {
        Some(Kind::Answer)
    } else if (x.at, x.tab, x.trigger) != (y.at, y.tab, y.trigger) {
        Some(Kind::Event)
    } else {
        (x.effects != y.effects).then_some(Kind::Decision)
    }
}

/// Both stories as text of 120 columns, side by side from their first difference on.
pub fn text(against: &Against) -> String {
    let [a, b] = &against.stories;
    let mut out = String::new();
    for story in [a, b] {
        push_wrapped(&mut out, ("", ""), &format!("{}.", headline(story)), WIDTH);
    }
    out.push_str(&format!("{}\n\n", provenance(a)));
    let alike = number::counted(against.alike as u64, "step", "steps");
    let Some(difference) = against.difference else {
        let whole = a.left_out + b.left_out == 0;
        let more = if whole {
            ""
        } else {
            ", which are all that a story holds; --from and --to choose a later part"
        };
        out.push_str(&format!("No difference: the same {alike} under both{more}.\n"));
        return out;
    };
    let told = format!(
        "The same {alike} under both. First difference at {}: {}.",
        clock(difference.at),
        difference.kind.in_words()
    );
    push_wrapped(&mut out, ("", ""), &told, WIDTH);
    out.push('\n');
    push_row(&mut out, &format!("under {}", a.contender), &format!("under {}", b.contender));
    out.push_str(&format!("{}┼{}\n", "─".repeat(SIDE + 1), "─".repeat(SIDE + 1)));
    let rows = rows(&timed(a), &timed(b));
    for (left, right) in rows.iter().take(MOST_ROWS) {
        push_row(&mut out, left, right);
    }
    if rows.len() > MOST_ROWS {
        let more = number::counted((rows.len() - MOST_ROWS) as u64, "more row", "more rows");
        out.push_str(&format!("… {more}; --from and --to choose a part\n"));
    }
    out
}

/// The lines of a story in order of time, each with its time.
fn timed(story: &Story) -> Vec<(Time, String)> {
    let mut now = story.from;
    let say = |line: &Line| match line {
        Line::Said { at, tab, happened, came, .. } => {
            now = at.unwrap_or(now);
            let tab = tab.filter(|_| story.tabs > 1).map_or(String::new(), |tab| format!("tab {tab}: "));
            let time = at.map_or(String::new(), |at| format!("{}  ", clock(at)));
            let came = if came.is_empty() { String::new() } else { format!(": {}", came.join("; ")) };
            (now, format!("{time}{tab}{happened}{came}"))
        }
        Line::Rounds { text, .. } => (now, format!("… {text}")),
    };
    lines(story, Order::ByTime).iter().map(say).collect()
}

/// Lines of one time stand in one row.
fn rows(a: &[(Time, String)], b: &[(Time, String)]) -> Vec<(String, String)> {
    let (mut i, mut j) = (0, 0);
    let mut rows = Vec::new();
    loop {
        let order = match (a.get(i), b.get(j)) {
            (None, None) => return rows,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(x), Some(y)) => x.0.cmp(&y.0),
        };
        let (left, right) = (order != Ordering::Greater, order != Ordering::Less);
        let side = |is: bool, lines: &[(Time, String)], n: usize| {
            if is { lines[n].1.clone() } else { String::new() }
        };
        rows.push((side(left, a, i), side(right, b, j)));
        (i, j) = (i + usize::from(left), j + usize::from(right));
    }
}

/// Appends two texts beside each other.
fn push_row(out: &mut String, left: &str, right: &str) {
    let wrapped = |text: &str| {
        let mut lines = String::new();
        push_wrapped(&mut lines, ("", "    "), text, SIDE);
        lines.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (left, right) = (wrapped(left), wrapped(right));
    for n in 0..left.len().max(right.len()) {
        let of = |lines: &[String]| lines.get(n).cloned().unwrap_or_default();
        let line = format!("{:<SIDE$} │ {}", of(&left), of(&right));
        out.push_str(&format!("{}\n", line.trim_end()));
    }
}

/// The stories of a session under two policies.
#[derive(Serialize, JsonSchema)]
struct Told {
    /// Number of steps before the first difference.
    steps_alike: usize,
    /// Time of the first difference, in seconds of virtual time; null without one.
    first_difference_s: Option<f64>,
    /// Kind of the first difference; null without one.
    differs: Option<String>,
    /// Both stories, from their first difference on.
    stories: Vec<told::Told>,
}

/// Both stories from their first difference on as JSON, each as [`json::json`] writes one.
pub fn json(against: &Against) -> String {
    let told = Told {
        steps_alike: against.alike,
        first_difference_s: against.difference.map(|d| d.at.as_secs_f64()),
        differs: against.difference.map(|d| d.kind.name().to_owned()),
        stories: against.stories.iter().map(json::told).collect(),
    };
    format!("{:#}\n", serde_json::json!(told))
}

/// The JSON Schema of two stories, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Told>("What `explain --against --format json` prints"))
}
