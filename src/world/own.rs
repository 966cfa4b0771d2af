//! Worlds of clients from outside of the crate. One indirect call starts a run; the run itself is compiled for its client.

use super::erased::AnyObserver;
use super::run::{Ended, Launch, start};
use crate::client::Client;
use crate::client::own::{OwnClient, OwnFamily};
use crate::scenario::Extensions;

/// What starts the worlds of one client.
struct Worlds {
    run: fn(&dyn OwnFamily, Launch<'_>, &mut dyn AnyObserver) -> Ended,
}

impl Extensions {
    /// Adds a client: [`Own`](crate::client::own::Own) of an [`Sdk`](crate::client::own::Sdk), or a [`Client`] whose endpoints
    /// and words are those of token clients. Of several clients the last one counts: a scenario has one.
    ///
    /// # Panics
    /// For a client with other endpoints or words.
    #[must_use]
    pub fn client<C: Client>(mut self) -> Extensions {
        self.client = Some(OwnClient::of::<C>(|| const { &Worlds { run: run::<C> } }));
        self
    }
}

fn run<C: Client>(client: &dyn OwnFamily, launch: Launch<'_>, observer: &mut dyn AnyObserver) -> Ended {
    let client = client.prepared().downcast_ref().expect("a client runs in its own worlds");
    start::<C>(client, launch, observer)
}

/// Runs the world of a client from outside with an observer.
pub(super) fn start_own(client: &dyn OwnFamily, launch: Launch<'_>, observer: &mut dyn AnyObserver) -> Ended {
    let worlds = client.worlds().downcast_ref::<Worlds>().expect("an own client is made by `Extensions`");
    (worlds.run)(client, launch, observer)
}
