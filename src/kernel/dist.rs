//! Distributions of durations, as data: written in scenarios, sampled from 64 random bits at a time.

use super::random::{below, open_unit, second_word};
use super::time::{Dur, without_unit};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;

/// A distribution of durations.
///
/// In a scenario: `"100ms"`, `{ uniform = ["50ms", "150ms"] }`, `{ exponential = "80ms" }` (its mean),
/// `{ log-normal = { median = "80ms", sigma = 0.5 } }` or `{ empirical = ["10ms", "12ms", "90ms"] }`.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(Dur),
    /// Uniform over `[low, high]`, both included, on the grid of nanoseconds.
    Uniform(Dur, Dur),
    /// Exponential with this mean.
    Exponential(Dur),
    /// `median * exp(sigma * Z)` with Z standard normal.
    LogNormal {
        /// The median.
        median: Dur,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// One of these, each as likely as the others.
    Empirical(Vec<Dur>),
}

impl Dist {
    /// The sample that belongs to these random bits.
    #[inline]
    pub fn sample(&self, bits: u64) -> Dur {
        match self {
            Dist::Constant(d) => *d,
            Dist::Uniform(low, high) => Dur(low.0 + below(bits, (high.0 - low.0).saturating_add(1))),
            // Inverse transform (Devroye 1986, II.2.1); libm's logarithm has the same bits on every platform.
            Dist::Exponential(mean) => round(-libm::log(open_unit(bits)) * mean.0 as f64),
            Dist::LogNormal { median, sigma } => {
                // Box and Muller 1958, the cosine branch.
                let radius = libm::sqrt(-2.0 * libm::log(open_unit(bits)));
                let angle = 2.0 * std::f64::consts::PI * open_unit(second_word(bits));
                round(median.0 as f64 * libm::exp(sigma * radius * libm::cos(angle)))
            }
            Dist::Empirical(list) => list[below(bits, list.len() as u64) as usize],
        }
    }

    /// The sample that belongs to the bits that `draw` gives. A constant needs none, so `draw` is not called for it.
    #[inline]
    pub fn sample_with(&self, draw: impl FnOnce() -> u64) -> Dur {
        match self {
            Dist::Constant(d) => *d,
            other => other.sample(draw()),
        }
    }

    /// Whether every sample is the same, so that no random bits need be drawn.
    #[inline]
    pub fn is_constant(&self) -> bool {
        matches!(self, Dist::Constant(_))
    }

    /// Whether every sample is zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Dist::Constant(d) | Dist::Exponential(d) | Dist::LogNormal { median: d, .. } => *d == Dur::ZERO,
            Dist::Uniform(_, high) => *high == Dur::ZERO,
            Dist::Empirical(list) => list.iter().all(|d| *d == Dur::ZERO),
        }
    }

    /// The mean, in seconds.
    pub fn mean_s(&self) -> f64 {
        match self {
            Dist::Constant(d) | Dist::Exponential(d) => d.as_secs_f64(),
            Dist::Uniform(low, high) => (low.as_secs_f64() + high.as_secs_f64()) / 2.0,
            Dist::LogNormal { median, sigma } => median.as_secs_f64() * libm::exp(sigma * sigma / 2.0),
            Dist::Empirical(list) => list.iter().map(|d| d.as_secs_f64()).sum::<f64>() / list.len() as f64,
        }
    }
}

/// Rounds a non-negative number of nanoseconds; what lies beyond 2^63 is cut there, far past any horizon.
#[inline]
fn round(ns: f64) -> Dur {
    const CAP: f64 = (1u64 << 63) as f64;
    Dur(if ns < CAP { (ns + 0.5) as u64 } else { 1 << 63 })
}

impl Default for Dist {
    fn default() -> Dist {
        Dist::Constant(Dur::ZERO)
    }
}

/// The parameters of a log-normal distribution.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "log-normal")]
struct LogNormal {
    /// The median.
    #[schemars(example = "80ms")]
    median: Dur,
    /// Standard deviation of the logarithm of the time divided by the median.
    #[schemars(range(min = 0.0, max = 10.0), example = 0.5)]
    sigma: f64,
}

