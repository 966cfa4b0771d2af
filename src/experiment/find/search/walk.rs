//! The search for the threshold of one run.

/// The search for the threshold of one run.
#[derive(Debug)]
pub(super) struct Walk {
    /// The greatest step at which the run is known, or taken, not to meet the target, plus 1.
    fails_below: u64,
    /// The least step at which it is known, or taken, to meet it.
    pub(super) passes_at: u64,
    /// How far the next step up goes, while the walk has not passed.
    gallop: Option<u64>,
    done: bool,
}

impl Walk {
    /// `start` is the smallest threshold of interest: a run that passes there needs no further step.
    pub(super) fn new(start: Option<u64>, steps: u64) -> Walk {
        match start {
            // Beyond the last step there is nothing to ask.
            Some(start) if start < steps => {
                Walk { fails_below: start, passes_at: steps, gallop: Some(0), done: false }
            }
            Some(_) => Walk { fails_below: steps, passes_at: steps, gallop: None, done: false },
            None => Walk { fails_below: 0, passes_at: steps, gallop: None, done: false },
        }
    }

    /// The step to try next, if the threshold is not known.
    pub(super) fn next(&self) -> Option<u64> {
        if self.done || self.fails_below >= self.passes_at {
            return None;
        }
        Some(match self.gallop {
            Some(0) => self.fails_below,
            Some(stride) => (self.fails_below - 1).saturating_add(stride).min(self.passes_at - 1),
            None => self.fails_below + (self.passes_at - self.fails_below) / 2,
        })
    }

    /// Takes the outcome of that step.
    pub(super) fn tell(&mut self, passes: bool) {
        let Some(step) = self.next() else { return };
        if passes {
            self.passes_at = step;
            // A run that passes at the smallest threshold of interest is none of the greatest.
            self.done = self.gallop == Some(0);
            self.gallop = None;
        } else {
            self.fails_below = step + 1;
            self.gallop = self.gallop.map(|stride| (stride * 2).max(1));
        }
    }
}
