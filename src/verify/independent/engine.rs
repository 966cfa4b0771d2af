//! What the engine does, in the words of [`Log`]: an observer writes it down.

use super::log::Log;
use crate::backend::Endpoint;
use crate::client::fact::{Fact, Status};
use crate::client::family::{Activity, Call};
use crate::client::step::TaskId;
use crate::kernel::Time;
use crate::metrics::Outcome;
use crate::world::{Control, Observer, Plan, observed};
use std::collections::BTreeMap;

/// The engine's log of a contender in the first replication; none when a guard stopped it.
pub(super) fn log(plan: &Plan, contender: usize) -> Option<Log> {
    let writer = Writer { tabs: plan.tabs.per_user(), ..Writer::default() };
    let (run, mut writer, tabs) = observed(plan, contender, 0, &Control::default(), writer).ok()?;
    let horizon = plan.horizon.0;
    for (tab, ends) in tabs.iter().enumerate().filter(|(_, ends)| ends.open) {
        let status = match ends.status {
            Status::Loading => "Loading",
            Status::Ready => "Ready",
            Status::Degraded => "Degraded",
            Status::Error => "Error",
        };
        let cookie = ends.cookie.map(|token| u64::from(token.iat()));
        let state = format!("client {}, session {}, {status}, cookie {cookie:?}", ends.client, ends.session);
        writer.log.add(horizon, format!("tab {tab}"), format!("ends {state}"));
    }
    for (user, cookies) in &writer.cookies {
        writer.log.cookies(u64::from(*user), cookies);
    }
    for (user, session) in run.metrics.sessions.iter().enumerate() {
        let signed_out = session.signed_out_at.map(|at| (at.0, session.false_sign_out));
        writer.log.add(
            horizon,
            format!("user {user}"),
            super::world::counts(session.requests, session.entries, session.depth, signed_out),
        );
    }
    Some(writer.log)
}

#[derive(Default)]
struct Writer {
    tabs: u32,
    log: Log,
    /// The call in flight of each task: whether it is a first attempt.
    open: BTreeMap<TaskId, bool>,
    cookies: BTreeMap<u32, BTreeMap<u64, Option<u64>>>,
}

impl Writer {
    fn write(&mut self, now: Time, tab: u32, what: String) {
        self.log.add(now.0, format!("tab {tab}"), what);
    }
}

impl Observer for Writer {
    const ACTIVE: bool = true;

    fn sent(
        &mut self,
        _now: Time,
        _tab: u32,
        id: TaskId,
        _doing: Activity,
        _endpoint: Endpoint,
        first: bool,
    ) {
        self.open.insert(id, first);
    }

    fn call_ended(&mut self, now: Time, task: TaskId, call: &Call, outcome: Outcome) {
        let first = if self.open.get(&task) == Some(&true) { ", first" } else { "" };
        let at = if matches!(outcome, Outcome::Dropped | Outcome::InFlight) {
            String::new()
        } else {
            format!(" at {}", now.0)
        };
        self.write(call.sent, call.tab, format!("{}{first} {}{at}", call.endpoint, outcome.name()));
    }

    fn generic_ended(&mut self, client: u32, sent: Time, outcome: Outcome) {
        self.log.add(sent.0, format!("client {client}"), format!("generic {}", outcome.name()));
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        match fact {
            Fact::FlowEntered { open, active, depth, .. } => {
                self.write(now, tab, format!("call {open} of the flow, {active}"));
                if active {
                    self.write(now, tab, format!("enters the flow, depth {depth}"));
                }
            }
            Fact::Cookie(token) => {
                let iat = token.map(|token| u64::from(token.iat()));
                self.cookies.entry(tab / self.tabs).or_default().insert(now.0, iat);
            }
            Fact::SignedIn => self.write(now, tab, "signed in".to_owned()),
            Fact::SignedOut => self.write(now, tab, "signed out".to_owned()),
            Fact::LoadEnd(status) => self.write(now, tab, format!("load ends {status:?}")),
            Fact::AppError(_) | Fact::UnhandledRejection(_) => self.write(now, tab, "app error".to_owned()),
            Fact::AppAsked => self.write(now, tab, "app asks".to_owned()),
            Fact::AppLeft(callers) => self.write(now, tab, format!("app leaves {callers}")),
            Fact::AppWaited(wait) => self.write(now, tab, format!("app waited {}", wait.0)),
            _ => {}
        }
    }
}
