//! A second simulation of generic workloads, written from what the documentation of scenarios says, in whole
//! nanoseconds: slow and plain, it keeps every call and every time. With the engine it shares the reader of scenarios
//! and the kernel's random numbers, nothing else.
//!
//! It covers: open, closed and scripted workloads, `until`, lost calls, retries with every jitter but the decorrelated,
//! `Retry-After`, orbits, layers, retry budgets; every kind of limit and of key, penalties; faults of every kind that
//! strikes calls, with probability and count; workers, queues and shedding; time-outs; latencies of refusals. It does not
//! cover the auth clients. Draws keep most events off the same nanosecond; where two meet, the one that was scheduled first
//! comes first, as the scenario's documentation has it.

mod answer;
mod limit;
mod simulation;

use crate::experiment::Study;
use crate::kernel::random::{Purpose, Stream, below};
use crate::world::Control;
use simulation::simulate;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Calls by begin of their bucket in nanoseconds and by outcome, and first attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    calls: BTreeMap<(u64, &'static str), u64>,
    first_attempts: u64,
}

/// A scenario of generic workloads, drawn by this seed.
pub fn scenario(seed: u64) -> String {
    let stream = Stream::new(seed, 0, Purpose::Generic, u16::MAX - 1);
    let mut thrown = 0;
    let mut bits = || {
        thrown += 1;
        stream.bits(0xD1CE, thrown)
    };
    let mut number = |low: u64, high: u64| low + below(bits(), high - low + 1);
    let mut text = format!(
        "version = 1\nname = \"independent-{seed}\"\nseed = {seed}\nhorizon = \"{}s\"\nbucket = \"1s\"\n\
         policies = [\"new\"]\n\n[guard]\nmax-events = 20000\n",
        number(20, 90)
    );
    if number(0, 2) == 0 {
        let _ = write!(
            text,
            "\n[client]\nmodel = \"documented\"\n\n[fleet]\nusers = 0\napps = {}\n",
            number(1, 3)
        );
    }
    // Odd nanoseconds keep constants off each other's sums.
    let dist = |number: &mut dyn FnMut(u64, u64) -> u64, ms: u64| match number(0, 3) {
        0 => format!("\"{}ns\"", ms * 1_000_000 + number(1, 999_983)),
        1 => format!("{{ uniform = [\"{}ms\", \"{}ms\"] }}", ms / 2, ms * 3 / 2),
        2 => format!("{{ exponential = \"{ms}ms\" }}"),
        _ => format!("{{ log-normal = {{ median = \"{ms}ms\", sigma = 0.5 }} }}"),
    };
    for place in 0..number(1, 3) {
        let _ = writeln!(text, "\n[[workload]]\nname = \"w{place}\"\nclients = {}", number(1, 9));
        let _ = writeln!(text, "clients-per-network = {}", number(1, 4));
        let _ = writeln!(text, "starts = {{ uniform = [\"0s\", \"{}ms\"] }}", number(500, 4_000));
        let _ = match number(0, 2) {
            0 => writeln!(text, "every = {}", dist(&mut number, 2_500)),
            1 => writeln!(text, "think = {}", dist(&mut number, 1_500)),
            _ => writeln!(text, "at = [\"1s\", \"2s\", \"2500ms\", \"9s\"]"),
        };
        if number(0, 3) == 0 {
            let _ = writeln!(text, "until = \"15s\"");
        }
        let again = number(0, 4);
        let _ = match again {
            0 => Ok(()),
            1 => writeln!(text, "orbit = {}", dist(&mut number, 1_700)),
            2 => writeln!(text, "layers = {{ tries = {}, depth = {} }}", number(1, 3), number(1, 3)),
            _ => {
                let on = [
                    "[\"429\", \"5xx\", \"network\"]",
                    "[\"4xx\", \"!429\", \"network\"]",
                    "[\"503\", \"429\"]",
                ];
                let factor = ["1", "2", "1.55", "3.7"];
                writeln!(
                    text,
                    "retry = {{ on = {}, initial = \"{}ms\", factor = {}, cap = \"9s\", retries = {}, jitter = \"{}\", \
                     honour-retry-after = {} }}",
                    on[number(0, 2) as usize],
                    number(100, 2_000),
                    factor[number(0, 3) as usize],
                    number(0, 9),
                    ["none", "full", "equal"][number(0, 2) as usize],
                    number(0, 1) == 1
                )
            }
        };
        if again > 0 && number(0, 2) == 0 {
            let _ =
                writeln!(text, "retry-budget = {{ ratio = 0.{}, burst = {} }}", number(1, 9), number(1, 5));
        }
    }
    let _ = writeln!(text, "\n[backend]\nlatency = {}\n\n[backend.generic]", dist(&mut number, 150));
    if number(0, 1) == 0 {
        let _ = writeln!(text, "latency = {}", dist(&mut number, 80));
    }
    if number(0, 2) == 0 {
        let _ = writeln!(text, "refused-latency = {}", dist(&mut number, 30));
    }
    if number(0, 1) == 0 {
        let _ = writeln!(text, "workers = {}\nservice = {}", number(1, 3), dist(&mut number, 400));
        if number(0, 1) == 0 {
            let _ = writeln!(text, "queue = {}", number(0, 4));
        }
    }
    if number(0, 1) == 0 {
        let _ = writeln!(text, "timeout = \"{}ns\"", number(50_000_000, 2_500_000_000));
    }
    for _ in 0..number(0, 3) {
        let kind = number(0, 6) as usize;
        let word = [
            "token-bucket",
            "gcra",
            "leaky-bucket",
            "fixed-window",
            "sliding-log",
            "sliding-counter",
            "concurrency",
        ][kind];
        let key = ["global", "app", "ip", "user", "session"][number(0, 4) as usize];
        let _ = writeln!(
            text,
            "\n[[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"{word}\"\nkey = \"{key}\""
        );
        let _ = match kind {
            0..=2 => {
                writeln!(text, "rate = \"{}/{}s\"\nburst = {}", number(1, 9), number(1, 7), number(1, 5))
            }
            6 => writeln!(text, "limit = {}", number(0, 4)),
            _ => writeln!(text, "limit = {}\nwindow = \"{}s\"", number(0, 9), number(1, 12)),
        };
        if kind == 4 && number(0, 1) == 0 {
            let _ = writeln!(text, "logs-refused = true");
        }
        if kind < 6 {
            let _ = writeln!(
                text,
                "retry-after = \"{}\"",
                ["none", "seconds", "too-small"][number(0, 2) as usize]
            );
        }
        if number(0, 3) == 0 {
            let _ = writeln!(text, "penalty = \"{}ms\"", number(500, 9_000));
        }
    }
    for place in 0..number(0, 3) {
        let kind = ["status", "latency", "outage", "no-answer", "pass"][number(0, 4) as usize];
        let from = number(0, 30);
        let _ = writeln!(text, "\n[[fault]]\nname = \"f{place}\"\nkind = \"{kind}\"\nfrom = \"{from}s\"");
        let _ = writeln!(text, "to = \"{}s\"\nprobability = 0.{}", from + number(1, 30), number(1, 9));
        if number(0, 3) == 0 {
            let _ = writeln!(text, "count = {}", number(0, 9));
        }
        let _ = match kind {
            "status" => {
                let status = [400, 401, 429, 500, 503][number(0, 4) as usize];
                let told =
                    if status == 429 { format!("\nretry-after-s = {}", number(0, 6)) } else { String::new() };
                writeln!(text, "status = {status}{told}")
            }
            "latency" => writeln!(text, "add = {}", dist(&mut number, 600)),
            _ => Ok(()),
        };
    }
    text
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// A guard stopped the engine: the scenario is too large.
    Stopped,
    /// Both count the same: so many calls.
    Same(u64),
    /// They do not, or the scenario does not load.
    Unlike(String),
}

