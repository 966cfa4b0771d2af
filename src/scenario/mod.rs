//! Scenario files: their format, how they are loaded, and errors that point at the text.

use crate::backend::BackendSpec;
use crate::client::own::OwnClient;
use crate::client::policy::Policy;
use crate::client::token::{self, Profile};
use crate::client::workload::WorkloadSpec;
use crate::client::{Model, ModelName};
use crate::fault::FaultSpec;
use crate::fleet::{FleetSpec, MAX_TABS};
use crate::kernel::{Dist, Dur};
use crate::spec::PROSE;
use crate::spec::leaf::{Name, Reference, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub mod codes;
pub(crate) mod cohort;
pub mod expect;
mod extensions;
pub mod format;
pub(crate) mod keys;
pub mod load;
mod loaded;
mod parts;
pub mod policies;
mod policy_files;
mod presets;
mod rollout;
mod set;
mod template;
pub mod users;
mod validate;
mod warm_up;

pub use crate::toml_text::{Code, Source, TextError as ScenarioError, TextErrors as ScenarioErrors};
pub use cohort::{Cohort, CohortSpec};
pub use expect::{CheckSpec, ExpectOf, ExpectSpec, Expectation, parse_expectation};
pub use extensions::Extensions;
pub use load::{Loaded, load, load_extended, load_text, load_text_extended, load_text_in, load_with};
pub(crate) use loaded::hash;
pub use policies::ResolvedPolicy;
pub use policy_files::PolicyFile;
pub use rollout::{Rollout, RolloutSpec};
pub use set::Settings;
pub use template::{Start, template};
pub use users::Users;
pub use warm_up::{WARM_UP, WarmUp};

/// The version of the scenario format that this build reads.
pub const FORMAT_VERSION: u32 = 1;
/// The most entries of a list of tables. More is an error of a generator, not a scenario.
const MANY: usize = 1_000;
/// The most cohorts. Results have a row of each metric for each.
const MOST_COHORTS: usize = 100;

/// A scenario: who calls what, what goes wrong, which policies are compared, and what must hold.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "the top level")]
#[non_exhaustive]
pub struct Scenario {
    /// Version of the file format.
    #[schemars(extend("const" = FORMAT_VERSION), example = FORMAT_VERSION)]
    pub version: u32,
    /// Name of the scenario and of its results directory: 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    #[schemars(with = "Name", example = &"my-storm")]
    pub name: String,
    /// What the scenario shows, in a sentence or two. Reports print it.
    #[serde(default)]
    #[schemars(length(max = PROSE), extend("x-lines" = true), example = "What happens when /touch is limited.")]
    pub about: String,
    /// Seed of all random numbers. Two runs of one scenario and one seed give the same results, byte for byte.
    #[serde(default = "one_u64")]
    pub seed: u64,
    /// Independent replications of each policy. Intervals come from them: one replication gives none, and does not tell a difference
    /// of policies from chance.
    #[serde(default = "ten_u32")]
    #[schemars(range(min = 1, max = 10_000), extend("x-unit" = "replications"))]
    pub replications: u32,
    /// Length of a run in virtual time.
    #[schemars(extend("x-above-zero" = true), example = "10m")]
    pub horizon: Dur,
    /// Width of a bucket of the timeline, at most the horizon.
    #[serde(default = "one_second")]
    #[schemars(extend("x-above-zero" = true))]
    pub bucket: Dur,
    /// How much of the begin of a run does not count for its long-run rates, the `calls_per_s` of conditions: a duration, or
    /// `rule` to find its end in each run by the marginal standard error (MSER-5, White 1997). Without it all of a run counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2m")]
    pub warm_up: Option<WarmUp>,
    /// The policies to compare, by name: a preset, a `[[policy]]`, a policy file, a `[[mix]]` or a `[[rollout]]`. The name of a token
    /// client or of a measured release stands for that client as it is, a release with the policy that it was shipped with, whatever
    /// `client.model` is. The first is the reference of the comparisons.
    #[schemars(with = "Vec<Reference>", length(min = 1, max = 100), example = vec!["old", "new"])]
    pub policies: Vec<String>,
    /// Policy files: paths relative to the scenario's directory and inside it. A file with a table `[sdk]` is a client
    /// profile of your own, which `policies` names by its `sdk.name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 1_000)), example = vec!["policies/mine.toml"])]
    pub policy_files: Vec<String>,
    /// Policies written in the scenario itself.
    #[serde(default, rename = "policy", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub inline_policies: Vec<Policy>,
    /// Fleets of which a share runs one policy and the rest another, as during a rollout.
    #[serde(default, rename = "mix", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub mixes: Vec<Mix>,
    /// Fleets in which the users get another policy during the run.
    #[serde(default, rename = "rollout", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub rollouts: Vec<RolloutSpec>,
    /// Which release of the auth client the users' browsers run. Not needed beside a `[[workload]]`, or where each
    /// `[[cohort]]` has a client.
    #[serde(default)]
    #[schemars(extend("x-unless" = ["workload", "cohort"]))]
    pub client: ClientSpec,
    /// The users: how many, with how many tabs, and what they do. Not needed beside a `[[workload]]` or
    /// a `[[cohort]]`.
    #[serde(default = "FleetSpec::nobody")]
    #[schemars(extend("x-unless" = ["workload", "cohort"]))]
    pub fleet: FleetSpec,
    /// All clients that the policies and the cohorts name, in words, each once. Loading a scenario sets them.
    #[serde(skip)]
    #[schemars(skip)]
    pub named_clients: Vec<String>,
    /// Parts of the users that differ in client, policy, habits, network, app or region. A scenario with cohorts has no `[fleet]`.
    #[serde(default, rename = "cohort", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_COHORTS))]
    pub cohorts: Vec<CohortSpec>,
    /// Generic clients, which call the endpoint `generic` and know nothing of sessions and tokens.
    #[serde(default, rename = "workload", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MANY))]
    pub workloads: Vec<WorkloadSpec>,
    /// The servers: latencies, workers, queues, rate limits.
    #[serde(default)]
    pub backend: BackendSpec,
    /// What goes wrong, and when. Of two faults that could answer a call, the earlier one does.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MANY))]
    pub faults: Vec<FaultSpec>,
    /// Scripted acts of users at given times.
    #[serde(default, rename = "action", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10 * MANY))]
    pub actions: Vec<ActionSpec>,
    /// Conditions on the metrics. `check` and `run` exit with 1 when one fails or is not decided.
    #[serde(default, rename = "expect", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MANY))]
    pub expectations: Vec<ExpectSpec>,
    /// How the verdicts are decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckSpec>,
    /// When a run is stopped before its horizon.
    #[serde(default)]
    pub guard: GuardSpec,
}

fn one_u64() -> u64 {
    1
}

fn ten_u32() -> u32 {
    10
}

fn one_second() -> Dur {
    Dur::from_secs(1)
}

/// Users run one of several policies, each user always the same one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[mix]]")]
pub struct Mix {
    /// Name of the mix among the policies.
    #[schemars(with = "Name", example = &"half-new")]
    pub name: String,
    /// The policies and their shares, which add up to 1.
    #[schemars(
        length(min = 1, max = 100),
        example = serde_json::json!([{ "policy": "old", "share": 0.5 }, { "policy": "new", "share": 0.5 }])
    )]
    pub shares: Vec<PolicyShare>,
}

