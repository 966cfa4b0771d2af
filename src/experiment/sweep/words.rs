//! A sweep in sentences.

use super::{Cell, Sweep, Table, Told};
use crate::client::token::label;
use crate::results::measured::mean_in_words;
use crate::text::number::{NEVER, counted, short, whole};
use crate::text::{clean, number};

impl Sweep {
    /// What is swept: `12 points: every combination of fleet.users (4 values, 10 to 500) and horizon (3 values, 1m to 1h)`.
    pub fn headline(&self) -> String {
        let axis = |axis: &super::AxisValues| {
            let (first, last) = (clean(&axis.values[0]), clean(&axis.values[axis.values.len() - 1]));
            let scale = if axis.log { ", logarithmic" } else { "" };
            match (&axis.numbers, self.is_factorial()) {
                (Some(_), true) => {
                    format!("{} ({} values, {first} to {last}{scale})", clean(&axis.key), axis.values.len())
                }
                (Some(numbers), false) => {
                    let least = (0..numbers.len()).min_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
                    let most = (0..numbers.len()).max_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
                    let value = |i: Option<usize>| clean(&axis.values[i.unwrap_or(0)]);
                    format!("{} ({} to {}{scale})", clean(&axis.key), value(least), value(most))
                }
                (None, true) => format!("{} ({})", clean(&axis.key), clean(&axis.values.join(", "))),
                (None, false) => clean(&axis.key),
            }
        };
        let keys: Vec<String> = self.keys.iter().map(axis).collect();
        let how = match (self.is_factorial(), &keys[..]) {
            (true, [_]) => "every value",
            (true, _) => "every combination",
            (false, _) => "a Latin hypercube",
        };
        format!("{}: {how} of {}", counted(self.count, "point", "points"), keys.join(" and "))
    }

    /// How the intervals are meant, a sentence each, without full stops.
    pub fn cautions(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.push(match self.replications {
            0 | 1 => "there are no intervals: each cell has one replication".to_owned(),
            _ => format!(
                "each {} interval is pointwise: it holds for its own cell, not all cells together",
                number::share(self.confidence)
            ),
        });
        words.push(match self.common_random_numbers {
            true => "all points have the same random numbers: differences between cells are sharp, and the error is common to \
                     the cells, so that all of the map may lie high or low together"
                .to_owned(),
            false => "points have random numbers of their own, since the seed is among the keys".to_owned(),
        });
        words
    }
}

impl Table {
    /// What the metrics come to, a sentence for each policy, without full stops.
    pub fn in_words(&self) -> Vec<String> {
        let policies = self.sweep.policies.len();
        (0..self.metrics.len())
            .flat_map(|metric| (0..policies).filter_map(move |p| self.sentence(metric, p)))
            .collect()
    }

    fn sentence(&self, metric: usize, policy: usize) -> Option<String> {
        let told = &self.metrics[metric];
        let cells: Vec<(u64, Cell)> = (0..self.sweep.count)
            .filter_map(|point| Some((point, self.cell(metric, policy, point)?)))
            .collect();
        let name = format!("{} of {}", told.name, label(&self.sweep.policies[policy]));
        let known = || cells.iter().filter(|(_, cell)| cell.is_known());
        let least = known().min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean));
        // Of equal cells the first.
        let most = known().rev().max_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean));
        let at = |(point, cell): &(u64, Cell)| {
            format!("{} at {}", cell_in_words(cell, told), self.point_in_words(*point))
        };
        let mut text = match (least, most) {
            _ if cells.is_empty() => return None,
            (Some((_, least)), Some((_, most))) if least.mean.total_cmp(&most.mean).is_eq() => {
                format!("{name}: {} {}", short(least.mean), told.unit)
            }
            (Some(least), Some(most)) => format!("{name}: least {}; greatest {}", at(least), at(most)),
            _ => name,
        };
        let never = cells.iter().filter(|(_, cell)| !cell.is_known()).count();
        if never > 0 {
            text.push_str(&format!(
                "; at {} of {} points {NEVER} in some replication, which no mean can count",
                whole(never as u64),
                whole(cells.len() as u64)
            ));
        }
        Some(text)
    }
}

/// What the runs took: `120 runs took 34,567 events`.
pub fn cost_in_words(sweep: &Sweep, events: u64) -> String {
    let runs = sweep.count * sweep.policies.len() as u64 * u64::from(sweep.replications);
    format!("{} took {}", counted(runs, "run", "runs"), counted(events, "event", "events"))
}

/// The value of a cell with its interval: `12.3 calls (10.1 to 14.5)`.
pub(crate) fn cell_in_words(cell: &Cell, told: &Told) -> String {
    if !cell.is_known() {
        return match (cell.never, cell.runs) {
            (_, 1) => NEVER.to_owned(),
            (never, runs) => format!("{NEVER} in {never} of {runs} replications"),
        };
    }
    let mean = mean_in_words(cell.mean, &[]);
    match cell.low < cell.high {
        true => format!("{mean} {} ({} to {})", told.unit, short(cell.low), short(cell.high)),
        false => format!("{mean} {}", told.unit),
    }
}
