//! Checks of the client, the fleet and the scripted acts.

use super::Findings;
use crate::client::app::DocumentFocus;
use crate::fleet::{MAX_TABS, Tabs};
use crate::kernel::Dur;
use crate::scenario::parts::{Entry, Parts};
use crate::scenario::users::most_opened;
use crate::scenario::{Act, ActionSpec, Users};
use crate::toml_text::Code;

/// Checks the combination of client, fleet and actions.
pub(super) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    for (path, fleet) in parts.fleets() {
        if let Tabs::Shares(shares) = &fleet.tabs {
            let shares: Vec<f64> = shares.iter().map(|s| s.share).collect();
            findings.check_shares(&format!("{path}.tabs"), &shares);
        }
        let without = [
            ("app-reaction-from", fleet.app_reaction_from != Dur::ZERO, "app-reaction"),
            ("app-reaction-to", fleet.app_reaction_to.is_some(), "app-reaction"),
        ];
        for (key, given, other) in without {
            if given && fleet.app_reaction == crate::client::app::AppReaction::None {
                findings.warn(&format!("{path}.{key}"), &format!("`{key}` without `{other}` does nothing"));
            }
        }
        if fleet.focus_lasts.is_some() && fleet.document_focus != DocumentFocus::One {
            let what = "`focus-lasts` belongs to document-focus = \"one\"";
            let error = findings.at_key(&format!("{path}.focus-lasts"), Code::KeyOfOtherKind, what);
            findings.push(error.fix("remove it, or add document-focus = \"one\""));
        }
        let blurs = parts.actions.iter().any(|entry| entry.spec.act == Act::Blur);
        if fleet.hidden_timers.is_some() && fleet.document_focus == DocumentFocus::All && !blurs {
            let what = "no tab is ever hidden: say document-focus = \"one\" or \"none\", or let an action `blur` a tab";
            findings.warn(&format!("{path}.hidden-timers"), what);
        }
        if fleet.away.is_some() && fleet.stays.is_none() {
            findings.warn(&format!("{path}.away"), "`away` without `stays` does nothing");
        }
    }
    if let Some(most) = parts.fleets().map(|(_, fleet)| fleet.tabs.most()).max() {
        check_tabs(findings, most, &parts.actions);
    }
    for entry in &parts.actions {
        let (path, action) = (&entry.path, &entry.spec);
        check_whom(findings, path, action, parts);
        if parts.horizon.is_some_and(|horizon| action.at >= horizon) {
            findings.warn(&format!("{path}.at"), "this action is at or after the horizon and never happens");
        }
    }
}

/// Checks that an action names its users, and that the fleet or the cohort has them.
fn check_whom(findings: &mut Findings<'_>, path: &str, action: &ActionSpec, parts: &Parts) {
    if action.user.is_some() && action.users.is_some() {
        let user = findings.doc.key_at(&format!("{path}.user"));
        let what = "an action is of one `user` or of several `users`";
        let error = findings.at_key(&format!("{path}.users"), Code::KeyOfOtherKind, what);
        findings.push(error.fix("remove one of the two").other(user, "the other one"));
        return;
    }
    let (first, last, last_at) = match (action.user, action.users) {
        (Some(user), _) => (user, user, format!("{path}.user")),
        (None, Some(Users::Range(first, last))) => (first, last, format!("{path}.users.range[1]")),
        _ => return,
    };
    if first > last {
        let what = "a range of users begins with the lower number";
        let error = findings.at(&format!("{path}.users.range"), Code::Order, what);
        findings.push(error.found(format!("{first} and {last}")).allowed("the lower number first"));
    }
    let cohort = action.cohort.as_ref().and_then(|name| parts.cohorts.iter().find(|c| c.spec.name == *name));
    let (users, whose, at) = match (&action.cohort, cohort) {
        (Some(_), None) => return,
        (Some(_), Some(c)) => (c.spec.fleet.users.into(), "cohort", format!("{}.fleet.users", c.path)),
        (None, _) if parts.cohorts.is_empty() => {
            (parts.users().unwrap_or(0), "fleet", "fleet.users".to_owned())
        }
        (None, _) => (parts.users().unwrap_or(0), "scenario", "cohort".to_owned()),
    };
    // A fleet without users is a separate error, or no fleet at all.
    if users > 0 && u64::from(first.max(last)) >= users {
        let there = findings.doc.at(&at);
        let what = format!("a user that the {whose} does not have");
        let error = findings.at(&last_at, Code::NoSuchUser, what).found(first.max(last).to_string());
        findings.push(error.allowed(format!("0 to {}", users - 1)).other(there, "the users"));
    }
}

/// Checks that no user has more than the greatest number of tabs, and that actions name tabs that their users may have.
fn check_tabs(findings: &mut Findings<'_>, of_user: u32, actions: &[Entry<ActionSpec>]) {
    let mut opened: Vec<ActionSpec> = Vec::new();
    for Entry { path, spec: action } in actions.iter().filter(|entry| entry.spec.act == Act::OpenTab) {
        opened.push(action.clone());
        let most = of_user.saturating_add(most_opened(&opened));
        if most > MAX_TABS {
            let error = findings.at(
                &format!("{path}.do"),
                Code::OutOfRange,
                "an action that opens more tabs than a user may have".to_owned(),
            );
            let error = error.found(format!("tab number {most}"));
            findings.push(error.allowed(format!("at most {MAX_TABS}, those of `fleet.tabs` included")));
            opened.pop();
        }
    }
    for Entry { path, spec: action } in actions {
        let for_them: Vec<ActionSpec> =
            opened.iter().filter(|open| open.whom().may_meet(action.whom())).cloned().collect();
        let most = of_user.saturating_add(most_opened(&for_them));
        if u32::from(action.tab) >= most {
            let error = findings.at(
                &format!("{path}.tab"),
                Code::OutOfRange,
                "a tab that its user does not have".to_owned(),
            );
            findings.push(error.found(action.tab.to_string()).allowed(format!("0 to {}", most - 1)));
        }
    }
}
