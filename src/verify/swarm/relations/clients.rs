//! Relations on callers and time: users, workloads, the horizon, and distributions of one value.

use super::super::draw::dist;
use super::sides::{Not, Outcome, Sides, list, milliseconds, rows, table};
use super::study::{milliseconds_of, untie};
use crate::kernel::dice::Dice;
use crate::results::{Results, SessionRow, csv};
use std::collections::BTreeMap;
use toml::{Table, Value};

fn fleet(side: &mut Table) -> &mut Table {
    side["fleet"].as_table_mut().expect("drawn scenarios have a fleet")
}

/// A mix of three policies, and three numbers of tabs. The second side lists both in reverse order.
pub(super) fn shares_reordered(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let tenths = [dice.number(1, 4), dice.number(1, 4)];
    let shares = [tenths[0], tenths[1], 10 - tenths[0] - tenths[1]];
    let entries = |key: &str, values: [&str; 3], backwards: bool| {
        let entry = |(value, tenths)| format!("{{ {key} = {value}, share = 0.{tenths} }}");
        let mut entries: Vec<String> = values.into_iter().zip(shares).map(entry).collect();
        if backwards {
            entries.reverse();
        }
        format!("[{}]", entries.join(", "))
    };
    let fill = |side: &mut Table, backwards: bool| {
        let mix = entries("policy", ["\"old\"", "\"new\"", "\"not-429\""], backwards);
        *list(side, "mix") = vec![Value::Table(table(&format!("name = \"mixed\"\nshares = {mix}")))];
        *list(side, "policies") = vec!["mixed".into()];
        let tabs = table(&format!("tabs = {}", entries("tabs", ["1", "2", "3"], backwards)));
        fleet(side).extend(tabs);
    };
    fill(&mut sides.first, false);
    fill(sides.part(), true);
    sides.all_same(&[])
}

pub(super) fn twice_the_users(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let first = &mut sides.first;
    untie(first);
    let users = 3 * dice.number(1, 2);
    fleet(first).insert("users".into(), Value::Integer(users as i64));
    // The users fill a network, so that no new user joins it.
    fleet(first).insert("users-per-network".into(), Value::Integer([1, 3][dice.number(0, 1) as usize]));
    fleet(sides.part()).insert("users".into(), Value::Integer(2 * users as i64));
    let (first, second) = sides.results()?;
    for (a, b) in first.policies.iter().zip(&second.policies) {
        let known: BTreeMap<(u32, u32), &SessionRow> =
            b.sessions.iter().map(|row| ((row.replication, row.session), row)).collect();
        for row in &a.sessions {
            let other = known.get(&(row.replication, row.session));
            if other.is_none_or(|other| *other != row) {
                return Err(sides.broken(format!("{}: {row:?} against {other:?}", a.name)));
            }
        }
    }
    Ok(())
}

/// No code reacts to session objects. The server moves their `updated_at` on the second side only.
pub(super) fn updated_at_unheard(sides: &mut Sides, _: &mut Dice) -> Outcome {
    fleet(&mut sides.first).insert("app-reaction".into(), "none".into());
    let backend = |side: &mut Table, how: &str| {
        let backend = side["backend"].as_table_mut().expect("drawn scenarios have a backend");
        backend.insert("session-updated-at".into(), how.into());
    };
    backend(&mut sides.first, "constant");
    backend(sides.part(), "moving");
    sides.all_same(&[])
}

/// Calls by policy, replication, bucket, endpoint and outcome, in buckets that end before `before`, in milliseconds.
fn early(results: &Results, before: u64) -> BTreeMap<Vec<String>, u64> {
    let mut early = rows(&csv::timeline(results));
    early.retain(|key, _| milliseconds_of(&key[2]) < before);
    early
}

const IN_FLIGHT: &str = "in-flight";

pub(super) fn longer_horizon(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let horizon = milliseconds(sides.first.get("horizon")).ok_or(Not::Here)?;
    let bucket = milliseconds(sides.first.get("bucket")).ok_or(Not::Here)?;
    let longer = horizon + dice.number(1, 100_000);
    sides.part().insert("horizon".into(), format!("{longer}ms").into());
    let (first, second) = sides.results()?;
    // The last bucket counts what happens at the horizon itself.
    let whole = (horizon - 1) / bucket * bucket;
    let (short, long) = (early(&first, whole), early(&second, whole));
    let of = |rows: &BTreeMap<Vec<String>, u64>, key: &[String]| rows.get(key).copied().unwrap_or(0);
    let sums = |rows: &BTreeMap<Vec<String>, u64>| {
        let mut sums = BTreeMap::<Vec<String>, u64>::new();
        rows.iter().for_each(|(key, count)| *sums.entry(key[..4].to_vec()).or_default() += count);
        sums
    };
    let (short_sums, long_sums) = (sums(&short), sums(&long));
    for key in short_sums.keys().chain(long_sums.keys()) {
        if short_sums.get(key) != long_sums.get(key) {
            let what = format!("{key:?}: {:?} calls, {:?}", short_sums.get(key), long_sums.get(key));
            return Err(sides.broken(what));
        }
    }
    // A call in flight at the shorter horizon has an outcome by the longer one. The other calls keep theirs.
    for (key, count) in &short {
        if key[4] != IN_FLIGHT && *count > of(&long, key) {
            return Err(sides.broken(format!("{key:?}: {count} calls, {}", of(&long, key))));
        }
    }
    let flow = |results: &Results| {
        let mut flow = rows(&csv::flow(results));
        flow.retain(|key, _| milliseconds_of(&key[2]) < whole);
        flow
    };
    if flow(&first) != flow(&second) {
        return Err(
            sides.broken("sign-outs, entries of the flow, or time without a token or waiting".to_owned())
        );
    }
    Ok(())
}

