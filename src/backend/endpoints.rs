//! `[backend.<endpoint>]`: the scenario's settings of each endpoint, by the name in its family's row.

use super::spec::EndpointSpec;
use crate::protocol::Endpoint;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::{Index, IndexMut};

/// The endpoints of the first version of the format have these numbers of draws, from 0.
const LAST_DRAWS_OF_FIRST_FORMAT: u8 = 5;

/// One [`EndpointSpec`] for each endpoint of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoints([EndpointSpec; Endpoint::COUNT]);

impl Endpoints {
    /// All settings, in the order of the table.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, EndpointSpec> {
        self.0.iter_mut()
    }
}

impl Index<Endpoint> for Endpoints {
    type Output = EndpointSpec;

    fn index(&self, endpoint: Endpoint) -> &EndpointSpec {
        &self.0[endpoint.index()]
    }
}

impl IndexMut<Endpoint> for Endpoints {
    fn index_mut(&mut self, endpoint: Endpoint) -> &mut EndpointSpec {
        &mut self.0[endpoint.index()]
    }
}

impl Serialize for Endpoints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Of an endpoint that came after the first version of the format only what the scenario says is written, so that
        // hashes of scenarios that say nothing of it stay.
        let unsaid = EndpointSpec::default();
        let written = |e: &&Endpoint| e.row().draws <= LAST_DRAWS_OF_FIRST_FORMAT || self[**e] != unsaid;
        let written = Endpoint::ALL.iter().filter(written);
        serializer.collect_map(written.map(|endpoint| (endpoint.name(), &self[*endpoint])))
    }
}

impl<'de> Deserialize<'de> for Endpoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Endpoints, D::Error> {
        struct ByName;
        impl<'de> Visitor<'de> for ByName {
            type Value = Endpoints;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tables of endpoints")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Endpoints, A::Error> {
                let mut all = Endpoints::default();
                while let Some(name) = map.next_key::<String>()? {
                    let endpoint = Endpoint::named(&name);
                    let endpoint =
                        endpoint.ok_or_else(|| de::Error::custom(format!("unknown key `{name}`")))?;
                    all[endpoint] = map.next_value()?;
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(ByName)
    }
}

impl JsonSchema for Endpoints {
    fn schema_name() -> Cow<'static, str> {
        "Endpoints".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let spec = generator.subschema_for::<EndpointSpec>();
        let key = |endpoint: &Endpoint| {
            let mut key = serde_json::to_value(&spec).expect("a schema is JSON");
            key["description"] = format!("{}.", endpoint.row().about.trim_end_matches('.')).into();
            key["default"] = serde_json::json!({});
            (endpoint.name().to_owned(), key)
        };
        let properties: serde_json::Map<String, serde_json::Value> = Endpoint::ALL.iter().map(key).collect();
        json_schema!({ "type": "object", "properties": properties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BackendSpec;
    use crate::kernel::Dur;

    #[test]
    fn every_endpoint_has_its_own_keys_and_no_other_has() {
        for endpoint in Endpoint::ALL {
            let text = format!("token-life = '60s'\n[{endpoint}]\ntimeout = '7s'");
            let spec: BackendSpec = toml::from_str(&text).unwrap_or_else(|e| panic!("{endpoint}: {e}"));
            for other in Endpoint::ALL {
                let expected = (other == endpoint).then_some(Dur::from_secs(7));
                assert_eq!(spec.endpoint(other).timeout, expected, "{endpoint} and {other}");
            }
            let again: BackendSpec = toml::from_str(&toml::to_string(&spec).unwrap()).unwrap();
            assert_eq!(again, spec);
        }
        let error = toml::from_str::<BackendSpec>("[toke]\nqueue = 1").unwrap_err().to_string();
        assert!(error.contains("unknown key `toke`"), "{error}");
    }
}
