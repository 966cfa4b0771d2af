//! A story as a Mermaid sequence diagram.

use super::lines::{Line, Node, Order, lines};
use super::story::{Effect, Story, Trigger};
use super::text::wrapped;
use super::words::{self, clock, headline, provenance};

/// The most bytes of a diagram. By default, Mermaid refuses texts of more than 50,000 characters.
const MOST: usize = 45_000;

/// The most characters of a line in a note. Mermaid does not make a note over two participants wider than their distance, and
/// cuts what is drawn beyond the edge of the diagram.
const NOTE: usize = 40;

/// The diagram's text.
pub fn mermaid(story: &Story) -> String {
    let mut head = vec![
        format!("%% {}", plain(&provenance(story))),
        "sequenceDiagram".to_owned(),
        format!("    accTitle: {}", plain(&headline(story))),
    ];
    head.extend((0..story.tabs).map(|tab| format!("    participant T{tab} as tab {tab}")));
    head.push("    participant B as backend".to_owned());
    head.push(note("T0,B", &headline(story)));
    let lines = lines(story, Order::ByTime);
    let mut chunks: Vec<Vec<String>> = Vec::new();
    let mut size: usize = head.iter().map(String::len).sum();
    for line in &lines {
        let chunk = match line {
            Line::Said { node, .. } => said(story, *node),
            Line::Rounds { more, lines, text, .. } => {
                let first = chunks.len() - lines;
                let rounds = more + 1;
                let each = text.split_once(", ").map_or("", |(_, rest)| rest);
                chunks[first].insert(0, format!("    loop {}", plain(&format!("{rounds} rounds, {each}"))));
                vec!["    end".to_owned()]
            }
        };
        size += chunk.iter().map(|line| line.len() + 1).sum::<usize>();
        if size > MOST {
            let left = lines.len() - chunks.len();
            chunks.push(vec![note("T0,B", &format!("{left} lines more, too many for a diagram"))]);
            break;
        }
        chunks.push(chunk);
    }
    let all = head.into_iter().chain(chunks.into_iter().flatten());
    all.map(|line| line + "\n").collect()
}

fn said(story: &Story, node: Node) -> Vec<String> {
    let step = match node {
        Node::Step(step) => &story.steps[&step],
        Node::Earlier(step) => {
            let earlier = &story.earlier[&step];
            let tab = earlier.tab.unwrap_or(0);
            return vec![note(&format!("T{tab}"), &words::continues(earlier))];
        }
        Node::InFlight(call) => {
            let call = &story.calls[&call];
            return vec![note(&format!("T{},B", call.tab), &words::in_flight(call))];
        }
        Node::Lasts(wait) => {
            let wait = &story.waits[&wait];
            return vec![note(&format!("T{}", wait.tab), &words::lasts(story, wait))];
        }
        Node::FaultLasts(fault) => {
            return vec![note("B", &words::fault_lasts(&story.faults[fault]))];
        }
        Node::FaultBegins(fault) | Node::FaultEnds(fault) => {
            let begins = matches!(node, Node::FaultBegins(_));
            let fault = &story.faults[fault];
            let (at, word) = if begins { (fault.from, "begins") } else { (fault.to, "ends") };
            let words = format!("{} fault \"{}\" {word}", clock(crate::kernel::Time(at.0)), fault.name);
            return vec![note("B", &words)];
        }
        Node::Unanswered(call) => {
            let call = &story.calls[&call];
            let words = format!("{} {}", clock(story.horizon), words::answer(story, call));
            return vec![format!("    B--xT{}: {}", call.tab, plain(&words))];
        }
    };
    let at = clock(step.at);
    let tab = step.tab.map_or("T0".to_owned(), |tab| format!("T{tab}"));
    let mut out = Vec::new();
    match step.trigger {
        Trigger::Answer(call) => {
            let answered = words::answer(story, &story.calls[&call]);
            let arrow = if story.calls[&call].failure.is_some() { "--x" } else { "-->>" };
            out.push(format!("    B{arrow}{tab}: {}", plain(&format!("{at} {answered}"))));
        }
        Trigger::Message(_) => {
            // A message arrives at the instant when it is sent, so its cause is not earlier than the part.
            let cause = step.cause.and_then(|cause| story.steps.get(&cause));
            let from = cause.and_then(|cause| cause.tab).unwrap_or(0);
            let words = words::trigger(story, step);
            out.push(format!("    T{from}-->>{tab}: {}", plain(&format!("{at} {words}"))));
        }
        _ => {
            let words = words::trigger(story, step);
            out.push(note(&tab, &format!("{at} {words}")));
        }
    }
    // Requests become arrows. Other events become notes between them.
    for (effect, words) in words::told(story, step) {
        out.push(match effect {
            Effect::Sends(call) => format!("    {tab}->>B: {}", story.calls[&call].name()),
            _ => note(&tab, &words),
        });
    }
    out
}

/// A note over these participants, in lines that fit.
fn note(over: &str, text: &str) -> String {
    let lines: Vec<String> = wrapped(text, NOTE).iter().map(|line| plain(line)).collect();
    format!("    Note over {over}: {}", lines.join("<br/>"))
}

/// Text without characters that have a meaning in Mermaid.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in crate::text::clean(text).chars() {
        match letter {
            '#' => out.push_str("#35;"),
            ';' => out.push_str("#59;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '"' => out.push_str("#quot;"),
            '%' => out.push_str("#37;"),
            '{' => out.push_str("#123;"),
            '}' => out.push_str("#125;"),
            letter => out.push(letter),
        }
    }
    out
}
