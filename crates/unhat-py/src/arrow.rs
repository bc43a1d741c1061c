//! Tables of other libraries, handed over by the Arrow C interface: as rows of numbers, and as a table for models.

use crate::failure::{dtype, option, raised};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatchReader};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Schema};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::{PyImportError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;
use serde_json::Value;
use std::collections::HashSet;
use unhat::{Error, ErrorKind, Result};
use unhat_models::models::{Column, Frame, TextColumn};

type Reader = Box<dyn RecordBatchReader + Send>;
/// A, b where a column is the response, and the names of A's columns.
type Parts<'py> = (Bound<'py, PyArray2<f64>>, Option<Bound<'py, PyArray1<f64>>>, Vec<String>);

/// What a column says to a model.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Numbers,
    Words,
}

/// Truth values are numbers here and words in a table for models, where a file holds them as words too.
fn kind_for_model(found: &DataType) -> Option<Kind> {
    match found {
        DataType::Dictionary(_, values) => kind_for_model(values).map(|_| Kind::Words),
        DataType::Null => Some(Kind::Numbers),
        found if found.is_numeric() => Some(Kind::Numbers),
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Kind::Words),
        found if found.is_temporal() => Some(Kind::Words),
        _ => None,
    }
}

fn holds_numbers(found: &DataType) -> bool {
    matches!(found, DataType::Boolean) || kind_for_model(found) == Some(Kind::Numbers)
}

/// The columns of a table: position in the table, name, type. The index of pandas is none: it names the rows.
fn columns_of(schema: &Schema) -> Result<Vec<(usize, String, DataType)>> {
    let index = index_of_pandas(schema);
    let all = schema.fields().iter().enumerate().filter(|(_, field)| !index.contains(field.name()));
    let columns: Vec<_> = all.map(|(k, field)| (k, field.name().clone(), field.data_type().clone())).collect();
    let mut seen = HashSet::new();
    match columns.iter().find(|(_, name, _)| !seen.insert(name)) {
        Some((_, name, _)) => {
            Err(option("matrix", format!("several columns of the table are named '{name}'; rename all but one")))
        }
        None => Ok(columns),
    }
}

/// pandas sends an index that is no plain range as columns, and says which in the metadata.
fn index_of_pandas(schema: &Schema) -> HashSet<String> {
    let said = schema.metadata().get("pandas").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let listed = said.as_ref().and_then(|said| said["index_columns"].as_array());
    listed.into_iter().flatten().filter_map(|name| name.as_str().map(String::from)).collect()
}

/// What is taken of a table: columns for A in their order, and the response.
struct Taken {
    columns: Vec<(usize, String, DataType)>,
    response: Option<(usize, String, DataType)>,
}

fn taken(schema: &Schema, columns: Option<Vec<String>>, response: Option<String>) -> Result<Taken> {
    let all = columns_of(schema)?;
    let named = |what: &str, wanted: &str| {
        all.iter().find(|(_, name, _)| name == wanted).cloned().ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|(_, name, _)| format!("'{name}'")).collect();
            option(what, format!("there is no column '{wanted}'; there are {}", names.join(", ")))
        })
    };
    let response = response.map(|wanted| named("response", &wanted)).transpose()?;
    let mut columns = match columns {
        Some(wanted) => wanted.iter().map(|wanted| named("columns", wanted)).collect::<Result<Vec<_>>>()?,
        None => all.clone(),
    };
    columns.retain(|(k, ..)| response.as_ref().is_none_or(|(other, ..)| k != other));
    if columns.is_empty() {
        let (what, expected, found) = ("matrix".into(), "at least one column for A".into(), "none".into());
        return Err(ErrorKind::Shape { what, expected, found }.into());
    }
    Ok(Taken { columns, response })
}

/// The matrix and the response of a table, copied. Missing cells are NaN, which the library refuses with their place.
#[pyfunction]
#[pyo3(signature = (table, columns, response, intercept))]
pub(crate) fn arrow_matrix<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    columns: Option<Vec<String>>,
    response: Option<String>,
    intercept: bool,
) -> PyResult<Parts<'py>> {
    let to_python = |error| raised(py, &error);
    let reader = table.extract::<AnyRecordBatch>()?.into_reader()?;
    let taken = taken(&reader.schema(), columns, response).map_err(to_python)?;
    let all = taken.columns.iter().chain(&taken.response);
    let text: Vec<String> =
        all.filter(|(_, _, kind)| !holds_numbers(kind)).map(|(_, name, _)| format!("'{name}'")).collect();
    if !text.is_empty() {
        let found = format!("matrix: columns without numbers: {}; name the others as columns", text.join(", "));
        return Err(dtype(py, &found));
    }
    let (values, response) = py.detach(|| rows(reader, &taken, intercept)).map_err(to_python)?;
    let ones = intercept.then(|| "(Intercept)".to_string());
    let names: Vec<String> = ones.into_iter().chain(taken.columns.into_iter().map(|(_, name, _)| name)).collect();
    let matrix = PyArray1::from_vec(py, values);
    let matrix = matrix.reshape([matrix.len()? / names.len(), names.len()])?;
    Ok((matrix, response.map(|values| PyArray1::from_vec(py, values)), names))
}

