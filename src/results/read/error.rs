//! Why files are not results.

use crate::text::clean;
use std::fmt;

/// Why files are not results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which file.
    pub file: &'static str,
    /// The file's line, from 1, where one is to blame.
    pub line: Option<u64>,
    /// What is wrong.
    pub why: Reason,
}

/// What is wrong with a file of results.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The text is not JSON, CSV or UTF-8, or a value is missing or of another type.
    Malformed(String),
    /// A column is missing, without which rows say nothing.
    NoColumn(&'static str),
    /// A cell is not a count.
    NotACount(String),
    /// A cell is not a time in seconds.
    NotATime(String),
    /// A policy that summary.json does not have.
    NoSuchPolicy(String),
    /// A replication that summary.json does not have.
    NoSuchReplication(usize),
    /// A time at which no bucket begins.
    NoSuchBucket,
    /// A time beyond the end of the run.
    BeyondHorizon,
    /// More buckets than any run has: they would only fill the memory.
    TooManyBuckets,
    /// A metric of which there is not one value per replication.
    Values {
        /// The policy.
        policy: String,
        /// The metric.
        metric: String,
        /// Replications.
        replications: u32,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.why),
            None => write!(f, "{}: {}", self.file, self.why),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Malformed(why) => f.write_str(&clean(why)),
            Reason::NoColumn(column) => write!(f, "the column {column} is missing"),
            Reason::NotACount(cell) => write!(f, "not a count: {cell:?}"),
            Reason::NotATime(cell) => write!(f, "not a time in seconds: {cell:?}"),
            Reason::NoSuchPolicy(name) => write!(f, "summary.json knows no policy {name:?}"),
            Reason::NoSuchReplication(number) => write!(f, "there is no such replication: {number}"),
            Reason::NoSuchBucket => f.write_str("no bucket begins at this time"),
            Reason::BeyondHorizon => f.write_str("the time is beyond the horizon"),
            Reason::TooManyBuckets => f.write_str("more buckets than any run has"),
            Reason::Values { policy, metric, replications } => write!(
                f,
                "policy {policy:?}: `values` of {metric:?} must be {replications} numbers, one per replication"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}
