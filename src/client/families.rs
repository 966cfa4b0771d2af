//! The families whose clients a run has: one, or several beside each other.

use super::family::{FlowHarm, FlowMetrics, FlowWords};
use super::{FAMILIES, Model, workload};
use crate::protocol::{Endpoint, EndpointRow, MetricWords};

/// A set of registered families, in the order of the registration. A set of none stands for the first family, as the default
/// model does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Families(u8);

const _: () = assert!(FAMILIES.len() <= u8::BITS as usize);

/// The words of runs in which clients of several families run beside each other: an entry is one of the flow of its own client.
pub(super) const SEVERAL: FlowWords = FlowWords {
    clients: "clients",
    name: "the flow of the client",
    short: "the flow",
    enters: "enters the flow of its client",
    enter: "enter the flows of their clients",
    entries: "entries of the flows of all clients",
    entry: "entry",
    harm: FlowHarm::OfClient,
    metrics: FlowMetrics {
        entries: MetricWords {
            name: "flow_entries",
            unit: "entries",
            definition: "Entries of the flow of each client: the sum over the families of clients, each of which has a metric of its own.",
        },
        sessions: MetricWords {
            name: "flow_sessions",
            unit: "sessions",
            definition: "Browser sessions with at least one entry of the flow of their client.",
        },
        worst_session: MetricWords {
            name: "flow_entries_worst_session",
            unit: "entries",
            definition: "Most entries of one browser session, of whatever client.",
        },
        recursive: MetricWords {
            name: "recursive_flow_entries",
            unit: "entries",
            definition: "Entries caused by the answer to a request that an earlier entry issued, directly or through app code that reacted to what that entry delivered: the sum over the families of clients.",
        },
        depth_max: MetricWords {
            name: "flow_depth_max",
            unit: "entries",
            definition: "Longest causal chain of entries of one client; 1 is an entry that no earlier entry caused.",
        },
    },
    purpose: "",
    unasked: None,
    unprompted: "",
    ends: &[],
    throws: "the client passes the error on",
};

impl Families {
    /// All sets of at least one family. The number of a set is its bits.
    pub(crate) fn sets() -> impl Iterator<Item = Families> {
        (1..1u16 << FAMILIES.len()).map(|bits| Families(bits as u8))
    }

    /// The place of the set among [`Families::sets`].
    pub(crate) fn place(self) -> usize {
        usize::from(self.0.max(1)) - 1
    }

    /// The family of this index among [`FAMILIES`].
    pub(crate) fn one(family: usize) -> Families {
        Families(1 << family)
    }

    /// The set with the families of another one.
    #[must_use]
    pub fn and(self, other: Families) -> Families {
        Families(self.0 | other.0)
    }

    /// Whether the set has several families.
    pub fn are_several(self) -> bool {
        self.0.count_ones() > 1
    }

    /// Whether the set has all families of another one.
    pub fn contain(self, other: Families) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set has no family of another one.
    pub fn is_apart_from(self, other: Families) -> bool {
        self.0 & other.0 == 0
    }

    /// The indices of the families among [`FAMILIES`].
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..FAMILIES.len()).filter(move |family| self.0.max(1) >> family & 1 == 1)
    }

    /// The names of the flow that results of these families use.
    pub fn flow(self) -> &'static FlowWords {
        match self.iter().next() {
            Some(only) if !self.are_several() => &FAMILIES[only].flow,
            _ => &SEVERAL,
        }
    }

    /// The endpoints that a run may call: those of each family and the one of generic clients.
    pub fn endpoints(self) -> Vec<Endpoint> {
        let named = |row: &EndpointRow| Endpoint::known(row.name);
        let rows = self.iter().flat_map(|family| FAMILIES[family].endpoints);
        rows.map(named).chain([workload::GENERIC]).collect()
    }

    /// The place in this set of the family that calls an endpoint; 0 for one that none of them calls.
    pub(crate) fn caller_of(self, endpoint: Endpoint) -> usize {
        let calls = |family: usize| FAMILIES[family].endpoints.iter().any(|row| row.name == endpoint.name());
        self.iter().position(calls).unwrap_or(0)
    }

    /// The place of a family in this set; 0 for one that is not in it.
    pub(crate) fn place_of(self, family: usize) -> usize {
        self.iter().position(|known| known == family).unwrap_or(0)
    }
}

impl From<Model> for Families {
    fn from(model: Model) -> Families {
        Families::one(model.family())
    }
}

impl FromIterator<Families> for Families {
    fn from_iter<I: IntoIterator<Item = Families>>(sets: I) -> Families {
        sets.into_iter().fold(Families::default(), Families::and)
    }
}

impl FromIterator<Model> for Families {
    fn from_iter<I: IntoIterator<Item = Model>>(models: I) -> Families {
        models.into_iter().map(Families::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_one_family_has_its_words_and_endpoints() {
        for model in Model::all() {
            let families = Families::from(model);
            assert_eq!((families.flow(), families.endpoints()), (model.flow(), model.endpoints()), "{model}");
            assert!(!families.are_several());
        }
        assert_eq!(Families::default().flow(), Model::default().flow());
    }

    #[test]
    fn a_set_of_all_families_has_every_endpoint_once_and_words_of_its_own() {
        let all: Families = Model::all().collect();
        assert_eq!(all.endpoints(), Endpoint::ALL);
        assert!(all.are_several() && Model::all().all(|model| all.flow() != model.flow()));
        for (place, set) in Families::sets().enumerate() {
            assert_eq!(set.place(), place);
            assert!(all.contain(set));
        }
        for model in Model::all() {
            let of_model: Vec<usize> = model.endpoints().into_iter().map(|e| all.caller_of(e)).collect();
            let (generic, own) = of_model.split_last().expect("an endpoint of generic clients");
            assert!(own.iter().all(|place| *place == all.place_of(model.family())) && *generic == 0);
        }
    }
}
