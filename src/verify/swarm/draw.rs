//! Draws random scenarios from the options of each part. A seed always gives the same text.

use crate::backend::Endpoint;
use crate::backend::limiter::LimitKind;
use crate::client::Model;
use crate::fault::{FaultKind, Strikes};
use crate::kernel::Dist;
use crate::kernel::dice::Dice;
use crate::scenario::format;
use crate::spec::toml_value;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// A distribution around `ms` milliseconds, in the form of a scenario.
pub(super) fn dist(dice: &mut Dice, ms: u64) -> String {
    written(&Dist::draw(dice, ms))
}

/// A value in the form of a scenario, on one line.
fn written(value: &impl Serialize) -> String {
    toml_value(&serde_json::to_value(value).expect("numbers, texts, lists and tables are JSON"))
}

/// The names of the endpoints that the drawn scenarios' callers use.
pub(super) fn endpoints() -> Vec<&'static str> {
    Model::default().endpoints().into_iter().map(Endpoint::name).collect()
}

/// The words of `retry-after` in the first version of the format.
const WORDS_OF_FIRST_FORMAT: usize = 3;

/// The permitted words of a key of the format.
pub(super) fn words(path: &str) -> Vec<&'static str> {
    format::scenario().words(path)
}

/// The scenario of this seed.
pub fn scenario(seed: u64) -> String {
    let dice = &mut Dice::new(seed, 0);
    let horizon_s = dice.number(60, 400);
    let mut text = format!(
        "version = 1\nname = \"swarm-{seed}\"\nseed = {seed}\nreplications = 1\nhorizon = \"{horizon_s}s\"\nbucket = \"{}s\"\n\
         policies = [\"old\", \"new\", \"not-429\"]\n\n[guard]\nmax-events = 200000\n",
        dice.number(1, 10)
    );
    // What came later is drawn apart, so that a seed draws the rest as before.
    let later = &mut Dice::new(seed, 40);
    client_and_fleet((dice, later), &mut text);
    backend((dice, later), &mut text, horizon_s);
    for number in 0..dice.number(0, 3) {
        fault(dice, &mut text, horizon_s, number > 0);
    }
    for number in 0..dice.number(0, 2) {
        workload(dice, &mut text, number);
    }
    text
}

fn client_and_fleet((dice, later): (&mut Dice, &mut Dice), text: &mut String) {
    let models = Model::all().filter(|model| !model.row().is_contender).map(Model::name);
    let mut models: Vec<&str> = models.collect();
    let newest = models.pop().expect("a model that came later");
    let drawn = dice.one(&models);
    let model = if later.yes(0.25) { newest } else { drawn };
    let _ = writeln!(text, "\n[client]\nmodel = \"{model}\"");
    let _ = writeln!(text, "\n[fleet]\nusers = {}\ntabs = {}", dice.number(1, 5), dice.number(1, 3));
    let _ = writeln!(text, "users-per-network = {}\napps = {}", dice.number(1, 3), dice.number(1, 2));
    let _ = writeln!(text, "opens = {}", dist(dice, 3_000));
    let _ = writeln!(text, "further-tab-opens = {}", dist(dice, 5_000));
    let _ = writeln!(text, "multi-session = {}", dice.yes(0.3));
    for (key, ms, p) in [("focus-every", 20_000, 0.7), ("reload-every", 90_000, 0.3)] {
        if dice.yes(p) {
            let _ = writeln!(text, "{key} = {}", dist(dice, ms));
        }
    }
    if dice.yes(0.2) {
        let _ = writeln!(text, "stays = {}\naway = {}", dist(dice, 120_000), dist(dice, 20_000));
    }
    if dice.yes(0.4) {
        let _ = writeln!(text, "app-reaction = \"{}\"", dice.one(&words("fleet.app-reaction")));
    }
    if dice.yes(0.5) {
        let (callers, skip) = (dice.number(1, 4), dice.yes(0.3));
        let every = dist(dice, 25_000);
        let _ =
            writeln!(text, "app-get-token = {{ every = {every}, callers = {callers}, skip-cache = {skip} }}");
    }
    if dice.yes(0.3) {
        let _ =
            writeln!(text, "set-active = {{ every = {}, navigate = {} }}", dist(dice, 40_000), dice.yes(0.5));
    }
    if dice.yes(0.2) {
        let _ =
            writeln!(text, "offline = {{ every = {}, lasts = {} }}", dist(dice, 60_000), dist(dice, 10_000));
    }
    if dice.yes(0.4) {
        let _ = writeln!(text, "sign-in-again = {{ after = {}, share = 0.8 }}", dist(dice, 10_000));
    }
    let focus = later.one(&words("fleet.document-focus"));
    let _ = writeln!(text, "document-focus = \"{focus}\"");
    if focus == "one" && later.yes(0.5) {
        let _ = writeln!(text, "focus-lasts = {}", dist(later, 10_000));
    }
}

