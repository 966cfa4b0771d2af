//! Invented results for tests: a storm with known features, and unusual cases.

use super::{
    Assurance, Engine, FaultWindow, Judgement, MetricValues, PolicyResults, Results, SessionRow, Verdict,
};
use crate::backend::Endpoint;
use crate::client::Model;
use crate::kernel::Dur;
use crate::metrics::{Metric, Outcome, Timeline, metrics_of};
use crate::stats::at_most;

/// Names that a careless report would execute, lose or misprint.
pub(crate) fn hostile_names() -> Vec<String> {
    vec![
        "<script>alert(1)</script>".to_owned(),
        "\"quotes\" & 'apostrophes' ]]> onload=\"x\"".to_owned(),
        "x".repeat(500),
        "\u{202E}מדיניות ישנה العربية".to_owned(),
        "=HYPERLINK(\"http://x\")\r\n\u{0}".to_owned(),
        "漢字カナ 🙂 -- <!-- <![CDATA[".to_owned(),
    ]
}

/// A run of ten minutes with a fault from minute two to minute four. Earlier policies suffer more. The last policy hardly
/// suffers unless it is the only one.
pub(crate) fn storm(names: &[&str], buckets: usize, replications: u32) -> Results {
    let horizon = Dur::from_secs(600);
    let bucket = Dur((horizon.0 / buckets as u64).max(1));
    let horizon = Dur(bucket.0 * buckets as u64);
    let last = names.len().saturating_sub(1).max(1) as f64;
    let policies = names.iter().enumerate().map(|(i, name)| {
        let harm = if names.len() == 1 { 1.0 } else { 1.0 - i as f64 / last };
        policy(name, bucket, buckets, replications, harm)
    });
    Results {
        scenario: "touch-429-burst".to_owned(),
        about: "A rate limit on /touch for two minutes.".to_owned(),
        client_model: "documented".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario_hash: "9f3c2ab47d10".repeat(5) + "0000",
        seed: 42,
        replications,
        horizon,
        users: 10_000,
        bucket: (!names.is_empty()).then_some(bucket),
        faults: vec![FaultWindow {
            name: "/touch limit 600 → 120/s".to_owned(),
            from: Dur(horizon.0 / 5),
            to: Dur(horizon.0 / 5 * 2),
        }],
        policies: policies.collect(),
        expectations: vec![
            Verdict {
                that: "new.false_sign_outs == 0".to_owned(),
                policy: "new".to_owned(),
                judgement: Judgement::Passed,
                observed: Some(0.0),
                replication: Some(0),
                same_in_all: true,
                bound: 0.0,
                is_relation: false,
                decision: None,
                exercised: replications,
                assurance: Assurance::ViolatedAtMost(at_most(replications)),
                reason: String::new(),
                may_be_vacuous: false,
            },
            Verdict {
                that: "old.amplification < 1.5".to_owned(),
                policy: "old".to_owned(),
                judgement: Judgement::Failed,
                observed: Some(4.25),
                replication: Some(replications.min(3) - 1),
                same_in_all: false,
                bound: 1.5,
                is_relation: false,
                decision: None,
                exercised: replications,
                assurance: Assurance::None,
                reason: String::new(),
                may_be_vacuous: false,
            },
        ],
        engine: Engine { events: 1_234_567, fingerprint: 0x0123_4567_89ab_cdef, parts: 1 },
        all_sessions: false,
        scenario_text: String::new(),
        policy_files: Vec::new(),
        stories: Vec::new(),
        precision: None,
        warm_up: Vec::new(),
        gaps: Vec::new(),
    }
}

/// Gives a policy these values of a metric, one per replication, with their mean and no interval.
pub(crate) fn set(results: &mut Results, policy: usize, metric: Metric, values: &[f64]) {
    let metrics = &mut results.policies[policy].metrics;
    let found = metrics.iter_mut().find(|values| values.def().is_some_and(|def| def.metric == metric));
    let Some(found) = found else { return };
    found.values = values.to_vec();
    found.mean = values.iter().sum::<f64>() / values.len() as f64;
    (found.ci_low, found.ci_high) = (found.mean, found.mean);
}

/// Results of a run in which nothing happened.
pub(crate) fn empty(names: &[&str]) -> Results {
    let mut results = storm(names, 60, 1);
    results.faults.clear();
    for policy in &mut results.policies {
        let bucket = policy.timelines[0].bucket;
        policy.timelines = vec![Timeline::new(bucket, results.horizon)];
        policy.metrics = metrics(|_| vec![0.0]);
        policy.sessions.clear();
        policy.entries_distribution.clear();
    }
    results
}

