//! Names and descriptions of the client's tasks and of their callers.

use super::task::{Caller, Kind};
use crate::client::family::{
    CallerRow, Due, FlowHarm, FlowMetrics, FlowWords, Role, TaskRow, Unusable, Values,
};
use crate::protocol::MetricWords;

/// The timer meaning of kinds of tasks that have no timer of their own.
const REPEATED: Due = Due::Repeat("the request is repeated");

/// The unauthenticated flow (`clerk-js.md`, "The unauthenticated flow").
pub(super) const FLOW: FlowWords = FlowWords {
    clients: "releases of clerk-js",
    name: "the unauthenticated flow",
    short: "the flow",
    enters: "enters the unauthenticated flow",
    enter: "enter the unauthenticated flow",
    entries: "entries of the unauthenticated flow",
    entry: "entry",
    harm: FlowHarm::Each,
    metrics: FlowMetrics {
        entries: MetricWords {
            name: "unauthenticated_events",
            unit: "entries",
            definition: "Entries of the unauthenticated flow while a session existed.",
        },
        sessions: MetricWords {
            name: "unauthenticated_sessions",
            unit: "sessions",
            definition: "Browser sessions with at least one entry of the unauthenticated flow.",
        },
        worst_session: MetricWords {
            name: "unauthenticated_events_worst_session",
            unit: "entries",
            definition: "Most entries of the unauthenticated flow by one browser session.",
        },
        recursive: MetricWords {
            name: "recursive_unauthenticated_events",
            unit: "entries",
            definition: "Entries of the flow caused by the answer to a request that an earlier entry issued, directly or through app code that reacted to what that entry delivered.",
        },
        depth_max: MetricWords {
            name: "unauthenticated_depth_max",
            unit: "entries",
            definition: "Longest causal chain of entries of the flow; 1 is an entry that no earlier entry caused.",
        },
    },
    purpose: " for the flow",
    unasked: Some((401, "the client's fetch layer lets every 401 ")),
    unprompted: "the message from the other tab lets it ",
    ends: &[401, 422],
    // `setActive` with navigation touches by itself and throws under every policy.
    throws: "setActive with navigation throws",
};

/// The models judge a token's age by `iat` and keep one session object a page (`clerk-js.md`, "Timers and constants"). A
/// wrong clock, several client objects, and refresh tokens are not modelled.
pub(super) const UNUSABLE: [Unusable; 4] = {
    const fn never(key: &'static str, why: &'static str) -> Unusable {
        Unusable { key, values: Values::Any, why }
    }
    [
        never("fleet.clock-skew", "these models do not say what a wrong clock does"),
        never("client.objects", "a page has one client object in these models"),
        never("client.storage-ignores-removals", "these models keep no session in a browser's storage"),
        never("backend.refresh-token-reuse", "these models have no refresh tokens"),
    ]
};

impl Kind {
    /// The task kind's description for readers.
    pub(super) const fn row(self) -> &'static TaskRow {
        const fn row(id: &'static str, name: &'static str, due: Due, role: Role) -> TaskRow {
            TaskRow { id, name, due, role }
        }
        const ENVIRONMENT: Due = Due::Repeat("the page load asks again for /environment");
        const CLIENT: Due = Due::Repeat("the page load asks again for /client");
        const ROWS: [TaskRow; 13] = [
            row("load", "page load", REPEATED, Role::Other),
            row("load-environment", "GET /environment", ENVIRONMENT, Role::Other),
            row("load-client", "GET /client of the page load", CLIENT, Role::Other),
            row("poll", "session poller", Due::Tick("the session poller ticks"), Role::Other),
            row("refresh", "background refresh", Due::Tick("the background refresh is due"), Role::Fetch),
            row("get-token", "getToken", Due::Retry, Role::Other),
            row("token-fetch", "POST /tokens", REPEATED, Role::Fetch),
            row("touch", "POST /touch", REPEATED, Role::Other),
            row("set-active", "setActive", REPEATED, Role::Other),
            row("flow", "handleUnauthenticated", REPEATED, Role::Flow),
            row("sign-in", "sign-in", REPEATED, Role::SignIn),
            row(
                "load-limit",
                "limit of the page load",
                Due::Tick("the page load has waited 7 s"),
                Role::Other,
            ),
            row("load-again", "GET /client after the page load", CLIENT, Role::Other),
        ];
        &ROWS[self as usize]
    }
}

impl Caller {
    /// The caller's description for readers.
    pub(super) const fn row(self) -> &'static CallerRow {
        const fn row(who: &'static str, purpose: &'static str) -> CallerRow {
            CallerRow { who, purpose, unheard: None }
        }
        const ROWS: [CallerRow; 5] = [
            row("the poller's getToken", " for the poller"),
            row("the getToken of the focus", ""),
            row("the app's getToken", " for the app"),
            row("getToken", ""),
            CallerRow {
                who: "the background refresh",
                purpose: " to refresh the token",
                unheard: Some("a background refresh that fails is not repeated, and nobody hears of it"),
            },
        ];
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows are in the order of the kinds.
    #[test]
    fn every_kind_has_its_own_row() {
        for (kind, id) in [
            (Kind::Load, "load"),
            (Kind::LoadEnvironment, "load-environment"),
            (Kind::LoadClient, "load-client"),
            (Kind::Poll, "poll"),
            (Kind::Refresh, "refresh"),
            (Kind::GetToken, "get-token"),
            (Kind::TokenFetch, "token-fetch"),
            (Kind::Touch, "touch"),
            (Kind::SetActive, "set-active"),
            (Kind::Flow, "flow"),
            (Kind::SignIn, "sign-in"),
            (Kind::LoadLimit, "load-limit"),
            (Kind::LoadAgain, "load-again"),
        ] {
            assert_eq!(kind.row().id, id);
        }
        let who = |caller: Caller| caller.row().who;
        assert!(who(Caller::Poller).contains("poller") && who(Caller::Background).contains("background"));
        assert!(who(Caller::App).contains("app") && who(Caller::Focus).contains("focus"));
        assert_eq!(who(Caller::Parent), "getToken");
    }
}
