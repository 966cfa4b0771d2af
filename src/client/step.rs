//! The interface between a world and a client's tabs: inputs and actions.

use super::backoff::Wait;
use super::fact::Fact;
use crate::backend::Endpoint;

/// A task of a tab: it waits for an answer, a timer, the lock or another task. Families number their tasks.
pub type TaskId = u32;

/// A message to the other tabs of a browser. The family defines both fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The kind: an index into the family's [`MESSAGES`](super::Client::MESSAGES).
    pub kind: u16,
    /// The content.
    pub word: u32,
}

/// An input of a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The page opens or reloads.
    Open,
    /// The page closes.
    Close,
    /// A task's request has ended. The task holds the answer.
    Answer(TaskId),
    /// A task's timer is due.
    Timer(TaskId),
    /// A task gets the cross-tab lock.
    Lock(TaskId),
    /// The tab gains focus.
    Focus,
    /// The window of the tab loses focus: no tab of the browser has it.
    Blur,
    /// The app asks for a session token.
    AppGetToken {
        /// Number of simultaneous calls.
        callers: u8,
        /// Whether the calls bypass the cache.
        skip_cache: bool,
    },
    /// The app makes the current session the active one.
    SetActive {
        /// Whether it navigates (`redirectUrl`).
        navigate: bool,
        /// Whether it makes no session the active one instead (`session: null`).
        no_session: bool,
    },
    /// Another tab of the browser sent a message.
    Message(Message),
    /// The user fills in the sign-in page.
    SignIn {
        /// Whether an earlier sign-in failed.
        again: bool,
    },
}

/// An action of a tab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Sends a request. Its answer goes to the task.
    Send {
        /// The task.
        task: TaskId,
        /// The endpoint.
        endpoint: Endpoint,
        /// Whether the request is original: no failed answer caused it.
        first: bool,
    },
    /// Waits, and then gives the tab the task's timer as an input.
    Wait {
        /// The task.
        task: TaskId,
        /// The task's generation. The task may end in the step that sets the timer, and its slot may be reused.
        generation: u32,
        /// The length of the wait.
        wait: Wait,
    },
    /// Sends a message to the browser's other open tabs.
    Tell(Message),
    /// Grants the cross-tab lock to a task, possibly of another tab.
    Grant {
        /// The task.
        task: TaskId,
    },
    /// Reports a fact to metrics and observers. Changes nothing.
    Fact(Fact),
    /// Ends a request, as timed out. Its answer, if one still comes, is dropped.
    Abort {
        /// The request's task.
        task: TaskId,
    },
    /// The actions from here to the next one of this kind are another tab's of the same browser. A list of actions
    /// begins with those of the tab that took the input.
    Of {
        /// The tab.
        tab: u32,
    },
}
