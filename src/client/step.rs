//! The words between a world and the tabs of a client: what happens to a tab, and what the tab does.

use super::backoff::Wait;
use super::fact::Fact;
use crate::backend::Endpoint;

/// A task of a tab: something that waits for an answer, a timer, the lock or another task. Families number their tasks.
pub type TaskId = u32;

/// A message to the other tabs of a browser. The family says what both words mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its kind: a place in the family's [`MESSAGES`](super::Client::MESSAGES).
    pub kind: u16,
    /// What it carries.
    pub word: u32,
}

/// What happens to a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The page is opened, or loaded anew.
    Open,
    /// The page is closed.
    Close,
    /// A task's request has ended: the answer is in the task.
    Answer(TaskId),
    /// A task's timer is due.
    Timer(TaskId),
    /// The cross-tab lock is this task's.
    Lock(TaskId),
    /// The tab gains focus.
    Focus,
    /// The app asks for a session token.
    AppGetToken {
        /// Callers at once.
        callers: u8,
        /// Whether they pass over the cache.
        skip_cache: bool,
    },
    /// The app makes the current session the active one.
    SetActive {
        /// Whether it navigates (`redirectUrl`).
        navigate: bool,
    },
    /// Another tab of the browser sent a message.
    Message(Message),
    /// The user fills in the sign-in page.
    SignIn {
        /// Whether an earlier sign-in failed.
        again: bool,
    },
}

/// What a tab does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Sends a request. The answer goes to the task.
    Send {
        /// The task.
        task: TaskId,
        /// Where to.
        endpoint: Endpoint,
        /// Whether no failed answer caused it.
        first: bool,
    },
    /// Waits. Then the task's timer is due.
    Wait {
        /// The task.
        task: TaskId,
        /// The task's generation: the task may end in the very step that sets the timer, and its place change hands.
        generation: u32,
        /// How long.
        wait: Wait,
    },
    /// Sends a message to the browser's other open tabs.
    Tell(Message),
    /// Gives the cross-tab lock to a task, perhaps one of another tab.
    Grant {
        /// The task.
        task: TaskId,
    },
    /// Says something that is counted or told and changes nothing.
    Fact(Fact),
}
