//! What is scheduled.

use crate::kernel::queue::Due;

/// A scheduled event. What `generation` and `arg` say depends on the kind; 0 where they say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub kind: EventKind,
    pub generation: u16,
    pub id: u32,
    pub arg: u32,
}

const _: () = assert!(size_of::<Event>() == 12);
// Less where 64 bits need no alignment of 8 bytes.
const _: () = assert!(size_of::<Due<Event>>() <= 24);

/// The kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum EventKind {
    /// A task's timer is due; `id` task, `arg` its generation: the event is stale when the task has moved on.
    #[default]
    Timer,
    /// A task's request ends; `id` and `arg` as in [`EventKind::Timer`], `generation` 1 when the client's patience ends
    /// before an answer comes.
    Answer,
    /// The cross-tab lock is a task's; `id` and `arg` as in [`EventKind::Timer`].
    Lock,
    /// A page opens; `id` tab.
    Open,
    /// A page is loaded anew; `id` tab, `generation` and `arg` the visit and which time: see
    /// [`Rounds`](super::rounds::Rounds).
    Reload,
    /// A page is closed; as [`EventKind::Reload`].
    Close,
    /// A tab gains focus; as [`EventKind::Reload`].
    Focus,
    /// The app calls `getToken`; as [`EventKind::Reload`].
    AppGetToken,
    /// The app calls `setActive`; as [`EventKind::Reload`].
    SetActive,
    /// A browser loses the network, or has it again where `generation` is 1; `id` user, `arg` which time.
    Network,
    /// Another tab sent a message; `id` tab, `generation` and `arg` the message's kind and word.
    Message,
    /// A signed-out user fills in the sign-in page; `id` tab, `arg` which time.
    SignIn,
    /// A scripted action; `id` its number.
    Scripted,
    /// A revocation; `id` the fault.
    Revoke,
    /// A leaky bucket lets a delayed call go; `id` call.
    Admitted,
    /// A worker has served a call; `id` call.
    Served,
    /// A call gives its place of a concurrency limit back; `id` user, `arg` endpoint.
    Release,
    /// A generic client begins a call of its own accord; `id` client, `arg` which time.
    CallerArrives,
    /// A generic caller tries; `id` caller.
    CallerTries,
    /// A generic caller has its answer; `id` caller, `generation` and `arg` the answer: see
    /// [`callers`](super::callers).
    CallerAnswered,
    /// A generic caller's patience ends; `id` caller, `generation` its own, `arg` 1 if the outcome is still to be counted.
    CallerTimesOut,
    /// The observer looks at the totals.
    Sample,
}
