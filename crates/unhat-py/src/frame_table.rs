//! A table for models as an object of Python.

use crate::failure::raised;
use crate::given::{self, Used};
use pyo3::prelude::*;
use unhat_models::models::{Column, Frame};

/// A table for models: numbers and words, cells missing. From a path, read as the command line reads it, or from what
/// hands over Arrow: there, categories, truth values and times are words.
#[pyclass(frozen, module = "unhat._unhat")]
pub(crate) struct FrameTable {
    pub frame: Frame,
}

#[pymethods]
impl FrameTable {
    #[new]
    fn new(py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Self> {
        given::table(py, table, Used::All).map(|(frame, _)| FrameTable { frame })
    }

    /// The names of the columns.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.frame.names().to_vec()
    }

    /// Number of rows.
    #[getter]
    fn rows(&self) -> usize {
        self.frame.rows()
    }

    /// The cells of a column: floats or words, None where missing.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Option<Bound<'py, PyAny>>>> {
        let k = self.frame.position("column", name).map_err(|error| raised(py, &error))?;
        let object = |i: usize| -> PyResult<Option<Bound<'py, PyAny>>> {
            match &self.frame.columns()[k] {
                Column::Numbers(values) if values[i].is_nan() => Ok(None),
                Column::Numbers(values) => Ok(Some(values[i].into_pyobject(py)?.into_any())),
                Column::Text(words) => match words.word(i) {
                    Some(word) => Ok(Some(word.into_pyobject(py)?.into_any())),
                    None => Ok(None),
                },
            }
        };
        (0..self.frame.rows()).map(object).collect()
    }
}
