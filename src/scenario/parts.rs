//! The parts of a scenario that can be read separately, so that one error does not hide errors elsewhere.

use super::format::scenario;
use super::policies::{Pinned, ResolvedPolicy};
use super::{ActionSpec, ClientSpec, CohortSpec, ExpectSpec, Mix, RolloutSpec, WarmUp};
use crate::backend::{BackendSpec, LimitSpec};
use crate::client::policy::Policy;
use crate::client::workload::WorkloadSpec;
use crate::client::{Families, Model};
use crate::fault::FaultSpec;
use crate::fleet::FleetSpec;
use crate::kernel::Dur;
use crate::spec::Ty;
use crate::spec::check::check_value;
use crate::toml_text::{Code, Doc, Errors, Node, Source};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, ValueDeserializer};

/// An entry of a list of tables, with its path: `fault[2]`.
pub struct Entry<T> {
    /// Its path in the text.
    pub path: String,
    /// Content of the entry.
    pub spec: T,
}

/// The clients that the users of a cohort run, or those of the one fleet.
pub struct Clients {
    /// Name of the cohort; `None` for the fleet.
    pub cohort: Option<String>,
    /// Path of the fleet.
    pub fleet: String,
    /// Path of the client.
    pub at_client: String,
    /// Whether the storage of the browsers ignores removals.
    pub storage_ignores_removals: bool,
    /// The models, each with the path that names it.
    pub models: Vec<(Model, String)>,
}

/// The families of clients.
pub(super) fn families_of<'a>(clients: impl IntoIterator<Item = &'a Clients>) -> Families {
    clients.into_iter().flat_map(|clients| &clients.models).map(|(model, _)| *model).collect()
}

/// The readable parts of a scenario. A part of the wrong form is `None`, or missing in its list.
pub struct Parts {
    /// `name`.
    pub name: Option<String>,
    /// `replications`, or their default.
    pub replications: Option<u32>,
    /// `horizon`.
    pub horizon: Option<Dur>,
    /// `bucket`, or its default.
    pub bucket: Option<Dur>,
    /// `warm-up`.
    pub warm_up: Option<WarmUp>,
    /// `policies`.
    pub policies: Option<Vec<String>>,
    /// `policy-files`.
    pub policy_files: Vec<Entry<String>>,
    /// `[[policy]]`.
    pub inline_policies: Vec<Entry<Policy>>,
    /// `[[mix]]`.
    pub mixes: Vec<Entry<Mix>>,
    /// `[[rollout]]`.
    pub rollouts: Vec<Entry<RolloutSpec>>,
    /// `[client]`.
    pub client: Option<ClientSpec>,
    /// `[fleet]`.
    pub fleet: Option<FleetSpec>,
    /// `[[cohort]]`.
    pub cohorts: Vec<Entry<CohortSpec>>,
    /// `[[workload]]`.
    pub workloads: Vec<Entry<WorkloadSpec>>,
    /// `[backend]` without its limits, or its default.
    pub backend: Option<BackendSpec>,
    /// `[[backend.limit]]`.
    pub limits: Vec<Entry<LimitSpec>>,
    /// `[[fault]]`.
    pub faults: Vec<Entry<FaultSpec>>,
    /// `[[action]]`.
    pub actions: Vec<Entry<ActionSpec>>,
    /// `[[expect]]`.
    pub expectations: Vec<Entry<ExpectSpec>>,
}

impl Parts {
    /// Reads every readable part.
    pub fn of(doc: &Doc<'_>) -> Parts {
        Parts {
            name: one(doc, "name"),
            replications: one_or_default(doc, "replications"),
            horizon: one(doc, "horizon"),
            bucket: one_or_default(doc, "bucket"),
            warm_up: one(doc, "warm-up"),
            policies: one(doc, "policies"),
            policy_files: each(doc, "policy-files"),
            inline_policies: each(doc, "policy"),
            mixes: each(doc, "mix"),
            rollouts: each(doc, "rollout"),
            client: one(doc, "client"),
            fleet: one(doc, "fleet"),
            cohorts: each(doc, "cohort"),
            workloads: each(doc, "workload"),
            backend: match doc.node("backend") {
                Some(node) => without_limits(doc.source, node),
                None => Some(BackendSpec::default()),
            },
            limits: each(doc, "backend.limit"),
            faults: each(doc, "fault"),
            actions: each(doc, "action"),
            expectations: each(doc, "expect"),
        }
    }
}

