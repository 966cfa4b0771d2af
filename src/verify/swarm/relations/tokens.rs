//! The same relations for token clients: a scenario's users run token clients instead of policies.
//!
//! The change is one of the text alone, and it changes both sides of a relation alike. What a relation adds or swaps
//! stays added or swapped. An entry whose endpoints a token client does not call goes away.

use super::super::draw::endpoints;
use super::sides::{list, milliseconds};
use crate::backend::BackendSpec;
use toml::{Table, Value};

/// The contender that stands for a policy.
const CONTENDERS: [(&str, &str); 4] = [
    ("old", "supabase-js-2.105.4"),
    ("new", "supabase-js-2.119.1"),
    ("not-429", "firebase-1.13.9"),
    ("added", "keycloak-js-26.2.4"),
];

/// The endpoint that stands for another.
const ENDPOINTS: [(&str, &str); 4] =
    [("tokens", "token"), ("touch", "lookup"), ("client", "user"), ("generic", "generic")];

/// Factor of a token's life. Some token clients refresh without rest when a token lives as short as in drawn scenarios.
const LONGER: u64 = 4;

fn renamed(names: &[(&str, &'static str)], value: &Value) -> Option<Value> {
    let name = value.as_str()?;
    names.iter().find(|(from, _)| *from == name).map(|(_, to)| Value::from(*to))
}

/// Removes the habits of a fleet that token clients cannot use.
fn of_token_clients(fleet: &mut Table) {
    for key in ["multi-session", "set-active", "sign-in-again", "document-focus", "focus-lasts"] {
        fleet.remove(key);
    }
    if fleet.get("app-reaction").and_then(Value::as_str) == Some("set-active") {
        fleet.insert("app-reaction".into(), "get-token".into());
    }
    if let Some(app) = fleet.get_mut("app-get-token").and_then(Value::as_table_mut) {
        app.remove("skip-cache");
    }
}

/// Gives the users of a scenario token clients.
pub(super) fn with_token_clients(scenario: &mut Table) {
    scenario.remove("policy");
    scenario
        .insert("client".into(), Value::Table("model = \"supabase-js-2.119.1\"".parse().expect("a table")));
    for name in list(scenario, "policies") {
        *name = renamed(&CONTENDERS, name).unwrap_or_else(|| name.clone());
    }
    for mix in list(scenario, "mix") {
        for share in mix["shares"].as_array_mut().into_iter().flatten() {
            share["policy"] = renamed(&CONTENDERS, &share["policy"]).expect("a mix of drawn policies");
        }
    }
    scenario.get_mut("fleet").and_then(Value::as_table_mut).into_iter().for_each(of_token_clients);
    let cohorts = scenario.get_mut("cohort").and_then(Value::as_array_mut).into_iter().flatten();
    for cohort in cohorts.filter_map(Value::as_table_mut) {
        cohort.get_mut("fleet").and_then(Value::as_table_mut).into_iter().for_each(of_token_clients);
        if let Some(policy) = cohort.get_mut("policy") {
            *policy = renamed(&CONTENDERS, policy).unwrap_or_else(|| policy.clone());
        }
    }
    if let Some(backend) = scenario["backend"].as_table_mut() {
        for key in ["client-token", "session-updated-at", "focus-touch-with-client", "revoked-session"] {
            backend.remove(key);
        }
        let life_ms = milliseconds(backend.get("token-life"))
            .unwrap_or(BackendSpec::default().token_life.0 / 1_000_000);
        backend.insert("token-life".into(), format!("{}ms", LONGER * life_ms).into());
        for name in endpoints() {
            let renamed = renamed(&ENDPOINTS, &Value::from(name));
            if let (Some(spec), Some(to)) = (backend.remove(name), renamed) {
                backend.insert(to.as_str().expect("a name").to_owned(), spec);
            }
        }
    }
    for path in ["backend.limit", "fault"] {
        list(scenario, path).retain_mut(|entry| {
            let Some(endpoints) = entry.get_mut("endpoints").and_then(Value::as_array_mut) else {
                return true;
            };
            *endpoints = endpoints.iter().filter_map(|name| renamed(&ENDPOINTS, name)).collect();
            let is_called = !endpoints.is_empty();
            if let Some(costs) = entry.get_mut("cost-of").and_then(Value::as_table_mut) {
                let of = |(name, cost): (&String, &Value)| {
                    let to = renamed(&ENDPOINTS, &Value::from(name.as_str()))?;
                    Some((to.as_str()?.to_owned(), cost.clone()))
                };
                *costs = costs.iter().filter_map(of).collect();
            }
            is_called
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::draw::scenario;
    use super::super::sides::table;
    use super::*;
    use crate::scenario::load_text;

    #[test]
    fn every_drawn_scenario_loads_with_token_clients() {
        for seed in 0..300 {
            let mut drawn = table(&scenario(seed));
            with_token_clients(&mut drawn);
            if let Err(error) = load_text("tokens", &drawn.to_string(), &[]) {
                panic!("{error}\n{drawn}");
            }
        }
    }
}
