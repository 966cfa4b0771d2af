//! Cases from public bug reports, one a function: the name is that of the repository and the number of its report. Each right
//! value follows from the report or from a calculation here, not from a run.

use authstorm::Study;
use authstorm::results::Results;

/// A scenario with one generic workload under the preset `new`.
fn generic(horizon: &str, workload: &str, rest: &str) -> String {
    format!(
        "version = 1\nreplications = 1\nname = \"field\"\nhorizon = \"{horizon}\"\npolicies = [\"new\"]\n\
         [guard]\nmax-events-at-one-instant = 100000\n[[workload]]\nname = \"callers\"\n{workload}\n{rest}"
    )
}

fn run(text: &str) -> Results {
    let study = Study::parse("field.toml", text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    study.run().unwrap_or_else(|e| panic!("{e}"))
}

fn value(results: &Results, metric: &str) -> f64 {
    results.policies[0].metric(metric).values[0]
}

/// kubevuln 755: `Retry-After: 0` is taken for the delay, so a call follows each answer at once: 2 s / 80 us = 25,000 calls. As
/// a floor of the back-off it changes nothing: tries at 0 s, 0.5 s and 1.25 s; the next would come after 2.375 s.
#[test]
fn kubevuln_755_a_retry_after_of_zero_instead_of_the_back_off() {
    let rest = "[backend.generic]\nlatency = \"80us\"\n[[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\n\
                status = 429\nretry-after-s = 0\n";
    let requests = |how: &str| {
        let retry = "on = [\"429\"]\ninitial = \"500ms\"\nfactor = 1.5\ncap = \"60s\"\nretries = 1000";
        let workload = format!(
            "think = \"0s\"\n[workload.retry]\n{retry}\nhonour-retry-after = true\nretry-after-as = \"{how}\""
        );
        value(&run(&generic("2s", &workload, rest)), "requests_total")
    };
    let instead = requests("instead");
    // A call gives up after 1,000 retries, and the next begins at once. The last try is sent at the horizon.
    assert!((25_000.0..=25_001.0).contains(&instead), "{instead}");
    assert!((requests("floor") - 3.0).abs() < 0.5);
}

/// urllib3 2719: a server asks for more than a day. With a cap of 6 hours (`retry_after_max`) the client comes back after 6 hours.
#[test]
fn urllib3_2719_a_retry_after_of_more_than_a_day() {
    let rest = "[[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\nstatus = 429\nretry-after-s = 100000\n\
                to = \"1s\"";
    let served = |horizon: &str, cap: &str| {
        let workload = format!(
            "at = [\"0s\"]\n[workload.retry]\non = [\"429\"]\ninitial = \"1s\"\nfactor = 2\ncap = \"1m\"\nretries = 3\n\
             honour-retry-after = true\nretry-after-as = \"instead\"\n{cap}"
        );
        let served = value(&run(&generic(horizon, &workload, rest)), "callers_served");
        served > 0.5
    };
    assert!(!served("24h", "") && served("28h", ""), "100,000 s are 27 hours and 47 minutes");
    let cap = "retry-after-cap = \"6h\"";
    assert!(!served("359m", cap) && served("361m", cap));
}

/// resilience4j 935: a probe of the half-open breaker never returns. The breaker opens after 10 failures in the first 10 s, is
/// half-open after 20 s, and its one probe meets a server that does not answer. Nothing is sent from then on, although the
/// server is well again; with a longest wait of 30 s the next probe closes the breaker.
#[test]
fn resilience4j_935_a_half_open_probe_that_never_returns() {
    let faults = "[[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\nstatus = 500\nto = \"15s\"\n\
                  [[fault]]\nkind = \"no-answer\"\nendpoints = [\"generic\"]\nfrom = \"15s\"\nto = \"30s\"\n";
    let sent = |longest: &str| {
        let workload = format!(
            "every = \"1s\"\nresilience = {{ resilience4j-circuit-breaker = {{ minimum-number-of-calls = 10, \
             wait-duration-in-open-state = \"10s\", permitted-number-of-calls-in-half-open-state = 1, \
             max-wait-duration-in-half-open-state = \"{longest}\" }} }}"
        );
        value(
            &run(&generic("10m", &workload, &format!("[backend]\nlatency = \"0s\"\n{faults}"))),
            "requests_total",
        )
    };
    // Calls at 0 s to 9 s, and the probe at 19 s.
    assert!((sent("0s") - 11.0).abs() < 0.5, "{}", sent("0s"));
    // Half-open until 49 s, open until 59 s; then a probe succeeds, and so does each call from 59 s to 600 s.
    assert!((sent("30s") - (11.0 + 542.0)).abs() < 0.5, "{}", sent("30s"));
}

/// A generic client that holds a token (oidc-client-js 948, aws-sdk-net 4313). Fetched ahead with a lead time of the whole life
/// or more, each token is due at once: a refresh loop at 1/RTT. With a life of 10 minutes and a lead of 1, a fetch follows 9
/// minutes after each answer.
#[test]
fn oidc_client_js_948_a_lead_time_above_the_life_of_a_token() {
    let requests = |token: &str| {
        let rest = "[backend.generic]\nlatency = \"200ms\"";
        value(&run(&generic("1h", &format!("token = {{ {token} }}"), rest)), "requests_total")
    };
    // The fetch that begins at the horizon counts.
    let looped = requests("life = \"5m\", lead = \"6m\"");
    assert!((3_600.0 / 0.2..=3_600.0 / 0.2 + 1.0).contains(&looped), "{looped}");
    // At 0 s, and every 540.2 s after that: 6 more within the hour.
    assert!((requests("life = \"10m\", lead = \"1m\"") - 7.0).abs() < 0.5);
}

/// concourse 3586: a token lives 4 hours, and its holder asks for another when half of that is left. The server refuses to renew
/// it as long as it lives, so the holder asks again for two hours of every four, without a back-off: 660,552 calls in two hours.
/// That is one in 10.9 ms (7,200 s / 660,552); the report does not say how much of it is a pause. The reporter expects at most
/// one call a second.
#[test]
fn concourse_3586_a_renewal_that_is_refused_for_half_of_each_life() {
    let refused = "[backend.generic]\nlatency = \"900us\"\n[[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\n\
                   status = 400\nfrom = \"2h\"\nto = \"4h\"\nrepeat-every = \"4h\"";
    let failed = |horizon: &str, retry: &str| {
        let workload = format!("think = \"10ms\"\ntoken = {{ life = \"4h\", lead = \"2h\" }}\n{retry}");
        value(&run(&generic(horizon, &workload, refused)), "responses_failed")
    };
    let back_off =
        "[workload.retry]\non = [\"4xx\"]\ninitial = \"1s\"\nfactor = 1\ncap = \"1s\"\nretries = 1000";
    // Two windows in 8 hours.
    let calls = failed("8h", "");
    assert!((calls - 2.0 * 660_552.0).abs() <= 6.0, "{calls}");
    // Close to one a second: a caller gives up after 1,000 retries, and the next one tries 10 ms later.
    let paced = failed("8h", back_off);
    let expected = 2.0 * 7_200.0 * 1001.0 / (1001.0 * 0.0009 + 1000.0 + 0.01);
    assert!((paced - expected).abs() <= 4.0, "{paced}, not {expected}");
}

/// An app with 100 calls a second asks for a token that takes 95 ms to fetch. Alone, the first call fetches it and nine more
/// wait; without a single flight each of these ten fetches one. So it is again 60 s after each token.
#[test]
fn nextjs_auth0_959_calls_share_the_fetch_of_a_token() {
    let results = |single: bool| {
        let token = format!("every = \"10ms\"\ntoken = {{ life = \"60s\", single-flight = {single} }}");
        run(&generic("90s", &token, "[backend.generic]\nlatency = \"95ms\""))
    };
    let (alone, each) = (results(true), results(false));
    // Alone: a token is there at 95 ms, and the call at 60.1 s finds it expired. Each: the last of the ten fetches ends at
    // 185 ms, so the calls from 60.19 s to 60.28 s fetch again.
    for (results, requests) in [(&alone, 2.0), (&each, 20.0)] {
        assert!((value(results, "requests_total") - requests).abs() < 0.5, "{requests}");
        let (begun, served) = (value(results, "callers_begun"), value(results, "callers_served"));
        assert!((begun - 9_001.0).abs() < 0.5 && (served - 9_001.0).abs() < 0.5, "{begun} {served}");
    }
}

/// firebase-js-sdk 9259: "accounts:lookup" answered 429 signs the user out. A row of a client profile says so of an endpoint, a
/// status and, if need be, a code. Every one of 100 users who open the page meets the fault at the look-up; without the row,
/// none is signed out.
#[test]
fn firebase_9259_a_429_at_look_up_signs_out() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shipped =
        std::fs::read_to_string(crate::common::root().join("scenarios/clients/firebase-1.13.9.toml"));
    let shipped = shipped.expect("a shipped profile");
    let row = "[[answer]]\nendpoint = \"lookup\"\nstatus = [\"429\"]\nsign-out = \"always\"\n\n[[answer]]";
    let profile = shipped
        .replacen("[[answer]]", row, 1)
        .replace("name = \"firebase-1.13.9\"", "name = \"firebase-9259\"");
    std::fs::write(dir.path().join("mine.toml"), profile).expect("written");
    let text = "version = 1\nreplications = 1\nname = \"firebase-9259\"\nhorizon = \"5m\"\npolicy-files = [\"mine.toml\"]\n\
                policies = [\"firebase-9259\", \"firebase-1.13.9\"]\n[client]\nmodel = \"firebase-1.13.9\"\n\
                [fleet]\nusers = 100\nopens = { uniform = [\"0s\", \"60s\"] }\n\
                [backend]\ntoken-life = \"1h\"\n\
                [[fault]]\nkind = \"status\"\nendpoints = [\"lookup\"]\nstatus = 429\n";
    std::fs::write(dir.path().join("s.toml"), text).expect("written");
    let study = Study::load(dir.path().join("s.toml")).unwrap_or_else(|e| panic!("{e}"));
    let results = study.run().unwrap_or_else(|e| panic!("{e}"));
    let out = |n: usize| results.policies[n].metric("false_sign_outs").values[0];
    assert!((out(0) - 100.0).abs() < 0.5 && out(1).abs() < 0.5, "{} {}", out(0), out(1));
}

