//! A scenario that is about to be run.

use crate::errors;
use crate::find::{self, Asked};
use crate::results::Results;
use crate::sweep::Sweep;
use crate::watch::watched;
use authstorm::experiment::find::{Finder, Ran};
use authstorm::experiment::precision::Precision;
use authstorm::experiment::replications::{Replication, Replicator};
use authstorm::results::Shard;
use authstorm::scenario::Settings;
use authstorm::{Control, Error};
use pyo3::prelude::*;
use std::ops::Range;
use std::path::PathBuf;

/// Why replications that are run elsewhere come to nothing.
enum Ended {
    /// The study fails.
    Study(Error),
    /// What runs them raises an exception.
    Raised(PyErr),
    /// They are no replications.
    Rows(String),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::Study(error)
    }
}

impl Ended {
    fn raised(self, py: Python<'_>) -> PyErr {
        match self {
            Ended::Study(error) => errors::of(py, &error),
            Ended::Raised(error) => error,
            Ended::Rows(what) => errors::bad_request(py, what),
        }
    }
}

/// Rows as replications.
fn replications(rows: &[String]) -> Result<Vec<Replication>, Ended> {
    let read =
        |row: &String| serde_json::from_str(row).map_err(|e| Ended::Rows(format!("not a replication: {e}")));
    rows.iter().map(read).collect()
}

/// A scenario with its settings.
#[pyclass(frozen, module = "authstorm._native")]
pub(crate) struct Study {
    study: authstorm::Study,
    file: PathBuf,
}

#[pymethods]
impl Study {
    #[new]
    fn new(
        py: Python<'_>,
        scenario: PathBuf,
        set: Vec<String>,
        seed: Option<u64>,
        replications: Option<u32>,
        policies: Vec<String>,
        all_sessions: bool,
    ) -> PyResult<Study> {
        let settings = Settings { set, seed, replications, ..Settings::default() };
        let load = || -> Result<authstorm::Study, Error> {
            let mut study = authstorm::Study::load_set(&scenario, &settings)?;
            if !policies.is_empty() {
                study.only_policies(&policies)?;
            }
            study.all_sessions(all_sessions);
            Ok(study)
        };
        let study = load().map_err(|error| errors::of(py, &error))?;
        Ok(Study { study, file: scenario })
    }

    /// The scenario's name.
    #[getter]
    fn name(&self) -> &str {
        &self.study.loaded().scenario.name
    }

    /// SHA-256 of the scenario and its policies.
    #[getter]
    fn scenario_hash(&self) -> String {
        self.study.hash()
    }

    /// Replications of each policy.
    #[getter]
    fn replications(&self) -> u32 {
        self.study.loaded().scenario.replications
    }

    /// The policies that are run.
    #[getter]
    fn policies(&self) -> Vec<String> {
        self.study.loaded().policies.iter().map(|policy| policy.name.clone()).collect()
    }

