//! The description as JSON Schema, draft 2020-12, for editors: what JSON Schema can say of it.

use super::build::raw_schema;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The JSON Schema of a type.
pub fn schema<T: JsonSchema>(title: &str) -> Value {
    titled(raw_schema::<T>(), title, &|table| {
        without_null(table);
        conditions(table);
    })
}

/// The JSON Schema of what a type is written as: results, reports, comparisons. A number that may be infinite, or is absent,
/// is `null`.
pub fn output_schema<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    titled(generator.into_root_schema_for::<T>().to_value(), title, &|_| {})
}

fn titled(mut root: Value, title: &str, say: &dyn Fn(&mut Map<String, Value>)) -> Value {
    clean(&mut root, say);
    root["title"] = title.into();
    root
}

/// Says in JSON Schema's own words what our extensions say, where it has words, and takes the extensions away. `say` changes
/// each table before.
fn clean(schema: &mut Value, say: &dyn Fn(&mut Map<String, Value>)) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(|part| clean(part, say)),
        Value::Object(table) => {
            say(table);
            describe_unit(table);
            table.retain(|key, _| !key.starts_with("x-"));
            table.values_mut().for_each(|part| clean(part, say));
        }
        _ => {}
    }
}

/// TOML has no null: an optional key is one that is not there.
fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get("type") {
        schema["type"] = types[0].clone();
    }
    if let Some(Value::Array(forms)) = schema.get("anyOf")
        && let [form, null] = &forms[..]
        && null["type"] == "null"
    {
        let form = form.as_object().cloned().unwrap_or_default();
        schema.remove("anyOf");
        for (key, value) in form {
            schema.entry(key).or_insert(value);
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

/// A unit is part of what a reader is told.
fn describe_unit(schema: &mut Map<String, Value>) {
    let Some(unit) = schema.get("x-unit").and_then(Value::as_str) else { return };
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let about = format!("{about}\nUnit: {unit}.");
    schema.insert("description".into(), about.into());
}

/// Keys that belong to some values of another key, and keys of which one must be there. A key that gives others, as `preset`
/// does, gives also the keys that a condition asks for.
fn conditions(schema: &mut Map<String, Value>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let givers: BTreeSet<&str> = properties
        .values()
        .filter_map(|property| property["x-unless"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let there = |name: &str| match givers.len() {
        0 => json!({ "required": [name] }),
        _ => one_of_them(std::iter::once(name).chain(givers.iter().copied())),
    };
    let mut all = Vec::new();
    for (name, property) in properties {
        if let Some((to, words)) = property["x-only"].as_object().and_then(|only| only.iter().next()) {
            let these = json!({ "properties": { to: { "enum": words } }, "required": [to] });
            if property["x-needed"] == true {
                all.push(json!({ "if": these, "then": there(name) }));
            }
            if property["default"].is_null() {
                let mut goes = there(to);
                goes["properties"] = these["properties"].clone();
                all.push(json!({ "if": { "required": [name] }, "then": goes }));
            }
        }
        if let Some((to, never)) = property["x-never"].as_object().and_then(|never| never.iter().next())
            && property["default"].is_null()
        {
            let words: Vec<&String> = never.as_object().into_iter().flat_map(Map::keys).collect();
            let these = json!({ "properties": { to: { "enum": words } }, "required": [to] });
            all.push(json!({ "if": these, "then": { "not": { "required": [name] } } }));
        }
        if let Some(others) = property["x-unless"].as_array() {
            all.push(one_of_them(
                std::iter::once(name.as_str()).chain(others.iter().filter_map(Value::as_str)),
            ));
        }
    }
    if !all.is_empty() {
        schema.insert("allOf".into(), all.into());
    }
}

/// At least one of these keys is there.
fn one_of_them<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    json!({ "anyOf": names.map(|name| json!({ "required": [name] })).collect::<Vec<_>>() })
}
