//! A polytope as its inequalities, and the numbers they are written in.

use crate::fault::{Checked, Fault, listed, shown};
use crate::matrix::{Matrix, Storage};
use crate::sparse::{Size, Triplets};
use crate::table::fortran_number as number;

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

/// What holds of an integer column of an MPS file that has no bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntegerBounds {
    /// 0 ≤ x ≤ 1: the convention of CPLEX, Gurobi, SCIP, GLPK and HiGHS.
    #[default]
    Binary,
    /// 0 ≤ x, as for every other column.
    Nonnegative,
}

impl Polytope {
    /// Rows without coefficients say 0 ≥ b: where that holds they are left out, with a note; where not, nothing does.
    pub(super) fn new(
        entries: Triplets,
        columns: usize,
        mut offset: Vec<f64>,
        mut row_names: Vec<String>,
        column_names: Option<Vec<String>>,
    ) -> Checked<Self> {
        let filled = entries.rows_with_entries(offset.len());
        let empty = |i: &usize| !filled[*i];
        if let Some(i) = (0..offset.len()).filter(empty).find(|&i| offset[i] > 0.0) {
            let reason = format!("found no coefficients and 0 ≥ {:?}: no point satisfies the row", offset[i]);
            return Err(Fault::at(format!("row {}", shown(&row_names[i])), reason));
        }
        let left_out: Vec<String> = (0..offset.len()).filter(empty).map(|i| row_names[i].clone()).collect();
        let entries = if left_out.is_empty() || left_out.len() == offset.len() {
            entries
        } else {
            let mut keep = filled.iter();
            offset.retain(|_| keep.next().is_some_and(|filled| *filled));
            let mut keep = filled.iter();
            row_names.retain(|_| keep.next().is_some_and(|filled| *filled));
            entries.without_empty_rows(&filled)
        };
        let size = Size { rows: offset.len(), columns }.check()?;
        let mut matrix = Matrix::new(Storage::Sparse(entries.into_csr(size)?));
        if !left_out.is_empty() && size.rows > 0 && left_out.len() != filled.len() {
            let names = listed(&left_out);
            matrix.notes.push(format!("left out rows without coefficients, which every point satisfies: {names}"));
        }
        Ok(Polytope { matrix, offset, row_names, column_names })
    }
}

/// The finite number that a word says.
pub(super) fn finite(word: &str) -> Checked<f64> {
    match number(word) {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err(Fault::new(format!("found {}, expected a finite number", shown(word)))),
        None => Err(Fault::new(format!("found {}, expected a number", shown(word)))),
    }
}

/// −value, with 0 for 0: a bound of −0 would look odd in messages.
pub(super) fn negated(value: f64) -> f64 {
    0.0 - value
}
