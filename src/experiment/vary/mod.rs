//! The values of a key that a search or a sweep tries: `KEY=LO..HI`, `KEY=LO..HI/STEPS`, `KEY=A,B,C`.

mod range;

use crate::text::{quote, tick};
use range::{Numbers, Range, Unit, spaced};
use std::fmt;

/// The option that messages call a varied key by, unless a command has others.
pub(in crate::experiment) const VARY: &str = "--vary";

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
            values.split_once("..").ok_or_else(|| bad("one value, and no range or list of several"))?;
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
mod tests;
