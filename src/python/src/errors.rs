//! Errors as exceptions of the module `authstorm.errors`.

use authstorm::Error;
use authstorm::toml_text::{TextError, TextErrors};
use authstorm::world::StopReason;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// An exception of this name, made from these arguments.
fn exception<'py>(py: Python<'py>, name: &str, args: impl pyo3::call::PyCallArgs<'py>) -> PyErr {
    let made = py.import("authstorm.errors").and_then(|module| module.getattr(name)?.call1(args));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// The exception of a request that cannot be carried out.
pub(crate) fn bad_request(py: Python<'_>, message: impl ToString) -> PyErr {
    exception(py, "RequestError", (message.to_string(),))
}

/// The exception of a file that cannot be read or written.
pub(crate) fn place(py: Python<'_>, error: impl ToString) -> PyErr {
    exception(py, "PlaceError", (error.to_string(),))
}

fn problem<'py>(py: Python<'py>, error: &TextError) -> PyResult<Bound<'py, PyDict>> {
    let problem = PyDict::new(py);
    problem.set_item("code", error.code.to_string())?;
    problem.set_item("file", &error.source.name)?;
    problem.set_item("line", error.place().map(|(line, _)| line))?;
    problem.set_item("column", error.place().map(|(_, column)| column))?;
    problem.set_item("what", &error.what)?;
    problem.set_item("found", &error.found)?;
    problem.set_item("allowed", &error.allowed)?;
    problem.set_item("fix", &error.fix)?;
    Ok(problem)
}

fn scenario(py: Python<'_>, errors: &TextErrors) -> PyErr {
    let problems = errors.errors.iter().map(|error| problem(py, error)).collect::<PyResult<Vec<_>>>();
    match problems {
        Ok(problems) => exception(py, "ScenarioError", (errors.to_string(), problems)),
        Err(error) => error,
    }
}

/// The exception of a study that has no results.
pub(crate) fn of(py: Python<'_>, error: &Error) -> PyErr {
    let stopped = match error {
        Error::Scenario(errors) => return scenario(py, errors),
        Error::Stopped(stopped) | Error::StoppedAt { stopped, .. } => stopped,
        other => return bad_request(py, other),
    };
    if stopped.reason == StopReason::Interrupted {
        return PyKeyboardInterrupt::new_err(());
    }
    let run = stopped.run.as_ref();
    let (policy, replication) = (run.map(|run| run.policy.clone()), run.map(|run| run.replication));
    exception(
        py,
        "StoppedError",
        (error.to_string(), policy, replication, stopped.at.as_secs_f64(), stopped.chain.clone()),
    )
}
