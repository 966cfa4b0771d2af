//! What pools of workers do: offered and served calls, use of the workers, queue, and time at the workers.

use crate::backend::pool::PoolSpec;
use crate::backend::station::Totals;
use crate::kernel::Dur;
use crate::stats::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pool of workers, over all replications: a `[[backend.pool]]`, or the workers of one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Servers {
    /// Name of the pool, or of its endpoint.
    pub pool: String,
    /// Workers.
    pub workers: u32,
    /// Calls that reached the pool.
    pub offered: u64,
    /// Calls whose service ended.
    pub served: u64,
    /// Calls turned away with 503 because the queue was full.
    pub shed: u64,
    /// Calls turned away with 503 because they had waited too long.
    pub expired: u64,
    /// Calls left out or stopped because their clients had given up.
    pub abandoned: u64,
    /// Calls lost in a restart.
    pub dropped: u64,
    /// Share of the workers' time that they are busy, from 0 to 1.
    pub utilisation: f64,
    /// Mean number of waiting calls.
    pub waiting: f64,
    /// The most waiting calls at once, in the worst replication.
    pub most_waiting: u64,
    /// Mean wait of the calls whose service began, those that found a free worker included.
    pub mean_wait: Dur,
    /// Half of the served calls are at the workers, waiting and in service, no longer than this.
    pub p50: Dur,
    /// The same for 95 of a hundred.
    pub p95: Dur,
    /// The same for 99 of a hundred.
    pub p99: Dur,
}

/// What a run says of each pool, in the order of the plan.
pub type ServerTotals = Vec<(Totals, Histogram)>;

impl Servers {
    /// The pools over several runs of this length. Times at the workers are at most 3.2% from the exact ones.
    pub fn all(pools: &[PoolSpec], horizon: Dur, runs: &[ServerTotals]) -> Vec<Servers> {
        let time = horizon.0 as f64 * runs.len() as f64;
        let of = |(number, spec): (usize, &PoolSpec)| {
            let totals = || runs.iter().filter_map(|run| run.get(number)).map(|(totals, _)| totals);
            let sum = |count: fn(&Totals) -> u64| totals().map(count).sum::<u64>();
            let area = |area: fn(&Totals) -> u128| totals().map(area).sum::<u128>() as f64;
            let mut times = Histogram::default();
            runs.iter().filter_map(|run| run.get(number)).for_each(|(_, more)| times.add(more));
            let began = sum(|t| t.began);
            Servers {
                pool: spec.name.clone(),
                workers: spec.workers,
                offered: sum(|t| t.arrivals),
                served: sum(|t| t.served),
                shed: sum(|t| t.shed),
                expired: sum(|t| t.expired),
                abandoned: sum(|t| t.abandoned),
                dropped: sum(|t| t.dropped),
                utilisation: area(|t| t.busy_area) / (time * f64::from(spec.workers)),
                waiting: area(|t| t.queue_area) / time,
                most_waiting: totals().map(|t| t.longest).max().unwrap_or(0),
                mean_wait: Dur((area(|t| t.waits) / began.max(1) as f64) as u64),
                p50: times.percentile(50),
                p95: times.percentile(95),
                p99: times.percentile(99),
            }
        };
        pools.iter().enumerate().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::Study;
    use crate::kernel::Dur;

    /// Two workers, 4 calls every 10 s that come at once, service 1 s, room for one: of each four, two are served at once,
    /// one after a second, and one is shed. The workers are busy 3 s of 20 s, a call waits 1 s of 10 s.
    #[test]
    fn a_hand_computed_pool() {
        let text = "version = 1\nname = 'pool'\nhorizon = '100s'\nreplications = 2\npolicies = ['new']\n\
                    [[workload]]\nname = 'four'\nclients = 4\nevery = '10s'\nuntil = '95s'\n\
                    [backend.generic]\nservice = '1s'\nlatency = '50ms'\n\
                    [[backend.pool]]\nname = 'servers'\nendpoints = ['generic']\nworkers = 2\nqueue = 1\n";
        let results = Study::parse("pool", text).unwrap().run().unwrap();
        let [servers] = &results.policies[0].servers[..] else { panic!("one pool") };
        assert_eq!((servers.pool.as_str(), servers.workers, servers.most_waiting), ("servers", 2, 1));
        assert_eq!((servers.offered, servers.served, servers.shed), (80, 60, 20));
        assert!((servers.utilisation - 0.15).abs() < 1e-12 && (servers.waiting - 0.1).abs() < 1e-12);
        let third = Dur::from_secs(1).0 / 3;
        assert!(servers.mean_wait.0.abs_diff(third) <= 1, "{:?}", servers.mean_wait);
        for (found, exact) in [(servers.p50, 1), (servers.p95, 2), (servers.p99, 2)] {
            assert!(found.0.abs_diff(Dur::from_secs(exact).0) <= Dur::from_secs(exact).0 / 31, "{found}");
        }
    }
}
