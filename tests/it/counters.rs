//! Counts that were once too narrow, each tested through a run that exceeds the old bound, and a list of all narrow
//! counts with their bounds.
//!
//! `counters.toml` covers the parts of the simulator that produce results. It lists every field of 8, 16 or 32 bits,
//! every cast to such a type, and every saturating or wrapping operation, each with the reason why its bound holds. A
//! new one fails the test until it is listed.

use crate::common::root;
use crate::common::sources::sources;
use authstorm::Study;
use authstorm::results::Results;
use authstorm::scenario::load_text;
use std::collections::BTreeMap;
use std::fs;

fn text(name: &str) -> String {
    fs::read_to_string(root().join("tests/faults").join(name)).expect("a scenario")
}

fn results(name: &str, changes: &[&str]) -> Results {
    run(name, &text(name), changes)
}

fn run(name: &str, text: &str, changes: &[&str]) -> Results {
    let mut changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
    if !text.contains("replications") {
        changes.push("replications=1".to_owned());
    }
    let loaded = load_text(name, text, &changes).unwrap_or_else(|e| panic!("{e}"));
    Study::of(loaded).and_then(|study| study.run()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Values of a metric, one per replication.
fn values(results: &Results, metric: &str) -> Vec<f64> {
    results.policies[0].metric(metric).values.clone()
}

fn only(results: &Results, metric: &str) -> f64 {
    match values(results, metric)[..] {
        [value] => value,
        ref other => panic!("one replication: {other:?}"),
    }
}

/// Error message for a scenario that is refused.
fn refusal(name: &str, changes: &[&str]) -> String {
    let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
    load_text(name, &text(name), &changes).expect_err("it is refused").to_string()
}

#[track_caller]
fn assert_is(value: f64, expected: f64) {
    assert!((value - expected).abs() < 0.5, "{value}, expected {expected}");
}

/// A try takes 588 us on average (exponential), and its retry follows within a nanosecond: a Poisson process, whose
/// count has a variance equal to its mean. Allows six standard deviations. Draws must stay independent beyond 65,535
/// tries of one call.
#[test]
fn each_try_of_a_long_retried_call_draws_anew() {
    for (orbit, gap_ns) in [("1ns", 588_001.0), ("0s", 588_000.0)] {
        let orbit = format!("workload[0].orbit=\"{orbit}\"");
        let results = results("openbao-4011.toml", &["horizon=2m", &orbit]);
        let expected = 120e9 / gap_ns;
        for requests in values(&results, "requests_generic") {
            let off = (requests - expected) / f64::sqrt(expected);
            assert!(off.abs() < 6.0, "{requests} requests, expected {expected}");
        }
    }
}

/// Brooker, "Exponential Backoff And Jitter" (AWS blog, 2015): `sleep = min(cap, random_between(base, sleep * 3))`,
/// where the first `sleep` is `base`. Here the first delay is uniform over 1 s to 3 s: each of twenty buckets gets a
/// twentieth of the retries. Allows six standard deviations of a binomial count.
#[test]
fn the_first_decorrelated_delay_is_uniform_up_to_three_times_the_initial_one() {
    let results = results("decorr-first.toml", &["workload[0].retry.retries=1"]);
    let sent: Vec<u64> =
        results.policies[0].timelines[0].buckets.iter().map(|b| b.calls.iter().flatten().sum()).collect();
    assert_eq!((sent[0], sent[10..30].iter().sum::<u64>(), sent.iter().sum::<u64>()), (1_000, 1_000, 2_000));
    let (mean, deviation) = (1_000.0 / 20.0, f64::sqrt(1_000.0 * 0.05 * 0.95));
    for count in &sent[10..30] {
        assert!((*count as f64 - mean).abs() < 6.0 * deviation, "{sent:?}");
    }
}

/// Ten of twenty calls pass. The others get a Retry-After of a day and pass then.
#[test]
fn a_retry_after_of_a_day_delays_by_a_day() {
    assert_is(only(&results("retry-after-daily.toml", &[]), "requests_generic"), 30.0);
    // A fault may set such a delay too: the ten calls that it strikes would retry after two days, beyond the run.
    let fault = "\n[[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\nstatus = 429\nretry-after-s = 172801\ncount = 10\n";
    let both = run("retry-after-daily.toml", &(text("retry-after-daily.toml") + fault), &[]);
    assert_is(only(&both, "requests_generic"), 20.0);
}

/// 256 retries, each a second and a round trip after the last, end within five minutes. The app gets one error.
#[test]
fn a_call_gives_up_after_its_allowed_retries() {
    for retries in ["255", "256", "257", "1000"] {
        let retries = format!("policy[0].retry.retries={retries}");
        assert_is(only(&results("retries-256.toml", &[&retries]), "errors_surfaced_to_app"), 1.0);
    }
}

/// Every page reloads before its answers arrive, for any number of reloads in between: no call is served.
#[test]
fn an_answer_never_reaches_a_later_page() {
    let check = |results: &Results, what: &str| {
        for metric in ["goodput", "requests_tokens"] {
            assert_eq!(only(results, metric).to_bits(), 0, "{metric}: {what}");
        }
    };
    for name in ["epoch-u8.toml", "epoch-u8-control.toml"] {
        check(&results(name, &[]), name);
    }
    // Page-load numbers repeat after 8,191 loads.
    for reloads in [255, 256, 8_190, 8_191, 8_192, 16_382] {
        let latency = format!("backend.latency=\"{reloads}.5ms\"");
        let changes = ["horizon=17s", "fleet.reload-every=1ms", "bucket=17s", &latency];
        check(&results("epoch-u8.toml", &changes), &latency);
    }
}

/// App code touches the session for each new session object, one round trip after another from the page load on. From
/// 30 s on, a touch enters the flow, whose GET /client brings the next object: an entry at 30.01 s and every 20 ms
/// after it, up to 1,500 s.
#[test]
fn the_depth_of_a_chain_through_app_code_equals_its_entries() {
    let results = results("depth-app.toml", &["horizon=25m", "fleet.focus-every=10m"]);
    assert_is(only(&results, "unauthenticated_depth_max"), 73_500.0);
}

/// Each second ten calls start to wait for an answer that never comes, from the first second after the token on.
/// Together they wait for ten times a triangular number of seconds. The token of the first load is 45 s to 60 s old
/// then. If each new call walked the list of 360,000 waiting ones, the test would take an hour.
#[test]
fn a_new_caller_does_not_walk_the_waiting_ones() {
    let results = results("waiters-quadratic.toml", &["horizon=10h", "bucket=10h"]);
    let waited = only(&results, "app_wait_s");
    let since = (45..=60).map(|s| f64::from(36_000 - s)).find(|m| (waited - 5.0 * m * (m + 1.0)).abs() < 1.0);
    assert!(since.is_some(), "{waited}");
}

#[test]
fn an_estimate_with_endlessly_waiting_callers_ends() {
    let changes = [
        "horizon=36500d".to_owned(),
        "bucket=36500d".to_owned(),
        "fleet.app-get-token.callers=255".to_owned(),
    ];
    let loaded =
        load_text("w.toml", &text("waiters-quadratic.toml"), &changes).unwrap_or_else(|e| panic!("{e}"));
    let estimate =
        authstorm::experiment::estimate::estimate(&Study::of(loaded).expect("valid"), &Default::default());
    assert!(estimate.expect("not interrupted").policies[0].cut_at.is_some());
}

#[test]
fn too_many_tabs_and_unknown_tabs_are_refused_with_their_place() {
    let said = refusal("open-tabs.toml", &[]);
    for word in ["open-tabs.toml:15:6", "tab number 17", "at most 16"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(only(&results("open-tabs.toml", &["fleet.tabs=15"]), "requests_total") > 0.0);
    let said = refusal("tab-clamp.toml", &[]);
    for word in ["tab-clamp.toml:13:7", "a tab that its user does not have", "got 9", "0 to 0"] {
        assert!(said.contains(word), "{said}");
    }
    // An action may name a tab that another action opens.
    let opens = "\n[[action]]\nat = \"10s\"\nuser = 1\ndo = \"open-tab\"\n";
    let second = run("tab-clamp.toml", &(text("tab-clamp.toml") + opens), &["action[0].tab=1"]);
    assert_is(only(&second, "requests_touch"), 1.0);
}

#[test]
fn a_back_off_that_overflows_runs() {
    assert!(only(&results("backoff-overflow.toml", &[]), "requests_total") > 0.0);
}

/// Events planned for the horizon do not occur. Events a nanosecond before it do.
#[test]
fn events_at_the_horizon_do_not_occur() {
    let late = results("at-horizon.toml", &[]);
    let early = results("at-horizon.toml", &["action[0].at=179999999999ns", "fault[0].from=179999999999ns"]);
    for (results, touches, zombies) in [(&late, 0.0, 0.0), (&early, 1.0, 2.0)] {
        assert_is(only(results, "requests_touch"), touches);
        assert_is(only(results, "zombie_sessions"), zombies);
    }
    let call = "version = 1\nname = \"h\"\nhorizon = \"1m\"\npolicies = [\"new\"]\n[[workload]]\nname = \"w\"\nat = [\"1m\"]\n\
                [backend.generic]\nlatency = \"0s\"\n[[fault]]\nkind = \"status\"\nstatus = 500\nfrom = \"59s\"\n";
    for (from, failed) in [("59s", 1.0), ("1m", 0.0)] {
        let from = format!("fault[0].from={from}");
        assert_is(only(&run("h.toml", call, &[&from]), "responses_failed"), failed);
    }
}

/// One call that always fails, with a budget of 10,000 retries and a negligible deposit.
#[test]
fn a_retry_budget_holds_its_full_size() {
    let text = "version = 1\nname = \"b\"\nhorizon = \"1m\"\npolicies = [\"new\"]\n[[workload]]\nname = \"w\"\nat = [\"0s\"]\n\
                orbit = \"1ms\"\nretry-budget = { ratio = 0.000001, burst = 10000 }\n[[fault]]\nkind = \"status\"\nstatus = 500\n\
                [backend]\nlatency = \"1ms\"\n";
    assert_is(only(&run("b.toml", text, &[]), "requests_generic"), 10_001.0);
}

/// A try takes 1 ms. Its client times out 65,536.5 ms after sending, while the try 65,536 numbers later is in progress.
#[test]
fn the_timeout_of_a_try_does_not_end_a_later_try() {
    let text = "version = 1\nname = \"p\"\nhorizon = \"70s\"\npolicies = [\"new\"]\n[[workload]]\nname = \"w\"\nthink = \"0s\"\n\
                [backend.generic]\nlatency = \"0s\"\nworkers = 1\nservice = \"1ms\"\ntimeout = \"65536.5ms\"\n";
    let closed = run("p.toml", text, &[]);
    let open = run("p.toml", &text.replace("think = \"0s\"", "every = \"1ms\""), &[]);
    for results in [closed, open] {
        assert_eq!(only(&results, "responses_failed").to_bits(), 0);
        // One try per millisecond from 0 to 70 s.
        assert_is(only(&results, "requests_generic"), 70_001.0);
    }
}

/// A tab is open for half of every millisecond. It gains focus 65,536.25 ms after each opening, when it is open for the
/// 65,536th time after that. An event may act on the visit for which it was scheduled only.
#[test]
fn an_event_never_acts_on_a_later_visit() {
    let text = "version = 1\nname = \"v\"\nhorizon = \"66s\"\nbucket = \"66s\"\npolicies = [\"new\"]\n\
                [client]\nmodel = \"clerk-js-6.3.3\"\n[fleet]\nusers = 1\nstays = \"500us\"\naway = \"500us\"\n\
                focus-every = \"65536.25ms\"\n[backend]\nlatency = \"100us\"\n";
    let results = run("v.toml", text, &[]);
    assert_eq!(only(&results, "requests_touch").to_bits(), 0);
    assert!(only(&results, "requests_client") > 65_000.0);
}

/// An entry of `counters.toml`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// The reason why the bound holds.
    why: String,
    /// Source lines by file, without leading and trailing white space.
    lines: BTreeMap<String, Vec<String>>,
}

/// Whether a file makes results. The counts of token clients are not listed yet.
fn makes_results(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !["tests.rs", "testing.rs", "self_test.rs"].contains(&name) && !path.starts_with("src/client/token/")
}

/// Whether a line declares a narrow field, casts to a narrow number, or saturates or wraps.
fn is_narrow(line: &str) -> bool {
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let declares = || {
        let (name, kind) = line.strip_suffix(',')?.split_once(": ")?;
        let name = name.rsplit(' ').next()?;
        let kind = kind.trim_start_matches("Option<").trim_start_matches("Vec<").trim_start_matches('[');
        let kind = kind.trim_end_matches('>').trim_end_matches(']');
        Some(word(name) && ["u8", "u16", "u32", "TaskId"].contains(&kind))
    };
    let casts = |kind: &str| {
        let cast = format!(" as {kind}");
        line.match_indices(&cast)
            .any(|(at, _)| !line[at + cast.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    declares() == Some(true)
        || ["u8", "u16", "u32", "TaskId"].iter().any(|kind| casts(kind))
        || [
            "saturating_",
            "wrapping_",
            "unwrap_or(u8::MAX)",
            "unwrap_or(u16::MAX)",
            "unwrap_or(u32::MAX)",
            "unwrap_or(u64::MAX)",
        ]
        .iter()
        .any(|what| line.contains(what))
}

#[test]
fn every_narrow_count_is_listed_with_its_bound() {
    #[derive(serde::Deserialize)]
    struct List {
        group: Vec<Group>,
    }
    let list: List = toml::from_str(include_str!("../counters.toml")).expect("the list");
    let mut listed = BTreeMap::<(String, String), bool>::new();
    for group in &list.group {
        assert!(group.why.len() > 20, "{}", group.why);
        for (file, lines) in &group.lines {
            for line in lines {
                let before = listed.insert((format!("src/{file}"), line.clone()), false);
                assert_eq!(before, None, "listed twice: {file}: {line}");
            }
        }
    }
    let dirs = ["backend", "client", "kernel", "metrics", "plan", "world"];
    let files = dirs.iter().flat_map(|dir| sources(&format!("src/{dir}")));
    let mut missing = Vec::new();
    for (file, code) in files.filter(|(path, _)| makes_results(path)) {
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for line in code
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default().trim())
            .filter(|line| is_narrow(line))
        {
            match listed.get_mut(&(file.clone(), line.to_owned())) {
                Some(found) => *found = true,
                None => missing.push(format!("{file}: {line}")),
            }
        }
    }
    missing.extend(
        listed
            .iter()
            .filter(|(_, found)| !**found)
            .map(|((file, line), _)| format!("no longer there: {file}: {line}")),
    );
    assert!(
        missing.is_empty(),
        "tests/counters.toml does not say what bounds these:\n{}",
        missing.join("\n")
    );
}
