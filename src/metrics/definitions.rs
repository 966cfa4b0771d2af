//! The metrics. Each definition stands here once; `authstorm metrics` prints this table.

/// The harm that a metric measures, gravest first. Findings, comparisons and tables list metrics in this order.
///
/// For a metric with a harm, less is better. For [`Harm::None`] neither direction is better by itself. Goodput is one
/// of these, because it includes answers to the requests of a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Users lose a valid session or keep a revoked one.
    SignOut,
    /// The backend does not serve, or does not recover within the run.
    NoService,
    /// A user is signed in and has no valid token.
    StaleToken,
    /// A page loads partly or not at all.
    FailedLoad,
    /// App code receives an error.
    Error,
    /// The client considers a session lost and asks for it again.
    Flow,
    /// A caller waits.
    Waiting,
    /// The backend gets more requests.
    Load,
    /// The backend refuses requests. Their senders expect refusals.
    Refusal,
    /// No harm by itself.
    None,
}

impl Harm {
    /// The harm of a value of a metric with this harm. An infinite wait is a missing service.
    pub fn of(self, value: f64) -> Harm {
        if self == Harm::Waiting && value.is_infinite() { Harm::NoService } else { self }
    }
}

/// Scale and range of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sum over all users and the whole run. At least 0.
    Total,
    /// A number of users, or a rate of all users together. Grows with the users, not with the run. At least 0.
    OfAll,
    /// A value of one user, one call or one run. Does not grow with users or run. At least 0.
    Single,
    /// A value from 0 to 1 per run, so that the mean is a share of the runs.
    Share,
}

impl Kind {
    /// Least and greatest possible value of the metric and of its mean.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Kind::Total | Kind::OfAll | Kind::Single => (0.0, f64::INFINITY),
            Kind::Share => (0.0, 1.0),
        }
    }
}

/// Definition of a metric of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// Name in results and expectations.
    pub name: &'static str,
    /// Unit of the values.
    pub unit: &'static str,
    /// The harm that greater values mean.
    pub harm: Harm,
    /// Scale and range of the values.
    pub kind: Kind,
    /// What the metric counts, as printed.
    pub definition: &'static str,
}

macro_rules! metrics {
    ($($id:ident, $name:literal, $unit:literal, $harm:ident, $kind:ident, $definition:literal;)*) => {
        /// A metric. Its discriminant is the index into the values of a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Metric {
            $(#[doc = $definition] $id,)*
        }
        /// All definitions, in the order of results.
        pub const METRICS: &[MetricDef] = &[
            $(MetricDef {
                name: $name,
                unit: $unit,
                harm: Harm::$harm,
                kind: Kind::$kind,
                definition: $definition,
            },)*
        ];
        impl Metric {
            /// All metrics, in the order of results.
            pub const ALL: &[Metric] = &[$(Metric::$id,)*];
        }
    };
}