impl JsonSchema for Dist {
    fn schema_name() -> Cow<'static, str> {
        "Distribution".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = generator.subschema_for::<Dur>();
        let log_normal = generator.subschema_for::<LogNormal>();
        let kind = |name: &str, about: &str, of: Value| {
            json!({
                "type": "object",
                "description": about,
                "properties": { name: of },
                "required": [name],
                "additionalProperties": false,
            })
        };
        let list = |least: u32, most: u32, example: Value| json!({ "type": "array", "items": duration, "minItems": least, "maxItems": most, "examples": [example] });
        let exponential = json!({ "type": "string", "x-type": "duration", "examples": ["80ms"] });
        schemars::json_schema!({
            "title": "a distribution",
            "description": "A distribution of durations: a duration, which is always the same, or a table with one kind.",
            "x-type": "distribution",
            "anyOf": [
                duration,
                kind("uniform", "Uniform from the first duration to the second, both included.", list(2, 2, json!(["50ms", "150ms"]))),
                kind("exponential", "Exponential with this mean.", exponential),
                kind("log-normal", "Log-normal with this median and this standard deviation of the logarithm.", log_normal.to_value()),
                kind("empirical", "One of these durations, each as likely as the others.", list(1, 100_000, json!(["10ms", "12ms", "90ms"]))),
            ],
        })
    }
}

const KINDS: [&str; 4] = ["uniform", "exponential", "log-normal", "empirical"];

