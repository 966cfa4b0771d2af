//! A story as plain text: indented by cause, folded, with a limited line width.

use super::lines::{Line, Order, lines};
use super::story::Story;
use super::words::{clock, headline, provenance};
use crate::text::number;

/// Columns of a line.
const WIDTH: usize = 110;
/// Columns of an indentation.
const STEP: usize = 2;
/// Greatest depth that is indented. Deeper lines keep this indentation, so that words have room.
const DEEPEST: usize = 12;

/// The text with its head.
pub fn text(story: &Story) -> String {
    let mut out = String::new();
    for line in wrapped(&format!("{}.", headline(story)), WIDTH) {
        out.push_str(&format!("{line}\n"));
    }
    out.push_str(&format!("{}\n", provenance(story)));
    if story.from.0 > 0 || story.to < story.horizon {
        out.push_str(&format!("Told: {} to {}.\n", clock(story.from), clock(story.to)));
    }
    out.push_str(
        "A line is set in below the line that caused it; chains that run at the same time follow one another.\n\n",
    );
    body(story, &mut out);
    out
}

/// Appends the text without its head, for a page with a head of its own.
pub fn body(story: &Story, out: &mut String) {
    let lines = lines(story, Order::ByCause);
    if lines.is_empty() {
        out.push_str(&match story.steps.len() as u64 {
            0 => "Nothing happened in this time.\n".to_owned(),
            ticks => format!("Of {} of this time nothing came.\n", number::counted(ticks, "tick", "ticks")),
        });
    }
    let time_width = lines.iter().map(|line| said_at(line).len()).max().unwrap_or(0);
    let tabs = story.tabs > 1;
    for line in &lines {
        let tab = match line {
            Line::Said { tab: Some(tab), .. } if tabs => format!("tab {tab}"),
            _ => String::new(),
        };
        let margin = if tabs { time_width + 9 } else { time_width + 2 };
        let mut head = format!("{:>time_width$}  ", said_at(line));
        if tabs {
            head.push_str(&format!("{tab:<7}"));
        }
        let (depth, words) = match line {
            Line::Said { depth, happened, came, .. } if came.is_empty() => (*depth, happened.clone()),
            Line::Said { depth, happened, came, .. } => (*depth, format!("{happened}: {}", came.join("; "))),
            Line::Rounds { depth, text, .. } => (*depth, format!("… {text}")),
        };
        let indent = depth.min(DEEPEST) * STEP;
        for (i, part) in wrapped(&words, WIDTH.saturating_sub(margin + indent + 2)).iter().enumerate() {
            // Continuation lines are indented, so that a reader finds the start of the next line.
            let (lead, hang) = if i == 0 { (head.clone(), 0) } else { (" ".repeat(margin), 4) };
            out.push_str(&format!("{lead}{}{part}\n", " ".repeat(indent + hang)));
        }
    }
    if story.left_out > 0 {
        out.push_str(&format!(
            "{} are not told; --from and --to choose a part.\n",
            number::counted(story.left_out, "further step", "further steps")
        ));
    }
}

fn said_at(line: &Line) -> String {
    match line {
        Line::Said { at: Some(at), .. } => clock(*at),
        Line::Said { .. } | Line::Rounds { .. } => String::new(),
    }
}

/// Breaks text at spaces into lines of at most `width` characters. A longer word gets its own line.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        let long = word.chars().count();
        let last = lines.last_mut().expect("the list has a line");
        if !last.is_empty() && length + 1 + long > width {
            lines.push(word.to_owned());
            length = long;
        } else {
            if !last.is_empty() {
                last.push(' ');
                length += 1;
            }
            last.push_str(word);
            length += long;
        }
    }
    lines
}
