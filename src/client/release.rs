//! Client releases, as named properties: one state machine reads them, no release has its own copy.

use super::page::Reaction;
use crate::kernel::Dur;
use crate::protocol::Failure;
use crate::scenario::ClientModel;

/// Which request the unauthenticated flow makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// POST /touch, entered again by the policy's rule when that fails (the pull request's account).
    Touch {
        /// Rounds after which the user is signed out.
        max_rounds: u32,
    },
    /// GET /client (`clerk-js.md`, "The unauthenticated flow").
    Client,
}

/// A 401 with one of these error codes does not enter the unauthenticated flow in the fetch layer (`clerk-js.md`, "The
/// unauthenticated flow", last paragraph).
pub const CODES_NOT_TAKEN_FOR_A_LOST_SESSION: [&str; 2] = ["dev_browser_unauthenticated", "requires_captcha"];

/// All that is the same for every page of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The client release.
    pub release: Release,
    /// Life of a session token, in seconds.
    pub token_life_s: u32,
    /// Whether touches on focus are not throttled.
    pub multi_session: bool,
    /// What app code does by itself.
    pub reaction: Reaction,
    /// Index of the error code `missing_expired_token` in the scenario's list; 0 when no fault answers it.
    pub missing_expired_token: u8,
    /// Indices of the error codes with which a 401 does not enter the flow in the fetch layer
    /// ([`CODES_NOT_TAKEN_FOR_A_LOST_SESSION`]); 0 for one that no fault answers.
    pub not_taken_for_a_lost_session: [u8; 2],
}

impl Setup {
    /// Whether the fetch layer takes this failure for a lost session, and enters the unauthenticated flow.
    pub fn is_session_lost(&self, failure: Failure) -> bool {
        let excused = failure.code != 0 && self.not_taken_for_a_lost_session.contains(&failure.code);
        self.release.fetch_layer_entry && failure.status == 401 && !excused
    }
}

/// What sets one client release apart from another (`clerk-js.md`, "What the recordings show", 8 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// A cached token is fetched anew in the background, `life - 17 s` after it was received.
    pub background_refresh: bool,
    /// A cache entry that replaces another leaves the other's refresh timer armed, and a fetched token arms one even
    /// when its entry was replaced meanwhile: the leak of 6.0.0 and 6.1.0.
    pub refresh_chain_leak: bool,
    /// A cached token's age counts from its receipt (5.125.3), not from its `iat`.
    pub age_from_receipt: bool,
    /// A cached token is unusable when so much life or less remains.
    pub expiry_margin_s: u32,
    /// The margin itself still counts as usable (5.125.3 asks "less than", 6.x "at most").
    pub margin_is_usable: bool,
    /// Offline, `getToken` retries less and fails with an error of its own; `setActive` forgives that (from 6.0.0 on).
    pub offline_aware: bool,
    /// Offline, `getToken` does not fetch at all, and an empty answer is a network error. Before 6.1.0 an empty answer
    /// counts as a token without content: the cookie goes, and so does what is cached.
    pub offline_checks_first: bool,
    /// `setActive` with navigation touches by itself and throws what does not enter the flow. 5.125.3 has one way of
    /// touching, `#touchCurrentSession`, whether it navigates or not (its published package, `setActive`).
    pub navigation_touch: bool,
    /// Every 401 enters the unauthenticated flow in the fetch layer, before its caller hears of it.
    pub fetch_layer_entry: bool,
    /// What the unauthenticated flow requests.
    pub flow: Flow,
}

/// Rounds of the documented flow when the scenario does not say: the telemetry's worst session stands at 59 entries,
/// its loops at "30+ rounds in 11 seconds" (`clerk-js.md`, "The documented cascade").
pub const DEFAULT_MAX_ROUNDS: u32 = 40;

