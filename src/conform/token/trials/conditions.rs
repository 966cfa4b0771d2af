//! The setting of the trials, and the condition of each.

use crate::client::token::Profile;
use crate::conform::script::{RecordedAct, Rule};
use crate::conform::token::recording::{Config, Poll};
use crate::kernel::time::NS_PER_MS;
use std::collections::BTreeMap;

/// Length of a trial, in minutes.
pub const LENGTH_MIN: u64 = 110;
/// Begin of the counted hour, in minutes; what goes wrong begins then. Tokens live one hour, so a refresh is due within it.
pub const FROM_MIN: u64 = 50;
/// Time between two calls of the app, in seconds.
pub const CALL_EVERY_S: u64 = 5;
/// Time from a request to its answer, in ms, as in the recordings.
const RTT_MS: u64 = 100;
/// Time of the app's first call, in ms, as in the recordings.
const FIRST_CALL_MS: u64 = 300;
/// How far the clock is ahead in the trials of a fast clock, in ms, as in the recordings: more than a token lives.
const FAST_MS: i64 = 3_700_000;

/// What all trials have in common.
pub const SETTING: &str = "One browser with one visible tab, for 110 minutes. The app asks for a token every 5 s. Access \
     tokens live 1 h, the first from the start. An answer takes 100 ms. Random waits are zero. The server treats refresh \
     tokens as the profile says. A fault begins after 50 minutes and stays. Requests and calls are counted in the hour from \
     then on. Times count from the start.";

/// A trial: a condition under which clients are known to fail.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// Name, as in the table.
    pub name: &'static str,
    /// How the trial differs from the common setting.
    pub condition: &'static str,
    /// Whether the server grants every refresh that its rules allow.
    pub server_is_healthy: bool,
    /// Number of times the healthy trial's requests that the condition itself needs.
    pub needs: u64,
    set: fn(&mut Config),
}

/// The trials, in the order of the table. The first is the one that others are compared with.
pub const TRIALS: [Trial; 17] = [
    healthy("healthy", "Nothing goes wrong.", |_| {}),
    Trial {
        needs: 12,
        ..healthy(
            "short tokens",
            "Tokens live 5 minutes, from the start. This needs 12 times the refreshes, which count as once the healthy ones.",
            |c| c.token_life_s = 300,
        )
    },
    healthy("fast clock", "The page's clock is 3,700 s ahead, from the start.", |c| {
        c.client_skew_ms = FAST_MS
    }),
    healthy(
        "fast clock, listener",
        "The page's clock is 3,700 s ahead, from the start. The app asks on each event of the SDK, and at no other time.",
        |c| {
            c.client_skew_ms = FAST_MS;
            c.poll = vec![Poll { every: None, on_auth_event: true, ..poll() }];
        },
    ),
    faulty("429", "The token endpoint answers 429.", |c| c.rules = vec![status(429)]),
    faulty("429, Retry-After", "The token endpoint answers 429 with Retry-After: 600.", |c| {
        let headers = BTreeMap::from([("retry-after".to_owned(), "600".to_owned())]);
        c.rules = vec![Rule { headers, ..status(429) }];
    }),
    faulty(
        "429, eager app",
        "The token endpoint answers 429. The app asks again 100 ms after a call that got no token.",
        |c| {
            c.rules = vec![status(429)];
            c.poll = vec![Poll { every: None, eager: true, gap: 100, ..poll() }];
        },
    ),
    faulty(
        "429, 20 callers",
        "The token endpoint answers 429. The app asks 20 times at once every 30 s.",
        |c| {
            c.rules = vec![status(429)];
            burst(c);
        },
    ),
    faulty("500", "The token endpoint answers 500.", |c| c.rules = vec![status(500)]),
    faulty("503", "The token endpoint answers 503.", |c| c.rules = vec![status(503)]),
    faulty("401", "The token endpoint answers 401 without an error code; the session lives.", |c| {
        c.rules = vec![status(401)];
    }),
    faulty(
        "no answer",
        "No request to the token endpoint gets an HTTP answer; each fails after 100 ms.",
        |c| {
            c.rules = vec![Rule { abort: true, status: None, ..status(0) }];
        },
    ),
    faulty("silence", "The token endpoint takes each request and never answers.", |c| {
        c.rules = vec![Rule { hang: true, status: None, ..status(0) }];
    }),
    faulty(
        "session gone",
        "The server ends the session and answers as the profile's refresh-token says.",
        |c| {
            c.revoked_ms = Some(FROM_MIN * 60_000);
        },
    ),
    healthy("two tabs", "A second visible tab opens after 1 minute. Both act at the same times.", |c| {
        second_tab(c)
    }),
    healthy(
        "two tabs, no reuse",
        "As two tabs. If refresh tokens rotate, the server accepts none a second time and ends the session on a reuse, \
         unless the profile says survives-reuse.",
        |c| {
            second_tab(c);
            c.reuse_ms = -1;
        },
    ),
    healthy("20 callers", "The app asks 20 times at once every 30 s, and at no other time.", burst),
];

