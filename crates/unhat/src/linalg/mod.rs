//! Dense kernels on plain slices: the only room that names the linear-algebra library.
//!
//! Blocks of rows are row-major (n×d); d×d matrices are column-major, and of symmetric ones only the lower triangle
//! is read. A row-major block is its own transpose in column-major order, so that nothing is ever rearranged.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::{matmul, triangular_inverse, triangular_solve};
use faer::{Accum, MatMut, MatRef, Par, Side};

mod decompose;
mod ordering;
mod panels;
mod products;
pub use decompose::*;
pub use ordering::*;
pub use panels::*;
pub use products::*;

/// Runs a loop with the widest vector instructions the processor has.
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    struct Body<F>(F);
    impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Body<F> {
        type Output = R;
        #[inline(always)]
        fn call(self) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Body(f))
}

/// The vector instructions that kernels take here: where they differ, last bits do.
pub fn kernels() -> String {
    let name = format!("{:?}", pulp::Arch::new());
    name.chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// Σ aᵢbᵢ in eight interleaved partial sums.
#[inline(always)]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_lanes.zip(b_lanes) {
        for k in 0..LANES {
            sums[k] += x[k] * y[k];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + rest
}

/// The Euclidean norm ‖v‖₂.
pub fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

/// yᵢ = aᵢ·x over a row-major block.
pub fn rows_times_vector(block: &[f64], d: usize, x: &[f64], y: &mut [f64]) {
    vectorised(|| {
        for (row, y) in block.chunks_exact(d).zip(y.iter_mut()) {
            *y = dot(row, x);
        }
    })
}

/// out += Σ uᵢ aᵢ over a row-major block.
pub fn add_transposed_rows_times_vector(block: &[f64], d: usize, u: &[f64], out: &mut [f64]) {
    vectorised(|| {
        for (row, &u) in block.chunks_exact(d).zip(u) {
            for (o, a) in out.iter_mut().zip(row) {
                *o += u * a;
            }
        }
    })
}

/// yᵢ = ‖aᵢ‖² over a row-major block.
pub fn row_norms_squared(block: &[f64], d: usize, y: &mut [f64]) {
    vectorised(|| {
        for (row, y) in block.chunks_exact(d).zip(y.iter_mut()) {
            *y = dot(row, row);
        }
    })
}

/// yᵢ = aᵢ·bᵢ, row by row of two row-major blocks.
pub fn row_dots(a: &[f64], b: &[f64], d: usize, y: &mut [f64]) {
    vectorised(|| {
        for ((a, b), y) in a.chunks_exact(d).zip(b.chunks_exact(d)).zip(y.iter_mut()) {
            *y = dot(a, b);
        }
    })
}

/// Row i of `out` = weightᵢ · row i of `block`.
pub fn scale_rows_into(block: &[f64], d: usize, weight: impl Fn(usize) -> f64, out: &mut [f64]) {
    vectorised(|| {
        for (i, (row, out)) in block.chunks_exact(d).zip(out.chunks_exact_mut(d)).enumerate() {
            let w = weight(i);
            for (o, a) in out.iter_mut().zip(row) {
                *o = w * a;
            }
        }
    })
}

/// lower(gram) += Σ leftᵢ rightᵢᵀ: with right = diag(w)·left, the weighted Gram matrix of a row-major block.
pub fn add_gram(left: &[f64], right: &[f64], d: usize, gram: &mut [f64]) {
    let rows = left.len() / d;
    triangular::matmul(
        MatMut::from_column_major_slice_mut(gram, d, d),
        BlockStructure::TriangularLower,
        Accum::Add,
        MatRef::from_column_major_slice(left, d, rows),
        BlockStructure::Rectangular,
        MatRef::from_column_major_slice(right, d, rows).transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// lower(slab) += Σ weight(i) tailᵢ tailᵢᵀ, where tailᵢ is row i without its first b entries: one slice of a third moment.
pub fn add_gram_tail(rows: &[f64], d: usize, b: usize, weight: impl Fn(usize) -> f64, slab: &mut [f64]) {
    let (n, size) = (rows.len() / d, d - b);
    crate::rows::with_scratch(n * size, |scaled| {
        vectorised(|| {
            for (i, (row, out)) in rows.chunks_exact(d).zip(scaled.chunks_exact_mut(size)).enumerate() {
                let w = weight(i);
                out.iter_mut().zip(&row[b..]).for_each(|(o, a)| *o = w * a);
            }
        });
        triangular::matmul(
            MatMut::from_column_major_slice_mut(slab, size, size),
            BlockStructure::TriangularLower,
            Accum::Add,
            MatRef::from_column_major_slice(rows, d, n).subrows(b, size),
            BlockStructure::Rectangular,
            MatRef::from_column_major_slice(scaled, size, n).transpose(),
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
    })
}

/// out = block · S for a row-major n×d block and a full d×d matrix S (its transpose is used: S is symmetric in all uses).
pub fn rows_times_symmetric(block: &[f64], d: usize, s: &[f64], out: &mut [f64]) {
    let rows = block.len() / d;
    matmul::matmul(
        MatMut::from_column_major_slice_mut(out, d, rows),
        Accum::Replace,
        MatRef::from_column_major_slice(s, d, d),
        MatRef::from_column_major_slice(block, d, rows),
        1.0,
        Par::Seq,
    );
}

/// c += a·b for column-major matrices m×k and k×n.
pub fn add_product(a: &[f64], b: &[f64], m: usize, k: usize, n: usize, c: &mut [f64]) {
    matmul::matmul(
        MatMut::from_column_major_slice_mut(c, m, n),
        Accum::Add,
        MatRef::from_column_major_slice(a, m, k),
        MatRef::from_column_major_slice(b, k, n),
        1.0,
        Par::Seq,
    );
}

/// c += α a·bᵀ for column-major d×k matrices a, b; all of the d×d result.
pub fn add_outer_product(a: &[f64], b: &[f64], d: usize, alpha: f64, c: &mut [f64]) {
    let k = a.len() / d;
    matmul::matmul(
        MatMut::from_column_major_slice_mut(c, d, d),
        Accum::Add,
        MatRef::from_column_major_slice(a, d, k),
        MatRef::from_column_major_slice(b, d, k).transpose(),
        alpha,
        Par::Seq,
    );
}

/// Each row a of a row-major block becomes L⁻¹a.
pub fn solve_lower_rows(l: &[f64], d: usize, block: &mut [f64]) {
    let rows = block.len() / d;
    triangular_solve::solve_lower_triangular_in_place(
        MatRef::from_column_major_slice(l, d, d),
        MatMut::from_column_major_slice_mut(block, d, rows),
        Par::Seq,
    );
}

/// Each row a of a row-major block becomes L⁻ᵀa.
pub fn solve_lower_transposed_rows(l: &[f64], d: usize, block: &mut [f64]) {
    let rows = block.len() / d;
    triangular_solve::solve_upper_triangular_in_place(
        MatRef::from_column_major_slice(l, d, d).transpose(),
        MatMut::from_column_major_slice_mut(block, d, rows),
        Par::Seq,
    );
}

/// L⁻¹, lower triangular.
pub fn invert_lower(l: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; d * d];
    triangular_inverse::invert_lower_triangular(
        MatMut::from_column_major_slice_mut(&mut inverse, d, d),
        MatRef::from_column_major_slice(l, d, d),
        Par::Seq,
    );
    inverse
}

/// Mirrors the lower triangle of a column-major matrix to the upper one.
pub fn symmetrise(m: &mut [f64], d: usize) {
    for j in 0..d {
        for i in j + 1..d {
            m[j + i * d] = m[i + j * d];
        }
    }
}

/// S v for a full symmetric matrix.
pub fn symmetric_times_vector(s: &[f64], v: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; v.len()];
    rows_times_vector(s, v.len(), v, &mut out);
    out
}

/// L v for a lower triangular matrix.
pub fn lower_times_vector(l: &[f64], v: &[f64]) -> Vec<f64> {
    let d = v.len();
    let mut out = vec![0.0; d];
    for j in 0..d {
        for i in j..d {
            out[i] += l[i + j * d] * v[j];
        }
    }
    out
}

/// Lᵀ v for a lower triangular matrix.
pub fn lower_transposed_times_vector(l: &[f64], v: &[f64]) -> Vec<f64> {
    let d = v.len();
    (0..d).map(|j| dot(&l[j * d + j..(j + 1) * d], &v[j..])).collect()
}

/// L⁻¹ S L⁻ᵀ for a symmetric S given by its lower triangle; the full result, symmetric to the last bit.
pub fn whiten_symmetric(l: &[f64], d: usize, s: &mut [f64]) {
    symmetrise(s, d);
    solve_lower_rows(l, d, s); // columns: L⁻¹S
    transpose(s, d);
    solve_lower_rows(l, d, s); // L⁻¹(L⁻¹S)ᵀ = L⁻¹SL⁻ᵀ
    symmetrise(s, d);
}

/// Transposes a square matrix in place.
pub fn transpose(m: &mut [f64], d: usize) {
    for j in 0..d {
        for i in j + 1..d {
            m.swap(i + j * d, j + i * d);
        }
    }
}

fn lower_side() -> Side {
    Side::Lower
}
