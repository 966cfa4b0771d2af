//! Serde forms of parts of results: lists of named items as maps, infinity as null, timelines as series.

use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::metrics::timeline::Bucket;
use crate::metrics::{Outcome, Timeline};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The most buckets of one timeline in a file. More would only fill the memory.
pub(super) const MOST_BUCKETS: u64 = 10_000_000;

/// An item that a map holds under its name.
pub(crate) trait Named: Sized {
    /// The name.
    fn name(&self) -> &str;
    /// The item under another name.
    fn named(self, name: String) -> Self;
}

impl Named for super::PolicyResults {
    fn name(&self) -> &str {
        &self.name
    }

    fn named(self, name: String) -> Self {
        super::PolicyResults { name, ..self }
    }
}

impl Named for super::MetricValues {
    fn name(&self) -> &str {
        &self.name
    }

    fn named(self, name: String) -> Self {
        super::MetricValues { name, ..self }
    }
}

/// A list of named items as a map that keeps the order.
pub(crate) mod by_name {
    use super::*;

    pub(crate) fn serialize<S: Serializer, T: Named + Serialize>(
        list: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(list.iter().map(|item| (item.name(), item)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Named + Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_map(InOrder(PhantomData))
    }

    struct InOrder<T>(PhantomData<T>);

    impl<'de, T: Named + Deserialize<'de>> Visitor<'de> for InOrder<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
            let mut list: Vec<T> = Vec::new();
            while let Some((name, item)) = map.next_entry::<String, T>()? {
                if list.iter().any(|other| other.name() == name) {
                    return Err(A::Error::custom(format!("`{name}` stands twice")));
                }
                list.push(item.named(name));
            }
            Ok(list)
        }
    }
}

/// JSON cannot write infinity. Null stands for it, and means what never happens within the run.
pub(super) mod float {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
    }
}

/// As [`float`], for a list.
pub(crate) mod floats {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| value.is_finite().then_some(*value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values: Vec<Option<f64>> = Vec::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::INFINITY)).collect())
    }
}

/// A hash as 16 hexadecimal digits.
pub(crate) mod hex {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{hash:016x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(|_| D::Error::custom("not a hash of 16 hexadecimal digits"))
    }
}

/// A count of a bucket other than calls: its name in flow.csv, its getter and its setter.
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) get: fn(&Bucket) -> u128,
    pub(super) set: fn(&mut Bucket, u128) -> Option<()>,
}

macro_rules! events {
    ($($name:literal $field:ident;)*) => {
        /// Every event, in the order of the rows of flow.csv.
        pub(super) const EVENTS: &[Event] = &[$(Event {
            name: $name,
            get: |bucket| u128::from(bucket.$field),
            set: |bucket, count| {
                bucket.$field = count.try_into().ok()?;
                Some(())
            },
        },)*];
    };
}

events! {
    "false_sign_out" false_sign_outs;
    "true_sign_out" true_sign_outs;
    "reuse_sign_out" reuse_sign_outs;
    "flow_entry" flow_entries;
    "recursive_entry" recursive_entries;
    "depth_max" depth_max;
    "without_token_ns" without_token_ns;
    "waiting_ns" waiting_ns;
}

/// A timeline as series: one list of counts per endpoint and outcome, and one per event. Series without counts are left
/// out.
#[derive(Serialize, Deserialize)]
struct Series {
    bucket: Dur,
    buckets: usize,
    calls: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
    events: BTreeMap<String, Vec<u128>>,
}

impl Series {
    fn of(timeline: &Timeline) -> Series {
        let mut series = Series {
            bucket: timeline.bucket,
            buckets: timeline.buckets.len(),
            calls: BTreeMap::new(),
            events: BTreeMap::new(),
        };
        for endpoint in Endpoint::ALL {
            for outcome in Outcome::ALL {
                let count = |bucket: &Bucket| bucket.calls[endpoint.index()][outcome as usize];
                let counts: Vec<u64> = timeline.buckets.iter().map(count).collect();
                if counts.iter().any(|count| *count > 0) {
                    let of_endpoint = series.calls.entry(endpoint.name().to_owned()).or_default();
                    of_endpoint.insert(outcome.name().to_owned(), counts);
                }
            }
        }
        for event in EVENTS {
            let counts: Vec<u128> = timeline.buckets.iter().map(event.get).collect();
            if counts.iter().any(|count| *count > 0) {
                series.events.insert(event.name.to_owned(), counts);
            }
        }
        series
    }

    fn into_timeline(self) -> Result<Timeline, String> {
        let length = self.buckets as u64;
        let horizon = self.bucket.0.checked_mul(length).filter(|_| length <= MOST_BUCKETS);
        let horizon = Dur(horizon.ok_or("more buckets than any run has")?);
        if self.bucket == Dur::ZERO {
            return Err("`bucket` must be above zero".to_owned());
        }
        let mut timeline = Timeline::new(self.bucket, horizon);
        timeline.buckets.truncate(self.buckets);
        let has_all =
            |len: usize| if len == self.buckets { Ok(()) } else { Err("a count per bucket is needed") };
        for (name, outcomes) in &self.calls {
            let endpoint = Endpoint::ALL
                .into_iter()
                .find(|e| e.name() == name)
                .ok_or(format!("no endpoint `{name}`"))?;
            for (name, counts) in outcomes {
                let outcome = Outcome::ALL
                    .into_iter()
                    .find(|o| o.name() == name)
                    .ok_or(format!("no outcome `{name}`"))?;
                has_all(counts.len())?;
                for (bucket, count) in timeline.buckets.iter_mut().zip(counts) {
                    bucket.calls[endpoint.index()][outcome as usize] = *count;
                }
            }
        }
        for (name, counts) in &self.events {
            let event = EVENTS.iter().find(|e| e.name == name).ok_or(format!("no event `{name}`"))?;
            has_all(counts.len())?;
            for (bucket, count) in timeline.buckets.iter_mut().zip(counts) {
                (event.set)(bucket, *count).ok_or(format!("`{name}` is too large"))?;
            }
        }
        Ok(timeline)
    }
}

/// A timeline as series.
pub(crate) mod timeline {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(timeline: &Timeline, serializer: S) -> Result<S::Ok, S::Error> {
        Series::of(timeline).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timeline, D::Error> {
        Series::deserialize(deserializer)?.into_timeline().map_err(D::Error::custom)
    }
}

/// Timelines as series.
pub(super) mod timelines {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(list: &[Timeline], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(Series::of))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Timeline>, D::Error> {
        let list: Vec<Series> = Vec::deserialize(deserializer)?;
        list.into_iter().map(|series| series.into_timeline().map_err(D::Error::custom)).collect()
    }
}
