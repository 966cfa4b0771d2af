//! Which points of the space of its keys a sweep visits.

use super::super::vary::{VARY, Vary};
use crate::kernel::random::{Purpose, Stream, below, open_unit};
use crate::text::number::whole;
use crate::text::tick;
use crate::toml_text::Step;
use crate::toml_text::tree::steps;
use std::fmt;

/// The most points of a sweep.
pub const MOST_POINTS: u64 = 100_000;
/// The most keys of a sweep.
pub const MOST_KEYS: usize = 8;

/// How points are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every combination of the keys' values. Those of the last key change first.
    Factorial,
    /// So many points. For each key they lie in as many strata of its range, one in each; the strata of two keys are combined at
    /// random (McKay, Beckman and Conover 1979, Technometrics 21). The draws depend on the scenario's seed and the names of
    /// the keys only.
    LatinHypercube(u32),
}

/// Keys with their values, and how points are chosen from them.
///
/// ```
/// use authstorm::experiment::sweep::{Design, Kind};
/// use authstorm::experiment::vary::Vary;
///
/// let keys = vec![Vary::parse("fleet.users=10,20")?, Vary::parse("backend.limit[0].limit=1..100/5")?];
/// assert_eq!(Design::new(keys, Kind::Factorial)?.len(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    keys: Vec<Vary>,
    kind: Kind,
}

/// Why keys and values make no design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDesign {
    what: String,
}

impl fmt::Display for BadDesign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for BadDesign {}

impl BadDesign {
    pub(in crate::experiment) fn new(what: impl Into<String>) -> BadDesign {
        BadDesign { what: what.into() }
    }
}

impl Design {
    /// A design of these keys.
    ///
    /// # Errors
    /// If there is no key or more than [`MOST_KEYS`], a key stands twice or lies within another, a key cannot be swept, a
    /// factorial design has a range of durations without a number of steps, or there are fewer than 2 or more than
    /// [`MOST_POINTS`] points.
    pub fn new(keys: Vec<Vary>, kind: Kind) -> Result<Design, BadDesign> {
        if keys.is_empty() || keys.len() > MOST_KEYS {
            return Err(BadDesign::new(format!("a sweep of {} keys; allowed: 1..{MOST_KEYS}", keys.len())));
        }
        check_keys(&keys, "swept")?;
        if let Some(open) =
            keys.iter().find(|vary| vary.is_open() && vary.is_log() && kind == Kind::Factorial)
        {
            return Err(BadDesign::new(format!(
                "{} has a scale and no number of steps; write KEY=LO..HI/STEPS log, or choose --design lhs:N",
                tick(open.key())
            )));
        }
        let unclear = |vary: &&Vary| vary.is_open() && !vary.is_complete() && kind == Kind::Factorial;
        if let Some(open) = keys.iter().find(unclear) {
            return Err(BadDesign::new(format!(
                "{} has more values than a sweep can visit; write KEY=LO..HI/STEPS, or choose --design lhs:N",
                tick(open.key())
            )));
        }
        let design = Design { keys, kind };
        let points = design.counted().unwrap_or(u64::MAX);
        if !(2..=MOST_POINTS).contains(&points) {
            let values: Vec<String> = design.keys.iter().map(|vary| whole(vary.len())).collect();
            let what = match kind {
                Kind::Factorial => format!("{} = {} points", values.join(" x "), whole(points)),
                Kind::LatinHypercube(n) => format!("{} points", whole(n.into())),
            };
            return Err(BadDesign::new(format!(
                "{what}; allowed: 2..{}; give ranges fewer steps, as in KEY=LO..HI/STEPS, or choose --design lhs:N",
                whole(MOST_POINTS)
            )));
        }
        Ok(design)
    }

    /// The keys with their values.
    pub fn keys(&self) -> &[Vary] {
        &self.keys
    }

    /// How points are chosen.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn counted(&self) -> Option<u64> {
        match self.kind {
            Kind::Factorial => self.keys.iter().try_fold(1u64, |all, vary| all.checked_mul(vary.len())),
            Kind::LatinHypercube(points) => Some(points.into()),
        }
    }

    /// Number of points.
    #[allow(clippy::len_without_is_empty, reason = "a design has at least 2 points")]
    pub fn len(&self) -> u64 {
        self.counted().unwrap_or(u64::MAX)
    }

    /// The design with the draws of a seed.
    pub fn placed(&self, seed: u64) -> Points {
        let axis = |vary: &Vary| {
            let value = |i| (vary.text(i), vary.number(i));
            let values = match self.kind {
                Kind::Factorial => (0..vary.len()).map(value).collect(),
                Kind::LatinHypercube(points) => drawn(vary, points, seed),
            };
            Axis::of(vary, values)
        };
        Points { axes: self.keys.iter().map(axis).collect(), crossed: self.kind == Kind::Factorial }
    }
}