fn backend((dice, later): (&mut Dice, &mut Dice), text: &mut String, horizon_s: u64) {
    let _ = writeln!(text, "\n[backend]\ntoken-life = \"{}s\"", dice.number(20, 90));
    let _ = writeln!(text, "client-token = \"{}\"", dice.one(&words("backend.client-token")));
    let _ = writeln!(text, "latency = {}", dist(dice, 100));
    for key in ["session-updated-at", "revoked-session"] {
        let _ = writeln!(text, "{key} = \"{}\"", later.one(&words(&format!("backend.{key}"))));
    }
    let _ = writeln!(text, "focus-touch-with-client = {}", later.yes(0.7));
    for endpoint in Model::default().endpoints() {
        if !dice.yes(0.3) {
            continue;
        }
        let _ = writeln!(text, "\n[backend.{endpoint}]");
        if dice.yes(0.4) {
            let _ = writeln!(text, "latency = {}", dist(dice, 50));
        }
        if dice.yes(0.3) {
            let _ = writeln!(text, "refused-latency = {}", dist(dice, 20));
        }
        if dice.yes(0.6) {
            let _ = writeln!(text, "workers = {}\nservice = {}", dice.number(1, 3), dist(dice, 200));
            if dice.yes(0.6) {
                let _ = writeln!(text, "queue = {}", dice.number(0, 4));
            }
        }
        if dice.yes(0.3) {
            let _ = writeln!(text, "timeout = \"{}ms\"", dice.number(50, 3_000));
        }
    }
    for _ in 0..dice.number(0, 3) {
        limit((dice, &mut *later), text, horizon_s);
    }
}

fn limit((dice, later): (&mut Dice, &mut Dice), text: &mut String, horizon_s: u64) {
    let mut kind = LimitKind::draw(dice, horizon_s);
    kind.vary(later);
    let endpoints = dice.some(&endpoints());
    let key = dice.one(&words("backend.limit.key"));
    let _ = writeln!(text, "\n[[backend.limit]]\nendpoints = {endpoints:?}\nkey = \"{key}\"");
    let own = serde_json::to_value(&kind).expect("a table");
    for (key, value) in own.as_object().into_iter().flatten() {
        let _ = writeln!(text, "{key} = {}", toml_value(value));
    }
    let holds = |key: &str| {
        let key = format::scenario().at(&format!("backend.limit.{key}"));
        key.and_then(|key| key.belongs.as_ref()).is_none_or(|belongs| belongs.holds(kind.name()))
    };
    let mut retry_after = None;
    if holds("retry-after") {
        let first_words = &words("backend.limit.retry-after")[..WORDS_OF_FIRST_FORMAT];
        let first = dice.one(first_words);
        retry_after =
            Some(if later.yes(0.3) { later.one(&words("backend.limit.retry-after")) } else { first });
    }
    if dice.yes(0.25) {
        let _ = writeln!(text, "penalty = \"{}s\"", dice.number(1, 20));
        if later.yes(0.4) {
            let _ = writeln!(text, "penalty-prolonged = true");
        }
    }
    let logs_refused = own["logs-refused"] == true;
    if holds("counts") && !logs_refused && later.yes(0.4) {
        let _ = writeln!(text, "counts = \"{}\"", later.one(&words("backend.limit.counts")));
    }
    // What costs more than fits never passes: the bounds of what passes say nothing of it.
    let most = own.get("limit").or_else(|| own.get("burst")).and_then(Value::as_u64).unwrap_or(1);
    if holds("cost") && most > 1 && later.yes(0.3) {
        let _ = writeln!(text, "cost = 2");
    }
    if holds("cost") && most > 1 && later.yes(0.2) {
        let costs = later.number(1, most);
        let _ = writeln!(text, "cost-of = {{ {} = {costs} }}", later.one(&endpoints));
    }
    if later.yes(0.5) {
        let _ = writeln!(text, "report-keys = true");
    }
    if holds("in-front") && later.yes(0.3) {
        let _ = writeln!(text, "in-front = true");
    }
    if later.yes(0.15) {
        let _ = writeln!(text, "readable = false");
        return;
    }
    if later.yes(0.3) {
        let _ = writeln!(text, "status = {}", later.one(&["400", "403", "500", "503"]));
    }
    if let Some(word) = retry_after {
        let _ = writeln!(text, "retry-after = \"{word}\"");
        if word == "constant" {
            let _ = writeln!(text, "retry-after-s = {}", later.number(0, 30));
        }
    }
}