/// One policy of a mix.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a share")]
pub struct PolicyShare {
    /// Name of the policy.
    #[schemars(with = "Reference", example = &"old")]
    pub policy: String,
    /// Share of the users that run it.
    #[schemars(with = "Share", example = 0.5)]
    pub share: f64,
}

/// The auth client that the users' browsers run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[client]")]
pub struct ClientSpec {
    /// Which client: the documented one, a measured release, a token client, or a profile of your own.
    #[serde(rename = "model")]
    pub name: ModelName,
    /// The profile of your own. Loading a scenario reads it from its file.
    #[serde(
        skip_deserializing,
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::client::as_is::serialize"
    )]
    #[schemars(skip)]
    pub profile: Option<Arc<Profile>>,
    /// Name of the client that `model = "own"` stands for, in the program that uses the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name", example = &"my-sdk", extend("x-only" = { "model": ["own"] }, "x-needed" = true))]
    pub sdk: Option<String>,
    /// The client of this name.
    #[serde(skip)]
    pub own: Option<OwnClient>,
    /// Rounds of the unauthenticated flow after which the client signs its user out; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        range(min = 1, max = 1_000_000),
        example = 40,
        extend("x-unit" = "rounds", "x-only" = { "model": ["documented"] })
    )]
    pub max_rounds: Option<u32>,
    /// Client objects of a page, which open at once. The app asks the first of them for tokens.
    #[serde(default = "one_u8", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 64), extend("x-unit" = "objects"))]
    pub objects: u8,
    /// Whether the browser's storage keeps a session that the client removes, as cookies that a page may not write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub storage_ignores_removals: bool,
}

