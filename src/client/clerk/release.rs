//! Client releases as sets of named properties. All releases share one state machine, which reads the properties.

use crate::client::backoff::Wait;
use crate::client::family::ModelRow;
use crate::kernel::Dur;

/// The models: the client that the pull request documents, and measured releases (`clerk-js.md`, last paragraphs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Documented,
    ClerkJs5_125_3,
    ClerkJs6_0_0,
    ClerkJs6_1_0,
    ClerkJs6_3_3,
    ClerkJs6_40_0,
}

impl Model {
    /// All models, in the order of [`MODELS`].
    pub(super) const ALL: [Model; 6] = [
        Model::Documented,
        Model::ClerkJs5_125_3,
        Model::ClerkJs6_0_0,
        Model::ClerkJs6_1_0,
        Model::ClerkJs6_3_3,
        Model::ClerkJs6_40_0,
    ];
}

/// The models' descriptions for readers. Releases before pull request 8004 were shipped with the old policy, later ones with the
/// new.
pub(super) const MODELS: [ModelRow; 6] = [
    ModelRow {
        name: "documented",
        about: "As the pull request describes it: the flow touches the session, and a failed touch enters the flow again.",
        takes_max_rounds: true,
        is_contender: false,
        shipped_with: None,
    },
    ModelRow {
        name: "clerk-js-5.125.3",
        about: "Measured: no background refresh, token age from receipt, old rules.",
        takes_max_rounds: false,
        is_contender: false,
        shipped_with: Some("old"),
    },
    ModelRow {
        name: "clerk-js-6.0.0",
        about: "Measured: the last release before the change.",
        takes_max_rounds: false,
        is_contender: false,
        shipped_with: Some("old"),
    },
    ModelRow {
        name: "clerk-js-6.1.0",
        about: "Measured: the first release with the change.",
        takes_max_rounds: false,
        is_contender: false,
        shipped_with: Some("new"),
    },
    ModelRow {
        name: "clerk-js-6.3.3",
        about: "Measured: with the change and a repaired refresh timer.",
        takes_max_rounds: false,
        is_contender: false,
        shipped_with: Some("new"),
    },
    ModelRow {
        name: "clerk-js-6.40.0",
        about: "Measured: the newest release, which polls every 1.5 s in the tab that has focus.",
        takes_max_rounds: false,
        is_contender: false,
        shipped_with: Some("new-and-banned"),
    },
];

/// The request of the unauthenticated flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// POST /touch. A failed touch enters the flow again by the policy's rule (the pull request's account).
    Touch {
        /// Rounds after which the user is signed out.
        max_rounds: u32,
    },
    /// GET /client (`clerk-js.md`, "The unauthenticated flow").
    Client,
}

/// The properties that distinguish client releases (`clerk-js.md`, "What the recordings show", 8 and 9, and "Newer
/// releases"). A source "published package" names the function of the release in which the property was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The client fetches a new token in the background, `life - 17 s` after it received the cached one.
    pub background_refresh: bool,
    /// A cache entry that replaces another leaves the other's refresh timer armed, and a fetched token arms one even
    /// when its entry was replaced meanwhile: the leak of 6.0.0 and 6.1.0.
    pub refresh_chain_leak: bool,
    /// A cached token's age counts from its receipt (5.125.3), otherwise from its `iat`.
    pub age_from_receipt: bool,
    /// A cached token with this much life or less left is unusable.
    pub expiry_margin_s: u32,
    /// A token with exactly the margin left is usable (5.125.3 asks "less than", 6.x "at most").
    pub margin_is_usable: bool,
    /// Offline, `getToken` retries less and fails with an error of its own. `setActive` ignores that error (from 6.0.0
    /// on).
    pub offline_aware: bool,
    /// Offline, `getToken` does not fetch. From 6.1.0 on, and no longer after 6.34.1 ("Newer releases").
    pub offline_checks_first: bool,
    /// An empty answer of /tokens is a network error. Before 6.1.0 it counts as a token without content: the client
    /// removes the cookie and the cached token.
    pub empty_token_is_an_error: bool,
    /// Offline, `getToken` replaces an HTTP answer by its offline error as well (published package 6.3.3, `getToken`).
    /// 6.40.0 replaces only errors that are no HTTP answer.
    pub offline_hides_answers: bool,
    /// `setActive` with navigation touches by itself and throws a failure that does not enter the flow. 5.125.3 always
    /// touches by `#touchCurrentSession` (its published package, `setActive`).
    pub navigation_touch: bool,
    /// Every 401 enters the unauthenticated flow in the fetch layer, before its caller gets it.
    pub fetch_layer_entry: bool,
    /// The refresh timer counts from the token's remaining life, not from its whole life (6.24.0, "Newer releases").
    pub refresh_counts_remaining_life: bool,
    /// A page load gives GET /client 7 s and then aborts it. It fetches a token for the session in the cookie, for 7 s
    /// at most, before it shows the session, and asks GET /client again in the background (6.25.3, "Newer releases").
    pub load_is_limited: bool,
    /// The poller waits 1.5 s in a tab with focus, and a tab without focus arms no refresh timer (6.25.9, "Newer
    /// releases").
    pub heeds_focus: bool,
    /// A touch error on focus is caught (after 6.34.1, "Newer releases").
    pub focus_touch_errors_are_caught: bool,
    /// Of two tokens the cache takes the later one to arrive: a fetch whose entry was replaced meanwhile still replaces
    /// the token of the current entry, and the token of another tab replaces one as new as itself (published package
    /// 6.40.0, token cache, `set` and the listener for broadcasts, for tokens without `oiat`).
    pub takes_late_tokens: bool,
    /// An answer of /environment that comes after the session lets the page call `getToken` as on focus (published
    /// package 6.40.0, `AuthCookieService`, constructor).
    pub environment_gets_token: bool,
    /// The request of the unauthenticated flow.
    pub flow: Flow,
}

