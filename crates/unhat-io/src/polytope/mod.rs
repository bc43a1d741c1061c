//! Polytopes {x : Ax ≥ b} from files that list their inequalities.

mod ine;
mod inequalities;
mod mps;
mod quotient;

pub use inequalities::{IntegerBounds, Polytope};

use crate::fault::Checked;
use crate::format::Suffix;
use crate::open::open_text;
use unhat::Result;

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

fn read(path: &str, integers: IntegerBounds) -> Checked<Polytope> {
    let suffix = Suffix::of(path);
    match suffix.name.as_str() {
        "mps" => mps::read(open_text(path, suffix.gzip)?, integers),
        "ine" => ine::read(open_text(path, suffix.gzip)?),
        _ => Err(suffix.unknown(".mps or .ine (also with .gz)")),
    }
}
