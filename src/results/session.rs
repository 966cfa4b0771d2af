//! A browser session of a run, and how much harm it suffered.

use super::Results;
use crate::client::Model;
use crate::client::family::{FlowHarm, FlowWords};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// One browser session of one replication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionRow {
    /// Replication, from 0.
    pub replication: u32,
    /// The user, from 0.
    pub session: u32,
    /// The session's client; absent where the clients of all sessions are of one family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Entries of the flow of the session's client.
    pub entries: u32,
    /// Entries that the answer to a request of an earlier entry caused.
    #[serde(default)]
    pub recursive_entries: u32,
    /// Entries that failed.
    #[serde(default)]
    pub failed_entries: u32,
    /// Greatest depth of an entry.
    pub depth: u32,
    /// Calls that the session sent.
    pub requests: u32,
    /// When the user was first signed out, in seconds; absent when never.
    pub signed_out_at_s: Option<f64>,
    /// Whether the first sign-out was false: the server still knew the session.
    pub false_sign_out: bool,
    /// Whether the client's reuse of a refresh token had ended the session before that sign-out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reuse_sign_out: bool,
    /// Seconds without a valid token while signed in.
    pub stale_token_s: f64,
}

/// Harm to a session. The lesser of two values is the worse.
///
/// Where each entry of the flow harms, entries decide first, then whether the user was signed out, then requests.
/// Where only recursive and failed entries do, the first to decide is whether the client signed out a user whose session
/// no one had revoked; then come the number of such entries, a sign-out, and requests. The same order holds where clients of several
/// families run beside each other; the entries that count are those that harm by the flow of each session's own client.
pub type Harm = (bool, Reverse<u64>, bool, Reverse<u32>);

impl SessionRow {
    /// The harm to the session, in a family with this flow.
    pub fn harm(&self, flow: &FlowWords) -> Harm {
        match flow.harm {
            FlowHarm::Each => self.harm_by(true, FlowHarm::Each),
            FlowHarm::RecursiveOrFailed => self.harm_by(!self.is_signed_out_wrongly(), flow.harm),
            FlowHarm::OfClient => self.harm_by(!self.is_signed_out_wrongly(), self.model().flow().harm),
        }
    }

    fn harm_by(&self, first: bool, own: FlowHarm) -> Harm {
        let entries = match own {
            FlowHarm::Each | FlowHarm::OfClient => self.entries.into(),
            FlowHarm::RecursiveOrFailed => u64::from(self.recursive_entries) + u64::from(self.failed_entries),
        };
        (first, Reverse(entries), self.signed_out_at_s.is_none(), Reverse(self.requests))
    }

    fn is_signed_out_wrongly(&self) -> bool {
        self.false_sign_out || self.reuse_sign_out
    }

    /// The model of the session's client, where sessions say their clients: a name of no model is that of a profile.
    pub fn model(&self) -> Model {
        let name = self.client.as_deref().unwrap_or_default();
        Model::named(name).unwrap_or(Model::PROFILE)
    }

    /// The words of the flow of the session's client in these results.
    pub fn flow(&self, results: &Results) -> &'static FlowWords {
        match self.client {
            Some(_) => self.model().flow(),
            None => results.flow(),
        }
    }

    /// [`SessionRow::rank`] among sessions of clients of several families. `own` says which entries of this session's client harm.
    pub(crate) fn rank_among(&self, own: FlowHarm) -> (Harm, u32, u32) {
        (self.harm_by(!self.is_signed_out_wrongly(), own), self.replication, self.session)
    }

    /// Whether the client did the session any harm that its rank counts.
    pub fn is_harmed(&self, flow: &FlowWords) -> bool {
        let (first, Reverse(entries), kept, _) = self.harm(flow);
        entries > 0 || !first || !kept
    }

    /// Sort key of a policy's sessions, worst first: by harm, then by replication and session.
    pub fn rank(&self, flow: &FlowWords) -> (Harm, u32, u32) {
        (self.harm(flow), self.replication, self.session)
    }
}
