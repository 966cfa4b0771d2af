//! Errors of files that do not have the form of results.

use crate::text::clean;
use std::fmt;

/// Why a file does not have the form of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Name of the file.
    pub file: &'static str,
    /// Line of the file, from 1; absent if no line is at fault.
    pub line: Option<u64>,
    /// The reason.
    pub why: Reason,
}

/// The reason why a file does not have the form of results.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The text is not JSON, CSV or UTF-8, or a value is missing or of another type.
    Malformed(String),
    /// A column is missing that rows need.
    NoColumn(&'static str),
    /// A cell is not a count.
    NotACount(String),
    /// A cell is not a time in seconds.
    NotATime(String),
    /// summary.json does not have this policy.
    NoSuchPolicy(String),
    /// summary.json does not have this replication.
    NoSuchReplication(usize),
    /// No bucket begins at this time.
    NoSuchBucket,
    /// The time is after the end of the run.
    BeyondHorizon,
    /// More buckets than any run has. They would only fill the memory.
    TooManyBuckets,
    /// The number of values of a metric differs from the number of replications.
    Values {
        /// The policy.
        policy: String,
        /// The metric.
        metric: String,
        /// Number of replications.
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
