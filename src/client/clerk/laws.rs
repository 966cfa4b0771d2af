//! Laws that hold for every state of the client, for checks.

use super::pages::Pages;
use super::release::Flow;
use super::setup::{Rules, Setup};
use super::task::{Kind, Reply, Stage, Task};

impl Pages {
    /// At most one poller of a browser is in a tick and holds the cross-tab lock.
    pub(super) fn pollers_break_the_lock(&self, user: u32) -> Option<String> {
        let ticking = self
            .tasks()
            .pollers()
            .filter(|(tab, epoch, stage)| {
                *stage == Stage::Waiting && self.is_of(*tab, user) && self.is_open_page(*tab, *epoch)
            })
            .count();
        (ticking > 1).then(|| format!("{ticking} pollers of browser {user} are in a tick"))
    }
}

/// Whether the rules count the answer to this task as a reason to sign out (`clerk-js.md`, "The unauthenticated flow"
/// and "The documented cascade").
pub(super) fn names_sign_out(task: &Task, setup: &Setup, rules: &Rules) -> bool {
    let Reply::Fail(failure) = task.reply() else { return false };
    if task.kind != Kind::Flow {
        return false;
    }
    match setup.release.flow {
        Flow::Touch { max_rounds } => {
            let last_round = task.levels >= max_rounds;
            matches!(failure.status, 401 | 422) || (last_round && rules.enters.contains(failure))
        }
        Flow::Client => matches!(failure.status, 403 | 500),
    }
}
