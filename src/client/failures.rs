//! Sets of failures: which answers a policy or a workload names.

use crate::protocol::Failure;
use crate::spec::leaf::{Leaf, Sense, Wrong, inline_schema, text_schema};
use crate::text::names::is_error_code;
use crate::toml_text::Code;
use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of failures: HTTP statuses 400..=599, `network`, and pairs of status and error code.
///
/// In a file, a list: `["401", "422"]`, `["4xx", "!429"]`, `["5xx", "network", "403:user_banned"]`. Entries apply in
/// order; `!` takes away what earlier entries added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailureSet {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    minus: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Class(u16),
    Status(u16),
    Code(u16, String),
    Network,
}

impl FailureSet {
    /// Reads the entries of a list.
    ///
    /// # Errors
    /// For the first invalid entry: what was found and what is allowed.
    pub fn parse<S: AsRef<str>>(list: &[S]) -> Result<FailureSet, String> {
        let mut entries = Vec::new();
        for text in list {
            let text = text.as_ref();
            let (minus, body) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
            let bad = || {
                format!(
                    "not an answer; got {text:?}; allowed: a status \"400\" to \"599\", a class \"4xx\" or \"5xx\", \
                     \"network\", or \"403:error_code\", each with \"!\" before it to take it away"
                )
            };
            let status = |digits: &str| {
                let well_formed = digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit());
                digits.parse::<u16>().ok().filter(|s| well_formed && (400..600).contains(s)).ok_or_else(bad)
            };
            let what = match body {
                "network" => What::Network,
                "4xx" => What::Class(4),
                "5xx" => What::Class(5),
                _ => match body.split_once(':') {
                    Some((digits, code)) if is_error_code(code) => {
                        What::Code(status(digits)?, code.to_owned())
                    }
                    Some(_) => return Err(bad()),
                    None => What::Status(status(body)?),
                },
            };
            entries.push(Entry { minus, what });
        }
        Ok(FailureSet { entries })
    }

    /// The error codes that this set names.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|e| match &e.what {
            What::Code(_, code) => Some(code.as_str()),
            _ => None,
        })
    }

    /// Compiles the set to bits. `codes` is the scenario's list of error codes; its index 0 means "no code".
    pub fn compile(&self, codes: &[String]) -> FailureBits {
        let mut bits = FailureBits::default();
        for Entry { minus, what } in &self.entries {
            match what {
                What::Network => bits.network = !minus,
                What::Class(class) => (class * 100..class * 100 + 100).for_each(|s| bits.set(s, !minus)),
                What::Status(s) => bits.set(*s, !minus),
                What::Code(status, code) => {
                    let index =
                        codes.iter().position(|c| c == code).expect("codes() lists every code of the set");
                    bits.by_code.retain(|(s, c, _)| (*s, *c) != (*status, index as u8));
                    bits.by_code.push((*status, index as u8, !minus));
                }
            }
            if let What::Class(_) | What::Status(_) = what {
                // A later entry for a whole status overrides earlier ones for its codes.
                let covered = |s: u16| match what {
                    What::Class(class) => s / 100 == *class,
                    What::Status(status) => s == *status,
                    _ => false,
                };
                bits.by_code.retain(|(s, _, _)| !covered(*s));
            }
        }
        bits
    }
}

/// One failure, as an entry of a set names it.
pub static ANSWER: Leaf = Leaf {
    name: "answer",
    noun: "string",
    list: "list of answers",
    written: "\"401\", \"5xx\" or \"network\"",
    written_list: "[\"401\", \"422\"], [\"4xx\", \"!429\"], [\"5xx\", \"network\"]",
    example: "401",
    longest: 80,
    read: |text| match FailureSet::parse(&[text]) {
        Ok(_) => Ok(Sense::Other),
        Err(what) => Err(Wrong::new(Code::Malformed, what)),
    },
};

/// The largest number of entries of a set: every status, and as many pairs with a code.
const MAX_ANSWERS: usize = 400;

inline_schema!(FailureSet, "Failures", {
    let answer = text_schema!("answer", "^!?([45]xx|[45][0-9]{2}(:[A-Za-z0-9_]{1,64})?|network)$", "401");
    schemars::json_schema!({ "type": "array", "items": answer, "maxItems": MAX_ANSWERS })
});

