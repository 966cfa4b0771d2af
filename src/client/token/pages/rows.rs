//! Names and descriptions of what token clients do, for scenarios and readers.

use crate::client::family::{
    CallerRow, Due, FlowHarm, FlowMetrics, FlowWords, Role, TaskRow, Unusable, Values,
};
use crate::client::token::{self, Op};
use crate::protocol::{Endpoint, EndpointRow, Method, MetricWords};

/// The token endpoint.
pub(in crate::client) const TOKEN: Endpoint = Endpoint::known("token");
const LOOKUP: Endpoint = Endpoint::known("lookup");
const USER: Endpoint = Endpoint::known("user");
const DISCOVERY: Endpoint = Endpoint::known("discovery");
/// The provider's authorization page.
pub(super) const AUTHORIZE: Endpoint = Endpoint::known("authorize");

/// The endpoints' descriptions for readers.
pub(super) const ENDPOINTS: [EndpointRow; 5] = [
    EndpointRow {
        name: "token",
        method: Method::Post,
        about: "the token endpoint of token clients, which takes a refresh token",
        draws: 6,
        retried: true,
        calls: MetricWords::calls("requests_token", "Calls of the token endpoint."),
    },
    EndpointRow {
        name: "lookup",
        method: Method::Post,
        about: "account data that a token client requests at a page load",
        draws: 7,
        retried: false,
        calls: MetricWords::calls("requests_lookup", "Requests for account data at page loads."),
    },
    EndpointRow {
        name: "user",
        method: Method::Get,
        about: "account data that a token client requests when the app restores a session",
        draws: 8,
        retried: false,
        calls: MetricWords::calls(
            "requests_user",
            "Requests for account data when the app restores a session.",
        ),
    },
    EndpointRow {
        name: "discovery",
        method: Method::Get,
        about: "the provider's metadata, which a token client requests before other requests",
        draws: 9,
        retried: false,
        calls: MetricWords::calls("requests_discovery", "Requests for the provider's metadata."),
    },
    EndpointRow {
        name: "authorize",
        method: Method::Get,
        about: "the provider's authorization page, which a token client opens in a hidden iframe",
        draws: 10,
        retried: false,
        calls: MetricWords::calls("requests_authorize", "Authorization pages opened in hidden iframes."),
    },
];

/// The backend's endpoint of a machine's.
pub(super) fn backend(endpoint: token::Endpoint) -> Endpoint {
    match endpoint {
        token::Endpoint::Token => TOKEN,
        token::Endpoint::Lookup => LOOKUP,
        token::Endpoint::User => USER,
        token::Endpoint::Discovery => DISCOVERY,
        token::Endpoint::Authorize => AUTHORIZE,
    }
}

/// The machine's endpoint of a backend's.
pub(super) fn machine(endpoint: Endpoint) -> token::Endpoint {
    match endpoint {
        TOKEN => token::Endpoint::Token,
        LOOKUP => token::Endpoint::Lookup,
        DISCOVERY => token::Endpoint::Discovery,
        AUTHORIZE => token::Endpoint::Authorize,
        _ => token::Endpoint::User,
    }
}

/// The flow of this family is the refresh: an entry is a refresh that begins.
pub(super) const FLOW: FlowWords = FlowWords {
    clients: "token clients",
    name: "the refresh",
    short: "the refresh",
    enters: "refreshes its token",
    enter: "refresh their token",
    entries: "refreshes",
    entry: "refresh",
    harm: FlowHarm::RecursiveOrFailed,
    metrics: FlowMetrics {
        entries: MetricWords {
            name: "refreshes",
            unit: "refreshes",
            definition: "Refreshes that began. A refresh lasts until its last retry is answered or given up.",
        },
        sessions: MetricWords {
            name: "refreshing_sessions",
            unit: "sessions",
            definition: "Browser sessions with at least one refresh.",
        },
        worst_session: MetricWords {
            name: "refreshes_worst_session",
            unit: "refreshes",
            definition: "Most refreshes of one browser session.",
        },
        recursive: MetricWords {
            name: "recursive_refreshes",
            unit: "refreshes",
            definition: "Refreshes caused by the answer to a request that an earlier refresh issued, directly or through app code that reacted to what that refresh delivered.",
        },
        depth_max: MetricWords {
            name: "refresh_depth_max",
            unit: "refreshes",
            definition: "Longest causal chain of refreshes; 1 is a refresh that no earlier one caused.",
        },
    },
    purpose: "",
    unasked: None,
    unprompted: "",
    ends: &[],
    throws: "the client passes the error on",
};

