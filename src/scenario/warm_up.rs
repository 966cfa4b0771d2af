//! How much of the begin of a run does not count for its long-run rates.

use crate::kernel::Dur;
use crate::spec::leaf::{Leaf, Sense, Wrong, inline_schema, text_schema};
use crate::text::quote;
use crate::toml_text::Code;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// How the begin of a run that does not count for its long-run rates is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// As long as this.
    Given(Dur),
    /// By the marginal standard error rule on batches of five buckets, in each run and for each rate ([`crate::stats::mser5`]). A begin that is
    /// much longer than half of the run misleads the rule, so that it may cut nothing: compare a longer run.
    Rule,
}

const RULE: &str = "rule";
const FORMS: &str = "\"rule\", or a duration with a unit, such as \"2m\"";

/// How values are written.
pub static WARM_UP: Leaf = Leaf {
    name: "warm-up",
    noun: "string",
    list: "list",
    written: FORMS,
    written_list: FORMS,
    example: "2m",
    longest: 64,
    read: |text| match text {
        RULE => Ok(Sense::Other),
        _ => match Dur::parse(text) {
            Ok(Dur::ZERO) => Ok(Sense::Zero),
            Ok(_) => Ok(Sense::Other),
            Err(_) => Err(Wrong {
                found: Some(quote(text)),
                allowed: Some(FORMS.into()),
                fix: text.eq_ignore_ascii_case(RULE).then(|| format!("write \"{RULE}\"")),
                ..Wrong::new(Code::UnknownWord, "not a warm-up")
            }),
        },
    },
};

inline_schema!(
    WarmUp,
    "WarmUp",
    text_schema!("warm-up", r"^(rule|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+)$", "2m")
);

impl WarmUp {
    /// Reads `rule` or a duration.
    pub fn parse(text: &str) -> Option<WarmUp> {
        if text == RULE { Some(WarmUp::Rule) } else { Dur::parse(text).ok().map(WarmUp::Given) }
    }

    /// How it is cut, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            WarmUp::Given(_) => "as the scenario gives it",
            WarmUp::Rule => "by the rule MSER-5 in each run",
        }
    }
}

impl fmt::Display for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WarmUp::Given(time) => time.fmt(f),
            WarmUp::Rule => f.write_str(RULE),
        }
    }
}

impl Serialize for WarmUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WarmUp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WarmUp, D::Error> {
        let text = String::deserialize(deserializer)?;
        WarmUp::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("{} is not one of {FORMS}", quote(&text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_ups_are_read_and_written() {
        for (text, warm_up) in [
            ("rule", WarmUp::Rule),
            ("2m", WarmUp::Given(Dur::from_secs(120))),
            ("0s", WarmUp::Given(Dur::ZERO)),
        ] {
            assert_eq!(WarmUp::parse(text), Some(warm_up), "{text}");
            assert_eq!(warm_up.to_string(), text);
            assert!((WARM_UP.read)(text).is_ok());
        }
        for bad in ["", "2", "Rule", "mser", "-2m"] {
            assert_eq!(WarmUp::parse(bad), None, "{bad}");
        }
        assert_eq!((WARM_UP.read)("RULE").unwrap_err().fix.as_deref(), Some("write \"rule\""));
    }
}