/// Row after row, and the response.
fn rows(reader: Reader, taken: &Taken, intercept: bool) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
    let width = taken.columns.len() + usize::from(intercept);
    let (mut values, mut response) = (Vec::new(), taken.response.as_ref().map(|_| Vec::new()));
    for batch in reader {
        let batch = batch.map_err(unreadable)?;
        let start = values.len();
        // What is not written below is the intercept.
        values.resize(start + batch.num_rows() * width, 1.0);
        for (j, &(k, ..)) in taken.columns.iter().enumerate() {
            let first = start + j + usize::from(intercept);
            numbers(batch.column(k), |i, value| values[first + i * width] = value)?;
        }
        if let (Some(response), Some((k, ..))) = (&mut response, &taken.response) {
            numbers(batch.column(*k), |_, value| response.push(value))?;
        }
    }
    Ok((values, response))
}

/// Hands out the cells of a column of numbers, NaN where one is missing.
fn numbers(column: &ArrayRef, mut each: impl FnMut(usize, f64)) -> Result<()> {
    let column = cast(column, &DataType::Float64).map_err(unreadable)?;
    let column = column.as_primitive::<Float64Type>();
    if column.null_count() == 0 {
        column.values().iter().enumerate().for_each(|(i, &value)| each(i, value));
    } else {
        column.iter().enumerate().for_each(|(i, value)| each(i, value.unwrap_or(f64::NAN)));
    }
    Ok(())
}

/// What hands over Arrow, as a table for models.
pub(crate) fn frame_of(py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let to_python = |error| raised(py, &error);
    let reader = table.extract::<AnyRecordBatch>().map_err(|error| not_handed_over(py, error))?.into_reader()?;
    let columns = columns_of(&reader.schema()).map_err(to_python)?;
    let of_neither: Vec<String> = columns
        .iter()
        .filter(|(_, _, found)| kind_for_model(found).is_none())
        .map(|(_, name, found)| format!("'{name}' ({found})"))
        .collect();
    if !of_neither.is_empty() {
        let found = format!("table: columns with neither numbers nor words: {}; leave them out", of_neither.join(", "));
        return Err(dtype(py, &found));
    }
    py.detach(|| cells(reader, columns)).map_err(to_python)
}

/// What the other library says of a column of mixed objects, or of what it needs to hand over Arrow.
fn not_handed_over(py: Python<'_>, error: PyErr) -> PyErr {
    let said = error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyValueError>(py)
        || error.is_instance_of::<PyImportError>(py);
    match said {
        true => dtype(py, &format!("table: it cannot be handed over: {}", error.value(py))),
        false => error,
    }
}

fn cells(reader: Reader, columns: Vec<(usize, String, DataType)>) -> Result<Frame> {
    let mut read: Vec<Column> = columns
        .iter()
        .map(|(_, _, found)| match kind_for_model(found) {
            Some(Kind::Numbers) => Column::Numbers(Vec::new()),
            _ => Column::Text(TextColumn::default()),
        })
        .collect();
    for batch in reader {
        let batch = batch.map_err(unreadable)?;
        for ((k, ..), column) in columns.iter().zip(&mut read) {
            match column {
                Column::Numbers(values) => numbers(batch.column(*k), |_, value| values.push(value))?,
                Column::Text(words) => {
                    let cells = cast(batch.column(*k), &DataType::LargeUtf8).map_err(unreadable)?;
                    cells.as_string::<i64>().iter().for_each(|cell| words.push(cell));
                }
            }
        }
    }
    Frame::new(columns.into_iter().map(|(_, name, _)| name).zip(read).collect())
}

/// What the other library says when it cannot hand over a part of its table.
fn unreadable(error: ArrowError) -> Error {
    ErrorKind::Source { path: "table".into(), position: None, reason: error.to_string() }.into()
}
