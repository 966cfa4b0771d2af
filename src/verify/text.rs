//! Scenario texts of the checks, from the few words they differ in.

use crate::kernel::Dur;
use std::fmt::Write;

/// A duration of so many seconds, to the nanosecond.
pub(super) fn seconds(s: f64) -> String {
    Dur((s * 1e9 + 0.5) as u64).to_string()
}

/// An exponential distribution of this mean, in seconds.
pub(super) fn exponential(mean_s: f64) -> String {
    format!("{{ exponential = \"{}\" }}", seconds(mean_s))
}

/// A constant, in seconds.
pub(super) fn constant(s: f64) -> String {
    format!("\"{}\"", seconds(s))
}

/// A scenario of one generic workload under construction: lines of its two tables.
pub(super) struct Text {
    workload: String,
    tables: String,
    endpoint: String,
    limits: String,
}

impl Text {
    /// A workload with this line, such as `every = ...`.
    pub fn new(line: &str) -> Text {
        Text {
            workload: format!("{line}\n"),
            tables: String::new(),
            endpoint: "latency = \"0s\"\n".to_owned(),
            limits: String::new(),
        }
    }

    /// Poisson arrivals at this rate per second.
    pub fn poisson(rate: f64) -> Text {
        let gap = exponential(1.0 / rate);
        Text::new(&format!("starts = {gap}\nevery = {gap}"))
    }

    /// A line of `[[workload]]`.
    pub fn workload(mut self, line: &str) -> Text {
        let _ = writeln!(self.workload, "{line}");
        self
    }

    /// A line of `[backend.generic]`; one about `latency` replaces the latency of zero.
    pub fn endpoint(mut self, line: &str) -> Text {
        if line.starts_with("latency") {
            self.endpoint = String::new();
        }
        let _ = writeln!(self.endpoint, "{line}");
        self
    }

    /// Workers and their service time; `queue` places to wait, any number without it.
    pub fn served(self, workers: u32, service: &str, queue: Option<u32>) -> Text {
        let text = self.endpoint(&format!("workers = {workers}\nservice = {service}"));
        match queue {
            Some(queue) => text.endpoint(&format!("queue = {queue}")),
            None => text,
        }
    }

    /// A rate limit with these lines.
    pub fn limit(mut self, lines: &str) -> Text {
        let _ =
            writeln!(self.limits, "[[backend.limit]]\nendpoints = [\"generic\"]\nkey = \"global\"\n{lines}");
        self
    }

    /// Another table, as it is.
    pub fn table(mut self, lines: &str) -> Text {
        let _ = writeln!(self.tables, "{lines}");
        self
    }

    /// Every call is answered with 500, or this share of them.
    pub fn failing(self, probability: f64) -> Text {
        self.table(&format!(
            "[[fault]]\nkind = \"status\"\nstatus = 500\nendpoints = [\"generic\"]\nprobability = {probability:?}"
        ))
    }

    /// The text, but for `horizon`, `bucket` and `seed`, which stand before it.
    pub fn done(self) -> String {
        format!(
            "version = 1\nname = \"verify\"\npolicies = [\"new\"]\n\n[guard]\nmax-events-at-one-instant = 1000000\n\n\
             [backend.generic]\n{}\n{}{}\n[[workload]]\nname = \"customers\"\n{}",
            self.endpoint, self.limits, self.tables, self.workload
        )
    }
}
