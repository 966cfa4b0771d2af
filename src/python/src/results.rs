//! What runs come to.

use crate::errors;
use crate::table::{Column, Table};
use crate::watch::watched;
use authstorm::explain::{self, Session, Wanted, tell_worst};
use authstorm::results::summary::summary;
use authstorm::results::{Reservation, Written, finding, verdicts};
use authstorm::{Control, Error, page, plot};
use pyo3::prelude::*;
use std::path::PathBuf;

/// The results of a study.
#[pyclass(frozen, module = "authstorm._native")]
pub(crate) struct Results {
    study: authstorm::Study,
    file: PathBuf,
    results: authstorm::Results,
}

impl Results {
    pub(crate) fn new(study: authstorm::Study, file: PathBuf, results: authstorm::Results) -> Results {
        Results { study, file, results }
    }

    /// The number of a policy; the first without a name.
    fn policy(&self, py: Python<'_>, name: Option<&str>) -> PyResult<usize> {
        let Some(name) = name else {
            let worst = self.results.worst().map(|(policy, _)| policy.name.as_str());
            let place = self.results.policies.iter().position(|policy| Some(policy.name.as_str()) == worst);
            return Ok(place.unwrap_or(0));
        };
        self.results.policies.iter().position(|policy| policy.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.results.policies.iter().map(|policy| policy.name.as_str()).collect();
            errors::bad_request(py, format!("no policy `{name}`; allowed: {}", known.join(", ")))
        })
    }
}

#[pymethods]
impl Results {
    /// summary.json.
    fn summary(&self) -> String {
        summary(&self.results)
    }

    /// A row for each policy, metric and replication.
    fn metrics(&self) -> PyResult<Table> {
        let [mut policies, mut metrics, mut units] = [Vec::new(), Vec::new(), Vec::new()];
        let (mut replications, mut values) = (Vec::new(), Vec::new());
        for policy in &self.results.policies {
            for metric in &policy.metrics {
                for (replication, value) in (0..).zip(&metric.values) {
                    policies.push(Some(policy.name.clone()));
                    metrics.push(Some(metric.name.clone()));
                    units.push(Some(metric.unit.clone()));
                    replications.push(replication);
                    values.push(Some(*value));
                }
            }
        }
        Table::new(vec![
            ("policy", Column::Text(policies)),
            ("metric", Column::Text(metrics)),
            ("unit", Column::Text(units)),
            ("replication", Column::Count(replications)),
            ("value", Column::Number(values)),
        ])
    }

    /// The finding in sentences.
    fn finding(&self) -> Vec<String> {
        finding(&self.results)
    }

    /// A line for each verdict on an expectation.
    fn verdicts(&self) -> Vec<String> {
        let replications = self.results.replications;
        self.results.expectations.iter().map(|verdict| verdicts::line(verdict, replications)).collect()
    }

    /// Whether every expectation passes.
    fn passes(&self) -> bool {
        self.results.passes_check()
    }

    /// The page.
    fn page(&self, py: Python<'_>) -> String {
        py.detach(|| page::page(&self.results))
    }

    /// Names of the charts.
    fn charts(&self, py: Python<'_>) -> Vec<String> {
        let charts = py.detach(|| plot::charts(&self.results));
        charts.into_iter().map(|chart| chart.file_stem.to_owned()).collect()
    }

    /// A chart as SVG.
    fn chart(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        let charts = py.detach(|| plot::charts(&self.results));
        let known: Vec<&str> = charts.iter().map(|chart| chart.file_stem).collect();
        let known = known.join(", ");
        let found = charts.into_iter().find(|chart| chart.file_stem == name);
        found.map(|chart| chart.svg).ok_or_else(|| {
            errors::bad_request(py, format!("no chart `{name}` of this run; allowed: {known}"))
        })
    }

    /// The story of a session.
    fn story(
        &self,
        py: Python<'_>,
        session: Option<u32>,
        policy: Option<&str>,
        replication: Option<u32>,
    ) -> PyResult<String> {
        let users = self.results.users;
        if users == 0 {
            return Err(errors::bad_request(
                py,
                "the scenario has no users, only generic sessions, of which there are no stories",
            ));
        }
        if let Some(session) = session.filter(|session| *session >= users) {
            let allowed = format!("0 to {}, or \"worst\"", users - 1);
            return Err(errors::bad_request(py, format!("no session {session}; allowed: {allowed}")));
        }
        let replications = self.results.replications;
        if let Some(replication) = replication.filter(|replication| *replication >= replications) {
            let allowed = format!("0 to {}", replications - 1);
            return Err(errors::bad_request(py, format!("no replication {replication}; allowed: {allowed}")));
        }
        let session = session.map_or(Session::Worst, Session::Number);
        let wanted = Wanted::whole(self.policy(py, policy)?, replication, session);
        let control = Control::default();
        let tell = || explain::tell(&self.study, wanted, &control);
        let story = watched(py, 0, &control, (|| 0, None), tell)?;
        Ok(explain::text::text(&story))
    }

    /// Writes the directory that `authstorm run` writes. Gives whether it was there already.
    fn write(&self, py: Python<'_>, out: PathBuf, force: bool) -> PyResult<bool> {
        let mut results = self.results.clone();
        let control = Control::default();
        let expected = results.provenance();
        let mut place = Reservation::take(&out, &expected, force, Some(&self.file))
            .map_err(|error| errors::place(py, error))?;
        let made = watched(py, 0, &control, (|| 0, None), || {
            tell_worst(&self.study, &mut results, &control)?;
            let drawn = page::files(&results);
            let mut files = results.data_files();
            Ok::<_, Error>(drawn.map(|drawn| {
                files.extend(drawn);
                files
            }))
        });
        let written = made.and_then(|files| {
            let files = files.map_err(|error| errors::place(py, error))?;
            place.fill(&expected, files).map_err(|error| errors::place(py, error))
        });
        // Leftovers of former results do not affect the new ones.
        let _ = place.tidy_up();
        written.map(|written| matches!(written, Written::Already))
    }
}
