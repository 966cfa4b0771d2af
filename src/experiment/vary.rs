//! The values of a key that a search or a sweep tries: `KEY=LO..HI`.

use crate::kernel::Dur;
use crate::text::quote;
use std::fmt;

/// A key and its values, in ascending order.
///
/// ```
/// use authstorm::experiment::vary::Vary;
///
/// let vary = Vary::parse("backend.limit[0].rate=5/s..20/s")?;
/// assert_eq!((vary.key(), vary.len()), ("backend.limit[0].rate", 16));
/// assert_eq!((vary.text(0), vary.text(15)), ("5/s".to_owned(), "20/s".to_owned()));
/// # Ok::<(), authstorm::experiment::vary::BadVary>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Vary {
    key: String,
    range: Range,
    values: Values,
}

/// The numbers of a range, in units of the last digit: of `0.5..1.5` in tenths, of durations in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    low: u64,
    high: u64,
    unit: Unit,
}

/// How a number of a range is written.
#[derive(Clone, Debug, PartialEq)]
enum Unit {
    /// With so many decimals, and this text behind it: `/s` of `5/s`.
    Decimal { decimals: usize, suffix: String },
    /// As a duration.
    Duration,
}

/// Which numbers of the range are tried.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    /// Every one.
    Every,
    /// These.
    These(Vec<u64>),
}

/// Why a text is not a range of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadVary {
    what: String,
}

impl fmt::Display for BadVary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; allowed: KEY=LO..HI, such as fleet.users=100..2000, backend.limit[0].rate=5/s..100/s or horizon=1m..2h",
            self.what
        )
    }
}

impl std::error::Error for BadVary {}

/// The relative distance of neighbouring durations and decimals, where none is given.
const TOLERANCE: f64 = 0.01;

impl Vary {
    /// Reads `KEY=LO..HI`. The values are all whole numbers from LO to HI, or all decimals of as many places as the ends
    /// have. Durations, and ranges of more than 2^20 values, are tried 1% apart.
    ///
    /// # Errors
    /// If the text has another form, the ends are no numbers with the same unit, or LO is not below HI.
    pub fn parse(text: &str) -> Result<Vary, BadVary> {
        let bad = |what: &str| BadVary { what: format!("{what}: {}", quote(text)) };
        let (key, ends) = text.split_once('=').ok_or_else(|| bad("no `=` after the key"))?;
        let (key, ends) = (key.trim(), ends.trim());
        if key.is_empty() {
            return Err(bad("no key before `=`"));
        }
        let (low, high) = ends.split_once("..").ok_or_else(|| bad("no `..` between two values"))?;
        let range = Range::between(low.trim(), high.trim())
            .ok_or_else(|| bad("the ends are not two numbers with the same unit"))?;
        if range.low >= range.high {
            return Err(bad("the first value is not below the second"));
        }
        let fine = range.unit != Unit::Duration && range.high - range.low < 1 << 20;
        let vary = Vary { key: key.to_owned(), range, values: Values::Every };
        Ok(if fine { vary } else { vary.spaced(TOLERANCE) })
    }

    /// The same range with values whose neighbours differ by at most this part of the value, or by one unit of the last
    /// digit. Both ends are among them.
    ///
    /// # Panics
    /// Unless `0 < tolerance`.
    pub fn spaced(mut self, tolerance: f64) -> Vary {
        assert!(tolerance > 0.0, "values {tolerance} apart");
        let (mut value, high) = (self.range.low, self.range.high);
        // Four digits keep the values short where they are large.
        let short = |value: u64| {
            let mut unit = 1u64;
            while value / unit >= 10_000 {
                unit *= 10;
            }
            value / unit * unit
        };
        let mut values = Vec::new();
        while value < high {
            values.push(value);
            let further = value + 1;
            value = further.max(short((value as f64 * (1.0 + tolerance)) as u64));
        }
        values.push(high);
        self.values = Values::These(values);
        self
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Number of values; at least 2.
    #[allow(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub fn len(&self) -> u64 {
        match &self.values {
            Values::Every => self.range.high - self.range.low + 1,
            Values::These(values) => values.len() as u64,
        }
    }

    /// Whether every value of the range is tried, not only some.
    pub fn is_complete(&self) -> bool {
        self.values == Values::Every
    }

