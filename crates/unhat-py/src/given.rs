//! Tables, held-out rows, words and vectors of an option, as the core takes them.

use crate::arrow::frame_of;
use crate::data::{Vector, lent};
use crate::failure::{option, raised};
use crate::text::{TableFile, TableText};
use crate::words::in_python;
use crate::work;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyList, PyTuple};
use unhat::Result;
use unhat_io::{Doubt, FrameOptions, read_frame_as};
use unhat_models::models::{Column, Frame, HeldOutRows, Model, TextColumn};
use unhat_models::regression::Specification;

/// A column of a table that does not hand over Arrow.
#[derive(FromPyObject)]
enum Cells<'py> {
    Numbers(PyReadonlyArray1<'py, f64>),
    Words(Vec<Option<String>>),
}

impl Cells<'_> {
    fn column(&self) -> Result<Column> {
        Ok(match self {
            Cells::Numbers(values) => Column::Numbers(lent(values.as_slice().ok())?.to_vec()),
            Cells::Words(words) => Column::Text(TextColumn::new(words.iter().map(Option::as_deref))),
        })
    }
}

/// A table, and what its reader met.
#[derive(Default)]
pub(crate) struct Met {
    /// What the user should know.
    pub notes: Vec<String>,
    /// Rows of the file that were left out, from 0.
    omitted: Vec<usize>,
    /// Columns of text of a file that hardly are one.
    doubts: Vec<Doubt>,
}

impl Met {
    /// Columns of text that hardly are factors are refused where a formula uses them.
    pub fn require_factors(&self, wanted: &Specification, frame: &Frame) -> Result<()> {
        let used = wanted.columns(frame.names())?;
        match self.doubts.iter().find(|doubt| used.contains(&doubt.column)) {
            None => Ok(()),
            Some(doubt) => {
                let reason =
                    doubt.reason.replace("--without leaves the column out", "leave the column out of the formula");
                Err(option("formula", reason))
            }
        }
    }

    /// The rows that a formula leaves out of a table of which the reader left out none.
    pub fn leave_out(&mut self, rows: impl Iterator<Item = usize>) {
        self.omitted.extend(rows);
    }

    /// Where rows of the table stand in its file.
    pub fn in_file(&self, rows: impl Iterator<Item = usize>) -> Vec<i64> {
        let shifted = |row: usize| self.omitted.iter().fold(row, |row, &gone| if gone <= row { row + 1 } else { row });
        rows.map(|row| shifted(row) as i64).collect()
    }
}

