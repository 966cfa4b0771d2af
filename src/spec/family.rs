//! The description of a family: a table with a key that names the kind, and keys that belong to some kinds only.

use schemars::Schema;
use serde_json::{Map, Value, json};

/// A key of some kinds.
struct Shared {
    schema: Value,
    /// The kinds that take it.
    words: Vec<&'static str>,
    /// What it means to each of them.
    abouts: Vec<String>,
    /// Whether every kind that takes it needs it.
    needed: bool,
}

/// The schema of a family whose key `tag` names the kind; `kinds` are the words and the schemas of their tables. What a
/// kind is, is what its table is.
pub fn tagged<const N: usize>(tag: &str, about: &str, kinds: [(&'static str, Schema); N]) -> Schema {
    let mut words = Vec::new();
    let mut keys: Vec<(String, Shared)> = Vec::new();
    for (word, schema) in &kinds {
        let about = schema.get("description").cloned().unwrap_or_default();
        words.push(json!({ "type": "string", "const": word, "description": about }));
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let needed = required.contains(&Value::from(name.as_str()));
            let about = property["description"].as_str().unwrap_or_default().to_owned();
            match keys.iter_mut().find(|(known, _)| known == name) {
                Some((_, shared)) => {
                    shared.words.push(word);
                    shared.abouts.push(about);
                    shared.needed &= needed;
                }
                None => {
                    let shared =
                        Shared { schema: property.clone(), words: vec![word], abouts: vec![about], needed };
                    keys.push((name.clone(), shared));
                }
            }
        }
    }
    let mut properties = Map::new();
    properties.insert(tag.to_owned(), json!({ "description": about, "oneOf": words }));
    let mut required = vec![Value::from(tag)];
    for (name, shared) in keys {
        let mut schema = shared.schema;
        schema["description"] = merged(&shared.words, &shared.abouts).into();
        match (shared.words.len() == N, shared.needed) {
            (true, true) => required.push(name.as_str().into()),
            (true, false) => {}
            (false, needed) => {
                schema["x-only"] = json!({ tag: shared.words });
                if needed {
                    schema["x-needed"] = true.into();
                }
            }
        }
        properties.insert(name, schema);
    }
    schemars::json_schema!({ "type": "object", "properties": properties, "required": required })
}

/// What a key means: said once where it means the same to all kinds, otherwise by the kinds to which it means the same.
fn merged(words: &[&str], abouts: &[String]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (word, about) in words.iter().zip(abouts) {
        match groups.iter_mut().find(|(known, _)| known == about) {
            Some((_, of)) => of.push(word),
            None => groups.push((about, vec![word])),
        }
    }
    match &groups[..] {
        [(about, _)] => (*about).to_owned(),
        _ => {
            let each = groups.iter().map(|(about, of)| format!("{}: {about}", of.join(", ")));
            each.collect::<Vec<_>>().join(" ")
        }
    }
}
