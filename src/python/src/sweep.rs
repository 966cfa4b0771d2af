//! A sweep: its points by number, each run apart.

use crate::errors;
use crate::table::{Column, Table};
use crate::watch::watched;
use authstorm::experiment::sweep::{Design, Kind, Point, Sweeper, in_order};
use authstorm::experiment::vary::Vary;
use authstorm::{Control, Error};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

self_cell::self_cell!(
    struct Owned {
        owner: authstorm::Study,

        #[covariant]
        dependent: Sweeper,
    }
);

/// A sweep whose every point is known to be a valid scenario.
#[pyclass(frozen, module = "authstorm._native")]
pub(crate) struct Sweep(Owned);

impl Sweep {
    pub(crate) fn over(
        py: Python<'_>,
        study: authstorm::Study,
        vary: &[String],
        design: &str,
    ) -> PyResult<Sweep> {
        let read =
            |text: &String| Vary::parse(text).map_err(|bad| errors::bad_request(py, format!("vary: {bad}")));
        let keys = vary.iter().map(read).collect::<PyResult<Vec<Vary>>>()?;
        let kind = Kind::parse(design).map_err(|bad| errors::bad_request(py, format!("design: {bad}")))?;
        let design = Design::new(keys, kind).map_err(|bad| errors::of(py, &Error::from(bad)))?;
        let owned = Owned::try_new(study, |study| Sweeper::new(study, &design, &Control::default()));
        owned.map(Sweep).map_err(|error| errors::of(py, &error))
    }

    fn sweeper(&self) -> &Sweeper<'_> {
        self.0.borrow_dependent()
    }
}

#[pymethods]
impl Sweep {
    fn __len__(&self) -> usize {
        self.sweeper().points().count() as usize
    }

    /// The keys.
    #[getter]
    fn keys(&self) -> Vec<String> {
        self.sweeper().head().keys.into_iter().map(|axis| axis.key).collect()
    }

    /// The row of a point: JSON on one line.
    fn row(&self, py: Python<'_>, point: u64) -> PyResult<String> {
        let control = Control::default();
        watched(py, 1, &control, (|| 0, None), || self.sweeper().row(point, &control))
    }

    /// The rows of all points, in order.
    fn rows(
        &self,
        py: Python<'_>,
        threads: usize,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Vec<String>> {
        let control = Control::default();
        let all: Vec<u64> = (0..self.sweeper().points().count()).collect();
        let done = AtomicU64::new(0);
        let work = || {
            let mut rows = Vec::new();
            let row = |point: u64| {
                let row = self.sweeper().row(point, &control);
                done.fetch_add(1, Ordering::Relaxed);
                row
            };
            in_order(&all, row, |_, row| {
                rows.push(row);
                Ok(())
            })?;
            Ok(rows)
        };
        watched(py, threads, &control, (|| done.load(Ordering::Relaxed), progress.as_ref()), work)
    }

    /// A row for each point, policy and metric; with `values` one for each replication too.
    fn table(&self, py: Python<'_>, rows: Vec<String>, values: bool) -> PyResult<Table> {
        let keys = self.keys();
        let mut points: Vec<u64> = Vec::new();
        let mut texts: Vec<Vec<Option<String>>> = vec![Vec::new(); keys.len()];
        let [mut policies, mut metrics, mut units] = [Vec::new(), Vec::new(), Vec::new()];
        let mut numbers: [Vec<Option<f64>>; 3] = Default::default();
        let mut counts: Vec<u32> = Vec::new();
        for row in rows {
            let point: Point = serde_json::from_str(&row)
                .map_err(|e| errors::bad_request(py, format!("not a point: {e}")))?;
            for policy in &point.policies {
                for metric in &policy.metrics {
                    let count = metric.values.len() as u32;
                    for i in 0..if values { count } else { 1 } {
                        points.push(point.point);
                        texts
                            .iter_mut()
                            .zip(&point.values)
                            .for_each(|(all, one)| all.push(Some(one.clone())));
                        policies.push(Some(policy.name.clone()));
                        metrics.push(Some(metric.name.clone()));
                        units.push(Some(metric.unit.clone()));
                        if values {
                            counts.push(i);
                            numbers[0].push(Some(metric.values[i as usize]));
                        } else {
                            counts.push(count);
                            let ends = [metric.mean, metric.ci_low, metric.ci_high];
                            numbers.iter_mut().zip(ends).for_each(|(all, one)| all.push(Some(one)));
                        }
                    }
                }
            }
        }
        let mut columns = vec![("point", Column::Long(points))];
        columns.extend(keys.iter().map(String::as_str).zip(texts.into_iter().map(Column::Text)));
        columns.extend([
            ("policy", Column::Text(policies)),
            ("metric", Column::Text(metrics)),
            ("unit", Column::Text(units)),
        ]);
        let [first, low, high] = numbers.map(Column::Number);
        if values {
            columns.extend([("replication", Column::Count(counts)), ("value", first)]);
        } else {
            columns.extend([
                ("mean", first),
                ("ci_low", low),
                ("ci_high", high),
                ("replications", Column::Count(counts)),
            ]);
        }
        Table::new(columns)
    }
}