/// The columns of a table that are used.
#[derive(Clone, Copy)]
pub(crate) enum Used<'a> {
    /// All, as they are.
    All,
    /// All but these, as features and response.
    Without(&'a [String]),
    /// These.
    Only(&'a [String]),
}

/// The file of a table, where a path is given, or one with how it is written.
pub(crate) fn file_of(given: &Bound<'_, PyAny>) -> PyResult<Option<TableFile>> {
    match given.extract::<String>() {
        Ok(path) => Ok(Some(TableFile(path, TableText::default()))),
        Err(_) if given.is_instance_of::<PyTuple>() => given.extract::<TableFile>().map(Some),
        Err(_) => Ok(None),
    }
}

/// A table for models: a path, or one with how it is written, read as the command line reads it; what hands over Arrow; or a
/// list of named columns.
pub(crate) fn table(py: Python<'_>, given: &Bound<'_, PyAny>, used: Used<'_>) -> PyResult<(Frame, Met)> {
    if let Some(file) = file_of(given)? {
        return work::read(py, || read(&file, used));
    }
    if !given.is_instance_of::<PyList>() {
        return Ok((frame_of(py, given)?, Met::default()));
    }
    let columns: Vec<(String, Cells<'_>)> = given.extract()?;
    let columns = columns.into_iter().map(|(name, cells)| Ok((name, cells.column()?))).collect::<Result<_>>();
    Ok((columns.and_then(Frame::new).map_err(|error| raised(py, &error))?, Met::default()))
}

fn read(TableFile(path, text): &TableFile, used: Used<'_>) -> Result<(Frame, Met)> {
    let (without, only) = match used {
        Used::All => (&[][..], None),
        Used::Without(names) => (names, None),
        Used::Only(names) => (&[][..], Some(names.to_vec())),
    };
    let read = read_frame_as(path, &FrameOptions { dialect: text.dialect()?, without: without.to_vec(), only })?;
    if matches!(used, Used::Without(_)) {
        read.require_features(path, without)?;
    }
    let notes = read.notes.iter().map(|note| in_python(note).0).collect();
    let omitted = read.omitted.iter().map(|row| row.row).collect();
    Ok((read.frame, Met { notes, omitted, doubts: read.doubts }))
}

/// Held-out rows: a number, or a word that is one, is a share; anything else is a table.
pub(crate) fn held_out(py: Python<'_>, name: &str, given: Option<&Py<PyAny>>, used: Used<'_>) -> PyResult<HeldOutRows> {
    let Some(given) = given.map(|given| given.bind(py)) else { return Ok(HeldOutRows::WhereNeeded) };
    let word = match given.extract::<f64>() {
        Ok(share) => Some(share.to_string()),
        Err(_) => given.extract::<String>().ok(),
    };
    let share = word.map(|word| HeldOutRows::share(name, &word)).transpose();
    match share.map_err(|error| raised(py, &error))?.flatten() {
        Some(share) => Ok(HeldOutRows::Share(share)),
        None => table(py, given, used).map(|(frame, _)| HeldOutRows::Table(frame)),
    }
}

/// A word that the core knows, or the path of a file; or values.
#[derive(FromPyObject)]
pub(crate) enum WordOrValues<'py> {
    Word(String),
    Values(Vector<'py>),
}

impl WordOrValues<'_> {
    /// What the word names, else the vector: that of the file where it names nothing.
    pub fn resolve<T>(
        &self,
        what: &str,
        named: impl Fn(&str) -> Result<Option<T>>,
        of_values: impl Fn(Vec<f64>) -> T,
    ) -> Result<T> {
        match self {
            WordOrValues::Values(values) => Ok(of_values(lent(values.as_slice().ok())?.to_vec())),
            WordOrValues::Word(word) => match named(word)? {
                Some(found) => Ok(found),
                None => Ok(of_values(unhat_io::read_vector(word, what)?)),
            },
        }
    }
}

/// The value of an option that the core reads from a word; None stays None.
pub(crate) fn parsed<T: std::str::FromStr<Err = unhat::Error>>(word: Option<&str>) -> Result<Option<T>> {
    word.map(str::parse).transpose()
}

/// A saved model: its file, or the bytes of one.
#[derive(FromPyObject)]
pub(crate) enum ModelGiven {
    Path(String),
    Bytes(PyBackedBytes),
}

impl ModelGiven {
    pub fn read(&self) -> Result<Model> {
        match self {
            ModelGiven::Path(path) => unhat_io::read_model(path),
            ModelGiven::Bytes(bytes) => Model::from_bytes("model", bytes),
        }
    }
}

/// The options of a call; a value of another kind is an error that names its option.
pub(crate) fn options<'a, 'py, T>(py: Python<'py>, given: &'a Bound<'py, PyAny>) -> PyResult<T>
where
    T: FromPyObject<'a, 'py, Error = PyErr>,
{
    given.extract::<T>().map_err(|error| {
        let said = error.value(py).to_string();
        let Some(name) = said.strip_prefix("failed to extract field Options.") else { return error };
        let cause = error.cause(py).map(|cause| cause.value(py).to_string());
        // Of several kinds that it might have been, a list of what each of them says would be no help.
        let reason = cause.filter(|cause| !cause.contains('\n'));
        raised(py, &option(name, reason.unwrap_or_else(|| "found another kind of value than it takes".into())))
    })
}
