//! Decompositions of small matrices: Cholesky, triangular factors by Householder QR, eigenvalues.

use super::{lower_side, solve_lower_rows, solve_lower_transposed_rows, symmetrise};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place as llt, cholesky_in_place_scratch as llt_scratch};
use faer::{Auto, MatMut, MatRef, Par, Spec};

/// Replaces the lower triangle of M by L with M = LLᵀ and clears the rest; false if a pivot is not positive.
pub fn cholesky_in_place(m: &mut [f64], d: usize) -> bool {
    let mut memory = MemBuffer::new(llt_scratch::<f64>(d, Par::Seq, Spec::default()));
    let factored = llt(
        MatMut::from_column_major_slice_mut(m, d, d),
        Default::default(),
        Par::Seq,
        MemStack::new(&mut memory),
        Spec::new(Auto::<f64>::auto()),
    );
    if factored.is_err() || (0..d).any(|i| !(m[i + i * d].is_finite() && m[i + i * d] > 0.0)) {
        return false;
    }
    for j in 1..d {
        m[j * d..j * d + j].fill(0.0);
    }
    true
}

/// x with LLᵀx = v.
pub fn cholesky_solve(l: &[f64], v: &[f64]) -> Vec<f64> {
    let mut x = v.to_vec();
    solve_lower_rows(l, v.len(), &mut x);
    solve_lower_transposed_rows(l, v.len(), &mut x);
    x
}

/// L⁻¹v.
pub fn solve_lower(l: &[f64], v: &[f64]) -> Vec<f64> {
    let mut x = v.to_vec();
    solve_lower_rows(l, v.len(), &mut x);
    x
}

/// L⁻ᵀv.
pub fn solve_lower_transposed(l: &[f64], v: &[f64]) -> Vec<f64> {
    let mut x = v.to_vec();
    solve_lower_transposed_rows(l, v.len(), &mut x);
    x
}

/// The d×d lower triangular L with BᵀB = LLᵀ for a row-major m×d block B, by Householder QR: Rᵀ, the signs of its
/// columns chosen so that the diagonal is not negative. Rows fewer than d are filled up with zeros.
pub fn triangular_factor(block: &[f64], d: usize) -> Vec<f64> {
    let rows = block.len() / d;
    let r = MatRef::from_row_major_slice(block, rows, d).to_owned();
    let qr = r.qr();
    lower_from_upper(qr.thin_R(), rows.min(d), d)
}

fn lower_from_upper(r: MatRef<'_, f64>, rows: usize, d: usize) -> Vec<f64> {
    let mut l = vec![0.0; d * d];
    for k in 0..rows {
        let sign = if r[(k, k)] < 0.0 { -1.0 } else { 1.0 };
        for j in k..d {
            l[j + k * d] = sign * r[(k, j)];
        }
    }
    l
}

/// Column-pivoted QR of the rows of a d×d upper triangle Lᵀ: the lower triangular factor of the permuted columns and
/// the permutation (column j of the pivoted matrix is column `order[j]`).
pub fn pivoted_triangular_factor(l: &[f64], d: usize) -> (Vec<f64>, Vec<usize>) {
    let upper = MatRef::from_column_major_slice(l, d, d).transpose().to_owned();
    let qr = upper.col_piv_qr();
    (lower_from_upper(qr.thin_R(), d, d), qr.P().arrays().0.to_vec())
}

/// Eigenvalues of a symmetric matrix given by its lower triangle, increasing; None if the iteration fails.
pub fn symmetric_eigenvalues(m: &[f64], d: usize) -> Option<Vec<f64>> {
    MatRef::from_column_major_slice(m, d, d).self_adjoint_eigenvalues(lower_side()).ok()
}

/// Eigenvalues (increasing) and eigenvectors (columns) of a symmetric matrix given by its lower triangle.
pub fn symmetric_eigen(m: &[f64], d: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let eigen = MatRef::from_column_major_slice(m, d, d).self_adjoint_eigen(lower_side()).ok()?;
    let values = (0..d).map(|i| eigen.S()[i]).collect();
    let vectors = (0..d).flat_map(|j| (0..d).map(move |i| (i, j))).map(|(i, j)| eigen.U()[(i, j)]).collect();
    Some((values, vectors))
}

/// M⁻¹ = L⁻ᵀL⁻¹, the full symmetric matrix.
pub fn cholesky_inverse(l: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = super::invert_lower(l, d); // columns of L⁻¹ become columns of L⁻ᵀL⁻¹
    solve_lower_transposed_rows(l, d, &mut inverse);
    symmetrise(&mut inverse, d);
    inverse
}
