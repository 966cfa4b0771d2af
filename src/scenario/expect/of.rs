//! Of which runs an expectation is to hold.

use crate::spec::leaf::{Leaf, Sense, Wrong, inline_schema, text_schema};
use crate::text::{nearest, quote};
use crate::toml_text::Code;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Of which runs an expectation is to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExpectOf {
    /// Of every replication.
    #[default]
    Every,
    /// Of the mean over all runs, of which the replications are a sample.
    Mean,
    /// Of at least this percentage of all runs; strictly between 0 and 100.
    Runs(f64),
}

/// How values are written.
const FORMS: &str =
    "\"every\", \"mean\", or a percentage strictly between 0% and 100% such as \"95% of runs\"";
const RUNS: &str = "% of runs";

/// How a value is read.
pub static EXPECT_OF: Leaf = Leaf {
    name: "expect-of",
    noun: "string",
    list: "list",
    written: FORMS,
    written_list: FORMS,
    example: "95% of runs",
    longest: 64,
    read: |text| match ExpectOf::parse(text) {
        Some(_) => Ok(Sense::Other),
        None => {
            let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
            let percentage = format!("{number}{RUNS}");
            let meant = match ExpectOf::parse(&percentage) {
                Some(_) => Some(percentage.as_str()),
                None => nearest(text, ["every", "mean", "95% of runs"]),
            };
            Err(Wrong {
                found: Some(quote(text)),
                allowed: Some(FORMS.into()),
                fix: meant.map(|meant| format!("write \"{meant}\"")),
                ..Wrong::new(Code::UnknownWord, "not a choice of runs")
            })
        }
    },
};

inline_schema!(
    ExpectOf,
    "ExpectOf",
    text_schema!("expect-of", r"^(every|mean|[0-9]{1,2}(\.[0-9]{1,9})?% of runs)$", "95% of runs")
);

impl ExpectOf {
    /// Reads `every`, `mean` or `95% of runs`.
    pub fn parse(text: &str) -> Option<ExpectOf> {
        match text {
            "every" => Some(ExpectOf::Every),
            "mean" => Some(ExpectOf::Mean),
            _ => {
                let number = text.strip_suffix(RUNS)?;
                let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
                let digits = |part: &str, most: usize| {
                    (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
                };
                let percent: f64 =
                    (digits(whole, 2) && digits(decimals, 9)).then(|| number.parse().ok()).flatten()?;
                (percent > 0.0).then_some(ExpectOf::Runs(percent))
            }
        }
    }
}

impl fmt::Display for ExpectOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectOf::Every => f.write_str("every"),
            ExpectOf::Mean => f.write_str("mean"),
            ExpectOf::Runs(percent) => write!(f, "{percent}{RUNS}"),
        }
    }
}

impl Serialize for ExpectOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExpectOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ExpectOf, D::Error> {
        let text = String::deserialize(deserializer)?;
        ExpectOf::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("{} is not one of {FORMS}", quote(&text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_of_runs_are_read_and_written() {
        for (text, of) in [
            ("every", ExpectOf::Every),
            ("mean", ExpectOf::Mean),
            ("95% of runs", ExpectOf::Runs(95.0)),
            ("99.9% of runs", ExpectOf::Runs(99.9)),
            ("0.5% of runs", ExpectOf::Runs(0.5)),
        ] {
            assert_eq!(ExpectOf::parse(text), Some(of), "{text}");
            assert_eq!(of.to_string(), text);
        }
        for bad in [
            "",
            "Mean",
            "95%",
            "95 % of runs",
            "0% of runs",
            "100% of runs",
            "1e1% of runs",
            "-5% of runs",
            "95.% of runs",
            ".5% of runs",
        ] {
            assert_eq!(ExpectOf::parse(bad), None, "{bad}");
        }
        let fix = |text: &str| (EXPECT_OF.read)(text).unwrap_err().fix.unwrap_or_default();
        assert_eq!(fix("95%"), "write \"95% of runs\"");
        assert_eq!(fix("men"), "write \"mean\"");
        assert_eq!(fix("200%"), "");
    }
}
