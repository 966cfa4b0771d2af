//! Scenarios drawn at random, put together from each part's own options. A seed gives one text, the same for ever.

use crate::backend::Endpoint;
use crate::kernel::random::{Purpose, Stream, below, chance};
use crate::scenario::format;
use std::fmt::Write;

/// Draws one after another from one stream: here, order is all that there is.
pub(super) struct Dice {
    stream: Stream,
    thrown: u64,
}

impl Dice {
    /// The dice of a seed, for this purpose: 0 for scenarios.
    pub(super) fn new(seed: u64, purpose: u32) -> Dice {
        Dice { stream: Stream::new(seed, purpose, Purpose::Generic, u16::MAX), thrown: 0 }
    }

    fn bits(&mut self) -> u64 {
        self.thrown += 1;
        self.stream.bits(0x5EED, self.thrown)
    }

    /// A whole number from `low` to `high`, both included.
    pub(super) fn number(&mut self, low: u64, high: u64) -> u64 {
        low + below(self.bits(), high - low + 1)
    }

    pub(super) fn yes(&mut self, p: f64) -> bool {
        chance(self.bits(), p)
    }

    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[below(self.bits(), of.len() as u64) as usize]
    }

    /// Some of a list, at least one.
    pub(super) fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        let mut some: Vec<&str> = of.iter().copied().filter(|_| self.yes(0.4)).collect();
        if some.is_empty() {
            some.push(self.one(of));
        }
        some
    }

    /// A distribution around so many milliseconds.
    pub(super) fn dist(&mut self, ms: u64) -> String {
        match self.number(0, 4) {
            0 => format!("\"{ms}ms\""),
            1 => format!("{{ uniform = [\"{}ms\", \"{}ms\"] }}", ms / 2, ms * 3 / 2),
            2 => format!("{{ exponential = \"{ms}ms\" }}"),
            3 => format!("{{ log-normal = {{ median = \"{ms}ms\", sigma = 0.5 }} }}"),
            _ => format!("{{ empirical = [\"{}ms\", \"{ms}ms\", \"{}ms\"] }}", ms / 3, ms * 4),
        }
    }
}

/// The names of all endpoints.
pub(super) fn endpoints() -> Vec<&'static str> {
    Endpoint::ALL.map(Endpoint::name).to_vec()
}

/// The words that a key of the format may be.
fn words(path: &str) -> Vec<&'static str> {
    format::scenario().words(path)
}

/// The scenario of this seed.
pub fn scenario(seed: u64) -> String {
    let dice = &mut Dice::new(seed, 0);
    let horizon_s = dice.number(60, 400);
    let mut text = format!(
        "version = 1\nname = \"swarm-{seed}\"\nseed = {seed}\nhorizon = \"{horizon_s}s\"\nbucket = \"{}s\"\n\
         policies = [\"old\", \"new\", \"not-429\"]\n\n[guard]\nmax-events = 200000\n",
        dice.number(1, 10)
    );
    client_and_fleet(dice, &mut text);
    backend(dice, &mut text, horizon_s);
    for _ in 0..dice.number(0, 3) {
        fault(dice, &mut text, horizon_s);
    }
    for number in 0..dice.number(0, 2) {
        workload(dice, &mut text, number);
    }
    text
}

fn client_and_fleet(dice: &mut Dice, text: &mut String) {
    let _ = writeln!(text, "\n[client]\nmodel = \"{}\"", dice.one(&words("client.model")));
    let _ = writeln!(text, "\n[fleet]\nusers = {}\ntabs = {}", dice.number(1, 5), dice.number(1, 3));
    let _ = writeln!(text, "users-per-network = {}\napps = {}", dice.number(1, 3), dice.number(1, 2));
    let _ = writeln!(text, "opens = {}", dice.dist(3_000));
    let _ = writeln!(text, "further-tab-opens = {}", dice.dist(5_000));
    let _ = writeln!(text, "multi-session = {}", dice.yes(0.3));
    for (key, ms, p) in [("focus-every", 20_000, 0.7), ("reload-every", 90_000, 0.3)] {
        if dice.yes(p) {
            let _ = writeln!(text, "{key} = {}", dice.dist(ms));
        }
    }
    if dice.yes(0.2) {
        let _ = writeln!(text, "stays = {}\naway = {}", dice.dist(120_000), dice.dist(20_000));
    }
    if dice.yes(0.4) {
        let _ = writeln!(text, "app-reaction = \"{}\"", dice.one(&words("fleet.app-reaction")));
    }
    if dice.yes(0.5) {
        let (callers, skip) = (dice.number(1, 4), dice.yes(0.3));
        let every = dice.dist(25_000);
        let _ =
            writeln!(text, "app-get-token = {{ every = {every}, callers = {callers}, skip-cache = {skip} }}");
    }
    if dice.yes(0.3) {
        let _ =
            writeln!(text, "set-active = {{ every = {}, navigate = {} }}", dice.dist(40_000), dice.yes(0.5));
    }
    if dice.yes(0.2) {
        let _ =
            writeln!(text, "offline = {{ every = {}, lasts = {} }}", dice.dist(60_000), dice.dist(10_000));
    }
    if dice.yes(0.4) {
        let _ = writeln!(text, "sign-in-again = {{ after = {}, share = 0.8 }}", dice.dist(10_000));
    }
}

