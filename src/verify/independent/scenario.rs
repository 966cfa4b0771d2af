//! Scenarios for the comparison, drawn at random: small ones of every mechanism. A seed gives one text, the same for ever.
//!
//! Odd nanoseconds and spread times keep most events off the same instant, so that few draws hang on the order in one.

use super::drawn_servers;
use super::drawn_users::users;
use crate::kernel::random::{Purpose, Stream, below};
use crate::verify::LIMIT_KEYS;
use std::fmt::Write;

/// Draws one after another from one stream.
pub(super) struct Dice {
    stream: Stream,
    thrown: u64,
}

impl Dice {
    pub(super) fn number(&mut self, low: u64, high: u64) -> u64 {
        self.thrown += 1;
        low + below(self.stream.bits(0xD1CE, self.thrown), high - low + 1)
    }

    /// Dice of their own, which do not move these.
    pub(super) fn fork(&self) -> Dice {
        Dice { stream: self.stream, thrown: self.thrown + (1 << 32) }
    }

    /// Once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.number(1, times) == 1
    }

    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.number(0, of.len() as u64 - 1) as usize]
    }

    /// Some of a list, at least one.
    pub(super) fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        let mut some: Vec<&str> = of.iter().copied().filter(|_| self.once_in(3)).collect();
        if some.is_empty() {
            some.push(self.one(of));
        }
        some
    }

    /// A distribution around so many milliseconds.
    pub(super) fn dist(&mut self, ms: u64) -> String {
        match self.number(0, 4) {
            0 => format!("\"{}ns\"", ms * 1_000_000 + self.number(1, 999_983)),
            1 => format!("{{ uniform = [\"{}ms\", \"{}ms\"] }}", ms / 2, ms * 3 / 2),
            2 => format!("{{ exponential = \"{ms}ms\" }}"),
            3 => format!("{{ empirical = [\"{}us\", \"{ms}ms\", \"{}us\"] }}", ms * 337, ms * 2_903),
            _ => format!("{{ log-normal = {{ median = \"{ms}ms\", sigma = 0.5 }} }}"),
        }
    }
}

/// Endpoints that a scenario has callers for.
const OF_USERS: [&str; 5] = ["tokens", "touch", "client", "environment", "sign-in"];

/// Answers that a retry may be for.
pub(super) const RETRIED: [&str; 5] = [
    "[\"429\", \"5xx\", \"network\"]",
    "[\"4xx\", \"!429\", \"network\"]",
    "[\"503\", \"429\"]",
    "[\"4xx\", \"5xx\", \"network\", \"!401\", \"!403:user_banned\"]",
    "[\"5xx\", \"422:missing_expired_token\", \"403:user_banned\", \"network\"]",
];

/// The scenario of this seed: users, generic clients, or both.
pub fn scenario(seed: u64) -> String {
    let stream = Stream::new(seed, 0, Purpose::Generic, u16::MAX - 1);
    let dice = &mut Dice { stream, thrown: 0 };
    // What came later is drawn apart, so that a seed draws the rest as before.
    let later = &mut Dice { stream: Stream::new(seed, 0, Purpose::Generic, u16::MAX - 2), thrown: 0 };
    let others = &mut Dice { stream: Stream::new(seed, 0, Purpose::Generic, u16::MAX - 3), thrown: 0 };
    let (has_users, has_workloads) = match dice.number(0, 5) {
        0 | 1 => (false, true),
        2 => (true, true),
        _ => (true, false),
    };
    let horizon_s = dice.number(20, if has_users { 220 } else { 90 });
    let mut text = format!(
        "version = 1\nname = \"independent-{seed}\"\nseed = {seed}\nreplications = 1\nhorizon = \"{horizon_s}s\"\nbucket = \"1s\"\n"
    );
    let guard = "\n[guard]\nmax-events = 20000\n";
    if has_users {
        users((dice, later, others), &mut text, guard, horizon_s);
    } else {
        let _ = writeln!(text, "policies = [\"new\"]\n{guard}");
        if dice.once_in(3) {
            let apps = dice.number(1, 3);
            let _ = writeln!(text, "[client]\nmodel = \"documented\"\n\n[fleet]\nusers = 0\napps = {apps}");
        }
    }
    if has_workloads {
        for place in 0..dice.number(1, 3) {
            workload(dice, &mut text, place);
        }
    }
    let mut endpoints = Vec::new();
    if has_users {
        endpoints.extend(OF_USERS);
    }
    if has_workloads {
        endpoints.push("generic");
    }
    let mut of_backend = String::new();
    backend((dice, later), &mut of_backend, &endpoints);
    if others.once_in(3) {
        drawn_servers::pool(others, &mut of_backend, &endpoints);
    }
    text += &of_backend;
    for place in 0..dice.number(0, 3) {
        if let Some(window_s) = fault(dice, &mut text, &endpoints, (place, horizon_s)) {
            drawn_servers::further(others, &mut text, window_s);
        }
    }
    if others.once_in(3) {
        drawn_servers::restart(others, &mut text, &endpoints, horizon_s);
    }
    text
}