/// Rounds of the documented flow when the scenario does not say: the telemetry's worst session stands at 59 entries,
/// its loops at "30+ rounds in 11 seconds" (`clerk-js.md`, "The documented cascade").
pub(super) const DEFAULT_MAX_ROUNDS: u32 = 40;

/// Time from the end of a tick of the session poller to its next tick (`clerk-js.md`, Timers).
pub(super) const POLL_INTERVAL: Dur = Dur::from_secs(5);
/// The same time in a tab with focus, from 6.25.9 on (`clerk-js.md`, "Newer releases").
pub(super) const FOCUSED_POLL_INTERVAL: Dur = Dur::from_ms(1_500);
/// Time that a page load gives to GET /client, and then to `getToken` for the cookie's session, from 6.25.3 on
/// (`clerk-js.md`, "Newer releases").
pub(super) const LOAD_LIMIT: Dur = Dur::from_secs(7);
/// A tick that waits longer than this for the cross-tab lock is skipped (`clerk-js.md`, Timers).
pub(super) const LOCK_PATIENCE: Dur = Dur::from_ms(4_999);
/// A touch on focus suppresses further touches on focus for this long (`clerk-js.md`, Timers).
pub(super) const TOUCH_THROTTLE: Dur = Dur::from_secs(5);
/// The background refresh comes this long before the token's expiry: 15 s and 2 s (`clerk-js.md`, Timers).
pub(super) const REFRESH_MARGIN_S: u32 = 17;
/// Time for which an environment is kept for later page loads (`SafeLocalStorage`, 24 h).
pub(super) const ENVIRONMENT_KEPT: Dur = Dur::from_secs(86_400);
/// Network-level tries of a GET that starts online (`clerk-js.md`, Timers).
pub(super) const NETWORK_TRIES_ONLINE: u16 = 4;
/// Network-level tries of a GET that starts offline.
pub(super) const NETWORK_TRIES_OFFLINE: u16 = 11;

/// The wait before repeating a GET that got no HTTP answer, after `tries` repeats: 100 ms first, then 0.7 s doubled
/// each time, spread over [1, 2) times that, cut at 5 s (`clerk-js.md`, network-level retry).
pub(super) fn network_wait(tries: u16) -> Wait {
    let base = match tries {
        0 => Dur::from_ms(100),
        n => Dur::from_ms(700 << (n - 1).min(10)),
    };
    let cap = if tries == 0 { Dur(u64::MAX) } else { Dur::from_secs(5) };
    Wait { low: base, high: Dur(2 * base.0 - 1), cap, floor: Dur::ZERO, recorded: true, links: 1 }
}

impl Release {
    /// Whether a cache entry that another has replaced has no further effect: the repair of the leak.
    pub const fn ignores_replaced_entries(&self) -> bool {
        self.background_refresh && !self.refresh_chain_leak
    }

