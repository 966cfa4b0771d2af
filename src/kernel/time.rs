//! Virtual time in whole nanoseconds, held in a `u64`. No float holds a time.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;

/// Nanoseconds in a millisecond.
pub const NS_PER_MS: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;
/// The longest duration a scenario may name: 100 years of 365 days.
pub const MAX_DURATION: Dur = Dur(100 * 365 * 86_400 * NS_PER_S);

/// A point of virtual time, in nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

/// A span of virtual time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dur(pub u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// A time that no run reaches.
    pub const NEVER: Time = Time(u64::MAX);

    /// The time `ms` milliseconds after the start.
    pub const fn from_ms(ms: u64) -> Time {
        Time(ms * NS_PER_MS)
    }

    /// Whole seconds since the start, rounded down, as in a JWT's `iat`.
    pub const fn whole_seconds(self) -> u64 {
        self.0 / NS_PER_S
    }

    /// Seconds since the start, for output only.
    pub fn as_secs_f64(self) -> f64 {
        Dur(self.0).as_secs_f64()
    }

    /// The time `d` later, or [`Time::NEVER`] if that exceeds the range of `Time`.
    pub const fn after(self, d: Dur) -> Time {
        Time(self.0.saturating_add(d.0))
    }

    /// The span from `earlier` to this time, or zero if `earlier` is later.
    pub const fn since(self, earlier: Time) -> Dur {
        Dur(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Dur(self.0).fmt(f)
    }
}

impl Dur {
    /// Zero length.
    pub const ZERO: Dur = Dur(0);

    /// `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Dur {
        Dur(ms * NS_PER_MS)
    }

    /// `s` seconds.
    pub const fn from_secs(s: u64) -> Dur {
        Dur(s * NS_PER_S)
    }

    /// So many times this span, bounded far below where sums of times could overflow: for estimates, not for a run.
    pub fn times(self, factor: f64) -> Dur {
        Dur((self.0 as f64 * factor).min(f64::from(u32::MAX) * 1e9) as u64)
    }

    /// Seconds, for output only. Divides two integers below 2^53, which rounds identically on every platform.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_S as f64
    }

    /// Reads `"1.5s"`, `"250ms"`, `"7d"` or `"1h30m"`. Exact: digits never pass through a float.
    ///
    /// # Errors
    /// What was found and what is allowed.
    pub fn parse(text: &str) -> Result<Dur, BadText> {
        const UNITS: &str = "ns, us, ms, s, m, h, d";
        let told = |why: &str| {
            format!(
                "{why}; got {text:?}; allowed: a number and a unit ({UNITS}), such as \"5s\" or \"1h30m\""
            )
        };
        let bad = |why: &str| BadText::Malformed(told(why));
        if text.is_empty() {
            return Err(bad("empty duration"));
        }
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut total: u128 = 0;
        while at < bytes.len() {
            let start = at;
            let mut digits: u128 = 0;
            let mut scale: u128 = 1;
            let mut seen_point = false;
            let mut seen_digit = false;
            while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'.' || bytes[at] == b'_') {
                match bytes[at] {
                    b'.' if seen_point || !seen_digit => return Err(bad("misplaced decimal point")),
                    b'.' => seen_point = true,
                    b'_' if !seen_digit => return Err(bad("misplaced underscore")),
                    b'_' => {}
                    digit => {
                        if at - start > 24 {
                            return Err(bad("too many digits in a duration"));
                        }
                        seen_digit = true;
                        digits = digits * 10 + u128::from(digit - b'0');
                        if seen_point {
                            scale *= 10;
                        }
                    }
                }
                at += 1;
            }
            if !seen_digit {
                return Err(bad(if bytes[start] == b'-' { "negative duration" } else { "not a duration" }));
            }
            let unit_start = at;
            while at < bytes.len() && bytes[at].is_ascii_alphabetic() {
                at += 1;
            }
            let unit: u128 = match &text[unit_start..at] {
                "ns" => 1,
                "us" => 1_000,
                "ms" => u128::from(NS_PER_MS),
                "s" => u128::from(NS_PER_S),
                "m" => 60 * u128::from(NS_PER_S),
                "h" => 3_600 * u128::from(NS_PER_S),
                "d" => 86_400 * u128::from(NS_PER_S),
                "" => return Err(bad("a duration needs a unit")),
                _ => return Err(bad("unknown unit of time")),
            };
            let scaled = digits * unit;
            if !scaled.is_multiple_of(scale) {
                return Err(bad("not a whole number of nanoseconds"));
            }
            total += scaled / scale;
            if total > u128::from(MAX_DURATION.0) {
                return Err(BadText::OutOfRange(told("duration beyond the limit of 100 years (36500d)")));
            }
        }
        Ok(Dur(u64::try_from(total).expect("bounded by 100 years")))
    }
}