fn workload(dice: &mut Dice, text: &mut String, place: u64) {
    let clients = dice.number(1, 9);
    let _ = writeln!(text, "\n[[workload]]\nname = \"w{place}\"\nclients = {clients}");
    // From what is drawn already, as the other regions, so that a seed draws the rest as before.
    if clients.is_multiple_of(2) {
        let _ = writeln!(text, "region = \"r{}\"", place % 2);
    }
    let _ = writeln!(text, "clients-per-network = {}", dice.number(1, 4));
    let _ = writeln!(text, "starts = {{ uniform = [\"0s\", \"{}ms\"] }}", dice.number(500, 4_000));
    let _ = match dice.number(0, 2) {
        0 => writeln!(text, "every = {}", dice.dist(2_500)),
        1 => writeln!(text, "think = {}", dice.dist(1_500)),
        _ => writeln!(text, "at = [\"1s\", \"2s\", \"2500ms\", \"9s\"]"),
    };
    if dice.once_in(4) {
        let _ = writeln!(text, "until = \"15s\"");
    }
    let again = dice.number(0, 4);
    let _ = match again {
        0 => Ok(()),
        1 => writeln!(text, "orbit = {}", dice.dist(1_700)),
        2 => writeln!(text, "layers = {{ tries = {}, depth = {} }}", dice.number(1, 3), dice.number(1, 3)),
        _ => {
            let keys = retry(dice).replace('\n', ", ");
            writeln!(text, "retry = {{ {keys} }}")
        }
    };
    if again > 0 && dice.once_in(3) {
        let _ = writeln!(text, "retry-budget = {}", budget(dice));
    }
}

pub(super) fn budget(dice: &mut Dice) -> String {
    format!("{{ ratio = 0.{}, burst = {} }}", dice.number(1, 9), dice.number(1, 5))
}

/// The keys of a retry.
pub(super) fn retry(dice: &mut Dice) -> String {
    let (retried, initial) = (dice.one(&RETRIED), dice.number(100, 2_000));
    let factor = dice.one(&["1", "2", "1.55", "3.7"]);
    let (retries, jitter) = (dice.number(0, 9), dice.one(&["none", "full", "equal", "decorrelated"]));
    let honours = dice.once_in(2);
    // From what is drawn already, so that no other draw of a seed changes.
    let means = ["floor", "instead", "on-top"][(initial % 3) as usize];
    let cap = if retries % 2 == 0 { "\nretry-after-cap = \"3s\"" } else { "" };
    let means = if honours { format!("\nretry-after-as = \"{means}\"{cap}") } else { String::new() };
    format!(
        "on = {}\ninitial = \"{}ms\"\nfactor = {}\ncap = \"9s\"\nretries = {}\njitter = \"{}\"\nhonour-retry-after = {}",
        retried, initial, factor, retries, jitter, honours
    ) + &means
}

