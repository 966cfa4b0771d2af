//! The one result type that crosses from running to reporting.

use crate::kernel::Dur;
use crate::metrics::{MetricDef, Timeline};

/// Everything that one `run` found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario shows.
    pub about: String,
    /// The client model, as named in scenarios: results say which of the two kinds they rest on.
    pub client_model: String,
    /// SHA-256 of the scenario's canonical text, lower-case hex.
    pub scenario_hash: String,
    /// Seed.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
    /// Length of a run.
    pub horizon: Dur,
    /// Users of the fleet.
    pub users: u32,
    /// Fault windows, for charts: in the scenario's order.
    pub faults: Vec<FaultWindow>,
    /// One per policy, in the scenario's order; the first is the reference.
    pub policies: Vec<PolicyResults>,
    /// Verdicts on the expectations, in the scenario's order.
    pub expectations: Vec<Verdict>,
    /// Events of all runs together.
    pub events: u64,
    /// A hash of the order of all events of all runs: (time, entity, kind).
    pub fingerprint: u64,
    /// In how many parts each run was run: more than one when nothing ties the users together (see
    /// [`crate::world::Plan::parts`]).
    pub parts: u32,
}

/// A fault's window, cut at the horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultWindow {
    /// The fault's name, or a description made from its kind.
    pub name: String,
    /// Its begin.
    pub from: Dur,
    /// Its end.
    pub to: Dur,
}

/// What one policy did.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyResults {
    /// Its name.
    pub name: String,
    /// Every metric, in the order of [`crate::metrics::METRICS`].
    pub metrics: Vec<MetricValues>,
    /// One per replication.
    pub timelines: Vec<Timeline>,
    /// The worst sessions of all replications (or all sessions), most entries first.
    pub sessions: Vec<SessionRow>,
    /// How many sessions had so many entries of the flow, over all replications: `(entries, sessions)`, ascending.
    pub entries_distribution: Vec<(u32, u64)>,
}

/// A metric's values.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricValues {
    /// Which metric.
    pub def: MetricDef,
    /// One per replication, in replication order.
    pub values: Vec<f64>,
    /// Mean over the replications; infinite as soon as the value of one is.
    pub mean: f64,
    /// Lower end of the 95% confidence interval of the mean (Student t, cut to what the metric can be); the mean itself with
    /// one replication, and where that is infinite.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
}

/// One browser session of one replication.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// Replication, from 0.
    pub replication: u32,
    /// The user, from 0.
    pub session: u32,
    /// Entries of the unauthenticated flow.
    pub entries: u32,
    /// Greatest depth of an entry.
    pub depth: u32,
    /// Calls it sent.
    pub requests: u32,
    /// When it was first signed out, in seconds.
    pub signed_out_at_s: Option<f64>,
    /// Whether that sign-out was false: the server still knew the session.
    pub false_sign_out: bool,
    /// Seconds without a valid token while signed in.
    pub stale_token_s: f64,
}

/// The verdict on one expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The expression, as written.
    pub that: String,
    /// The observed value: the worst replication's for `of = "every"`.
    pub observed: f64,
    /// The bound.
    pub bound: f64,
    /// Whether it holds.
    pub passed: bool,
}

impl PolicyResults {
    /// The values of this metric.
    ///
    /// # Panics
    /// When no metric has this name: a bug of the caller, not an input.
    pub fn metric(&self, name: &str) -> &MetricValues {
        self.metrics.iter().find(|m| m.def.name == name).unwrap_or_else(|| panic!("no metric named {name}"))
    }
}
