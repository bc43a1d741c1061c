//! Decompositions of small matrices: Cholesky, triangular factors by Householder QR, eigenvalues.

use super::{dot, lower_side, solve_lower_rows, solve_lower_transposed_rows, symmetrise, vectorised};
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

/// The solution L⁻¹v.
pub fn solve_lower(l: &[f64], v: &[f64]) -> Vec<f64> {
    let mut x = v.to_vec();
    solve_lower_rows(l, v.len(), &mut x);
    x
}

/// The solution L⁻ᵀv.
pub fn solve_lower_transposed(l: &[f64], v: &[f64]) -> Vec<f64> {
    let mut x = v.to_vec();
    solve_lower_transposed_rows(l, v.len(), &mut x);
    x
}

/// The d×d lower triangular L with BᵀB = LLᵀ for a row-major m×d block B, by Householder QR: Rᵀ with a diagonal that is
/// not negative.
///
/// Our own reflections, because the library's factorisation treats a column whose remainder is below 16·m·ε as dependent
/// and drops it; that remainder is what decides the rank here, and holds the last digits of a matrix of condition 10¹³.
///
/// # Cost
/// 2md² flops, by columns that stay in cache.
pub fn triangular_factor(block: &[f64], d: usize) -> Vec<f64> {
    let m = block.len() / d;
    let mut a = vec![0.0; m * d];
    for (i, row) in block.chunks_exact(d).enumerate() {
        row.iter().enumerate().for_each(|(j, v)| a[i + j * m] = *v);
    }
    vectorised(|| (0..m.min(d)).for_each(|k| reflect(&mut a, m, k)));
    lower_from_upper(&a, m, d)
}

/// Rᵀ (lower triangular) and Qᵀv for the rows [a v] of a row-major block of d + 1 columns: what least squares needs.
pub fn least_squares_factor(block: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let factor = triangular_factor(block, d + 1);
    let lower = (0..d * d).map(|k| factor[k % d + (k / d) * (d + 1)]).collect();
    let right = (0..d).map(|j| factor[d + j * (d + 1)]).collect();
    (lower, right)
}

/// x with Bx = v for a row-major square matrix, by Householder QR; None where B is singular.
pub fn solve_square(rows: &[f64], v: &[f64]) -> Option<Vec<f64>> {
    let d = v.len();
    let block: Vec<f64> = rows.chunks_exact(d).zip(v).flat_map(|(row, v)| row.iter().copied().chain([*v])).collect();
    let (lower, right) = least_squares_factor(&block, d);
    let x = solve_lower_transposed(&lower, &right);
    x.iter().all(|v| v.is_finite()).then_some(x)
}

/// Column-pivoted QR of the rows of a d×d upper triangle Lᵀ: the lower triangular factor of the permuted columns and
/// the permutation (column j of the pivoted matrix is column `order[j]`).
///
/// # Cost
/// 2d³ flops; the norms of the remaining columns are recomputed at every step.
pub fn pivoted_triangular_factor(l: &[f64], d: usize) -> (Vec<f64>, Vec<usize>) {
    let mut a = l.to_vec();
    super::transpose(&mut a, d); // R = Lᵀ, column-major
    let mut order: Vec<usize> = (0..d).collect();
    vectorised(|| {
        for k in 0..d {
            let remaining = |j: usize| dot(&a[j * d + k..(j + 1) * d], &a[j * d + k..(j + 1) * d]);
            let norms: Vec<f64> = (k..d).map(remaining).collect();
            let best = (0..d - k).fold(0, |best, j| if norms[j] > norms[best] { j } else { best }) + k;
            order.swap(k, best);
            if best != k {
                (0..d).for_each(|i| a.swap(i + k * d, i + best * d));
            }
            reflect(&mut a, d, k);
        }
    });
    (lower_from_upper(&a, d, d), order)
}

/// Makes column k of an m-row matrix zero below its diagonal entry by a Householder reflection of rows k and below.
#[inline(always)]
fn reflect(a: &mut [f64], m: usize, k: usize) {
    let (head, tail) = a.split_at_mut((k + 1) * m);
    let column = &mut head[k * m + k..];
    let norm = dot(column, column).sqrt();
    if norm == 0.0 {
        return;
    }
    let alpha = if column[0] > 0.0 { -norm } else { norm };
    column[0] -= alpha; // v = x − αe₁, |v|² = 2(α² − αx₁)
    let scale = 1.0 / (-alpha * column[0]);
    for other in tail.chunks_exact_mut(m) {
        let factor = scale * dot(column, &other[k..]);
        other[k..].iter_mut().zip(&*column).for_each(|(o, v)| *o -= factor * v);
    }
    column.fill(0.0);
    column[0] = alpha;
}

/// Lower triangular Rᵀ (d×d) from the upper triangle of an m×d column-major matrix, rows signed so that Lₖₖ ≥ 0.
fn lower_from_upper(a: &[f64], m: usize, d: usize) -> Vec<f64> {
    let mut l = vec![0.0; d * d];
    for k in 0..m.min(d) {
        let sign = if a[k + k * m] < 0.0 { -1.0 } else { 1.0 };
        (k..d).for_each(|j| l[j + k * d] = sign * a[k + j * m]);
    }
    l
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

/// Singular values (falling) and left singular vectors (columns) of a column-major square matrix; None if the iteration fails.
pub fn left_singular(m: &[f64], d: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let svd = MatRef::from_column_major_slice(m, d, d).svd().ok()?;
    let values = (0..d).map(|i| svd.S()[i]).collect();
    let vectors = (0..d).flat_map(|j| (0..d).map(move |i| (i, j))).map(|(i, j)| svd.U()[(i, j)]).collect();
    Some((values, vectors))
}

/// The Cholesky factor of H with its generalised eigenvalues against a positive definite Q clipped to [low, high]; both
/// are given full. None if Q is not positive definite.
pub fn clip_generalised_eigenvalues(h: &mut [f64], q: &[f64], d: usize, low: f64, high: f64) -> Option<Vec<f64>> {
    let mut root = q.to_vec();
    if !cholesky_in_place(&mut root, d) {
        return None;
    }
    super::whiten_symmetric(&root, d, h);
    let (values, mut vectors) = symmetric_eigen(h, d)?;
    for (value, vector) in values.iter().zip(vectors.chunks_exact_mut(d)) {
        let scale = value.clamp(low, high).sqrt();
        vector.iter_mut().for_each(|v| *v *= scale);
    }
    let mut half = vec![0.0; d * d]; // L_q V Λ^½, whose outer square is the clipped H
    super::add_product(&root, &vectors, d, d, d, &mut half);
    let mut clipped = vec![0.0; d * d];
    super::add_outer_product(&half, &half, d, 1.0, &mut clipped);
    cholesky_in_place(&mut clipped, d).then_some(clipped)
}

/// LLᵀ, full.
pub fn lower_outer_product(l: &[f64], d: usize) -> Vec<f64> {
    let mut product = vec![0.0; d * d];
    super::add_outer_product(l, l, d, 1.0, &mut product);
    symmetrise(&mut product, d);
    product
}

/// M⁻¹ = L⁻ᵀL⁻¹, the full symmetric matrix.
pub fn cholesky_inverse(l: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = super::invert_lower(l, d); // columns of L⁻¹ become columns of L⁻ᵀL⁻¹
    solve_lower_transposed_rows(l, d, &mut inverse);
    symmetrise(&mut inverse, d);
    inverse
}
