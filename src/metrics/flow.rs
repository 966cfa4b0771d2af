//! Metrics that count entries of a flow: of all clients, or of those of one family.

use super::definitions::Metric;
use crate::client::Families;
use crate::client::family::FlowMetrics;
use crate::protocol::MetricWords;

/// A metric that counts entries of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowMetric {
    /// [`FlowMetrics::entries`]
    Entries,
    /// [`FlowMetrics::sessions`]
    Sessions,
    /// [`FlowMetrics::worst_session`]
    WorstSession,
    /// [`FlowMetrics::recursive`]
    Recursive,
    /// [`FlowMetrics::depth_max`]
    DepthMax,
}

impl FlowMetric {
    /// What a metric counts of the entries of a flow; `None` for other metrics.
    pub fn of(metric: Metric) -> Option<FlowMetric> {
        match metric {
            Metric::FlowEntries => Some(FlowMetric::Entries),
            Metric::FlowSessions => Some(FlowMetric::Sessions),
            Metric::FlowWorstSession => Some(FlowMetric::WorstSession),
            Metric::RecursiveEntries => Some(FlowMetric::Recursive),
            Metric::FlowDepthMax => Some(FlowMetric::DepthMax),
            Metric::OfFamily(of, _) => Some(of),
            _ => None,
        }
    }

    /// The metric of the flow of one family, or of all clients.
    pub fn in_flow(self, family: Option<u8>) -> Metric {
        match (family, self) {
            (Some(family), of) => Metric::OfFamily(of, family),
            (None, FlowMetric::Entries) => Metric::FlowEntries,
            (None, FlowMetric::Sessions) => Metric::FlowSessions,
            (None, FlowMetric::WorstSession) => Metric::FlowWorstSession,
            (None, FlowMetric::Recursive) => Metric::RecursiveEntries,
            (None, FlowMetric::DepthMax) => Metric::FlowDepthMax,
        }
    }

    pub(super) fn words(self, metrics: &FlowMetrics) -> MetricWords {
        match self {
            FlowMetric::Entries => metrics.entries,
            FlowMetric::Sessions => metrics.sessions,
            FlowMetric::WorstSession => metrics.worst_session,
            FlowMetric::Recursive => metrics.recursive,
            FlowMetric::DepthMax => metrics.depth_max,
        }
    }
}

impl Metric {
    /// The metric, and where it counts the entries of the flows of several families, then that of each.
    pub fn of_each(self, families: Families) -> Vec<Metric> {
        let of = FlowMetric::of(self).filter(|_| families.are_several());
        let own = |of: FlowMetric| families.iter().map(move |family| of.in_flow(Some(family as u8)));
        std::iter::once(self).chain(of.into_iter().flat_map(own)).collect()
    }
}
