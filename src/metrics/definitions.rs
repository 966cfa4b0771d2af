//! The metrics: name, unit, definition, harm and formula, a row each. `authstorm metrics` prints this table.
//!
//! A client family names the metrics of its flow and of its endpoints ([`FlowWords`], [`crate::protocol::EndpointRow`]),
//! so a run has the metrics of its own families only. Where clients of several families run beside each other, the flows have
//! sums over all clients, and each family has its own metrics beside them, which count its own users.

use super::flow::FlowMetric;
use super::tally::Sums;
use crate::client::Families;
use crate::client::family::FlowWords;
use crate::kernel::Dur;
use crate::protocol::{Endpoint, MetricWords, Outcome};

/// The harm that a metric measures, gravest first. Findings, comparisons and tables list metrics in this order.
///
/// For a metric with a harm, less is better. For [`Harm::None`] neither direction is better by itself. Goodput is one
/// of these, because it includes answers to the requests of a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
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
    /// Entries of a flow that harm: see [`FlowHarm`](crate::client::family::FlowHarm).
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
#[non_exhaustive]
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

/// What a run must have, or else the metric is always 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Browser sessions.
    Users,
    /// Generic clients.
    Workloads,
    /// Browser sessions with refresh tokens. Only client families that have them have the metric.
    RefreshTokens,
}

/// What must occur for the value of a metric to be meaningful. This depends on stimuli only, never on responses: a count
/// of zero is judged if the calls were struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stimulus {
    /// A page was opened or a generic call began.
    Traffic,
    /// As `Traffic`; and if the scenario has faults, limits or actions, one of them acted.
    Cause,
    /// A session was revoked.
    Revocation,
    /// App code called.
    App,
    /// App code or a generic client called.
    Caller,
    /// A limit was asked, or a fault that answers 429 struck a call.
    Limit,
    /// A call failed or a cause acted.
    Recovery,
}

/// Definition of a metric of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricDef {
    /// The metric.
    pub metric: Metric,
    /// Name in results and expectations.
    pub name: &'static str,
    /// Unit of the values.
    pub unit: &'static str,
    /// The harm that greater values mean.
    pub harm: Harm,
    /// Scale and range of the values.
    pub kind: Kind,
    /// What a run must have for the metric to be other than 0.
    pub needs: Needs,
    /// What must occur for the value to be meaningful.
    pub stimulus: Stimulus,
    /// What the metric counts, as printed.
    pub definition: &'static str,
    /// The families whose clients have the metric, where those of several run beside each other; none for all of them.
    pub of: Families,
}

