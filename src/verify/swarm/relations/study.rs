//! Relations on running and keeping: threads, policies, replications, buckets, overrides, files.

use super::sides::{Not, Outcome, Sides, list, milliseconds, rows, run, table};
use crate::kernel::dice::Dice;
use crate::results::{Results, csv, summary};
use crate::scenario::load_text;
use crate::scenario::policies::PRESETS;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Metrics that depend on the begin of buckets.
const BY_BUCKET: [&str; 3] = ["peak_requests_per_s", "time_to_recover_s", "time_to_recover_censored"];

/// The data files of results.
fn files(results: &Results) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("summary.json", summary::summary(results).into_bytes()),
        ("summary.csv", csv::summary(results)),
        ("timeline.csv", csv::timeline(results)),
        ("flow.csv", csv::flow(results)),
        ("sessions.csv", csv::sessions(results)),
    ]
}

/// Gives the scenario so many users that a run has several parts, and nothing that connects them.
pub(super) fn many_users(first: &mut Table, dice: &mut Dice) {
    untie(first);
    first.remove("workload");
    first.insert("horizon".into(), "3s".into());
    first.insert("bucket".into(), "1s".into());
    first.insert("policies".into(), Value::Array(vec!["old".into()]));
    let fleet = first["fleet"].as_table_mut().expect("drawn scenarios have a fleet");
    fleet.insert("users".into(), Value::Integer(dice.number(8_193, 9_000) as i64));
    fleet.insert("tabs".into(), Value::Integer(1));
}

/// Removes what connects users: shared limits, queues, and faults with a count of calls.
pub(super) fn untie(first: &mut Table) {
    let own = |limit: &Value| matches!(limit["key"].as_str(), Some("ip" | "user" | "session"));
    list(first, "backend.limit").retain(own);
    for (_, endpoint) in first["backend"].as_table_mut().expect("a table").iter_mut() {
        if let Some(endpoint) = endpoint.as_table_mut() {
            ["workers", "queue", "service"].iter().for_each(|key| {
                endpoint.remove(*key);
            });
        }
    }
    for fault in list(first, "fault") {
        fault.as_table_mut().expect("a table").remove("count");
    }
}

pub(super) fn threads(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    if dice.yes(0.1) {
        many_users(&mut sides.first, dice);
    }
    sides.first.insert("replications".into(), Value::Integer(2));
    sides.part();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|_| Not::Here);
    let threads = dice.number(2, 5) as usize;
    let (first, second) = (sides.first_study()?, sides.second_study()?);
    let first = pool(1)?.install(|| run(&first))?;
    let second = pool(threads)?.install(|| run(&second))?;
    // The guards of the two sides differ, and so do the hashes of the scenarios.
    let second = Results { scenario_hash: first.scenario_hash.clone(), ..second };
    for ((name, a), (_, b)) in files(&first).iter().zip(files(&second)) {
        if *a != b {
            return Err(sides.broken(format!("{name} on 1 and on {threads} threads")));
        }
    }
    Ok(())
}

pub(super) fn policies_reordered(sides: &mut Sides, _: &mut Dice) -> Outcome {
    list(sides.part(), "policies").reverse();
    sides.all_same(&[])
}

/// A policy of the scenario.
fn one_policy(first: &mut Table, dice: &mut Dice) -> String {
    let policies = list(first, "policies");
    let place = dice.number(0, policies.len() as u64 - 1) as usize;
    policies[place].as_str().expect("a name").to_owned()
}

pub(super) fn policy_subset(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let name = one_policy(&mut sides.first, dice);
    sides.part();
    let all = run(&sides.first_study()?)?;
    let mut study = sides.second_study()?;
    study.only_policies(std::slice::from_ref(&name)).map_err(|error| sides.broken(error.to_string()))?;
    let one = run(&study)?;
    let of_all = all.policies.iter().find(|policy| policy.name == name).expect("it is listed");
    sides.same(of_all, &one.policies[0], &[])
}

