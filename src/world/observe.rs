//! Observers: for the comparison with recordings and for the story of one session.

use super::totals::Snapshot;
use crate::backend::Endpoint;
use crate::backend::gateway::Watch;
use crate::backend::limiter::Verdict;
use crate::client::backoff::Wait;
use crate::client::fact::Fact;
use crate::client::family::{Activity, Call, Look};
use crate::client::step::{Input, TaskId};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::protocol::Failure;

/// Receives notifications from a running world. Must not influence the run, except through
/// [`given_wait`](Observer::given_wait).
pub trait Observer {
    /// Whether the observer gets notifications of events and of what follows from them. Decided at compile time.
    const ACTIVE: bool;

    /// Called every 65,536 events and at the end of the run, with the number of events so far and the hash of their
    /// order. Inactive observers get this notification too, because it is rare.
    fn chunk(&mut self, _events: u64, _fingerprint: u64) {}

    /// Event number `number`, counted from 1, is about to be handled. `user` is `u32::MAX` for none.
    fn event(&mut self, _number: u64, _time: Time, _user: u32, _kind: &dyn std::fmt::Debug) {}

    /// A tab takes an input. Notifications of the tab's actions follow.
    fn input(&mut self, _now: Time, _tab: u32, _input: Input, _look: &dyn Look) {}

    /// A tab sends a request on behalf of this task. Notifications of faults and limits that act on the request follow.
    fn sent(
        &mut self,
        _now: Time,
        _tab: u32,
        _task: TaskId,
        _doing: Activity,
        _endpoint: Endpoint,
        _first: bool,
    ) {
    }

    /// A fault strikes the call that was just sent by this user, or by this generic client numbered after the users.
    fn struck(&mut self, _user: u32, _fault: usize) {}

    /// A limit refuses the call that was just sent by this user, or by this generic client numbered after the users.
    fn limited(&mut self, _user: u32) {}

    /// Something happens to a browser that gives its tabs no input at this instant.
    fn outside(&mut self, _now: Time, _user: u32, _what: Outside) {}

    /// The call of a task ended.
    fn call_ended(&mut self, _now: Time, _task: TaskId, _call: &Call, _outcome: Outcome) {}

    /// A limit, named by its place in the scenario, has judged a call of this key that counts as `cost` requests.
    fn judged(&mut self, _now: Time, _limit: u16, _key: u32, _cost: u32, _verdict: Verdict) {}

    /// A limit counts a call of this key, whose answer is decided, as `cost` requests.
    fn counted(&mut self, _now: Time, _limit: u16, _key: u32, _cost: u32) {}

    /// The time between two samples of the totals, and before the first; `None` for no samples. Each sample is an event
    /// of the run.
    fn sample_every(&self) -> Option<Dur> {
        None
    }

    /// Gives the totals at a sample.
    fn sampled(&mut self, _totals: Snapshot) {}

    /// A generic call ended, or its first try gets no answer before the horizon. The notification comes when the call
    /// is sent, unless the call waits in a queue.
    fn generic_ended(&mut self, _client: u32, _sent: Time, _outcome: Outcome) {}

    /// A task begins to wait for this long.
    fn waits(&mut self, _now: Time, _tab: u32, _task: TaskId, _doing: Activity, _delay: Dur) {}

    /// A tab reports a fact.
    fn fact(&mut self, _now: Time, _tab: u32, _fact: Fact) {}

    /// Returns a wait that replaces a random one, where a recording fixes the wait.
    fn given_wait(&mut self, _now: Time, _tab: u32, _doing: Activity, _wait: Wait) -> Option<Dur> {
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
    fn judged(&mut self, now: Time, limit: u16, key: u32, cost: u32, verdict: Verdict) {
        Observer::judged(self, now, limit, key, cost, verdict);
    }

    #[inline]
    fn counted(&mut self, now: Time, limit: u16, key: u32, cost: u32) {
        Observer::counted(self, now, limit, key, cost);
    }

    #[inline]
    fn refused(&mut self, user: u32) {
        Observer::limited(self, user);
    }
}

/// A change to a browser that the scenario causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The server revokes the browser's session.
    Revoked,
    /// The server ends the browser's session, because its client used a refresh token again.
    Reused,
    /// The browser goes offline.
    Offline,
    /// The browser comes online.
    Online,
    /// The device goes to sleep.
    Asleep,
    /// The device wakes.
    Awake,
}

/// An observer that ignores every notification.
pub struct Silent;

impl Observer for Silent {
    const ACTIVE: bool = false;
}

/// A short description of an input, for a causal chain.
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
        Input::Blur => "loss of focus".to_owned(),
        Input::AppGetToken { .. } => "app calls getToken".to_owned(),
        Input::SetActive { no_session: true, .. } => "app calls setActive without a session".to_owned(),
        Input::SetActive { .. } => "app calls setActive".to_owned(),
        Input::Message(message) => look.message(message).words.to_owned(),
        Input::SignIn { .. } => "user signs in".to_owned(),
    }
}
