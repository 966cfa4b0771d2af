//! What a tab waits for: requests, their retries, and timers, numbered as a world's tasks.
//!
//! The upper bit of a number says whether the task is a timer; the others are an index.

use super::page::Cause;
use crate::client::step::TaskId;
use crate::client::token::ServerReply as Reply;
use crate::client::token::pool::{Pool, Slots};
use crate::kernel::{Dur, Time};

/// The bit of a timer's number.
const TIMER: u32 = 1 << 31;

/// A task by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// A request, by its index.
    Request(u32),
    /// A timer, by its slot.
    Timer(u32),
}

impl Task {
    /// The task of a number.
    pub(super) fn of(id: TaskId) -> Task {
        if id & TIMER == 0 { Task::Request(id) } else { Task::Timer(id & !TIMER) }
    }

    /// Its number.
    pub(super) fn id(self) -> TaskId {
        match self {
            Task::Request(index) => index,
            Task::Timer(slot) => slot | TIMER,
        }
    }
}

/// The state of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its answer is on the way.
    Sent,
    /// Its answer is being handled.
    Answered,
    /// It waits to be sent again.
    Waits,
}

/// A refresh under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub tab: u32,
    pub state: State,
    /// What the tab was doing when it began.
    pub cause: Cause,
    /// Number of entries before it, each caused by the answer to a request of the previous one.
    pub depth: u32,
    /// Number of failed tries.
    pub failures: u32,
    /// Number of the refresh token in it.
    pub refresh: u32,
    /// Its number among equal requests of its tab and instant.
    pub ordinal: u8,
    /// When it was sent; for one that waits to be sent again, the begin of the wait.
    pub since: Time,
    /// The length of its last wait.
    pub waited: Dur,
    /// The answer on its way.
    pub reply: Reply,
    /// Whether the answer comes from a full queue.
    pub shed: bool,
    /// Whether its page is gone.
    pub left_over: bool,
    /// The next request of its tab, or `NONE`.
    pub next: u32,
}

/// A timer of a tab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    pub tab: u32,
    /// The SDK's number for it.
    pub number: u8,
    /// As in [`Request`], of an entry that it causes.
    pub depth: u32,
    /// The next timer of its tab, or `NONE`.
    pub next: u32,
}

/// Callers of the app that asked together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callers {
    pub asked: Time,
    pub count: u32,
    /// The group that asked before, or `NONE`.
    pub next: u32,
}

/// The tasks under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    pub requests: Slots<Request>,
    pub timers: Pool<Timer>,
    pub callers: Pool<Callers>,
}

impl Tasks {
    pub(super) fn request(&self, index: u32) -> &Request {
        self.requests.at(index)
    }

    pub(super) fn request_mut(&mut self, index: u32) -> &mut Request {
        self.requests.at_mut(index)
    }

    /// Frees the place of a request that has ended.
    pub(super) fn remove(&mut self, index: u32) {
        self.requests.turn(index);
        self.requests.at_mut(index).state = State::Answered;
        self.requests.free(index);
    }

    pub(super) fn generation(&self, task: Task) -> u32 {
        match task {
            Task::Request(index) => self.requests.generation(index),
            Task::Timer(slot) => self.timers.key(slot).generation.get(),
        }
    }

    /// The requests whose answers are on the way, in order.
    pub(super) fn sent(&self) -> impl Iterator<Item = u32> {
        let sent = |(_, request): &(u32, &Request)| request.state == State::Sent;
        self.requests.iter().filter(sent).map(|(index, _)| index)
    }
}
