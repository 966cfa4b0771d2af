//! Data shared by all pages of a run, and the rules that a user follows.

use super::sessions::{Reply, Server};
use crate::client::AsIs;
use crate::client::app::{DocumentFocus, Reaction};
use crate::client::family::Context;
use crate::client::policy::Policy;
use crate::client::token::{self, Code, Endpoint, NO_USER, Profile, Refusal, Rotation, Rules};
use crate::kernel::Dur;
use crate::protocol::{Failure, RetryIn};
use std::sync::Arc;

/// The status of the answer to a refused refresh token where a profile names none (RFC 6749, section 5.2).
const BAD_REQUEST: u16 = 400;

/// Data shared by all pages of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The client of users whose policy names none.
    pub profile: Arc<Profile>,
    /// Life of an access token.
    pub token_life: Dur,
    /// How long a used refresh token is accepted again; `None`: as the profile says.
    pub reuse: Option<Dur>,
    /// Number of apps of the cohort, of which each is a process.
    pub apps: u32,
    /// Number of the cohort's first user.
    pub first_user: u32,
    /// Client objects of a page.
    pub objects: u8,
    /// Whether a browser's storage ignores removals.
    pub ignores_removals: bool,
    /// The app code's reaction to events of the client.
    pub reaction: Reaction,
    /// Which tabs are visible.
    pub focus: DocumentFocus,
}

impl Setup {
    pub(super) fn new(profile: Arc<Profile>, context: &Context<'_>) -> Setup {
        Setup {
            profile,
            token_life: Dur::from_secs(context.token_life_s.into()),
            reuse: context.refresh_token_reuse,
            apps: context.apps,
            first_user: context.first_user,
            objects: context.objects,
            ignores_removals: context.storage_ignores_removals,
            reaction: context.reaction,
            focus: context.focus,
        }
    }

    /// The server's rules for this client.
    fn server(&self, profile: &Profile) -> Server {
        let tokens = &profile.refresh_token;
        let reuse = match self.reuse {
            None => Some(tokens.reuse_window),
            Some(Dur::ZERO) => None,
            Some(window) => Some(window),
        };
        let rotation = Rotation {
            rotates: tokens.rotates,
            reuse,
            accepts_parent: tokens.accepts_parent,
            reuse_ends: !tokens.survives_reuse,
            life: self.token_life,
        };
        Server { rotation, refused_status: tokens.refused_status.unwrap_or(BAD_REQUEST) }
    }
}

/// The rules that a user follows: those of a client, and what its server says.
#[derive(Clone, Debug, PartialEq)]
pub struct Policed {
    /// The client's rules.
    pub client: Rules,
    /// The server's rules.
    pub server: Server,
    /// Whether a policy says what answers to a refresh do. Otherwise the client is as it is.
    pub(super) is_policed: bool,
    /// The client's codes of the scenario's error codes, by their numbers.
    codes: Box<[Code]>,
    reused: Code,
    gone: Code,
    no_user: Code,
}

impl Policed {
    pub(super) fn new(setup: &Setup, policy: &Policy, codes: &[String]) -> Policed {
        let profile = policy.client.as_ref().and_then(AsIs::profile).unwrap_or(&setup.profile);
        let rules = profile.rules().expect("a profile is checked when it is read");
        // A policy may name codes that the profile does not. They get the numbers after the profile's.
        let (mut client, names) = match policy.client {
            Some(_) => (rules, profile.codes()),
            None => rules.under(profile, policy, codes),
        };
        client.limits = client.limits.map(|limits| Box::new(limits.in_cohort(setup.apps, setup.first_user)));
        let code = |name: &str| {
            let number = names.iter().position(|known| *known == name && !name.is_empty());
            number.and_then(|n| u16::try_from(n).ok()).map_or(Code::OTHER, Code)
        };
        let named = |name: &Option<String>| code(name.as_deref().unwrap_or_default());
        Policed {
            server: setup.server(profile),
            is_policed: policy.client.is_none(),
            codes: codes.iter().map(|name| code(name)).collect(),
            reused: named(&profile.refresh_token.reuse_code),
            gone: named(&profile.refresh_token.gone_code),
            no_user: code(NO_USER),
            client,
        }
    }

    /// An answer, as the client sees it.
    pub(super) fn seen(&self, reply: Reply) -> token::Reply {
        match reply {
            Reply::Ok(issued) => token::Reply::Ok(issued),
            Reply::Refused(refusal, status) => {
                let code = if refusal == Refusal::Reused { self.reused } else { self.gone };
                token::Reply::Error { status, code, retry_after: RetryIn::NONE }
            }
            Reply::NoUser(_) => token::Reply::PageError(self.no_user),
            Reply::Failed(failure) if failure.status == 0 => token::Reply::NoAnswer,
            Reply::Failed(failure) => {
                let code = self.codes.get(usize::from(failure.code)).copied().unwrap_or(Code::OTHER);
                let Failure { status, retry_after, .. } = failure;
                token::Reply::Error { status, code, retry_after }
            }
        }
    }

    /// Whether the rules count this answer as a reason to sign out.
    pub(super) fn ends_session(&self, endpoint: Endpoint, reply: Reply) -> bool {
        self.client.ends_session(endpoint, &self.seen(reply))
    }
}