/// A fault. With `chancy` it strikes only some calls of its window, since two faults that strike every call may be refused.
fn fault(dice: &mut Dice, text: &mut String, horizon_s: u64, chancy: bool) {
    let kind = FaultKind::draw(dice);
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(text, "\n[[fault]]\nfrom = \"{from}s\"");
    let own = serde_json::to_value(&kind).expect("a table");
    for (key, value) in own.as_object().into_iter().flatten() {
        let _ = writeln!(text, "{key} = {}", toml_value(value));
    }
    if kind.strikes() == Strikes::Sessions {
        return;
    }
    let endpoints = dice.some(&endpoints());
    let _ = writeln!(text, "to = \"{}s\"\nendpoints = {endpoints:?}", from + dice.number(1, horizon_s / 2));
    if dice.yes(0.6) || chancy {
        let _ = writeln!(text, "probability = 0.{}", dice.number(1, 9));
    }
    if dice.yes(0.2) {
        let _ = writeln!(text, "count = {}", dice.number(1, 20));
    }
}

pub(super) fn workload(dice: &mut Dice, text: &mut String, number: u64) {
    let clients = dice.number(1, 20);
    let _ = writeln!(text, "\n[[workload]]\nname = \"clients-{number}\"\nclients = {clients}");
    let _ = writeln!(text, "clients-per-network = {}\nstarts = {}", dice.number(1, 5), dist(dice, 2_000));
    let _ = match dice.number(0, 2) {
        0 => writeln!(text, "every = {}", dist(dice, 4_000)),
        1 => writeln!(text, "think = {}", dist(dice, 3_000)),
        _ => writeln!(text, "at = [\"1s\", \"1s\", \"20s\"]"),
    };
    if dice.yes(0.2) {
        let _ = writeln!(text, "until = \"50s\"");
    }
    // Chosen by what is drawn already, so that no other draw of a seed changes.
    let mechanisms = match clients {
        4 => {
            "resilience = { grpc-retry-throttling = { max-tokens = 6, token-ratio = 0.5 }, sre-throttling = {} }"
        }
        8 => {
            "resilience = { finagle-retry-budget = { min-retries-per-sec = 0 }, resilience4j-circuit-breaker = { \
             minimum-number-of-calls = 3, wait-duration-in-open-state = \"5s\", \
             permitted-number-of-calls-in-half-open-state = 2, max-wait-duration-in-half-open-state = \"9s\" } }"
        }
        12 => "resilience = { tower-retry-budget = { ttl = \"3s\" }, aws-retry-quota = { capacity = 20 } }",
        16 => {
            "resilience = { envoy-retry-budget = {}, brooker-token-bucket = { fill-rate = 0.2, size = 2 } }"
        }
        20 => {
            "token = { life = \"9s\", lead = \"1s\" }\nresilience = { brooker-breaker = { max-failure-rate = 0.5 } }"
        }
        _ => "",
    };
    let _ = writeln!(text, "{mechanisms}");
    let again = dice.number(0, 3);
    if again > 0 && dice.yes(0.3) {
        let _ = writeln!(text, "retry-budget = {{ ratio = 0.2, burst = {} }}", dice.number(1, 5));
    }
    match again {
        1 => {
            let jitter = dice.one(&words("policy.retry.jitter"));
            let _ = writeln!(
                text,
                "retry = {{ on = [\"429\", \"5xx\", \"network\"], initial = \"500ms\", factor = 2, cap = \"20s\", \
                 retries = {}, jitter = \"{jitter}\", honour-retry-after = {} }}",
                dice.number(0, 8),
                dice.yes(0.5)
            );
        }
        2 => {
            let _ = writeln!(text, "orbit = {}", dist(dice, 2_000));
        }
        3 => {
            let _ = writeln!(text, "layers = {{ tries = {}, depth = 2 }}", dice.number(1, 3));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_scenario_that_loads() {
        crate::verify::all_load(0..300, scenario);
    }
    /// What the format says of a key and what the code of a kind can do are the same.
    #[test]
    fn the_kinds_that_count_calls_are_those_whose_keys_say_which() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let kind = LimitKind::draw(&mut Dice::new(seed, 0), 100);
            for key in ["counts", "cost", "cost-of"] {
                let key = format::scenario().at(&format!("backend.limit.{key}")).expect("a key");
                let belongs = key.belongs.as_ref().expect("some kinds have none");
                assert_eq!(belongs.holds(kind.name()), kind.counts_calls(), "{}", kind.name());
            }
            seen.insert(kind.name());
        }
        assert_eq!(seen.len() + 2, words("backend.limit.kind").len(), "all but `block` and `own`");
    }
}
