//! Finds results that depend on ties: runs every replication in scheduling order and with ties reversed.
//!
//! Two events tie if they are due in the same nanosecond and belong to different sessions. The model does not order
//! them. The simulator takes them in scheduling order, so that runs are repeatable. A result that changes with this
//! order is a property of the simulator, not of the scenario. Two orders are not reversed: the order of one session's
//! own events, which has a cause, and messages between tabs of one browser, which take no time and come first.

use crate::kernel::Time;
use crate::metrics::{MetricDef, metrics_of};
use crate::parallel;
use crate::world::{Control, Observer, Plan, Run, Stopped, observed, run_in_opposite_order};

/// Effect of ties on the runs of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Ties {
    /// Name of the policy.
    pub policy: String,
    /// Events of the policy's runs in scheduling order.
    pub events: u64,
    /// Events at times at which more than one session has an event. Included in `events`.
    pub tied: u64,
    /// Number of replications in which any count differs between the orders.
    pub replications: u32,
    /// Number of sessions whose counts differ, over all replications.
    pub sessions: u64,
    /// Number of timeline buckets that differ, over all replications.
    pub buckets: u64,
    /// Metrics that differ.
    pub metrics: Vec<Divergence>,
}

/// A metric that differs between the two orders.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Definition of the metric.
    pub def: MetricDef,
    /// Value per replication in scheduling order.
    pub own: Vec<f64>,
    /// Value per replication with ties reversed.
    pub opposite: Vec<f64>,
}

impl Divergence {
    /// Means over the replications: in scheduling order, and with ties reversed.
    pub fn means(&self) -> (f64, f64) {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        (mean(&self.own), mean(&self.opposite))
    }
}

/// Observer that counts events at times that several sessions share.
#[derive(Default)]
struct Counter {
    instant: Time,
    user: u32,
    several: bool,
    at_instant: u64,
    tied: u64,
}

impl Counter {
    fn close(&mut self) {
        self.tied += if self.several { self.at_instant } else { 0 };
    }
}

impl Observer for Counter {
    const ACTIVE: bool = true;

    fn event(&mut self, number: u64, time: Time, user: u32, _kind: &dyn std::fmt::Debug) {
        if number == 1 || time != self.instant {
            self.close();
            *self = Counter { instant: time, user, several: false, at_instant: 0, tied: self.tied };
        }
        self.at_instant += 1;
        self.several |= user != self.user;
    }
}

struct Pair {
    own: Run,
    tied: u64,
    opposite: Run,
}

/// Runs every policy in every replication in both orders, on the current thread pool.
///
/// # Errors
/// If a guard or `control` stops a run. Returns the first such run in the order of policies and replications.
pub fn ties(plan: &Plan, control: &Control) -> Result<Vec<Ties>, Stopped> {
    let replications = plan.scenario.replications;
    let jobs: Vec<(usize, u32)> =
        (0..plan.contenders.len()).flat_map(|c| (0..replications).map(move |r| (c, r))).collect();
    let pairs = parallel::map(&jobs, |&(contender, replication)| {
        let policy = &plan.contenders[contender].name;
        pair(plan, contender, replication, control).map_err(|stopped| stopped.of_run(policy, replication))
    });
    let pairs = pairs.into_iter().collect::<Result<Vec<Pair>, Stopped>>()?;
    let of_policy = plan.contenders.iter().zip(pairs.chunks(replications as usize));
    Ok(of_policy.map(|(contender, pairs)| summary(plan, &contender.name, pairs)).collect())
}

fn pair(plan: &Plan, contender: usize, replication: u32, control: &Control) -> Result<Pair, Stopped> {
    let (own, mut counter, _) = observed(plan, contender, replication, control, Counter::default())?;
    counter.close();
    let opposite = run_in_opposite_order(plan, contender, replication, control)?;
    Ok(Pair { own, tied: counter.tied, opposite })
}

