//! The server's side of token clients: the refresh tokens of each user's session.

use super::rows;
use crate::backend::Endpoint;
use crate::client::family::SessionEnd;
use crate::client::token::{Account, Issued, Marks, Refusal, Rotation};
use crate::client::{self, family};
use crate::kernel::{Block, Time};
use crate::protocol::Failure;
use std::num::NonZeroU32;
use std::ops::Range;

/// Bytes of a session.
pub(in crate::client) const SESSION_BYTES: usize = size_of::<Account>();

/// An answer of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    /// A success; the token endpoint issues tokens.
    Ok(Option<Issued>),
    /// The session decides against the request, with this status.
    Refused(Refusal, u16),
    /// The provider's page in an iframe knows no user. Counts as an answer with this status.
    NoUser(u16),
    /// Anything else decides against it: a fault, a limit, a queue, the network.
    Failed(Failure),
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Reply {
        Reply::Failed(failure)
    }
}

impl client::Reply for Reply {
    fn failure(&self) -> Option<Failure> {
        match self {
            Reply::Ok(_) => None,
            Reply::Refused(_, status) | Reply::NoUser(status) => Some(Failure::status(*status)),
            Reply::Failed(failure) => Some(*failure),
        }
    }
}

/// The server's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its rules for refresh tokens.
    pub rotation: Rotation,
    /// Status of the answer to a refused refresh token.
    pub refused_status: u16,
}

/// The sessions of a range of users.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// By the policies that a user may follow.
    servers: Box<[Server]>,
    accounts: Block<Account>,
    marks: Marks,
}

impl Sessions {
    pub(in crate::client) fn new(servers: impl Iterator<Item = Server>, users: Range<u32>) -> Sessions {
        let accounts = Block::new(users, Account::new());
        Sessions { servers: servers.collect(), accounts, marks: Marks::default() }
    }
}

impl family::Account for Sessions {
    type Reply = Reply;

    fn answer(&mut self, user: u32, policy: usize, endpoint: Endpoint, word: u32, now: Time) -> Reply {
        let server = self.servers[policy];
        let account = &mut self.accounts[user as usize];
        let refused = |refusal| Reply::Refused(refusal, server.refused_status);
        if endpoint == rows::TOKEN {
            let (marks, rotation) = (&mut self.marks, &server.rotation);
            let grant = match NonZeroU32::new(word) {
                Some(refresh) => account.refresh(marks, rotation, refresh, now),
                None => account.exchange(marks, rotation, now),
            };
            return match grant {
                Ok(issued) => Reply::Ok(Some(issued)),
                Err(refusal) => refused(refusal),
            };
        }
        // The provider's page in an iframe knows the user until the session is revoked.
        if endpoint == rows::AUTHORIZE && account.ended() == Some(Refusal::Gone) {
            return Reply::NoUser(server.refused_status);
        }
        // Access tokens stay valid until they expire, also of a revoked session.
        Reply::Ok(None)
    }

    fn revoke(&mut self, user: u32) {
        self.accounts[user as usize].revoke();
    }

    fn ended(&self, user: u32) -> SessionEnd {
        match self.accounts[user as usize].ended() {
            None => SessionEnd::Alive,
            Some(Refusal::Gone) => SessionEnd::Revoked,
            Some(Refusal::Reused) => SessionEnd::Reused,
        }
    }

    fn begin(&mut self, user: u32) {
        self.accounts[user as usize] = Account::new();
    }
}
