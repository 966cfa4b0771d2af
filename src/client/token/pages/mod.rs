//! Token clients in a world: the pages of its users, the server's side, and the words for readers.
//!
//! The machine names its objects by keys and its timers by values. A world names tasks by numbers. [`tasks`] numbers
//! what the machine waits for, [`step`] translates a world's inputs to the machine's and its actions and facts back.
//! The machine carries what tabs tell each other within one step, so the family has no messages of its own.

pub(in crate::client) mod rows;
mod sessions;
mod setup;
mod step;
mod store;
mod tasks;
mod visibility;

pub(in crate::client) use rows::TOKEN;
pub use sessions::{Reply, Sessions};
pub(in crate::client) use sessions::{SESSION_BYTES, Server};
pub(super) use setup::{Policed, Setup};
pub(super) use store::Pages;

use super::shipped;
use crate::backend::BackendSpec;
use crate::client::family::{Client, Context, FlowWords, MessageRow, ModelRow, Unusable, Users, Who};
use crate::client::policy::Policy;
use crate::client::step::{Action, Input, TaskId};
use crate::kernel::Time;
use crate::protocol::EndpointRow;
use std::sync::Arc;

/// The family of token clients: browser SDKs, each described by a profile.
#[derive(Clone, Debug)]
pub struct Token;

impl Client for Token {
    const MODELS: &'static [ModelRow] = &shipped::MODELS;
    const ENDPOINTS: &'static [EndpointRow] = &rows::ENDPOINTS;
    const MESSAGES: &'static [MessageRow] = &[];
    const FLOW: FlowWords = rows::FLOW;
    const REFRESH_TOKENS: bool = true;
    const UNUSABLE: &'static [Unusable] = &rows::UNUSABLE;
    const IDLE_BYTES: usize = store::IDLE_BYTES + sessions::SESSION_BYTES;

    type Setup = Setup;
    type Rules = Policed;
    type Reply = Reply;
    type Store = Pages;
    type Account = Sessions;

    fn setup(model: usize, context: &Context<'_>) -> Setup {
        Setup::new(context.profile.map_or_else(|| shipped::profile(model), Arc::clone), context)
    }

    fn rules(setup: &Setup, policy: &Policy, codes: &[String]) -> Policed {
        Policed::new(setup, policy, codes)
    }

    fn store(setups: &[Setup], rules: &[Policed], users: &Users<'_>) -> Pages {
        // What the store keeps of a setup is the same in all arms, as loading a scenario checks.
        Pages::new(&setups[0], rules, users.range.clone(), users.tabs)
    }

    fn account(rules: &[Policed], _: &BackendSpec, users: &Users<'_>) -> Sessions {
        Sessions::new(rules.iter().map(|rules| rules.server), users.range.clone())
    }

    #[inline]
    fn step(pages: &mut Pages, who: Who<'_, Token>, input: Input, now: Time, out: &mut Vec<Action>) {
        pages.step(&who, input, now, out);
    }

    fn names_sign_out(pages: &Pages, _: &Setup, rules: &Policed, task: TaskId) -> bool {
        pages.answer_to(task).is_some_and(|(endpoint, reply)| rules.ends_session(endpoint, reply))
    }

    fn most_rounds(_: &Setup) -> Option<u32> {
        None
    }

    fn bytes_per_user(setup: &Setup, tabs: u64, event: u64, _: f64) -> u64 {
        store::bytes_per_user(setup, tabs, event) + sessions::SESSION_BYTES as u64
    }
}
