//! Ranges of numbers as a text gives them, and which of their numbers are tried.

use crate::kernel::Dur;

/// Numbers in units of the last digit: of `0.5..1.5` in tenths, of durations in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    /// The numbers, in the order of the text.
    pub numbers: Vec<u64>,
    /// How they are written.
    pub unit: Unit,
}

/// How a number is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unit {
    /// With so many decimals, and this text behind it: `/s` of `5/s`.
    Decimal { decimals: usize, suffix: String },
    /// As a duration.
    Duration,
}

impl Unit {
    /// The number as a scenario writes it.
    pub(super) fn text(&self, value: u64) -> String {
        match self {
            Unit::Duration => Dur(value).to_string(),
            Unit::Decimal { decimals: 0, suffix } => format!("{value}{suffix}"),
            Unit::Decimal { decimals, suffix } => {
                let scale = 10u64.pow(*decimals as u32);
                format!("{}.{:0decimals$}{suffix}", value / scale, value % scale)
            }
        }
    }

    /// The number itself: of a rate its requests, of a duration its seconds.
    pub(super) fn number(&self, value: u64) -> f64 {
        match self {
            Unit::Duration => Dur(value).as_secs_f64(),
            Unit::Decimal { decimals, .. } => value as f64 / 10u64.pow(*decimals as u32) as f64,
        }
    }
}

impl Numbers {
    /// Reads numbers with the same unit; `None` if they are others.
    pub(super) fn read(texts: &[&str]) -> Option<Numbers> {
        if let Ok(durations) = texts.iter().map(|text| Dur::parse(text)).collect::<Result<Vec<_>, _>>() {
            let numbers = durations.into_iter().map(|duration| duration.0).collect();
            return Some(Numbers { numbers, unit: Unit::Duration });
        }
        let split = |text: &&'_ str| {
            let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            (text[..digits].to_owned(), text[digits..].to_owned())
        };
        let parts: Vec<(String, String)> = texts.iter().map(split).collect();
        let suffix = parts.first()?.1.clone();
        if parts.iter().any(|(_, other)| *other != suffix) {
            return None;
        }
        let places = |number: &str| number.split_once('.').map_or(0, |(_, places)| places.len());
        let decimals = parts.iter().map(|(number, _)| places(number)).max()?;
        let scaled = |(number, _): &(String, String)| {
            let (whole, part) = number.split_once('.').unwrap_or((number, ""));
            let dotted = number.contains('.') != part.is_empty();
            (dotted && !whole.is_empty() && decimals <= 6).then_some(())?;
            format!("{whole}{part:0<decimals$}").parse::<u64>().ok().filter(|n| *n < 1 << 53)
        };
        let numbers = parts.iter().map(scaled).collect::<Option<Vec<u64>>>()?;
        Some(Numbers { numbers, unit: Unit::Decimal { decimals, suffix } })
    }
}

/// A range of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range {
    pub low: u64,
    pub high: u64,
    pub unit: Unit,
    /// Whether neighbours have the same ratio, not the same distance.
    pub log: bool,
}

impl Range {
    /// So many values from end to end. They have the same distance or the same ratio, but for rounding: to the last digit of
    /// the ends, and to a power of ten that is at most a thousandth of the least distance. `None` if that gives the same
    /// value twice.
    pub(super) fn steps(&self, steps: u64) -> Option<Vec<u64>> {
        let values: Vec<u64> = (0..steps).map(|i| self.at(i, steps - 1)).collect();
        values.windows(2).all(|pair| pair[0] < pair[1]).then_some(values)
    }

    /// The number after this many of so many equal parts of the range, rounded as [`Range::steps`] says.
    pub(super) fn at(&self, part: u64, parts: u64) -> u64 {
        let gap = match self.log {
            true => self.low as f64 * (self.at_share(1.0 / parts as f64) / self.low as f64 - 1.0),
            false => (self.high - self.low) as f64 / parts as f64,
        };
        let unit = short_unit(gap);
        match part {
            0 => self.low,
            i if i == parts => self.high,
            // The quotient is rounded once, half up.
            i if !self.log => {
                let (whole, part) = (u128::from(self.high - self.low) * u128::from(i), u128::from(parts));
                let exact = (2 * whole + part) / (2 * part);
                round(self.low + exact as u64, unit)
            }
            i => round((self.at_share(i as f64 / parts as f64) + 0.5) as u64, unit),
        }
    }

    /// The share of the way from the low to the high end at which a number lies, on the range's scale.
    pub(super) fn share_of(&self, value: u64) -> f64 {
        match self.log {
            true => {
                let low = self.low as f64;
                libm::log(value as f64 / low) / libm::log(self.high as f64 / low)
            }
            false => (value - self.low) as f64 / (self.high - self.low) as f64,
        }
    }

