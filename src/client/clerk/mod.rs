//! clerk-js: browser tabs as described by `clerk-js.md` and the recordings.
//!
//! Each file holds one part of the client: the token cache, `getToken`, touches and `setActive`, the unauthenticated
//! flow, the poller, the page load, or the server's side.

mod account;
#[cfg(test)]
mod bench;
mod browser;
mod cache;
mod endpoints;
mod flow;
mod get_token;
mod laws;
mod load;
mod load_limit;
mod messages;
mod page;
mod pages;
mod poll;
mod release;
mod resource;
mod setup;
mod tab;
mod tabs;
mod task;
mod tasks;
mod touch;
mod words;

use crate::backend::{BackendSpec, UpdatedAt};
use crate::client::family::{Client, Context, FlowWords, MessageRow, ModelRow, Unusable, Users, Who};
use crate::client::limit_states::LimitStates;
use crate::client::policy::Policy;
use crate::client::step::{Action, Input, TaskId};
use crate::kernel::Time;
use crate::protocol::EndpointRow;
use account::Accounts;
use pages::Pages;
use release::{DEFAULT_MAX_ROUNDS, Flow, Model, Release};
use setup::{CODES_NOT_TAKEN_FOR_A_LOST_SESSION, Rules, Setup};
use task::Reply;

/// The error code that makes the client ask /tokens again with its expired token (`Session`, `MissingExpiredTokenError`).
const MISSING_EXPIRED_TOKEN: &str = "missing_expired_token";

/// A session with one idle tab: with the counts of a session, 144 bytes.
const _: () = assert!(Clerk::IDLE_BYTES <= 104);

/// The family of clerk-js releases, together with the client that the pull request documents.
#[derive(Clone, Debug)]
pub struct Clerk;

impl Client for Clerk {
    const MODELS: &'static [ModelRow] = &release::MODELS;
    const ENDPOINTS: &'static [EndpointRow] = &endpoints::ROWS;
    const MESSAGES: &'static [MessageRow] = &messages::ROWS;
    const FLOW: FlowWords = words::FLOW;
    const REFRESH_TOKENS: bool = false;
    const UNUSABLE: &'static [Unusable] = &words::UNUSABLE;
    const IDLE_BYTES: usize = pages::IDLE_BYTES + account::SESSION_BYTES;

    type Setup = Setup;
    type Rules = Rules;
    type Reply = Reply;
    type Store = Pages;
    type Account = Accounts;

    fn setup(model: usize, context: &Context<'_>) -> Setup {
        Setup {
            release: Release::of(Model::ALL[model], context.max_rounds.unwrap_or(DEFAULT_MAX_ROUNDS)),
            token_life_s: context.token_life_s,
            multi_session: context.multi_session,
            reaction: context.reaction,
            apps: context.apps,
            first_user: context.first_user,
            focus: context.focus,
            updated_at_moves: context.updated_at == UpdatedAt::Moving,
            focus_touch_lacks_client: !context.focus_touch_with_client,
            missing_expired_token: (context.code)(MISSING_EXPIRED_TOKEN),
            not_taken_for_a_lost_session: CODES_NOT_TAKEN_FOR_A_LOST_SESSION.map(|code| (context.code)(code)),
        }
    }

    fn rules(setup: &Setup, policy: &Policy, codes: &[String]) -> Rules {
        Rules::of(policy, codes, (setup.apps, setup.first_user))
    }

    fn store(_: &[Setup], rules: &[Rules], users: &Users<'_>) -> Pages {
        let limits = rules.iter().map(|rules| rules.limits.as_ref());
        let limits = LimitStates::new(limits, users.range.clone());
        Pages::new(users.range.clone(), users.tabs, limits)
    }

    fn account(_: &[Rules], backend: &BackendSpec, users: &Users<'_>) -> Accounts {
        Accounts::new(users.range.clone(), backend)
    }

    #[inline]
    fn step(pages: &mut Pages, who: Who<'_, Clerk>, input: Input, now: Time, out: &mut Vec<Action>) {
        pages.step(&who, input, now, out);
    }

    fn names_sign_out(pages: &Pages, setup: &Setup, rules: &Rules, task: TaskId) -> bool {
        laws::names_sign_out(&pages.tasks()[task], setup, rules)
    }

    fn most_rounds(setup: &Setup) -> Option<u32> {
        match setup.release.flow {
            Flow::Touch { max_rounds } => Some(max_rounds),
            Flow::Client => None,
        }
    }

    fn bytes_per_user(setup: &Setup, tabs: u64, event: u64, round_trip_s: f64) -> u64 {
        pages::bytes_per_user(setup, tabs, event, round_trip_s) + account::SESSION_BYTES as u64
    }
}
