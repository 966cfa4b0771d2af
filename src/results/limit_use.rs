//! What the limits did: calls asked and refused, and whom they refused.

use crate::backend::gateway::LimitTotals;
use crate::backend::spec::LimitSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a limit did under a policy, summed over the replications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitUse {
    /// The limit in words: its number from 1, its endpoints, its settings.
    pub limit: String,
    /// Calls that it judged.
    pub asked: u64,
    /// Calls that it refused.
    pub refused: u64,
    /// Whom it refused. Absent if the limit has no `report-keys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<WhomRefused>,
}

/// Keys and callers of a limit. Those of each replication count anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhomRefused {
    /// Keys with any call.
    pub keys: u64,
    /// Keys of which any call was refused.
    pub keys_refused: u64,
    /// Calls of the key of which most calls were refused in a run; among several, of the one with most calls.
    pub worst_key_asked: u64,
    /// The refused ones of these.
    pub worst_key_refused: u64,
    /// Callers, users or generic clients, with any call.
    pub callers: u64,
    /// Callers of which any call was refused.
    pub callers_refused: u64,
    /// Callers that never asked more than their fair share: what the limit promises their key, divided by the callers that
    /// share the key, and at least one call. Absent if the limit promises no number of calls in a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub innocent: Option<u64>,
    /// Those of them of which any call was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub innocent_refused: Option<u64>,
}

impl LimitUse {
    /// What a limit in these words did.
    pub fn new(limit: String, spec: &LimitSpec, totals: &LimitTotals) -> LimitUse {
        let who = totals.who;
        let judges = spec.kind.promise().is_some();
        LimitUse {
            limit,
            asked: totals.asked(),
            refused: totals.refused,
            who: spec.report_keys.then(|| WhomRefused {
                keys: who.keys,
                keys_refused: who.keys_refused,
                worst_key_asked: who.worst_key_asked,
                worst_key_refused: who.worst_key_refused,
                callers: who.callers,
                callers_refused: who.callers_refused,
                innocent: judges.then_some(who.innocent),
                innocent_refused: judges.then_some(who.innocent_refused),
            }),
        }
    }
}
