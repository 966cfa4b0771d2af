//! What a run shows of the quantities that expectations name.

use super::groups::of_workload;
use super::job::Summary;
use super::verdict::{lacks, missing};
use crate::kernel::Dur;
use crate::metrics::numbers::{is_of_outcome, least_for_quantile, percent_of};
use crate::metrics::timeline::Bucket;
use crate::metrics::{Label, Number, NumberDef, Outcome, metrics_of};
use crate::plan::GroupKind;
use crate::protocol::Endpoint;
use crate::results::{NamedValues, Servers, WarmUpCut};
use crate::scenario::WarmUp;
use crate::scenario::expect::{Quantity, What};
use crate::stats::mser5;
use crate::world::Plan;

/// What one run shows of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// The value; absent where a run has none, such as a quantile of no answers.
    pub(super) value: Option<f64>,
    /// Why the run cannot judge the value; absent if it can.
    pub(super) missing: Option<&'static str>,
    /// The warm-up that was cut, of a rate that has one.
    cut: Option<Dur>,
}

impl Reading {
    fn of(value: Option<f64>, missing: Option<&'static str>) -> Reading {
        Reading { value, missing, cut: None }
    }
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
        let readings = values.into_iter().map(|value| Reading::of(value, None));
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
        let reading = |(value, exercise): (&f64, &crate::metrics::Exercise)| {
            Reading::of(Some(*value), missing(exercise, plan, quantity.stimulus()))
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
            let group =
                quantity.labels.iter().find_map(|(label, name)| Some((label.users()?, name.as_str())));
            if let Some((kind, name)) = group {
                return match group_of(plan, contender, kind, name) {
                    // Clients of a group without the metric have none of what it counts.
                    Group::Counted { by, group } => {
                        let value = run.groups[by][group].value(def.metric).unwrap_or_default();
                        judged(quantity, plan, run, Some(value), lacks(plan, contender, def))
                    }
                    Group::All => judged(quantity, plan, run, Some(whole()), lacks(plan, contender, def)),
                    Group::Nobody => judged(quantity, plan, run, Some(0.0), Some("no user is on the policy")),
                    Group::Unknown(why) => Reading::of(None, Some(why)),
                };
            }
            let of_workload = quantity.label(Label::Workload).and_then(|name| {
                let at = plan.scenario.workloads.iter().position(|spec| spec.name == name)?;
                of_workload(&run.workloads[at], def.metric)
            });
            let value = Some(of_workload.unwrap_or_else(whole));
            Reading::of(value, lacks(plan, contender, def))
        }
    };
    Reading { cut: reading.cut, ..judged(quantity, plan, run, reading.value, reading.missing) }
}

/// A reading whose run may lack what would move the quantity.
fn judged(
    quantity: &Quantity,
    plan: &Plan,
    run: &Summary,
    value: Option<f64>,
    lacking: Option<&'static str>,
) -> Reading {
    Reading::of(value, missing(&run.exercise, plan, quantity.stimulus()).or(lacking))
}

