//! Scheduled events.

use crate::kernel::queue::Waiting;

/// A scheduled event. The meaning of `generation` and `arg` depends on the kind; unused fields are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub kind: EventKind,
    pub generation: u16,
    pub id: u32,
    pub arg: u32,
}

const _: () = assert!(size_of::<Event>() == 12);
const _: () = assert!(size_of::<Waiting<Event>>() == 16);

/// The kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum EventKind {
    /// A task's timer is due. `id` is the task, `arg` its generation. The event is stale when the generation has
    /// changed. `generation` says how a hidden tab runs it: see [`HiddenTabs`](super::hidden::HiddenTabs).
    #[default]
    Timer,
    /// A task's request ends. `id` and `arg` as in [`EventKind::Timer`]; `generation` is 1 when the client's time-out
    /// comes before an answer, and [`LOST`](super::devices::LOST) when the answer came while the device slept.
    Answer,
    /// A task gets the cross-tab lock. `id` and `arg` as in [`EventKind::Timer`].
    Lock,
    /// A page opens. `id` is the tab.
    Open,
    /// A page reloads. `id` is the tab; `generation` and `arg` hold the visit and the round: see
    /// [`Rounds`](super::rounds::Rounds).
    Reload,
    /// A page closes. Fields as in [`EventKind::Reload`].
    Close,
    /// A tab gains focus. Fields as in [`EventKind::Reload`].
    Focus,
    /// The app calls `getToken`. Fields as in [`EventKind::Reload`].
    AppGetToken,
    /// The app calls `setActive`. Fields as in [`EventKind::Reload`].
    SetActive,
    /// A browser goes offline, or comes online where `generation` is 1. `id` is the user, `arg` the number of the
    /// offline period.
    Network,
    /// A message from another tab arrives. `id` is the tab, `generation` the message's kind and `arg` its word.
    Message,
    /// A signed-out user fills in the sign-in page. `id` is the tab; `arg` is above 0 when an earlier sign-in failed.
    SignIn,
    /// A scripted action. `id` is its place in the scenario's list; `arg` is 0 until the event has been put behind the
    /// timers of its instant.
    Scripted,
    /// A revocation. `id` is the fault's place in the scenario's list, `arg` counts its repetitions.
    Revoke,
    /// A leaky bucket releases a delayed call. `id` is the call's entry in the gateway.
    Admitted,
    /// A worker has served a call. `id` is the call's entry in the gateway.
    Served,
    /// A call releases its place at a concurrency limit. `id` is the user, `arg` the endpoint.
    Release,
    /// A generic client of an open or scripted workload begins a call. `id` is the client, `arg` the number of the
    /// call.
    CallerArrives,
    /// A generic caller sends a try. `id` is the caller.
    CallerTries,
    /// A generic caller gets an answer. `id` is the caller; `generation` and `arg` encode the answer: see
    /// [`callers`](super::callers).
    CallerAnswered,
    /// A generic caller's time-out is due. `id` is the caller, `generation` the try's; `arg` is 1 when the outcome is
    /// not counted yet.
    CallerTimesOut,
    /// The observer samples the totals.
    Sample,
    /// A tab's document loses focus. Fields as in [`EventKind::Reload`].
    Blur,
    /// The servers restart. `id` is the fault's place in the scenario's list.
    Restart,
    /// A window of an outage ends. `id` is the fault's place in the scenario's list.
    OutageEnds,
    /// A pool in slow start uses more workers. `id` is the pool, `arg` the number of its slow start.
    SlowStart,
    /// A user carries out a scripted action with a spread. `id` is the user, `arg` the action's place in the scenario's list;
    /// `generation` as `arg` of [`EventKind::Scripted`].
    ScriptedByUser,
    /// A user's policy changes in a rollout, and the open pages reload. `id` is the user.
    PolicyShipped,
    /// A device goes to sleep, or wakes where `generation` is 1. `id` is the user, `arg` the number of the period.
    Sleep,
    /// The timers that wait for a tick of a hidden tab run. `id` is the tab.
    Tick,
}

impl EventKind {
    /// Whether the event happens in a page of a tab, so that it waits while the user's device sleeps.
    pub(super) fn is_of_a_page(self) -> bool {
        match self {
            EventKind::Timer
            | EventKind::Answer
            | EventKind::Lock
            | EventKind::Open
            | EventKind::Reload
            | EventKind::Close
            | EventKind::Focus
            | EventKind::Blur
            | EventKind::AppGetToken
            | EventKind::SetActive
            | EventKind::Message
            | EventKind::Tick
            | EventKind::SignIn => true,
            EventKind::Network
            | EventKind::Release
            | EventKind::Scripted
            | EventKind::ScriptedByUser
            | EventKind::PolicyShipped
            | EventKind::Sleep
            | EventKind::Admitted
            | EventKind::Served
            | EventKind::CallerArrives
            | EventKind::CallerTries
            | EventKind::CallerAnswered
            | EventKind::CallerTimesOut
            | EventKind::Revoke
            | EventKind::Sample
            | EventKind::Restart
            | EventKind::OutageEnds
            | EventKind::SlowStart => false,
        }
    }
}
