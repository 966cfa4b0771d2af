//! Share of sessions with at least a given number of entries of the flow. A loop makes few sessions with
//! very many entries, which a mean hides.

use super::axis::{Scale, Tick};
use super::canvas::{Anchor, picture};
use super::frame::{Head, MARGIN, Plot, TIME_AXIS, WIDTH, only_zero, tick_width, with_unit};
use super::labels::together;
use super::palette::GREY;
use super::typeface::{HEADING, LABEL};
use super::{Chart, palette, titles};
use crate::results::{PolicyResults, Results};
use crate::text::number;

/// Width of the key to the right of the plot.
const KEY: f64 = 350.0;
/// Height of a policy in the key.
const KEY_ROW: f64 = 44.0;

/// Draws the chart. A scale that spans more than two decades is logarithmic.
pub fn entries_per_session(results: &Results) -> Chart {
    let curves: Vec<Vec<(u32, f64)>> = results.policies.iter().map(|p| at_least(results, p)).collect();
    let points = || curves.iter().flatten();
    let most = points().map(|&(entries, _)| entries).max().unwrap_or(0);
    let any = most > 0;

    let title = titles::worst_session(results);
    let enter = results.flow().enter;
    let notes = [format!(
        "share of the sessions that {enter} at least so often; dots: the {} session",
        titles::most_entries(results)
    )];
    let head = Head::new(results, &title, &notes);

    let across = if most > 100 { Scale::log(1.0, most.into()) } else { Scale::linear(f64::from(most)) };
    let up = match Scale::fitting(points().map(|&(_, percent)| percent)) {
        Scale::Log { low, .. } => Scale::Log { low, high: 100.0 },
        linear => linear,
    };
    let ticks = if any { up.ticks(5, false) } else { only_zero(up.ticks(5, false)) };
    let ticks: Vec<Tick> = with_percent(ticks);
    let left = MARGIN + tick_width(&ticks);
    let plot = Plot {
        left,
        top: head.height(),
        width: WIDTH - MARGIN - KEY - left,
        height: (results.policies.len() as f64 * KEY_ROW).max(340.0),
        across,
        up,
    };
    let words = results.flow();
    let unit = format!(" {}", if most <= 1 { words.entry } else { words.plural() });
    let mut counts = with_unit(plot.across.ticks(8, true), &unit);
    // 0 on a logarithmic scale stands for "any" and needs no label.
    counts.retain(|tick| tick.value > 0.0 || !plot.across.is_log());

    let svg = picture(WIDTH, plot.bottom() + TIME_AXIS + MARGIN / 2.0, &title, |canvas| {
        head.draw(canvas);
        plot.rows(canvas, &ticks, true);
        plot.baseline(canvas, &counts);
        for (i, curve) in curves.iter().enumerate().rev().filter(|(i, _)| first_like(&curves, *i) == *i) {
            let Some(&(worst, share)) = curve.last() else { continue };
            let color = palette::policy(i).line;
            // Left of the first number the line continues at its height: as many sessions have at least that many entries.
            let mut line = vec![(plot.left, plot.y(curve[0].1))];
            for &(entries, percent) in curve {
                let before = line.last().map_or(0.0, |point| point.0);
                line.push((before, plot.y(percent)));
                line.push((plot.x(entries.into()), plot.y(percent)));
            }
            canvas.path(&line, color, 2.0);
            canvas.dot((plot.x(worst.into()), plot.y(share)), 4.0, color);
        }
        if !any {
            plot.say(canvas, &format!("no {}", words.plural()));
        }
        let mut y = plot.top + 10.0;
        for (i, policy) in results.policies.iter().enumerate().filter(|(i, _)| first_like(&curves, *i) == *i)
        {
            let (left, color) = (plot.right() + 26.0, palette::policy(i));
            canvas.line((left, y - 4.0), (left + 16.0, y - 4.0), color.line, 3.0);
            let room = WIDTH - MARGIN - left - 24.0;
            let alike = (0..curves.len()).filter(|j| first_like(&curves, *j) == i);
            let names: Vec<String> = alike.map(|j| results.policies[j].label()).collect();
            let name = together(&names, HEADING, room);
            canvas.text(&name, (left + 24.0, y), HEADING, color.text, Anchor::Left);
            let worst = LABEL.fit(&most_named(results, policy), room);
            canvas.text(&worst, (left + 24.0, y + HEADING.line()), LABEL, GREY, Anchor::Left);
            y += KEY_ROW;
        }
    });
    Chart { file_stem: "entries-per-session", svg }
}

/// The first policy with the same curve. One line and one entry of the key stand for all policies with that curve.
fn first_like(curves: &[Vec<(u32, f64)>], i: usize) -> usize {
    curves[..i].iter().position(|curve| *curve == curves[i]).unwrap_or(i)
}

/// `(entries, percent of all sessions with at least so many)`, for every number of entries that occurs, from 1 on.
pub fn at_least(results: &Results, policy: &PolicyResults) -> Vec<(u32, f64)> {
    let sessions = f64::from(results.users) * f64::from(results.replications);
    let mut so_far = 0u64;
    let mut curve: Vec<(u32, f64)> = Vec::new();
    for &(entries, count) in policy.entries_distribution.iter().rev().filter(|(entries, _)| *entries > 0) {
        so_far += count;
        if so_far > 0 {
            curve.push((entries, (100.0 * so_far as f64 / sessions.max(1.0)).min(100.0)));
        }
    }
    curve.reverse();
    curve
}

/// The session with most entries, as `sessions.csv` numbers it. Where that file leaves it out, its entries only.
fn most_named(results: &Results, policy: &PolicyResults) -> String {
    let words = results.flow();
    let most = policy.entries_distribution.iter().rev().find(|(_, sessions)| *sessions > 0);
    let Some(&(entries, _)) = most.filter(|(entries, _)| *entries > 0) else {
        return format!("no {}", words.plural());
    };
    let counted = number::counted(entries.into(), words.entry, words.plural());
    let says = format!("{}: {counted}", titles::most_entries(results));
    match policy.sessions.iter().find(|row| row.entries == entries) {
        Some(row) => format!("{says} (session {}, replication {})", row.session, row.replication),
        None => says,
    }
}

fn with_percent(mut ticks: Vec<Tick>) -> Vec<Tick> {
    for tick in &mut ticks {
        tick.label.push('%');
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    #[test]
    fn policies_with_one_curve_share_a_line_and_a_name() {
        let mut results = synthetic::storm(&["old", "a", "b", "new"], 60, 1);
        let same = results.policies[1].entries_distribution.clone();
        results.policies[2].entries_distribution = same;
        let svg = entries_per_session(&results).svg;
        assert!(svg.contains("a, b\n"), "their names stand together");
        assert_eq!(svg.matches("<polyline").count(), 2, "old, and one for a and b; new has no entries");
    }
}