/// Holds the engine against the second simulation on the scenario of a seed.
pub fn compared(seed: u64) -> Compared {
    compare(&scenario(seed), 0)
}

/// `spoilt` changes the seed of the second simulation, so that the two must differ.
fn compare(text: &str, spoilt: u64) -> Compared {
    let study = match Study::parse("independent", text) {
        Ok(study) => study,
        Err(error) => return Compared::Unlike(format!("a drawn scenario does not load: {error}")),
    };
    let Ok(results) = study.run_under(&Control::default()) else { return Compared::Stopped };
    let mut engine = Counts::default();
    for (key, count) in rows(&crate::results::csv::timeline(&results)) {
        engine.calls.insert(key, count);
    }
    let first = results.policies[0].metrics.iter().find(|m| m.name == "first_attempts");
    engine.first_attempts = first.map_or(0, |m| m.values[0] as u64);
    let mut scenario = study.loaded().scenario.clone();
    scenario.seed += spoilt;
    let own = simulate(&scenario);
    if own == engine {
        return Compared::Same(own.calls.values().sum());
    }
    let keys = own.calls.keys().chain(engine.calls.keys());
    let unlike = keys.filter(|key| own.calls.get(key) != engine.calls.get(key)).min();
    Compared::Unlike(format!(
        "the engine and the second simulation differ: first attempts {} and {}, first at {unlike:?} with {:?} and {:?} calls\n{text}",
        engine.first_attempts,
        own.first_attempts,
        unlike.and_then(|key| engine.calls.get(key)),
        unlike.and_then(|key| own.calls.get(key)),
    ))
}

fn rows(csv: &[u8]) -> Vec<((u64, &'static str), u64)> {
    let mut reader = csv::Reader::from_reader(csv);
    let row = |record: csv::StringRecord| {
        let second: u64 = record[2].parse().expect("buckets of whole seconds");
        let outcome =
            crate::metrics::Outcome::ALL.iter().find(|o| o.name() == &record[4]).expect("an outcome");
        ((second * 1_000_000_000, outcome.name()), record[5].parse().expect("a count"))
    };
    reader.records().map(|record| row(record.expect("a file of our own"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWN: u64 = 150;

    #[test]
    fn the_engine_agrees_with_the_second_simulation() {
        let (mut calls, mut stopped) = (0, 0);
        for seed in 0..DRAWN {
            match compared(seed) {
                Compared::Same(more) => calls += more,
                Compared::Stopped => stopped += 1,
                Compared::Unlike(what) => panic!("authstorm verify --swarm-seed {seed}: {what}"),
            }
        }
        // Enough calls that every mechanism has its share, and few scenarios that nobody looked at.
        assert!(calls > 100 * DRAWN && stopped < DRAWN / 10, "{calls} calls, {stopped} stopped");
    }

    #[test]
    fn another_seed_is_told_apart() {
        let unlike = |seed: &u64| matches!(compare(&scenario(*seed), 1), Compared::Unlike(_));
        let told = (0..20).filter(unlike).count();
        assert!(told >= 15, "{told} of 20");
    }
}
