//! Judges observe a run and report violations of the simulator's laws.

use crate::backend::Endpoint;
use crate::backend::limiter::Verdict;
use crate::backend::spec::LimitSpec;
use crate::client::TabNumbers;
use crate::client::fact::Fact;
use crate::client::family::{Activity, Call, Due, Look, Role, TaskRow};
use crate::client::step::{Input, TaskId};
use crate::kernel::Time;
use crate::metrics::Outcome;
use crate::world::{Observer, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const AUTHORIZE: Endpoint = Endpoint::known("authorize");
const DISCOVERY: Endpoint = Endpoint::known("discovery");

/// What a limit did with the calls of a key.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    /// Decisions: time, whether the call was admitted, and how many requests it counts as.
    pub judged: Vec<(Time, bool, u32)>,
    /// Calls counted when their answers were decided: time, and how many requests they count as.
    pub counted: Vec<(Time, u32)>,
}

/// Observes one run.
pub(super) struct Judge {
    tabs: TabNumbers,
    now: Time,
    /// Tabs that are signed out.
    signed_out: BTreeSet<u32>,
    /// Users whose pages have several client objects.
    with_objects: Vec<Range<u32>>,
    trigger: Option<(u32, Input, Option<&'static TaskRow>)>,
    open: BTreeMap<TaskId, Endpoint>,
    /// Calls of auth clients sent, by endpoint.
    pub sent: [u64; Endpoint::COUNT],
    /// Calls of generic clients with a known outcome.
    pub generic_ended: u64,
    /// Decisions by limit and key.
    pub verdicts: BTreeMap<(u16, u32), Verdicts>,
    /// Events from outside: time, tab, event.
    pub exogenous: Vec<(Time, u32, Input)>,
    /// Statuses of calls that are the same question under every policy: tab, endpoint, time of sending.
    pub answers: BTreeMap<(u32, u8, Time), u16>,
    /// Violations of laws.
    pub violations: Vec<String>,
}

impl Judge {
    pub(super) fn new(plan: &Plan) -> Judge {
        let with_objects = plan.scenario.cohorts().into_iter().filter(|cohort| cohort.client.objects > 1);
        Judge {
            tabs: plan.tabs,
            now: Time::ZERO,
            signed_out: BTreeSet::new(),
            with_objects: with_objects.map(|cohort| cohort.users).collect(),
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

    /// Calls whose end was never reported.
    pub(super) fn still_open(&self) -> usize {
        self.open.len()
    }
}

impl Observer for Judge {
    const ACTIVE: bool = true;

    fn input(&mut self, now: Time, tab: u32, input: Input, look: &dyn Look) {
        self.clock(now);
        if let Some(law) = look.broken_law(self.tabs.user_of(tab)) {
            self.violation(format!("{law} at {now}"));
        }
        if input == Input::Open {
            self.signed_out.remove(&tab);
        }
        if matches!(
            input,
            Input::Open
                | Input::Close
                | Input::Focus
                | Input::Blur
                | Input::AppGetToken { .. }
                | Input::SetActive { .. }
        ) {
            self.exogenous.push((now, tab, input));
        }
        let kind = match input {
            Input::Answer(task) | Input::Timer(task) | Input::Lock(task) => Some(look.doing(task).task),
            _ => None,
        };
        self.trigger = Some((tab, input, kind));
    }

    /// After a sign-out, nothing new begins in that tab. Running refresh chains and retries continue, as the recordings show,
    /// and the user may sign in. Poller, focus, app and messages send nothing. A client that asks an iframe for a session does not
    /// know that it is signed out (facts of auth0-spa-js, `login_required`; recording 40). A page's further client object does not
    /// learn that another one has signed out: storage events reach other pages alone. Its timer goes on.
    fn sent(&mut self, now: Time, tab: u32, task: TaskId, doing: Activity, endpoint: Endpoint, _first: bool) {
        self.clock(now);
        self.sent[endpoint.index()] += 1;
        if self.open.insert(task, endpoint).is_some() {
            self.violation(format!("task {task} sent a second call before the first had ended, at {now}"));
        }
        if self.signed_out.contains(&tab)
            && let Some((of, input, row)) = self.trigger
        {
            let goes_on = match input {
                Input::Answer(_) => true,
                // The poller rests without a session. An armed refresh continues.
                Input::Timer(_) => {
                    let user = self.tabs.user_of(tab);
                    row.is_none_or(|row| !matches!(row.due, Due::Tick(_)) || row.role == Role::Fetch)
                        || self.with_objects.iter().any(|users| users.contains(&user))
                }
                Input::SignIn { .. } => doing.task.role == Role::SignIn,
                _ => false,
            };
            let asks_iframe = [AUTHORIZE, DISCOVERY].contains(&endpoint);
            if of == tab && !goes_on && !asks_iframe {
                self.violation(format!(
                    "signed-out tab {tab} calls /{endpoint} at {now}, because of {input:?}"
                ));
            }
        }
    }

    fn call_ended(&mut self, now: Time, task: TaskId, call: &Call, outcome: Outcome) {
        self.clock(now);
        let endpoint = call.endpoint;
        if self.open.remove(&task) != Some(endpoint) {
            self.violation(format!(
                "a call of task {task} to /{endpoint} ended twice, or was never sent, at {now}"
            ));
        }
        if !matches!(outcome, Outcome::InFlight | Outcome::Dropped) {
            let status = call.failure.map_or(200, |failure| failure.status);
            self.answers.insert((call.tab, endpoint.index() as u8, call.sent), status);
        }
    }

    fn judged(&mut self, now: Time, limit: u16, key: u32, cost: u32, verdict: Verdict) {
        self.clock(now);
        let admitted = matches!(verdict, Verdict::Admit { .. });
        self.verdicts.entry((limit, key)).or_default().judged.push((now, admitted, cost));
    }

    fn counted(&mut self, now: Time, limit: u16, key: u32, cost: u32) {
        self.clock(now);
        self.verdicts.entry((limit, key)).or_default().counted.push((now, cost));
    }

    fn generic_ended(&mut self, _client: u32, _sent: Time, _outcome: Outcome) {
        self.generic_ended += 1;
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        self.clock(now);
        match fact {
            Fact::SignedOut => {
                self.signed_out.insert(tab);
            }
            Fact::SignedIn => {
                self.signed_out.remove(&tab);
            }
            _ => {}
        }
    }
}

/// The bound that a limit's decisions on one key violate, if any. Uses exact integers, and checks every window. `at_once`
/// says that answers are decided when calls are sent, and not after a queue.
///
/// Of a limit that counts admitted calls, or all, those that it admits keep the law of its kind. Of one that counts failures
/// or successes, those that it counts do, unless calls that it admits wait in a queue before they count.
pub(super) fn broken_bound(spec: &LimitSpec, verdicts: &Verdicts, at_once: bool) -> Option<String> {
    if let Some(penalty) = spec.penalty {
        let mut blocked_until = None;
        for (at, admitted, _) in &verdicts.judged {
            match (admitted, blocked_until) {
                (true, Some(until)) if *at < until => {
                    return Some(format!("admitted at {at}, in a penalty until {until}"));
                }
                (false, until) if spec.penalty_prolonged || until.is_none_or(|until| *at >= until) => {
                    blocked_until = Some(at.after(penalty));
                }
                _ => {}
            }
        }
    }
    let several = |(at, cost): (Time, u32)| std::iter::repeat_n(at, cost as usize);
    let counted: Vec<Time> = match spec.counted().is_settled() {
        true if !at_once => return None,
        true => verdicts.counted.iter().copied().flat_map(several).collect(),
        false => {
            let admitted = verdicts.judged.iter().filter(|(_, admitted, _)| *admitted);
            admitted.flat_map(|(at, _, cost)| several((*at, *cost))).collect()
        }
    };
    spec.kind.broken_law(&counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> LimitSpec {
        toml::from_str(&format!("endpoints = [\"generic\"]\nkey = \"global\"\n{text}")).unwrap()
    }

    #[test]
    fn a_bound_permits_its_edge_and_nothing_beyond() {
        let s = |at: u64| (Time(at * 1_000_000_000), true, 1);
        let refused = |at: u64| (Time(at * 1_000_000_000), false, 1);
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
                vec![s(1), refused(2), s(11)],
                vec![s(1), refused(2), s(10)],
            ),
            (
                "kind = \"sliding-log\"\nlimit = 1\nwindow = \"2s\"\npenalty = \"9s\"\npenalty-prolonged = true",
                vec![s(1), refused(2), refused(5), s(14)],
                vec![s(1), refused(2), refused(5), s(11)],
            ),
            (
                "kind = \"fixed-window\"\nlimit = 2\nwindow = \"2s\"\nbegins = \"first-call\"",
                vec![s(1), s(2), s(3), s(4)],
                vec![s(1), s(2), s(2)],
            ),
            (
                "kind = \"fixed-window\"\nlimit = 3\nwindow = \"2s\"\ncost = 2",
                vec![(Time(0), true, 2), s(1)],
                vec![(Time(0), true, 2), (Time(1), true, 2)],
            ),
        ] {
            let of = |judged| Verdicts { judged, counted: Vec::new() };
            assert_eq!(broken_bound(&limit(text), &of(kept), true), None, "{text}");
            assert!(broken_bound(&limit(text), &of(broken), true).is_some(), "{text}");
        }
    }

    /// Any number of calls may pass while they do not fail; two failures in a window are too many.
    #[test]
    fn a_limit_of_failures_is_bound_by_what_it_counts() {
        let spec = limit("kind = \"fixed-window\"\nlimit = 1\nwindow = \"2s\"\ncounts = \"failures\"");
        let of = |counted: &[u64]| Verdicts {
            judged: vec![(Time(0), true, 1); 9],
            counted: counted.iter().map(|at| (Time(*at), 1)).collect(),
        };
        assert_eq!(broken_bound(&spec, &of(&[0]), true), None);
        assert!(broken_bound(&spec, &of(&[0, 1]), true).is_some());
        assert_eq!(broken_bound(&spec, &of(&[0, 1]), false), None, "calls may have waited in a queue");
    }
}