    /// The properties of this client model.
    pub(super) const fn of(model: Model, max_rounds: u32) -> Release {
        let v6 = Release {
            background_refresh: true,
            refresh_chain_leak: false,
            age_from_receipt: false,
            expiry_margin_s: 5,
            margin_is_usable: false,
            offline_aware: true,
            offline_checks_first: true,
            empty_token_is_an_error: true,
            offline_hides_answers: true,
            navigation_touch: true,
            fetch_layer_entry: true,
            refresh_counts_remaining_life: false,
            load_is_limited: false,
            heeds_focus: false,
            focus_touch_errors_are_caught: false,
            takes_late_tokens: false,
            environment_gets_token: false,
            flow: Flow::Client,
        };
        match model {
            // The documented client is the repaired one except for its flow, which only call sites enter.
            Model::Documented => Release { fetch_layer_entry: false, flow: Flow::Touch { max_rounds }, ..v6 },
            Model::ClerkJs5_125_3 => Release {
                background_refresh: false,
                age_from_receipt: true,
                expiry_margin_s: 15,
                margin_is_usable: true,
                offline_aware: false,
                offline_checks_first: false,
                empty_token_is_an_error: false,
                navigation_touch: false,
                ..v6
            },
            Model::ClerkJs6_0_0 => Release {
                refresh_chain_leak: true,
                offline_checks_first: false,
                empty_token_is_an_error: false,
                ..v6
            },
            Model::ClerkJs6_1_0 => Release { refresh_chain_leak: true, ..v6 },
            Model::ClerkJs6_3_3 => v6,
            Model::ClerkJs6_40_0 => Release {
                offline_checks_first: false,
                offline_hides_answers: false,
                refresh_counts_remaining_life: true,
                load_is_limited: true,
                heeds_focus: true,
                focus_touch_errors_are_caught: true,
                takes_late_tokens: true,
                environment_gets_token: true,
                ..v6
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{NOW, TestBench, sends, sent_to};
    use super::super::endpoints;
    use super::super::task::Reply;
    use super::*;
    use crate::client::step::Input;
    use crate::kernel::time::NS_PER_MS;
    use crate::protocol::Failure;

    /// `clerk-js.md`, "What the recordings show", 8 and 9, and its last paragraphs: the releases that leak, have a
    /// background refresh, or enter the flow in the fetch layer.
    #[test]
    fn releases_differ_in_these_properties() {
        for (model, refreshes, leaks, fetch_layer) in [
            (Model::Documented, true, false, false),
            (Model::ClerkJs5_125_3, false, false, true),
            (Model::ClerkJs6_0_0, true, true, true),
            (Model::ClerkJs6_1_0, true, true, true),
            (Model::ClerkJs6_3_3, true, false, true),
            (Model::ClerkJs6_40_0, true, false, true),
        ] {
            let release = Release::of(model, 7);
            let found = (release.background_refresh, release.refresh_chain_leak);
            assert_eq!(found, (refreshes, leaks), "{model:?}");
            assert_eq!(release.ignores_replaced_entries(), refreshes && !leaks, "{model:?}");
            assert_eq!(release.fetch_layer_entry, fetch_layer, "{model:?}");
            let documented = model == Model::Documented;
            assert_eq!(release.flow == Flow::Touch { max_rounds: 7 }, documented, "{model:?}");
        }
    }

    /// `clerk-js.md`, "The unauthenticated flow", last paragraph: a 401 of any endpoint enters the flow in the fetch
    /// layer, except with two error codes.
    #[test]
    fn two_error_codes_do_not_say_that_the_session_is_lost() {
        for (code, enters) in [(0, true), (1, true), (2, false), (3, false)] {
            let mut bench = TestBench::signed_in(Model::ClerkJs6_3_3, &[]);
            bench.setup.not_taken_for_a_lost_session = [2, 3];
            let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
            let failure = Failure { code, ..Failure::status(401) };
            let actions = bench.answer(NOW, touch, Reply::Fail(failure));
            assert_eq!(sends(&actions), vec![(endpoints::CLIENT, false); usize::from(enters)], "{code}");
        }
    }

    #[test]
    fn network_level_waits() {
        let bounds: Vec<(u64, u64)> = (0..5)
            .map(|tries| {
                let wait = network_wait(tries);
                (wait.of(wait.low).0 / NS_PER_MS, wait.of(wait.high).0.div_ceil(NS_PER_MS))
            })
            .collect();
        assert_eq!(bounds, [(100, 200), (700, 1_400), (1_400, 2_800), (2_800, 5_000), (5_000, 5_000)]);
    }

    #[test]
    fn a_network_level_wait_stays_below_twice_its_base() {
        for tries in 0..9 {
            let wait = network_wait(tries);
            assert_eq!(wait.high, Dur(wait.low.0 + (wait.low.0 - 1)), "[1, 2) times the base, after {tries}");
        }
    }
}
