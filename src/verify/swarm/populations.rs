//! Draws random scenarios of populations: cohorts of browsers with clients of several families, asleep, hidden, late and with wrong
//! clocks; policies with the limits of libraries; rollouts in time. They have dice of their own, so that other drawn scenarios
//! stay as they are.

use super::draw::{dist, words};
use crate::client::Model;
use crate::kernel::dice::Dice;
use std::fmt::Write;

/// The number of these dice among those of a seed.
const DICE: u32 = 8;

/// Token clients of cohorts.
const TOKENS: [&str; 4] =
    ["supabase-js-2.119.1", "firebase-1.13.9", "oidc-client-ts-3.5.0", "auth0-spa-js-2.28.3"];

/// Limits that libraries give their retries and calls.
const LIBRARIES: [&str; 9] = [
    "grpc-retry-throttling = { max-tokens = 6, token-ratio = 0.5 }",
    "finagle-retry-budget = { ttl = \"5s\", min-retries-per-sec = 1, percent-can-retry = 0.5 }",
    "tower-retry-budget = { ttl = \"3s\", min-per-sec = 1, retry-percent = 0.4 }",
    "envoy-retry-budget = { budget-percent = 30.0, min-retry-concurrency = 1 }",
    "aws-retry-quota = { capacity = 20, retry-cost = 4, timeout-retry-cost = 8, no-retry-increment = 2 }",
    "brooker-token-bucket = { fill-rate = 0.2, size = 2 }",
    "brooker-breaker = { max-failure-rate = 0.5 }",
    "sre-throttling = { k = 1.5, window = \"20s\" }",
    "resilience4j-circuit-breaker = { failure-rate-threshold = 40.0, sliding-window-size = 5, minimum-number-of-calls = 3, \
     wait-duration-in-open-state = \"5s\", permitted-number-of-calls-in-half-open-state = 2, \
     max-wait-duration-in-half-open-state = \"9s\" }",
];

/// The scenario of populations of this seed.
pub(super) fn scenario(seed: u64) -> String {
    let dice = &mut Dice::new(seed, DICE);
    let horizon_s = dice.number(100, 500);
    let mut text = format!(
        "version = 1\nname = \"populations-{seed}\"\nabout = \"drawn\"\nseed = {seed}\nreplications = 1\nhorizon = \"{horizon_s}s\"\n\
         bucket = \"5s\"\nwarm-up = \"{}s\"\npolicies = [\"own\", \"shipped\", \"mixed\"]\n\n[guard]\nmax-events = 30000\n\
         max-events-at-one-instant = 20000\n",
        dice.number(0, 50)
    );
    for name in ["own", "second"] {
        policy(dice, &mut text, name);
    }
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(
        text,
        "\n[[rollout]]\nname = \"shipped\"\nold = \"own\"\nnew = \"second\"\nfrom = \"{from}s\"\nto = \"{}s\"\nshare = 0.{}\n\
         reload = {}",
        from + dice.number(1, horizon_s / 2),
        dice.number(1, 9),
        dice.yes(0.5)
    );
    text += "\n[[mix]]\nname = \"mixed\"\nshares = [{ policy = \"own\", share = 0.5 }, { policy = \"second\", share = 0.5 }]\n";
    for number in 0..dice.number(2, 4) {
        cohort(dice, &mut text, number, horizon_s);
    }
    backend(dice, &mut text, horizon_s);
    for _ in 0..dice.number(0, 4) {
        action(dice, &mut text, horizon_s);
    }
    if dice.yes(0.5) {
        callers(dice, &mut text);
    }
    text
}

/// Writes generic clients that hold a token.
fn callers(dice: &mut Dice, text: &mut String) {
    let _ = writeln!(
        text,
        "\n[[workload]]\nname = \"callers\"\nclients = {}\nregion = \"eu\"\nevery = {}\n\
         token = {{ life = \"20s\", lead = \"{}s\", single-flight = {} }}\n\
         circuit-breaker = {{ failures = {}, open = \"10s\" }}\nwindowed-retry = {{ retries = {}, window = \"15s\" }}\n\
         retry = {{ on = [\"5xx\", \"network\"], initial = \"1s\", factor = 2, cap = \"9s\", retries = 4 }}",
        dice.number(1, 6),
        dist(dice, 4_000),
        dice.number(0, 9),
        dice.yes(0.5),
        dice.number(1, 4),
        dice.number(1, 3),
    );
}

