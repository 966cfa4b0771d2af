//! Verification: compares the simulator with closed forms, with its own invariants, and over all orders of events.
//!
//! Each family of closed forms is a scenario text, read by the scenario parser and run on the ordinary backend. There
//! is no separate implementation for checks. A random check compares the exact value with a confidence interval. The
//! probability that any of the intervals misses its value is at most [`FAMILY_WISE_ERROR`] (Bonferroni). The widths of
//! the intervals are chosen in advance. Each family must also reject a model that is wrong by 5%, which proves that its
//! intervals are narrow enough.

mod closed;
mod estimate;
pub mod exhaust;
mod herd;
pub mod independent;
mod item;
mod libraries;
mod limiters;
mod losses;
mod measures;
mod polling;
mod published;
mod queueing;
mod recorder;
mod retrial;
mod retries;
mod servers;
mod statistics;
pub mod swarm;
mod text;
mod windows;

use crate::parallel;
use estimate::{Interval, Sizes};
pub use item::Family;
pub(crate) use item::{Estimated, Exact, Item, Measure, Number};

/// The keys of limits, for scenarios that are drawn at random.
const LIMIT_KEYS: [&str; 5] = ["global", "app", "ip", "user", "session"];

/// Greatest probability that any interval of the whole suite misses its exact value by chance.
pub const FAMILY_WISE_ERROR: f64 = 1e-3;
/// Factor on a parameter of a deliberately wrong model.
pub const WRONG: f64 = 1.05;

/// Families of `oracles.json` that are not checked, each with the reason.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("metastable_fluid", "a fluid approximation of the transient: no exact value to compare with"),
    ("nhpp_thinning", "the scenario format has no arrival rate that changes with time"),
    ("mg1, mg1_retrial: Erlang-4 and H2", "the scenario format has neither of the two distributions"),
    ("mmc_erlang_c: P(Wq > 1); mm1: var L, busy period", "station totals keep sums, not distributions"),
    ("sliding counter under Poisson traffic", "no closed form; its golden vector and its bound are checked"),
];

/// A seed per scenario. With a shared seed the errors of all scenarios would be correlated.
fn seed_of(family: &str, name: &str, seed: u64) -> u64 {
    // FNV-1a, masked to the integers that every TOML parser represents exactly.
    let bytes = family.bytes().chain(name.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 12
}

/// Kind of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The exact value must lie in the interval.
    Interval,
    /// The value must be equal, but for a stated tolerance.
    Exact,
    /// A model that is wrong by 5% must not agree.
    Rejects,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Name of the family.
    pub family: &'static str,
    /// The scenario and the measure.
    pub name: String,
    /// Kind of the check.
    pub kind: Kind,
    /// The simulated value.
    pub ours: f64,
    /// The simultaneous confidence interval; `None` for an exact check.
    pub interval: Option<(f64, f64)>,
    /// The exact value.
    pub exact: f64,
    /// Whether the check passed.
    pub passed: bool,
}

/// Selection of checks.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to run the fast part only.
    pub fast: bool,
    /// Name of the only family to run; `None` for all.
    pub family: Option<String>,
    /// Seed of all runs.
    pub seed: u64,
}

/// Result of [`verify`].
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The checks, in the order of [`families`].
    pub checks: Vec<Check>,
    /// Intervals in the whole suite, by which the error probability is divided.
    pub intervals: usize,
    /// Simulated events.
    pub events: u64,
}

impl Report {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// Confidence level of each interval.
    pub fn confidence(&self) -> f64 {
        1.0 - FAMILY_WISE_ERROR / self.intervals as f64
    }
}

/// Formats a number with `digits` significant digits. Uses no exponent between 1e-4 and 1e15.
pub fn significant(x: f64, digits: usize) -> String {
    let size = x.abs();
    if x.to_bits() << 1 == 0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{x:.*e}", digits - 1);
    }
    let before = libm::floor(libm::log10(size)) as i64 + 1;
    let decimals = (digits as i64 - before).max(0) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Every family, in the order of the table.
pub fn families() -> Vec<Family> {
    let mut all = queueing::families();
    all.extend(losses::families());
    all.extend(servers::families());
    all.extend(retrial::families());
    all.extend(closed::families());
    all.extend(limiters::families());
    all.extend(windows::families());
    all.extend(herd::families());
    all.extend(retries::families());
    all.extend(libraries::families());
    all.extend(published::families());
    all.extend(polling::families());
    all.extend(statistics::families());
    all
}