macro_rules! metrics {
    ($flow:ident $run:ident $($id:ident $needs:ident $stimulus:ident $harm:ident $kind:ident
        ($(flow $field:ident)? $($name:literal, $unit:literal, $definition:literal)?) = $value:expr;)*) => {
        /// A metric, whatever a client family calls it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Metric {
            $(
                $(#[doc = $definition])?
                $(#[doc = concat!("[`FlowMetrics::", stringify!($field), "`](crate::client::family::FlowMetrics::", stringify!($field), ")")])?
                $id,
            )*
            /// Calls of an endpoint.
            Requests(Endpoint),
            /// A metric of the flow of one family, by its index, where clients of several families run beside each other.
            OfFamily(FlowMetric, u8),
        }

        /// The metrics of every run, in the order of results.
        pub(super) fn common($flow: &FlowWords) -> Vec<MetricDef> {
            vec![$({
                let words = words!($($flow.metrics.$field)? $($name, $unit, $definition)?);
                MetricDef {
                    metric: Metric::$id,
                    name: words.name,
                    unit: words.unit,
                    harm: Harm::$harm,
                    kind: Kind::$kind,
                    needs: Needs::$needs,
                    stimulus: Stimulus::$stimulus,
                    definition: words.definition,
                    of: Families::default(),
                }
            },)*]
        }

        impl Metric {
            /// Whether the value compares the run with its reference.
            pub fn compares_with_reference(self) -> bool {
                matches!(self, Metric::Amplification | Metric::TimeToRecoverS | Metric::TimeToRecoverCensored)
            }

            /// The value of a run.
            pub(super) fn value(self, $run: &Sums<'_>) -> f64 {
                match self {
                    $(Metric::$id => $value,)*
                    Metric::Requests(endpoint) => count($run.calls_of(endpoint)),
                    Metric::OfFamily(of, family) => count($run.tally.flows[usize::from(family)].get(of)),
                }
            }
        }
    };
}

macro_rules! words {
    ($name:literal, $unit:literal, $definition:literal) => {
        MetricWords { name: $name, unit: $unit, definition: $definition }
    };
    ($words:expr) => {
        $words
    };
}

metrics! {
    flow run
    SignOuts Users Cause None Total ("sign_outs", "users", "Browser sessions that were shown the sign-in page, each time the first of their tabs is: the sum of the kinds of sign-outs.")
        = count(run.false_sign_outs + run.true_sign_outs + run.reuse_sign_outs);
    FalseSignOuts Users Cause SignOut Total ("false_sign_outs", "users", "Sign-outs of a session that the server still knew as valid.")
        = count(run.false_sign_outs);
    TrueSignOuts Users Revocation None Total ("true_sign_outs", "users", "Sign-outs of a session that the server had revoked.")
        = count(run.true_sign_outs);
    ReuseSignOuts RefreshTokens Cause SignOut Total ("reuse_sign_outs", "users", "Sign-outs of a session that the server had ended because the client used a refresh token again.")
        = count(run.reuse_sign_outs);
    ZombieSessions Users Revocation SignOut OfAll ("zombie_sessions", "sessions", "Revoked sessions that a tab still shows as signed in at the horizon.")
        = count(run.tally.zombies);
    FlowEntries Users Cause Flow Total (flow entries)
        = count(run.entries);
    FlowSessions Users Cause None OfAll (flow sessions)
        = count(run.tally.sessions_with_entries);
    FlowWorstSession Users Cause None Single (flow worst_session)
        = f64::from(run.tally.worst_entries);
    RecursiveEntries Users Cause Flow Total (flow recursive)
        = count(run.recursive);
    FailedEntries RefreshTokens Cause Flow Total ("failed_refreshes", "refreshes", "Refreshes that ended without a new session: the last try was refused or not answered, or the client dropped the answer.")
        = count(run.tally.failed_entries);
    FlowDepthMax Users Cause None Single (flow depth_max)
        = f64::from(run.tally.depth_max);
    RequestsTotal Nothing Traffic None Total ("requests_total", "requests", "Calls sent to the backend.")
        = count(run.requests());
    Responses429 Nothing Limit Refusal Total ("responses_429", "answers", "Answers with status 429.")
        = count(run.ended(Outcome::TooManyRequests));
    ResponsesFailed Nothing Cause None Total ("responses_failed", "calls", "Calls that ended in anything but a 2xx answer; calls in flight at the horizon and calls dropped by a reload are not counted.")
        = count(Outcome::ALL.into_iter().filter(|o| o.is_failure()).map(|o| run.ended(o)).sum());
    FirstAttempts Nothing Traffic None Total ("first_attempts", "requests", "Calls that no failed answer caused: no retries, and no requests of a flow that a failed answer lets in, or of app code that reacts to it.")
        = count(run.tally.first_attempts);
    Amplification Nothing Cause Load Single ("amplification", "ratio", "requests_total / the first attempts of the reference: what the same users ask for when nothing is refused. The reference is the run without faults, triggers and limits, so every policy is divided by the same number; 0 without a first attempt.")
        = if run.demand == 0 { 0.0 } else { count(run.requests()) / count(run.demand) };
    PeakRequestsPerS Nothing Traffic Load OfAll ("peak_requests_per_s", "requests/s", "Most calls sent in one whole second of the run, whatever the bucket.")
        = count(run.tally.seconds.peak());
    Goodput Nothing Traffic None OfAll ("goodput", "answers/s", "2xx answers per second, over the whole run.")
        = count(run.ended(Outcome::Ok)) / run.horizon.as_secs_f64();
    TimeToRecoverS Nothing Recovery Waiting Single ("time_to_recover_s", "s", "From the end of the last fault window that struck a call, the last trigger, or (without both) the first failed call, to the time from which on every endpoint stays within the band of the reference to the end of the run; infinite when that does not happen within the run. The README states the band.")
        = run.recovered.map_or(f64::INFINITY, Dur::as_secs_f64);
    TimeToRecoverCensored Nothing Recovery None Share ("time_to_recover_censored", "runs", "1 when the run does not recover before its end, else 0.")
        = f64::from(u8::from(run.recovered.is_none()));
    CallsUnfinished Nothing Traffic None OfAll ("calls_unfinished", "calls", "Calls in flight at the horizon.")
        = count(run.ended(Outcome::InFlight));
    CallersBegun Nothing Traffic None Total ("callers_begun", "callers", "Calls of generic clients, each counted once with all its tries, and calls of getToken and setActive by app code.")
        = count(run.tally.exercise.callers());
    CallersServed Workloads Caller None Total ("callers_served", "callers", "Calls of generic clients that were answered with success, at whichever try.")
        = count(run.tally.exercise.generic_served);
    CallersGaveUp Workloads Caller NoService Total ("callers_gave_up", "callers", "Calls of generic clients that their clients gave up.")
        = count(run.tally.exercise.generic_gave_up);
    CallersUnfinished Nothing Caller None OfAll ("callers_unfinished", "callers", "Callers who still wait or try at the horizon; amplification and waiting are not final for them.")
        = count(run.tally.exercise.callers_open);
    PageLoads Users Traffic None Total ("page_loads", "page loads", "Page loads that ended, in whatever status.")
        = count(run.tally.page_loads);
    PageLoadsFailed Users Traffic FailedLoad Total ("page_loads_failed", "page loads", "Page loads that ended in status degraded or error.")
        = count(run.tally.page_loads_failed);
    SignedInSessionS Users Traffic None Total ("signed_in_session_s", "session-s", "Time that browser sessions were signed in.")
        = seconds(run.tally.signed_in_ns);
    DegradedSessionS Users Cause FailedLoad Total ("degraded_session_s", "session-s", "Time that signed-in browser sessions spent with a tab in status degraded.")
        = seconds(run.tally.degraded_ns);
    StaleTokenSessionS Users Traffic StaleToken Total ("stale_token_session_s", "session-s", "Time that signed-in browser sessions spent without an unexpired token in their cookie.")
        = seconds(run.tally.stale_ns);
    ErrorsSurfacedToApp Users App Error Total ("errors_surfaced_to_app", "errors", "Errors that app code saw: failed getToken and setActive calls, and unhandled rejections.")
        = count(run.tally.errors);
    AppWaitS Users App Waiting Total ("app_wait_s", "s", "Time that app callers of getToken and setActive waited for an answer or an error, summed; a call that is open at the horizon, or when its page is reloaded or closed, counts until then.")
        = seconds(run.tally.app_wait_ns);
}

fn count(n: u64) -> f64 {
    n as f64
}

/// Nanoseconds in seconds, cut to whole microseconds.
fn seconds(ns: u128) -> f64 {
    (ns / 1_000) as f64 / 1e6
}
