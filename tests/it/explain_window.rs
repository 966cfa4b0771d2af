//! The story of a time range contains exactly those entries of the whole story that occur or last within the range, in
//! every format.

use authstorm::explain::lines::{Line, Node, Order, lines};
use authstorm::explain::story::{Call, Step, Trigger, Waiting};
use authstorm::explain::{Session, Story, Wanted, json, mermaid, tell, text, trace};
use authstorm::kernel::Time;
use authstorm::plot::lanes::{self, Schedule};
use authstorm::text::number;
use authstorm::world::Control;
use authstorm::{Error, Study};
use serde_json::Value;
use std::collections::BTreeSet;

/// Scenario, policy, session, replication: long chains of the incident, waits of many seconds, recursion, a quiet user.
const STORIES: [(&str, &str, u32, u32); 5] = [
    ("scenarios/touch-429-cascade.toml", "old", 1511, 1),
    ("scenarios/touch-429-clerk-js.toml", "old", 61, 1),
    ("scenarios/client-401-recursion.toml", "old", 188, 2),
    ("scenarios/tokens-429-outage.toml", "new", 0, 0),
    ("tests/faults/explain-window.toml", "new", 0, 0),
];
/// Rounds per story. Each has a random range of any length and a range that begins within a random call.
const ROUNDS: u64 = 3;

/// Next number of a fixed sequence (SplitMix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn told(study: &Study, session: u32, replication: u32, from: Time, to: Time) -> Result<Story, Error> {
    let session = Session::Number(session);
    tell(study, Wanted { policy: 0, replication: Some(replication), session, from, to }, &Control::default())
}

fn windows(whole: &Story, random: &mut u64) -> Vec<(Time, Time)> {
    let horizon = whole.horizon.0;
    let calls: Vec<&Call> = whole.calls.values().collect();
    let mut windows = Vec::new();
    for _ in 0..ROUNDS {
        let from = next(random) % horizon;
        // Lengths of every order of magnitude, from milliseconds to the whole run.
        let length = horizon >> (next(random) % 20);
        windows.push((Time(from), Time((from + length).min(horizon))));
        let Some(call) = calls.get(next(random) as usize % calls.len().max(1)) else { continue };
        let middle = call.sent.0 + call.length(whole.horizon).0 / 2;
        windows.push((Time(middle), Time((middle + length).min(horizon))));
    }
    windows
}

#[test]
fn a_range_has_the_entries_of_the_whole_story_in_that_time() -> Result<(), Error> {
    let mut random = 1;
    let mut cut = 0;
    for (scenario, policy, session, replication) in STORIES {
        let mut study = Study::load(scenario)?;
        study.only_policies(&[policy.to_owned()])?;
        let whole = told(&study, session, replication, Time::ZERO, Time::NEVER)?;
        assert!(!whole.calls.is_empty(), "{scenario}");
        assert!(whole.earlier.is_empty(), "{scenario}: the whole story has no earlier steps");
        for (from, to) in windows(&whole, &mut random) {
            let case = format!("{scenario}, session {session}, {from} to {to}");
            let part = told(&study, session, replication, from, to)?;
            let expected = Expected::of(&whole, from, to);
            cut += part.earlier.len();
            story_holds(&part, &expected, &case);
            json_holds(&whole, &part, &expected, &case);
            trace_holds(&whole, &part, &expected, &case);
            text_holds(&part, &expected, &case);
            mermaid_holds(&part, &expected, &case);
            lanes_hold(&whole, &part, &expected, &case);
        }
    }
    assert!(cut > 0, "some range cuts a chain");
    Ok(())
}

/// Numbers of the whole story's entries that belong to a range.
struct Expected {
    steps: BTreeSet<usize>,
    calls: BTreeSet<usize>,
    waits: BTreeSet<usize>,
    /// Steps that the text shows.
    of_note: BTreeSet<usize>,
    /// Calls sent in the range, and calls whose end is a step of the range.
    sent: BTreeSet<usize>,
    answered: BTreeSet<usize>,
    /// Calls in flight at the end of the run, if the range includes it.
    unanswered: BTreeSet<usize>,
}