    fn value(&self, i: u64) -> u64 {
        match &self.values {
            Values::Every => self.range.low + i,
            Values::These(values) => values[i as usize],
        }
    }

    /// The value of this index as a scenario writes it.
    ///
    /// # Panics
    /// If the index is not below [`Vary::len`].
    pub fn text(&self, i: u64) -> String {
        assert!(i < self.len(), "value {i} of {}", self.len());
        let value = self.value(i);
        match &self.range.unit {
            Unit::Duration => Dur(value).to_string(),
            Unit::Decimal { decimals: 0, suffix } => format!("{value}{suffix}"),
            Unit::Decimal { decimals, suffix } => {
                let scale = 10u64.pow(*decimals as u32);
                format!("{}.{:0decimals$}{suffix}", value / scale, value % scale)
            }
        }
    }

    /// The value of this index as a number: of a rate its requests, of a duration its seconds.
    pub fn number(&self, i: u64) -> f64 {
        match &self.range.unit {
            Unit::Duration => Dur(self.value(i)).as_secs_f64(),
            Unit::Decimal { decimals, .. } => self.value(i) as f64 / 10u64.pow(*decimals as u32) as f64,
        }
    }

    /// The override of a scenario that sets the key to this value.
    pub fn setting(&self, i: u64) -> String {
        format!("{}={}", self.key, self.text(i))
    }
}

impl Range {
    fn between(low: &str, high: &str) -> Option<Range> {
        if let (Ok(low), Ok(high)) = (Dur::parse(low), Dur::parse(high)) {
            return Some(Range { low: low.0, high: high.0, unit: Unit::Duration });
        }
        let [(low, a), (high, b)] = [low, high].map(|end| {
            let digits = end.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(end.len());
            end.split_at(digits)
        });
        if a != b {
            return None;
        }
        let places = |number: &str| number.split_once('.').map_or(0, |(_, places)| places.len());
        let decimals = places(low).max(places(high));
        let scaled = |number: &str| {
            let (whole, part) = number.split_once('.').unwrap_or((number, ""));
            let dotted = number.contains('.') != part.is_empty();
            (dotted && !whole.is_empty() && decimals <= 6).then_some(())?;
            format!("{whole}{part:0<decimals$}").parse::<u64>().ok().filter(|n| *n < 1 << 53)
        };
        Some(Range {
            low: scaled(low)?,
            high: scaled(high)?,
            unit: Unit::Decimal { decimals, suffix: a.to_owned() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> (u64, String, String) {
        let vary = Vary::parse(text).expect(text);
        (vary.len(), vary.text(0), vary.text(vary.len() - 1))
    }

    #[test]
    fn ranges_have_the_values_between_their_ends() {
        for (text, len, first, last) in [
            ("a.b=10..1000", 991, "10", "1000"),
            ("a=0..1", 2, "0", "1"),
            ("a = 5/s .. 20/s", 16, "5/s", "20/s"),
            ("a=10/10s..100/10s", 91, "10/10s", "100/10s"),
            ("a=0.05..1", 96, "0.05", "1.00"),
            ("a=0.500..0.502", 3, "0.500", "0.502"),
        ] {
            assert_eq!(ends(text), (len, first.to_owned(), last.to_owned()), "{text}");
        }
        assert_eq!(Vary::parse("a=0.05..1").expect("a range").text(7), "0.12");
    }

    #[test]
    fn durations_are_one_percent_apart() {
        let vary = Vary::parse("horizon=500ms..10s").expect("a range");
        assert_eq!((vary.text(0), vary.text(1)), ("500ms".to_owned(), "505ms".to_owned()));
        assert_eq!(vary.text(vary.len() - 1), "10s");
        for i in 1..vary.len() {
            let (before, after) = (vary.number(i - 1), vary.number(i));
            assert!(after > before && after <= before * 1.0101 + 1e-9, "{before} {after}");
        }
        assert_eq!(ends("a=0s..1ms").1, "0s");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "a",
            "=1..2",
            "a=1",
            "a=1-2",
            "a=x..y",
            "a=2..1",
            "a=1..1",
            "a=1/s..2/m",
            "a=1.0000001..2",
            "a=-1..2",
            "a=1...2",
        ] {
            assert!(Vary::parse(text).is_err(), "{text}");
        }
    }
}
