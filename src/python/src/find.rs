//! Questions of a search, and its runs as rows.

use crate::errors;
use authstorm::Error;
use authstorm::experiment::find::search::{Asked as Trials, Trial};
use authstorm::experiment::find::share::Known;
use authstorm::experiment::find::{Question, Ran};
use authstorm::experiment::vary::Vary;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A question as Python asks it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked {
    vary: String,
    target: String,
    largest: bool,
    share: f64,
    confidence: f64,
    tolerance: Option<f64>,
    fine: bool,
}

impl Asked {
    pub(crate) fn question(&self, py: Python<'_>) -> PyResult<Question> {
        let bad = |what: String| errors::bad_request(py, what);
        for (name, share) in [("share", self.share), ("confidence", self.confidence)] {
            if !(share > 0.0 && share < 1.0) {
                return Err(bad(format!(
                    "{name} is {share}; allowed: a number strictly between 0 and 1, such as 0.95"
                )));
            }
        }
        let vary = Vary::parse(&self.vary).map_err(|e| bad(format!("vary: {e}")))?;
        let vary = match self.tolerance {
            Some(tolerance) => vary.spaced(tolerance).map_err(|e| bad(format!("tolerance: {e}")))?,
            None => vary,
        };
        Ok(Question {
            vary,
            target: self.target.clone(),
            largest: self.largest,
            share: self.share,
            confidence: self.confidence,
            fine: self.fine,
        })
    }
}

/// Rows as runs.
pub(crate) fn known(py: Python<'_>, rows: &[String]) -> PyResult<Known> {
    let mut known = Known::default();
    for row in rows {
        let ran: Ran =
            serde_json::from_str(row).map_err(|e| errors::bad_request(py, format!("not a run: {e}")))?;
        known.add(ran);
    }
    Ok(known)
}

/// Runs as rows.
pub(crate) fn rows(runs: &[Ran]) -> Vec<String> {
    runs.iter().map(|ran| serde_json::to_string(ran).expect("numbers and words are JSON")).collect()
}

/// Counts the runs of a search, and knows some.
#[derive(Default)]
pub(crate) struct Keeper {
    known: Known,
    ended: AtomicU64,
}

impl Keeper {
    pub(crate) fn of(known: Known) -> Keeper {
        Keeper { known, ..Keeper::default() }
    }

    pub(crate) fn count(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}

impl authstorm::experiment::find::Keeper for Keeper {
    type Error = Error;

    fn begins(&self, _: &Trials<'_>) {}

    fn kept(&self, _: u64, trial: Trial) -> Result<Option<Ran>, Error> {
        Ok(self.known.get(trial).copied())
    }

    fn keep(&self, _: u64, _: &Ran) -> Result<(), Error> {
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
