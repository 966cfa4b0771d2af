//! Relations on limits and faults.

use super::super::draw::endpoints;
use super::sides::{Outcome, Sides, list, table};
use super::study::many_users;
use super::{KEYED_BY_NAME, RECOVERY_COUNTS_WHAT_STRIKES};
use crate::kernel::dice::Dice;
use crate::verify::LIMIT_KEYS;
use toml::{Table, Value};

/// Metrics that depend on the end of the last fault.
const BY_LAST_FAULT: [&str; 2] = ["time_to_recover_s", "time_to_recover_censored"];

pub(super) fn limit_that_never_refuses(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    if dice.yes(0.05) {
        many_users(&mut sides.first, dice);
    }
    let kind = dice.one(&[
        "kind = \"token-bucket\"\nrate = \"1000000/1ms\"\nburst = 4294967295",
        "kind = \"gcra\"\nrate = \"1000000/1ms\"\nburst = 4294967295",
        "kind = \"fixed-window\"\nlimit = 4294967295\nwindow = \"7s\"",
        "kind = \"sliding-counter\"\nlimit = 4294967295\nwindow = \"7s\"",
        "kind = \"sliding-log\"\nlimit = 60000\nwindow = \"500ms\"",
        "kind = \"concurrency\"\nlimit = 4294967295",
    ]);
    let key = dice.one(&LIMIT_KEYS);
    // Log and limit exist per key. Many large logs would only use memory.
    let key = if kind.contains("sliding-log") { "global" } else { key };
    let limit = table(&format!("endpoints = {:?}\nkey = \"{key}\"\n{kind}", dice.some(&endpoints())));
    let limits = list(sides.part(), "backend.limit");
    limits.insert(dice.number(0, limits.len() as u64) as usize, Value::Table(limit));
    sides.all_same(&[])
}

/// A fault that strikes no call and no session.
fn idle_fault(first: &Table, dice: &mut Dice) -> Table {
    let horizon = first["horizon"].as_str().unwrap_or("1s").to_owned();
    let kind = match dice.number(0, 5) {
        0 => "kind = \"status\"\nstatus = 401",
        1 => "kind = \"latency\"\nadd = \"9s\"",
        2 => "kind = \"outage\"",
        3 => "kind = \"no-answer\"",
        4 => "kind = \"pass\"",
        _ => {
            return table("name = \"idle\"\nkind = \"revocation\"\nfrom = \"7s\"\nshare = 0.0");
        }
    };
    let idle = match dice.number(0, 2) {
        0 => "from = \"3s\"\nto = \"40s\"\nprobability = 0.0".to_owned(),
        1 => "from = \"3s\"\nto = \"40s\"\ncount = 0".to_owned(),
        _ => format!("from = \"{horizon}\""),
    };
    table(&format!("name = \"idle\"\n{kind}\n{idle}\nendpoints = {:?}", dice.some(&endpoints())))
}

/// Without any fault, every run is its own reference. With one, a token client that is compared shares the reference of the
/// scenario's client, so its amplification is another number.
fn without(sides: &Sides) -> Vec<&'static str> {
    let recovery = if RECOVERY_COUNTS_WHAT_STRIKES { &[][..] } else { &BY_LAST_FAULT };
    let amplification = sides.tokens.then_some("amplification");
    recovery.iter().copied().chain(amplification).collect()
}

/// Gives every fault its own name, which selects its random numbers.
fn name_faults(first: &mut Table) {
    for (number, fault) in list(first, "fault").iter_mut().enumerate() {
        fault.as_table_mut().expect("a table").insert("name".into(), format!("fault {number}").into());
    }
}

pub(super) fn idle_fault_last(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let idle = idle_fault(&sides.first, dice);
    list(sides.part(), "fault").push(Value::Table(idle));
    sides.all_same(&without(sides))
}

pub(super) fn idle_fault_first(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let idle = idle_fault(&sides.first, dice);
    list(sides.part(), "fault").insert(0, Value::Table(idle));
    sides.all_same(&without(sides))
}

