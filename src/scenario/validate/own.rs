//! Checks that the program has the clients and limiters of its own that a scenario names.

use super::{Findings, client};
use crate::backend::limiter::LimitKind;
use crate::client::Model;
use crate::scenario::extensions::Extensions;
use crate::scenario::parts::Parts;
use crate::text::tick;
use crate::toml_text::Code;

/// Refuses names that the program does not have, and what its client cannot use.
pub(crate) fn check(findings: &mut Findings<'_>, parts: &Parts, own: &Extensions) {
    if let Some(spec) = parts.client.as_ref().filter(|client| client.model() == Model::OWN) {
        match (&own.client, &spec.sdk) {
            (Some(client), Some(name)) if client.name == name => {
                client::check_all(findings, parts, client.unusable);
            }
            (_, Some(name)) => {
                unknown(findings, "client.sdk", name, own.client.iter().map(|c| c.name).collect())
            }
            (_, None) => {}
        }
    }
    for entry in &parts.limits {
        if let LimitKind::Own(spec) = &entry.spec.kind
            && own.limiter_named(&spec.limiter).is_none()
        {
            unknown(findings, &format!("{}.limiter", entry.path), &spec.limiter, own.limiters());
        }
    }
}

fn unknown(findings: &mut Findings<'_>, path: &str, name: &str, known: Vec<&'static str>) {
    let what = "no code of this name: a program that uses the library brings it, and this one does not";
    let allowed = if known.is_empty() { "none in this program".to_owned() } else { known.join(", ") };
    let error = findings.at(path, Code::UnknownWord, what).found(tick(name)).allowed(allowed);
    findings.push(error);
}
