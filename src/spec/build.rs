//! From the JSON Schema of a type to tables.

use super::{Belongs, Each, Key, Leaf, Table, Ty, Word};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The schema of a type as `schemars` derives it: draft 2020-12, with our extensions.
pub(super) fn raw_schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// The description of a part. It lives as long as the program, so it is made once.
///
/// # Panics
/// When a type has a form that no file can have, or names a leaf that is not among these: a bug of the type's author.
pub fn describe<T: JsonSchema>(leaves: &[&'static Leaf]) -> &'static Table {
    let root = raw_schema::<T>();
    let mut builder = Builder { root: &root, leaves, tables: BTreeMap::new() };
    let Value::Object(top) = &root else { panic!("the schema of a struct is an object") };
    Box::leak(Box::new(builder.table(top)))
}

struct Builder<'a> {
    root: &'a Value,
    leaves: &'a [&'static Leaf],
    /// Tables by the name of their definition: a part that stands in several places is one table.
    tables: BTreeMap<String, &'static Table>,
}

/// Texts without a length of their own: one line of a label.
const LABEL: usize = 500;

impl Builder<'_> {
    /// A schema with its reference followed and `null` taken away, which TOML does not have, and the definition's name.
    fn plain(&self, schema: &Map<String, Value>) -> (Map<String, Value>, Option<String>) {
        let mut own = schema.clone();
        let mut name = None;
        let mut inner = None;
        if let Some(Value::String(reference)) = own.remove("$ref") {
            let pointer = reference.strip_prefix('#').expect("definitions are in the schema itself");
            inner = self.root.pointer(pointer).and_then(Value::as_object).cloned();
            name = pointer.rsplit('/').next().map(str::to_owned);
        } else if let Some(Value::Array(forms)) = own.get("anyOf")
            && let [form, null] = &forms[..]
            && null["type"] == "null"
        {
            let (plain, of) = self.plain(form.as_object().expect("a form is an object"));
            own.remove("anyOf");
            (inner, name) = (Some(plain), of);
        } else if let Some(Value::Array(types)) = own.get("type") {
            own["type"] = types[0].clone();
        }
        let mut whole = inner.unwrap_or_default();
        // What the part itself is stays apart from what it is for at this key.
        if let Some(about) = whole.get("description").cloned() {
            whole.entry("x-about").or_insert(about);
        }
        whole.extend(own);
        (whole, name)
    }

    fn table(&mut self, schema: &Map<String, Value>) -> Table {
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let keys = properties.iter().map(|(name, property)| {
            let property = property.as_object().expect("a property is an object");
            self.key(name, property, required.contains(&Value::from(name.as_str())))
        });
        Table { title: text(schema, "title"), about: about_part(schema), keys: keys.collect(), one_of: false }
    }

    /// The table of this definition, made once.
    fn shared(&mut self, name: Option<String>, make: impl FnOnce(&mut Self) -> Table) -> &'static Table {
        if let Some(known) = name.as_ref().and_then(|name| self.tables.get(name)) {
            return known;
        }
        let table: &'static Table = Box::leak(Box::new(make(self)));
        if let Some(name) = name {
            self.tables.insert(name, table);
        }
        table
    }

    fn key(&mut self, name: &str, property: &Map<String, Value>, required: bool) -> Key {
        let (schema, definition) = self.plain(property);
        let ty = self.ty(&schema, definition);
        let unless = property.get("x-unless").and_then(Value::as_array);
        let unless: Vec<String> =
            unless.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let default = property.get("default").cloned().filter(|default| !default.is_null());
        let example = schema.get("examples").and_then(|examples| examples.get(0)).map(toml_value);
        // What a table is without its keys stands at those keys.
        let default = default.filter(|_| !matches!(ty, Ty::Table(_)));
        let example = example.or_else(|| default.as_ref().map(toml_value).filter(|text| text != "[]"));
        Key {
            name: name.to_owned(),
            about: about(property),
            example: example.unwrap_or_else(|| example_of(&ty)),
            unit: text(property, "x-unit"),
            required: required || !unless.is_empty(),
            unless,
            default,
            add: property.get("x-add").and_then(Value::as_str).map(str::to_owned),
            belongs: self.belongs(property),
            ty,
        }
    }

    fn belongs(&self, property: &Map<String, Value>) -> Option<Belongs> {
        let strings = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        if let Some(only) = property.get("x-only").and_then(Value::as_object) {
            let (to, words) = only.iter().next()?;
            let needed = property.get("x-needed") == Some(&Value::Bool(true));
            return Some(Belongs { to: to.clone(), words: strings(words), needed, why_not: Vec::new() });
        }
        let (to, never) = property.get("x-never").and_then(Value::as_object)?.iter().next()?;
        let why_not = never.as_object()?.iter();
        let why_not = why_not.map(|(word, why)| (word.clone(), why.as_str().unwrap_or_default().to_owned()));
        Some(Belongs { to: to.clone(), words: Vec::new(), needed: false, why_not: why_not.collect() })
    }

    fn ty(&mut self, schema: &Map<String, Value>, definition: Option<String>) -> Ty {
        let above_zero = schema.get("x-above-zero") == Some(&Value::Bool(true));
        match schema.get("x-type").and_then(Value::as_str) {
            Some("share") => return Ty::Share,
            Some("reference") => return Ty::Reference,
            Some("decimal") => {
                let least = schema.get("minimum").and_then(Value::as_f64).unwrap_or(0.0);
                return Ty::Decimal((least * 1e6 + 0.5) as u64);
            }
            Some("distribution") => {
                let kinds = self.shared(definition, |builder| {
                    builder.one_of(schema).expect("a distribution has kinds that are tables")
                });
                return Ty::Dist { kinds, above_zero };
            }
            Some(name) => {
                let leaf = self.leaves.iter().find(|leaf| leaf.name == name);
                let leaf = leaf.unwrap_or_else(|| panic!("no leaf is named {name}"));
                return Ty::Leaf { leaf, above_zero };
            }
            None => {}
        }
        if schema.contains_key("oneOf") || schema.contains_key("anyOf") || schema.contains_key("enum") {
            return self.forms(schema, definition);
        }
        let whole = |key: &str| schema.get(key).and_then(Value::as_u64);
        match schema.get("type").and_then(Value::as_str) {
            Some("integer") => match whole("const") {
                Some(version) => Ty::Version(version),
                None => Ty::Int {
                    least: whole("minimum").unwrap_or(0),
                    most: whole("maximum").unwrap_or(match text(schema, "format").as_str() {
                        "uint32" => u32::MAX.into(),
                        _ => u64::MAX,
                    }),
                    each: whole("x-bytes-each").map(|bytes| Each { unit: text(schema, "x-unit"), bytes }),
                },
            },
            Some("number") => {
                let bound = |key: &str| schema.get(key).and_then(Value::as_f64).expect("a range of floats");
                Ty::Float(bound("minimum"), bound("maximum"))
            }
            Some("boolean") => Ty::Bool,
            Some("string") => Ty::Text {
                longest: whole("maxLength").map_or(LABEL, |n| n as usize),
                lines: schema.get("x-lines") == Some(&Value::Bool(true)),
            },
            Some("array") => {
                let items = schema.get("items").and_then(Value::as_object).expect("entries of one type");
                let (items, of) = self.plain(items);
                let most = whole("maxItems").expect("a list has a longest length");
                Ty::List(
                    Box::new(self.ty(&items, of)),
                    whole("minItems").unwrap_or(0) as usize,
                    most as usize,
                )
            }
            Some("object") => Ty::Table(self.shared(definition, |builder| builder.table(schema))),
            other => panic!("no value of a file has the type {other:?}: {schema:?}"),
        }
    }

    /// A type with several forms: words, tables with one key, and others.
    fn forms(&mut self, schema: &Map<String, Value>, definition: Option<String>) -> Ty {
        let (mut words, mut forms) = (Vec::new(), Vec::new());
        let word = |word: &Value, about: String| Word {
            word: word.as_str().unwrap_or_default().to_owned(),
            about,
            is_path: false,
        };
        for one in schema.get("enum").and_then(Value::as_array).into_iter().flatten() {
            words.push(word(one, String::new()));
        }
        for form in listed(schema) {
            let (form, name) = self.plain(form);
            if let Some(path) = form.get("x-path") {
                words.push(Word { is_path: true, ..word(path, about(&form)) });
            } else if let Some(constant) = form.get("const") {
                words.push(word(constant, about(&form)));
            } else if let Some(list) = form.get("enum").and_then(Value::as_array) {
                words.extend(list.iter().map(|one| word(one, String::new())));
            } else if !form.contains_key("properties") {
                forms.push(self.ty(&form, name));
            }
        }
        let table = self.one_of(schema);
        if forms.is_empty() && table.is_none() {
            return Ty::Word(words);
        }
        if !words.is_empty() {
            forms.push(Ty::Word(words));
        }
        if let Some(table) = table {
            forms.push(Ty::Table(self.shared(definition, |_| table)));
        }
        Ty::Choice { noun: text(schema, "x-noun"), written: text(schema, "x-forms"), forms }
    }

    /// The table whose keys are the forms of a type that are tables of one key.
    fn one_of(&mut self, schema: &Map<String, Value>) -> Option<Table> {
        let mut keys = Vec::new();
        for form in listed(schema) {
            let Some(properties) = form.get("properties").and_then(Value::as_object) else { continue };
            for (name, property) in properties {
                let property = property.as_object().expect("a property is an object");
                let mut key = self.key(name, property, false);
                if key.about.is_empty() {
                    key.about = about(form);
                }
                keys.push(key);
            }
        }
        let (title, about) = (text(schema, "title"), about_part(schema));
        (!keys.is_empty()).then_some(Table { title, about, keys, one_of: true })
    }
}

