//! The cells of a sweep that are drawn and told: some metrics of every policy at every point.

use super::{Point, Points, Sweep};
use crate::metrics::{Harm, all_metrics};
use crate::results::{MetricValues, measured};
use std::collections::BTreeMap;

/// A metric of a sweep, with what it comes to over all cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The metric's name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it counts.
    pub definition: &'static str,
    /// The harm that greater values mean.
    pub harm: Harm,
    /// The least finite mean of a cell.
    pub least: f64,
    /// The greatest finite mean of a cell.
    pub most: f64,
    /// Whether a cell has a replication in which it does not happen within the run.
    pub never: bool,
}

impl Told {
    /// Whether cells differ.
    pub fn varies(&self) -> bool {
        self.never || self.least < self.most
    }

    /// Whether it says anything: a cell has another value than 0.
    pub fn happens(&self) -> bool {
        self.never || self.most > 0.0 || self.least < 0.0
    }
}

/// The metrics of a sweep, gathered point by point.
#[derive(Clone, Debug, Default)]
pub struct Metrics(BTreeMap<&'static str, (usize, Told)>);

impl Metrics {
    /// Adds the cells of a point.
    pub fn add(&mut self, point: &Point) {
        for values in point.policies.iter().flat_map(|policy| &policy.metrics) {
            let Some(place) = all_metrics().iter().position(|def| def.name == values.name) else { continue };
            let def = &all_metrics()[place];
            let told = Told {
                name: def.name,
                unit: def.unit,
                definition: def.definition,
                harm: def.harm,
                least: f64::INFINITY,
                most: f64::NEG_INFINITY,
                never: false,
            };
            let (_, told) = self.0.entry(def.name).or_insert((place, told));
            if values.mean.is_finite() {
                told.least = told.least.min(values.mean);
                told.most = told.most.max(values.mean);
            }
            told.never |= values.mean.is_infinite();
        }
    }

    /// The metrics: those that vary first, the gravest harm before others, then the order of results.
    pub fn ranked(&self) -> Vec<Told> {
        let mut all: Vec<&(usize, Told)> = self.0.values().collect();
        all.sort_by_key(|(place, told)| (!told.varies(), !told.happens(), told.harm, *place));
        all.into_iter().map(|(_, told)| told.clone()).collect()
    }
}

/// A metric of a policy at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Mean over the replications; infinite if any replication is.
    pub mean: f64,
    /// Lower end of its interval; equal to the mean where there is none.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Replications in which it does not happen within the run.
    pub never: u32,
    /// Replications.
    pub runs: u32,
}

impl Cell {
    fn of(values: &MetricValues) -> Cell {
        Cell {
            mean: values.mean,
            low: values.ci_low,
            high: values.ci_high,
            never: measured::never(&values.values) as u32,
            runs: values.values.len() as u32,
        }
    }

    /// Whether the metric is 0 in all replications.
    pub fn is_none(&self) -> bool {
        self.mean.abs() <= 0.0 && self.high <= self.low
    }

    /// Whether the cell has a mean.
    pub fn is_known(&self) -> bool {
        self.mean.is_finite()
    }
}

/// The cells of some metrics.
#[derive(Clone, Debug)]
pub struct Table {
    /// The sweep, without its points.
    pub sweep: Sweep,
    /// The points of its design.
    pub points: Points,
    /// The metrics.
    pub metrics: Vec<Told>,
    /// By metric, policy and point.
    cells: Vec<Option<Cell>>,
}

impl Table {
    /// A table without cells.
    pub fn new(sweep: Sweep, metrics: Vec<Told>) -> Table {
        let points = sweep.placed();
        let cells = vec![None; metrics.len() * sweep.policies.len() * sweep.count as usize];
        Table { sweep, points, metrics, cells }
    }

    /// Adds the cells of a point.
    pub fn add(&mut self, point: &Point) {
        for metric in 0..self.metrics.len() {
            for policy in 0..self.sweep.policies.len() {
                let found = point.policies.iter().find(|found| found.name == self.sweep.policies[policy]);
                let values = found.and_then(|found| found.get(self.metrics[metric].name));
                let at = self.at(metric, policy, point.point);
                self.cells[at] = values.map(Cell::of);
            }
        }
    }

    fn at(&self, metric: usize, policy: usize, point: u64) -> usize {
        (metric * self.sweep.policies.len() + policy) * self.sweep.count as usize + point as usize
    }

    /// The cell of a metric and a policy, by index, at a point; absent if the policy's client does not have the metric.
    pub fn cell(&self, metric: usize, policy: usize, point: u64) -> Option<Cell> {
        self.cells[self.at(metric, policy, point)]
    }

    /// The cells of a metric under all policies.
    pub fn cells(&self, metric: usize) -> impl Iterator<Item = Cell> + Clone + '_ {
        let each = self.sweep.policies.len() * self.sweep.count as usize;
        self.cells[metric * each..(metric + 1) * each].iter().copied().flatten()
    }

    /// The values of a point: `fleet.users = 10, horizon = 5m`.
    pub fn point_in_words(&self, point: u64) -> String {
        let keys = self.points.axes.iter().map(|axis| axis.key.as_str());
        let pairs = keys.zip(self.points.values(point)).map(|(key, value)| format!("{key} = {value}"));
        pairs.collect::<Vec<_>>().join(", ")
    }
}
