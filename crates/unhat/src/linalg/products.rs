//! Products of rectangular matrices in the shapes that layers of a network need.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// c += α a·bᵀ for column-major a (m×k), b (n×k) and c (m×n).
///
/// With row-major factors A (k rows of m) and D (k rows of n) this is Σᵢ dᵢaᵢᵀ, row-major n×m.
pub fn add_product_with_transpose(a: &[f64], b: &[f64], m: usize, n: usize, alpha: f64, c: &mut [f64]) {
    let k = a.len() / m;
    matmul(
        MatMut::from_column_major_slice_mut(c, m, n),
        Accum::Add,
        MatRef::from_column_major_slice(a, m, k),
        MatRef::from_column_major_slice(b, n, k).transpose(),
        alpha,
        Par::Seq,
    );
}

/// c = α a·bᵀ for column-major a (m×k), b (n×k) and c (m×n): [`add_product_with_transpose`] on a c of zeros.
pub fn product_with_transpose_into(a: &[f64], b: &[f64], m: usize, n: usize, alpha: f64, c: &mut [f64]) {
    let k = a.len() / m;
    matmul(
        MatMut::from_column_major_slice_mut(c, m, n),
        Accum::Replace,
        MatRef::from_column_major_slice(a, m, k),
        MatRef::from_column_major_slice(b, n, k).transpose(),
        alpha,
        Par::Seq,
    );
}

/// c = aᵀ·b for column-major a (k×m), b (k×n) and c (m×n).
///
/// With a row-major W (m rows of k) and row-major A (n rows of k) this is A·Wᵀ, row-major n×m.
pub fn transpose_times_into(a: &[f64], b: &[f64], k: usize, m: usize, n: usize, c: &mut [f64]) {
    matmul(
        MatMut::from_column_major_slice_mut(c, m, n),
        Accum::Replace,
        MatRef::from_column_major_slice(a, k, m).transpose(),
        MatRef::from_column_major_slice(b, k, n),
        1.0,
        Par::Seq,
    );
}

/// c = a·b for column-major a (m×k), b (k×n) and c (m×n).
pub fn product_into(a: &[f64], b: &[f64], m: usize, k: usize, n: usize, c: &mut [f64]) {
    matmul(
        MatMut::from_column_major_slice_mut(c, m, n),
        Accum::Replace,
        MatRef::from_column_major_slice(a, m, k),
        MatRef::from_column_major_slice(b, k, n),
        1.0,
        Par::Seq,
    );
}

/// An orthonormal basis of the columns of a d×r matrix, r ≤ d.
///
/// # Cost
/// 4dr² flops.
pub fn orthonormal_basis(y: &[f64], d: usize, r: usize) -> Vec<f64> {
    let q = MatRef::from_column_major_slice(y, d, r).qr().compute_thin_Q();
    (0..r).flat_map(|j| (0..d).map(move |i| (i, j))).map(|(i, j)| q[(i, j)]).collect()
}
