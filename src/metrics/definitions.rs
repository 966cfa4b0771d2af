//! The metrics: each definition stands here once; `authstorm metrics` prints this table.

/// Whom or what a metric harms, the gravest first: the order in which findings, comparisons and tables speak of metrics.
/// Of a metric that harms, less is better. Of the others neither more nor less is better by itself; goodput too counts
/// the answers that a storm asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Users lose a session that is valid, or keep one that is not.
    SignOut,
    /// The backend does not serve, or not again within the run.
    NoService,
    /// A user is signed in and has no valid token.
    StaleToken,
    /// A page does not load, or only in part.
    FailedLoad,
    /// App code gets an error.
    Error,
    /// The client takes a session for lost and asks for it again.
    Flow,
    /// Somebody waits.
    Waiting,
    /// The backend gets more requests.
    Load,
    /// The backend refuses requests, which their senders expect.
    Refusal,
    /// Nobody by itself.
    None,
}

impl Harm {
    /// The harm of this value of a metric: what takes until after the end of the run is no waiting but no service.
    pub fn of(self, value: f64) -> Harm {
        if self == Harm::Waiting && value.is_infinite() { Harm::NoService } else { self }
    }
}

/// What a metric's value grows with, and between what it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sum over all users and the whole run: from 0 on.
    Total,
    /// A number of users, or a rate of all of them together: grows with the users, not with the run. From 0 on.
    OfAll,
    /// Of one user, one call or one run, whatever their number: from 0 on.
    Single,
    /// Of one run, between 0 and 1: the mean is a share of the runs.
    Share,
}

impl Kind {
    /// The least and the greatest value that the metric, and so its mean, can have.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Kind::Total | Kind::OfAll | Kind::Single => (0.0, f64::INFINITY),
            Kind::Share => (0.0, 1.0),
        }
    }
}

/// A metric of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// Its name in results and expectations.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Whom it harms.
    pub harm: Harm,
    /// What it grows with.
    pub kind: Kind,
    /// What it counts.
    pub definition: &'static str,
}

macro_rules! metrics {
    ($($id:ident, $name:literal, $unit:literal, $harm:ident, $kind:ident, $definition:literal;)*) => {
        /// A metric, as an index into a run's values.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Metric {
            $(#[doc = $definition] $id,)*
        }
        /// Every metric, in the order of the results.
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
            /// Every metric, in the order of the results.
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
    Amplification, "amplification", "ratio", Load, Single, "requests_total / first_attempts; 0 without a first attempt.";
    PeakRequestsPerS, "peak_requests_per_s", "requests/s", Load, OfAll, "Most calls in one bucket of the timeline, per second.";
    Goodput, "goodput", "answers/s", None, OfAll, "2xx answers per second, over the whole run.";
    TimeToRecoverS, "time_to_recover_s", "s", Waiting, Single, "From the end of the last fault window (0 without one) to the end of the last bucket after it in which more than 1% of the calls failed; right-censored: a run that ends unrecovered reports the time to the horizon.";
    TimeToRecoverCensored, "time_to_recover_censored", "runs", None, Share, "1 when time_to_recover_s is right-censored at the horizon, else 0.";
    PageLoads, "page_loads", "page loads", None, Total, "Page loads that ended, in whatever status.";
    PageLoadsFailed, "page_loads_failed", "page loads", FailedLoad, Total, "Page loads that ended in status degraded or error.";
    SignedInSessionS, "signed_in_session_s", "session-s", None, Total, "Time that browser sessions were signed in.";
    DegradedSessionS, "degraded_session_s", "session-s", FailedLoad, Total, "Time that signed-in browser sessions spent with a tab in status degraded.";
    StaleTokenSessionS, "stale_token_session_s", "session-s", StaleToken, Total, "Time that signed-in browser sessions spent without an unexpired token in their cookie.";
    ErrorsSurfacedToApp, "errors_surfaced_to_app", "errors", Error, Total, "Errors that app code saw: failed getToken and setActive calls, and unhandled rejections.";
    AppWaitS, "app_wait_s", "s", Waiting, Total, "Time that app callers of getToken and setActive waited for an answer or an error, summed; calls open at the horizon count until then.";
}

impl Metric {
    /// Its definition.
    pub const fn def(self) -> MetricDef {
        METRICS[self as usize]
    }

    /// How many there are.
    pub const COUNT: usize = METRICS.len();

    /// The metrics that harm, the gravest first; of one kind of harm in the order of the results.
    pub fn by_gravity() -> Vec<Metric> {
        let mut harms: Vec<Metric> =
            Metric::ALL.iter().copied().filter(|metric| metric.def().harm != Harm::None).collect();
        harms.sort_by_key(|metric| metric.def().harm);
        harms
    }
}
