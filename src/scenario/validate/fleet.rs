//! The client, the fleet and the scripted acts.

use super::Findings;
use crate::fleet::Tabs;
use crate::kernel::Dur;
use crate::scenario::error::Code;
use crate::scenario::parts::Parts;
use crate::scenario::{Act, ClientModel};

/// Checks what client, fleet and actions say together.
pub fn check(findings: &mut Findings<'_>, parts: &Parts) {
    if let Some(client) = &parts.client
        && client.max_rounds.is_some()
        && client.model != ClientModel::Documented
    {
        let model = findings.doc.at("client.model");
        let what = "`max-rounds` belongs to the documented client; the measured releases have no such limit";
        let error = findings.at_key("client.max-rounds", Code::KeyOfOtherKind, what);
        findings.push(error.fix("remove it").other(model, "a measured release"));
    }
    if let Some(fleet) = &parts.fleet {
        if let Tabs::Shares(shares) = &fleet.tabs {
            findings.check_shares("fleet.tabs", &shares.iter().map(|s| s.share).collect::<Vec<_>>());
        }
        if fleet.app_reaction == crate::fleet::AppReaction::None && fleet.app_reaction_from != Dur::ZERO {
            findings
                .warn("fleet.app-reaction-from", "`app-reaction-from` without `app-reaction` does nothing");
        }
    }
    for entry in &parts.actions {
        let (path, action) = (&entry.path, &entry.spec);
        // A fleet without users has its own error, or is no fleet at all.
        if let Some(fleet) = &parts.fleet
            && fleet.users > 0
            && action.user >= fleet.users
        {
            let users = findings.doc.at("fleet.users");
            let error =
                findings.at(&format!("{path}.user"), Code::NoSuchUser, "a user that the fleet does not have");
            let error = error.found(action.user.to_string());
            findings.push(
                error.allowed(format!("0 to {}", fleet.users.saturating_sub(1))).other(users, "the users"),
            );
        }
        if parts.horizon.is_some_and(|horizon| action.at >= horizon) {
            findings.warn(&format!("{path}.at"), "this action is at or after the horizon and never happens");
        }
        let foreign = [
            ("callers", action.callers != 1, Act::GetToken, "get-token"),
            ("skip-cache", action.skip_cache, Act::GetToken, "get-token"),
            ("navigate", action.navigate, Act::SetActive, "set-active"),
        ];
        for (key, given, act, word) in foreign {
            if given && action.act != act {
                let doing = findings.doc.at(&format!("{path}.do"));
                let what = format!("`{key}` belongs to do = \"{word}\"");
                let error = findings.at_key(&format!("{path}.{key}"), Code::KeyOfOtherKind, what);
                findings.push(error.fix("remove it").other(doing, "another act"));
            }
        }
    }
}
