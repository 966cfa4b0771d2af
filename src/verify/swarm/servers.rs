//! Draws random scenarios of servers: pools of workers with all their rules, restarts, faults that come back, limits for a
//! while. They have dice of their own, so that other drawn scenarios stay as they are.

use super::draw::{dist, words, workload};
use crate::kernel::dice::Dice;
use std::fmt::Write;

/// The number of these dice among those of a seed.
const DICE: u32 = 7;

/// The endpoints that share the workers.
const SHARED: [&str; 4] = ["tokens", "touch", "client", "generic"];

/// The scenario of servers of this seed.
pub(super) fn scenario(seed: u64) -> String {
    let dice = &mut Dice::new(seed, DICE);
    let horizon_s = dice.number(30, 200);
    let mut text = format!(
        "version = 1\nname = \"servers-{seed}\"\nseed = {seed}\nreplications = 1\nhorizon = \"{horizon_s}s\"\nbucket = \"5s\"\n\
         policies = [\"new\", \"old\"]\n\n[guard]\nmax-events = 100000\n\n[client]\nmodel = \"documented\"\n\n\
         [fleet]\nusers = {}\ntabs = {}\nopens = {}\nfocus-every = {}\n\n[backend]\nlatency = {}\n",
        dice.number(1, 6),
        dice.number(1, 2),
        dist(dice, 3_000),
        dist(dice, 8_000),
        dist(dice, 100),
    );
    for endpoint in SHARED {
        let _ = writeln!(text, "\n[backend.{endpoint}]\nservice = {}", dist(dice, 300));
        for (key, ms, p) in [("request-latency", 50, 0.5), ("refused-latency", 20, 0.3)] {
            if dice.yes(p) {
                let _ = writeln!(text, "{key} = {}", dist(dice, ms));
            }
        }
        if dice.yes(0.6) {
            let _ = writeln!(text, "timeout = \"{}ms\"", dice.number(50, 2_000));
        }
    }
    pool(dice, &mut text);
    faults(dice, &mut text, horizon_s);
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(
        text,
        "\n[[backend.limit]]\nendpoints = {SHARED:?}\nkind = \"fixed-window\"\nkey = \"ip\"\nlimit = {}\nwindow = \"5s\"\n\
         from = \"{from}s\"\nto = \"{}s\"",
        dice.number(1, 20),
        from + dice.number(1, horizon_s),
    );
    for number in 0..dice.number(1, 3) {
        workload(dice, &mut text, number);
    }
    text
}

fn pool(dice: &mut Dice, text: &mut String) {
    let workers = dice.number(1, 4);
    let _ =
        writeln!(text, "\n[[backend.pool]]\nname = \"shared\"\nendpoints = {SHARED:?}\nworkers = {workers}");
    if dice.yes(0.6) {
        let sheds = dice.one(&["newest", "oldest"]);
        let _ = writeln!(text, "queue = {}\nsheds = \"{sheds}\"", dice.number(0, 5));
    }
    if dice.yes(0.5) {
        let _ = writeln!(text, "order = \"lifo\"\nlifo-above = {}", dice.number(0, 3));
    }
    if dice.yes(0.4) {
        let _ = writeln!(text, "max-wait = \"{}ms\"", dice.number(1, 1_000));
    }
    if dice.yes(0.3) {
        let (target, interval) = (dice.number(1, 50), dice.number(50, 1_000));
        let _ = writeln!(text, "codel = {{ target = \"{target}ms\", interval = \"{interval}ms\" }}");
    }
    let _ = writeln!(text, "deadline = \"{}\"", dice.one(&words("backend.pool.deadline")));
    if dice.yes(0.3) {
        let _ = writeln!(text, "service-per-call = \"{}ms\"", dice.number(1, 100));
    }
    if dice.yes(0.5) {
        let lasts = dice.number(1, 20);
        let _ = writeln!(text, "slow-start = {{ lasts = \"{lasts}s\", from = 0.{} }}", dice.number(0, 9));
    }
}

fn faults(dice: &mut Dice, text: &mut String, horizon_s: u64) {
    let from = dice.number(0, horizon_s / 2);
    let _ = writeln!(text, "\n[[fault]]\nkind = \"restart\"\nfrom = \"{from}s\"");
    if dice.yes(0.5) {
        let _ = writeln!(text, "repeat-every = \"{}s\"", dice.number(1, 30));
    }
    if dice.yes(0.5) {
        let _ = writeln!(text, "probability = 0.{}", dice.number(1, 9));
    }
    let (from, lasts) = (dice.number(0, horizon_s / 2), dice.number(1, 10));
    let kind = dice.one(&["outage", "no-answer"]);
    let _ = writeln!(text, "\n[[fault]]\nkind = \"{kind}\"\nfrom = \"{from}s\"\nto = \"{}s\"", from + lasts);
    let _ = writeln!(text, "repeat-every = \"{}s\"", lasts + dice.number(0, 20));
    if dice.yes(0.5) {
        let _ = writeln!(text, "probability-to = 0.{}", dice.number(0, 9));
    }
    if dice.yes(0.5) {
        let of = dice.one(&["user", "ip", "app"]);
        let _ = writeln!(text, "only = {{ share = 0.5, of = \"{of}\" }}");
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
