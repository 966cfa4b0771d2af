//! The metrics: each definition stands here once; `authstorm metrics` prints this table.

/// A metric of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// Its name in results and expectations.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it counts.
    pub definition: &'static str,
}

macro_rules! metrics {
    ($($id:ident, $name:literal, $unit:literal, $definition:literal;)*) => {
        /// A metric, as an index into a run's values.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Metric {
            $(#[doc = $definition] $id,)*
        }
        /// Every metric, in the order of the results.
        pub const METRICS: &[MetricDef] = &[
            $(MetricDef { name: $name, unit: $unit, definition: $definition },)*
        ];
    };
}

metrics! {
    SignOuts, "sign_outs", "users", "Browser sessions that were shown the sign-in page, each time the first of their tabs is; false_sign_outs plus true sign-outs.";
    FalseSignOuts, "false_sign_outs", "users", "Sign-outs of a session that the server still knew as valid.";
    TrueSignOuts, "true_sign_outs", "users", "Sign-outs of a session that the server had revoked.";
    ZombieSessions, "zombie_sessions", "sessions", "Revoked sessions that a tab still shows as signed in at the horizon.";
    UnauthenticatedEvents, "unauthenticated_events", "entries", "Entries of the unauthenticated flow while a session existed.";
    UnauthenticatedSessions, "unauthenticated_sessions", "sessions", "Browser sessions with at least one entry of the unauthenticated flow.";
    UnauthenticatedEventsWorstSession, "unauthenticated_events_worst_session", "entries", "Most entries of the unauthenticated flow by one browser session.";
    RecursiveUnauthenticatedEvents, "recursive_unauthenticated_events", "entries", "Entries of the flow caused by the answer to a request that an earlier entry issued, directly or through app code that reacted to what that entry delivered.";
    UnauthenticatedDepthMax, "unauthenticated_depth_max", "entries", "Longest causal chain of entries of the flow; 1 is an entry that no earlier entry caused.";
    RequestsTotal, "requests_total", "requests", "Calls sent to the backend.";
    RequestsTokens, "requests_tokens", "requests", "Calls of POST /tokens.";
    RequestsTouch, "requests_touch", "requests", "Calls of POST /touch.";
    RequestsClient, "requests_client", "requests", "Calls of GET /client.";
    RequestsEnvironment, "requests_environment", "requests", "Calls of GET /environment.";
    RequestsSignIn, "requests_sign_in", "requests", "Sign-in calls.";
    RequestsGeneric, "requests_generic", "requests", "Calls of generic clients.";
    Responses429, "responses_429", "answers", "Answers with status 429.";
    ResponsesFailed, "responses_failed", "calls", "Calls that ended in anything but a 2xx answer; calls in flight at the horizon and calls dropped by a reload are not counted.";
    FirstAttempts, "first_attempts", "requests", "Calls that no failed answer caused: not the retries of getToken, not network-level retries, not requests of the unauthenticated flow or of app code that reacts to it.";
    Amplification, "amplification", "ratio", "requests_total / the first attempts of the reference: what the same users ask for when nothing is refused. The reference is the run without faults, triggers and limits, so every policy is divided by the same number; 0 without a first attempt.";
    PeakRequestsPerS, "peak_requests_per_s", "requests/s", "Most calls sent in one whole second of the run, whatever the bucket.";
    Goodput, "goodput", "answers/s", "2xx answers per second, over the whole run.";
    TimeToRecoverS, "time_to_recover_s", "s", "From the end of the last fault window that struck a call, the last trigger, or (without both) the first failed call, to the time from which on every endpoint stays within the band of the reference to the end of the run; infinite when that does not happen within the run. The README states the band.";
    TimeToRecoverCensored, "time_to_recover_censored", "runs", "1 when the run does not recover before its end, else 0.";
    CallsUnfinished, "calls_unfinished", "calls", "Calls in flight at the horizon.";
    CallersBegun, "callers_begun", "callers", "Calls of generic clients, each counted once with all its tries, and calls of getToken and setActive by app code.";
    CallersServed, "callers_served", "callers", "Calls of generic clients that were answered with success, at whichever try.";
    CallersGaveUp, "callers_gave_up", "callers", "Calls of generic clients that their clients gave up.";
    CallersUnfinished, "callers_unfinished", "callers", "Callers who still wait or try at the horizon; amplification and waiting are not final for them.";
    DegradedSessionS, "degraded_session_s", "session-s", "Time that signed-in browser sessions spent with a tab in status degraded.";
    StaleTokenSessionS, "stale_token_session_s", "session-s", "Time that signed-in browser sessions spent without an unexpired token in their cookie.";
    ErrorsSurfacedToApp, "errors_surfaced_to_app", "errors", "Errors that app code saw: failed getToken and setActive calls, and unhandled rejections.";
    AppWaitS, "app_wait_s", "s", "Time that app callers of getToken and setActive waited for an answer or an error, summed; calls open at the horizon count until then.";
}

impl Metric {
    /// Its definition.
    pub const fn def(self) -> MetricDef {
        METRICS[self as usize]
    }

    /// How many there are.
    pub const COUNT: usize = METRICS.len();
}
