//! Token clients: every browser SDK that holds an access token and a refresh token, as one machine that a profile
//! drives.
//!
//! A [`Profile`] says as data what a client does; [`Profile::rules`] compiles it. The machine knows no clock, no queue
//! and no random stream: [`open`] and [`step`] take an input and the time, and give back actions and facts.
//! [`Account`] is the server's side.

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
