//! The files that make up a problem: the matrix, and the vectors that belong to it.

use crate::failure::{Failure, option_failure};
use crate::options::MatrixInput;
use crate::session::Session;
use unhat::rows::require_vector;
use unhat_io::{Table, TableOptions, read_matrix, read_vector};

/// Reads the matrix, and the response where one was asked for; says what the reader left out.
pub(crate) fn read_table(input: &MatrixInput, session: &mut Session<'_>) -> Result<Table, Failure> {
    let options =
        TableOptions { columns: input.columns.clone(), response: input.response.clone(), intercept: input.intercept };
    let table = read_matrix(&input.matrix, &options)?;
    for note in &table.matrix.notes {
        session.record(note);
    }
    Ok(table)
}

/// Reads a vector of a known length; `what` is its option without the dashes.
pub(crate) fn read_numbers(path: &str, what: &str, length: usize) -> Result<Vec<f64>, Failure> {
    let values = read_vector(path, what)?;
    require_vector(&format!("{what} {path}"), &values, length)?;
    Ok(values)
}

/// b: the response of the table, or the file of `--offset`.
pub(crate) fn read_offset(offset: Option<&str>, table: &mut Table) -> Result<Vec<f64>, Failure> {
    match (offset, table.response.take()) {
        (Some(path), _) => read_numbers(path, "offset", table.matrix.shape().rows),
        (None, Some(response)) => Ok(response),
        (None, None) => Err(option_failure("--offset", "missing; give a file, or with a table --response COLUMN")),
    }
}

/// Standard input can be read once.
pub(crate) fn require_one_reader_of_stdin(paths: &[(&str, Option<&str>)]) -> Result<(), Failure> {
    let readers: Vec<&str> = paths.iter().filter(|(_, path)| *path == Some("-")).map(|(option, _)| *option).collect();
    match readers[..] {
        [first, second, ..] => {
            Err(option_failure(second, format!("standard input is read by {first} already; give a file")))
        }
        _ => Ok(()),
    }
}
