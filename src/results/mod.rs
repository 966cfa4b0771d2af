//! Results: the type that connects running with writing, reading, comparing and drawing.
//!
//! [`crate::Study::run`] returns [`Results`]. They contain the verdicts on expectations. They can be written into a directory
//! and read from one, also from one that another version wrote:
//!
//! ```
//! use authstorm::Study;
//! use authstorm::results::ResultsDir;
//!
//! let mut study = Study::load("scenarios/healthy.toml")?;
//! study.replications(1)?;
//! let results = study.run()?;
//! assert!(results.passes_check());
//!
//! let folder = tempfile::tempdir()?;
//! let place = folder.path().join("healthy");
//! results.write(&place)?;
//! assert_eq!(ResultsDir::open(&place)?.results()?, results);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Results`] also implement serde's traits: one JSON text holds all of them.
//!
//! ```
//! # use authstorm::{Study, results::Results};
//! # let mut study = Study::load("scenarios/healthy.toml")?;
//! # study.replications(1)?;
//! # let results = study.run()?;
//! let text = serde_json::to_string(&results)?;
//! assert_eq!(serde_json::from_str::<Results>(&text)?, results);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod check;
mod compared;
pub mod csv;
mod demand;
#[cfg(unix)]
pub mod dir;
mod files;
pub mod finding;
mod gap;
pub mod groups;
mod limit_use;
mod limits;
pub mod measured;
mod named;
mod precision;
pub mod provenance;
pub mod read;
mod retell;
pub(crate) mod serial;
mod servers;
mod session;
mod shard;
pub mod stories;
pub mod summary;
#[cfg(test)]
pub(crate) mod synthetic;
mod verdict;
pub mod verdicts;
mod warm_up;

pub use answers::Answers;
pub use check::CheckFailed;
pub use compared::{Comparisons, PairedDifference, paired_in_words};
pub use demand::Demand;
#[cfg(unix)]
pub use dir::{PlaceError, ReadError, Reservation, ResultsDir, Written};
pub use files::{DATA_FILES, DataFile, GROUPS_FILE};
pub use finding::finding;
pub use gap::Gap;
pub use groups::GroupResults;
pub use limit_use::{LimitUse, WhomRefused};
pub use limits::{Limit, limits};
pub use named::NamedValues;
pub use precision::{Asked, Estimated, Precise, Precision};
pub use provenance::Provenance;
pub use retell::Retell;
pub use servers::{ServerTotals, Servers};
pub use session::{Harm, SessionRow};
pub use shard::Shard;
pub use stories::{Comparison, Mark, StoryDigest};
pub use verdict::{Assurance, Decision, Judgement, RunsMeeting, RunsQuantile, Verdict};
pub use warm_up::WarmUpCut;

use crate::client::Families;
use crate::client::family::FlowWords;
use crate::client::token::{UNRECORDED, label};
use crate::kernel::Dur;
use crate::metrics::{Metric, MetricDef, Timeline, all_metrics, metrics_of};
use crate::scenario::PolicyFile;
use crate::scenario::cohort::{AND, families_in};
use crate::text::clean;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Results {
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario shows; possibly empty.
    #[serde(default)]
    pub about: String,
    /// The client models, as named in scenarios (`own my-sdk` for a client of the program's own, `profile my-sdk` for a profile
    /// in a file), or `generic clients` in a scenario without users. Where the policies bring clients of several families, all of
    /// them.
    #[serde(default)]
    pub client_model: String,
    /// The version of authstorm that ran the study.
    #[serde(default)]
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// Replications of each policy.
    pub replications: u32,
    /// SHA-256 of the content of the scenario and its policies, in lower-case hex.
    pub scenario_hash: String,
    /// Users of the fleet.
    pub users: u32,
    /// Length of a run in virtual time.
    pub horizon: Dur,
    /// Length of a bucket of the timelines; absent when nothing was run.
    #[serde(default)]
    pub bucket: Option<Dur>,
    /// Fault windows, in the scenario's order.
    #[serde(default)]
    pub faults: Vec<FaultWindow>,
    /// How precisely the results were asked for, where the number of replications was chosen by that; absent where it was
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// What was cut from the begin of runs for each rate that an expectation or the precision names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm_up: Vec<WarmUpCut>,
    /// The engine's account of its work.
    #[serde(default)]
    pub engine: Engine,
    /// Results of each policy, in the scenario's order. The others are compared with the first one.
    #[serde(with = "serial::by_name")]
    #[schemars(with = "BTreeMap<String, PolicyResults>")]
    pub policies: Vec<PolicyResults>,
    /// Verdicts on the expectations, in the scenario's order.
    #[serde(default)]
    pub expectations: Vec<Verdict>,
    /// Whether every session is kept, not only the worst of each policy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(skip)]
    pub all_sessions: bool,
    /// The scenario's text, with every override written into it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(skip)]
    pub scenario_text: String,
    /// Copies of the policy files and client profiles that the text names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub policy_files: Vec<PolicyFile>,
    /// Stories of some of the worst sessions; empty until [`crate::explain::tell_worst`] adds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub stories: Vec<StoryDigest>,
    /// Gaps: what the results lacked when they were read, or have beyond this version. Empty for results of this version.
    #[serde(skip)]
    pub gaps: Vec<Gap>,
}

