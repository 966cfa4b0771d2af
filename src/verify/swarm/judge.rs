//! Judges: they look on at a run and say what went against the simulator's own laws.

use crate::backend::Endpoint;
use crate::backend::limiter::Verdict;
use crate::backend::spec::LimitSpec;
use crate::client::page::{Fact, Input};
use crate::client::task::{Kind, Reply, Stage, TaskId, Tasks, next_epoch};
use crate::kernel::Time;
use crate::metrics::Outcome;
use crate::world::{Observer, Plan};
use std::collections::BTreeMap;

/// What an observer sees of a limit's key: when, and whether it was admitted.
type Verdicts = Vec<(Time, bool)>;

/// Looks on at one run.
pub(super) struct Judge {
    tabs_per_user: u32,
    now: Time,
    /// By tab: page loads so far, whether it is open, whether it is signed out.
    tabs: BTreeMap<u32, TabState>,
    trigger: Option<(u32, Input, Option<Kind>)>,
    open: BTreeMap<TaskId, Endpoint>,
    /// Calls of auth clients sent, by endpoint.
    pub sent: [u64; Endpoint::COUNT],
    /// Calls of generic clients whose outcome is known.
    pub generic_ended: u64,
    /// By limit and key.
    pub verdicts: BTreeMap<(u16, u32), Verdicts>,
    /// What comes from outside: when, tab, what.
    pub exogenous: Vec<(Time, u32, Input)>,
    /// Statuses of calls that are the same question under every policy: tab, endpoint, when sent.
    pub answers: BTreeMap<(u32, u8, Time), u16>,
    /// What went wrong.
    pub violations: Vec<String>,
}

#[derive(Clone, Copy, Default)]
struct TabState {
    epoch: u16,
    open: bool,
    signed_out: bool,
}

