//! Scales and their ticks.

use crate::kernel::Dur;
use crate::kernel::time::{NS_PER_MS, NS_PER_S};
use crate::text::number;

const MINUTE: u64 = 60 * NS_PER_S;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A labelled value on a scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The value, in the unit of the scale.
    pub value: f64,
    /// The label beside the tick.
    pub label: String,
}

/// The unit of a time axis and the steps that are natural in it.
struct TimeUnit {
    /// Used for runs of at least this length.
    from: u64,
    size: u64,
    name: &'static str,
    steps: &'static [u64],
}

const TIME_UNITS: [TimeUnit; 6] = [
    TimeUnit {
        from: 3 * DAY,
        size: DAY,
        name: "d",
        steps: &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000],
    },
    TimeUnit { from: 3 * HOUR, size: HOUR, name: "h", steps: &[1, 2, 3, 6, 12, 24] },
    TimeUnit { from: 3 * MINUTE, size: MINUTE, name: "min", steps: &[1, 2, 5, 10, 15, 30, 45, 60] },
    TimeUnit { from: 3 * NS_PER_S, size: NS_PER_S, name: "s", steps: &[1, 2, 5, 10, 15, 30, 60] },
    TimeUnit {
        from: 3 * NS_PER_MS,
        size: NS_PER_MS,
        name: "ms",
        steps: &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
    },
    TimeUnit { from: 0, size: 1_000, name: "µs", steps: &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] },
];

/// At most `most` ticks over a run of this length, in nanoseconds; the last one names the unit.
pub fn time_ticks(horizon: Dur, most: usize) -> Vec<Tick> {
    let length = horizon.0;
    let unit = TIME_UNITS.iter().find(|unit| length >= unit.from).unwrap_or(&TIME_UNITS[5]);
    let most = most.max(2) as u64;
    let fits = |step: &&u64| length / (**step * unit.size) < most;
    let step = unit.steps.iter().find(fits).or(unit.steps.last()).copied().unwrap_or(1);
    let last = length / (step * unit.size);
    (0..=last)
        .map(|i| {
            let number = number::whole(i * step);
            let label = if i == last { format!("{number} {}", unit.name) } else { number };
            Tick { value: (i * step * unit.size) as f64, label }
        })
        .collect()
}

/// How values become heights.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// From 0 to this value.
    Linear(f64),
    /// Logarithmic. 0 is drawn at the bottom, below `low`.
    Log {
        /// The lowest value that is not 0.
        low: f64,
        /// The highest value.
        high: f64,
    },
}

/// Part of a logarithmic scale's height that lies between 0 and its lowest decade.
const ZERO_GAP: f64 = 0.07;

impl Scale {
    /// From 0 to a little more than `greatest`.
    pub fn linear(greatest: f64) -> Scale {
        let usable = greatest.is_finite() && greatest > 0.0;
        Scale::Linear(if usable { greatest * 1.04 } else { 1.0 })
    }

    /// Logarithmic when the positive values span more than two decades, else linear.
    pub fn fitting(values: impl Iterator<Item = f64> + Clone) -> Scale {
        let greatest = values.clone().fold(0.0, f64::max);
        let smallest = values.filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        if greatest.is_finite() && greatest > 100.0 * smallest {
            Scale::log(smallest, greatest)
        } else {
            Scale::linear(greatest)
        }
    }

    /// From 1, 2 or 5 times a power of ten to another, around these two; at most nine decades, counted from above.
    pub fn log(smallest: f64, greatest: f64) -> Scale {
        let round = || [1.0, 2.0, 5.0, 10.0].into_iter();
        let decade = decade_below(greatest);
        let high =
            round().map(|digit| digit * decade).find(|high| *high >= greatest).unwrap_or(10.0 * decade);
        let smallest = smallest.max(greatest / 1e9);
        let decade = decade_below(smallest);
        let low = round().map(|digit| digit * decade).rfind(|low| *low <= smallest).unwrap_or(decade);
        Scale::Log { low, high }
    }

    /// Whether the scale is logarithmic.
    pub const fn is_log(&self) -> bool {
        matches!(self, Scale::Log { .. })
    }

    /// Height of `value` on the scale: 0 at the bottom, 1 at the top.
    pub fn place(&self, value: f64) -> f64 {
        match *self {
            Scale::Linear(top) => (value / top).clamp(0.0, 1.0),
            Scale::Log { .. } if value <= 0.0 => 0.0,
            Scale::Log { low, high } => {
                let share = libm::log10(value / low) / libm::log10(high / low);
                ZERO_GAP + (1.0 - ZERO_GAP) * share.clamp(0.0, 1.0)
            }
        }
    }

    /// About `wanted` ticks at round values. Counts get no tick between whole numbers.
    pub fn ticks(&self, wanted: usize, whole_only: bool) -> Vec<Tick> {
        match *self {
            Scale::Linear(top) => linear_ticks(top, wanted.max(2), whole_only),
            Scale::Log { low, high } => log_ticks(low, high),
        }
    }
}