/// The engine's account of its work.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Engine {
    /// Events of all runs, reference runs included.
    pub events: u64,
    /// Hash over all events of all runs in their order: (time, entity, kind).
    #[serde(with = "serial::hex")]
    #[schemars(with = "String")]
    pub fingerprint: u64,
    /// Number of parts that each run was split into. More than 1 if nothing connects the users (see
    /// [`crate::world::Plan::parts`]).
    pub parts: u32,
}

/// A fault's window, cut at the horizon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FaultWindow {
    /// The fault's name, or a description made from its kind.
    pub name: String,
    /// Begin, from the start of the run.
    pub from: Dur,
    /// End, from the start of the run. Equal to the begin for a fault of an instant.
    pub to: Dur,
}

/// Results of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PolicyResults {
    /// The policy's name.
    #[serde(skip)]
    pub name: String,
    /// Names of the clients of its users that no recording confirms, in the order of the cohorts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<String>,
    /// Every metric, in the order of [`metrics_of`] the clients' families. Results of another version may have other metrics.
    #[serde(with = "serial::by_name")]
    #[schemars(with = "BTreeMap<String, MetricValues>")]
    pub metrics: Vec<MetricValues>,
    /// Number of sessions by their entries of the flow, over all replications: `(entries, sessions)`, ascending.
    #[serde(default)]
    pub entries_distribution: Vec<(u32, u64)>,
    /// Offered and served calls before the first fault, means over the replications: endpoints, then limits.
    /// Empty if no request is sent before the first fault.
    #[serde(default)]
    pub demand: Vec<Demand>,
    /// How long answers take, by endpoint; empty in results of a version that does not record it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answers>,
    /// Results by group of users or of generic clients: each kind of group of which the scenario has several. Of apps and of
    /// networks, the ten worst.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupResults>,
    /// What each limit did, in the scenario's order; empty in results of a version that does not record it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitUse>,
    /// What each pool of workers does; empty without workers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Servers>,
    /// Numbers with labels that the expectations name, such as `answer_time_s{endpoint=touch, quantile=p99}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<NamedValues>,
    /// Hazards of the scenario that act in no replication, a sentence each.
    #[serde(default)]
    pub not_exercised: Vec<String>,
    /// The counts over time, one timeline per replication.
    #[serde(default, with = "serial::timelines", skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub timelines: Vec<Timeline>,
    /// The worst sessions of all replications, or all sessions, in the order of [`SessionRow::rank`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub sessions: Vec<SessionRow>,
}

/// A metric's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricValues {
    /// The metric's name.
    #[serde(skip)]
    pub name: String,
    /// The metric's unit.
    #[serde(default)]
    pub unit: String,
    /// Mean over the replications; infinite if any replication is.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub mean: f64,
    /// Lower end of the 95% confidence interval of the mean (Student t, cut to the metric's range). Equal to the mean with
    /// one replication or an infinite mean.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub ci_low: f64,
    /// Upper end of the interval.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub ci_high: f64,
    /// One value per replication, in order of replications.
    #[serde(with = "serial::floats")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub values: Vec<f64>,
    /// Number of replications in which something happened that could move the metric; absent in results of a version that
    /// does not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercised: Option<u32>,
}

