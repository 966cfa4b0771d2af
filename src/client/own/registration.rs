//! A client from outside of the crate, as a scenario holds it.
//!
//! A world is compiled for one client family. The code of an outside client is compiled where its program is, so a scenario
//! carries it as a value: one indirect call starts a run, and within the run nothing is indirect.

use crate::client::family::{Client, Unusable};
use crate::client::{AnyClient, ArmSpec, Prepared};
use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A compiled client from outside of the crate.
pub trait OwnFamily: Debug + Send + Sync {
    /// [`Client::most_rounds`] of an arm.
    fn most_rounds(&self, arm: usize) -> Option<u32>;
    /// [`Client::bytes_per_user`] of an arm.
    fn bytes_per_user(&self, arm: usize, tabs: u64, event: u64, round_trip_s: f64) -> u64;
    /// The [`Prepared`] client.
    fn prepared(&self) -> &dyn Any;
    /// What starts its worlds.
    fn worlds(&self) -> &'static (dyn Any + Send + Sync);
}

/// Returns what starts the worlds of a client.
pub(crate) type Worlds = fn() -> &'static (dyn Any + Send + Sync);

#[derive(Debug)]
struct Compiled<C: Client> {
    prepared: Prepared<C>,
    worlds: Worlds,
}

impl<C: Client> OwnFamily for Compiled<C> {
    fn most_rounds(&self, arm: usize) -> Option<u32> {
        C::most_rounds(&self.prepared.setups[arm])
    }

    fn bytes_per_user(&self, arm: usize, tabs: u64, event: u64, round_trip_s: f64) -> u64 {
        C::bytes_per_user(&self.prepared.setups[arm], tabs, event, round_trip_s)
    }

    fn prepared(&self) -> &dyn Any {
        &self.prepared
    }

    fn worlds(&self) -> &'static (dyn Any + Send + Sync) {
        (self.worlds)()
    }
}

type Compile = fn(&[ArmSpec<'_>], &[String], Worlds) -> Arc<dyn OwnFamily>;

/// A client from outside of the crate.
#[derive(Clone, Copy)]
pub struct OwnClient {
    /// Its name: a scenario's `client.sdk`.
    pub name: &'static str,
    /// What a scenario may say and the client cannot use.
    pub unusable: &'static [Unusable],
    compile: Compile,
    worlds: Worlds,
}

impl OwnClient {
    /// The first model of a client family. `worlds` starts its worlds.
    ///
    /// # Panics
    /// When the family does not call the endpoints of token clients and use their words: results have their metrics.
    pub(crate) fn of<C: Client>(worlds: Worlds) -> OwnClient {
        use crate::client::token::Token;
        let same = C::FLOW == Token::FLOW && C::ENDPOINTS == Token::ENDPOINTS;
        assert!(same && C::REFRESH_TOKENS, "an own client has the endpoints and the words of token clients");
        OwnClient {
            name: C::MODELS[0].name,
            unusable: C::UNUSABLE,
            compile: |arms, codes, worlds| {
                Arc::new(Compiled::<C> { prepared: Prepared::of_first(arms, codes), worlds })
            },
            worlds,
        }
    }

    /// Compiles it for the arms of a contender.
    pub(crate) fn compile(&self, arms: &[ArmSpec<'_>], codes: &[String]) -> AnyClient {
        AnyClient::Own((self.compile)(arms, codes, self.worlds))
    }
}

impl Debug for OwnClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnClient").field(&self.name).finish()
    }
}

/// Two clients of one name are the same: a program has one.
impl PartialEq for OwnClient {
    fn eq(&self, other: &OwnClient) -> bool {
        self.name == other.name
    }
}
