//! What is asked: numbers with half widths.

use super::MOST_REPLICATIONS;
use crate::results::Asked;
use std::fmt;

/// What is to be known, and how precisely.
///
/// ```
/// use authstorm::experiment::precision::Precision;
/// use authstorm::{Control, Study};
///
/// let study = Study::parse("calls.toml", r#"
///     version = 1
///     name = "calls"
///     horizon = "50s"
///     policies = ["new"]
///     [[workload]]
///     name = "calls"
///     starts = { exponential = "500ms" }
///     every = { exponential = "500ms" }
/// "#)?;
/// // Poisson with mean 100: a half width of 1.96 * 10 / sqrt(n) is below 5% of 105 from n = 18 on, at the first look.
/// let precision = Precision::parse("new.requests_total=5%")?;
/// let results = study.run_to(&precision, &Control::default())?;
/// assert_eq!(results.replications, 30);
/// assert!(results.precision.is_some_and(|precision| precision.reached));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    pub(super) wishes: Vec<Wish>,
    pub(super) floor: Option<f64>,
    pub(super) most: u32,
}

/// A number, or a choice of numbers, with the half width that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    /// As written.
    text: String,
    /// The number; `None` for a choice of numbers.
    pub(super) of: Option<String>,
    pub(super) half: Half,
}

/// A half width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Half {
    pub(super) text: String,
    pub(super) size: Size,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Size {
    /// A share of the mean, or percentage points of a share.
    Relative(f64),
    /// In the unit of the mean, or of a share.
    Absolute(f64),
}

/// Why a text asks for no precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPrecision {
    what: String,
}

impl fmt::Display for BadPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for BadPrecision {}

fn bad(what: impl Into<String>) -> BadPrecision {
    BadPrecision { what: what.into() }
}

impl Precision {
    /// Reads `NUMBER=WIDTH`, such as `new.requests_total=5%`, or `WIDTH` alone.
    ///
    /// The number is a metric of a policy, a sum of them, or a condition, of which the share of runs that meet it is to be
    /// known. A width alone is that of `requests_total` and of every harm that something in the runs can move, under every
    /// policy. The width is a percentage, or a number in the unit of the metric.
    ///
    /// # Errors
    /// If there is no width, or it is not one.
    pub fn parse(text: &str) -> Result<Precision, BadPrecision> {
        let wish = Wish::parse(text)?;
        Ok(Precision { wishes: vec![wish], floor: None, most: MOST_REPLICATIONS })
    }

    /// Asks for another number too.
    ///
    /// # Errors
    /// As [`Precision::parse`].
    pub fn and(mut self, text: &str) -> Result<Precision, BadPrecision> {
        self.wishes.push(Wish::parse(text)?);
        Ok(self)
    }

    /// The half width of a mean that is enough however small the mean is, in the unit of the metric. The default is a tenth of
    /// the unit, and a hundredth for a metric that is a share.
    ///
    /// # Errors
    /// If it is negative or not finite.
    pub fn floor(mut self, floor: f64) -> Result<Precision, BadPrecision> {
        if !floor.is_finite() || floor < 0.0 {
            return Err(bad("a floor is a number of 0 or more, in the unit of the metric"));
        }
        self.floor = Some(floor);
        Ok(self)
    }

    /// The most replications. The default is [`MOST_REPLICATIONS`].
    ///
    /// # Errors
    /// If it is less than 2, of which no interval comes.
    pub fn at_most(mut self, replications: u32) -> Result<Precision, BadPrecision> {
        if replications < 2 {
            return Err(bad("fewer than 2 replications give no interval"));
        }
        self.most = replications;
        Ok(self)
    }

    /// The most replications.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// What is asked, as results record it.
    pub fn asked(&self) -> Asked {
        let widths = self.wishes.iter().map(|wish| wish.text.clone()).collect();
        Asked { widths, floor: self.floor, max_replications: self.most }
    }
}

impl Wish {
    fn parse(text: &str) -> Result<Wish, BadPrecision> {
        let (of, half) = match text.rsplit_once('=') {
            Some((of, half)) => (Some(of.trim().to_owned()), half.trim()),
            None => (None, text.trim()),
        };
        let (number, unit) = match half.strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (half, 1.0),
        };
        let is_relative = half.ends_with('%');
        let size = number.parse::<f64>().ok().map(|number| number / unit);
        let size = size.filter(|size| *size > 0.0 && size.is_finite() && !(is_relative && *size >= 1.0));
        let Some(size) = size else {
            return Err(bad(format!(
                "{} has no width; allowed: NUMBER=WIDTH, such as new.requests_total=5%, or WIDTH alone; a width is a \
                 percentage above 0% and below 100%, or a number above 0 in the unit of the metric",
                crate::text::tick(text)
            )));
        };
        let size = match (is_relative, &of) {
            (true, _) => Size::Relative(size),
            (false, Some(_)) => Size::Absolute(size),
            (false, None) => {
                return Err(bad(format!(
                    "the width {} names no number; a width alone is a percentage, and NUMBER=WIDTH gives one number an \
                     absolute width",
                    crate::text::tick(half)
                )));
            }
        };
        Ok(Wish { text: text.to_owned(), of, half: Half { text: half.to_owned(), size } })
    }
}

impl Size {
    pub(super) fn size(self) -> f64 {
        match self {
            Size::Relative(size) | Size::Absolute(size) => size,
        }
    }
}
