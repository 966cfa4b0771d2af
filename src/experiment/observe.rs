//! What a run shows of the quantities that expectations name.

use super::groups::of_workload;
use super::job::Summary;
use super::verdict::{lacks, missing};
use crate::kernel::Dur;
use crate::metrics::numbers::{is_of_outcome, least_for_quantile, percent_of};
use crate::metrics::{Label, Number, NumberDef, Outcome, metrics_of};
use crate::plan::GroupKind;
use crate::protocol::Endpoint;
use crate::results::{NamedValues, Servers};
use crate::scenario::expect::{Quantity, What};
use crate::world::Plan;

/// What one run shows of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// The value; absent where a run has none, such as a quantile of no answers.
    pub(super) value: Option<f64>,
    /// Why the run cannot judge the value; absent if it can.
    pub(super) missing: Option<&'static str>,
}

/// What the replications show of a quantity, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observed {
    quantity: Quantity,
    pub(super) readings: Vec<Reading>,
}

impl Observed {
    /// Values that results hold, without a word on what could have moved them.
    pub(super) fn recorded(quantity: &Quantity, values: Vec<Option<f64>>) -> Observed {
        let readings = values.into_iter().map(|value| Reading { value, missing: None });
        Observed { quantity: quantity.clone(), readings: readings.collect() }
    }

    /// Whether these are the readings of a quantity.
    pub(super) fn is_of(&self, quantity: &Quantity) -> bool {
        let (own, other) = (&self.quantity, quantity);
        own.policy == other.policy
            && own.of_baseline == other.of_baseline
            && own.what.name() == other.what.name()
            && own.labels == other.labels
    }

    /// Values of a metric with the stimuli of its runs.
    #[cfg(test)]
    pub(super) fn of_values(
        quantity: &Quantity,
        values: &[f64],
        plan: &Plan,
        exercises: &[crate::metrics::Exercise],
    ) -> Observed {
        let reading = |(value, exercise): (&f64, &crate::metrics::Exercise)| Reading {
            value: Some(*value),
            missing: missing(exercise, plan, quantity.stimulus()),
        };
        let readings = values.iter().zip(exercises).map(reading).collect();
        Observed { quantity: quantity.clone(), readings }
    }
}

/// What the runs of a contender show of the quantities of its policy, each once.
pub(super) fn observe<'a>(
    plan: &Plan,
    contender: usize,
    runs: &[Summary],
    quantities: impl Iterator<Item = &'a Quantity>,
) -> Vec<Observed> {
    let name = &plan.contenders[contender].name;
    let mut all: Vec<Observed> = Vec::new();
    for quantity in quantities.filter(|quantity| quantity.policy == *name) {
        // The runs hold what a later check compares with a baseline.
        let quantity = &Quantity { of_baseline: false, ..quantity.clone() };
        if !all.iter().any(|observed| observed.is_of(quantity)) {
            let readings = runs.iter().map(|run| read(quantity, plan, contender, run)).collect();
            all.push(Observed { quantity: quantity.clone(), readings });
        }
    }
    all
}

/// The observed numbers with labels, as results hold them. Metrics have their own place.
pub(super) fn named(observed: &[Observed]) -> Vec<NamedValues> {
    let has_name = |observed: &&Observed| matches!(observed.quantity.what, What::Number(_));
    let named = observed.iter().filter(has_name).map(|observed| NamedValues {
        name: observed.quantity.name(),
        unit: observed.quantity.what.unit().to_owned(),
        values: observed.readings.iter().map(|reading| reading.value).collect(),
    });
    named.collect()
}

/// What one run shows of a quantity.
pub(super) fn read(quantity: &Quantity, plan: &Plan, contender: usize, run: &Summary) -> Reading {
    let reading = match quantity.what {
        What::Number(def) => of_number(quantity, def, plan, run),
        What::Metric(def) => {
            // In the words of the scenario's clients.
            let place = metrics_of(plan.families).iter().position(|other| other.name == def.name);
            let place = place.expect("loading checks that the clients have the metric");
            let def = &metrics_of(plan.families)[place];
            let whole = || run.values[place];
            let of_cohort = quantity.label(Label::Cohort).and_then(|name| {
                // The only cohort of a scenario has all users.
                let at = plan.groupings(contender).iter().position(|by| by.kind == GroupKind::Cohort)?;
                let group = plan.cohorts.iter().position(|cohort| cohort.name == name)?;
                // Clients of a cohort without the metric have none of what it counts.
                Some(run.groups[at][group].value(def.metric).unwrap_or_default())
            });
            let of_workload = quantity.label(Label::Workload).and_then(|name| {
                let at = plan.scenario.workloads.iter().position(|spec| spec.name == name)?;
                of_workload(&run.workloads[at], def.metric)
            });
            let value = Some(of_cohort.or(of_workload).unwrap_or_else(whole));
            Reading { value, missing: lacks(plan, contender, def) }
        }
    };
    let stimulus = missing(&run.exercise, plan, quantity.stimulus());
    Reading { missing: stimulus.or(reading.missing), ..reading }
}

