//! Scenario files: what they may say, how they are read, and errors that point at the text.

use crate::backend::BackendSpec;
use crate::client::generic::WorkloadSpec;
use crate::client::policy::Policy;
use crate::fault::FaultSpec;
use crate::fleet::FleetSpec;
use crate::kernel::Dur;
use serde::{Deserialize, Serialize};

pub mod codes;
mod duplicate;
pub mod error;
pub mod expect;
pub mod load;
mod loaded;
mod names;
mod nearest;
mod nesting;
mod parts;
mod place;
pub mod policies;
mod policy_files;
mod render;
pub(crate) mod schema;
mod set;
mod source;
mod spans;
pub mod text;
pub mod users;
mod validate;

pub use error::{Code, ScenarioError, ScenarioErrors};
pub use expect::{Expectation, parse_expectation};
pub use load::{Loaded, load, load_text, load_text_in, load_with};
pub(crate) use loaded::hash;
pub use policies::ResolvedPolicy;
pub use set::Settings;
pub use source::Source;
pub use users::Users;

/// The version of the scenario format that this build reads.
pub const FORMAT_VERSION: u32 = 1;

/// A whole scenario, as written. Made by [`load()`], which also checks it; its parts carry the specs of their parts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Version of the format: 1.
    pub version: u32,
    /// Its name, which is also the name of its results directory.
    pub name: String,
    /// What it shows, in a sentence or two.
    #[serde(default)]
    pub about: String,
    /// Seed of all random streams.
    #[serde(default = "one_u64")]
    pub seed: u64,
    /// Independent replications.
    #[serde(default = "one_u32")]
    pub replications: u32,
    /// Length of a run.
    pub horizon: Dur,
    /// Width of a bucket of the timeline.
    #[serde(default = "one_second")]
    pub bucket: Dur,
    /// The policies to compare, by name: a preset, a `[[policy]]`, a policy file or a `[[mix]]`. The first is the
    /// reference of the comparisons.
    pub policies: Vec<String>,
    /// Policy files, relative to the scenario's directory and inside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_files: Vec<String>,
    /// Policies written in the scenario itself.
    #[serde(default, rename = "policy", skip_serializing_if = "Vec::is_empty")]
    pub inline_policies: Vec<Policy>,
    /// Fleets that mix policies, for a rollout.
    #[serde(default, rename = "mix", skip_serializing_if = "Vec::is_empty")]
    pub mixes: Vec<Mix>,
    /// The simulated client. A scenario of generic workloads alone needs none.
    #[serde(default)]
    pub client: ClientSpec,
    /// Who calls. A scenario of generic workloads alone needs none.
    #[serde(default = "FleetSpec::nobody")]
    pub fleet: FleetSpec,
    /// Who calls besides: generic clients.
    #[serde(default, rename = "workload", skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadSpec>,
    /// What answers.
    #[serde(default)]
    pub backend: BackendSpec,
    /// What goes wrong.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultSpec>,
    /// Scripted acts of users.
    #[serde(default, rename = "action", skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionSpec>,
    /// Conditions on the metrics.
    #[serde(default, rename = "expect", skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<ExpectSpec>,
    /// When a run is stopped.
    #[serde(default)]
    pub guard: GuardSpec,
}

fn one_u64() -> u64 {
    1
}

fn one_u32() -> u32 {
    1
}

fn one_second() -> Dur {
    Dur::from_secs(1)
}

/// `[[mix]]`: users run one of several policies, each user always the same one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mix {
    /// Its name among the policies.
    pub name: String,
    /// The policies and their shares, which add up to 1. Their order changes nothing.
    pub shares: Vec<PolicyShare>,
}

/// One policy of a [`Mix`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyShare {
    /// Its name.
    pub policy: String,
    /// Share of the users, 0 to 1.
    pub share: f64,
}

/// `[client]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClientSpec {
    /// Which client: the documented one or a measured release.
    pub model: ClientModel,
    /// `documented` only: rounds of the unauthenticated flow after which the user is signed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rounds: Option<u32>,
}

/// The two models of the unauthenticated flow (`clerk-js.md`, last paragraphs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum ClientModel {
    #[default]
    /// The flow touches the session and is closed in itself, as the pull request tells it. 401 and 422 to its touch sign the
    /// user out whatever the policy, other failures that the policy takes for a lost session start the flow again, up to
    /// `max-rounds` times, and any other ends it.
    #[serde(rename = "documented")]
    Documented,
    /// Measured: no background refresh, token age from receipt, old rules.
    #[serde(rename = "clerk-js-5.125.3")]
    ClerkJs5_125_3,
    /// Measured: the last release before the change.
    #[serde(rename = "clerk-js-6.0.0")]
    ClerkJs6_0_0,
    /// Measured: the first release with the change.
    #[serde(rename = "clerk-js-6.1.0")]
    ClerkJs6_1_0,
    /// Measured: with the change and a repaired refresh timer.
    #[serde(rename = "clerk-js-6.3.3")]
    ClerkJs6_3_3,
}

/// `[[action]]`: a scripted act of users. Exactly one of `user` and `users` says of whom.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActionSpec {
    /// When.
    pub at: Dur,
    /// Of one user: which, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Of several users: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Users>,
    /// Which tab of each of them, from 0.
    #[serde(default)]
    pub tab: u8,
    /// What.
    #[serde(rename = "do")]
    pub act: Act,
    /// `get-token`: callers at once.
    #[serde(default = "one_u8")]
    pub callers: u8,
    /// `get-token`: whether they pass over the token cache.
    #[serde(default)]
    pub skip_cache: bool,
    /// `set-active`: whether it navigates.
    #[serde(default)]
    pub navigate: bool,
}

fn one_u8() -> u8 {
    1
}

/// What a user or an app can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// The tab gains focus.
    Focus,
    /// The app calls `setActive` with the current session.
    SetActive,
    /// The app calls `getToken`.
    GetToken,
    /// The user opens the next tab.
    OpenTab,
    /// The user reloads the page.
    Reload,
    /// The browser goes offline.
    Offline,
    /// The browser is online again.
    Online,
    /// The server revokes the user's session.
    Revoke,
}

/// `[[expect]]`: a condition on one metric of one policy.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExpectSpec {
    /// `"new.recursive_unauthenticated_events == 0"`: policy, metric, `== != < <= > >=`, number. For a policy name with
    /// a dot the last dot counts. It must hold for the metric in every replication, unless `of` says otherwise.
    pub that: String,
    /// Which value is compared.
    #[serde(default)]
    pub of: ExpectOf,
    /// Whether `check` passes when the expectation holds without having been exercised: no call, no strike, nobody who could
    /// have broken it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub may_be_vacuous: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Which value of a metric an expectation compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectOf {
    /// Every replication's.
    #[default]
    Every,
    /// The mean over the replications.
    Mean,
}

/// `[guard]`: when a run is stopped, with exit code 3.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GuardSpec {
    /// Events of one run: one policy, one replication.
    pub max_events: u64,
    /// Events of one session at one instant.
    pub max_events_at_one_instant: u32,
}

impl Default for GuardSpec {
    fn default() -> GuardSpec {
        GuardSpec { max_events: 10_000_000_000, max_events_at_one_instant: 1_000 }
    }
}
