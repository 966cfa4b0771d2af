//! Records several sessions of one run: a run is repeated once for all its stories.

use super::record::Recorder;
use crate::backend::Endpoint;
use crate::client::fact::Fact;
use crate::client::family::{self, Activity, Look};
use crate::client::step::{Input, TaskId};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::world::{Observer, Outside};

/// A recorder for each session that is told.
pub(super) struct Recorders(pub(super) Vec<Recorder>);

impl Recorders {
    fn each(&mut self, tell: impl FnMut(&mut Recorder)) {
        self.0.iter_mut().for_each(tell);
    }
}

impl Observer for Recorders {
    const ACTIVE: bool = true;

    fn input(&mut self, now: Time, tab: u32, input: Input, look: &dyn Look) {
        self.each(|recorder| recorder.input(now, tab, input, look));
    }

    fn sent(&mut self, now: Time, tab: u32, id: TaskId, doing: Activity, endpoint: Endpoint, first: bool) {
        self.each(|recorder| recorder.sent(now, tab, id, doing, endpoint, first));
    }

    fn struck(&mut self, user: u32, fault: usize) {
        self.each(|recorder| recorder.struck(user, fault));
    }

    fn limited(&mut self, user: u32) {
        self.each(|recorder| recorder.limited(user));
    }

    fn outside(&mut self, now: Time, user: u32, what: Outside) {
        self.each(|recorder| recorder.outside(now, user, what));
    }

    fn call_ended(&mut self, now: Time, id: TaskId, ended: &family::Call, outcome: Outcome) {
        self.each(|recorder| recorder.call_ended(now, id, ended, outcome));
    }

    fn waits(&mut self, now: Time, tab: u32, id: TaskId, doing: Activity, delay: Dur) {
        self.each(|recorder| recorder.waits(now, tab, id, doing, delay));
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        self.each(|recorder| recorder.fact(now, tab, fact));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Session, Wanted, tell_planned, tell_whole};
    use crate::Study;

    /// The run that tells several sessions tells each as a run of its own does, in the order in which they are wanted.
    #[test]
    fn sessions_that_share_a_run_are_told_as_alone() {
        let set = ["fleet.users=40".to_owned(), "horizon=3m".to_owned()];
        let mut study = Study::load_with("scenarios/touch-429-cascade.toml", &set).expect("a scenario");
        study.replications(2).expect("a number");
        let (plan, hash, control) = (study.plan(), study.hash(), Default::default());
        let wanted = [(0, 1, 7), (1, 0, 3), (0, 1, 2), (0, 0, 7), (1, 0, 39), (0, 1, 7)];
        let together = tell_whole(&plan, &hash, &wanted, &control).expect("no guard stops it");
        assert_eq!(together.len(), wanted.len());
        assert!(together.iter().all(|story| story.calls.len() > 2));
        for (story, (policy, replication, session)) in together.iter().zip(wanted) {
            let alone = Wanted::whole(policy, Some(replication), Session::Number(session));
            assert_eq!(*story, tell_planned(&plan, &hash, alone, &control).expect("no guard stops it"));
        }
    }
}
