//! Exhausts the small: every order of simultaneous events and every outcome of each call, for the same state machine.
//!
//! Two sessions of one tab, or one session of two, start signed in and are made to do at one instant what real pages
//! do together: focus, an app's `getToken` past the cache, `setActive`. From there on every order of the events of
//! one instant and every answer to every call are followed, so many steps deep. Sessions are valid throughout.
//!
//! Asserted of every step:
//! 1. `new` never enters the unauthenticated flow recursively because of a 429 or a 5xx;
//! 2. a tab loses its session only by an answer to the flow's own request that the rules name: documented, 401 or 422,
//!    or the policy's set after the last round; measured, 403 or 500 to GET /client.
//!
//! The recursion of 1 is found under `old`: a checker that could not find it would prove nothing.

mod state;

use crate::client::app::AppReaction;
use crate::client::{Client, ForFamily, Model, Prepared};
use crate::scenario::Scenario;
use crate::scenario::policies::preset;
use crate::world::{Contender, Plan};
use rayon::prelude::*;
use state::{Found, Search, State};

/// Rounds of the documented flow here: few enough that the last one is met.
const MAX_ROUNDS: u32 = 3;

/// What one corner of the space came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// The client model.
    pub model: &'static str,
    /// The policy.
    pub policy: &'static str,
    /// Sessions and tabs of each.
    pub sessions: u32,
    /// Tabs of each session.
    pub tabs: u32,
    /// What happens at the start.
    pub start: &'static str,
    /// Whether app code calls `setActive` with each new session object.
    pub reacts: bool,
    /// Steps deep.
    pub depth: u32,
    /// States visited.
    pub states: u64,
    /// Recursive entries because of a 429 or a 5xx.
    pub recursive: u64,
    /// Sign-outs that no rule names.
    pub unnamed: u64,
    /// Sign-outs that a rule names.
    pub named: u64,
    /// The events that led to the first violation.
    pub example: Vec<String>,
}

impl Explored {
    /// Whether the assertions hold; for `old` the recursion is allowed, and the whole must find it somewhere.
    pub fn passed(&self) -> bool {
        self.unnamed == 0 && (self.policy != "new" || self.recursive == 0)
    }
}

const POLICIES: [&str; 4] = ["old", "not-429", "narrowed-retry-all", "new"];

/// How a corner starts, and how much further than the others it is followed: one tab has fewer events at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// One tab gains focus.
    Focus,
    /// One tab: focus, an app's `getToken` past the cache and `setActive`, all at one instant.
    OneTab,
    /// One session with two tabs: both gain focus, and one calls `getToken` past the cache.
    TwoTabs,
    /// The same with two sessions.
    TwoSessions,
}

impl Start {
    const ALL: [Start; 4] = [Start::Focus, Start::OneTab, Start::TwoTabs, Start::TwoSessions];

    fn name(self) -> &'static str {
        match self {
            Start::Focus => "one tab: focus",
            Start::OneTab => "one tab: focus, getToken, setActive",
            Start::TwoTabs => "two tabs: focus, getToken",
            Start::TwoSessions => "two sessions: focus, getToken",
        }
    }

    fn sessions_and_tabs(self) -> (u32, u32) {
        match self {
            Start::Focus | Start::OneTab => (1, 1),
            Start::TwoTabs => (1, 2),
            Start::TwoSessions => (2, 1),
        }
    }

    fn further(self) -> u32 {
        match self {
            Start::Focus => 2,
            Start::OneTab => 1,
            Start::TwoTabs | Start::TwoSessions => 0,
        }
    }
}

/// Explores every corner, `depth` steps deep or a little more.
pub fn exhaust(depth: u32) -> Vec<Explored> {
    let mut corners = Vec::new();
    for model in Model::all() {
        for policy in POLICIES {
            for start in Start::ALL {
                for reacts in [false, true] {
                    corners.push((model, policy, start, reacts));
                }
            }
        }
    }
    corners
        .par_iter()
        .with_max_len(1)
        .map(|&(model, policy, start, reacts)| {
            let plan = plan(model, policy, reacts);
            let depth = depth + start.further();
            let found = plan.client.with(Explore { policy, start, depth });
            let (sessions, tabs) = start.sessions_and_tabs();
            Explored {
                model: model.name(),
                policy,
                sessions,
                tabs,
                start: start.name(),
                reacts,
                depth,
                states: found.states,
                recursive: found.recursive,
                unnamed: found.unnamed,
                named: found.named,
                example: found.example,
            }
        })
        .collect()
}

fn plan(model: Model, policy: &str, reacts: bool) -> Plan {
    let text = "version = 1\nname = \"exhaust\"\nhorizon = \"1h\"\npolicies = [\"new\"]\n[client]\nmodel = \"documented\"\n[fleet]\nusers = 2";
    let mut scenario: Scenario = toml::from_str(text).expect("a scenario of this build");
    scenario.client.model = model;
    scenario.client.max_rounds = model.row().takes_max_rounds.then_some(MAX_ROUNDS);
    if reacts {
        scenario.fleet.app_reaction = AppReaction::SetActive;
    }
    let policy = preset(policy).expect("a preset");
    Plan::new(scenario, vec![Contender { name: policy.name.clone(), parts: vec![(policy, 1.0)] }])
}

/// One corner, of whatever client family.
struct Explore {
    policy: &'static str,
    start: Start,
    depth: u32,
}

impl ForFamily for Explore {
    type Output = Found;

    fn with<C: Client>(self, client: &Prepared<C>) -> Found {
        let mut search = Search {
            client,
            tabs: self.start.sessions_and_tabs().1,
            watch_recursion: self.policy == "new",
            path: Vec::new(),
            found: Found::default(),
            scratch: Vec::new(),
        };
        let first = State::signed_in(&mut search, self.start);
        search.follow(&first, self.depth);
        search.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_hold_and_the_recursion_of_old_is_found() {
        let explored = exhaust(3);
        for corner in &explored {
            assert!(corner.passed(), "{corner:?}");
        }
        let states: u64 = explored.iter().map(|c| c.states).sum();
        assert!(states > 10_000, "{states}");
        let recursive = |model: &str, policy: &str| -> u64 {
            explored.iter().filter(|c| c.model == model && c.policy == policy).map(|c| c.recursive).sum()
        };
        assert!(recursive("documented", "old") > 0, "the documented cascade");
        assert!(recursive("clerk-js-6.0.0", "old") > 0, "the loop through the app");
        assert_eq!(recursive("documented", "new"), 0);
    }
}
