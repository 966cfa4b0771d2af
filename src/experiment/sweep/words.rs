//! A sweep in sentences.

use super::{Cell, Sweep, Table, Told};
use crate::client::token::label;
use crate::results::measured::mean_in_words;
use crate::stats::{CONFIDENCE, at_most};
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
                    let values = counted(axis.values.len() as u64, "value", "values");
                    format!("{} ({values}, {first} to {last}{scale})", clean(&axis.key))
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
        let name = format!("the {} of {}", told.name, label(&self.sweep.policies[policy]));
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
                let which = if known().count() == cells.len() { "every" } else { "every other" };
                format!("{name} is {} at {which} point", in_each(least, told))
            }
            (Some(least), Some(most)) => format!("{name} ranges from {} to {}", at(least), at(most)),
            _ => return Some(format!("{name} is {}", never_in_words(&cells, ""))),
        };
        if cells.iter().any(|(_, cell)| !cell.is_known()) {
            text.push_str(&format!("; it is {}", never_in_words(&cells, " of those")));
        }
        Some(text)
    }
}

/// At how many points some runs do not have a metric within the run, and how many.
fn never_in_words(cells: &[(u64, Cell)], of: &str) -> String {
    let unknown = || cells.iter().filter(|(_, cell)| !cell.is_known());
    let (never, runs) = unknown()
        .fold((0, 0), |sum, (_, cell)| (sum.0 + u64::from(cell.never), sum.1 + u64::from(cell.runs)));
    format!(
        "{NEVER} in {} of {} at {} of {} points, which no mean{of} can count",
        whole(never),
        counted(runs, "run", "runs"),
        whole(unknown().count() as u64),
        whole(cells.len() as u64)
    )
}

/// Says that a value is 0 in all replications of a cell, and in how many runs it may be another nevertheless: `in each of 4 replications
/// (95% bound: not 0 in at most 52.8% of runs)`.
pub(crate) fn in_each_of(replications: u32) -> String {
    format!(
        "in each of {} ({} bound: not 0 in at most {} of runs)",
        counted(replications.into(), "replication", "replications"),
        number::share(CONFIDENCE),
        number::upper_share(at_most(replications))
    )
}

/// The value that all runs of every cell have, with its bound where it is 0.
fn in_each(cell: &Cell, told: &Told) -> String {
    if cell.is_none() { cell_in_words(cell, told) } else { format!("{} {}", short(cell.mean), told.unit) }
}

/// What the runs took: `120 runs took 34,567 events`.
pub fn cost_in_words(sweep: &Sweep, events: u64) -> String {
    let runs = sweep.count * sweep.policies.len() as u64 * u64::from(sweep.replications);
    format!("{} took {}", counted(runs, "run", "runs"), counted(events, "event", "events"))
}

/// The value of a cell with its interval: `12.3 calls (10.1 to 14.5)`. Beside a value that is 0 in all runs stands the bound of how many
/// runs may have another.
pub(crate) fn cell_in_words(cell: &Cell, told: &Told) -> String {
    if !cell.is_known() {
        return match (cell.never, cell.runs) {
            (_, 1) => NEVER.to_owned(),
            (never, runs) => format!("{NEVER} in {never} of {runs} replications"),
        };
    }
    if cell.is_none() {
        return format!("0 {} {}", told.unit, in_each_of(cell.runs));
    }
    let mean = mean_in_words(cell.mean, &[]);
    match cell.low < cell.high {
        true => format!("{mean} {} ({} to {})", told.unit, short(cell.low), short(cell.high)),
        false => format!("{mean} {}", told.unit),
    }
}