    /// Warnings about the scenario.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.study.loaded().warnings.clone()
    }

    /// The texts of the scenario and its files by name, with every setting: another machine runs the same from them.
    fn copies(&self) -> Vec<(String, String)> {
        let files = self.study.loaded().policy_files().into_iter().map(|file| (file.name, file.text));
        std::iter::once(("scenario.toml".to_owned(), self.study.loaded().portable_source()))
            .chain(files)
            .collect()
    }

    /// Runs every policy in every replication.
    fn run(&self, py: Python<'_>, threads: usize, progress: Option<Bound<'_, PyAny>>) -> PyResult<Results> {
        let control = Control::default();
        let done = (|| control.runs_ended(), progress.as_ref());
        let results = watched(py, threads, &control, done, || self.study.run_under(&control))?;
        Ok(Results::new(self.study.clone(), self.file.clone(), results))
    }

    /// The row of a replication of every policy: JSON on one line.
    fn replicate(&self, py: Python<'_>, number: u32) -> PyResult<String> {
        let control = Control::default();
        watched(py, 1, &control, (|| 0, None), || Replicator::new(&self.study).row(number, &control))
    }

    /// The results of the rows of every replication, in order.
    fn results_of(&self, py: Python<'_>, rows: Vec<String>) -> PyResult<Results> {
        let rows = replications(&rows).map_err(|bad| bad.raised(py))?;
        let results = py.detach(|| Replicator::new(&self.study).results(rows));
        Ok(Results::new(self.study.clone(), self.file.clone(), results))
    }

    /// Replicates until numbers are known precisely: `replicate(begin, end)` gives the rows of the replications of a range.
    fn run_to(
        &self,
        py: Python<'_>,
        widths: Vec<String>,
        floor: Option<f64>,
        most: u32,
        replicate: Bound<'_, PyAny>,
    ) -> PyResult<Results> {
        let bad = |what: String| errors::bad_request(py, format!("precision: {what}"));
        let (first, others) = widths.split_first().ok_or_else(|| bad("no width is given".to_owned()))?;
        let read = || -> Result<Precision, authstorm::experiment::precision::BadPrecision> {
            let mut precision = Precision::parse(first)?.at_most(most)?;
            for other in others {
                precision = precision.and(other)?;
            }
            floor.map_or(Ok(precision.clone()), |floor| precision.clone().floor(floor))
        };
        let precision = read().map_err(|error| bad(error.to_string()))?;
        let results = self.study.run_to_from(&precision, &mut |range: Range<u32>| {
            let asked = range.len();
            let rows =
                replicate.call1((range.start, range.end)).and_then(|rows| rows.extract::<Vec<String>>());
            let rows = replications(&rows.map_err(Ended::Raised)?)?;
            if rows.len() == asked {
                Ok(rows)
            } else {
                Err(Ended::Rows(format!("{} rows instead of {asked}", rows.len())))
            }
        });
        let results = results.map_err(|ended| ended.raised(py))?;
        let mut study = self.study.clone();
        study.replications(results.replications).map_err(|error| errors::of(py, &error))?;
        Ok(Results::new(study, self.file.clone(), results))
    }

    /// A sweep of this scenario.
    fn sweep(&self, py: Python<'_>, vary: Vec<String>, design: &str) -> PyResult<Sweep> {
        Sweep::over(py, self.study.clone(), &vary, design)
    }

    /// Searches: the answer as JSON, its curve and its runs as CSV, and a row for each run.
    fn find(
        &self,
        py: Python<'_>,
        asked: Asked,
        threads: usize,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(String, String, Vec<String>)> {
        let question = asked.question(py)?;
        let control = Control::default();
        let finder = Finder::new(&self.study, &question, &control).map_err(|error| errors::of(py, &error))?;
        let keeper = find::Keeper::default();
        let done = (|| keeper.count(), progress.as_ref());
        let (found, runs) = watched(py, threads, &control, done, || finder.find(&keeper))?;
        let curve = String::from_utf8_lossy(&found.csv()).into_owned();
        Ok((found.json(), curve, find::rows(&runs)))
    }

    /// The words of an answer whose runs are known.
    fn find_in_words(
        &self,
        py: Python<'_>,
        asked: Asked,
        known: Vec<String>,
    ) -> PyResult<(String, String, Vec<String>)> {
        let question = asked.question(py)?;
        let control = Control::default();
        let finder = Finder::new(&self.study, &question, &control).map_err(|error| errors::of(py, &error))?;
        let keeper = find::Keeper::of(find::known(py, &known)?);
        let (found, _) = py.detach(|| finder.find(&keeper)).map_err(|error| errors::of(py, &error))?;
        Ok((found.json(), String::from_utf8_lossy(&found.csv()).into_owned(), found.in_words()))
    }

    /// The rows of one shard of the next round of a search, given all rows of earlier rounds.
    fn find_share(
        &self,
        py: Python<'_>,
        asked: Asked,
        known: Vec<String>,
        shard: &str,
        threads: usize,
    ) -> PyResult<Vec<String>> {
        let question = asked.question(py)?;
        let shard = Shard::parse(shard).map_err(|bad| errors::bad_request(py, bad))?;
        let known = find::known(py, &known)?;
        let control = Control::default();
        let finder = Finder::new(&self.study, &question, &control).map_err(|error| errors::of(py, &error))?;
        let keeper = find::Keeper::default();
        let runs: Vec<Ran> =
            watched(py, threads, &control, (|| 0, None), || finder.share(known, shard, &keeper))?;
        Ok(find::rows(&runs))
    }

    /// Whether a search needs a run that is not among these rows.
    fn find_lacks(&self, py: Python<'_>, asked: Asked, known: Vec<String>) -> PyResult<bool> {
        let question = asked.question(py)?;
        let control = Control::default();
        let finder = Finder::new(&self.study, &question, &control).map_err(|error| errors::of(py, &error))?;
        Ok(finder.lacks(&find::known(py, &known)?))
    }
}