    /// The number at this share of the way from the low to the high end of a logarithmic scale.
    fn at_share(&self, share: f64) -> f64 {
        self.low as f64 * libm::pow(self.high as f64 / self.low as f64, share)
    }

    /// The begin of a stratum, of so many strata of the range: the last number at or below it, and the first at or above it.
    /// The stratum after the last one begins one above the range.
    fn begin(&self, stratum: u64, strata: u64) -> (u64, u64) {
        match stratum {
            0 => (self.low, self.low),
            end if end == strata => (self.high + 1, self.high + 1),
            _ if self.log => {
                let above = Range { high: self.high + 1, ..self.clone() };
                let begin = above.at_share(stratum as f64 / strata as f64);
                (begin as u64, libm::ceil(begin) as u64)
            }
            _ => {
                let numbers = (u128::from(self.high - self.low) + 1) * u128::from(stratum);
                let strata = u128::from(strata);
                (self.low + (numbers / strata) as u64, self.low + numbers.div_ceil(strata) as u64)
            }
        }
    }

    /// A number of a stratum, at this share of it, from 0 to below 1. It has few digits where the stratum allows it.
    pub(super) fn within(&self, stratum: u64, strata: u64, share: f64) -> u64 {
        let ((below, begin), (_, end)) = (self.begin(stratum, strata), self.begin(stratum + 1, strata));
        // A stratum between two numbers has the lower one.
        if begin >= end {
            return below.clamp(self.low, self.high);
        }
        let size = end - begin;
        let value = match self.log {
            true => begin as f64 * libm::pow(end as f64 / begin as f64, share),
            false => begin as f64 + size as f64 * share,
        };
        let value = (value as u64).clamp(begin, end - 1);
        let short = round(value, short_unit(size as f64));
        if (begin..end).contains(&short) { short } else { value }
    }
}

/// The greatest power of ten that is at most a thousandth of a distance, and 1 at least.
fn short_unit(distance: f64) -> u64 {
    let mut unit = 1u64;
    while unit as f64 * 10_000.0 <= distance {
        unit *= 10;
    }
    unit
}

fn round(value: u64, unit: u64) -> u64 {
    (value + unit / 2) / unit * unit
}

/// The numbers from the low to the high end whose neighbours differ by at most this part, or by one unit of the last digit.
pub(super) fn spaced(low: u64, high: u64, tolerance: f64) -> Vec<u64> {
    // Four digits keep the values short where they are large.
    let short = |value: u64| {
        let mut unit = 1u64;
        while value / unit >= 10_000 {
            unit *= 10;
        }
        value / unit * unit
    };
    let (mut value, mut values) = (low, Vec::new());
    while value < high {
        values.push(value);
        let further = value + 1;
        value = further.max(short((value as f64 * (1.0 + tolerance)) as u64));
    }
    values.push(high);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: u64, high: u64, log: bool) -> Range {
        Range { low, high, unit: Unit::Duration, log }
    }

    #[test]
    fn steps_have_one_distance_or_one_ratio() {
        assert_eq!(range(10, 100, false).steps(4), Some(vec![10, 40, 70, 100]));
        assert_eq!(range(1, 1_000, true).steps(4), Some(vec![1, 10, 100, 1_000]));
        assert_eq!(range(1, 4, false).steps(5), None, "five numbers do not lie between 1 and 4");
        // A minute to two hours in five: exact quarters, and the fourth root of 120 to a tenth of a second.
        let s = 1_000_000_000;
        let linear = [60, 1_845, 3_630, 5_415, 7_200].map(|t| t * s).to_vec();
        assert_eq!(range(60 * s, 7_200 * s, false).steps(5), Some(linear));
        let log = range(60 * s, 7_200 * s, true).steps(5).expect("five values");
        for pair in log.windows(2) {
            assert!((pair[1] as f64 / pair[0] as f64 / 3.309_751 - 1.0).abs() < 0.001, "{log:?}");
            assert_eq!(pair[0] % (s / 10), 0, "{log:?}");
        }
    }

    #[test]
    fn strata_share_the_range_without_a_gap() {
        for log in [false, true] {
            for (low, high, strata) in [(1, 1_000_000, 7), (5, 5_000_000_000, 100), (3, 40, 38), (1, 9, 4)] {
                let range = range(low, high, log);
                assert_eq!((range.begin(0, strata).1, range.begin(strata, strata).1), (low, high + 1));
                for stratum in 0..strata {
                    let (begin, end) = (range.begin(stratum, strata).1, range.begin(stratum + 1, strata).1);
                    assert!(begin <= end);
                    for share in [0.0, 0.3, 0.999_999] {
                        let value = range.within(stratum, strata, share);
                        assert!((low..=high).contains(&value));
                        assert!(begin == end || (begin..end).contains(&value), "{value} {begin} {end}");
                    }
                }
            }
        }
    }
}
