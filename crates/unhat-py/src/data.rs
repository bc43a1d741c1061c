//! A and the vectors beside it, as they come from Python: lent by NumPy, or read from a file.

use crate::failure::{option, raised};
use crate::text::TableText;
use crate::words::in_python;
use crate::work;
use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use unhat::rows::{CsrRows, DenseRows};
use unhat::{Error, ErrorKind, Result};
use unhat_io::{Matrix, MatrixRows, Polytope, TableOptions, read_matrix, read_polytope, read_vector_as};

/// A matrix that was read from a file, and the response where a column was one.
#[pyclass(frozen, module = "unhat._unhat")]
pub(crate) struct Table {
    matrix: Matrix,
    response: Option<Vec<f64>>,
    polytope: bool,
}

#[pymethods]
impl Table {
    /// Reads a file of any format that the command line reads; columns, response and intercept are for tables. The file of
    /// a polytope holds b too. `transpose` makes rows of the columns.
    #[new]
    #[pyo3(signature = (path, columns=None, response=None, intercept=false, text=None, transpose=false))]
    fn new(
        py: Python<'_>,
        path: &str,
        columns: Option<Vec<String>>,
        response: Option<String>,
        intercept: bool,
        text: Option<TableText>,
        transpose: bool,
    ) -> PyResult<Self> {
        let read = || -> Result<Table> {
            let said = text.is_some();
            let dialect = text.unwrap_or_default().dialect()?;
            if !holds_polytope(path) {
                let options = TableOptions { columns, response, intercept, dialect, ..TableOptions::default() };
                let Table { mut matrix, response, polytope } = Table::of(read_matrix(path, &options)?);
                if transpose {
                    matrix = matrix.transposed()?;
                }
                return Ok(Table { matrix, response, polytope });
            }
            if said {
                return Err(option("TableFile", "says how a table is written, and this is a polytope; give its path"));
            }
            if columns.is_some() || response.is_some() || intercept {
                let name = if columns.is_some() {
                    "columns"
                } else if response.is_some() {
                    "response"
                } else {
                    "intercept"
                };
                return Err(option(name, "applies to tables, and this is a polytope; leave it out"));
            }
            let Polytope { mut matrix, offset, row_names, column_names } = read_polytope(path)?;
            matrix.row_names = Some(row_names);
            matrix.column_names = column_names;
            Ok(Table { matrix, response: Some(offset), polytope: true })
        };
        work::read(py, read)
    }

    /// Whether the file is one of a polytope {Ax > b}.
    #[getter]
    fn polytope(&self) -> bool {
        self.polytope
    }

    /// The response.
    #[getter]
    fn response<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.response.as_deref().map(|values| PyArray1::from_slice(py, values))
    }

    /// The names of the columns, where there is a header.
    #[getter]
    fn column_names(&self) -> Option<Vec<String>> {
        self.matrix.column_names.clone()
    }

    /// The names of the rows, where there are any.
    #[getter]
    fn row_names(&self) -> Option<Vec<String>> {
        self.matrix.row_names.clone()
    }

    /// What was left out.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.matrix.notes.clone()
    }

    /// The rows of the file that were left out for missing cells, from 0.
    #[getter]
    fn omitted(&self) -> Vec<usize> {
        self.matrix.omitted.iter().map(|row| row.row).collect()
    }

    /// n and d.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        let shape = self.matrix.shape();
        (shape.rows, shape.columns)
    }
}

impl Table {
    /// A table that was read in another way.
    pub fn of(table: unhat_io::Table) -> Table {
        let unhat_io::Table { mut matrix, response, .. } = table;
        matrix.notes.iter_mut().for_each(|note| *note = in_python(note).0);
        Table { matrix, response, polytope: false }
    }

    /// What was read.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }
}

/// The suffixes of polytopes, which no matrix has.
fn holds_polytope(path: &str) -> bool {
    let name = path.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".ine") || name.ends_with(".mps")
}

