//! Polytopes {x : Ax ≥ b} from files that list their inequalities.

mod ine;
mod mps;
mod quotient;

use crate::fault::{Checked, Fault, listed, shown};
use crate::format::Suffix;
use crate::matrix::{Matrix, Storage};
use crate::open::open_text;
use crate::sparse::{Size, Triplets};
use crate::table::fortran_number as number;
use unhat::Result;

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

/// Reads a polytope; the suffix of `path` says the format, and `.gz` may follow it.
///
/// **MPS** (`.mps`), free or fixed. A G row is a·x ≥ b, an L row becomes −a·x ≥ −b, and each finite bound of a column
/// becomes a row after those, lower before upper, in the order of the columns. A range makes a row two, `lower side of R`
/// before `upper side of R`. Zero coefficients are left out, and so are rows without coefficients that hold everywhere, with
/// a note. Numbers may have the D exponents of Fortran. A column
/// without bounds has 0 ≤ x; with an upper bound below 0 and no lower bound at all it has none below, as in CPLEX and
/// Gurobi, and a note says so. Bounds of magnitude 1e20 or more are no bounds. Objectives (N rows, QUADOBJ, QMATRIX, QSECTION) and
/// integrality are left out, with a note; integer columns without bounds are in [0, 1] unless [`IntegerBounds`] says other.
///
/// **H-representation** (`.ine`) of cddlib and lrs: a row β α₁ … α_d is β + α·x ≥ 0, so that the row of A is α and the
/// entry of b is −β. Rationals p/q of any length become the nearest double. Numbers may be
/// broken into lines anywhere; the line `H-representation` may be missing. Options are
/// ignored, but `nonnegative`, which adds rows, is an error, and so is text after `end` that is such an option.
///
/// Equalities (E rows, ranges of 0, FX bounds and two equal ones, `linearity`) are not supported yet: an error names the first.
///
/// # Shapes
/// n, d ≥ 1.
/// # Cost
/// One pass over the file; memory for its names, 32 bytes for each coefficient and 40 for each row.
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) with the file, the line, what was found and what was expected.
/// # Examples
/// ```
/// use unhat_io::read_polytope;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("triangle.mps").display().to_string();
/// std::fs::write(&path, "NAME triangle\nROWS\n N cost\n L sum\nCOLUMNS\n x sum 1\n y sum 1 cost 3\nRHS\n RHS sum 4\nENDATA\n")?;
/// let triangle = read_polytope(&path)?;
/// assert_eq!(triangle.row_names, ["sum", "lower bound of x", "lower bound of y"]);
/// assert_eq!(triangle.offset, [-4.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_polytope(path: &str) -> Result<Polytope> {
    read_polytope_as(path, IntegerBounds::default())
}

/// The same with a convention for integer columns of MPS files that have no bounds.
///
/// # Errors
/// As [`read_polytope`].
pub fn read_polytope_as(path: &str, integers: IntegerBounds) -> Result<Polytope> {
    read(path, integers).map_err(|fault| fault.in_input(path))
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

fn read(path: &str, integers: IntegerBounds) -> Checked<Polytope> {
    let suffix = Suffix::of(path);
    match suffix.name.as_str() {
        "mps" => mps::read(open_text(path, suffix.gzip)?, integers),
        "ine" => ine::read(open_text(path, suffix.gzip)?),
        _ => Err(suffix.unknown(".mps or .ine (also with .gz)")),
    }
}

impl Polytope {
    /// Rows without coefficients say 0 ≥ b: where that holds they are left out, with a note; where not, nothing does.
    fn new(
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
fn finite(word: &str) -> Checked<f64> {
    match number(word) {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err(Fault::new(format!("found {}, expected a finite number", shown(word)))),
        None => Err(Fault::new(format!("found {}, expected a number", shown(word)))),
    }
}

/// −value, with 0 for 0: a bound of −0 would look odd in messages.
fn negated(value: f64) -> f64 {
    0.0 - value
}
