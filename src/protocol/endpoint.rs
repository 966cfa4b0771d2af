//! The endpoints of the backend.

use crate::client::ENDPOINTS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;

/// The description of an endpoint. A client family has one row for each endpoint that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    /// Its name in scenarios and results.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// A description of its calls, for the reference of scenarios.
    pub about: &'static str,
    /// The endpoint's number in the coordinates of random draws. A family numbers its own endpoints. A number never
    /// changes and is never reused, so draws depend neither on the order of the rows nor on other families.
    pub draws: u8,
    /// Whether a policy's `retry` repeats its calls, and may obey a `Retry-After`.
    pub retried: bool,
    /// The metric that counts its calls.
    pub calls: MetricWords,
}

/// The words of a metric that a client family names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricWords {
    /// Name in results and expectations.
    pub name: &'static str,
    /// Unit of the values.
    pub unit: &'static str,
    /// What the metric counts, as printed.
    pub definition: &'static str,
}

impl MetricWords {
    /// The words of a metric that counts the calls of an endpoint.
    pub const fn calls(name: &'static str, definition: &'static str) -> MetricWords {
        MetricWords { name, unit: "requests", definition }
    }
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET. The network level of a client may repeat it.
    Get,
    /// POST.
    Post,
}

impl Method {
    /// The method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// An endpoint: an index into the table of the endpoints of all client families.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(u8);

impl Endpoint {
    /// Number of endpoints.
    pub const COUNT: usize = ENDPOINTS.len();

    /// All endpoints, in the order of the table.
    pub const ALL: [Endpoint; Endpoint::COUNT] = {
        let mut all = [Endpoint(0); Endpoint::COUNT];
        let mut place = 0;
        while place < Endpoint::COUNT {
            all[place] = Endpoint(place as u8);
            place += 1;
        }
        all
    };

    /// The endpoint of this name, for constants.
    ///
    /// # Panics
    /// When no family has an endpoint of this name.
    pub const fn known(name: &str) -> Endpoint {
        let mut place = 0;
        while place < Endpoint::COUNT {
            if same(ENDPOINTS[place].name, name) {
                return Endpoint(place as u8);
            }
            place += 1;
        }
        panic!("no client family has this endpoint");
    }

    /// The endpoint of this name.
    pub fn named(name: &str) -> Option<Endpoint> {
        Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }

    /// Its index in the table.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its description.
    #[inline]
    pub const fn row(self) -> &'static EndpointRow {
        &ENDPOINTS[self.0 as usize]
    }

    /// Its name in scenarios and results.
    pub const fn name(self) -> &'static str {
        self.row().name
    }
}

/// Whether two texts are equal, for constants.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
        const NAMES: [&str; Endpoint::COUNT] = {
            let mut names = [""; Endpoint::COUNT];
            let mut place = 0;
            while place < Endpoint::COUNT {
                names[place] = ENDPOINTS[place].name;
                place += 1;
            }
            names
        };
        let name = String::deserialize(deserializer)?;
        Endpoint::named(&name).ok_or_else(|| de::Error::unknown_variant(&name, &NAMES))
    }
}

impl JsonSchema for Endpoint {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = |row: &EndpointRow| serde_json::json!({ "description": row.about, "type": "string", "const": row.name });
        let words: Vec<serde_json::Value> = ENDPOINTS.iter().map(word).collect();
        json_schema!({ "description": "An endpoint of the backend.", "oneOf": words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_endpoint_has_a_name_and_a_number_of_its_own() {
        let names: BTreeSet<&str> = Endpoint::ALL.iter().map(|endpoint| endpoint.name()).collect();
        assert_eq!(names.len(), Endpoint::COUNT);
        for (place, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            assert_eq!(endpoint.index(), place);
            assert_eq!(Endpoint::named(endpoint.name()), Some(endpoint));
            assert_eq!(Endpoint::known(endpoint.name()), endpoint);
        }
        assert_eq!(Endpoint::named("toke"), None, "a part of a name is no name");
    }

    /// Results of earlier versions were drawn with these numbers, so the numbers must not change.
    #[test]
    fn the_numbers_of_draws_stay() {
        for (name, draws) in [
            ("tokens", 0),
            ("touch", 1),
            ("client", 2),
            ("environment", 3),
            ("sign-in", 4),
            ("generic", 5),
            ("token", 6),
            ("lookup", 7),
            ("user", 8),
        ] {
            assert_eq!(Endpoint::named(name).map(|endpoint| endpoint.row().draws), Some(draws), "{name}");
        }
    }
}
