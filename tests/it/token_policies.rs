//! Policies over token clients: the policy decides which answers to a refresh sign out, which are retried, and when.

use authstorm::Study;
use authstorm::backend::Endpoint;
use authstorm::client::family::{Activity, Call};
use authstorm::client::step::TaskId;
use authstorm::explain::{Session, Wanted, tell, text};
use authstorm::kernel::Time;
use authstorm::metrics::Outcome;
use authstorm::results::Results;
use authstorm::world::{Control, Observer, observed};
use std::collections::BTreeSet;

/// A token is due for its refresh after 58 minutes at the latest; the fault begins before.
const FAULT: &str = "[[fault]]\nkind = \"status\"\nendpoints = [\"token\"]\nfrom = \"50m\"\n";

fn scenario(model: &str, policies: &str, users: u32, more: &str) -> String {
    format!(
        "version = 1\nreplications = 1\nname = \"policed\"\nhorizon = \"70m\"\nbucket = \"1m\"\npolicies = [{policies}]\n\
         [client]\nmodel = \"{model}\"\n[fleet]\nusers = {users}\n\
         [backend]\ntoken-life = \"1h\"\nlatency = \"100ms\"\n{more}"
    )
}

fn study(text: &str) -> Study {
    Study::parse("policed.toml", text).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

fn run(text: &str) -> Results {
    study(text).run().unwrap_or_else(|e| panic!("{e}"))
}

fn value(results: &Results, policy: &str, metric: &str) -> f64 {
    results.policy(policy).unwrap_or_else(|| panic!("no {policy}")).metric(metric).values[0]
}

/// Times of the requests to the token endpoint.
#[derive(Default)]
struct Sent(Vec<Time>);

impl Observer for Sent {
    const ACTIVE: bool = true;

    fn sent(&mut self, now: Time, _: u32, _: TaskId, _: Activity, endpoint: Endpoint, _: bool) {
        if endpoint.name() == "token" {
            self.0.push(now);
        }
    }

    fn call_ended(&mut self, _: Time, _: TaskId, _: &Call, _: Outcome) {}
}

/// Milliseconds between the requests of one user under the first policy.
fn gaps(text: &str) -> Vec<u64> {
    let plan = study(text).plan();
    let (_, sent, _) = observed(&plan, 0, 0, &Control::default(), Sent::default()).expect("it runs");
    sent.0.windows(2).map(|pair| pair[1].since(pair[0]).0 / 1_000_000).collect()
}

/// The schedule of the fact sheet of clerk-js, "Timers and constants": each gap is a delay and a round trip of 100 ms.
const GETTOKEN: [u64; 8] = [3_000, 4_650, 7_207, 11_171, 17_316, 26_839, 41_601, 50_000];

fn own(on: &str, rest: &str) -> String {
    format!(
        "{FAULT}status = 429\nretry-after-s = 120\n[[policy]]\nname = \"mine\"\n\
         enters-unauthenticated-flow = [\"401\"]\n[policy.retry]\non = [{on}]\ninitial = \"3s\"\nfactor = 1.55\n\
         cap = \"50s\"\nretries = 8\n{rest}"
    )
}

/// `old` takes a 429 for the end of the session, `new` retries it and keeps the session, whatever the client does by itself.
#[test]
fn a_preset_decides_on_sign_outs_and_retries_of_every_token_client() {
    for model in ["supabase-js-2.105.4", "supabase-js-2.119.1", "firebase-1.13.9", "keycloak-js-26.2.4"] {
        let calls = "app-get-token = { every = \"1m\" }";
        let text = scenario(model, "\"old\", \"new\"", 20, &format!("{FAULT}status = 429"));
        let text = text.replace("[fleet]\n", &format!("[fleet]\n{calls}\n"));
        let results = run(&text);
        assert_eq!(value(&results, "old", "false_sign_outs").to_bits(), 20.0_f64.to_bits(), "{model}");
        assert_eq!(value(&results, "old", "responses_429").to_bits(), 20.0_f64.to_bits(), "{model}");
        assert_eq!(value(&results, "new", "false_sign_outs").to_bits(), 0.0_f64.to_bits(), "{model}");
        assert!(value(&results, "new", "requests_token") >= 180.0, "{model}: a try and 8 retries each");
    }
}

#[test]
fn a_refresh_is_retried_on_the_policy_s_schedule() {
    for model in ["supabase-js-2.119.1", "firebase-1.13.9"] {
        let text = scenario(model, "\"new\"", 1, &format!("{FAULT}status = 429"));
        let expected: Vec<u64> = GETTOKEN.iter().map(|delay| delay + 100).collect();
        assert_eq!(gaps(&text)[..8], expected, "{model}");
        // Not retried, and not taken for the end of the session: the client's own clocks ask again.
        let text = scenario(model, "\"new\"", 1, &format!("{FAULT}status = 403"));
        assert!(gaps(&text).iter().all(|gap| *gap > 50_100), "{model}");
    }
}

#[test]
fn retry_after_and_jitter_are_the_policy_s() {
    let gaps = |rest: &str| gaps(&scenario("supabase-js-2.119.1", "\"mine\"", 1, &own("\"429\"", rest)));
    assert!(gaps("honour-retry-after = true")[..5].iter().all(|gap| *gap == 120_100));
    let plain = gaps("");
    assert_eq!(plain[..8], GETTOKEN.map(|delay| delay + 100));
    type Within = fn(u64, u64) -> bool;
    let bounds: [(&str, Within); 3] = [
        ("full", |wait, delay| wait <= delay),
        ("equal", |wait, delay| delay / 2 <= wait && wait <= delay),
        ("decorrelated", |wait, _| (3_000..=50_000).contains(&wait)),
    ];
    for (jitter, within) in bounds {
        let drawn: Vec<u64> =
            gaps(&format!("jitter = \"{jitter}\""))[..8].iter().map(|gap| gap - 100).collect();
        for (wait, delay) in drawn.iter().zip(GETTOKEN) {
            assert!(within(*wait, delay), "{jitter}: {drawn:?}");
        }
        assert!(drawn.iter().zip(GETTOKEN).any(|(wait, delay)| *wait != delay), "{jitter}: {drawn:?}");
        if jitter == "decorrelated" {
            let mut previous = 3_000;
            for wait in drawn {
                // A wait is cut to a millisecond here, so three of them may be 3 ms longer.
                assert!(wait <= 3 * previous + 3, "{wait} after {previous}");
                previous = wait;
            }
        }
    }
}

/// A code decides as a status does, also one that the client's profile does not name.
#[test]
fn codes_of_a_policy_decide() {
    for (code, out) in [("user_banned", 5.0), ("over_quota", 0.0)] {
        let fault = format!("{FAULT}status = 403\ncode = \"{code}\"\n");
        let policy = "[[policy]]\nname = \"mine\"\nenters-unauthenticated-flow = [\"401\", \"403:user_banned\"]\n\
                      [policy.retry]\non = [\"5xx\"]\ninitial = \"1s\"\nfactor = 2\ncap = \"5s\"\nretries = 2\n";
        let text = scenario("supabase-js-2.119.1", "\"mine\"", 5, &format!("{fault}{policy}"));
        assert_eq!(value(&run(&text), "mine", "false_sign_outs").to_bits(), f64::to_bits(out), "{code}");
    }
}

/// The answers and waits of supabase-js 2.105.4 as a policy: the client under it does what the client does by itself.
#[test]
fn a_policy_that_says_what_the_client_does_changes_nothing() {
    let policy = "[[policy]]\nname = \"same\"\n\
                  enters-unauthenticated-flow = [\"4xx\", \"5xx\", \"!502\", \"!503\", \"!504\", \"!530\"]\n\
                  [policy.retry]\non = [\"network\", \"502\", \"503\", \"504\", \"530\"]\ninitial = \"200ms\"\n\
                  factor = 2\ncap = \"1h\"\nretries = 7\noffline-retries = 7\n";
    for fault in ["status = 429", "status = 500", "status = 503"] {
        let text = scenario(
            "supabase-js-2.105.4",
            "\"same\", \"supabase-js-2.105.4\"",
            20,
            &format!("{FAULT}{fault}\nto = \"62m\"\n{policy}"),
        );
        let text = text.replace("users = 20", "users = 20\nopens = { uniform = [\"0s\", \"20m\"] }");
        let results = run(&text);
        let values = |n: usize| -> Vec<Vec<u64>> {
            let of = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
            results.policies[n].metrics.iter().map(|metric| of(&metric.values)).collect()
        };
        assert_eq!(values(0), values(1), "{fault}");
        assert!(value(&results, "same", "failed_refreshes") > 0.0, "{fault}");
    }
}

/// In a mix each user has the client and the server of its part. Where no refresh token works twice, three tabs end the
/// session of a supabase user, and never that of a firebase user, whose token does not rotate.
#[test]
fn a_mix_of_clients_and_policies_keeps_them_apart() {
    let mix = |name: &str, a: &str, b: &str| {
        format!(
            "[[mix]]\nname = \"{name}\"\nshares = [{{ policy = \"{a}\", share = 0.5 }}, {{ policy = \"{b}\", share = 0.5 }}]\n"
        )
    };
    let mixes = mix("clients", "firebase-1.13.9", "supabase-js-2.119.1");
    let text = scenario("supabase-js-2.119.1", "\"clients\", \"supabase-js-2.119.1\"", 200, &mixes)
        .replace("users = 200", "users = 200\ntabs = 3\nfurther-tab-opens = \"0s\"")
        .replace("latency", "refresh-token-reuse = \"0s\"\nlatency")
        // The reuse comes with the first refresh. 2.119.1 signs out when its last token has expired, an hour later.
        .replace("horizon = \"70m\"", "horizon = \"3h\"");
    let results = run(&text);
    let alone = value(&results, "supabase-js-2.119.1", "reuse_sign_outs");
    let mixed = value(&results, "clients", "reuse_sign_outs");
    assert_eq!(alone.to_bits(), 200.0_f64.to_bits());
    // 200 draws of one half: 100, give or take 4 standard deviations of 7.1.
    assert!((72.0..=128.0).contains(&mixed), "{mixed}");

    let mixes = mix("rollout", "old", "supabase-js-2.119.1");
    let policies = "\"rollout\", \"old\", \"supabase-js-2.119.1\"";
    let text = scenario(
        "supabase-js-2.119.1",
        policies,
        200,
        &format!("{FAULT}status = 429\nto = \"59m\"\n{mixes}"),
    );
    let results = run(&text);
    let [mixed, old, own] =
        ["rollout", "old", "supabase-js-2.119.1"].map(|policy| value(&results, policy, "false_sign_outs"));
    assert!(old.to_bits() == 200.0_f64.to_bits() && own.to_bits() == 0.0_f64.to_bits(), "{old} {own}");
    assert!((72.0..=128.0).contains(&mixed), "{mixed}");
}

/// What a token client has no mechanism for is said, and all else is done.
#[test]
fn what_a_token_client_lacks_is_said() {
    let fault = format!("{FAULT}status = 429\n");
    let limits = "[policy.retry-budget]\nratio = 0.1\nburst = 3\n";
    let mine = format!("{}{limits}", own("\"429\"", "")).replace("retry-after-s = 120\n", "");
    for (policies, more, expected) in [
        ("\"old\"", &fault, &["`touch-errors` of policy `old` has no effect"][..]),
        ("\"mine\", \"new\"", &mine, &["`touch-errors` of policies `mine`, `new` has no"]),
        ("\"supabase-js-2.119.1\"", &fault, &[]),
    ] {
        let study = study(&scenario("supabase-js-2.119.1", policies, 1, more));
        let warnings = &study.loaded().warnings;
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        for (warning, says) in warnings.iter().zip(expected) {
            assert!(warning.contains(says) && warning.contains("policed.toml:6:"), "{warning}");
        }
    }
    let clerk = scenario("documented", "\"old\"", 1, "");
    assert!(study(&clerk.replace("token-life = \"1h\"\n", "")).loaded().warnings.is_empty());
}

/// The limits of a policy hold for refreshes. Each right value is that of the first refresh, in which every try fails, and of
/// the ones after it.
#[test]
fn a_policy_limits_the_refreshes_of_a_token_client() {
    let gaps = |limit: &str| {
        let mine = own("\"429\"", &format!("{limit}\n")).replace("retry-after-s = 120\n", "");
        gaps(&scenario("supabase-js-2.119.1", "\"mine\"", 1, &mine))
    };
    let retried =
        |gaps: &[u64]| gaps.iter().zip(GETTOKEN).take_while(|(gap, delay)| **gap == delay + 100).count();
    assert_eq!(retried(&gaps("")), 8);
    // A full budget of 3 retries, then a tenth of a retry for each refresh.
    assert_eq!(retried(&gaps("[policy.retry-budget]\nratio = 0.1\nburst = 3")), 3);
    assert_eq!(retried(&gaps("[policy.windowed-retry]\nretries = 2\nwindow = \"60s\"")), 2);
    // 4 tokens: the first failure leaves 3, which is more than half, the second leaves 2. No success follows.
    let grpc = gaps("[policy.resilience]\ngrpc-retry-throttling = { max-tokens = 4, token-ratio = 0.1 }");
    assert_eq!(retried(&grpc), 1);
    assert!(grpc[1..].iter().all(|gap| *gap > 5_000), "{grpc:?}");
    // 12 tokens of the quota pay for two retries.
    assert_eq!(retried(&gaps("[policy.resilience]\naws-retry-quota = { capacity = 12 }")), 2);
    // The second failure opens the breaker for five minutes. A refresh that it stops sends nothing; the client asks at each
    // tick of 30 s.
    for breaker in [
        "[policy.circuit-breaker]\nfailures = 2\nopen = \"5m\"",
        "[policy.resilience.resilience4j-circuit-breaker]\nminimum-number-of-calls = 2\n\
         wait-duration-in-open-state = \"5m\"\npermitted-number-of-calls-in-half-open-state = 1",
    ] {
        let gaps = gaps(breaker);
        assert_eq!(retried(&gaps), 1, "{breaker}: {gaps:?}");
        assert!((300_000..=335_000).contains(&gaps[1]), "{breaker}: {gaps:?}");
    }
}

/// The same for `getToken` of another family: 4 tokens allow one retry, 12 of the quota two. A client that throttles itself
/// sends few calls to a server that answers none: after R requests it refuses the next with probability R / (R + 1).
#[test]
fn the_mechanisms_of_libraries_hold_for_get_token() {
    let results = |limit: &str| {
        let mine = own("\"429\"", "").replace("retry-after-s = 120\n", "").replace("\"token\"", "\"tokens\"");
        let text = scenario("clerk-js-5.125.3", "\"mine\"", 1, &format!("{mine}{limit}"));
        run(&text.replace("token-life = \"1h\"\n", ""))
    };
    let of = |results: &Results, metric: &str| value(results, "mine", metric);
    let retries = |limit: &str| {
        let results = results(limit);
        of(&results, "requests_total") - of(&results, "first_attempts")
    };
    let near = |a: f64, b: f64| (a - b).abs() < 0.5;
    let grpc =
        retries("[policy.resilience]\ngrpc-retry-throttling = { max-tokens = 4, token-ratio = 0.001 }");
    let aws = retries("[policy.resilience]\naws-retry-quota = { capacity = 12 }");
    assert!(near(grpc, 1.0) && near(aws, 2.0), "{grpc} {aws}");
    let free = of(&results(""), "responses_429");
    let throttled = of(&results("[policy.resilience]\nsre-throttling = {}"), "responses_429");
    assert!(free > 20.0 && throttled < free / 2.0 && throttled > 0.0, "{free} {throttled}");
}

/// Of a process, all users of an app share the limits: 3 retries of all users, not of each.
#[test]
fn users_of_one_app_share_the_limits_of_a_process() {
    for (model, endpoint) in [("supabase-js-2.119.1", "token"), ("clerk-js-6.3.3", "tokens")] {
        let retries = |per: &str, apps: u32| {
            let mine = own("\"429\"", "")
                .replace("retry-after-s = 120\n", "")
                .replace("\"token\"", &format!("\"{endpoint}\""));
            let limit = format!(
                "[policy.retry-budget]\nratio = 0.000001\nburst = 3\n[policy.resilience]\nper = \"{per}\"\n"
            );
            let text = scenario(model, "\"mine\"", 6, &format!("{mine}{limit}"))
                .replace("[fleet]\n", &format!("[fleet]\napps = {apps}\n"));
            let text = if endpoint == "tokens" { text.replace("token-life = \"1h\"\n", "") } else { text };
            let results = run(&text);
            value(&results, "mine", "requests_total") - value(&results, "mine", "first_attempts")
        };
        let (session, process, two) = (retries("session", 1), retries("process", 1), retries("process", 2));
        let near = |a: f64, b: f64| (a - b).abs() < 0.5;
        assert!(
            near(session, 18.0) && near(process, 3.0) && near(two, 6.0),
            "{model}: {session} {process} {two}"
        );
    }
}

/// The profile's own waits may be what a policy's are.
#[test]
fn a_profile_has_the_waits_that_a_policy_has() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let profile = "[sdk]\nname = \"mine\"\npackage = \"mine\"\nversion = \"1\"\n[session]\nexpiry-clock = \"server\"\n\
                   kept-in = \"storage\"\nshares-refresh = true\n[ticker]\nperiod = \"30s\"\nrefresh-below = \"120s\"\n\
                   skips-when-busy = true\n[request]\nhonours-retry-after = HONOURS\n[request.retry]\nfirst = \"3s\"\n\
                   factor = 1.55\ncap = \"50s\"\ntries = 9\nspread = \"SPREAD\"\n[[answer]]\nstatus = [\"429\"]\nretry = true\n";
    let text =
        scenario("supabase-js-2.119.1", "\"mine\"", 1, &format!("{FAULT}status = 429\nretry-after-s = 40\n"))
            .replace("policies =", "policy-files = [\"mine.toml\"]\npolicies =");
    std::fs::write(dir.path().join("s.toml"), &text).expect("written");
    let mut seen = BTreeSet::new();
    for (honours, spread) in [("false", "none"), ("true", "none"), ("false", "full"), ("false", "equal")] {
        let profile = profile.replace("HONOURS", honours).replace("SPREAD", spread);
        std::fs::write(dir.path().join("mine.toml"), profile).expect("written");
        let study = Study::load(dir.path().join("s.toml")).unwrap_or_else(|e| panic!("{e}"));
        // A policy that says the same, over a client that says something else.
        let rest = format!("jitter = \"{spread}\"\nhonour-retry-after = {honours}");
        let policy = own("\"429\"", &rest).replace("retry-after-s = 120", "retry-after-s = 40");
        let other = gaps(&scenario("supabase-js-2.119.1", "\"mine\"", 1, &policy));
        let (_, sent, _) =
            observed(&study.plan(), 0, 0, &Control::default(), Sent::default()).expect("it runs");
        let own: Vec<u64> = sent.0.windows(2).map(|pair| pair[1].since(pair[0]).0 / 1_000_000).collect();
        assert_eq!(own[..8], other[..8], "{honours} {spread}");
        seen.insert(own[..8].to_vec());
    }
    assert_eq!(seen.len(), 4, "each says something else: {seen:?}");
}

/// A story names the rule of the policy that decided.
#[test]
fn a_story_names_the_rule_that_decided() {
    let text =
        scenario("firebase-1.13.9", "\"old\", \"new\"", 1, &format!("{FAULT}status = 429\nto = \"58m\""));
    let study = study(&text);
    for (policy, says) in [
        (0, "policy old takes 429 for the end of the session (enters-unauthenticated-flow = [\"4xx\"])"),
        (1, "policy new retries 429 (retry.on = [\"5xx\", \"network\", \"429\"])"),
    ] {
        let wanted = Wanted::whole(policy, Some(0), Session::Number(0));
        let story = tell(&study, wanted, &Control::default()).expect("it runs");
        let told = text::text(&story).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(says), "{told}");
        assert!(told.contains("client model firebase-1.13.9 ·"), "{told}");
    }
}
