//! Data shared by all pages, the rules that a user follows, and names for readers.

use super::Sdk;
use super::page::Cause;
use crate::client::backoff::Backoff;
use crate::client::family::{
    CallerRow, Context, Due, MessageCause, MessageRow, Role, TaskRow, Unusable, Values,
};
use crate::client::policy::{FailureBits, Policy};
use crate::client::token::{Op, Rotation, Server, rows};
use crate::kernel::Dur;
use crate::protocol::Failure;

/// Data shared by all pages of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Life of an access token, in seconds.
    pub(super) token_life_s: u32,
    pub(super) server: Server,
}

impl Setup {
    pub(super) fn new<S: Sdk>(context: &Context<'_>) -> Setup {
        let rotation = Rotation {
            rotates: S::ROTATES,
            // RFC 9700, section 4.14.2: a used refresh token is refused, and its session ends.
            reuse: context.refresh_token_reuse.filter(|window| *window > Dur::ZERO),
            accepts_parent: false,
            reuse_ends: true,
            life: Dur::from_secs(context.token_life_s.into()),
        };
        Setup {
            token_life_s: context.token_life_s,
            server: Server { rotation, refused_status: S::REFUSED_STATUS },
        }
    }
}

/// A compiled policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub(super) ends: FailureBits,
    pub(super) retries: FailureBits,
    pub(super) backoff: Backoff,
    pub(super) server: Server,
}

impl Rules {
    pub(super) fn new(setup: &Setup, policy: &Policy, codes: &[String]) -> Rules {
        Rules {
            ends: policy.enters_unauthenticated_flow.compile(codes),
            retries: policy.retry.on.compile(codes),
            backoff: Backoff::new(&policy.retry),
            server: setup.server,
        }
    }

    /// Whether the policy retries this answer, after so many failed tries.
    pub(super) fn retries(&self, failure: Failure, failures: u32) -> bool {
        self.retries.contains(failure) && self.backoff.allows(failures, false)
    }
}

/// The kind of the message of a sign-out. Kinds below it are words of the SDK.
pub(super) const SIGNED_OUT: u16 = 1 << 8;

/// The messages between tabs: a word of the SDK, and a sign-out.
pub(super) static MESSAGES: [MessageRow; 2] = [
    MessageRow { id: "told", words: "another tab sends a message", cause: MessageCause::Answer },
    MessageRow { id: "signed-out", words: "another tab signs out", cause: MessageCause::SignOut },
];

/// A timer of the SDK.
pub(super) static TIMER: TaskRow =
    TaskRow { id: "timer", name: "timer", due: Due::Tick("a timer of the client is due"), role: Role::Other };

/// The caller of a refresh with this cause.
pub(super) fn caller(cause: Cause) -> &'static CallerRow {
    const fn row(who: &'static str, purpose: &'static str) -> CallerRow {
        CallerRow { who, purpose, unheard: None }
    }
    static TIMER: CallerRow = row("the timer", " for the timer");
    static ANSWER: CallerRow = row("the answer", " because of an answer");
    static TOLD: CallerRow = row("another tab's message", " because another tab sent a message");
    match cause {
        Cause::Opened => rows::caller(Op::Load),
        Cause::Visible => rows::caller(Op::Visible),
        Cause::Asked => rows::caller(Op::Call),
        Cause::Timer => &TIMER,
        Cause::Answer => &ANSWER,
        Cause::Told => &TOLD,
    }
}

/// What an own client cannot use beside what token clients cannot.
pub(super) const UNUSABLE: [Unusable; 3] = {
    const fn row(key: &'static str, values: Values, why: &'static str) -> Unusable {
        Unusable { key, values, why }
    }
    [
        row("client.objects", Values::AllBut("1"), "a page of an own client has one client object"),
        row(
            "client.storage-ignores-removals",
            Values::AllBut("false"),
            "an own client can remove its session",
        ),
        row("fleet.app-reaction", Values::AllBut("none"), "an own client tells the app nothing"),
    ]
};