fn policy(dice: &mut Dice, text: &mut String, name: &str) {
    let enters = dice.one(&["[\"401\", \"422\"]", "[\"4xx\", \"!429\"]"]);
    let _ = writeln!(
        text,
        "\n[[policy]]\nname = \"{name}\"\nabout = \"drawn\"\nenters-unauthenticated-flow = {enters}"
    );
    let _ = writeln!(text, "touch-errors = \"{}\"", dice.one(&words("policy.touch-errors")));
    if dice.yes(0.4) {
        let _ = writeln!(text, "retry-budget = {{ ratio = 0.5, burst = {} }}", dice.number(1, 4));
    }
    let library = dice.yes(0.5).then(|| dice.one(&LIBRARIES));
    // A client has one circuit breaker.
    if dice.yes(0.3) && library.is_none_or(|library| !library.contains("circuit-breaker")) {
        let _ = writeln!(text, "circuit-breaker = {{ failures = {}, open = \"20s\" }}", dice.number(1, 3));
    }
    if dice.yes(0.3) {
        let _ = writeln!(text, "windowed-retry = {{ retries = {}, window = \"30s\" }}", dice.number(1, 3));
    }
    let _ = writeln!(
        text,
        "[policy.retry]\non = [\"429\", \"5xx\", \"network\"]\ninitial = \"{}ms\"\nfactor = 1.5\ncap = \"20s\"\nretries = {}\n\
         offline-retries = {}\njitter = \"{}\"",
        dice.number(200, 3_000),
        dice.number(0, 8),
        dice.number(0, 4),
        dice.one(&words("policy.retry.jitter")),
    );
    if dice.yes(0.6) {
        let means = dice.one(&words("policy.retry.retry-after-as"));
        let _ = writeln!(
            text,
            "honour-retry-after = true\nretry-after-as = \"{means}\"\nretry-after-cap = \"1m\""
        );
    }
    if let Some(library) = library {
        let per = dice.one(&words("policy.resilience.per"));
        let _ = writeln!(text, "[policy.resilience]\nper = \"{per}\"\n{library}");
    }
}

fn cohort(dice: &mut Dice, text: &mut String, number: u64, horizon_s: u64) {
    // Each family has users, so that somebody calls the endpoints of both.
    let has_flow = number == 0 || (number > 1 && dice.yes(0.5));
    let models = Model::all().filter(|model| !model.row().is_contender).map(Model::name);
    let model = if has_flow { dice.one(&models.collect::<Vec<_>>()) } else { dice.one(&TOKENS) };
    let _ = writeln!(text, "\n[[cohort]]\nname = \"c{number}\"");
    for (key, names) in [("network", ["house", "tower"]), ("app", ["web", "shop"]), ("region", ["eu", "us"])]
    {
        if dice.yes(0.4) {
            let _ = writeln!(text, "{key} = \"{}\"", dice.one(&names));
        }
    }
    if dice.yes(0.3) {
        let pinned = if has_flow { dice.one(&["old", "mixed"]) } else { dice.one(&TOKENS) };
        let _ = writeln!(text, "policy = \"{pinned}\"");
    }
    let objects = if has_flow { String::new() } else { format!("objects = {}\n", dice.number(1, 2)) };
    let _ = writeln!(text, "[cohort.client]\nmodel = \"{model}\"\n{objects}");
    let _ = writeln!(text, "[cohort.fleet]\nusers = {}\ntabs = {}", dice.number(1, 4), dice.number(1, 3));
    let _ = writeln!(text, "opens = {}\nfocus-every = {}", dist(dice, 3_000), dist(dice, 40_000));
    if has_flow && dice.yes(0.4) {
        let _ = writeln!(text, "document-focus = \"{}\"", dice.one(&["all", "one"]));
    }
    let _ = writeln!(
        text,
        "app-get-token = {{ every = {}, callers = {} }}",
        dist(dice, 20_000),
        dice.number(1, 3)
    );
    if dice.yes(0.3) {
        text.push_str("app-reaction = \"get-token\"\n");
        if has_flow {
            let from = dice.number(0, horizon_s / 2);
            let to = from + dice.number(1, 60);
            let _ = writeln!(text, "app-reaction-from = \"{from}s\"\napp-reaction-to = \"{to}s\"");
        }
    }
    if dice.yes(0.3) {
        let (every, lasts) = (dist(dice, 80_000), dist(dice, 20_000));
        let _ = writeln!(
            text,
            "offline = {{ every = {every}, lasts = {lasts} }}\noffline-fails-at-once = {}",
            dice.yes(0.5)
        );
    }
    if dice.yes(0.4) {
        let from = dice.number(5, horizon_s / 3);
        let every =
            if dice.yes(0.5) { format!(", every = \"{}s\"", horizon_s / 2 + 60) } else { String::new() };
        let _ = writeln!(
            text,
            "sleep = {{ from = {}, to = \"{}s\"{every} }}",
            dist(dice, from * 1_000),
            from + dice.number(1, horizon_s / 2)
        );
    }
    if dice.yes(0.3) {
        let _ = writeln!(text, "timers-late = {}", dist(dice, 900));
    }
    if dice.yes(0.5) {
        let (after, chained) = (dice.number(5, 300), dice.number(5, 60));
        let _ = writeln!(
            text,
            "hidden-timers = {{ every = \"1s\", after = \"{after}s\", chained-every = \"{chained}s\" }}"
        );
    }
    if !has_flow && dice.yes(0.4) {
        let (ahead, behind) = (dist(dice, 60_000), dist(dice, 20_000));
        let _ = writeln!(text, "clock-skew = {{ ahead = {ahead}, behind = {behind}, share = 0.5 }}");
    }
}

