//! Families of checks as data: scenarios to run and the exact numbers to compare with.

use super::estimate::Run;
use crate::world::Snapshot;

/// A family of checks that share a source.
pub struct Family {
    /// Name of the family, as in the table and in `oracles.json`.
    pub name: &'static str,
    /// The formula and its source.
    pub source: &'static str,
    pub(crate) items: Vec<Item>,
}

/// One check or group of checks.
pub(crate) enum Item {
    /// Estimated from a random run: the exact value must lie in the interval.
    Estimated(Estimated),
    /// Not random: must agree within the stated tolerance.
    Exact(Exact),
}

type Measured = Box<dyn Fn(&[Snapshot]) -> (f64, f64) + Send + Sync>;

/// A ratio to be estimated. `of` returns numerator and denominator of one batch or replication from its snapshots.
pub(crate) struct Measure {
    pub name: String,
    pub exact: f64,
    pub of: Measured,
}

impl Measure {
    pub(crate) fn new(
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
    /// Builds the scenario text without its horizon. The argument scales a parameter of the model: 1 gives the right
    /// model, [`super::WRONG`] a wrong one.
    pub build: Box<dyn Fn(f64) -> String + Send + Sync>,
    pub run: Run,
    /// The wanted half width in the full suite, relative to the exact value.
    pub wanted: f64,
    /// The wanted half width in the fast part, relative to the exact value. `None` excludes the check from the fast
    /// part.
    pub fast: Option<f64>,
    pub measures: Vec<Measure>,
    /// Whether a wrong model is also run and must be rejected.
    pub rejects: bool,
}

/// Numbers that must agree within their tolerances.
pub(crate) struct Exact {
    pub name: String,
    /// Computes the numbers. The argument scales a parameter of the model: 1 gives the right model, [`super::WRONG`] a
    /// wrong one.
    pub numbers: Box<dyn Fn(f64) -> Vec<Number> + Send + Sync>,
    pub fast: bool,
    pub rejects: bool,
}

impl Item {
    /// A check of numbers that must agree.
    pub(crate) fn exact(
        name: impl Into<String>,
        numbers: impl Fn(f64) -> Vec<Number> + Send + Sync + 'static,
    ) -> Item {
        Item::Exact(Exact { name: name.into(), numbers: Box::new(numbers), fast: true, rejects: false })
    }

    /// A check of numbers that must agree, and must disagree for a wrong model.
    pub(crate) fn rejecting(
        name: impl Into<String>,
        numbers: impl Fn(f64) -> Vec<Number> + Send + Sync + 'static,
    ) -> Item {
        Item::Exact(Exact { name: name.into(), numbers: Box::new(numbers), fast: true, rejects: true })
    }
}

/// A computed number and its exact value.
pub(crate) struct Number {
    pub name: String,
    pub ours: f64,
    pub exact: f64,
    /// Greatest absolute difference allowed.
    pub tolerance: f64,
}

impl Number {
    /// A number that must equal `exact`.
    pub(crate) fn equal(name: impl Into<String>, ours: f64, exact: f64) -> Number {
        Number { name: name.into(), ours, exact, tolerance: 0.0 }
    }

    /// A number that must equal `exact` up to a relative error.
    pub(crate) fn close(name: impl Into<String>, ours: f64, exact: f64, relative: f64) -> Number {
        Number { name: name.into(), ours, exact, tolerance: relative * exact.abs() }
    }

    pub(crate) fn agrees(&self) -> bool {
        (self.ours - self.exact).abs() <= self.tolerance
    }
}