/// Every case of the layout tests: its name and its results.
pub(crate) fn table() -> Vec<(&'static str, Results)> {
    let long = [
        "policy-with-a-very-long-name-for-the-old-client-of-2023-and-before",
        "policy-with-a-very-long-name-for-the-new-client-of-2024-and-after-a",
    ];
    let six = ["old", "new", "capped", "no-jitter", "full-jitter", "circuit-breaker"];
    let six_long: Vec<String> = (0..6).map(|i| format!("{}-{i}", "long-name".repeat(7))).collect();
    let six_long: Vec<&str> = six_long.iter().map(String::as_str).collect();
    let hostile = hostile_names();
    let hostile_refs: Vec<&str> = hostile.iter().map(String::as_str).collect();
    let mut hostile = storm(&hostile_refs, 60, 3);
    hostile.scenario = hostile_refs[0].repeat(9);
    hostile.client_model = hostile_refs[2].to_owned();
    hostile.faults[0].name = hostile_refs[1].to_owned();
    let mut faulty = storm(&["old", "new"], 120, 5);
    faulty.faults = (0..23u64)
        .map(|i| FaultWindow {
            name: format!("fault number {i} with a name that goes on {}", "and on ".repeat(i as usize)),
            from: Dur(faulty.horizon.0 / 25 * i),
            to: Dur(faulty.horizon.0 / 25 * (i + 1 + i % 4)),
        })
        .collect();
    let mut huge = storm(&["old", "new"], 600, 1);
    for bucket in huge.policies.iter_mut().flat_map(|p| &mut p.timelines[0].buckets) {
        bucket.calls[0][0] = u64::from(u32::MAX) - 1;
        bucket.false_sign_outs *= 1_000_000;
    }
    huge.users = u32::MAX;
    let mut never = storm(&["old", "new"], 60, 3);
    set(&mut never, 0, Metric::TimeToRecoverS, &[f64::INFINITY; 3]);
    set(&mut never, 1, Metric::TimeToRecoverS, &[1.0, f64::INFINITY, 3.0]);
    let mut no_runs = storm(&["old"], 10, 1);
    no_runs.policies[0].timelines.clear();
    vec![
        ("one", storm(&["old"], 600, 1)),
        ("two", storm(&["old", "new"], 600, 1)),
        ("two-replicated", storm(&["old", "new"], 300, 20)),
        ("three", storm(&["old", "new", "capped"], 300, 4)),
        ("four", storm(&["old", "new", "capped", "no-jitter"], 300, 1)),
        ("six", storm(&six, 300, 20)),
        ("long-names", storm(&long, 300, 2)),
        ("six-long-names", storm(&six_long, 300, 2)),
        ("empty", empty(&["old", "new"])),
        ("empty-one", empty(&["old"])),
        ("single-bucket", storm(&["old", "new"], 1, 1)),
        ("many-buckets", storm(&["old", "new"], 100_000, 1)),
        ("hostile", hostile),
        ("many-faults", faulty),
        ("huge", huge),
        ("never", never),
        ("no-runs", no_runs),
        ("no-policy", storm(&[], 10, 1)),
        ("twelve", storm(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"], 60, 2)),
    ]
}

/// Every metric, with values that depend on its name.
fn metrics(values: impl Fn(&str) -> Vec<f64>) -> Vec<MetricValues> {
    metrics_of(Model::default())
        .iter()
        .map(|def| {
            let values = values(def.name);
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let half = if values.len() > 1 { 0.08 * mean } else { 0.0 };
            MetricValues {
                name: def.name.to_owned(),
                unit: def.unit.to_owned(),
                values,
                mean,
                ci_low: mean - half,
                ci_high: mean + half,
                exercised: None,
            }
        })
        .collect()
}

fn policy(name: &str, bucket: Dur, buckets: usize, replications: u32, harm: f64) -> PolicyResults {
    let timelines: Vec<Timeline> = (0..replications).map(|r| timeline(bucket, buckets, r, harm)).collect();
    let sum = |of: fn(&crate::metrics::timeline::Bucket) -> u64| -> Vec<f64> {
        timelines.iter().map(|t| t.buckets.iter().map(|b| of(b) as f64).sum()).collect()
    };
    let calls = |b: &crate::metrics::timeline::Bucket| b.calls.iter().flatten().sum::<u64>();
    let peak = |t: &Timeline| t.buckets.iter().map(calls).max().unwrap_or(0) as f64 / bucket.as_secs_f64();
    let peaks: Vec<f64> = timelines.iter().map(peak).collect();
    let entries = sum(|b| b.flow_entries);
    let seconds = |of: fn(&crate::metrics::timeline::Bucket) -> u128| -> Vec<f64> {
        timelines.iter().map(|t| t.buckets.iter().map(|b| of(b) as f64 / 1e9).sum()).collect()
    };
    let (stale, waited) = (seconds(|b| b.without_token_ns), seconds(|b| b.waiting_ns));
    let (false_outs, true_outs) = (sum(|b| b.false_sign_outs), sum(|b| b.true_sign_outs));
    let worst = (harm * 2_400.0).round();
    let same = |value: f64| vec![value; replications as usize];
    let metrics = metrics(|metric| match metric {
        "false_sign_outs" => false_outs.clone(),
        "true_sign_outs" => true_outs.clone(),
        "unauthenticated_events_worst_session" => same(worst),
        "unauthenticated_depth_max" => same((harm * 39.0).round()),
        "amplification" => (0..replications).map(|r| 1.0 + harm * 3.0 + f64::from(r % 5) * 0.02).collect(),
        "peak_requests_per_s" => peaks.clone(),
        "unauthenticated_events" => entries.clone(),
        "stale_token_session_s" => stale.clone(),
        "app_wait_s" => waited.clone(),
        "signed_in_session_s" => same(6_000_000.0),
        _ => same(harm * 10.0),
    });
    let mut entries_distribution = vec![(0, 10_000 * u64::from(replications))];
    let mut entries = 1u32;
    while f64::from(entries) < worst {
        entries_distribution.push((entries, (4_000.0 * harm / f64::from(entries)) as u64 + 1));
        entries += entries.div_ceil(4);
    }
    if worst >= 1.0 {
        entries_distribution.push((worst as u32, 1));
    }
    let sessions = (0..5u32)
        .map(|i| SessionRow {
            client: None,
            replication: i % replications,
            session: 1_234 + i,
            entries: (worst as u32).saturating_sub(i),
            recursive_entries: 39,
            failed_entries: 0,
            depth: 39,
            requests: 80 - i,
            signed_out_at_s: (i != 2).then_some(125.25 + f64::from(i)),
            false_sign_out: i.is_multiple_of(2) && i != 2,
            reuse_sign_out: false,
            stale_token_s: 0.1 * f64::from(i),
        })
        .filter(|row| row.entries > 0)
        .collect();
    let (demand, not_exercised) = (Vec::new(), Vec::new());
    PolicyResults {
        unrecorded: Vec::new(),
        groups: Vec::new(),
        name: name.to_owned(),
        metrics,
        demand,
        answers: Vec::new(),
        limits: Vec::new(),
        servers: Vec::new(),
        named: Vec::new(),
        not_exercised,
        timelines,
        sessions,
        entries_distribution,
    }
}

/// A ramp during the fault, a decay after it, and a small saw tooth so that neighbouring columns differ.
fn timeline(bucket: Dur, buckets: usize, replication: u32, harm: f64) -> Timeline {
    let mut timeline = Timeline::new(bucket, Dur(bucket.0 * buckets as u64));
    let seconds = bucket.as_secs_f64();
    for (i, slot) in timeline.buckets.iter_mut().enumerate() {
        let at = (i as f64 + 0.5) / buckets as f64;
        let within = (0.2..0.4).contains(&at);
        let ramp = if within { (at - 0.2) / 0.2 } else { 0.0 };
        let decay = if at >= 0.4 { 1.0 / (1.0 + 2_500.0 * (at - 0.4) * (at - 0.4)) } else { 0.0 };
        let storm = harm * (ramp + decay);
        let wobble = ((i * 7 + replication as usize * 13) % 11) as f64 / 11.0;
        let calls = |rate: f64| (rate * seconds * (0.96 + 0.08 * wobble)).round() as u64;
        let mut add = |endpoint: Endpoint, outcome: Outcome, rate: f64| {
            slot.calls[endpoint.index()][outcome as usize] += calls(rate);
        };
        add(Endpoint::known("touch"), Outcome::Ok, if within { 120.0 } else { 400.0 });
        add(
            Endpoint::known("touch"),
            Outcome::TooManyRequests,
            if within { 300.0 + 300.0 * ramp * harm } else { 0.0 },
        );
        add(Endpoint::known("client"), Outcome::Unauthorized, 900.0 * storm);
        add(Endpoint::known("client"), Outcome::Server5xx, 80.0 * storm);
        add(Endpoint::known("client"), Outcome::Timeout, 40.0 * storm);
        add(crate::client::workload::GENERIC, Outcome::NotFound, 2.0 * storm);
        add(crate::client::workload::GENERIC, Outcome::Dropped, 1.5 * storm);
        let grow = 1.0 + 0.05 * f64::from(replication % 7);
        slot.false_sign_outs = calls(18.0 * storm * grow);
        slot.true_sign_outs = u64::from((i + replication as usize * 3).is_multiple_of((buckets / 30).max(1)));
        slot.flow_entries = calls(350.0 * storm);
        slot.recursive_entries = slot.flow_entries / 2;
        slot.without_token_ns = u128::from(calls(40.0 * storm * grow)) * 1_000_000_000;
        slot.waiting_ns = u128::from(calls(5.0 * storm)) * 1_000_000_000;
        slot.depth_max = if slot.flow_entries > 0 { 1 + (38.0 * storm) as u64 } else { 0 };
    }
    timeline
}