/// The users that a label chooses.
enum Group {
    /// A group that is counted apart: the place of its kind and its own.
    Counted { by: usize, group: usize },
    /// All users are of the group.
    All,
    /// No user is.
    Nobody,
    /// There is no such group, or it is not counted apart.
    Unknown(&'static str),
}

fn group_of(plan: &Plan, contender: usize, kind: GroupKind, name: &str) -> Group {
    let groupings = plan.groupings(contender);
    if let Some(by) = groupings.iter().position(|by| by.kind == kind) {
        let is_it = |group: &usize| groupings[by].name(plan, contender, *group) == name;
        return match ((0..groupings[by].count).find(is_it), kind) {
            (Some(group), _) => Group::Counted { by, group },
            (None, GroupKind::Policy) => Group::Nobody,
            (None, _) => Group::Unknown("the scenario has no such group"),
        };
    }
    let is_other = name.parse::<u64>().is_ok_and(|number| number > 0);
    match kind {
        GroupKind::Network if plan.backend.keys.user_networks > 1 => {
            Group::Unknown("no users share a network, so that networks are not counted apart")
        }
        GroupKind::Policy => match plan.arms[contender].all.iter().any(|arm| arm.policy.name == name) {
            true => Group::All,
            false => Group::Nobody,
        },
        GroupKind::App | GroupKind::Region | GroupKind::Network if is_other => {
            Group::Unknown("the scenario has no such group")
        }
        _ => Group::All,
    }
}

fn of_number(quantity: &Quantity, def: &NumberDef, plan: &Plan, run: &Summary) -> Reading {
    match def.number {
        Number::Calls => calls(quantity, run),
        Number::CallRate => call_rate(quantity, plan, run),
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

/// The calls that a quantity names, by bucket, and whether the run has any call of their endpoint.
fn calls_by_bucket(quantity: &Quantity, run: &Summary) -> (Vec<u64>, bool) {
    let endpoint = quantity.label(Label::Endpoint).and_then(Endpoint::named);
    let outcome = quantity.label(Label::Outcome);
    let of = |is_counted: &dyn Fn(Outcome) -> bool| -> Vec<u64> {
        let endpoints = Endpoint::ALL.into_iter().filter(|other| endpoint.is_none_or(|e| e == *other));
        let outcomes = Outcome::ALL.into_iter().filter(|outcome| is_counted(*outcome));
        let pairs: Vec<(usize, usize)> =
            endpoints.flat_map(|e| outcomes.clone().map(move |o| (e.index(), o as usize))).collect();
        let count = |bucket: &Bucket| pairs.iter().map(|(e, o)| bucket.calls[*e][*o]).sum();
        run.timeline.buckets.iter().map(count).collect()
    };
    let any = of(&|_| true).iter().any(|calls| *calls > 0);
    (of(&|other| is_of_outcome(other, outcome)), any)
}

/// Why a run without a call of an endpoint says nothing.
const NO_CALL: &str = "no call of the endpoint is sent";

fn calls(quantity: &Quantity, run: &Summary) -> Reading {
    let (calls, any) = calls_by_bucket(quantity, run);
    Reading::of(Some(calls.iter().sum::<u64>() as f64), (!any).then_some(NO_CALL))
}

/// The fewest buckets of which the rule finds the end of a warm-up: ten batches of five.
const LEAST_BUCKETS: usize = 50;

/// Calls per second in the whole buckets after the warm-up.
fn call_rate(quantity: &Quantity, plan: &Plan, run: &Summary) -> Reading {
    let (mut calls, any) = calls_by_bucket(quantity, run);
    let bucket = run.timeline.bucket;
    // The horizon may clip the last bucket.
    calls.truncate((plan.horizon.0 / bucket.0) as usize);
    let cut = match plan.scenario.warm_up {
        None => 0,
        Some(WarmUp::Given(time)) => time.0.div_ceil(bucket.0) as usize,
        Some(WarmUp::Rule) => {
            let series: Vec<f64> = calls.iter().map(|calls| *calls as f64).collect();
            let cut = mser5(&series).observations;
            // A cut at half of the batches means that the run is too short to tell.
            if series.len() < LEAST_BUCKETS || cut >= series.len() / 10 * 5 {
                let why = "the rule finds no end of the warm-up in the first half of the run";
                return Reading::of(None, Some(if any { why } else { NO_CALL }));
            }
            cut
        }
    };
    let rest = calls.get(cut..).unwrap_or_default();
    let seconds = bucket.as_secs_f64() * rest.len() as f64;
    let rate = (seconds > 0.0).then(|| rest.iter().sum::<u64>() as f64 / seconds);
    let cut = Some(Dur(bucket.0 * cut as u64));
    Reading { cut, ..Reading::of(rate, (!any).then_some(NO_CALL)) }
}

/// What was cut from the begin of the runs of a policy for a rate. `None` for what is no rate.
pub(super) fn warm_ups(observed: &[Observed], plan: &Plan) -> Vec<WarmUpCut> {
    let is_rate =
        |of: &&Observed| matches!(of.quantity.what, What::Number(def) if def.number == Number::CallRate);
    let cut = |of: &Observed| WarmUpCut {
        of: format!("{}.{}", of.quantity.policy, of.quantity.name()),
        how: plan.scenario.warm_up.map_or("", WarmUp::in_words).to_owned(),
        cut_s: of.readings.iter().map(|reading| reading.cut.map(Dur::as_secs_f64)).collect(),
    };
    observed.iter().filter(is_rate).map(cut).collect()
}

/// The quantile that a quantity names of so many durations.
fn quantile(quantity: &Quantity, count: u64, of: impl Fn(u64) -> Dur) -> Reading {
    let percent = quantity.label(Label::Quantile).and_then(percent_of).expect("loading checks quantiles");
    match count < least_for_quantile(percent) {
        true => Reading::of(None, Some("too few calls are answered for the quantile")),
        false => Reading::of(Some(of(percent).as_secs_f64()), None),
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
    Reading::of(value, missing)
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
    Reading::of(Some(value as f64), missing)
}
