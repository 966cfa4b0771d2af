//! What is worth counting or telling of a tab: metrics count facts, stories tell them.

use crate::kernel::Dur;
use crate::protocol::{Failure, Token};

/// Status of the client in a tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The page is loading.
    #[default]
    Loading,
    /// Loaded.
    Ready,
    /// The client could not get a token.
    Degraded,
    /// The load failed.
    Error,
}

/// What is worth counting or telling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// The unauthenticated flow was entered.
    FlowEntered {
        /// Calls of the flow in this tab that have not settled, this one included: `depth` of the recordings.
        open: u32,
        /// A session existed; without one the call settles at once.
        active: bool,
        /// Entries on the causal chain, this one included.
        depth: u32,
        /// The answer that caused it; none for a broadcast.
        cause: Option<Failure>,
    },
    /// Calls of the flow settled.
    FlowLeft {
        /// How many levels at once.
        levels: u32,
        /// How the innermost one ended.
        end: FlowEnd,
    },
    /// The session cookie was written, or removed.
    Cookie(Option<Token>),
    /// The status changed.
    Status(Status),
    /// The page was loaded anew or closed while it had a session.
    PageGone,
    /// The tab lost its session.
    SignedOut,
    /// The tab has a session.
    SignedIn,
    /// The page load ended.
    LoadEnd(Status),
    /// App code saw an error.
    AppError(Failure),
    /// The sign-in request ended: with a new session, or with this failure.
    SignInEnded(Option<Failure>),
    /// A call by app code ended, after so long.
    AppWaited(Dur),
    /// A failure was judged at a call site.
    Judged {
        /// The failure.
        failure: Failure,
        /// What the policy made of it.
        verdict: Judgement,
    },
}

/// How a call of the unauthenticated flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// The session is still there.
    StillSignedIn,
    /// It is gone.
    SignedOut,
    /// With this error.
    Threw(Failure),
}

/// What a policy made of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Enter the unauthenticated flow.
    EnterFlow,
    /// Status `degraded`.
    Degrade,
    /// Retry.
    Retry,
    /// Hand it to the app.
    Surface,
    /// Nobody hears of it.
    Swallow,
}