/// The forms of a type, whichever way they are listed.
fn listed(schema: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let lists = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key).and_then(Value::as_array));
    lists.flatten().filter_map(Value::as_object)
}

fn text(schema: &Map<String, Value>, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The doc comment, its lines joined.
fn about(schema: &Map<String, Value>) -> String {
    joined(&text(schema, "description"))
}

/// The doc comment of the type behind a schema.
fn about_part(schema: &Map<String, Value>) -> String {
    let part = text(schema, "x-about");
    if part.is_empty() { about(schema) } else { joined(&part) }
}

fn joined(lines: &str) -> String {
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value as TOML writes it on one line.
pub fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let pair = |(key, value): (&String, &Value)| format!("{key} = {}", toml_value(value));
            format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// How a value of this type is written, where the key has no example of its own.
fn example_of(ty: &Ty) -> String {
    match ty {
        Ty::Version(version) => version.to_string(),
        Ty::Int { least, .. } => least.to_string(),
        Ty::Float(..) | Ty::Share | Ty::Decimal(_) => "0.5".into(),
        Ty::Bool => "true".into(),
        Ty::Text { .. } | Ty::Reference => "\"a text\"".into(),
        Ty::Leaf { leaf, .. } => format!("\"{}\"", leaf.example),
        Ty::Word(words) => format!("\"{}\"", words[0].word),
        Ty::Dist { .. } => "{ exponential = \"30s\" }".into(),
        Ty::Choice { written, .. } => written.clone(),
        Ty::List(entry, ..) => format!("[{}]", example_of(entry)),
        Ty::Table(table) => {
            let first =
                |word: &str| table.keys.iter().find(|key| key.name == word).map(|key| key.example.as_str());
            let needed = |key: &&Key| match &key.belongs {
                Some(belongs) => {
                    let word = first(&belongs.to).unwrap_or_default().trim_matches('"');
                    belongs.needed && belongs.holds(word)
                }
                None => key.required,
            };
            let pair = |key: &Key| format!("{} = {}", key.name, key.example);
            let pairs: Vec<String> = table.keys.iter().filter(needed).map(pair).collect();
            match (&pairs[..], table.keys.first()) {
                ([], Some(first)) => format!("{{ {} }}", pair(first)),
                _ => format!("{{ {} }}", pairs.join(", ")),
            }
        }
    }
}
