//! Tasks: the work under way in a page. Each waits for one thing (an answer, a timer, another task).

use crate::backend::Endpoint;
use crate::client::step::TaskId;
use crate::kernel::{Dur, Time};
use crate::protocol::{Failure, Token};

/// No task.
pub(super) const NONE: TaskId = u32::MAX;

/// The kind of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The page load.
    Load,
    /// GET /environment of a page load.
    LoadEnvironment,
    /// GET /client of a page load.
    LoadClient,
    /// The session poller: one chain of ticks.
    Poll,
    /// An armed background refresh.
    Refresh,
    /// One call of `getToken` with its retries.
    GetToken,
    /// POST /tokens: the pending promise that callers of `getToken` share.
    TokenFetch,
    /// POST /touch of a focus event or of `setActive`.
    Touch,
    /// `setActive`.
    SetActive,
    /// The unauthenticated flow, all levels of its own recursion.
    Flow,
    /// The sign-in request of a signed-out user.
    SignIn,
    /// The limit on the time of a page load's GET /client, and then of its `getToken`.
    LoadLimit,
    /// GET /client in the background, after a page load that did without it.
    LoadAgain,
}

/// The stage of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Waiting for an answer of the backend.
    Requesting,
    /// Waiting for a timer.
    Timer,
    /// Waiting for another task.
    Waiting,
    /// Waiting for the cross-tab lock.
    Lock,
}

/// The caller of `getToken` or of a touch, which gets the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Caller {
    /// The session poller; `parent` is its task.
    Poller,
    /// A focus event.
    Focus,
    /// The app.
    App,
    /// The parent task: `setActive` or the page load.
    Parent,
    /// The background refresh timer.
    Background,
}

/// Flags of a task.
pub(super) mod flag {
    /// For a fetch: the session object had a last active token when the request was sent.
    pub(crate) const HAD_TOKEN: u8 = 1;
    /// `getToken` skips the cache.
    pub(crate) const SKIP_CACHE: u8 = 2;
    /// `setActive` navigates.
    pub(crate) const NAVIGATE: u8 = 4;
    /// For GET /client of a page load: the client has aborted it. Other kinds of tasks use the bit as [`NAVIGATE`].
    pub(crate) const ABORTED: u8 = NAVIGATE;
    /// The flow tells the browser's other tabs of a sign-out.
    pub(crate) const BROADCAST: u8 = 8;
    /// The request started while the browser was offline.
    pub(crate) const STARTED_OFFLINE: u8 = 16;
    /// /tokens is asked again with the expired token, after 422 `missing_expired_token`.
    pub(crate) const EXPIRED_TOKEN: u8 = 32;
    /// A page load continued although /environment or /client failed. Also set for the token fetch of such a load.
    pub(crate) const DEGRADED: u8 = 64;
    /// The /client part of a page load has ended.
    pub(crate) const CLIENT_DONE: u8 = 128;
}

/// One task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// The tab it belongs to.
    pub tab: u32,
    /// The task that gets the result, or [`NONE`].
    pub parent: TaskId,
    /// The next task that waits for the same fetch; the last one links to the first. In a free slot, the next free
    /// slot. For a fetch: one plus the `iat` of the token that another tab broadcast last during the fetch; 0 for none.
    /// For a `setActive` that waits for its token: the next older one of the page, or [`NONE`]. For a page load: its
    /// limit, or [`NONE`]. For a limit: the task that it limits, or [`NONE`].
    pub next: TaskId,
    /// For the flow: levels of its recursion so far. For a `setActive` that waits for its token: the next newer one of
    /// the page, or [`NONE`]. For a limit: its page load. Otherwise the last of the tasks that wait for this one, or [`NONE`].
    pub levels: u32,
    /// Entries of the unauthenticated flow on the causal chain of this task.
    pub depth: u32,
    /// The number of the task's session object. For `setActive`, the object that it makes current.
    pub object: u32,
    /// Raised whenever the slot changes hands or its timer is set again, so that an event with an older generation is
    /// stale.
    pub generation: u32,
    /// The kind of the task.
    pub kind: Kind,
    /// The stage of the task.
    pub stage: Stage,
    /// Retries so far, or network-level tries. For a `setActive` that waits for its token: by how much its object is newer
    /// than a new object of its number, at most 65,535: see [`Tab::age_of`](super::tab::Tab::age_of).
    pub attempt: u16,
    /// See [`flag`].
    pub flags: u8,
    /// The caller, which gets the result.
    pub caller: Caller,
    /// The task's page load; a reload changes the tab's. See
    /// [`Tasks::forget_pages`](super::tasks::Tasks::forget_pages).
    pub epoch: u16,
    /// The number among equal calls of one instant.
    pub ordinal: u8,
    /// Endpoint of its last request.
    pub endpoint: Endpoint,
    /// Whether the answer under way comes from a full queue.
    pub shed: bool,
    /// The meaning of `word`.
    pub(super) holds: Holds,
    /// When the request in flight was sent, or when the task began.
    pub since: Time,
    pub(super) word: u64,
}

