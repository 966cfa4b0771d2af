//! What limits decided, in whole numbers.

/// The verdicts of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitTotals {
    /// Calls that passed it.
    pub admitted: u64,
    /// Calls that it refused.
    pub refused: u64,
    /// Of the calls that it passed, those before the first fault.
    pub admitted_before: u64,
    /// Of the calls that it refused, those before the first fault.
    pub refused_before: u64,
}

impl LimitTotals {
    /// Calls that it judged.
    pub const fn asked(&self) -> u64 {
        self.admitted + self.refused
    }

    /// Adds the verdicts on other sessions of the same run.
    pub fn add(&mut self, other: &LimitTotals) {
        self.admitted += other.admitted;
        self.refused += other.refused;
        self.admitted_before += other.admitted_before;
        self.refused_before += other.refused_before;
    }
}
