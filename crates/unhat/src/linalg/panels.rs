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

/// Rows of the products of two Gram matrices that are formed at once: two blocks of so many rows and a panel of 64 columns
/// take 128 KB and stay in the second-level cache. Measured: the whole panel at once, 1200 rows, is slower by a twentieth.
const TILE_ROWS: usize = 128;

/// Rows `first..` of a panel of (AAᵀ)∘(DDᵀ) are added to those of `panel`, for row-major A (n rows of `inputs`) and D (n rows
/// of `outputs`); entries above row `first` are left alone.
///
/// # Shapes
/// `panel`: columns `first..` of the n×n matrix, column-major.
pub fn add_gram_product_panel(a: &[f64], inputs: usize, d: &[f64], outputs: usize, first: usize, panel: &mut [f64]) {
    let n = a.len() / inputs;
    let width = panel.len() / n;
    crate::rows::with_scratch(2 * TILE_ROWS * width, |tiles| {
        let (of_a, of_d) = tiles.split_at_mut(TILE_ROWS * width);
        for start in (first..n).step_by(TILE_ROWS) {
            let rows = TILE_ROWS.min(n - start);
            for (factor, size, tile) in [(a, inputs, &mut *of_a), (d, outputs, &mut *of_d)] {
                let (own, others) = (&factor[start * size..(start + rows) * size], &factor[first * size..]);
                let (others, tile) = (&others[..width * size], &mut tile[..rows * width]);
                super::transpose_times_into(own, others, size, rows, width, tile);
            }
            vectorised(|| {
                let tiles = of_a.chunks_exact(rows).zip(of_d.chunks_exact(rows));
                for (column, (of_a, of_d)) in panel.chunks_exact_mut(n).zip(tiles) {
                    let own = column[start..start + rows].iter_mut();
                    own.zip(of_a.iter().zip(of_d)).for_each(|(k, (a, d))| *k += a * d);
                }
            });
        }
    })
}

/// ‖(L⁻¹)eⱼ‖² of the columns j = first.. of the inverse of a lower triangular matrix, one an entry of `out`; of the inverse no
/// more than these columns is formed.
///
/// # Cost
/// (d − first)² flops a column.
pub fn inverse_column_norms(l: &[f64], d: usize, first: usize, out: &mut [f64]) {
    let (size, width) = (d - first, out.len());
    crate::rows::with_scratch(size * width, |columns| {
        columns.fill(0.0);
        (0..width).for_each(|j| columns[j * (size + 1)] = 1.0);
        solve_lower_triangular_in_place(
            MatRef::from_column_major_slice(l, d, d).submatrix(first, first, size, size),
            MatMut::from_column_major_slice_mut(columns, size, width),
            Par::Seq,
        );
        super::row_norms_squared(columns, size, out);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(count: usize) -> Vec<f64> {
        (0..count).map(|k| ((k * k + 7 * k) as f64).sin()).collect()
    }

    #[test]
    fn panels_of_the_product_of_two_gram_matrices_begin_at_the_diagonal() {
        let (n, inputs, outputs, first, width) = (TILE_ROWS + 70, 5, 3, 40, 6);
        let (a, d) = (waves(n * inputs), waves(n * outputs));
        let row = |m: &[f64], size: usize, i: usize| m[i * size..(i + 1) * size].to_vec();
        let mut panel = vec![2.0; n * width];
        add_gram_product_panel(&a, inputs, &d, outputs, first, &mut panel);
        for j in 0..width {
            for i in 0..n {
                let of = |m, size| super::super::dot(&row(m, size, i), &row(m, size, first + j));
                let added = if i < first { 0.0 } else { of(&a, inputs) * of(&d, outputs) };
                assert!((panel[i + j * n] - 2.0 - added).abs() < 1e-13, "{i} {j}");
            }
        }
    }

    #[test]
    fn column_norms_are_those_of_the_inverse() {
        let d = 30;
        let mut l = waves(d * d);
        (0..d).for_each(|j| {
            l[j * d..j * d + j].fill(f64::NAN); // not read
            l[j * (d + 1)] = 3.0 + j as f64;
        });
        let mut found = vec![0.0; d];
        found.chunks_mut(7).enumerate().for_each(|(k, out)| inverse_column_norms(&l, d, 7 * k, out));
        for (j, found) in found.iter().enumerate() {
            let mut x = vec![0.0; d]; // L x = eⱼ by forward substitution
            for i in j..d {
                let sum: f64 = (j..i).map(|k| l[i + k * d] * x[k]).sum();
                x[i] = (f64::from(i == j) - sum) / l[i * (d + 1)];
            }
            let expected = super::super::dot(&x, &x);
            assert!((found - expected).abs() < 1e-12 * expected, "{j}");
        }
    }
}