/// Reads a vector from a file; `what` is what an error calls it.
#[pyfunction]
#[pyo3(signature = (path, what, text=None))]
pub(crate) fn read_vector<'py>(
    py: Python<'py>,
    path: &str,
    what: &str,
    text: Option<TableText>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let read = || read_vector_as(path, what, &text.unwrap_or_default().dialect()?);
    let values = work::read(py, read)?;
    Ok(PyArray1::from_vec(py, values))
}

/// A, lent.
pub(crate) enum Data<'py> {
    Dense(PyReadonlyArrayDyn<'py, f64>),
    Sparse { pointers: Vec<usize>, indices: Vec<u32>, values: PyReadonlyArray1<'py, f64>, columns: usize },
    Read(PyRef<'py, Table>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Data<'py> {
    type Error = PyErr;

    /// An array, the four parts of CSR (pointers, indices, values, number of columns), or a file that was read.
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(table) = object.cast::<Table>() {
            return Ok(Data::Read(table.to_owned().borrow()));
        }
        if let Ok((pointers, indices, values, columns)) = object.extract::<(Whole<'_>, Whole<'_>, _, _)>() {
            let wrong = |what| move |found: i64| whole_failure(object.py(), what, found);
            let pointers = pointers.converted().map_err(wrong("row pointers"))?;
            let indices = indices.converted().map_err(wrong("column indices"))?;
            return Ok(Data::Sparse { pointers, indices, values, columns });
        }
        Ok(Data::Dense(object.extract()?))
    }
}

/// Whole numbers of the two widths that SciPy has.
#[derive(FromPyObject)]
enum Whole<'py> {
    Narrow(PyReadonlyArray1<'py, i32>),
    Wide(PyReadonlyArray1<'py, i64>),
}

impl Whole<'_> {
    /// The numbers as the library has them, or the first that is none.
    fn converted<T: TryFrom<i64>>(&self) -> std::result::Result<Vec<T>, i64> {
        match self {
            Whole::Narrow(array) => {
                array.as_array().iter().map(|&k| T::try_from(k.into()).map_err(|_| k.into())).collect()
            }
            Whole::Wide(array) => array.as_array().iter().map(|&k| T::try_from(k).map_err(|_| k)).collect(),
        }
    }
}

fn whole_failure(py: Python<'_>, what: &str, found: i64) -> PyErr {
    let kind = ErrorKind::Shape {
        what: format!("sparse matrix: {what}"),
        expected: "whole numbers from 0 to 4294967295".into(),
        found: found.to_string(),
    };
    raised(py, &kind.into())
}

impl Data<'_> {
    /// The rows.
    pub fn rows(&self) -> Result<MatrixRows<'_>> {
        match self {
            Data::Read(table) => table.matrix.rows(),
            Data::Sparse { pointers, indices, values, columns } => {
                Ok(MatrixRows::Csr(CsrRows::new(pointers, indices, lent(values.as_slice().ok())?, *columns)?))
            }
            Data::Dense(array) => {
                let &[_, columns] = array.shape() else { return Err(two_dimensions(array.ndim())) };
                Ok(MatrixRows::Dense(DenseRows::new(lent(array.as_slice().ok())?, columns)?))
            }
        }
    }

    /// Whether the rows are those of a polytope {Ax > b} from a file.
    pub fn is_polytope(&self) -> bool {
        matches!(self, Data::Read(table) if table.polytope)
    }

    /// What the reader of a file left out.
    pub fn notes(&self) -> &[String] {
        match self {
            Data::Read(table) => &table.matrix.notes,
            _ => &[],
        }
    }
}

fn two_dimensions(found: usize) -> Error {
    ErrorKind::Shape {
        what: "matrix".into(),
        expected: "two dimensions, rows and columns".into(),
        found: found.to_string(),
    }
    .into()
}

/// A vector, lent.
pub(crate) type Vector<'py> = PyReadonlyArray1<'py, f64>;

/// The values of an array in C order.
pub(crate) fn lent(values: Option<&[f64]>) -> Result<&[f64]> {
    values.ok_or_else(|| {
        let (what, expected, found) = ("array".into(), "values without gaps".into(), "strides".into());
        ErrorKind::Shape { what, expected, found }.into()
    })
}
