//! Verdicts of limits, as integers.

use crate::backend::limiter::report::Refused;
use serde::{Deserialize, Serialize};

/// The number of verdicts of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitTotals {
    /// Admitted calls.
    pub admitted: u64,
    /// Refused calls.
    pub refused: u64,
    /// Admitted calls before the first fault.
    pub admitted_before: u64,
    /// Refused calls before the first fault.
    pub refused_before: u64,
    /// What happened to keys and callers; all zero if the limit does not report them, and before the end of the run.
    pub who: Refused,
}

impl LimitTotals {
    /// Judged calls.
    pub const fn asked(&self) -> u64 {
        self.admitted + self.refused
    }

    /// Adds the verdicts on the sessions of another part of the run.
    pub fn add(&mut self, other: &LimitTotals) {
        self.admitted += other.admitted;
        self.refused += other.refused;
        self.admitted_before += other.admitted_before;
        self.refused_before += other.refused_before;
        self.who.add(&other.who);
    }
}
