//! Servers of a drawn scenario: pools of workers, restarts, and faults that come back, change or strike a share.

use super::scenario::Dice;
use crate::scenario::format;
use std::fmt::Write;

/// Writes a pool for some of these endpoints, which have no workers of their own, and their service times.
pub(super) fn pool(others: &mut Dice, text: &mut String, endpoints: &[&str]) {
    let has_workers = |endpoint: &str| {
        let own = text.split("\n[").find(|table| table.starts_with(&format!("backend.{endpoint}]")));
        own.is_some_and(|table| table.contains("workers = "))
    };
    let free: Vec<&str> = endpoints.iter().copied().filter(|endpoint| !has_workers(endpoint)).collect();
    if free.is_empty() {
        return;
    }
    let some = others.some(&free);
    for endpoint in &some {
        let heading = format!("\n[backend.{endpoint}]\n");
        let service = format!("service = {}\n", others.dist(200));
        let way = if others.once_in(3) {
            format!("request-latency = {}\n", others.dist(40))
        } else {
            String::new()
        };
        match text.contains(&heading) {
            true => *text = text.replace(&heading, &format!("{heading}{service}{way}")),
            false => *text += &format!("{heading}{service}{way}"),
        }
    }
    let _ = writeln!(text, "\n[[backend.pool]]\nname = \"web\"\nendpoints = {some:?}");
    let _ = writeln!(text, "workers = {}", others.number(1, 4));
    if others.once_in(2) {
        let _ = writeln!(
            text,
            "queue = {}\nsheds = \"{}\"",
            others.number(0, 4),
            others.one(&["newest", "oldest"])
        );
    }
    if others.once_in(3) {
        let _ = writeln!(text, "order = \"lifo\"\nlifo-above = {}", others.number(0, 3));
    }
    if others.once_in(3) {
        let _ = writeln!(text, "max-wait = \"{}ms\"", others.number(50, 2_000));
    }
    if others.once_in(3) {
        let target = others.number(20, 200);
        let _ = writeln!(
            text,
            "codel = {{ target = \"{target}ms\", interval = \"{}ms\" }}",
            others.number(200, 900)
        );
    }
    let _ =
        writeln!(text, "deadline = \"{}\"", others.one(&format::scenario().words("backend.pool.deadline")));
    if others.once_in(3) {
        let _ = writeln!(text, "service-per-call = \"{}ns\"", others.number(1_000_000, 60_000_000));
    }
    if others.once_in(2) {
        let (lasts, from) = (others.number(1, 30), others.number(0, 9));
        let _ = writeln!(text, "slow-start = {{ lasts = \"{lasts}s\", from = 0.{from} }}");
    }
}

/// Writes what a fault of calls has further: windows that come back, a probability that changes, a share of the callers.
/// Its window is at most so many seconds long.
pub(super) fn further(others: &mut Dice, text: &mut String, window_s: u64) {
    if others.once_in(3) {
        let _ = writeln!(text, "repeat-every = \"{}s\"", window_s + others.number(1, 40));
    }
    if others.once_in(3) {
        let _ = writeln!(text, "probability-to = 0.{}", others.number(1, 9));
    }
    only(others, text);
}

fn only(others: &mut Dice, text: &mut String) {
    if others.once_in(3) {
        let of = others.one(&["user", "ip", "app", "region"]);
        let _ = writeln!(text, "only = {{ share = 0.{}, of = \"{of}\" }}", others.number(3, 9));
    }
}

/// Writes a restart, or servers that flap.
pub(super) fn restart(others: &mut Dice, text: &mut String, endpoints: &[&str], horizon_s: u64) {
    let at = others.number(1_000, horizon_s * 1_000) * 1_000_000 + others.number(0, 999_983);
    let flaps = others.once_in(4);
    let kind = if flaps { "flapping" } else { "restart" };
    let _ = writeln!(text, "\n[[fault]]\nname = \"{kind}\"\nkind = \"{kind}\"\nfrom = \"{at}ns\"");
    if flaps {
        let _ = writeln!(
            text,
            "every = \"{}s\"\nlasts = \"{}ms\"",
            others.number(5, 40),
            others.number(100, 9_000)
        );
    } else if others.once_in(2) {
        let every = others.number(2_000, 30_000) * 1_000_000 + others.number(0, 999_983);
        let _ = writeln!(text, "repeat-every = \"{every}ns\"");
        if others.once_in(2) {
            let _ = writeln!(text, "repeat-until = \"{}ns\"", at + others.number(1, 60) * 1_000_000_000);
        }
    }
    if others.once_in(2) {
        let _ = writeln!(text, "probability = 0.{}", others.number(1, 9));
    }
    if others.once_in(2) {
        let _ = writeln!(text, "endpoints = {:?}", others.some(endpoints));
    }
    if others.once_in(4) && text.contains("region = \"r0\"") {
        text.push_str("regions = [\"r0\"]\n");
    }
    only(others, text);
}
