//! Whether a condition fits a scenario: its policies, metrics, cohorts, endpoints, pools and limits exist there.

use super::{BadCondition, Expectation, FAILED, Item, Label, Number, Outcome, Quantity, What};
use super::{is_counted_by_group, is_counted_by_workload, metrics_of, percent_of};
use crate::backend::{BackendSpec, LimitSpec};
use crate::client::Families;
use crate::scenario::parts::{Clients, Parts, families_of};
use crate::scenario::{CohortSpec, Mix, RolloutSpec, Scenario};
use crate::text::{nearest, shorten, tick};
use crate::toml_text::Code;
use std::ops::Range;

/// What a condition may name.
pub(super) struct Scope {
    /// The families of the clients.
    families: Families,
    /// The families of the clients of each cohort; none where they are not known.
    of_cohorts: Vec<(String, Families)>,
    /// The policies; `None` if they cannot be read.
    pub(super) policies: Option<Vec<String>>,
    /// Names of cohorts.
    cohorts: Vec<String>,
    /// Names of policies that some of the users may be on.
    parts: Vec<String>,
    /// Names of apps, of regions and of networks.
    groups: [Vec<String>; 3],
    /// Names of workloads.
    workloads: Vec<String>,
    /// Names of pools of workers; `None` if they cannot be read.
    pools: Option<Vec<String>>,
    /// What each limit counts.
    limits: Vec<Counted>,
}

/// What a limit counts of its callers.
struct Counted {
    /// Keys and callers that it refused.
    keys: bool,
    /// Whom it refused without need.
    innocent: bool,
}

impl Counted {
    fn of(limit: &LimitSpec) -> Counted {
        Counted { keys: limit.report_keys, innocent: limit.report_keys && limit.kind.promise().is_some() }
    }
}

