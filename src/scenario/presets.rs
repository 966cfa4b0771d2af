//! `preset` of a limit: writes the keys of the preset into the text, where the entry does not have them.

use super::format::scenario;
use crate::backend::preset::Preset;
use crate::spec::toml_value;
use crate::toml_text::edit::add_keys;
use crate::toml_text::{Doc, Node, Source};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// The text with the keys of presets. A preset that does not exist is left to the check of the text.
pub(super) fn expand(source: Arc<Source>) -> Arc<Source> {
    let additions = match Doc::parse(&source) {
        Ok((doc, _)) => match doc.node("backend.limit").map(|node| node.get_ref()) {
            Some(DeValue::Array(list)) => list.iter().filter_map(addition).collect(),
            _ => Vec::new(),
        },
        Err(_) => Vec::new(),
    };
    // From the last on, so that the places of the others stay.
    additions
        .into_iter()
        .rev()
        .fold(source, |source: Arc<Source>, (at, keys, given): Addition| add_keys(&source, at, &keys, &given))
}

/// Keys with their values for the table at this place, and what gave them.
type Addition = (std::ops::Range<usize>, Vec<(String, String)>, String);

fn addition(node: &Node<'_>) -> Option<Addition> {
    let table = node.get_ref().as_table()?;
    let name = table.get("preset")?.get_ref().as_str()?;
    let preset = Preset::named(name)?;
    let kind = word(table, "kind").or_else(|| preset.limit.get("kind")?.as_str())?;
    // A key of the preset's kind does not go with another kind of the entry's own.
    let goes = |key: &str| {
        let key = scenario().at(&format!("backend.limit.{key}"));
        key.and_then(|key| key.belongs.as_ref())
            .is_none_or(|belongs| belongs.to != "kind" || belongs.holds(kind))
    };
    let missing = |key: &&String| table.get(key.as_str()).is_none() && goes(key);
    let mut keys: Vec<(String, String)> = preset
        .limit
        .keys()
        .filter(missing)
        .map(|key| {
            let value = serde_json::to_value(&preset.limit[key]).expect("a value of TOML is one of JSON");
            (key.clone(), toml_value(&value))
        })
        .collect();
    if table.get("source").is_none() {
        keys.push(("source".to_owned(), toml_value(&preset.source().into())));
    }
    (!keys.is_empty()).then(|| (node.span(), keys, format!("preset \"{name}\"")))
}

fn word<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

#[cfg(test)]
mod tests {
    use crate::scenario::load_text;

    fn scenario(limit: &str) -> String {
        format!(
            "version = 1\nname = \"p\"\nhorizon = \"10s\"\npolicies = [\"new\"]\n[[workload]]\nname = \"w\"\n\
             every = \"1s\"\n[[backend.limit]]\n{limit}\n"
        )
    }

    #[test]
    fn a_preset_gives_the_keys_that_the_entry_does_not_have() {
        let text = scenario("preset = \"supabase\"\nendpoints = [\"generic\"]\nburst = 5");
        let loaded = load_text("p.toml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
        let words = loaded.scenario.backend.limits[0].in_words();
        assert_eq!(words, "token-bucket of 1800/1h, burst 5, per ip, preset supabase");
        assert!(loaded.scenario.backend.limits[0].source.contains("supabase-js issue 2145"));
        // The text that results keep stands alone, and means the same.
        let again = load_text("again.toml", &loaded.text, &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((again.hash(), &again.text), (loaded.hash(), &loaded.text));
        let inline = text.replace("[[backend.limit]]\n", "[backend]\nlimit = [{ ");
        let inline =
            inline.replace("\"supabase\"\n", "\"supabase\", ").replace("]\nburst = 5", "], burst = 5 }]");
        let inline = load_text("inline.toml", &inline, &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(inline.hash(), loaded.hash());
    }

    /// What a provider does not document is marked in words, until the scenario says it.
    #[test]
    fn what_a_provider_does_not_document_is_marked_assumed() {
        let words = |limit: &str| {
            let loaded = load_text("p.toml", &scenario(limit), &[]).unwrap_or_else(|e| panic!("{e}"));
            loaded.scenario.backend.limits[0].in_words()
        };
        let auth0 = "preset = \"auth0-self-service\"\nendpoints = [\"generic\"]";
        assert!(words(auth0).ends_with("preset auth0-self-service, assumed: kind, burst"));
        assert!(words(&format!("{auth0}\nburst = 9")).ends_with("preset auth0-self-service, assumed: kind"));
        // Another kind takes none of the preset's own keys.
        let window = format!("{auth0}\nkind = \"fixed-window\"\nlimit = 25\nwindow = \"1s\"");
        assert_eq!(words(&window), "fixed-window of 25 in 1s, per app, preset auth0-self-service");
    }

    /// Errors point at the lines of the file, not at those that a preset adds.
    #[test]
    fn places_of_errors_are_those_of_the_file() {
        let text = scenario("preset = \"supabase\"\nendpoints = [\"generic\"]\nburts = 5\n[fleeet]");
        let said = load_text("p.toml", &text, &[]).expect_err("two misspelt keys").to_string();
        assert!(said.contains("p.toml:11:1") && said.contains("p.toml:12:2"), "{said}");
        let said =
            load_text("p.toml", &scenario("preset = \"supabse\""), &[]).expect_err("no preset").to_string();
        assert!(said.contains("p.toml:9:10") && said.contains("supabase"), "{said}");
    }
}
