//! Where the numbers of a result go: a file whose suffix says the format, or standard output.

use crate::failure::Failure;
use crate::options::Output;
use crate::session::Session;
use unhat_io::{RowLabels, check_output, is_formula, write_of_rows, write_vector};

/// Says where names in a table are written so that no spreadsheet runs them.
pub(crate) fn note_formulas(cells: impl IntoIterator<Item = String>, path: &str, session: &mut Session<'_>) {
    let count = cells.into_iter().filter(|cell| is_formula(cell)).count();
    if count > 0 {
        session.note(&format!(
            "{path}: {count} cells of names begin as a formula would; each has an apostrophe before it"
        ));
    }
}

/// The file of `-o`, or standard output.
pub(crate) struct Destination<'a>(Option<&'a str>);

impl<'a> Destination<'a> {
    /// Checks before the work whether the file can be written after it.
    pub fn of(output: &'a Output) -> Result<Self, Failure> {
        Destination::named(output.output.as_deref())
    }

    /// The same for the file of another option.
    pub fn named(path: Option<&'a str>) -> Result<Self, Failure> {
        path.map(check_output).transpose()?;
        Ok(Destination(path))
    }

    pub fn on_stdout(&self) -> bool {
        self.0.is_none()
    }

    /// Writes the file, where there is one.
    pub fn store_of_rows(&self, column: &str, labels: &RowLabels<'_>, values: &[f64]) -> Result<(), Failure> {
        match self.0 {
            Some(path) => Ok(write_of_rows(path, column, labels, values)?),
            None => Ok(()),
        }
    }

    /// Writes the file, where there is one.
    pub fn store(&self, column: &str, names: Option<&[String]>, values: &[f64]) -> Result<(), Failure> {
        match self.0 {
            Some(path) => Ok(write_vector(path, column, names, values)?),
            None => Ok(()),
        }
    }
}