const _: () = assert!(size_of::<Task>() <= 56);

/// The meaning of a task's word. A request stores the answer under way. `getToken` sends no request of its own and
/// stores its last wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Holds {
    /// 2xx that lists the session. The word is the token's bits, 0 for none.
    Listed,
    /// 2xx that does not list the session. The word is the token's bits, 0 for none.
    Unlisted,
    /// Another answer. The word holds `Retry-After`, status and error code, from the high bits down.
    Failure,
    /// The start of the wait under way.
    WaitFrom,
    /// The length of the last wait.
    Waited,
}

impl Task {
    /// The answer under way.
    #[inline]
    pub(super) fn reply(&self) -> Reply {
        match self.holds {
            Holds::Listed => Reply::Ok { token: Token::from_bits(self.word), listed: true },
            Holds::Unlisted => Reply::Ok { token: Token::from_bits(self.word), listed: false },
            Holds::Failure => Reply::Fail(Failure::from_bits(self.word)),
            Holds::WaitFrom | Holds::Waited => Reply::Fail(Failure::NETWORK),
        }
    }

    /// Stores the answer under way.
    #[inline]
    pub(super) fn set_reply(&mut self, reply: Reply) {
        (self.holds, self.word) = match reply {
            Reply::Ok { token, listed } => {
                (if listed { Holds::Listed } else { Holds::Unlisted }, token.map_or(0, Token::bits))
            }
            Reply::Fail(failure) => (Holds::Failure, failure.bits()),
        };
    }

    /// For `getToken`: the length of its last wait, without requests; zero before the first.
    pub(super) fn waited(&self) -> Dur {
        if self.holds == Holds::Waited { Dur(self.word) } else { Dur::ZERO }
    }

    /// `getToken` begins to wait.
    pub(super) fn waits_from(&mut self, now: Time) {
        (self.holds, self.word) = (Holds::WaitFrom, now.0);
    }

    /// `getToken` ends its wait.
    pub(super) fn waits_until(&mut self, now: Time) {
        if self.holds == Holds::WaitFrom {
            (self.holds, self.word) = (Holds::Waited, now.since(Time(self.word)).0);
        }
    }
}

/// An answer of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 2xx.
    Ok {
        /// `iat` of the session token in the answer.
        token: Option<Token>,
        /// Whether the answer lists the session; used where answers list sessions.
        listed: bool,
    },
    /// Any other answer.
    Fail(Failure),
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Reply {
        Reply::Fail(failure)
    }
}

impl crate::client::Reply for Reply {
    fn failure(&self) -> Option<Failure> {
        match self {
            Reply::Ok { .. } => None,
            Reply::Fail(failure) => Some(*failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tasks::Tasks;
    use super::*;
    use crate::protocol::RetryIn;

    #[test]
    fn get_token_remembers_how_long_its_last_wait_was() {
        let mut tasks = Tasks::default();
        let id = tasks.start(Kind::GetToken, 7, 0, Caller::App, Time::ZERO);
        assert_eq!(tasks[id].waited(), Dur::ZERO);
        tasks[id].waits_from(Time(5));
        tasks[id].waits_until(Time(12));
        tasks[id].waits_until(Time(13));
        assert_eq!(tasks[id].waited(), Dur(7), "from 5 to 12, whatever comes later");
    }

    #[test]
    fn a_task_gives_back_the_answer_that_it_was_given() {
        let mut tasks = Tasks::default();
        let id = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
        assert_eq!(tasks[id].reply(), Reply::Fail(Failure::NETWORK));
        let latest = Token::issued(Time(u64::MAX >> 2));
        let extreme = Failure { status: u16::MAX, code: u8::MAX, retry_after: RetryIn::seconds(u32::MAX) };
        for reply in [
            Reply::Ok { token: Some(latest), listed: true },
            Reply::Ok { token: Some(latest), listed: false },
            Reply::Ok { token: None, listed: true },
            Reply::Ok { token: None, listed: false },
            Reply::Fail(extreme),
            Reply::Fail(Failure { status: 429, code: 1, retry_after: RetryIn::seconds(86_400) }),
            Reply::Fail(Failure::OFFLINE),
        ] {
            tasks[id].set_reply(reply);
            assert_eq!(tasks[id].reply(), reply);
        }
    }
}