/// Runs the selected checks.
pub fn verify(options: &Options) -> Report {
    let families = families();
    let measures = |item: &Item| match item {
        Item::Estimated(e) => e.measures.len(),
        Item::Exact(_) => 0,
    };
    let intervals: usize = families.iter().flat_map(|f| &f.items).map(measures).sum();
    let confidence = 1.0 - FAMILY_WISE_ERROR / intervals as f64;
    let wanted = |f: &&Family| options.family.as_ref().is_none_or(|name| f.name == name);
    let jobs: Vec<(&Family, &Item)> = families
        .iter()
        .filter(wanted)
        .flat_map(|family| family.items.iter().map(move |item| (family, item)))
        .collect();
    let done: Vec<(Vec<Check>, u64)> =
        parallel::map(&jobs, |(family, item)| run(family, item, confidence, options));
    let events = done.iter().map(|(_, events)| events).sum();
    Report { checks: done.into_iter().flat_map(|(checks, _)| checks).collect(), intervals, events }
}

fn run(family: &Family, item: &Item, confidence: f64, options: &Options) -> (Vec<Check>, u64) {
    match item {
        Item::Exact(exact) if !options.fast || exact.fast => (exact_checks(family, exact), 0),
        Item::Estimated(estimated) => {
            let Some(wanted) = (if options.fast { estimated.fast } else { Some(estimated.wanted) }) else {
                return Default::default();
            };
            estimated_checks(
                family,
                estimated,
                &Sizes { wanted, confidence, seed: seed_of(family.name, &estimated.name, options.seed) },
            )
        }
        Item::Exact(_) => Default::default(),
    }
}

fn exact_checks(family: &Family, exact: &Exact) -> Vec<Check> {
    let line = |number: &Number, kind, passed, name: String| Check {
        family: family.name,
        name,
        kind,
        ours: number.ours,
        interval: None,
        exact: number.exact,
        passed,
    };
    let mut checks: Vec<Check> = (exact.numbers)(1.0)
        .iter()
        .map(|n| line(n, Kind::Exact, n.agrees(), format!("{}: {}", exact.name, n.name)))
        .collect();
    if exact.rejects {
        let wrong = (exact.numbers)(WRONG);
        let rejected = wrong.iter().find(|n| !n.agrees());
        let shown = rejected.unwrap_or(&wrong[0]);
        checks.push(line(
            shown,
            Kind::Rejects,
            rejected.is_some(),
            format!("{}: {}, 5% wrong", exact.name, shown.name),
        ));
    }
    checks
}

fn estimated_checks(family: &Family, estimated: &Estimated, sizes: &Sizes) -> (Vec<Check>, u64) {
    let line = |measure: &Measure, interval: &Interval, kind, passed, name: String| Check {
        family: family.name,
        name,
        kind,
        ours: interval.value,
        interval: Some((interval.low, interval.high)),
        exact: measure.exact,
        passed,
    };
    let (size, mut events) = estimate::size(estimated, sizes);
    let (intervals, more) = estimate::estimate(estimated, 1.0, size, sizes);
    events += more;
    let mut checks: Vec<Check> = estimated
        .measures
        .iter()
        .zip(&intervals)
        .map(|(m, i)| {
            // The interval may be at most twice as wide as wanted: a very wide interval would contain any value.
            let narrow = i.high - i.low <= 4.0 * sizes.wanted * m.exact.abs();
            let remark = if narrow { "" } else { " (interval too wide)" };
            let name = format!("{}: {}{remark}", estimated.name, m.name);
            line(m, i, Kind::Interval, narrow && i.contains(m.exact), name)
        })
        .collect();
    if estimated.rejects {
        let (intervals, more) = estimate::estimate(estimated, WRONG, size, sizes);
        events += more;
        let pairs = || estimated.measures.iter().zip(&intervals);
        let rejected = pairs().find(|(m, i)| !i.contains(m.exact));
        let (measure, interval) = rejected.or_else(|| pairs().next()).expect("at least one measure");
        let name = format!("{}: {}, 5% wrong", estimated.name, measure.name);
        checks.push(line(measure, interval, Kind::Rejects, rejected.is_some(), name));
    }
    (checks, events)
}

/// Checks that the scenario drawn from each of these seeds loads.
///
/// # Panics
/// If one does not.
#[cfg(test)]
fn all_load(seeds: std::ops::Range<u64>, drawn: impl Fn(u64) -> String) {
    for seed in seeds {
        let text = drawn(seed);
        if let Err(error) = crate::Study::parse("drawn", &text) {
            panic!("{error}\n{text}");
        }
    }
}
