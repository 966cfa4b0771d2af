//! Compares two scenarios key by key.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use toml::Value;

/// A key whose values differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changed {
    /// Path of the key, such as `backend.limit[0].rate`.
    pub key: String,
    /// Value in the first scenario, as TOML; `None` if it lacks the key.
    pub a: Option<String>,
    /// Value in the second scenario, as TOML; `None` if it lacks the key.
    pub b: Option<String>,
}

/// A scenario that is not TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotToml {
    /// Whether it is the second of the two.
    pub is_second: bool,
    /// What is wrong.
    pub why: String,
}

impl std::fmt::Display for NotToml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "scenario.toml: {}", self.why)
    }
}

impl std::error::Error for NotToml {}

/// The keys that differ between the texts of two scenarios, in the order of the alphabet.
///
/// # Errors
/// When one of the two is not TOML.
pub fn scenario_changes(a: &str, b: &str) -> Result<Vec<Changed>, NotToml> {
    let read = |is_second, text: &str| {
        let wrong = |e: toml::de::Error| NotToml { is_second, why: e.message().to_owned() };
        let table = text.parse::<toml::Table>().map_err(wrong)?;
        let mut keys = BTreeMap::new();
        flatten("", &Value::Table(table), &mut keys);
        Ok(keys)
    };
    let (a, b) = (read(false, a)?, read(true, b)?);
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter(|key| a.get(*key) != b.get(*key));
    let changed = |key: &String| Changed { key: key.clone(), a: a.get(key).cloned(), b: b.get(key).cloned() };
    Ok(differing.map(changed).collect())
}

/// Collects leaves by path. Tables and arrays of tables are descended into. Every other value, also an array, is a
/// leaf.
fn flatten(path: &str, value: &Value, keys: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, keys);
            }
        }
        Value::Array(list) if list.first().is_some_and(Value::is_table) => {
            for (i, value) in list.iter().enumerate() {
                flatten(&format!("{path}[{i}]"), value, keys);
            }
        }
        leaf => {
            keys.insert(path.to_owned(), leaf.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_differing_key_is_listed() {
        let a = "seed = 1\nname = \"x\"\n[[backend.limit]]\nrate = \"10/s\"\nburst = 5\n";
        let b = "seed = 1\n# a remark\nname = \"x\"\n[[backend.limit]]\nrate = \"20/s\"\n[[backend.limit]]\nburst = 1\n";
        let changed = scenario_changes(a, b).unwrap();
        let said: Vec<(&str, Option<&str>, Option<&str>)> =
            changed.iter().map(|c| (c.key.as_str(), c.a.as_deref(), c.b.as_deref())).collect();
        assert_eq!(
            said,
            [
                ("backend.limit[0].burst", Some("5"), None),
                ("backend.limit[0].rate", Some("\"10/s\""), Some("\"20/s\"")),
                ("backend.limit[1].burst", None, Some("1")),
            ]
        );
        assert_eq!(scenario_changes(a, a).unwrap(), []);
        assert!(scenario_changes(a, "=").unwrap_err().is_second);
    }
}