pub(super) fn policy_added(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let entry = table(&format!(
        "name = \"added\"\nenters-unauthenticated-flow = [\"401\", \"422:code_of_the_added\"]\n\
         retry-budget = {{ ratio = 0.1, burst = {} }}\n\
         retry = {{ on = [\"5xx\", \"429:another_code\"], initial = \"1s\", factor = 2, cap = \"9s\", retries = 3 }}",
        dice.number(1, 9)
    ));
    let second = sides.part();
    list(second, "policy").push(Value::Table(entry));
    let policies = list(second, "policies");
    policies.insert(dice.number(0, policies.len() as u64) as usize, "added".into());
    sides.all_same(&[])
}

/// Replaces one policy of the first side by a mix on the second side.
fn mixed(sides: &mut Sides, dice: &mut Dice, mix: impl Fn(&str, &mut Table, &mut Dice) -> String) -> Outcome {
    let name = one_policy(&mut sides.first, dice);
    *list(&mut sides.first, "policies") = vec![name.as_str().into()];
    let second = sides.part();
    let shares = mix(&name, second, dice);
    list(second, "mix").push(Value::Table(table(&format!("name = \"mixed\"\nshares = {shares}"))));
    *list(second, "policies") = vec!["mixed".into()];
    let (first, second) = sides.results()?;
    sides.same(&first.policies[0], &second.policies[0], &[])
}

pub(super) fn mix_of_one(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    mixed(sides, dice, |name, _, _| format!("[{{ policy = \"{name}\", share = 1.0 }}]"))
}

pub(super) fn mix_of_twins(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    mixed(sides, dice, |name, second, dice| {
        let (_, text) =
            PRESETS.iter().find(|(preset, _)| *preset == name).expect("drawn policies are presets");
        let mut twin = table(text);
        twin.insert("name".into(), "twin".into());
        list(second, "policy").push(Value::Table(twin));
        let tenths = dice.number(1, 9);
        format!(
            "[{{ policy = \"{name}\", share = 0.{tenths} }}, {{ policy = \"twin\", share = 0.{} }}]",
            10 - tenths
        )
    })
}

pub(super) fn fewer_replications(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let fewer = dice.number(1, 2);
    sides.first.insert("replications".into(), Value::Integer(3));
    sides.part().insert("replications".into(), Value::Integer(fewer as i64));
    let (first, second) = sides.results()?;
    let fewer = fewer as usize;
    for (more, less) in first.policies.iter().zip(&second.policies) {
        for (a, b) in more.metrics.iter().zip(&less.metrics) {
            if a.values[..fewer] != b.values {
                let what = format!("{}: {} {:?} against {:?}", more.name, a.name, a.values, b.values);
                return Err(sides.broken(what));
            }
        }
        if more.timelines[..fewer] != less.timelines {
            return Err(sides.broken(format!("{}: timelines", more.name)));
        }
        let kept = more.sessions.iter().filter(|row| (row.replication as usize) < fewer);
        if !kept.eq(&less.sessions) {
            return Err(sides.broken(format!("{}: sessions", more.name)));
        }
    }
    Ok(())
}

/// `depth_max` is not a sum: a wide bucket has the greatest depth of its fine buckets.
const DEEPEST: &str = "depth_max";

