//! Builds the scenario texts of the checks.

use crate::kernel::Dur;
use std::fmt::Write;

/// A duration of `s` seconds as text, rounded to nanoseconds.
pub(super) fn seconds(s: f64) -> String {
    Dur((s * 1e9 + 0.5) as u64).to_string()
}

/// An exponential distribution as text; the mean is in seconds.
pub(super) fn exponential(mean_s: f64) -> String {
    format!("{{ exponential = \"{}\" }}", seconds(mean_s))
}

/// A constant distribution as text; the value is in seconds.
pub(super) fn constant(s: f64) -> String {
    format!("\"{}\"", seconds(s))
}

/// A builder of scenarios with one generic workload.
pub(super) struct Text {
    workload: String,
    tables: String,
    endpoint: String,
    limits: String,
}

impl Text {
    /// A scenario whose workload has this line, such as `every = ...`.
    pub(super) fn new(line: &str) -> Text {
        Text {
            workload: format!("{line}\n"),
            tables: String::new(),
            endpoint: "latency = \"0s\"\n".to_owned(),
            limits: String::new(),
        }
    }

    /// A scenario with Poisson arrivals; the rate is per second.
    pub(super) fn poisson(rate: f64) -> Text {
        let gap = exponential(1.0 / rate);
        Text::new(&format!("starts = {gap}\nevery = {gap}"))
    }

    /// Adds a line to `[[workload]]`.
    pub(super) fn workload(mut self, line: &str) -> Text {
        let _ = writeln!(self.workload, "{line}");
        self
    }

    /// Adds a line to `[backend.generic]`. A line about `latency` replaces the default latency of zero.
    pub(super) fn endpoint(mut self, line: &str) -> Text {
        if line.starts_with("latency") {
            self.endpoint = String::new();
        }
        let _ = writeln!(self.endpoint, "{line}");
        self
    }

    /// Adds workers with a service time, and the length of the queue; `None` is unlimited.
    pub(super) fn served(self, workers: u32, service: &str, queue: Option<u32>) -> Text {
        let text = self.endpoint(&format!("workers = {workers}\nservice = {service}"));
        match queue {
            Some(queue) => text.endpoint(&format!("queue = {queue}")),
            None => text,
        }
    }

    /// Adds a rate limit with these lines.
    pub(super) fn limit(mut self, lines: &str) -> Text {
        let _ =
            writeln!(self.limits, "[[backend.limit]]\nendpoints = [\"generic\"]\nkey = \"global\"\n{lines}");
        self
    }

    /// Adds a table verbatim.
    pub(super) fn table(mut self, lines: &str) -> Text {
        let _ = writeln!(self.tables, "{lines}");
        self
    }

    /// Adds a fault that answers 500 to a call with this probability.
    pub(super) fn failing(self, probability: f64) -> Text {
        self.table(&format!(
            "[[fault]]\nkind = \"status\"\nstatus = 500\nendpoints = [\"generic\"]\nprobability = {probability:?}"
        ))
    }

    /// The scenario text without `horizon`, `bucket` and `seed`, which the caller puts in front.
    pub(super) fn done(self) -> String {
        format!(
            "version = 1\nname = \"verify\"\npolicies = [\"new\"]\n\n[guard]\nmax-events-at-one-instant = 1000000\n\n\
             [backend.generic]\n{}\n{}{}\n[[workload]]\nname = \"customers\"\n{}",
            self.endpoint, self.limits, self.tables, self.workload
        )
    }
}
