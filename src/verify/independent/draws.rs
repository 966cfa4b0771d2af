//! What random numbers are keyed by: the contract with the kernel's streams, and all that is shared with the engine.

use crate::backend::Endpoint;
use crate::fault::stream_names;
use crate::kernel::random::{Purpose, Stream, origin};
use crate::kernel::{Dist, Dur};
use crate::scenario::Scenario;

const PURPOSES: [Purpose; 17] = [
    Purpose::Arrival,
    Purpose::Focus,
    Purpose::Latency,
    Purpose::Service,
    Purpose::Jitter,
    Purpose::App,
    Purpose::SignIn,
    Purpose::Tabs,
    Purpose::Rollout,
    Purpose::Reload,
    Purpose::Offline,
    Purpose::SetActive,
    Purpose::Generic,
    Purpose::Visit,
    Purpose::Action,
    Purpose::FocusLasts,
    Purpose::RequestLatency,
];

/// The streams of one simulation.
pub(super) struct Draws {
    purposes: Vec<(Purpose, Stream)>,
    faults: Vec<Stream>,
    /// The first client of each workload, and where its coordinates begin.
    origins: Vec<(u64, u64)>,
}

/// What a generic client draws.
#[derive(Clone, Copy)]
pub(super) enum Own {
    Start = 0,
    Gap = 1,
    Retry = 2,
}

/// What a tab waits for when it draws a wait.
#[derive(Clone, Copy)]
pub(super) enum Waits {
    LoadEnvironment = 1,
    LoadClient = 2,
    GetToken = 5,
    Flow = 9,
    LoadAgain = 12,
}

/// Where the draws of a call lie.
pub(super) type Place = (u64, u64);

impl Draws {
    pub(super) fn new(scenario: &Scenario) -> Draws {
        let named = |name: &String| Stream::named(scenario.seed, 0, Purpose::Fault, name);
        let mut first = 0;
        let origins = scenario.workloads.iter().map(|workload| {
            let place = (first, origin(&workload.name));
            first += u64::from(workload.clients);
            place
        });
        let origins = origins.collect();
        let faults = stream_names(&scenario.faults, &scenario.cohorts()[0].client.model().endpoints())
            .iter()
            .map(named)
            .collect();
        let of = |purpose| (purpose, Stream::new(scenario.seed, 0, purpose, 0));
        Draws { purposes: PURPOSES.map(of).to_vec(), faults, origins }
    }

    fn stream(&self, purpose: Purpose) -> Stream {
        self.purposes.iter().find(|(of, _)| *of == purpose).expect("all that is drawn for").1
    }

    /// A draw of one purpose.
    pub(super) fn of(&self, purpose: Purpose, place: Place) -> u64 {
        self.stream(purpose).bits(place.0, place.1)
    }

    /// A duration of this purpose.
    pub(super) fn time(&self, dist: &Dist, purpose: Purpose, place: Place) -> u64 {
        dist.sample(self.stream(purpose).bits(place.0, place.1)).0
    }

    /// Whether and how a fault strikes a call, or a session.
    pub(super) fn fault(&self, index: usize, place: Place) -> u64 {
        self.faults[index].bits(place.0, place.1)
    }

    /// The number of a client within its workload, and where the workload's coordinates begin.
    fn client_place(&self, client: u64) -> (u64, u64) {
        let (first, origin) =
            self.origins.iter().rev().find(|(first, _)| *first <= client).expect("a workload");
        (client - first, *origin)
    }

    pub(super) fn client(&self, client: u64, what: Own, key: u64) -> u64 {
        let (within, origin) = self.client_place(client);
        self.of(Purpose::Generic, (origin.wrapping_add(within << 8 | what as u64), key))
    }

    /// The draws of a generic try; attempts of these scenarios stay below 2^16.
    pub(super) fn of_try(&self, client: u64, number: u64, attempt: u64) -> Place {
        let (within, origin) = self.client_place(client);
        (origin.wrapping_add(within), number << 16 | attempt)
    }

    /// The draws of a call of the tab whose draws begin at `tab`: which of several at once, and when.
    pub(super) fn of_call(&self, tab: u64, endpoint: Endpoint, ordinal: u64, now: u64) -> Place {
        (tab << 16 | u64::from(endpoint.row().draws) << 8 | ordinal, now)
    }

    /// A wait between `low` and `high` of the tab whose draws begin at `tab`.
    pub(super) fn wait(&self, tab: u64, what: Waits, ordinal: u64, now: u64, (low, high): (u64, u64)) -> u64 {
        let place = (tab << 16 | (what as u64) << 8 | ordinal, now);
        self.time(&Dist::uniform(Dur(low), Dur(high)), Purpose::Jitter, place)
    }
}