fn backend(dice: &mut Dice, text: &mut String, horizon_s: u64) {
    let _ = writeln!(text, "\n[backend]\ntoken-life = \"{}s\"", dice.number(20, 90));
    let _ = writeln!(text, "client-token = \"{}\"", dice.one(&words("backend.client-token")));
    let _ = writeln!(text, "latency = {}", dice.dist(100));
    for endpoint in Endpoint::ALL {
        if !dice.yes(0.3) {
            continue;
        }
        let _ = writeln!(text, "\n[backend.{endpoint}]");
        if dice.yes(0.4) {
            let _ = writeln!(text, "latency = {}", dice.dist(50));
        }
        if dice.yes(0.3) {
            let _ = writeln!(text, "refused-latency = {}", dice.dist(20));
        }
        if dice.yes(0.6) {
            let _ = writeln!(text, "workers = {}\nservice = {}", dice.number(1, 3), dice.dist(200));
            if dice.yes(0.6) {
                let _ = writeln!(text, "queue = {}", dice.number(0, 4));
            }
        }
        if dice.yes(0.3) {
            let _ = writeln!(text, "timeout = \"{}ms\"", dice.number(50, 3_000));
        }
    }
    for _ in 0..dice.number(0, 3) {
        limit(dice, text, horizon_s);
    }
}

fn limit(dice: &mut Dice, text: &mut String, horizon_s: u64) {
    let kind = dice.one(&words("backend.limit.kind"));
    let endpoints = dice.some(&words("backend.limit.endpoints"));
    let key = dice.one(&words("backend.limit.key"));
    let _ =
        writeln!(text, "\n[[backend.limit]]\nendpoints = {endpoints:?}\nkind = \"{kind}\"\nkey = \"{key}\"");
    match kind {
        "token-bucket" | "gcra" | "leaky-bucket" => {
            let _ = writeln!(text, "rate = \"{}/{}s\"", dice.number(1, 9), dice.number(1, 13));
            let _ = writeln!(text, "burst = {}", dice.number(1, 8));
        }
        "concurrency" => {
            let _ = writeln!(text, "limit = {}", dice.number(1, 4));
        }
        _ => {
            let _ = writeln!(text, "limit = {}", dice.number(1, 12));
            let _ = writeln!(text, "window = \"{}s\"", dice.number(1, horizon_s / 4));
        }
    }
    if kind == "sliding-log" && dice.yes(0.5) {
        let _ = writeln!(text, "logs-refused = true");
    }
    if kind != "concurrency" {
        let _ = writeln!(text, "retry-after = \"{}\"", dice.one(&words("backend.limit.retry-after")));
    }
    if dice.yes(0.25) {
        let _ = writeln!(text, "penalty = \"{}s\"", dice.number(1, 20));
    }
}

fn fault(dice: &mut Dice, text: &mut String, horizon_s: u64) {
    let kind = dice.one(&[vec!["status"], words("fault.kind")].concat());
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(text, "\n[[fault]]\nkind = \"{kind}\"\nfrom = \"{from}s\"");
    if kind == "revocation" {
        let _ = writeln!(text, "share = 0.5");
        return;
    }
    let endpoints = dice.some(&words("fault.endpoints"));
    let _ = writeln!(text, "to = \"{}s\"\nendpoints = {endpoints:?}", from + dice.number(1, horizon_s / 2));
    if dice.yes(0.6) {
        let _ = writeln!(text, "probability = 0.{}", dice.number(1, 9));
    }
    if dice.yes(0.2) {
        let _ = writeln!(text, "count = {}", dice.number(1, 20));
    }
    match kind {
        "status" => {
            let status = dice.one(&["400", "401", "403", "404", "422", "429", "500", "503"]);
            let _ = writeln!(text, "status = {status}");
            if status == "429" && dice.yes(0.5) {
                let _ = writeln!(text, "retry-after-s = {}", dice.number(1, 30));
            }
        }
        "latency" => {
            let _ = writeln!(text, "add = {}", dice.dist(800));
        }
        _ => {}
    }
}

fn workload(dice: &mut Dice, text: &mut String, number: u64) {
    let clients = dice.number(1, 20);
    let _ = writeln!(text, "\n[[workload]]\nname = \"clients-{number}\"\nclients = {clients}");
    let _ = writeln!(text, "clients-per-network = {}\nstarts = {}", dice.number(1, 5), dice.dist(2_000));
    let _ = match dice.number(0, 2) {
        0 => writeln!(text, "every = {}", dice.dist(4_000)),
        1 => writeln!(text, "think = {}", dice.dist(3_000)),
        _ => writeln!(text, "at = [\"1s\", \"1s\", \"20s\"]"),
    };
    if dice.yes(0.2) {
        let _ = writeln!(text, "until = \"50s\"");
    }
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
            let _ = writeln!(text, "orbit = {}", dice.dist(2_000));
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
    use crate::Study;

    #[test]
    fn every_seed_gives_a_scenario_that_loads() {
        for seed in 0..300 {
            let text = scenario(seed);
            if let Err(error) = Study::parse("swarm", &text) {
                panic!("{error}\n{text}");
            }
        }
    }
}
