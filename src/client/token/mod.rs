//! Token clients: browser SDKs that hold an access token and a refresh token. One state machine runs them all, driven
//! by a profile.
//!
//! A [`Profile`] describes as data what a client does, and [`Profile::rules`] compiles it. The machine does not know
//! the clock, the queue or the random streams: [`open`] and [`step`] take an input and the time, and return actions and
//! facts. [`Account`] is the server's side.
//!
//! A page has one client object or several ([`Opening`]). An object runs operations: a load, a call, a tick, the timer.
//! An operation reads the session, refreshes it when its margin says so, and ends; under a lock it first waits for its
//! turn. A refresh is a flight, and operations that share it wait in its list. An idle session has neither, so both are
//! stored in pools. A step handles all consequences of an input at its instant: first the client's own continuations,
//! in order, then what the browser carries (locks, messages to other tabs, storage events).
//!
//! [`Token`] puts the machine into a world as a client family.
//!
//! A refresh is an *entry*. An entry is recursive when the answer to an earlier entry's request causes it: a listener
//! that asks on the event of a refresh, a second refresh of the same tick, a timer that an answer sets to no wait.
//! Callers in a queue are not recursive.

mod account;
mod answers;
mod browser;
mod chain;
mod check_chain;
mod checked;
mod clocks;
mod compile;
mod describe;
mod describe_chain;
pub mod format;
mod limits;
mod load;
mod lock;
mod machine;
mod ops;
mod pages;
mod parse;
pub(in crate::client) mod pool;
mod profile;
mod profile_chain;
mod profile_clocks;
mod refresh;
mod rules;
mod schedule;
mod session;
mod shipped;
mod state;
mod store;
mod template;
mod traits;
mod under;
mod words;

pub use account::{Account, Grant, Marks, Refusal, Rotation};
pub use compile::Unusable;
pub use machine::{open, step};
pub use pages::{Reply as ServerReply, Sessions, Token};
pub(in crate::client) use pages::{SESSION_BYTES, Server, TOKEN, rows};
pub use pool::Key;
pub use profile::{ExpiryClockSpec, KeptIn, Profile, UNRECORDED};
pub use profile_chain::IframeWhen;
pub use rules::{Code, ENDPOINTS, Endpoint, NO_USER, Place, Rules};
pub use shipped::{SHIPPED, label, named, shipped};
pub use state::{Held, News, Op, Store, Until};
pub use template::template;
pub use words::{Action, Fact, Input, Issued, Opening, Out, Outcome, Reply, Request, Storage, Timer};