impl Expected {
    fn of(whole: &Story, from: Time, to: Time) -> Expected {
        let within = |at: Time| from <= at && at <= to;
        let lasts = |begin: Time, end: Option<Time>| begin <= to && end.is_none_or(|end| end >= from);
        let steps: Vec<(usize, &Step)> =
            whole.steps.iter().filter(|(_, step)| within(step.at)).map(|(i, step)| (*i, step)).collect();
        let triggers = || steps.iter().map(|(_, step)| step.trigger);
        let calls = whole.calls.iter().filter(|(_, call)| lasts(call.sent, call.ended));
        let calls: BTreeSet<usize> = calls.map(|(i, _)| *i).collect();
        let until = |wait: &Waiting| wait.ended.unwrap_or(wait.from.after(wait.length));
        let waits = whole.waits.iter().filter(|(_, wait)| lasts(wait.from, Some(until(wait))));
        let open = |call: &usize| whole.calls[call].ended.is_none() && to >= whole.horizon;
        Expected {
            waits: waits.map(|(i, _)| *i).chain(triggers().filter_map(Trigger::wait)).collect(),
            of_note: steps.iter().filter(|(_, step)| !whole.is_quiet(step)).map(|(i, _)| *i).collect(),
            sent: calls.iter().copied().filter(|i| within(whole.calls[i].sent)).collect(),
            answered: triggers().filter_map(Trigger::call).collect(),
            unanswered: calls.iter().copied().filter(open).collect(),
            steps: steps.into_iter().map(|(i, _)| i).collect(),
            calls,
        }
    }

    /// Calls in flight during the whole range.
    fn through(&self) -> BTreeSet<usize> {
        let in_part =
            |i: &usize| self.sent.contains(i) || self.answered.contains(i) || self.unanswered.contains(i);
        self.calls.iter().copied().filter(|i| !in_part(i)).collect()
    }
}

fn story_holds(part: &Story, expected: &Expected, case: &str) {
    assert!(part.steps.keys().eq(&expected.steps), "{case}: steps {:?}", part.steps.keys());
    assert!(part.calls.keys().eq(&expected.calls), "{case}: calls {:?}", part.calls.keys());
    assert!(part.waits.keys().eq(&expected.waits), "{case}: waits {:?}", part.waits.keys());
    // Causes outside the range are listed as earlier steps.
    let senders = part.calls.values().map(|call| call.by).chain(part.waits.values().map(|wait| wait.by));
    let causes = part.steps.values().filter_map(|step| step.cause);
    for cause in senders.chain(causes) {
        assert!(part.steps.contains_key(&cause) != part.earlier.contains_key(&cause), "{case}: step {cause}");
    }
    assert!(part.earlier.values().all(|earlier| earlier.at < part.from), "{case}");
}

/// The JSON entries of a range equal those of the whole story.
fn json_holds(whole: &Story, part: &Story, expected: &Expected, case: &str) {
    let [whole, part] =
        [whole, part].map(|story| -> Value { serde_json::from_str(&json::json(story)).expect("JSON") });
    for (list, numbers) in
        [("steps", &expected.steps), ("calls", &expected.calls), ("waits", &expected.waits)]
    {
        let id = |entry: &&Value| numbers.contains(&(entry["id"].as_u64().expect("an id") as usize));
        let whole = whole[list].as_array().expect("a list");
        let chosen: Vec<&Value> = whole.iter().filter(id).collect();
        assert_eq!(chosen.len(), numbers.len(), "{case}: {list}");
        let part: Vec<&Value> = part[list].as_array().expect("a list").iter().collect();
        assert_eq!(part, chosen, "{case}: {list}");
    }
}

/// Bars and marks of a trace, by kind and time. The row of a bar within its tab depends on the other bars.
fn drawn(story: &Story, phase: &str, among: impl Fn(&Value) -> bool) -> Vec<String> {
    let trace: Value = serde_json::from_str(&trace::trace(story)).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let said = |event: &Value| format!("{} {} {} {}", event["ts"], event["dur"], event["cat"], event["name"]);
    let mut drawn: Vec<String> =
        events.iter().filter(|event| event["ph"] == phase && among(event)).map(said).collect();
    drawn.sort();
    drawn
}

fn trace_holds(whole: &Story, part: &Story, expected: &Expected, case: &str) {
    let tabs = |event: &Value| event["cat"] != "fault";
    let bars = drawn(part, "X", tabs);
    let waits = expected.waits.iter().filter(|i| whole.waits[i].is_retry()).count();
    assert_eq!(bars.len(), expected.calls.len() + waits, "{case}: bars");
    let of_whole: BTreeSet<String> = drawn(whole, "X", tabs).into_iter().collect();
    assert!(bars.iter().all(|bar| of_whole.contains(bar)), "{case}: bars");
    let micros = |time: Time| time.0 as f64 / 1_000.0;
    let within = |event: &Value| {
        let at = event["ts"].as_f64().expect("a time");
        micros(part.from) <= at && at <= micros(part.to)
    };
    let thread =
        |event: &Value| event["name"].as_str().is_some_and(|name| name.starts_with("continues from "));
    assert_eq!(drawn(part, "i", |event| !thread(event)), drawn(whole, "i", within), "{case}: marks");
}