impl Default for ClientSpec {
    fn default() -> ClientSpec {
        ClientSpec {
            name: ModelName::default(),
            profile: None,
            sdk: None,
            own: None,
            max_rounds: None,
            objects: 1,
            storage_ignores_removals: false,
        }
    }
}

impl ClientSpec {
    /// The client's model.
    pub fn model(&self) -> Model {
        self.name.model()
    }

    /// The model's name; for a client of the program's own or a profile in a file, with its name: `own my-sdk`.
    pub fn in_words(&self) -> String {
        let profile = self.profile.as_ref().map(|profile| &profile.sdk.name);
        let name = self.sdk.as_ref().or(profile).map(|name| format!(" {name}"));
        format!("{}{}", self.model(), name.unwrap_or_default())
    }

    /// The name of its profile, if no recording confirms it.
    pub fn unrecorded(&self) -> Option<String> {
        let shipped = token::named(self.model().name());
        let profile = self.profile.as_ref().or(shipped.as_ref())?;
        profile.sdk.unrecorded.then(|| profile.sdk.name.clone())
    }
}

fn is_one(value: &u8) -> bool {
    *value == 1
}

/// A scripted act of users. Exactly one of `user` and `users` says whose.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[action]]")]
pub struct ActionSpec {
    /// Time of the act, from the start of the run.
    #[schemars(example = "30s")]
    pub at: Dur,
    /// The cohort whose users act; `user` and `users` then count within it. Without it, they count through all cohorts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reference", example = &"office")]
    pub cohort: Option<String>,
    /// Each user acts this much later than `at`: a page that reloads within some minutes of a deploy. Without it, all act at
    /// `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "uniform": ["0s", "5m"] }))]
    pub spread: Option<Dist>,
    /// Number of the one user who acts, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-unless" = ["users"]))]
    pub user: Option<u32>,
    /// The users who act, when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Users>,
    /// Number of the tab of each user, from 0.
    #[serde(default)]
    #[schemars(range(max = MAX_TABS - 1))]
    pub tab: u8,
    /// The act.
    #[serde(rename = "do")]
    pub act: Act,
    /// Calls of `getToken` at once.
    #[serde(default = "one_u8")]
    #[schemars(range(min = 1), extend("x-unit" = "calls", "x-only" = { "do": ["get-token"] }))]
    pub callers: u8,
    /// Whether the calls of `getToken` skip the client's token cache.
    #[serde(default)]
    #[schemars(extend("x-only" = { "do": ["get-token"] }))]
    pub skip_cache: bool,
    /// Whether `setActive` navigates to another page.
    #[serde(default)]
    #[schemars(extend("x-only" = { "do": ["set-active"] }))]
    pub navigate: bool,
    /// Whether `setActive` makes no session the active one (`session: null`). The tab then shows the sign-in page although
    /// the server knows the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("x-only" = { "do": ["set-active"] }))]
    pub no_session: bool,
}

fn one_u8() -> u8 {
    1
}

/// What a user or an app can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// The tab gains focus.
    Focus,
    /// The tab's document loses focus, because its user turns to another window.
    Blur,
    /// The app calls `setActive` with the current session, or with none.
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
    /// The user's device goes to sleep: see `fleet.sleep`.
    Sleep,
    /// The user's device wakes, if it sleeps.
    Wake,
    /// The server revokes the user's session.
    Revoke,
}

/// When a run is stopped before its horizon, with exit code 3.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "[guard]")]
pub struct GuardSpec {
    /// Most events of one run, which is one policy and one replication.
    #[schemars(range(min = 1), extend("x-unit" = "events"))]
    pub max_events: u64,
    /// Most events of one session at one instant. More is an endless loop.
    #[schemars(range(min = 1), extend("x-unit" = "events"))]
    pub max_events_at_one_instant: u32,
}

impl Default for GuardSpec {
    fn default() -> GuardSpec {
        GuardSpec { max_events: 10_000_000_000, max_events_at_one_instant: 1_000 }
    }
}
