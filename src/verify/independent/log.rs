//! What both simulations write down, to be compared.

use std::collections::BTreeMap;

/// A session token: each one issued has its number, and the second of its issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Later ones have higher numbers.
    pub number: u64,
    /// `iat`, in seconds.
    pub iat: u64,
}

/// Something that happened, in words that both simulations use: time in nanoseconds, who, what.
pub(super) type Line = (u64, String, String);

/// How often each thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    pub lines: BTreeMap<Line, u64>,
}

impl Log {
    pub(super) fn add(&mut self, time: u64, who: String, what: String) {
        *self.lines.entry((time, who, what)).or_default() += 1;
    }

    /// When the session cookie of a user changed: what is written and overwritten in one instant does not count.
    pub(super) fn cookies(&mut self, user: u64, at: &BTreeMap<u64, Option<u64>>) {
        let mut before = None;
        for (time, iat) in at {
            if *iat != before {
                let text = iat.map_or_else(|| "none".to_owned(), |iat| iat.to_string());
                self.add(*time, format!("user {user}"), format!("cookie {text}"));
            }
            before = *iat;
        }
    }

    /// The first line that the two do not share, with how often each has it.
    pub(super) fn first_difference<'a>(&'a self, other: &'a Log) -> Option<(&'a Line, u64, u64)> {
        let lines = self.lines.keys().chain(other.lines.keys());
        let count = |log: &Log, line: &Line| log.lines.get(line).copied().unwrap_or(0);
        let differ = |line: &&Line| count(self, line) != count(other, line);
        let line = lines.filter(differ).min()?;
        Some((line, count(self, line), count(other, line)))
    }
}