impl Parts {
    /// The clients of the users of each cohort, or of the one fleet, under these policies: those of `policies`, or of the cohort's
    /// own policy.
    pub fn clients(&self, policies: &[ResolvedPolicy], pinned: &[Pinned]) -> Vec<Clients> {
        let mut all = Vec::new();
        for place in 0..self.cohorts.len().max(1) {
            let cohort = self.cohorts.get(place);
            let own = cohort.and_then(|cohort| cohort.spec.client.as_ref());
            let of_all = self.client.as_ref();
            let mut clients = Clients {
                cohort: cohort.map(|cohort| cohort.spec.name.clone()),
                fleet: cohort.map_or_else(|| "fleet".to_owned(), |cohort| format!("{}.fleet", cohort.path)),
                at_client: match (cohort, own) {
                    (Some(cohort), Some(_)) => format!("{}.client", cohort.path),
                    _ => "client".to_owned(),
                },
                storage_ignores_removals: own
                    .or(of_all)
                    .is_some_and(|client| client.storage_ignores_removals),
                models: Vec::new(),
            };
            // A client that cannot be read has its own errors.
            let model = own.or(of_all).map_or_else(Model::default, ClientSpec::model);
            let of_model = (model, format!("{}.model", clients.at_client));
            let pinned = pinned.iter().find(|pinned| cohort.is_some() && pinned.cohort == place);
            let followed: Vec<(String, &ResolvedPolicy)> = match (pinned, cohort) {
                (Some(pinned), Some(cohort)) => vec![(format!("{}.policy", cohort.path), &pinned.policy)],
                _ => (0..).map(|i| format!("policies[{i}]")).zip(policies).collect(),
            };
            for (at, policy) in followed {
                for (part, _) in &policy.parts {
                    let of_part = part.client.as_ref().map(|client| (client.model(), at.clone()));
                    clients.models.push(of_part.unwrap_or_else(|| of_model.clone()));
                }
            }
            if clients.models.is_empty() || self.users() == Some(0) {
                clients.models = vec![of_model];
            }
            all.push(clients);
            if self.users() == Some(0) {
                break;
            }
        }
        all
    }

    /// The readable fleets: that of `[fleet]` and those of the cohorts, each with its path.
    pub fn fleets(&self) -> impl Iterator<Item = (String, &FleetSpec)> {
        let alone = self.fleet.iter().map(|fleet| ("fleet".to_owned(), fleet));
        let cohorts = self.cohorts.iter();
        alone.chain(cohorts.map(|cohort| (format!("{}.fleet", cohort.path), &cohort.spec.fleet)))
    }

    /// Number of users; `None` where no fleet is readable.
    pub fn users(&self) -> Option<u64> {
        self.fleets().map(|(_, fleet)| u64::from(fleet.users)).reduce(|sum, users| sum + users)
    }
}

/// The type of the value at a path of plain keys.
fn type_at(path: &str) -> Option<&'static Ty> {
    scenario().at(path).map(|key| &key.ty)
}

/// The value at a path; its default if it is absent.
fn one_or_default<T: DeserializeOwned>(doc: &Doc<'_>, path: &str) -> Option<T> {
    match doc.node(path) {
        Some(_) => one(doc, path),
        None => serde_json::from_value(scenario().at(path)?.default.clone()?).ok(),
    }
}

/// The value at a path, if it exists and has the right form.
pub(super) fn one<T: DeserializeOwned>(doc: &Doc<'_>, path: &str) -> Option<T> {
    read(doc.source, doc.node(path)?, type_at(path)?)
}

/// The entries of a list that have the right form.
fn each<T: DeserializeOwned>(doc: &Doc<'_>, path: &str) -> Vec<Entry<T>> {
    let (Some(node), Some(Ty::List(ty, _, most))) = (doc.node(path), type_at(path)) else {
        return Vec::new();
    };
    let Some(list) = node.get_ref().as_array() else { return Vec::new() };
    let entry = |(i, node)| Some(Entry { path: format!("{path}[{i}]"), spec: read(doc.source, node, ty)? });
    list.iter().take(*most).enumerate().filter_map(entry).collect()
}

/// Reads a value without its unknown keys, which are already reported. A value with any other error is `None`, so that
/// checks between parts meet only numbers in their ranges.
pub(super) fn read<T: DeserializeOwned>(source: &Arc<Source>, node: &Node<'_>, ty: &Ty) -> Option<T> {
    if !is_sound(source, node, ty) {
        return None;
    }
    T::deserialize(ValueDeserializer::from(prune(node, ty))).ok()
}

fn is_sound(source: &Arc<Source>, node: &Node<'_>, ty: &Ty) -> bool {
    let mut errors = Errors::default();
    check_value(source, node, ty, scenario(), &mut errors);
    errors.only_of(Code::UnknownKey)
}

/// The backend without its limits, which are separate parts.
fn without_limits(source: &Arc<Source>, node: &Node<'_>) -> Option<BackendSpec> {
    let ty = type_at("backend")?;
    let mut pruned = prune(node, ty);
    if let DeValue::Table(table) = pruned.get_mut() {
        table.remove("limit");
    }
    read(source, &pruned, ty)
}

/// The value without keys that its tables do not know.
fn prune<'a>(node: &Node<'a>, ty: &Ty) -> Node<'a> {
    let value = match (node.get_ref(), ty) {
        (DeValue::Table(found), _) => {
            let mut kept = DeTable::new();
            for (key, value) in found.iter() {
                match ty.table().map(|table| table.key(key.get_ref())) {
                    Some(None) => {}
                    Some(Some(known)) => drop(kept.insert(key.clone(), prune(value, &known.ty))),
                    None => drop(kept.insert(key.clone(), value.clone())),
                }
            }
            DeValue::Table(kept)
        }
        (DeValue::Array(list), Ty::List(ty, _, most)) => {
            // Entries beyond the limit are already reported. Without them, the checks of pairs stay bounded.
            let mut kept = DeArray::new();
            list.iter().take(*most).for_each(|entry| kept.push(prune(entry, ty)));
            DeValue::Array(kept)
        }
        (value, _) => value.clone(),
    };
    Spanned::new(node.span(), value)
}
