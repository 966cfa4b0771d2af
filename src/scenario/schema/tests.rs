//! The format as data and the specs as serde reads them say the same: serde's own errors list what it knows.

use super::{SCENARIO, Table, Ty};
use crate::backend::spec::{
    BackendSpec, ClientToken, EndpointSpec, LimitKey, LimitKind, LimitSpec, RetryAfter,
};
use crate::client::Model;
use crate::client::app::AppReaction;
use crate::client::policy::{CircuitBreaker, Jitter, Policy, Retry, RetryBudget, TouchErrors, WindowedRetry};
use crate::client::workload::{Layers, WorkloadSpec};
use crate::fault::{FaultKind, FaultSpec};
use crate::fleet::{AppGetToken, FleetSpec, Offline, SetActive, SignInAgain, TabShare};
use crate::protocol::Endpoint;
use crate::scenario::{
    Act, ActionSpec, ClientSpec, ExpectOf, ExpectSpec, GuardSpec, Mix, PolicyShare, Scenario,
};
use serde::de::DeserializeOwned;

/// The names that serde offers when it meets one that it does not know.
fn offered<T: DeserializeOwned>(unknown: &str) -> Vec<String> {
    let value: toml::Value = toml::from_str::<toml::Table>(unknown).expect("it is TOML")["x"].clone();
    let Err(error) = value.try_into::<T>() else { panic!("it cannot know the name ?") };
    let mut names: Vec<String> = error.message().split('`').skip(3).step_by(2).map(str::to_owned).collect();
    names.sort();
    names
}

/// The type at a path of keys; lists are entered.
fn at(path: &str) -> &'static Ty {
    let mut table: &'static Table = &SCENARIO;
    let mut ty = None;
    for key in path.split('.') {
        let found = &table.key(key).unwrap_or_else(|| panic!("{path}")).ty;
        table = found.table().unwrap_or(table);
        ty = Some(found);
    }
    ty.unwrap_or_else(|| panic!("{path}"))
}

fn same_keys<T: DeserializeOwned>(path: &str) {
    let table = if path.is_empty() { &SCENARIO } else { at(path).table().expect("a table") };
    let mut keys: Vec<&str> = table.names().collect();
    keys.sort_unstable();
    assert_eq!(offered::<T>("x = { \"?\" = 1 }"), keys, "{path}");
}

fn same_words<T: DeserializeOwned>(path: &str) {
    let words = match at(path) {
        Ty::Word(words) | Ty::List(Ty::Word(words), ..) => words,
        other => panic!("{path}: {other:?}"),
    };
    let mut words = words.to_vec();
    words.sort_unstable();
    assert_eq!(offered::<T>("x = \"?\""), words, "{path}");
}

#[test]
fn every_table_has_the_keys_of_its_spec() {
    same_keys::<Scenario>("");
    same_keys::<Policy>("policy");
    same_keys::<Retry>("policy.retry");
    same_keys::<RetryBudget>("policy.retry-budget");
    same_keys::<CircuitBreaker>("policy.circuit-breaker");
    same_keys::<WindowedRetry>("policy.windowed-retry");
    same_keys::<Mix>("mix");
    same_keys::<PolicyShare>("mix.shares");
    same_keys::<ClientSpec>("client");
    same_keys::<FleetSpec>("fleet");
    same_keys::<TabShare>("fleet.tabs");
    same_keys::<AppGetToken>("fleet.app-get-token");
    same_keys::<SetActive>("fleet.set-active");
    same_keys::<Offline>("fleet.offline");
    same_keys::<SignInAgain>("fleet.sign-in-again");
    same_keys::<WorkloadSpec>("workload");
    same_keys::<Layers>("workload.layers");
    same_keys::<BackendSpec>("backend");
    same_keys::<EndpointSpec>("backend.tokens");
    same_keys::<LimitSpec>("backend.limit");
    same_keys::<FaultSpec>("fault");
    same_keys::<ActionSpec>("action");
    same_keys::<ExpectSpec>("expect");
    same_keys::<GuardSpec>("guard");
}

#[test]
fn every_list_of_words_has_the_words_of_its_enum() {
    same_words::<Jitter>("policy.retry.jitter");
    same_words::<TouchErrors>("policy.touch-errors");
    same_words::<Model>("client.model");
    same_words::<AppReaction>("fleet.app-reaction");
    same_words::<ClientToken>("backend.client-token");
    same_words::<Endpoint>("backend.limit.endpoints");
    same_words::<LimitKind>("backend.limit.kind");
    same_words::<LimitKey>("backend.limit.key");
    same_words::<RetryAfter>("backend.limit.retry-after");
    same_words::<FaultKind>("fault.kind");
    same_words::<Endpoint>("fault.endpoints");
    same_words::<Act>("action.do");
    same_words::<ExpectOf>("expect.of");
}
