//! The rate limits of a run, read from the scenario's text in its results.

use super::Results;
use crate::backend::spec::LimitSpec;
use crate::protocol::Endpoint;
use crate::scenario::Scenario;
use crate::scenario::keys::keys_of;
use crate::text::number;

/// A rate limit of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The limit in words, with its endpoints: `limit on /touch: token-bucket of 5/10s, burst 5, per ip`.
    pub words: String,
    /// Requests per second of all callers together that pass it in the long run. Absent if callers have separate counts, if
    /// the limit bounds no rate, or if requests of the run do not all come to it: then its rate is no height in a chart that
    /// counts the requests of all callers to all endpoints.
    pub per_s: Option<f64>,
}

impl Limit {
    /// The label of a line at the height of the limit.
    pub fn label(&self) -> Option<String> {
        self.per_s.map(|rate| format!("limit: {}/s", number::short(rate)))
    }
}

/// The limits, in the order in which a call passes them. None for results without the scenario's text, or with one that this
/// version does not read.
pub fn limits(results: &Results) -> Vec<Limit> {
    let Ok(scenario) = toml::from_str::<Scenario>(&results.scenario_text) else { return Vec::new() };
    let called = called(results);
    let keys = keys_of(&scenario);
    let limit = |spec: &LimitSpec| {
        let all = called.iter().all(|endpoint| spec.endpoints.contains(endpoint));
        let rate = spec.rate().filter(|_| all && keys.count(spec.key) <= 1);
        let endpoints: Vec<String> = spec.endpoints.iter().map(|e| format!("/{}", e.name())).collect();
        Limit {
            words: format!("limit on {}: {}", endpoints.join(", "), spec.in_words()),
            per_s: rate.map(|rate| rate.count as f64 / rate.per.as_secs_f64()),
        }
    };
    scenario.backend.limits.iter().map(limit).collect()
}

/// The endpoints that any run called.
fn called(results: &Results) -> Vec<Endpoint> {
    let buckets = || results.policies.iter().flat_map(|p| &p.timelines).flat_map(|t| &t.buckets);
    let is_called = |e: &Endpoint| buckets().any(|bucket| bucket.calls[e.index()].iter().any(|n| *n > 0));
    Endpoint::ALL.into_iter().filter(is_called).collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    /// Results whose calls go to /touch, /client and a generic endpoint, with this limit.
    fn of(endpoints: &str, limit: &str) -> Vec<Limit> {
        let mut results = synthetic::storm(&["old", "new"], 60, 1);
        results.scenario_text = format!(
            "version = 1\nname = \"x\"\nhorizon = \"10m\"\npolicies = [\"old\"]\n[client]\nmodel = \"documented\"\n\
             [fleet]\nusers = 100\nusers-per-network = 20\n[[backend.limit]]\nendpoints = {endpoints}\n{limit}\n"
        );
        limits(&results)
    }

    #[test]
    fn only_a_limit_of_every_request_of_all_callers_has_a_height() {
        let bucket =
            |key: &str| format!("kind = \"token-bucket\"\nrate = \"100/10s\"\nburst = 5\nkey = \"{key}\"");
        let all = "[\"touch\", \"client\", \"generic\"]";
        let heights =
            |endpoints: &str, limit: &str| of(endpoints, limit).iter().map(|l| l.per_s).collect::<Vec<_>>();
        assert_eq!(heights(all, &bucket("global")), [Some(10.0)]);
        // The documented app is one; 100 users are behind 5 addresses.
        assert_eq!(heights(all, &bucket("app")), [Some(10.0)]);
        assert_eq!(heights(all, &bucket("ip")), [None]);
        assert_eq!(heights("[\"touch\"]", &bucket("global")), [None]);
        assert_eq!(heights(all, "kind = \"concurrency\"\nlimit = 9\nkey = \"global\""), [None]);
        let window = "kind = \"fixed-window\"\nlimit = 30\nwindow = \"1m\"\nkey = \"global\"";
        assert_eq!(heights(all, window), [Some(0.5)]);
        let words = &of("[\"touch\"]", &bucket("ip"))[0].words;
        assert_eq!(words, "limit on /touch: token-bucket of 100/10s, burst 5, per ip");
        assert_eq!(of(all, &bucket("global"))[0].label().as_deref(), Some("limit: 10/s"));
    }

    #[test]
    fn a_text_of_another_version_has_no_limits() {
        assert_eq!(of("[\"touch\"]", "kind = \"unheard-of\"\nkey = \"ip\""), []);
        assert_eq!(limits(&synthetic::storm(&["old"], 60, 1)), []);
    }
}
