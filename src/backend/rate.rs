//! Rates: requests per time.

use crate::kernel::Dur;
use crate::kernel::time::BadText;
use crate::spec::leaf::{Leaf, Sense, inline_schema, text_schema};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Requests per time, written `"100/10s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Number of requests. 0 refuses every request.
    pub count: u64,
    /// The time in which they may come; never zero.
    pub per: Dur,
}

impl Rate {
    /// Reads `"100/10s"` or `"5/s"`.
    ///
    /// # Errors
    /// What was found and what is allowed.
    pub fn parse(text: &str) -> Result<Rate, BadText> {
        let bad = |why: &str| BadText::Malformed(format!("{why}; got {text:?}; allowed: {FORMS}"));
        let (count, per) = text.split_once('/').ok_or_else(|| bad("not a rate"))?;
        if count.is_empty() || count.len() > 12 || !count.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("the requests of a rate are a whole number of at most 12 digits"));
        }
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per = Dur::parse(&per)?;
        if per == Dur::ZERO {
            return Err(bad("a rate needs a duration above zero"));
        }
        Ok(Rate { count: count.parse().expect("at most 12 digits"), per })
    }
}

/// The format of rates in files.
const FORMS: &str = "requests per duration, such as \"100/10s\" or \"5/s\"";

/// How a rate is read.
pub static RATE: Leaf = Leaf {
    name: "rate",
    noun: "rate",
    list: "list",
    written: FORMS,
    written_list: FORMS,
    example: "100/10s",
    longest: 64,
    read: |text| match Rate::parse(text)?.count {
        0 => Ok(Sense::Zero),
        _ => Ok(Sense::Other),
    },
};

inline_schema!(
    Rate,
    "Rate",
    text_schema!(
        "rate",
        r"^[0-9]{1,12}/([0-9][0-9_]*(\.[0-9_]*)?)?(ns|us|ms|s|m|h|d)([0-9][0-9_]*(\.[0-9_]*)?(ns|us|ms|s|m|h|d))*$",
        "100/10s"
    )
);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        Rate::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
