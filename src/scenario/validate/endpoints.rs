//! Checks that the endpoints of a scenario are those that its client calls.

use super::Findings;
use crate::protocol::Endpoint;
use crate::scenario::parts::{Clients, Parts, families_of};
use crate::text::shorten;
use crate::toml_text::Code;

/// Checks the endpoints of `[backend]`, limits and faults against those of the clients' families.
pub(crate) fn check(findings: &mut Findings<'_>, parts: &Parts, clients: &[Clients]) {
    let mut names: Vec<&str> = Vec::new();
    let families = families_of(clients);
    for (model, _) in clients.iter().flat_map(|clients| &clients.models) {
        if names.is_empty() || (families.are_several() && !names.contains(&model.name())) {
            names.push(model.name());
        }
    }
    check_against(findings, parts, &shorten(&names.join(" and "), 200), &families.endpoints());
}

fn check_against(findings: &mut Findings<'_>, parts: &Parts, model: &str, called: &[Endpoint]) {
    let mut used: Vec<(String, Endpoint)> = Vec::new();
    for endpoint in Endpoint::ALL {
        let path = format!("backend.{endpoint}");
        // An empty table says nothing.
        let table = findings.doc.node(&path).and_then(|node| node.get_ref().as_table());
        if table.is_some_and(|table| !table.is_empty()) {
            used.push((path, endpoint));
        }
    }
    for (i, pool) in parts.backend.iter().flat_map(|backend| &backend.pools).enumerate() {
        let place = |(n, e): (usize, &Endpoint)| (format!("backend.pool[{i}].endpoints[{n}]"), *e);
        used.extend(pool.endpoints.iter().enumerate().map(place));
    }
    let limits = parts.limits.iter().map(|entry| (&entry.path, &entry.spec.endpoints));
    let faults = parts.faults.iter().map(|entry| (&entry.path, &entry.spec.endpoints));
    for (path, endpoints) in limits.chain(faults) {
        used.extend(endpoints.iter().enumerate().map(|(i, e)| (format!("{path}.endpoints[{i}]"), *e)));
    }
    let allowed = called.iter().map(|endpoint| endpoint.name()).collect::<Vec<_>>().join(", ");
    for (path, endpoint) in used.into_iter().filter(|(_, endpoint)| !called.contains(endpoint)) {
        let what = format!("no client of this scenario calls {endpoint}");
        let is_table = path.starts_with("backend.") && !path.contains('[');
        let error = match is_table {
            true => findings.at_key(&path, Code::UnknownKey, what),
            false => findings.at(&path, Code::UnknownWord, what),
        };
        findings.push(error.allowed(format!("{allowed}: the endpoints of {model} and of generic clients")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_text::{Doc, Errors, Source, TextError};

    const SCENARIO: &str = "version = 1\nname = \"t\"\nhorizon = \"10s\"\npolicies = [\"new\"]\n\
        [client]\nmodel = \"documented\"\n[fleet]\nusers = 1\n[backend.touch]\nlatency = \"1s\"\n\
        [[backend.limit]]\nendpoints = [\"generic\", \"touch\"]\nkind = \"fixed-window\"\nkey = \"user\"\nlimit = 1\n\
        window = \"1s\"\n[[fault]]\nkind = \"outage\"\nendpoints = [\"touch\"]\n";

    /// The places of the errors, and their texts.
    fn errors(called: &[Endpoint]) -> Vec<((usize, usize), String)> {
        let source = Source::new("t.toml", SCENARIO);
        let (doc, _) = Doc::parse(&source).unwrap_or_else(|_| panic!("TOML"));
        let parts = Parts::of(&doc);
        let mut findings = Findings { doc: &doc, errors: Errors::default(), warnings: Vec::new() };
        check_against(&mut findings, &parts, "this model", called);
        let errors = findings.errors.finish().errors;
        let text = |e: &TextError| format!("{}; {}", e.what, e.allowed.as_deref().unwrap_or_default());
        errors.iter().map(|e| (source.place(e.span.as_ref().map_or(0, |s| s.start)), text(e))).collect()
    }

    #[test]
    fn every_endpoint_of_a_scenario_is_one_that_a_client_calls() {
        let [touch, generic] = ["touch", "generic"].map(Endpoint::known);
        assert_eq!(errors(&[touch, generic]), []);
        let says = "no client of this scenario calls touch; generic: the endpoints of this model and of generic clients";
        let places = [(9, 10), (12, 25), (19, 14)];
        assert_eq!(errors(&[generic]), places.map(|place| (place, says.to_owned())));
    }
}
