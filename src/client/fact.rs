//! Facts about tabs. Metrics count facts; stories tell them.

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

/// A fact about a tab.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// The unauthenticated flow was entered.
    FlowEntered {
        /// Calls of the flow in this tab that have not settled, including this one: `depth` of the recordings.
        open: u32,
        /// Whether a session existed. Without one the call settles at once.
        active: bool,
        /// Entries on the causal chain, including this one.
        depth: u32,
        /// The answer that caused the entry; `None` for a broadcast.
        cause: Option<Failure>,
    },
    /// Calls of the flow settled.
    FlowLeft {
        /// Number of levels that settled together.
        levels: u32,
        /// The end of the innermost one.
        end: FlowEnd,
    },
    /// The session cookie was written, or removed.
    Cookie(Option<Token>),
    /// The status changed.
    Status(Status),
    /// The page was reloaded or closed while it had a session.
    PageGone,
    /// The tab lost its session.
    SignedOut,
    /// The tab has a session.
    SignedIn,
    /// The page load ended.
    LoadEnd(Status),
    /// App code saw an error.
    AppError(Failure),
    /// A call that no code awaits ended with an error, which the browser reports as an unhandled rejection. App code's
    /// handler of unhandled rejections sees it, so it counts as an error that app code sees.
    UnhandledRejection(Failure),
    /// The sign-in request ended: with a new session, or with this failure.
    SignInEnded(Option<Failure>),
    /// App code calls the client and waits from now on.
    AppAsked,
    /// A call by app code ended after this time.
    AppWaited(Dur),
    /// App code called the client and got the answer at once: [`Fact::AppAsked`] and [`Fact::AppWaited`] of zero in one.
    /// Observers of a run get those two.
    AppServed,
    /// The page was reloaded or closed while this many calls by app code were pending.
    AppLeft(u32),
    /// A failure was judged at a call site.
    Judged {
        /// The failure.
        failure: Failure,
        /// The policy's verdict.
        verdict: Judgement,
    },
}

/// The end of a call of the unauthenticated flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// The session still exists.
    StillSignedIn,
    /// The session is gone.
    SignedOut,
    /// The call failed with this error.
    Threw(Failure),
    /// The call was answered with success, and the client dropped the answer.
    Dropped,
}

/// A policy's verdict on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Enter the unauthenticated flow.
    EnterFlow,
    /// Status `degraded`.
    Degrade,
    /// Retry.
    Retry,
    /// The app gets the failure.
    Surface,
    /// The client drops the failure.
    Swallow,
}
