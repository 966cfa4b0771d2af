//! Cohorts: parts of the users that differ in client, policy, habits, network, app or region.
//!
//! A scenario without `[[cohort]]` has one cohort without a name, which `[client]` and `[fleet]` describe. Users are numbered
//! through all cohorts, in the order of the list. A user's random numbers depend on the cohort's name and on the user's number
//! within it, so another cohort changes nothing for this one but what the shared servers answer.
//!
//! Kinds of populations are combinations of keys:
//!
//! | population | keys |
//! | --- | --- |
//! | browsers | `fleet.tabs`, `fleet.focus-every`, `fleet.hidden-timers`, `fleet.sleep` |
//! | servers that render pages | `network`: one egress address for all sessions; `fleet.stays` and `fleet.away`: a client object lives for one request |
//! | mobile apps | `fleet.tabs = 1`, `fleet.sleep`: an app in the background runs no timers |

use super::policies::ResolvedPolicy;
use super::{ClientSpec, Scenario};
use crate::client::policy::Policy;
use crate::client::{Families, Model};
use crate::fleet::FleetSpec;
use crate::spec::leaf::{Name, Reference};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A part of the users, with a client, a policy and habits of its own.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[cohort]]")]
pub struct CohortSpec {
    /// Name of the cohort in results, stories and expectations.
    #[schemars(with = "Name", example = &"office")]
    pub name: String,
    /// The client that these users run; without it, that of `[client]`. Clients of different families may stand beside each other:
    /// each cohort is counted in the words of its own client. A profile of your own is named by `policy`, and a client of a program's
    /// own (`own`) runs beside no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientSpec>,
    /// The policy or mix that these users follow whatever policy is compared; without it, the compared one. The name of a
    /// token client or of a measured release stands for that client as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reference", example = &"new")]
    pub policy: Option<String>,
    /// The policies of `policy` and their shares. Loading a scenario resolves them.
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub pinned: Vec<(Policy, f64)>,
    /// Name of the one network address that all these users are behind. Cohorts that name the same network share the
    /// address. Without it, `fleet.users-per-network` users share an address, and no other cohort does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name", example = &"office")]
    pub network: Option<String>,
    /// Name of the one app of these users. Cohorts that name the same app share its limits. Without it, the users belong in
    /// turn to `fleet.apps` apps, which all cohorts without `app` share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name", example = &"web")]
    pub app: Option<String>,
    /// Name of the region of these users. Faults may strike a region alone, and a limit with `key = "region"` counts each
    /// region apart. Cohorts and workloads without a region are together in one without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name", example = &"eu")]
    pub region: Option<String>,
    /// The users of the cohort: how many, with how many tabs, and what they do. Has all keys of `[fleet]`.
    pub fleet: FleetSpec,
}

/// What stands between the names of clients.
pub(crate) const AND: &str = " and ";

/// The families of clients in words. Words that name no client of this version count for nothing.
pub(crate) fn families_in<S: AsRef<str>>(clients: &[S]) -> Families {
    let named = |client: &S| Model::named(client.as_ref().split(' ').next().unwrap_or_default());
    clients.iter().filter_map(named).collect()
}

/// A cohort of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort<'a> {
    /// Its name; empty for the one cohort of a scenario without `[[cohort]]`.
    pub name: &'a str,
    /// The client of its users.
    pub client: &'a ClientSpec,
    /// Its users and their habits.
    pub fleet: &'a FleetSpec,
    /// The policies that its users follow whatever is compared; empty for the compared ones.
    pub pinned: &'a [(Policy, f64)],
    /// The one network of its users.
    pub network: Option<&'a str>,
    /// The one app of its users.
    pub app: Option<&'a str>,
    /// The region of its users.
    pub region: Option<&'a str>,
    /// The numbers of its users.
    pub users: Range<u32>,
}

impl Scenario {
    /// The cohorts, in the order of their users. A scenario without `[[cohort]]` has one.
    pub fn cohorts(&self) -> Vec<Cohort<'_>> {
        if self.cohorts.is_empty() {
            return vec![Cohort {
                name: "",
                client: &self.client,
                fleet: &self.fleet,
                pinned: &[],
                network: None,
                app: None,
                region: None,
                users: 0..self.fleet.users,
            }];
        }
        let mut cohorts: Vec<Cohort<'_>> = Vec::new();
        for CohortSpec { name, client, pinned, network, app, region, fleet, .. } in &self.cohorts {
            let first = cohorts.last().map_or(0, |cohort| cohort.users.end);
            cohorts.push(Cohort {
                name,
                client: client.as_ref().unwrap_or(&self.client),
                fleet,
                pinned,
                network: network.as_deref(),
                app: app.as_deref(),
                region: region.as_deref(),
                users: first..first.saturating_add(fleet.users),
            });
        }
        cohorts
    }

    /// The fleets of all cohorts.
    pub fn fleets(&self) -> impl Iterator<Item = &FleetSpec> {
        let alone = self.cohorts.is_empty().then_some(&self.fleet);
        alone.into_iter().chain(self.cohorts.iter().map(|cohort| &cohort.fleet))
    }

    /// The fleets of all cohorts, to change them.
    pub fn fleets_mut(&mut self) -> impl Iterator<Item = &mut FleetSpec> {
        let alone = self.cohorts.is_empty().then_some(&mut self.fleet);
        alone.into_iter().chain(self.cohorts.iter_mut().map(|cohort| &mut cohort.fleet))
    }

    /// Number of users of all cohorts.
    pub fn users(&self) -> u32 {
        self.fleets().fold(0, |sum, fleet| sum.saturating_add(fleet.users))
    }

    /// The families of the clients in this scenario, of which these models are run. Loading a scenario sets what else it names, so
    /// that a choice among its policies changes no metric.
    pub(crate) fn families(&self, models: impl Iterator<Item = Model>) -> Families {
        let all = models.collect::<Families>().and(families_in(&self.named_clients));
        if self.users() == 0 || all == Families::default() {
            return self.cohorts()[0].client.model().into();
        }
        all
    }

    /// Notes all clients that users run under these policies.
    pub(crate) fn name_clients(&mut self, policies: &[ResolvedPolicy]) {
        let mut names: Vec<String> = Vec::new();
        let compared = || policies.iter().flat_map(|policy| &policy.parts);
        for cohort in self.cohorts() {
            let parts: Vec<&(Policy, f64)> =
                if cohort.pinned.is_empty() { compared().collect() } else { cohort.pinned.iter().collect() };
            for (policy, _) in parts {
                let name = match &policy.client {
                    Some(client) => client.in_words(),
                    None => cohort.client.in_words(),
                };
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        self.named_clients = names;
    }

    /// The clients of all cohorts in words, each once: `supabase-js-2.105.4 and firebase-1.13.9`. Where policies bring clients of
    /// other families, all of them.
    pub fn clients_in_words(&self) -> String {
        if families_in(&self.named_clients).are_several() {
            return self.named_clients.join(AND);
        }
        let mut names: Vec<String> = Vec::new();
        for cohort in self.cohorts() {
            let name = cohort.client.in_words();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(AND)
    }
}
