//! Tables that other libraries read through the Arrow C interface, without a copy.

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, RecordBatchIterator, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::ArrowError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};
use std::sync::Arc;

/// A table of named columns.
#[pyclass(frozen, module = "authstorm._native")]
pub(crate) struct Table(RecordBatch);

/// A column.
pub(crate) enum Column {
    /// Words.
    Text(Vec<Option<String>>),
    /// Small whole numbers.
    Count(Vec<u32>),
    /// Whole numbers.
    Long(Vec<u64>),
    /// Numbers; infinity stands for what does not happen within the run.
    Number(Vec<Option<f64>>),
}

impl Table {
    pub(crate) fn new(columns: Vec<(&str, Column)>) -> PyResult<Table> {
        let array = |column: Column| -> ArrayRef {
            match column {
                Column::Text(values) => Arc::new(StringArray::from_iter(values)),
                Column::Count(values) => Arc::new(UInt32Array::from(values)),
                Column::Long(values) => Arc::new(UInt64Array::from(values)),
                Column::Number(values) => Arc::new(Float64Array::from_iter(values)),
            }
        };
        let columns = columns.into_iter().map(|(name, column)| (name, array(column)));
        RecordBatch::try_from_iter(columns).map(Table).map_err(failed)
    }
}

fn failed(error: ArrowError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

#[pymethods]
impl Table {
    /// Names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.0.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// The values of a column.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
        let array = self
            .0
            .column_by_name(name)
            .ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_owned()))?;
        let any = array.as_any();
        if let Some(values) = any.downcast_ref::<StringArray>() {
            return PyList::new(py, values.iter());
        }
        if let Some(values) = any.downcast_ref::<UInt32Array>() {
            return PyList::new(py, values.iter());
        }
        if let Some(values) = any.downcast_ref::<UInt64Array>() {
            return PyList::new(py, values.iter());
        }
        match any.downcast_ref::<Float64Array>() {
            Some(values) => PyList::new(py, values.iter()),
            None => Err(PyRuntimeError::new_err("a column of another type")),
        }
    }

    /// The table as a stream of the Arrow PyCapsule interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A producer may ignore the schema that is asked for.
        let _ = requested_schema;
        let (batch, schema) = (self.0.clone(), self.0.schema());
        let reader = RecordBatchIterator::new([Ok(batch)], schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
    }
}