pub(super) fn finer_buckets(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let wide = milliseconds(sides.first.get("bucket")).ok_or(Not::Here)?;
    let parts = [2, 4, 5][dice.number(0, 2) as usize];
    sides.part().insert("bucket".into(), format!("{}ms", wide / parts).into());
    let (first, second) = sides.results()?;
    for (a, b) in first.policies.iter().zip(&second.policies) {
        let mut b = b.clone();
        b.timelines.clone_from(&a.timelines);
        sides.same(a, &b, &BY_BUCKET)?;
    }
    for csv in [csv::timeline, csv::flow] {
        let mut summed = BTreeMap::new();
        for (mut key, count) in rows(&csv(&second)) {
            let ms = milliseconds_of(&key[2]);
            key[2] = (ms / wide * wide).to_string();
            let sum = summed.entry(key.clone()).or_insert(0);
            *sum = if key[3] == DEEPEST { count.max(*sum) } else { *sum + count };
        }
        let coarse = rows(&csv(&first)).into_iter().map(|(mut key, count)| {
            key[2] = milliseconds_of(&key[2]).to_string();
            (key, count)
        });
        if let Some(what) = unlike(&coarse.collect(), &summed) {
            return Err(sides.broken(format!("buckets of {wide} ms in {parts}: {what}")));
        }
    }
    Ok(())
}

/// Milliseconds of a time in seconds, in the form of a file.
pub(super) fn milliseconds_of(seconds: &str) -> u64 {
    let (whole, rest) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole: u64 = whole.parse().expect("whole seconds");
    whole * 1_000 + format!("{rest:0<3}")[..3].parse::<u64>().expect("digits")
}

type Counts = BTreeMap<Vec<String>, u64>;

/// The first row in which two counts differ.
fn unlike(a: &Counts, b: &Counts) -> Option<String> {
    let key = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key))?;
    Some(format!("{key:?}: {:?} against {:?}", a.get(key), b.get(key)))
}

pub(super) fn set_equals_edit(sides: &mut Sides, dice: &mut Dice) -> Outcome {
    let users = dice.number(1, 4);
    let life = dice.number(20, 90);
    let edits = [
        ("seed", Value::Integer(dice.number(0, 1 << 40) as i64)),
        ("replications", Value::Integer(2)),
        ("fleet.users", Value::Integer(users as i64)),
        ("fleet.apps", Value::Integer(2)),
        ("backend.token-life", format!("{life}s").into()),
        ("backend.sign-in.timeout", "77ms".into()),
        ("client.model", "documented".into()),
    ];
    let mut overrides = Vec::new();
    let base = sides.first.clone();
    for (path, value) in edits {
        if dice.yes(0.5) {
            overrides.push(format!("{path}={value}"));
            let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
            let mut here = &mut sides.first;
            for parent in parents.split('.').filter(|p| !p.is_empty()) {
                let entry = here.entry(parent).or_insert_with(|| Value::Table(Table::new()));
                here = entry.as_table_mut().expect("a table");
            }
            here.insert(key.into(), value);
        }
    }
    if let Some(fault) = list(&mut sides.first, "fault").first_mut().and_then(Value::as_table_mut) {
        overrides.push("fault[0].from=\"1500ms\"".to_owned());
        fault.insert("from".into(), "1500ms".into());
    }
    sides.second = base.clone();
    if sides.spoilt {
        overrides.push("backend.latency=\"17ms\"".to_owned());
    }
    let edited = load_text("edited", &sides.first.to_string(), &[]).map_err(|_| Not::Here)?;
    let text = base.to_string();
    let overridden = load_text("overridden", &text, &overrides)
        .map_err(|errors| sides.broken(format!("--set {overrides:?}: {errors}")))?;
    if edited.scenario != overridden.scenario || edited.policies != overridden.policies {
        return Err(sides.broken(format!("--set {overrides:?} reads otherwise than the edited file")));
    }
    Ok(())
}

