//! Results by group: cohorts, policies of a mix, apps, regions, networks, workloads.

use super::job::Summary;
use crate::client::workload::GENERIC;
use crate::metrics::groups::GroupCounts;
use crate::metrics::{Metric, MetricDef, metrics_of};
use crate::plan::GroupKind;
use crate::results::{GroupResults, MetricValues};
use crate::world::{Plan, WorkloadTotals};
use std::cmp::Reverse;

/// The most apps and the most networks in results: those with the worst harm.
pub(crate) const WORST_GROUPS: usize = 10;

/// The results of the groups of a contender. `summaries` are those of its replications, in order.
pub(super) fn results(plan: &Plan, contender: usize, summaries: &[Summary]) -> Vec<GroupResults> {
    let metrics = metrics_of(plan.families);
    let mut all = Vec::new();
    for (at, by) in plan.groupings(contender).into_iter().enumerate() {
        let counts = |group: usize| summaries.iter().map(move |summary| &summary.groups[at][group]);
        let mut chosen: Vec<usize> = (0..by.count).collect();
        if matches!(by.kind, GroupKind::App | GroupKind::Network) {
            chosen.sort_by_cached_key(|group| (harm(counts(*group)), *group));
            chosen.truncate(WORST_GROUPS);
        }
        for group in chosen {
            let values = |def: &MetricDef| {
                let values: Vec<Option<f64>> = counts(group).map(|counts| counts.value(def.metric)).collect();
                // In a mix of clients, a group may have users of a family in some replications.
                let any = values.iter().any(Option::is_some);
                any.then(|| {
                    MetricValues::of(def, values.into_iter().map(Option::unwrap_or_default).collect())
                })
            };
            let users = counts(group).map(|counts| counts.users as f64);
            all.push(GroupResults {
                kind: by.kind.name().to_owned(),
                group: by.name(plan, contender, group),
                users: users.sum::<f64>() / summaries.len().max(1) as f64,
                metrics: metrics.iter().filter_map(values).collect(),
            });
        }
    }
    if plan.workloads.len() > 1 {
        for (at, spec) in plan.scenario.workloads.iter().enumerate() {
            let values = |def: &MetricDef| {
                let totals = summaries.iter().map(|summary| &summary.workloads[at]);
                let values: Option<Vec<f64>> = totals.map(|totals| of_workload(totals, def.metric)).collect();
                values.map(|values| MetricValues::of(def, values))
            };
            all.push(GroupResults {
                kind: "workload".to_owned(),
                group: spec.name.clone(),
                users: f64::from(spec.clients),
                metrics: metrics.iter().filter_map(values).collect(),
            });
        }
    }
    all
}

/// Sorts groups by the harm to their users in all replications, the worst first: sign-outs that no one but the client caused,
/// then recursive and failed entries, then requests.
fn harm<'a>(counts: impl Iterator<Item = &'a GroupCounts>) -> Reverse<(u64, u64, u64)> {
    let mut sum = GroupCounts::default();
    counts.for_each(|counts| sum.add(counts));
    let sign_outs = sum.harms.false_sign_outs + sum.harms.reuse_sign_outs;
    Reverse((sign_outs, sum.sum(|flow| flow.recursive + flow.failed), sum.requests))
}

/// The value of a metric for the clients of a workload; `None` for a metric that is not counted by workload.
pub(super) fn of_workload(totals: &WorkloadTotals, metric: Metric) -> Option<f64> {
    match metric {
        Metric::RequestsTotal => Some((totals.calls + totals.retries) as f64),
        Metric::Requests(endpoint) if endpoint == GENERIC => Some((totals.calls + totals.retries) as f64),
        Metric::CallersBegun => Some(totals.calls as f64),
        Metric::CallersServed => Some(totals.answered as f64),
        Metric::CallersGaveUp => Some(totals.gave_up as f64),
        Metric::CallersUnfinished => Some(totals.under_way() as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{all_metrics, is_counted_by_workload};

    #[test]
    fn the_metrics_of_workloads_are_those_that_conditions_may_name() {
        for def in all_metrics() {
            let has = of_workload(&WorkloadTotals::default(), def.metric).is_some();
            assert_eq!(has, is_counted_by_workload(def.metric), "{}", def.name);
        }
    }
}