/// What the models cannot use.
pub(super) const UNUSABLE: [Unusable; 13] = {
    use Values::{AllBut, Any, Only};
    const fn row(key: &'static str, values: Values, why: &'static str) -> Unusable {
        Unusable { key, values, why }
    }
    const ACTIVE: &str = "a token client has no setActive";
    const CACHE: &str = "a token client has no call that skips its stored session";
    const NO_CLIENT: &str = "a token client does not call /client or /touch";
    const WINDOW: &str = "the app of a token client reacts always or never";
    [
        row("fleet.multi-session", AllBut("false"), "a token client has one session"),
        row("fleet.set-active", Any, ACTIVE),
        row("fleet.sign-in-again", Any, "a signed-out user of a token client stays signed out"),
        row("fleet.app-reaction", Only("set-active"), ACTIVE),
        row("fleet.app-reaction-from", AllBut("0s"), WINDOW),
        row("fleet.app-reaction-to", Any, WINDOW),
        row("fleet.app-get-token.skip-cache", AllBut("false"), CACHE),
        row("action[].do", Only("set-active"), ACTIVE),
        row("action[].skip-cache", AllBut("false"), CACHE),
        row("backend.client-token", AllBut("fresh"), NO_CLIENT),
        row("backend.session-updated-at", AllBut("constant"), NO_CLIENT),
        row("backend.focus-touch-with-client", AllBut("true"), NO_CLIENT),
        row("backend.revoked-session", AllBut("refused"), NO_CLIENT),
    ]
};

const fn task(id: &'static str, name: &'static str, due: Due, role: Role) -> TaskRow {
    TaskRow { id, name, due, role }
}

const RETRIED: Due = Due::Repeat("the request is repeated");
/// A refresh.
pub(in crate::client) static REFRESH: TaskRow = task("refresh", "refresh", RETRIED, Role::Fetch);
/// A request for account data.
pub(super) static ACCOUNT: TaskRow = task("account", "account data", RETRIED, Role::Other);
/// A request for the provider's metadata.
pub(super) static METADATA: TaskRow = task("metadata", "metadata", RETRIED, Role::Other);
/// A hidden iframe.
pub(super) static IFRAME: TaskRow = task("iframe", "hidden iframe", RETRIED, Role::Other);
/// The timer that tells of the expiry.
pub(super) static EXPIRY: TaskRow =
    task("expiry", "timer after expiry", Due::Tick("the timer after expiry fires"), Role::Other);
/// The ticker.
pub(super) static TICKER: TaskRow = task("ticker", "ticker", Due::Tick("the ticker ticks"), Role::Other);
/// The timer before expiry.
pub(super) static TIMER: TaskRow =
    task("timer", "timer before expiry", Due::Tick("the timer before expiry fires"), Role::Other);
/// A wait before a try.
pub(in crate::client) static RETRY: TaskRow = task("retry", "retry of a refresh", RETRIED, Role::Fetch);
/// The client's own time-out.
pub(super) static TIME_OUT: TaskRow = task(
    "time-out",
    "the client's time-out",
    Due::Tick("the client has waited long enough for its request"),
    Role::Other,
);
/// A wait for the lock.
pub(super) static LOCK: TaskRow = task(
    "lock",
    "wait for the lock",
    Due::Tick("an operation has waited long enough for the lock"),
    Role::Other,
);

/// The caller of an operation.
pub(in crate::client) fn caller(op: Op) -> &'static CallerRow {
    const fn row(who: &'static str, purpose: &'static str) -> CallerRow {
        CallerRow { who, purpose, unheard: None }
    }
    static LOAD: CallerRow = row("the page load", " for the page load");
    static VISIBLE: CallerRow = row("the return to the tab", " because the tab becomes visible");
    static CALL: CallerRow = row("the app's call", " for the app");
    static RESTORE: CallerRow = row("the app's restore", " because the app restores its session");
    static LISTENER: CallerRow = row("the listener", " for a listener");
    static TICK: CallerRow = row("the ticker", " for the ticker");
    static ALARM: CallerRow = row("the timer before expiry", " before the token expires");
    static COPY: CallerRow = row("another tab's write", " because another tab wrote its session");
    match op {
        Op::Load => &LOAD,
        Op::Visible => &VISIBLE,
        Op::Call => &CALL,
        Op::Restore => &RESTORE,
        Op::Listener | Op::Initial => &LISTENER,
        Op::Tick => &TICK,
        Op::Alarm => &ALARM,
        Op::Copy => &COPY,
    }
}
