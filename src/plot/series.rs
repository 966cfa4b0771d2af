//! Quantities over time, each defined once: how buckets give the value, and the text of a line's label. The pictures and
//! the page use the same definitions.

use super::columns::{Aggregate, Columns, Spread};
use crate::metrics::timeline::Bucket;
use crate::results::PolicyResults;
use crate::text::number;

/// A quantity over time.
#[derive(Debug)]
pub struct Series {
    /// Its key in the page's data.
    pub key: &'static str,
    /// How buckets become columns.
    pub aggregate: Aggregate,
    /// Value of the quantity in a bucket.
    pub value: fn(&Bucket) -> f64,
    /// Text after a value: a unit with a blank before it, or `/s`.
    pub unit: &'static str,
}

/// Sign-outs of valid sessions.
pub const FALSE_SIGN_OUTS: Series = Series {
    key: "false_sign_outs",
    aggregate: Aggregate::SumSoFar,
    value: |b| b.false_sign_outs as f64,
    unit: " false",
};
/// Sign-outs of revoked sessions.
pub const TRUE_SIGN_OUTS: Series = Series {
    key: "true_sign_outs",
    aggregate: Aggregate::SumSoFar,
    value: |b| b.true_sign_outs as f64,
    unit: " true",
};
/// Entries of the flow per second.
pub const FLOW: Series = Series {
    key: "flow_per_s",
    aggregate: Aggregate::GreatestRate,
    value: |b| b.flow_entries as f64,
    unit: "/s",
};
/// The greatest depth of a chain of entries.
pub const DEPTH: Series =
    Series { key: "depth", aggregate: Aggregate::Greatest, value: |b| b.depth_max as f64, unit: "" };
/// Signed-in sessions without a valid token.
pub const WITHOUT_TOKEN: Series = Series {
    key: "without_token",
    aggregate: Aggregate::Level,
    value: |b| b.without_token_ns as f64,
    unit: " sessions",
};
/// App callers that wait.
pub const WAITING: Series =
    Series { key: "waiting", aggregate: Aggregate::Level, value: |b| b.waiting_ns as f64, unit: " callers" };

/// Every series.
pub const SERIES: [&Series; 6] = [&FALSE_SIGN_OUTS, &TRUE_SIGN_OUTS, &FLOW, &DEPTH, &WITHOUT_TOKEN, &WAITING];

impl Series {
    /// The spread over a policy's replications, in these columns.
    pub fn spread(&self, policy: &PolicyResults, columns: Columns) -> Spread {
        Spread::of(policy, columns, self.aggregate, self.value)
    }

    /// Text of a line's label: the final value of a line that only rises, else its greatest value.
    pub fn says(&self, policy: &PolicyResults, spread: &Spread) -> String {
        let unit = self.unit;
        let line = match (policy.timelines.len(), self.aggregate.is_mean()) {
            (0 | 1, _) => "",
            (_, true) => "mean ",
            (_, false) => "median ",
        };
        let (end, top) = (spread.end(), spread.top());
        match self.aggregate {
            Aggregate::SumSoFar => format!("{}{unit}", number::short(end)),
            _ if top > 0.0 => format!("{line}up to {}{unit}", number::short(top)),
            _ if spread.greatest() > 0.0 => "none in most runs".to_owned(),
            _ => "none".to_owned(),
        }
    }
}