fn backend((dice, later): (&mut Dice, &mut Dice), text: &mut String, endpoints: &[&str]) {
    let _ = writeln!(text, "\n[backend]\nlatency = {}", dice.dist(150));
    if endpoints.len() > 1 {
        let _ = writeln!(text, "token-life = \"{}s\"", dice.number(15, 80));
        let _ = writeln!(text, "client-token = \"{}\"", dice.one(&["fresh", "last", "none"]));
        if later.once_in(3) {
            let _ = writeln!(text, "session-updated-at = \"moving\"");
        }
        if later.once_in(4) {
            let _ = writeln!(text, "focus-touch-with-client = false");
        }
        if later.once_in(4) {
            let _ = writeln!(text, "revoked-session = \"unlisted\"");
        }
    }
    for endpoint in endpoints {
        if endpoints.len() > 1 && !dice.once_in(3) {
            continue;
        }
        let _ = writeln!(text, "\n[backend.{endpoint}]");
        if dice.once_in(2) {
            let _ = writeln!(text, "latency = {}", dice.dist(80));
        }
        if dice.once_in(3) {
            let _ = writeln!(text, "refused-latency = {}", dice.dist(30));
        }
        if dice.once_in(2) {
            let _ = writeln!(text, "workers = {}\nservice = {}", dice.number(1, 3), dice.dist(400));
            if dice.once_in(2) {
                let _ = writeln!(text, "queue = {}", dice.number(0, 4));
            }
        }
        if dice.once_in(2) {
            let _ = writeln!(text, "timeout = \"{}ns\"", dice.number(50_000_000, 2_500_000_000));
        }
    }
    for _ in 0..dice.number(0, 3) {
        limit((dice, &mut *later), text, endpoints);
    }
}

fn limit((dice, later): (&mut Dice, &mut Dice), text: &mut String, endpoints: &[&str]) {
    let kinds = [
        "token-bucket",
        "gcra",
        "leaky-bucket",
        "fixed-window",
        "sliding-log",
        "sliding-counter",
        "concurrency",
    ];
    let kind = dice.one(&kinds);
    let key = match dice.one(&LIMIT_KEYS) {
        "global" if ["gcra", "fixed-window", "sliding-log"].contains(&kind) => "region",
        key => key,
    };
    let some = dice.some(endpoints);
    // A window that begins anew after silence has the keys of a fixed one.
    let named = if kind == "fixed-window" && later.once_in(3) { "idle-window" } else { kind };
    let _ = writeln!(text, "\n[[backend.limit]]\nendpoints = {some:?}\nkind = \"{named}\"\nkey = \"{key}\"");
    let _ = match kind {
        "token-bucket" | "gcra" | "leaky-bucket" => writeln!(
            text,
            "rate = \"{}/{}s\"\nburst = {}",
            dice.number(1, 9),
            dice.number(1, 7),
            dice.number(1, 5)
        ),
        "concurrency" => writeln!(text, "limit = {}", dice.number(0, 4)),
        _ => writeln!(text, "limit = {}\nwindow = \"{}s\"", dice.number(0, 9), dice.number(1, 12)),
    };
    let logs_refused = kind == "sliding-log" && dice.once_in(2);
    if logs_refused {
        let _ = writeln!(text, "logs-refused = true");
    }
    let told = if kind == "concurrency" { "" } else { dice.one(&["none", "seconds", "too-small"]) };
    let penalty = dice.once_in(4).then(|| dice.number(500, 9_000));
    if let Some(ms) = penalty {
        let _ = writeln!(text, "penalty = \"{ms}ms\"");
        if later.once_in(3) {
            let _ = writeln!(text, "penalty-prolonged = true");
        }
    }
    later_options(later, text, (named, &some), told, logs_refused);
}

