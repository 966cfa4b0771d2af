//! The endpoints that the client calls (`clerk-js.md`, "Requests").

use crate::protocol::{Endpoint, EndpointRow, Method, MetricWords};

/// POST /v1/client/sessions/{id}/tokens
pub(super) const TOKENS: Endpoint = Endpoint::known("tokens");
/// POST /v1/client/sessions/{id}/touch
pub(super) const TOUCH: Endpoint = Endpoint::known("touch");
/// GET /v1/client
pub(super) const CLIENT: Endpoint = Endpoint::known("client");
/// GET /v1/environment
pub(super) const ENVIRONMENT: Endpoint = Endpoint::known("environment");
/// POST /v1/client/sign_ins
pub(super) const SIGN_IN: Endpoint = Endpoint::known("sign-in");

/// The endpoints' descriptions for readers.
pub(super) const ROWS: [EndpointRow; 5] = [
    EndpointRow {
        name: "tokens",
        method: Method::Post,
        about: "POST /v1/client/sessions/{id}/tokens",
        draws: 0,
        retried: true,
        calls: MetricWords::calls("requests_tokens", "Calls of POST /tokens."),
    },
    EndpointRow {
        name: "touch",
        method: Method::Post,
        about: "POST /v1/client/sessions/{id}/touch",
        draws: 1,
        retried: false,
        calls: MetricWords::calls("requests_touch", "Calls of POST /touch."),
    },
    EndpointRow {
        name: "client",
        method: Method::Get,
        about: "GET /v1/client",
        draws: 2,
        retried: false,
        calls: MetricWords::calls("requests_client", "Calls of GET /client."),
    },
    EndpointRow {
        name: "environment",
        method: Method::Get,
        about: "GET /v1/environment",
        draws: 3,
        retried: false,
        calls: MetricWords::calls("requests_environment", "Calls of GET /environment."),
    },
    EndpointRow {
        name: "sign-in",
        method: Method::Post,
        about: "POST /v1/client/sign_ins",
        draws: 4,
        retried: false,
        calls: MetricWords::calls("requests_sign_in", "Sign-in calls."),
    },
];
