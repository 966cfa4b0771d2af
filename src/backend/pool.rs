//! `[[backend.pool]]`: workers that several endpoints share, and what they do with more calls than they can serve.

use crate::kernel::Dur;
use crate::protocol::Endpoint;
use crate::spec::leaf::{Name, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Workers that serve the calls of several endpoints, with one queue. The service time of a call is the `service` of its
/// endpoint. An endpoint with `workers` of its own has a pool for itself: first in, first out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[backend.pool]]")]
pub struct PoolSpec {
    /// Name of the pool in results.
    #[schemars(with = "Name", example = &"api")]
    pub name: String,
    /// The endpoints whose calls the workers serve. Each has a `service` and no `workers` of its own.
    #[schemars(length(min = 1, max = Endpoint::COUNT), example = vec!["tokens", "touch"])]
    pub endpoints: Vec<Endpoint>,
    /// Workers, each of which serves one call at a time.
    #[schemars(range(min = 1, max = 1_000_000), example = 8, extend("x-unit" = "workers"))]
    pub workers: u32,
    /// Calls that may wait for a worker; `sheds` says which call is shed with 503 when there are more. Without it, any
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 100, extend("x-unit" = "calls"))]
    pub queue: Option<u32>,
    /// Which waiting call a free worker takes.
    #[serde(default)]
    pub order: Order,
    /// Calls that wait before the newest goes first. With fewer, the oldest goes first (HHVM,
    /// `Server.ThreadJobLIFOSwitchThreshold`).
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("x-unit" = "calls", "x-only" = { "order": ["lifo"] }))]
    pub lifo_above: u32,
    /// Which call is shed when the queue is full.
    #[serde(default)]
    pub sheds: Sheds,
    /// A worker that becomes free turns calls away with 503 that have waited longer than this (HHVM,
    /// `Server.ThreadJobMaxQueuingMilliSeconds`). Without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "5s")]
    pub max_wait: Option<Dur>,
    /// The longest wait depends on whether the queue is ever empty: controlled delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codel: Option<Codel>,
    /// Whether the workers serve a call whose client has given up: whose `timeout` has passed.
    #[serde(default)]
    pub deadline: Deadline,
    /// Time added to the service of a call for each call in service when it begins, itself included: servers whose
    /// latency grows with concurrency. Without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "10ms")]
    pub service_per_call: Option<Dur>,
    /// How the workers come back after an outage. Without it, all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStart>,
}

/// Which waiting call a free worker takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The one that has waited longest.
    #[default]
    Fifo,
    /// The one that came last.
    Lifo,
}

/// Which call is shed when the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sheds {
    /// The one that comes.
    #[default]
    Newest,
    /// The one that has waited longest. The one that comes takes its place.
    Oldest,
}

/// What workers do with a call whose client has given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deadline {
    /// They serve it like any other: the server does not notice.
    #[default]
    Ignored,
    /// They leave it out when its turn comes. A call in service is served to its end.
    BeforeService,
    /// They also stop the service of a call at its deadline (gRPC, "Deadlines": the server cancels the call).
    DuringService,
}

/// Controlled delay (B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015). A call may wait for `interval`, but only for
/// `target` if the queue was not empty at any time during the `interval` before the call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "codel")]
pub struct Codel {
    /// The longest wait of a call while the queue stands. The article uses 5 ms.
    #[schemars(extend("x-above-zero" = true), example = "5ms")]
    pub target: Dur,
    /// The longest wait otherwise, and the time for which a queue stands. The article uses 100 ms.
    #[schemars(extend("x-above-zero" = true), example = "100ms")]
    pub interval: Dur,
}

/// After an outage of an endpoint of the pool, or a restart, the workers in use grow linearly, in at most 100 steps, from
/// a share of them to all of them (nginx, `slow_start`; Envoy, `slow_start_config` with aggression 1).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "slow-start")]
pub struct SlowStart {
    /// Time until all workers are in use.
    #[schemars(extend("x-above-zero" = true), example = "30s")]
    pub lasts: Dur,
    /// Share of the workers in use at its begin; at least one worker. Envoy's default `min_weight_percent` is 10%.
    #[serde(default = "a_tenth")]
    #[schemars(with = "Share", example = 0.1)]
    pub from: f64,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn a_tenth() -> f64 {
    0.1
}

/// The most steps in which a slow start goes.
const MOST_STEPS: u32 = 100;

impl SlowStart {
    /// Time from one step to the next.
    pub fn step(&self, workers: u32) -> Dur {
        Dur((self.lasts.0 / u64::from(workers.min(MOST_STEPS))).max(1))
    }

    /// Workers in use this long after the outage: a whole number, at least 1.
    pub fn workers_at(&self, workers: u32, since: Dur) -> u32 {
        if since >= self.lasts {
            return workers;
        }
        let share = self.from + (1.0 - self.from) * (since.0 as f64 / self.lasts.0 as f64);
        ((f64::from(workers) * share) as u32).clamp(1, workers)
    }
}

impl PoolSpec {
    /// A pool of one endpoint that says `workers` and `queue` itself.
    pub(super) fn own(endpoint: Endpoint, workers: u32, queue: Option<u32>) -> PoolSpec {
        PoolSpec {
            name: endpoint.name().to_owned(),
            endpoints: vec![endpoint],
            workers,
            queue,
            order: Order::Fifo,
            lifo_above: 0,
            sheds: Sheds::Newest,
            max_wait: None,
            codel: None,
            deadline: Deadline::Ignored,
            service_per_call: None,
            slow_start: None,
        }
    }

    /// Whether the pool may turn a call away.
    pub fn may_shed(&self) -> bool {
        self.queue.is_some() || self.max_wait.is_some() || self.codel.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 workers from a tenth: 2 at first, 11 in the middle (0.55 of 20), all at the end.
    #[test]
    fn workers_come_back_linearly() {
        let slow = SlowStart { lasts: Dur::from_secs(30), from: 0.1 };
        let at = |s: u64| slow.workers_at(20, Dur::from_secs(s));
        assert_eq!([0, 10, 15, 20, 30, 90].map(at), [2, 8, 11, 14, 20, 20]);
        assert_eq!(slow.step(20), Dur::from_ms(1_500));
        assert_eq!(slow.step(1_000_000), Dur::from_ms(300));
        let none = SlowStart { from: 0.0, ..slow };
        assert_eq!(none.workers_at(20, Dur::ZERO), 1, "one worker at least");
    }
}
