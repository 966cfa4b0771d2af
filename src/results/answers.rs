//! How long answers take.

use crate::kernel::Dur;
use crate::metrics::latency::Latencies;
use crate::protocol::Endpoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Times from sending a call to its answer at an endpoint, over all replications. Calls without an answer are not counted.
/// A percentile is at most 3.2% from the exact one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answers {
    /// Name of the endpoint.
    pub endpoint: String,
    /// Number of answers, refusals included.
    pub answers: u64,
    /// Half of the answers come within this time.
    pub p50: Dur,
    /// Nine of ten answers come within this time.
    pub p90: Dur,
    /// 95 of a hundred answers come within this time; absent in results of a version that does not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Dur>,
    /// All but one of a hundred answers come within this time.
    pub p99: Dur,
}

impl Answers {
    /// The answers of every endpoint that gave any.
    pub fn all(latencies: &Latencies) -> Vec<Answers> {
        let of = |endpoint: Endpoint| Answers {
            endpoint: endpoint.name().to_owned(),
            answers: latencies.answers(endpoint),
            p50: latencies.percentile(endpoint, 50),
            p90: latencies.percentile(endpoint, 90),
            p95: Some(latencies.percentile(endpoint, 95)),
            p99: latencies.percentile(endpoint, 99),
        };
        Endpoint::ALL.into_iter().map(of).filter(|answers| answers.answers > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::Study;
    use crate::kernel::Dur;
    use crate::scenario::Settings;

    /// Nothing queues, so every answer takes the round trip of 250 ms, and a slow endpoint its own 2 s.
    #[test]
    fn answers_take_the_round_trip() {
        let set = ["backend.latency=250ms", "backend.touch.latency=2s", "fleet.users=50", "horizon=3m"];
        let settings =
            Settings { set: set.map(str::to_owned).to_vec(), replications: Some(2), ..Settings::default() };
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/healthy.toml");
        let results = Study::load_set(std::path::Path::new(path), &settings).unwrap().run().unwrap();
        for policy in &results.policies {
            let sent: u64 = policy.answers.iter().map(|answers| answers.answers).sum();
            let calls = policy.metric("requests_total").values.iter().sum::<f64>();
            let open = policy.metric("calls_unfinished").values.iter().sum::<f64>();
            assert!(
                sent as f64 <= calls && sent as f64 >= 0.9 * (calls - open),
                "{sent} answers of {calls} calls"
            );
            for answers in &policy.answers {
                let exact = if answers.endpoint == "touch" { Dur::from_secs(2) } else { Dur::from_ms(250) };
                for found in [answers.p50, answers.p90, answers.p99] {
                    assert!(found.0.abs_diff(exact.0) <= exact.0 / 31, "{answers:?}");
                }
            }
        }
    }
}