/// Names of policies that some users may be on.
fn policies_of<'a>(
    own: impl Iterator<Item = &'a String>,
    mixes: impl Iterator<Item = &'a Mix>,
    rollouts: impl Iterator<Item = &'a RolloutSpec>,
    cohorts: impl Iterator<Item = &'a CohortSpec>,
) -> Vec<String> {
    let of_mixes = mixes.flat_map(|mix| mix.shares.iter().map(|share| &share.policy));
    let of_rollouts = rollouts.flat_map(|rollout| [&rollout.old, &rollout.new]);
    let of_cohorts = cohorts.filter_map(|cohort| cohort.policy.as_ref());
    let mut names: Vec<String> = Vec::new();
    for name in own.chain(of_mixes).chain(of_rollouts).chain(of_cohorts) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Names of apps, of regions and of networks.
fn groups_of<'a>(cohorts: impl Iterator<Item = &'a CohortSpec> + Clone) -> [Vec<String>; 3] {
    let names = |of: fn(&CohortSpec) -> Option<&String>| {
        let mut names: Vec<String> = cohorts.clone().filter_map(of).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    [
        names(|cohort| cohort.app.as_ref()),
        names(|cohort| cohort.region.as_ref()),
        names(|cohort| cohort.network.as_ref()),
    ]
}

fn pools_of(backend: &BackendSpec) -> Vec<String> {
    backend.all_pools().into_iter().map(|pool| pool.name).collect()
}

impl Scope {
    /// What the conditions of a scenario that is being read may name.
    pub(super) fn of_parts(parts: &Parts, clients: &[Clients]) -> Scope {
        let of_cohort = |of: &Clients| Some((of.cohort.clone()?, families_of([of])));
        Scope {
            families: families_of(clients),
            of_cohorts: clients.iter().filter_map(of_cohort).collect(),
            policies: parts.policies.clone(),
            cohorts: parts.cohorts.iter().map(|entry| entry.spec.name.clone()).collect(),
            parts: policies_of(
                parts.policies.iter().flatten(),
                parts.mixes.iter().map(|entry| &entry.spec),
                parts.rollouts.iter().map(|entry| &entry.spec),
                parts.cohorts.iter().map(|entry| &entry.spec),
            ),
            groups: groups_of(parts.cohorts.iter().map(|entry| &entry.spec)),
            workloads: parts.workloads.iter().map(|entry| entry.spec.name.clone()).collect(),
            pools: parts.backend.as_ref().map(pools_of),
            limits: parts.limits.iter().map(|entry| Counted::of(&entry.spec)).collect(),
        }
    }

    /// What a condition beside a scenario that was read may name.
    pub(super) fn of_scenario(scenario: &Scenario, policies: &[String]) -> Scope {
        Scope {
            families: scenario.families(std::iter::empty()),
            of_cohorts: Vec::new(),
            policies: Some(policies.to_vec()),
            cohorts: scenario.cohorts.iter().map(|cohort| cohort.name.clone()).collect(),
            parts: policies_of(
                policies.iter().chain(&scenario.policies),
                scenario.mixes.iter(),
                scenario.rollouts.iter(),
                scenario.cohorts.iter(),
            ),
            groups: groups_of(scenario.cohorts.iter()),
            workloads: scenario.workloads.iter().map(|workload| workload.name.clone()).collect(),
            pools: Some(pools_of(&scenario.backend)),
            limits: scenario.backend.limits.iter().map(Counted::of).collect(),
        }
    }

    /// Why a condition does not fit.
    pub(super) fn unfit(&self, expectation: &Expectation) -> Vec<BadCondition> {
        let mut bad: Vec<BadCondition> =
            expectation.quantities().flat_map(|quantity| self.unfit_quantity(quantity)).collect();
        for term in expectation.terms() {
            if let Item::Users { cohort: Some(name), at } = &term.item {
                bad.extend(no_such(Code::NoSuchCohort, "cohort", name, at, &self.cohorts));
            }
        }
        if let (true, Some(quantity)) = (expectation.policies().is_empty(), expectation.quantities().next()) {
            bad.push(BadCondition {
                code: Code::Condition,
                at: quantity.places.policy.start..quantity.places.metric.end,
                what: "a condition on the baseline alone".to_owned(),
                allowed: Some(
                    "a comparison, such as \"new.requests_total <= 1.05 * baseline(new.requests_total)\""
                        .into(),
                ),
                meant: None,
            });
        }
        bad
    }

    /// Quantities that are not counted by cohort, of a condition on one.
    pub(super) fn not_of_cohort(&self, expectation: &Expectation) -> Vec<BadCondition> {
        let unsaid = |quantity: &&Quantity| {
            let is_said = quantity.labels.iter().any(|(label, _)| label.says_whose());
            !is_said && !quantity.takes(Label::Cohort)
        };
        expectation
            .quantities()
            .filter(unsaid)
            .map(|quantity| self.no_label(quantity, Label::Cohort))
            .collect()
    }

    fn unfit_quantity(&self, quantity: &Quantity) -> Vec<BadCondition> {
        let mut bad = Vec::new();
        let places = &quantity.places;
        let metric_at = |code, what: String, allowed: Option<String>| BadCondition {
            code,
            at: places.metric.clone(),
            what,
            allowed,
            meant: None,
        };
        match quantity.what {
            What::Metric(def) => {
                if !metrics_of(self.families).iter().any(|known| known.name == def.name) {
                    let clients = self.families.flow().clients;
                    let what = format!("no run of {clients} has the metric {}", tick(def.name));
                    bad.push(metric_at(Code::UnknownMetric, what, None));
                }
            }
            What::Number(def) => {
                let given = |label: Label| quantity.label(label).is_some();
                let missing = def.needs.iter().find(|label| !given(**label));
                let none = def.needs.is_empty() && quantity.labels.is_empty();
                if missing.is_some() || none {
                    let needs = if none { def.takes } else { def.needs };
                    let names: Vec<&str> = needs.iter().map(|label| label.name()).collect();
                    let what = format!("{} needs the label {}", tick(def.name), names.join(" and "));
                    let example: Vec<String> = names.iter().map(|name| format!("{name}=..")).collect();
                    let allowed = format!("{}{{{}}}", def.name, example.join(", "));
                    bad.push(metric_at(Code::Condition, what, Some(allowed)));
                }
            }
        }
        if let Some(run) = self.policies.as_ref().filter(|run| !run.contains(&quantity.policy)) {
            bad.push(BadCondition {
                code: Code::UnknownPolicy,
                at: places.policy.clone(),
                what: format!("{} is not among the scenario's `policies`", tick(&quantity.policy)),
                allowed: Some(shorten(&run.join(", "), 200)),
                meant: nearest(&quantity.policy, run.iter().map(String::as_str)).map(str::to_owned),
            });
        }
        let whose: Vec<&str> = quantity
            .labels
            .iter()
            .filter(|(label, _)| label.says_whose())
            .map(|(label, _)| label.name())
            .collect();
        if whose.len() > 1 && places.labels.len() > 1 {
            let what =
                format!("{} is counted by {} at once", tick(quantity.what.name()), whose.join(" and "));
            bad.push(metric_at(Code::Condition, what, Some("one of these labels".into())));
        }
        for ((label, value), at) in quantity.labels.iter().zip(&places.labels) {
            bad.extend(self.unfit_label(quantity, *label, value, at));
        }
        bad
    }

    /// Why a label does not fit its metric or the scenario.
    fn unfit_label(
        &self,
        quantity: &Quantity,
        label: Label,
        value: &str,
        at: &Range<usize>,
    ) -> Option<BadCondition> {
        if !quantity.takes(label) {
            return Some(self.no_label(quantity, label));
        }
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        match label {
            Label::Cohort => no_such(Code::NoSuchCohort, "cohort", value, at, &self.cohorts)
                .or_else(|| self.lacking(quantity, value)),
            Label::Policy => no_such(Code::UnknownPolicy, "policy of users", value, at, &self.parts),
            Label::App => unfit_group("app", value, at, &self.groups[0]),
            Label::Region => unfit_group("region", value, at, &self.groups[1]),
            Label::Network => unfit_group("network", value, at, &self.groups[2]),
            Label::Workload => no_such(Code::UnknownWord, "workload", value, at, &self.workloads),
            Label::Endpoint => {
                let endpoints = self.families.endpoints();
                let called: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name()).collect();
                no_such(Code::UnknownWord, "endpoint", value, at, &names(&called))
            }
            Label::Outcome => {
                let outcomes = Outcome::ALL.map(Outcome::name);
                no_such(Code::UnknownWord, "outcome", value, at, &names(&[&outcomes[..], &[FAILED]].concat()))
            }
            Label::Pool => no_such(Code::UnknownWord, "pool of workers", value, at, self.pools.as_ref()?),
            Label::Quantile if percent_of(value).is_some() => None,
            Label::Quantile => Some(BadCondition {
                code: Code::UnknownWord,
                at: at.clone(),
                what: format!("not a quantile: {}", tick(value)),
                allowed: Some("p1 to p99, such as p50, p95, p99".into()),
                meant: None,
            }),
            Label::Limit => self.unfit_limit(quantity, value, at),
        }
    }

    /// Why a quantity does not fit a cohort: no client of its users has the metric.
    pub(super) fn lacking(&self, quantity: &Quantity, cohort: &str) -> Option<BadCondition> {
        let name = quantity.what.name();
        let def = metrics_of(self.families).iter().find(|def| def.name == name)?;
        let (_, families) = self.of_cohorts.iter().find(|(known, _)| known == cohort)?;
        (def.of != Families::default() && def.of.is_apart_from(*families)).then(|| BadCondition {
            code: Code::UnknownMetric,
            at: quantity.places.metric.clone(),
            what: format!("no user of the cohort runs a client that has {}", tick(name)),
            allowed: None,
            meant: None,
        })
    }

    fn unfit_limit(&self, quantity: &Quantity, value: &str, at: &Range<usize>) -> Option<BadCondition> {
        let number = value.parse::<usize>().ok().filter(|n| n.to_string() == value);
        let error = |what: String, allowed: String| {
            Some(BadCondition {
                code: Code::UnknownWord,
                at: at.clone(),
                what,
                allowed: Some(allowed),
                meant: None,
            })
        };
        match number.and_then(|n| self.limits.get(n.checked_sub(1)?)) {
            None => {
                let allowed = match self.limits.len() {
                    0 => "none: the scenario has no [[backend.limit]]".to_owned(),
                    most => format!("1 to {most}, in the order of the file"),
                };
                error(format!("no limit has the number {}", tick(value)), allowed)
            }
            Some(counted) => {
                let What::Number(def) = quantity.what else { return None };
                let of_innocent = def.number == Number::LimitInnocentRefused;
                let has = counted.innocent || counted.keys && !of_innocent;
                let also = if of_innocent { " that promises a number of calls in a time" } else { "" };
                (def.number.needs_report_keys() && !has).then_some(()).and_then(|()| {
                    error(
                        format!("limit {value} does not count this"),
                        format!("a limit with `report-keys = true`{also}"),
                    )
                })
            }
        }
    }

    /// A label that the metric does not take.
    fn no_label(&self, quantity: &Quantity, label: Label) -> BadCondition {
        let own = quantity.what.name();
        let counted: Vec<&str> = match label {
            label if label.users().is_some() => metrics_of(self.families)
                .iter()
                .filter(|d| is_counted_by_group(d.metric))
                .map(|d| d.name)
                .collect(),
            Label::Workload => metrics_of(self.families)
                .iter()
                .filter(|d| is_counted_by_workload(d.metric))
                .map(|d| d.name)
                .collect(),
            _ => super::NUMBERS
                .iter()
                .filter(|def| def.needs.contains(&label) || def.takes.contains(&label))
                .map(|def| def.name)
                .collect(),
        };
        BadCondition {
            code: Code::UnknownMetric,
            at: quantity.places.metric.clone(),
            what: format!("{} is not counted by {}", tick(own), label.name()),
            meant: nearest(own, counted.iter().copied()).map(str::to_owned),
            allowed: Some(counted.join(", ")),
        }
    }
}

/// Why a group of users that has a name or a number does not exist. Whether a number is one is known when the users are.
fn unfit_group(what: &str, value: &str, at: &Range<usize>, names: &[String]) -> Option<BadCondition> {
    if value.parse::<u32>().is_ok_and(|number| number.to_string() == value) {
        return None;
    }
    let bad = no_such(Code::UnknownWord, what, value, at, names)?;
    let numbers = format!("a number from 0 where the {what} has no name");
    let allowed = match names.is_empty() {
        true => numbers,
        false => format!("{}, or {numbers}", shorten(&names.join(", "), 200)),
    };
    Some(BadCondition { allowed: Some(allowed), ..bad })
}

fn no_such(code: Code, what: &str, value: &str, at: &Range<usize>, names: &[String]) -> Option<BadCondition> {
    if names.iter().any(|name| name == value) {
        return None;
    }
    let allowed = match names.is_empty() {
        true => format!("none: the scenario has no {what}"),
        false => shorten(&names.join(", "), 200),
    };
    Some(BadCondition {
        code,
        at: at.clone(),
        what: format!("no {what} is named {}", tick(value)),
        allowed: Some(allowed),
        meant: nearest(value, names.iter().map(String::as_str)).map(str::to_owned),
    })
}
