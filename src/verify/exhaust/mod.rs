//! Exhaustive exploration of small configurations: every order of simultaneous events and every outcome of each call.
//!
//! The state machine is the one that the simulator runs. One or two sessions of one or two tabs start signed in. At one
//! time they get inputs that real pages get together: focus, an app's `getToken` that skips the cache, `setActive`. The
//! search follows every order of simultaneous events and every answer to every call, up to a given depth. The server
//! accepts the sessions throughout.
//!
//! Assertions at every step:
//! 1. Under `new`, a 429 or a 5xx never causes a recursive entry of the unauthenticated flow.
//! 2. A tab loses its session only by an answer to the flow's own request that the rules name. For the documented model
//!    these are 401, 422, and the policy's set after the last round. For the measured models these are 403 or 500 to
//!    GET /client.
//!
//! The search must also find the recursion under `old`. This proves that it can find one.

mod state;

use crate::client::app::AppReaction;
use crate::client::own::OwnFamily;
use crate::client::{Client, ForFamily, Model, Prepared};
use crate::parallel;
use crate::scenario::Scenario;
use crate::scenario::policies::preset;
use crate::world::{Contender, Plan};
use state::{Found, Search, State};

/// Rounds of the documented flow in the search. Small enough that the search reaches the last one.
const MAX_ROUNDS: u32 = 3;

/// Result of one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// The client model.
    pub model: &'static str,
    /// The policy.
    pub policy: &'static str,
    /// Sessions.
    pub sessions: u32,
    /// Tabs of each session.
    pub tabs: u32,
    /// Inputs at the start.
    pub start: &'static str,
    /// Whether app code calls `setActive` with each new session object.
    pub reacts: bool,
    /// Greatest number of steps.
    pub depth: u32,
    /// Visited states.
    pub states: u64,
    /// Recursive entries caused by a 429 or a 5xx.
    pub recursive: u64,
    /// Sign-outs that no rule names.
    pub unnamed: u64,
    /// Sign-outs that a rule names.
    pub named: u64,
    /// The events that led to the first violation; empty without one.
    pub example: Vec<String>,
}

impl Explored {
    /// Whether the assertions hold in this configuration. Recursion is a violation under `new` only.
    pub fn passed(&self) -> bool {
        self.unnamed == 0 && (self.policy != "new" || self.recursive == 0)
    }
}

const POLICIES: [&str; 4] = ["old", "not-429", "narrowed-retry-all", "new"];

/// Inputs at the start. Starts with fewer events at a time are explored extra_depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// One tab gains focus.
    Focus,
    /// One tab gains focus, and its app calls `getToken` without the cache and `setActive`.
    OneTab,
    /// Two tabs of one session gain focus, and one app calls `getToken` without the cache.
    TwoTabs,
    /// Two tabs of two sessions gain focus, and one app calls `getToken` without the cache.
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

    fn extra_depth(self) -> u32 {
        match self {
            Start::Focus => 2,
            Start::OneTab => 1,
            Start::TwoTabs | Start::TwoSessions => 0,
        }
    }
}

/// Explores every configuration, at least `depth` steps deep.
pub fn exhaust(depth: u32) -> Vec<Explored> {
    let mut configurations = Vec::new();
    for model in Model::all().filter(|model| !model.row().is_contender) {
        for policy in POLICIES {
            for start in Start::ALL {
                for reacts in [false, true] {
                    configurations.push((model, policy, start, reacts));
                }
            }
        }
    }
    parallel::map(&configurations, |&(model, policy, start, reacts)| {
        let plan = plan(model, policy, reacts);
        let depth = depth + start.extra_depth();
        let found = plan.clients[0].with(Explore { policy, start, depth });
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
}

fn plan(model: Model, policy: &str, reacts: bool) -> Plan {
    let text = "version = 1\nname = \"exhaust\"\nhorizon = \"1h\"\npolicies = [\"new\"]\n[client]\nmodel = \"documented\"\n[fleet]\nusers = 2";
    let mut scenario: Scenario = toml::from_str(text).expect("the built-in scenario is valid");
    scenario.client.name = model.into();
    scenario.client.max_rounds = model.row().takes_max_rounds.then_some(MAX_ROUNDS);
    if reacts {
        scenario.fleet.app_reaction = AppReaction::SetActive;
    }
    let policy = preset(policy).expect("the policy is a preset");
    Plan::new(scenario, vec![Contender::of(policy.name.clone(), policy)])
}

/// One configuration, whatever the client family.
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

    fn with_own(self, _: &dyn OwnFamily) -> Found {
        unreachable!("the models of this crate are explored")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_hold_and_the_recursion_of_old_is_found() {
        let explored = exhaust(3);
        for configuration in &explored {
            assert!(configuration.passed(), "{configuration:?}");
        }
        let states: u64 = explored.iter().map(|c| c.states).sum();
        assert!(states > 10_000, "{states}");
        let recursive = |model: &str, policy: &str| -> u64 {
            explored.iter().filter(|c| c.model == model && c.policy == policy).map(|c| c.recursive).sum()
        };
        assert!(recursive("documented", "old") > 0, "the documented cascade");
        assert!(
            explored
                .iter()
                .any(|c| c.model != "documented" && c.reacts && c.policy == "old" && c.recursive > 0)
        );
        assert_eq!(recursive("documented", "new"), 0);
    }
}
