//! Presets of rate limits: the documented limits of providers, from `presets.toml`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A documented limit of a provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What it is.
    pub about: String,
    /// What is documented, and where.
    pub source: String,
    /// The keys of the limit that the documentation does not tell.
    pub assumed: Vec<String>,
    /// The keys of the limit.
    pub limit: toml::Table,
}

static PRESETS: LazyLock<BTreeMap<String, Preset>> =
    LazyLock::new(|| toml::from_str(include_str!("presets.toml")).expect("the presets are well-formed"));

impl Preset {
    /// All presets by name.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static Preset)> {
        PRESETS.iter().map(|(name, preset)| (name.as_str(), preset))
    }

    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.get(name)
    }

    /// The `source` of a limit that takes this preset: what is documented, and what is assumed.
    pub fn source(&self) -> String {
        match &self.assumed[..] {
            [] => self.source.clone(),
            assumed => format!("{}; assumed: {}", self.source, assumed.join(", ")),
        }
    }
}

/// The name of a preset, as the type of a key that is a `String`.
#[derive(Debug)]
pub struct PresetName;

impl JsonSchema for PresetName {
    fn schema_name() -> Cow<'static, str> {
        "PresetName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = Preset::all().map(|(name, preset)| {
            let about = format!("{} {}.", preset.about, preset.source());
            serde_json::json!({ "type": "string", "const": name, "description": about })
        });
        json_schema!({ "oneOf": words.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::LimitSpec;

    #[test]
    fn every_preset_is_a_limit_and_assumes_keys_that_it_has() {
        assert!(Preset::all().count() >= 9);
        for (name, preset) in Preset::all() {
            let spec: LimitSpec = preset.limit.clone().try_into().unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(spec.kind.inexact().is_none(), "{name}");
            for key in &preset.assumed {
                assert!(preset.limit.contains_key(key), "{name} assumes {key}");
            }
            assert!(!preset.limit.contains_key("source") && !preset.source.is_empty(), "{name}");
            assert!(Preset::named(name).is_some());
        }
    }
}
