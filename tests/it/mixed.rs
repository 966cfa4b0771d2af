//! Clients of several families in one scenario: each does what it does alone, and results count each in its own words.

use authstorm::Study;
use authstorm::client::fact::Fact;
use authstorm::client::family::{Activity, Call};
use authstorm::client::step::TaskId;
use authstorm::kernel::Time;
use authstorm::metrics::Outcome;
use authstorm::protocol::Endpoint;
use authstorm::world::{Control, Observer, Outside, observed};
use std::collections::BTreeMap;

/// What the users of a run do, in their order: requests with their ends, and facts of tabs.
#[derive(Default)]
struct Log(BTreeMap<u32, Vec<String>>);

impl Observer for Log {
    const ACTIVE: bool = true;

    fn sent(&mut self, now: Time, tab: u32, _: TaskId, doing: Activity, endpoint: Endpoint, first: bool) {
        let (task, caller) = (doing.task.id, doing.caller.who);
        let line = format!("{} sends {endpoint}, first {first}, {task}, {caller}, {}", now.0, doing.attempt);
        self.0.entry(tab).or_default().push(line);
    }

    fn call_ended(&mut self, now: Time, _: TaskId, call: &Call, outcome: Outcome) {
        let line = format!("{} {} ends {outcome:?}, {:?}", now.0, call.endpoint, call.failure);
        self.0.entry(call.tab).or_default().push(line);
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        self.0.entry(tab).or_default().push(format!("{} {fact:?}", now.0));
    }

    fn outside(&mut self, now: Time, user: u32, what: Outside) {
        self.0.entry(u32::MAX - user).or_default().push(format!("{} {what:?}", now.0));
    }
}

/// A scenario of these cohorts, which share nothing.
struct Case {
    head: &'static str,
    /// Clerk's cohort and what only its client needs of the backend.
    clerk: &'static str,
    /// A token client's cohort.
    token: &'static str,
    /// Faults and limits, with `tokens touch client environment` for Clerk and `token user` for the token client.
    rest: &'static [(&'static str, &'static [&'static str])],
}

const CLERK: [&str; 5] = ["tokens", "touch", "client", "environment", "sign-in"];

impl Case {
    /// The text with both cohorts, or with one of them.
    fn text(&self, seed: u64, clerk: bool, token: bool) -> String {
        let mut text = format!("version = 1\nname = \"mixed\"\nseed = {seed}\n{}", self.head);
        for (has, cohort) in [(clerk, self.clerk), (token, self.token)] {
            if has {
                text += cohort;
            }
        }
        for (table, endpoints) in self.rest {
            let called = |e: &&&str| if CLERK.contains(*e) { clerk } else { token };
            let listed: Vec<String> = endpoints.iter().filter(called).map(|e| format!("\"{e}\"")).collect();
            if endpoints.is_empty() {
                text += table;
            } else if !listed.is_empty() {
                text += &format!("{table}endpoints = [{}]\n", listed.join(", "));
            }
        }
        text
    }