/// Whether two lists of endpoints share one. An absent list means all endpoints.
fn share_an_endpoint(a: &Value, b: &Value) -> bool {
    let of = |entry: &Value| entry.get("endpoints").and_then(Value::as_array).cloned();
    match (of(a), of(b)) {
        (Some(a), Some(b)) => a.is_empty() || b.is_empty() || a.iter().any(|endpoint| b.contains(endpoint)),
        _ => true,
    }
}

/// Two lists of endpoints without a common one.
fn two_groups(dice: &mut Dice) -> (Vec<&'static str>, Vec<&'static str>) {
    let (first, second): (Vec<_>, Vec<_>) = endpoints().into_iter().partition(|_| dice.yes(0.5));
    if first.is_empty() || second.is_empty() {
        return (vec!["tokens"], vec!["client", "touch"]);
    }
    (first, second)
}

pub(super) fn limits_reordered(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let (one, other) = two_groups(dice);
    let limits = list(&mut sides.first, "backend.limit");
    for endpoints in [one, other] {
        let (rate, burst) = (dice.number(1, 9), dice.number(1, 5));
        let key = dice.one(&["global", "app", "ip", "user"]);
        let kind = dice.one(&["token-bucket", "gcra", "leaky-bucket"]);
        limits.push(Value::Table(table(&format!(
            "endpoints = {endpoints:?}\nkind = \"{kind}\"\nkey = \"{key}\"\nrate = \"{rate}/5s\"\nburst = {burst}"
        ))));
    }
    let pairs: Vec<usize> =
        (1..limits.len()).filter(|i| !share_an_endpoint(&limits[i - 1], &limits[*i])).collect();
    let at = pairs[dice.number(0, pairs.len() as u64 - 1) as usize];
    list(sides.part(), "backend.limit").swap(at - 1, at);
    sides.all_same(&[])
}

pub(super) fn faults_reordered(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let (one, other) = two_groups(dice);
    for endpoints in [one, other] {
        let kind = dice.one(&["kind = \"status\"\nstatus = 503", "kind = \"outage\"", "kind = \"pass\""]);
        let (from, tenths) = (dice.number(0, 20), dice.number(1, 9));
        list(&mut sides.first, "fault").push(Value::Table(table(&format!(
            "{kind}\nendpoints = {endpoints:?}\nfrom = \"{from}s\"\nto = \"50s\"\nprobability = 0.{tenths}"
        ))));
    }
    name_faults(&mut sides.first);
    let last = list(&mut sides.first, "fault").len() - 1;
    list(sides.part(), "fault").swap(last - 1, last);
    sides.all_same(&[])
}

pub(super) fn certain_fault_split(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let kind = dice.one(&[
        "kind = \"status\"\nstatus = 503",
        "kind = \"status\"\nstatus = 429\nretry-after-s = 7",
        "kind = \"latency\"\nadd = \"700ms\"",
        "kind = \"outage\"",
        "kind = \"no-answer\"",
        "kind = \"pass\"",
    ]);
    let endpoints = dice.some(&endpoints());
    let (from, length, cut) = (dice.number(0, 20), dice.number(2, 50), dice.number(1, 1_999));
    let window = |name: &str, from: u64, to: u64| {
        Value::Table(table(&format!(
            "name = \"{name}\"\n{kind}\nendpoints = {endpoints:?}\nfrom = \"{from}ms\"\nto = \"{to}ms\""
        )))
    };
    let (from, to) = (from * 1_000, (from + length) * 1_000);
    name_faults(&mut sides.first);
    let faults = list(&mut sides.first, "fault");
    let end = faults.len() as u64;
    // If random numbers depend on the place, an insertion changes those of later faults.
    let at = if KEYED_BY_NAME { dice.number(0, end) } else { end } as usize;
    faults.insert(at, window("certain", from, to));
    let second = list(sides.part(), "fault");
    second[at] = window("certain", from, from + cut);
    second.insert(at + 1, window("certain, continued", from + cut, to));
    sides.all_same(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_shared_or_not() {
        let value = |text: &str| Value::Table(table(text));
        let tokens = value("endpoints = [\"tokens\"]");
        assert!(share_an_endpoint(&tokens, &value("endpoints = [\"touch\", \"tokens\"]")));
        assert!(share_an_endpoint(&tokens, &value("")), "none means all");
        assert!(!share_an_endpoint(&tokens, &value("endpoints = [\"touch\"]")));
    }
}
