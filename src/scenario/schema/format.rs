//! The tables of the format, version 1.

use super::{Key, Table, Ty};
use crate::client::policy::MAX_RETRIES;
use Ty::{
    Bool, Decimal, Dist, Dur, ErrorCode, Failures, Float, Int, Name, Rate, Reference, Share, Text, Word,
};

const fn need(name: &'static str, ty: Ty, example: &'static str) -> Key {
    Key { name, ty, required: Some(example), unless: None }
}

/// Required, unless another key is there.
const fn need_unless(other: &'static str, name: &'static str, ty: Ty, example: &'static str) -> Key {
    Key { name, ty, required: Some(example), unless: Some(other) }
}

const fn may(name: &'static str, ty: Ty) -> Key {
    Key { name, ty, required: None, unless: None }
}

const fn table(title: &'static str, keys: &'static [Key]) -> Table {
    Table { title, keys, one_of: false }
}

/// Texts for readers.
const PROSE: Ty = Text(2_000, true);
/// The most entries of a list of tables; more is a slip of a generator, not a scenario.
const MANY: usize = 1_000;
const U32: u64 = u32::MAX as u64;

/// The endpoints, in the order of [`crate::backend::Endpoint::ALL`].
pub const ENDPOINT_WORDS: &[&str] = &["tokens", "touch", "client", "environment", "sign-in", "generic"];

/// A scenario.
pub static SCENARIO: Table = table(
    "the top level",
    &[
        need("version", Ty::Version, "version = 1"),
        need("name", Name, "name = \"my-storm\""),
        may("about", PROSE),
        may("seed", Int(0, u64::MAX)),
        may("replications", Int(1, 10_000)),
        need("horizon", Dur(true), "horizon = \"10m\", a duration with a unit"),
        may("bucket", Dur(true)),
        need("policies", Ty::List(&Reference, 1, 100), "policies = [\"old\", \"new\"]"),
        may("policy-files", Ty::List(&Text(1_000, false), 0, 100)),
        may("policy", Ty::List(&Ty::Table(&POLICY), 0, 100)),
        may("mix", Ty::List(&Ty::Table(&MIX), 0, 100)),
        need_unless("workload", "client", Ty::Table(&CLIENT), "[client] with model = \"documented\""),
        need_unless("workload", "fleet", Ty::Table(&FLEET), "[fleet] with users = 1000"),
        may("workload", Ty::List(&Ty::Table(&WORKLOAD), 0, MANY)),
        may("backend", Ty::Table(&BACKEND)),
        may("fault", Ty::List(&Ty::Table(&FAULT), 0, MANY)),
        may("action", Ty::List(&Ty::Table(&ACTION), 0, 10 * MANY)),
        may("expect", Ty::List(&Ty::Table(&EXPECT), 0, MANY)),
        may("guard", Ty::Table(&GUARD)),
    ],
);

/// A policy: `[[policy]]` or a policy file.
pub static POLICY: Table = table(
    "a policy",
    &[
        need("name", Name, "name = \"my-policy\""),
        may("about", PROSE),
        need("enters-unauthenticated-flow", Failures, "enters-unauthenticated-flow = [\"401\", \"422\"]"),
        need("retry", Ty::Table(&RETRY), "[policy.retry] (in a policy file [retry])"),
        may("touch-errors", Word(&["swallow", "surface"])),
        may("retry-budget", Ty::Table(&RETRY_BUDGET)),
        may("circuit-breaker", Ty::Table(&CIRCUIT_BREAKER)),
        may("windowed-retry", Ty::Table(&WINDOWED_RETRY)),
    ],
);

static RETRY: Table = table(
    "retry",
    &[
        need("on", Failures, "on = [\"5xx\", \"network\"]"),
        need("initial", Dur(false), "initial = \"3s\", a duration with a unit"),
        need("factor", Decimal(1_000_000), "factor = 1.55"),
        need("cap", Dur(false), "cap = \"50s\", a duration with a unit"),
        need("retries", Int(0, MAX_RETRIES as u64), "retries = 8"),
        may("offline-retries", Int(0, MAX_RETRIES as u64)),
        may("jitter", Word(&["none", "full", "equal", "decorrelated"])),
        may("honour-retry-after", Bool),
    ],
);

static RETRY_BUDGET: Table = table(
    "retry-budget",
    &[
        need("ratio", Decimal(1), "ratio = 0.1, retries per first attempt"),
        need("burst", Int(1, U32), "burst = 10"),
    ],
);