impl Judge {
    pub fn new(plan: &Plan) -> Judge {
        Judge {
            tabs_per_user: plan.tabs_per_user,
            now: Time::ZERO,
            tabs: BTreeMap::new(),
            trigger: None,
            open: BTreeMap::new(),
            sent: [0; Endpoint::COUNT],
            generic_ended: 0,
            verdicts: BTreeMap::new(),
            exogenous: Vec::new(),
            answers: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    fn violation(&mut self, what: String) {
        if self.violations.len() < 20 {
            self.violations.push(what);
        }
    }

    fn clock(&mut self, now: Time) {
        if now < self.now {
            self.violation(format!("time went back from {} to {now}", self.now));
        }
        self.now = now;
    }

    /// Calls whose end was never told.
    pub fn still_open(&self) -> usize {
        self.open.len()
    }

    /// One poller of a browser at most is in a tick: it holds the cross-tab lock.
    fn count_pollers(&mut self, tab: u32, tasks: &Tasks) {
        let user = tab / self.tabs_per_user;
        let ticking = tasks
            .pollers()
            .filter(|(tab, _, stage)| *stage == Stage::Waiting && tab / self.tabs_per_user == user)
            .filter(|(tab, epoch, _)| {
                self.tabs.get(tab).is_some_and(|state| state.open && state.epoch == *epoch)
            })
            .count();
        if ticking > 1 {
            self.violation(format!("{} pollers of browser {user} are in a tick at {}", ticking, self.now));
        }
    }
}

impl Observer for Judge {
    const ACTIVE: bool = true;

    fn input(&mut self, now: Time, tab: u32, input: Input, tasks: &Tasks) {
        self.clock(now);
        self.count_pollers(tab, tasks);
        let state = self.tabs.entry(tab).or_default();
        match input {
            Input::Open => {
                *state = TabState { epoch: next_epoch(state.epoch), open: true, signed_out: false };
            }
            Input::Close if state.open => {
                state.epoch = next_epoch(state.epoch);
                state.open = false;
            }
            _ => {}
        }
        if matches!(
            input,
            Input::Open | Input::Close | Input::Focus | Input::AppGetToken { .. } | Input::SetActive { .. }
        ) {
            self.exogenous.push((now, tab, input));
        }
        let kind = match input {
            Input::Answer(task) | Input::Timer(task) | Input::Lock(task) => Some(tasks.kind(task)),
            _ => None,
        };
        self.trigger = Some((tab, input, kind));
    }

    /// After a sign-out nothing new begins in that tab: what was under way goes on (the recordings show refresh chains
    /// and retries that do), and the user may sign in. Poller, focus, app and messages send nothing.
    fn sent(
        &mut self,
        now: Time,
        tab: u32,
        task: TaskId,
        _state: &crate::client::task::Task,
        endpoint: Endpoint,
        _first: bool,
    ) {
        self.clock(now);
        self.sent[endpoint as usize] += 1;
        if self.open.insert(task, endpoint).is_some() {
            self.violation(format!("task {task} sent a second call before the first had ended, at {now}"));
        }
        if self.tabs.get(&tab).is_some_and(|state| state.signed_out)
            && let Some((of, input, kind)) = self.trigger
        {
            let goes_on = match input {
                Input::Answer(_) => true,
                Input::Timer(_) => kind != Some(Kind::Poll),
                Input::SignIn { .. } => endpoint == Endpoint::SignIn,
                _ => false,
            };
            if of == tab && !goes_on {
                self.violation(format!(
                    "signed-out tab {tab} calls /{endpoint} at {now}, because of {input:?}"
                ));
            }
        }
    }

    fn call_ended(
        &mut self,
        now: Time,
        tab: u32,
        task: TaskId,
        endpoint: Endpoint,
        sent: Time,
        reply: Reply,
        outcome: Outcome,
    ) {
        self.clock(now);
        if self.open.remove(&task) != Some(endpoint) {
            self.violation(format!(
                "a call of task {task} to /{endpoint} ended twice, or was never sent, at {now}"
            ));
        }
        if !matches!(outcome, Outcome::InFlight | Outcome::Dropped) {
            let status = match reply {
                Reply::Ok { .. } => 200,
                Reply::Fail(failure) => failure.status,
            };
            self.answers.insert((tab, endpoint as u8, sent), status);
        }
    }

    fn judged(&mut self, now: Time, limit: u16, key: u32, verdict: Verdict) {
        self.clock(now);
        let admitted = matches!(verdict, Verdict::Admit { .. });
        self.verdicts.entry((limit, key)).or_default().push((now, admitted));
    }

    fn generic_ended(&mut self, _client: u32, _sent: Time, _outcome: Outcome) {
        self.generic_ended += 1;
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        self.clock(now);
        match fact {
            Fact::SignedOut => self.tabs.entry(tab).or_default().signed_out = true,
            Fact::SignedIn => self.tabs.entry(tab).or_default().signed_out = false,
            _ => {}
        }
    }
}

/// The bound that a limit's verdicts on one key break, if they do: in exact integers, over every window.
pub(super) fn broken_bound(spec: &LimitSpec, verdicts: &Verdicts) -> Option<String> {
    let admitted: Vec<Time> = verdicts.iter().filter(|(_, admitted)| *admitted).map(|(at, _)| *at).collect();
    if let Some(penalty) = spec.penalty {
        let mut blocked_until = None;
        for (at, admitted) in verdicts {
            match (admitted, blocked_until) {
                (true, Some(until)) if *at < until => {
                    return Some(format!("admitted at {at}, in a penalty until {until}"));
                }
                (false, until) if until.is_none_or(|until| *at >= until) => {
                    blocked_until = Some(at.after(penalty));
                }
                _ => {}
            }
        }
    }
    spec.kind.broken_law(&admitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> LimitSpec {
        toml::from_str(&format!("endpoints = [\"generic\"]\nkey = \"global\"\n{text}")).unwrap()
    }

    #[test]
    fn a_bound_is_kept_at_its_edge_and_broken_just_beyond() {
        let s = |at: u64| (Time(at * 1_000_000_000), true);
        for (text, kept, broken) in [
            ("kind = \"gcra\"\nrate = \"1/2s\"\nburst = 2", vec![s(0), s(0), s(2)], vec![s(0), s(0), s(1)]),
            (
                "kind = \"leaky-bucket\"\nrate = \"1/2s\"\nburst = 1",
                vec![s(0), s(0), s(2)],
                vec![s(0), s(0), s(0)],
            ),
            ("kind = \"fixed-window\"\nlimit = 1\nwindow = \"2s\"", vec![s(1), s(2)], vec![s(2), s(3)]),
            ("kind = \"sliding-log\"\nlimit = 1\nwindow = \"2s\"", vec![s(1), s(3)], vec![s(1), s(2)]),
            (
                "kind = \"sliding-log\"\nlimit = 1\nwindow = \"2s\"\npenalty = \"9s\"",
                vec![s(1), (Time(2_000_000_000), false), s(11)],
                vec![s(1), (Time(2_000_000_000), false), s(10)],
            ),
        ] {
            assert_eq!(broken_bound(&limit(text), &kept), None, "{text}");
            assert!(broken_bound(&limit(text), &broken).is_some(), "{text}");
        }
    }
}