/// What a limit counts, where it stands and what it answers. `told` is its `Retry-After`, empty for a kind without one.
fn later_options(
    later: &mut Dice,
    text: &mut String,
    (kind, endpoints): (&str, &[&str]),
    told: &str,
    logs_refused: bool,
) {
    match kind {
        "fixed-window" if later.once_in(3) => text.push_str("begins = \"first-call\"\n"),
        "sliding-counter" if later.once_in(3) => text.push_str("estimate = \"before-call\"\n"),
        _ => {}
    }
    if !["concurrency", "leaky-bucket"].contains(&kind) {
        if later.once_in(2) && !logs_refused {
            let _ = writeln!(text, "counts = \"{}\"", later.one(&["all", "failures", "successes"]));
        }
        if later.once_in(4) {
            let _ = writeln!(text, "cost = {}", later.number(1, 3));
        }
        if later.once_in(4) {
            let _ = writeln!(text, "cost-of = {{ {} = {} }}", later.one(endpoints), later.number(1, 3));
        }
    }
    if kind != "concurrency" && later.once_in(3) {
        text.push_str("in-front = true\n");
    }
    if later.once_in(8) {
        return text.push_str("readable = false\n");
    }
    match told {
        "" => {}
        _ if later.once_in(6) => text.push_str("retry-after = \"rounded-down\"\n"),
        _ if later.once_in(6) => {
            let _ = writeln!(text, "retry-after = \"constant\"\nretry-after-s = {}", later.number(0, 9));
        }
        _ => {
            let _ = writeln!(text, "retry-after = \"{told}\"");
        }
    }
    if later.once_in(3) {
        let _ = writeln!(text, "status = {}", later.one(&["400", "403", "503"]));
        if later.once_in(2) {
            let _ = writeln!(text, "code = \"{}\"", later.one(&["too_many_requests", "user_banned"]));
        }
    }
}

/// Writes a fault. The seconds of its window, where it has one.
fn fault(
    dice: &mut Dice,
    text: &mut String,
    endpoints: &[&str],
    (place, horizon_s): (u64, u64),
) -> Option<u64> {
    let has_users = endpoints.len() > 1;
    let kinds = ["status", "status", "status", "latency", "outage", "no-answer", "pass", "revocation"];
    let kind = dice.one(&kinds[..if has_users { 8 } else { 7 }]);
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(text, "\n[[fault]]\nname = \"f{place}\"\nkind = \"{kind}\"\nfrom = \"{from}s\"");
    if kind == "revocation" {
        let _ = writeln!(text, "share = 0.{}", dice.number(1, 9));
        return None;
    }
    if from.is_multiple_of(2) && text.contains("region = \"r0\"") {
        text.push_str("regions = [\"r0\"]\n");
    }
    let window_s = dice.number(1, 60);
    let _ = writeln!(text, "to = \"{}s\"\nprobability = 0.{}", from + window_s, dice.number(1, 9));
    if has_users {
        let _ = writeln!(text, "endpoints = {:?}", dice.some(endpoints));
    }
    if dice.once_in(4) {
        let _ = writeln!(text, "count = {}", dice.number(0, 9));
    }
    match kind {
        "status" => {
            let status = dice.one(&["400", "401", "401", "403", "409", "422", "429", "500", "503"]);
            let _ = writeln!(text, "status = {status}");
            if status == "429" {
                let _ = writeln!(text, "retry-after-s = {}", dice.number(0, 6));
            }
            let codes = match status {
                "401" => ["authentication_invalid", "dev_browser_unauthenticated", "requires_captcha"],
                "403" => ["user_banned", "user_deactivated", "authentication_invalid"],
                "422" => ["missing_expired_token", "missing_expired_token", "user_banned"],
                _ => ["too_many_requests", "user_banned", "authentication_invalid"],
            };
            if dice.once_in(2) {
                let _ = writeln!(text, "code = \"{}\"", dice.one(&codes));
            }
        }
        "latency" => {
            let _ = writeln!(text, "add = {}", dice.dist(600));
        }
        _ => {}
    }
    Some(window_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_scenario_that_loads() {
        crate::verify::all_load(0..300, scenario);
    }
}