static CIRCUIT_BREAKER: Table = table(
    "circuit-breaker",
    &[
        need("failures", Int(1, U32), "failures = 5"),
        need("open", Dur(true), "open = \"30s\", a duration with a unit"),
    ],
);

static WINDOWED_RETRY: Table = table(
    "windowed-retry",
    &[
        need("retries", Int(1, U32), "retries = 3"),
        need("window", Dur(true), "window = \"60s\", a duration with a unit"),
    ],
);

static MIX: Table = table(
    "[[mix]]",
    &[
        need("name", Name, "name = \"half-new\""),
        need(
            "shares",
            Ty::List(&Ty::Table(&POLICY_SHARE), 1, 100),
            "shares = [{ policy = \"old\", share = 0.5 }, { policy = \"new\", share = 0.5 }]",
        ),
    ],
);

static POLICY_SHARE: Table =
    table("a share", &[need("policy", Reference, "policy = \"old\""), need("share", Share, "share = 0.5")]);

static CLIENT: Table = table(
    "[client]",
    &[
        need(
            "model",
            Word(&["documented", "clerk-js-5.125.3", "clerk-js-6.0.0", "clerk-js-6.1.0", "clerk-js-6.3.3"]),
            "model = \"documented\"",
        ),
        may("max-rounds", Int(1, 1_000_000)),
    ],
);

static FLEET: Table = table(
    "[fleet]",
    &[
        need("users", Ty::Users, "users = 1000"),
        may("tabs", Ty::Tabs),
        may("users-per-network", Int(1, U32)),
        may("apps", Int(1, U32)),
        may("opens", Dist(false)),
        may("further-tab-opens", Dist(false)),
        may("multi-session", Bool),
        may("focus-every", Dist(true)),
        may("app-get-token", Ty::Table(&APP_GET_TOKEN)),
        may("set-active", Ty::Table(&SET_ACTIVE)),
        may("stays", Dist(true)),
        may("away", Dist(true)),
        may("app-reaction", Word(&["none", "set-active", "get-token"])),
        may("app-reaction-from", Dur(false)),
        may("app-reaction-to", Dur(false)),
        may("reload-every", Dist(true)),
        may("offline", Ty::Table(&OFFLINE)),
        may("offline-fails-at-once", Bool),
        may("sign-in-again", Ty::Table(&SIGN_IN_AGAIN)),
    ],
);

pub(super) static TAB_SHARE: Table =
    table("a share of tabs", &[need("tabs", Int(1, 16), "tabs = 2"), need("share", Share, "share = 0.5")]);

/// An entry of the list that [`Ty::Tabs`] may be.
pub static ONE_TAB_SHARE: Ty = Ty::Table(&TAB_SHARE);

static APP_GET_TOKEN: Table = table(
    "app-get-token",
    &[
        need("every", Dist(true), "every = \"30s\", a duration or a distribution"),
        may("callers", Int(1, 255)),
        may("skip-cache", Bool),
    ],
);

static SET_ACTIVE: Table = table(
    "set-active",
    &[need("every", Dist(true), "every = \"30s\", a duration or a distribution"), may("navigate", Bool)],
);

static OFFLINE: Table = table(
    "offline",
    &[
        need("every", Dist(true), "every = { exponential = \"1h\" }, a duration or a distribution"),
        need("lasts", Dist(false), "lasts = \"30s\", a duration or a distribution"),
    ],
);

static SIGN_IN_AGAIN: Table = table(
    "sign-in-again",
    &[
        need("after", Dist(false), "after = { exponential = \"20s\" }, a duration or a distribution"),
        may("share", Share),
    ],
);

static WORKLOAD: Table = table(
    "[[workload]]",
    &[
        need("name", Name, "name = \"pollers\""),
        may("clients", Int(1, super::MAX_USERS)),
        may("clients-per-network", Int(1, U32)),
        may("starts", Dist(false)),
        may("every", Dist(true)),
        may("think", Dist(false)),
        may("at", Ty::List(&Dur(false), 1, 100_000)),
        may("until", Dur(true)),
        may("retry", Ty::Table(&RETRY)),
        may("orbit", Dist(false)),
        may("layers", Ty::Table(&LAYERS)),
        may("retry-budget", Ty::Table(&RETRY_BUDGET)),
    ],
);

static LAYERS: Table =
    table("layers", &[need("tries", Int(1, 65_535), "tries = 3"), need("depth", Int(1, 16), "depth = 5")]);