/// Keys with distributions as values.
const DISTRIBUTIONS: [&str; 16] = [
    "opens",
    "further-tab-opens",
    "stays",
    "away",
    "focus-every",
    "reload-every",
    "every",
    "after",
    "lasts",
    "latency",
    "refused-latency",
    "service",
    "add",
    "starts",
    "think",
    "orbit",
];

/// Every distribution at one of these keys.
fn distributions<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                // Of a fault, only the added latency is a distribution: the times of `flapping` are durations.
                if key == "fault" {
                    let faults = value.as_array_mut().into_iter().flatten();
                    found.extend(faults.filter_map(|fault| fault.get_mut("add")));
                } else if DISTRIBUTIONS.contains(&key.as_str()) {
                    found.push(value);
                } else {
                    distributions(value, found);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|entry| distributions(entry, found)),
        _ => {}
    }
}

pub(super) fn constant_as_degenerate(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let mut whole = Value::Table(sides.first.clone());
    let mut found = Vec::new();
    distributions(&mut whole, &mut found);
    for dist in found {
        let ms = dice.number(1, 5_000);
        if dice.yes(0.7) {
            *dist = format!("{ms}ms").into();
        }
    }
    sides.first = whole.as_table().cloned().expect("the value is a table");
    sides.part();
    let mut whole = Value::Table(sides.second.clone());
    let mut found = Vec::new();
    distributions(&mut whole, &mut found);
    for dist in found {
        if let Some(constant) = dist.as_str().map(str::to_owned)
            && dice.yes(0.7)
        {
            let same = match dice.number(0, 2) {
                0 => format!("uniform = [\"{constant}\", \"{constant}\"]"),
                1 => format!("log-normal = {{ median = \"{constant}\", sigma = 0.0 }}"),
                _ => format!("empirical = [\"{constant}\"]"),
            };
            *dist = Value::Table(table(&same));
        }
    }
    sides.second = whole.as_table().cloned().expect("the value is a table");
    sides.all_same(&[])
}

/// A workload without limits on its calls.
fn workload(name: &str, dice: &mut Dice) -> Value {
    let (clients, every, retries) = (dice.number(1, 9), dist(dice, 3_000), dice.number(0, 3));
    Value::Table(table(&format!(
        "name = \"{name}\"\nclients = {clients}\nstarts = {}\nevery = {every}\nretry = {{ on = [\"5xx\", \"network\"], \
         initial = \"1s\", factor = 2, cap = \"9s\", retries = {retries}, jitter = \"full\" }}",
        dist(dice, 900)
    )))
}

pub(super) fn workload_added(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    untie(&mut sides.first);
    let added = workload("added", dice);
    list(sides.part(), "workload").push(added);
    let (first, second) = sides.results()?;
    let own = |results: &Results| {
        let mut own = rows(&csv::timeline(results));
        own.retain(|key, _| key[3] != "generic");
        own
    };
    if own(&first) != own(&second) {
        return Err(sides.broken("calls of the auth clients".to_owned()));
    }
    for (a, b) in first.policies.iter().zip(&second.policies) {
        if a.sessions != b.sessions {
            return Err(sides.broken(format!("{}: sessions", a.name)));
        }
    }
    Ok(())
}

pub(super) fn workloads_reordered(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    untie(&mut sides.first);
    let (one, other) = (workload("one", dice), workload("other", dice));
    list(&mut sides.first, "workload").extend([one, other]);
    let workloads = list(sides.part(), "workload");
    let last = workloads.len() - 1;
    workloads.swap(last - 1, last);
    sides.all_same(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distribution_is_found_and_nothing_else() {
        let mut value = Value::Table(table(
            "fault = [{ kind = \"latency\", add = \"1s\" }]\nbackend = { latency = \"2s\", tokens = { service = \"3s\" } }\n\
             fleet = { opens = { exponential = \"4s\" }, stays = \"5s\", sign-in-again = { after = \"6s\", share = 1.0 } }",
        ));
        let mut found = Vec::new();
        distributions(&mut value, &mut found);
        assert_eq!(found.len(), 6, "{found:?}");
    }
}