fn linear_ticks(top: f64, wanted: usize, whole_only: bool) -> Vec<Tick> {
    // A step is `digit` times ten to the power of `-decimals`, or of the power that `power` holds.
    let (mut power, mut decimals) = (1.0, 0usize);
    while top / power > 10.0 * wanted as f64 {
        power *= 10.0;
    }
    while !whole_only && top * power < wanted as f64 && decimals < 12 {
        power *= 10.0;
        decimals += 1;
    }
    let unit = if decimals > 0 { 1.0 / power } else { power };
    let digit = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
        .into_iter()
        .find(|digit| (top / (digit * unit)).floor() <= wanted as f64)
        .unwrap_or(100.0);
    let last = (top / (digit * unit)).floor() as u32;
    let decimals = decimals.saturating_sub(usize::from(digit >= 10.0));
    (0..=last)
        .map(|i| {
            // One rounding only: i * digit is exact.
            let whole = f64::from(i) * digit;
            let value = if unit < 1.0 { whole / power } else { whole * unit };
            Tick { value, label: if i == 0 { "0".to_owned() } else { number::fixed(value, decimals) } }
        })
        .collect()
}

/// The greatest power of ten that is not above a positive value.
fn decade_below(value: f64) -> f64 {
    let power = libm::floor(libm::log10(value)) as i32;
    // The logarithm of a value just below a power may round up to it.
    let decade = ten_to(power);
    if decade > value { ten_to(power - 1) } else { decade }
}

/// A power of ten, rounded once.
fn ten_to(power: i32) -> f64 {
    let ten = (0..power.unsigned_abs()).fold(1.0, |ten, _| ten * 10.0);
    if power < 0 { 1.0 / ten } else { ten }
}

/// 0, every power of ten of the scale, and its upper end.
fn log_ticks(low: f64, high: f64) -> Vec<Tick> {
    let mut ticks = vec![Tick { value: 0.0, label: "0".to_owned() }];
    let first = libm::floor(libm::log10(low)) as i32;
    let powers = (first..first + 12).map(|power| (power, ten_to(power)));
    for (power, value) in powers.filter(|(_, value)| (low..=high).contains(value)) {
        ticks.push(Tick { value, label: number::fixed(value, power.min(0).unsigned_abs() as usize) });
    }
    // The greatest value of the scale needs a tick near it.
    if !ticks.iter().any(|tick| tick.value >= high) {
        let power = libm::floor(libm::log10(high)) as i32;
        ticks.push(Tick { value: high, label: number::fixed(high, power.min(0).unsigned_abs() as usize) });
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn time_ticks_fall_on_natural_values() {
        for (text, most, expected) in [
            ("10m", 8, vec!["0", "2", "4", "6", "8", "10 min"]),
            ("90s", 8, vec!["0", "15", "30", "45", "60", "75", "90 s"]),
            ("1h", 8, vec!["0", "10", "20", "30", "40", "50", "60 min"]),
            ("90m", 3, vec!["0", "45", "90 min"]),
            ("24h", 6, vec!["0", "6", "12", "18", "24 h"]),
            ("7d", 5, vec!["0", "2", "4", "6 d"]),
            ("30s", 4, vec!["0", "10", "20", "30 s"]),
            ("1s", 8, vec!["0", "200", "400", "600", "800", "1,000 ms"]),
            ("1ms", 4, vec!["0", "500", "1,000 µs"]),
        ] {
            assert_eq!(labels(&time_ticks(Dur::parse(text).unwrap(), most)), expected, "{text}");
        }
        assert_eq!(labels(&time_ticks(Dur(0), 5)), ["0 µs"]);
        for horizon in [Dur(1), Dur(7), crate::kernel::time::MAX_DURATION] {
            assert!(time_ticks(horizon, 6).len() <= 9);
        }
    }

    #[test]
    fn value_ticks_are_round() {
        for (top, whole, expected) in [
            (1_700.0, true, vec!["0", "500", "1,000", "1,500"]),
            (1.04, true, vec!["0", "1"]),
            (1.04, false, vec!["0", "0.5", "1.0"]),
            (0.03, false, vec!["0", "0.01", "0.02", "0.03"]),
            (41.0, true, vec!["0", "10", "20", "30", "40"]),
            (3.1, true, vec!["0", "1", "2", "3"]),
        ] {
            assert_eq!(labels(&Scale::Linear(top).ticks(4, whole)), expected, "{top}");
        }
    }

    #[test]
    fn two_decades_make_a_scale_logarithmic() {
        assert!(!Scale::fitting([0.0, 1.0, 100.0].into_iter()).is_log());
        assert_eq!(Scale::fitting([0.0, 1.0, 101.0].into_iter()), Scale::Log { low: 1.0, high: 200.0 });
        assert!(!Scale::fitting([].into_iter()).is_log());
        assert!(!Scale::fitting([0.0, 0.0].into_iter()).is_log());
        let scale = Scale::log(0.02, 950.0);
        assert_eq!(labels(&scale.ticks(5, false)), ["0", "0.1", "1", "10", "100", "1,000"]);
        assert_eq!(labels(&Scale::log(1.0, 463.0).ticks(5, true)), ["0", "1", "10", "100", "500"]);
        assert_eq!(labels(&Scale::log(0.03, 0.16).ticks(5, false)), ["0", "0.1", "0.2"]);
        assert!(scale.place(0.0) < scale.place(0.02) && scale.place(0.02) < scale.place(1.0));
    }
}
