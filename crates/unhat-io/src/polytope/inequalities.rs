//! A polytope as its inequalities, and the numbers they are written in.

use crate::fault::{Checked, Fault, shown};
use crate::matrix::{Matrix, Storage};
use crate::sparse::{Size, Triplets};

/// The polytope {x : Ax ≥ b}, whose interior is {x : Ax > b}; it may be empty, flat or unbounded.
pub struct Polytope {
    /// A, n×d, in compressed sparse rows. Its [`notes`](Matrix::notes) say what the reader left out or decided.
    pub matrix: Matrix,
    /// b, n entries.
    pub offset: Vec<f64>,
    /// The names of the n rows: those of the file; `lower bound of x1` for bounds; else numbers from 1.
    pub row_names: Vec<String>,
    /// The names of the d columns, where the format has them.
    pub column_names: Option<Vec<String>>,
}

impl Polytope {
    pub(super) fn new(
        entries: Triplets,
        columns: usize,
        offset: Vec<f64>,
        row_names: Vec<String>,
        column_names: Option<Vec<String>>,
    ) -> Checked<Self> {
        let size = Size { rows: offset.len(), columns }.check()?;
        let matrix = Matrix::new(Storage::Sparse(entries.into_csr(size)?));
        Ok(Polytope { matrix, offset, row_names, column_names })
    }
}

/// The finite number that a word says.
pub(super) fn finite(word: &str) -> Checked<f64> {
    match word.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(Fault::new(format!("found {}, expected a finite number", shown(word)))),
        Err(_) => Err(Fault::new(format!("found {}, expected a number", shown(word)))),
    }
}

/// −value, with 0 for 0: a bound of −0 would look odd in messages.
pub(super) fn negated(value: f64) -> f64 {
    0.0 - value
}
