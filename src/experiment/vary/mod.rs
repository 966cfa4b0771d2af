//! The values of a key that a search or a sweep tries: `KEY=LO..HI`, `KEY=LO..HI/STEPS`, `KEY=A,B,C`.

mod range;

use crate::text::{quote, tick};
use range::{Numbers, Range, Unit, spaced};
use std::fmt;

/// A key and its values: a range in ascending order, or a list in the order of the text.
///
/// ```
/// use authstorm::experiment::vary::Vary;
///
/// let every = Vary::parse("backend.limit[0].rate=5/s..20/s")?;
/// assert_eq!((every.key(), every.len()), ("backend.limit[0].rate", 16));
/// assert_eq!((every.text(0), every.text(15)), ("5/s".to_owned(), "20/s".to_owned()));
///
/// let steps = Vary::parse("fleet.users=10..1000/3 log")?;
/// assert_eq!([0, 1, 2].map(|i| steps.text(i)), ["10", "100", "1000"]);
///
/// let words = Vary::parse("fleet.app-reaction=none,get-token")?;
/// assert_eq!((words.text(1), words.number(1)), ("get-token".to_owned(), None));
/// # Ok::<(), authstorm::experiment::vary::BadVary>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Vary {
    key: String,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    /// Numbers of a range.
    Range(Range, Tried),
    /// These, as they are written; with their numbers, if all are numbers of one unit.
    Listed(Vec<String>, Option<Vec<f64>>),
}

/// Which numbers of a range are tried.
#[derive(Clone, Debug, PartialEq)]
enum Tried {
    /// Every one.
    Every,
    /// Those that are so near to each other that no number was given.
    Spaced(Vec<u64>),
    /// As many as were asked for.
    Steps(Vec<u64>),
}

/// Why a text is not a key with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadVary {
    what: String,
}

impl BadVary {
    pub(crate) fn new(what: impl Into<String>) -> BadVary {
        BadVary { what: what.into() }
    }
}

impl fmt::Display for BadVary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; allowed: KEY=LO..HI, such as fleet.users=100..2000, backend.limit[0].rate=5/s..100/s or horizon=1m..2h; \
             KEY=LO..HI/STEPS, and `KEY=LO..HI/STEPS log` for equal ratios; KEY=A,B,C",
            self.what
        )
    }
}

impl std::error::Error for BadVary {}

/// The relative distance of neighbouring durations and decimals, where none is given.
const TOLERANCE: f64 = 0.01;
/// The most steps of a range, and values of a list.
pub const MOST_STEPS: u64 = 10_000;

impl Vary {
    /// Reads one of three forms.
    ///
    /// - `KEY=LO..HI`: all whole numbers from LO to HI, or all decimals of as many places as the ends have. Durations, and
    ///   ranges of more than 2^20 values, are tried 1% apart.
    /// - `KEY=LO..HI/STEPS`, with ` log` behind it or not: so many values from LO to HI, both included, with the same
    ///   distance or the same ratio, rounded to the last digit of the ends.
    /// - `KEY=A,B,C`: these values. They may be words.
    ///
    /// # Errors
    /// If the text has another form, the ends are no numbers with the same unit, LO is not below HI, STEPS is below 2 or
    /// more than the range has values, a logarithmic range begins at 0, or a list has the same value twice.
    pub fn parse(text: &str) -> Result<Vary, BadVary> {
        let bad = |what: &str| BadVary::new(format!("{what}: {}", quote(text)));
        let (key, values) = text.split_once('=').ok_or_else(|| bad("no `=` after the key"))?;
        let (key, values) = (key.trim().to_owned(), values.trim());
        if key.is_empty() {
            return Err(bad("no key before `=`"));
        }
        let listed = listed(values);
        if listed.len() > 1 {
            return Ok(Vary { key, values: list(&listed).map_err(|what| bad(&what))? });
        }
        let (values, log) =
            match values.strip_suffix("log").filter(|rest| rest.ends_with(char::is_whitespace)) {
                Some(rest) => (rest.trim_end(), true),
                None => (values, false),
            };
        let (low, high) =
            values.split_once("..").ok_or_else(|| bad("no `..` between two values, and no list"))?;
        let (high, steps) = match high.rsplit_once('/') {
            Some((high, n)) if !n.trim().is_empty() && n.trim().bytes().all(|b| b.is_ascii_digit()) => {
                (high, Some(n.trim().parse::<u64>().unwrap_or(u64::MAX)))
            }
            _ => (high, None),
        };
        let read = Numbers::read(&[low.trim(), high.trim()]);
        let Numbers { numbers, unit } =
            read.ok_or_else(|| bad("the ends are not two numbers with the same unit"))?;
        let range = Range { low: numbers[0], high: numbers[1], unit, log };
        if range.low >= range.high {
            return Err(bad("the first value is not below the second"));
        }
        if log && range.low == 0 {
            return Err(bad("a logarithmic scale cannot begin at 0"));
        }
        let Some(steps) = steps else {
            let fine = range.unit != Unit::Duration && range.high - range.low < 1 << 20;
            let tried =
                if fine { Tried::Every } else { Tried::Spaced(spaced(range.low, range.high, TOLERANCE)) };
            return Ok(Vary { key, values: Values::Range(range, tried) });
        };
        if !(2..=MOST_STEPS).contains(&steps) {
            return Err(bad(&format!("the number of steps is not 2..{MOST_STEPS}")));
        }
        let values = range.steps(steps).ok_or_else(|| {
            bad("the range has fewer values than steps; more decimals of its ends give it more, as in 0.00..1.00/5")
        })?;
        Ok(Vary { key, values: Values::Range(range, Tried::Steps(values)) })
    }

