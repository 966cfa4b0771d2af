//! Whether a user is signed out, and the first sign-out.

use crate::kernel::Time;

/// Time of a user's first sign-out, shifted left by two, or 0 without one. Bit 1: that sign-out was false. Bit 0: the
/// user is signed out now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SignedOut(u64);

impl SignedOut {
    const OUT: u64 = 1;
    const FALSE: u64 = 2;

    pub(super) fn is_signed_out(self) -> bool {
        self.0 & SignedOut::OUT != 0
    }

    pub(super) fn mark_signed_in(&mut self) {
        self.0 &= !SignedOut::OUT;
    }

    pub(super) fn mark_signed_out(&mut self, now: Time, is_false: bool) {
        if self.at().is_none() {
            // A time fits in 62 bits, because a run lasts at most 100 years.
            self.0 = now.0.max(1) << 2 | if is_false { SignedOut::FALSE } else { 0 };
        }
        self.0 |= SignedOut::OUT;
    }

    pub(super) fn at(self) -> Option<Time> {
        Some(Time(self.0 >> 2)).filter(|at| *at > Time::ZERO)
    }

    pub(super) fn is_false(self) -> bool {
        self.0 & SignedOut::FALSE != 0
    }
}
