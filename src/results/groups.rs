//! Results by group: who sent the requests, and whom it hurt.

use super::{MetricValues, Results, measured, serial};
use crate::client::Families;
use crate::metrics::{Metric, metrics_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Results of one group under one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupResults {
    /// The kind of group: `cohort`, `policy`, `app`, `network` or `workload`.
    pub kind: String,
    /// The group's name, or the number of an app or a network without a name.
    pub group: String,
    /// Users or generic clients of the group, the mean over the replications.
    pub users: f64,
    /// The metrics that are counted by group.
    #[serde(with = "serial::by_name")]
    #[schemars(with = "BTreeMap<String, MetricValues>")]
    pub metrics: Vec<MetricValues>,
}

impl GroupResults {
    /// Values of this metric; absent if it is not counted by group.
    pub fn get(&self, metric: &str) -> Option<&MetricValues> {
        self.metrics.iter().find(|values| values.name == metric)
    }
}

/// A row of a table of groups: a metric of a group under each policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The group.
    pub group: String,
    /// The metric's name.
    pub metric: String,
    /// The metric's unit.
    pub unit: String,
    /// The value under each policy in words; empty where a policy does not have the group.
    pub cells: Vec<String>,
}

/// The tables of groups: each kind of group in the results, with its rows. A row whose values are all zero is left out.
pub fn tables(results: &Results) -> Vec<(String, Vec<Row>)> {
    let all = || results.policies.iter().flat_map(|policy| &policy.groups);
    let mut tables: Vec<(String, Vec<Row>)> = Vec::new();
    for group in all() {
        let kind = match tables.iter().position(|(kind, _)| *kind == group.kind) {
            Some(known) => known,
            None => {
                tables.push((group.kind.clone(), Vec::new()));
                tables.len() - 1
            }
        };
        let rows = &mut tables[kind].1;
        for metric in &group.metrics {
            if is_said_by_one_family(results, group, &metric.name) {
                continue;
            }
            // Under other policies, the group's users may run clients with other metrics.
            if rows.iter().any(|row| row.group == group.group && row.metric == metric.name) {
                continue;
            }
            let of = results.policies.iter().map(|policy| {
                let same = |other: &&GroupResults| other.kind == group.kind && other.group == group.group;
                policy.groups.iter().find(same)?.get(&metric.name)
            });
            let of: Vec<Option<&MetricValues>> = of.collect();
            if of.iter().flatten().all(|values| values.values.iter().all(|value| value.abs() == 0.0)) {
                continue;
            }
            let last = rows.iter().rposition(|row| row.group == group.group);
            let row = Row {
                group: group.group.clone(),
                metric: metric.name.clone(),
                unit: metric.unit.clone(),
                cells: of
                    .iter()
                    .map(|values| values.map_or_else(String::new, measured::with_interval))
                    .collect(),
            };
            rows.insert(last.map_or(rows.len(), |last| last + 1), row);
        }
    }
    tables
}

/// Whether a metric sums the flows of several families for a group whose users run clients of one: the family's own metric has the
/// same values, in its words.
fn is_said_by_one_family(results: &Results, group: &GroupResults, metric: &str) -> bool {
    let families = results.families();
    let all = metrics_of(families);
    let Some(def) = all.iter().find(|def| def.name == metric).filter(|def| def.of == Families::default())
    else {
        return false;
    };
    let own = def.metric.of_each(families).into_iter().skip(1);
    let has = |own: &Metric| all.iter().any(|def| def.metric == *own && group.get(def.name).is_some());
    own.filter(has).count() == 1
}