fn backend(dice: &mut Dice, text: &mut String, horizon_s: u64) {
    let _ = writeln!(
        text,
        "\n[backend]\nlatency = {}\ntoken-life = \"{}s\"\nrefresh-token-reuse = \"{}s\"",
        dist(dice, 100),
        dice.number(60, 400),
        dice.number(0, 20)
    );
    let key = dice.one(&["ip", "app", "region", "global"]);
    let _ = writeln!(
        text,
        "\n[[backend.limit]]\nendpoints = [\"tokens\", \"token\"]\nkind = \"token-bucket\"\nkey = \"{key}\"\nrate = \"{}/10s\"\n\
         burst = {}\nretry-after = \"seconds\"\nreport-keys = true",
        dice.number(1, 20),
        dice.number(1, 9)
    );
    if dice.yes(0.3) {
        let preset = dice.one(&["supabase", "okta-token", "cognito-refresh"]);
        let _ = writeln!(text, "\n[[backend.limit]]\npreset = \"{preset}\"\nendpoints = [\"token\"]");
    }
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(
        text,
        "\n[[fault]]\nname = \"f\"\nkind = \"{}\"\nfrom = \"{from}s\"\nto = \"{}s\"\nprobability = 0.{}",
        dice.one(&["outage", "no-answer"]),
        from + dice.number(1, 60),
        dice.number(1, 9)
    );
    if dice.yes(0.5) && text.contains("region = \"eu\"") {
        let _ = writeln!(text, "regions = [\"eu\"]");
    }
    if dice.yes(0.3) {
        let _ =
            writeln!(text, "repeat-every = \"{}s\"\nrepeat-until = \"{horizon_s}s\"", dice.number(61, 120));
    }
    if dice.yes(0.5) {
        let _ = writeln!(text, "\n[[fault]]\nkind = \"restart\"\nfrom = \"{}s\"", dice.number(1, horizon_s));
    }
}

fn action(dice: &mut Dice, text: &mut String, horizon_s: u64) {
    let at = dice.number(1_000, horizon_s * 1_000);
    let act = dice.one(&[
        "focus",
        "blur",
        "get-token",
        "open-tab",
        "reload",
        "offline",
        "online",
        "revoke",
        "sleep",
        "wake",
    ]);
    let whom = dice.one(&["user = 0", "users = \"all\"", "users = { share = 0.5 }"]);
    let _ = writeln!(text, "\n[[action]]\nat = \"{at}ms\"\ndo = \"{act}\"\n{whom}");
    if dice.yes(0.4) {
        let _ = writeln!(text, "spread = {}", dist(dice, 5_000));
    }
    if dice.yes(0.4) {
        let _ = writeln!(text, "cohort = \"c0\"");
    }
    if ["focus", "blur", "get-token", "reload"].contains(&act) {
        let _ = writeln!(text, "tab = 0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_scenario_that_loads() {
        crate::verify::all_load(0..200, scenario);
    }
}
