//! A scenario that is about to be run.

use crate::errors;
use crate::find::{self, Asked};
use crate::results::Results;
use crate::sweep::Sweep;
use crate::watch::watched;
use authstorm::experiment::find::{Finder, Ran};
use authstorm::results::Shard;
use authstorm::scenario::Settings;
use authstorm::{Control, Error};
use pyo3::prelude::*;
use std::path::PathBuf;

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