metrics! {
    SignOuts, "sign_outs", "users", None, Total, "Browser sessions that were shown the sign-in page, each time the first of their tabs is; false_sign_outs plus true sign-outs.";
    FalseSignOuts, "false_sign_outs", "users", SignOut, Total, "Sign-outs of a session that the server still knew as valid.";
    TrueSignOuts, "true_sign_outs", "users", None, Total, "Sign-outs of a session that the server had revoked.";
    ZombieSessions, "zombie_sessions", "sessions", SignOut, OfAll, "Revoked sessions that a tab still shows as signed in at the horizon.";
    UnauthenticatedEvents, "unauthenticated_events", "entries", Flow, Total, "Entries of the unauthenticated flow while a session existed.";
    UnauthenticatedSessions, "unauthenticated_sessions", "sessions", None, OfAll, "Browser sessions with at least one entry of the unauthenticated flow.";
    UnauthenticatedEventsWorstSession, "unauthenticated_events_worst_session", "entries", None, Single, "Most entries of the unauthenticated flow by one browser session.";
    RecursiveUnauthenticatedEvents, "recursive_unauthenticated_events", "entries", None, Total, "Entries of the flow caused by the answer to a request that an earlier entry issued, directly or through app code that reacted to what that entry delivered.";
    UnauthenticatedDepthMax, "unauthenticated_depth_max", "entries", None, Single, "Longest causal chain of entries of the flow; 1 is an entry that no earlier entry caused.";
    RequestsTotal, "requests_total", "requests", None, Total, "Calls sent to the backend.";
    RequestsTokens, "requests_tokens", "requests", None, Total, "Calls of POST /tokens.";
    RequestsTouch, "requests_touch", "requests", None, Total, "Calls of POST /touch.";
    RequestsClient, "requests_client", "requests", None, Total, "Calls of GET /client.";
    RequestsEnvironment, "requests_environment", "requests", None, Total, "Calls of GET /environment.";
    RequestsSignIn, "requests_sign_in", "requests", None, Total, "Sign-in calls.";
    RequestsGeneric, "requests_generic", "requests", None, Total, "Calls of generic clients.";
    Responses429, "responses_429", "answers", Refusal, Total, "Answers with status 429.";
    ResponsesFailed, "responses_failed", "calls", None, Total, "Calls that ended in anything but a 2xx answer; calls in flight at the horizon and calls dropped by a reload are not counted.";
    FirstAttempts, "first_attempts", "requests", None, Total, "Calls that no failed answer caused: not the retries of getToken, not network-level retries, not requests of the unauthenticated flow or of app code that reacts to it.";
    Amplification, "amplification", "ratio", Load, Single, "requests_total / the first attempts of the reference: what the same users ask for when nothing is refused. The reference is the run without faults, triggers and limits, so every policy is divided by the same number; 0 without a first attempt.";
    PeakRequestsPerS, "peak_requests_per_s", "requests/s", Load, OfAll, "Most calls sent in one whole second of the run, whatever the bucket.";
    Goodput, "goodput", "answers/s", None, OfAll, "2xx answers per second, over the whole run.";
    TimeToRecoverS, "time_to_recover_s", "s", Waiting, Single, "From the end of the last fault window that struck a call, the last trigger, or (without both) the first failed call, to the time from which on every endpoint stays within the band of the reference to the end of the run; infinite when that does not happen within the run. The README states the band.";
    TimeToRecoverCensored, "time_to_recover_censored", "runs", None, Share, "1 when the run does not recover before its end, else 0.";
    CallsUnfinished, "calls_unfinished", "calls", None, OfAll, "Calls in flight at the horizon.";
    CallersBegun, "callers_begun", "callers", None, Total, "Calls of generic clients, each counted once with all its tries, and calls of getToken and setActive by app code.";
    CallersServed, "callers_served", "callers", None, Total, "Calls of generic clients that were answered with success, at whichever try.";
    CallersGaveUp, "callers_gave_up", "callers", NoService, Total, "Calls of generic clients that their clients gave up.";
    CallersUnfinished, "callers_unfinished", "callers", None, OfAll, "Callers who still wait or try at the horizon; amplification and waiting are not final for them.";
    PageLoads, "page_loads", "page loads", None, Total, "Page loads that ended, in whatever status.";
    PageLoadsFailed, "page_loads_failed", "page loads", FailedLoad, Total, "Page loads that ended in status degraded or error.";
    SignedInSessionS, "signed_in_session_s", "session-s", None, Total, "Time that browser sessions were signed in.";
    DegradedSessionS, "degraded_session_s", "session-s", FailedLoad, Total, "Time that signed-in browser sessions spent with a tab in status degraded.";
    StaleTokenSessionS, "stale_token_session_s", "session-s", StaleToken, Total, "Time that signed-in browser sessions spent without an unexpired token in their cookie.";
    ErrorsSurfacedToApp, "errors_surfaced_to_app", "errors", Error, Total, "Errors that app code saw: failed getToken and setActive calls, and unhandled rejections.";
    AppWaitS, "app_wait_s", "s", Waiting, Total, "Time that app callers of getToken and setActive waited for an answer or an error, summed; a call counts until the horizon, or until its page is reloaded or closed, if it is open then.";
}

impl Metric {
    /// Whether the metric is always 0 in a run without browser sessions.
    pub const fn needs_users(self) -> bool {
        matches!(
            self,
            Metric::SignOuts
                | Metric::FalseSignOuts
                | Metric::TrueSignOuts
                | Metric::ZombieSessions
                | Metric::UnauthenticatedEvents
                | Metric::UnauthenticatedSessions
                | Metric::UnauthenticatedEventsWorstSession
                | Metric::RecursiveUnauthenticatedEvents
                | Metric::UnauthenticatedDepthMax
                | Metric::RequestsTokens
                | Metric::RequestsTouch
                | Metric::RequestsClient
                | Metric::RequestsEnvironment
                | Metric::RequestsSignIn
                | Metric::PageLoads
                | Metric::PageLoadsFailed
                | Metric::SignedInSessionS
                | Metric::DegradedSessionS
                | Metric::StaleTokenSessionS
                | Metric::ErrorsSurfacedToApp
                | Metric::AppWaitS
        )
    }

    /// Whether the metric is always 0 in a run without generic clients.
    pub const fn needs_workloads(self) -> bool {
        matches!(self, Metric::RequestsGeneric | Metric::CallersServed | Metric::CallersGaveUp)
    }

    /// The definition.
    pub const fn def(self) -> MetricDef {
        METRICS[self as usize]
    }

    /// Number of metrics.
    pub const COUNT: usize = METRICS.len();

    /// The metrics with a harm, gravest first. Metrics of the same harm are in the order of results.
    pub fn by_gravity() -> Vec<Metric> {
        let mut harms: Vec<Metric> =
            Metric::ALL.iter().copied().filter(|metric| metric.def().harm != Harm::None).collect();
        harms.sort_by_key(|metric| metric.def().harm);
        harms
    }
}