impl<'de> Deserialize<'de> for Dist {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dist, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Dist;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"100ms\" or a table with one of uniform, exponential, log-normal, empirical")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Dist, E> {
                Dur::parse(text).map(Dist::Constant).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Dist, E> {
                Err(E::custom(without_unit(n)))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Dist, E> {
                Err(E::custom(without_unit(n)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dist, A::Error> {
                let Some(kind) = map.next_key::<String>()? else {
                    return Err(de::Error::custom(format!(
                        "empty distribution; allowed: {}",
                        KINDS.join(", ")
                    )));
                };
                let dist = match kind.as_str() {
                    "uniform" => {
                        let (low, high): (Dur, Dur) = map.next_value()?;
                        if low > high {
                            return Err(de::Error::custom(format!(
                                "uniform from {low} to {high}: the lower end comes first"
                            )));
                        }
                        Dist::Uniform(low, high)
                    }
                    "exponential" => Dist::Exponential(map.next_value()?),
                    "log-normal" => {
                        let LogNormal { median, sigma } = map.next_value()?;
                        if !(0.0..=10.0).contains(&sigma) {
                            return Err(de::Error::custom(format!(
                                "sigma out of range; got {sigma}; allowed: 0 to 10"
                            )));
                        }
                        Dist::LogNormal { median, sigma }
                    }
                    "empirical" => {
                        let list: Vec<Dur> = map.next_value()?;
                        if list.is_empty() {
                            return Err(de::Error::custom(
                                "empty list; an empirical distribution needs at least one duration",
                            ));
                        }
                        Dist::Empirical(list)
                    }
                    other => return Err(de::Error::unknown_field(other, &KINDS)),
                };
                match map.next_key::<String>()? {
                    None => Ok(dist),
                    Some(extra) => Err(de::Error::custom(format!(
                        "a distribution has one kind; got {kind:?} and {extra:?}"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl Serialize for Dist {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = match self {
            Dist::Constant(d) => return d.serialize(serializer),
            _ => serializer.serialize_map(Some(1))?,
        };
        match self {
            Dist::Constant(_) => unreachable!("returned above"),
            Dist::Uniform(low, high) => map.serialize_entry("uniform", &[low, high])?,
            Dist::Exponential(mean) => map.serialize_entry("exponential", mean)?,
            Dist::LogNormal { median, sigma } => {
                map.serialize_entry(
                    "log-normal",
                    &serde_json::json!({ "median": median.to_string(), "sigma": sigma }),
                )?;
            }
            Dist::Empirical(list) => map.serialize_entry("empirical", list)?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Purpose, Stream};

    #[test]
    fn sample_means_agree_with_the_stated_means() {
        let stream = Stream::new(5, 0, Purpose::Latency, 0);
        for dist in [
            Dist::Constant(Dur::from_ms(100)),
            Dist::Uniform(Dur::from_ms(50), Dur::from_ms(150)),
            Dist::Exponential(Dur::from_ms(80)),
            Dist::LogNormal { median: Dur::from_ms(80), sigma: 0.5 },
            Dist::Empirical(vec![Dur::from_ms(10), Dur::from_ms(20), Dur::from_ms(90)]),
        ] {
            let n = 200_000u64;
            let mean = (0..n).map(|i| dist.sample(stream.bits(i, 0)).as_secs_f64()).sum::<f64>() / n as f64;
            // The largest relative standard deviation here is 1 (exponential): six standard errors.
            let tolerance = 6.0 * dist.mean_s() / (n as f64).sqrt();
            assert!((mean - dist.mean_s()).abs() <= tolerance, "{dist:?}: {mean} against {}", dist.mean_s());
        }
    }

    #[test]
    fn shares_below_a_quantile_agree_with_the_distribution_functions() {
        let stream = Stream::new(6, 0, Purpose::Latency, 0);
        let unit = Dur::from_ms(80);
        let exponential = Dist::Exponential(unit);
        let log_normal = Dist::LogNormal { median: unit, sigma: 0.5 };
        // 1 - exp(-x); the normal distribution function at -1, 0 and 1 standard deviations (Abramowitz and Stegun 26.2).
        for (dist, times, share) in [
            (&exponential, 0.5, 1.0 - libm::exp(-0.5)),
            (&exponential, 1.0, 1.0 - libm::exp(-1.0)),
            (&exponential, 2.0, 1.0 - libm::exp(-2.0)),
            (&log_normal, libm::exp(-0.5), 0.158_655_254),
            (&log_normal, 1.0, 0.5),
            (&log_normal, libm::exp(0.5), 0.841_344_746),
        ] {
            let n = 100_000u64;
            let below =
                (0..n).filter(|i| dist.sample(stream.bits(*i, 0)).as_secs_f64() < 0.08 * times).count();
            // Six standard errors of a share, of which none is larger than that of one half.
            let tolerance = 6.0 * 0.5 / (n as f64).sqrt();
            assert!(
                (below as f64 / n as f64 - share).abs() < tolerance,
                "{dist:?} below {times} of 80 ms: {below}"
            );
        }
    }

    #[test]
    fn samples_are_rounded_to_the_nearest_nanosecond_and_cut_at_two_to_the_63() {
        for (ns, rounded) in [(0.0, 0), (0.4, 0), (0.6, 1), (1.0, 1), (2.5, 3), (1e300, 1 << 63)] {
            assert_eq!(round(ns), Dur(rounded), "{ns}");
        }
    }

    #[test]
    fn distributions_read_back_as_they_are_written() {
        for (text, constant) in [
            (r#""100ms""#, true),
            (r#"{"uniform":["50ms","50ms"]}"#, false),
            (r#"{"uniform":["50ms","150ms"]}"#, false),
            (r#"{"exponential":"80ms"}"#, false),
            (r#"{"log-normal":{"median":"80ms","sigma":0.0}}"#, false),
            (r#"{"log-normal":{"median":"80ms","sigma":10.0}}"#, false),
            (r#"{"empirical":["10ms","12ms","90ms"]}"#, false),
        ] {
            let dist: Dist = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&dist).unwrap(), text);
            assert_eq!(dist.is_constant(), constant, "{text}");
        }
    }

    #[test]
    fn what_is_no_distribution_is_told_why() {
        for (text, why) in [
            ("true", "a duration such as"),
            ("{}", "empty distribution"),
            (r#"{"gamma":"1s"}"#, "unknown field `gamma`"),
            (r#"{"uniform":["2s","1s"]}"#, "the lower end comes first"),
            (r#"{"log-normal":{"median":"80ms","sigma":10.1}}"#, "sigma out of range"),
            (r#"{"log-normal":{"median":"80ms","sigma":-0.1}}"#, "sigma out of range"),
            (r#"{"empirical":[]}"#, "empty list"),
            (r#"{"exponential":"1s","uniform":["1s","2s"]}"#, "a distribution has one kind"),
        ] {
            let message = serde_json::from_str::<Dist>(text).unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
        }
        let number = serde::de::value::I64Deserializer::<serde::de::value::Error>::new(5);
        let message = Dist::deserialize(number).unwrap_err().to_string();
        assert!(message.contains("did you mean \"5s\""), "{message}");
    }

    /// Box and Muller's cosine branch: its sign says on which side of the median a sample lies.
    #[test]
    fn a_log_normal_sample_is_above_its_median_where_the_cosine_is_positive() {
        let stream = Stream::new(7, 0, Purpose::Latency, 0);
        let median = Dur::from_secs(1);
        let dist = Dist::LogNormal { median, sigma: 0.5 };
        for i in 0..1_000 {
            let bits = stream.bits(i, 0);
            let turn = open_unit(second_word(bits));
            assert_eq!(dist.sample(bits) >= median, !(0.25..0.75).contains(&turn), "{bits:x}");
        }
    }
}
