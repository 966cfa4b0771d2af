//! Decimal numbers that are held exactly.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A number with at most six decimals, held as an integer: factors of back-off, shares, ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    /// Millionths.
    pub millionths: u64,
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0 to 1000000 with at most six decimals")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Decimal, E> {
                self.visit_f64(n as f64)
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Decimal, E> {
                self.visit_f64(n as f64)
            }
            fn visit_f64<E: de::Error>(self, x: f64) -> Result<Decimal, E> {
                let scaled = x * 1e6;
                let nearest = (scaled + 0.5).floor();
                if !(0.0..=1e6).contains(&x) {
                    return Err(E::custom(format!("number out of range; got {x}; allowed: 0 to 1000000")));
                }
                // A decimal text of six places is at most half an ulp from its float: far less than 1e-4 millionths.
                if (scaled - nearest).abs() > 1e-4 {
                    return Err(E::custom(format!("too many decimals; got {x}; allowed: at most six")));
                }
                Ok(Decimal { millionths: nearest as u64 })
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.millionths as f64 / 1e6)
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "number", "x-type": "decimal", "minimum": 0, "maximum": 1_000_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_six_places_and_read_back() {
        for (text, millionths) in [
            ("0.0", 0),
            ("2", 2_000_000),
            ("0.000001", 1),
            ("1.55", 1_550_000),
            ("1000000.0", 1_000_000_000_000),
        ] {
            let decimal: Decimal = serde_json::from_str(text).unwrap();
            assert_eq!(decimal.millionths, millionths, "{text}");
            let again: Decimal = serde_json::from_str(&serde_json::to_string(&decimal).unwrap()).unwrap();
            assert_eq!(again, decimal, "{text}");
        }
        for (text, why) in [
            ("0.0000005", "too many decimals"),
            ("1.2345678", "too many decimals"),
            ("-0.1", "out of range"),
            ("1000000.1", "out of range"),
            ("true", "a number from 0 to 1000000"),
        ] {
            let message = serde_json::from_str::<Decimal>(text).unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