pub(super) fn files_agree(sides: &mut Sides, _: &mut Dice) -> Outcome {
    sides.first.insert("replications".into(), Value::Integer(2));
    sides.part();
    let results = run(&sides.first_study()?)?;
    let calls = rows(&csv::timeline(&results));
    let mut flow = rows(&csv::flow(&results));
    if sides.spoilt {
        flow.insert(["old", "0", "0", "flow_entry"].map(str::to_owned).to_vec(), 1 << 40);
    }
    let sum = |rows: &Counts, policy: &str, replication: usize, column: usize, words: &[&str]| -> f64 {
        let of = |(key, _): &(&Vec<String>, &u64)| {
            key[0] == policy && key[1] == replication.to_string() && words.contains(&key[column].as_str())
        };
        rows.iter().filter(of).map(|(_, count)| *count).sum::<u64>() as f64
    };
    let endpoints = ["tokens", "touch", "client", "environment", "sign-in", "generic"];
    let failures =
        ["400", "401", "403", "404", "422", "429", "other-4xx", "5xx", "shed", "network-error", "timeout"];
    for policy in &results.policies {
        for replication in 0..2 {
            let name = policy.name.as_str();
            // A scenario has the metrics that it can move. A missing metric counts as nothing.
            let value = |metric: &str| {
                let found = policy.metrics.iter().find(|m| m.name == metric);
                found.map_or(0.0, |m| m.values[replication])
            };
            let sessions = || policy.sessions.iter().filter(|row| row.replication as usize == replication);
            let flowed = |event: &str| sum(&flow, name, replication, 3, &[event]);
            let called = |endpoint: &str| sum(&calls, name, replication, 3, &[endpoint]);
            let mut pairs = vec![
                ("requests_total", value("requests_total"), sum(&calls, name, replication, 3, &endpoints)),
                (
                    "requests of all sessions",
                    value("requests_total") - value("requests_generic"),
                    sessions().map(|row| f64::from(row.requests)).sum(),
                ),
                ("responses_429", value("responses_429"), sum(&calls, name, replication, 4, &["429"])),
                ("responses_failed", value("responses_failed"), sum(&calls, name, replication, 4, &failures)),
                ("false_sign_outs", value("false_sign_outs"), flowed("false_sign_out")),
                ("true_sign_outs", value("true_sign_outs"), flowed("true_sign_out")),
                ("sign_outs", value("sign_outs"), flowed("false_sign_out") + flowed("true_sign_out")),
                ("unauthenticated_events", value("unauthenticated_events"), flowed("flow_entry")),
                (
                    "entries of all sessions",
                    value("unauthenticated_events"),
                    sessions().map(|row| f64::from(row.entries)).sum(),
                ),
                (
                    "unauthenticated_sessions",
                    value("unauthenticated_sessions"),
                    sessions().filter(|row| row.entries > 0).count() as f64,
                ),
                (
                    "unauthenticated_events_worst_session",
                    value("unauthenticated_events_worst_session"),
                    sessions().map(|row| f64::from(row.entries)).fold(0.0, f64::max),
                ),
                (
                    "recursive_unauthenticated_events",
                    value("recursive_unauthenticated_events"),
                    flowed("recursive_entry"),
                ),
                (
                    "unauthenticated_depth_max",
                    value("unauthenticated_depth_max"),
                    sessions().map(|row| f64::from(row.depth)).fold(0.0, f64::max),
                ),
            ];
            for (metric, endpoint) in [
                ("requests_tokens", "tokens"),
                ("requests_touch", "touch"),
                ("requests_client", "client"),
                ("requests_environment", "environment"),
                ("requests_sign_in", "sign-in"),
                ("requests_generic", "generic"),
            ] {
                pairs.push((metric, value(metric), called(endpoint)));
            }
            if let Some((what, a, b)) = pairs.iter().find(|(_, a, b)| (a - b).abs() > 0.0) {
                return Err(
                    sides.broken(format!("{name}, replication {replication}: {what} {a} against {b}"))
                );
            }
        }
        let spread: u64 =
            policy.entries_distribution.iter().map(|(entries, n)| u64::from(*entries) * n).sum();
        let entries: u64 = policy.sessions.iter().map(|row| u64::from(row.entries)).sum();
        if spread != entries {
            return Err(sides.broken(format!("{}: entries {spread} against {entries}", policy.name)));
        }
    }
    Ok(())
}