const fn healthy(name: &'static str, condition: &'static str, set: fn(&mut Config)) -> Trial {
    Trial { name, condition, server_is_healthy: true, needs: 1, set }
}

const fn faulty(name: &'static str, condition: &'static str, set: fn(&mut Config)) -> Trial {
    Trial { name, condition, server_is_healthy: false, needs: 1, set }
}

impl Trial {
    /// The configuration of the rig. The server keeps refresh tokens as the profile says.
    pub(super) fn config(&self, profile: &Profile) -> Config {
        let tokens = &profile.refresh_token;
        let mut config = Config {
            duration_ms: LENGTH_MIN * 60_000,
            rtt_ms: RTT_MS,
            token_life_s: 3_600,
            client_skew_ms: 0,
            rotation: if tokens.rotates { "rotate" } else { "none" }.to_owned(),
            reuse_ms: i64::try_from(tokens.reuse_window.0 / NS_PER_MS).unwrap_or(i64::MAX),
            rules: Vec::new(),
            revoked_ms: None,
            no_user: false,
            limiter: None,
            poll: vec![poll()],
            actions: Vec::new(),
            options: BTreeMap::new(),
            offline_fetch: None,
            other: BTreeMap::new(),
        };
        (self.set)(&mut config);
        config
    }
}

/// The app's calls of the common setting.
fn poll() -> Poll {
    Poll {
        every: Some(CALL_EVERY_S * 1_000),
        from: FIRST_CALL_MS,
        to: None,
        stagger: 0,
        eager: false,
        always: false,
        gap: 0,
        on_auth_event: false,
        put_back: false,
        other: BTreeMap::new(),
    }
}

/// The token endpoint answers with a status, from the begin of the counted hour on.
fn status(status: u16) -> Rule {
    Rule {
        endpoint: "token".to_owned(),
        from: FROM_MIN * 60_000,
        to: None,
        count: None,
        status: Some(status),
        code: None,
        headers: BTreeMap::new(),
        abort: false,
        hang: false,
        other: BTreeMap::new(),
    }
}

/// Twenty calls at once every 30 s, instead of the common calls.
fn burst(config: &mut Config) {
    config.poll.clear();
    let times = (0..LENGTH_MIN * 2).map(|n| n * 30_000 + FIRST_CALL_MS);
    config.actions = times.map(|t| RecordedAct { t, label: "20x getToken".to_owned(), tab: None }).collect();
}

/// A second tab, which opens at a time of the first tab's calls and at a multiple of common periods of tickers.
fn second_tab(config: &mut Config) {
    config.poll = vec![Poll { from: 0, ..poll() }];
    config.actions = vec![RecordedAct { t: 60_000, label: "openTab".to_owned(), tab: None }];
}
