//! A sweep as results, so that two sweeps are compared as results are.

use super::{Point, PolicyPoint, Sweep};
use crate::results::{Engine, PolicyResults, Results};

impl Sweep {
    /// The points as results: a policy at a point is a policy of its own, `old at fleet.users = 50`, with its metrics alone.
    /// `scenario_text` is the scenario of the sweep.
    pub fn into_results(self, scenario_text: String) -> Results {
        let keys: Vec<String> = self.keys.iter().map(|axis| axis.key.clone()).collect();
        let at = |point: &Point| {
            let pairs = keys.iter().zip(&point.values).map(|(key, value)| format!("{key} = {value}"));
            pairs.collect::<Vec<_>>().join(", ")
        };
        let of_point = |point: Point| {
            let at = at(&point);
            let of_policy = move |policy: PolicyPoint| PolicyResults {
                name: format!("{} at {at}", policy.name),
                metrics: policy.metrics,
                ..PolicyResults::without_values()
            };
            point.policies.into_iter().map(of_policy).collect::<Vec<_>>()
        };
        Results {
            scenario: self.scenario,
            about: String::new(),
            client_model: String::new(),
            version: self.version,
            seed: self.seed,
            replications: self.replications,
            scenario_hash: self.scenario_hash,
            // A key may change the number of users, so that there is no one number of them.
            users: 0,
            horizon: self.horizon,
            bucket: None,
            faults: Vec::new(),
            precision: None,
            warm_up: Vec::new(),
            engine: Engine::default(),
            policies: self.points.into_iter().flat_map(of_point).collect(),
            expectations: Vec::new(),
            all_sessions: false,
            scenario_text,
            policy_files: Vec::new(),
            stories: Vec::new(),
            gaps: Vec::new(),
        }
    }
}
