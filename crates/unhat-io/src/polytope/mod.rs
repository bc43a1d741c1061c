//! Polytopes {x : Ax ≥ b} from files that list their inequalities.

mod ine;
mod inequalities;
mod mps;

pub use inequalities::Polytope;

use crate::fault::Checked;
use crate::format::Suffix;
use crate::open::open_text;
use unhat::Result;

/// Reads a polytope; the suffix of `path` says the format, and `.gz` may follow it.
///
/// **MPS** (`.mps`), free or fixed. A G row is a·x ≥ b, an L row becomes −a·x ≥ −b, and each finite bound of a column
/// becomes a row after those, lower before upper, in the order of the columns. Zero coefficients are left out. A column
/// without bounds has 0 ≤ x; with an upper bound below 0 and no lower bound at all it has none below, as in CPLEX and
/// Gurobi, and a note says so. Bounds of magnitude 1e20 or more are no bounds. Objectives (N rows) and integrality are left
/// out, with a note.
///
/// **H-representation** (`.ine`) of cddlib and lrs: a row β α₁ … α_d is β + α·x ≥ 0, so that the row of A is α and the
/// entry of b is −β. Rationals p/q become the quotient of the two rounded integers. Options are
/// ignored, but `nonnegative`, which adds rows, is an error.
///
/// Equalities (E rows, RANGES, FX bounds and two equal ones, `linearity`) are not supported yet: an error names the first.
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
    read(path).map_err(|fault| fault.in_input(path))
}

fn read(path: &str) -> Checked<Polytope> {
    let suffix = Suffix::of(path);
    match suffix.name.as_str() {
        "mps" => mps::read(open_text(path, suffix.gzip)?),
        "ine" => ine::read(open_text(path, suffix.gzip)?),
        _ => Err(suffix.unknown(".mps or .ine (also with .gz)")),
    }
}
