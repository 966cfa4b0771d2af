//! Numbers with labels that expectations name, and the recorded values of what a condition names.

use super::{GroupResults, PolicyResults, Results};
use crate::plan::GroupKind;
use crate::scenario::expect::{Quantity, What};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The values of a number with labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedValues {
    /// Its name with its labels: `answer_time_s{endpoint=touch, quantile=p99}`.
    pub name: String,
    /// The unit of the values.
    pub unit: String,
    /// One value per replication, in order of replications; absent in a replication that has none.
    pub values: Vec<Option<f64>>,
}

impl Results {
    /// The values, one per replication, that these results hold of a quantity; absent if they do not hold it.
    pub fn values_of(&self, quantity: &Quantity) -> Option<Vec<Option<f64>>> {
        let policy = self.policy(&quantity.policy)?;
        let some = |values: &[f64]| values.iter().copied().map(Some).collect();
        let What::Metric(def) = quantity.what else {
            let name = quantity.name();
            return policy.named.iter().find(|named| named.name == name).map(|named| named.values.clone());
        };
        for (label, name) in quantity.labels.iter().filter(|(label, _)| label.says_whose()) {
            // A policy that no other is mixed with has all users.
            if let Some(groups) = policy.groups_of(label.users().map_or("workload", GroupKind::name)) {
                let group = groups.into_iter().find(|group| group.group == *name)?;
                return group.get(def.name).map(|values| some(&values.values));
            }
        }
        policy.get(def.name).map(|metric| some(&metric.values))
    }
}

impl PolicyResults {
    /// The groups of a kind; absent if the scenario has one group of it only, which has the values of the policy.
    fn groups_of(&self, kind: &str) -> Option<Vec<&GroupResults>> {
        let groups: Vec<&GroupResults> = self.groups.iter().filter(|group| group.kind == kind).collect();
        (!groups.is_empty()).then_some(groups)
    }
}