/// Number of times that each line occurs in the unfolded story. `None` if loops contain loops, whose rounds differ.
fn times(lines: &[Line]) -> Option<Vec<usize>> {
    let mut times = vec![1; lines.len()];
    for (i, line) in lines.iter().enumerate() {
        if let Line::Rounds { more, lines: round, .. } = line {
            if lines[i - round..i].iter().any(|line| matches!(line, Line::Rounds { .. })) {
                return None;
            }
            times[i - round..i].iter_mut().for_each(|times| *times *= more + 1);
        }
    }
    Some(times)
}

fn text_holds(part: &Story, expected: &Expected, case: &str) {
    for order in [Order::ByCause, Order::ByTime] {
        let lines = lines(part, order);
        let Some(times) = times(&lines) else { continue };
        let count = |is: &dyn Fn(Node) -> bool| -> usize {
            let said = lines
                .iter()
                .zip(&times)
                .filter(|(line, _)| matches!(line, Line::Said { node, .. } if is(*node)));
            said.map(|(_, times)| times).sum()
        };
        let steps = count(&|node| matches!(node, Node::Step(_)));
        assert_eq!(steps, expected.of_note.len(), "{case}: steps");
        let through = count(&|node| matches!(node, Node::InFlight(_)));
        assert_eq!(through, expected.through().len(), "{case}: calls in flight");
        let unanswered = count(&|node| matches!(node, Node::Unanswered(_)));
        assert_eq!(unanswered, expected.unanswered.len(), "{case}: calls without an answer");
    }
    let text = text::text(part);
    let said = lines(part, Order::ByCause);
    assert_eq!(
        text.contains("Nothing happened"),
        said.is_empty() && expected.steps.is_empty(),
        "{case}: {text}"
    );
    for line in said {
        if let Line::Said { happened, .. } = line {
            let first = happened.split(' ').take(3).collect::<Vec<_>>().join(" ");
            assert!(text.contains(&first), "{case}: {happened} in {text}");
        }
    }
}

/// Arrows to and from the backend, each counted as often as the loops around it say.
fn mermaid_holds(part: &Story, expected: &Expected, case: &str) {
    let diagram = mermaid::mermaid(part).replace("<br/>", " ");
    if diagram.contains("too many for a diagram") {
        return;
    }
    let (mut sent, mut answered, mut through) = (0, 0, 0);
    let mut rounds = vec![1];
    for line in diagram.lines().map(str::trim) {
        if let Some(round) = line.strip_prefix("loop ") {
            if rounds.len() > 1 {
                return;
            }
            let number = round.split(' ').next().expect("a word");
            rounds.push(number.parse().expect("a number"));
        } else if line == "end" {
            rounds.pop();
        }
        let times = rounds.last().expect("one at least");
        sent += if line.contains("->>B: ") { *times } else { 0 };
        answered += if line.starts_with("B-") { *times } else { 0 };
        through += if line.contains(" is in flight until ") { *times } else { 0 };
    }
    assert_eq!(sent, expected.sent.len(), "{case}: {diagram}");
    assert_eq!(answered, expected.answered.len() + expected.unanswered.len(), "{case}: {diagram}");
    assert_eq!(through, expected.through().len(), "{case}: {diagram}");
}

fn lanes_hold(whole: &Story, part: &Story, expected: &Expected, case: &str) {
    let bars = Schedule::of(whole).bars;
    let chosen: Vec<_> = whole
        .calls
        .keys()
        .zip(bars)
        .filter(|(i, _)| expected.calls.contains(i))
        .map(|(_, bar)| bar)
        .collect();
    assert_eq!(Schedule::of(part).bars, chosen, "{case}");
    let heading = format!("{} in ", number::counted(chosen.len() as u64, "call", "calls"));
    let svg = lanes::of_story(part).svg;
    assert!(svg.contains(&heading), "{case}: {heading}");
    assert_eq!(svg.contains("no calls\n"), chosen.is_empty(), "{case}");
    assert_eq!(svg.contains("continues from "), !part.earlier.is_empty(), "{case}");
}