    /// What the users of each contender do, by the number of the tab within the cohort.
    fn log(&self, seed: u64, clerk: bool, token: bool) -> Vec<Ran> {
        let text = self.text(seed, clerk, token);
        let study = Study::parse("mixed.toml", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let plan = study.plan();
        let run = |contender| {
            let (run, log, _) = observed(&plan, contender, 0, &Control::default(), Log::default())
                .unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(run.metrics.sessions.len() as u32, plan.scenario.users());
            // Each user's tabs are numbered within its cohort, whatever cohorts stand before and however many tabs they have.
            let place = |user: u32| {
                let cohort = &plan.cohorts[plan.cohort_of(user)];
                (cohort.name.clone(), user - cohort.users.start)
            };
            let mut all = Ran::new();
            for (tab, lines) in log.0 {
                let is_user = tab > u32::MAX - plan.scenario.users();
                let user = if is_user { u32::MAX - tab } else { plan.tabs.user_of(tab) };
                let within = if is_user { u32::MAX } else { plan.tabs.within(tab, user) };
                let (cohort, user) = place(user);
                all.entry(cohort).or_default().insert((user, within), lines);
            }
            all
        };
        (0..plan.contenders.len()).map(run).collect()
    }
}

/// By cohort, then by user and tab.
type Ran = BTreeMap<String, BTreeMap<(u32, u32), Vec<String>>>;

/// Users with tabs, focus, reloads, visits, offline periods, sleep, app code; faults with probabilities, on all endpoints and on
/// some; revocations; shares of users; restarts; limits per address, user and all users without saturation.
const CASES: [Case; 4] = [
    Case {
        head: "horizon = \"10m\"\npolicies = [\"old\", \"new\"]\n",
        clerk: "[[cohort]]\nname = \"clerk\"\nclient = { model = \"documented\", max-rounds = 5 }\n[cohort.fleet]\nusers = 12\n\
                tabs = 2\nopens = { uniform = [\"0s\", \"60s\"] }\nfocus-every = { exponential = \"20s\" }\n\
                reload-every = { exponential = \"2m\" }\n",
        token: "[[cohort]]\nname = \"token\"\npolicy = \"supabase-js-2.119.1\"\nclient = { model = \"supabase-js-2.119.1\" }\n\
                [cohort.fleet]\nusers = 9\ntabs = 3\nopens = { uniform = [\"0s\", \"60s\"] }\nfocus-every = { exponential = \"30s\" }\n\
                app-get-token = { every = \"7s\" }\nreload-every = { exponential = \"3m\" }\n",
        rest: &[
            (
                "[backend]\ntoken-life = \"3m\"\nlatency = { log-normal = { median = \"90ms\", sigma = 0.6 } }\n",
                &[],
            ),
            (
                "[[fault]]\nkind = \"status\"\nstatus = 429\nfrom = \"1m\"\nto = \"5m\"\nprobability = 0.5\n",
                &["tokens", "touch", "token"],
            ),
            (
                "[[fault]]\nkind = \"status\"\nstatus = 401\nfrom = \"2m\"\nto = \"7m\"\nprobability = 0.1\n",
                &["tokens", "touch", "token"],
            ),
            ("[[fault]]\nkind = \"outage\"\nfrom = \"6m\"\nto = \"7m\"\nprobability = 0.3\n", &[]),
        ],
    },
    Case {
        head: "horizon = \"15m\"\npolicies = [\"new\", \"narrowed-retry-all\"]\n",
        clerk: "[[cohort]]\nname = \"clerk\"\nclient = { model = \"clerk-js-6.40.0\" }\n[cohort.fleet]\nusers = 8\n\
                tabs = 3\nopens = { uniform = [\"0s\", \"60s\"] }\ndocument-focus = \"one\"\nfocus-every = { exponential = \"40s\" }\n\
                sleep = { from = { uniform = [\"3m\", \"4m\"] }, to = { uniform = [\"6m\", \"7m\"] } }\n\
                sign-in-again = { after = { exponential = \"20s\" } }\n",
        token: "[[cohort]]\nname = \"token\"\nclient = { model = \"firebase-1.13.9\" }\n\
                [cohort.fleet]\nusers = 8\nopens = { uniform = [\"0s\", \"60s\"] }\napp-get-token = { every = \"11s\", callers = 3 }\n\
                sleep = { from = { uniform = [\"3m\", \"4m\"] }, to = { uniform = [\"6m\", \"7m\"] } }\n\
                clock-skew = { ahead = { uniform = [\"0s\", \"30s\"] }, share = 0.5 }\n",
        rest: &[
            ("[backend]\ntoken-life = \"6m\"\nlatency = \"80ms\"\n", &[]),
            ("[[fault]]\nkind = \"revocation\"\nshare = 0.3\nfrom = \"8m\"\n", &[]),
            (
                "[[fault]]\nkind = \"latency\"\nadd = \"700ms\"\nfrom = \"2m\"\nto = \"9m\"\nprobability = 0.4\n",
                &[],
            ),
            ("[[fault]]\nkind = \"restart\"\nfrom = \"5m\"\nrepeat-every = \"1m\"\nprobability = 0.5\n", &[]),
            (
                "[[backend.limit]]\nkind = \"token-bucket\"\nkey = \"user\"\nrate = \"30/m\"\nburst = 4\n",
                &["tokens", "touch", "client", "token"],
            ),
        ],
    },
    Case {
        head: "horizon = \"12m\"\npolicies = [\"new-and-banned\"]\n",
        clerk: "[[cohort]]\nname = \"clerk\"\nclient = { model = \"clerk-js-6.1.0\" }\n[cohort.fleet]\nusers = 10\n\
                opens = { uniform = [\"0s\", \"60s\"] }\nstays = { exponential = \"3m\" }\naway = { exponential = \"30s\" }\n\
                offline = { every = { exponential = \"3m\" }, lasts = { exponential = \"20s\" } }\napp-reaction = \"set-active\"\n\
                app-get-token = { every = { exponential = \"20s\" }, skip-cache = true }\nfocus-every = { exponential = \"30s\" }\n",
        token: "[[cohort]]\nname = \"token\"\npolicy = \"mixed-sdks\"\nclient = { model = \"auth0-spa-js-2.28.3\" }\n\
                [cohort.fleet]\nusers = 14\ntabs = 2\nopens = { uniform = [\"0s\", \"60s\"] }\nstays = { exponential = \"4m\" }\naway = \"20s\"\n\
                offline = { every = { exponential = \"3m\" }, lasts = { exponential = \"20s\" } }\n\
                app-get-token = { every = { exponential = \"15s\" } }\n\
                [[mix]]\nname = \"mixed-sdks\"\nshares = [{ policy = \"keycloak-js-26.2.4\", share = 0.4 }, { policy = \"msal-browser-5.30.0\", share = 0.6 }]\n",
        rest: &[
            ("[backend]\ntoken-life = \"2m\"\nlatency = { uniform = [\"20ms\", \"400ms\"] }\n", &[]),
            (
                "[[fault]]\nname = \"some users\"\nkind = \"status\"\nstatus = 503\nfrom = \"1m\"\nto = \"8m\"\nprobability = 0.4\nprobability-to = 0.9\n",
                &["tokens", "token", "client"],
            ),
            (
                "[[backend.limit]]\nkind = \"fixed-window\"\nkey = \"ip\"\nlimit = 10\nwindow = \"1m\"\n",
                &["tokens", "token"],
            ),
            (
                "[[backend.limit]]\nkind = \"fixed-window\"\nkey = \"global\"\nlimit = 100000\nwindow = \"1s\"\n",
                &["tokens", "client", "token"],
            ),
        ],
    },
    Case {
        head: "horizon = \"8m\"\npolicies = [\"budgeted\"]\n[[policy]]\nname = \"budgeted\"\n\
               enters-unauthenticated-flow = [\"401\", \"422\", \"429:slow\"]\nretry = { on = [\"5xx\", \"network\"], initial = \"1s\", factor = 2, cap = \"20s\", \
               retries = 6, jitter = \"decorrelated\" }\nretry-budget = { ratio = 0.2, burst = 3 }\n\
               circuit-breaker = { failures = 4, open = \"20s\" }\n",
        clerk: "[[cohort]]\nname = \"clerk\"\nclient = { model = \"clerk-js-5.125.3\" }\n[cohort.fleet]\nusers = 10\ntabs = [{ tabs = 1, share = 0.5 }, { tabs = 3, share = 0.5 }]\n\
                opens = { uniform = [\"0s\", \"30s\"] }\nset-active = { every = { exponential = \"40s\" } }\nfocus-every = { exponential = \"30s\" }\ntimers-late = { exponential = \"50ms\" }\n",
        token: "[[cohort]]\nname = \"token\"\nclient = { model = \"supabase-js-2.105.4\", objects = 2 }\n\
                [cohort.fleet]\nusers = 10\ntabs = 2\nopens = { uniform = [\"0s\", \"30s\"] }\napp-get-token = { every = \"9s\" }\ntimers-late = { exponential = \"50ms\" }\n",
        rest: &[
            ("[backend]\ntoken-life = \"90s\"\nlatency = { exponential = \"150ms\" }\n", &[]),
            (
                "[[fault]]\nkind = \"status\"\nstatus = 429\ncode = \"slow\"\nfrom = \"1m\"\nto = \"4m\"\nprobability = 0.3\n",
                &["tokens", "token"],
            ),
            (
                "[[fault]]\nkind = \"no-answer\"\nfrom = \"4m\"\nto = \"5m\"\nprobability = 0.3\n",
                &["tokens", "token", "touch"],
            ),
            (
                "[[fault]]\nkind = \"status\"\nstatus = 500\nfrom = \"2m\"\nto = \"7m\"\nprobability = 0.7\n",
                &[],
            ),
            (
                "[[action]]\nat = \"3m\"\ndo = \"reload\"\nusers = \"all\"\nspread = { uniform = [\"0s\", \"20s\"] }\n",
                &[],
            ),
        ],
    },
];

/// A cohort beside one of another family that shares nothing with it does exactly what it does alone: every request with its
/// time, tab, endpoint, cause and end, and every fact.
#[test]
fn a_cohort_does_beside_another_family_what_it_does_alone() {
    for (n, case) in CASES.iter().enumerate() {
        for seed in [1, 2, 3] {
            let both = case.log(seed, true, true);
            for (name, alone) in
                [("clerk", case.log(seed, true, false)), ("token", case.log(seed, false, true))]
            {
                assert_eq!(alone.len(), both.len(), "case {n}, {name}");
                for (alone, both) in alone.iter().zip(&both) {
                    let (alone, both) = (&alone[name], &both[name]);
                    let lines: usize = alone.values().map(Vec::len).sum();
                    assert!(lines > 500, "case {n}, {name}: {lines} lines are few");
                    for (place, expected) in alone {
                        let found = both.get(place).map(Vec::as_slice).unwrap_or_default();
                        let differs = expected.iter().zip(found).position(|(a, b)| a != b);
                        let shown = differs.unwrap_or(expected.len().min(found.len()));
                        assert!(
                            expected == found,
                            "case {n}, seed {seed}, {name}, user and tab {place:?}, line {shown}: alone {:?}, beside {:?}",
                            expected.get(shown),
                            found.get(shown)
                        );
                    }
                    assert_eq!(alone.len(), both.len(), "case {n}, {name}: tabs that act");
                }
            }
        }
    }
}
