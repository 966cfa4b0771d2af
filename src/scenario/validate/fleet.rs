//! The client, the fleet and the scripted acts.

use super::Findings;
use crate::fleet::{MAX_TABS, Tabs};
use crate::kernel::Dur;
use crate::scenario::error::Code;
use crate::scenario::parts::{Entry, Parts};
use crate::scenario::{Act, ActionSpec, ClientModel};
use std::collections::BTreeMap;

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
    if let Some(fleet) = &parts.fleet {
        check_tabs(findings, &fleet.tabs, &parts.actions);
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

/// Checks that no user has more tabs than there may be, and that actions speak of tabs that their user has.
fn check_tabs(findings: &mut Findings<'_>, tabs: &Tabs, actions: &[Entry<ActionSpec>]) {
    let mut tabs_of: BTreeMap<u32, u32> = BTreeMap::new();
    for Entry { path, spec: action } in actions.iter().filter(|entry| entry.spec.act == Act::OpenTab) {
        let tabs = tabs_of.entry(action.user).or_insert(tabs.most());
        *tabs += 1;
        if *tabs > MAX_TABS {
            let what = format!("user {} opens more tabs than a user may have", action.user);
            let error = findings.at(&format!("{path}.do"), Code::OutOfRange, what);
            let error = error.found(format!("tab number {tabs}"));
            findings.push(error.allowed(format!("at most {MAX_TABS}, those of `fleet.tabs` included")));
        }
    }
    for Entry { path, spec: action } in actions {
        let tabs = tabs_of.get(&action.user).copied().unwrap_or(tabs.most());
        if u32::from(action.tab) >= tabs {
            let what = format!("a tab that user {} does not have", action.user);
            let error = findings.at(&format!("{path}.tab"), Code::OutOfRange, what);
            findings.push(error.found(action.tab.to_string()).allowed(format!("0 to {}", tabs - 1)));
        }
    }
}
