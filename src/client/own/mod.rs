//! A client of your own: write what one tab of your SDK does, and run it in the world.
//!
//! A program that uses the library implements [`Sdk`] for a type of its own and names the type where it reads a scenario.
//! The scenario says `model = "own"` and `sdk = "my-sdk"`. Faults, limits, queues, metrics, expectations, findings, charts,
//! the page and stories then work as for every shipped client, with the same bytes on one thread or many.
//!
//! ```
//! use authstorm::client::own::{Event, Own, Page, Sdk};
//! use authstorm::kernel::Dur;
//! use authstorm::{Extensions, Study};
//!
//! /// Refreshes a minute before expiry and signs out when the policy says so.
//! #[derive(Clone, Debug, Default)]
//! struct MySdk;
//!
//! impl Sdk for MySdk {
//!     const NAME: &'static str = "my-sdk";
//!     const ABOUT: &'static str = "An SDK that refreshes a minute before expiry.";
//!
//!     fn on(&mut self, event: Event, page: &mut Page<'_>) {
//!         match event {
//!             Event::Opened | Event::Refreshed => {
//!                 page.answer_callers();
//!                 let left = page.token_left().unwrap_or_default();
//!                 page.set_timer(0, Dur(left.0.saturating_sub(Dur::from_secs(60).0).max(Dur::from_secs(1).0)));
//!             }
//!             Event::Timer(_) => page.refresh(),
//!             Event::Failed(failure) if page.ends_session(failure) => page.sign_out(),
//!             Event::Failed(failure) if !page.retry() => page.fail_callers(failure),
//!             Event::Failed(_) => {}
//!             _ => page.answer_callers(),
//!         }
//!     }
//! }
//!
//! let scenario = r#"
//!     version = 1
//!     name = "mine"
//!     horizon = "19m"
//!     policies = ["new"]
//!     client = { model = "own", sdk = "my-sdk" }
//!     fleet = { users = 10 }
//!     backend.token-life = "5m"
//! "#;
//! let own = Extensions::default().client::<Own<MySdk>>();
//! let results = Study::parse_extended("mine.toml", scenario, &own)?.run()?;
//! // Opened at 0 s: a refresh every 4 minutes and a round trip, so 4 of them begin within 19 minutes.
//! assert_eq!(results.policies[0].metric("refreshes").mean, 40.0);
//! assert_eq!(results.policies[0].metric("recursive_refreshes").mean, 0.0);
//! # Ok::<(), authstorm::Error>(())
//! ```
//!
//! # What the world does
//!
//! Every user begins with a session in the browser's storage, which all tabs of the browser share. The server is that of
//! token clients: a refresh takes the stored refresh token and issues new tokens, a revocation ends the session, and a used
//! refresh token does as well, unless the scenario's `backend.refresh-token-reuse` accepts it for a while. A tab
//! whose user is signed out gets no event any more, and its callers get an empty answer at once.
//!
//! A refresh is an *entry*. It is recursive when the answer to a request that an earlier entry issued causes it: directly,
//! through a timer without a wait, or through a message to another tab. A retry belongs to its refresh.
//!
//! # What an own client cannot do
//!
//! It runs beside no other client: its code is compiled apart from that of the crate's families. It calls one endpoint (`token`), has no lock between tabs, one client object in a page, and page loads that cannot fail. A signed-out user
//! stays signed out. Recordings and client profiles cannot describe it, and the command cannot run its
//! scenarios: it has no code for it, and says so. A client that needs more implements [`Client`] itself.

mod page;
mod registration;
mod step;
mod store;
mod tasks;
mod words;

pub use page::{Event, Page};
pub use registration::{OwnClient, OwnFamily};
pub use step::Own;
pub use store::Pages;
pub use words::{Rules, Setup};

#[cfg(doc)]
use crate::client::Client;
use std::fmt::Debug;

/// What the SDK in one tab does.
///
/// The value is the state of one tab. A page begins with the default value, also when it is reloaded. The value must be
/// small ([`MOST_BYTES`]), because a run may have millions, and must depend on the events alone: no clock, no random
/// numbers of its own, no state outside.
pub trait Sdk: Clone + Debug + Default + Send + Sync + 'static {
    /// Its name: a scenario's `client.sdk`.
    const NAME: &'static str;
    /// A description, in a sentence.
    const ABOUT: &'static str;
    /// Whether a refresh issues a new refresh token, and the used one is spent.
    const ROTATES: bool = true;
    /// The status of the answer to a refresh token that the server refuses (RFC 6749, section 5.2).
    const REFUSED_STATUS: u16 = 400;

    /// Handles an event of the tab. What the SDK does about it, it tells the page.
    fn on(&mut self, event: Event, page: &mut Page<'_>);
}

/// The most bytes of an [`Sdk`]'s state of one tab.
pub const MOST_BYTES: usize = 32;
