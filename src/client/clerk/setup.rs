//! Data shared by all pages of a run, and the rules of a policy.

use super::release::Release;
use crate::client::app::{DocumentFocus, Reaction};
use crate::client::backoff::Backoff;
use crate::client::policy::{FailureBits, Policy, TouchErrors};
use crate::client::session_policy::SessionLimits;
use crate::protocol::Failure;

/// A compiled policy: failure sets as bits, back-off as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Which failures enter the unauthenticated flow.
    pub enters: FailureBits,
    /// Which failures `getToken` retries.
    pub retries: FailureBits,
    /// The back-off of these retries.
    pub backoff: Backoff,
    /// Handling of a touch error that does not enter the flow.
    pub touch_errors: TouchErrors,
    /// Limits on the retries of one session, if the policy has any.
    pub limits: Option<SessionLimits>,
}

impl Rules {
    /// Compiles a policy. `codes` is the scenario's list of error codes. The cohort has so many apps and this first user.
    pub fn of(policy: &Policy, codes: &[String], (apps, first_user): (u32, u32)) -> Rules {
        Rules {
            enters: policy.enters_unauthenticated_flow.compile(codes),
            retries: policy.retry.on.compile(codes),
            backoff: Backoff::new(&policy.retry),
            touch_errors: policy.touch_errors,
            limits: SessionLimits::of(policy).map(|limits| limits.in_cohort(apps, first_user)),
        }
    }
}

/// Data shared by all pages of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The client release.
    pub release: Release,
    /// Life of a session token, in seconds.
    pub token_life_s: u32,
    /// Whether touches on focus are not throttled.
    pub multi_session: bool,
    /// The app code's reaction to new session objects.
    pub reaction: Reaction,
    /// Number of apps of the cohort, of which each is a process.
    pub apps: u32,
    /// Number of the cohort's first user.
    pub first_user: u32,
    /// Which tabs have focus.
    pub focus: DocumentFocus,
    /// Whether the session's `updated_at` is later in every answer of the server.
    pub updated_at_moves: bool,
    /// Whether the answer to a touch on focus lacks the client resource.
    pub focus_touch_lacks_client: bool,
    /// Index of the error code `missing_expired_token` in the scenario's list; 0 when no fault answers with it.
    pub missing_expired_token: u8,
    /// Indices of the error codes of a 401 that does not enter the flow in the fetch layer
    /// ([`CODES_NOT_TAKEN_FOR_A_LOST_SESSION`]); 0 for a code that no fault answers with.
    pub not_taken_for_a_lost_session: [u8; 2],
}

/// A 401 with one of these error codes does not enter the unauthenticated flow in the fetch layer (`clerk-js.md`, "The
/// unauthenticated flow", last paragraph).
pub(super) const CODES_NOT_TAKEN_FOR_A_LOST_SESSION: [&str; 2] =
    ["dev_browser_unauthenticated", "requires_captcha"];

impl Setup {
    /// Whether the fetch layer enters the unauthenticated flow after this failure.
    pub fn is_session_lost(&self, failure: Failure) -> bool {
        let excused = failure.code != 0 && self.not_taken_for_a_lost_session.contains(&failure.code);
        self.release.fetch_layer_entry && failure.status == 401 && !excused
    }
}
