//! Relations on cohorts: what another cohort changes for the users of this one, and that their order changes nothing.

use super::sides::{Outcome, Sides, list, table};
use super::study::untie;
use crate::kernel::dice::Dice;
use crate::results::PolicyResults;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Makes the fleet of a side a cohort of this name.
fn as_cohort(side: &mut Table, name: &str) {
    let fleet = side.remove("fleet").expect("drawn scenarios have a fleet");
    let mut cohort = Table::new();
    cohort.insert("name".into(), name.into());
    cohort.insert("fleet".into(), fleet);
    *list(side, "cohort") = vec![Value::Table(cohort)];
}

/// A cohort with habits of its own.
fn another(name: &str, dice: &mut Dice) -> Value {
    let (users, tabs, pause) = (dice.number(1, 4), dice.number(1, 2), dice.number(1, 9));
    let pinned = if dice.yes(0.5) { "policy = \"new\"\n" } else { "" };
    Value::Table(table(&format!(
        "name = \"{name}\"\n{pinned}[fleet]\nusers = {users}\ntabs = {tabs}\nfocus-every = {{ exponential = \"{pause}s\" }}"
    )))
}

/// Removes what acts on users of another cohort: actions and revocations.
fn leave_users_alone(first: &mut Table) {
    first.remove("action");
    list(first, "fault").retain(|fault| fault["kind"].as_str() != Some("revocation"));
}

/// A policy's values of each metric of a cohort.
type OfCohort = BTreeMap<String, Vec<f64>>;

fn of_cohort(policy: &PolicyResults, name: &str) -> OfCohort {
    let group = policy.groups.iter().find(|group| group.kind == "cohort" && group.group == name);
    let metrics = group.into_iter().flat_map(|group| &group.metrics);
    metrics.map(|metric| (metric.name.clone(), metric.values.clone())).collect()
}

/// The users of a cohort are numbered before those of a cohort that is added behind it, so their sessions stay.
pub(super) fn cohort_added(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    untie(&mut sides.first);
    leave_users_alone(&mut sides.first);
    as_cohort(&mut sides.first, "a");
    let other = another("b", dice);
    list(sides.part(), "cohort").push(other);
    let (first, second) = sides.results()?;
    for (a, b) in first.policies.iter().zip(&second.policies) {
        let mut ours = b.sessions.clone();
        ours.retain(|row| row.session < first.users);
        let mut before = a.sessions.clone();
        for rows in [&mut ours, &mut before] {
            rows.sort_by_key(|row| (row.replication, row.session));
        }
        if ours != before {
            let pair = before.iter().zip(&ours).find(|(a, b)| a != b);
            return Err(sides.broken(format!("{}: {pair:?}", a.name)));
        }
    }
    Ok(())
}

pub(super) fn cohorts_reordered(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    untie(&mut sides.first);
    leave_users_alone(&mut sides.first);
    as_cohort(&mut sides.first, "a");
    let other = another("b", dice);
    list(&mut sides.first, "cohort").push(other);
    list(sides.part(), "cohort").reverse();
    let (first, second) = sides.results()?;
    for (a, b) in first.policies.iter().zip(&second.policies) {
        for name in ["a", "b"] {
            let (before, after) = (of_cohort(a, name), of_cohort(b, name));
            if before.is_empty() || before != after {
                return Err(sides.broken(format!("{}: cohort {name}: {before:?} against {after:?}", a.name)));
            }
        }
    }
    Ok(())
}

/// The added users share limits and queues, and they send nothing.
pub(super) fn cohort_never_opens(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    leave_users_alone(&mut sides.first);
    as_cohort(&mut sides.first, "a");
    let mut other = another("b", dice);
    other["fleet"].as_table_mut().expect("a table").insert("opens".into(), "36500d".into());
    list(sides.part(), "cohort").push(other);
    let (first, second) = sides.results()?;
    for (a, b) in first.policies.iter().zip(&second.policies) {
        let values = |policy: &PolicyResults| {
            policy
                .metrics
                .iter()
                .map(|metric| (metric.name.clone(), metric.values.clone()))
                .collect::<OfCohort>()
        };
        let (before, after) = (values(a), values(b));
        let differs = before.iter().find(|(name, values)| after.get(*name) != Some(values));
        if differs.is_some() || a.timelines != b.timelines {
            return Err(sides.broken(format!("{}: {differs:?}", a.name)));
        }
    }
    Ok(())
}
