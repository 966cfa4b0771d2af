//! Families of checks as data: what is run, and the numbers it is held against.

use super::estimate::Run;
use crate::world::Snapshot;

/// A family of checks.
pub struct Family {
    /// Its name: that of the family in `oracles.json`.
    pub name: &'static str,
    /// Formula and where it is from.
    pub source: &'static str,
    pub(crate) items: Vec<Item>,
}

/// One thing that is run, and the numbers it is held against.
pub(crate) enum Item {
    /// Estimated, with an interval.
    Estimated(Estimated),
    /// Not random: must agree to the stated tolerance.
    Exact(Exact),
}

type Measured = Box<dyn Fn(&[Snapshot]) -> (f64, f64) + Send + Sync>;

/// A ratio that is estimated: numerator and denominator of one batch or replication, given its snapshots.
pub(crate) struct Measure {
    pub name: String,
    pub exact: f64,
    pub of: Measured,
}

impl Measure {
    pub fn new(
        name: impl Into<String>,
        exact: f64,
        of: impl Fn(&[Snapshot]) -> (f64, f64) + Send + Sync + 'static,
    ) -> Measure {
        Measure { name: name.into(), exact, of: Box::new(of) }
    }
}

/// A scenario whose measures are estimated.
pub(crate) struct Estimated {
    pub name: String,
    /// The scenario's text without its horizon, for a model that is wrong by this factor; 1 is right.
    pub build: Box<dyn Fn(f64) -> String + Send + Sync>,
    pub run: Run,
    /// The half width wanted, relative to the exact value.
    pub wanted: f64,
    /// The same in the fast part; without it, only the whole suite runs this.
    pub fast: Option<f64>,
    pub measures: Vec<Measure>,
    /// Whether the wrong model is run too.
    pub rejects: bool,
}

/// Numbers that must agree.
pub(crate) struct Exact {
    pub name: String,
    /// The numbers of a model that is wrong by this factor; 1 is right.
    pub numbers: Box<dyn Fn(f64) -> Vec<Number> + Send + Sync>,
    pub fast: bool,
    pub rejects: bool,
}

impl Item {
    /// Numbers that must agree.
    pub fn exact(
        name: impl Into<String>,
        numbers: impl Fn(f64) -> Vec<Number> + Send + Sync + 'static,
    ) -> Item {
        Item::Exact(Exact { name: name.into(), numbers: Box::new(numbers), fast: true, rejects: false })
    }

    /// The same, and a wrong model must be told apart.
    pub fn rejecting(
        name: impl Into<String>,
        numbers: impl Fn(f64) -> Vec<Number> + Send + Sync + 'static,
    ) -> Item {
        Item::Exact(Exact { name: name.into(), numbers: Box::new(numbers), fast: true, rejects: true })
    }
}

/// A number and what it must be.
pub(crate) struct Number {
    pub name: String,
    pub ours: f64,
    pub exact: f64,
    /// How far off it may be.
    pub tolerance: f64,
}

impl Number {
    /// Must be equal.
    pub fn equal(name: impl Into<String>, ours: f64, exact: f64) -> Number {
        Number { name: name.into(), ours, exact, tolerance: 0.0 }
    }

    /// Must be equal but for rounding.
    pub fn close(name: impl Into<String>, ours: f64, exact: f64, relative: f64) -> Number {
        Number { name: name.into(), ours, exact, tolerance: relative * exact.abs() }
    }

    pub fn agrees(&self) -> bool {
        (self.ours - self.exact).abs() <= self.tolerance
    }
}