/// Why a text is not a duration or a rate, in words: what is wrong, what was found and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadText {
    /// It does not have the form.
    Malformed(String),
    /// It has the form, and its value is beyond the limit.
    OutOfRange(String),
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (BadText::Malformed(what) | BadText::OutOfRange(what)) = self;
        f.write_str(what)
    }
}

impl std::error::Error for BadText {}

/// Prints the shortest exact text, in the largest unit that leaves at most nine decimals.
impl fmt::Display for Dur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |unit: u64| self.0 != 0 && self.0.is_multiple_of(unit);
        if whole(86_400 * NS_PER_S) {
            write!(f, "{}d", self.0 / (86_400 * NS_PER_S))
        } else if whole(3_600 * NS_PER_S) {
            write!(f, "{}h", self.0 / (3_600 * NS_PER_S))
        } else if whole(60 * NS_PER_S) {
            write!(f, "{}m", self.0 / (60 * NS_PER_S))
        } else if self.0 == 0 || self.0 >= NS_PER_S {
            decimal(f, self.0, NS_PER_S, "s")
        } else if self.0 >= NS_PER_MS {
            decimal(f, self.0, NS_PER_MS, "ms")
        } else if self.0 >= 1_000 {
            decimal(f, self.0, 1_000, "us")
        } else {
            write!(f, "{}ns", self.0)
        }
    }
}

fn decimal(f: &mut fmt::Formatter<'_>, ns: u64, unit: u64, name: &str) -> fmt::Result {
    let (whole, rest) = (ns / unit, ns % unit);
    if rest == 0 {
        return write!(f, "{whole}{name}");
    }
    let width = unit.ilog10() as usize;
    let text = format!("{rest:0width$}");
    write!(f, "{whole}.{}{name}", text.trim_end_matches('0'))
}

/// The message for an integer where a duration is expected.
pub(super) fn without_unit(n: impl fmt::Display) -> String {
    format!("a duration needs a unit; got {n}; did you mean \"{n}s\" or \"{n}ms\"?")
}