impl MetricValues {
    /// The metric's definition; absent for a metric that this version does not know.
    pub fn def(&self) -> Option<&'static MetricDef> {
        all_metrics().iter().find(|def| def.name == self.name)
    }
}

impl Results {
    /// The worst session of all policies, with its policy, by [`SessionRow::harm`]. Of equal sessions, that of the earlier
    /// policy. Absent without users.
    pub fn worst(&self) -> Option<(&PolicyResults, &SessionRow)> {
        let worst = self.policies.iter().filter_map(|policy| Some((policy, policy.worst()?)));
        worst.min_by_key(|(_, row)| row.harm(self.flow()))
    }

    /// The families of the clients. The first of all where the results name no client of this version, such as in a scenario
    /// without users.
    pub fn families(&self) -> Families {
        families_in(&self.client_model.split(AND).collect::<Vec<_>>())
    }

    /// The clients as pictures and pages name them. Those that no recording confirms say so.
    pub fn client_label(&self) -> String {
        self.client_model.split(AND).map(label).collect::<Vec<_>>().join(AND)
    }

    /// The names of the flow of the clients' family, or of the flows of several.
    pub fn flow(&self) -> &'static FlowWords {
        self.families().flow()
    }

    /// The definition of a metric, in the words of the clients' families.
    pub fn def(&self, metric: Metric) -> &'static MetricDef {
        metrics_of(self.families()).iter().find(|def| def.metric == metric).unwrap_or_else(|| metric.def())
    }

    /// Results of the policy of this name; absent if it was not run.
    pub fn policy(&self, name: &str) -> Option<&PolicyResults> {
        self.policies.iter().find(|policy| policy.name == name)
    }

    /// Whether a check of these results passes: every expectation that is judged is decided and holds, none is vacuous unless
    /// the scenario permits it, and at least one is judged if there are any.
    pub fn passes_check(&self) -> bool {
        let verdicts = &self.expectations;
        let any_judged = verdicts.iter().any(|v| v.judgement != Judgement::NotJudged);
        (verdicts.is_empty() || any_judged) && !verdicts.iter().any(Verdict::fails_check)
    }
}

impl PolicyResults {
    /// A policy without a name and without values.
    pub(crate) fn without_values() -> PolicyResults {
        PolicyResults {
            name: String::new(),
            metrics: Vec::new(),
            entries_distribution: Vec::new(),
            demand: Vec::new(),
            answers: Vec::new(),
            groups: Vec::new(),
            limits: Vec::new(),
            servers: Vec::new(),
            named: Vec::new(),
            not_exercised: Vec::new(),
            unrecorded: Vec::new(),
            timelines: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// The name as pictures, pages and tables show it. The name of a client that no recording confirms says so.
    pub fn label(&self) -> String {
        match self.unrecorded.contains(&self.name) {
            true => format!("{}{UNRECORDED}", clean(&self.name)),
            false => label(&self.name),
        }
    }

    /// The worst session of all replications: the first of [`PolicyResults::sessions`]; absent without users. `explain
    /// --session worst`, the page and the policy's first row in sessions.csv all refer to it.
    pub fn worst(&self) -> Option<&SessionRow> {
        self.sessions.first()
    }

    /// Values of this metric; absent in results of a version that does not have it.
    pub fn get(&self, metric: &str) -> Option<&MetricValues> {
        self.metrics.iter().find(|m| m.name == metric)
    }

    /// Values of this metric.
    ///
    /// # Panics
    /// When these results have no metric of this name. Results of [`crate::Study::run`] have all of
    /// [`metrics_of`] the model. For results that were read from files, use [`PolicyResults::get`].
    pub fn metric(&self, name: &str) -> &MetricValues {
        self.get(name).unwrap_or_else(|| panic!("no metric named {name}"))
    }
}
