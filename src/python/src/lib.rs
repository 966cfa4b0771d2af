//! Python bindings of authstorm. The module `authstorm` wraps them with words that Python readers expect.

mod errors;
mod find;
mod results;
mod study;
mod sweep;
mod table;
mod watch;

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs a command line of `authstorm` in this process, and gives the exit code.
#[pyfunction]
fn main(py: Python<'_>, line: Vec<OsString>) -> u8 {
    py.detach(|| authstorm::cli::run_line(line))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<study::Study>()?;
    module.add_class::<results::Results>()?;
    module.add_class::<sweep::Sweep>()?;
    module.add_class::<table::Table>()?;
    module.add_function(wrap_pyfunction!(main, module)?)
}