    /// The same range with values whose neighbours differ by at most this part of the value, or by one unit of the last
    /// digit. Both ends are among them.
    ///
    /// # Errors
    /// If the values are a list or a number of steps.
    ///
    /// # Panics
    /// Unless `0 < tolerance`.
    pub fn spaced(self, tolerance: f64) -> Result<Vary, BadVary> {
        assert!(tolerance > 0.0, "values {tolerance} apart");
        match self.values {
            Values::Range(range, Tried::Every | Tried::Spaced(_)) => {
                let tried = Tried::Spaced(spaced(range.low, range.high, tolerance));
                Ok(Vary { key: self.key, values: Values::Range(range, tried) })
            }
            _ => Err(BadVary::new(format!(
                "the values of {} are given one by one, so that no distance of theirs can be chosen",
                tick(&self.key)
            ))),
        }
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Number of values; at least 2.
    #[allow(clippy::len_without_is_empty, reason = "there are always two values")]
    pub fn len(&self) -> u64 {
        match &self.values {
            Values::Range(range, Tried::Every) => range.high - range.low + 1,
            Values::Range(_, Tried::Spaced(values) | Tried::Steps(values)) => values.len() as u64,
            Values::Listed(texts, _) => texts.len() as u64,
        }
    }

    /// Whether every value of the range is tried, not only some.
    pub fn is_complete(&self) -> bool {
        matches!(self.values, Values::Range(_, Tried::Every))
    }

    /// Whether the values are a range of numbers, in ascending order.
    pub fn is_range(&self) -> bool {
        matches!(self.values, Values::Range(..))
    }

    /// Whether the values are a range of which no number of steps says which values are meant.
    pub fn is_open(&self) -> bool {
        matches!(self.values, Values::Range(_, Tried::Every | Tried::Spaced(_)))
    }

    /// Whether neighbours were asked to have the same ratio.
    pub fn is_log(&self) -> bool {
        matches!(&self.values, Values::Range(range, _) if range.log)
    }

    /// The value of this index as a scenario writes it.
    ///
    /// # Panics
    /// If the index is not below [`Vary::len`].
    pub fn text(&self, i: u64) -> String {
        assert!(i < self.len(), "value {i} of {}", self.len());
        match &self.values {
            Values::Range(range, tried) => range.unit.text(tried.value(range, i)),
            Values::Listed(texts, _) => texts[i as usize].clone(),
        }
    }

    /// The value of this index as a number: of a rate its requests, of a duration its seconds. `None` for words.
    pub fn number(&self, i: u64) -> Option<f64> {
        match &self.values {
            Values::Range(range, tried) => Some(range.unit.number(tried.value(range, i))),
            Values::Listed(_, numbers) => numbers.as_ref().map(|numbers| numbers[i as usize]),
        }
    }

    /// The override of a scenario that sets the key to this value.
    pub fn setting(&self, i: u64) -> String {
        format!("{}={}", self.key, self.text(i))
    }

    /// The value after this many of so many equal parts of the range, on its scale: as a scenario writes it, and the share of the
    /// range at which it lies, which rounding moves. Of a range with a number of steps the nearest step. `None` for a list.
    pub(crate) fn level(&self, part: u64, parts: u64) -> Option<(String, f64)> {
        let Values::Range(range, tried) = &self.values else { return None };
        let value = match tried {
            Tried::Steps(values) => {
                let last = values.len() as u64 - 1;
                values[((2 * part * last + parts) / (2 * parts)) as usize]
            }
            Tried::Every | Tried::Spaced(_) => range.at(part, parts),
        };
        Some((range.unit.text(value), range.share_of(value)))
    }

    /// A value of a stratum, of so many strata, at this share of it, from 0 to below 1: as a scenario writes it, and as a
    /// number. The strata of an open range share its numbers, in their scale; those of other values share the values.
    pub(crate) fn within(&self, stratum: u64, strata: u64, share: f64) -> (String, Option<f64>) {
        if let Values::Range(range, Tried::Every | Tried::Spaced(_)) = &self.values {
            let value = range.within(stratum, strata, share);
            return (range.unit.text(value), Some(range.unit.number(value)));
        }
        let indices = Range { low: 0, high: self.len() - 1, unit: Unit::Duration, log: false };
        let i = indices.within(stratum, strata, share);
        (self.text(i), self.number(i))
    }
}

impl Tried {
    fn value(&self, range: &Range, i: u64) -> u64 {
        match self {
            Tried::Every => range.low + i,
            Tried::Spaced(values) | Tried::Steps(values) => values[i as usize],
        }
    }
}

/// The parts of a text between its commas, apart from commas inside quotes, brackets and braces.
fn listed(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0usize, None);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (_, Some(open)) => quote = quote.filter(|_| c != open),
            ('"' | '\'', None) => quote = Some(c),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn list(parts: &[&str]) -> Result<Values, String> {
    if parts.len() as u64 > MOST_STEPS {
        return Err(format!("{} values, {MOST_STEPS} at most", parts.len()));
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err("a list with an empty value".to_owned());
    }
    if let Some((_, twice)) = parts.iter().enumerate().find(|(i, part)| parts[..*i].contains(part)) {
        return Err(format!("the value {} stands twice", quote(twice)));
    }
    let read = Numbers::read(parts);
    let numbers = read.map(|Numbers { numbers, unit }| numbers.iter().map(|n| unit.number(*n)).collect());
    Ok(Values::Listed(parts.iter().map(|part| (*part).to_owned()).collect(), numbers))
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
            let [before, after] = [i - 1, i].map(|i| vary.number(i).expect("a number"));
            assert!(after > before && after <= before * 1.0101 + 1e-9, "{before} {after}");
        }
        assert_eq!(ends("a=0s..1ms").1, "0s");
    }

    #[test]
    fn steps_and_lists_have_the_values_that_are_asked_for() {
        let texts = |text: &str| {
            let vary = Vary::parse(text).unwrap_or_else(|e| panic!("{e}"));
            (0..vary.len()).map(|i| (vary.text(i), vary.number(i))).collect::<Vec<_>>()
        };
        let is = |text: &str, expected: &[(&str, f64)]| {
            let expected: Vec<_> = expected.iter().map(|(text, n)| ((*text).to_owned(), Some(*n))).collect();
            assert_eq!(texts(text), expected, "{text}");
        };
        is("a=10..100/4", &[("10", 10.0), ("40", 40.0), ("70", 70.0), ("100", 100.0)]);
        is("a=1/s..100/s/3 log", &[("1/s", 1.0), ("10/s", 10.0), ("100/s", 100.0)]);
        is("a=10/10s..100/10s/2", &[("10/10s", 10.0), ("100/10s", 100.0)]);
        is("a=0.00..1.00/5", &[("0.00", 0.0), ("0.25", 0.25), ("0.50", 0.5), ("0.75", 0.75), ("1.00", 1.0)]);
        is("a=1m..2h/3", &[("1m", 60.0), ("3630s", 3_630.0), ("2h", 7_200.0)]);
        is("a=30,5,10", &[("30", 30.0), ("5", 5.0), ("10", 10.0)]);
        is("a=1m, 90s", &[("1m", 60.0), ("90s", 90.0)]);
        let words = |text: &str| texts(text).into_iter().map(|(text, number)| (text, number.is_none()));
        assert!(words("a=old,new").eq([("old".to_owned(), true), ("new".to_owned(), true)]));
        let quoted = ["\"x, y\"", "[1, 2]", "{ b = 1, c = 2 }"].map(|text| (text.to_owned(), true));
        assert!(words("a=\"x, y\",[1, 2],{ b = 1, c = 2 }").eq(quoted));
        assert!(
            Vary::parse("a=1..9/3").is_ok_and(|vary| vary.clone().spaced(0.1).is_err() && !vary.is_open())
        );
    }

    #[test]
    fn levels_are_thirds_of_the_scale() {
        let levels = |text: &str| {
            let vary = Vary::parse(text).expect(text);
            (0..4).filter_map(|part| vary.level(part, 3)).collect::<Vec<_>>()
        };
        let is = |text: &str, expected: [(&str, f64); 4]| {
            let found = levels(text);
            assert_eq!(found.len(), 4, "{text}");
            for ((value, share), (expected, at)) in found.into_iter().zip(expected) {
                assert_eq!(value, expected, "{text}");
                assert!((share - at).abs() < 1e-4, "{text}: {share}");
            }
        };
        let third = 1.0 / 3.0;
        is("a=10..100", [("10", 0.0), ("40", third), ("70", 2.0 * third), ("100", 1.0)]);
        is("a=1/s..1000/s log", [("1/s", 0.0), ("10/s", third), ("100/s", 2.0 * third), ("1000/s", 1.0)]);
        is("a=1m..2h", [("1m", 0.0), ("2440s", third), ("4820s", 2.0 * third), ("2h", 1.0)]);
        // A range of two whole numbers has the lower at the first two levels. Steps are not left.
        is("a=0..1", [("0", 0.0), ("0", 0.0), ("1", 1.0), ("1", 1.0)]);
        is("a=0..10/3", [("0", 0.0), ("5", 0.5), ("5", 0.5), ("10", 1.0)]);
        assert!(levels("a=1,2,3").is_empty());
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
            "a=1..9/1",
            "a=1..9/0",
            "a=1..4/5",
            "a=0..9/3 log",
            "a=1..9/99999",
            "a=x,",
            "a=x,y,x",
            "a=x",
        ] {
            assert!(Vary::parse(text).is_err(), "{text}");
        }
    }
}
