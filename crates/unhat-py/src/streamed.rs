//! Tables that another library makes batch after batch: read once, and beyond their share of memory to a temporary file.

use crate::data::Table;
use crate::failure::raised;
use crate::work;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3_arrow::input::AnyRecordBatch;
use unhat::ErrorKind;
use unhat_io::{Batches, TableOptions, read_batches};

type Reader = Box<dyn RecordBatchReader + Send>;

/// The table that `made` hands over: a stream or a batch of Arrow, or an iterator of such.
#[pyfunction]
#[pyo3(signature = (made, columns, response, intercept))]
pub(crate) fn table_of_stream(
    py: Python<'_>,
    made: &Bound<'_, PyAny>,
    columns: Option<Vec<String>>,
    response: Option<String>,
    intercept: bool,
) -> PyResult<Table> {
    let options = TableOptions { columns, response, intercept, ..TableOptions::default() };
    let (schema, batches): (SchemaRef, Batches) = match made.extract::<AnyRecordBatch>() {
        Ok(arrow) => {
            let reader = arrow.into_reader()?;
            (reader.schema(), Box::new(reader))
        }
        Err(error) => match made.try_iter() {
            Ok(parts) => parts_of(py, parts)?,
            Err(_) => return Err(error),
        },
    };
    work::read(py, move || read_batches("table", schema, batches, &options).map(Table::of))
}

/// Frames one after the other, as an iterator makes them.
struct Parts {
    parts: Py<PyIterator>,
    schema: SchemaRef,
    now: Option<Reader>,
}

fn parts_of(py: Python<'_>, mut parts: Bound<'_, PyIterator>) -> PyResult<(SchemaRef, Batches)> {
    let Some(first) = parts.next() else {
        let (what, expected, found) = ("table".into(), "at least one part".into(), "an iterator of none".into());
        return Err(raised(py, &ErrorKind::Shape { what, expected, found }.into()));
    };
    let now = first?.extract::<AnyRecordBatch>()?.into_reader()?;
    let schema = now.schema();
    Ok((schema.clone(), Box::new(Parts { parts: parts.unbind(), schema, now: Some(now) })))
}

impl Iterator for Parts {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.now.as_mut()?.next() {
                return Some(batch);
            }
            let next = Python::attach(|py| -> PyResult<Option<Reader>> {
                match self.parts.bind(py).clone().next() {
                    None => Ok(None),
                    Some(part) => Ok(Some(part?.extract::<AnyRecordBatch>()?.into_reader()?)),
                }
            });
            match next {
                Ok(Some(reader)) if reader.schema().fields() != self.schema.fields() => {
                    self.now = None;
                    return Some(Err(ArrowError::SchemaError("a part has other columns than the first".into())));
                }
                Ok(next) => self.now = next,
                Err(error) => {
                    self.now = None;
                    return Some(Err(ArrowError::ExternalError(Box::new(error))));
                }
            }
        }
    }
}
