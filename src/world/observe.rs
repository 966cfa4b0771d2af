//! Looking on: for the comparison with recordings and for the story of one session.

use super::totals::Snapshot;
use crate::backend::Endpoint;
use crate::backend::gateway::Watch;
use crate::backend::limiter::Verdict;
use crate::client::backoff::Wait;
use crate::client::fact::Fact;
use crate::client::family::{Call, Doing, Look};
use crate::client::step::{Input, TaskId};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::protocol::Failure;

/// Receives notifications from a running world. Must not influence the run, except through
/// [`given_wait`](Observer::given_wait).
pub trait Observer {
    /// Whether it wants to be told at all: decided when the program is built.
    const ACTIVE: bool;

    /// Whether it wants to be told of every event before it is handled.
    const EACH_EVENT: bool = false;

    /// The run looks up, every 65,536 events and at its end: so many events so far, and the hash of their order. It comes
    /// rarely enough that it is told to everybody.
    fn chunk(&mut self, _events: u64, _fingerprint: u64) {}

    /// Event number `number`, counted from 1, is about to be handled; `user` is `u32::MAX` for none.
    fn event(&mut self, _number: u64, _time: Time, _user: u32, _kind: &dyn std::fmt::Debug) {}

    /// A tab takes an input; what it does follows.
    fn input(&mut self, _now: Time, _tab: u32, _input: Input, _look: &dyn Look) {}

    /// A tab sends a request on behalf of this task. What a fault or a limit makes of it is told next.
    fn sent(
        &mut self,
        _now: Time,
        _tab: u32,
        _task: TaskId,
        _doing: Doing,
        _endpoint: Endpoint,
        _first: bool,
    ) {
    }

    /// A fault strikes the call that this user, or generic client numbered after the users, just sent.
    fn struck(&mut self, _user: u32, _fault: usize) {}

    /// A limit refuses the call that this user, or generic client numbered after the users, just sent.
    fn limited(&mut self, _user: u32) {}

    /// Something happens to a browser that no tab takes notice of at once.
    fn outside(&mut self, _now: Time, _user: u32, _what: Outside) {}

    /// The call of a task ended.
    fn call_ended(&mut self, _now: Time, _task: TaskId, _call: &Call, _outcome: Outcome) {}

    /// A limit, by its number, has judged a call of this key.
    fn judged(&mut self, _now: Time, _limit: u16, _key: u32, _verdict: Verdict) {}

    /// How often it wants to see the totals, from the first such time on; none for never. Each look is an event.
    fn sample_every(&self) -> Option<Dur> {
        None
    }

    /// The totals at a time it asked for.
    fn sampled(&mut self, _totals: Snapshot) {}

    /// A generic call ended, or was sent for the first time in vain until the horizon: known when it is sent, unless
    /// it queues.
    fn generic_ended(&mut self, _client: u32, _sent: Time, _outcome: Outcome) {}

    /// A task waits.
    fn waits(&mut self, _now: Time, _tab: u32, _task: TaskId, _doing: Doing, _delay: Dur) {}

    /// Something to be told.
    fn fact(&mut self, _now: Time, _tab: u32, _fact: Fact) {}

    /// Gives a wait that would be drawn, where a recording fixes it.
    fn given_wait(&mut self, _now: Time, _tab: u32, _doing: Doing, _wait: Wait) -> Option<Dur> {
        None
    }
}

impl<O: Observer> Watch for O {
    const ACTIVE: bool = <O as Observer>::ACTIVE;

    #[inline]
    fn struck(&mut self, user: u32, fault: usize) {
        Observer::struck(self, user, fault);
    }

    #[inline]
    fn judged(&mut self, now: Time, limit: u16, key: u32, verdict: Verdict) {
        Observer::judged(self, now, limit, key, verdict);
    }

    #[inline]
    fn refused(&mut self, user: u32) {
        Observer::limited(self, user);
    }
}

/// What happens to a browser from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The server revokes its session.
    Revoked,
    /// It loses the network.
    Offline,
    /// It has the network again.
    Online,
}

/// Nobody.
pub struct Silent;

impl Observer for Silent {
    const ACTIVE: bool = false;
}

/// An input in a few words, for a causal chain.
pub(super) fn in_words(input: Input, look: &dyn Look) -> String {
    let of = |task: TaskId| look.doing(task).task.name;
    match input {
        Input::Answer(task) => match look.failure(task) {
            None => format!("{} answered 200", of(task)),
            Some(Failure { status: 0, .. }) => format!("{} not answered", of(task)),
            Some(failure) => format!("{} answered {}", of(task), failure.status),
        },
        Input::Timer(task) => format!("timer of {}", of(task)),
        Input::Lock(task) => format!("lock for {}", of(task)),
        Input::Open => "page opened".to_owned(),
        Input::Close => "page closed".to_owned(),
        Input::Focus => "focus".to_owned(),
        Input::AppGetToken { .. } => "app calls getToken".to_owned(),
        Input::SetActive { .. } => "app calls setActive".to_owned(),
        Input::Message(message) => look.message(message).words.to_owned(),
        Input::SignIn { .. } => "user signs in".to_owned(),
    }
}
