//! Maps of a sweep, a chart for each metric: a line with its band for one key, a heat map for two, small heat maps for three.
//! Where points are no grid of at most three keys, a panel for each key shows all of them.

mod by_key;
mod heat;
mod line;

use super::Chart;
use super::axis::Scale;
use super::frame::Head;
use crate::experiment::sweep::{Axis, Cell, Table, Told};
use crate::text::number::{self, NEVER, short};
use crate::text::{clean, shorten};

/// The most policies that a chart shows. sweep.csv has the others.
const MOST_POLICIES: usize = 8;

/// A chart of each metric of the table.
pub fn sweep(table: &Table) -> Vec<Chart> {
    let draw = match (table.sweep.is_factorial(), table.points.axes.len()) {
        (true, 1) => line::draw,
        (true, 2 | 3) => heat::draw,
        _ => by_key::draw,
    };
    (0..table.metrics.len()).map(|metric| draw(table, metric)).collect()
}

/// The policies that are shown, by index.
fn shown(table: &Table) -> std::ops::Range<usize> {
    0..table.sweep.policies.len().min(MOST_POLICIES)
}

/// The scale of a metric, the same for all policies: of its means, and of one key of their intervals too, which its chart draws.
pub fn metric_scale(table: &Table, metric: usize) -> Scale {
    let draws_intervals = table.points.axes.len() == 1;
    let ends = |cell: Cell| [cell.mean, if draws_intervals { cell.high } else { cell.mean }];
    Scale::fitting(table.cells(metric).flat_map(ends).filter(|value| value.is_finite()))
}

/// The shown policies, those together of which every cell is the same.
fn alike(table: &Table, metric: usize) -> Vec<Vec<usize>> {
    let cells = |policy: usize| (0..table.sweep.count).map(move |point| table.cell(metric, policy, point));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for policy in shown(table) {
        match groups.iter_mut().find(|group| cells(group[0]).eq(cells(policy))) {
            Some(group) => group.push(policy),
            None => groups.push(vec![policy]),
        }
    }
    groups
}

/// The head of a chart: what the metric comes to, where the numbers come from, and how the picture is read.
fn head(table: &Table, metric: usize, how: &str) -> (String, Head) {
    let told = &table.metrics[metric];
    let sweep = &table.sweep;
    let title = title(told);
    let mut notes = vec![how.to_owned()];
    if told.never {
        notes.push(format!("“never”: {NEVER} in some replication, which no mean can count"));
    }
    notes.extend(sweep.cautions());
    if sweep.policies.len() > MOST_POLICIES {
        notes.push(format!("{} more policies are in sweep.csv", sweep.policies.len() - MOST_POLICIES));
    }
    let hash: String = sweep.scenario_hash.chars().take(12).collect();
    let provenance = [
        format!("scenario {}", shorten(&sweep.scenario, 60)),
        shorten(&sweep.headline(), 200),
        number::counted(sweep.replications.into(), "replication", "replications"),
        format!("seed {}", sweep.seed),
        format!("authstorm {}", clean(&sweep.version)),
        format!("sha256 {hash}"),
    ];
    let head = Head::from(&provenance.join(" · "), &title, &notes);
    (title, head)
}

/// What a metric comes to over the whole map.
fn title(told: &Told) -> String {
    let never = if told.never { format!("; elsewhere {NEVER}") } else { String::new() };
    let everywhere = if told.never { "" } else { " everywhere" };
    let name = told.name.replace('_', " ");
    match (told.least.is_finite(), told.least < told.most) {
        (false, _) => format!("{name}: {NEVER} anywhere"),
        (true, false) => format!("{name}: {} {}{everywhere}{never}", short(told.most), told.unit),
        (true, true) => format!("{name}: {} to {} {}{never}", short(told.least), short(told.most), told.unit),
    }
}

