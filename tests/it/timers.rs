//! Devices that sleep, and timers that run late.

use authstorm::Study;
use authstorm::backend::Endpoint;
use authstorm::results::{PolicyResults, Results};

fn run(text: &str) -> Results {
    let study = Study::parse("timers.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    study.run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Calls of an endpoint that were sent from one time to another, in seconds.
fn sent(policy: &PolicyResults, endpoint: &str, from_s: u64, to_s: u64) -> u64 {
    let timeline = &policy.timelines[0];
    let width_s = timeline.bucket.0 / 1_000_000_000;
    let endpoint = Endpoint::known(endpoint).index();
    let buckets = timeline.buckets.iter().enumerate();
    let within = buckets.filter(|(i, _)| (from_s..to_s).contains(&(*i as u64 * width_s)));
    within.map(|(_, bucket)| bucket.calls[endpoint].iter().sum::<u64>()).sum()
}

/// Field case wake-office: 200 people of an office whose laptops sleep from the evening to 09:00, which is hour 15 of the run.
/// Each token is dead by then, so that each session refreshes within seconds, and none before.
fn wake_office(model: &str, policy: &str, horizon: &str, sleep: &str) -> Results {
    // Clerk's tokens live 60 s, those of the other clients an hour.
    let life = if model.starts_with("clerk") { "60s" } else { "1h" };
    run(&format!(
        "version = 1\nname = \"wake\"\nhorizon = \"{horizon}\"\nbucket = \"10s\"\npolicies = [\"{policy}\"]\n\
         [client]\nmodel = \"{model}\"\n[fleet]\nusers = 200\nusers-per-network = 200\nopens = {{ uniform = [\"0s\", \"60s\"] }}\n\
         {sleep}\n[backend]\ntoken-life = \"{life}\"\nlatency = \"80ms\"\n"
    ))
}

#[test]
fn an_office_that_wakes_refreshes_within_seconds() {
    let sleep = "sleep = { from = { uniform = [\"30m\", \"40m\"] }, to = \"15h\" }";
    for model in ["supabase-js-2.119.1", "firebase-1.13.9"] {
        let results = wake_office(model, model, "15h5m", sleep);
        let policy = &results.policies[0];
        assert_eq!(sent(policy, "token", 2_400, 54_000), 0, "{model} sleeps");
        assert_eq!(sent(policy, "token", 54_000, 54_010), 200, "{model} wakes");
    }
    let results = wake_office("clerk-js-6.3.3", "new", "15h5m", sleep);
    let policy = &results.policies[0];
    assert_eq!(sent(policy, "tokens", 2_400, 54_000), 0, "no timer runs");
    assert!(sent(policy, "tokens", 54_000, 54_010) >= 200, "its poller and its timer may both ask");
}

/// The same by scripted actions: asleep from minute 30 to hour 15.
#[test]
fn actions_send_devices_to_sleep_and_wake_them() {
    let actions = "[[action]]\nat = \"30m\"\nusers = \"all\"\ndo = \"sleep\"\n[[action]]\nat = \"15h\"\nusers = \"all\"\ndo = \"wake\"\n";
    let results = wake_office("firebase-1.13.9", "firebase-1.13.9", "15h5m", actions);
    let policy = &results.policies[0];
    assert_eq!((sent(policy, "token", 1_800, 54_000), sent(policy, "token", 54_000, 54_010)), (0, 200));
}

/// Two nights: a device sleeps from hour 8 to hour 24 of each day, and refreshes its token of an hour in the other eight only.
#[test]
fn a_device_sleeps_in_each_period() {
    let sleep = "sleep = { from = \"8h\", to = \"24h\", every = \"24h\" }";
    let results = wake_office("firebase-1.13.9", "firebase-1.13.9", "49h", sleep);
    let policy = &results.policies[0];
    for (from_h, to_h, awake) in
        [(1, 8, true), (8, 24, false), (24, 32, true), (32, 48, false), (48, 49, true)]
    {
        assert_eq!(
            sent(policy, "token", from_h * 3_600, to_h * 3_600) > 0,
            awake,
            "hours {from_h} to {to_h}"
        );
    }
}

/// An answer that is under way when the device goes to sleep is lost, and its request fails when the device wakes.
#[test]
fn an_answer_that_comes_during_sleep_is_lost() {
    let failed = |actions: &str| {
        let results = run(&format!(
            "version = 1\nname = \"lost\"\nhorizon = \"50s\"\npolicies = [\"new\"]\n[client]\nmodel = \"clerk-js-6.3.3\"\n\
             [fleet]\nusers = 1\n[backend]\nlatency = \"2s\"\n{actions}"
        ));
        results.policies[0].metric("responses_failed").values[0]
    };
    let sleep = "[[action]]\nat = \"1s\"\nuser = 0\ndo = \"sleep\"\n[[action]]\nat = \"10s\"\nuser = 0\ndo = \"wake\"\n";
    assert!(failed("") < 0.5 && failed(sleep) > 0.5, "{} and {}", failed(""), failed(sleep));
}

/// Renewal theory: a token of an hour whose timer runs 300 s before its expiry is refreshed each 3,300 s and a round trip. With
/// timers late by 30 s in the mean, each 3,330 s and a round trip. Over 200 hours the count of a user then varies by less
/// than one, because a gap's standard deviation is 17 s.
#[test]
fn late_timers_lengthen_each_gap_by_their_mean() {
    for (late, gap_s) in [("", 3_300.08), ("timers-late = { uniform = [\"0s\", \"60s\"] }", 3_330.08)] {
        let results = run(&format!(
            "version = 1\nname = \"late\"\nhorizon = \"200h\"\nbucket = \"1h\"\npolicies = [\"firebase-1.13.9\"]\n\
             [client]\nmodel = \"firebase-1.13.9\"\n[fleet]\nusers = 10\n{late}\n[backend]\ntoken-life = \"1h\"\nlatency = \"80ms\"\n"
        ));
        let refreshes = results.policies[0].metric("requests_token").values[0] / 10.0;
        let expected = 200.0 * 3_600.0 / gap_s;
        assert!((refreshes - expected).abs() < 1.5, "{late}: {refreshes} of {expected}");
    }
}

/// Clerk's client has timers of pollers and refreshes. All of them run one second late: each gap between two refreshes is a second
/// longer, because the token of 60 s still has life left then.
#[test]
fn late_timers_lengthen_each_gap_of_clerk_too() {
    let horizon_s = 20_000.0;
    let refreshes = |late: &str| {
        let results = run(&format!(
            "version = 1\nname = \"late\"\nhorizon = \"20000s\"\nbucket = \"1000s\"\npolicies = [\"new\"]\n\
             [client]\nmodel = \"clerk-js-6.3.3\"\n[fleet]\nusers = 1\n{late}\n[backend]\ntoken-life = \"60s\"\nlatency = \"80ms\"\n"
        ));
        results.policies[0].metric("requests_tokens").values[0]
    };
    let expected = horizon_s / (horizon_s / refreshes("") + 1.0);
    let late = refreshes("timers-late = \"1s\"");
    assert!((late - expected).abs() < 1.5, "{late} of {expected}");
}
