//! Adds entries of the kinds that a scenario lacks, from the description of the format.

use crate::scenario::format;
use crate::spec::{Key, Table, Ty};
use std::fmt::Write;

/// The word for what a program that uses the library brings. Nothing here brings it.
pub(super) const FROM_A_PROGRAM: &str = "own";

/// An entry of every kind that the scenario lacks, for each list of tables whose entries have a kind.
pub(super) fn missing(scenario: &str) -> String {
    let present: toml::Table = scenario.parse().expect("the scenario is valid TOML");
    let mut text = String::new();
    for path in ["backend.limit", "fault", "action"] {
        let table = format::scenario().at(path).and_then(|key| key.ty.table()).expect("a list of tables");
        let belongs =
            table.keys.iter().find_map(|key| key.belongs.as_ref()).expect("the entries have a kind");
        for word in table.words(&belongs.to).into_iter().filter(|word| *word != FROM_A_PROGRAM) {
            let has = |entry: &toml::Value| entry[&belongs.to].as_str() == Some(word);
            let mut here = Some(&toml::Value::Table(present.clone()));
            for step in path.split('.') {
                here = here.and_then(|value| value.get(step));
            }
            let list = here.and_then(toml::Value::as_array);
            if !list.into_iter().flatten().any(has) {
                let _ = write!(text, "\n[[{path}]]\n{}", entry(table, &belongs.to, word));
            }
        }
    }
    text
}

/// The required keys of an entry of this kind.
fn entry(table: &Table, tag: &str, word: &str) -> String {
    let needed = |key: &&Key| match &key.belongs {
        Some(belongs) => belongs.needed && belongs.holds(word),
        None => key.required && key.name != tag,
    };
    let lines = table.keys.iter().filter(needed).map(|key| match key.ty {
        // All forms are shown. No required key has several.
        Ty::Choice { .. } => String::new(),
        _ => format!("{} = {}\n", key.name, key.example),
    });
    format!("{tag} = \"{word}\"\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_entry_that_loads() {
        let bare = "version = 1\nname = 'bare'\nhorizon = '1h'\npolicies = ['new']\n[client]\nmodel = 'documented'\n\
                    [fleet]\nusers = 1\n";
        let text = format!("{bare}{}", missing(bare));
        let study = crate::Study::parse("bare", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let scenario = &study.loaded().scenario;
        let words = |path: &str| {
            let words = format::scenario().words(path);
            words.into_iter().filter(|word| *word != FROM_A_PROGRAM).count()
        };
        assert_eq!(scenario.backend.limits.len(), words("backend.limit.kind"));
        assert_eq!(scenario.faults.len(), words("fault.kind"));
        assert_eq!(scenario.actions.len(), words("action.do"));
        assert_eq!(missing(&text), "");
    }
}