/// Places of the values of a key along an axis, from 0 to 1, with the least and the greatest value at a distance from the
/// ends. Numbers keep their distances, or their ratios if they span more than two decades or were asked for so. Words have
/// one distance.
pub fn axis_places(axis: &Axis) -> Vec<f64> {
    const AIR: f64 = 0.03;
    let numbers: Option<Vec<f64>> = axis.values.iter().map(|(_, number)| *number).collect();
    let Some(numbers) = numbers else {
        let last = axis.values.len().saturating_sub(1).max(1) as f64;
        return (0..axis.values.len()).map(|i| AIR + (1.0 - 2.0 * AIR) * i as f64 / last).collect();
    };
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log = least > 0.0 && (axis.log || most > 100.0 * least);
    let to = |number: f64| if log { libm::log(number) } else { number };
    let (from, length) = (to(least), to(most) - to(least));
    let share = |number: &f64| if length > 0.0 { (to(*number) - from) / length } else { 0.5 };
    numbers.iter().map(|number| AIR + (1.0 - 2.0 * AIR) * share(number)).collect()
}

/// Some of the values of an axis, as many as have room at their places: place and label.
fn labels(axis: &Axis, places: &[f64], width: f64) -> Vec<(f64, String)> {
    const AIR: f64 = 8.0;
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    // The ends have a label first, then what has room between them.
    let ends = [order.first(), order.last()].into_iter().flatten().copied();
    let order: Vec<usize> = ends.chain(order.iter().copied()).collect();
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let mut shown = Vec::new();
    for i in order {
        let label = super::typeface::TICK.fit(&clean(&axis.values[i].0), 120.0);
        let (at, half) = (places[i] * width, super::typeface::TICK.width(&label) / 2.0 + AIR / 2.0);
        if taken.iter().all(|(from, to)| at + half <= *from || *to <= at - half) {
            taken.push((at - half, at + half));
            shown.push((places[i], label));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: &[(&str, Option<f64>)], log: bool) -> Axis {
        let values = values.iter().map(|(text, number)| ((*text).to_owned(), *number)).collect();
        Axis { option: "--vary", key: "a".to_owned(), log, values }
    }

    #[test]
    fn places_keep_distances_or_ratios() {
        let close = |found: &[f64], expected: &[f64]| {
            let inner: Vec<f64> = found.iter().map(|place| (place - 0.03) / 0.94).collect();
            let same = inner.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
            assert!(same && found.len() == expected.len(), "{inner:?}");
        };
        let numbers = |values: [f64; 3]| values.map(|value| ("x", Some(value)));
        close(&axis_places(&axis(&numbers([10.0, 20.0, 50.0]), false)), &[0.0, 0.25, 1.0]);
        close(&axis_places(&axis(&numbers([1.0, 2.0, 4.0]), true)), &[0.0, 0.5, 1.0]);
        close(&axis_places(&axis(&numbers([1.0, 100.0, 10_000.0]), false)), &[0.0, 0.5, 1.0]);
        close(&axis_places(&axis(&[("p", None), ("q", None), ("r", None)], false)), &[0.0, 0.5, 1.0]);
    }

    #[test]
    fn labels_keep_their_distance_and_both_ends() {
        let values: Vec<(String, Option<f64>)> =
            (0..200).map(|i| (format!("{i}ms"), Some(f64::from(i)))).collect();
        let axis = Axis { option: "--vary", key: "a".to_owned(), log: false, values };
        let places = axis_places(&axis);
        for width in [120.0, 400.0, 1_200.0] {
            let mut shown = labels(&axis, &places, width);
            shown.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!((shown[0].1.as_str(), shown[shown.len() - 1].1.as_str()), ("0ms", "199ms"));
            for pair in shown.windows(2) {
                let half = |label: &str| super::super::typeface::TICK.width(label) / 2.0;
                assert!((pair[1].0 - pair[0].0) * width >= half(&pair[0].1) + half(&pair[1].1), "{pair:?}");
            }
        }
    }
}