impl<'de> Deserialize<'de> for Dur {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dur, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Dur;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with a unit, such as \"5s\" or \"250ms\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Dur, E> {
                Dur::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Dur, E> {
                Err(E::custom(without_unit(n)))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Dur, E> {
                Err(E::custom(without_unit(n)))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Dur {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = r"^([0-9][0-9_]*(\.[0-9_]*)?(ns|us|ms|s|m|h|d))+$";
        schemars::json_schema!({ "type": "string", "x-type": "duration", "pattern": pattern })
    }
}

impl Serialize for Dur {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_is_exact() {
        for (text, ns) in [
            ("5s", 5_000_000_000),
            ("1.001ms", 1_001_000),
            ("1h30m", 5_400_000_000_000),
            ("0s", 0),
            ("7d", 604_800_000_000_000),
            ("0.000000001s", 1),
            ("1_000ms", 1_000_000_000),
        ] {
            assert_eq!(Dur::parse(text), Ok(Dur(ns)), "{text}");
        }
    }

    #[test]
    fn errors_name_the_allowed_form() {
        for text in [
            "",
            "5",
            "-5s",
            "5 s",
            "5M",
            "5MS",
            "0.3ns",
            "1.2.3s",
            "600000d",
            "s",
            "1e3s",
            "5fortnights",
            ".5s",
            "٣s",
        ] {
            let message = Dur::parse(text).unwrap_err().to_string();
            assert!(message.contains("allowed"), "{text}: {message}");
        }
    }

    #[test]
    fn a_printed_duration_parses_to_itself() {
        for ns in [
            0,
            1,
            999,
            1_000,
            1_500_000,
            NS_PER_S,
            90 * NS_PER_S,
            3_600 * NS_PER_S,
            1_001_000,
            161_796_123_456_789,
        ] {
            assert_eq!(Dur::parse(&Dur(ns).to_string()), Ok(Dur(ns)));
        }
    }

    #[test]
    fn errors_name_the_cause() {
        let digits = |zeros: usize| format!("1h{}1s", "0".repeat(zeros));
        for (text, why) in [
            ("", "empty duration"),
            ("5", "needs a unit"),
            ("1h5", "needs a unit"),
            ("-5s", "negative duration"),
            ("+5s", "not a duration"),
            ("5M", "unknown unit"),
            ("0.3ns", "not a whole number"),
            ("1.2.3s", "misplaced decimal point"),
            (".5s", "misplaced decimal point"),
            ("_5s", "misplaced underscore"),
            ("36500d1ns", "beyond the limit"),
            (&digits(25), "too many digits"),
        ] {
            let message = Dur::parse(text).unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
        }
        assert_eq!(Dur::parse(&digits(24)), Ok(Dur::from_secs(3_601)), "25 digits are not too many");
        assert_eq!(Dur::parse("36500d"), Ok(MAX_DURATION));
    }

    #[test]
    fn display_uses_the_largest_unit_that_needs_at_most_nine_decimals() {
        for (ns, text) in [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_000, "1us"),
            (1_001, "1.001us"),
            (999_999, "999.999us"),
            (NS_PER_MS, "1ms"),
            (NS_PER_S - 1, "999.999999ms"),
            (NS_PER_S, "1s"),
            (NS_PER_S + 1, "1.000000001s"),
            (59 * NS_PER_S, "59s"),
            (60 * NS_PER_S, "1m"),
            (61 * NS_PER_S, "61s"),
            (90 * 60 * NS_PER_S, "90m"),
            (3_600 * NS_PER_S, "1h"),
            (36 * 3_600 * NS_PER_S, "36h"),
            (86_400 * NS_PER_S, "1d"),
            (7 * 86_400 * NS_PER_S, "7d"),
        ] {
            assert_eq!((Dur(ns).to_string(), Time(ns).to_string()), (text.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn whole_seconds_round_down() {
        for (ns, whole) in [(0, 0), (NS_PER_S - 1, 0), (NS_PER_S, 1), (5 * NS_PER_S / 2, 2)] {
            assert_eq!(Time(ns).whole_seconds(), whole);
            let exact = whole as f64 + (ns % NS_PER_S) as f64 / 1e9;
            assert!((Time(ns).as_secs_f64() - exact).abs() < 1e-15);
            assert!((Dur(ns).as_secs_f64() - exact).abs() < 1e-15);
        }
    }

    #[test]
    fn serde_reads_and_writes_text_with_a_unit() {
        let read = |text: &str| serde_json::from_str::<Dur>(text).map_err(|e| e.to_string());
        assert_eq!(read("\"250ms\""), Ok(Dur::from_ms(250)));
        assert_eq!(serde_json::to_value(Dur::from_ms(250)).unwrap(), "250ms");
        assert!(read("true").unwrap_err().contains("a duration with a unit"));
        let number = serde::de::value::I64Deserializer::<serde::de::value::Error>::new(5);
        let message = Dur::deserialize(number).unwrap_err().to_string();
        assert!(message.contains("did you mean \"5s\""), "{message}");
    }
}