fn of_number(quantity: &Quantity, def: &NumberDef, plan: &Plan, run: &Summary) -> Reading {
    match def.number {
        Number::Calls => calls(quantity, run),
        Number::AnswerTime => {
            let endpoint = quantity.label(Label::Endpoint).and_then(Endpoint::named);
            let endpoint = endpoint.expect("loading checks endpoints");
            quantile(quantity, run.latencies.answers(endpoint), |p| run.latencies.percentile(endpoint, p))
        }
        Number::LimitAsked
        | Number::LimitRefused
        | Number::LimitKeysRefused
        | Number::LimitCallersRefused
        | Number::LimitInnocentRefused => limit(quantity, def.number, run),
        number => pool(quantity, number, plan, run),
    }
}

fn calls(quantity: &Quantity, run: &Summary) -> Reading {
    let endpoint = quantity.label(Label::Endpoint).and_then(Endpoint::named);
    let outcome = quantity.label(Label::Outcome);
    let count = |is_counted: &dyn Fn(Outcome) -> bool| -> u64 {
        let endpoints = Endpoint::ALL.into_iter().filter(|other| endpoint.is_none_or(|e| e == *other));
        let outcomes = Outcome::ALL.into_iter().filter(|outcome| is_counted(*outcome));
        let pairs = endpoints.flat_map(|e| outcomes.clone().map(move |o| (e.index(), o as usize)));
        let of_bucket = |(endpoint, outcome): (usize, usize)| -> u64 {
            run.timeline.buckets.iter().map(|bucket| bucket.calls[endpoint][outcome]).sum()
        };
        pairs.map(of_bucket).sum()
    };
    let any = count(&|_| true) > 0;
    Reading {
        value: Some(count(&|other| is_of_outcome(other, outcome)) as f64),
        missing: (!any).then_some("no call of the endpoint is sent"),
    }
}

/// The quantile that a quantity names of so many durations.
fn quantile(quantity: &Quantity, count: u64, of: impl Fn(u64) -> Dur) -> Reading {
    let percent = quantity.label(Label::Quantile).and_then(percent_of).expect("loading checks quantiles");
    match count < least_for_quantile(percent) {
        true => Reading { value: None, missing: Some("too few calls are answered for the quantile") },
        false => Reading { value: Some(of(percent).as_secs_f64()), missing: None },
    }
}

fn pool(quantity: &Quantity, number: Number, plan: &Plan, run: &Summary) -> Reading {
    let name = quantity.label(Label::Pool);
    let at = plan.backend.pools.iter().position(|pool| Some(pool.name.as_str()) == name);
    let at = at.expect("loading checks pools");
    let (totals, times) = &run.servers[at];
    if number == Number::PoolTime {
        return quantile(quantity, times.count(), |percent| times.percentile(percent));
    }
    // The same numbers as in results, of one run.
    let alone =
        Servers::all(&plan.backend.pools[at..=at], plan.scenario.horizon, &[vec![run.servers[at].clone()]]);
    let Some(servers) = alone.first() else { unreachable!("one pool") };
    let count = |n: u64| Some(n as f64);
    let value = match number {
        Number::PoolOffered => count(servers.offered),
        Number::PoolServed => count(servers.served),
        Number::PoolShed => count(servers.shed),
        Number::PoolExpired => count(servers.expired),
        Number::PoolAbandoned => count(servers.abandoned),
        Number::PoolDropped => count(servers.dropped),
        Number::PoolUtilisation => Some(servers.utilisation),
        Number::PoolWaiting => Some(servers.waiting),
        Number::PoolMostWaiting => count(servers.most_waiting),
        _ => (totals.began > 0).then(|| servers.mean_wait.as_secs_f64()),
    };
    let missing = match number {
        Number::PoolOffered => None,
        _ => (servers.offered == 0).then_some("no call reaches the pool"),
    };
    Reading { value, missing }
}

fn limit(quantity: &Quantity, number: Number, run: &Summary) -> Reading {
    let at = quantity.label(Label::Limit).and_then(|text| text.parse::<usize>().ok());
    let totals = &run.exercise.limits[at.expect("loading checks limits") - 1];
    let value = match number {
        Number::LimitAsked => totals.asked(),
        Number::LimitKeysRefused => totals.who.keys_refused,
        Number::LimitCallersRefused => totals.who.callers_refused,
        Number::LimitInnocentRefused => totals.who.innocent_refused,
        _ => totals.refused,
    };
    let missing = match number {
        Number::LimitAsked => None,
        _ => (totals.asked() == 0).then_some("the limit is never asked"),
    };
    Reading { value: Some(value as f64), missing }
}
