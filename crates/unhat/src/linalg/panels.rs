//! Kernels for Gram matrices too large for one core: a panel is a few whole columns, and panels do not depend on each
//! other within one step, so that cores can share them without changing a bit.

use super::vectorised;
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, MatMut, MatRef, Par};

/// The products uₐuᵦ, a ≤ b, of every row of a row-major block: d(d+1)/2 values a row.
pub fn row_pair_products(block: &[f64], d: usize, out: &mut [f64]) {
    vectorised(|| {
        for (u, out) in block.chunks_exact(d).zip(out.chunks_exact_mut(d * (d + 1) / 2)) {
            let mut rest = out;
            for a in 0..d {
                let (head, tail) = rest.split_at_mut(d - a);
                let factor = u[a];
                head.iter_mut().zip(&u[a..]).for_each(|(o, b)| *o = factor * b);
                rest = tail;
            }
        }
    })
}

/// Rows `first..` of a panel of a Gram matrix += those of ZᵀZ, for row-major rows Z of `d` values.
///
/// The panel holds columns `first..` of the d×d matrix, column-major; entries above row `first` are left alone.
pub fn add_gram_panel(rows: &[f64], d: usize, first: usize, panel: &mut [f64]) {
    let (width, count) = (panel.len() / d, rows.len() / d);
    let transposed = MatRef::from_column_major_slice(rows, d, count);
    matmul(
        MatMut::from_column_major_slice_mut(panel, d, width).subrows_mut(first, d - first),
        Accum::Add,
        transposed.subrows(first, d - first),
        transposed.subrows(first, width).transpose(),
        1.0,
        Par::Seq,
    );
}

/// Rows `first..` of a panel −= L[first.., k] L[first..first+width, k]ᵀ for a finished panel k of a Cholesky factor.
pub fn subtract_panel_product(finished: &[f64], d: usize, first: usize, panel: &mut [f64]) {
    let (inner, width) = (finished.len() / d, panel.len() / d);
    let finished = MatRef::from_column_major_slice(finished, d, inner);
    matmul(
        MatMut::from_column_major_slice_mut(panel, d, width).subrows_mut(first, d - first),
        Accum::Add,
        finished.subrows(first, d - first),
        finished.subrows(first, width).transpose(),
        -1.0,
        Par::Seq,
    );
}

/// Finishes a panel of a Cholesky factorisation whose earlier panels have been subtracted; false if a pivot is not
/// positive.
pub fn finish_cholesky_panel(d: usize, first: usize, panel: &mut [f64]) -> bool {
    let width = panel.len() / d;
    let mut corner: Vec<f64> = (0..width * width).map(|k| panel[(k / width) * d + first + k % width]).collect();
    if !super::cholesky_in_place(&mut corner, width) {
        return false;
    }
    for (j, column) in panel.chunks_exact_mut(d).enumerate() {
        column[first..first + width].copy_from_slice(&corner[j * width..(j + 1) * width]);
    }
    let below = d - first - width;
    // B ← B L⁻ᵀ, that is Bᵀ ← L⁻¹Bᵀ.
    solve_lower_triangular_in_place(
        MatRef::from_column_major_slice(&corner, width, width),
        MatMut::from_column_major_slice_mut(panel, d, width).subrows_mut(first + width, below).transpose_mut(),
        Par::Seq,
    );
    true
}
