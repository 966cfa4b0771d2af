//! Token clients: every browser SDK that holds an access token and a refresh token, as one machine that a profile
//! drives.
//!
//! A [`Profile`] says as data what a client does; [`Profile::rules`] compiles it. The machine knows no clock, no queue
//! and no random stream: [`open`] and [`step`] take an input and the time, and give back actions and facts.
//! [`Account`] is the server's side.
//!
//! A page has one client object or several ([`Opening`]). What an object does is an operation: a load, a call, a tick, the
//! timer. An operation reads the session, refreshes it when its margin says so, and ends; under a lock it waits for its
//! turn first. A refresh is a flight: whoever shares it waits in its list. An idle session holds neither; both lie in
//! pools. Everything that follows from an input within its instant is done in that step: first the client's own
//! continuations, in order, then what the browser carries (locks, messages to other tabs, storage events).
//!
//! A refresh is an *entry*. An entry that the answer to an earlier entry's request causes is recursive: a listener that asks
//! on the event of a refresh, a second refresh of the same tick, a timer that an answer sets to no wait at all. Callers who
//! queue are not.

mod account;
mod clocks;
mod compile;
mod load;
mod lock;
mod machine;
mod ops;
mod parse;
mod pool;
mod profile;
mod profile_clocks;
mod refresh;
mod rules;
mod session;
mod shipped;
mod state;
mod words;

pub use account::{Account, Grant, Refusal, Rotation};
pub use compile::Unusable;
pub use machine::{open, step};
pub use parse::ProfileError;
pub use pool::Key;
pub use profile::{ExpiryClockSpec, KeptIn, Profile};
pub use rules::{Code, ENDPOINTS, Endpoint, Place, Rules};
pub use shipped::{SHIPPED, shipped};
pub use state::{Held, News, Op, Store, Until};
pub use words::{Action, Fact, Input, Issued, Opening, Out, Outcome, Reply, Request, Storage, Timer};