static BACKEND: Table = table(
    "[backend]",
    &[
        may("token-life", Dur(true)),
        may("client-token", Word(&["fresh", "last", "none"])),
        may("latency", Dist(false)),
        may("tokens", Ty::Table(&ENDPOINT)),
        may("touch", Ty::Table(&ENDPOINT)),
        may("client", Ty::Table(&ENDPOINT)),
        may("environment", Ty::Table(&ENDPOINT)),
        may("sign-in", Ty::Table(&ENDPOINT)),
        may("generic", Ty::Table(&ENDPOINT)),
        may("limit", Ty::List(&Ty::Table(&LIMIT), 0, MANY)),
    ],
);

static ENDPOINT: Table = table(
    "an endpoint",
    &[
        may("latency", Dist(false)),
        may("refused-latency", Dist(false)),
        may("workers", Int(1, 1_000_000)),
        may("queue", Int(0, U32)),
        may("service", Dist(false)),
        may("timeout", Dur(true)),
    ],
);

static LIMIT: Table = table(
    "[[backend.limit]]",
    &[
        need("endpoints", Ty::List(&Word(ENDPOINT_WORDS), 1, 6), "endpoints = [\"tokens\"]"),
        need(
            "kind",
            Word(&[
                "token-bucket",
                "gcra",
                "fixed-window",
                "sliding-log",
                "sliding-counter",
                "leaky-bucket",
                "concurrency",
            ]),
            "kind = \"token-bucket\"",
        ),
        need("key", Word(&["global", "app", "ip", "user", "session"]), "key = \"ip\""),
        may("rate", Rate),
        may("burst", Int(1, U32)),
        may("limit", Int(0, U32)),
        may("window", Dur(true)),
        may("logs-refused", Bool),
        may("retry-after", Word(&["none", "seconds", "too-small"])),
        may("penalty", Dur(true)),
        may("source", PROSE),
    ],
);

static FAULT: Table = table(
    "[[fault]]",
    &[
        may("name", Text(500, false)),
        need(
            "kind",
            Word(&["status", "latency", "outage", "no-answer", "revocation", "pass"]),
            "kind = \"status\"",
        ),
        may("endpoints", Ty::List(&Word(ENDPOINT_WORDS), 0, 6)),
        may("from", Dur(false)),
        may("to", Dur(false)),
        may("probability", Share),
        may("count", Int(0, u64::MAX)),
        may("status", Int(400, 599)),
        may("code", ErrorCode),
        may("retry-after-s", Int(0, U32)),
        may("add", Dist(false)),
        may("share", Share),
    ],
);

/// Whom an action concerns, in all its forms.
const USER: &str = "user = 0, users = \"all\", users = { range = [10, 19] } or users = { share = 0.1 }";

/// Several users of an action, unless all.
pub(super) static WHOM: Table = Table {
    title: "users of an action",
    keys: &[may("range", Ty::List(&Int(0, U32), 2, 2)), may("share", Share)],
    one_of: true,
};

static ACTION: Table = table(
    "[[action]]",
    &[
        need("at", Dur(false), "at = \"30s\", a duration with a unit"),
        need_unless("users", "user", Int(0, U32), USER),
        may("users", Ty::Whom),
        may("tab", Int(0, 15)),
        need(
            "do",
            Word(&["focus", "set-active", "get-token", "open-tab", "reload", "offline", "online", "revoke"]),
            "do = \"focus\"",
        ),
        may("callers", Int(1, 255)),
        may("skip-cache", Bool),
        may("navigate", Bool),
    ],
);

static EXPECT: Table = table(
    "[[expect]]",
    &[
        need("that", Text(500, false), "that = \"new.false_sign_outs == 0\""),
        may("of", Word(&["every", "mean"])),
        may("may-be-vacuous", Bool),
    ],
);

static GUARD: Table =
    table("[guard]", &[may("max-events", Int(1, u64::MAX)), may("max-events-at-one-instant", Int(1, U32))]);

/// A distribution that is not constant.
pub(super) static DIST: Table = Table {
    title: "a distribution",
    keys: &[
        may("uniform", Ty::List(&Dur(false), 2, 2)),
        may("exponential", Dur(false)),
        may("log-normal", Ty::Table(&LOG_NORMAL)),
        may("empirical", Ty::List(&Dur(false), 1, 100_000)),
    ],
    one_of: true,
};

static LOG_NORMAL: Table = table(
    "log-normal",
    &[
        need("median", Dur(false), "median = \"80ms\", a duration with a unit"),
        need("sigma", Float(0.0, 10.0), "sigma = 0.5"),
    ],
);
