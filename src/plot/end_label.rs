//! Labels at the right ends of lines, each connected to its line.

use super::canvas::{Anchor, Canvas};
use super::frame::Plot;
use super::labels::spread;
use super::palette::Color;
use super::typeface::STRONG;
use crate::text::clean;

/// A label at the right end of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct EndLabel {
    /// Height of the line's end.
    pub y: f64,
    /// Name of the line's policy.
    pub name: String,
    /// Value in words. Never shortened.
    pub says: String,
    /// Colour of the line.
    pub line: Color,
    /// Colour of the text.
    pub text: Color,
}

/// Distance between the baselines of labels.
pub const LABEL_LINE: f64 = 16.0;
/// Length of the connection from a line to its label.
const LEADER: f64 = 20.0;
/// The widest label. The name of a release and what it says fit.
const LABEL_MOST: f64 = 370.0;
/// The widest label with several names. It leaves more room to the lines.
const MERGED_MOST: f64 = 250.0;

impl EndLabel {
    fn written(&self) -> String {
        let room = LABEL_MOST - STRONG.width(&self.says);
        format!("{}{}", STRONG.fit_name(&clean(&self.name), room), self.says)
    }

    /// Merges labels of lines that end together with the same text: `new, capped: none`.
    pub fn merged(labels: Vec<EndLabel>) -> Vec<EndLabel> {
        let all = labels.len();
        let mut groups: Vec<Vec<EndLabel>> = Vec::new();
        for label in labels {
            let same = |group: &&mut Vec<EndLabel>| {
                group[0].says == label.says && (group[0].y - label.y).abs() < 0.5
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(label),
                None => groups.push(vec![label]),
            }
        }
        let one = |mut group: Vec<EndLabel>| {
            let lines = group.len();
            let names: Vec<String> = group.iter().map(|label| label.name.clone()).collect();
            let mut label = group.swap_remove(0);
            if lines > 1 {
                // The lines cover each other. The colour of the first one is visible.
                let names = names.join(", ");
                let fits = STRONG.width(&names) + STRONG.width(&label.says) <= MERGED_MOST;
                label.name = match () {
                    () if fits => names,
                    () if lines == all => format!("all {lines}"),
                    () => format!("{lines} policies"),
                };
            }
            label
        };
        groups.into_iter().map(one).collect()
    }

    /// Width of these labels to the right of a plot.
    pub fn room(labels: &[EndLabel]) -> f64 {
        let widest = labels.iter().map(|label| STRONG.width(&label.written()));
        widest.fold(0.0, f64::max) + LEADER + 4.0
    }

    /// Draws the labels beside a plot, each connected to the end of its line.
    pub fn draw(labels: &[EndLabel], canvas: &mut Canvas<'_>, plot: &Plot) {
        let mut sorted: Vec<&EndLabel> = labels.iter().collect();
        sorted.sort_by(|a, b| a.y.total_cmp(&b.y));
        let wanted: Vec<f64> = sorted.iter().map(|label| label.y).collect();
        let placed = spread(&wanted, LABEL_LINE, plot.top, plot.bottom());
        for (label, y) in sorted.iter().zip(placed) {
            let tie = [
                (plot.right() + 1.0, label.y),
                (plot.right() + 4.0, label.y),
                (plot.right() + LEADER - 7.0, y),
                (plot.right() + LEADER - 3.0, y),
            ];
            canvas.path(&tie, label.line, 1.0);
            let at = (plot.right() + LEADER, y + 4.0);
            canvas.text(&label.written(), at, STRONG, label.text, Anchor::Left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::palette::INK;
    use super::*;

    #[test]
    fn lines_that_say_the_same_at_one_place_share_a_label() {
        let label = |name: &str, says: &str, y| EndLabel {
            y,
            name: name.to_owned(),
            says: says.to_owned(),
            line: INK,
            text: INK,
        };
        let labels = vec![label("a", ": 3", 10.0), label("b", ": none", 90.0), label("c", ": none", 90.0)];
        let merged: Vec<String> = EndLabel::merged(labels).iter().map(EndLabel::written).collect();
        assert_eq!(merged, ["a: 3", "b, c: none"]);
        let release = label("supabase-js-2.105.4", ": mean up to 0.0228 callers", 10.0);
        assert_eq!(release.written(), "supabase-js-2.105.4: mean up to 0.0228 callers");
        let long = (0..4).map(|i| label(&format!("policy-with-a-long-name-{i}"), ": none", 90.0)).collect();
        assert_eq!(EndLabel::merged(long)[0].written(), "all 4: none");
    }
}
