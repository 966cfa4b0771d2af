//! Messages between the tabs of a browser: `BroadcastChannel` carries tokens and sign-outs.

use crate::client::family::{MessageCause, MessageRow};
use crate::client::step::Message;
use crate::protocol::Token;

/// The kinds of messages, by number.
pub(super) const ROWS: [MessageRow; 2] = [
    MessageRow {
        id: "token-broadcast",
        words: "another tab makes its token known",
        cause: MessageCause::Answer,
    },
    MessageRow {
        id: "sign-out-broadcast",
        words: "another tab says that the user is signed out",
        cause: MessageCause::SignOut,
    },
];
/// Another tab broadcast a token. The word is the token's `iat`.
pub(super) const TOKEN: u16 = 0;
/// Another tab signed out.
pub(super) const SIGN_OUT: Message = Message { kind: 1, word: 0 };

/// Broadcasts a token by its `iat`.
pub(super) fn token(token: Token) -> Message {
    Message { kind: TOKEN, word: token.iat() }
}
