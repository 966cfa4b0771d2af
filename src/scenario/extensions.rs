//! Clients and limiters of a program's own, for scenarios that name them.

use super::Scenario;
use crate::backend::limiter::LimitKind;
use crate::backend::limiter::own::{Limit, OwnLimiter};
use crate::client::own::OwnClient;

/// What a program adds to the clients and limiters of this crate. A scenario names them: `client.sdk` beside `model =
/// "own"`, and a limit's `limiter` beside `kind = "own"`.
///
/// [`client::own`](crate::client::own) and [`limiter::own`](mod@crate::backend::limiter::own) say how to write them.
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    pub(crate) client: Option<OwnClient>,
    limiters: Vec<OwnLimiter>,
}

impl Extensions {
    /// Adds a limiter. Of two with one name, the later one counts.
    #[must_use]
    pub fn limiter<L: Limit>(mut self) -> Extensions {
        self.limiters.retain(|limiter| limiter.name != L::NAME);
        self.limiters.push(OwnLimiter::of::<L>());
        self
    }

    /// The extensions that a scenario uses.
    pub(super) fn of(scenario: &Scenario) -> Extensions {
        let own = scenario.backend.limits.iter().filter_map(|limit| match &limit.kind {
            LimitKind::Own(spec) => spec.own,
            _ => None,
        });
        Extensions { client: scenario.client.own, limiters: own.collect() }
    }

    /// The limiter of this name.
    pub(super) fn limiter_named(&self, name: &str) -> Option<OwnLimiter> {
        self.limiters.iter().find(|limiter| limiter.name == name).copied()
    }

    /// The names of its limiters.
    pub(super) fn limiters(&self) -> Vec<&'static str> {
        self.limiters.iter().map(|limiter| limiter.name).collect()
    }

    /// Gives a checked scenario the code that it names.
    pub(super) fn give(&self, scenario: &mut Scenario) {
        scenario.client.own = self.client.filter(|own| scenario.client.sdk.as_deref() == Some(own.name));
        for limit in &mut scenario.backend.limits {
            if let LimitKind::Own(spec) = &mut limit.kind {
                spec.own = self.limiter_named(&spec.limiter);
            }
        }
    }
}