/// A client of the kind of supabase issue 8959: each tab keeps the tokens in memory and refreshes by a timer.
const COPIES: &str = r#"
[sdk]
name = "copies"
package = "@example/auth"
version = "1.0.0"
[session]
expiry-clock = "server"
kept-in = "object"
shares-refresh = true
[timer]
before-expiry = "60s"
[request]
[[answer]]
endpoint = "token"
status = ["400"]
sign-out = "always"
[refresh-token]
rotates = true
"#;

/// supabase 8959: three tabs hold the same refresh token, and the server accepts a used one for 10 s. Timers on time use it
/// within the round trip of 100 ms. Timers late by up to 60 s keep the session only when all three come within 10 s: of three
/// uniform numbers, with chance `3 r^2 - 2 r^3 = 0.0741` for `r = 10/60`. Each tab then has a refresh token of its own, and the
/// session goes on. A server that gives all of them the same token asks for this luck ten times an hour, so it keeps nobody.
#[test]
fn supabase_8959_late_timers_of_tabs_that_hold_the_same_refresh_token() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("copies.toml"), COPIES).expect("written");
    let ended = |late: &str| {
        let text = format!(
            "version = 1\nreplications = 1\nname = \"field\"\nhorizon = \"1h\"\npolicies = [\"copies\"]\n\
             [client]\nmodel = \"./copies.toml\"\n\
             [fleet]\nusers = 400\ntabs = 3\nopens = {{ uniform = [\"0s\", \"30s\"] }}\nfurther-tab-opens = \"0s\"\n{late}\
             [backend]\ntoken-life = \"5m\"\nlatency = \"100ms\"\nrefresh-token-reuse = \"10s\"\n"
        );
        let file = folder.path().join("field.toml");
        std::fs::write(&file, text).expect("written");
        let study = Study::load(&file).unwrap_or_else(|e| panic!("{e}"));
        let results = study.run().unwrap_or_else(|e| panic!("{e}"));
        assert!(value(&results, "requests_token") >= 1_200.0, "each tab refreshes");
        value(&results, "reuse_sign_outs")
    };
    assert!(ended("") < 0.5);
    let late = ended("timers-late = { uniform = [\"0s\", \"60s\"] }\n");
    let kept: f64 = 3.0 / 36.0 - 2.0 / 216.0;
    let (mean, sd) = (400.0 * (1.0 - kept), (400.0 * kept * (1.0 - kept)).sqrt());
    assert!((late - mean).abs() < 3.3 * sd, "{late} of 400, not {mean} +- {sd}");
}
