//! An observer of small runs, for checks of single verdicts and times.

use crate::backend::limiter::Verdict;
use crate::experiment::Study;
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::world::{Control, Observer, Run, observed};

/// Records of one run.
#[derive(Default)]
pub(super) struct Recorder {
    /// Limiter verdicts: time, limit, key, whether admitted.
    pub verdicts: Vec<(Time, u16, u32, bool)>,
    /// Generic calls that ended: client, time of sending, outcome.
    pub ended: Vec<(u32, Time, Outcome)>,
}

impl Observer for Recorder {
    const ACTIVE: bool = true;

    fn judged(&mut self, now: Time, limit: u16, key: u32, _cost: u32, verdict: Verdict) {
        self.verdicts.push((now, limit, key, matches!(verdict, Verdict::Admit { .. })));
    }

    fn generic_ended(&mut self, client: u32, sent: Time, outcome: Outcome) {
        self.ended.push((client, sent, outcome));
    }
}

/// Runs the scenario of a check until `horizon`.
pub(super) fn record(text: &str, horizon: Dur) -> (Recorder, Run) {
    let text = format!("horizon = \"{horizon}\"\nbucket = \"{horizon}\"\nseed = 1\n{text}");
    let study = Study::parse("verify", &text)
        .unwrap_or_else(|e| panic!("the scenario of a check is invalid: {e}\n{text}"));
    let (run, recorder, _) = observed(&study.plan(), 0, 0, &Control::default(), Recorder::default())
        .unwrap_or_else(|stopped| panic!("the scenario of a check was stopped: {stopped}"));
    (recorder, run)
}