/// Refuses keys of which two are one, or one lies within another, and keys that no point can change. `done` is what the
/// command does to a key: `swept`.
pub(in crate::experiment) fn check_keys(keys: &[Vary], done: &str) -> Result<(), BadDesign> {
    let paths: Vec<Vec<Step>> = keys.iter().map(|vary| steps(vary.key()).unwrap_or_default()).collect();
    for (i, path) in paths.iter().enumerate() {
        let key = tick(keys[i].key());
        if let Some(other) = paths[..i].iter().position(|other| other == path) {
            return Err(BadDesign::new(format!("the key {} is {done} twice", tick(keys[other].key()))));
        }
        let lies_within = |other: &Vec<Step>| {
            let common = other.len().min(path.len());
            common > 0 && other[..common] == path[..common]
        };
        if let Some(other) = paths[..i].iter().position(lies_within) {
            let other = tick(keys[other].key());
            return Err(BadDesign::new(format!("of the keys {other} and {key}, one lies within the other")));
        }
        match path.first() {
            Some(Step::Key(first)) if first == "policies" => {
                return Err(BadDesign::new(format!(
                    "{key} cannot be {done}: every point runs each of the scenario's policies; --policy chooses some"
                )));
            }
            Some(Step::Key(first)) if first == "replications" => {
                return Err(BadDesign::new(format!(
                    "{key} cannot be {done}: every point has the same number; --replications sets it"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A value of a key in each of so many strata, in random order.
fn drawn(vary: &Vary, points: u32, seed: u64) -> Vec<(String, Option<f64>)> {
    let stream = Stream::named(seed, 0, Purpose::Design, vary.key());
    let mut strata: Vec<u32> = (0..points).collect();
    shuffle(&mut strata, |i| stream.bits(i, 0));
    let value = |stratum: &u32| {
        let share = 1.0 - open_unit(stream.bits(u64::from(*stratum), 1));
        vary.within(u64::from(*stratum), u64::from(points), share)
    };
    strata.iter().map(value).collect()
}

/// The shuffle of Fisher and Yates (Knuth, The Art of Computer Programming 2, section 3.4.2, algorithm P), with these bits for the
/// step that places item `i`.
pub(in crate::experiment) fn shuffle<T>(items: &mut [T], bits: impl Fn(u64) -> u64) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(bits(i as u64), i as u64 + 1) as usize);
    }
}

/// The values of a key: of a factorial design each once, otherwise one for each point.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The option that messages call the key by, such as `--vary`.
    pub option: &'static str,
    /// The key.
    pub key: String,
    /// Whether neighbours were asked to have the same ratio.
    pub log: bool,
    /// Each value as a scenario writes it, and as a number if all of them are numbers of one unit.
    pub values: Vec<(String, Option<f64>)>,
}

impl Axis {
    /// These values of a key.
    pub(in crate::experiment) fn of(vary: &Vary, values: Vec<(String, Option<f64>)>) -> Axis {
        Axis { option: VARY, key: vary.key().to_owned(), log: vary.is_log(), values }
    }
}

/// The points of a design, by number.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The keys.
    pub axes: Vec<Axis>,
    /// Whether the points are every combination of the keys' values. Otherwise each key has a value for each point.
    pub crossed: bool,
}

impl Points {
    /// Number of points.
    pub fn count(&self) -> u64 {
        let mut each = self.axes.iter().map(|axis| axis.values.len() as u64);
        if self.crossed { each.product() } else { each.next().unwrap_or(0) }
    }

    /// The place of a point's value among those of each key.
    pub fn places(&self, point: u64) -> Vec<usize> {
        if !self.crossed {
            return vec![point as usize; self.axes.len()];
        }
        let mut rest = point;
        let mut places: Vec<usize> = Vec::new();
        for axis in self.axes.iter().rev() {
            let values = axis.values.len() as u64;
            places.push((rest % values) as usize);
            rest /= values;
        }
        places.reverse();
        places
    }

    /// A point's value of each key, as a scenario writes it.
    pub fn values(&self, point: u64) -> Vec<&str> {
        let places = self.places(point);
        self.axes.iter().zip(places).map(|(axis, place)| axis.values[place].0.as_str()).collect()
    }

    /// The overrides that make a point of the scenario, each with its option.
    pub fn overrides(&self, point: u64) -> Vec<(&'static str, String)> {
        self.axes.iter().map(|axis| axis.option).zip(self.settings(point)).collect()
    }

    /// The overrides that make a point of the scenario.
    pub fn settings(&self, point: u64) -> Vec<String> {
        let values = self.values(point).into_iter();
        self.axes.iter().zip(values).map(|(axis, value)| format!("{}={value}", axis.key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[&str]) -> Vec<Vary> {
        texts.iter().map(|text| Vary::parse(text).unwrap_or_else(|e| panic!("{e}"))).collect()
    }

    #[test]
    fn a_factorial_design_has_every_combination_once() {
        let design =
            Design::new(keys(&["a=1..3/3", "b=x,y", "c=5/s..9/s/2"]), Kind::Factorial).expect("a design");
        let points = design.placed(1);
        let all: Vec<Vec<String>> = (0..points.count()).map(|i| points.settings(i)).collect();
        let mut expected = Vec::new();
        for a in ["1", "2", "3"] {
            for b in ["x", "y"] {
                for c in ["5/s", "9/s"] {
                    expected.push(vec![format!("a={a}"), format!("b={b}"), format!("c={c}")]);
                }
            }
        }
        assert_eq!(all, expected);
    }

    /// The strata of a range are told from the numbers themselves: the share of the range that lies below a number, which is
    /// in [k/N, (k+1)/N) for stratum k. On a logarithmic scale it is the share of the logarithm.
    #[test]
    fn each_stratum_of_each_key_has_one_point() {
        for points in [2u32, 7, 100] {
            let texts = ["a=0..999999", "b=1ms..1h log", "c=0.000..1.000", "d=p,q,r"];
            let design = Design::new(keys(&texts), Kind::LatinHypercube(points)).expect("a design");
            let placed = design.placed(7);
            let number = |axis: usize, i: usize| placed.axes[axis].values[i].1.expect("a number");
            type Share = fn(f64) -> f64;
            let shares: [Share; 3] =
                [|x| x / 1e6, |x| libm::log(x / 1e-3) / libm::log(3_600.0 / 1e-3), |x| x / 1.001];
            for (axis, share) in shares.into_iter().enumerate() {
                let mut strata: Vec<u32> = (0..points as usize)
                    .map(|i| (share(number(axis, i)) * f64::from(points) + 1e-9) as u32)
                    .collect();
                strata.sort_unstable();
                assert_eq!(strata, (0..points).collect::<Vec<_>>(), "{}", texts[axis]);
            }
            for word in ["p", "q", "r"] {
                let count = placed.axes[3].values.iter().filter(|(text, _)| text == word).count();
                let (least, most) = (points as usize / 3, points as usize / 3 + 1);
                assert!((least..=most).contains(&count), "{word}: {count} of {points}");
            }
            assert_eq!(placed, design.placed(7));
            assert!(points < 7 || placed != design.placed(8));
        }
    }

    #[test]
    fn what_is_no_design_is_refused() {
        for (texts, says) in [
            (&["a=1..2", "a=3..4"][..], "swept twice"),
            (&["a.b=1..2", "a.b.c=3..4"], "one lies within the other"),
            (&["policies[0]=old,new"], "--policy chooses some"),
            (&["replications=1..4"], "--replications sets it"),
            (&["a=1m..2h"], "KEY=LO..HI/STEPS"),
            (&["a=1..9 log"], "KEY=LO..HI/STEPS log"),
            (&["a=1..1000", "b=1..1000"], "1,000 x 1,000 = 1,000,000 points"),
            (&[], "a sweep of 0 keys"),
        ] {
            let bad = Design::new(keys(texts), Kind::Factorial).expect_err(says).to_string();
            assert!(bad.contains(says), "{bad}");
        }
        assert!(Design::new(keys(&["a=1m..2h", "b=1..1000000000"]), Kind::LatinHypercube(5)).is_ok());
        assert!(Design::new(keys(&["a=1..9"]), Kind::LatinHypercube(1)).is_err());
    }
}