fn summary(plan: &Plan, policy: &str, pairs: &[Pair]) -> Ties {
    let values = |of: &dyn Fn(&Pair) -> &Run| -> Vec<Vec<f64>> {
        pairs.iter().map(|pair| of(pair).metrics.tally.values(plan, None)).collect()
    };
    let (own, opposite) = (values(&|pair| &pair.own), values(&|pair| &pair.opposite));
    let metrics = metrics_of(plan.families).iter().enumerate().map(|(i, def)| Divergence {
        def: *def,
        own: own.iter().map(|values| values[i]).collect(),
        opposite: opposite.iter().map(|values| values[i]).collect(),
    });
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
    fn different<T: PartialEq>(a: &[T], b: &[T]) -> u64 {
        a.iter().zip(b).filter(|(a, b)| a != b).count() as u64
    }
    let sum = |of: &dyn Fn(&Pair) -> u64| pairs.iter().map(of).sum::<u64>();
    Ties {
        policy: policy.to_owned(),
        events: sum(&|p| p.own.events),
        tied: sum(&|p| p.tied),
        replications: pairs.iter().filter(|p| p.own.metrics != p.opposite.metrics).count() as u32,
        sessions: sum(&|p| different(&p.own.metrics.sessions, &p.opposite.metrics.sessions)),
        buckets: sum(&|p| {
            different(&p.own.metrics.tally.timeline.buckets, &p.opposite.metrics.tally.timeline.buckets)
        }),
        metrics: metrics.filter(|m| bits(&m.own) != bits(&m.opposite)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Study;
    use crate::metrics::Metric;

    /// Ties of a scenario in which scripted clients call at the same time. `rest` configures the backend.
    fn of(clients: u32, rest: &str) -> Ties {
        let text = format!(
            "version = 1\nname = \"t\"\nhorizon = \"10s\"\npolicies = [\"new\"]\n\
             [[workload]]\nname = \"w\"\nclients = {clients}\nat = [\"1s\"]\n\
             [backend.generic]\nlatency = {{ uniform = [\"10ms\", \"90ms\"] }}\n{rest}"
        );
        let plan = Study::parse("t.toml", &text).unwrap_or_else(|e| panic!("{e}")).plan();
        ties(&plan, &Control::default()).expect("runs").remove(0)
    }

    fn limit(key: &str) -> String {
        format!(
            "[[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"fixed-window\"\nkey = \"{key}\"\nlimit = 1\nwindow = \"9s\"\n"
        )
    }

    #[test]
    fn independent_clients_do_not_depend_on_ties() {
        let ties = of(7, "");
        assert!(ties.tied >= 7, "{ties:?}");
        assert_eq!(
            (ties.replications, ties.sessions, ties.buckets, ties.metrics.len()),
            (0, 0, 0, 0),
            "{ties:?}"
        );
        assert_eq!(of(7, &limit("session")).metrics, [], "each session has its own limit");
        assert_eq!(of(1, &limit("global")).tied, 0, "one session has no ties");
    }

    /// The tie decides which of seven clients the limit admits, not how many. The end of the last refused call depends
    /// on the latency of the client that makes it.
    #[test]
    fn a_shared_limit_admits_one_client_in_either_order() {
        let ties = of(7, &limit("global"));
        let counts = ties.metrics.iter().filter(|m| m.def.name != Metric::TimeToRecoverS.def().name);
        assert_eq!(counts.collect::<Vec<_>>(), Vec::<&Divergence>::new());
    }

    /// One worker and no queue: the client that is served first blocks the others for its own service time.
    #[test]
    fn ties_lists_the_metrics_that_depend_on_the_order() {
        let text = "version = 1\nname = \"t\"\nhorizon = \"10s\"\npolicies = [\"new\"]\nreplications = 3\n\
             [[workload]]\nname = \"w\"\nclients = 7\nat = [\"1s\"]\norbit = { uniform = [\"1s\", \"2s\"] }\n\
             [backend.generic]\nworkers = 1\nqueue = 0\nservice = { uniform = [\"10ms\", \"4s\"] }\n";
        let plan = Study::parse("t.toml", text).unwrap_or_else(|e| panic!("{e}")).plan();
        let ties = ties(&plan, &Control::default()).expect("runs").remove(0);
        assert!(ties.replications > 0 && ties.buckets > 0, "{ties:?}");
        let requests = ties
            .metrics
            .iter()
            .find(|m| m.def.name == "requests_total")
            .expect("the metric depends on the order");
        assert_eq!((requests.own.len(), requests.opposite.len()), (3, 3));
        assert_ne!(requests.own, requests.opposite);
        let (own, opposite) = requests.means();
        assert!(own > 7.0 && opposite > 7.0, "clients retry in either order: {requests:?}");
    }
}
