//! The server's side: the state of each user's browser session, and the answers to calls that nothing refuses.

use super::endpoints;
use super::task::Reply;
use crate::backend::{BackendSpec, ClientToken, Endpoint, RevokedSession};
use crate::client::Account;
use crate::client::family::SessionEnd;
use crate::kernel::{Block, Time};
use crate::protocol::Failure;
use crate::protocol::Token;
use std::ops::Range;

/// The server's state of a user's browser session.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    /// The newest token, shifted left by one; the lowest bit is set when the session is revoked.
    state: u64,
}

/// Bytes of a session.
pub(super) const SESSION_BYTES: usize = size_of::<Session>();

impl Session {
    fn revoked(self) -> bool {
        self.state & 1 != 0
    }

    fn newest(self) -> Option<Token> {
        Token::from_bits(self.state >> 1)
    }

    fn set_newest(&mut self, token: Token) {
        self.state = token.bits() << 1 | self.state & 1;
    }
}

/// The sessions of a range of users.
#[derive(Clone, Debug)]
pub struct Accounts {
    client_token: ClientToken,
    revoked_session: RevokedSession,
    sessions: Block<Session>,
}

impl Accounts {
    /// Sessions without a token.
    pub fn new(users: Range<u32>, backend: &BackendSpec) -> Accounts {
        let BackendSpec { client_token, revoked_session, .. } = *backend;
        Accounts { client_token, revoked_session, sessions: Block::new(users, Session::default()) }
    }
}

impl Account for Accounts {
    type Reply = Reply;

    fn answer(&mut self, user: u32, _: usize, endpoint: Endpoint, _: u32, now: Time) -> Reply {
        let unlisted = self.revoked_session == RevokedSession::Unlisted;
        let session = &mut self.sessions[user as usize];
        let fresh = Token::issued_after(now, session.newest());
        let ok = |token| Reply::Ok { token, listed: true };
        match endpoint {
            endpoints::CLIENT if session.revoked() => Reply::Ok { token: None, listed: false },
            endpoints::TOUCH if session.revoked() && unlisted => Reply::Ok { token: None, listed: false },
            endpoints::TOKENS | endpoints::TOUCH if session.revoked() && !unlisted => {
                Reply::Fail(Failure::status(401))
            }
            endpoints::TOKENS => {
                session.set_newest(fresh);
                ok(Some(fresh))
            }
            endpoints::TOUCH | endpoints::CLIENT => match self.client_token {
                ClientToken::Fresh => {
                    session.set_newest(fresh);
                    ok(Some(fresh))
                }
                ClientToken::Last => {
                    let last = session.newest().unwrap_or(fresh);
                    session.set_newest(last);
                    ok(Some(last))
                }
                ClientToken::None => ok(None),
            },
            _ => ok(None),
        }
    }

    fn revoke(&mut self, user: u32) {
        self.sessions[user as usize].state |= 1;
    }

    fn ended(&self, user: u32) -> SessionEnd {
        if self.sessions[user as usize].revoked() { SessionEnd::Revoked } else { SessionEnd::Alive }
    }

    fn begin(&mut self, user: u32) {
        self.sessions[user as usize] = Session::default();
    }
}
