//! The files that make up a problem: the matrix, and the vectors that belong to it.

use crate::failure::{Failure, option_failure};
use crate::options::MatrixInput;
use crate::session::Session;
use crate::table_options::TableText;
use unhat::memory::memory_limit;
use unhat::rows::require_vector;
use unhat_io::{Holding, IntegerBounds, Matrix, Polytope, TableOptions, read_matrix, read_polytope_as, read_vector_as};

/// How often a computation goes over the rows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sweeps {
    /// Two or three times, with so many numbers a row beside the table: files of columns are read again.
    Few(usize),
    /// As long as a solver needs: what fits is held.
    Many,
}

/// Bytes of numbers in Parquet that are held for two or three sweeps: more is unpacked again, which costs less than its place.
const HELD_FOR_FEW: u64 = 64 << 20;

/// Numbers a row of two points of a solver: b, signs, slacks, their inverses, scores.
const VECTORS_OF_SOLVERS: usize = 8;

impl Sweeps {
    fn holding(self, threads: usize) -> Holding {
        let (columns, vectors) = match self {
            Sweeps::Few(vectors) => (Some(HELD_FOR_FEW.min(memory_limit() / 8)), vectors),
            Sweeps::Many => (None, VECTORS_OF_SOLVERS),
        };
        Holding { read: None, columns, vectors, threads: Some(threads) }
    }
}

/// A, and b where there is one.
pub(crate) struct System {
    pub matrix: Matrix,
    offset: Option<Vec<f64>>,
    pub case_weights: Option<Vec<f64>>,
}

impl System {
    /// Reads A; b from the file of `--offset`, the response of a table, or the polytope that A belongs to. Says what the
    /// reader left out.
    pub fn read(input: &MatrixInput, offset: Option<&str>, session: &mut Session<'_>) -> Result<Self, Failure> {
        System::read_weighted(input, offset, (None, Sweeps::Many), session)
    }

    /// The same with a weight for each row from the column `case_weights`, for a computation of so many sweeps.
    pub fn read_weighted(
        input: &MatrixInput,
        offset: Option<&str>,
        (case_weights, sweeps): (Option<&str>, Sweeps),
        session: &mut Session<'_>,
    ) -> Result<Self, Failure> {
        if let (Some(option), Some(_)) = (input.text.first_given(), &input.polytope) {
            return Err(option_failure(option, "says how a table is written, and --polytope is none"));
        }
        let mut system = match (&input.polytope, &input.matrix) {
            (Some(path), _) => System::of_polytope(read_polytope_as(
                path,
                input.integer_bounds.map_or(IntegerBounds::default(), Into::into),
            )?),
            (None, Some(path)) => {
                let MatrixInput { columns, response, without, intercept, text, .. } = input.clone();
                let dialect = text.dialect();
                let weights = case_weights.map(str::to_string);
                let holding = sweeps.holding(session.threads());
                let options = TableOptions {
                    columns,
                    response,
                    weights,
                    without,
                    intercept,
                    dialect,
                    holding,
                    factors: Vec::new(),
                };
                let table = read_matrix(path, &options)?;
                System { matrix: table.matrix, offset: table.response, case_weights: table.weights }
            }
            (None, None) => return Err(option_failure("--matrix", "missing; give a file, or a polytope")),
        };
        for note in &system.matrix.notes {
            session.note(note);
        }
        if let Some(path) = offset {
            system.offset = Some(read_of_rows(path, "offset", &system.matrix, &input.text)?);
        }
        Ok(system)
    }

    fn of_polytope(polytope: Polytope) -> Self {
        let Polytope { mut matrix, offset, row_names, column_names } = polytope;
        matrix.row_names = Some(row_names);
        matrix.column_names = column_names;
        System { matrix, offset: Some(offset), case_weights: None }
    }

    /// Leaves out rows without coefficients whose b is 0, with a note: 0·x ≥ 0 holds everywhere, and their slack is 0.
    pub fn leave_out_empty_rows(&mut self, session: &mut Session<'_>) -> Result<(), Failure> {
        let Some(offset) = &mut self.offset else { return Ok(()) };
        if let Some(note) = self.matrix.leave_out_empty_rows(offset)? {
            session.note(&note);
        }
        Ok(())
    }

    /// b, or an error that says how to give one.
    pub fn offset(&self) -> Result<&[f64], Failure> {
        let missing = || option_failure("--offset", "missing; give a file, or with a table --response COLUMN");
        self.offset.as_deref().ok_or_else(missing)
    }
}

/// Reads a vector of a known length; `what` is its option without the dashes.
pub(crate) fn read_numbers(path: &str, what: &str, length: usize, text: &TableText) -> Result<Vec<f64>, Failure> {
    let values = read_vector_as(path, what, &text.dialect())?;
    require_vector(&format!("{what} {path}"), &values, length)?;
    Ok(values)
}

/// Reads a vector with a value for each row: of the file, or of the rows that were not left out of it.
pub(crate) fn read_of_rows(path: &str, what: &str, matrix: &Matrix, text: &TableText) -> Result<Vec<f64>, Failure> {
    let mut values = read_vector_as(path, what, &text.dialect())?;
    if !matrix.omitted.is_empty() && values.len() == matrix.shape().rows + matrix.omitted.len() {
        for row in matrix.omitted.iter().rev() {
            values.remove(row.row);
        }
    }
    require_vector(&format!("{what} {path}"), &values, matrix.shape().rows)?;
    Ok(values)
}

/// Row numbers count the rows of the file: they cannot be told where some were left out.
pub(crate) fn require_all_rows(matrix: &Matrix, option: &str) -> Result<(), Failure> {
    match matrix.omitted.is_empty() {
        true => Ok(()),
        false => Err(option_failure(
            option,
            "counts the rows of the file, and some of them are left out; remove them from it",
        )),
    }
}

/// Reads the weights of the regulariser: one number for all rows, or a file with one for each.
pub(crate) fn read_weights(words: &str, rows: usize, text: &TableText) -> Result<Vec<f64>, Failure> {
    let refused = |found: &str| {
        let reason = format!("found {found}, expected a number that is not negative, or a file of {rows} such numbers");
        Err(option_failure("--weights", reason))
    };
    match words.parse::<f64>() {
        Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(vec![weight; rows]),
        Ok(_) => refused(words),
        Err(_) if !words.contains('.') && words != "-" => refused(&format!("{words:?}")), // no suffix, so no file
        Err(_) => read_numbers(words, "weights", rows, text),
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