/// A compiled [`FailureSet`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailureBits {
    statuses: [u64; 4],
    network: bool,
    by_code: Vec<(u16, u8, bool)>,
}

impl FailureBits {
    fn set(&mut self, status: u16, on: bool) {
        let (word, bit) = ((status - 400) / 64, (status - 400) % 64);
        self.statuses[word as usize] = self.statuses[word as usize] & !(1 << bit) | u64::from(on) << bit;
    }

    /// Whether the failure is in the set.
    #[inline]
    pub fn contains(&self, failure: Failure) -> bool {
        if failure.status == 0 {
            return self.network;
        }
        if failure.code != 0 && !self.by_code.is_empty() {
            for &(status, code, on) in &self.by_code {
                if (status, code) == (failure.status, failure.code) {
                    return on;
                }
            }
        }
        let at = failure.status.wrapping_sub(400);
        at < 200 && self.statuses[(at / 64) as usize] >> (at % 64) & 1 == 1
    }
}

impl<'de> Deserialize<'de> for FailureSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FailureSet, D::Error> {
        let list: Vec<String> = Deserialize::deserialize(deserializer)?;
        FailureSet::parse(&list).map_err(de::Error::custom)
    }
}

impl Serialize for FailureSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries.iter().map(|Entry { minus, what }| {
            let sign = if *minus { "!" } else { "" };
            match what {
                What::Class(class) => format!("{sign}{class}xx"),
                What::Status(status) => format!("{sign}{status}"),
                What::Code(status, code) => format!("{sign}{status}:{code}"),
                What::Network => format!("{sign}network"),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::RetryIn;

    #[test]
    fn sets_of_answers() {
        let codes: Vec<String> = ["", "user_banned", "authentication_invalid"].map(String::from).to_vec();
        let of = |list: &[&str]| FailureSet::parse(list).unwrap().compile(&codes);
        let with_code = |status, code| Failure { status, code, retry_after: RetryIn::NONE };
        for (list, failure, expected) in [
            (&["4xx"][..], Failure::status(429), true),
            (&["4xx"], Failure::status(500), false),
            (&["4xx", "!429"], Failure::status(429), false),
            (&["4xx", "!429"], Failure::status(428), true),
            (&["401", "422"], Failure::status(422), true),
            (&["401", "422"], Failure::status(403), false),
            (&["5xx", "network"], Failure::NETWORK, true),
            (&["5xx"], Failure::NETWORK, false),
            (&["5xx"], Failure::status(599), true),
            (&["401", "403:user_banned"], with_code(403, 1), true),
            (&["401", "403:user_banned"], with_code(403, 2), false),
            (&["401", "403:user_banned"], with_code(403, 0), false),
            (&["4xx", "!401:authentication_invalid"], with_code(401, 2), false),
            (&["4xx", "!401:authentication_invalid"], with_code(401, 1), true),
            (&["!401:authentication_invalid", "4xx"], with_code(401, 2), true),
            (&["!401:authentication_invalid", "401"], with_code(401, 2), true),
            (&["401", "!401:authentication_invalid", "403"], with_code(401, 2), false),
            (&["403:user_banned", "!403"], with_code(403, 1), false),
            (&["403:user_banned", "!403:user_banned"], with_code(403, 1), false),
            (&["403:user_banned", "401:authentication_invalid"], with_code(403, 1), true),
            (&["403:user_banned", "403:authentication_invalid"], with_code(403, 1), true),
        ] {
            assert_eq!(of(list).contains(failure), expected, "{list:?} and {failure:?}");
        }
    }

    #[test]
    fn an_entry_that_is_no_failure_is_refused() {
        for text in ["200", "399", "600", "4XX", "", "!", "network:x", "403:", "403:Bad Code", "+401", "0401"]
        {
            assert!(FailureSet::parse(&[text]).unwrap_err().contains("allowed"), "{text}");
        }
    }

    #[test]
    fn a_set_names_its_codes() {
        let set = FailureSet::parse(&["401", "403:user_banned", "!5xx", "!422:gone"]).unwrap();
        assert_eq!(set.codes().collect::<Vec<_>>(), ["user_banned", "gone"]);
    }
}