/// The session poller waits so long after a tick finished (`clerk-js.md`, Timers).
pub const POLL_INTERVAL: Dur = Dur::from_secs(5);
/// A tick that waits longer than this for the cross-tab lock is skipped (`clerk-js.md`, Timers).
pub const LOCK_PATIENCE: Dur = Dur::from_ms(4_999);
/// A touch on focus suppresses further ones for this long (`clerk-js.md`, Timers).
pub const TOUCH_THROTTLE: Dur = Dur::from_secs(5);
/// The background refresh comes so long before the token's end: 15 s and 2 s (`clerk-js.md`, Timers).
pub const REFRESH_MARGIN_S: u32 = 17;
/// An environment is kept for later page loads for this long (`SafeLocalStorage`, 24 h).
pub const ENVIRONMENT_KEPT: Dur = Dur::from_secs(86_400);
/// Network-level repeats of a GET: tries when the request starts online (`clerk-js.md`, Timers).
pub const NETWORK_TRIES_ONLINE: u16 = 4;
/// The same when it starts offline.
pub const NETWORK_TRIES_OFFLINE: u16 = 11;

impl Release {
    /// What a cache entry learns after another has replaced it is of no effect: the repair of the leak.
    pub const fn ignores_replaced_entries(&self) -> bool {
        self.background_refresh && !self.refresh_chain_leak
    }

    /// The properties of this client model.
    pub const fn of(model: ClientModel, max_rounds: u32) -> Release {
        let v6 = Release {
            background_refresh: true,
            refresh_chain_leak: false,
            age_from_receipt: false,
            expiry_margin_s: 5,
            margin_is_usable: false,
            offline_aware: true,
            offline_checks_first: true,
            navigation_touch: true,
            fetch_layer_entry: true,
            flow: Flow::Client,
        };
        match model {
            // The documented client is the repaired one but for its flow, which the call sites alone enter.
            ClientModel::Documented => {
                Release { fetch_layer_entry: false, flow: Flow::Touch { max_rounds }, ..v6 }
            }
            ClientModel::ClerkJs5_125_3 => Release {
                background_refresh: false,
                age_from_receipt: true,
                expiry_margin_s: 15,
                margin_is_usable: true,
                offline_aware: false,
                offline_checks_first: false,
                navigation_touch: false,
                ..v6
            },
            ClientModel::ClerkJs6_0_0 => {
                Release { refresh_chain_leak: true, offline_checks_first: false, ..v6 }
            }
            ClientModel::ClerkJs6_1_0 => Release { refresh_chain_leak: true, ..v6 },
            ClientModel::ClerkJs6_3_3 => v6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, NOW, sends, sent_to};
    use super::super::page::Input;
    use super::super::task::Reply;
    use super::*;
    use crate::backend::Endpoint;
    use crate::scenario::ClientModel::ClerkJs6_3_3;

    /// `clerk-js.md`, "What the recordings show", 8 and 9, and its last paragraphs: who leaks, who has a background
    /// refresh, whose fetch layer enters the flow.
    #[test]
    fn what_sets_the_releases_apart() {
        for (model, refreshes, leaks, fetch_layer) in [
            (ClientModel::Documented, true, false, false),
            (ClientModel::ClerkJs5_125_3, false, false, true),
            (ClientModel::ClerkJs6_0_0, true, true, true),
            (ClientModel::ClerkJs6_1_0, true, true, true),
            (ClientModel::ClerkJs6_3_3, true, false, true),
        ] {
            let release = Release::of(model, 7);
            let found = (release.background_refresh, release.refresh_chain_leak);
            assert_eq!(found, (refreshes, leaks), "{model:?}");
            assert_eq!(release.ignores_replaced_entries(), refreshes && !leaks, "{model:?}");
            assert_eq!(release.fetch_layer_entry, fetch_layer, "{model:?}");
            let documented = model == ClientModel::Documented;
            assert_eq!(release.flow == Flow::Touch { max_rounds: 7 }, documented, "{model:?}");
        }
    }

    /// `clerk-js.md`, "The unauthenticated flow", last paragraph: a 401 of any endpoint enters the flow in the fetch layer,
    /// but with two error codes.
    #[test]
    fn two_error_codes_do_not_say_that_the_session_is_lost() {
        for (code, enters) in [(0, true), (1, true), (2, false), (3, false)] {
            let mut desk = Desk::signed_in(ClerkJs6_3_3, &[]);
            desk.setup.not_taken_for_a_lost_session = [2, 3];
            let touch = sent_to(&desk.step(NOW, Input::Focus), Endpoint::Touch);
            let failure = Failure { code, ..Failure::status(401) };
            let actions = desk.answer(NOW, touch, Reply::Fail(failure));
            assert_eq!(sends(&actions), vec![(Endpoint::Client, false); usize::from(enters)], "{code}");
        }
    }
}
