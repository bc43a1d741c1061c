//! Where the numbers of a result go: a file whose suffix says the format, or standard output.

use crate::failure::Failure;
use crate::options::Output;
use unhat_io::{check_output, write_vector};

/// The file of `-o`, or standard output.
pub(crate) struct Destination<'a>(Option<&'a str>);

impl<'a> Destination<'a> {
    /// Checks before the work whether the file can be written after it.
    pub fn of(output: &'a Output) -> Result<Self, Failure> {
        if let Some(path) = &output.output {
            check_output(path)?;
        }
        Ok(Destination(output.output.as_deref()))
    }

    pub fn on_stdout(&self) -> bool {
        self.0.is_none()
    }

    /// Writes the file, where there is one.
    pub fn store(&self, column: &str, names: Option<&[String]>, values: &[f64]) -> Result<(), Failure> {
        match self.0 {
            Some(path) => Ok(write_vector(path, column, names, values)?),
            None => Ok(()),
        }
    }
}
