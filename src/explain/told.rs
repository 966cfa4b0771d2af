//! What `explain --format json` prints, as types. Times are seconds of virtual time.

use schemars::JsonSchema;
use serde::Serialize;

/// The story of a session. Times are seconds of virtual time.
#[derive(Serialize, JsonSchema)]
pub(super) struct Told {
    /// What happened, in a sentence or two.
    pub headline: String,
    /// Name of the scenario.
    pub scenario: String,
    /// The client model.
    pub client_model: String,
    /// Version of authstorm.
    pub version: String,
    /// SHA-256 of the scenario and of what it names.
    pub scenario_hash: String,
    /// Seed of the run.
    pub seed: u64,
    /// The replication, from 0.
    pub replication: u32,
    /// The policy of the run, a mix or a rollout.
    pub policy: String,
    /// The policy of the session.
    pub session_policy: String,
    /// Number of the session, as in sessions.csv.
    pub session: u32,
    /// Begin of the part that is told.
    pub from_s: f64,
    /// End of the part that is told.
    pub to_s: f64,
    /// Counts of the whole run of the session.
    pub totals: OfTotals,
    /// The faults that strike the session.
    pub faults: Vec<OfFault>,
    /// What happened in the tabs, in order of time.
    pub steps: Vec<OfStep>,
    /// The calls to the server.
    pub calls: Vec<OfCall>,
    /// The waits of the client.
    pub waits: Vec<OfWait>,
    /// Steps before the part that is told, and that something in it continues.
    pub earlier: Vec<OfEarlier>,
    /// Number of steps beyond the most that a story keeps.
    pub steps_left_out: u64,
}

/// Counts of a session.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfTotals {
    /// Entries of the unauthenticated flow.
    pub entries: u32,
    /// The longest chain of entries.
    pub depth: u32,
    /// Requests.
    pub requests: u32,
    /// Errors that app code got.
    pub errors_surfaced_to_app: u32,
    /// Sign-outs.
    pub sign_outs: u32,
    /// The first sign-out; null without one.
    pub signed_out_at_s: Option<f64>,
    /// Whether the server still knew the session at the first sign-out.
    pub false_sign_out: bool,
}

/// A fault of the scenario.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfFault {
    /// Its name.
    pub name: String,
    /// Its begin.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
}

/// Something that happened in a tab, and what came of it.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfStep {
    /// Number in the whole run.
    pub id: usize,
    /// Time.
    pub at_s: f64,
    /// The tab; null for what concerns the whole session.
    pub tab: Option<u32>,
    /// The step that caused it; null without one.
    pub cause: Option<usize>,
    /// Kind of what happened, such as `open`, `focus`, `answer`, `timer`, or the kind of a message of another tab.
    pub trigger: String,
    /// The answered call, of an answer.
    pub call: Option<usize>,
    /// What happened, in words.
    pub happened: String,
    /// What came of it, in words.
    pub came: Vec<String>,
    /// What came of it.
    pub deeds: Vec<OfEffect>,
}

/// Something that a client did, or that happened to its user.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub(super) enum OfEffect {
    /// It sends a call.
    Sends {
        /// The call.
        call: usize,
    },
    /// It waits.
    Waits {
        /// Length of the wait.
        for_s: f64,
        /// What it does after the wait.
        before: String,
    },
    /// It judges a failure by its policy.
    Judges {
        /// The failure.
        failure: OfFailure,
        /// What it decides.
        verdict: String,
        /// The rule that decides.
        rule: String,
    },
    /// It enters the unauthenticated flow.
    EntersFlow {
        /// Number of the entry in the session; null for a client that counts none.
        entry: Option<u32>,
        /// Number of unfinished entries in the chain, this one included.
        depth: u32,
        /// The failure that led to it; null without one.
        because_of: Option<OfFailure>,
    },
    /// It leaves the flow.
    LeavesFlow {
        /// Number of entries that end.
        levels: u32,
        /// How they end.
        end: String,
    },
    /// The user is signed out.
    SignsOut {
        /// Whether the server still knows the session.
        r#false: bool,
        /// Whether the client used a refresh token a second time, so that the server ended the session. Absent if not.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reused: bool,
    },
    /// The user has a session again.
    HasSession,
    /// The page is gone.
    #[serde(rename = "leaves the page")]
    LeavesThePage,
    /// The client's status changes.
    Status {
        /// The new status.
        status: String,
    },
    /// App code gets an error.
    AppError {
        /// The failure.
        failure: OfFailure,
    },
    /// A sign-in ends.
    SignInEnds {
        /// Why it failed; null if it succeeded.
        failure: Option<OfFailure>,
    },
}

/// A failure of a call.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum OfFailure {
    /// `offline`: the browser has no network. `network`: no HTTP answer came.
    Word(String),
    /// An HTTP answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The error code of the body; null without one.
        code: Option<String>,
        /// Seconds of `Retry-After`; null without the header.
        retry_after_s: Option<u32>,
    },
}

/// A call to the server.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfCall {
    /// Number in the whole run.
    pub id: usize,
    /// The tab that sends it.
    pub tab: u32,
    /// The endpoint.
    pub endpoint: String,
    /// When it is sent.
    pub sent_s: f64,
    /// When its answer comes or it is given up; null if the run or the page ends before.
    pub ended_s: Option<f64>,
    /// How it ends.
    pub outcome: String,
    /// Its failure; null if it succeeds or has not ended.
    pub failure: Option<OfFailure>,
    /// What the client sends it for.
    pub r#for: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// Whether it is the first attempt of an operation.
    pub first_attempt: bool,
    /// The fault that answered; null if none did.
    pub fault: Option<String>,
    /// Whether a limit refused it.
    pub limited: bool,
    /// The step that sent it.
    pub sent_by: usize,
}

/// A wait of the client.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfWait {
    /// Number in the whole run.
    pub id: usize,
    /// The tab that waits.
    pub tab: u32,
    /// Begin.
    pub from_s: f64,
    /// End.
    pub until_s: f64,
    /// What the client does after it.
    pub before: String,
    /// Number of the retry that follows; null if none does.
    pub retry: Option<u32>,
    /// The step that began it.
    pub begun_by: usize,
}

/// A step before the part that is told.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfEarlier {
    /// Number in the whole run.
    pub id: usize,
    /// Time.
    pub at_s: f64,
    /// The tab; null for what concerns the whole session.
    pub tab: Option<u32>,
    /// What happened, in words.
    pub happened: String,
    /// When the chain that it belongs to began; null if it began one.
    pub chain_began_at_s: Option<f64>,
    /// What that chain began with.
    pub chain_began_with: Option<String>,
}
